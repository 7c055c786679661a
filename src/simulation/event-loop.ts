/**
 * The event loop of one simulated process: one callback at a time, and what happens when it stalls.
 *
 * While the loop stands (a busy callback, SIGSTOP, a suspend), timers and frames queue; on waking up either the timers run
 * first or the input, as in Node (B.2). Every callback is a turn: what it put behind itself with `endOfTurn` runs before
 * anything else; `afterIo` runs after the input that waits (R36). Read next: `sim-clock.ts`.
 */
import type { Scheduler } from './scheduler'

/** What a loop runs first when it wakes up from a stall (B.2). */
export type WakeOrder = 'timersFirst' | 'ioFirst'

interface Task {
  readonly run: (argument: unknown) => void
  readonly argument: unknown
}

/** One life's event loop; a restarted process gets a new one. */
export class EventLoop {
  private readonly scheduler: Scheduler
  private standing = false
  private ended = false
  private timers: Task[] = []
  private io: Task[] = []
  private immediates: (() => void)[] = []
  private immediatesPlanned = false
  /** What the present turn put behind itself: the first `endCount` entries; the list is used again and again. */
  private readonly ends: (() => void)[] = []
  private endCount = 0

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler
  }

  /** True while callbacks run as they come. */
  get running(): boolean {
    return !this.standing && !this.ended
  }

  get alive(): boolean {
    return !this.ended
  }

  /** Input has arrived: a frame, the end of a write. */
  input<A>(run: (argument: A) => void, argument: A): void {
    if (this.running) this.turn(run as Task['run'], argument)
    else if (!this.ended) this.io.push({ run: run as Task['run'], argument })
  }

  /** A timer is due. */
  timer<A>(run: (argument: A) => void, argument: A): void {
    if (this.running) this.turn(run as Task['run'], argument)
    else if (!this.ended) this.timers.push({ run: run as Task['run'], argument })
  }

  /** Runs after the input that waits now (R36). */
  afterIo(callback: () => void): void {
    this.immediates.push(callback)
    if (this.immediatesPlanned || !this.running) return
    this.immediatesPlanned = true
    this.scheduler.at(this.scheduler.now, runImmediates, this)
  }

  /** Runs when the present callback has returned, before anything else. */
  endOfTurn(callback: () => void): void {
    this.ends[this.endCount++] = callback
  }

  /** From now on nothing runs until `resume`. */
  stall(): void {
    this.standing = true
  }

  /** Runs what has queued, in that order, as far as nothing stalls the loop again. */
  resume(order: WakeOrder): void {
    if (!this.standing || this.ended) return
    this.standing = false
    if (order === 'timersFirst') this.drainTimers()
    this.drainIo()
    this.immediatesDue()
    if (order === 'ioFirst') this.drainTimers()
  }

  /** The process is gone: nothing that it planned will ever run. */
  end(): void {
    this.ended = true
    this.timers = []
    this.io = []
    this.immediates = []
    this.endCount = 0
  }

  /** For the planned event only. */
  immediatesDue(): void {
    this.immediatesPlanned = false
    if (!this.running) return
    const due = this.immediates
    this.immediates = []
    for (let i = 0; i < due.length; i++) {
      if (!this.running) {
        this.immediates.unshift(...due.slice(i))
        return
      }
      this.turn(due[i] as () => void, undefined)
    }
  }

  private turn(run: Task['run'], argument: unknown): void {
    run(argument)
    if (this.endCount > 0) this.finishTurn()
  }

  /** Also runs what these callbacks put behind themselves. */
  private finishTurn(): void {
    for (let i = 0; i < this.endCount; i++) (this.ends[i] as () => void)()
    this.endCount = 0
  }

  private drainTimers(): void {
    const due = this.timers
    this.timers = []
    for (let i = 0; i < due.length; i++) {
      if (!this.running) {
        this.timers = [...due.slice(i), ...this.timers]
        return
      }
      this.turn((due[i] as Task).run, (due[i] as Task).argument)
    }
  }

  private drainIo(): void {
    const due = this.io
    this.io = []
    for (let i = 0; i < due.length; i++) {
      if (!this.running) {
        this.io = [...due.slice(i), ...this.io]
        return
      }
      this.turn((due[i] as Task).run, (due[i] as Task).argument)
    }
  }
}

function runImmediates(loop: EventLoop): void {
  loop.immediatesDue()
}
