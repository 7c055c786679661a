/**
 * Leading: winning a term (R5), telling the voters (R62), renouncing for good (R16, R20), handing over (R21).
 *
 * `renounce` is the one way out of every leadership and every lost campaign: no lease, no binding. After it no term up
 * to `topTerm` can come back (P7), and every voter is owed a release (R63).
 * Read next: `campaigns.ts`.
 */
import { oweBind, oweRelease } from './facts'
import { addBound, attachLease, boundOf, detachLease, isShortened } from './leases'
import { STAND_AT_MOST } from './numbers'
import { noteLeader, seekBetter } from './preference'
import { isBlocking } from './quorum'
import { standingGrant, votes } from './sessions'
import type { Account, Campaign, Election, Lead } from './state'
import { attemptAt, forgetFailures } from './succession'
import { free, sendFirst, slotMoved, type Turn } from './turn'
import type { Grant, ProcessId, RevokeReason, Role, Term } from './types'
import { isHeldBy, release } from './voter'

/** Does the binding of the own slot stand at this reading? (R11, R15, R59) */
export function isBound(turn: Turn, election: Election): boolean {
  if (!votes(turn)) return election.lead !== null || saidBound(turn, election)
  const held = election.slot.binding
  if (held === null || held.released) return false
  if (isHeldBy(held, turn.config.self, turn.config.incarnation)) {
    return election.lead !== null || election.campaign?.phase === 'vote'
  }
  return standingGrant(turn, held.leader, held.incarnation) === held.grant
}

/** Without an own slot: a quorum of voters said that they are bound. */
function saidBound(turn: Turn, election: Election): boolean {
  return isBlocking(turn.state.cluster, (voter) => election.notices.get(voter)?.free === false)
}

/** Sets the role and reports a change. */
export function settleRole(turn: Turn, election: Election): void {
  const { lead, campaign } = election
  let role: Role = 'follower'
  if (lead !== null) role = 'leader'
  else if (campaign !== null) role = campaign.phase === 'vote' ? 'candidate' : 'preCandidate'
  if (role === election.role) return
  election.role = role
  turn.effects.push({ type: 'roleChanged', election: election.name, role })
}

/** Reports who leads as far as this process knows, if that changed. A vote for the known leader's next term is no change. */
export function observeLeader(turn: Turn, election: Election): void {
  const held = election.slot.binding
  let leader: ProcessId | null = null
  let term: Term = 0
  if (election.lead !== null) {
    leader = turn.config.self
    term = election.lead.term
  } else if (!votes(turn)) {
    for (const notice of election.notices.values()) {
      if (notice.leader === null || notice.free || notice.knownTerm < term) continue
      leader = notice.leader
      term = notice.knownTerm
    }
  } else if (held !== null && isBound(turn, election)) {
    if (held.led) {
      leader = held.leader
      term = held.term
    } else if (held.leader === election.leader) {
      return
    }
  }
  if (leader !== null && !votes(turn)) election.lastLeader = leader
  if (leader === election.leader && term === election.leaderTerm) return
  election.leader = leader
  election.leaderTerm = term
  noteLeader(turn, election, leader)
  turn.effects.push({ type: 'leaderChanged', election: election.name, leader, term })
}

/** A quorum of grants stands: lead at this very instant (R5), tell everybody (R62). */
export function win(turn: Turn, election: Election, campaign: Campaign): void {
  const { state, config } = turn
  if (election.lead !== null) drop(turn, election, election.lead, 'reelected')
  election.campaign = null
  state.campaigning.delete(election.name)
  state.standLimit = Math.min(STAND_AT_MOST, state.standLimit + 1)
  const lead: Lead = { term: campaign.term, bound: boundOf(turn, campaign), lease: 0, frozen: null }
  election.lead = lead
  forgetFailures(election)
  election.successor = null
  election.evidence = false
  attemptAt(turn, election, Number.POSITIVE_INFINITY)
  const own = election.slot.binding
  if (own !== null && isHeldBy(own, config.self, config.incarnation))
    election.slot.binding = { ...own, led: true }
  attachLease(turn, election, lead)
  turn.effects.push({ type: 'elected', election: election.name, term: lead.term, lease: lead.lease })
  for (const [voter, account] of state.accounts) oweBind(turn, voter, account, election, lead.term)
  slotMoved(turn, election.name)
  settleRole(turn, election)
  observeLeader(turn, election)
  seekBetter(turn, election)
}

/** A voter is bound to the present leadership, in its term or a later one, under that grant: count it (R12, R65). */
export function countBound(turn: Turn, election: Election, lead: Lead, voter: ProcessId, grant: Grant): void {
  if (lead.frozen !== null) return
  addBound(turn, lead, voter, grant)
  attachLease(turn, election, lead)
}

/** A voter's grant is new to this process: every leadership that is not bound under it is owed again, in one batch (R62). */
export function oweToNewGrant(turn: Turn, voter: ProcessId, account: Account): void {
  const { grant } = account
  if (grant === null) return
  for (const lease of [...turn.state.leases.values()]) {
    if (lease.frozen) continue
    for (const name of [...lease.elections]) {
      const election = turn.state.elections.get(name)
      if (election?.lead == null) continue
      // told before its first ack came: it counts from now on
      if (election.lead.bound.get(voter)?.includes(grant) === true) attachLease(turn, election, election.lead)
      else oweBind(turn, voter, account, election, election.lead.term)
    }
  }
}

/** A store has ended its word: what hung on it hangs on the others, and is lost at once if these are no quorum (R47, R66). */
export function dropVoided(turn: Turn, store: ProcessId): void {
  for (const lease of [...turn.state.leases.values()]) {
    if (!lease.bound.has(store) || !isShortened(turn, lease)) continue
    for (const name of [...lease.elections]) {
      const election = turn.state.elections.get(name)
      const lead = election?.lead
      if (election === undefined || lead == null) continue
      attachLease(turn, election, lead)
      const until = turn.state.leases.get(lead.lease)?.until ?? Number.NEGATIVE_INFINITY
      if (lead.frozen !== null || until <= turn.now) renounce(turn, election, lead.frozen ?? 'superseded')
    }
  }
}

function drop(turn: Turn, election: Election, lead: Lead, reason: RevokeReason): void {
  detachLease(turn, election, lead)
  election.lead = null
  turn.effects.push({ type: 'revoked', election: election.name, term: lead.term, reason })
}

/**
 * Renounces every term up to `topTerm` for good: leadership and campaign end, the own slot is free, every voter is owed
 * a release that names whoever shall go first (R16, R20, R63).
 */
export function renounce(
  turn: Turn,
  election: Election,
  reason: RevokeReason,
  successor: ProcessId | null = null,
): void {
  const { state, config } = turn
  election.campaign = null
  state.campaigning.delete(election.name)
  if (election.lead !== null) {
    drop(turn, election, election.lead, reason)
    attemptAt(turn, election, Number.POSITIVE_INFINITY)
  }
  if (election.topTerm > 0) {
    const held = election.slot.binding
    if (held !== null && isHeldBy(held, config.self, config.incarnation)) {
      release(election.slot, true, config.self, config.incarnation, election.topTerm)
    }
    for (const [voter, account] of state.accounts) oweRelease(turn, voter, account, election, successor)
  }
  election.successor = successor
  free(turn, election.name, 'own')
  settleRole(turn, election)
}

/** Renounces in favour of one process and tells it to campaign at once (R21). */
export function transfer(turn: Turn, election: Election, reason: RevokeReason, to: ProcessId): void {
  renounce(turn, election, reason, to)
  nominate(turn, election, to)
}

/** Tells a process to campaign at once, with a certificate of what has been renounced (R21). */
export function nominate(turn: Turn, election: Election, to: ProcessId): void {
  const { config, state } = turn
  const storageId = state.supports.get(to)?.storageId ?? null
  if (storageId === null || election.topTerm === 0) return
  sendFirst(turn, to, {
    kind: 'timeoutNow',
    election: election.name,
    storageId,
    certificate: {
      leader: config.self,
      storageId: config.storageId,
      incarnation: config.incarnation,
      term: election.topTerm,
    },
  })
}
