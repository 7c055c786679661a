/**
 * A voter gives its vote of a term to one candidate only, over all its lives on one storage.
 *
 * Source: R2, section 5.2 of the Raft paper; BUGS 32, 36. A candidate's own vote is seen when its request leaves (R3).
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
      durable(node, storageId) {
        storages.set(node, storageId)
      },
      said(node, flight, part) {
        if (part.kind === 'voteReply') {
          if (part.grant !== null) voted(node, part.election, part.term, flight.to, flight.toIncarnation)
        } else if (part.kind === 'requestVote') {
          voted(node, part.election, part.term, node.id, node.incarnation)
        }
      },
    },
  }
}
