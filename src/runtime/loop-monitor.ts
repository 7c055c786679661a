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

const LOOKS_PER_LIMIT = 20
const [LEAST_MS, MOST_MS] = [10, 100]

/**
 * Starts watching for delays that come near `limitMs`. It wakes the process twenty times in that time, each 100 ms at most, so
 * that an idle one is not woken for this more often than for its heartbeats; shorter delays are seen by chance.
 */
export function loopMonitor(limitMs: number): LoopMonitor {
  const resolution = Math.round(Math.min(Math.max(LEAST_MS, limitMs / LOOKS_PER_LIMIT), MOST_MS))
  const histogram = monitorEventLoopDelay({ resolution })
  histogram.enable()
  const delay = (nanoseconds: number): number =>
    Math.max(0, Math.round(nanoseconds / 1e4 - resolution * 100) / 100)
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
