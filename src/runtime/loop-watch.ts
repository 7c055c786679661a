/** Warns before a slow event loop costs a leadership (B.1). Logs at most one line per period; decides nothing. */
import type { Clock } from '../ports/clock'
import type { Logger } from '../ports/logger'
import { Deadline } from './deadline'
import type { LoopDelay, LoopMonitor } from './loop-monitor'

/** How long delays are gathered before they are judged and forgotten, ms. */
const PERIOD_MS = 30_000

/** Watches the delays of one process. */
export class LoopWatch {
  private readonly period: Deadline

  constructor(
    private readonly clock: Clock,
    private readonly monitor: LoopMonitor,
    private readonly logger: Logger,
    private readonly promiseMs: number,
  ) {
    this.period = new Deadline(clock, () => this.judge())
    this.period.arm(clock.now() + PERIOD_MS)
  }

  /** Delays of the present period. */
  read(): LoopDelay {
    return this.monitor.read()
  }

  stop(): void {
    this.period.clear()
    this.monitor.stop()
  }

  private judge(): void {
    const delay = this.monitor.read()
    const { promiseMs } = this
    if (delay.p99Ms > promiseMs / 4) {
      this.logger.warn({ ...delay, promiseMs }, 'the event loop is late: leaderships will be lost')
    }
    this.monitor.reset()
    this.period.arm(this.clock.now() + PERIOD_MS)
  }
}
