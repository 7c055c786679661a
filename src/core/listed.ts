/**
 * Contenders that stores alone know of: where no peer votes, processes hear of each other by a list that each store keeps (R82).
 *
 * Liveness only. Whoever is listed counts as reached by R21 and R37; one with higher criteria has a head start of as long as it
 * takes everybody to look at the store (R69), and never more than D: whoever is first and dead costs time, not the election.
 * Among equals nothing is ordered, as a store takes one of them anyway. Read next: `succession.ts`, `preference.ts`.
 */
import type { ContendOf } from './messages'
import { seekBetter } from './preference'
import { votes } from './sessions'
import { forgetContender, noteContender } from './succession'
import type { Turn } from './turn'
import type { ProcessId } from './types'

/** A store says that somebody else stands in an election, or does not any more. Not asked about: not remembered. */
export function hearListed(turn: Turn, store: ProcessId, part: ContendOf): void {
  const { process } = part
  const election = turn.state.elections.get(part.election)
  if (election === undefined || votes(turn) || turn.state.accounts.get(store)?.kind !== 'store') return
  if (process === turn.config.self || !Number.isSafeInteger(part.priority)) return
  const { since = turn.now, said } = election.listed.get(process) ?? {}
  const stores = new Map(said)
  if (part.contending) stores.set(store, part.priority)
  else stores.delete(store)
  const listed = new Map(election.listed)
  // one store that cannot be reached by it does not make it gone
  const priority = part.contending ? part.priority : [...stores.values()].at(-1)
  if (priority === undefined) {
    listed.delete(process)
    forgetContender(election, process)
  } else {
    listed.set(process, { since, said: stores })
    noteContender(turn, election, process, priority)
  }
  election.listed = listed
  seekBetter(turn, election)
}
