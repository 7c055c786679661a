/**
 * One simulated machine and the lives of its process: the shipping driver and core over simulated ports.
 *
 * The machine (clocks, disk) outlives its processes; each start makes a new life with its own event loop, clock origin,
 * storage handle and transport. The node keeps, beside the driver, what an outside observer needs to judge it: which
 * leaderships stand and until when, from the driver's reports alone. Read next: `sim-cluster.ts`.
 */

import type { CoreConfig, DurableState, LeaseId, Preference, State, Timing } from '../core'
import { nameWithoutVote } from '../core/identity'
import type { DeathNotice } from '../core/messages'
import type { ClusterConfig, ElectionName, Incarnation, ProcessId, RevokeReason, Term } from '../core/types'
import type { ElectionError } from '../errors'
import { silentLogger } from '../ports'
import { Driver, type DriverListener, type ServiceEffect, type Submitted } from '../runtime/driver'
import { nonceOf } from '../runtime/life-key'
import { StoreTransport } from '../runtime/store-transport'
import { SUSPEND_BOUND_MS } from '../runtime/time-watch'
import { EventLoop, type WakeOrder } from './event-loop'
import type { NodeView, Observers } from './observer'
import { type FreezeMode, Oscillator } from './oscillator'
import type { Random } from './random'
import type { Scheduler } from './scheduler'
import { SimClock, type TimerAccuracy } from './sim-clock'
import type { SimDisk } from './sim-disk'
import type { Flight, SimNetwork } from './sim-network'
import { SimOperator } from './sim-operator'
import { SimStorage, type WriteTime } from './sim-storage'
import type { SimStore } from './sim-store'
import { SimTransport } from './sim-transport'

/** What a node is made of. */
export interface NodeParts {
  readonly id: ProcessId
  readonly number: number
  readonly clusterId: string
  readonly cluster: ClusterConfig
  readonly timing: Timing
  readonly preVote: boolean
  readonly succession: boolean
  readonly ephemeral: boolean
  /** Members change; `cluster` are the founders. */
  readonly membership: boolean
  readonly preference: Preference | null
  readonly accuracy: TimerAccuracy
  readonly writeTime: WriteTime
  readonly scheduler: Scheduler
  readonly network: SimNetwork
  readonly disk: SimDisk
  readonly random: Random
  readonly observers: Observers
  /** Stores that vote, by id; none for a cluster of peers. */
  readonly stores: ReadonlyMap<ProcessId, SimStore>
  /** So many processes without a vote are admitted. */
  readonly maxObservers: number
  /** Default: the driver alone. */
  readonly program: Program | null
}

/** A leadership as the outside sees it. */
export interface Standing {
  readonly term: Term
  lease: LeaseId
  /** Suspended time that the clock had missed when it was won. */
  readonly missedMs: number
}

/** The ports of one life, for a driver or for an elector. */
export interface SimPorts {
  readonly loop: EventLoop
  readonly clock: SimClock
  readonly transport: SimTransport
  readonly storage: SimStorage
}

/**
 * What runs as the process of a node instead of the bare driver: gets the ports of a new life.
 * Returns what an outside observer may ask it: the token of an election that it would say it leads, or null.
 */
export type Program = (node: SimNode, ports: SimPorts) => (election: ElectionName) => Term | null

/** One machine. */
export class SimNode implements NodeView, DriverListener {
  readonly id: ProcessId
  readonly number: number
  readonly oscillator: Oscillator
  readonly disk: SimDisk
  incarnation: Incarnation = 0
  /** The last life that is over and was known to anybody: what a witness of its death says of it (R55). */
  dead: Omit<DeathNotice, 'kind' | 'process'> | null = null
  /** Own configuration; may be changed between lives. */
  timing: Timing
  /** With which voters it runs; may be changed between lives. */
  cluster: ClusterConfig
  /** Elections that the process contends in from its start on, with its priority. */
  readonly contends = new Map<ElectionName, number>()
  /** Leaderships that were reported won and not yet lost. */
  readonly standing = new Map<ElectionName, Standing>()
  /** Why the process could not start, or what failed for good in this life. */
  failure: ElectionError | null = null
  ports: SimPorts | null = null
  driver: Driver | null = null

  private readonly parts: NodeParts
  private readonly leases = new Map<LeaseId, number>()
  private readonly holds = new Set<string>()
  private readonly hooks
  private reader: ReturnType<Program> | null = null
  private booted = false
  private begun: SimNode['dead'] = null
  private links: StoreTransport | null = null
  private operator: SimOperator | null = null
  /** Of the present life, where nothing is durable and each has another. */
  private lifeStorageId = ''

  constructor(parts: NodeParts) {
    this.parts = parts
    this.id = parts.id
    this.number = parts.number
    this.timing = parts.timing
    this.cluster = parts.cluster
    this.disk = parts.disk
    this.oscillator = new Oscillator(parts.scheduler)
    const { observers } = parts
    this.hooks = {
      began: observers.of('began'),
      ended: observers.of('ended'),
      elected: observers.of('elected'),
      extended: observers.of('extended'),
      moved: observers.of('moved'),
      revoked: observers.of('revoked'),
      noticed: observers.of('noticed'),
      operated: observers.of('operated'),
      checked: observers.of('checked'),
    }
  }

  // --- as observers see it ----------------------------------------------------------------------------------------------

  get alive(): boolean {
    return this.ports !== null
  }

  /** The process runs and its loop is not held up. */
  get responsive(): boolean {
    return this.ports?.loop.running === true
  }

  get state(): State | null {
    return this.driver?.state ?? null
  }

  get name(): ProcessId {
    return this.driver?.self ?? (this.isVoter ? this.id : nameWithoutVote(this.id, this.storageId))
  }

  get storageId(): string {
    return this.links !== null ? this.lifeStorageId : (this.disk.record?.storageId ?? '')
  }

  get durablePromiseMs(): number {
    return this.disk.record?.maxPromiseMs ?? 0
  }

  durableTerm(election: ElectionName): Term {
    return this.disk.terms.get(election) ?? 0
  }

  now(): number {
    return this.ports?.clock.now() ?? 0
  }

  realAt(reading: number): number {
    return this.ports?.clock.realAt(reading) ?? Number.POSITIVE_INFINITY
  }

  wall(): number {
    return this.oscillator.wall()
  }

  get frozen(): boolean {
    return this.oscillator.frozen
  }

  missedMs(): number {
    return this.oscillator.uptime() - this.oscillator.monotonic()
  }

  /** End of the lease of an election on the own clock; minus infinity if it is not led. */
  leaseUntil(election: ElectionName): number {
    const standing = this.standing.get(election)
    if (standing === undefined) return Number.NEGATIVE_INFINITY
    return this.leases.get(standing.lease) ?? Number.NEGATIVE_INFINITY
  }

  /**
   * Would a read of the lease be true at this very instant? The judgement of an outside observer: from the own clock, and
   * false once the clock has visibly missed time (B.3).
   */
  holdsValid(election: ElectionName): boolean {
    if (this.reader !== null) return !this.frozen && this.reader(election) !== null
    const standing = this.standing.get(election)
    if (standing === undefined || this.ports === null || this.frozen) return false
    if (this.now() >= this.leaseUntil(election)) return false
    return this.missedMs() - standing.missedMs <= SUSPEND_BOUND_MS
  }

  /** Members may change while it runs. */
  get changesMembers(): boolean {
    return this.parts.membership
  }

  get isVoter(): boolean {
    if (this.parts.membership) return this.state?.isVoter === true
    return this.cluster.voters.some(({ id }) => id === this.id)
  }

  /** What the process itself answers to "do I lead?", the way the runtime reads it (R14, B.3): the token, or null. */
  readToken(election: ElectionName): Term | null {
    const standing = this.standing.get(election)
    let token: Term | null = null
    if (standing !== undefined && this.driver !== null && this.responsive) {
      const now = this.now()
      const { watch } = this.driver
      const missing = watch.suspects(now) && watch.isMissing()
      if (now < this.leaseUntil(election) && !missing) token = standing.term
    }
    for (const hook of this.hooks.checked) hook(this, election, token)
    return token
  }

  // --- lives ------------------------------------------------------------------------------------------------------------

  /** Makes the ports of a new life, without a driver over them. */
  openPorts(): SimPorts {
    const { scheduler, network, random, accuracy, writeTime, ephemeral } = this.parts
    const loop = new EventLoop(scheduler)
    const clock = new SimClock({
      scheduler,
      oscillator: this.oscillator,
      loop,
      random: random.fork(),
      accuracy,
    })
    const transport = new SimTransport(network, this.number, loop)
    transport.dialsAnybody = this.parts.membership
    const storage = new SimStorage({
      disk: this.disk,
      scheduler,
      loop,
      random: random.fork(),
      time: writeTime,
      kind: ephemeral ? 'volatile' : 'durable',
    })
    this.failure = null
    this.booted = false
    this.ports = { loop, clock, transport, storage }
    return this.ports
  }

  /** Starts a life: opens the storage, boots the driver, contends. */
  start(): void {
    if (this.ports !== null) return
    const ports = this.openPorts()
    const { clusterId, program, membership } = this.parts
    const { cluster } = this
    if (program !== null) {
      this.incarnation += 1
      this.reader = program(this, ports)
      return
    }
    const startedAt = ports.clock.now()
    // a new record has no voters: a configuration with voters is one that was installed (R29)
    const { term, version, termFloor } = cluster
    const config = membership ? { term, version, termFloor } : cluster
    ports.storage.open({ clusterId, nodeId: this.id, config }, (error, durable) => {
      if (durable === null) this.failure = error as ElectionError | null
      else this.boot(ports, durable, startedAt)
    })
  }

  private boot(ports: SimPorts, durable: DurableState, startedAt: number): void {
    const { clusterId, preVote, succession, ephemeral, membership, random, maxObservers } = this.parts
    const { cluster } = this
    const incarnation = ephemeral ? random.next() + 1 : durable.process.incarnation + 1
    const { storageId } = durable.process
    const { isVoter } = this
    this.lifeStorageId = storageId
    const config: CoreConfig = {
      ...(membership ? { membership } : {}),
      self: isVoter || membership ? this.id : nameWithoutVote(this.id, storageId),
      incarnation,
      storageId,
      cluster,
      timing: this.timing,
      preVote,
      succession,
      maxElections: 100_000,
      ephemeral: ephemeral && isVoter,
    }
    this.links = this.linksOf(ports)
    const key = random.hex(32)
    const driver: Driver = new Driver({
      config,
      clusterId,
      durable,
      nonce: nonceOf(key),
      seed: random.next(),
      startedAt,
      clock: ports.clock,
      transport: this.links ?? ports.transport,
      storage: ports.storage,
      logger: silentLogger,
      addresses: {},
      listener: this,
      maxObservers,
    })
    this.incarnation = incarnation
    this.driver = driver
    driver.boot((error) => {
      if (error !== null) {
        this.failure = error
        return
      }
      this.booted = true
      this.begun = { storageId, incarnation, key }
      for (const hook of this.hooks.began) hook(this)
      for (const [election, priority] of this.contends) {
        const { preference } = this.parts
        driver.submit({ type: 'contend', election, contending: true, priority, preference })
      }
    })
  }

  /** The way to the stores among its voters; null if there are none. */
  private linksOf(ports: SimPorts): StoreTransport | null {
    const { loop, clock, transport } = ports
    const stores = new Map<ProcessId, ReturnType<SimStore['linkOf']>>()
    for (const { id, kind } of this.cluster.voters) {
      const store = kind === 'store' ? this.parts.stores.get(id) : undefined
      if (store !== undefined)
        stores.set(
          id,
          store.linkOf(this.id, loop, () => this.ports === ports),
        )
    }
    if (stores.size === 0) return null
    const { maxPromiseMs, campaignMs, heartbeatMs } = this.timing
    return new StoreTransport({
      ...{ peers: transport, stores, id: this.id, clock, maxPromiseMs, campaignMs, heartbeatMs },
      onlyStores: this.cluster.voters.every(({ kind }) => kind === 'store'),
      alarm: (code, process, detail) => this.driver?.alarm(code, process, detail),
    })
  }

  /** The process dies at once: `fin`: its sockets are closed by the kernel; otherwise (power loss) nobody is told. */
  crash(fin: boolean): void {
    const { ports } = this
    if (ports === null) return
    this.driver?.crash()
    ports.storage.crash()
    this.leave(ports, fin)
    for (const hook of this.hooks.ended) hook(this, 'crashed')
  }

  /** The process stops cleanly (R20, R71); `done` when it is gone. */
  stop(done: () => void): void {
    const { ports, driver } = this
    if (ports === null) return done()
    // A program stops by itself; what is left of it is killed.
    if (driver === null) {
      this.crash(true)
      return done()
    }
    driver.shutdown({ flushMs: 100, reason: 'stopped' }, () => {
      if (this.ports !== ports) return
      this.leave(ports, true)
      for (const hook of this.hooks.ended) hook(this, 'stopped')
      done()
    })
  }

  private leave(ports: SimPorts, fin: boolean): void {
    this.links?.crash()
    this.links = null
    this.operator = null
    ports.transport.end(this.parts.network.options.finMs, fin)
    ports.clock.end()
    ports.loop.end()
    this.oscillator.thaw()
    this.dead = this.begun
    this.ports = null
    this.driver = null
    this.reader = null
    this.booted = false
    this.holds.clear()
    this.standing.clear()
    this.leases.clear()
  }

  /** Nothing runs until every hold of the loop is lifted. */
  hold(name: string): void {
    if (this.ports === null) return
    this.holds.add(name)
    this.ports.loop.stall()
  }

  /** Lifts one hold; the last one lets the loop go on. */
  lift(name: string, order: WakeOrder): void {
    this.holds.delete(name)
    if (this.holds.size === 0) this.ports?.loop.resume(order)
  }

  /** The whole machine stands still. */
  freeze(mode: FreezeMode): void {
    this.hold('freeze')
    this.oscillator.freeze(mode)
  }

  /** The machine goes on. */
  thaw(order: WakeOrder): void {
    this.oscillator.thaw()
    this.lift('freeze', order)
  }

  /** Gives the driver an input, as a turn of the process, or when it goes on; false if it is not up. */
  submit(input: Submitted): boolean {
    const { ports, driver } = this
    if (ports === null || driver === null || !this.booted) return false
    ports.loop.input(() => driver.submit(input), undefined)
    return true
  }

  /** A proof of death comes to this process, from its witness or from whoever passes it on (R55); false if it is not up. */
  bring(notice: DeathNotice): boolean {
    const { ports } = this
    if (ports === null || !this.booted) return false
    const { process, incarnation } = notice
    ports.loop.input(() => ports.transport.host?.received(process, incarnation, [notice]), undefined)
    return true
  }

  /** It contends from now on, with that priority, or not any more. */
  tellContention(election: ElectionName, contending: boolean, priority: number): void {
    const { preference } = this.parts
    const { ports, driver } = this
    if (ports === null || driver === null || !this.booted) return
    ports.loop.input(() => {
      if (this.operator?.contend(election, contending, priority) === true) return
      driver.submit({ type: 'contend', election, contending, priority, preference })
    }, undefined)
  }

  /** An operator asks something of it, as a turn of the process, or when it goes on; false if it is not up. */
  operate(wish: (operator: SimOperator) => void): boolean {
    const { ports, driver } = this
    if (ports === null || driver === null || !this.booted) return false
    ports.loop.input(() => {
      this.operator ??= this.createOperator(ports, driver)
      wish(this.operator)
    }, undefined)
    return true
  }

  /** Was it told not to stand in that election, in this life, and is that not over yet? */
  isFrozen(election: ElectionName): boolean {
    return this.operator?.isFrozen(election) === true
  }

  private createOperator({ clock }: SimPorts, driver: Driver): SimOperator {
    return new SimOperator({
      clock,
      promiseMs: this.timing.promiseMs,
      preference: this.parts.preference,
      state: () => driver.state,
      submit: (input) => driver.submit(input),
      isLeader: (election) => this.readToken(election) !== null,
      // a clock that has missed time may be believed by one judge and not by the other
      surelyLeads: (election) => this.holdsValid(election) && this.missedMs() === 0,
      tell: (sign) => {
        for (const hook of this.hooks.operated) hook(this, sign)
      },
    })
  }

  /** Hands a frame to the core past transport and door, whoever it was meant for; false if there is no core here. */
  inject({ from, fromIncarnation, toIncarnation, parts }: Flight): boolean {
    if (this.driver === null || !this.booted) return false
    this.driver.submit({ type: 'frame', now: 0, from, fromIncarnation, toIncarnation, parts })
    return true
  }

  // --- what the driver reports ------------------------------------------------------------------------------------------

  effect(effect: ServiceEffect): void {
    switch (effect.type) {
      case 'leaseExtended':
        this.leases.set(effect.lease, effect.until)
        for (const hook of this.hooks.extended) hook(this, effect.lease, effect.until)
        return
      case 'elected': {
        const { election, term, lease } = effect
        this.standing.set(election, { term, lease, missedMs: this.missedMs() })
        for (const hook of this.hooks.elected) hook(this, election, term, lease)
        return
      }
      case 'leaseChanged': {
        const standing = this.standing.get(effect.election)
        if (standing !== undefined) standing.lease = effect.lease
        for (const hook of this.hooks.moved) hook(this, effect.election, effect.lease)
        return
      }
      case 'leaseDropped':
        this.leases.delete(effect.lease)
        return
      case 'revoked':
        this.standing.delete(effect.election)
        for (const hook of this.hooks.revoked)
          hook(this, effect.election, effect.term, effect.reason as RevokeReason)
        return
      case 'handOverDue':
        // no work of the service has to stop first: the user's work in a simulation checks its lease on each write
        for (const hook of this.hooks.noticed) hook(this, effect)
        this.submit({
          ...{ type: 'renounce', election: effect.election, reason: 'transferred' },
          ...{ to: effect.to, cooldownMs: this.timing.promiseMs },
        })
        return
      default:
        for (const hook of this.hooks.noticed) hook(this, effect)
    }
  }

  fatal(error: ElectionError): void {
    this.failure = error
  }
}
