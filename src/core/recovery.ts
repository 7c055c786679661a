/**
 * The start of a process that remembers nothing (R28): wait until every old promise and campaign is over, then learn from
 * the others how high the terms have gone, and vote only above that.
 *
 * If *all* voters recover at once nobody knows anything: then the largest wall clock among them is the floor, and
 * whoever took part in that may follow one that has finished already.
 */
import type { FloorReply, FloorRequest } from './messages'
import { MAX_TERM, quorumOf } from './numbers'
import type { Recovery } from './state'
import { send, type Turn } from './turn'
import type { Incarnation, ProcessId, Term } from './types'

/** Asks those that have not told a term yet, each heartbeat; ends the recovery when enough is known. True when it ended. */
export function recover(turn: Turn): boolean {
  const { state, config, now } = turn
  const { recovery } = state
  if (recovery === null || now < recovery.until) return false
  if (settle(turn, recovery)) return true
  if (now < recovery.nextAskAt) return false
  recovery.nextAskAt = now + config.timing.heartbeatMs
  for (const [voter, account] of state.accounts) {
    if (account.connected && !recovery.terms.has(voter)) {
      send(turn, voter, { kind: 'floorRequest', nonce: recovery.nonce })
    }
  }
  return false
}

function settle(turn: Turn, recovery: Recovery): boolean {
  const { state, config } = turn
  const voters = config.cluster.voters.length
  const others = state.accounts.size
  let floor: Term = state.termFloor
  if (recovery.terms.size >= Math.min(voters - quorumOf(voters) + 1, others) && recovery.terms.size > 0) {
    for (const term of recovery.terms.values()) floor = Math.max(floor, term)
  } else if (recovery.recovering.size + recovery.terms.size === others && recovery.terms.size === 0) {
    floor = Math.max(floor, recovery.proposal)
    for (const { proposal } of recovery.recovering.values()) floor = Math.max(floor, proposal)
    for (const [process, { incarnation }] of recovery.recovering) state.bootstrapped.set(process, incarnation)
  } else {
    return false
  }
  state.termFloor = floor
  state.recovery = null
  return true
}

export function hearFloorRequest(
  turn: Turn,
  from: ProcessId,
  incarnation: Incarnation,
  request: FloorRequest,
): void {
  const { state } = turn
  let term = state.termFloor
  let recovering = state.recovery !== null
  if (state.recovery !== null) term = state.recovery.proposal
  else if (state.bootstrapped.get(from) === incarnation) recovering = true
  else for (const election of state.elections.values()) term = Math.max(term, election.slot.knownTerm)
  send(turn, from, { kind: 'floorReply', nonce: request.nonce, recovering, term })
}

export function hearFloorReply(
  turn: Turn,
  from: ProcessId,
  incarnation: Incarnation,
  reply: FloorReply,
): void {
  const { recovery, accounts } = turn.state
  if (recovery === null || reply.nonce !== recovery.nonce || !accounts.has(from) || reply.term > MAX_TERM)
    return
  if (reply.recovering) {
    recovery.recovering.set(from, { incarnation, proposal: reply.term })
    recovery.terms.delete(from)
  } else {
    recovery.terms.set(from, reply.term)
    recovery.recovering.delete(from)
  }
}
