/**
 * How close the renewals of the leases of this process come to their deadline (USERS, "Measured safety margin").
 *
 * Written once per renewal, which is once per heartbeat however many elections hang on the lease, and allocates nothing
 * there; everything is worked out when somebody reads it. Bounded: the newest renewals only. Decides nothing.
 */
import { leaseLength } from '../core'
import type { ResolvedTiming } from './timing'

/** How many renewals are remembered: about a minute with the default timing. */
const KEPT = 256

/** How fast leases were renewed, against how fast they had to be. */
export interface SafetyMargin {
  /** How many renewals the figures are of: the newest, at most 256. */
  readonly renewals: number
  /**
   * From the sending of a heartbeat until a quorum had answered it, ms: median, 99 of 100, and the slowest; null before the
   * first renewal. A voter with a larger `rho` makes them look longer by what it takes off the lease.
   */
  readonly renewalP50Ms: number | null
  readonly renewalP99Ms: number | null
  readonly renewalMaxMs: number | null
  /** The least that was left of a lease when it was renewed, ms; null before the first renewal. */
  readonly leastRemainingMs: number | null
  /** What a renewal may take before `signal` aborts: the lease, less `marginMs`, less the `heartbeatMs` until it is sent. */
  readonly budgetMs: number
  /** Longest that work took to stop after its signal, ms since the start; null before. Above `marginMs`: it can outlive the lease. */
  readonly workStopMaxMs: number | null
}

/** Who else hears of each renewal. */
export interface RenewalSink {
  renewed(remainingMs: number): void
  workStopped(tookMs: number): void
}

/** The newest renewals of one process. */
export class Renewals {
  private readonly tookMs = new Float64Array(KEPT)
  private readonly remainingMs = new Float64Array(KEPT)
  private count = 0
  private workStopMaxMs: number | null = null

  private readonly leaseMs: number

  constructor(
    private readonly timing: ResolvedTiming,
    private readonly sink: RenewalSink | null,
  ) {
    this.leaseMs = leaseLength(timing.promiseMs, timing.rho, timing.deltaMs)
  }

  /** A lease that would have ended at `former` was renewed at `now` until `until`. */
  renewed(former: number, until: number, now: number): void {
    const at = this.count % KEPT
    this.tookMs[at] = Math.max(0, now - (until - this.leaseMs))
    this.remainingMs[at] = former - now
    this.count += 1
    this.sink?.renewed(former - now)
  }

  /** Work stopped that long after its signal had aborted. */
  workStopped(tookMs: number): void {
    this.workStopMaxMs = Math.max(this.workStopMaxMs ?? 0, tookMs)
    this.sink?.workStopped(tookMs)
  }

  /** The figures, rounded to a hundredth of a millisecond. */
  read(): SafetyMargin {
    const { marginMs, heartbeatMs } = this.timing
    const renewals = Math.min(this.count, KEPT)
    const took = this.tookMs.slice(0, renewals).sort()
    const least = Math.min(...this.remainingMs.subarray(0, renewals))
    const share = (of: number): number | null =>
      renewals === 0 ? null : round(took[Math.ceil(of * renewals) - 1] ?? 0)
    return {
      renewals,
      renewalP50Ms: share(0.5),
      renewalP99Ms: share(0.99),
      renewalMaxMs: share(1),
      leastRemainingMs: renewals === 0 ? null : round(least),
      budgetMs: round(this.leaseMs - marginMs - heartbeatMs),
      workStopMaxMs: this.workStopMaxMs === null ? null : round(this.workStopMaxMs),
    }
  }
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100
}
