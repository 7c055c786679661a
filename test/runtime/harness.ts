/**
 * A bench for the runtime: manual time, a hub in place of a network, storages that hang and fail on demand.
 *
 * Nothing here waits for a real clock. `World.run` stops at every instant at which something is due, in order, and lets
 * promises settle after each; the code under test is the shipping runtime over the shipping core.
 */
import { randomBytes } from 'node:crypto'
import type { DurableChange, DurableState, Part, ProcessId } from '../../src/core'
import { displayName } from '../../src/core/identity'
import type {
  Clock,
  Greeting,
  RefusedReason,
  Storage,
  StorageIdentity,
  TimerHandle,
  Transport,
  TransportHost,
  TransportStats,
} from '../../src/ports'
import type { Elector } from '../../src/runtime/api'
import { createElector } from '../../src/runtime/create'
import type { Environment, HostProcess } from '../../src/runtime/environment'
import type { ElectorOptions } from '../../src/runtime/options'

interface Event {
  readonly at: number
  readonly order: number
  run: (() => void) | null
}

/** Lets everything that only waits for promises happen. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** One time for everybody, and what is due when. */
export class World {
  now = 1_000
  /** What happened, in order, for tests of order. */
  readonly log: string[] = []
  private events: Event[] = []
  private ends: (() => void)[] = []
  private orders = 0

  at(at: number, run: () => void): Event {
    this.orders += 1
    const event: Event = { at, order: this.orders, run }
    this.events.push(event)
    return event
  }

  endOfTurn(run: () => void): void {
    this.ends.push(run)
  }

  /** What was put behind the present turn. */
  finishTurn(): void {
    for (let end = this.ends.shift(); end !== undefined; end = this.ends.shift()) end()
  }

  /** Lets `ms` pass, stopping at everything that is due. */
  async run(ms = 0): Promise<void> {
    const until = this.now + ms
    await settle()
    this.finishTurn()
    for (let next = this.next(until); next !== null; next = this.next(until)) {
      this.now = Math.max(this.now, next.at)
      const { run } = next
      next.run = null
      run?.()
      this.finishTurn()
      await settle()
      this.finishTurn()
    }
    this.now = Math.max(this.now, until)
  }

  /** Lets time pass in which nobody gets to run: a blocked event loop, SIGSTOP. */
  stall(ms: number): void {
    this.now += ms
  }

  private next(until: number): Event | null {
    this.events = this.events.filter(({ run }) => run !== null)
    let first: Event | null = null
    for (const event of this.events) {
      if (event.at > until) continue
      if (first === null || event.at < first.at || (event.at === first.at && event.order < first.order))
        first = event
    }
    return first
  }
}

/** The clock of one process. */
export class TestClock implements Clock {
  wallAheadMs = 1_700_000_000_000
  uptimeAheadMs = 5_000_000
  /** Timers fire that much before their instant (B.6). */
  earlyMs = 0
  timersSet = 0
  timersPending = 0

  constructor(readonly world: World) {}

  now(): number {
    return this.world.now
  }

  wall(): number {
    return this.world.now + this.wallAheadMs
  }

  uptime(): number {
    return this.world.now + this.uptimeAheadMs
  }

  /** The host sleeps: wall clock and uptime go on, the monotonic clock does not (B.3). */
  suspend(ms: number): void {
    this.wallAheadMs += ms
    this.uptimeAheadMs += ms
  }

  setTimer(atMs: number, callback: () => void): TimerHandle {
    this.timersSet += 1
    this.timersPending += 1
    const early = atMs - this.earlyMs
    return this.world.at(early > this.world.now ? early : Math.max(atMs, this.world.now), () => {
      this.timersPending -= 1
      callback()
    })
  }

  clearTimer(handle: TimerHandle): void {
    const event = handle as Event
    if (event.run !== null) this.timersPending -= 1
    event.run = null
  }

  afterIo(callback: () => void): void {
    this.world.at(this.world.now, callback)
  }

  endOfTurn(callback: () => void): void {
    this.world.endOfTurn(callback)
  }
}

/** Connects transports by id: one network. */
export class Hub {
  readonly ends = new Map<ProcessId, HubTransport>()
  private readonly silent = new Set<string>()
  latencyMs = 1

  constructor(readonly world: World) {}

  /** Frames from `from` to `to` vanish from now on; sessions stay. */
  mute(from: ProcessId, to: ProcessId): void {
    this.silent.add(`${from}>${to}`)
  }

  /** Nobody hears anybody of these. */
  isolate(id: ProcessId): void {
    for (const other of this.ends.keys()) {
      this.mute(id, other)
      this.mute(other, id)
    }
  }

  heal(): void {
    this.silent.clear()
  }

  carries(from: ProcessId, to: ProcessId): boolean {
    return !this.silent.has(`${from}>${to}`)
  }
}

/** A transport over a hub. */
export class HubTransport implements Transport {
  host: TransportHost | null = null
  readonly sent: { readonly at: number; readonly to: ProcessId; readonly parts: readonly Part[] }[] = []
  flushedSync = 0
  startError: Error | null = null
  readonly refusals: string[] = []
  private readonly sessions = new Map<ProcessId, Greeting>()

  constructor(
    readonly hub: Hub,
    readonly id: ProcessId,
  ) {}

  start(host: TransportHost, ready: (error: Error | null) => void): void {
    this.host = host
    this.hub.world.log.push(`${this.id} listens`)
    if (this.startError !== null) return ready(this.startError)
    this.hub.ends.set(this.id, this)
    ready(null)
    for (const other of this.hub.ends.values()) if (other !== this) this.connect(other)
  }

  send(to: ProcessId, toIncarnation: number, parts: readonly Part[]): void {
    const { world } = this.hub
    this.sent.push({ at: world.now, to, parts })
    world.log.push(`${this.id} sends ${parts.map(({ kind }) => kind).join('+')} to ${to}`)
    const { host } = this
    const id = displayName(to)
    const other = this.hub.ends.get(id)
    if (host === null || other?.host?.local.incarnation !== toIncarnation || !this.sessions.has(id)) return
    if (!this.hub.carries(this.id, id)) return
    const { nodeId, incarnation } = host.local
    world.at(world.now + this.hub.latencyMs, () => {
      if (this.hub.carries(this.id, id)) other.host?.received(nodeId, incarnation, parts)
    })
  }

  flushSync(): void {
    this.flushedSync += 1
    this.hub.world.log.push(`${this.id} flushes`)
  }

  stop(_flushMs: number, done: () => void): void {
    this.leave()
    this.hub.world.log.push(`${this.id} closes`)
    done()
  }

  stats(): TransportStats {
    return {
      links: [...this.sessions.values()].map(({ nodeId, incarnation }) => ({
        peer: nodeId,
        connected: true,
        incarnation,
        address: `${nodeId}:1`,
        lastError: null,
      })),
      framesSent: this.sent.length,
      framesReceived: 0,
      bytesSent: 0,
      bytesReceived: 0,
      refused: {},
    }
  }

  /** As if the process had died: its sockets close. */
  leave(): void {
    const { nodeId = this.id, incarnation = 0 } = this.host?.local ?? {}
    if (this.hub.ends.get(this.id) === this) this.hub.ends.delete(this.id)
    this.host = null
    for (const id of this.sessions.keys()) {
      const other = this.hub.ends.get(id)
      other?.sessions.delete(this.id)
      this.hub.world.at(this.hub.world.now + this.hub.latencyMs, () => {
        other?.host?.closed(nodeId, incarnation, 'FIN')
      })
    }
    this.sessions.clear()
  }

  private refuse(host: TransportHost, reason: RefusedReason): void {
    this.refusals.push(reason)
    host.refused(reason)
  }

  private connect(other: HubTransport): void {
    const { world } = this.hub
    const mine = this.host
    const theirs = other.host
    if (mine === null || theirs === null) return
    const sentAt = world.now
    world.at(world.now + this.hub.latencyMs, () => {
      if (this.host !== mine || other.host !== theirs) return
      const here = mine.admit(theirs.local)
      const there = theirs.admit(mine.local)
      if (!here.ok) this.refuse(mine, here.reason)
      if (!there.ok) other.refuse(theirs, there.reason)
      if (!here.ok || !there.ok) return
      this.sessions.set(other.id, theirs.local)
      other.sessions.set(this.id, mine.local)
      mine.connected(theirs.local, sentAt)
      theirs.connected(mine.local, sentAt)
    })
  }
}

/** What survives a restart. */
export class Disk {
  state: DurableState | null = null
  locked = false
}

/** A storage over a disk; writes take `writeMs`, may be held for ever, and may fail. */
export class TestStorage implements Storage {
  readonly writes: DurableChange[] = []
  writeMs = 0
  openMs = 0
  /** Null: writes work; 'hang': never answered; an error: they fail. */
  fault: Error | 'hang' | null = null
  openError: Error | null = null
  inFlight = 0
  closed = 0

  constructor(
    readonly world: World,
    readonly id: ProcessId,
    readonly disk = new Disk(),
    readonly kind: 'durable' | 'volatile' = 'durable',
  ) {}

  open(identity: StorageIdentity, done: (error: Error | null, state: DurableState | null) => void): void {
    if (this.openError !== null) return done(this.openError, null)
    if (this.openMs > 0) {
      const { openMs } = this
      this.openMs = 0
      this.world.at(this.world.now + openMs, () => this.open(identity, done))
      return
    }
    this.disk.locked = true
    if (this.disk.state === null || this.kind === 'volatile') {
      const process = {
        format: 1 as const,
        clusterId: identity.clusterId,
        nodeId: identity.nodeId,
        storageId: randomBytes(16).toString('hex'),
        incarnation: 0,
        config: identity.config,
        maxPromiseMs: 0,
        cleanNoPromise: false,
        pins: {},
      }
      this.disk.state = { process, terms: new Map() }
    }
    done(null, this.disk.state)
  }

  write(change: DurableChange, done: (error: Error | null) => void): void {
    const { world, fault } = this
    if (this.inFlight > 0) throw new Error('two writes at a time')
    this.writes.push(change)
    world.log.push(`${this.id} writes`)
    this.inFlight += 1
    if (fault === 'hang') return
    const finish = (): void => {
      this.inFlight -= 1
      if (fault === null) this.apply(change)
      world.log.push(`${this.id} ${fault === null ? 'wrote' : 'failed to write'}`)
      done(fault)
    }
    if (this.writeMs === 0) finish()
    else world.at(world.now + this.writeMs, finish)
  }

  close(done: () => void): void {
    this.closed += 1
    this.disk.locked = false
    this.world.log.push(`${this.id} unlocks`)
    done()
  }

  private apply(change: DurableChange): void {
    const { disk } = this
    if (disk.state === null) return
    const terms = new Map([...disk.state.terms, ...change.terms])
    disk.state = { process: change.process ?? disk.state.process, terms }
  }
}

/** A `process` that only remembers. */
export class FakeProcess implements HostProcess {
  readonly pid = 4_242
  readonly warnings: string[] = []
  readonly killed: string[] = []
  private readonly listeners = new Map<string, Set<() => void>>()

  on(event: string, listener: () => void): void {
    const known = this.listeners.get(event) ?? new Set()
    known.add(listener)
    this.listeners.set(event, known)
  }

  off(event: string, listener: () => void): void {
    this.listeners.get(event)?.delete(listener)
  }

  listenerCount(event: string): number {
    return this.listeners.get(event)?.size ?? 0
  }

  kill(_pid: number, signal: string): void {
    this.killed.push(signal)
  }

  readonly exits: number[] = []

  exit(code: number): void {
    this.exits.push(code)
  }

  emitWarning(message: string): void {
    this.warnings.push(message)
  }

  emit(event: string): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener()
  }
}

/** Everything of one process that a test can touch. */
export interface TestProcess {
  readonly id: ProcessId
  readonly elector: Elector
  readonly clock: TestClock
  readonly transport: HubTransport
  readonly storage: TestStorage
  readonly process: FakeProcess
}

/** D = 1,000 and no clock error: the lease of a round is exactly 1,000 long. */
export const TIMING = {
  promiseMs: 1_000,
  heartbeatMs: 100,
  campaignMs: 300,
  stepMs: 20,
  marginMs: 200,
  rho: 0,
  deltaMs: 0,
  backoffMs: 50,
} as const

/** A cluster of processes on one hub. */
export class Bench {
  readonly world = new World()
  readonly hub = new Hub(this.world)
  readonly disks = new Map<ProcessId, Disk>()
  private seed = 1

  constructor(readonly voters: readonly ProcessId[] = ['a', 'b', 'c']) {}

  /** A process that has not started; its disk outlives it. */
  process(id: ProcessId, options: Partial<ElectorOptions> = {}): TestProcess {
    const { world } = this
    const disk = this.disks.get(id) ?? new Disk()
    this.disks.set(id, disk)
    const clock = new TestClock(world)
    const transport = new HubTransport(this.hub, id)
    const storage = new TestStorage(world, id, disk)
    const fake = new FakeProcess()
    const environment: Environment = {
      clock,
      random: () => {
        this.seed = (Math.imul(this.seed, 1_664_525) + 1_013_904_223) >>> 0
        return this.seed
      },
      process: fake,
      loopMonitor: null,
    }
    const elector = createElector({
      cluster: 'test',
      id,
      voters: this.voters,
      transport,
      storage,
      timing: TIMING,
      environment,
      ...options,
    })
    return { id, elector, clock, transport, storage, process: fake }
  }

  /** Starts processes and runs until they have. */
  async start(...processes: readonly TestProcess[]): Promise<void> {
    const started = Promise.all(processes.map(({ elector }) => elector.start()))
    await this.world.run()
    await started
  }
}

/** One voter that leads as soon as it has started: most of what a lease does needs no peers. */
export async function alone(options: Partial<ElectorOptions> = {}): Promise<{
  readonly bench: Bench
  readonly world: World
  readonly one: TestProcess
}> {
  const bench = new Bench(['a'])
  const one = bench.process('a', options)
  return { bench, world: bench.world, one }
}
