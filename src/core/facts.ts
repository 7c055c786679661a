/**
 * Keeping the other voters informed: what is owed to whom, and repeated until answered.
 *
 * Per peer and election at most one *fact* (`bind T` or `release T`), one *contention*, and one *pause* (`pause.ts`). They are statements, not a
 * log: lost, doubled, late or reordered they do no harm, so nothing numbers them (PROTOCOL, "Keeping the other voters
 * informed"). Each leaves at once and rides on every heartbeat until its answer comes.
 */
import type { Contend, Part } from './messages'
import type { Account, Election } from './state'
import { frameTo, send, type Turn } from './turn'
import type { ElectionName, ProcessId, Term } from './types'

/** Owes `bind lead.term` to one voter (R62). While an election is led the fact is always `bind`. */
export function oweBind(
  turn: Turn,
  voter: ProcessId,
  account: Account,
  election: Election,
  term: Term,
): void {
  const fact = { kind: 'bind', election: election.name, term } as const
  account.facts.set(election.name, fact)
  if (account.connected) send(turn, voter, fact)
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
  account.facts.set(election.name, fact)
  if (account.connected) send(turn, voter, fact)
}

/** Owes the present contention to one process (R69). */
export function oweContention(turn: Turn, process: ProcessId, account: Account, election: Election): void {
  const part = contentionOf(election)
  account.contentions.set(election.name, part)
  if (account.connected) send(turn, process, part)
}

function contentionOf({ name, contending, priority }: Election): Contend {
  return { kind: 'contend', election: name, contending, priority }
}

/** Repeats everything owed to one process, in the order in which it was first owed, but for what this turn told it anyway. */
export function repeatOwed(turn: Turn, process: ProcessId, account: Account): void {
  if (account.facts.size + account.contentions.size + account.pauses.size === 0) return
  const said = new Set<Part>(frameTo(turn, process)?.parts)
  for (const fact of account.facts.values()) if (!said.has(fact)) send(turn, process, fact)
  for (const part of account.contentions.values()) if (!said.has(part)) send(turn, process, part)
  const saidOf = (name: ElectionName): boolean =>
    [...said].some((part) => part.kind === 'pause' && part.election === name)
  for (const name of account.pauses) {
    const pause = turn.state.elections.get(name)?.pause
    if (pause != null && !saidOf(name)) send(turn, process, { kind: 'pause', election: name, ...pause })
  }
}

/**
 * A new life of a voter remembers nothing: releases are pointless, contentions are owed again (binds follow its grant), and
 * so is every pause (R80). The caller sends what is owed.
 */
export function owedToNewLife(turn: Turn, account: Account): void {
  for (const [name, fact] of account.facts) {
    if (fact.kind === 'release') account.facts.delete(name)
  }
  for (const election of turn.state.elections.values()) {
    if (election.contending) account.contentions.set(election.name, contentionOf(election))
  }
  for (const name of turn.state.paused) account.pauses.add(name)
}
