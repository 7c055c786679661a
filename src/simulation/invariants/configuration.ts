/**
 * P6: any two sets of voters that let somebody win intersect; a winner's votes come from a majority of its configuration.
 *
 * Source: PROTOCOL P6, R4. While configurations are static this says: everybody has the same voters, and no win rests on
 * fewer than a majority of distinct ones; while elections move, a majority of each set that the winner runs with.
 */
import { isQuorum } from '../../core'
import type { ClusterConfig } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

/** Makes the invariant; `clusterOf` tells with which voters a node runs. */
export function configuration(clusterOf: (node: NodeView) => ClusterConfig): InvariantFactory {
  return (complain): Invariant => ({
    name: 'P6 configuration',
    observer: {
      elected(node, election, term) {
        const bound = node.state?.elections.get(election)?.lead?.bound
        if (bound === undefined) return
        const cluster = clusterOf(node)
        if (!isQuorum(cluster, (voter) => bound.has(voter))) {
          const { length } = cluster.voters.filter(({ id }) => bound.has(id))
          complain(
            `${node.id} won term ${term} of ${election} with ${length} of ${cluster.voters.length} voters`,
          )
        }
      },
    },
  })
}
