/**
 * One leadership with the work that runs under it, and the one way in which both end (R20).
 *
 * The order is always: the signal aborts, the work stops, and only then the leadership is renounced and released. Work
 * that does not stop in time keeps the lease from being released: it is frozen and runs out as it stands. Decides when to
 * renounce, never whether the lease stands. Read next: `election.ts`, `lead.ts`.
 */
import type { ElectionName, ProcessId, RevokeReason, Term } from '../core'
import type { Clock } from '../ports/clock'
import { Deadline } from './deadline'
import type { Submitted } from './driver-options'
import { Ladder } from './ladder'
import type { HeldLeadership, Leadership } from './leadership'

/** Work that needs the leadership. It has to stop when `leadership.signal` aborts, and is waited for. */
export type Work<T> = (leadership: Leadership) => T | PromiseLike<T>

/** How to give a leadership up. */
export interface Departure {
  readonly reason: RevokeReason
  /** Hand over to that process (R21), or to the best contender. */
  readonly to: ProcessId | null
  /** Do not stand again before that, ms. */
  readonly cooldownMs: number
  /** How long work may take to stop, ms. */
  readonly drainMs: number
}

/** What became of it. */
export interface ResignResult {
  /** True iff this process led and let go before its lease ended: others need not wait for it. */
  readonly released: boolean
  /** Term of the leadership that ended, or null if there was none. */
  readonly term: Term | null
  /** Why it ended: what was asked for, or what came first. */
  readonly reason: RevokeReason | null
}

/** Ends that nobody told the others of before the lease was over. */
const RAN_OUT: readonly RevokeReason[] = ['expired', 'stalled', 'suspended', 'drainTimeout']

/** There was nothing to give up. */
export const NOTHING_HELD: ResignResult = Object.freeze({ released: false, term: null, reason: null })

/** Whose tenure it is. */
export interface TenureHolder {
  readonly name: ElectionName
  readonly clock: Clock
  /** How long work may take to stop, unless a departure says otherwise, ms. */
  readonly drainMs: number
  /** How long before its end the signal aborts, ms. */
  readonly marginMs: number
  /** Ends the process; null: never. */
  readonly exit: (() => void) | null
  submit(input: Submitted): void
  /** The work goes on, and the leadership is refused from here on. */
  fenced(term: Term): void
  /** Work did not stop within that time. */
  overdue(tenure: Tenure, drainMs: number): void
  /** Work stopped, that long after its signal had aborted. */
  stopped(tookMs: number): void
}

/** One leadership of this process, from the win until its work has stopped. */
export class Tenure {
  /** Both are made when work has to be told to stop: most leaderships of many run none. */
  private drain: Deadline | null = null
  private ladder: Ladder | null = null
  private whenIdle: (() => void)[] | null = null
  private whenOver: ((result: ResignResult) => void)[] | null = null
  private running = 0
  private drainMs = 0
  private abortedAt = 0
  private departure: Departure | null = null
  private ending: RevokeReason | null = null

  constructor(
    readonly leadership: HeldLeadership,
    private readonly holder: TenureHolder,
  ) {}

  /** May new work begin? */
  get isOpen(): boolean {
    return !this.leadership.isEnding && this.ending === null && this.leadership.isValid()
  }

  /** Does no work run under it? */
  get isIdle(): boolean {
    return this.running === 0
  }

  /** Runs work under this leadership; passes on what it returns or throws. */
  async run<T>(work: Work<T>): Promise<T> {
    this.running += 1
    try {
      return await work(this.leadership)
    } finally {
      this.running -= 1
      if (this.running === 0) this.idle()
    }
  }

  /** Calls back when no work runs under this leadership, now or later. */
  onIdle(done: () => void): void {
    if (this.running === 0) return done()
    this.whenIdle ??= []
    this.whenIdle.push(done)
  }

  /** Gives the leadership up (R20); the first departure stands, later ones learn what became of it. */
  giveUp(departure: Departure, done: (result: ResignResult) => void = () => {}): void {
    if (this.ending !== null) return done(this.result(this.ending))
    this.whenOver ??= []
    this.whenOver.push(done)
    if (this.departure !== null) return
    this.departure = departure
    this.abort(departure.reason)
    if (this.running === 0) this.renounce(departure)
    else if (departure.drainMs === 0) this.overdue()
  }

  /**
   * Only the margin is left of the lease. The signal aborts; a later renewal could not take that back, so the lease is left
   * to run out as it stands. Work that is known and stops earlier lets others stand earlier.
   */
  runOut(): void {
    if (this.departure !== null || this.ending !== null) return
    const { holder } = this
    this.departure = { reason: 'expired', to: null, cooldownMs: 0, drainMs: holder.drainMs }
    this.abort('expired')
    holder.submit({ type: 'freeze', election: holder.name, reason: 'expired' })
    this.climb()
  }

  /** The core says that it is over. From here on no read is true; `announce` tells the others. */
  end(reason: RevokeReason): void {
    this.ending = reason
    const { until } = this.leadership.lease
    this.leadership.end()
    // a loss that came without a warning; the others have begun to climb before
    if (!this.leadership.isEnding) this.climb(until)
  }

  /** Aborts the signal if nothing did before, and settles whoever waits. Returns why it ended. */
  announce(): RevokeReason {
    const reason = this.ending ?? 'stopped'
    this.abort(reason)
    const waiting = this.whenOver ?? []
    this.whenOver = null
    for (const done of waiting) done(this.result(reason))
    return reason
  }

  /** From here on the work has `drainMs` to stop. */
  private abort(reason: RevokeReason): void {
    if (this.leadership.isEnding) return
    const { clock } = this.holder
    this.drainMs = this.departure?.drainMs ?? this.holder.drainMs
    this.leadership.abort(reason)
    this.abortedAt = clock.now()
    if (this.running === 0) return
    this.drain ??= new Deadline(clock, () => this.overdue())
    this.drain.arm(this.abortedAt + this.drainMs)
  }

  private climb(until = this.leadership.lease.until): void {
    if (this.running === 0) return
    const { clock, marginMs, exit } = this.holder
    this.ladder ??= new Ladder({ clock, marginMs, exit, fence: () => this.fence() })
    this.ladder.climb(until)
  }

  private fence(): void {
    this.leadership.fence()
    this.holder.fenced(this.leadership.term)
  }

  private idle(): void {
    this.drain?.clear()
    this.ladder?.clear()
    const { holder, leadership } = this
    if (leadership.isEnding) holder.stopped(holder.clock.now() - this.abortedAt)
    const waiting = this.whenIdle ?? []
    this.whenIdle = null
    for (const done of waiting) done()
    if (this.departure !== null && this.ending === null) this.renounce(this.departure)
  }

  private renounce({ reason, to, cooldownMs }: Departure): void {
    const { holder } = this
    holder.submit({ type: 'renounce', election: holder.name, reason, to, toBest: true, cooldownMs })
  }

  private overdue(): void {
    const { holder } = this
    this.drain?.clear()
    if (this.ending === null) holder.submit({ type: 'freeze', election: holder.name, reason: 'drainTimeout' })
    this.climb()
    holder.overdue(this, this.drainMs)
  }

  private result(reason: RevokeReason): ResignResult {
    const released = !RAN_OUT.includes(reason)
    return { released, term: this.leadership.term, reason }
  }
}
