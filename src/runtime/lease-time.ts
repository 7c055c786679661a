/**
 * What a read of a lease needs besides its end: the clock, and whether time went missing (R14, B.3).
 *
 * One per elector. Decides nothing about leases; a verdict of the watch is passed on, so that the core hears of it too.
 */
import type { Clock } from '../ports/clock'
import type { TimeWatch } from './time-watch'

/** The end of a lease, shared by all leaderships that hang on it (R13). Only ever grows while it stands. */
export interface LeaseEnd {
  /** Own clock. */
  until: number
}

/** The lease of a leadership that is over. */
export const ENDED: Readonly<LeaseEnd> = Object.freeze({ until: Number.NEGATIVE_INFINITY })

/** Reads leases. */
export class LeaseTime {
  private watch: TimeWatch | null = null
  private onMissing: () => void = () => {}

  constructor(readonly clock: Clock) {}

  /** Connects the watch of the life that begins; `onMissing` is called by a read that found out that time is missing. */
  attach(watch: TimeWatch, onMissing: () => void): void {
    this.watch = watch
    this.onMissing = onMissing
  }

  /** Does that lease stand at this very reading? One reading of each clock, no allocation (R14). */
  stands(lease: LeaseEnd): boolean {
    const now = this.clock.now()
    if (now >= lease.until) return false
    const { watch } = this
    return watch === null || !watch.suspects(now) || this.judge(lease, watch)
  }

  private judge(lease: LeaseEnd, watch: TimeWatch): boolean {
    if (!watch.isMissing()) return this.clock.now() < lease.until
    this.onMissing()
    return false
  }
}
