/**
 * P2 as a service sees it: at every true instant at most one process would say that it leads.
 *
 * Source: PROTOCOL P2, R14. Asks the running service itself after every event, where `lease-exclusivity` keeps an account
 * of its own; for simulations of whole services. A process whose host stands still answers nobody.
 */
import type { ElectionName } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

/** A node that can be asked. */
export interface AnsweringNode extends NodeView {
  holdsValid(election: ElectionName): boolean
}

/** Makes the invariant for these nodes and elections. */
export function exclusiveReads(
  nodes: ReadonlyMap<string, AnsweringNode>,
  elections: readonly ElectionName[],
): InvariantFactory {
  return (complain): Invariant => ({
    name: 'P2 one process says that it leads',
    observer: {
      event() {
        for (const election of elections) {
          let first: AnsweringNode | null = null
          for (const node of nodes.values()) {
            if (!node.alive || !node.holdsValid(election)) continue
            if (first !== null) complain(`${first.id} and ${node.id} both say that they lead ${election}`)
            first = node
          }
        }
      },
    },
  })
}
