/**
 * P1: at most one node is ever elected in a term of an election.
 *
 * Source: PROTOCOL P1; election safety of the Raft paper, figure 3. Holds without any assumption about clocks.
 */
import type { ElectionName, Term } from '../../core/types'
import { type Invariant, type InvariantFactory, within } from './invariant'

export const electionSafety: InvariantFactory = (complain): Invariant => {
  const winners = new Map<ElectionName, Map<Term, string>>()
  return {
    name: 'P1 election safety',
    observer: {
      elected(node, election, term) {
        const ofTerms = within(winners, election)
        const winner = `${node.id}#${node.incarnation}`
        const former = ofTerms.get(term)
        if (former !== undefined) complain(`${former} and ${winner} both won term ${term} of ${election}`)
        ofTerms.set(term, winner)
      },
    },
  }
}
