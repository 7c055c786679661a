/**
 * Finds out whether time went missing: a host that was suspended stops the monotonic clock, and a lease would look valid
 * although it is long over in the world (B.3).
 *
 * Two stages. *Suspicion* is cheap and made on every read: wall clock and monotonic clock drifted apart. *Verdict*: the
 * host's uptime, which counts suspends, ran further than the monotonic clock. A wall clock that was only stepped or slewed
 * convinces nobody: the watch takes the new difference as normal and nothing happens (B.4, BUGS 24). A pause by a
 * hypervisor stays invisible to all three clocks; against that only tokens protect.
 */
import type { Clock } from '../ports/clock'

/**
 * Gap from which time counts as missing, ms. Above the resolution of the host's uptime (10 ms) and of a descheduled
 * read; below the slack that a lease has at the default drift bound.
 */
export const SUSPEND_BOUND_MS = 100

/** Compares the three clocks of one process. */
export class TimeWatch {
  private wallAhead = 0
  private uptimeAhead = 0
  private comparedAt = 0

  constructor(
    private readonly clock: Clock,
    private readonly boundMs: number,
    /** How long one comparison of uptime stays the reference: short gaps add up for that long. */
    private readonly windowMs: number,
  ) {
    this.rebase()
  }

  /** Suspicion: costs one reading of the wall clock, allocates nothing. `now`: a reading made just before. */
  suspects(now: number): boolean {
    const drift = this.clock.wall() - now - this.wallAhead
    return drift > this.boundMs || drift < -this.boundMs
  }

  /**
   * Verdict. False: all is well, and the wall clock as it stands is the new reference. True: time is missing, and it stays
   * so for everybody who asks until `rebase`. `readAt`: a reading made just before.
   */
  isMissing(readAt = this.clock.now()): boolean {
    const { now, uptime } = this.sample(readAt)
    if (uptime - now - this.uptimeAhead > this.boundMs) return true
    this.wallAhead = this.clock.wall() - now
    if (now - this.comparedAt >= this.windowMs) {
      this.comparedAt = now
      this.uptimeAhead = uptime - now
    }
    return false
  }

  /** Takes the clocks as they are: after every lease was given up because of the gap. */
  rebase(): void {
    const { now, uptime } = this.sample(this.clock.now())
    this.wallAhead = this.clock.wall() - now
    this.uptimeAhead = uptime - now
    this.comparedAt = now
  }

  /** Both clocks at one instant, as far as that goes: a thread descheduled between the readings tries again. */
  private sample(readAt: number): { now: number; uptime: number } {
    let now = readAt
    let uptime = 0
    for (let tries = 0; tries < 3; tries++) {
      const before = now
      uptime = this.clock.uptime()
      now = this.clock.now()
      if (now - before < this.boundMs / 10) break
    }
    return { now, uptime }
  }
}
