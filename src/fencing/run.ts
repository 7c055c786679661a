/**
 * When a job ran last, remembered by the fence that guards it: what a scheduler needs so that a fail-over neither skips nor
 * doubles a run.
 *
 * The time of the last run lives beside the mark of the resource, and moves only together with a claim that is accepted
 * (R42): a leader that was replaced can neither take a run nor move the time. Read next: `fence.ts`.
 */
import { ElectionError } from '../errors'
import type { ClaimSource } from './claim'

/** What became of a claim for a run. */
export interface RunClaim {
  /** True: the run is this leader's, and nobody will ever get it again. False: that run, or a later one, was taken before. */
  readonly isTaken: boolean
  /** The last run before this call, ms since 1970; null: there was none. */
  readonly lastMs: number | null
}

/** A fence that remembers when a job ran last. */
export interface RunFence {
  /** Accepts and remembers the claim, or rejects: see `Fence.check`. */
  check(resource: string, claim: ClaimSource): Promise<void>
  /**
   * Takes the run that was due at that time (wall clock, whole ms), if the claim is accepted and no run of that time or
   * later was taken. Comparing the claim, comparing the time and remembering both are one atomic step, as durable as a `check`.
   *
   * @throws what `check` throws; then the run may or may not be taken, unless the token is stale: then it is not.
   */
  takeRun(resource: string, claim: ClaimSource, dueAtMs: number): Promise<RunClaim>
  /** The last run that was taken, ms since 1970, or null. */
  lastRun(resource: string): Promise<number | null>
}

/** @throws ELECTION_MESSAGE_INVALID: not a whole number of ms, 0..2^53-1. */
export function runTimeOf(dueAtMs: number): number {
  if (Number.isSafeInteger(dueAtMs) && dueAtMs >= 0) return dueAtMs
  throw new ElectionError(
    'ELECTION_MESSAGE_INVALID',
    'the time of a run must be a whole number of ms since 1970',
  )
}
