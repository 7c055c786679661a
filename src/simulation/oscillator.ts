/**
 * The clocks of one simulated machine, as functions of real time: monotonic, uptime, wall.
 *
 * The monotonic clock runs at a rate of its own (A2), which may change; it stops while the machine is suspended, when
 * uptime and wall clock go on (B.3), or while its hypervisor pauses it, when all three stop and nobody inside can tell.
 * The wall clock may be stepped (B.4). Outlives crashes of the process. Read next: `sim-clock.ts`.
 */
import type { Scheduler } from './scheduler'

/** How a machine stands still: `suspend` is visible in its uptime (B.3), `vmPause` nowhere. */
export type FreezeMode = 'suspend' | 'vmPause'

/** Wall clock at real time 0, ms since 1970. */
const EPOCH_MS = 1_700_000_000_000

/** The clocks of a machine. */
export class Oscillator {
  /** Called after the rate changed or the machine stopped or went on, so that timers are planned anew. */
  changed: (() => void) | null = null

  private readonly scheduler: Scheduler
  private rateNow: number
  private frozenSince = -1
  private mode: FreezeMode = 'suspend'
  /** Monotonic reading `base` at real time `baseAt`. */
  private base = 0
  private baseAt: number
  /** Readings of suspended time that the monotonic clock lacks and the uptime has. */
  private suspended = 0
  /** Wall clock minus real time. */
  private wallOffset: number

  constructor(scheduler: Scheduler, rate = 1) {
    this.scheduler = scheduler
    this.rateNow = rate
    this.baseAt = scheduler.now
    this.wallOffset = EPOCH_MS
  }

  /** Monotonic ms per real ms. */
  get rate(): number {
    return this.rateNow
  }

  get frozen(): boolean {
    return this.frozenSince >= 0
  }

  /** Monotonic clock, ms. */
  monotonic(): number {
    if (this.frozenSince >= 0) return this.base
    return this.base + (this.scheduler.now - this.baseAt) * this.rateNow
  }

  /** Time since the machine booted, suspends included, ms. */
  uptime(): number {
    let uptime = this.monotonic() + this.suspended
    if (this.frozenSince >= 0 && this.mode === 'suspend') {
      uptime += (this.scheduler.now - this.frozenSince) * this.rateNow
    }
    return uptime
  }

  /** Wall clock, ms since 1970. */
  wall(): number {
    const real = this.frozenSince >= 0 && this.mode === 'vmPause' ? this.frozenSince : this.scheduler.now
    return real + this.wallOffset
  }

  /** Real time at which the monotonic clock will read that much at the present rate; Infinity while it stands still. */
  realAt(reading: number): number {
    if (this.frozenSince >= 0) return Number.POSITIVE_INFINITY
    return this.baseAt + (reading - this.base) / this.rateNow
  }

  /** From now on the monotonic clock runs at that rate. */
  setRate(rate: number): void {
    this.rebase()
    this.rateNow = rate
    this.changed?.()
  }

  /** The machine stands still until `thaw`. */
  freeze(mode: FreezeMode): void {
    if (this.frozenSince >= 0) return
    this.rebase()
    this.mode = mode
    this.frozenSince = this.scheduler.now
    this.changed?.()
  }

  /** The machine goes on. */
  thaw(): void {
    if (this.frozenSince < 0) return
    const missed = this.scheduler.now - this.frozenSince
    if (this.mode === 'suspend') this.suspended += missed * this.rateNow
    else this.wallOffset -= missed
    this.frozenSince = -1
    this.baseAt = this.scheduler.now
    this.changed?.()
  }

  /** Steps the wall clock alone. Nobody does that on a host that is asleep. */
  stepWall(byMs: number): void {
    if (this.frozenSince < 0) this.wallOffset += byMs
  }

  private rebase(): void {
    this.base = this.monotonic()
    this.baseAt = this.scheduler.now
  }
}
