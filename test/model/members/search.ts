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
import { Covered } from './covered'
import { type Presumed, presumedOf } from './presumed'
import {
  canonicalize,
  configOf,
  diskOf,
  enthrone,
  foundedDisk,
  isLast,
  MEMBERS,
  type MemberLimits,
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
  readonly violation: Violation | null
}

/** A property that breaks, and a shortest schedule that leads to it: in words, and for `replay.ts`. */
export interface Violation {
  readonly property: string
  readonly path: readonly string[]
  readonly steps: readonly Step[]
}

/** One action of a schedule, by numbers of processes and inputs. */
export type Step =
  | { readonly kind: 'tick' }
  | { readonly kind: 'crash' | 'loss' | 'stop'; readonly at: number }
  | { readonly kind: 'meet'; readonly at: number; readonly other: number }
  | { readonly kind: 'input'; readonly at: number; readonly input: number }

/** What happens at whom: an input, or the crash of that process, or a tick. */
const TICK = 0
const CRASH = 1
const MEET = 2
const INPUT = 3
const LOSS = 4
const SEQUENCE = 5
const STOP = 6
/** Bits of the number that a state has beside its processes: of each election the term won last, then these. */
const CRASHES = 6
const LOSSES = 9
const STOPS = 10
const SETTLED = 13

/** Request, reply, announcement, answer. */
const ELECTION_ROUNDS = 4

/** A heartbeat: who hears it, and the input that it is there. */
interface Beat {
  readonly voter: number
  readonly input: number
}

function inputAt(i: number, input: number): number {
  return INPUT + 8 * (i + 8 * input)
}

export class MemberSearch {
  readonly behaviour: Behaviour
  generated = 0
  private readonly n: number
  private readonly elections: readonly string[]
  private readonly members: number
  /** A2 may be broken: P2, P3 (b) and R6 are not asked for. */
  private readonly hasNoClock: boolean
  private readonly table: StateTable
  private readonly row: Int32Array
  private readonly base: Int32Array
  private current = -1
  private acting = 0
  private broken: string | null = null
  private readonly sets: (readonly number[])[] = []
  private readonly setIds = new Map<string, number>()
  private readonly sequences: (readonly number[])[] = []
  private readonly sequenceIds = new Map<string, number>()
  private readonly presumed: Presumed

  constructor(
    readonly limits: MemberLimits,
    core: Core,
  ) {
    this.behaviour = new Behaviour(core, limits)
    this.n = this.behaviour.names.length
    this.elections = limits.elections
    this.members = limits.elections.indexOf(MEMBERS)
    this.hasNoClock = limits.stops > 0
    const width = 2 * this.n + 1
    this.table = new StateTable(width)
    this.row = new Int32Array(width)
    this.base = new Int32Array(width)
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
      violation: this.broken === null ? null : this.violation(this.broken),
    }
  }

  private violation(property: string): Violation {
    const steps = this.steps()
    return { property, path: steps.map((step) => this.describe(step)), steps }
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
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        if (i !== j) row[i] = behaviour.after(row[i] as number, behaviour.meet(j, 1)).state
      }
    }
    for (let i = 0; i < n; i++) row[n + i] = this.set([])
    row[2 * n] =
      (limits.crashes << CRASHES) +
      (limits.loses === '' ? 0 : 1 << LOSSES) +
      (limits.stops << STOPS) +
      (behaviour.numberOf(disk.cluster) << SETTLED)
    this.tidy()
    if (limits.leader !== '') this.elect(names.indexOf(limits.leader))
    this.table.add(row, -1, 0)
  }

  /** It stands for the first election, and nothing is lost: it leads that by the word of everybody. */
  private elect(i: number): void {
    const { behaviour, row, n } = this
    this.apply(i, behaviour.after(row[i] as number, behaviour.campaign(0)))
    for (let k = 0; k < ELECTION_ROUNDS; k++) {
      for (let j = 0; j < n; j++) {
        for (const message of this.waiting(row, j)) {
          const { from } = behaviour.messages[message] as Message
          const isFirst = this.facts(row, j).gives[from] === null && j !== i
          this.apply(j, behaviour.after(row[j] as number, behaviour.hear(message, isFirst)))
        }
      }
      this.tidy()
    }
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
    const left = base[2 * n] as number
    for (let i = 0; i < n && ((left >> STOPS) & 7) > 0; i++)
      if (this.facts(base, i).leadsMembers) this.tick(i)
    if (((left >> CRASHES) & 7) > 0) for (let i = 0; i < n; i++) this.crash(i, CRASH)
    if (((left >> LOSSES) & 1) > 0) this.crash(this.behaviour.names.indexOf(this.limits.loses), LOSS)
  }

  /** One input at one process, then its consequences. */
  private single(i: number, input: number): void {
    if (this.broken !== null) return
    const t = this.behaviour.after(this.base[i] as number, input)
    if (this.changesNothing(i, t)) return
    this.row.set(this.base)
    this.acting = inputAt(i, input)
    if (!this.apply(i, t)) return
    this.reach()
    this.beatsBefore(i, input)
  }

  /** Who comes to another configuration by that: what its voters, and it as a voter, were told and said just before counts. */
  private beatsBefore(i: number, input: number): void {
    const { n, base, row, behaviour } = this
    let moved = 0
    for (let k = 0; k < n; k++) if (this.facts(row, k).at !== this.facts(base, k).at) moved |= 1 << k
    if (moved === 0) return
    const beats = this.beats((h, v) => (moved & ((1 << h) | (1 << v))) !== 0 && this.stands(h, v))
    for (let chosen = 1; chosen < 1 << beats.length && this.broken === null; chosen++) {
      this.acting = this.sequence(beats, chosen, inputAt(i, input))
      if (!this.play(beats, chosen)) return
      if (this.apply(i, behaviour.after(row[i] as number, input))) this.reach()
    }
  }

  /** Heartbeats that would begin or renew a session, of those pairs of holder and voter. */
  private beats(among: (h: number, v: number) => boolean): Beat[] {
    const { n, base, behaviour } = this
    const beats: Beat[] = []
    for (let h = 0; h < n; h++) {
      const holder = this.facts(base, h)
      if (!holder.busy) continue
      for (let v = 0; v < n; v++) {
        const voter = this.facts(base, v)
        if (v === h || holder.met[v] !== voter.life || voter.met[h] !== holder.life || !among(h, v)) continue
        const input = behaviour.beat(h, holder.life, holder.at)
        if (behaviour.after(base[v] as number, input).state !== base[v]) beats.push({ voter: v, input })
      }
    }
    return beats
  }

  private stands(h: number, v: number): boolean {
    return this.facts(this.base, v).gives[h] !== null
  }

  /** The present state, after those of the heartbeats have come; false if a property broke. */
  private play(beats: readonly Beat[], chosen: number): boolean {
    const { n, base, row, behaviour } = this
    row.set(base)
    for (const [k, { voter, input }] of beats.entries()) {
      if ((chosen & (1 << k)) === 0) continue
      if (!this.apply(voter, behaviour.after(row[voter] as number, input))) return false
    }
    for (let h = 0; chosen > 0 && h < n; h++) if (!this.countAcks(h)) return false
    return true
  }

  /** Those of the heartbeats, then that action, as one. */
  private sequence(beats: readonly Beat[], chosen: number, last: number): number {
    if (chosen === 0) return last
    const actions = beats.filter((_, k) => chosen & (1 << k)).map(({ voter, input }) => inputAt(voter, input))
    const key = [...actions, last].join()
    let id = this.sequenceIds.get(key)
    if (id === undefined) {
      id = this.sequences.push([...actions, last]) - 1
      this.sequenceIds.set(key, id)
    }
    return SEQUENCE + 8 * id
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
    if (facts.changing || isLast(facts.config.version, limits)) return
    limits.targets.forEach((_, target) => {
      // words that tell of a larger term may not have come; who asks earlier waits until it can be done, and may as well ask then
      for (const most of facts.wordTerms) {
        const change = behaviour.change(target, most)
        if (!behaviour.facts(behaviour.after(base[i] as number, change).state).waits) this.single(i, change)
      }
    })
  }

  private contends(i: number): boolean {
    return this.limits.contenders.includes(this.behaviour.names[i] as string)
  }

  private delivery(i: number, message: number): void {
    const { base, behaviour } = this
    const { from, part } = behaviour.messages[message] as Message
    const facts = this.facts(base, i)
    // both travel behind a heartbeat; one that comes to a session that stands is put off until the tick passes
    const behind = (part.kind === 'requestVote' || part.kind === 'bind') && facts.gives[from] === null
    this.single(i, behaviour.hear(message, behind))
  }

  /** What process `i`, as one that leads or stands, does with `j`, and what it may learn of it. */
  private pair(i: number, j: number): void {
    const { base, behaviour, limits } = this
    const { names } = behaviour
    const here = this.facts(base, i)
    const there = this.facts(base, j)
    if (here.met[j] !== there.life || there.met[i] !== here.life) {
      if (i < j && (limits.isOpen || (admits(here, there, names[j]) && admits(there, here, names[i]))))
        this.meeting(i, j)
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
    const order = compare(there.config, here.config)
    if (order > 0 || (order < 0 && !this.presumed.keepsNewer)) {
      this.single(i, behaviour.hear(behaviour.configMessage(j, there.life, there.at), false))
    }
  }

  /** What a process that leaves a configuration, or its life, has said of it may still be on its way to whoever lacks it. */
  private lastWords(j: number, before: Facts): void {
    const { n, row, behaviour } = this
    for (let i = 0; i < n; i++) {
      const here = this.facts(row, i)
      if (i === j || here.met[j] !== before.life || before.met[i] !== here.life) continue
      if (compare(before.config, here.config) <= 0) continue
      this.put(i, behaviour.configMessage(j, before.life, before.at))
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

  /**
   * Before a tick passes heartbeats come or not. One that comes earlier does the same, as long as neither end of it changes its
   * configuration or begins another life: until a tick passes nothing asks for how long a session stands.
   */
  private tick(stopped = -1): void {
    const { n, row, behaviour } = this
    const beats = this.beats((h, v) => !this.limits.inOrder || this.stands(h, v))
    for (let chosen = 0; chosen < 1 << beats.length && this.broken === null; chosen++) {
      this.acting = this.sequence(beats, chosen, stopped < 0 ? TICK : STOP + 8 * stopped)
      if (!this.play(beats, chosen)) return
      for (let i = 0; i < n; i++) {
        if (i !== stopped && !this.apply(i, behaviour.after(row[i] as number, behaviour.passTick()))) return
      }
      if (stopped >= 0) row[2 * n] = (row[2 * n] as number) - (1 << STOPS)
      this.reach()
    }
  }

  /** What it was told just before, and said, counts for others: the more the better. */
  private crash(i: number, how: typeof CRASH | typeof LOSS): void {
    const { n, row, behaviour } = this
    const beats = this.beats((h, v) => v === i && this.stands(h, v))
    const all = (1 << beats.length) - 1
    this.acting = this.sequence(beats, all, how + 8 * i)
    if (!this.play(beats, all)) return
    this.lastWords(i, this.facts(row, i))
    const id = row[i] as number
    row[i] = how === LOSS ? behaviour.wiped(id) : behaviour.restarted(id)
    row[n + i] = this.set([])
    row[2 * n] = (row[2 * n] as number) - (1 << (how === LOSS ? LOSSES : CRASHES))
    this.reach()
  }

  // --- consequences -----------------------------------------------------------------------------------------------------

  /** Puts what an input did at process `i` into the world; false if a property broke. */
  private apply(i: number, t: Transition): boolean {
    const { n, row } = this
    const before = this.facts(row, i)
    row[i] = t.state
    for (let k = 0; k < t.said.length; k += 2) this.put(t.said[k] as number, t.said[k + 1] as number)
    if (compare(before.config, this.facts(row, i).config) !== 0) this.lastWords(i, before)
    if (t.ended !== 0) this.retire(i, t.ended, before)
    if (t.word >= 0) this.put(t.toWhom, t.word)
    if (t.broken !== null && !(this.hasNoClock && t.broken.startsWith('R6:'))) return this.fail(t.broken)
    for (let e = 0; e < t.won.length; e++) {
      const term = t.won[e] as number
      if (term === 0) continue
      const last = ((row[2 * n] as number) >> (3 * e)) & 7
      if (term === last || (term < last && !this.hasNoClock))
        return this.fail(`P1/P3: term ${term} of ${this.elections[e]} is won after term ${last} was`)
      row[2 * n] = (row[2 * n] as number) + (Math.max(0, term - last) << (3 * e))
      if (e === this.members && !this.isNewest(before))
        return this.fail('P6: a leader of @members lacks a configuration that a quorum held')
    }
    return t.settled === null || this.settle(t.settled)
  }

  /** Did a winner of `@members` win with a configuration as new as any that a quorum was seen to hold? It makes a newer one at once. */
  private isNewest({ config }: Facts): boolean {
    const settled = this.behaviour.configs[(this.row[2 * this.n] as number) >> SETTLED] as ClusterConfig
    return compare(config, settled) >= 0
  }

  /** A leader goes by this configuration being held by a quorum. */
  private settle(config: ClusterConfig): boolean {
    const { n, row, behaviour } = this
    const holders = config.voters.filter(({ id, storageId }) => {
      const i = behaviour.names.indexOf(id)
      const holder = this.facts(row, i)
      // what a disk that was lost held nobody knows
      return storageId !== diskOf(id, holder.life) || compare(holder.config, config) >= 0
    })
    if (2 * holders.length <= config.voters.length)
      return this.fail(
        `P6: configuration ${config.term}.${config.version} is left behind, and no quorum holds it`,
      )
    const settled = (row[2 * n] as number) >> SETTLED
    if (compare(config, behaviour.configs[settled] as ClusterConfig) > 0) {
      row[2 * n] = (row[2 * n] as number) + ((behaviour.numberOf(config) - settled) << SETTLED)
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
    for (let h = 0; h < n; h++) if (!this.countAcks(h)) return false
    for (let v = 0; v < n; v++) for (let h = 0; h < n; h++) if (v !== h) this.dropSession(v, h)
    for (let i = 0; i < n; i++) if (!this.askWords(i) || !this.countBound(i)) return false
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

  /**
   * Whoever leads or stands counts each voter at once for all that is left of its promise: what counts for less, or later, can
   * do less, and a vote is counted as late as its reply comes.
   */
  private countAcks(h: number): boolean {
    const { n, row, behaviour } = this
    for (let v = 0; v < n; v++) {
      const holder = this.facts(row, h)
      const voter = this.facts(row, v)
      const left = voter.left[h] as number
      if (!holder.busy || left <= (holder.counts[v] as number) || holder.met[v] !== voter.life) continue
      if (this.presumed.countsEqual && compare(holder.config, voter.config) !== 0) continue
      const ack = behaviour.ack(v, voter.life, left, voter.at)
      if (!this.apply(h, behaviour.after(row[h] as number, ack))) return false
    }
    return true
  }

  /** The leader of `@members` asks again and again who holds its configuration: whatever may answer has answered (R32 b). */
  private askWords(h: number): boolean {
    const { n, row, behaviour } = this
    const leader = this.facts(row, h)
    if (!this.needsWords(leader)) return true
    for (let v = 0; v < n; v++) {
      const voter = this.facts(row, v)
      if (v === h || leader.met[v] !== voter.life || voter.met[h] !== leader.life) continue
      if (compare(leader.config, voter.config) !== 0) continue
      const asked = behaviour.hear(behaviour.configMessage(h, leader.life, leader.at), false)
      const { state, word, toWhom } = behaviour.after(row[v] as number, asked)
      if (state !== row[v] || word < 0 || toWhom !== h) continue
      if ((leader.acked & (1 << v)) !== 0) this.put(h, word)
      else if (!this.apply(h, behaviour.after(row[h] as number, behaviour.hear(word, false)))) return false
    }
    return true
  }

  /** Whoever leads is told at once who is bound to it: as with acks, who counts less can do less. */
  private countBound(h: number): boolean {
    const { row, behaviour } = this
    for (const message of this.waiting(row, h)) {
      const { part } = behaviour.messages[message] as Message
      if ((part.kind !== 'voteReply' && part.kind !== 'bindAck') || this.isSpent(h, message)) continue
      const e = this.elections.indexOf(part.election)
      const leads = this.facts(row, h).ledTerm[e] !== 0 && this.facts(row, h).campaignTerm[e] !== part.term
      if (leads && !this.apply(h, behaviour.after(row[h] as number, behaviour.hear(message, false))))
        return false
    }
    return true
  }

  /** It leads `@members`, and somebody asked for a change, or still may. */
  private needsWords({ leadsMembers, changing, config }: Facts): boolean {
    return leadsMembers && (changing || !isLast(config.version, this.limits))
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
          led === 0 ||
          led > part.term ||
          behaviour.holdsBound(row[i] as number, part.election, from, part.grant)
        )
      }
      case 'config': {
        const order = compare(part.cluster, here.config)
        // the same is asked of all the time, and who still holds a newer one tells it at any time
        if (order === 0 || (order < 0 && this.presumed.keepsNewer)) return true
        return there.life === life && there.met[i] === here.life && compare(part.cluster, there.config) === 0
      }
      case 'configAck': {
        if (!this.needsWords(here) || compare(part, here.config) !== 0) return true
        return behaviour.knowsAck(row[i] as number, id)
      }
      default:
        return true
    }
  }

  // --- properties -------------------------------------------------------------------------------------------------------

  private holds(): boolean {
    return this.namesOne() && (this.hasNoClock || this.leasesHold())
  }

  private namesOne(): boolean {
    const { n, row } = this
    for (let i = 1; i < n; i++) {
      const { at, config } = this.facts(row, i)
      for (let j = 0; j < i; j++) {
        const other = this.facts(row, j)
        if (other.at !== at && compare(other.config, config) === 0)
          return this.failed(`P6: two configurations are called ${config.term}.${config.version}`)
      }
    }
    return true
  }

  private leasesHold(): boolean {
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

  private covered: Covered | null = null

  /** Was a state explored that covers the one with these processes, once what was acknowledged has arrived? */
  knows(states: readonly State[]): boolean {
    const { n, row, table, behaviour } = this
    if (this.covered === null) {
      this.covered = new Covered(behaviour)
      for (let at = 0; at < table.size; at++) {
        table.read(at, this.base)
        const beats = this.beats(() => true)
        for (let chosen = 0; chosen < 1 << beats.length; chosen++) {
          this.play(beats, chosen)
          const waiting = behaviour.names.map((_, i) => this.waiting(row, i))
          this.covered.add([...row.subarray(0, n)], waiting)
        }
      }
    }
    this.take(states)
    this.tidy()
    return this.covered.has([...row.subarray(0, n)])
  }

  /** What of P2 and P6 breaks where the processes are these, or null. */
  judge(states: readonly State[]): string | null {
    this.take(states)
    this.broken = null
    this.holds()
    return this.broken
  }

  private take(states: readonly State[]): void {
    const { n, row, behaviour } = this
    row.fill(0)
    states.forEach((state, i) => {
      row[i] = behaviour.intern(state, i, 1)
    })
    for (let i = 0; i < n; i++) row[n + i] = this.set([])
  }

  // --- paths ------------------------------------------------------------------------------------------------------------

  private steps(): Step[] {
    const { table } = this
    const actions: number[] = [this.acting]
    for (let at = this.current; table.parent(at) >= 0; at = table.parent(at)) actions.push(table.action(at))
    const single = actions.reverse().flatMap((action) => {
      return (action & 7) === SEQUENCE ? (this.sequences[action >> 3] as readonly number[]) : [action]
    })
    return single.map((action) => {
      const rest = action >> 3
      const kind = action & 7
      if (kind === INPUT) return { kind: 'input', at: rest & 7, input: rest >> 3 }
      if (kind === MEET) return { kind: 'meet', at: rest & 7, other: rest >> 3 }
      if (kind === TICK) return { kind: 'tick' }
      if (kind === STOP) return { kind: 'stop', at: rest }
      return { kind: kind === LOSS ? 'loss' : 'crash', at: rest }
    })
  }

  private describe(step: Step): string {
    const { behaviour } = this
    const name = (i: number) => behaviour.names[i] as string
    switch (step.kind) {
      case 'input':
        return `${name(step.at)} ${behaviour.describeInput(step.input)}`
      case 'tick':
        return 'a tick passes'
      case 'stop':
        return `a tick passes, but for ${name(step.at)}, whose clock stands still`
      case 'loss':
        return `${name(step.at)} loses its disk and begins with an empty one`
      case 'crash':
        return `${name(step.at)} crashes and begins another life`
      case 'meet':
        return `${name(step.at)} and ${name(step.other)} greet each other`
    }
  }
}

function compare(a: { term: number; version: number }, b: { term: number; version: number }): number {
  return a.term - b.term || a.version - b.version
}

/** Does every majority of one meet every majority of the other? */
function intersect(a: ClusterConfig, b: ClusterConfig): boolean {
  const quorum = (voters: readonly unknown[]) => Math.floor(voters.length / 2) + 1
  const all = new Set([...a.voters, ...b.voters].map(({ storageId }) => storageId))
  return quorum(a.voters) + quorum(b.voters) > all.size
}

/** Whoever shows another storage than the configuration here names is kept out, and who is not named is let in (R25, R34). */
function admits({ config: { voters } }: Facts, { life }: Facts, name = ''): boolean {
  const named = voters.find(({ id }) => id === name)?.storageId ?? null
  return named === null || named === diskOf(name, life)
}

function byNumber(x: number, y: number): number {
  return x - y
}
