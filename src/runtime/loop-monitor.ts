/** How late the event loop runs (B.1): for `status()`, and for a warning before it costs a leadership. Decides nothing. */
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Delays of the event loop since the last `reset`, ms. */
export interface LoopDelay {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Watches the event loop of this thread. */
export interface LoopMonitor {
  read(): LoopDelay
  /** Forgets what was seen so far. */
  reset(): void
  stop(): void
}

const RESOLUTION_MS = 20

/** Starts watching; costs a few microseconds per second. */
export function loopMonitor(): LoopMonitor {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  const delay = (nanoseconds: number): number =>
    Math.max(0, Math.round(nanoseconds / 1e4 - RESOLUTION_MS * 100) / 100)
  return {
    read: () => ({
      p50Ms: delay(histogram.percentile(50)),
      p99Ms: delay(histogram.percentile(99)),
      maxMs: delay(histogram.max),
    }),
    reset: () => histogram.reset(),
    stop: () => histogram.disable(),
  }
}
