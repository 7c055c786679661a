/**
 * Checks of the options that the fences in stores share.
 *
 * Read next: `postgres.ts`, `redis.ts`.
 */
import { ElectionError } from '../errors'
import type { Metrics } from '../ports/metrics'
import { isMetrics } from './refusals'

/** Longest time that a timer of Node.js can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** What some of these fences have in common. */
interface FenceDurations {
  readonly metrics?: Metrics
  readonly waitMs?: number
  readonly idleMs?: number
}

/** @throws ELECTION_CONFIG_INVALID: an option that does not exist, or a duration out of its range. */
export function checkFenceOptions(fence: string, options: FenceDurations, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (key !== 'waitMs' && key !== 'metrics' && !known.includes(key)) {
      throw invalid(`unknown option ${JSON.stringify(key.slice(0, 60))} of ${fence}()`)
    }
  }
  if (!isMetrics(options.metrics)) throw invalid(`metrics of ${fence}() has no count()`)
  for (const name of ['waitMs', 'idleMs'] as const) {
    const value = options[name] ?? 1
    if (!Number.isSafeInteger(value) || value < 1 || value > LONGEST_TIMER_MS) {
      const given = typeof value === 'number' ? value : `a ${typeof value}`
      throw invalid(`${name} of ${fence}() must be a whole number, 1..${LONGEST_TIMER_MS}, not ${given}`)
    }
  }
}

function invalid(message: string): ElectionError {
  return new ElectionError('ELECTION_CONFIG_INVALID', message)
}
