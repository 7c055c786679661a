/**
 * Real cores whose members change, at random: full frames with real rounds and grants, ticks, frames lost, late, doubled.
 * After each action the processes are looked up, seen through the abstraction, among those of the states that were explored.
 * Used by `../members-image.test.ts`. Read first: `search.ts`.
 */
import type { CoreConfig, Frame, Input, Part, State } from '../../../src/core'
import { BASE, rebind } from '../process'
import { randomOf } from '../random'
import type { MemberSearch } from './search'
import {
  canonicalize,
  configOf,
  diskOf,
  election,
  enthrone,
  foundedDisk,
  MEMBERS,
  type MemberLimits,
  startSeat,
  voterList,
} from './seat'

export type Body<T> = T extends Input ? Omit<T, 'now'> : never

interface Member {
  readonly state: State
  readonly config: CoreConfig
}

export class MemberWorld {
  now = BASE
  readonly members: Member[]
  readonly sent: Frame[] = []
  /** What was done so far. */
  readonly log: string[] = []
  /** What was won so far, in order, and by which process. */
  readonly won: { readonly election: string; readonly term: number; readonly by: number }[] = []

  constructor(
    private readonly search: MemberSearch,
    private readonly limits: MemberLimits,
  ) {
    const { core, names } = search.behaviour
    this.members = names.map((name) => {
      const config = configOf(limits, name, 1)
      const state = startSeat(core, limits, config, foundedDisk(limits))
      if (name === limits.voters[0] && !limits.elections.includes(MEMBERS)) enthrone(state)
      return { state, config }
    })
    for (const [i] of names.entries()) {
      for (const peer of names) {
        if (peer === names[i]) continue
        const about = { incarnation: 1, storageId: diskOf(peer), rho: 0, deltaMs: 0, sentAt: BASE }
        this.act(i, { type: 'connected', peer, ...about })
      }
    }
    if (limits.leader !== '') this.elect(names.indexOf(limits.leader), limits.elections[0] as string)
  }

  /** It stands, and nothing is lost, but for what was said before. */
  private elect(i: number, name: string): void {
    this.sent.length = 0
    this.act(i, { type: 'campaign', election: name })
    for (let k = 0; k < this.sent.length; k++) this.deliver(this.sent[k] as Frame)
  }

  /** Applies an input, completes its writes, keeps what it says. */
  act(i: number, act: Body<Input>): void {
    const { state, config } = this.members[i] as Member
    for (const account of state.accounts.values()) account.lastAnsweredSend = this.now
    this.log.push(`${config.self}: ${JSON.stringify(act)}`)
    const queue: Body<Input>[] = [act]
    for (let each = queue.shift(); each !== undefined; each = queue.shift()) {
      for (const effect of this.search.behaviour.core.step(config, state, {
        ...each,
        now: this.now,
      } as Input)) {
        if (effect.type === 'persist') queue.push({ type: 'persisted', version: effect.version })
        else if (effect.type === 'elected') {
          this.won.push({ election: effect.election, term: effect.term, by: i })
        } else if (effect.type === 'send') {
          const { to, toIncarnation, parts } = effect
          const frame = { from: config.self, fromIncarnation: 1, to, toIncarnation }
          this.sent.push({ ...frame, parts: parts.filter((part) => this.isTold(part)) })
        }
      }
    }
    state.timers.length = 0
  }

  /** Whoever has no vote is told no terms, and nobody of who leads an election that is not contended for. */
  private isTold(part: Part): boolean {
    return part.kind !== 'notice' && (part.kind !== 'bind' || this.limits.elections.includes(part.election))
  }

  deliver({ from, fromIncarnation, to, toIncarnation, parts }: Frame): void {
    const i = this.search.behaviour.names.indexOf(to)
    const { isVoter } = (this.members[i] as Member).state
    const heard = parts.filter(({ kind }) => isVoter || kind !== 'release')
    this.act(i, { type: 'frame', from, fromIncarnation, toIncarnation, parts: heard })
  }

  /** Each process as the exploration keeps it: clocks at `BASE`, grants by their one name. */
  image(): State[] {
    const { names } = this.search.behaviour
    const states = this.members.map(({ state }) => structuredClone(state))
    for (const state of states) shift(state, BASE - this.now)
    states.forEach((voter, v) => {
      states.forEach((holder, h) => {
        if (v === h) return
        const support = voter.supports.get(names[h] as string)
        const grant = support !== undefined && support.until > BASE ? support.grant : null
        renameHeld(holder, names[v] as string, grant)
        if (support === undefined) return
        for (const { slot } of voter.elections.values()) {
          const held = slot.binding
          if (held === null || held.leader !== names[h]) continue
          slot.binding = held.grant === grant ? { ...held, grant: '1.1' } : null
        }
        support.grant = grant === null ? null : '1.1'
      })
    })
    states.forEach((state, i) => {
      const { config } = this.members[i] as Member
      state.nextHeartbeatAt = BASE + 1_000
      this.search.behaviour.core.step(config, state, { type: 'tick', now: BASE })
      // what waits until it can be done may as well be asked for then
      if (state.membership?.wanted?.version === null) state.membership.wanted = null
      canonicalize(state, this.limits)
    })
    return states
  }

  /** A tick passes. What is due is noticed at once, as in the exploration: who does not look does nothing. */
  pass(): void {
    this.now += 1
    this.members.forEach((_, i) => {
      this.act(i, { type: 'tick' })
    })
  }

  /** A random action; false when the bounds are left. */
  next(random: () => number): boolean {
    const { limits, members } = this
    const pick = (n: number) => Math.floor(random() * n)
    const i = pick(members.length)
    const { state, config } = members[i] as Member
    const name = limits.elections[pick(limits.elections.length)] as string
    const dice = random()
    if (dice < 0.08) {
      this.pass()
    } else if (dice < 0.3) {
      state.nextHeartbeatAt = this.now
      this.act(i, { type: 'tick' })
    } else if (dice < 0.36) {
      if (limits.contenders.includes(config.self)) this.act(i, { type: 'campaign', election: name })
    } else if (dice < 0.38) {
      this.act(i, { type: 'renounce', election: name, reason: 'resigned', to: null, cooldownMs: 0 })
    } else if (dice < 0.44) {
      const lead = state.elections.get(MEMBERS)?.lead
      const target = limits.targets[pick(limits.targets.length)] as string
      if (lead != null && state.cluster.version <= limits.changes)
        this.act(i, { type: 'reconfigure', nonce: 1, voters: voterList(target) })
    } else if (this.sent.length > 0) {
      const from = random() < 0.8 ? Math.max(0, this.sent.length - 8) : 0
      this.deliver(this.sent[from + pick(this.sent.length - from)] as Frame)
    }
    return members.every(({ state: each }) =>
      limits.elections.every((known) => election(each, known).slot.knownTerm <= (limits.maxTerm[known] ?? 0)),
    )
  }
}

function shift(state: State, by: number): void {
  state.bootUntil += by
  state.now = BASE
  state.ownRoundAt += by
  for (const support of state.supports.values()) support.until += by
  for (const account of state.accounts.values()) {
    for (const [grant, until] of account.untilByGrant) account.untilByGrant.set(grant, until + by)
  }
  for (const lease of state.leases.values()) if (lease.until < Number.MAX_SAFE_INTEGER) lease.until += by
  if (state.membership !== null) state.membership.settledAt += by
}

function renameHeld(state: State, voter: string, present: string | null): void {
  const rename = <V>(map: Map<string, V> | undefined): void => {
    for (const [grant, value] of [...(map ?? [])]) {
      map?.delete(grant)
      if (grant === present) map?.set('1.1', value)
    }
  }
  rename(state.accounts.get(voter)?.untilByGrant)
  for (const { lead, campaign } of state.elections.values()) {
    const isBound = present !== null && lead?.bound.get(voter)?.includes(present) === true
    rebind(lead, voter, isBound ? ['1.1'] : [])
    const granted = campaign?.grants.get(voter)
    if (granted === undefined) continue
    if (granted === present) campaign?.grants.set(voter, '1.1')
    else campaign?.grants.delete(voter)
  }
}

/** Walks until the bounds are left; how many states were looked up, or the actions that lead out of what was explored. */
export function walk(
  search: MemberSearch,
  limits: MemberLimits,
  seed: number,
  length: number,
): number | string {
  const random = randomOf(seed)
  const world = new MemberWorld(search, limits)
  for (let k = 0; k < length; k++) {
    if (!world.next(random)) return k
    if (!search.knows(world.image()))
      return `walk ${seed} leaves what was explored after ${k + 1} actions:\n${world.log.join('\n')}`
  }
  return length
}
