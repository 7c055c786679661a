/**
 * What of a process is forgotten, and under which names grants are remembered. Why nothing is lost by that: `README.md`.
 *
 * Names: the grant that a voter gives to a holder at present is `<life of the voter>.1`, everywhere. One that has ended
 * at its voter while its holder still counts it is *retired*: `.2` and up. One that ended and is not counted is `over`.
 * The core compares grants for equality within one pair only, so names may be chosen like that, provided that a new
 * grant really gets a new name: `nameGiven` insists on it (R58).
 */
import type { Account, Lead, State } from '../../src/core'
import { BASE, type Bounds, diskTerm, electionIn, LIFE, letter, NAME, rebind, setDiskTerm } from './process'

/** The number that the first new grant of a step gets: above every number in use. */
const FRESH = 1_000
/** The name that the next new grant must get. */
export const FRESH_GRANT = `${LIFE}.${FRESH + 1}`
/** The name of a present grant. */
export const PRESENT = `${LIFE}.1`
/** A grant that can count for nothing any more, whichever it was. */
export const OVER = 'over'

/** Rules that forgetting relies on. A core that breaks one is explored without the part that relies on it. */
export interface Presumed {
  /** R59: a grant that ran out never stands again, so nobody needs to know that there was one. */
  readonly lapseIsFinal: boolean
  /** R60: a vote under a grant that is over counts for nothing, so nobody needs to remember it. */
  readonly overCountsNothing: boolean
  /** R2, R4: requests at or below the known term and answers to earlier campaigns change nothing. */
  readonly spentDoesNothing: boolean
}

/** Sets up a process so that whatever it makes anew in the next step gets a name that is in use nowhere. */
export function prepareNames(state: State): void {
  state.round = BASE
  state.grantCounter = FRESH
  state.nonceCounter = electionIn(state).slot.knownTerm
}

/** The grants that this process gives at present, by offset. */
export function givenGrants(state: State, { members }: Bounds): (string | null)[] {
  return Array.from({ length: members }, (_, offset) => state.supports.get(letter(offset))?.grant ?? null)
}

/**
 * Brings a state into canonical form, in place. `before`: what `givenGrants` said before the step. Returns, bit by bit,
 * the offsets to which the grant given before has ended. Throws if a new grant has a name that was used before (R58).
 */
export function canonicalize(
  state: State,
  bounds: Bounds,
  presumed: Presumed,
  before: readonly (string | null)[] = [],
): number {
  resetBookkeeping(state)
  for (const support of state.supports.values()) {
    if (support.until > BASE) continue
    support.until = BASE
    if (presumed.lapseIsFinal) support.grant = null
  }
  const { lead, campaign } = electionIn(state)
  for (const account of state.accounts.values()) {
    if (lead === null && campaign === null) account.untilByGrant.clear()
    for (const [grant, until] of account.untilByGrant) {
      const snapped = snap(until)
      if (snapped <= BASE) account.untilByGrant.delete(grant)
      else account.untilByGrant.set(grant, snapped)
    }
  }
  const ended = nameGiven(state, bounds, before)
  settleElection(state)
  for (const [voter, account] of state.accounts) forgetOver(state, voter, account, presumed)
  settleLease(state)
  return ended
}

/** Whatever only says when something is tried next, or is over at the end of a step. */
function resetBookkeeping(state: State): void {
  state.now = BASE
  state.random = 1
  state.nonceCounter = 0
  settleWrite(state)
  state.maxPromiseDecidedAt = 0
  state.grantCounter = 0
  state.nextHeartbeatAt = Number.POSITIVE_INFINITY
  state.timers.length = 0
  state.round = 0
  state.rounds.clear()
  state.leaseCounter = 1
  if (state.bootUntil <= BASE) state.bootUntil = 0
  // whoever leads or campaigns stamps a round each interval, whether or not a frame leaves (R13)
  const busy = state.campaigning.size > 0 || state.leases.size > 0
  state.ownRoundAt = busy ? BASE : Number.NEGATIVE_INFINITY
  for (const support of state.supports.values()) {
    support.bound.clear()
    support.lastRound = 0
  }
  for (const account of state.accounts.values()) {
    account.facts.clear()
    account.contentions.clear()
    account.lastAnsweredSend = BASE
    account.roundTripMs = null
    account.connectedAt = BASE
    account.grantRound = 0
    // so each ack makes the lease be looked at again, as the first ack of a grant does
    account.grant = null
  }
}

/** At most one write is under way, and it holds everything: decision 1. Only a campaign of the present may wait for it. */
function settleWrite(state: State): void {
  const { campaign, decidedTerm } = electionIn(state)
  state.decided = diskTerm(state) < decidedTerm ? 1 : 0
  state.written = 0
  state.waiting.length = 0
  if (state.decided === 0 || campaign === null || campaign.durable) return
  state.waiting.push({ kind: 'campaign', version: 1, election: NAME, nonce: campaign.term })
}

/** No crash can follow: all that matters of the disk is whether a campaign waits for it. */
export function forgetDisk(state: State): void {
  const { campaign, decidedTerm } = electionIn(state)
  setDiskTerm(state, campaign === null || campaign.durable ? decidedTerm : 0)
}

/** Sixteenths of a tick: len(D) is a quotient, and equal instants have to be equal numbers. */
function snap(instant: number): number {
  return BASE + Math.round((instant - BASE) * 16) / 16
}

// --- names of grants --------------------------------------------------------------------------------------------------

/** Names the grants that this process gives. A binding under any grant but the present one is over. */
function nameGiven(state: State, { members }: Bounds, before: readonly (string | null)[]): number {
  const { slot } = electionIn(state)
  let ended = 0
  for (let offset = 1; offset < members; offset++) {
    const id = letter(offset)
    const support = state.supports.get(id)
    // nothing of a life that is over needs protection any more
    if (support !== undefined && support.incarnation < LIFE) support.grant = null
    const grant = support?.grant ?? null
    const was = before[offset] ?? null
    if (was !== null && grant !== was) ended |= 1 << offset
    const held = slot.binding
    if (held !== null && held.leader === id) {
      const stands = !held.released && held.grant === grant && held.incarnation === support?.incarnation
      slot.binding = { ...held, grant: stands ? PRESENT : OVER }
    }
    if (support === undefined) continue
    if (grant === null) support.until = BASE
    if (grant === null || grant === was) continue
    if (grant !== FRESH_GRANT) throw new Error(`R58: the new grant ${grant} is not of a new name`)
    support.grant = PRESENT
  }
  return ended
}

/** Grants of that voter that this process holds, in whatever way. */
export function heldGrants(state: State, voter: string): Set<string> {
  const { lead, campaign } = electionIn(state)
  const names = new Set<string>(state.accounts.get(voter)?.untilByGrant.keys())
  for (const grant of lead?.bound.get(voter) ?? []) names.add(grant)
  const granted = campaign?.grants.get(voter)
  if (granted !== undefined) names.add(granted)
  return names
}

/**
 * Grants that have ended and are not counted are over. Those of a former life of the voter only when its present one was
 * met: until then an ack of the former life may still make them count.
 */
function forgetOver(state: State, voter: string, account: Account, presumed: Presumed): void {
  const met = state.supports.get(voter)?.incarnation === LIFE
  for (const grant of heldGrants(state, voter)) {
    if (grant === PRESENT || account.untilByGrant.has(grant)) continue
    if (grant === OVER || met || grant.startsWith(`${LIFE}.`)) renameHeld(state, voter, grant, OVER, presumed)
  }
}

/** Renames one grant wherever this process holds it. */
export function renameHeld(state: State, voter: string, from: string, to: string, presumed: Presumed): void {
  const { lead, campaign } = electionIn(state)
  const forgotten = to === OVER && presumed.overCountsNothing
  const account = state.accounts.get(voter)
  const until = account?.untilByGrant.get(from)
  if (account !== undefined && until !== undefined) {
    account.untilByGrant.delete(from)
    if (!forgotten) account.untilByGrant.set(to, until)
  }
  const grants = lead?.bound.get(voter) ?? []
  if (grants.includes(from)) {
    const others = grants.filter((grant) => grant !== from)
    rebind(lead, voter, forgotten ? others : [...others, to])
  }
  if (campaign?.grants.get(voter) === from) {
    if (forgotten) campaign.grants.delete(voter)
    else campaign.grants.set(voter, to)
  }
}

/** The voter at that offset has ended its grant to this process; in place. The new name; null if it is not held. */
export function retireHeld(state: State, offset: number, presumed: Presumed): string {
  const id = letter(offset)
  const names = heldGrants(state, id)
  let to = OVER
  if (state.accounts.get(id)?.untilByGrant.has(PRESENT)) {
    let number = 2
    while (names.has(`${LIFE}.${number}`)) number += 1
    to = `${LIFE}.${number}`
  }
  if (names.has(PRESENT)) renameHeld(state, id, PRESENT, to, presumed)
  settleLease(state)
  return to
}

// --- the election -----------------------------------------------------------------------------------------------------

function settleElection(state: State): void {
  const election = electionIn(state)
  const { lead, slot } = election
  election.decidedAt = 0
  election.parked = null
  election.evidence = false
  election.jumpedAt = Number.NEGATIVE_INFINITY
  election.attemptAt = Number.POSITIVE_INFINITY
  election.freeAt = Number.NEGATIVE_INFINITY
  election.notBefore = Number.NEGATIVE_INFINITY
  election.failures = 0
  election.successor = null
  election.leader = null
  election.leaderTerm = 0
  election.role = 'follower'
  election.lastRefusals = new Map()
  if (election.campaign !== null) {
    const { term, grants } = election.campaign
    election.campaign = {
      ...election.campaign,
      nonce: term,
      startedAt: BASE,
      deadline: Number.POSITIVE_INFINITY,
      grants,
      refusals: null,
    }
  }
  state.campaignsEndAt = Number.POSITIVE_INFINITY
  const { campaign } = election
  if (campaign?.phase !== 'vote') for (const account of state.accounts.values()) account.unasked.clear()
  // whoever neither leads nor campaigns has said its release; its next campaign sets another top term
  if (lead === null && campaign === null) election.topTerm = 0
  const held = slot.binding
  if (held === null) return
  const own = held.leader === letter(0)
  const busy = lead !== null || campaign !== null
  const stands = own ? busy && !held.released : held.grant !== OVER
  const marks = !own && held.released && held.term === slot.knownTerm
  if (!stands) slot.binding = marks ? { ...held, led: false } : null
}

/** One election has one lease at most, and what hangs on it follows from the bound set. */
export function settleLease(state: State): void {
  const { lead } = electionIn(state)
  const former = lead === null ? undefined : state.leases.get(lead.lease)
  state.leases.clear()
  if (lead === null || former === undefined) return
  lead.lease = 1
  const until = Math.max(snap(former.until), BASE)
  const elections = new Set([NAME])
  const bound = former.frozen ? new Map() : boundSet(lead)
  const key = former.frozen ? 'frozen' : keyOf(state, bound)
  state.leases.set(1, { ...former, id: 1, key, bound, until, elections })
}

function boundSet(lead: Lead): Map<string, string[]> {
  return new Map([...lead.bound].map(([voter, grants]) => [voter, [...grants].sort()]))
}

/** As `leases.ts` writes it. */
function keyOf(state: State, bound: ReadonlyMap<string, readonly string[]>): string {
  let key = ''
  for (let o = 0; o <= state.accounts.size; o++) key += `${bound.get(letter(o))?.join('+') ?? ''}|`
  return key
}

// --- lives --------------------------------------------------------------------------------------------------------------

/** The same grant after its voter began another life. */
export function olderGrant(grant: string): string {
  if (grant === OVER) return OVER
  const [life = '', number = ''] = grant.split('.')
  return `${Number(life) - 1}.${number}`
}

/** The process at that offset has crashed and begun another life; this one has not met it yet. In place. */
export function peerRestarted(state: State, offset: number): void {
  const id = letter(offset)
  const election = electionIn(state)
  const { slot, lead, campaign } = election
  const support = state.supports.get(id)
  const account = state.accounts.get(id)
  if (support !== undefined && support.incarnation > 0) support.incarnation -= 1
  if (account !== undefined) {
    if (account.incarnation > 0) account.incarnation -= 1
    rekey(account.untilByGrant)
  }
  if (slot.binding?.leader === id)
    slot.binding = { ...slot.binding, incarnation: slot.binding.incarnation - 1 }
  const certificate = campaign?.certificate
  if (campaign !== null && certificate?.leader === id) {
    const older = { ...certificate, incarnation: certificate.incarnation - 1 }
    election.campaign = { ...campaign, certificate: older }
  }
  rebind(lead, id, lead?.bound.get(id)?.map(olderGrant) ?? [])
  const granted = campaign?.grants.get(id)
  if (granted !== undefined) campaign?.grants.set(id, olderGrant(granted))
}

function rekey(map: Map<string, number> | undefined): void {
  if (map === undefined) return
  const entries = [...map]
  map.clear()
  for (const [grant, value] of entries) map.set(olderGrant(grant), value)
}

// --- equality -----------------------------------------------------------------------------------------------------------

/** A text that is equal for canonical states that can only behave alike. `durable`: the disk may still be read. */
export function encode(state: State, durable: boolean): string {
  let text = state.bootUntil === 0 ? '' : `boot${state.bootUntil - BASE}`
  for (const [id, account] of state.accounts) text += encodeSession(state, id, account)
  return text + encodeElection(state, durable)
}

/** The half of `encode` that is about the election. */
export function encodeElection(state: State, durable: boolean): string {
  const { slot, lead, campaign, topTerm, decidedTerm } = electionIn(state)
  let text = `/${slot.knownTerm}`
  if (durable) text += `,${decidedTerm}`
  if (durable && diskTerm(state) < decidedTerm) text += `w${diskTerm(state)}`
  if (slot.binding !== null) {
    const { leader, incarnation: life, term, grant, led, released } = slot.binding
    text += `,${leader}${life}.${term},${grant}${led ? 'L' : ''}${released ? 'R' : ''}`
  }
  if (lead !== null) {
    text += `/L${lead.term},${topTerm},${lead.frozen ?? ''},${leaseEnd(state)}`
    for (const [voter, grants] of inOrder(lead.bound)) text += `,${voter}(${[...grants].sort().join(')(')})`
  }
  if (campaign !== null) {
    const { term, phase, durable: written, grants, certificate } = campaign
    text += `/C${term},${phase},${written ? '' : 'W'}`
    for (const [voter, grant] of inOrder(grants)) text += `,${voter}${grant}`
    for (const [voter, { unasked }] of inOrder(state.accounts)) if (unasked.size > 0) text += `,${voter}?`
    if (certificate !== null) text += `!${certificate.leader}${certificate.incarnation}.${certificate.term}`
  }
  return text
}

function leaseEnd(state: State): number {
  return (state.leases.get(1)?.until ?? BASE) - BASE
}

function encodeSession(state: State, id: string, account: Account): string {
  let text = `;${account.incarnation}${account.connected ? '' : '-'}`
  const support = state.supports.get(id)
  if (support !== undefined) {
    text += `,${support.incarnation}${support.ended ? 'E' : ''}`
    if (support.grant !== null) text += `,${support.grant},${support.until - BASE}`
  }
  return text + encodeGrants(account.untilByGrant, BASE)
}

function encodeGrants(grants: ReadonlyMap<string, number>, base: number): string {
  let text = ''
  for (const [grant, number] of inOrder(grants)) text += `(${grant}=${number - base})`
  return text
}

function inOrder<V>(map: ReadonlyMap<string, V>): Iterable<[string, V]> {
  return map.size < 2 ? map : [...map].sort(([x], [y]) => (x < y ? -1 : 1))
}
