/**
 * The start of a process that remembers nothing (R28): wait until every old promise and campaign is over, then learn from
 * the others how high the terms have gone, and vote only above that.
 *
 * If *all* voters recover at once nobody knows anything: then the largest wall clock among them is the floor, and
 * whoever took part in that may follow one that has finished already.
 */
import type { FloorReply, FloorRequest } from './messages'
import { MAX_TERM } from './numbers'
import { meetsEveryQuorum } from './quorum'
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
    if (account.connected) {
      send(turn, voter, { kind: 'floorRequest', nonce: recovery.nonce })
    }
  }
  return false
}

function settle(turn: Turn, recovery: Recovery): boolean {
  const { state } = turn
  const answers = [...recovery.answers]
  const done = answers.filter(([, answer]) => !answer.recovering)
  const isEnough = meetsEveryQuorum(
    state.cluster,
    (voter) => recovery.answers.get(voter)?.recovering === false,
  )
  const allTogether =
    answers.length === state.accounts.size &&
    answers.every(([, answer]) => answer.recovering || answer.together)
  if (!isEnough && !allTogether) return false
  let floor: Term = state.termFloor
  for (const [, { term }] of isEnough ? done : answers) floor = Math.max(floor, term)
  if (!isEnough) {
    floor = Math.max(floor, recovery.proposal)
    for (const [process, { incarnation }] of answers) state.bootstrapped.set(process, incarnation)
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
  const { recovery } = state
  let term = recovery?.proposal ?? state.termFloor
  if (recovery === null)
    for (const { slot } of state.elections.values()) term = Math.max(term, slot.knownTerm)
  const together = recovery === null && state.bootstrapped.get(from) === incarnation
  send(turn, from, {
    kind: 'floorReply',
    nonce: request.nonce,
    recovering: recovery !== null,
    together,
    term,
  })
}

export function hearFloorReply(
  turn: Turn,
  from: ProcessId,
  incarnation: Incarnation,
  reply: FloorReply,
): void {
  const { recovery, accounts } = turn.state
  if (recovery === null || reply.nonce !== recovery.nonce || !accounts.has(from)) return
  if (!Number.isSafeInteger(reply.term) || reply.term > MAX_TERM) return
  recovery.answers.set(from, { ...reply, incarnation })
}
