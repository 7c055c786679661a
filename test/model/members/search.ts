/**
 * A cluster whose members change: all its processes with what is on its way to them, explored breadth first until nothing
 * new is reached.
 *
 * A state of the world is one process and one set of messages per member or joiner, the largest terms won, the newest
 * configuration that a quorum was seen to hold, and the crashes left. After each action `tidy` forgets what can make no
 * difference. The abstraction, and why it loses nothing: `../README.md`. Read first: `seat.ts`, `behaviour.ts`.
 */

import type { ClusterConfig, State } from '../../../src/core'
import { explore, type Progress } from '../explore'
import type { Core } from '../process'
import { StateTable } from '../table'
import { Behaviour, type Facts, type Message, type Transition } from './behaviour'
import { type Presumed, presumedOf } from './presumed'
import {
  canonicalize,
  configOf,
  enthrone,
  foundedDisk,
  MEMBERS,
  type MemberLimits,
  ROUND,
  startSeat,
} from './seat'

/** What an exploration found. */
export interface MemberOutcome {
  readonly generated: number
  readonly distinct: number
  readonly depth: number
  readonly complete: boolean
  readonly cpuSeconds: number
  /** Different processes, and calls of the core's `step` that it took to know them. */
  readonly processes: number
  readonly steps: number
  readonly violation: { readonly property: string; readonly path: readonly string[] } | null
}

/** What happens at whom: an input, or the crash of that process, or a tick. */
const TICK = 0
const CRASH = 1
const MEET = 2
const INPUT = 3

export class MemberSearch {
  readonly behaviour: Behaviour
  generated = 0
  private readonly n: number
  private readonly elections: readonly string[]
  private readonly members: number
  private readonly table: StateTable
  private readonly row: Int32Array
  private readonly base: Int32Array
  private current = -1
  private acting = 0
  private broken: string | null = null
  private readonly sets: (readonly number[])[] = []
  private readonly setIds = new Map<string, number>()
  private readonly configs: ClusterConfig[] = []
  private readonly targets: readonly number[]
  private readonly presumed: Presumed

  constructor(
    readonly limits: MemberLimits,
    core: Core,
  ) {
    this.behaviour = new Behaviour(core, limits)
    this.n = this.behaviour.names.length
    this.elections = limits.elections
    this.members = limits.elections.indexOf(MEMBERS)
    const width = 2 * this.n + 1
    this.table = new StateTable(width)
    this.row = new Int32Array(width)
    this.base = new Int32Array(width)
    const bits = (ids: string) =>
      [...ids].reduce((sum, id) => sum | (1 << this.behaviour.names.indexOf(id)), 0)
    this.targets = limits.targets.map(bits)
    this.presumed = presumedOf(this.behaviour, limits)
  }

  run(progress?: (now: Progress) => void): MemberOutcome {
    const { limits, table } = this
    this.begin()
    const explored = explore(
      {
        table,
        maxStates: limits.maxStates,
        visit: (at) => {
          this.current = at
          table.read(at, this.base)
          this.expand()
        },
        generated: () => this.generated,
        isBroken: () => this.broken !== null,
      },
      progress,
    )
    return {
      ...explored,
      processes: this.behaviour.size,
      steps: this.behaviour.steps,
      violation: this.broken === null ? null : { property: this.broken, path: this.path() },
    }
  }

  /** The founding is over: everybody holds configuration 1.1, joiners, too, and has met everybody. */
  private begin(): void {
    const { limits, behaviour, row, n } = this
    const { core, names } = behaviour
    const disk = foundedDisk(limits)
    names.forEach((name, i) => {
      const state = startSeat(core, limits, configOf(limits, name, 1), disk)
      if (this.members < 0 && name === limits.voters[0]) enthrone(state)
      canonicalize(state, limits)
      row[i] = behaviour.intern(state, i, 1)
    })
    this.config(disk.cluster)
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        if (i !== j) row[i] = behaviour.after(row[i] as number, behaviour.meet(j, 1)).state
      }
    }
    for (let i = 0; i < n; i++) row[n + i] = this.set([])
    row[2 * n] = limits.crashes << 6
    this.tidy()
    this.table.add(row, -1, 0)
  }

  // --- small tables -----------------------------------------------------------------------------------------------------

  private set(messages: readonly number[]): number {
    const key = messages.join()
    let id = this.setIds.get(key)
    if (id === undefined) {
      id = this.sets.length
      this.setIds.set(key, id)
      this.sets.push(messages)
    }
    return id
  }

  /** Number of a configuration; null if another one was made under the same name. */
  private config(cluster: ClusterConfig): number {
    const at = this.configs.findIndex((each) => compare(each, cluster) === 0)
    if (at >= 0) return at
    this.configs.push(cluster)
    return this.configs.length - 1
  }

  private facts(row: Int32Array, i: number): Facts {
    return this.behaviour.facts(row[i] as number)
  }

  private waiting(row: Int32Array, i: number): readonly number[] {
    return this.sets[row[this.n + i] as number] as readonly number[]
  }

  // --- actions ----------------------------------------------------------------------------------------------------------

  private expand(): void {
    const { n, base } = this
    for (let i = 0; i < n && this.broken === null; i++) {
      this.alone(i)
      for (const message of this.waiting(base, i)) this.delivery(i, message)
      for (let j = 0; j < n; j++) if (j !== i) this.pair(i, j)
    }
    if (this.broken !== null) return
    this.tick()
    if ((((base[2 * n] as number) >> 6) & 15) > 0) for (let i = 0; i < n; i++) this.crash(i)
  }

  /** One input at one process, then its consequences. */
  private single(i: number, input: number): void {
    if (this.broken !== null) return
    const t = this.behaviour.after(this.base[i] as number, input)
    if (this.changesNothing(i, t)) return
    this.row.set(this.base)
    this.acting = INPUT + 8 * (i + 8 * input)
    if (this.apply(i, t)) this.reach()
  }

  /** Does it leave the world as it is? So do most inputs, most of the time. */
  private changesNothing(
    i: number,
    { state, said, word, toWhom, ended, settled, broken, won }: Transition,
  ): boolean {
    const { base } = this
    if (state !== base[i] || ended !== 0 || settled !== null || broken !== null) return false
    if (word >= 0 && !this.waiting(base, toWhom).includes(word)) return false
    for (let k = 0; k < said.length; k += 2) {
      if (!this.waiting(base, said[k] as number).includes(said[k + 1] as number)) return false
    }
    return won.every((term) => term === 0)
  }

  private alone(i: number): void {
    const { base, behaviour, limits } = this
    const facts = this.facts(base, i)
    this.elections.forEach((name, e) => {
      const told = facts.told[e] as number
      const leads = (facts.ledTerm[e] as number) > 0
      const stands = (facts.campaignTerm[e] as number) > 0
      const may = told < (limits.maxTerm[name] ?? 0) && (!leads || told > (facts.ledTerm[e] as number))
      if (!stands && may && this.contends(i)) this.single(i, behaviour.campaign(e))
      if (stands) this.single(i, behaviour.campaignEnds(e))
      if (leads) this.single(i, behaviour.resign(e))
    })
    if (!facts.leadsMembers) return
    this.single(i, behaviour.lookAtClock())
    if (facts.changing || facts.config.version > limits.changes) return
    for (const bits of this.targets) this.single(i, behaviour.change(bits))
  }

  private contends(i: number): boolean {
    return this.limits.contenders.includes(this.behaviour.names[i] as string)
  }

  private delivery(i: number, message: number): void {
    const { base, behaviour } = this
    const { from, part } = behaviour.messages[message] as Message
    const facts = this.facts(base, i)
    // a request travels behind a heartbeat; of one that comes to a session that stands that is an action of its own
    const behind = part.kind === 'requestVote' && facts.gives[from] === null
    this.single(i, behaviour.hear(message, behind))
  }

  /** What process `i`, as one that leads or stands, does with `j`, and what it may learn of it. */
  private pair(i: number, j: number): void {
    const { base, behaviour, limits } = this
    const here = this.facts(base, i)
    const there = this.facts(base, j)
    if (here.met[j] !== there.life || there.met[i] !== here.life) {
      if (i < j) this.meeting(i, j)
      return
    }
    if (here.isVoter)
      this.elections.forEach((name, e) => {
        const top = Math.min(limits.maxTerm[name] ?? 0, there.told[e] as number)
        for (let term = (here.told[e] as number) + 1; term <= top; term++) {
          this.single(i, behaviour.learn(j, there.life, e, term))
        }
      })
    // whoever is heard of with an older configuration is told, and everybody probes everybody (R31)
    const { life, config } = there
    const order = compare(config, here.config)
    if (order > 0 || (order < 0 && !this.presumed.keepsNewer)) {
      const told = behaviour.message({ from: j, life, part: { kind: 'config', cluster: config } })
      this.single(i, behaviour.hear(told, false))
    }
    if (here.busy) {
      this.single(j, behaviour.beat(i, here.life, this.config(here.config), here.config))
      if (order === 0) this.acks(i, j, there)
    }
  }

  /** A voter has been renewed, and one ack or another of that arrives: of the heartbeat that left last, or of one before it. */
  private acks(i: number, j: number, { gives, left, life, config }: Facts): void {
    const grant = gives[i]
    if (grant == null) return
    for (let ticks = left[i] as number; ticks > 0; ticks--) {
      this.single(i, this.behaviour.hear(this.ackOf({ from: j, life, grant, ticks, config }), false))
    }
  }

  private ackOf(about: {
    from: number
    life: number
    grant: string
    ticks: number
    config: ClusterConfig
  }): number {
    const { from, life, grant, ticks, config } = about
    const { term, version } = config
    const round = ROUND + ticks - this.limits.promise
    const part = { kind: 'ack', round, grant, renewed: true, config: { term, version } } as const
    return this.behaviour.message({ from, life, part })
  }

  /** What a voter acknowledged in the life or under the configuration that it leaves may still be on its way. */
  private lastAcks(j: number, before: Facts): void {
    const { n, row } = this
    for (let i = 0; i < n; i++) {
      const grant = before.gives[i]
      if (grant == null || compare(this.facts(row, i).config, before.config) > 0) continue
      for (let ticks = before.left[i] as number; ticks > 0; ticks--) {
        this.put(i, this.ackOf({ from: j, life: before.life, grant, ticks, config: before.config }))
      }
    }
  }

  private meeting(i: number, j: number): void {
    const { base, row, behaviour } = this
    const here = this.facts(base, i).life
    const there = this.facts(base, j).life
    row.set(base)
    this.acting = MEET + 8 * (i + 8 * j)
    if (!this.apply(i, behaviour.after(row[i] as number, behaviour.meet(j, there)))) return
    if (this.apply(j, behaviour.after(row[j] as number, behaviour.meet(i, here)))) this.reach()
  }

  private tick(): void {
    const { n, base, row, behaviour } = this
    row.set(base)
    this.acting = TICK
    for (let i = 0; i < n; i++) {
      const kept = this.waiting(row, i).map((message) => behaviour.aged(message))
      row[n + i] = this.set(kept.filter((message) => message >= 0).sort(byNumber))
    }
    for (let i = 0; i < n; i++) {
      if (!this.apply(i, behaviour.after(base[i] as number, behaviour.passTick()))) return
    }
    this.reach()
  }

  private crash(i: number): void {
    const { n, base, row, behaviour } = this
    row.set(base)
    this.acting = CRASH + 8 * i
    this.lastAcks(i, this.facts(base, i))
    row[i] = behaviour.restarted(row[i] as number)
    row[n + i] = this.set([])
    row[2 * n] = (row[2 * n] as number) - 64
    this.reach()
  }

  // --- consequences -----------------------------------------------------------------------------------------------------

  /** Puts what an input did at process `i` into the world; false if a property broke. */
  private apply(i: number, t: Transition): boolean {
    const { n, row } = this
    const before = this.facts(row, i)
    row[i] = t.state
    for (let k = 0; k < t.said.length; k += 2) this.put(t.said[k] as number, t.said[k + 1] as number)
    if (compare(before.config, this.facts(row, i).config) !== 0) this.lastAcks(i, before)
    if (t.ended !== 0) this.retire(i, t.ended, before)
    if (t.word >= 0) this.put(t.toWhom, t.word)
    if (t.broken !== null) return this.fail(t.broken)
    for (let e = 0; e < t.won.length; e++) {
      const term = t.won[e] as number
      if (term === 0) continue
      const last = ((row[2 * n] as number) >> (3 * e)) & 7
      if (term <= last)
        return this.fail(`P1/P3: term ${term} of ${this.elections[e]} is won after term ${last} was`)
      row[2 * n] = (row[2 * n] as number) + ((term - last) << (3 * e))
      if (e === this.members && !this.isNewest(i))
        return this.fail('P6: a leader of @members lacks a configuration that a quorum held')
    }
    return t.settled === null || this.settle(t.settled)
  }

  /** Is the configuration in force at a winner of `@members` as new as any that a quorum was seen to hold? */
  private isNewest(i: number): boolean {
    const settled = this.configs[(this.row[2 * this.n] as number) >> 10] as ClusterConfig
    return compare(this.facts(this.row, i).config, settled) >= 0
  }

  /** A leader goes by this configuration being held by a quorum. */
  private settle(config: ClusterConfig): boolean {
    const { n, row, behaviour } = this
    const holders = config.voters.filter(({ id }) => {
      const i = behaviour.names.indexOf(id)
      return i >= 0 && compare(this.facts(row, i).config, config) >= 0
    })
    if (2 * holders.length <= config.voters.length)
      return this.fail(
        `P6: configuration ${config.term}.${config.version} is left behind, and no quorum holds it`,
      )
    const settled = (row[2 * n] as number) >> 10
    if (compare(config, this.configs[settled] as ClusterConfig) > 0) {
      row[2 * n] = (row[2 * n] as number) + ((this.config(config) - settled) << 10)
    }
    return true
  }

  private fail(property: string): false {
    this.generated += 1
    this.broken ??= property
    return false
  }

  private put(to: number, message: number): void {
    const { n, row } = this
    const messages = this.waiting(row, to)
    if (messages.includes(message)) return
    row[n + to] = this.set([...messages, message].sort(byNumber))
  }

  /** Grants that a voter gave have ended: their holders count nothing of them, and what names them says nothing. */
  private retire(voter: number, ended: number, before: Facts): void {
    const { n, row, behaviour } = this
    for (let i = 0; i < n; i++) {
      if ((ended & (1 << i)) === 0) continue
      const grant = before.gives[i] as string
      row[i] = behaviour.after(row[i] as number, behaviour.retire(voter, before.life, grant)).state
      const kept = this.waiting(row, i).filter((message) => {
        const { from, part } = behaviour.messages[message] as Message
        return from !== voter || !('grant' in part) || part.grant !== grant
      })
      row[n + i] = this.set(kept)
    }
  }

  /** The state in `row` was generated. */
  private reach(): void {
    this.generated += 1
    if (!this.tidy() || !this.holds()) return
    this.table.add(this.row, this.current, this.acting)
  }

  /** Forgets what can make no difference; false if a property broke meanwhile. */
  private tidy(): boolean {
    const { n, row } = this
    for (let v = 0; v < n; v++) if (!this.freeIdle(v)) return false
    for (let v = 0; v < n; v++) for (let h = 0; h < n; h++) if (v !== h) this.dropSession(v, h)
    for (let i = 0; i < n; i++) {
      const messages = this.waiting(row, i)
      const kept = messages.filter((message) => !this.isSpent(i, message))
      if (kept.length < messages.length) row[n + i] = this.set(kept)
    }
    return true
  }

  /** Whoever is bound to a process that has renounced, or to a life that is over, is free at once. */
  private freeIdle(v: number): boolean {
    const { row, behaviour } = this
    for (let e = 0; e < this.elections.length; e++) {
      const held = this.facts(row, v).bound[e]
      if (held == null || held.leader === v) continue
      const holder = this.facts(row, held.leader)
      if (holder.life === held.life && (holder.ledTerm[e] !== 0 || holder.campaignTerm[e] !== 0)) continue
      const free = behaviour.release(held.leader, held.life, e, held.term)
      if (!this.apply(v, behaviour.after(row[v] as number, free))) return false
    }
    return true
  }

  /** A session that binds nothing, and whose grant the holder does not name, is as good as none. */
  private dropSession(v: number, h: number): void {
    const { row, behaviour } = this
    const voter = this.facts(row, v)
    const grant = voter.gives[h] as string | null
    if (grant === null || voter.bound.some((held) => held?.leader === h)) return
    const holder = this.facts(row, h)
    if (holder.busy) return
    this.apply(v, behaviour.after(row[v] as number, behaviour.forget(h)))
  }

  /** True if by the rules a message can never again change that receiver. */
  private isSpent(i: number, id: number): boolean {
    const { behaviour, row } = this
    const { from, life, part } = behaviour.messages[id] as Message
    const here = this.facts(row, i)
    const there = this.facts(row, from)
    if ((here.met[from] as number) > life) return true
    switch (part.kind) {
      case 'requestVote': {
        const e = this.elections.indexOf(part.election)
        if (there.life !== life || there.campaignTerm[e] !== part.term) return true
        if (part.term <= (here.told[e] as number)) return true
        return this.presumed.refusesOlder && compare(part.config as ClusterConfig, here.config) < 0
      }
      case 'bind': {
        const e = this.elections.indexOf(part.election)
        if (e < 0 || there.life !== life || there.ledTerm[e] !== part.term) return true
        return part.term < (here.known[e] as number)
      }
      case 'voteReply':
      case 'bindAck': {
        const e = this.elections.indexOf(part.election)
        const led = here.ledTerm[e] as number
        const asked = part.kind === 'voteReply' && here.campaignTerm[e] === part.term
        if (asked && !behaviour.holdsVote(row[i] as number, part.election, from, part.grant as string))
          return false
        return (
          led === 0 || led > part.term || behaviour.holdsBound(row[i] as number, part.election, from, part)
        )
      }
      case 'config': {
        const order = compare(part.cluster, here.config)
        if (order !== 0) return order < 0 && this.presumed.keepsNewer
        return !there.leadsMembers || there.life !== life || behaviour.hasAcked(row[from] as number, i)
      }
      case 'configAck': {
        if (!here.leadsMembers || compare(part, here.config) !== 0) return true
        return behaviour.knowsAck(row[i] as number, from, part)
      }
      case 'ack':
        return !here.busy || compare(part.config as ClusterConfig, here.config) < 0
      default:
        return true
    }
  }

  // --- properties -------------------------------------------------------------------------------------------------------

  private holds(): boolean {
    const { n, row } = this
    for (let e = 0; e < this.elections.length; e++) {
      let holder = -1
      for (let i = 0; i < n; i++) {
        const facts = this.facts(row, i)
        if (facts.valid[e] !== true) continue
        if (holder >= 0) return this.failed(`P2: two leases of ${this.elections[e]} are valid at once`)
        holder = i
        for (let j = 0; j < n; j++) {
          const other = this.facts(row, j).config
          if (compare(other, facts.config) > 0 && !intersect(other, facts.config))
            return this.failed(
              `P6: a lease of ${this.elections[e]} stands beside a configuration that does not intersect its own`,
            )
        }
      }
    }
    return true
  }

  private failed(property: string): false {
    this.broken ??= property
    return false
  }

  // --- for the walks of real cores --------------------------------------------------------------------------------------

  private known: Set<string> | null = null

  /** Was a state with these processes explored, whatever was on its way in it? */
  knows(states: readonly State[]): boolean {
    const { n, row, table, behaviour } = this
    if (this.known === null) {
      this.known = new Set()
      for (let at = 0; at < table.size; at++) {
        table.read(at, row)
        this.known.add(row.subarray(0, n).join())
      }
    }
    row.fill(0)
    states.forEach((state, i) => {
      row[i] = behaviour.intern(state, i, 1)
    })
    for (let i = 0; i < n; i++) row[n + i] = this.set([])
    this.tidy()
    return this.known.has(row.subarray(0, n).join())
  }

  // --- paths ------------------------------------------------------------------------------------------------------------

  private path(): string[] {
    const { table, behaviour } = this
    const actions: number[] = [this.acting]
    for (let at = this.current; table.parent(at) >= 0; at = table.parent(at)) actions.push(table.action(at))
    return actions.reverse().map((action) => {
      const name = (i: number) => behaviour.names[i] as string
      const rest = action >> 3
      switch (action & 7) {
        case INPUT:
          return `${name(rest & 7)} ${behaviour.describeInput(rest >> 3)}`
        case TICK:
          return 'a tick passes'
        case CRASH:
          return `${name(rest & 7)} crashes and begins another life`
        default:
          return `${name(rest & 7)} and ${name(rest >> 3)} greet each other`
      }
    })
  }
}

function compare(a: { term: number; version: number }, b: { term: number; version: number }): number {
  return a.term - b.term || a.version - b.version
}

/** Does every majority of one meet every majority of the other? */
function intersect(a: ClusterConfig, b: ClusterConfig): boolean {
  const quorum = (voters: readonly unknown[]) => Math.floor(voters.length / 2) + 1
  const all = new Set([...a.voters, ...b.voters].map(({ id }) => id))
  return quorum(a.voters) + quorum(b.voters) > all.size
}

function byNumber(x: number, y: number): number {
  return x - y
}
