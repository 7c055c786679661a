/**
 * The driver: one life of one process. The only place where the pure core meets clock, storage and transport.
 *
 * Decides the order of starting and ending: nothing is sent before the new incarnation is durable (R24), and nothing is
 * written after a write that failed (R1). Everything is synchronous and callback-style, so a simulation can run it without
 * a single microtask. Decides nothing about elections. Read next: `engine.ts` (how inputs run), `writer.ts`, `door.ts`.
 */
import type {
  AlarmCode,
  ClusterConfig,
  ElectionName,
  ProcessId,
  ProcessRecord,
  RevokeReason,
  State,
  Term,
} from '../core'
import type { ElectionError } from '../errors'
import type { Transport } from '../ports/transport'
import { closeDown } from './close-down'
import { isConfirmed } from './confirmed'
import { Door } from './door'
import { addressesOf, createHost, greetingOf } from './driver-host'
import type { DriverCounters, DriverListener, DriverOptions, Submitted } from './driver-options'
import type { DriverPort, DriverView, Guest } from './driver-port'
import { Engine } from './engine'
import { stoppedError, transportError } from './failures'
import type { LeaseEnd } from './lease-time'
import type { TimeWatch } from './time-watch'
import { Writer } from './writer'

export type {
  DriverCounters,
  DriverListener,
  DriverOptions,
  ServiceEffect,
  Submitted,
} from './driver-options'

type Phase = 'new' | 'booting' | 'running' | 'closing' | 'closed'

/** Runs one life of one process. */
export class Driver implements DriverPort {
  private readonly options: DriverOptions
  private readonly engine: Engine
  private readonly writer: Writer
  private readonly door: Door
  private readonly whenClosed: (() => void)[] = []
  private phase: Phase = 'new'
  private whenBooted: ((error: ElectionError | null) => void) | null = null
  private transportStarted = false

  constructor(options: DriverOptions) {
    const { config, clock, durable, storage, storageTimeoutMs = config.timing.promiseMs } = options
    this.options = options
    this.writer = new Writer(storage, clock, storageTimeoutMs, durable.process, {
      written: (version) => this.submit({ type: 'persisted', now: 0, version }),
      failed: (error) => this.storageFailed(error),
    })
    const listener = config.membership === true ? this.following(options.listener) : options.listener
    this.engine = new Engine({ ...options, listener }, this.writer)
    this.door = new Door({
      local: greetingOf(options),
      cluster: this.state.cluster,
      changes: config.membership === true,
      ephemeral: config.ephemeral,
      maxObservers: options.maxObservers ?? 0,
      writer: this.writer,
      logger: options.logger,
      onDuplicate: (process, detail) => this.alarm('duplicateIdentity', process, detail),
    })
  }

  /** The core's memory; readable for `status()` and checkers, changed by the core alone. */
  get state(): State {
    return this.engine.state
  }

  /** Whether time went missing; shared with everything that reads a lease (R14). */
  get watch(): TimeWatch {
    return this.engine.watch
  }

  /** The durable record as it is, or will be with the write under way. */
  get record(): ProcessRecord {
    return this.writer.record
  }

  /** Counters since start. */
  get counters(): DriverCounters {
    const { inputs, stalls, suspends } = this.engine
    return { inputs, stalls, suspends, ...this.writer.counters, refused: { ...this.door.refused } }
  }

  /** Did nothing of this process run for two heartbeats before the input that is at work, or was the last one? (B.1) */
  get wasStalled(): boolean {
    return this.engine.gapMs > 2 * this.options.config.timing.heartbeatMs
  }

  /** Name of this process in the protocol; where only stores vote it is longer than the configured id (R49). */
  get self(): ProcessId {
    return this.options.config.self
  }

  /** Its transport. */
  get transport(): Transport {
    return this.options.transport
  }

  look(_election: ElectionName | null): DriverView {
    const { state, counters, transport, record } = this
    return { state, counters, transport, incarnation: record.incarnation }
  }

  isConfirmed(election: ElectionName, askedAt: number): boolean {
    return isConfirmed(this.options.config, this.state, election, askedAt)
  }

  /** In this thread effects are told as they happen: what is known is the truth. */
  leaseEnd(_election: ElectionName, _term: Term, known: LeaseEnd): LeaseEnd {
    return known
  }

  /** Something that an operator should see, and that no step decided. */
  alarm(code: AlarmCode, process: ProcessId, detail: string): void {
    this.engine.tell({ type: 'alarm', code, election: null, process, detail })
  }

  /** Reading of the clock. */
  now(): number {
    return this.options.clock.now()
  }

  /**
   * Starts this life: the new incarnation becomes durable before the first byte is sent, in the same write that clears
   * `cleanNoPromise` (R24, R19); then the transport starts; then the timer is armed. Calls back once, with
   * `ELECTION_STORAGE_FAILED`, `ELECTION_TRANSPORT_FAILED` or `ELECTION_STOPPED` if it could not; then only `shutdown`
   * makes sense. Inputs submitted before are kept until it has started.
   */
  boot(done: (error: ElectionError | null) => void): void {
    if (this.phase !== 'new') return done(stoppedError())
    this.phase = 'booting'
    this.whenBooted = done
    const { incarnation, timing } = this.options.config
    const maxPromiseMs = Math.max(this.writer.record.maxPromiseMs, timing.promiseMs)
    this.writer.change({ incarnation, maxPromiseMs, cleanNoPromise: false })
    this.writer.idle(() => {
      if (this.phase === 'booting' && !this.writer.hasFailed) this.startTransport()
    })
  }

  /** Stamps the input and runs it to completion; from inside a listener or a step it waits for its turn (B.10). */
  submit(input: Submitted): void {
    if (this.phase !== 'closing' && this.phase !== 'closed') this.engine.submit(input)
  }

  /**
   * Ends this life for good: `end` (R71), then, side by side, the transport's flush for at most `flushMs` and the last
   * write, which sets `cleanNoPromise` only if no promise to anybody stands (R19). Cannot fail; calls back once.
   */
  shutdown({ flushMs, reason }: { flushMs: number; reason: RevokeReason }, done: () => void): void {
    if (this.phase === 'closed') return done()
    this.whenClosed.push(done)
    if (this.whenClosed.length > 1) return
    if (this.phase !== 'running') this.engine.clear()
    this.engine.submit({ type: 'end', reason }, () => this.close(flushMs))
    if (this.phase !== 'running') this.engine.runAll()
  }

  /** For exit hooks: everything is renounced and handed to the kernel before this returns, even inside a listener (R53). */
  endSync(reason: RevokeReason): void {
    if (this.phase !== 'running' && this.phase !== 'closing') return
    if (this.phase === 'running') this.engine.apply({ type: 'end', reason })
    this.engine.outbox.flush()
    this.options.transport.flushSync()
  }

  /** For simulations: this life ends as if the process had been killed. Nothing is sent, written or called any more. */
  crash(): void {
    this.phase = 'closed'
    this.engine.clear()
    this.engine.outbox.clear()
    this.writer.close()
    this.whenBooted = null
    this.whenClosed.length = 0
  }

  /** No word of release leaves, since work may still run (R20). */
  abandon(): void {
    const { transport, storage } = this.options
    this.crash()
    transport.stop(0, () => storage.close(() => {}))
  }

  /**
   * Keeps a link with one process that is no member, so that it can become one (R34); null: with nobody any more. Until it
   * has a session nobody knows its storage: `storageOf`.
   */
  invite(guest: Guest | null): void {
    this.door.invite(guest?.id ?? null)
    this.keepPeers(this.state.cluster, guest)
  }

  /** The storage that a process with a session showed, or null. */
  storageOf(process: ProcessId): string | null {
    return this.door.storageOf(process)
  }

  /** Door and transport follow the configuration before the service hears of it. */
  private following(listener: DriverListener): DriverListener {
    return {
      effect: (effect) => {
        if (effect.type === 'configured') this.follow(effect.cluster, effect.removed)
        listener.effect(effect)
      },
      settled: () => listener.settled?.(),
      fatal: (error) => listener.fatal(error),
    }
  }

  private follow(cluster: ClusterConfig, removed: boolean): void {
    this.door.follow(cluster)
    // whoever goes hears the last word first
    this.engine.outbox.flush()
    if (removed) this.options.transport.keepPeers?.([], {})
    else this.keepPeers(cluster, null)
  }

  private keepPeers({ voters }: ClusterConfig, guest: Guest | null): void {
    const { addresses, transport } = this.options
    const peers = [...voters, ...(guest === null ? [] : [guest])].filter(({ id }) => id !== this.self)
    const ids = peers.map(({ id }) => id)
    transport.keepPeers?.(ids, { ...addresses, ...addressesOf(peers) })
  }

  private startTransport(): void {
    const { engine, door, options } = this
    this.transportStarted = true
    const host = createHost({
      options,
      cluster: this.state.cluster,
      door,
      isOpen: () => this.phase === 'booting' || this.phase === 'running',
      submit: (input) => this.submit(input),
      failed: (error) => this.transportFailed(error),
    })
    options.transport.start(host, (error) => {
      if (this.phase !== 'booting') return
      if (error !== null) return this.booted(transportError(error))
      this.phase = 'running'
      options.witness?.began(host.local)
      engine.open()
      engine.submit(() => this.booted(null))
    })
  }

  private booted(error: ElectionError | null): void {
    const done = this.whenBooted
    this.whenBooted = null
    done?.(error)
  }

  private storageFailed(error: ElectionError): void {
    if (this.phase === 'booting') return this.booted(error)
    if (this.phase !== 'running') return
    const { logger, listener } = this.options
    logger.error({ err: error }, 'the storage failed: nothing is led and no vote is given any more')
    this.engine.submit({ type: 'storageFailed' }, () => listener.fatal(error))
  }

  /** R52: a process that nobody can reach must not lead; this life is over. */
  private transportFailed(cause: Error): void {
    const error = transportError(cause)
    if (this.phase === 'booting') return this.booted(error)
    if (this.phase !== 'running') return
    const { logger, listener } = this.options
    logger.error({ err: error }, 'the transport failed: nothing is led any more')
    this.engine.submit({ type: 'end', reason: 'unhealthy' }, () => listener.fatal(error))
  }

  private close(flushMs: number): void {
    const hasBooted = this.phase !== 'new'
    this.phase = 'closing'
    const { writer, options, state, engine } = this
    const { outbox, headStartMs } = engine
    engine.clear()
    this.booted(stoppedError())
    const transport = this.transportStarted ? options.transport : null
    const life = { ...options, state, writer, transport, hasBooted, flushMs }
    const isWanted = (): boolean => this.phase === 'closing'
    closeDown({ ...life, outbox, headStartMs, isWanted }, () => {
      if (!isWanted()) return
      this.options.witness?.dismiss()
      const waiting = [...this.whenClosed]
      this.crash()
      for (const done of waiting) done()
    })
  }
}
