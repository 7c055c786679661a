/**
 * The driver: the only place where the pure core meets clock, storage and transport.
 *
 * It stamps each input with the clock, runs `step` to completion, and executes the effects in their order: what has to be
 * durable goes to the writer, what has to be sent to the outbox, the rest to the listener. It owns one timer for all
 * elections. Everything is synchronous and callback-style, so a simulation can run it without a single microtask. An input
 * that is submitted while another one is at work waits for its turn (B.10). The driver never looks at a role and decides
 * nothing about elections. Read next: `core/step.ts`, `writer.ts`, `door.ts`, `time-watch.ts`.
 */
import {
  type CoreConfig,
  createState,
  type DurableState,
  type Effect,
  type Input,
  nextDeadline,
  type PersistEffect,
  type ProcessId,
  type ProcessRecord,
  promisesNothing,
  type RevokeReason,
  type SendEffect,
  type State,
  step,
} from '../core'
import { ElectionError, isElectionError } from '../errors'
import type { Clock } from '../ports/clock'
import type { Logger } from '../ports/logger'
import type { Storage } from '../ports/storage'
import type { Greeting, RefusedReason, Transport, TransportHost } from '../ports/transport'
import { Deadline } from './deadline'
import { Door } from './door'
import { Outbox } from './outbox'
import { printable } from './printable'
import { SUSPEND_BOUND_MS, TimeWatch } from './time-watch'
import { Writer } from './writer'

type WithoutNow<I> = I extends Input ? Omit<I, 'now'> : never

/** An input before the driver has stamped it. */
export type Submitted = WithoutNow<Input>

/** An effect that concerns the service: everything that is neither written nor sent. */
export type ServiceEffect = Exclude<Effect, PersistEffect | SendEffect>

/** Who hears what the core decided. Nothing here may throw; what does is logged and dropped. */
export interface DriverListener {
  /** One effect, in order, after the step that made it has settled. */
  effect(effect: ServiceEffect): void
  /** All effects of one input were handed over. */
  settled?(): void
  /** Storage or transport failed for good: whatever was led has been renounced, and nothing will be led in this life. */
  fatal(error: ElectionError): void
}

/** What a driver is made of. */
export interface DriverOptions {
  /** `incarnation` is already that of the new life (R24). */
  readonly config: CoreConfig
  readonly clusterId: string
  /** As the storage gave it back, before the new incarnation is written (R19). */
  readonly durable: DurableState
  /** 32 hex digits, random per start (R27). */
  readonly nonce: string
  /** Any 32-bit number; crypto-random in production (R35). */
  readonly seed: number
  /** Reading of the clock from which the boot wait counts: when the former life was certainly over (R19). */
  readonly startedAt: number
  /** Wall clock for R28. Default: the clock's own. */
  readonly wallMs?: number
  readonly clock: Clock
  readonly transport: Transport
  readonly storage: Storage
  readonly logger: Logger
  /** `host:port` by process, handed on to the transport. Empty where a transport needs no addresses. */
  readonly addresses: Readonly<Record<ProcessId, string>>
  readonly listener: DriverListener
  /** A write without an answer for this long has failed (BUGS 15), ms. Default: `promiseMs`. */
  readonly storageTimeoutMs?: number
  /** Gap between monotonic clock and uptime from which the host counts as suspended, ms. Default: 100. */
  readonly suspendBoundMs?: number
}

/** What the driver offers to its transport: the port, and where the voters live. */
export interface DriverHost extends TransportHost {
  readonly addresses: Readonly<Record<ProcessId, string>>
}

/** Counters since start, plain data, for `status()`. */
export interface DriverCounters {
  readonly inputs: number
  readonly writes: number
  readonly writesFailed: number
  /** Timers that fired more than a heartbeat late: the event loop was blocked or the process paused (R36). */
  readonly stalls: number
  /** Suspends of the host that were noticed (B.3). */
  readonly suspends: number
  readonly refused: Readonly<Partial<Record<RefusedReason, number>>>
}

type Phase = 'new' | 'booting' | 'running' | 'closing' | 'closed'

/** Runs one life of one process. */
export class Driver {
  /** The core's memory; readable for `status()` and checkers, changed by the core alone. */
  readonly state: State
  /** Whether time went missing; shared with everything that reads a lease (R14). */
  readonly watch: TimeWatch

  private readonly config: CoreConfig
  private readonly clock: Clock
  private readonly storage: Storage
  private readonly transport: Transport
  private readonly listener: DriverListener
  private readonly logger: Logger
  private readonly writer: Writer
  private readonly outbox: Outbox
  private readonly door: Door
  private readonly host: DriverHost
  private readonly timer: Deadline
  private readonly queue: (Submitted | (() => void))[] = []
  private readonly whenClosed: (() => void)[] = []

  private phase: Phase = 'new'
  private whenBooted: ((error: ElectionError | null) => void) | null = null
  private transportStarted = false
  private running = false
  private turnEnds = false
  private readsFirst = false
  private inputs = 0
  private stalls = 0
  private suspends = 0

  constructor(options: DriverOptions) {
    const { config, clock, durable, logger, storage, transport } = options
    this.config = config
    this.clock = clock
    this.storage = storage
    this.transport = transport
    this.listener = options.listener
    this.logger = logger
    const { startedAt, seed, wallMs = clock.wall() } = options
    this.state = createState(config, durable, { now: clock.now(), startedAt, seed, wallMs })
    const { promiseMs } = config.timing
    this.watch = new TimeWatch(clock, options.suspendBoundMs ?? SUSPEND_BOUND_MS, promiseMs)
    this.timer = new Deadline(clock, (lateMs) => this.fired(lateMs))
    this.writer = new Writer(storage, clock, options.storageTimeoutMs ?? promiseMs, durable.process, {
      written: (version) => this.submit({ type: 'persisted', version }),
      failed: (error) => this.storageFailed(error),
    })
    this.outbox = new Outbox(transport)
    const local = greetingOf(options)
    this.door = new Door({
      local,
      members: new Set(config.cluster.voters.map(({ id }) => id)),
      ephemeral: config.ephemeral,
      writer: this.writer,
      logger,
      onDuplicate: (process, detail) => this.alarm(process, detail),
    })
    this.host = this.createHost(local, options)
  }

  /** Reading of the clock. */
  now(): number {
    return this.clock.now()
  }

  /** The durable record as it is, or will be with the write under way. */
  get record(): ProcessRecord {
    return this.writer.record
  }

  /** Counters since start. */
  get counters(): DriverCounters {
    const { inputs, stalls, suspends } = this
    return { inputs, stalls, suspends, ...this.writer.counters, refused: { ...this.door.refused } }
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
    const { incarnation, timing } = this.config
    const maxPromiseMs = Math.max(this.writer.record.maxPromiseMs, timing.promiseMs)
    this.writer.change({ incarnation, maxPromiseMs, cleanNoPromise: false })
    this.writer.idle(() => {
      if (this.phase === 'booting' && !this.writer.hasFailed) this.startTransport()
    })
  }

  /** Stamps the input and runs it to completion; from inside a listener or a step it waits for its turn. */
  submit(input: Submitted): void {
    if (this.phase === 'closing' || this.phase === 'closed') return
    this.queue.push(input)
    this.drain()
  }

  /**
   * Ends this life for good: `end` (R71), then, side by side, the transport's flush for at most `flushMs` and the last
   * write, which sets `cleanNoPromise` only if no promise to anybody stands (R19). Cannot fail; calls back once.
   */
  shutdown({ flushMs, reason }: { flushMs: number; reason: RevokeReason }, done: () => void): void {
    if (this.phase === 'closed') return done()
    this.whenClosed.push(done)
    if (this.whenClosed.length > 1 || this.phase === 'closing') return
    if (this.phase !== 'running') this.queue.length = 0
    this.queue.push({ type: 'end', reason }, () => this.close(flushMs))
    if (this.phase === 'running') this.drain()
    else this.runAll()
  }

  /** For exit hooks: everything is renounced and handed to the kernel before this returns, even inside a listener (R53). */
  endSync(reason: RevokeReason): void {
    if (this.phase !== 'running') return
    this.apply({ type: 'end', reason })
    this.outbox.flush()
    this.transport.flushSync()
  }

  /** For simulations: this life ends as if the process had been killed. Nothing is sent, written or called any more. */
  crash(): void {
    this.phase = 'closed'
    this.queue.length = 0
    this.timer.clear()
    this.outbox.clear()
    this.writer.close()
    this.whenBooted = null
    this.whenClosed.length = 0
  }

  // --- running inputs -------------------------------------------------------------------------------------------------

  private drain(): void {
    if (this.running || this.phase !== 'running') return
    this.runAll()
    this.arm()
  }

  private runAll(): void {
    if (this.running) return
    this.running = true
    try {
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
        if (typeof next === 'function') next()
        else this.apply(next)
      }
    } finally {
      this.running = false
    }
  }

  private apply(input: Submitted): void {
    const now = this.clock.now()
    if (input.type === 'suspended') {
      this.suspends += 1
      this.logger.warn({}, 'the host was suspended: every leadership is over')
    } else if (this.watch.suspects(now) && this.watch.isMissing()) {
      this.apply({ type: 'suspended' })
    }
    this.inputs += 1
    const effects = step(this.config, this.state, { ...input, now } as Input)
    if (input.type === 'suspended') this.watch.rebase()
    for (const effect of effects) {
      if (effect.type === 'persist') this.persist(effect)
      else if (effect.type === 'send') this.send(effect)
    }
    for (const effect of effects) {
      if (effect.type !== 'persist' && effect.type !== 'send') this.deliver(effect)
    }
    if (this.phase !== 'closed') this.listener.settled?.()
  }

  private persist({ version, terms, maxPromiseMs }: PersistEffect): void {
    if (maxPromiseMs !== null) this.writer.change({ maxPromiseMs })
    this.writer.decide(version, terms)
    this.endTurn()
  }

  private send(effect: SendEffect): void {
    this.outbox.add(effect)
    this.endTurn()
  }

  /** One write and one frame per peer for whatever this turn of the loop produces (R70). */
  private endTurn(): void {
    if (this.turnEnds) return
    this.turnEnds = true
    this.clock.endOfTurn(() => {
      this.turnEnds = false
      if (this.phase !== 'running') return
      this.outbox.flush()
      this.writer.flush()
    })
  }

  private deliver(effect: ServiceEffect): void {
    if (this.phase === 'closed') return
    try {
      this.listener.effect(effect)
    } catch (error) {
      this.logger.error({ err: error, effect: effect.type }, 'a listener of the driver threw')
    }
  }

  // --- time -----------------------------------------------------------------------------------------------------------

  private arm(): void {
    if (this.phase === 'running' && !this.readsFirst) this.timer.arm(nextDeadline(this.state))
  }

  /** R36: after a stall or a suspend the sockets are read before the clock is believed. */
  private fired(lateMs: number): void {
    if (this.phase !== 'running') return
    const missing = this.watch.isMissing()
    const late = lateMs > this.config.timing.heartbeatMs
    if (!missing && !late) return this.submit({ type: 'tick' })
    if (late) {
      this.stalls += 1
      this.logger.warn({ lateMs: Math.round(lateMs) }, 'the event loop was stalled')
    }
    this.readsFirst = true
    if (missing) this.submit({ type: 'suspended' })
    this.clock.afterIo(() => {
      this.readsFirst = false
      this.submit({ type: 'tick' })
    })
  }

  // --- start, failures, end -------------------------------------------------------------------------------------------

  private startTransport(): void {
    this.transportStarted = true
    this.transport.start(this.host, (error) => {
      if (this.phase !== 'booting') return
      if (error !== null) return this.bootFailed(transportError(error))
      this.phase = 'running'
      const done = this.whenBooted
      this.whenBooted = null
      this.queue.push(() => done?.(null))
      this.drain()
    })
  }

  private bootFailed(error: ElectionError): void {
    const done = this.whenBooted
    this.whenBooted = null
    done?.(error)
  }

  private storageFailed(error: ElectionError): void {
    if (this.phase === 'booting') return this.bootFailed(error)
    if (this.phase !== 'running') return
    this.logger.error({ err: error }, 'the storage failed: nothing is led and no vote is given any more')
    this.queue.push({ type: 'storageFailed' }, () => this.listener.fatal(error))
    this.drain()
  }

  /** R52: a process that nobody can reach must not lead; this life is over. */
  private transportFailed(cause: Error): void {
    const error = transportError(cause)
    if (this.phase === 'booting') return this.bootFailed(error)
    if (this.phase !== 'running') return
    this.logger.error({ err: error }, 'the transport failed: nothing is led any more')
    this.queue.push({ type: 'end', reason: 'unhealthy' }, () => this.listener.fatal(error))
    this.drain()
  }

  private close(flushMs: number): void {
    const booted = this.phase !== 'new'
    this.phase = 'closing'
    this.timer.clear()
    this.outbox.flush()
    this.bootFailed(stoppedError())
    let open = 2
    const closed = (): void => {
      open -= 1
      if (open === 0 && this.phase === 'closing') this.storage.close(() => this.finish())
    }
    if (this.transportStarted) this.transport.stop(flushMs, closed)
    else closed()
    if (booted) this.writeLast(closed)
    else closed()
  }

  /** R19: only the last write may say that no promise is left, and only if that is so. */
  private writeLast(done: () => void): void {
    this.writer.idle(() => {
      if (this.writer.hasFailed || !promisesNothing(this.config, this.state, this.clock.now())) return done()
      this.writer.change({ cleanNoPromise: true })
      this.writer.idle(done)
    })
  }

  private finish(): void {
    if (this.phase !== 'closing') return
    const waiting = [...this.whenClosed]
    this.crash()
    for (const done of waiting) done()
  }

  // --- what the transport sees ----------------------------------------------------------------------------------------

  private createHost(local: Greeting, { config, addresses, logger }: DriverOptions): DriverHost {
    const { voters } = config.cluster
    return {
      local,
      addresses,
      logger,
      peers: voters.filter(({ id, kind }) => id !== config.self && kind === 'peer').map(({ id }) => id),
      now: () => this.clock.now(),
      admit: (greeting) => this.door.admit(greeting),
      connected: (peer, sentAt) => {
        if (!this.isOpen() || !this.door.connected(peer)) return
        this.endTurn()
        const { nodeId, incarnation, storageId, rho, deltaMs } = peer
        this.submit({ type: 'connected', peer: nodeId, incarnation, storageId, rho, deltaMs, sentAt })
      },
      closed: (peer, incarnation, reason) => {
        if (!this.isOpen()) return
        logger.debug({ peer, incarnation, reason: printable(reason) }, 'a session is gone')
        this.door.closed(peer, incarnation)
        this.submit({ type: 'closed', peer, incarnation })
      },
      received: (from, fromIncarnation, parts) => {
        if (!this.isOpen() || !this.door.isOpen(from, fromIncarnation)) return
        this.submit({ type: 'frame', from, fromIncarnation, toIncarnation: config.incarnation, parts })
      },
      refused: (reason) => this.door.count(reason),
      failed: (error) => this.transportFailed(error),
    }
  }

  private isOpen(): boolean {
    return this.phase === 'booting' || this.phase === 'running'
  }

  private alarm(process: ProcessId, detail: string): void {
    this.queue.push(() =>
      this.deliver({ type: 'alarm', code: 'duplicateIdentity', election: null, process, detail }),
    )
    this.drain()
  }
}

function greetingOf({ config, clusterId, nonce }: DriverOptions): Greeting {
  const { self, storageId, incarnation, timing, cluster } = config
  return {
    clusterId,
    nodeId: self,
    storageId,
    incarnation,
    nonce,
    rho: timing.rho,
    deltaMs: timing.deltaMs,
    configTerm: cluster.term,
    configVersion: cluster.version,
  }
}

function transportError(error: Error): ElectionError {
  if (isElectionError(error)) return error
  return new ElectionError('ELECTION_TRANSPORT_FAILED', `the transport failed: ${error.message}`, {
    cause: error,
  })
}

function stoppedError(): ElectionError {
  return new ElectionError('ELECTION_STOPPED', 'stopped before it had started')
}
