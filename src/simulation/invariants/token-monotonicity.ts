/**
 * P3: tokens rise. A leadership whose first valid lease comes later in true time has a larger token, across restarts.
 *
 * Source: PROTOCOL P3 (b), which needs A2; uniqueness is P1. A leadership is valid from the instant of its report (R5), so
 * the order of reports is the order of first leases.
 */
import type { ElectionName, Term } from '../../core/types'
import type { Invariant, InvariantFactory } from './invariant'

export const tokenMonotonicity: InvariantFactory = (complain): Invariant => {
  const highest = new Map<ElectionName, Term>()
  return {
    name: 'P3 token monotonicity',
    observer: {
      elected(node, election, term) {
        const former = highest.get(election) ?? 0
        if (term <= former) {
          complain(`${node.id} won ${election} with token ${term} after a leadership with token ${former}`)
        }
        highest.set(election, Math.max(former, term))
      },
    },
  }
}
