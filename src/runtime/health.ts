/**
 * Couples leadership to the health of the service (R39): whoever cannot work must not lead (USERS 17).
 *
 * Asks the service at intervals. It counts as healthy only after `successes` good answers in a row, and as unhealthy after
 * `failures` bad ones (false, a throw, no answer in time), so that one hiccup changes nothing. Decides nothing else.
 */
import type { Clock } from '../ports/clock'
import { Deadline } from './deadline'

/** A health check of one election. Runs on the event loop that serves the leases, so it also proves that this one turns. */
export interface HealthCheck {
  /** True: fit to lead. Anything else, a throw, or no answer within `timeoutMs`: not. `signal` aborts at the time limit. */
  readonly check: (signal: AbortSignal) => boolean | PromiseLike<boolean>
  /** From one answer to the next question, ms. Default `promiseMs` / 2. Too small: load. Too large: a sick leader stays. */
  readonly everyMs?: number
  /** Limit of one answer, ms. Default `promiseMs`. Too small: a slow answer costs a leadership. Too large: a hanging one keeps it. */
  readonly timeoutMs?: number
  /** Bad answers in a row that end a leadership and the candidacy. Default 2. 1: any hiccup does. */
  readonly failures?: number
  /** Good answers in a row that make it a candidate again, or for the first time. Default 1. More: less flapping. */
  readonly successes?: number
  /**
   * What an unhealthy leader does when no other contender is linked: `giveUp` (default) leads no longer, so that nobody does;
   * `keep` goes on and hands over as soon as somebody can take it. Hazard of `keep`: sick work goes on.
   */
  readonly whenAlone?: 'giveUp' | 'keep'
}

/** What the checks of one election need. */
export interface HealthParts {
  readonly clock: Clock
  readonly check: HealthCheck
  readonly promiseMs: number
  /** From that on a stall of the event loop counts as unhealthy, ms (B.1); null: none does. */
  readonly maxLoopDelayMs: number | null
  /** The verdict changed, or is still that it must not lead. */
  readonly changed: () => void
}

/** The running checks of one election. */
export class Health {
  /** Null until there is a first verdict: it does not contend before. */
  isHealthy: boolean | null = null
  private readonly next: Deadline
  private readonly limit: Deadline
  private inARow = 0
  private lastAnswer: boolean | null = null
  private asking: AbortController | null = null
  private isRunning = false
  /** Comes four times within the longest stall that is allowed: a longer one shows as a gap between two. */
  private readonly pulse: Deadline
  private lastPulseAt = 0

  constructor(private readonly parts: HealthParts) {
    this.next = new Deadline(parts.clock, () => this.ask())
    this.limit = new Deadline(parts.clock, () => this.answer(this.asking, false))
    this.pulse = new Deadline(parts.clock, () => this.beat())
  }

  /** Asks from now on. */
  start(): void {
    if (this.isRunning) return
    this.isRunning = true
    this.lastPulseAt = this.parts.clock.now()
    this.beat()
    this.ask()
  }

  /** Asks no more; the verdict is forgotten. */
  stop(): void {
    this.isRunning = false
    this.next.clear()
    this.limit.clear()
    this.pulse.clear()
    this.asking = null
    this.lastAnswer = null
    this.isHealthy = null
  }

  /** One stall above the bound is enough: whoever sets a bound says that work must not be late by more. */
  private beat(): void {
    const { clock, maxLoopDelayMs, changed } = this.parts
    if (maxLoopDelayMs === null) return
    const now = clock.now()
    const gapMs = now - this.lastPulseAt
    this.lastPulseAt = now
    this.pulse.arm(now + maxLoopDelayMs / 4)
    if (gapMs <= maxLoopDelayMs) return
    this.inARow = 0
    this.lastAnswer = false
    this.isHealthy = false
    changed()
  }

  private ask(): void {
    const { clock, check, promiseMs } = this.parts
    const asking = new AbortController()
    this.asking = asking
    this.limit.arm(clock.now() + (check.timeoutMs ?? promiseMs))
    void Promise.resolve(asking.signal)
      .then(check.check)
      .then(
        (isFit) => this.answer(asking, isFit === true),
        () => this.answer(asking, false),
      )
  }

  private answer(asking: AbortController | null, isFit: boolean): void {
    if (asking === null || asking !== this.asking) return
    const { clock, check, promiseMs, changed } = this.parts
    this.asking = null
    this.limit.clear()
    this.next.arm(clock.now() + (check.everyMs ?? promiseMs / 2))
    asking.abort()
    this.inARow = isFit === this.lastAnswer ? this.inARow + 1 : 1
    this.lastAnswer = isFit
    const needed = isFit ? (check.successes ?? 1) : this.isHealthy === null ? 1 : (check.failures ?? 2)
    const isSame = isFit === this.isHealthy || this.inARow < needed
    if (!isSame) this.isHealthy = isFit
    if (!isSame || this.isHealthy === false) changed()
  }
}
