/**
 * `lead(fn)`: keeps one function running whenever this process leads, for as long as the service wants (USERS 1, 9).
 *
 * One run at a time, also across a re-election: the next run begins only when the former has stopped. While a former run
 * hangs although its leadership is over, a new leadership is given up and this process stands back until the run ends, so
 * that somebody who can work leads. Decides nothing about leases. Read next: `tenure.ts`.
 */
import type { ElectionName } from '../core'
import type { ElectionError } from '../errors'
import type { Events } from './events'
import type { Tenure, Work } from './tenure'

/** Options of `lead`. */
export interface LeadOptions {
  /** Ends `lead`: the leadership is given up (R20), and this process stops contending. */
  readonly signal?: AbortSignal
  /**
   * How long the function may take to stop after its signal aborted, ms. Default: that of the elector (5,000). `stop()` waits no
   * longer than `stopMs` all the same.
   */
  readonly drainMs?: number
  /** What a throw does: `resign` gives the leadership up, `keep` keeps it without running the function again. Default `resign`. */
  readonly onThrow?: 'resign' | 'keep'
  /** What a return does: `keep` keeps the leadership (the function only started things), `resign` gives it up. Default `keep`. */
  readonly onReturn?: 'resign' | 'keep'
  /**
   * After giving up because of a throw or return: do not stand again before that, ms. Default `promiseMs`. Too small: a
   * function that fails at once makes this process lead and resign without end.
   */
  readonly cooldownMs?: number
}

/** What the loop needs of its election. */
export interface LeadParts {
  readonly election: ElectionName
  readonly events: Pick<Events, 'emit'>
  /** The leadership of this moment, or null. */
  readonly tenure: () => Tenure | null
  readonly drainMs: number
  readonly cooldownMs: number
}

/** One call of `lead`. */
export class LeadLoop {
  /** Resolves when stopped, rejects when this process can never lead again; both after the last run has ended. */
  readonly done: Promise<void>
  private settle: (error: Error | null) => void = () => {}
  private current: Tenure | null = null
  /** The last leadership that had its run. */
  private served: Tenure | null = null
  private ended: { readonly error: Error | null } | null = null

  constructor(
    private readonly work: Work<unknown>,
    private readonly options: LeadOptions,
    private readonly parts: LeadParts,
  ) {
    this.done = new Promise((resolve, reject) => {
      this.settle = (error) => (error === null ? resolve() : reject(error))
    })
  }

  /** How long a run may take to stop, ms. */
  get drainMs(): number {
    return this.options.drainMs ?? this.parts.drainMs
  }

  /** Something changed: begins a run if this process leads and none is under way. */
  look(): void {
    if (this.ended !== null) return
    const tenure = this.parts.tenure()
    if (tenure === null || tenure === this.served) return
    if (this.current === null) void this.run(tenure)
  }

  /** The work of that leadership hangs; if it is the present run, a newer leadership has nobody to work under it. */
  overdue(tenure: Tenure): void {
    const newer = this.parts.tenure()
    if (tenure !== this.current || newer === null || newer === tenure) return
    newer.giveUp({ reason: 'drainTimeout', to: null, cooldownMs: 0, drainMs: this.drainMs })
  }

  /** No further run; `done` settles when the present one has ended. */
  stop(error: ElectionError | null = null): void {
    if (this.ended !== null) return
    this.ended = { error }
    if (this.current === null) this.settle(error)
  }

  private async run(tenure: Tenure): Promise<void> {
    this.current = tenure
    this.served = tenure
    // A microtask later: every listener of `elected` has been called by then.
    await Promise.resolve()
    if (tenure.isOpen && this.ended === null) {
      try {
        await tenure.run(this.work)
        if (this.options.onReturn === 'resign') this.resign(tenure)
      } catch (error) {
        this.failed(tenure, error)
      }
    }
    this.current = null
    if (this.ended === null) this.look()
    else this.settle(this.ended.error)
  }

  /** A throw after the signal aborted is how work usually stops; before that it is a failure. */
  private failed(tenure: Tenure, error: unknown): void {
    const { leadership } = tenure
    if (leadership.isEnding) return
    const { election, events } = this.parts
    events.emit('workFailed', { election, term: leadership.term, error })
    if (this.options.onThrow !== 'keep') this.resign(tenure)
  }

  private resign(tenure: Tenure): void {
    const cooldownMs = this.options.cooldownMs ?? this.parts.cooldownMs
    tenure.giveUp({ reason: 'resigned', to: null, cooldownMs, drainMs: this.drainMs })
  }
}
