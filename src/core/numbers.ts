/**
 * Small arithmetic that several rules share: quorums, lease length, term bounds, hashes, the PRNG step.
 * A leaf; pure functions of numbers and texts.
 */
import type { Term } from './types'

/** Largest term that is ever used: one below the largest safe integer (R44). */
export const MAX_TERM: Term = Number.MAX_SAFE_INTEGER - 1

/** A term may not lie further above the known one than this (R44). */
export const MAX_TERM_JUMP = 1_000_000

/** A jump above this is adopted once a minute at most (R44). */
export const LARGE_TERM_JUMP = 1_000
export const LARGE_TERM_JUMP_INTERVAL_MS = 60_000

/** Nor may a word of operators lie further above the newest known one than this (R80). */
export const MAX_PAUSE_JUMP = 1_000_000

/** Smallest number of voters such that any two sets of it intersect. */
export function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1
}

/**
 * len(D): how long a holder may count a promise of `promiseMs`, on its own clock, from the instant of sending (R13, A2).
 * Each clock may be off by rho, hence the quotient; `deltaMs` pays for the resolution.
 */
export function leaseLength(promiseMs: number, rho: number, deltaMs: number): number {
  return (promiseMs * (1 - rho)) / (1 + rho) - deltaMs
}

/** 32-bit FNV-1a with a final mix, so that neighbouring names spread (R69). */
export function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** One step of mulberry32: the next state and a number in [0, 1). Liveness only: never a secret, never a nonce of security. */
export function nextRandom(state: number): { readonly state: number; readonly value: number } {
  const next = (state + 0x6d2b79f5) | 0
  let t = Math.imul(next ^ (next >>> 15), 1 | next)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return { state: next, value: ((t ^ (t >>> 14)) >>> 0) / 4294967296 }
}

/** Most contenders that a voter names to an observer that leads. */
export const MAX_STANDING = 8

/** Campaigns of one process at once: at first, and the bounds between which it finds what all can answer in time (A.10.5). */
export const STAND_AT_FIRST = 256
export const STAND_AT_LEAST = 16
export const STAND_AT_MOST = 2_048

/** Of the campaigns without an answer, how many a heartbeat asks for again. */
export const ASKED_AGAIN = 512

/** Up to so many statements or campaigns are repeated with the next heartbeat, whether or not an answer can have come. */
export const FEW = 64
