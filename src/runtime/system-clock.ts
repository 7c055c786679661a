/**
 * The clock of the machine: the one place of the library that reads the wall clock or sets a real timer.
 *
 * `now()` counts from the origin of `process.hrtime`, so readings of any two threads of a process, and of two processes
 * of one host, can be compared (B.5); it costs one `performance.now()` and allocates nothing. Nothing outside this file
 * may look at `Date` (B.4). Read next: `time-watch.ts` (what the three readings are compared for).
 */
import { uptime } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { Clock, TimerHandle } from '../ports/clock'

/** Options of `systemClock`. */
export interface SystemClockOptions {
  /**
   * Timers do not keep the process alive. Default false: a process that leads ends only when it is told to (B.8).
   * Hazard of true: a process without other work may exit while it holds a lease.
   */
  readonly unref?: boolean
}

/** Nanosecond origin against `performance.now()`, ms: the tightest of a few bracketed readings. */
function originOfHrtime(): number {
  let origin = 0
  let tightest = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 8; tries++) {
    const before = Number(process.hrtime.bigint()) / 1e6
    const reading = performance.now()
    const after = Number(process.hrtime.bigint()) / 1e6
    if (after - before < tightest) {
      tightest = after - before
      origin = (before + after) / 2 - reading
    }
  }
  return origin
}

/**
 * Where the uptime of the host counts suspends and the monotonic clock does not (B.3). Elsewhere the monotonic clock
 * counts them itself, so nothing can go missing between the two.
 */
function uptimeCountsMore(): boolean {
  if (process.platform !== 'linux') return false
  try {
    return uptime() > 0
  } catch {
    return false
  }
}

class SystemClock implements Clock {
  private readonly origin = originOfHrtime()
  private readonly hasUptime = uptimeCountsMore()

  constructor(private readonly unref: boolean) {}

  now(): number {
    return performance.now() + this.origin
  }

  wall(): number {
    return Date.now()
  }

  uptime(): number {
    return this.hasUptime ? uptime() * 1000 : this.now()
  }

  setTimer(atMs: number, callback: () => void): TimerHandle {
    const timer = setTimeout(callback, Math.max(1, Math.ceil(atMs - this.now())))
    return this.unref ? timer.unref() : timer
  }

  clearTimer(handle: TimerHandle): void {
    clearTimeout(handle as NodeJS.Timeout)
  }

  afterIo(callback: () => void): void {
    setImmediate(callback)
  }

  endOfTurn(callback: () => void): void {
    process.nextTick(callback)
  }
}

/** The machine's clock. Cheap; any number of them may exist. */
export function systemClock(options: SystemClockOptions = {}): Clock {
  return new SystemClock(options.unref === true)
}
