/**
 * The `Clock` port of one simulated process, over the clocks of its machine and its own event loop.
 *
 * Timers are what they are in Node: a hint, up to 1 ms early and late by any amount (B.6). When the machine's clock
 * changes its rate or stops, they are planned anew. Each life reads from an origin of its own, so that an instant that
 * was kept over a restart means nothing.
 */
import type { Clock, TimerHandle } from '../ports'
import type { EventLoop } from './event-loop'
import type { Oscillator } from './oscillator'
import type { Random } from './random'
import type { EventId, Scheduler } from './scheduler'

/** How timers miss their instant, in real ms. */
export interface TimerAccuracy {
  /** Share of timers that fire early, by up to 1 ms. Default 0. */
  readonly early: number
  /** A timer fires up to this much late, uniformly. Default 0. */
  readonly lateMs: number
}

interface Timer {
  readonly clock: SimClock
  /** Own clock. */
  readonly atMs: number
  readonly callback: () => void
  event: EventId
  /** Place among the timers that are set; -1 = due or cleared. */
  index: number
  /** Due while the loop stood, and cleared before it went on. */
  cleared: boolean
}

/** Least time that a timer takes, so that one that fires early and is set again cannot stop the world. */
const LEAST_MS = 0.02
/** Timers aim this far behind their instant, so that rounding does not make every one of them early. */
const NUDGE_MS = 1e-6

/** Clock of one life of one process. */
export class SimClock implements Clock {
  private readonly scheduler: Scheduler
  private readonly oscillator: Oscillator
  private readonly loop: EventLoop
  private readonly random: Random
  private readonly accuracy: TimerAccuracy
  private readonly origin: number
  private readonly timers: Timer[] = []

  constructor(parts: {
    readonly scheduler: Scheduler
    readonly oscillator: Oscillator
    readonly loop: EventLoop
    readonly random: Random
    readonly accuracy?: TimerAccuracy
  }) {
    this.scheduler = parts.scheduler
    this.oscillator = parts.oscillator
    this.loop = parts.loop
    this.random = parts.random
    this.accuracy = parts.accuracy ?? { early: 0, lateMs: 0 }
    this.origin = this.oscillator.monotonic() - Math.floor(this.random.between(0, 1000))
    this.oscillator.changed = () => this.planAnew()
  }

  now(): number {
    return this.oscillator.monotonic() - this.origin
  }

  wall(): number {
    return this.oscillator.wall()
  }

  uptime(): number {
    return this.oscillator.uptime()
  }

  /** Real time at which `now()` will read that much, at the present rate. For checkers, not for the code under test. */
  realAt(reading: number): number {
    return this.oscillator.realAt(reading + this.origin)
  }

  setTimer(atMs: number, callback: () => void): TimerHandle {
    const timer: Timer = { clock: this, atMs, callback, event: -1, index: this.timers.length, cleared: false }
    this.timers.push(timer)
    this.plan(timer)
    return timer
  }

  clearTimer(handle: TimerHandle): void {
    const timer = handle as Timer
    timer.cleared = true
    if (timer.index < 0) return
    this.scheduler.cancel(timer.event)
    this.forget(timer)
  }

  afterIo(callback: () => void): void {
    this.loop.afterIo(callback)
  }

  endOfTurn(callback: () => void): void {
    this.loop.endOfTurn(callback)
  }

  /** The process is gone: its timers never fire. */
  end(): void {
    for (const timer of this.timers) {
      this.scheduler.cancel(timer.event)
      timer.index = -1
    }
    this.timers.length = 0
    this.oscillator.changed = null
  }

  /** For the planned event only: the timer is due in real time. */
  due(timer: Timer): void {
    this.forget(timer)
    this.loop.timer(run, timer)
  }

  private plan(timer: Timer): void {
    let real = this.realAt(timer.atMs)
    if (real === Number.POSITIVE_INFINITY) return
    const { early, lateMs } = this.accuracy
    if (early > 0 && this.random.chance(early)) real -= this.random.unit()
    else if (lateMs > 0) real += this.random.between(0, lateMs)
    timer.event = this.scheduler.at(Math.max(real + NUDGE_MS, this.scheduler.now + LEAST_MS), fire, timer)
  }

  private planAnew(): void {
    for (const timer of this.timers) {
      this.scheduler.cancel(timer.event)
      timer.event = -1
      this.plan(timer)
    }
  }

  private forget(timer: Timer): void {
    const last = this.timers.pop() as Timer
    if (last !== timer) {
      this.timers[timer.index] = last
      last.index = timer.index
    }
    timer.index = -1
  }
}

function fire(timer: Timer): void {
  timer.clock.due(timer)
}

function run(timer: Timer): void {
  if (!timer.cleared) timer.callback()
}
