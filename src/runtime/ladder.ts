/**
 * What is done about work that goes on although it was told to stop, step by step before its lease ends (USERS, feature 9).
 *
 * The signal has aborted. Then: the leadership is refused (`isValid`, local fences) a quarter of the margin before the end of the
 * lease, and, if the service asked for it, the process exits an eighth of the margin before. A lease that is over already has
 * no time left, so the work gets one margin from the abort on. Timers carry it: a blocked loop takes the steps when it goes on,
 * and every read looks at the clock before (R14). Decides nothing about leases. Read next: `tenure.ts`.
 */
import type { Clock } from '../ports/clock'
import { Deadline } from './deadline'

/** What the ladder does. */
export interface LadderParts {
  readonly clock: Clock
  readonly marginMs: number
  /** The leadership is refused from here on. */
  readonly fence: () => void
  /** Null: the process goes on. */
  readonly exit: (() => void) | null
}

/** The steps of one leadership. */
export class Ladder {
  private readonly fence: Deadline
  private readonly exit: Deadline

  constructor(private readonly parts: LadderParts) {
    this.fence = new Deadline(parts.clock, () => parts.fence())
    this.exit = new Deadline(parts.clock, () => parts.exit?.())
  }

  /** The lease will end at `until`, whatever happens; the work has not stopped. */
  climb(until: number): void {
    const { clock, marginMs, exit } = this.parts
    const now = clock.now()
    const end = until > now ? until : now + marginMs
    this.fence.arm(end - marginMs / 4)
    if (exit !== null) this.exit.arm(end - marginMs / 8)
  }

  /** The work has stopped. */
  clear(): void {
    this.fence.clear()
    this.exit.clear()
  }
}
