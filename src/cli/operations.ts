/**
 * What an operator can do with a cluster, whatever votes in it: the commands know nothing else. Types only.
 *
 * Read next: `peer-operations.ts` (members are asked), `store-operations.ts` (the record in a store is read and written).
 */
import type { ElectionName, PausedLeader, ProcessId, Term } from '../core'
import type { Survey } from './survey'

/** Done, with what came of it; or not, and why. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string }

/** What became of a leadership that was given up; as `HandOver` of the library. */
export interface HandedOver {
  /** Who gave it up. */
  readonly from: ProcessId
  readonly released: boolean
  readonly term: Term | null
  readonly leader: ProcessId | null
  readonly leaderTerm: Term | null
  readonly leaderlessMs: number | null
  readonly failure: string | null
}

/** What became of a pause, or of its end. */
export interface PauseSaid {
  readonly isPaused: boolean
  readonly leader: ProcessId | null
  readonly leaderStays: boolean
  /** Who is known to hold the word. */
  readonly voters: readonly ProcessId[]
}

/** One leadership, as far as anybody remembers it. */
export interface PastLeadership {
  readonly election: ElectionName
  readonly term: Term
  readonly leader: ProcessId
  /** Wall clock, ms since 1970: of the win, or when somebody first saw it. */
  readonly sinceMs: number
  /** Null: it goes on, or the leader does not remember it. */
  readonly heldMs: number | null
  /** Why it ended; null: it goes on, or nobody knows. */
  readonly reason: string | null
  readonly goesOn: boolean
}

/** A cluster to operate on. Nothing here rejects for what a cluster does or is. */
export interface Operations {
  survey(election: ElectionName | null): Promise<Survey>
  /** Oldest first within each election. */
  history(election: ElectionName | null): Promise<Outcome<readonly PastLeadership[]>>
  resign(
    election: ElectionName,
    how: { readonly to: ProcessId | null; readonly cooldownMs: number | null },
  ): Promise<Outcome<HandedOver>>
  pause(election: ElectionName, leader: PausedLeader): Promise<Outcome<PauseSaid>>
  resume(election: ElectionName): Promise<Outcome<PauseSaid>>
  close(): Promise<void>
}
