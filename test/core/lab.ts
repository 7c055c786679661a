/**
 * A bench for the core by hand: real `step`, no runtime. A test says what is sent, lost, held and replayed, and when
 * each clock moves; after every action the lab checks P1, P2, P3(b) and P7 by true time.
 *
 * Frames wait in `wire` until `deliver` or `drop` names them; writes complete at once unless `holdWrites` says otherwise.
 */
import { expect } from 'vitest'
import {
  type CoreConfig,
  createState,
  type DurableState,
  type Effect,
  type Frame,
  type Input,
  nextDeadline,
  type Part,
  type ProcessId,
  type State,
  step,
  type Timing,
} from '../../src/core'

export const TIMING: Timing = {
  promiseMs: 1000,
  heartbeatMs: 100,
  campaignMs: 400,
  stepMs: 20,
  rho: 0,
  deltaMs: 0,
  backoffMs: 50,
  backoffMaxMs: 400,
  minPromiseMs: 1,
  maxPromiseMs: 100_000,
}

type Body<T> = T extends Input ? Omit<T, 'now'> : never
export type Act = Body<Input>

export interface LabOptions {
  readonly timing?: Partial<Timing>
  readonly preVote?: boolean
  readonly succession?: boolean
  readonly ephemeral?: boolean
  readonly elections?: readonly string[]
  readonly contenders?: readonly ProcessId[]
  readonly maxElections?: number
  /** Who votes; everybody unless said otherwise. The others are electors only. */
  readonly voters?: readonly ProcessId[]
  /** Members change; `voters` are the founders. */
  readonly membership?: boolean
  /** Of these, who never leads. */
  readonly witnesses?: readonly ProcessId[]
}

export interface Node {
  config: CoreConfig
  state: State
  alive: boolean
  /** Clock rate against true time, and its reading at true time 0. */
  rate: number
  offset: number
  disk: DurableState
  readonly log: Effect[]
  readonly heldWrites: number[]
}

export type Flight = Frame & { readonly id: number }
type Filter = (frame: Flight) => boolean

export class Lab {
  readonly nodes = new Map<ProcessId, Node>()
  readonly wire: Flight[] = []
  readonly sent: Flight[] = []
  readonly cuts = new Set<string>()
  holdWrites = new Set<ProcessId>()
  /** Terms in the order of first valid leases, per election (P3 b). */
  readonly history: { election: string; id: ProcessId; incarnation: number; term: number }[] = []
  private readonly wins = new Map<string, string>()
  private readonly renounced = new Map<string, number>()
  private frames = 0
  at = 0

  constructor(
    readonly ids: readonly ProcessId[],
    readonly options: LabOptions = {},
  ) {
    for (const id of ids) {
      const config = this.configOf(id, 1, `disk-${id}`)
      const disk: DurableState = {
        process: {
          format: 1,
          clusterId: 'lab',
          nodeId: id,
          storageId: `disk-${id}`,
          incarnation: 1,
          config: { term: 0, version: 1, termFloor: 0 },
          maxPromiseMs: 0,
          cleanNoPromise: false,
          pins: {},
        },
        terms: new Map(),
      }
      this.nodes.set(id, {
        config,
        disk,
        state: createState(config, disk, { now: 0, startedAt: 0, seed: 7 + id.charCodeAt(0), wallMs: 1000 }),
        alive: true,
        rate: 1,
        offset: 0,
        log: [],
        heldWrites: [],
      })
    }
    for (const id of ids) this.recordPromise(this.node(id))
  }

  private configOf(self: ProcessId, incarnation: number, storageId: string): CoreConfig {
    return {
      self,
      incarnation,
      storageId,
      ...(this.options.membership === true ? { membership: true } : {}),
      cluster: {
        term: 0,
        version: 1,
        termFloor: 0,
        voters: (this.options.voters ?? this.ids).map((id) => ({
          id,
          kind: this.options.witnesses?.includes(id) === true ? ('witness' as const) : ('peer' as const),
        })),
      },
      timing: { ...TIMING, ...this.options.timing },
      preVote: this.options.preVote ?? true,
      succession: this.options.succession ?? true,
      maxElections: this.options.maxElections ?? 100,
      ephemeral: this.options.ephemeral ?? false,
    }
  }

  private recordPromise(node: Node): void {
    node.disk = {
      ...node.disk,
      process: { ...node.disk.process, maxPromiseMs: node.state.maxPromiseMs, cleanNoPromise: false },
    }
  }

  node(id: ProcessId): Node {
    const node = this.nodes.get(id)
    if (node === undefined) throw new Error(`no node ${id}`)
    return node
  }

  clock(id: ProcessId): number {
    const node = this.node(id)
    return node.offset + this.at * node.rate
  }

  /** Applies one input at the node's present clock; returns its effects. */
  act(id: ProcessId, input: Act): readonly Effect[] {
    const node = this.node(id)
    if (!node.alive) return []
    const effects = step(node.config, node.state, { ...input, now: this.clock(id) } as Input)
    node.log.push(...effects)
    for (const effect of effects) this.execute(id, node, effect)
    this.check()
    return effects
  }

  private execute(id: ProcessId, node: Node, effect: Effect): void {
    if (effect.type === 'send') {
      const frame: Flight = {
        id: ++this.frames,
        from: id,
        fromIncarnation: node.config.incarnation,
        to: effect.to,
        toIncarnation: effect.toIncarnation,
        parts: effect.parts,
      }
      this.wire.push(frame)
      this.sent.push(frame)
    } else if (effect.type === 'persist') {
      for (const [name, term] of effect.terms) {
        if (term < (node.disk.terms.get(name) ?? 0)) throw new Error(`${id} writes a lower term of ${name}`)
      }
      if (this.holdWrites.has(id)) node.heldWrites.push(effect.version)
      else this.completeWrite(id, effect.version)
    } else if (effect.type === 'elected') {
      const key = `${effect.election} ${effect.term}`
      const winner = `${id}.${node.config.incarnation}`
      expect(this.wins.get(key) ?? winner, `P1: two winners of ${key}`).toBe(winner)
      this.wins.set(key, winner)
      const last = this.history.filter(({ election }) => election === effect.election).at(-1)
      if (last !== undefined)
        expect(effect.term, 'P3: a later leadership has a higher token').toBeGreaterThan(last.term)
      const life = `${effect.election} ${winner}`
      expect(effect.term, 'P7: a renounced term never comes back').toBeGreaterThan(
        this.renounced.get(life) ?? 0,
      )
      this.history.push({
        election: effect.election,
        id,
        incarnation: node.config.incarnation,
        term: effect.term,
      })
    } else if (effect.type === 'revoked' && effect.reason !== 'reelected') {
      this.renounced.set(`${effect.election} ${id}.${node.config.incarnation}`, effect.term)
    }
  }

  /** Completes a held write (or any version) and lets its answers go. */
  completeWrite(id: ProcessId, version = this.node(id).heldWrites.at(-1) ?? 0): void {
    const node = this.node(id)
    const { membership } = node.state
    if (membership?.installing != null && membership.installing.version <= version) {
      node.disk = { ...node.disk, process: { ...node.disk.process, config: membership.installing.cluster } }
    }
    const terms = new Map(node.disk.terms)
    for (const [name, election] of node.state.elections) {
      if (election.decidedAt <= version && election.decidedTerm > 0) terms.set(name, election.decidedTerm)
    }
    const pauses = { ...node.disk.process.pauses }
    for (const [name, { pause, pauseDecidedAt }] of node.state.elections) {
      if (pause !== null && pauseDecidedAt <= version) pauses[name] = pause
    }
    node.disk = { process: { ...node.disk.process, pauses }, terms }
    this.recordPromise(node)
    node.heldWrites.splice(0, node.heldWrites.filter((held) => held <= version).length)
    this.act(id, { type: 'persisted', version })
  }

  /** Greets: both ends of every pair that is alive and not cut learn of each other. */
  connect(pairs: readonly (readonly [ProcessId, ProcessId])[] = this.pairs()): void {
    for (const [a, b] of pairs) {
      if (!this.node(a).alive || !this.node(b).alive) continue
      this.greet(a, b)
      this.greet(b, a)
    }
  }

  greet(at: ProcessId, peer: ProcessId): void {
    const { config } = this.node(peer)
    this.act(at, {
      type: 'connected',
      peer,
      incarnation: config.incarnation,
      storageId: config.storageId,
      rho: config.timing.rho,
      deltaMs: config.timing.deltaMs,
      sentAt: this.clock(at),
    })
  }

  pairs(): [ProcessId, ProcessId][] {
    return this.ids.flatMap((a, i) => this.ids.slice(i + 1).map((b): [ProcessId, ProcessId] => [a, b]))
  }

  /** Hands waiting frames that match over, in order. Cut directions lose them. Returns how many. */
  deliver(filter: Filter = () => true): number {
    let count = 0
    for (let i = 0; i < this.wire.length; ) {
      const frame = this.wire[i] as Flight
      if (!filter(frame)) {
        i += 1
        continue
      }
      this.wire.splice(i, 1)
      count += 1
      this.hand(frame)
      i = 0
    }
    return count
  }

  /** Hands one frame over, whether or not it was before: replay. */
  hand(frame: Frame): void {
    if (this.cuts.has(`${frame.from}>${frame.to}`)) return
    const { from, fromIncarnation, to, toIncarnation, parts } = frame
    this.act(to, { type: 'frame', from, fromIncarnation, toIncarnation, parts })
  }

  drop(filter: Filter = () => true): number {
    const before = this.wire.length
    for (let i = this.wire.length - 1; i >= 0; i--) if (filter(this.wire[i] as Flight)) this.wire.splice(i, 1)
    return before - this.wire.length
  }

  /** Takes matching frames off the wire, to be handed over later. */
  hold(filter: Filter = () => true): Flight[] {
    const held = this.wire.filter(filter)
    this.drop(filter)
    return held
  }

  tick(...ids: readonly ProcessId[]): void {
    for (const id of ids.length > 0 ? ids : this.ids) this.act(id, { type: 'tick' })
  }

  /** Lets true time pass without anybody looking at a clock. */
  pass(ms: number): void {
    this.at += ms
    this.check()
  }

  /** Runs everything as it should: ticks at every deadline, frames arrive at once. */
  run(ms: number, until: () => boolean = () => false): void {
    const end = this.at + ms
    for (let guard = 0; guard < 200_000; guard++) {
      this.deliver()
      if (until()) return
      let next = end
      for (const id of this.ids) {
        const node = this.node(id)
        if (!node.alive) continue
        next = Math.min(next, (nextDeadline(node.state) - node.offset) / node.rate)
      }
      this.at = Math.max(this.at, Math.min(next, end))
      this.check()
      if (this.at >= end) {
        this.deliver()
        return
      }
      for (const id of this.ids) {
        if (this.clock(id) >= nextDeadline(this.node(id).state) - 1e-9) {
          this.at += 1e-6
          this.act(id, { type: 'tick' })
        }
      }
    }
    throw new Error('the lab does not come to rest')
  }

  contend(name = 'e', ids: readonly ProcessId[] = this.options.contenders ?? this.ids): void {
    for (const id of ids) this.act(id, { type: 'contend', election: name, contending: true, priority: 0 })
  }

  /** Everybody connected, contending, and one leader; returns its id. */
  settle(name = 'e'): ProcessId {
    this.connect()
    this.contend(name)
    this.run(20_000, () => this.ids.filter((id) => this.leads(id, name)).length === 1)
    this.run(300)
    const leader = this.leader(name)
    expect(leader, 'somebody leads').not.toBeNull()
    return leader as ProcessId
  }

  crash(id: ProcessId): void {
    this.node(id).alive = false
    this.drop((frame) => frame.to === id)
  }

  /** An empty disk: another storage, and everything forgotten. The next `restart` begins at incarnation 1. */
  wipe(id: ProcessId, storageId: string): void {
    const node = this.node(id)
    const config = { term: 0, version: 1, termFloor: 0 }
    node.disk = {
      process: { ...node.disk.process, storageId, incarnation: 0, config, maxPromiseMs: 0, pins: {} },
      terms: new Map(),
    }
  }

  /** A new life: incarnation + 1, volatile state gone. Not connected yet. */
  restart(id: ProcessId, disk: Partial<DurableState['process']> = {}): void {
    const node = this.node(id)
    const incarnation = node.disk.process.incarnation + 1
    node.config = this.configOf(id, incarnation, node.disk.process.storageId)
    const before = { ...node.disk, process: { ...node.disk.process, ...disk } }
    node.disk = { ...before, process: { ...before.process, incarnation, cleanNoPromise: false } }
    const now = this.clock(id)
    node.state = createState(node.config, before, {
      now,
      startedAt: now,
      // equal seeds tie for ever (R35)
      seed: 1000 * id.charCodeAt(0) + incarnation,
      wallMs: 1000 + this.at,
    })
    node.alive = true
    node.heldWrites.length = 0
    this.recordPromise(node)
  }

  /** The clean way out: `end`, then what the last write may claim (R19). */
  election(id: ProcessId, name = 'e') {
    const election = this.node(id).state.elections.get(name)
    if (election === undefined) throw new Error(`${id} does not know ${name}`)
    return election
  }

  /** isValid() as a reader at this instant would see it (R14). */
  leads(id: ProcessId, name = 'e'): boolean {
    const node = this.node(id)
    if (!node.alive) return false
    const lead = node.state.elections.get(name)?.lead
    if (lead == null) return false
    return this.clock(id) < (node.state.leases.get(lead.lease)?.until ?? Number.NEGATIVE_INFINITY)
  }

  leader(name = 'e'): ProcessId | null {
    return this.ids.find((id) => this.leads(id, name)) ?? null
  }

  private check(): void {
    for (const name of this.options.elections ?? ['e']) {
      const valid = this.ids.filter((id) => this.leads(id, name))
      // no `expect` here: it would be most of the time of a long random run
      if (valid.length > 1) expect.fail(`P2: ${valid.join(' and ')} both hold ${name} at ${this.at}`)
    }
  }
}

/** True if the frame holds a part of that kind. */
export function has(frame: Frame, kind: Part['kind']): boolean {
  return frame.parts.some((part) => part.kind === kind)
}

/** Frames of one direction, optionally only those with a part of that kind. */
export function along(from: ProcessId, to: ProcessId, kind?: Part['kind']): (frame: Flight) => boolean {
  return (frame) => frame.from === from && frame.to === to && (kind === undefined || has(frame, kind))
}
