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
  encodeElection,
  forgetDisk,
  givenGrants,
  heldGrants,
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
  diskTerm,
  electionIn,
  LIFE,
  leaseEnd,
  letter,
  mirrorState,
  NAME,
  offsetOf,
  passTick,
  setDiskTerm,
  startProcess,
  writesOwnVote,
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
  /** The write that was under way is done. */
  written: 7,
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
  /** + o: they meet in the very turn in which a campaign here turns out to be over */
  meetLate: 120,
  /** + 16 * o + u: a late ack by which that voter is counted for `u` more ticks */
  ack: 128,
  /** + 16 * hearing + s: a message arrives; `s` > 0: and its heartbeat has begun a session with `s` ticks left */
  hear: 256,
} as const

/** What an input does to a process, whatever waits for it. */
interface Follow extends Omit<Transition, 'place'> {
  /** Number of its canonical state, before the messages at hand say what of it can be forgotten. */
  readonly chair: number
  /** What the present grant of the voter at the offset of the code is called now, or null. */
  readonly renamed: string | null
}

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
  readonly onDisk: number
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
  /** `Bit`s, of each other process. */
  readonly pair: readonly number[]
  /** All of them together. */
  readonly any: number
  /** Ticks left of the support given. */
  readonly supports: readonly number[]
  /** Ticks counted under the present grant. */
  readonly counts: readonly number[]
  /** A release of it that waits here would free the slot: its hearing, or -1. */
  readonly frees: readonly number[]
  /** It has announced this term here: the highest on its way. */
  readonly announced: readonly number[]
  /** Inputs of this place alone that change something. */
  readonly local: readonly number[]
}

/** A process without its messages. */
interface Chair {
  readonly state: State
  readonly durable: boolean
}

export interface BehaviourOptions extends Bounds {
  readonly maxTerm: number
}

/** What the search asks about a pair most often, as bits. */
export const Bit = {
  /** The own slot is bound to it. */
  bound: 1,
  /** Something here names its present grant. */
  names: 2,
  supports: 4,
  counts: 8,
  /** Its present life was not met. */
  unmet: 16,
  /** Something of a life before its present one is left here. */
  older: 32,
} as const

const NOTHING: readonly number[] = []

export class Behaviour {
  /** Calls of the core's `step`. */
  steps = 0
  readonly hearings: Hearings
  private readonly chairs: Chair[] = []
  private readonly chairIds = new Map<string, number>()
  private readonly follows: (Follow | null)[] = [null]
  private readonly followed = new PairMap()
  /** Lists of hearings: what waits somewhere, or what was said in one step. */
  private readonly lists: (readonly number[])[] = [NOTHING]
  private readonly listIds = new Map<string, number>([['', 0]])
  private readonly sums = new PairMap()
  /** Place -> its process and the list of what waits for it. */
  private readonly chairOf: number[] = []
  private readonly inboxOf: number[] = []
  private readonly sifted = new PairMap()
  private readonly grown = new PairMap()
  private readonly factsOf: (Facts | undefined)[] = []
  private readonly transitions: (Transition | null)[] = [null]
  private readonly known = new PairMap()
  private readonly mirrors: number[] = []
  private readonly chairMirrors: number[] = []
  private readonly listMirrors: number[] = []
  private readonly listAges: number[] = []
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
    return this.place(this.chair(state, durable), 0)
  }

  /** The place of any process with these messages, in whatever form its state is. */
  placeOf(state: State, heard: readonly Hearing[], durable: boolean): number {
    canonicalize(state, this.options, this.presumed, givenGrants(state, this.options))
    const inbox = heard.map((hearing) => this.hearings.id(hearing))
    return this.place(this.chair(state, durable), this.list(inbox))
  }

  /** How many different places were met, and how many different processes sat there. */
  get size(): number {
    return this.chairOf.length
  }

  get processes(): number {
    return this.chairs.length
  }

  state(place: number): State {
    return this.chairAt(place).state
  }

  inbox(place: number): readonly number[] {
    return this.lists[this.inboxOf[place] as number] as readonly number[]
  }

  private chairAt(place: number): Chair {
    return this.chairs[this.chairOf[place] as number] as Chair
  }

  /** Number of a canonical state. */
  private chair(state: State, durable: boolean): number {
    if (!durable) forgetDisk(state)
    const key = encode(state, durable)
    let id = this.chairIds.get(key)
    if (id === undefined) {
      id = this.chairs.length
      this.chairIds.set(key, id)
      this.chairs.push({ state, durable })
    }
    return id
  }

  /** Number of a process with a list of messages, of which the spent ones are forgotten. */
  private place(chair: number, inbox: number): number {
    const known = this.sifted.get(chair, inbox)
    if (known >= 0) return known
    const kept = this.sift(chair, inbox)
    // what was forgotten may have been all that kept something else
    if (kept.chair !== chair || kept.inbox !== inbox)
      return this.sifted.set(chair, inbox, this.place(kept.chair, kept.inbox))
    const id = this.chairOf.length
    this.chairOf.push(chair)
    this.inboxOf.push(inbox)
    return this.sifted.set(chair, inbox, id)
  }

  /** Forgets messages that are spent, and of the process what only they could have asked for. */
  private sift(chair: number, inbox: number): { chair: number; inbox: number } {
    const { maxTerm, members, promise } = this.options
    const { presumed } = this
    const { state, durable } = this.chairs[chair] as Chair
    const ids = this.lists[inbox] as readonly number[]
    const heard = ids.map((id) => this.hearings.at(id))
    const renounced = renouncedTo(heard, state, members)
    const listener = { state, maxTerm, promise, presumed, renounced }
    const kept = ids.filter(
      (id) => !spent(this.hearings.at(id), listener) || !(presumed.spentDoesNothing || this.inert(chair, id)),
    )
    const list = kept.length === ids.length ? inbox : this.list(kept)
    const stale = this.staleCounts(state, kept)
    const marked = electionIn(state).slot.binding?.released === true
    if (!marked && stale.length === 0) return { chair, inbox: list }
    const next = cloneState(state)
    if (marked) electionIn(next).slot.binding = null
    for (const [voter, grant] of stale) next.accounts.get(voter)?.untilByGrant.delete(grant)
    return { chair: this.chair(next, durable), inbox: list }
  }

  /** Asks the core whether a message that is spent by the rules is: a broken core may still do something with it. */
  private inert(chair: number, id: number): boolean {
    const { life, part } = this.hearings.at(id)
    const { state } = this.chairs[chair] as Chair
    const asks = part.kind === 'requestVote' || part.kind === 'voteReply'
    if (!asks || life < LIFE) return true
    const session = part.kind === 'requestVote' ? this.options.promise : 0
    const follow = this.follow(chair, Code.hear + id * 16 + session)
    if (follow === null) return true
    const next = (this.chairs[follow.chair] as Chair).state
    return encodeElection(next, false) === encodeElection(state, false)
  }

  /** Old grants that are counted here and under which nothing is or may be told to be bound. */
  private staleCounts(state: State, inbox: readonly number[]): [string, string][] {
    const stale: [string, string][] = []
    for (const [voter, account] of state.accounts) {
      for (const grant of account.untilByGrant.keys()) {
        if (grant === PRESENT) continue
        if (!this.namesHere(state, inbox, offsetOf(voter)).has(grant)) stale.push([voter, grant])
      }
    }
    return stale
  }

  /** Grants of the voter at that offset under which this process is or may still be told to be bound. */
  private namesHere(state: State, inbox: readonly number[], offset: number): Set<string> {
    const { lead, campaign } = electionIn(state)
    const names = new Set<string>(lead?.bound.get(letter(offset)))
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
    const known = this.mirrors[place]
    if (known !== undefined) return known
    const chair = this.mirrorChair(this.chairOf[place] as number)
    const inbox = this.mirrorList(this.inboxOf[place] as number)
    const image = this.place(chair, inbox)
    this.mirrors[place] = image
    this.mirrors[image] = place
    return image
  }

  private mirrorChair(chair: number): number {
    const known = this.chairMirrors[chair]
    if (known !== undefined) return known
    const { state, durable } = this.chairs[chair] as Chair
    const reflected = mirrorState(state, this.options.members)
    settleLease(reflected)
    const image = this.chair(reflected, durable)
    this.chairMirrors[chair] = image
    this.chairMirrors[image] = chair
    return image
  }

  private mirrorList(list: number): number {
    const known = this.listMirrors[list]
    if (known !== undefined) return known
    const turned = (this.lists[list] as readonly number[]).map((id) => this.hearings.mirror(id))
    const image = this.list(turned)
    this.listMirrors[list] = image
    this.listMirrors[image] = list
    return image
  }

  /** The place with more messages waiting. */
  add(place: number, list: number): number {
    if (list === 0) return place
    const known = this.grown.get(place, list)
    if (known >= 0) return known
    const inbox = this.both(this.inboxOf[place] as number, list)
    return this.grown.set(place, list, this.place(this.chairOf[place] as number, inbox))
  }

  private both(list: number, more: number): number {
    const known = this.sums.get(list, more)
    if (known >= 0) return known
    const all = [...(this.lists[list] as readonly number[]), ...(this.lists[more] as readonly number[])]
    return this.sums.set(list, more, this.list(all))
  }

  /** Number of a set of hearings. */
  private list(hearings: readonly number[]): number {
    const members = [...new Set(hearings)].sort((x, y) => x - y)
    const key = members.join()
    let id = this.listIds.get(key)
    if (id === undefined) {
      id = this.lists.length
      this.listIds.set(key, id)
      this.lists.push(members)
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

  private find(place: number, code: number): Transition | null {
    const chair = this.chairOf[place] as number
    const follow = this.follow(chair, code)
    if (follow === null) return null
    const inbox = this.inboxAfter(place, code, follow.renamed)
    const next = this.place(follow.chair, inbox)
    const { said, acks, ended, won, broken } = follow
    const quiet = said.every((list) => list === 0) && acks.every((ack) => ack < 0)
    const forced =
      code === Code.crash || code === Code.forgetDisk || (code >= Code.retire && code < Code.meet)
    if (next === place && quiet && ended === 0 && won === 0 && broken === null && !forced) return null
    return { place: next, said, acks, ended, won, broken }
  }

  /** What waits for the process after an input; only what happens to lives and grants changes it. */
  private inboxAfter(place: number, code: number, renamed: string | null): number {
    const offset = code & 7
    if (code === Code.crash) return 0
    if (renamed !== null) return this.list(this.hearings.renamed(this.inbox(place), offset, renamed))
    if (code === Code.passTick) return this.aged(this.inboxOf[place] as number)
    if (code - offset === Code.peerRestarted)
      return this.list(this.hearings.olderBy(this.inbox(place), offset))
    return this.inboxOf[place] as number
  }

  private aged(list: number): number {
    const known = this.listAges[list]
    if (known !== undefined) return known
    const ids = this.lists[list] as readonly number[]
    const older = this.list(ids.map((id) => this.hearings.aged(id)))
    this.listAges[list] = older
    return older
  }

  /** The acks that the voter at that offset has sent for sessions with up to `left` ticks left, as messages. */
  lateAcks(offset: number, left: number): number {
    const acks: number[] = []
    for (let u = 1; u <= left; u++) {
      const round = BASE - this.options.promise + u
      const part: Part = { kind: 'ack', round, grant: PRESENT, renewed: true }
      acks.push(this.hearings.id({ from: offset, life: LIFE, part }))
    }
    return this.list(acks)
  }

  private follow(chair: number, code: number): Follow | null {
    let at = this.followed.get(chair, code)
    if (at < 0) {
      const follow = this.compute(chair, code)
      at = follow === null ? 0 : this.follows.push(follow) - 1
      this.followed.set(chair, code, at)
    }
    return this.follows[at] as Follow | null
  }

  /** Asks the core. */
  private compute(chair: number, code: number): Follow | null {
    if (code >= Code.hear) return this.hear(chair, (code - Code.hear) >> 4, (code - Code.hear) & 15)
    if (code >= Code.ack) return this.lateAck(chair, (code - Code.ack) >> 4, (code - Code.ack) & 15)
    if (code >= Code.meetLate) return this.meet(chair, code - Code.meetLate, true)
    if (code >= Code.learn) return this.learn(chair, (code - Code.learn) >> 3, (code - Code.learn) & 7)
    const offset = code & 7
    switch (code < 8 ? code : code - offset) {
      case Code.campaign:
        return this.ask(chair, { type: 'campaign', now: BASE, election: NAME })
      case Code.campaignEnds:
        return this.ask(chair, { type: 'tick', now: BASE }, overdue)
      case Code.look:
        return this.ask(chair, { type: 'tick', now: BASE })
      case Code.resign:
        return this.ask(chair, renounceTo(null))
      case Code.handOver:
        return this.ask(chair, renounceTo(letter(offset)))
      case Code.passTick:
        return this.ask(chair, null, passTick)
      case Code.written:
        return this.ask(chair, { type: 'persisted', now: BASE, version: 1 }, finishWrite)
      case Code.meet:
        return this.meet(chair, offset, false)
      case Code.beat:
        return this.ask(chair, frameFrom(offset, LIFE, [this.heartbeat(this.options.promise)]))
      case Code.probeAck:
        return this.acked(chair, offset, BASE, PRESENT, false)
      case Code.probeAckNone:
        return this.acked(chair, offset, BASE, null, false)
      default:
        return this.rewrite(chair, code < 8 ? code : code - offset, offset)
    }
  }

  /** What happens to a process without a step of the core. */
  private rewrite(chair: number, code: number, offset: number): Follow {
    const { state, durable } = this.chairs[chair] as Chair
    const next = cloneState(state)
    switch (code) {
      case Code.retire: {
        const to = retireHeld(next, offset, this.presumed)
        return this.silent(next, durable, to)
      }
      case Code.dropSupport: {
        const support = next.supports.get(letter(offset))
        if (support !== undefined) support.grant = null
        return this.silent(next, durable)
      }
      case Code.dropCounts:
        next.accounts.get(letter(offset))?.untilByGrant.delete(PRESENT)
        return this.silent(next, durable)
      case Code.peerRestarted:
        peerRestarted(next, offset)
        return this.silent(next, durable)
      case Code.forgetDisk:
        return this.silent(next, false)
      case Code.crash:
        return this.silent(startProcess(this.core, this.options, diskTerm(state), true), durable)
      default:
        throw new Error(`no input ${code}`)
    }
  }

  private silent(state: State, durable: boolean, renamed: string | null = null): Follow {
    canonicalize(state, this.options, this.presumed, givenGrants(state, this.options))
    const none = new Array<number>(this.options.members).fill(0)
    const chair = this.chair(state, durable)
    return { chair, said: none, acks: none.map(() => -1), ended: 0, won: 0, broken: null, renamed }
  }

  // --- what the core does -------------------------------------------------------------------------------------------------

  private hear(chair: number, hearing: number, session: number): Follow | null {
    const { from, life, part } = this.hearings.at(hearing)
    if (part.kind === 'ack') return this.acked(chair, from, part.round, part.grant, part.renewed, life)
    const parts: Part[] = session > 0 ? [this.heartbeat(session), part] : [part]
    return this.ask(chair, frameFrom(from, life, parts))
  }

  private heartbeat(promiseMs: number): Part {
    return { kind: 'heartbeat', round: BASE, promiseMs, probe: false, prompt: true }
  }

  /** An ack whose heartbeat left `D - u` ticks ago. */
  private lateAck(chair: number, offset: number, counted: number): Follow | null {
    return this.acked(chair, offset, BASE - this.options.promise + counted, PRESENT, true)
  }

  /** Rounds are named after the instant at which they were stamped. */
  private acked(
    chair: number,
    offset: number,
    round: number,
    grant: string | null,
    renewed: boolean,
    life: number = LIFE,
  ): Follow | null {
    const ack: Part = { kind: 'ack', round, grant, renewed }
    return this.ask(chair, frameFrom(offset, life, [ack]), (s) => {
      s.rounds.set(round, { sentAt: round, promiseMs: this.options.promise })
    })
  }

  private learn(chair: number, offset: number, knownTerm: number): Follow | null {
    const refusal: Part = {
      kind: 'voteReply',
      election: NAME,
      term: 0,
      nonce: 0,
      grant: null,
      refusal: 'term',
      knownTerm,
      leader: null,
    }
    // whoever leads would campaign at once unless its next try has a time already: that is an action of its own here
    return this.ask(chair, frameFrom(offset, LIFE, [refusal]), (s) => {
      electionIn(s).attemptAt = BASE + 1
    })
  }

  private meet(chair: number, offset: number, late: boolean): Follow | null {
    const peer = letter(offset)
    const { rho } = this.options
    const at = { type: 'connected', now: BASE, sentAt: BASE } as const
    const met = { ...at, peer, incarnation: LIFE, storageId: diskOf(peer), rho, deltaMs: 0 }
    return this.ask(chair, met, late ? overdue : undefined)
  }

  /** Runs an input on a copy; each write is done at once, but for that of a vote for oneself. */
  private ask(chair: number, input: Input | null, prepare?: (s: State) => void): Follow | null {
    const { state, durable } = this.chairs[chair] as Chair
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
        if (effect.type !== 'persist' || writesOwnVote(next)) continue
        finishWrite(next)
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
    const lists = said.map((hearings) => this.list(hearings))
    return {
      chair: this.chair(next, durable),
      said: lists,
      acks,
      ended,
      won: judged.won,
      broken,
      renamed: null,
    }
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
    const { state, durable } = this.chairAt(place)
    const inbox = this.inbox(place)
    const { slot, lead, campaign } = electionIn(state)
    const valid = leaseEnd(state) > BASE
    const offsets = Array.from({ length: this.options.members }, (_, o) => o)
    const support = (o: number) => state.supports.get(letter(o))
    const stands = slot.binding !== null && !slot.binding.released
    const hearings = inbox.map((id) => [id, this.hearings.at(id)] as const)
    const supports = offsets.map((o) =>
      support(o)?.grant == null ? 0 : Math.max(1, (support(o)?.until ?? BASE) - BASE),
    )
    const counts = offsets.map(
      (o) => (state.accounts.get(letter(o))?.untilByGrant.get(PRESENT) ?? BASE) - BASE,
    )
    const pair = offsets.map((o) => {
      if (o === 0) return 0
      let bits = 0
      if (stands && slot.binding?.leader === letter(o)) bits |= Bit.bound
      if (this.namesHere(state, inbox, o).has(PRESENT)) bits |= Bit.names
      if ((supports[o] as number) > 0) bits |= Bit.supports
      if ((counts[o] as number) > 0) bits |= Bit.counts
      if (support(o)?.incarnation !== LIFE) bits |= Bit.unmet
      if (this.remembersOlder(state, inbox, o)) bits |= Bit.older
      return bits
    })
    return {
      known: slot.knownTerm,
      onDisk: durable ? diskTerm(state) : slot.knownTerm,
      busy: lead !== null || campaign !== null,
      leads: lead !== null,
      beats: lead === null ? campaign !== null : valid,
      valid,
      ledTerm: lead?.term ?? 0,
      standsFor: campaign?.term ?? 0,
      pair,
      any: pair.reduce((all, bits) => all | bits, 0),
      supports,
      counts,
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

  /** Whether something is left here of a life before the present one of the process at that offset. */
  private remembersOlder(state: State, inbox: readonly number[], offset: number): boolean {
    for (const id of inbox) {
      const { from, life } = this.hearings.at(id)
      if (from === offset && life < LIFE) return true
    }
    for (const grant of heldGrants(state, letter(offset))) {
      if (grant !== OVER && !grant.startsWith(`${LIFE}.`)) return true
    }
    return false
  }

  private localCodes(place: number, valid: boolean): number[] {
    const state = this.state(place)
    const inbox = this.inbox(place)
    const { slot, lead, campaign } = electionIn(state)
    const codes: number[] = []
    if (slot.knownTerm < this.options.maxTerm && campaign === null) codes.push(Code.campaign)
    if (campaign !== null) codes.push(Code.campaignEnds)
    if (state.decided > 0) codes.push(Code.written)
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

/** The time of a campaign is up (R3); the exploration leaves it open when that is. */
function overdue(state: State): void {
  const { campaign } = electionIn(state)
  if (campaign === null) return
  campaign.deadline = BASE
  state.campaignsEndAt = BASE
}

/** Everything decided so far is on the disk. */
function finishWrite(state: State): void {
  setDiskTerm(state, electionIn(state).decidedTerm)
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
    else if (effect.type === 'alarm' && effect.code === 'invariantViolation')
      broken ??= `R6: ${effect.detail}`
  }
  const { lead } = electionIn(state)
  if (renounced > 0 && lead !== null && lead.term <= renounced)
    broken ??= `P7: term ${renounced} was renounced`
  return { won, broken }
}
