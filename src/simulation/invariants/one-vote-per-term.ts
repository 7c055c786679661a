/**
 * A voter gives its vote of a term to one candidate only, over all its lives on one storage.
 *
 * Source: R2, section 5.2 of the Raft paper; BUGS 32, 36. A candidate's own vote is one from the instant at which it
 * is durable (R3): one that a crash forgot was counted by nobody.
 */
import type { ElectionName, ProcessId, Term } from '../../core/types'
import type { NodeView } from '../observer'
import { type Invariant, type InvariantFactory, within } from './invariant'

interface Vote {
  readonly candidate: ProcessId
  readonly life: number
}

export const oneVotePerTerm: InvariantFactory = (complain): Invariant => {
  const books = new Map<NodeView, Map<string, Map<ElectionName, Map<Term, Vote>>>>()
  const storages = new Map<NodeView, string>()
  const voted = (
    node: NodeView,
    election: ElectionName,
    term: Term,
    candidate: ProcessId,
    life: number,
  ): void => {
    const votes = within(within(within(books, node), storages.get(node) ?? ''), election)
    const former = votes.get(term)
    if (former === undefined) return void votes.set(term, { candidate, life })
    if (former.candidate === candidate && former.life === life) return
    const whom = `${former.candidate}#${former.life} and for ${candidate}#${life}`
    complain(`${node.id} voted for ${whom} in term ${term} of ${election}`)
    votes.set(term, { candidate, life })
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
