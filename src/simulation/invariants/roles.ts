/**
 * Everybody keeps to its role: a witness never leads, and whoever has no vote gives none.
 *
 * Source: R37 and R40 (witness), R4 and R71 (who is no voter). Looks at what leaves a process and at what it wins, so it
 * finds a vote that would not have counted, too.
 */
import type { ClusterConfig } from '../../core/types'
import type { NodeView } from '../observer'
import type { InvariantFactory } from './invariant'

/** Makes the invariant for nodes that run with these voters. */
export function roles(clusterOf: (node: NodeView) => ClusterConfig): InvariantFactory {
  return (complain) => ({
    name: 'everybody keeps to its role',
    observer: {
      elected(node, election, term) {
        const isWitness = clusterOf(node).voters.some(({ id, kind }) => id === node.id && kind === 'witness')
        if (isWitness) complain(`${node.id} is a witness and won term ${term} of ${election}`)
      },
      said(node, _flight, part) {
        if (node.isVoter || part.kind !== 'voteReply' || part.grant === null) return
        complain(`${node.id} has no vote and gave one in term ${part.term} of ${part.election}`)
      },
    },
  })
}
