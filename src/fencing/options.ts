/**
 * The options that the fences of one process share, their defaults and their checks.
 *
 * Read next: `memory.ts`, `file.ts`.
 */
import { ElectionError } from '../errors'
import type { Metrics } from '../ports/metrics'
import type { ReadFloor } from './floor'
import { isMetrics } from './refusals'

/** Options of `memoryFence` and `fileFence`. */
export interface ProcessFenceOptions {
  /**
   * Asks the voters for the floor under all tokens (R43). The fence stays closed until it knows the answer, refuses
   * lower tokens, and asks again with the next claim after a failure. Without it a fence in memory starts open.
   * One number serves one election: give each election a fence of its own when you use this.
   */
  readonly floor?: ReadFloor
  /** How long a claim waits for the floor, milliseconds. Default 5,000. Too small: a slow quorum keeps the fence closed. */
  readonly floorTimeoutMs?: number
  /**
   * How long a call waits for its turn at a resource, milliseconds. Default 30,000. Too small: a long guarded write makes
   * others fail; too large: a hung one is noticed late.
   */
  readonly waitMs?: number
  /**
   * How many resources are remembered one by one. Default 100,000 (some 150 bytes of memory each). Beyond it the oldest is folded
   * into the floor of its election: nothing stale gets in, but claims that name no election then share one floor, and an
   * election with small numbers may find itself below it. Name the election in every claim.
   */
  readonly maxResources?: number
  /** Counts refusals (`conclave_fence_refusals_total`): `promMetrics(client)` of `conclave/metrics`. Default: nobody counts. */
  readonly metrics?: Metrics
}

/** The same, complete and checked. */
export interface CheckedOptions {
  readonly floor: ReadFloor | null
  readonly floorTimeoutMs: number
  readonly waitMs: number
  readonly maxResources: number
  readonly metrics: Metrics | undefined
}

/** Longest time that a timer of Node.js can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Fills in the defaults.
 *
 * @throws ELECTION_CONFIG_INVALID: an unknown option, or a value out of its range; the message names both.
 */
export function checkOptions(
  options: ProcessFenceOptions,
  alsoKnown: readonly string[] = [],
): CheckedOptions {
  if (typeof options !== 'object' || options === null)
    throw invalid('the options of a fence are not an object')
  const known = ['floor', 'floorTimeoutMs', 'waitMs', 'maxResources', 'metrics', ...alsoKnown]
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw invalid(`unknown option ${JSON.stringify(key.slice(0, 60))} of a fence`)
  }
  if (options.floor !== undefined && typeof options.floor !== 'function')
    throw invalid('floor is not a function')
  if (!isMetrics(options.metrics)) throw invalid('metrics has no count()')
  return {
    metrics: options.metrics,
    floor: options.floor ?? null,
    floorTimeoutMs: whole('floorTimeoutMs', options.floorTimeoutMs ?? 5_000, LONGEST_TIMER_MS),
    waitMs: whole('waitMs', options.waitMs ?? 30_000, LONGEST_TIMER_MS),
    maxResources: whole('maxResources', options.maxResources ?? 100_000, 2 ** 24),
  }
}

/** A Map of V8 holds 2^24 entries at most; hence the bound of `maxResources`. */
function whole(name: string, value: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > max) {
    throw invalid(`${name} must be a whole number, 1..${max}`)
  }
  return value
}

function invalid(message: string): ElectionError {
  return new ElectionError('ELECTION_CONFIG_INVALID', message)
}
