/**
 * The clock of the machine: the one place of the library that reads the wall clock or sets a real timer.
 *
 * `now()` counts from the origin of `process.hrtime`, so readings of any two threads of a process, and of two processes
 * of one host, can be compared (B.5); it costs one `performance.now()` and allocates nothing. Nothing outside this file
 * may look at `Date` (B.4). Read next: `time-watch.ts` (what the three readings are compared for).
 */
import { readFileSync } from 'node:fs'
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
 * What reads the uptime of the host, in seconds, where it counts suspends and the monotonic clock does not (B.3). Elsewhere
 * null: the monotonic clock counts them itself, so nothing can go missing between the two. Bun and Deno give whole seconds,
 * whose steps would look like suspends: there the kernel is asked.
 */
function readerOfUptime(): (() => number) | null {
  if (process.platform !== 'linux' || !answers(uptime)) return null
  return Number.isInteger(uptime()) && answers(uptimeOfKernel) ? uptimeOfKernel : uptime
}

function uptimeOfKernel(): number {
  return Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0])
}

function answers(read: () => number): boolean {
  try {
    return read() > 0
  } catch {
    return false
  }
}

class SystemClock implements Clock {
  private readonly origin = originOfHrtime()
  private readonly readUptime = readerOfUptime()

  constructor(private readonly unref: boolean) {}

  now(): number {
    return performance.now() + this.origin
  }

  wall(): number {
    return Date.now()
  }

  uptime(): number {
    return this.readUptime === null ? this.now() : this.readUptime() * 1000
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
