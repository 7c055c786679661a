/**
 * Every leadership has exactly one `elected` and one `revoked`, in this order, of the same term; and a leadership that is
 * reported holds a valid lease at that very instant.
 *
 * Source: DESIGN section 4 (events), R5; BUGS 19, 43.
 */
import type { LeaseId } from '../../core'
import type { ElectionName, Term } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

export const alternation: InvariantFactory = (complain): Invariant => {
  const leads = new Map<NodeView, Map<ElectionName, Term>>()
  const untils = new Map<NodeView, Map<LeaseId, number>>()
  const of = <V>(map: Map<NodeView, Map<V, number>>, node: NodeView): Map<V, number> => {
    let inner = map.get(node)
    if (inner === undefined) {
      inner = new Map()
      map.set(node, inner)
    }
    return inner
  }
  return {
    name: 'elected and revoked alternate',
    observer: {
      extended(node, lease, until) {
        of(untils, node).set(lease, until)
      },
      elected(node, election, term, lease) {
        const led = of(leads, node).get(election)
        if (led !== undefined) {
          complain(`${node.id} won term ${term} of ${election} while it still leads term ${led}`)
        }
        const until = of(untils, node).get(lease)
        if (until === undefined || node.now() >= until) {
          complain(`${node.id} won term ${term} of ${election} without a valid lease`)
        }
        of(leads, node).set(election, term)
      },
      revoked(node, election, term) {
        const led = of(leads, node).get(election)
        if (led !== term) {
          complain(
            `${node.id} lost term ${term} of ${election}, but it leads ${led === undefined ? 'nothing' : led}`,
          )
        }
        of(leads, node).delete(election)
      },
      ended(node, how) {
        for (const [election, term] of of(leads, node)) {
          if (how === 'stopped') complain(`${node.id} stopped and never revoked term ${term} of ${election}`)
        }
        leads.delete(node)
        untils.delete(node)
      },
    },
  }
}
