/**
 * The machines of Figure 16 as three random durations, in ms: a disk write, a message one way, the lateness of a timer.
 *
 * Fitted to the published curves, with a model that is not this code; the paper itself says "roughly 15 ms" for a round trip
 * with a write. The simulator draws uniformly by itself, so what it reads here are getters: each reading is a new draw.
 */
import { CALM, type LinkQuality } from '../../../src/simulation/links'
import type { Random } from '../../../src/simulation/random'
import type { TimerAccuracy } from '../../../src/simulation/sim-clock'
import type { WriteTime } from '../../../src/simulation/sim-storage'

const WRITE = { leastMs: 1.5, meanMoreMs: 2.3 }
const ONE_WAY = { leastMs: 0.2, meanMoreMs: 0.07 }
const LATE_MS = 0.5

/** What one trial runs on. */
export class Hardware {
  readonly writeTime: WriteTime
  readonly link: LinkQuality
  /** For clocks whose every wake-up is late. */
  readonly accuracy: TimerAccuracy

  constructor(
    private readonly random: Random,
    private readonly meanLateMs = LATE_MS,
  ) {
    const draw = ({ leastMs, meanMoreMs }: typeof WRITE): number => leastMs + this.exponential(meanMoreMs)
    const lateMs = (): number => this.lateMs() + this.lateMs()
    this.writeTime = {
      get leastMs() {
        return draw(WRITE)
      },
      mostMs: 0,
    }
    this.link = {
      ...CALM,
      get latencyMs() {
        return draw(ONE_WAY)
      },
    }
    // the clock draws uniformly below this: a uniform share of the sum of two exponentials is one exponential
    this.accuracy = {
      early: 0,
      get lateMs() {
        return lateMs()
      },
    }
  }

  /** One lateness. */
  lateMs(): number {
    return this.exponential(this.meanLateMs)
  }

  private exponential(mean: number): number {
    return -Math.log(1 - this.random.unit()) * mean
  }
}
