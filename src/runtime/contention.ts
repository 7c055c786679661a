/**
 * Whether this process stands in an election: what the service wants, and what keeps it back (R39, R69).
 *
 * The one place that decides it; the core is told of changes only. A leadership that stands is not touched by it.
 * Read next: `health.ts`, `seat.ts`.
 */
import type { Clock } from '../ports/clock'
import { Deadline } from './deadline'
import { Health } from './health'
import type { ElectionConfig } from './options'
import { Sampler } from './score'
import type { Tenure } from './tenure'

/** What the decisions of all elections of a process have in common. */
export interface ContentionHost {
  /** What this process can do. */
  readonly capabilities: readonly string[]
  /** False for a witness, for good (R37). */
  readonly mayLead: boolean
  /** The core is told of the election at the start although this process does not stand. */
  readonly asks: boolean
  readonly clock: Clock
  readonly promiseMs: number
}

/** Whose contention it is. */
export interface Contender {
  readonly settings: ElectionConfig
  /** Stand from now on, with that priority, or not any more. */
  tell(contending: boolean, priority: number): void
  /** The health check says that this process must not lead. */
  unfit(): void
}

/** Nothing is lacking. */
const NOTHING: readonly string[] = Object.freeze([])

/** Standing or not standing in one election. */
export class Contention {
  /** What the core was told. */
  isContending = false
  isClosed = false
  /** Null without a health check. */
  readonly health: Health | null
  /** Null without a score. */
  readonly sampler: Sampler | null
  /** Capabilities that the election requires and this process lacks. */
  readonly lacking: readonly string[]
  private isStarted = false
  private hasTold = false
  private isWanted: boolean
  private benches = 0
  /** What the core was told. */
  private priority: number
  private frozenUntil = 0
  /** Null as long as no operator froze it. */
  private thaw: Deadline | null = null

  constructor(
    private readonly contender: Contender,
    private readonly host: ContentionHost,
  ) {
    const { settings } = contender
    const { clock, promiseMs, capabilities } = host
    this.isWanted = settings.contend
    this.priority = settings.priority
    const lacking = settings.requires.filter((tag) => !capabilities.includes(tag))
    this.lacking = lacking.length === 0 ? NOTHING : lacking
    const { healthCheck: check, score, maxLoopDelayMs } = settings
    this.sampler =
      score === null ? null : new Sampler({ clock, score, promiseMs, changed: () => this.decide() })
    this.health =
      check === null
        ? null
        : new Health({ clock, check, promiseMs, maxLoopDelayMs, changed: () => this.healthChanged() })
  }

  /** May this process ever lead this election? */
  get canLead(): boolean {
    const { settings } = this.contender
    return this.host.mayLead && settings.canLead && this.lacking.length === 0
  }

  /** What orders it among the contenders (R37, R69). */
  get criteria(): number {
    return this.contender.settings.priority + (this.sampler?.value ?? 0)
  }

  /** Stands back because work of a former leadership has not stopped. */
  get isBenched(): boolean {
    return this.benches > 0
  }

  /** The process has started. */
  start(): void {
    this.isStarted = true
    if (!this.isClosed) {
      this.health?.start()
      if (this.canLead) this.sampler?.start()
    }
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

  /** An operator's wish: do not stand for so long, ms; 0 ends it. */
  freeze(forMs: number): void {
    const { clock } = this.host
    this.frozenUntil = clock.now() + forMs
    this.thaw ??= new Deadline(clock, () => this.decide())
    if (forMs > 0) this.thaw.arm(this.frozenUntil)
    else this.thaw.clear()
    this.decide()
  }

  /** How long an operator keeps it from standing yet, ms. */
  get frozenMs(): number {
    if (this.thaw === null) return 0
    return Math.max(0, Math.ceil(this.frozenUntil - this.host.clock.now()))
  }

  /** The election is being left. The core is told by the next decision, or by the end of the process. */
  close(): void {
    this.isClosed = true
    this.thaw?.clear()
    this.halt()
  }

  /** Asks the service nothing any more. */
  halt(): void {
    this.health?.stop()
    this.sampler?.stop()
  }

  /** The election was left and is entered again. */
  reopen(): void {
    this.isClosed = false
    if (this.frozenMs > 0) this.thaw?.arm(this.frozenUntil)
    if (this.isStarted) this.start()
  }

  /** Tells the core if the answer has changed. */
  decide(): void {
    const { asks } = this.host
    const contending = this.mayStand()
    const priority = this.criteria
    // who never leads says so once, so that nobody waits for it (R69)
    const isNews = (asks || !this.canLead) && this.isStarted && !this.hasTold
    const isSame = contending === this.isContending && (!contending || priority === this.priority)
    if (isSame && !isNews) return
    this.hasTold = true
    this.isContending = contending
    this.priority = priority
    this.contender.tell(contending, priority)
  }

  private mayStand(): boolean {
    const isFit = this.health === null || this.health.isHealthy === true
    const isFree = this.benches === 0 && (this.thaw === null || this.host.clock.now() >= this.frozenUntil)
    return this.isStarted && !this.isClosed && this.isWanted && this.canLead && isFree && isFit
  }

  private healthChanged(): void {
    this.decide()
    if (this.health?.isHealthy === false) this.contender.unfit()
  }
}
