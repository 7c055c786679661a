/**
 * What is on its way: for each process a set of messages that were said to it and may arrive never, once or many times.
 *
 * A message is told as its receiver will hear it (a *hearing*: who says it by where he sits, in which life, the part), so
 * one hearing serves every pair of processes that sit alike. A message leaves its set only when it can do nothing any
 * more (`spent`), or when its receiver's life is over. Read next: `behaviour.ts`.
 */
import type { Part, State } from '../../src/core'
import { FRESH_GRANT, OVER, olderGrant, PRESENT, type Presumed } from './canonical'
import { BASE, diskOf, electionIn, LIFE, letter, mirrorName, offsetOf, renameCertificate } from './process'

/** A message as its receiver hears it. Names in the part are the receiver's names. */
export interface Hearing {
  /** Offset of the sender, seen from the receiver. */
  readonly from: number
  /** Life of the sender. */
  readonly life: number
  readonly part: Part
}

/** All messages that were ever met, each with a number. */
export class Hearings {
  private readonly list: Hearing[] = []
  private readonly ids = new Map<string, number>()

  constructor(private readonly members: number) {}

  get size(): number {
    return this.list.length
  }

  at(id: number): Hearing {
    return this.list[id] as Hearing
  }

  id(hearing: Hearing): number {
    // parts are made in several places of the core, which need not agree on the order of their fields
    const fields = Object.entries(hearing.part).sort(([x], [y]) => (x < y ? -1 : 1))
    const key = JSON.stringify([hearing.from, hearing.life, fields])
    let id = this.ids.get(key)
    if (id === undefined) {
      id = this.list.length
      this.ids.set(key, id)
      this.list.push(hearing)
    }
    return id
  }

  /** What the process at `offset` hears when this one says that part. */
  said(part: Part, offset: number): number {
    const { members } = this
    const renamed = relocate(part, (name) => letter((offsetOf(name) - offset + members) % members))
    return this.id({ from: members - offset, life: LIFE, part: renamed })
  }

  /** The same message when everybody sits the other way round. */
  mirror(id: number): number {
    const { from, life, part } = this.at(id)
    const renamed = relocate(part, (name) => mirrorName(name, this.members))
    return this.id({ from: this.members - from, life, part: renamed })
  }

  /** The same messages after the process at `offset` began another life; what it said is of the life before. */
  olderBy(ids: readonly number[], offset: number): number[] {
    return ids.map((id) => {
      const { from, life, part } = this.at(id)
      const aged = ageCertificate(part, letter(offset))
      if (from !== offset) return this.id({ from, life, part: aged })
      const grant = 'grant' in aged && aged.grant !== null ? { grant: olderGrant(aged.grant) } : {}
      return this.id({ from, life: life - 1, part: { ...aged, ...grant } as Part })
    })
  }

  /** The same message a tick later: only an ack grows old, as its round is named after the instant of its sending. */
  aged(id: number): number {
    const { from, life, part } = this.at(id)
    return part.kind === 'ack' ? this.id({ from, life, part: { ...part, round: part.round - 1 } }) : id
  }

  /** The same messages after the present grant of the voter at `offset` got another name. */
  renamed(ids: readonly number[], offset: number, to: string): number[] {
    return ids.map((id) => {
      const { from, life, part } = this.at(id)
      if (from !== offset || !('grant' in part) || part.grant !== PRESENT) return id
      return this.id({ from, life, part: { ...part, grant: to } })
    })
  }
}

/** What of a part stays on its way, under canonical names; null for what the exploration models otherwise. */
export function statement(part: Part): Part | null {
  switch (part.kind) {
    case 'requestVote':
      return { ...part, nonce: part.term }
    case 'bind':
      return part
    case 'release':
      return { ...part, successor: null }
    case 'timeoutNow':
      return part
    case 'voteReply': {
      const { grant, term } = part
      if (grant === null) return null
      return { ...part, nonce: term, grant: presentName(grant), refusal: null, knownTerm: term, leader: null }
    }
    case 'bindAck': {
      const { grant, term } = part
      return grant === null ? null : { ...part, grant: presentName(grant), knownTerm: term }
    }
    default:
      return null
  }
}

export function presentName(grant: string): string {
  return grant === FRESH_GRANT ? PRESENT : grant
}

function relocate(part: Part, rename: (name: string) => string): Part {
  if (part.kind !== 'requestVote' && part.kind !== 'timeoutNow') return part
  if (part.certificate === null) return part
  const certificate = renameCertificate(part.certificate, rename)
  if (part.kind === 'requestVote') return { ...part, certificate }
  return { ...part, certificate, storageId: diskOf(letter(0)) }
}

function ageCertificate(part: Part, name: string): Part {
  if (part.kind !== 'requestVote' && part.kind !== 'timeoutNow') return part
  const { certificate } = part
  if (certificate === null || certificate.leader !== name) return part
  return { ...part, certificate: { ...certificate, incarnation: certificate.incarnation - 1 } } as Part
}

/** What a process has to know to judge its messages. */
export interface Listener {
  readonly state: State
  readonly maxTerm: number
  readonly promise: number
  readonly presumed: Presumed
  /** Highest term that each other process has renounced, as far as its messages here tell; by offset. */
  readonly renounced: readonly number[]
}

/** The highest term whose release is on its way here or has come, by offset of who renounced. */
export function renouncedTo(hearings: readonly Hearing[], state: State, members: number): number[] {
  const terms = new Array<number>(members).fill(0)
  for (const { from, life, part } of hearings) {
    if (part.kind === 'release' && life === LIFE) terms[from] = Math.max(terms[from] as number, part.term)
  }
  const held = electionIn(state).slot.binding
  if (held?.released === true) {
    const offset = offsetOf(held.leader)
    if (held.incarnation === LIFE) terms[offset] = Math.max(terms[offset] as number, held.term)
  }
  return terms
}

/** True if by the rules a message can never again change that receiver; `README.md` argues each case. */
export function spent({ from, life, part }: Hearing, listener: Listener): boolean {
  const { state, maxTerm, promise, presumed, renounced } = listener
  const sender = letter(from)
  const { slot, campaign, lead } = electionIn(state)
  if (life < (state.supports.get(sender)?.incarnation ?? 0)) return true
  const held = slot.binding
  const stands = held !== null && !held.released
  switch (part.kind) {
    case 'requestVote': {
      const { certificate } = part
      const voids = certificate !== null && stands && held.leader === certificate.leader
      return part.term <= slot.knownTerm && !voids
    }
    case 'bind':
      if (part.term !== slot.knownTerm) return part.term < slot.knownTerm
      return life < LIFE || (renounced[from] as number) >= part.term
    case 'release': {
      if (part.term > slot.knownTerm) return false
      return !(stands && held.leader === sender && held.incarnation === life && held.term <= part.term)
    }
    case 'voteReply':
    case 'bindAck': {
      const { grant } = part
      if (grant === null) return true
      const retired = grant !== PRESENT && grant.startsWith(`${LIFE}.`)
      const counts = !retired || state.accounts.get(sender)?.untilByGrant.has(grant) === true
      if ((grant === OVER || !counts) && presumed.overCountsNothing) return true
      const votes = part.kind === 'voteReply' && campaign?.phase === 'vote' && campaign.term === part.term
      if (votes && campaign.grants.get(sender) !== grant) return false
      return lead === null || lead.term > part.term || lead.bound.get(sender)?.includes(grant) === true
    }
    case 'timeoutNow':
      return slot.knownTerm >= maxTerm
    case 'ack':
      return part.round + promise <= BASE
    default:
      return true
  }
}
