/**
 * Whether this process stands in an election: what the service wants, and what keeps it back (R39, R69).
 *
 * The one place that decides it; the core is told of changes only. A leadership that stands is not touched by it.
 * Read next: `health.ts`, `seat.ts`.
 */
import type { Clock } from '../ports/clock'
import { Health } from './health'
import type { ElectionConfig } from './options'
import type { Tenure } from './tenure'

/** What the decision needs, and who hears of it. */
export interface ContentionParts {
  readonly settings: ElectionConfig
  /** The core is told of the election at the start although this process does not stand. */
  readonly asks: boolean
  readonly clock: Clock
  readonly promiseMs: number
  /** Stand from now on, or not any more. */
  readonly tell: (contending: boolean) => void
  /** The health check says that this process must not lead. */
  readonly unfit: () => void
}

/** Standing or not standing in one election. */
export class Contention {
  /** What the core was told. */
  isContending = false
  isClosed = false
  /** Null without a health check. */
  readonly health: Health | null
  private isStarted = false
  private hasTold = false
  private isWanted: boolean
  private benches = 0

  constructor(private readonly parts: ContentionParts) {
    const { settings, clock, promiseMs } = parts
    this.isWanted = settings.contend
    const { healthCheck: check } = settings
    this.health =
      check === null ? null : new Health({ clock, check, promiseMs, changed: () => this.healthChanged() })
  }

  /** Stands back because work of a former leadership has not stopped. */
  get isBenched(): boolean {
    return this.benches > 0
  }

  /** The process has started. */
  start(): void {
    this.isStarted = true
    if (!this.isClosed) this.health?.start()
    this.decide()
  }

  /** The service wants to contend, or does not any more. */
  want(isWanted: boolean): void {
    this.isWanted = isWanted
    this.decide()
  }

  /** Work of that leadership does not stop: stand back until it has, so that somebody who can work leads. */
  bench(tenure: Tenure): void {
    this.benches += 1
    this.decide()
    tenure.onIdle(() => {
      this.benches -= 1
      this.decide()
    })
  }

  /** The election is being left. The core is told by the next decision, or by the end of the process. */
  close(): void {
    this.isClosed = true
    this.health?.stop()
  }

  /** The election was left and is entered again. */
  reopen(): void {
    this.isClosed = false
    if (this.isStarted) this.start()
  }

  /** Tells the core if the answer has changed. */
  decide(): void {
    const isFit = this.health === null || this.health.isHealthy === true
    const contending = this.isStarted && !this.isClosed && this.isWanted && this.benches === 0 && isFit
    const isNews = this.parts.asks && this.isStarted && !this.hasTold
    if (contending === this.isContending && !isNews) return
    this.hasTold = true
    this.isContending = contending
    this.parts.tell(contending)
  }

  private healthChanged(): void {
    this.decide()
    if (this.health?.isHealthy === false) this.parts.unfit()
  }
}
