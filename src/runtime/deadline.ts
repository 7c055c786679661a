/**
 * A timer that treats timers as hints: it calls back when the clock has really reached the instant, not before.
 *
 * Timers fire up to a millisecond early (B.6), late by any amount (B.1), and at once when asked for more than 2^31 - 1 ms
 * (B.7); all three are dealt with here and nowhere else. Moving an armed deadline to later costs nothing: the timer that
 * is already set fires, looks, and sets itself anew. Decides nothing else.
 */
import type { Clock, TimerHandle } from '../ports/clock'

/** Longest wait that `setTimeout` understands, ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1

const NEVER = Number.POSITIVE_INFINITY

/** One instant on one clock, and what to do when it has come. */
export class Deadline {
  private dueAt = NEVER
  private setFor = NEVER
  private handle: TimerHandle | null = null

  constructor(
    private readonly clock: Clock,
    /** `lateMs`: how long after the instant this call comes; never negative. */
    private readonly callback: (lateMs: number) => void,
  ) {}

  /** The instant that is still to come, or minus infinity. */
  get at(): number {
    return this.isArmed ? this.dueAt : Number.NEGATIVE_INFINITY
  }

  /** Is the instant still to come? */
  get isArmed(): boolean {
    return this.dueAt !== NEVER
  }

  /** Calls back once when the clock reads `at` or more; replaces the instant armed before. Infinity disarms. */
  arm(at: number): void {
    if (at === NEVER) return this.clear()
    this.dueAt = at
    if (this.handle === null || at < this.setFor) this.set(at)
  }

  /** Forgets the instant. */
  clear(): void {
    this.dueAt = NEVER
    this.setFor = NEVER
    if (this.handle === null) return
    this.clock.clearTimer(this.handle)
    this.handle = null
  }

  private set(at: number): void {
    if (this.handle !== null) this.clock.clearTimer(this.handle)
    this.setFor = Math.min(at, this.clock.now() + MAX_TIMER_MS)
    this.handle = this.clock.setTimer(this.setFor, () => this.fired())
  }

  private fired(): void {
    this.handle = null
    this.setFor = NEVER
    const now = this.clock.now()
    if (now < this.dueAt) return this.set(this.dueAt)
    const lateMs = now - this.dueAt
    this.dueAt = NEVER
    this.callback(lateMs)
  }
}
