/**
 * A simulated cluster: nodes over one scheduler and one network, everything decided by one seed.
 *
 * Runs the shipping core and driver. Time passes only in `run` and its kin, and stops at every event in order. What can be
 * done to the cluster is a method here; `faults.ts` has the same as data. Violations are collected, the run halts at the
 * first one. Read next: `swarm.ts` (many seeds), `simulate.ts` (the user's own code).
 */
import type { VoterKind } from '../core'
import { displayName } from '../core/identity'
import type { ClusterConfig, ElectionName, ProcessId } from '../core/types'
import type { Submitted } from '../runtime/driver'
import { type ClusterOptions, SIM_TIMING } from './cluster-options'
import type { WakeOrder } from './event-loop'
import { type Assumptions, allInvariants, type InvariantFactory } from './invariants'
import { isWanted, whyLeaderless } from './leaderless'
import { CALM, type LinkQuality } from './links'
import { type FaultSign, type NodeView, Observers } from './observer'
import type { FreezeMode } from './oscillator'
import { Random } from './random'
import { Scheduler } from './scheduler'
import { SimDisk } from './sim-disk'
import { SimNetwork } from './sim-network'
import { SimNode } from './sim-node'
import type { PlannedSwitchover } from './sim-operator'
import { SimStore, type StoreSetup } from './sim-store'
import { UserWork } from './user-work'
import { watchNetwork } from './watch-network'

/** A property that did not hold. */
export interface Violation {
  /** Name of the invariant. */
  readonly property: string
  readonly text: string
  /** Real time, ms. */
  readonly at: number
}

/** A cluster in virtual time. */
export class SimCluster {
  readonly scheduler = new Scheduler()
  readonly network: SimNetwork
  readonly nodes: ReadonlyMap<ProcessId, SimNode>
  readonly stores: ReadonlyMap<ProcessId, SimStore>
  readonly elections: readonly ElectionName[]
  readonly observers = new Observers()
  readonly violations: Violation[] = []
  readonly work: UserWork | null
  /** Voters that never lead (R37). */
  readonly witnesses: ReadonlySet<ProcessId>
  /** For whatever has to be drawn while the cluster runs. */
  readonly random: Random

  private readonly voters: readonly ProcessId[]
  private readonly ignored: ReadonlySet<string>
  private readonly events
  private readonly faults

  constructor(options: ClusterOptions) {
    const { seed, nodes: ids = ['a', 'b', 'c'], elections = ['jobs'], contenders = ids } = options
    this.elections = elections
    this.ignored = new Set(options.ignore)
    this.random = new Random(seed)
    this.network = new SimNetwork(ids, this.scheduler, this.random.fork(), {
      quality: { ...CALM, ...options.quality },
      finMs: 2,
      linkTimeoutMs: 1500,
      redialMs: 100,
      holdInCut: false,
      codec: false,
      ...options.network,
    })
    // drawn only for clusters with stores: the others keep the runs that they had
    this.stores = this.createStores(options.stores ?? [])
    this.voters = options.voters ?? ids
    this.witnesses = new Set(options.witnesses)
    this.nodes = this.createNodes(ids, options)
    for (const id of contenders) for (const election of elections) this.node(id).contends.set(election, 0)
    this.events = this.observers.of('event')
    this.faults = this.observers.of('fault')
    watchNetwork(this)
    const { work = null } = options
    const parts = { scheduler: this.scheduler, random: this.random.fork(), observers: this.observers }
    this.work =
      work === null ? null : new UserWork(elections, this.voters.length, { ...parts, options: work })
    const assumed = this.assumed(options)
    for (const factory of options.invariants ?? allInvariants(this.nodes, assumed)) this.demand(factory)
  }

  private createStores(setups: readonly StoreSetup[]): Map<ProcessId, SimStore> {
    const { scheduler, observers } = this
    const stores = new Map<ProcessId, SimStore>()
    for (const setup of setups) {
      stores.set(setup.id, new SimStore(setup, { scheduler, observers, random: this.random.fork() }))
    }
    return stores
  }

  private assumed(options: ClusterOptions): Assumptions {
    const { clockRates = true, stores = [], membership = false } = options
    const timersLateMs = options.accuracy?.lateMs ?? 0
    if (membership) {
      const clusterOf = (node: NodeView): ClusterConfig => node.state?.cluster ?? this.node(node.id).cluster
      return { clockRates, timersLateMs, clusterOf, disks: (id) => this.node(id).disk.record }
    }
    const clusterOf = (node: NodeView): ClusterConfig => this.node(node.id).cluster
    if (stores.length === 0) return { clockRates, timersLateMs, clusterOf }
    return {
      clockRates,
      timersLateMs,
      clusterOf,
      stores: new Map([...this.stores].map(([id, { records }]) => [id, records])),
      forgetful: stores.some(({ durability }) => durability === 'volatile'),
    }
  }

  /** A set of voters, as the core knows it; `sets`: while elections move from one to the other. */
  clusterOf(voters: readonly ProcessId[], sets?: readonly (readonly ProcessId[])[]): ClusterConfig {
    return {
      term: 0,
      version: 1,
      termFloor: 0,
      voters: voters.map((id) => ({
        id,
        kind: this.kindOf(id),
      })),
      ...(sets === undefined ? {} : { sets }),
    }
  }

  private kindOf(id: ProcessId): VoterKind {
    if (this.stores.has(id)) return 'store'
    return this.witnesses.has(id) ? 'witness' : 'peer'
  }

  private createNodes(ids: readonly ProcessId[], options: ClusterOptions): Map<ProcessId, SimNode> {
    const cluster = this.clusterOf(this.voters)
    const nodes = new Map<ProcessId, SimNode>()
    for (const [number, id] of ids.entries()) {
      const disk = new SimDisk(id, this.random.fork())
      const node = new SimNode({
        id,
        number,
        clusterId: 'simulation',
        cluster,
        timing: { ...SIM_TIMING, ...options.timing, ...options.timingOf?.[id] },
        preVote: options.preVote ?? true,
        succession: options.succession ?? true,
        ephemeral: options.ephemeral ?? false,
        membership: options.membership ?? false,
        preference: options.preference ?? null,
        accuracy: options.accuracy ?? { early: 0, lateMs: 0 },
        writeTime: options.writeTime ?? { leastMs: 0.1, mostMs: 0.1 },
        scheduler: this.scheduler,
        network: this.network,
        disk,
        random: this.random.fork(),
        observers: this.observers,
        stores: this.stores,
        maxObservers: ids.every((each) => this.voters.includes(each)) ? 0 : ids.length,
        program: options.program ?? null,
      })
      const durable = this.observers.of('durable')
      disk.observer = {
        durable: (_id, storageId, change) => {
          for (const hook of durable) hook(node, storageId, change)
        },
      }
      nodes.set(id, node)
    }
    return nodes
  }

  /** Demands one more property from now on. */
  demand(factory: InvariantFactory): void {
    let name = ''
    const invariant = factory((text) => {
      this.violations.push({ property: name, text, at: this.now })
    })
    name = invariant.name
    if (!this.ignored.has(name)) this.observers.add(invariant.observer)
  }

  // --- looking ----------------------------------------------------------------------------------------------------------

  /** Real time, ms. */
  get now(): number {
    return this.scheduler.now
  }

  /** True after a violation: time does not pass any more. */
  get halted(): boolean {
    return this.violations.length > 0
  }

  /** Names of all nodes, in order. */
  get ids(): readonly ProcessId[] {
    return [...this.nodes.keys()]
  }

  /** @throws Error if there is no such node: a mistake of the test. */
  node(id: ProcessId): SimNode {
    const node = this.nodes.get(id) ?? this.nodes.get(displayName(id))
    if (node === undefined) throw new Error(`the simulated cluster has no node ${id}`)
    return node
  }

  /** Names of the voters at the start. */
  get founders(): readonly ProcessId[] {
    return this.voters
  }

  /** Who holds a valid lease of that election at this true instant, or null. */
  leaderOf(election: ElectionName): ProcessId | null {
    for (const node of this.nodes.values()) if (node.holdsValid(election)) return node.id
    return null
  }

  // --- time -------------------------------------------------------------------------------------------------------------

  /** Runs for that much real time. */
  run(ms: number): void {
    this.runTo(this.now + ms)
  }

  /** Runs to that instant. */
  runTo(instant: number): void {
    while (this.scheduler.nextAt <= instant && !this.halted) this.step()
    if (!this.halted) this.scheduler.runUntil(instant)
  }

  /** Runs until the condition holds after some event, for at most `boundMs`; false if it never did. */
  runUntil(condition: () => boolean, boundMs: number): boolean {
    const end = this.now + boundMs
    while (!condition()) {
      if (this.halted || this.scheduler.nextAt > end) {
        if (!this.halted) this.scheduler.runUntil(end)
        return condition()
      }
      this.step()
    }
    return true
  }

  /** Runs the next event and checks. An exception of the code under test is a violation. */
  step(): void {
    try {
      this.scheduler.step()
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.violations.push({ property: 'nothing throws', text, at: this.now })
      return
    }
    for (const hook of this.events) hook()
  }

  // --- processes --------------------------------------------------------------------------------------------------------

  /** Starts one process, or all that do not run. */
  start(id?: ProcessId): void {
    if (id !== undefined) this.node(id).start()
    else for (const node of this.nodes.values()) node.start()
  }

  /** The process dies; with `fin` the kernel closes its sockets, without (power loss) nobody hears of it. */
  crash(id: ProcessId, fin = true): void {
    this.note(`${id} crashes${fin ? '' : ' without a word'}`, { kind: 'crash', nodes: [id] })
    this.node(id).crash(fin)
  }

  /** A new life on the same disk. */
  restart(id: ProcessId): void {
    this.note(`${id} starts`, { kind: 'start', nodes: [id] })
    this.node(id).start()
  }

  /** Clean stop; `done` when the process is gone. */
  stop(id: ProcessId, done: () => void = () => {}): void {
    this.note(`${id} stops`, { kind: 'stop', nodes: [id] })
    this.node(id).stop(done)
  }

  /** The process stands still (SIGSTOP, a blocked loop) for that long, or until `resume`. */
  pause(id: ProcessId, forMs?: number, wake: WakeOrder = 'timersFirst'): void {
    this.note(`${id} stands still${forMs === undefined ? '' : ` for ${forMs} ms`}`, {
      kind: 'pause',
      nodes: [id],
    })
    const { incarnation } = this.node(id)
    this.node(id).hold('pause')
    if (forMs === undefined) return
    this.scheduler.after(
      forMs,
      () => {
        if (this.node(id).incarnation === incarnation) this.resume(id, wake)
      },
      undefined,
    )
  }

  /** The process goes on. */
  resume(id: ProcessId, wake: WakeOrder = 'timersFirst'): void {
    this.note(`${id} goes on, ${wake === 'timersFirst' ? 'timers' : 'input'} first`, {
      kind: 'resume',
      nodes: [id],
    })
    this.node(id).lift('pause', wake)
  }

  /** The host sleeps: the monotonic clock stops (B.3). */
  suspend(id: ProcessId, forMs: number, mode: FreezeMode = 'suspend', wake: WakeOrder = 'timersFirst'): void {
    this.note(
      `the host of ${id} is ${mode === 'suspend' ? 'suspended' : 'paused by its hypervisor'} for ${forMs} ms`,
      { kind: 'suspend', nodes: [id] },
    )
    const { incarnation } = this.node(id)
    this.node(id).freeze(mode)
    this.scheduler.after(
      forMs,
      () => {
        if (this.node(id).incarnation !== incarnation) return
        this.note(`the host of ${id} goes on`, { kind: 'resume', nodes: [id] })
        this.node(id).thaw(wake)
      },
      undefined,
    )
  }

  /** The monotonic clock of a host runs at another rate from now on (A2). */
  setRate(id: ProcessId, rate: number): void {
    this.note(`the clock of ${id} runs at ${rate}`, { kind: 'clock', nodes: [id] })
    this.node(id).oscillator.setRate(rate)
  }

  /** The wall clock of a host is stepped (B.4). */
  stepWall(id: ProcessId, byMs: number): void {
    this.note(`the wall clock of ${id} is stepped by ${byMs} ms`, { kind: 'clock', nodes: [id] })
    this.node(id).oscillator.stepWall(byMs)
  }

  /** An empty disk: the process, if it lives, dies first; after a restart it is an amnesiac (R25). */
  replaceDisk(id: ProcessId): void {
    if (this.node(id).alive) this.crash(id)
    this.note(`${id} gets an empty disk`, { kind: 'disk', nodes: [id] })
    this.node(id).disk.replace()
  }

  // --- links ------------------------------------------------------------------------------------------------------------

  /** Cuts one direction, silently. */
  cut(from: ProcessId, to: ProcessId, name = 'cut'): void {
    this.note(`cut ${from} > ${to}`, { kind: 'cut', nodes: [from, to], name })
    this.network.cut(this.node(from).number, this.node(to).number, name)
  }

  /** Cuts everything between the groups, silently; a node in no group keeps all its links. */
  partition(groups: readonly (readonly ProcessId[])[], name = 'partition'): void {
    this.note(`partition ${groups.map((group) => group.join('')).join(' | ')}`, { kind: 'cut', name })
    this.network.partition(
      groups.map((group) => group.map((id) => this.node(id).number)),
      name,
    )
  }

  /** Removes the cuts of that name, or all. */
  heal(name?: string): void {
    this.note(
      name === undefined ? 'all links are open' : `heal ${name}`,
      name === undefined ? { kind: 'heal' } : { kind: 'heal', name },
    )
    this.network.heal(name)
  }

  /** Gives all links, or all of one node, another quality. */
  setQuality(quality: LinkQuality, id?: ProcessId): void {
    this.note(`links${id === undefined ? '' : ` of ${id}`}: ${JSON.stringify(quality)}`, {
      kind: 'quality',
      nodes: id === undefined ? [] : [id],
    })
    this.network.links.setQuality(quality, id === undefined ? undefined : this.node(id).number)
  }

  // --- stores -----------------------------------------------------------------------------------------------------------

  /** The store of that name. */
  store(id: ProcessId): SimStore {
    const store = this.stores.get(id)
    if (store === undefined) throw new Error(`no store ${id}`)
    return store
  }

  // --- elections --------------------------------------------------------------------------------------------------------

  /** Gives a process an input; false if it does not run or stands still. */
  submit(id: ProcessId, input: Submitted): boolean {
    return this.node(id).submit(input)
  }

  /** The leader gives up, for at least `cooldownMs`; null if nobody leads. */
  resign(election: ElectionName, cooldownMs = 0): ProcessId | null {
    return this.renounce(election, null, cooldownMs)
  }

  /** The leader hands over (R21). */
  transfer(election: ElectionName, to: ProcessId, cooldownMs = 0): ProcessId | null {
    return this.renounce(election, to, cooldownMs)
  }

  /** The leader hands over to whoever it finds best, or just gives up if it finds nobody (R21). */
  handOver(election: ElectionName, cooldownMs = 0): ProcessId | null {
    return this.renounce(election, null, cooldownMs, true)
  }

  /** A process is not fit for an election for that long: it hands over and does not stand (R39). */
  sicken(id: ProcessId, election: ElectionName, forMs: number): boolean {
    const node = this.node(id)
    const priority = node.contends.get(election)
    if (priority === undefined || !node.responsive) return false
    if (this.leaderOf(election) === id) this.handOver(election)
    this.contend(id, election, false)
    this.later(forMs, () => this.contend(id, election, true, priority))
    return true
  }

  private renounce(
    election: ElectionName,
    to: ProcessId | null,
    cooldownMs: number,
    toBest = false,
  ): ProcessId | null {
    const leader = this.leaderOf(election)
    if (leader === null || leader === to) return null
    const target = to === null ? '' : ` to ${to}`
    const does = target === '' && !toBest ? `resigns ${election}` : `hands ${election} over${target}`
    this.note(`${leader} ${does}`, {
      kind: 'order',
      nodes: [leader],
    })
    const reason = to === null ? 'resigned' : 'transferred'
    const heir = to === null ? null : (this.nodes.get(to)?.name ?? to)
    this.submit(leader, { type: 'renounce', election, reason, to: heir, toBest, cooldownMs })
    return leader
  }

  /** A process contends from now on, or does not any more; also in its later lives. */
  contend(id: ProcessId, election: ElectionName, contending = true, priority = 0): void {
    this.note(`${id} ${contending ? 'contends' : 'does not contend'} in ${election}`, {
      kind: 'order',
      nodes: [id],
    })
    const { contends } = this.node(id)
    if (contending) contends.set(election, priority)
    else contends.delete(election)
    this.node(id).tellContention(election, contending, priority)
  }

  /** An operator keeps a process from standing for that long on its own clock; 0 ends that. False if it is not up. */
  freezeMember(id: ProcessId, election: ElectionName, forMs: number): boolean {
    this.note(`${id} is told not to stand in ${election} for ${forMs} ms`, { kind: 'order', nodes: [id] })
    return this.node(id).operate((operator) => operator.freeze(election, forMs))
  }

  /** An operator plans a hand-over at that process, if it leads by then. False if it is not up. */
  switchover(id: ProcessId, election: ElectionName, { to, inMs, clock }: PlannedSwitchover): boolean {
    const whom = to === null ? '' : ` to ${to}`
    this.note(`${id} is told to hand ${election} over${whom} in ${inMs} ms`, { kind: 'order', nodes: [id] })
    const heir = to === null ? null : (this.nodes.get(to)?.name ?? to)
    return this.node(id).operate((operator) => operator.plan(election, { to: heir, inMs, clock }))
  }

  /** An operator takes back what was planned at that process. False if it is not up. */
  cancelSwitchover(id: ProcessId, election: ElectionName): boolean {
    this.note(`${id} is told not to hand ${election} over any more`, { kind: 'order', nodes: [id] })
    return this.node(id).operate((operator) => void operator.cancel(election))
  }

  // --- progress ---------------------------------------------------------------------------------------------------------

  /**
   * Why there is no valid lease where there should be one, as text, one line per election; empty if all is well. For the
   * liveness phase: says who is down, stands still, is cut off, refused, or waits after its start.
   */
  pending(): string {
    return this.leaderless()
      .map((election) => `${election}: ${whyLeaderless(this, election)}`)
      .join('\n')
  }

  /** Elections in which somebody contends and nobody holds a valid lease at this true instant. */
  leaderless(): readonly ElectionName[] {
    return this.elections.filter((election) => this.leaderOf(election) === null && isWanted(this, election))
  }

  /** Reports something that was done to the cluster, for the trace. */
  note(text: string, sign: FaultSign): void {
    for (const hook of this.faults) hook(text, sign)
  }

  /** Runs once that much real time has passed. */
  later(delayMs: number, run: () => void): void {
    this.scheduler.after(delayMs, run, undefined)
  }
}
