/**
 * P4: whoever asks whether it leads gets a yes only while its lease stands on its own clock at the reading.
 *
 * Source: PROTOCOL P4, R14; BUGS 23 (first answer after a stall). The end of the lease is taken from the reports alone,
 * the answer from the code under test.
 */
import type { LeaseId } from '../../core'
import type { ElectionName, Term } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

interface Standing {
  readonly term: Term
  lease: LeaseId
}

export const expiredLease: InvariantFactory = (complain): Invariant => {
  const standing = new Map<NodeView, Map<ElectionName, Standing>>()
  const untils = new Map<NodeView, Map<LeaseId, number>>()
  return {
    name: 'P4 no acting on an expired lease',
    observer: {
      began(node) {
        standing.set(node, new Map())
        untils.set(node, new Map())
      },
      extended(node, lease, until) {
        untils.get(node)?.set(lease, until)
      },
      elected(node, election, term, lease) {
        standing.get(node)?.set(election, { term, lease })
      },
      moved(node, election, lease) {
        const each = standing.get(node)?.get(election)
        if (each !== undefined) each.lease = lease
      },
      revoked(node, election) {
        standing.get(node)?.delete(election)
      },
      checked(node, election, token) {
        if (token === null) return
        const held = standing.get(node)?.get(election)
        if (held === undefined)
          return complain(`${node.id} says that it leads ${election}, but it was never told so`)
        const until = untils.get(node)?.get(held.lease) ?? Number.NEGATIVE_INFINITY
        if (token !== held.term)
          complain(`${node.id} gives token ${token} for term ${held.term} of ${election}`)
        if (node.now() >= until) {
          complain(
            `${node.id} says that it leads ${election} ${(node.now() - until).toFixed(3)} ms after its lease`,
          )
        }
      },
    },
  }
}
