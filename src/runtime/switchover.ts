/**
 * A hand-over at a set time (USERS, last list: "scheduled switchover"): `resign` later, unless it is cancelled before.
 *
 * It belongs to the process at which it was asked for, and ends with it: nothing durable waits to move a leader whom nobody
 * expects to move any more. When it is due and this process does not lead, nothing happens. Decides nothing itself; `resign`
 * does the work (R20, R21). Read next: `maintenance.ts`.
 */
import type { ProcessId } from '../core'
import type { Clock } from '../ports/clock'
import type { ResignOptions } from './api'
import { Deadline } from './deadline'
import { NOTHING_HELD, type ResignResult } from './tenure'
import { WallDeadline } from './wall-deadline'

/** Options of `switchover`: when, and the options of the `resign` that it will be. Either `at` or `inMs`. */
export interface SwitchoverOptions extends Omit<ResignOptions, 'reason'> {
  /**
   * Instant of the wall clock: a `Date`, or ms since 1970. A step of the clock moves it with it, within 30 s. In the past: at
   * once.
   */
  readonly at?: Date | number
  /** That long from now, ms, on the monotonic clock: no step of the wall clock changes it. */
  readonly inMs?: number
}

/** What became of a switchover. */
export interface SwitchoverResult extends ResignResult {
  /**
   * `resigned`: this process led and gave the leadership up; the rest says how. `notLeader`: it did not lead when the time
   * came. `paused`: the election was paused, and nobody could have taken over (R81). `cancelled`: by `cancel` or by a later
   * `switchover`. `stopped`: the election was stopped here.
   */
  readonly outcome: 'resigned' | 'notLeader' | 'paused' | 'cancelled' | 'stopped'
}

/** What a switchover needs of its election. */
export interface SwitchoverParts {
  readonly clock: Clock
  readonly isPaused: () => boolean
  readonly isLeader: () => boolean
  readonly resign: (options: ResignOptions) => Promise<ResignResult>
  /** It is over: it may be forgotten. */
  readonly over: (switchover: Switchover) => void
}

/** A hand-over that is due later. */
export class Switchover {
  /** Wall clock at which it is due, as far as can be said when it was asked for, ms since 1970. */
  readonly dueAtMs: number
  readonly to: ProcessId | null
  /** Resolves when it has happened or cannot happen any more. Never rejects. */
  readonly done: Promise<SwitchoverResult>
  private readonly timer: Deadline | WallDeadline
  private settle: (result: SwitchoverResult) => void = () => {}
  private isOver = false

  constructor(
    { at, inMs = 0, ...options }: SwitchoverOptions,
    private readonly parts: SwitchoverParts,
  ) {
    const { clock } = parts
    this.to = options.to ?? null
    this.done = new Promise((resolve) => {
      this.settle = resolve
    })
    if (at === undefined) {
      this.dueAtMs = Math.round(clock.wall() + inMs)
      const timer = new Deadline(clock, () => void this.run(options))
      timer.arm(clock.now() + inMs)
      this.timer = timer
    } else {
      this.dueAtMs = Number(at)
      const timer = new WallDeadline(clock, () => void this.run(options))
      timer.arm(this.dueAtMs)
      this.timer = timer
    }
  }

  /** Takes it back. False if it is too late: it has happened, or is happening. */
  cancel(): boolean {
    return this.end('cancelled')
  }

  /** The election is over here. */
  stop(): void {
    this.end('stopped')
  }

  private end(outcome: SwitchoverResult['outcome']): boolean {
    if (this.isOver) return false
    this.isOver = true
    this.timer.clear()
    this.parts.over(this)
    this.settle({ outcome, ...NOTHING_HELD })
    return true
  }

  private async run(options: ResignOptions): Promise<void> {
    const { parts } = this
    if (!parts.isLeader()) return void this.end('notLeader')
    if (parts.isPaused()) return void this.end('paused')
    this.isOver = true
    parts.over(this)
    const result = await parts.resign(options).catch(() => NOTHING_HELD)
    this.settle({ outcome: result.term === null ? 'notLeader' : 'resigned', ...result })
  }
}
