/**
 * Sets of voters: how two of them differ, and what another one does to a process when it comes into force (R33, R34).
 *
 * Decides nothing about who may change them, nor when: that is `membership.ts`, where the argument is, too.
 */
import { contentionOf } from './facts'
import { attachLease, freezeLease, unbind } from './leases'
import { meetObserver } from './observers'
import { forgetSupport, meet } from './sessions'
import { createAccount, type Membership, type State } from './state'
import { forgetContender } from './succession'
import { frameTo, send, type Turn } from './turn'
import type { Incarnation, ProcessId, Voter } from './types'

/** Voters added, removed or moved. Another storage under one name is a voter removed and one added (R26, R32 c). */
export function changesBetween(old: readonly Voter[], next: readonly Voter[]): number {
  let changes = 0
  for (const voter of next) {
    const same = old.find((other) => isSame(other, voter))
    if (same === undefined || (same.address ?? null) !== (voter.address ?? null)) changes += 1
  }
  for (const voter of old) if (!next.some((other) => isSame(other, voter))) changes += 1
  return changes
}

/** The same voter? A founder that has no storage yet is whoever bears its name. */
function isSame(a: Voter, b: Voter): boolean {
  return a.id === b.id && (a.storageId == null || b.storageId == null || a.storageId === b.storageId)
}

/** R33, R34: other voters from now on. Who goes is told and forgotten, who comes is owed everything. */
export function changeVoters(turn: Turn, membership: Membership, former: readonly Voter[]): void {
  const { state, config } = turn
  turn.votersChanged = true
  const { voters } = state.cluster
  for (const voter of former) {
    if (voter.id !== config.self && !voters.some((other) => isSame(other, voter)))
      forget(turn, membership, voter.id)
  }
  for (const voter of voters) {
    if (voter.id !== config.self && !state.accounts.has(voter.id)) meetVoter(turn, membership, voter)
  }
  for (const election of state.elections.values()) {
    if (election.lead === null) continue
    if (state.isVoter) attachLease(turn, election, election.lead)
    else freezeLease(turn, election, election.lead, 'removed')
  }
  if (state.isVoter) turn.unblocked = true
}

function forget(turn: Turn, { strangers }: Membership, voter: ProcessId): void {
  const { state } = turn
  const account = state.accounts.get(voter)
  if (account?.connected === true) {
    offer(turn, voter)
    const { incarnation, rho, deltaMs, lastAnsweredSend: sentAt } = account
    const storageId = state.supports.get(voter)?.storageId ?? null
    strangers.set(voter, { storageId, incarnation, rho, deltaMs, sentAt })
  }
  state.accounts.delete(voter)
  for (const election of state.elections.values()) {
    forgetContender(election, voter)
    if (election.lead !== null) unbind(election.lead, voter)
    if (election.successor === voter) election.successor = null
  }
}

function meetVoter(turn: Turn, { strangers }: Membership, { id, storageId }: Voter): void {
  const { state, config } = turn
  const account = createAccount(config, 'peer')
  const present = strangers.get(id)
  strangers.delete(id)
  if (present !== undefined && (storageId ?? present.storageId) === present.storageId) {
    account.incarnation = present.incarnation
    account.connected = true
    account.rho = present.rho
    account.deltaMs = present.deltaMs
    account.lastAnsweredSend = present.sentAt
  }
  state.accounts.set(id, account)
  // every lease that another storage of that name earned is over (R72): its lives say nothing of this one's
  const known = state.supports.get(id)?.storageId ?? null
  if (storageId != null && known !== null && known !== storageId) forgetSupport(turn, id)
  for (const election of state.elections.values()) {
    const { name, contending, lead } = election
    if (contending) account.contentions.set(name, contentionOf(election))
    if (lead !== null && lead.frozen === null)
      account.facts.set(name, { kind: 'bind', election: name, term: lead.term })
  }
}

/**
 * R24: does that life have a session here? Where members change nobody else is heard: a late frame of a storage that was
 * given up may bear a higher number than the life that has its name now, and would make an old life of it.
 */
export function hasSession(
  { accounts, membership }: State,
  process: ProcessId,
  incarnation: Incarnation,
): boolean {
  const account = accounts.get(process)
  const life = account?.connected === true ? account : membership?.strangers.get(process)
  return life?.incarnation === incarnation
}

/**
 * A sign of that life of a process (`meet`). Whoever has no vote here may have been given one elsewhere, with another
 * storage than the process that bore its name before (R26). That is no later life of the same process: the old one may
 * still run and lead, so it is over here when its promise is, and not for the number of the new one (R54, R72).
 */
export function meetLife(turn: Turn, process: ProcessId, incarnation: Incarnation): boolean {
  const { state, now } = turn
  if (state.membership === null) return meet(turn, process, incarnation)
  const stranger = state.membership.strangers.get(process)
  const former = state.supports.get(process)
  const isOther = former?.storageId != null && former.storageId !== stranger?.storageId
  if (stranger?.incarnation !== incarnation || !isOther) return meet(turn, process, incarnation)
  if (now < former.until) return false
  forgetSupport(turn, process)
  meet(turn, process, incarnation)
  const support = state.supports.get(process)
  if (support !== undefined) support.storageId = stranger.storageId
  meetObserver(turn, process)
  return true
}

/** Tells the configuration in force here, once per frame. */
export function offer(turn: Turn, to: ProcessId): void {
  if (frameTo(turn, to)?.parts.some(({ kind }) => kind === 'config')) return
  send(turn, to, { kind: 'config', cluster: turn.state.cluster })
}
