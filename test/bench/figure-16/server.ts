/**
 * One server of Figure 16: the shipping driver and core on a simulated machine, with a log beside them.
 *
 * The paper gives the four followers logs of different lengths, so that two of them cannot win. The core has no log: whoever
 * has the longer one answers a request for its vote itself, with a no, before the core hears of it. What the paper's
 * algorithm needs on top of that is in `paper-rules.ts`. All of it wraps ports; nothing in the shipped code knows.
 * Read next: `trial.ts`.
 */
import type { DurableState, Part, ProcessId, Term } from '../../../src/core'
import { silentLogger, type Transport } from '../../../src/ports'
import { Driver, type ServiceEffect } from '../../../src/runtime/driver'
import type { Random } from '../../../src/simulation/random'
import type { SimCluster } from '../../../src/simulation/sim-cluster'
import type { SimNode, SimPorts } from '../../../src/simulation/sim-node'
import { PaperRules } from './paper-rules'

/** The one election of a trial. */
export const ELECTION = 'figure-16'

/** With a promise of 12 ms the default (`promiseMs`) would take every hundredth write of this disk for a dead disk. */
const STORAGE_TIMEOUT_MS = 1000

/** What arrived in one frame. */
export interface Arrival {
  readonly from: ProcessId
  readonly incarnation: number
  readonly parts: readonly Part[]
}

/** What a server is made of. */
export interface ServerParts {
  readonly cluster: SimCluster
  readonly node: SimNode
  readonly ports: SimPorts
  readonly random: Random
  /** Length of the log, by server. */
  readonly logs: ReadonlyMap<ProcessId, number>
  /** Place in the succession. */
  readonly priority: number
  /** The paper's algorithm: its minimum time-out, and how late a time-out is noticed, ms. Null: the library's own. */
  readonly paper: { readonly minimumMs: number; readonly lateMs: () => number } | null
}

/** One server. */
export class Server {
  /** What the paper's algorithm adds; null for the library's own. */
  readonly rules: PaperRules | null
  private driver: Driver | null = null

  constructor(private readonly parts: ServerParts) {
    const { cluster, node, ports, paper } = parts
    const contend = (contending: boolean): void => this.contend(contending)
    this.rules = paper === null ? null : new PaperRules({ ...paper, cluster, node, ports, contend })
    const startedAt = ports.clock.now()
    const identity = { clusterId: ELECTION, nodeId: node.id, config: { term: 0, version: 1, termFloor: 0 } }
    ports.storage.open(identity, (error, durable) => {
      if (durable === null) throw error
      this.boot(durable, startedAt)
    })
  }

  /** Contends from now on, or sits out. */
  contend(contending: boolean): void {
    const { priority } = this.parts
    this.driver?.submit({ type: 'contend', election: ELECTION, contending, priority })
  }

  /** The token, if this process would say at this instant that it leads. */
  token(): Term | null {
    const { node } = this.parts
    const standing = node.standing.get(ELECTION)
    return standing !== undefined && node.now() < node.leaseUntil(ELECTION) ? standing.term : null
  }

  private boot(durable: DurableState, startedAt: number): void {
    const { cluster, node, ports, random } = this.parts
    const { rules } = this
    const voters = cluster.ids.map((id) => ({ id, kind: 'peer' as const }))
    const driver = new Driver({
      config: {
        self: node.id,
        incarnation: node.incarnation,
        storageId: durable.process.storageId,
        cluster: { term: 0, version: 1, termFloor: 0, voters },
        timing: node.timing,
        preVote: rules === null,
        succession: rules === null,
        maxElections: 1,
        ephemeral: false,
      },
      clusterId: ELECTION,
      durable,
      nonce: random.hex(32),
      seed: random.next(),
      startedAt,
      clock: rules?.clock() ?? ports.clock,
      transport: this.transport(),
      storage: rules?.storage() ?? ports.storage,
      storageTimeoutMs: STORAGE_TIMEOUT_MS,
      logger: silentLogger,
      addresses: {},
      listener: { effect: (effect) => this.heard(effect), fatal: (error) => node.fatal(error) },
    })
    this.driver = driver
    node.driver = driver
    driver.boot((error) => {
      if (error !== null) throw error
      for (const hook of cluster.observers.of('began')) hook(node)
    })
  }

  private heard(effect: ServiceEffect): void {
    this.parts.node.effect(effect)
    this.rules?.heard(effect)
  }

  /** The simulated transport, with the log between it and the driver. */
  private transport(): Transport {
    const { transport } = this.parts.ports
    return {
      start: (host, ready) => {
        const hand = (arrival: Arrival): void =>
          host.received(arrival.from, arrival.incarnation, arrival.parts)
        this.rules?.connect(hand)
        const received = (from: ProcessId, incarnation: number, parts: readonly Part[]): void =>
          this.receive({ from, incarnation, parts }, hand)
        transport.start({ ...host, received }, ready)
      },
      send: (to, incarnation, parts) => {
        const send = (): void => transport.send(to, incarnation, parts)
        if (this.rules === null) send()
        else this.rules.send(parts, send)
      },
      stop: (flushMs, done) => transport.stop(flushMs, done),
      flushSync: () => transport.flushSync(),
      stats: () => transport.stats(),
    }
  }

  private receive(arrival: Arrival, hand: (arrival: Arrival) => void): void {
    const { logs, node, ports } = this.parts
    const isBehind = (logs.get(arrival.from) ?? 0) < (logs.get(node.id) ?? 0)
    const answers: Part[] = []
    const parts: Part[] = []
    for (const part of arrival.parts) {
      const no = isBehind ? refusalOf(part) : null
      if (no !== null) answers.push(no)
      if (no !== null && part.kind === 'requestVote') this.rules?.refused(arrival, part.term)
      if (no === null && this.rules?.putsOff(arrival, part) !== true) parts.push(part)
    }
    if (answers.length > 0) ports.transport.send(arrival.from, arrival.incarnation, answers)
    if (parts.length > 0) hand({ ...arrival, parts })
    this.rules?.settled()
  }
}

/** The no of a voter with the longer log; null for whatever asks for no vote. */
function refusalOf(part: Part): Part | null {
  if (part.kind === 'preVote') {
    const { election, nonce } = part
    return { kind: 'preVoteReply', election, nonce, refusal: 'config', knownTerm: 0, leader: null }
  }
  if (part.kind !== 'requestVote') return null
  const { election, term, nonce } = part
  return {
    kind: 'voteReply',
    election,
    term,
    nonce,
    grant: null,
    refusal: 'config',
    knownTerm: term,
    leader: null,
  }
}
