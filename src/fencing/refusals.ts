/** Counts what a fence refuses, for whoever gave it a metrics port. Labels are fixed words: claims may come from anybody. */
import { type ElectionError, isElectionError } from '../errors'
import type { Metrics } from '../ports/metrics'

/** The refusals of one fence. */
export class Refusals {
  readonly #metrics: Metrics | undefined
  readonly #fence: string

  /** `fence`: the kind, as a label. */
  constructor(metrics: Metrics | undefined, fence: string) {
    this.#metrics = metrics
    this.#fence = fence
  }

  /** Counts a refusal, and returns it to be thrown. */
  counted(refusal: ElectionError): ElectionError {
    this.#metrics?.count('conclave_fence_refusals_total', { fence: this.#fence, code: refusal.code })
    return refusal
  }

  /** Runs a judgement and counts what it throws. */
  judging<T>(judge: () => T): T {
    try {
      return judge()
    } catch (error) {
      throw isElectionError(error) ? this.counted(error) : error
    }
  }
}

/** True for what may be given as `metrics`. */
export function isMetrics(value: unknown): value is Metrics | undefined {
  return value === undefined || typeof (value as Partial<Metrics> | null)?.count === 'function'
}
