/**
 * The voter's side of elections: vote requests (R7), pre-votes (R8, R56), announcements (R62), releases (R63), hand-overs (R21).
 *
 * Applies the pure rule of `voter.ts` to the own slot, with everything that a peer must look at around it: sessions, boot
 * wait, its own lease, plausible terms. A refusal never changes the slot and never adopts a term (R7).
 */
import { endCampaign, noteJump, ownObstacle, plausible, startCampaign } from './campaigns'
import { decideTerm } from './durability'
import { isBound, observeLeader } from './leadership'
import { isCurrent } from './membership'
import type { Bind, Certificate, PreVote, Release, RequestVote, TimeoutNow } from './messages'
import { tellPause } from './pause'
import { standingGrant, votes } from './sessions'
import type { Election } from './state'
import { attemptAt, forgetFailures } from './succession'
import { alarm, electionOf, floorOf, free, isPaused, send, slotMoved, type Turn } from './turn'
import type { ElectionName, Grant, Incarnation, ProcessId, Refusal, Term } from './types'
import { bind, type Claim, isHeldBy, judgeBind, judgeVote, release, vote } from './voter'

type Verdict = Refusal | 'repeat' | null

/** R7 without the session: what this voter says; `null` = yes. `current`: the asker has the same configuration (R31). */
function refusalOf(turn: Turn, election: Election, claim: Claim, current: boolean): Verdict {
  const obstacle = ownObstacle(turn)
  if (obstacle !== null) return obstacle
  if (!votes(turn) || !current) return 'config'
  if (!plausible(turn, election, claim.term, claim.process)) return 'limit'
  if (election.lead !== null) return 'leading'
  if (isPaused(election) && !isOfLeader(turn, election, claim)) return 'paused'
  const { campaign } = election
  const yields = campaign?.phase === 'vote' && campaign.term < claim.term
  const verdict = judgeVote(election.slot, isBound(turn, election) && !yields, claim)
  if (verdict === 'grant') return claim.term > turn.state.termFloor ? null : 'floor'
  return verdict
}

/** R81: the announced leader whose binding stands here asks for its next term (R22): that elects nobody new. */
function isOfLeader(turn: Turn, election: Election, { process, incarnation }: Claim): boolean {
  const held = election.slot.binding
  return held?.led === true && isHeldBy(held, process, incarnation) && isBound(turn, election)
}

/** R21: voids exactly a standing binding of that very life, up to the term of the certificate, whatever follows. */
function applyCertificate(turn: Turn, election: Election, certificate: Certificate): void {
  const held = election.slot.binding
  if (held === null || held.released || !isHeldBy(held, certificate.leader, certificate.incarnation)) return
  if (held.term > certificate.term || certificate.leader === turn.config.self) return
  const storageId = turn.state.supports.get(certificate.leader)?.storageId ?? null
  if (storageId !== null && storageId !== certificate.storageId) return
  if (isBound(turn, election)) free(turn, election.name, 'evidence')
  forgetBound(turn, election)
  election.slot.binding = { ...held, released: true }
}

/** A binding that has run out unreported ends here: nothing will report it any more (R59). */
function forgetBound(turn: Turn, election: Election): void {
  const held = election.slot.binding
  if (held === null || turn.state.supports.get(held.leader)?.bound.delete(election.name) !== true) return
  if (!isBound(turn, election)) free(turn, election.name, 'lapse')
}

function indexBound(turn: Turn, election: Election): void {
  const held = election.slot.binding
  if (held !== null) turn.state.supports.get(held.leader)?.bound.add(election.name)
}

/** Bound to somebody else from now on: no attempt of one's own until that ends. */
function followed(turn: Turn, election: Election): void {
  indexBound(turn, election)
  attemptAt(turn, election, Number.POSITIVE_INFINITY)
  election.evidence = false
  election.successor = null
  slotMoved(turn, election.name)
  observeLeader(turn, election)
}

export function hearRequestVote(
  turn: Turn,
  from: ProcessId,
  incarnation: Incarnation,
  request: RequestVote,
): void {
  const current = isCurrent(turn, from, request)
  const election = electionOf(turn, request.election)
  if (election === null) {
    send(turn, from, voteReply(request, null, 'limit', 0, null))
    return
  }
  if (request.certificate !== null) applyCertificate(turn, election, request.certificate)
  const grant = standingGrant(turn, from, incarnation)
  const claim: Claim = { process: from, incarnation, term: request.term, grant: grant ?? '' }
  const refusal = refusalOf(turn, election, claim, current) ?? (grant === null ? 'session' : null)
  if (grant === null || (refusal !== null && refusal !== 'repeat')) {
    const reason = refusal === null || refusal === 'repeat' ? 'session' : refusal
    const leader = reason === 'bound' ? (election.slot.binding?.leader ?? null) : null
    send(turn, from, voteReply(request, null, reason, floorOf(turn, election), leader))
    if (reason === 'paused') tellPause(turn, from, election)
    return
  }
  let version = election.decidedAt
  if (refusal === null) {
    endCampaign(turn, election)
    forgetBound(turn, election)
    noteJump(turn, election, request.term)
    vote(election.slot, claim)
    version = decideTerm(turn, election)
    followed(turn, election)
  }
  if (refusal === 'repeat' && waitsAlready(turn, from, request)) return
  turn.state.waiting.push({
    kind: 'vote',
    version,
    to: from,
    toIncarnation: incarnation,
    election: election.name,
    term: request.term,
    nonce: request.nonce,
    grant,
  })
}

/** A copy of a request whose answer waits for its write already. Only repeats can be that, so new ones cost no search. */
function waitsAlready(turn: Turn, from: ProcessId, { election, nonce }: RequestVote): boolean {
  for (const waiting of turn.state.waiting) {
    if (waiting.kind !== 'vote' || waiting.nonce !== nonce) continue
    if (waiting.to === from && waiting.election === election) return true
  }
  return false
}

function voteReply(
  request: Pick<RequestVote, 'election' | 'term' | 'nonce'>,
  grant: Grant | null,
  refusal: Refusal | null,
  knownTerm: Term,
  leader: ProcessId | null,
): Parameters<typeof send>[2] {
  const { election, term, nonce } = request
  return { kind: 'voteReply', election, term, nonce, grant, refusal, knownTerm, leader }
}

/** The write that holds a vote is done: the yes leaves, if that very binding is still the present one (R1). */
export function voteDurable(
  turn: Turn,
  to: ProcessId,
  incarnation: Incarnation,
  answer: { election: ElectionName; term: Term; nonce: number; grant: Grant },
): void {
  const election = turn.state.elections.get(answer.election)
  const held = election?.slot.binding
  if (election === undefined || held == null || held.released) return
  if (!isHeldBy(held, to, incarnation) || held.term !== answer.term || held.grant !== answer.grant) return
  send(turn, to, voteReply(answer, answer.grant, null, election.slot.knownTerm, null))
}

/** R8: the same predicate, no change. The session may start with the request, so it need not stand yet. */
export function hearPreVote(turn: Turn, from: ProcessId, incarnation: Incarnation, request: PreVote): void {
  const current = isCurrent(turn, from, request)
  const election = electionOf(turn, request.election)
  if (election === null) return
  const grant = standingGrant(turn, from, incarnation) ?? ''
  const claim: Claim = { process: from, incarnation, term: request.term, grant }
  const verdict = refusalOf(turn, election, claim, current)
  const refusal = verdict === 'repeat' ? 'term' : verdict
  if (refusal === 'bound' || refusal === 'leading') park(turn, election, from, incarnation, request)
  replyPreVote(turn, election, from, request.nonce, refusal)
  if (refusal === 'paused') tellPause(turn, from, election)
}

function replyPreVote(
  turn: Turn,
  election: Election,
  to: ProcessId,
  nonce: number,
  refusal: Refusal | null,
): void {
  let leader: ProcessId | null = null
  if (refusal === 'bound') leader = election.slot.binding?.leader ?? null
  else if (refusal === 'leading') leader = turn.config.self
  const knownTerm = floorOf(turn, election)
  send(turn, to, { kind: 'preVoteReply', election: election.name, nonce, refusal, knownTerm, leader })
}

/** R56: one pre-vote per election may wait for the binding to end; the first one stays while its link does. */
function park(
  turn: Turn,
  election: Election,
  from: ProcessId,
  incarnation: Incarnation,
  request: PreVote,
): void {
  const { parked } = election
  if (parked !== null && parked.from !== from && turn.state.accounts.get(parked.from)?.connected === true) {
    return
  }
  election.parked = { from, incarnation, term: request.term, nonce: request.nonce }
}

/** The own slot became free: answer the pre-vote that waited for that (R56). */
export function answerParked(turn: Turn, election: Election): void {
  const { parked } = election
  if (parked === null || isBound(turn, election)) return
  election.parked = null
  const { from, incarnation, term, nonce } = parked
  if (turn.state.supports.get(from)?.incarnation !== incarnation) return
  const grant = standingGrant(turn, from, incarnation) ?? ''
  const verdict = refusalOf(turn, election, { process: from, incarnation, term, grant }, true)
  replyPreVote(turn, election, from, nonce, verdict === 'repeat' ? 'term' : verdict)
}

/** A leader announces itself (R62); an accepted one first ends a campaign of one's own (R15) and replaces any binding (R17). */
export function hearBind(turn: Turn, from: ProcessId, incarnation: Incarnation, fact: Bind): void {
  const { state } = turn
  if (state.storageFailed || state.ended || !votes(turn)) return
  // until it has learnt its floor it binds itself to nobody: a life before may have voted in a higher term (R28)
  if (state.recovery !== null) return
  const election = electionOf(turn, fact.election)
  if (election === null) return
  const grant = standingGrant(turn, from, incarnation)
  const accepted =
    grant !== null && accepts(turn, election, { process: from, incarnation, term: fact.term, grant })
  if (accepted && grant !== null) {
    endCampaign(turn, election)
    forgetBound(turn, election)
    noteJump(turn, election, fact.term)
    bind(election.slot, { process: from, incarnation, term: fact.term, grant })
    forgetFailures(election)
    followed(turn, election)
  }
  send(turn, from, {
    kind: 'bindAck',
    election: election.name,
    term: fact.term,
    grant: accepted ? grant : null,
    knownTerm: state.membership === null ? election.slot.knownTerm : floorOf(turn, election),
  })
}

function accepts(turn: Turn, election: Election, claim: Claim): boolean {
  if (!plausible(turn, election, claim.term, claim.process)) return false
  // R72: whoever leads below the floor campaigns above it before it binds anybody anew
  if (turn.state.membership !== null && claim.term < turn.state.termFloor) return false
  const verdict = judgeBind(election.slot, claim)
  if (verdict === 'twoLeaders' || (verdict === 'bind' && election.lead !== null)) {
    const other = election.lead !== null ? turn.config.self : election.slot.binding?.leader
    const detail = `${claim.process} announces term ${claim.term}, but ${other} leads here in term ${election.lead?.term ?? claim.term}`
    alarm(turn, 'invariantViolation', election.name, claim.process, detail)
    return false
  }
  return verdict === 'bind'
}

/** Somebody renounced (R63). Answered in any case, so that it is not repeated for ever. */
export function hearRelease(turn: Turn, from: ProcessId, incarnation: Incarnation, fact: Release): void {
  if (turn.state.ended) return
  const election = electionOf(turn, fact.election)
  if (election !== null && plausible(turn, election, fact.term, from)) {
    noteJump(turn, election, fact.term)
    const active = isBound(turn, election)
    const held = election.slot.binding
    if (!active && held !== null) forgetBound(turn, election)
    if (release(election.slot, active, from, incarnation, fact.term)) {
      forgetBound(turn, election)
      election.successor = fact.successor
      free(turn, election.name, 'evidence')
    }
  }
  send(turn, from, { kind: 'releaseAck', election: fact.election, term: fact.term })
}

/** The leader hands over to this process: campaign at once, with its certificate (R21). */
export function hearTimeoutNow(
  turn: Turn,
  from: ProcessId,
  incarnation: Incarnation,
  order: TimeoutNow,
): void {
  const { certificate } = order
  const election = turn.state.elections.get(order.election)
  if (election === undefined || order.storageId !== turn.config.storageId) return
  if (certificate.leader !== from || certificate.incarnation !== incarnation) return
  if (!election.contending || election.lead !== null || ownObstacle(turn) !== null) return
  if (isPaused(election)) return
  if (!plausible(turn, election, certificate.term, from)) return
  const held = election.slot.binding
  if (held !== null && isBound(turn, election)) {
    if (!isHeldBy(held, from, incarnation) || held.term > certificate.term) return
  }
  applyCertificate(turn, election, certificate)
  endCampaign(turn, election)
  attemptAt(turn, election, Number.POSITIVE_INFINITY)
  startCampaign(turn, election, certificate)
}
