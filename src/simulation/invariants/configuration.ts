/**
 * P6: any two sets of voters that let somebody win intersect; a winner's votes come from a majority of its configuration.
 *
 * Source: PROTOCOL P6, R4. While configurations are static this says: everybody has the same voters, and no win rests on
 * fewer than a majority of distinct ones.
 */
import { quorumOf } from '../../core'
import type { ProcessId } from '../../core/types'
import type { Invariant, InvariantFactory } from './invariant'

/** Makes the invariant for a cluster of these voters. */
export function configuration(voters: readonly ProcessId[]): InvariantFactory {
  return (complain): Invariant => ({
    name: 'P6 configuration',
    observer: {
      elected(node, election, term) {
        const bound = node.state?.elections.get(election)?.lead?.bound
        if (bound === undefined) return
        const distinct = voters.filter((voter) => bound.has(voter))
        if (distinct.length < quorumOf(voters.length)) {
          complain(
            `${node.id} won term ${term} of ${election} with ${distinct.length} of ${voters.length} voters`,
          )
        }
      },
    },
  })
}
