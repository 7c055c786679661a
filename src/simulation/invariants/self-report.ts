/**
 * The core itself never raises `invariantViolation`: in a cluster whose voters do not lie there is nothing to raise (R6).
 *
 * Source: R6, R15; A1 ("authenticated voters do not lie"). Not demanded where A2 is broken: then two leases may overlap, and
 * a leader that hears the other one has to say so.
 */
import type { Invariant, InvariantFactory } from './invariant'

export const selfReport: InvariantFactory = (complain): Invariant => ({
  name: 'R6 no alarm of the core',
  observer: {
    noticed(node, effect) {
      if (effect.type === 'alarm' && effect.code === 'invariantViolation') {
        complain(`${node.id} raised invariantViolation: ${effect.detail}`)
      }
    },
  },
})
