/**
 * A voter gives its vote of a term to one candidate only, over all its lives on one storage.
 *
 * Source: R2, section 5.2 of the Raft paper; BUGS 32, 36. A candidate's own vote is one from the instant at which it
 * is durable (R3): one that a crash forgot was counted by nobody.
 */
import type { ProcessId, Term } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

export const oneVotePerTerm: InvariantFactory = (complain): Invariant => {
  const votes = new Map<string, string>()
  const storages = new Map<NodeView, string>()
  const voted = (node: NodeView, election: string, term: Term, candidate: ProcessId, life: number): void => {
    const key = `${node.id} ${storages.get(node) ?? ''} ${election} ${term}`
    const vote = `${candidate}#${life}`
    const former = votes.get(key)
    if (former !== undefined && former !== vote) {
      complain(`${node.id} voted for ${former} and for ${vote} in term ${term} of ${election}`)
    }
    votes.set(key, vote)
  }
  return {
    name: 'R2 one vote per term',
    observer: {
      durable(node, storageId, { terms }) {
        storages.set(node, storageId)
        for (const [election, term] of terms) {
          const held = node.state?.elections.get(election)?.slot.binding
          if (held?.leader !== node.id || held.term !== term) continue
          voted(node, election, term, node.id, held.incarnation)
        }
      },
      said(node, flight, part) {
        if (part.kind !== 'voteReply' || part.grant === null) return
        voted(node, part.election, part.term, flight.to, flight.toIncarnation)
      },
    },
  }
}
