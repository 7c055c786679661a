/**
 * A win is a lease: whoever is reported as elected holds a valid lease at that very instant.
 *
 * Source: R5 ("it holds a valid lease at once, and only then it announces"); BUGS 11.
 */
import type { LeaseId } from '../../core'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

export const winIsLease: InvariantFactory = (complain): Invariant => {
  const untils = new Map<NodeView, Map<LeaseId, number>>()
  return {
    name: 'R5 a win is a lease',
    observer: {
      extended(node, lease, until) {
        let leases = untils.get(node)
        if (leases === undefined) {
          leases = new Map()
          untils.set(node, leases)
        }
        leases.set(lease, until)
      },
      elected(node, election, term, lease) {
        const until = untils.get(node)?.get(lease)
        if (until !== undefined && node.now() < until) return
        complain(`${node.id} won term ${term} of ${election} without a valid lease`)
      },
      ended(node) {
        untils.delete(node)
      },
    },
  }
}
