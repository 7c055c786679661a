/**
 * How long a promise to ask for: it grows when renewals come late, and shrinks slowly when they do not (liveness).
 *
 * D is what the sender of a heartbeat asks for, and travels in it (R18): whoever is late asks for more, and nobody's promise
 * is ever shortened by that. Each round is counted with the D that it carried (R10, R13). Growth is at once, because the
 * next pause may cost the lease; D shrinks so much slower than time passes that no lease ever moves back.
 * Pure; a leaf. Read next: `sessions.ts` (where spans are measured and D is used).
 */
import { leaseLength } from './numbers'
import type { Timing } from './types'

/** A lease should outlive that many times the longest span from one round to the answer of the next. */
const HEADROOM = 2

/** How much D shrinks per millisecond. Below 1: `sentAt + len(D)` of the own rounds never moves back (R13). */
const SHRINK_RATE = 0.005

/**
 * D of the next round. `promiseMs`: of the last one, made `elapsedMs` ago; `spanMs`: the longest time since then that a
 * renewal took from one round to the answer of the next, 0 if none was measured. Between `promiseMs` and `adaptiveMaxMs` of
 * the timing; without the latter D is fixed.
 */
export function adaptedPromise(
  promiseMs: number,
  spanMs: number,
  elapsedMs: number,
  { promiseMs: leastMs, adaptiveMaxMs: mostMs, rho }: Timing,
): number {
  if (mostMs === undefined) return leastMs
  const neededMs = (HEADROOM * spanMs) / leaseLength(1, rho, 0)
  const shrunkMs = promiseMs - SHRINK_RATE * Math.min(Math.max(0, elapsedMs), promiseMs / SHRINK_RATE)
  return Math.max(leastMs, Math.min(Math.max(neededMs, shrunkMs), Math.max(mostMs, leastMs)))
}
