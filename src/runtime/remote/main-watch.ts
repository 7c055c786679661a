/**
 * Does the main thread move? (R39): a keep-alive that outlives the work it keeps alive makes a zombie leader.
 *
 * The main thread counts beats into shared memory, by a timer and at each read of a lease; the worker looks at the count in
 * regular steps, by its own clock. Steps are counted and not time: after a pause of the whole process (SIGSTOP, a suspended
 * machine) the worker comes back first, and one long step is no proof. Read next: `standing.ts` (what follows from it).
 */
import type { Clock } from '../../ports/clock'
import { Deadline } from '../deadline'

/** So many looks without a beat make the limit. */
export const LOOKS = 8

/** What the watch needs to know, and whom it tells. */
export interface MainWatchParts {
  readonly clock: Clock
  /** Beats so far. */
  readonly beats: () => number
  /** From the last beat until the main thread counts as stuck, ms. */
  readonly limitMs: number
  readonly stuck: () => void
  readonly back: () => void
}

/** Watches the main thread, from the thread of the sockets. */
export class MainWatch {
  private readonly next: Deadline
  private seen = 0
  private idleLooks = 0
  private isStuck = false

  constructor(private readonly parts: MainWatchParts) {
    this.next = new Deadline(parts.clock, () => this.look())
  }

  start(): void {
    this.seen = this.parts.beats()
    this.arm()
  }

  stop(): void {
    this.next.clear()
  }

  private arm(): void {
    const { clock, limitMs } = this.parts
    this.next.arm(clock.now() + limitMs / LOOKS)
  }

  private look(): void {
    const { beats, stuck, back } = this.parts
    this.arm()
    const count = beats()
    this.idleLooks = count === this.seen ? this.idleLooks + 1 : 0
    this.seen = count
    if (this.isStuck === this.idleLooks >= LOOKS) return
    this.isStuck = !this.isStuck
    if (this.isStuck) stuck()
    else back()
  }
}
