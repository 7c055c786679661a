/**
 * Contenders that a process hears of from voters alone (R82): where no peer votes by a list that each store keeps, and an
 * observer that leads by the notices of the voters.
 *
 * Liveness only. Whoever is listed counts as reached by R21 and R37; over stores one with higher criteria has a head start of
 * as long as it takes everybody to look at the store (R69), and never more than D: whoever is first and dead costs time, not
 * the election. Among equals nothing is ordered, as a store takes one of them anyway. Read next: `succession.ts`, `preference.ts`.
 */
import type { ContendOf, Standing } from './messages'
import { seekBetter } from './preference'
import { votes } from './sessions'
import type { Election } from './state'
import { forgetContender, noteContender } from './succession'
import type { Turn } from './turn'
import type { ProcessId } from './types'

/** A store says that somebody else stands in an election, or does not any more. Not asked about: not remembered. */
export function hearListed(turn: Turn, store: ProcessId, part: ContendOf): void {
  const election = turn.state.elections.get(part.election)
  if (election === undefined || votes(turn) || turn.state.accounts.get(store)?.kind !== 'store') return
  const { process, contending, priority } = part
  list(turn, election, store, process, contending ? priority : null)
  seekBetter(turn, election)
}

/** A peer says to this observer who else stands: what it said before and does not say now is not so any more. */
export function hearStanding(
  turn: Turn,
  election: Election,
  voter: ProcessId,
  standing: readonly Standing[],
): void {
  const former = election.notices.get(voter)?.standing ?? []
  if (former.length === 0 && standing.length === 0) return
  for (const { process } of former) {
    if (!standing.some((one) => one.process === process)) list(turn, election, voter, process, null)
  }
  for (const { process, priority } of standing) list(turn, election, voter, process, priority)
  seekBetter(turn, election)
}

/** `priority` null: that voter lists it no more. */
function list(
  turn: Turn,
  election: Election,
  voter: ProcessId,
  process: ProcessId,
  priority: number | null,
): void {
  if (process === turn.config.self || (priority !== null && !Number.isSafeInteger(priority))) return
  const { since = turn.now, said: before } = election.listed.get(process) ?? {}
  const said = new Map(before)
  if (priority === null) said.delete(voter)
  else said.set(voter, priority)
  const listed = new Map(election.listed)
  // one voter that cannot be reached by it does not make it gone
  const its = priority ?? [...said.values()].at(-1)
  if (its === undefined) {
    listed.delete(process)
    forgetContender(election, process)
  } else {
    listed.set(process, { since, said })
    noteContender(turn, election, process, its)
  }
  election.listed = listed
}
