/**
 * Everybody keeps to its role: a witness never leads, and whoever has no vote gives none.
 *
 * Source: R37 and R40 (witness), R4 and R71 (who is no voter), R34 (who was removed). Looks at what leaves a process and at
 * what it wins, so it finds a vote that would not have counted, too. A vote may become durable with the very write of the
 * configuration that takes it away: it leaves in that turn, before that configuration is in force.
 */
import type { ClusterConfig, ProcessId } from '../../core/types'
import type { NodeView } from '../observer'
import type { InvariantFactory } from './invariant'

/** Makes the invariant for nodes that run with these voters. */
export function roles(clusterOf: (node: NodeView) => ClusterConfig): InvariantFactory {
  return (complain) => {
    const removed = new Set<ProcessId>()
    const votes: { readonly from: ProcessId; readonly text: string }[] = []
    return {
      name: 'everybody keeps to its role',
      observer: {
        elected(node, election, term) {
          const isWitness = clusterOf(node).voters.some(
            ({ id, kind }) => id === node.id && kind === 'witness',
          )
          if (isWitness) complain(`${node.id} is a witness and won term ${term} of ${election}`)
        },
        noticed(node, effect) {
          if (effect.type === 'configured' && effect.removed) removed.add(node.id)
        },
        said(node, _flight, part) {
          if (node.isVoter || part.kind !== 'voteReply' || part.grant === null) return
          const text = `${node.id} has no vote and gave one in term ${part.term} of ${part.election}`
          votes.push({ from: node.id, text })
        },
        /** What one event made of it: who was removed by it had a vote before. */
        event() {
          if (votes.length > 0) {
            for (const { from, text } of votes) if (!removed.has(from)) complain(text)
            votes.length = 0
          }
          // to empty an empty set makes a new table, a million times a second
          if (removed.size > 0) removed.clear()
        },
      },
    }
  }
}
