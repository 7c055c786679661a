/**
 * The whole algorithm as one function: `step(config, state, input)` -> effects, in the order in which to execute them.
 *
 * A turn has four parts, always in this order:
 *  1. *Time passes.* Leases and campaigns that have ended by this reading end now, before anything that could prolong
 *     them is applied (R16, R3). So a lease that ended unread cannot come back.
 *  2. *The input is applied*, by the rule that its name says: heartbeats and acks in `sessions.ts`, answers to one's own
 *     requests in `campaigns.ts`, requests of others in `votes.ts`. Rules leave their consequences in the `Turn`.
 *  3. *Consequences settle*: leases grow (R13), candidates whose grants stand win (R5), voters with a new grant are owed
 *     everything again (R62), free slots are stood for in order (R69), answers whose write is done leave (R1).
 *  4. *Effects*: one `persist` for all decisions, one `send` per process (R70).
 *
 * Timers of elections and heartbeats fire only on `tick`, which the driver sends after it has read its sockets (R36);
 * frames are applied as they come. Unknown, stale or foreign input leaves the state as it is. Nothing here throws for
 * anything that a peer can send. `state` is changed in place and belongs to the core alone.
 */
import {
  askAgain,
  askAnswered,
  attempt,
  endCampaign,
  endOverdueCampaigns,
  fail,
  hearBindAck,
  hearPreVoteReply,
  hearVoteReply,
  mayStand,
  ownObstacle,
  ownVoteDurable,
  reachesQuorum,
  settleCampaigns,
  settlePreVote,
  startPreVote,
} from './campaigns'
import { emitDecisions } from './durability'
import { comeBack, oweContention, owedToNewLife, sendOwedAnew, sendUnsent, standBack } from './facts'
import type {
  ConnectedInput,
  ContendInput,
  DeathInput,
  Effect,
  FrameInput,
  Input,
  RenounceInput,
} from './inputs'
import { dropVoided, isBound, nominate, observeLeader, oweToNewGrant, renounce, transfer } from './leadership'
import { endedLeases, extendLeases, freezeLease } from './leases'
import {
  hearConfig,
  hearConfigAck,
  isCurrent,
  offerAgain,
  reconfigure,
  settleMembership,
  stamp,
} from './membership'
import type { Part, ReadTermReply } from './messages'
import { STAND_AT_FIRST } from './numbers'
import {
  dropNotices,
  hearContend,
  hearNotice,
  hearNoticeAck,
  leaveObserver,
  meetObserver,
  observerCalled,
  repeatNotices,
  tellHolder,
  tellObservers,
} from './observers'
import { askAboutPauses, hearPause, hearPauseAck, pauseDurable, sayPause } from './pause'
import { bestSuccessor, preferringOf, seekBetter, seekBetterEverywhere } from './preference'
import { hearFloorReply, hearFloorRequest, recover } from './recovery'
import { hasSession, meetLife } from './roster'
import {
  beat,
  endLife,
  forgetPromises,
  hearAck,
  hearHeartbeat,
  heartbeats,
  heartbeatTo,
  noteAnswer,
  reportLapses,
  votes,
} from './sessions'
import type { Account, Election, State } from './state'
import { attemptAt, awaitTurn, formerHolder, headStart, rank, stepOf, takeDue } from './succession'
import { beginTurn, electionOf, type Freed, isPaused, send, type Turn } from './turn'
import type { CoreConfig, Incarnation, ProcessId, RevokeReason } from './types'
import {
  answerParked,
  hearBind,
  hearPreVote,
  hearRelease,
  hearRequestVote,
  hearTimeoutNow,
  voteDurable,
} from './votes'

/** Applies one input at `input.now`. Changes `state`, returns what the driver has to do, in order. Never throws. */
export function step(config: CoreConfig, state: State, input: Input): readonly Effect[] {
  const now = Math.max(input.now, state.now)
  state.now = now
  if (state.ended) return []
  const turn = beginTurn(config, state, now)
  passTime(turn)
  apply(turn, input)
  settle(turn)
  return finish(turn)
}

/** The instant at which `tick` has something to do; Infinity when nothing ever will (after `end`). */
export function nextDeadline(state: State): number {
  if (state.ended) return Number.POSITIVE_INFINITY
  let at = Math.min(state.nextHeartbeatAt, state.timers[0]?.at ?? Number.POSITIVE_INFINITY)
  // one instant for all: of ten thousand campaigns each would leave a timer behind that fires in vain
  if (state.campaigning.size > 0) at = Math.min(at, state.campaignsEndAt)
  for (const lease of state.leases.values()) at = Math.min(at, lease.until)
  for (const support of state.supports.values()) {
    if (support.grant !== null && support.bound.size > 0) at = Math.min(at, support.until)
  }
  const { recovery, membership } = state
  if (recovery !== null) at = Math.min(at, state.now < recovery.until ? recovery.until : recovery.nextAskAt)
  if (membership !== null && membership.wanted?.version === null) at = Math.min(at, membership.settledAt)
  return at
}

function passTime(turn: Turn): void {
  if (turn.state.leases.size > 0) {
    for (const name of endedLeases(turn)) {
      const election = turn.state.elections.get(name)
      if (election?.lead != null) renounce(turn, election, election.lead.frozen ?? 'expired')
    }
  }
  if (turn.state.campaigning.size > 0) endOverdueCampaigns(turn)
}

function apply(turn: Turn, input: Input): void {
  const { state } = turn
  switch (input.type) {
    case 'tick':
      return tick(turn)
    case 'frame':
      return hearFrame(turn, input)
    case 'connected':
      return connected(turn, input)
    case 'closed':
      return closed(turn, input.peer, input.incarnation)
    case 'persisted':
      state.written = Math.max(state.written, Math.min(input.version, state.decided))
      return
    case 'storageFailed':
      state.storageFailed = true
      state.waiting.length = 0
      return renounceAll(turn, 'storageFailed')
    case 'contend':
      return contend(turn, input)
    case 'campaign': {
      const election = state.elections.get(input.election)
      if (election !== undefined) attempt(turn, election)
      return
    }
    case 'renounce':
      return giveUp(turn, input)
    case 'freeze': {
      const election = state.elections.get(input.election)
      if (election?.lead == null) return
      endCampaign(turn, election)
      return freezeLease(turn, election, election.lead, input.reason)
    }
    case 'heartbeatNow':
      return beat(turn, true)
    case 'readTerm':
      for (const [voter, account] of state.accounts) {
        if (account.connected)
          send(turn, voter, { kind: 'readTerm', election: input.election, nonce: input.nonce })
      }
      return readOwnTerm(turn, input.election, input.nonce)
    case 'suspended':
      state.bootUntil = Math.max(state.bootUntil, turn.now + state.maxPromiseMs)
      forgetPromises(turn)
      renounceAll(turn, 'suspended')
      return standAgain(turn)
    case 'death':
      return hearDeath(turn, input)
    case 'pause':
      return sayPause(turn, input)
    case 'reconfigure':
      return reconfigure(turn, input)
    case 'end':
      return end(turn, input.reason)
  }
}

// --- time -----------------------------------------------------------------------------------------------------------

function tick(turn: Turn): void {
  const { state, now } = turn
  reportLapses(turn)
  if (recover(turn)) standAgain(turn)
  if (now >= state.nextHeartbeatAt) {
    askAboutPauses(turn)
    beat(turn, false)
    offerAgain(turn)
    if (state.campaigning.size > 0) {
      const since = now - turn.config.timing.campaignMs / 2
      for (const [voter, account] of state.accounts)
        if (account.connected) askAgain(turn, voter, account, since)
    }
  }
  for (const name of takeDue(state.timers, now)) {
    const election = state.elections.get(name)
    if (election === undefined) continue
    if (comeBack(turn, election)) tellHolder(turn, election)
    if (now >= election.attemptAt) takeTurn(turn, election)
    if (election.preferring !== null && now >= election.preferring.lookAt) seekBetter(turn, election)
  }
}

/** Whatever kept this process from standing anywhere is over, or has its end: every free election has a next attempt. */
function standAgain(turn: Turn): void {
  for (const election of turn.state.elections.values()) {
    if (!election.contending || election.lead !== null || election.campaign !== null) continue
    if (election.attemptAt === Number.POSITIVE_INFINITY && !isBound(turn, election)) awaitTurn(turn, election)
  }
}

/** The wait is over: stand, unless somebody that goes before is still alive and its step has not passed (R69). */
function takeTurn(turn: Turn, election: Election): void {
  const { config, now } = turn
  if (config.succession && election.failures === 0 && election.lead === null && !isBound(turn, election)) {
    const steps = rank(turn, election, formerHolder(election)) * stepOf(turn, election)
    const due = election.freeAt + steps + headStart(turn, election)
    if (due > now) return attemptAt(turn, election, due)
  }
  attempt(turn, election)
}

// --- links ----------------------------------------------------------------------------------------------------------

function connected(turn: Turn, input: ConnectedInput): void {
  const { state, config } = turn
  if (input.peer === config.self) return
  const account = state.accounts.get(input.peer)
  if (account === undefined && state.membership !== null) {
    const { storageId, incarnation, rho, deltaMs, sentAt } = input
    state.membership.strangers.set(input.peer, { storageId, incarnation, rho, deltaMs, sentAt })
  }
  if (!meetLife(turn, input.peer, input.incarnation)) return
  const support = state.supports.get(input.peer)
  if (support !== undefined) support.storageId = input.storageId
  if (account === undefined) return meetObserver(turn, input.peer)
  const reborn = account.incarnation !== input.incarnation
  if (reborn || !account.connected) account.connectedAt = turn.now
  account.incarnation = input.incarnation
  account.connected = true
  account.rho = Math.max(config.timing.rho, input.rho)
  account.deltaMs = Math.max(config.timing.deltaMs, input.deltaMs)
  const asks = !votes(turn)
  if (reborn && account.kind !== 'store') dropNotices(turn, input.peer)
  if (reborn || asks) owedToNewLife(turn, account, asks)
  noteAnswer(turn, input.peer, account, input.sentAt)
  heartbeatTo(turn, input.peer, account, false, !heartbeats(turn))
  sendOwedAnew(turn, input.peer, account)
  askAgain(turn, input.peer, account)
  seekBetterEverywhere(turn)
  // who waits for a store to be reached need not wait for the next heartbeat: it is slow there
  if (reborn && account.kind === 'store') standNow(turn)
}

/** Elections that could not be tried for lack of a quorum may be by now. */
function standNow(turn: Turn): void {
  for (const election of turn.state.elections.values()) {
    if (!election.contending || election.lead !== null || election.campaign !== null) continue
    if (!isBound(turn, election)) awaitTurn(turn, election)
  }
}

/** R56: whoever goes first after this peer may ask at once; the support stands until it has run out. */
function closed(turn: Turn, peer: ProcessId, incarnation: Incarnation): void {
  const { state, config } = turn
  if (state.membership?.strangers.get(peer)?.incarnation === incarnation)
    state.membership.strangers.delete(peer)
  const account = state.accounts.get(peer)
  const support = state.supports.get(peer)
  if ((account ?? support)?.incarnation !== incarnation) return
  leaveObserver(turn, peer)
  if (account !== undefined) {
    account.connected = false
    if (account.kind !== 'store') dropNotices(turn, peer)
  }
  if (support === undefined || !config.preVote || !config.succession || ownObstacle(turn) !== null) return
  for (const name of support.bound) {
    const election = state.elections.get(name)
    if (
      election === undefined ||
      !election.contending ||
      isPaused(election) ||
      election.campaign !== null ||
      election.lead !== null
    )
      continue
    if (mayStand(turn) && rank(turn, election, peer) === 0) {
      startPreVote(turn, election, support.until + config.timing.campaignMs)
    }
  }
}

/**
 * R55: exactly that life is over. Whoever learns of it passes the proof on, once: no voter is asked for its vote before it
 * has what frees it, although the witness reached only one of them; a store fences the session.
 */
function hearDeath(turn: Turn, { process, storageId, incarnation, key }: DeathInput): void {
  const { state, config } = turn
  if (process === config.self || !isOfStorage(state, process, storageId)) return
  if (!endLife(turn, process, incarnation)) return
  for (const [voter, account] of state.accounts) {
    if (voter !== process && account.connected)
      send(turn, voter, { kind: 'deathNotice', process, storageId, incarnation, key })
  }
}

// --- frames ---------------------------------------------------------------------------------------------------------

function hearFrame(turn: Turn, frame: FrameInput): void {
  const { config, state } = turn
  if (frame.toIncarnation !== config.incarnation || frame.from === config.self) return
  if (state.membership !== null && !hasSession(state, frame.from, frame.fromIncarnation)) return
  if (!meetLife(turn, frame.from, frame.fromIncarnation)) return
  const alone = frame.parts.every(isOfSession)
  const account = state.accounts.get(frame.from)
  for (const part of frame.parts) hear(turn, frame.from, frame.fromIncarnation, account, part, alone)
  if (account !== undefined) sendUnsent(turn, frame.from, account)
}

/** Of a frame that holds nothing else nobody waits for the answer (R71). */
function isOfSession({ kind }: Part): boolean {
  return kind === 'heartbeat' || kind === 'ack'
}

function hear(
  turn: Turn,
  from: ProcessId,
  incarnation: Incarnation,
  account: Account | undefined,
  part: Part,
  alone: boolean,
): void {
  switch (part.kind) {
    case 'heartbeat':
      isCurrent(turn, from, part)
      hearHeartbeat(turn, from, part, alone && !part.prompt && !part.probe)
      return repeatNotices(turn, from)
    case 'requestVote':
      return hearRequestVote(turn, from, incarnation, part)
    case 'preVote':
      return hearPreVote(turn, from, incarnation, part)
    case 'bind':
      return hearBind(turn, from, incarnation, part)
    case 'release':
      return hearRelease(turn, from, incarnation, part)
    case 'timeoutNow':
      return hearTimeoutNow(turn, from, incarnation, part)
    case 'contend':
      return hearContend(turn, from, part)
    case 'sessionEnd':
      endLife(turn, from, incarnation)
      return
    case 'floorRequest':
      return hearFloorRequest(turn, from, incarnation, part)
    case 'floorReply':
      return hearFloorReply(turn, from, incarnation, part)
    case 'pause':
      return hearPause(turn, from, incarnation, part)
    case 'readTerm':
      return answerReadTerm(turn, from, part.election, part.nonce)
    case 'noticeAck':
      return hearNoticeAck(turn, from, part)
    case 'deathNotice':
      return
    case 'config':
      return hearConfig(turn, from, part)
    case 'configAck':
      return hearConfigAck(turn, from, part)
    default:
      if (account !== undefined) hearAnswer(turn, from, account, part)
  }
}

/** Answers of voters; from anybody else they count for nothing (R4, R12). */
function hearAnswer(turn: Turn, from: ProcessId, account: Account, part: Part): void {
  switch (part.kind) {
    case 'ack':
      return hearAck(turn, from, account, part, isCurrent(turn, from, part))
    case 'voteReply':
      return hearVoteReply(turn, from, account, part)
    case 'preVoteReply':
      return hearPreVoteReply(turn, from, account, part)
    case 'notice':
      return hearNotice(turn, from, part)
    case 'bindAck':
      return hearBindAck(turn, from, account, part)
    case 'releaseAck': {
      const fact = account.facts.get(part.election)
      if (fact?.kind === 'release' && fact.term === part.term) account.facts.delete(part.election)
      return
    }
    case 'contendAck': {
      const owed = account.contentions.get(part.election)
      if (owed?.contending === part.contending) account.contentions.delete(part.election)
      return
    }
    case 'pauseAck':
      return hearPauseAck(turn, from, account, part)
    case 'readTermReply':
      if (!isCurrent(turn, from, part)) return
      turn.effects.push({
        type: 'termRead',
        election: part.election,
        nonce: part.nonce,
        voter: from,
        term: part.term,
      })
      return
    default:
      return
  }
}

// --- what the service asks for ----------------------------------------------------------------------------------------

function contend(turn: Turn, input: ContendInput): void {
  const { state, config } = turn
  const election = electionOf(turn, input.election)
  if (election === null) return
  // who waits already goes on waiting: a score that moves must not begin the wait anew again and again (R37)
  const moves = election.contending && election.priority !== input.priority
  const waits = moves && election.attemptAt !== Number.POSITIVE_INFINITY
  election.contending = input.contending && !isWitness(state, config)
  election.priority = input.priority
  election.preferring = preferringOf(election.preferring, input.preference ?? null)
  seekBetter(turn, election)
  for (const [process, account] of state.accounts) oweContention(turn, process, account, election)
  tellHolder(turn, election)
  if (!election.contending) {
    if (election.lead === null) endCampaign(turn, election)
    attemptAt(turn, election, Number.POSITIVE_INFINITY)
  } else if (!waits && election.lead === null && election.campaign === null && !isBound(turn, election)) {
    awaitTurn(turn, election)
  }
}

/** R37, R40: a witness votes and never leads. */
function isWitness({ cluster }: State, { self }: CoreConfig): boolean {
  return cluster.voters.some(({ id, kind }) => id === self && kind === 'witness')
}

function giveUp(turn: Turn, input: RenounceInput): void {
  const election = turn.state.elections.get(input.election)
  if (election === undefined || election.lead === null) return
  election.notBefore = turn.now + input.cooldownMs
  const named = input.to === null ? null : observerCalled(turn, election, input.to)
  const to = named ?? (input.toBest === true ? bestSuccessor(turn, election) : null)
  if (to !== null && to !== turn.config.self && election.lead.frozen === null) {
    transfer(turn, election, input.reason, to)
  } else {
    renounce(turn, election, input.reason)
  }
  standBack(turn, election)
}

function renounceAll(turn: Turn, reason: RevokeReason): void {
  for (const lease of [...turn.state.leases.values()]) {
    for (const name of [...lease.elections]) {
      const election = turn.state.elections.get(name)
      if (election?.lead != null) renounce(turn, election, reason)
    }
  }
  for (const name of [...turn.state.campaigning]) {
    const election = turn.state.elections.get(name)
    if (election !== undefined) endCampaign(turn, election)
  }
}

/**
 * R71: everything is renounced, then one word frees all of it at every voter, and this life is over. The best contender of each
 * election that was led is told to campaign at once, with a certificate: whoever has not heard that word yet votes, too (R21).
 */
function end(turn: Turn, reason: RevokeReason): void {
  const { state } = turn
  const heirs = heirsOf(turn)
  renounceAll(turn, reason)
  turn.outbox = null
  for (const [election, heir] of heirs) nominate(turn, election, heir)
  for (const [process, account] of state.accounts)
    if (account.connected) send(turn, process, { kind: 'sessionEnd' })
  for (const support of state.supports.values()) support.heldAcks = []
  state.waiting.length = 0
  state.ended = true
}

function heirsOf(turn: Turn): Map<Election, ProcessId> {
  const heirs = new Map<Election, ProcessId>()
  for (const { elections, frozen } of turn.state.leases.values()) {
    if (frozen) continue
    for (const name of elections) {
      const election = turn.state.elections.get(name)
      const heir = election === undefined ? null : bestSuccessor(turn, election)
      if (election !== undefined && heir !== null) heirs.set(election, heir)
    }
  }
  return heirs
}

/**
 * R19: may the next start skip its boot wait? Only after `end`, and only if no promise to another process stands at `now`.
 */
export function promisesNothing(config: CoreConfig, state: State, now: number): boolean {
  if (!state.ended || state.storageFailed || now < state.bootUntil || state.recovery !== null) return false
  for (const { slot } of state.elections.values()) {
    const held = slot.binding
    if (held === null || held.released || held.leader === config.self) continue
    const support = state.supports.get(held.leader)
    if (support?.grant === held.grant && now < support.until) return false
  }
  return true
}

function isOfStorage(state: State, process: ProcessId, storageId: string): boolean {
  const known = state.supports.get(process)?.storageId ?? null
  return known === null || known === storageId
}

// --- guards that start closed (R43) -----------------------------------------------------------------------------------

function answerReadTerm(turn: Turn, from: ProcessId, name: string, nonce: number): void {
  const { state } = turn
  if (state.recovery !== null || state.storageFailed || !votes(turn)) return
  const term = Math.max(state.elections.get(name)?.decidedTerm ?? 0, state.termFloor)
  send(turn, from, stamp<ReadTermReply>(turn, { kind: 'readTermReply', election: name, nonce, term }))
}

function readOwnTerm(turn: Turn, name: string, nonce: number): void {
  const { state } = turn
  if (state.recovery !== null || state.storageFailed || !votes(turn)) return
  const term = Math.max(state.elections.get(name)?.decidedTerm ?? 0, state.termFloor)
  turn.effects.push({ type: 'termRead', election: name, nonce, voter: turn.config.self, term })
}

// --- consequences -----------------------------------------------------------------------------------------------------

function settle(turn: Turn): void {
  const { state } = turn
  if (state.ended) return
  if (state.waiting.length > 0) answerDurable(turn)
  if (turn.voided !== null) dropVoided(turn, turn.voided)
  if (turn.promisesMoved) {
    extendLeases(turn)
    settleCampaigns(turn)
  }
  if (state.membership !== null) settleMembership(turn)
  if (turn.votersChanged) endCampaigns(turn)
  if (turn.unblocked) standAgain(turn)
  if (turn.regranted !== null) {
    for (const voter of turn.regranted) {
      const account = state.accounts.get(voter)
      if (account !== undefined) oweToNewGrant(turn, voter, account)
    }
  }
  if (turn.freed !== null) {
    if (turn.freed.size >= STAND_AT_FIRST) {
      state.crowdAt = turn.now
      state.crowd = turn.freed.size
    }
    for (const [name, how] of turn.freed) {
      const election = state.elections.get(name)
      if (election !== undefined) freed(turn, election, how)
    }
  }
  if (turn.moved !== null) {
    for (const name of turn.moved) {
      const election = state.elections.get(name)
      if (election !== undefined) tellObservers(turn, election)
    }
  }
  if (turn.answered !== null) {
    for (const voter of turn.answered) {
      const account = state.accounts.get(voter)
      if (account?.connected === true) askAnswered(turn, voter, account)
    }
  }
  if (state.standby.size > 0) standBehind(turn)
  if (turn.decided) emitDecisions(turn)
}

/** R33: a campaign among other voters than those in force has no end but this one. */
function endCampaigns(turn: Turn): void {
  for (const name of [...turn.state.campaigning]) {
    const election = turn.state.elections.get(name)
    if (election !== undefined) fail(turn, election)
  }
}

/** Campaigns that ended make room for elections that waited for it (A.10.5), or a quorum is reached again. */
function standBehind(turn: Turn): void {
  const { state } = turn
  if (!reachesQuorum(turn)) return
  for (const name of state.standby) {
    if (!mayStand(turn)) return
    state.standby.delete(name)
    const election = state.elections.get(name)
    if (election !== undefined && election.attemptAt === Number.POSITIVE_INFINITY) takeTurn(turn, election)
  }
}

/** Answers whose write is done leave now, in the order of their decisions (R1). */
function answerDurable(turn: Turn): void {
  const { state } = turn
  const ready = state.waiting.filter(({ version }) => version <= state.written)
  if (ready.length === 0) return
  const rest = state.waiting.filter(({ version }) => version > state.written)
  state.waiting.length = 0
  for (const waiting of rest) state.waiting.push(waiting)
  for (const waiting of ready) {
    if (waiting.kind === 'pause') pauseDurable(turn, waiting.election, waiting.counter)
    else if (waiting.kind !== 'campaign') {
      // whoever asked may have restarted meanwhile: its new life did not (R24)
      if (state.supports.get(waiting.to)?.incarnation !== waiting.toIncarnation) continue
      if (waiting.kind === 'vote') voteDurable(turn, waiting.to, waiting.toIncarnation, waiting)
      else send(turn, waiting.to, waiting.part)
    } else {
      const election = state.elections.get(waiting.election)
      if (election !== undefined) ownVoteDurable(turn, election, waiting.nonce)
    }
  }
}

function freed(turn: Turn, election: Election, how: Freed): void {
  if (isBound(turn, election)) return
  answerParked(turn, election)
  observeLeader(turn, election)
  if (!election.contending || election.lead !== null) return
  election.evidence = how === 'evidence' && election.slot.binding?.led === true
  if (election.campaign?.phase === 'preVote' && !election.evidence) return settlePreVote(turn, election)
  if (how === 'own' && election.attemptAt !== Number.POSITIVE_INFINITY) return
  // to an observer that was handed it the voters say one by one that it is free (R21): it asks them already
  if (!votes(turn) && election.campaign?.certificate != null) return
  endCampaign(turn, election)
  awaitTurn(turn, election, how === 'evidence' && !election.evidence)
}

// --- effects ----------------------------------------------------------------------------------------------------------

/** Addresses the frames to the lives that are known now; whoever was never met gets none. */
function finish({ state, effects, outbox }: Turn): readonly Effect[] {
  if (outbox === null) return effects
  let strangers = 0
  for (const frame of outbox) {
    frame.toIncarnation = state.supports.get(frame.to)?.incarnation ?? 0
    if (frame.toIncarnation === 0) strangers += 1
  }
  const frames = strangers === 0 ? outbox : outbox.filter(({ toIncarnation }) => toIncarnation > 0)
  return effects.length === 0 ? frames : [...effects, ...frames]
}
