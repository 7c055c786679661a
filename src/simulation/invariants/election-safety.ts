/**
 * P1: at most one node is ever elected in a term of an election.
 *
 * Source: PROTOCOL P1; election safety of the Raft paper, figure 3. Holds without any assumption about clocks.
 */
import type { Invariant, InvariantFactory } from './invariant'

export const electionSafety: InvariantFactory = (complain): Invariant => {
  const winners = new Map<string, string>()
  return {
    name: 'P1 election safety',
    observer: {
      elected(node, election, term) {
        const key = `${election} ${term}`
        const winner = `${node.id}#${node.incarnation}`
        const former = winners.get(key)
        if (former !== undefined) complain(`${former} and ${winner} both won term ${term} of ${election}`)
        winners.set(key, winner)
      },
    },
  }
}
