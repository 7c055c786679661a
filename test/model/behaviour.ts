/**
 * What one process does with one input, found out by asking the core once and remembered for ever.
 *
 * A *place* is a process together with the messages that wait for it: an interned number. What follows from an input at a
 * place is a `Transition`, remembered by (place, code). The search looks at nothing else, so most of its states cost a
 * few lookups. `canonical.ts` says what is forgotten, `hearing.ts` which messages are. Read next: `search.ts`.
 */
import type { Effect, Input, Part, State } from '../../src/core'
import {
  canonicalize,
  encode,
  givenGrants,
  heldGrants,
  isRetired,
  OVER,
  PRESENT,
  type Presumed,
  peerRestarted,
  prepareNames,
  retireHeld,
  settleLease,
} from './canonical'
import { type Hearing, Hearings, presentName, renouncedTo, spent, statement } from './hearing'
import {
  BASE,
  type Bounds,
  type Core,
  cloneState,
  configOf,
  diskOf,
  electionIn,
  LIFE,
  leaseEnd,
  letter,
  mirrorState,
  NAME,
  offsetOf,
  passTick,
  startProcess,
} from './process'
import { PairMap } from './table'

/** Inputs of a place. Where an offset `o` is named, the code is the number plus `o`. */
export const Code = {
  campaign: 0,
  campaignEnds: 1,
  look: 2,
  resign: 3,
  passTick: 4,
  crash: 5,
  /** No crash can follow: what is on the disk does not matter any more. */
  forgetDisk: 6,
  freeze: 7,
  /** + o: hand over to it */
  handOver: 8,
  /** + o: the grant of that voter has ended */
  retire: 16,
  /** + o: forget the support for it, which binds nothing */
  dropSupport: 24,
  /** + o: forget what that voter is counted for */
  dropCounts: 32,
  /** + o: it has crashed and begun another life */
  peerRestarted: 40,
  /** + o */
  meet: 48,
  /** + o: its freshest heartbeat arrives */
  beat: 56,
  /** + o: the answer of that voter to a heartbeat that renewed nothing */
  probeAck: 64,
  /** + o: the same, from a voter that supports nothing */
  probeAckNone: 72,
  /** + 8 * o + term: a late refusal that tells this term */
  learn: 80,
  /** + 16 * o + u: a late ack by which that voter is counted for `u` more ticks */
  ack: 128,
  /** + 16 * hearing + s: a message arrives; `s` > 0: and its heartbeat has begun a session with `s` ticks left */
  hear: 256,
} as const

/** What an input does at a place. */
export interface Transition {
  readonly place: number
  /** By offset: the list of what is said to it (0: nothing). */
  readonly said: readonly number[]
  /** By offset: the ack to it, as it will hear it, or -1. */
  readonly acks: readonly number[]
  /** Bit `o`: the grant given to the process at that offset has ended. */
  readonly ended: number
  /** Largest term won, or 0. */
  readonly won: number
  /** A property that this very step broke, or null. */
  readonly broken: string | null
}

/** What the search has to know of a place, by offset where it is an array. */
export interface Facts {
  readonly known: number
  readonly decided: number
  /** Leads or campaigns. */
  readonly busy: boolean
  readonly leads: boolean
  /** Campaign under way, or leadership with a lease that has not ended: it may send heartbeats. */
  readonly beats: boolean
  /** Holds a valid lease. */
  readonly valid: boolean
  /** Term led, or 0. */
  readonly ledTerm: number
  /** Lowest term that a running campaign may win, or 0. */
  readonly standsFor: number
  /** Ticks left of the support given. */
  readonly supports: readonly number[]
  /** Ticks counted under the present grant. */
  readonly counts: readonly number[]
  /** The own slot is bound to it. */
  readonly bound: readonly boolean[]
  /** Something here names its present grant. */
  readonly names: readonly boolean[]
  /** Its present life was met. */
  readonly met: readonly boolean[]
  /** Something of a life before its present one is left here. */
  readonly older: readonly boolean[]
  /** A release of it that waits here would free the slot: its hearing, or -1. */
  readonly frees: readonly number[]
  /** It has announced this term here: the highest on its way. */
  readonly announced: readonly number[]
  /** Inputs of this place alone that change something. */
  readonly local: readonly number[]
}

interface Place {
  readonly state: State
  readonly inbox: readonly number[]
  readonly durable: boolean
}

export interface BehaviourOptions extends Bounds {
  readonly maxTerm: number
}

const NOTHING: readonly number[] = []

export class Behaviour {
  /** Calls of the core's `step`. */
  steps = 0
  readonly hearings: Hearings
  private readonly ids = new Map<string, number>()
  private readonly places: Place[] = []
  private readonly factsOf: (Facts | undefined)[] = []
  private readonly transitions: (Transition | null)[] = [null]
  private readonly known = new PairMap()
  private readonly lists: (readonly number[])[] = [NOTHING]
  private readonly listIds = new Map<string, number>()
  private readonly sums = new PairMap()
  private readonly mirrors: number[] = []
  private readonly config

  constructor(
    private readonly core: Core,
    readonly options: BehaviourOptions,
    readonly presumed: Presumed,
  ) {
    this.hearings = new Hearings(options.members)
    this.config = configOf(options)
  }

  /** The place of a process at the start. */
  begin(state: State, durable: boolean): number {
    canonicalize(state, this.options, this.presumed, givenGrants(state, this.options))
    return this.intern(state, NOTHING, durable)
  }

  /** How many different places were met. */
  get size(): number {
    return this.places.length
  }

  state(place: number): State {
    return this.at(place).state
  }

  inbox(place: number): readonly Hearing[] {
    return this.at(place).inbox.map((id) => this.hearings.at(id))
  }

  private at(place: number): Place {
    return this.places[place] as Place
  }

  /** Number of a canonical state with these messages, of which the spent ones are forgotten. */
  intern(state: State, inbox: readonly number[], durable: boolean): number {
    const kept = this.sift(state, inbox)
    const key = `${encode(state, durable)}|${kept.join()}`
    let id = this.ids.get(key)
    if (id === undefined) {
      id = this.places.length
      this.ids.set(key, id)
      this.places.push({ state, inbox: kept, durable })
    }
    return id
  }

  /** Forgets messages that are spent, and in `state` what only they could have asked for. */
  private sift(state: State, inbox: readonly number[]): number[] {
    const { maxTerm, members } = this.options
    const { presumed } = this
    const renounced = renouncedTo(
      inbox.map((id) => this.hearings.at(id)),
      state,
      members,
    )
    const listener = { state, maxTerm, presumed, renounced }
    const kept = [...new Set(inbox)].filter((id) => !spent(this.hearings.at(id), listener))
    const election = electionIn(state)
    if (election.slot.binding?.released === true) election.slot.binding = null
    for (const [voter, account] of state.accounts) {
      if (account.untilByGrant.size === 0) continue
      const names = this.namesHere(state, kept, offsetOf(voter))
      for (const grant of [...account.untilByGrant.keys()]) {
        if (grant !== PRESENT && !names.has(grant)) account.untilByGrant.delete(grant)
      }
    }
    return kept.sort((x, y) => x - y)
  }

  /** Grants of the voter at that offset under which this process is or may still be told to be bound. */
  private namesHere(state: State, inbox: readonly number[], offset: number): Set<string> {
    const { lead, campaign } = electionIn(state)
    const names = new Set<string>(lead?.bound.get(letter(offset))?.keys())
    const granted = campaign?.grants.get(letter(offset))
    if (granted !== undefined) names.add(granted)
    for (const id of inbox) {
      const { from, part } = this.hearings.at(id)
      if (from === offset && 'grant' in part && part.grant !== null) names.add(part.grant)
    }
    return names
  }

  /** The place when everybody sits the other way round. */
  mirror(place: number): number {
    let image = this.mirrors[place]
    if (image === undefined) {
      const { state, inbox, durable } = this.at(place)
      const turned = inbox.map((id) => this.hearings.mirror(id))
      const reflected = mirrorState(state, this.options.members)
      settleLease(reflected)
      image = this.intern(reflected, turned, durable)
      this.mirrors[place] = image
      this.mirrors[image] = place
    }
    return image
  }

  /** The place with more messages waiting. */
  add(place: number, list: number): number {
    if (list === 0) return place
    const known = this.sums.get(place, list)
    if (known >= 0) return known
    const { state, inbox, durable } = this.at(place)
    const all = [...inbox, ...(this.lists[list] as readonly number[])]
    return this.sums.set(place, list, this.intern(cloneState(state), all, durable))
  }

  private list(hearings: readonly number[]): number {
    const key = hearings.join()
    if (key === '') return 0
    let id = this.listIds.get(key)
    if (id === undefined) {
      id = this.lists.length
      this.listIds.set(key, id)
      this.lists.push([...hearings])
    }
    return id
  }

  /** What follows from an input, or null if nothing does. */
  after(place: number, code: number): Transition | null {
    let at = this.known.get(place, code)
    if (at < 0) {
      const transition = this.find(place, code)
      at = transition === null ? 0 : this.transitions.push(transition) - 1
      this.known.set(place, code, at)
    }
    return this.transitions[at] as Transition | null
  }

  /** The same, computed anew; for comparisons. */
  find(place: number, code: number): Transition | null {
    if (code >= Code.hear) return this.hear(place, (code - Code.hear) >> 4, (code - Code.hear) & 15)
    if (code >= Code.ack) return this.lateAck(place, (code - Code.ack) >> 4, (code - Code.ack) & 15)
    if (code >= Code.learn) return this.learn(place, (code - Code.learn) >> 3, (code - Code.learn) & 7)
    const offset = code & 7
    switch (code < 8 ? code : code - offset) {
      case Code.campaign:
        return this.ask(place, { type: 'campaign', now: BASE, election: NAME })
      case Code.campaignEnds:
        return this.ask(place, { type: 'tick', now: BASE }, (s) => {
          const { campaign } = electionIn(s)
          if (campaign !== null) campaign.deadline = BASE
        })
      case Code.look:
        return this.ask(place, { type: 'tick', now: BASE })
      case Code.resign:
        return this.ask(place, renounceTo(null))
      case Code.freeze:
        return this.ask(place, { type: 'freeze', now: BASE, election: NAME, reason: 'drainTimeout' })
      case Code.handOver:
        return this.ask(place, renounceTo(letter(offset)))
      case Code.passTick:
        return this.ask(place, null, passTick)
      case Code.meet:
        return this.meet(place, offset)
      case Code.beat:
        return this.beat(place, offset)
      case Code.probeAck:
        return this.acked(place, offset, BASE, PRESENT, false)
      case Code.probeAckNone:
        return this.acked(place, offset, BASE, null, false)
      default:
        return this.rewrite(place, code - offset, offset)
    }
  }

  // --- what happens to a place without a step of the core ---------------------------------------------------------------

  private rewrite(place: number, code: number, offset: number): Transition | null {
    const { state, inbox, durable } = this.at(place)
    const next = cloneState(state)
    switch (code) {
      case Code.retire: {
        const to = retireHeld(next, offset, this.presumed)
        return this.silent(place, next, this.hearings.renamed(inbox, offset, to), durable)
      }
      case Code.dropSupport: {
        const support = next.supports.get(letter(offset))
        if (support !== undefined) support.grant = null
        return this.silent(place, next, inbox, durable)
      }
      case Code.dropCounts:
        next.accounts.get(letter(offset))?.untilByGrant.delete(PRESENT)
        return this.silent(place, next, inbox, durable)
      case Code.peerRestarted:
        peerRestarted(next, offset)
        return this.silent(place, next, this.hearings.olderBy(inbox, offset), durable)
      default:
        return this.disk(place, offset)
    }
  }

  /** `Code.crash` and `Code.forgetDisk`. */
  private disk(place: number, code: number): Transition {
    const { state, inbox, durable } = this.at(place)
    if (code === Code.forgetDisk) return this.silent(place, cloneState(state), inbox, false)
    const born = startProcess(this.core, this.options, electionIn(state).decidedTerm, true)
    return this.silent(place, born, NOTHING, durable)
  }

  private silent(_: number, state: State, inbox: readonly number[], durable: boolean): Transition {
    canonicalize(state, this.options, this.presumed, givenGrants(state, this.options))
    const none = new Array<number>(this.options.members).fill(0)
    const place = this.intern(state, inbox, durable)
    return { place, said: none, acks: none.map(() => -1), ended: 0, won: 0, broken: null }
  }

  // --- what the core does -------------------------------------------------------------------------------------------------

  private hear(place: number, hearing: number, session: number): Transition | null {
    const { from, life, part } = this.hearings.at(hearing)
    const parts: Part[] = session > 0 ? [this.heartbeat(session), part] : [part]
    return this.ask(place, frameFrom(from, life, parts))
  }

  private heartbeat(promiseMs: number): Part {
    return { kind: 'heartbeat', round: BASE, promiseMs, probe: false, prompt: true }
  }

  private beat(place: number, offset: number): Transition | null {
    return this.ask(place, frameFrom(offset, LIFE, [this.heartbeat(this.options.promise)]))
  }

  /** An ack whose heartbeat left `D - u` ticks ago. */
  private lateAck(place: number, offset: number, counted: number): Transition | null {
    return this.acked(place, offset, BASE - this.options.promise + counted, PRESENT, true)
  }

  /** Rounds are named after the instant at which they were stamped. */
  acked(
    place: number,
    offset: number,
    round: number,
    grant: string | null,
    renewed: boolean,
  ): Transition | null {
    const ack: Part = { kind: 'ack', round, grant, renewed }
    return this.ask(place, frameFrom(offset, LIFE, [ack]), (s) => {
      s.rounds.set(round, { sentAt: round, promiseMs: this.options.promise })
    })
  }

  private learn(place: number, offset: number, term: number): Transition | null {
    const refusal: Part = {
      kind: 'voteReply',
      election: NAME,
      term: 0,
      nonce: 0,
      grant: null,
      refusal: 'term',
      knownTerm: term,
      leader: null,
    }
    return this.ask(place, frameFrom(offset, LIFE, [refusal]))
  }

  private meet(place: number, offset: number): Transition | null {
    const peer = letter(offset)
    const { rho } = this.options
    const storageId = diskOf(peer)
    return this.ask(place, {
      type: 'connected',
      now: BASE,
      peer,
      incarnation: LIFE,
      storageId,
      rho,
      deltaMs: 0,
      sentAt: BASE,
    })
  }

  /** Runs an input on a copy, each write done at once. */
  private ask(place: number, input: Input | null, prepare?: (s: State) => void): Transition | null {
    const { state, inbox, durable } = this.at(place)
    const { members, maxTerm } = this.options
    const before = givenGrants(state, this.options)
    const next = cloneState(state)
    prepareNames(next)
    prepare?.(next)
    const effects: Effect[] = []
    const queue = input === null ? [] : [input]
    for (let each = queue.shift(); each !== undefined; each = queue.shift()) {
      this.steps += 1
      for (const effect of this.core.step(this.config, next, each)) {
        effects.push(effect)
        if (effect.type === 'persist')
          queue.push({ type: 'persisted', now: BASE, version: effect.version })
      }
    }
    // a campaign in a term beyond the bounds is not followed
    if (electionIn(next).topTerm > maxTerm) return null
    const said: number[][] = Array.from({ length: members }, () => [])
    const acks = new Array<number>(members).fill(-1)
    this.listen(effects, said, acks)
    const judged = judge(effects, next)
    let ended = 0
    let { broken } = judged
    try {
      ended = canonicalize(next, this.options, this.presumed, before)
    } catch (error) {
      broken ??= (error as Error).message
    }
    const to = this.intern(next, inbox, durable)
    const lists = said.map((hearings) => this.list(hearings))
    if (
      to === place &&
      lists.every((list) => list === 0) &&
      acks.every((ack) => ack < 0) &&
      ended === 0 &&
      judged.won === 0 &&
      broken === null
    )
      return null
    return { place: to, said: lists, acks, ended, won: judged.won, broken }
  }

  /** Sorts what is said: what stays on its way, the ack, and what the exploration models otherwise. */
  private listen(effects: readonly Effect[], said: number[][], acks: number[]): void {
    for (const effect of effects) {
      if (effect.type !== 'send' || effect.toIncarnation < LIFE) continue
      const offset = offsetOf(effect.to)
      for (const part of effect.parts) {
        const kept = statement(part)
        if (kept !== null) said[offset]?.push(this.hearings.said(kept, offset))
        if (part.kind !== 'ack') continue
        const grant = part.grant === null ? null : presentName(part.grant)
        acks[offset] = this.hearings.said({ ...part, grant }, offset)
      }
    }
  }

  /** The holder hears the ack that a voter just sent. */
  hearAck(place: number, hearing: number): Transition | null {
    const code = Code.hear + hearing * 16
    let at = this.known.get(place, code)
    if (at < 0) {
      const { from, part } = this.hearings.at(hearing)
      if (part.kind !== 'ack') throw new Error('not an ack')
      const transition = this.acked(place, from, part.round, part.grant, part.renewed)
      at = transition === null ? 0 : this.transitions.push(transition) - 1
      this.known.set(place, code, at)
    }
    return this.transitions[at] as Transition | null
  }

  // --- what the search asks -----------------------------------------------------------------------------------------------

  facts(place: number): Facts {
    let facts = this.factsOf[place]
    if (facts === undefined) {
      facts = this.look(place)
      this.factsOf[place] = facts
    }
    return facts
  }

  private look(place: number): Facts {
    const { state, inbox, durable } = this.at(place)
    const { slot, lead, campaign, decidedTerm } = electionIn(state)
    const valid = leaseEnd(state) > BASE
    const offsets = Array.from({ length: this.options.members }, (_, o) => o)
    const support = (o: number) => state.supports.get(letter(o))
    const stands = slot.binding !== null && !slot.binding.released
    const hearings = inbox.map((id) => [id, this.hearings.at(id)] as const)
    return {
      known: slot.knownTerm,
      decided: durable ? decidedTerm : slot.knownTerm,
      busy: lead !== null || campaign !== null,
      leads: lead !== null,
      beats: lead === null ? campaign !== null : valid,
      valid,
      ledTerm: lead?.term ?? 0,
      standsFor: campaign?.term ?? 0,
      supports: offsets.map((o) => (support(o)?.grant == null ? 0 : (support(o)?.until ?? BASE) - BASE)),
      counts: offsets.map(
        (o) => (state.accounts.get(letter(o))?.untilByGrant.get(PRESENT) ?? BASE) - BASE,
      ),
      bound: offsets.map((o) => o > 0 && stands && slot.binding?.leader === letter(o)),
      names: offsets.map((o) => this.namesHere(state, inbox, o).has(PRESENT)),
      met: offsets.map((o) => o === 0 || support(o)?.incarnation === LIFE),
      older: offsets.map(
        (o) =>
          o > 0 &&
          (hearings.some(([, h]) => h.from === o && h.life < LIFE) ||
            [...heldGrants(state, letter(o))].some((g) => g !== PRESENT && g !== OVER && !isRetired(g))),
      ),
      frees: offsets.map((o) => {
        if (slot.binding?.leader !== letter(o)) return -1
        const { term } = slot.binding
        const fits = (h: Hearing) => h.from === o && h.part.kind === 'release' && h.part.term >= term
        return hearings.find(([, h]) => h.life === LIFE && fits(h))?.[0] ?? -1
      }),
      announced: offsets.map((o) =>
        Math.max(
          0,
          ...hearings.map(([, h]) =>
            h.from === o && h.life === LIFE && h.part.kind === 'bind' ? h.part.term : 0,
          ),
        ),
      ),
      local: this.localCodes(place, valid),
    }
  }

  private localCodes(place: number, valid: boolean): number[] {
    const { state, inbox } = this.at(place)
    const { slot, lead, campaign } = electionIn(state)
    const codes: number[] = []
    if (slot.knownTerm < this.options.maxTerm && campaign === null) codes.push(Code.campaign)
    if (campaign !== null) codes.push(Code.campaignEnds)
    if (lead !== null) codes.push(valid ? Code.resign : Code.look)
    for (const id of inbox) {
      const { from, life, part } = this.hearings.at(id)
      const code = Code.hear + id * 16
      const claims = part.kind === 'requestVote' || part.kind === 'bind'
      const begins = claims && state.supports.get(letter(from))?.grant == null
      if (!begins) codes.push(code)
      else if (life < LIFE) codes.push(code + this.options.promise)
      else for (let s = this.options.promise; s >= 1; s--) codes.push(code + s)
    }
    return codes.filter((code) => this.after(place, code) !== null)
  }
}

function frameFrom(offset: number, life: number, parts: readonly Part[]): Input {
  return { type: 'frame', now: BASE, from: letter(offset), fromIncarnation: life, toIncarnation: LIFE, parts }
}

function renounceTo(to: string | null): Input {
  const reason = to === null ? 'resigned' : 'transferred'
  return { type: 'renounce', now: BASE, election: NAME, reason, to, cooldownMs: 0 }
}

/** What a step won, and which property it broke: the core's own alarm (R6), or a renounced term that is led on (P7). */
function judge(effects: readonly Effect[], state: State): { won: number; broken: string | null } {
  let won = 0
  let renounced = 0
  let broken: string | null = null
  for (const effect of effects) {
    if (effect.type === 'elected') won = Math.max(won, effect.term)
    else if (effect.type === 'revoked' && effect.reason !== 'reelected') renounced = effect.term
    else if (effect.type === 'alarm' && effect.code === 'invariantViolation') broken ??= `R6: ${effect.detail}`
  }
  const { lead } = electionIn(state)
  if (renounced > 0 && lead !== null && lead.term <= renounced) broken ??= `P7: term ${renounced} was renounced`
  return { won, broken }
}
