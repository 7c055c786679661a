/**
 * The loop of a schedule: under each leadership, from the last run that the fence remembers to the next that is due.
 *
 * Order under a leadership: the fence accepts the token (from then on no former leader can take a run), tells the last run,
 * and then, for each due time: wait, take, run. Whatever the fence cannot answer is asked again while the leadership lasts;
 * a stale token ends it here. Must not: run anything outside `runIfLeader`, compare due times with any clock but `clock.wall`.
 * Read next: `plan.ts`, `../fencing/run.ts`.
 */
import { isElectionError } from '../errors'
import type { Election } from '../runtime/api'
import { Deadline } from '../runtime/deadline'
import type { Leadership } from '../runtime/leadership'
import { WallDeadline } from '../runtime/wall-deadline'
import type { CheckedSchedule } from './options'
import { dueBetween, lastDue, type Plan } from './plan'

/** The part of an election that a schedule uses. */
export type ScheduleElection = Pick<Election, 'name' | 'leadership' | 'runIfLeader' | 'on' | 'off'>

/** One run. */
export interface ScheduledRun {
  /** When it was due, ms since 1970: the same for every process, so it names the run. */
  readonly dueAtMs: number
  /** Send it with every write (R41). */
  readonly token: number
  /** Aborts when the leadership ends, or a margin before: stop then. */
  readonly signal: AbortSignal
  readonly leadership: Leadership
  /** Due times that this one stands for, too: missed ones of which only the newest runs. */
  readonly skipped: number
}

/** The function that is run. What it throws goes to `onError`; the schedule goes on. */
export type ScheduledWork = (run: ScheduledRun) => unknown

/** What `schedule` returns. */
export interface Schedule {
  /** When this process will run it next, ms since 1970; null while it does not lead. */
  readonly nextRunMs: number | null
  /** Runs that this process has begun. */
  readonly runs: number
  /** No further run begins here; resolves when the present one has ended. Never rejects. */
  stop(): Promise<void>
}

/** The leadership is over, or the schedule: nothing more may be done under it. */
const OVER = Symbol('over')

export class Scheduler implements Schedule {
  nextRunMs: number | null = null
  runs = 0
  private serving: Promise<void> | null = null
  private served: Leadership | null = null
  private readonly ending = new AbortController()

  constructor(
    private readonly election: ScheduleElection,
    private readonly plan: Plan,
    private readonly work: ScheduledWork,
    private readonly options: CheckedSchedule,
  ) {
    election.on('elected', this.look)
    this.look()
  }

  async stop(): Promise<void> {
    this.election.off('elected', this.look)
    this.ending.abort()
    await this.serving
  }

  private readonly look = (): void => {
    const { leadership } = this.election
    if (leadership === null || this.serving !== null || leadership === this.served) return
    if (this.ending.signal.aborted) return
    this.served = leadership
    this.serving = this.serve(leadership)
      .catch((error: unknown) => {
        if (error !== OVER) this.options.onError(error, null)
      })
      .finally(() => {
        this.serving = null
        this.nextRunMs = null
        this.look()
      })
  }

  private async serve(leadership: Leadership): Promise<void> {
    const { fence, job, clock } = this.options
    await this.ask(leadership, () => fence.check(job, leadership))
    let from = await this.ask(leadership, () => fence.lastRun(job))
    if (from === null) {
      from = Math.floor(clock.wall())
      await this.take(leadership, from)
    }
    for (;;) {
      this.nextRunMs = this.plan.next(from)
      await this.until(leadership, this.nextRunMs)
      from = await this.runDue(leadership, from)
    }
  }

  /** Runs what is due by the policies; returns the time up to which everything is settled. */
  private async runDue(leadership: Leadership, from: number): Promise<number> {
    const { missed, overlap, graceMs, clock } = this.options
    const now = clock.wall()
    const due = dueBetween(this.plan, from, now)
    const newest = missed === 'all' ? due.at(-1) : lastDue(this.plan, from, now)
    if (newest == null) return from
    const fresh = missed === 'all' ? due : missed === 'once' || newest >= now - graceMs ? [newest] : []
    for (const dueAtMs of fresh) {
      await this.run(leadership, dueAtMs, missed === 'all' ? 0 : due.length - 1)
    }
    if (fresh.length === 0) await this.take(leadership, newest)
    const passed = overlap === 'skip' ? lastDue(this.plan, newest, clock.wall()) : null
    if (passed === null || fresh.length === 0 || (missed === 'all' && due.length > 1)) return newest
    await this.take(leadership, passed)
    return passed
  }

  private async run(leadership: Leadership, dueAtMs: number, skipped: number): Promise<void> {
    const { token } = leadership
    const { remember, onError } = this.options
    const { ran } = await this.election.runIfLeader(async ({ signal, token: present }) => {
      if (present !== token) throw OVER
      if (remember === 'before' && !(await this.take(leadership, dueAtMs))) return
      if (signal.aborted) throw OVER
      const run: ScheduledRun = { dueAtMs, token, signal, leadership, skipped }
      this.runs += 1
      try {
        await this.work(run)
      } catch (error) {
        // thrown because it was told to stop: somebody else has to run it (`after`), or nobody (`before`)
        if (signal.aborted) return
        onError(error, run)
      }
      if (remember === 'after') await this.finish(leadership, dueAtMs)
    })
    if (!ran) throw OVER
  }

  /** A run has ended well; the leadership may be on its way out, so there may be one try only. */
  private async finish(leadership: Leadership, dueAtMs: number): Promise<void> {
    const { fence, job, onError } = this.options
    if (!leadership.signal.aborted) await this.take(leadership, dueAtMs)
    else await fence.takeRun(job, leadership, dueAtMs).catch((error: unknown) => onError(error, null))
  }

  /** Takes the run at the fence; false: it was taken before. An answer that got lost is recognised: since the token was accepted nobody else takes any. */
  private async take(leadership: Leadership, dueAtMs: number): Promise<boolean> {
    const { fence, job } = this.options
    let tries = 0
    const { isTaken, lastMs } = await this.ask(leadership, () => {
      tries += 1
      return fence.takeRun(job, leadership, dueAtMs)
    })
    return isTaken || (tries > 1 && lastMs === dueAtMs)
  }

  /** Asks the fence until it answers, or until the leadership is over. */
  private async ask<T>(leadership: Leadership, question: () => Promise<T>): Promise<T> {
    const { onError, retryMs } = this.options
    for (;;) {
      this.demandOpen(leadership)
      try {
        return await question()
      } catch (error) {
        if (isElectionError(error, 'ELECTION_STALE_TOKEN')) throw OVER
        onError(error, null)
        await this.pause(leadership, (done) => {
          const timer = new Deadline(this.options.clock, done)
          timer.arm(this.options.clock.now() + retryMs)
          return timer
        })
      }
    }
  }

  /** Resolves when the wall clock has reached that time; null: never. */
  private until(leadership: Leadership, wallMs: number | null): Promise<void> {
    return this.pause(leadership, (done) => {
      const timer = new WallDeadline(this.options.clock, done)
      if (wallMs !== null) timer.arm(wallMs)
      return timer
    })
  }

  /** Waits for a timer; rejects when the leadership or the schedule is over. */
  private async pause(leadership: Leadership, arm: (done: () => void) => { clear(): void }): Promise<void> {
    this.demandOpen(leadership)
    const signals = [leadership.signal, this.ending.signal]
    let over: () => void = () => {}
    let timer: { clear(): void } | null = null
    await new Promise<void>((resolve) => {
      over = resolve
      for (const signal of signals) signal.addEventListener('abort', over, { once: true })
      timer = arm(resolve)
    })
    for (const signal of signals) signal.removeEventListener('abort', over)
    ;(timer as { clear(): void } | null)?.clear()
    this.demandOpen(leadership)
  }

  private demandOpen({ signal }: Leadership): void {
    if (signal.aborted || this.ending.signal.aborted) throw OVER
  }
}
