/**
 * A world of real cores, one after the other in time, without any abstraction: full frames with real rounds, grants and
 * incarnations, true instants, timers. And its image: the state of the exploration that it is an instance of.
 *
 * `image.test.ts` runs such worlds at random and insists that every image was explored. Read next: `replay.ts`.
 */
import type { CoreConfig, Effect, Frame, Input, Part, State } from '../../src/core'
import type { Behaviour } from './behaviour'
import { FRESH_GRANT, OVER, PRESENT } from './canonical'
import { type Hearing, statement } from './hearing'
import {
  BASE,
  type Bounds,
  type Core,
  configOf,
  diskOf,
  diskTerm,
  electionIn,
  LIFE,
  letter,
  linkAll,
  NAME,
  offsetOf,
  rebind,
  renameCertificate,
  renamedState,
  setDiskTerm,
  writesOwnVote,
} from './process'

/** One process of the raw world. */
interface Member {
  life: number
  state: State
  config: CoreConfig
}

/** A frame that was sent, with the instant of sending. */
export interface Sent extends Frame {
  readonly at: number
}

type Body<T> = T extends Input ? Omit<T, 'now'> : never
export type Act = Body<Input>

/** The real cores, their common clock, and everything that was ever said. */
export class RawWorld {
  now = 0
  readonly members: Member[]
  readonly sent: Sent[] = []
  /** Terms in the order in which they were won. */
  readonly won: number[] = []
  /** Lives that ended, and the sessions whose acks were on their way to these lives of the others. */
  private readonly ends: {
    readonly voter: number
    readonly life: number
    readonly sessions: readonly number[]
    readonly holders: readonly number[]
    readonly at: number
  }[] = []
  /** Grants that stood when their voter crashed. */
  private readonly stood = new Set<string>()
  /** What broke, or null. */
  broken: string | null = null

  constructor(
    private readonly core: Core,
    private readonly bounds: Bounds,
    private readonly campaignMs: number,
  ) {
    this.members = Array.from({ length: bounds.members }, (_, i) => this.born(i, 1, 0))
    for (const { state } of this.members) {
      linkAll(state)
      for (const account of state.accounts.values()) {
        account.incarnation = 1
        account.lastAnsweredSend = 0
      }
      for (const support of state.supports.values()) {
        support.incarnation = 1
        support.until = Number.NEGATIVE_INFINITY
      }
    }
  }

  private born(i: number, life: number, term: number): Member {
    const model = configOf(this.bounds)
    const self = letter(i)
    const config: CoreConfig = {
      ...model,
      self,
      incarnation: life,
      storageId: diskOf(self),
      timing: { ...model.timing, campaignMs: this.campaignMs },
    }
    const process = {
      format: 1,
      clusterId: 'raw',
      nodeId: self,
      storageId: config.storageId,
      incarnation: life,
      config: { term: 0, version: 1, termFloor: 0 },
      maxPromiseMs: life > 1 ? this.bounds.promise : 0,
      cleanNoPromise: life === 1,
      pins: {},
    } as const
    const beginning = { now: this.now, startedAt: this.now, seed: 7 * i + life, wallMs: 1 }
    const state = this.core.createState(config, { process, terms: new Map([[NAME, term]]) }, beginning)
    electionIn(state).contending = true
    setDiskTerm(state, term)
    const links = linkAllOf(state)
    for (const account of links) account.connected = false
    return { life, state, config }
  }

  member(i: number): Member {
    return this.members[i] as Member
  }

  /** The write under way at that member is done. */
  written(i: number): void {
    const { state } = this.member(i)
    if (diskTerm(state) === electionIn(state).decidedTerm) return
    setDiskTerm(state, electionIn(state).decidedTerm)
    this.act(i, { type: 'persisted', version: state.decided })
  }

  /** Applies an input at that member, completes its writes but for a vote for itself, and keeps what it says. */
  act(i: number, act: Act): readonly Effect[] {
    const { state, config, life } = this.member(i)
    const all: Effect[] = []
    // R64 only withholds: a frame that could have been sent and was lost covers one that was not sent
    for (const account of state.accounts.values()) account.lastAnsweredSend = this.now
    const queue: Act[] = [act]
    for (let each = queue.shift(); each !== undefined; each = queue.shift()) {
      for (const effect of this.core.step(config, state, { ...each, now: this.now } as Input)) {
        all.push(effect)
        if (effect.type === 'persist' && writesOwnVote(state, letter(i))) continue
        if (effect.type === 'persist') {
          setDiskTerm(state, electionIn(state).decidedTerm)
          queue.push({ type: 'persisted', version: effect.version })
        } else if (effect.type === 'elected') this.elected(effect.term)
        else if (effect.type === 'alarm' && effect.code === 'invariantViolation')
          this.broken ??= `R6: ${effect.detail}`
        else if (effect.type === 'send') {
          const { to, toIncarnation, parts } = effect
          this.sent.push({ from: letter(i), fromIncarnation: life, to, toIncarnation, parts, at: this.now })
        }
      }
    }
    if (this.members.filter((_, k) => this.leads(k)).length > 1)
      this.broken ??= 'P2: two leases are valid at once'
    return all
  }

  private elected(term: number): void {
    const last = Math.max(0, ...this.won)
    if (term <= last) this.broken ??= `P1/P3: term ${term} is won after term ${last} was`
    this.won.push(term)
  }

  /** isValid() at this instant (R14). */
  leads(i: number): boolean {
    const { state } = this.member(i)
    const { lead } = electionIn(state)
    return lead !== null && this.now < (state.leases.get(lead.lease)?.until ?? Number.NEGATIVE_INFINITY)
  }

  /** Lets time pass at all clocks alike. */
  pass(): void {
    this.now += 1
    if (this.members.filter((_, k) => this.leads(k)).length > 1)
      this.broken ??= 'P2: two leases are valid at once'
  }

  deliver({ from, fromIncarnation, to, toIncarnation, parts }: Frame): void {
    this.act(offsetOf(to), { type: 'frame', from, fromIncarnation, toIncarnation, parts })
  }

  /** `sessions`: ticks left of those that matter, by offset; their acks may still arrive. */
  crash(i: number, sessions: readonly number[] = []): void {
    const { life, state } = this.member(i)
    const holders = this.members.map((member) => member.life)
    this.ends.push({ voter: i, life, sessions, holders, at: this.now })
    for (const [holder, { grant, until }] of state.supports) {
      if (grant !== null && until > this.now) this.stood.add(`${letter(i)} ${holder} ${grant}`)
    }
    this.members[i] = this.born(i, life + 1, diskTerm(state))
  }

  connect(i: number, j: number): void {
    this.greet(i, j)
    this.greet(j, i)
  }

  private greet(i: number, j: number): void {
    const { life } = this.member(j)
    const peer = letter(j)
    const { rho } = this.bounds
    const met = { type: 'connected', peer, incarnation: life, storageId: diskOf(peer) } as const
    this.act(i, { ...met, rho, deltaMs: 0, sentAt: this.now })
  }

  // --- the image --------------------------------------------------------------------------------------------------------

  /** The place of each member. */
  image(behaviour: Behaviour, durable: boolean): number[] {
    return this.members.map((_, i) => behaviour.placeOf(this.portrait(i), this.inbox(i), durable))
  }

  private lifeName(of: string, incarnation: number): number {
    return incarnation === 0 ? 0 : LIFE - (this.member(offsetOf(of)).life - incarnation)
  }

  /** The canonical name of a grant that `voter` gave to `holder`. */
  private grantName(voter: string, holder: string, grant: string): string {
    if (grant === 'self') return grant
    const life = this.lifeName(voter, Number.parseInt(grant, 10))
    if (life < LIFE) return this.stood.has(`${voter} ${holder} ${grant}`) ? `${life}.1` : OVER
    const support = this.member(offsetOf(voter)).state.supports.get(holder)
    const current = support?.incarnation === this.member(offsetOf(holder)).life
    return current && support?.grant === grant && support.until > this.now ? PRESENT : OVER
  }

  /** The state of a member with everything told as the exploration tells it. */
  private portrait(i: number): State {
    const { bounds } = this
    const self = letter(i)
    const seatName = (id: string) => letter((offsetOf(id) - i + bounds.members) % bounds.members)
    const raw = this.member(i).state
    const s = renamedState(raw, seatName)
    const shift = BASE - this.now
    s.bootUntil += shift
    for (const [id, support] of raw.supports) {
      const copy = s.supports.get(seatName(id))
      if (copy === undefined) continue
      copy.until = Math.max(BASE, support.until + shift)
      copy.incarnation = this.lifeName(id, support.incarnation)
      if (support.grant !== null) copy.grant = support.until > this.now ? PRESENT : null
    }
    for (const [id, account] of raw.accounts) {
      const copy = s.accounts.get(seatName(id))
      if (copy === undefined) continue
      copy.incarnation = this.lifeName(id, account.incarnation)
      copy.untilByGrant.clear()
      for (const [grant, until] of account.untilByGrant)
        copy.untilByGrant.set(this.grantName(id, self, grant), until + shift)
    }
    for (const lease of s.leases.values()) lease.until += shift
    const { slot, lead, campaign } = electionIn(raw)
    const election = electionIn(s)
    if (slot.binding !== null) {
      const { leader, grant, incarnation } = slot.binding
      const stands = leader === self || raw.supports.get(leader)?.grant === grant
      const held = { leader: seatName(leader), incarnation: this.lifeName(leader, incarnation) }
      const name = stands ? PRESENT : OVER
      election.slot.binding = { ...slot.binding, ...held, grant: leader === self ? grant : name }
    }
    for (const [voter, grants] of lead?.bound ?? []) {
      const names = grants.map((grant) => this.grantName(voter, self, grant))
      rebind(election.lead, seatName(voter), names)
    }
    for (const [voter, grant] of campaign?.grants ?? [])
      election.campaign?.grants.set(seatName(voter), this.grantName(voter, self, grant))
    const certificate = campaign?.certificate
    if (certificate != null && election.campaign !== null) {
      const incarnation = this.lifeName(certificate.leader, certificate.incarnation)
      const named = renameCertificate(certificate, seatName)
      election.campaign = { ...election.campaign, certificate: { ...named, incarnation } }
    }
    return s
  }

  /** Everything that was ever said to the present life of a member. */
  private inbox(i: number): Hearing[] {
    const { life } = this.member(i)
    const heard: Hearing[] = []
    for (const frame of this.sent) {
      if (frame.to !== letter(i) || frame.toIncarnation !== life) continue
      const from = (offsetOf(frame.from) - i + this.bounds.members) % this.bounds.members
      for (const part of frame.parts) {
        const said = statement(part)
        if (said === null) continue
        const named = this.named(said, frame.from, i)
        heard.push({ from, life: this.lifeName(frame.from, frame.fromIncarnation), part: named })
      }
    }
    for (const { voter, life: of, sessions, holders, at } of this.ends) {
      if (holders[i] !== life) continue
      const from = (voter - i + this.bounds.members) % this.bounds.members
      const left = sessions[(this.bounds.members - from) % this.bounds.members] ?? 0
      const named = this.lifeName(letter(voter), of)
      for (let u = 1; from > 0 && u <= left; u++) {
        const round = BASE - this.bounds.promise + u - (this.now - at)
        heard.push({ from, life: named, part: { kind: 'ack', round, grant: `${named}.1`, renewed: true } })
      }
    }
    return heard
  }

  private named(part: Part, from: string, i: number): Part {
    const seatName = (id: string) => letter((offsetOf(id) - i + this.bounds.members) % this.bounds.members)
    if (part.kind === 'voteReply' || part.kind === 'bindAck') {
      if (part.grant === null || part.grant === FRESH_GRANT) return part
      return { ...part, grant: this.grantName(from, letter(i), part.grant) }
    }
    if (part.kind !== 'requestVote' && part.kind !== 'timeoutNow') return part
    if (part.certificate === null) return part
    const incarnation = this.lifeName(part.certificate.leader, part.certificate.incarnation)
    const certificate = { ...renameCertificate(part.certificate, seatName), incarnation }
    if (part.kind === 'requestVote') return { ...part, certificate }
    return { ...part, certificate, storageId: diskOf(letter(0)) }
  }
}

function linkAllOf(state: State) {
  return state.accounts.values()
}
