/**
 * A score of the service itself: sampled at an interval, bounded, and told on only when it has really moved (R37).
 *
 * Decides nothing: it is added to the priority, which orders who stands and never who may win. What the function throws, or
 * returns that is no finite number, is counted, and the score stays as it was. Read next: `contention.ts`.
 */
import type { Clock } from '../ports/clock'
import { Deadline } from './deadline'

/** A score with its interval. */
export interface Score {
  /** Higher is better. Called on the event loop: it must not wait, and should cost microseconds. */
  readonly sample: () => number
  /** From one sample to the next, ms. Default `promiseMs`. Too small: load. Too large: an old score decides who stands first. */
  readonly everyMs?: number
  /**
   * How far a sample has to be from the score told last to replace it. Default 10. Too small: each wobble is told to every
   * member. Too large: differences that matter are not told.
   */
  readonly hysteresis?: number
}

/** The score as it was told last, for `status()`. */
export interface ScoreStatus {
  readonly value: number
  /** Samples that threw or were no finite number, since the start. */
  readonly failures: number
}

/** Scores lie between minus this and this. */
const BOUND = 1_000

/** What sampling needs. */
export interface SamplerParts {
  readonly clock: Clock
  readonly score: Score
  readonly promiseMs: number
  /** The score has moved. */
  readonly changed: () => void
}

/** The sampled score of one election at this process. */
export class Sampler {
  /** 0 until there is a first good sample. */
  value = 0
  failures = 0
  private readonly next: Deadline
  private hasValue = false

  constructor(private readonly parts: SamplerParts) {
    this.next = new Deadline(parts.clock, () => {
      if (this.sample()) parts.changed()
    })
  }

  /** Takes a sample now, and from now on at the interval. */
  start(): void {
    this.sample()
  }

  stop(): void {
    this.next.clear()
  }

  status(): ScoreStatus {
    return { value: this.value, failures: this.failures }
  }

  /** True if the score has moved. */
  private sample(): boolean {
    const { clock, score, promiseMs } = this.parts
    this.next.arm(clock.now() + (score.everyMs ?? promiseMs))
    const sampled = this.ask()
    if (sampled === null) {
      this.failures += 1
      return false
    }
    const value = Math.round(Math.min(BOUND, Math.max(-BOUND, sampled)))
    const distance = Math.abs(value - this.value)
    if (this.hasValue && (distance === 0 || distance < (score.hysteresis ?? 10))) return false
    this.hasValue = true
    this.value = value
    return distance > 0
  }

  private ask(): number | null {
    try {
      const sampled: unknown = this.parts.score.sample()
      return typeof sampled === 'number' && Number.isFinite(sampled) ? sampled : null
    } catch {
      return null
    }
  }
}
