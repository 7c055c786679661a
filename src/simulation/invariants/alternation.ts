/**
 * Every leadership has exactly one `elected` and one `revoked`, in this order and of the same term.
 *
 * Source: DESIGN section 4 (events); BUGS 19, 43. A crash ends a leadership without a word; a clean stop may not.
 */
import type { ElectionName, Term } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

export const alternation: InvariantFactory = (complain): Invariant => {
  const leads = new Map<NodeView, Map<ElectionName, Term>>()
  const of = (node: NodeView): Map<ElectionName, Term> => {
    let terms = leads.get(node)
    if (terms === undefined) {
      terms = new Map()
      leads.set(node, terms)
    }
    return terms
  }
  return {
    name: 'elected and revoked alternate',
    observer: {
      elected(node, election, term) {
        const led = of(node).get(election)
        if (led !== undefined) {
          complain(`${node.id} won term ${term} of ${election} while it still leads term ${led}`)
        }
        of(node).set(election, term)
      },
      revoked(node, election, term) {
        const led = of(node).get(election)
        if (led !== term)
          complain(`${node.id} lost term ${term} of ${election}, but it leads ${led ?? 'nothing'}`)
        of(node).delete(election)
      },
      ended(node, how) {
        for (const [election, term] of of(node)) {
          if (how === 'stopped') complain(`${node.id} stopped and never revoked term ${term} of ${election}`)
        }
        leads.delete(node)
      },
    },
  }
}
