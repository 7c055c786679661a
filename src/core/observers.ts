/**
 * Observers: processes without a vote, which heartbeat the voters and are never heartbeaten (R71).
 *
 * As a voter (`meetObserver`, `watch`, `tellObservers`): what an observer asked about is told to it as a `notice`, now and
 * whenever the own slot changes, and repeated behind its heartbeats until it is answered. A notice is a statement like the
 * facts of `facts.ts`: lost, doubled or late it does no harm, because it has a number.
 * As an observer (`hearNotice`): what the voters say stands in for the slot that it does not have.
 * Observers do not hear of each other: the voters, which know them all, say who of them goes first (R69), find the one that
 * a leader names (R21), and tell an observer that leads who else stands, so that it can hand over (R21, R37).
 * Nothing here gives or counts a vote: whoever has no account is no voter (R4, R12). Read next: `leadership.ts`.
 */
import { noteJump, plausible } from './campaigns'
import { displayName } from './identity'
import { isBound, observeLeader } from './leadership'
import { hearListed, hearStanding } from './listed'
import type { Contend, ContendOf, Notice, NoticeAck, Part, Standing } from './messages'
import { MAX_STANDING } from './numbers'
import { seekBetter } from './preference'
import { votes } from './sessions'
import type { Election } from './state'
import { attemptAt, forgetContender, formerHolder, noteContender, order } from './succession'
import { electionOf, floorOf, frameTo, free, send, type Turn } from './turn'
import type { ProcessId } from './types'

/** Processes without a vote whose former lives are remembered; each restart of one without a storage is a new name. */
const MAX_STRANGERS = 1_024

const NOBODY: readonly Standing[] = []

// --- as a voter ---------------------------------------------------------------------------------------------------

/** An observer is connected. What it wants to know it asks anew. */
export function meetObserver(turn: Turn, process: ProcessId): void {
  const { state } = turn
  leaveObserver(turn, process)
  state.observers.set(process, { elections: new Set(), notices: new Map() })
  forgetStrangers(turn)
}

/** An observer is gone: nothing is owed to it, and it stands nowhere. What it was promised stands until it runs out. */
export function leaveObserver(turn: Turn, process: ProcessId): void {
  const { observers, elections } = turn.state
  const left = observers.get(process)
  observers.delete(process)
  for (const name of left?.elections ?? []) {
    const election = elections.get(name)
    if (election === undefined || !election.contenders.has(process)) continue
    forgetContender(election, process)
    tellHolder(turn, election)
  }
}

/** Keeps the memory of lives bounded: the oldest that is gone and holds no promise is forgotten (E5). */
function forgetStrangers({ state, now }: Turn): void {
  let excess = state.supports.size - state.accounts.size - MAX_STRANGERS
  for (const [process, support] of state.supports) {
    if (excess <= 0) return
    if (state.accounts.has(process) || state.observers.has(process) || now < support.until) continue
    state.supports.delete(process)
    excess -= 1
  }
}

/** An observer asks about an election: it is told now, and whenever that changes. */
function watch(turn: Turn, process: ProcessId, election: Election): void {
  const observer = turn.state.observers.get(process)
  if (observer === undefined) return
  observer.elections.add(election.name)
  oweNotice(turn, process, election)
}

/** Somebody contends, or does not any more: then it is known to go last, which keeps the order of the others (R69). */
export function hearContend(turn: Turn, from: ProcessId, part: Contend | ContendOf): void {
  if ('process' in part) return hearListed(turn, from, part)
  const election = electionOf(turn, part.election)
  if (election === null) return
  const before = election.contenders
  if (!part.contending) noteContender(turn, election, from, Number.NEGATIVE_INFINITY)
  else if (Number.isSafeInteger(part.priority)) noteContender(turn, election, from, part.priority)
  if (election.contenders !== before && turn.state.observers.has(from)) tellHolder(turn, election)
  seekBetter(turn, election)
  send(turn, from, { kind: 'contendAck', election: part.election, contending: part.contending })
  if (!turn.state.accounts.has(from)) watch(turn, from, election)
}

/** The own slot of an election changed. */
export function tellObservers(turn: Turn, election: Election): void {
  const { observers, accounts } = turn.state
  for (const [process, { elections }] of observers) {
    // one that has become a voter needs no notices (R34)
    if (elections.has(election.name) && !accounts.has(process)) oweNotice(turn, process, election)
  }
}

/** Who stands here has changed: an observer that leads may hand over to a better one (R37). */
export function tellHolder(turn: Turn, election: Election): void {
  const { observers, accounts } = turn.state
  if (observers.size === 0 || !isBound(turn, election)) return
  const holder = election.slot.binding?.leader
  if (holder === undefined || accounts.has(holder)) return
  if (observers.get(holder)?.elections.has(election.name)) oweNotice(turn, holder, election)
}

function oweNotice(turn: Turn, process: ProcessId, election: Election): void {
  const notice = noticeOf(turn, election, process)
  turn.state.observers.get(process)?.notices.set(election.name, notice)
  send(turn, process, notice)
}

/** A heartbeat or probe of an observer came: whatever it has not answered is said again. */
export function repeatNotices(turn: Turn, process: ProcessId): void {
  if (turn.state.observers.size === 0) return
  const notices = turn.state.observers.get(process)?.notices
  if (notices === undefined || notices.size === 0 || turn.state.accounts.has(process)) return
  const said = new Set<Part>(frameTo(turn, process)?.parts)
  for (const notice of notices.values()) if (!said.has(notice)) send(turn, process, notice)
}

/** A notice has arrived; one that was replaced meanwhile is not the one that is owed. */
export function hearNoticeAck(turn: Turn, from: ProcessId, { election, number }: NoticeAck): void {
  const notices = turn.state.observers.get(from)?.notices
  if (notices?.get(election)?.number === number) notices.delete(election)
}

function noticeOf(turn: Turn, election: Election, to: ProcessId): Notice {
  const { slot, lead, successor } = election
  turn.state.noticeCounter += 1
  const held = isBound(turn, election) ? slot.binding : null
  return {
    kind: 'notice',
    election: election.name,
    knownTerm: lead?.term ?? held?.term ?? floorOf(turn, election),
    leader: held?.led === true ? held.leader : null,
    free: held === null,
    successor: successor ?? (held === null ? firstObserver(turn, election) : null),
    number: turn.state.noticeCounter,
    standing: held?.leader === to ? standingHere(turn, election, to) : NOBODY,
  }
}

/** This process, if it contends, and the observers that do and are here; other voters speak for themselves. */
function standingHere({ state, config }: Turn, election: Election, holder: ProcessId): Standing[] {
  const standing: Standing[] = []
  const { contending, standsBack, priority, contenders } = election
  if (contending && !standsBack) standing.push({ process: config.self, priority })
  for (const [process, its] of contenders) {
    if (process === holder || its === Number.NEGATIVE_INFINITY || !state.observers.has(process)) continue
    standing.push({ process, priority: its })
  }
  const place = (one: Standing) => order(election, one.process, one.priority)
  return standing.sort((one, other) => place(one) - place(other)).slice(0, MAX_STANDING)
}

/**
 * Whom the observers let go first where no voter stands: the first in the order of R69 of those that are here. Null where a
 * voter does. Each voter says what it sees; where they differ two stand at once, as without an order.
 */
function firstObserver({ state }: Turn, election: Election): ProcessId | null {
  if (election.contending) return null
  const former = formerHolder(election)
  let first: ProcessId | null = null
  let place = Number.POSITIVE_INFINITY
  for (const [process, priority] of election.contenders) {
    if (priority === Number.NEGATIVE_INFINITY || process === former) continue
    if (state.accounts.get(process)?.connected === true) return null
    if (!state.observers.has(process)) continue
    const its = order(election, process, priority)
    if (its >= place) continue
    first = process
    place = its
  }
  return first
}

/** The observer that people call so, if it is here, or voters say so, and stands; else the name as it is. */
export function observerCalled({ state }: Turn, { contenders, listed }: Election, id: ProcessId): ProcessId {
  if (state.accounts.has(id)) return id
  for (const [process, priority] of contenders) {
    if (priority === Number.NEGATIVE_INFINITY) continue
    if (!state.observers.has(process) && !listed.has(process)) continue
    if (displayName(process) === id) return process
  }
  return id
}

// --- as an observer, or where only stores vote ----------------------------------------------------------------------

/** What a voter says of its slot to a process that has none. Never more than a reason to stand, or not to (R7 decides). */
export function hearNotice(turn: Turn, from: ProcessId, notice: Notice): void {
  const election = turn.state.elections.get(notice.election)
  if (election === undefined || votes(turn)) return
  if (!plausible(turn, election, notice.knownTerm, from)) return
  const isLate = notice.number < (election.notices.get(from)?.number ?? 0)
  if (!isLate) {
    noteJump(turn, election, notice.knownTerm)
    const before = isBound(turn, election)
    hearStanding(turn, election, from, notice.standing)
    election.notices = new Map(election.notices).set(from, notice)
    election.slot.knownTerm = Math.max(election.slot.knownTerm, notice.knownTerm)
    election.successor = notice.successor
    settleNotices(turn, election, before)
  }
  if (turn.state.accounts.get(from)?.kind === 'store') return
  send(turn, from, { kind: 'noticeAck', election: notice.election, number: notice.number })
}

/** The link to a voter, or its life, is gone: what it said last may not be so any more, and is asked for again. */
export function dropNotices(turn: Turn, voter: ProcessId): void {
  if (votes(turn)) return
  for (const election of turn.state.elections.values()) {
    if (!election.notices.has(voter)) continue
    const before = isBound(turn, election)
    hearStanding(turn, election, voter, NOBODY)
    const others = new Map(election.notices)
    others.delete(voter)
    election.notices = others
    settleNotices(turn, election, before)
  }
}

function settleNotices(turn: Turn, election: Election, before: boolean): void {
  const after = isBound(turn, election)
  if (before && !after) free(turn, election.name, 'lapse')
  if (after && election.lead === null) attemptAt(turn, election, Number.POSITIVE_INFINITY)
  observeLeader(turn, election)
}
