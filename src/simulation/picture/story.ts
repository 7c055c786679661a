/**
 * What a picture of a run shows, as plain data: lives, leases, roles, messages, faults, all on true time in ms.
 *
 * Made by `recorder.ts`, drawn by `svg.ts` (static) and `page.ts` (to zoom in). Decides nothing.
 */
import type { ElectionName, ProcessId, Term } from '../../core/types'
import type { FaultSign } from '../observer'

/** A stretch of true time, ms. */
export interface Span {
  readonly fromMs: number
  toMs: number
}

/** A process from its start to its end, on one node. */
export interface LifeSpan extends Span {
  readonly node: ProcessId
  readonly life: number
  /** `running`: to the end of the run. */
  how: 'crashed' | 'stopped' | 'running'
}

/** The loop of a process stands still, or its whole host. */
export interface StillSpan extends Span {
  readonly node: ProcessId
  readonly kind: 'pause' | 'suspend'
}

/** A process stands for an election and does not lead it yet. */
export interface RoleSpan extends Span {
  readonly node: ProcessId
  readonly election: ElectionName
  readonly role: 'preCandidate' | 'candidate'
}

/** A leadership, from winning to losing. */
export interface LeaseSpan extends Span {
  readonly node: ProcessId
  readonly election: ElectionName
  /** Also its fencing token (R41). */
  readonly term: Term
  /** When a read of the lease was true, by true time: ends where the lease ran out, whenever its holder noticed. */
  readonly valid: Span[]
  /** Why it ended; null at the end of the run. */
  reason: string | null
}

/** A frame, or a copy of one. */
export interface Message {
  readonly from: ProcessId
  readonly to: ProcessId
  readonly sentMs: number
  /** When its receiver read it; null if it never did. */
  arrivedMs: number | null
  /** When and why it was lost. */
  lostMs: number | null
  lost: string | null
  readonly text: string
  readonly elections: readonly ElectionName[]
  /** Nothing but heartbeats and their answers. */
  readonly routine: boolean
  /** Nothing but answers. */
  readonly reply: boolean
  /** A duplicate, or a replay of an old frame. */
  readonly again: 'duplicate' | 'replay' | null
}

/** A fault or an order, at an instant. */
export interface Mark {
  readonly atMs: number
  readonly kind: FaultSign['kind']
  readonly nodes: readonly ProcessId[]
  readonly text: string
}

/** A cut of some links, until it is healed. */
export interface CutSpan extends Span {
  readonly name: string
  text: string
}

/** More than one lease of an election at the same instant: what must never be (P2). */
export interface Overlap extends Span {
  readonly election: ElectionName
  readonly nodes: readonly ProcessId[]
}

/** A property that did not hold. */
interface Broken {
  readonly atMs: number
  readonly property: string
  readonly text: string
}

/** All of a run. */
export interface Story {
  readonly title: string
  /** What makes this picture again; empty if nothing was given. */
  readonly command: string
  readonly nodes: readonly ProcessId[]
  readonly elections: readonly ElectionName[]
  readonly endMs: number
  /** Length of a promise, ms: the natural unit of a window. */
  readonly promiseMs: number
  readonly lives: readonly LifeSpan[]
  readonly stills: readonly StillSpan[]
  readonly roles: readonly RoleSpan[]
  readonly leases: readonly LeaseSpan[]
  readonly messages: readonly Message[]
  readonly marks: readonly Mark[]
  readonly cuts: readonly CutSpan[]
  readonly overlaps: readonly Overlap[]
  readonly broken: readonly Broken[]
}

/** Where leases of one election held by different nodes lie over each other. */
export function overlapsOf(leases: readonly LeaseSpan[]): Overlap[] {
  const found: Overlap[] = []
  for (const [i, one] of leases.entries()) {
    for (const other of leases.slice(i + 1)) {
      if (one.election !== other.election || one.node === other.node) continue
      for (const a of one.valid) {
        for (const b of other.valid) {
          const fromMs = Math.max(a.fromMs, b.fromMs)
          const toMs = Math.min(a.toMs, b.toMs)
          if (fromMs < toMs)
            found.push({ fromMs, toMs, election: one.election, nodes: [one.node, other.node] })
        }
      }
    }
  }
  return found.sort((a, b) => a.fromMs - b.fromMs)
}
