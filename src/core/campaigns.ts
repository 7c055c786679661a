/**
 * Standing for election: pre-vote (R8), campaign (R3, R4), and what becomes of each answer (R5, R9, R22, R65).
 *
 * A campaign is void at its deadline *on read*, and before anything else of that turn (R16). Its requests leave while the
 * own vote is being written (A.10.7), but nothing is won before that write is done (R1). A leader that learns of a higher term campaigns, too, and keeps its lease meanwhile (R22).
 * Read next: `votes.ts` (the other side).
 */

import { decideTerm } from './durability'
import { oweBind, oweRelease } from './facts'
import { countBound, isBound, renounce, settleRole, win } from './leadership'
import { winsNow } from './leases'
import { stamp } from './membership'
import type { BindAck, Certificate, PreVote, PreVoteReply, RequestVote, VoteReply } from './messages'
import {
  ASKED_AGAIN,
  FEW,
  LARGE_TERM_JUMP,
  LARGE_TERM_JUMP_INTERVAL_MS,
  MAX_TERM,
  MAX_TERM_JUMP,
  STAND_AT_FIRST,
  STAND_AT_LEAST,
} from './numbers'
import { isQuorum, leastQuorum } from './quorum'
import { answersLately, heartbeatTo, noteAnswer, OWN_GRANT, stampRound, votes } from './sessions'
import { type Account, type Campaign, type Election, type Membership, NONE } from './state'
import { attemptAt, backOff } from './succession'
import { alarm, floorOf, isPaused, nonce, send, type Turn } from './turn'
import type { ProcessId, Refusal, Term } from './types'
import { vote } from './voter'

/** What keeps this very process from giving votes and from standing, in any election (R1, R19, R28, R71). */
export function ownObstacle(turn: Turn): Refusal | null {
  const { state } = turn
  if (state.ended) return 'ended'
  if (state.storageFailed) return 'storage'
  if (state.recovery !== null) return 'recovering'
  if (turn.now < state.bootUntil) return 'boot'
  return state.membership === null ? null : outsider(turn, state.membership)
}

/** R34: who is outside its own configuration neither votes nor stands; nor does a founder that has not met all others. */
function outsider({ state }: Turn, { unmet }: Membership): Refusal | null {
  return state.isVoter && unmet.size === 0 ? null : 'config'
}

/**
 * May that term be believed? (R44) A safe integer, not too far above what is known, and large jumps at most once a minute.
 * Whoever makes it the known term calls `noteJump` before.
 */
export function plausible(turn: Turn, election: Election, term: Term, from: ProcessId): boolean {
  const known = floorOf(turn, election)
  if (Number.isSafeInteger(term) && term >= 0 && term <= MAX_TERM) {
    if (term <= known || election.slot.knownTerm === 0) return true
    // the record of a store is a durable term, not a claim; one that is volatile goes on from the wall clock (R48)
    if (turn.state.accounts.get(from)?.kind === 'store') return true
    const jump = jumpTo(turn, election, term)
    if (jump <= LARGE_TERM_JUMP) return true
    if (jump <= MAX_TERM_JUMP && turn.now - election.jumpedAt >= LARGE_TERM_JUMP_INTERVAL_MS) return true
  }
  alarm(turn, 'termJump', election.name, from, `term ${term}, known here is ${known}`)
  return false
}

/**
 * How far above everything that is to be expected that term lies. Where nothing is durable floors are wall clocks, and one
 * that was set later than one's own is no jump (R28).
 */
function jumpTo(turn: Turn, election: Election, term: Term): number {
  return term - Math.max(floorOf(turn, election), turn.now + turn.state.wallAheadMs)
}

/** The election's known term is about to become `term`: a large jump uses up its minute (R44). */
export function noteJump(turn: Turn, election: Election, term: Term): void {
  if (jumpTo(turn, election, term) > LARGE_TERM_JUMP) election.jumpedAt = turn.now
}

/** Learns a term from an answer (R9): volatile, and never a reason to step down (R22). */
function learn(turn: Turn, election: Election, term: Term, from: ProcessId): void {
  if (term <= election.slot.knownTerm || !plausible(turn, election, term, from)) return
  noteJump(turn, election, term)
  election.slot.knownTerm = term
}

// --- standing -----------------------------------------------------------------------------------------------------

/**
 * Whether another campaign may begin: ten thousand elections of a dead process are stood for in turns, not in one burst that
 * nobody can answer in time (A.10.5). How many at once is found as a sender finds its window: each win is room for one more,
 * campaigns that run out of time halve it.
 */
export function mayStand(turn: Turn): boolean {
  return turn.state.campaigning.size < turn.state.standLimit
}

function standFewer(turn: Turn): void {
  const { state, config, now } = turn
  if (now - state.standLimitCutAt < config.timing.campaignMs) return
  state.standLimitCutAt = now
  state.standLimit = Math.max(STAND_AT_LEAST, state.standLimit >> 1)
}

/** Stands now if nothing is in the way; otherwise arms the next try (R3, R8). */
export function attempt(turn: Turn, election: Election): void {
  attemptAt(turn, election, Number.POSITIVE_INFINITY)
  if (!election.contending || election.campaign !== null) return
  const obstacle = ownObstacle(turn)
  if (obstacle === 'boot') attemptAt(turn, election, turn.state.bootUntil)
  if (obstacle !== null) return
  if (election.lead !== null) {
    reterm(turn, election)
    return
  }
  if (isPaused(election) || isBound(turn, election)) return
  if (!reachesQuorum(turn)) {
    // of many each would have a timer that fires in vain again and again, and leaves no time to connect
    if (turn.state.elections.size > STAND_AT_FIRST) turn.state.standby.add(election.name)
    else attemptAt(turn, election, turn.now + turn.config.timing.heartbeatMs)
    return
  }
  if (!mayStand(turn)) {
    turn.state.standby.add(election.name)
    return
  }
  const asks = turn.config.preVote && !election.evidence
  election.evidence = false
  if (asks) startPreVote(turn, election, turn.now + turn.config.timing.campaignMs)
  else startCampaign(turn, election, null)
}

/** Are there links to a quorum? */
export function reachesQuorum(turn: Turn): boolean {
  const { config, state } = turn
  return isQuorum(
    state.cluster,
    (voter) => voter === config.self || state.accounts.get(voter)?.connected === true,
  )
}

/** Asks everybody without changing anything anywhere (R8). May start on suspicion, before the own slot is free (R56). */
export function startPreVote(turn: Turn, election: Election, deadline: number): void {
  const { config, state } = turn
  const term = floorOf(turn, election) + 1
  if (term > MAX_TERM) return
  const campaign = begin(turn, election, 'preVote', term, deadline, null)
  if (votes(turn) && !isBound(turn, election)) campaign.grants.set(config.self, OWN_GRANT)
  for (const [voter, account] of state.accounts) {
    if (account.connected) askPreVote(turn, election, campaign, voter)
  }
  settlePreVote(turn, election)
}

function askPreVote(turn: Turn, election: Election, campaign: Campaign, voter: ProcessId): void {
  const { term, nonce } = campaign
  send(turn, voter, stamp<PreVote>(turn, { kind: 'preVote', election: election.name, term, nonce }))
}

/**
 * Campaigns in the next term with a fresh nonce (R3). The requests leave at once, beside the write of the self-vote: they
 * promise nothing for this process, and a life that ends before its own vote is durable has not won, and cannot any more.
 */
export function startCampaign(turn: Turn, election: Election, certificate: Certificate | null): void {
  const { config } = turn
  const term = Math.max(floorOf(turn, election), certificate?.term ?? 0) + 1
  if (term > MAX_TERM) return
  const campaign = begin(turn, election, 'vote', term, turn.now + config.timing.campaignMs, certificate)
  election.topTerm = term
  if (votes(turn)) {
    vote(election.slot, { process: config.self, incarnation: config.incarnation, term, grant: OWN_GRANT })
    const version = decideTerm(turn, election)
    turn.state.waiting.push({ kind: 'campaign', version, election: election.name, nonce: campaign.nonce })
  } else {
    election.slot.knownTerm = term
    campaign.durable = true
  }
  requestVotes(turn, election, campaign)
}

function begin(
  turn: Turn,
  election: Election,
  phase: Campaign['phase'],
  term: Term,
  deadline: number,
  certificate: Certificate | null,
): Campaign {
  const campaign: Campaign = {
    phase,
    term,
    nonce: nonce(turn),
    startedAt: turn.now,
    deadline,
    grants: new Map(),
    refusals: null,
    certificate,
    durable: false,
  }
  const { state } = turn
  election.campaign = campaign
  state.campaignsEndAt = state.campaigning.size === 0 ? deadline : Math.min(state.campaignsEndAt, deadline)
  state.campaigning.add(election.name)
  state.nextHeartbeatAt = Math.min(state.nextHeartbeatAt, turn.now + turn.config.timing.heartbeatMs)
  settleRole(turn, election)
  return campaign
}

/** The self-vote is durable: it counts from now on (R1, R3); not if the campaign that it was for has ended meanwhile. */
export function ownVoteDurable(turn: Turn, election: Election, ofNonce: number): void {
  const { campaign } = election
  if (campaign === null || campaign.nonce !== ofNonce || campaign.durable) return
  campaign.durable = true
  campaign.grants.set(turn.config.self, OWN_GRANT)
  noteVote(turn, election, campaign)
}

/** One stamped round for all; voters that have not answered lately are probed and asked on their answer (R64, R71). */
function requestVotes(turn: Turn, election: Election, campaign: Campaign): void {
  stampRound(turn)
  for (const [voter, account] of turn.state.accounts) {
    if (account.connected) requestVote(turn, election, campaign, voter, account)
    else account.unasked.add(election.name)
  }
}

function requestVote(
  turn: Turn,
  election: Election,
  campaign: Campaign,
  voter: ProcessId,
  account: Account,
): void {
  heartbeatTo(turn, voter, account, true, false)
  if (!answersLately(turn, account)) {
    account.unasked.add(election.name)
    return
  }
  account.unasked.delete(election.name)
  const { term, nonce, certificate } = campaign
  const request: RequestVote = { kind: 'requestVote', election: election.name, term, nonce, certificate }
  send(turn, voter, stamp(turn, request))
}

/** A voter answered something: the requests that waited for that may leave now (R71). */
export function askAnswered(turn: Turn, voter: ProcessId, account: Account): void {
  if (account.unasked.size === 0) return
  const names = [...account.unasked]
  account.unasked.clear()
  for (const name of names) {
    const election = turn.state.elections.get(name)
    // what waited for a campaign that is over waits for nothing
    if (election?.campaign?.phase === 'vote') requestVote(turn, election, election.campaign, voter, account)
  }
}

/**
 * Asks again whoever has not answered yet, the oldest campaigns first: on each heartbeat, and when a link comes up. Of many
 * that are under way most answers are, too: a heartbeat asks again only for those in the second half of their time.
 */
export function askAgain(turn: Turn, voter: ProcessId, account: Account, since = turn.now): void {
  const { campaigning, elections } = turn.state
  const latest = campaigning.size > FEW ? since : turn.now
  let asked = 0
  for (const name of campaigning) {
    if (asked === ASKED_AGAIN) return
    const election = elections.get(name)
    const campaign = election?.campaign
    if (election === undefined || campaign == null || campaign.startedAt > latest) continue
    if (campaign.grants.has(voter)) continue
    const refusal = campaign.refusals?.get(voter)
    if (refusal !== undefined && !(campaign.phase === 'preVote' && passes(turn, refusal))) continue
    asked += 1
    if (campaign.phase === 'preVote') askPreVote(turn, election, campaign, voter)
    else requestVote(turn, election, campaign, voter, account)
  }
}

// --- answers ------------------------------------------------------------------------------------------------------

export function hearPreVoteReply(turn: Turn, from: ProcessId, account: Account, reply: PreVoteReply): void {
  const election = turn.state.elections.get(reply.election)
  if (election === undefined) return
  learn(turn, election, reply.knownTerm, from)
  const { campaign } = election
  if (campaign === null || campaign.phase !== 'preVote' || campaign.nonce !== reply.nonce) return
  noteAnswer(turn, from, account, campaign.startedAt)
  if (reply.refusal === null) {
    campaign.refusals?.delete(from)
    campaign.grants.set(from, '')
    settlePreVote(turn, election)
    return
  }
  noteRefusal(campaign, from, reply.refusal)
  if (reply.refusal === 'term' && floorOf(turn, election) >= campaign.term) {
    startPreVote(turn, election, campaign.deadline)
  } else if (isHopeless(turn, campaign, (refusal) => PARKS.includes(refusal) || passes(turn, refusal))) {
    fail(turn, election)
  }
}

function noteRefusal(campaign: Campaign, voter: ProcessId, refusal: Refusal): void {
  campaign.refusals ??= new Map()
  campaign.refusals.set(voter, refusal)
}

/** A quorum would vote: campaign, if the own slot is free by now (R3). */
export function settlePreVote(turn: Turn, election: Election): void {
  const { campaign } = election
  if (campaign === null || campaign.phase !== 'preVote' || isBound(turn, election)) return
  if (ownObstacle(turn) !== null) return
  if (votes(turn)) campaign.grants.set(turn.config.self, OWN_GRANT)
  if (!isQuorum(turn.state.cluster, (voter) => campaign.grants.has(voter))) return
  startCampaign(turn, election, null)
}

/** Refusals that a parked pre-vote turns into a yes by itself (R56), and those that pass with time and are asked again. */
const PARKS: readonly Refusal[] = ['bound', 'leading']
const WAITS: readonly Refusal[] = ['boot', 'recovering', 'paused']

/** Where members change a voter that lacks the configuration of the asker, or the asker that of the voter, will have it (R31). */
function passes({ state }: Turn, refusal: Refusal): boolean {
  return WAITS.includes(refusal) || (refusal === 'config' && state.membership !== null)
}

/** More voters refused for good, or cannot be reached, than a quorum can miss. `mayChange`: is a refusal not for good? */
function isHopeless(turn: Turn, campaign: Campaign, mayChange: (refusal: Refusal) => boolean): boolean {
  return !isQuorum(turn.state.cluster, (voter) => {
    const account = turn.state.accounts.get(voter)
    if (account === undefined || campaign.grants.has(voter)) return true
    const refusal = campaign.refusals?.get(voter)
    return account.connected && (refusal === undefined || mayChange(refusal))
  })
}

export function hearVoteReply(turn: Turn, from: ProcessId, account: Account, reply: VoteReply): void {
  const election = turn.state.elections.get(reply.election)
  if (election === undefined) return
  const { campaign, lead } = election
  const current =
    campaign !== null &&
    campaign.phase === 'vote' &&
    campaign.term === reply.term &&
    campaign.nonce === reply.nonce
  if (reply.grant !== null) {
    if (current) {
      campaign.grants.set(from, reply.grant)
      campaign.refusals?.delete(from)
      noteVote(turn, election, campaign)
    }
    if (lead !== null && reply.term >= lead.term) countBound(turn, election, lead, from, reply.grant)
    else if (!current) settleOrphan(turn, from, account, election)
    return
  }
  learn(turn, election, reply.knownTerm, from)
  if (current) {
    // without a session, or the same configuration, it is asked again behind the next heartbeat, as if it had not answered
    const isAskedAgain =
      reply.refusal === 'session' || (reply.refusal === 'config' && turn.state.membership !== null)
    if (!isAskedAgain) noteRefusal(campaign, from, reply.refusal ?? 'term')
    if (isHopeless(turn, campaign, () => false)) fail(turn, election)
  }
  if (election.lead !== null) retermIfBehind(turn, election)
}

/** R65: a grant that no running campaign asked for is counted if one leads (by the caller), answered by `bind`, or released. */
function settleOrphan(turn: Turn, from: ProcessId, account: Account, election: Election): void {
  if (election.lead !== null) oweBind(turn, from, account, election, election.lead.term)
  else if (election.campaign === null || election.campaign.phase === 'preVote') {
    oweRelease(turn, from, account, election, null)
  }
}

export function hearBindAck(turn: Turn, from: ProcessId, account: Account, ack: BindAck): void {
  const election = turn.state.elections.get(ack.election)
  if (election === undefined) return
  const { lead } = election
  const fact = account.facts.get(ack.election)
  const answered = ack.grant !== null || ack.knownTerm > ack.term
  if (fact?.kind === 'bind' && fact.term === ack.term && answered) account.facts.delete(ack.election)
  if (ack.grant === null) {
    learn(turn, election, ack.knownTerm, from)
    if (lead !== null) retermIfBehind(turn, election)
    return
  }
  if (lead !== null && ack.term >= lead.term) countBound(turn, election, lead, from, ack.grant)
  else settleOrphan(turn, from, account, election)
}

// --- ends ---------------------------------------------------------------------------------------------------------

/** The try is over without a lease: wait a random while, then try again (R35). */
export function fail(turn: Turn, election: Election): void {
  if (election.campaign === null) return
  const { refusals } = election.campaign
  election.lastRefusals = refusals === null || refusals.size === 0 ? NONE : refusals
  endCampaign(turn, election)
  backOff(turn, election)
}

/**
 * Ends a try without a lease: a pre-vote just ends; a campaign is renounced (R16), unless it was a leader's for its next
 * term: then nothing is renounced and nothing released (R22, R65). Also how a voter gives way to a higher claim, before
 * it applies the claim (R15).
 */
export function endCampaign(turn: Turn, election: Election): void {
  const { campaign } = election
  if (campaign === null) return
  if (campaign.phase === 'vote' && election.lead === null) {
    renounce(turn, election, 'superseded')
    return
  }
  election.campaign = null
  turn.state.campaigning.delete(election.name)
  settleRole(turn, election)
}

/** Ends campaigns whose deadline has passed at this reading (R3, R16); none is looked at before the first one can have. */
export function endOverdueCampaigns(turn: Turn): void {
  const { state } = turn
  if (turn.now < state.campaignsEndAt) return
  state.campaignsEndAt = Number.POSITIVE_INFINITY
  for (const name of state.campaigning) {
    const election = state.elections.get(name)
    if (election?.campaign == null) continue
    if (turn.now >= election.campaign.deadline) {
      standFewer(turn)
      fail(turn, election)
    } else {
      state.campaignsEndAt = Math.min(state.campaignsEndAt, election.campaign.deadline)
    }
  }
}

/** Another vote counts, or all of them do because the own one is durable: it wins as soon as sessions stand for enough. */
function noteVote(turn: Turn, election: Election, campaign: Campaign): void {
  const { state } = turn
  turn.promisesMoved = true
  // of a thousand that are under way few have enough votes: only these are looked at
  if (campaign.durable && campaign.grants.size >= leastQuorum(state.cluster)) state.voted.add(election.name)
}

/** Campaigns whose grants stand for a quorum win now (R5), none before its own vote is durable (R1). */
export function settleCampaigns(turn: Turn): void {
  const { elections, voted } = turn.state
  for (const name of voted) {
    const election = elections.get(name)
    const campaign = election?.campaign
    if (election === undefined || campaign == null || campaign.phase !== 'vote' || !campaign.durable) {
      voted.delete(name)
    } else if (winsNow(turn, campaign)) {
      voted.delete(name)
      win(turn, election, campaign)
    }
  }
}

/** R22: a voter knows a higher term than the one led; campaign above it while the lease stands. */
function retermIfBehind(turn: Turn, election: Election): void {
  const { lead } = election
  if (lead === null || lead.frozen !== null || election.campaign !== null) return
  if (election.slot.knownTerm <= Math.max(lead.term, election.topTerm)) return
  if (election.attemptAt === Number.POSITIVE_INFINITY) attempt(turn, election)
}

function reterm(turn: Turn, election: Election): void {
  const { lead } = election
  if (lead === null || lead.frozen !== null || election.slot.knownTerm <= lead.term) return
  startCampaign(turn, election, null)
}
