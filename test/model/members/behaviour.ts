/**
 * What one process does with one input, found out by asking the core once and remembered for ever; and all messages that
 * were ever said, each with a number. Knows nothing of the world. Read next: `search.ts`.
 */
import type { ClusterConfig, ConfigVersion, CoreConfig, Effect, Input, Part, State } from '../../../src/core'
import { BASE, type Core, passTick, rebind } from '../process'
import { PairMap } from '../table'
import {
  canonicalize,
  cloneSeat,
  configOf,
  type Disk,
  diskOf,
  diskOfSeat,
  EMPTY_DISK,
  election,
  encode,
  everybody,
  incarnationOf,
  isBusy,
  lifeOf,
  MEMBERS,
  type MemberLimits,
  prepare,
  ROUND,
  startSeat,
  voterList,
} from './seat'

/** A message on its way: what that life of a process said. */
export interface Message {
  /** Number of the process. */
  readonly from: number
  readonly life: number
  readonly part: Part
}

/** What an input does to a process. */
export interface Transition {
  readonly state: number
  /** Pairs: number of the receiver, number of the message. */
  readonly said: readonly number[]
  /** The word on the configuration that is said, or -1, and to whom. */
  readonly word: number
  readonly toWhom: number
  /** Bit `i`: the grant given to process `i` has ended. */
  readonly ended: number
  /** Terms won, by index of the election; 0: none. */
  readonly won: readonly number[]
  /** The leader of `@members` took this configuration for one that a quorum holds, or null. */
  readonly settled: ClusterConfig | null
  readonly broken: string | null
}

/** What is asked of a process again and again, by election index or process number. */
export interface Facts {
  readonly life: number
  readonly config: ClusterConfig
  /** Number of that configuration. */
  readonly at: number
  /** Known term, or the floor if that is higher: what it tells of an election. */
  readonly told: readonly number[]
  readonly known: readonly number[]
  readonly ledTerm: readonly number[]
  readonly campaignTerm: readonly number[]
  /** When its lease ends. */
  readonly until: readonly number[]
  readonly valid: readonly boolean[]
  readonly busy: boolean
  readonly isVoter: boolean
  readonly bound: readonly ({
    readonly leader: number
    readonly life: number
    readonly term: number
  } | null)[]
  /** Grant of it that stands, by process. */
  readonly gives: readonly (string | null)[]
  /** For how many ticks more, by process. */
  readonly left: readonly number[]
  /** For how many ticks it counts the grant that a voter gave in the life that it knows of it, by process. */
  readonly counts: readonly number[]
  /** Life of each process with which it has a session; 0: none. */
  readonly met: readonly number[]
  readonly leadsMembers: boolean
  /** Term in which it does; 0: it does not. */
  readonly membersTerm: number
  /** Bit `i`: process `i` has acknowledged the configuration to it (R32 b). */
  readonly acked: number
  /** The largest terms that these words told, each once. */
  readonly wordTerms: readonly number[]
  /** A change was asked for and is not done; `waits`: nor begun. */
  readonly changing: boolean
  readonly waits: boolean
}

/** What an input is over a real core: as it is, a frame, or the end of the time of a campaign; null: nothing that happens there. */
export type Act =
  | { readonly kind: 'input'; readonly input: Input }
  | { readonly kind: 'frame'; readonly from: number; readonly parts: readonly Part[] }
  | { readonly kind: 'campaignEnds'; readonly election: string }

interface Known {
  readonly key: string
  readonly run: Run
  readonly act: Act | null
}

type Run = (state: State, config: CoreConfig) => readonly Effect[]

export class Behaviour {
  readonly names: readonly string[]
  readonly messages: Message[] = []
  /** Every configuration met so far, by its number. */
  readonly configs: ClusterConfig[] = []
  steps = 0
  private readonly messageIds = new Map<string, number>()
  private readonly configIds = new Map<string, number>()
  private readonly configMessages = new Map<number, number>()
  private readonly states: State[] = []
  private readonly lives: number[] = []
  private readonly owners: number[] = []
  private readonly ids = new Map<string, number>()
  private readonly factsOf: Facts[] = []
  private readonly inputs: Known[] = []
  private readonly inputIds = new Map<number, number>()
  private readonly known = new PairMap()
  private readonly transitions: Transition[] = []

  constructor(
    readonly core: Core,
    readonly limits: MemberLimits,
  ) {
    this.names = everybody(limits)
  }

  /** Different processes met so far. */
  get size(): number {
    return this.states.length
  }

  state(id: number): State {
    return this.states[id] as State
  }

  /** What that input is over a real core. */
  act(id: number): Act | null {
    return this.inputs[id]?.act ?? null
  }

  describeInput(id: number): string {
    return this.inputs[id]?.key ?? '?'
  }

  /** Takes a process, in canonical form, into the list. */
  intern(state: State, owner: number, life: number): number {
    const key = `${owner}.${life} ${encode(state)}`
    let id = this.ids.get(key)
    if (id === undefined) {
      id = this.states.length
      this.ids.set(key, id)
      this.states.push(state)
      this.owners.push(owner)
      this.lives.push(life)
      this.factsOf.push(this.look(state, life, this.names[owner] as string))
    }
    return id
  }

  /** Is every process still what it was taken in as? An input that reached into what two of them share would change it. */
  isIntact(): boolean {
    const keyOf = (id: number) => `${this.owners[id]}.${this.lives[id]} ${encode(this.state(id))}`
    return [...this.ids].every(([key, id]) => key === keyOf(id))
  }

  facts(id: number): Facts {
    return this.factsOf[id] as Facts
  }

  /** Does it count, or hope to count, that grant of a voter? */
  namesGrant(id: number, voter: number, grant: string): boolean {
    const state = this.state(id)
    const name = this.names[voter] as string
    if (state.accounts.get(name)?.untilByGrant.has(grant)) return true
    return this.limits.elections.some((each) => {
      const { lead, campaign } = election(state, each)
      return lead?.bound.get(name)?.includes(grant) === true || campaign?.grants.get(name) === grant
    })
  }

  holdsVote(id: number, name: string, voter: number, grant: string): boolean {
    return election(this.state(id), name).campaign?.grants.get(this.names[voter] as string) === grant
  }

  holdsBound(id: number, name: string, voter: number, grant: string | null): boolean {
    const grants = election(this.state(id), name).lead?.bound.get(this.names[voter] as string)
    return grants?.includes(grant ?? '') === true
  }

  /** Has the leader of `@members` the word of that voter on the present configuration? */
  hasAcked(id: number, voter: number): boolean {
    return this.state(id).membership?.acks.has(this.names[voter] as string) === true
  }

  /** Would that word change nothing? */
  knowsAck(id: number, message: number): boolean {
    return this.after(id, this.hear(message, false)).state === id
  }

  /** Number of a configuration: of its voters and its floor, too, should two have been made under one name. */
  numberOf(cluster: ClusterConfig): number {
    const text = JSON.stringify(cluster)
    let at = this.configIds.get(text)
    if (at === undefined) {
      at = this.configs.push(cluster) - 1
      this.configIds.set(text, at)
    }
    return at
  }

  private look(state: State, ownLife: number, self: string): Facts {
    const { names, limits } = this
    const elections = limits.elections.map((name) => election(state, name))
    const { membership } = state
    const lead = state.elections.get(MEMBERS)?.lead ?? null
    const at = this.numberOf(state.cluster)
    return {
      life: ownLife,
      config: this.configs[at] as ClusterConfig,
      at,
      told: elections.map(({ slot }) => Math.max(slot.knownTerm, state.termFloor)),
      known: elections.map(({ slot }) => slot.knownTerm),
      ledTerm: elections.map((each) => each.lead?.term ?? 0),
      campaignTerm: elections.map(({ campaign }) => campaign?.term ?? 0),
      until: elections.map((each) => state.leases.get(each.lead?.lease ?? 0)?.until ?? BASE),
      valid: elections.map(
        (each) => each.lead !== null && (state.leases.get(each.lead.lease)?.until ?? 0) > BASE,
      ),
      busy: isBusy(state, limits.elections),
      isVoter: state.isVoter,
      bound: elections.map(({ slot: { binding } }) => {
        if (binding === null || names.indexOf(binding.leader) < 0) return null
        const { storageId } = state.supports.get(binding.leader) ?? {}
        const life = binding.leader === self ? ownLife : lifeOf(binding.incarnation, storageId)
        return { leader: names.indexOf(binding.leader), life, term: binding.term }
      }),
      gives: names.map((name) => state.supports.get(name)?.grant ?? null),
      left: names.map((name) => (state.supports.get(name)?.until ?? BASE) - BASE),
      counts: names.map((name) => {
        const account = state.accounts.get(name)
        return (account?.untilByGrant.get(`${account.incarnation}.1`) ?? BASE) - BASE
      }),
      met: names.map((name) => {
        const account = state.accounts.get(name)
        const stranger = membership?.strangers.get(name)
        if (account?.connected === true)
          return lifeOf(account.incarnation, state.supports.get(name)?.storageId)
        return stranger === undefined ? 0 : lifeOf(stranger.incarnation, stranger.storageId)
      }),
      leadsMembers: lead !== null && lead.frozen === null,
      membersTerm: lead?.term ?? 0,
      acked: names.reduce((sum, name, i) => sum + (membership?.acks.has(name) === true ? 1 << i : 0), 0),
      wordTerms: [...new Set([0, ...[...(membership?.acks ?? [])].map(([, { maxTerm }]) => maxTerm)])],
      changing: membership?.wanted != null,
      waits: membership?.wanted?.version === null,
    }
  }

  // --- inputs -----------------------------------------------------------------------------------------------------------

  /** The input with that code, made when it is first asked for. `a`, `b`: what its kind is about. */
  private input(kind: number, a: number, b: number, make: () => Known): number {
    const code = (a * 4096 + b) * 16 + kind
    let id = this.inputIds.get(code)
    if (id === undefined) {
      id = this.inputs.length
      this.inputIds.set(code, id)
      this.inputs.push(make())
    }
    return id
  }

  private plain(key: string, input: Input): Known {
    const act = { kind: 'input', input } as const
    return { key, run: (state, config) => this.core.step(config, state, input), act }
  }

  private nameOf(e: number): string {
    return this.limits.elections[e] as string
  }

  /** Stands in that election, or for its next term if it leads (R22). */
  campaign(e: number): number {
    const name = this.nameOf(e)
    return this.input(0, e, 0, () =>
      this.plain(`campaigns for ${name}`, { type: 'campaign', now: BASE, election: name }),
    )
  }

  /** The time of its campaign is up (R3); the exploration leaves open when that is. */
  campaignEnds(e: number): number {
    const name = this.nameOf(e)
    const run: Run = (state, config) => {
      const { campaign } = election(state, name)
      if (campaign === null) return []
      campaign.deadline = BASE
      state.campaignsEndAt = BASE
      return this.core.step(config, state, { type: 'tick', now: BASE })
    }
    return this.input(1, e, 0, () => ({
      key: `ends its campaign for ${name}`,
      run,
      act: { kind: 'campaignEnds', election: name },
    }))
  }

  resign(e: number): number {
    const name = this.nameOf(e)
    const input = {
      type: 'renounce',
      now: BASE,
      election: name,
      reason: 'resigned',
      to: null,
      cooldownMs: 0,
    } as const
    return this.input(2, e, 0, () => this.plain(`resigns ${name}`, input))
  }

  /** Asks for these voters, by number of the target, when no word of a larger term than `most` has come. */
  change(target: number, most: number): number {
    const letters = this.limits.targets[target] as string
    const input = { type: 'reconfigure', now: BASE, nonce: 1, voters: voterList(letters) } as const
    const run: Run = (state, config) => {
      const acks = state.membership?.acks
      for (const [voter, { maxTerm }] of acks ?? []) if (maxTerm > most) acks?.delete(voter)
      return this.core.step(config, state, input)
    }
    const act = { kind: 'input', input } as const
    return this.input(4, target, most, () => ({ key: `is asked for the voters ${letters}`, run, act }))
  }

  /** A part of that life of a process arrives, behind a heartbeat of it or alone. */
  hear(message: number, behindBeat: boolean): number {
    return this.input(5, message, Number(behindBeat), () => {
      const { from, life, part } = this.messages[message] as Message
      const parts = behindBeat ? [this.heartbeat('config' in part ? part : {}), part] : [part]
      const said = `${behindBeat ? 'a heartbeat and ' : ''}${JSON.stringify(part)}`
      return this.frame(`hears ${said}`, from, life, parts)
    })
  }

  /** A heartbeat of that life of a process arrives, with configuration number `at` in force there. */
  beat(from: number, life: number, at: number): number {
    return this.input(6, at, from * 8 + life, () => {
      const { term, version } = this.configs[at] as ClusterConfig
      return this.frame(`hears a heartbeat at ${term}.${version}`, from, life, [
        this.heartbeat({ config: { term, version } }),
      ])
    })
  }

  /** The ack of a heartbeat that left so long ago that it counts for so many ticks, by that life of a voter with configuration number `at`. */
  ack(from: number, life: number, ticks: number, at: number): number {
    return this.input(13, at, (from * 8 + life) * 8 + ticks, () => {
      const { term, version } = this.configs[at] as ClusterConfig
      const round = ROUND + ticks - this.limits.promise
      const part = {
        kind: 'ack',
        round,
        grant: `${incarnationOf(life)}.1`,
        renewed: true,
        config: { term, version },
      } as const
      return this.frame(`counts an ack at ${term}.${version} for ${ticks} ticks`, from, life, [part])
    })
  }

  private heartbeat({ config }: { config?: unknown }): Part {
    const { promise: promiseMs } = this.limits
    const beat = { kind: 'heartbeat', round: ROUND, promiseMs, probe: false, prompt: true } as const
    return config === undefined ? beat : { ...beat, config: config as ConfigVersion }
  }

  private frame(what: string, from: number, life: number, parts: readonly Part[]): Known {
    const name = this.names[from] as string
    const fromIncarnation = incarnationOf(life)
    const frame = { type: 'frame', now: BASE, from: name, fromIncarnation, parts } as const
    return {
      key: `${what} from ${name}.${life}`,
      run: (state, config) => this.core.step(config, state, { ...frame, toIncarnation: config.incarnation }),
      act: { kind: 'frame', from, parts },
    }
  }

  /** A refusal tells a term (R9). */
  learn(from: number, life: number, e: number, term: number): number {
    const about = { kind: 'voteReply', election: this.nameOf(e), term: 0, nonce: -1, grant: null } as const
    const part = { ...about, refusal: 'term', knownTerm: term, leader: null } as const
    return this.input(7, e * 8 + term, from * 8 + life, () =>
      this.frame(`learns term ${term} of ${this.nameOf(e)}`, from, life, [part]),
    )
  }

  /** That life of a process has renounced what this one is bound to. */
  release(from: number, life: number, e: number, term: number): number {
    const part = { kind: 'release', election: this.nameOf(e), term, successor: null } as const
    return this.input(8, e * 8 + term, from * 8 + life, () =>
      this.frame(`hears that term ${term} of ${this.nameOf(e)} was renounced`, from, life, [part]),
    )
  }

  meet(other: number, life: number): number {
    const peer = this.names[other] as string
    const about = { incarnation: incarnationOf(life), storageId: diskOf(peer, life), sentAt: BASE }
    return this.input(9, other, life, () =>
      this.plain(`meets ${peer}.${life}`, {
        type: 'connected',
        now: BASE,
        peer,
        rho: 0,
        deltaMs: 0,
        ...about,
      }),
    )
  }

  passTick(): number {
    const run: Run = (state, config) => {
      passTick(state)
      if (state.membership !== null) state.membership.settledAt -= 1
      for (const support of state.supports.values()) if (support.until <= BASE) support.grant = null
      return this.core.step(config, state, { type: 'tick', now: BASE })
    }
    return this.input(10, 0, 0, () => ({ key: 'a tick passes', run, act: null }))
  }

  /** Forgets its support for that process, which binds nothing. */
  forget(other: number): number {
    const run: Run = (state) => {
      const support = state.supports.get(this.names[other] as string)
      if (support !== undefined) support.grant = null
      return []
    }
    return this.input(11, other, 0, () => ({ key: `forgets ${this.names[other]}`, run, act: null }))
  }

  /** The grant that this life of a voter gave has ended: nothing of it counts any more. */
  retire(voter: number, life: number, grant: string): number {
    const name = this.names[voter] as string
    const run: Run = (state) => {
      state.accounts.get(name)?.untilByGrant.delete(grant)
      for (const { lead, campaign } of state.elections.values()) {
        const grants = lead?.bound.get(name) ?? []
        rebind(
          lead,
          name,
          grants.filter((held) => held !== grant),
        )
        if (campaign?.grants.get(name) === grant) campaign.grants.delete(name)
      }
      return []
    }
    return this.input(12, voter, life, () => ({ key: `loses the grant of ${name}.${life}`, run, act: null }))
  }

  /** The same process in its next life, with what is on its disk. */
  restarted(id: number): number {
    return this.begun(id, (this.lives[id] as number) + 1, diskOfSeat(this.state(id)))
  }

  /** The same process with an empty disk in the place of its own. */
  wiped(id: number): number {
    return this.begun(id, EMPTY_DISK.life, EMPTY_DISK)
  }

  private begun(id: number, life: number, disk: Disk): number {
    const owner = this.owners[id] as number
    const config = configOf(this.limits, this.names[owner] as string, life)
    const state = startSeat(this.core, this.limits, config, disk)
    canonicalize(state, this.limits)
    return this.intern(state, owner, life)
  }

  // --- transitions ------------------------------------------------------------------------------------------------------

  /** What that input does to that process. */
  after(id: number, input: number): Transition {
    let at = this.known.get(id, input)
    if (at < 0) {
      at = this.transitions.length
      this.transitions.push(this.run(id, input))
      this.known.set(id, input, at)
    }
    return this.transitions[at] as Transition
  }

  private run(id: number, input: number): Transition {
    const { names, limits } = this
    const before = this.facts(id)
    const owner = this.owners[id] as number
    const life = this.lives[id] as number
    const config = configOf(limits, names[owner] as string, life)
    const state = cloneSeat(this.state(id))
    prepare(state, limits)
    const effects = [...(this.inputs[input] as Known).run(state, config)]
    this.write(state, config, effects)
    if (state.campaigning.size > 0 || state.leases.size > 0) {
      // whatever it repeats on a heartbeat it says now: messages may take their time
      state.timers.length = 0
      state.nextHeartbeatAt = BASE
      const repeated = this.core.step(config, state, { type: 'tick', now: BASE })
      effects.push(...repeated)
      this.write(state, config, effects, repeated)
    }
    canonicalize(state, limits)
    return this.transition(state, owner, life, before, effects, input)
  }

  /** Every write is done at once. */
  private write(state: State, config: CoreConfig, all: Effect[], from: readonly Effect[] = all): void {
    const queue = [...from]
    for (let each = queue.shift(); each !== undefined; each = queue.shift()) {
      if (each.type !== 'persist') continue
      this.steps += 1
      const more = this.core.step(config, state, { type: 'persisted', now: BASE, version: each.version })
      all.push(...more)
      queue.push(...more)
    }
  }

  private transition(
    state: State,
    owner: number,
    life: number,
    before: Facts,
    effects: readonly Effect[],
    input: number,
  ): Transition {
    const { names, limits } = this
    this.steps += 1
    const said: number[] = []
    const won = limits.elections.map(() => 0)
    let word = -1
    let toWhom = -1
    let settled: ClusterConfig | null = null
    let broken: string | null = null
    for (const effect of effects) {
      if (effect.type === 'elected') won[limits.elections.indexOf(effect.election)] = effect.term
      else if (effect.type === 'reconfigured' && effect.refusal === null) settled = state.cluster
      else if (effect.type === 'configured') {
        const { cluster } = effect
        if (before.leadsMembers && cluster.version > before.config.version) settled = before.config
      } else if (effect.type === 'alarm' && effect.code === 'invariantViolation')
        broken ??= `R6: ${effect.detail}`
      else if (effect.type === 'send') {
        for (const part of effect.parts) {
          const told = statement(part)
          if (told === null) continue
          const message = this.message({ from: owner, life, part: told })
          if (told.kind === 'configAck') {
            word = message
            toWhom = names.indexOf(effect.to)
          } else said.push(names.indexOf(effect.to), message)
        }
      }
    }
    const id = this.intern(state, owner, life)
    const after = this.facts(id)
    broken ??= brokenBy(before, after, won, input === this.passTick())
    if (after.leadsMembers && after.config.term !== after.membersTerm)
      broken ??= 'R31: who leads @members goes by a configuration of another leader'
    let ended = 0
    names.forEach((_, i) => {
      if (before.gives[i] !== null && after.gives[i] === null) ended |= 1 << i
    })
    return { state: id, said, word, toWhom, ended, won, settled, broken }
  }

  message(message: Message): number {
    const fields = Object.entries(message.part).sort(([x], [y]) => (x < y ? -1 : 1))
    const key = JSON.stringify([message.from, message.life, fields])
    let id = this.messageIds.get(key)
    if (id === undefined) {
      id = this.messages.length
      this.messageIds.set(key, id)
      this.messages.push(message)
    }
    return id
  }

  /** The message of that life that tells configuration number `at`. */
  configMessage(from: number, life: number, at: number): number {
    const code = (at * 8 + from) * 8 + life
    let id = this.configMessages.get(code)
    if (id === undefined) {
      id = this.message({ from, life, part: { kind: 'config', cluster: this.configs[at] as ClusterConfig } })
      this.configMessages.set(code, id)
    }
    return id
  }
}

/** What one process must not do in one step, whatever the others do; null if it did none of that. `ticks`: time passed. */
export function brokenBy(before: Facts, after: Facts, won: readonly number[], ticks: boolean): string | null {
  return wentBack(before, after, ticks) ?? withoutVote(before, after, won)
}

/** Configurations and known terms only go up while a process runs, and no lease is cut (R29, R61, R33). */
function wentBack(before: Facts, after: Facts, ticks: boolean): string | null {
  const order = after.config.term - before.config.term || after.config.version - before.config.version
  if (order < 0) return 'R29: an older configuration replaces a newer one'
  if (after.known.some((term, i) => term < (before.known[i] as number))) return 'R61: a known term fell'
  const cut = after.ledTerm.some(
    (term, i) => term === before.ledTerm[i] && (after.until[i] as number) < (before.until[i] as number),
  )
  if (cut && !ticks) return 'R33: a lease ends earlier than it did'
  return null
}

/** Whoever is no voter of its own configuration neither votes nor stands, and what it led ends (R34). */
function withoutVote(before: Facts, after: Facts, won: readonly number[]): string | null {
  if (after.isVoter) return null
  if (won.some((term) => term > 0)) return 'R34: a process without a vote wins'
  const votes = after.bound.some((held, e) => {
    const former = before.bound[e]
    return held !== null && (former?.leader !== held.leader || former.term !== held.term)
  })
  if (votes) return 'R34: a process without a vote votes'
  const grows = after.until.some((until, e) => until > (before.until[e] as number))
  return grows ? 'R34: the lease of a process without a vote grows' : null
}

/** What of a part is a message, under canonical names; null for what the exploration models otherwise. */
function statement(part: Part): Part | null {
  switch (part.kind) {
    case 'requestVote':
      return { ...part, nonce: part.term }
    case 'voteReply':
      if (part.grant === null) return null
      return { ...part, nonce: part.term, refusal: null, knownTerm: part.term, leader: null }
    case 'bindAck':
      return part.grant === null ? null : { ...part, knownTerm: part.term }
    case 'bind':
    case 'config':
    case 'configAck':
      return part
    default:
      return null
  }
}
