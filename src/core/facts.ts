/**
 * Keeping the other voters informed: what is owed to whom, and repeated until answered.
 *
 * Per peer and election at most one *fact* (`bind T` or `release T`), one *contention*, and one *pause* (`pause.ts`). They are statements, not a
 * log: lost, doubled, late or reordered they do no harm, so nothing numbers them (PROTOCOL, "Keeping the other voters
 * informed"). Each leaves at once and rides on the heartbeats until its answer comes. Of ten thousand that are owed at once
 * only some are under way at a time; an answer makes room for the next (R70), so nobody drowns in repetitions.
 */
import type { Bind, Contend, Part, Release } from './messages'
import { FEW } from './numbers'
import type { Account, Election } from './state'
import { arm } from './succession'
import { frameTo, send, type Turn } from './turn'
import type { ElectionName, ProcessId, Term } from './types'

/** Facts, and contentions, that may be under way to one process; about as many fill two frames. */
const UNDER_WAY = 4_096

/** Of those without an answer, how many a heartbeat repeats: the oldest. */
const REPEATED = 512

/** Owes `bind lead.term` to one voter (R62). While an election is led the fact is always `bind`. */
export function oweBind(
  turn: Turn,
  voter: ProcessId,
  account: Account,
  election: Election,
  term: Term,
): void {
  const fact = { kind: 'bind', election: election.name, term } as const
  oweFact(turn, voter, account, fact)
}

/**
 * Owes `release topTerm` to one voter (R63). Never while the election is led (R65); only a fact of a higher term replaces it.
 */
export function oweRelease(
  turn: Turn,
  voter: ProcessId,
  account: Account,
  election: Election,
  successor: ProcessId | null,
): void {
  if (election.lead !== null || election.topTerm === 0) return
  const owed = account.facts.get(election.name)
  if (owed?.kind === 'release' && owed.term >= election.topTerm) return
  const fact = { kind: 'release', election: election.name, term: election.topTerm, successor } as const
  oweFact(turn, voter, account, fact)
}

function oweFact(turn: Turn, voter: ProcessId, account: Account, fact: Bind | Release): void {
  const { facts, unsentFacts } = account
  facts.set(fact.election, fact)
  account.newFacts += 1
  if (!account.connected) return
  if (hasRoom(facts, unsentFacts)) send(turn, voter, fact)
  else unsentFacts.push(fact.election)
}

/** Owes the present contention to one process (R69). */
export function oweContention(turn: Turn, process: ProcessId, account: Account, election: Election): void {
  const part = contentionOf(election)
  const { contentions, unsentContentions } = account
  contentions.set(election.name, part)
  account.newContentions += 1
  if (!account.connected) return
  if (hasRoom(contentions, unsentContentions)) send(turn, process, part)
  else unsentContentions.push(election.name)
}

/** `unsent` may name what is owed no more, or twice: then a little more is under way, or less. */
function hasRoom(owed: ReadonlyMap<ElectionName, Part>, unsent: readonly ElectionName[]): boolean {
  return unsent.length === 0 && owed.size <= UNDER_WAY
}

/** Who is in its cool-down does not stand, so nobody waits for it, and nothing is handed over to it (R21, R69). */
export function contentionOf({ name, contending, standsBack, priority }: Election): Contend {
  return { kind: 'contend', election: name, contending: contending && !standsBack, priority }
}

/** The cool-down has begun: said at once. */
export function standBack(turn: Turn, election: Election): void {
  if (!election.contending || election.notBefore <= turn.now) return
  election.standsBack = true
  arm(turn.state.timers, { at: election.notBefore, election: election.name })
  for (const [process, account] of turn.state.accounts) oweContention(turn, process, account, election)
}

/** The cool-down is over: said with the next heartbeat or probe, as nothing hangs on it. False: it is not, or there was none. */
export function comeBack(turn: Turn, election: Election): boolean {
  if (!election.standsBack || turn.now < election.notBefore) return false
  election.standsBack = false
  for (const { contentions } of turn.state.accounts.values())
    contentions.set(election.name, contentionOf(election))
  return true
}

/** Answers of that process may have made room: what waited for that leaves now. */
export function sendUnsent(turn: Turn, process: ProcessId, account: Account): void {
  const { facts, contentions, unsentFacts, unsentContentions } = account
  if (unsentFacts.length > 0) account.unsentFacts = sendSome(turn, process, facts, unsentFacts)
  if (unsentContentions.length > 0)
    account.unsentContentions = sendSome(turn, process, contentions, unsentContentions)
}

/** Sends as many as there is room for; returns the names that go on waiting. */
function sendSome(
  turn: Turn,
  process: ProcessId,
  owed: ReadonlyMap<ElectionName, Part>,
  unsent: ElectionName[],
): ElectionName[] {
  const room = Math.max(0, UNDER_WAY - Math.max(0, owed.size - unsent.length))
  if (room === 0) return unsent
  for (const name of unsent.slice(0, room)) {
    const part = owed.get(name)
    if (part !== undefined) send(turn, process, part)
  }
  return unsent.slice(room)
}

/**
 * Repeats the oldest of what is owed to one process, in the order in which it was first owed, but for what this turn told it
 * anyway. Of many most answers are under way: they are repeated eight times in a promise at most, and only what was owed
 * the time before already.
 */
export function repeatOwed(turn: Turn, process: ProcessId, account: Account): void {
  const { facts, contentions, pauses } = account
  if (facts.size + contentions.size + pauses.size === 0) return
  const said = new Set<Part>(frameTo(turn, process)?.parts)
  const isTime = turn.now - account.repeatedAt >= turn.config.timing.promiseMs / 8
  repeatOldest(turn, process, facts, isTime ? facts.size - account.newFacts : 0, said)
  repeatOldest(turn, process, contentions, isTime ? contentions.size - account.newContentions : 0, said)
  if (isTime) {
    account.repeatedAt = turn.now
    account.newFacts = 0
    account.newContentions = 0
  }
  sendUnsent(turn, process, account)
  repeatPauses(turn, process, account, said)
}

function repeatOldest(
  turn: Turn,
  process: ProcessId,
  owed: ReadonlyMap<ElectionName, Part>,
  old: number,
  said: ReadonlySet<Part>,
): void {
  let left = Math.min(REPEATED, owed.size > FEW ? old : FEW)
  for (const part of owed.values()) {
    if (left-- <= 0) return
    if (!said.has(part)) send(turn, process, part)
  }
}

function repeatPauses(turn: Turn, process: ProcessId, account: Account, said: ReadonlySet<Part>): void {
  const saidOf = (name: ElectionName): boolean =>
    [...said].some((part) => part.kind === 'pause' && part.election === name)
  for (const name of account.pauses) {
    const pause = turn.state.elections.get(name)?.pause
    if (pause != null && !saidOf(name)) send(turn, process, { kind: 'pause', election: name, ...pause })
  }
}

/** A new link: nobody knows what of the things that were sent has arrived. */
export function sendOwedAnew(turn: Turn, process: ProcessId, account: Account): void {
  account.unsentFacts = [...account.facts.keys()]
  account.unsentContentions = [...account.contentions.keys()]
  sendUnsent(turn, process, account)
  if (account.pauses.size > 0) repeatPauses(turn, process, account, new Set(frameTo(turn, process)?.parts))
}

/**
 * A new life of a voter remembers nothing: releases are pointless, contentions are owed again (binds follow its grant), and
 * so is every pause (R80). The caller sends what is owed. `asks`: this process has no vote, so it hears of an election only
 * if it says that it is there.
 */
export function owedToNewLife(turn: Turn, account: Account, asks: boolean): void {
  for (const [name, fact] of account.facts) {
    if (fact.kind === 'release') account.facts.delete(name)
  }
  for (const election of turn.state.elections.values()) {
    if (election.contending || asks) account.contentions.set(election.name, contentionOf(election))
  }
  for (const name of turn.state.paused) account.pauses.add(name)
}
