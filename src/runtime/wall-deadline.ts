/**
 * A timer for an instant of the wall clock: "tonight at three" means what the clock on the wall will show (B.4).
 *
 * The wall clock may be stepped while one waits, so it is looked at again at least every `LOOK_MS`: after a step forward the
 * call comes that much late at most, after a step back it waits on. Nothing of the protocol may hang on it. Decides nothing.
 */
import type { Clock } from '../ports/clock'
import { Deadline } from './deadline'

/** How long a step of the wall clock can go unnoticed, ms. */
export const LOOK_MS = 30_000

/** One instant of the wall clock, and what to do when it has come. */
export class WallDeadline {
  private readonly timer: Deadline
  private dueAt = Number.POSITIVE_INFINITY

  constructor(
    private readonly clock: Clock,
    private readonly callback: () => void,
  ) {
    this.timer = new Deadline(clock, () => this.look())
  }

  /** Calls back once when the wall clock reads `wallMs` or more, never inside this call; replaces the instant armed before. */
  arm(wallMs: number): void {
    this.dueAt = wallMs
    this.timer.clear()
    this.timer.arm(this.clock.now() + Math.min(Math.max(0, wallMs - this.clock.wall()), LOOK_MS))
  }

  /** Forgets the instant. */
  clear(): void {
    this.timer.clear()
  }

  private look(): void {
    if (this.clock.wall() < this.dueAt) this.arm(this.dueAt)
    else this.callback()
  }
}
