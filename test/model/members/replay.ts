/**
 * A counterexample of the exploration, replayed over real cores (`walk.ts`): does it break there, too?
 *
 * The messages are those that the real cores sent. What the exploration leaves open is chosen as the schedule needs it: when
 * a campaign's time is up, when a heartbeat left and was answered, when somebody was asked for its configuration.
 */
import type { Config, CoreConfig, Part, State } from '../../../src/core'
import { type Act, brokenBy, type Facts } from './behaviour'
import type { MemberSearch, Step } from './search'
import { election, isBusy, MEMBERS, type MemberLimits } from './seat'
import { type Body, MemberWorld } from './walk'

/** What the schedule breaks over real cores; null: nothing, or it has crashes in it. */
export function replay(search: MemberSearch, limits: MemberLimits, steps: readonly Step[]): string | null {
  const stage = new Stage(search, limits)
  for (const step of steps) {
    if (!stage.play(step)) return null
    const broken = stage.broken(step.kind === 'tick')
    if (broken !== null) return broken
  }
  return null
}

class Stage {
  private readonly world: MemberWorld
  /** Of the processes, and of what was won, as it was when it was asked last what is broken. */
  private facts: readonly Facts[]
  private wins: number
  /** Every configuration that each process held: what it told of it may come at any time. */
  private readonly held: Config[][]

  constructor(
    private readonly search: MemberSearch,
    private readonly limits: MemberLimits,
  ) {
    this.world = new MemberWorld(search, limits)
    this.held = this.world.members.map(() => [])
    this.settle()
    this.facts = this.look()
    this.wins = this.world.won.length
  }

  /** False if that is nothing that can be replayed. */
  play(step: Step): boolean {
    if (step.kind === 'tick') this.world.pass()
    else if (step.kind === 'input') {
      const act = this.search.behaviour.act(step.input)
      if (act === null) return false
      this.input(step.at, act)
    } else return false
    this.settle()
    return true
  }

  /** What is broken now; `ticks`: time has passed since this was asked last. */
  broken(ticks: boolean): string | null {
    const { world, search, limits } = this
    const before = this.facts
    const won = world.won.slice(this.wins)
    this.facts = this.look()
    this.wins = world.won.length
    for (const { election: name, term } of won) {
      const terms = world.won.filter((each) => each.election === name).map((each) => each.term)
      if (terms.some((other, k) => other === term && terms.slice(0, k).some((former) => former >= term)))
        return `P1/P3: ${name} is won in the terms ${terms.join(', ')}`
    }
    for (const [i, after] of this.facts.entries()) {
      const terms = limits.elections.map((name) => {
        return won.find(({ election: each, by }) => each === name && by === i)?.term ?? 0
      })
      const alone = brokenBy(before[i] as Facts, after, terms, ticks)
      if (alone !== null) return alone
    }
    return search.judge(world.image())
  }

  private look(): Facts[] {
    const { behaviour } = this.search
    return this.world.image().map((state, i) => behaviour.facts(behaviour.intern(state, i, 1)))
  }

  private input(i: number, act: Act): void {
    const { world } = this
    const { state } = this.member(i)
    if (act.kind === 'frame') {
      const parts = act.parts.map((part) => this.really(act.from, i, part))
      if (!parts.includes(null)) this.say(act.from, i, parts as Part[])
    } else if (act.kind === 'campaignEnds') {
      const { campaign } = election(state, act.election)
      if (campaign !== null) campaign.deadline = world.now
      state.campaignsEndAt = world.now
      world.act(i, { type: 'tick' })
    } else world.act(i, act.input as Body<typeof act.input>)
  }

  private member(i: number): { readonly state: State; readonly config: CoreConfig } {
    return this.world.members[i] as { state: State; config: CoreConfig }
  }

  private nameOf(i: number): string {
    return this.search.behaviour.names[i] as string
  }

  private say(from: number, to: number, parts: readonly Part[]): void {
    const about = { from: this.nameOf(from), fromIncarnation: 1, to: this.nameOf(to), toIncarnation: 1 }
    this.world.deliver({ ...about, parts })
  }

  /** What was really sent of that kind, the newest; a heartbeat, a refusal and a configuration are made as they would be. */
  private really(from: number, to: number, like: Part): Part | null {
    if (like.kind === 'heartbeat') return this.heartbeat(from)
    if (like.kind === 'voteReply' && like.grant === null) return like
    if (like.kind === 'config')
      return this.held[from]?.find(({ cluster: each }) => isAt(each, like.cluster)) ?? null
    return this.newest(from, to, (part) => isLike(part, like))
  }

  private newest(from: number, to: number, fits: (part: Part) => boolean): Part | null {
    for (const frame of [...this.world.sent].reverse()) {
      if (frame.from !== this.nameOf(from) || frame.to !== this.nameOf(to)) continue
      for (const part of frame.parts) if (fits(part)) return part
    }
    return null
  }

  /** Who is bound to what that process leads has said so. */
  private bound(voter: number, holder: number): void {
    for (const { name, lead } of this.member(holder).state.elections.values()) {
      if (lead === null || !this.limits.elections.includes(name)) continue
      const said = this.newest(voter, holder, (part) => isBound(part, name, lead.term))
      if (said !== null) this.say(voter, holder, [said])
    }
  }

  private heartbeat(from: number): Part {
    const { state } = this.member(from)
    const { term, version } = state.cluster
    const promiseMs = this.limits.promise
    const round = this.round(from, this.world.now)
    return { kind: 'heartbeat', round, promiseMs, probe: false, prompt: true, config: { term, version } }
  }

  /** A round of that process that left at `sentAt`. */
  private round(i: number, sentAt: number): number {
    const { state } = this.member(i)
    state.round += 1
    state.rounds.set(state.round, { sentAt, promiseMs: this.limits.promise })
    return state.round
  }

  /** What happens at once in the exploration: acks arrive, whoever may say that it holds a configuration has said so. */
  private settle(): void {
    const { world, limits } = this
    world.members.forEach(({ state: { cluster } }, i) => {
      this.held[i]?.push({ kind: 'config', cluster })
    })
    world.members.forEach(({ state }, h) => {
      if (state.ownRoundAt > 0) state.ownRoundAt = world.now
      world.members.forEach(({ state: voter, config: { self } }, v) => {
        if (v === h || !state.accounts.has(self)) return
        if (isBusy(state, limits.elections)) this.ack(v, h)
        this.bound(v, h)
        const { acks } = state.membership as { acks: ReadonlyMap<string, unknown> }
        if (acks.has(self) || !isAt(state.cluster, voter.cluster)) return
        if (state.elections.get(MEMBERS)?.lead == null) return
        this.say(h, v, [{ kind: 'config', cluster: state.cluster }])
        const { term, version } = state.cluster
        const word = this.newest(v, h, (part) => part.kind === 'configAck' && isAt(part, { term, version }))
        if (word !== null) this.say(v, h, [word])
      })
    })
  }

  /** The voter has just been renewed, or was so long ago as its promise says. */
  private ack(voter: number, holder: number): void {
    const { world } = this
    const { supports, cluster } = this.member(voter).state
    const support = supports.get(this.nameOf(holder))
    if (support === undefined || support.grant === null || support.until <= world.now) return
    const { grant, until } = support
    const round = this.round(holder, until - this.limits.promise)
    const { term, version } = cluster
    this.say(voter, holder, [{ kind: 'ack', round, grant, renewed: true, config: { term, version } }])
  }
}

function isBound(part: Part, election: string, term: number): boolean {
  if ((part.kind !== 'voteReply' && part.kind !== 'bindAck') || part.grant === null) return false
  return part.election === election && part.term === term
}

function isAt(a: { term: number; version: number }, b: { term: number; version: number }): boolean {
  return a.term === b.term && a.version === b.version
}

/** The same kind of part about the same election, term, configuration; a vote is a vote whatever its grant is called. */
function isLike(part: Part, like: Part): boolean {
  if (part.kind !== like.kind) return false
  if ('election' in part && 'election' in like && part.election !== like.election) return false
  if ('term' in part && 'term' in like && part.term !== like.term) return false
  if ('version' in part && 'version' in like && part.version !== like.version) return false
  if ('maxTerm' in part && 'maxTerm' in like && part.maxTerm !== like.maxTerm) return false
  return !('grant' in part) || part.grant !== null
}
