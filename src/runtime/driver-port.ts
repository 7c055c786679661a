/**
 * What an elector uses of a driver, in whichever thread that runs: inputs go in, effects come out, memory is looked at.
 *
 * Types only. Inputs and effects are plain data, so the boundary can be crossed by messages; what has to be true at once
 * (does the lease stand?) never waits for one. Read next: `driver.ts` (in this thread), `elector.ts` (who uses it).
 */
import type { ElectionName, Incarnation, ProcessId, RevokeReason, State, Term } from '../core'
import type { ElectionError } from '../errors'
import type { Transport } from '../ports/transport'
import type { DriverCounters, Submitted } from './driver-options'
import type { LeaseEnd } from './lease-time'
import type { TimeWatch } from './time-watch'

/** The core's memory as far as one election is concerned: of `elections` it holds that one at least, if the core knows it. */
export type CoreView = Omit<State, 'supports' | 'leases' | 'timers'>

/** A driver at one reading, for `status()`. */
export interface DriverView {
  readonly state: CoreView
  readonly incarnation: Incarnation
  readonly counters: DriverCounters
  readonly transport: Pick<Transport, 'stats'>
}

/** A process that shall become a member, and where it listens; null: it dials. */
export interface Guest {
  readonly id: ProcessId
  readonly address: string | null
}

/** One life of one process, as its elector sees it. `Driver` says what each method promises. */
export interface DriverPort {
  /** Name of this process in the protocol; where only stores vote it is longer than the configured id (R49). */
  readonly self: ProcessId
  /** Whether time went missing, for reads of a lease in this thread (R14, B.3). */
  readonly watch: TimeWatch
  /** Did nothing of this process run for two heartbeats before the effect that is at hand? (B.1) */
  readonly wasStalled: boolean
  boot(done: (error: ElectionError | null) => void): void
  /** Only where members change. */
  invite?(guest: Guest | null): void
  /** Only where members change. */
  storageOf?(process: ProcessId): string | null
  submit(input: Submitted): void
  shutdown(how: { readonly flushMs: number; readonly reason: RevokeReason }, done: () => void): void
  /** For exit hooks; synchronous (R53). */
  endSync(reason: RevokeReason): void
  /** Something hangs: nothing is sent any more and the lock is freed, if the storage still can. */
  abandon(): void
  /** The driver at this reading; `election`: the one that the caller is about to look at. */
  look(election: ElectionName | null): DriverView
  /** Has a quorum that is bound to the leadership of this process answered something sent at or after that instant? */
  isConfirmed(election: ElectionName, askedAt: number): boolean
  /**
   * Where the end of the lease under that leadership is read (R14). `known`: the lease that it hangs on, as the effects
   * told so far.
   */
  leaseEnd(election: ElectionName, term: Term, known: LeaseEnd): LeaseEnd
}
