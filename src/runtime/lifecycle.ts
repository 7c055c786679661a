/**
 * Starting and stopping one process, in the order that the rules ask for (R20, R24, R52, R53, R71).
 *
 * One object is one life: a transport can be started once and an incarnation is never used again, so whoever wants to go on
 * after `stop` or a failure makes a new one. Decides nothing about elections. Read next: `life.ts`, `driver.ts`, `elector.ts`.
 */
import type { ElectionError } from '../errors'
import type { DriverListener } from './driver'
import type { DriverPort } from './driver-port'
import { installExitHooks } from './exit-hooks'
import { stoppedError, storageError } from './failures'
import { beginLife } from './life'
import { LoopWatch } from './loop-watch'
import type { ElectorConfig } from './options'
import { beginRemote } from './remote/begin'
import type { Phase } from './status'
import { within } from './within'

/** What a life needs of its elector. */
export interface LifecycleParts {
  readonly config: ElectorConfig
  readonly listener: DriverListener
  /** There is a driver: leases can be read against its watch. Nothing has been sent. */
  readonly onBorn: (driver: DriverPort) => void
  /** It has booted. */
  readonly onRunning: () => void
  /** It could not start, or failed for good. */
  readonly onFailed: (error: ElectionError) => void
  /** Gives every leadership up; resolves when all of them are over. */
  readonly drain: () => Promise<unknown>
  /** Whatever is still held is over without having been released. */
  readonly cut: () => void
  readonly onEnded: () => void
}

/** The one life of an elector. */
export class Lifecycle {
  phase: Phase = 'idle'
  error: ElectionError | null = null
  driver: DriverPort | null = null
  loop: LoopWatch | null = null
  private starting: Promise<void> | null = null
  /** Settles a start that hangs; of no effect once it has ended. */
  private giveUpStart: (error: ElectionError) => void = () => {}
  private stopping: Promise<void> | null = null
  private removeHooks: () => void = () => {}

  constructor(private readonly parts: LifecycleParts) {}

  /** See `Election.start`. */
  start(): Promise<void> {
    if (this.stopping !== null) return Promise.reject(stoppedError())
    this.starting ??= new Promise((resolve, reject) => {
      this.giveUpStart = reject
      this.run().then(resolve, reject)
    })
    return this.starting
  }

  /** See `Election.stop`. */
  stop(): Promise<void> {
    this.stopping ??= this.end()
    return this.stopping
  }

  /** Storage or transport failed while it ran. */
  fail(error: ElectionError): void {
    this.error ??= error
    if (this.phase === 'starting' || this.phase === 'running') this.phase = 'failed'
    this.parts.onFailed(error)
  }

  private async run(): Promise<void> {
    const { config } = this.parts
    const { clock, loopMonitor } = config.environment
    this.phase = 'starting'
    for (const warning of config.warnings) config.logger.warn({ cluster: config.cluster }, warning)
    this.installHooks()
    try {
      this.driver = await this.beBorn()
      if (this.stopping !== null) throw stoppedError()
      this.parts.onBorn(this.driver)
      await this.boot(this.driver)
    } catch (error) {
      const cause = storageError(error as Error)
      await this.closeDriver()
      this.removeHooks()
      if (this.stopping === null) this.fail(cause)
      throw cause
    }
    if (loopMonitor !== null) {
      const limitMs = config.worker?.mainThreadLimitMs ?? config.timing.promiseMs
      this.loop = new LoopWatch(clock, loopMonitor(limitMs), config.logger, limitMs)
    }
    if (this.phase === 'starting') this.phase = 'running'
    this.parts.onRunning()
  }

  private beBorn(): Promise<DriverPort> {
    const { config, listener } = this.parts
    return new Promise((resolve, reject) => {
      const begun = (error: ElectionError | null, driver: DriverPort | null): void =>
        driver === null ? reject(error) : resolve(driver)
      if (config.worker === null) beginLife(config, listener, begun)
      else beginRemote(config, config.worker, listener, begun)
    })
  }

  private boot(driver: DriverPort): Promise<void> {
    return new Promise((resolve, reject) => {
      driver.boot((error) => (error === null ? resolve() : reject(error)))
    })
  }

  private closeDriver(): Promise<void> {
    const { driver, parts } = this
    if (driver === null) return Promise.resolve()
    const { flushMs } = parts.config
    return new Promise((resolve) => driver.shutdown({ flushMs, reason: 'stopped' }, resolve))
  }

  /** R20, then R71, both within `stopMs`; a leadership that could not be released in time runs out by itself. */
  private async end(): Promise<void> {
    const { config, drain, cut, onEnded } = this.parts
    const { clock } = config.environment
    const endAt = clock.now() + config.stopMs
    const wait = (promise: Promise<unknown>): Promise<boolean> =>
      within(clock, Math.max(0, endAt - clock.now()), promise)
    this.phase = 'stopping'
    const drained = await wait(drain())
    const closed = drained && (await wait(this.closeDriver()))
    if (closed && this.starting !== null) await wait(this.starting)
    if (!closed) this.abandon()
    cut()
    this.loop?.stop()
    this.removeHooks()
    this.phase = 'stopped'
    this.giveUpStart(stoppedError())
    onEnded()
  }

  /** Something hangs: no word of release leaves, since work may still run; the lock is freed if the storage still can. */
  private abandon(): void {
    const { stopMs, logger } = this.parts.config
    logger.warn({ stopMs }, 'stopping took too long: leases run out by themselves')
    this.driver?.abandon()
  }

  private installHooks(): void {
    const { environment, handleSignals } = this.parts.config
    const { process } = environment
    if (process === null) return
    this.removeHooks = installExitHooks({
      process,
      handleSignals,
      onExit: () => {
        this.parts.cut()
        this.driver?.endSync('stopped')
      },
      onSignal: () => this.stop(),
    })
  }
}
