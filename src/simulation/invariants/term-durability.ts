/**
 * The durable term of an election never falls on one storage, nor does the incarnation of its process.
 *
 * Source: R2, R24, A3; PROTOCOL A.9 ("durable term lost": P1 breaks). Seen at the disk, write by write, so that two writes
 * that overtake each other show at once (R1, "write order").
 */
import type { ElectionName, Term } from '../../core/types'
import { type Invariant, type InvariantFactory, within } from './invariant'

export const termDurability: InvariantFactory = (complain): Invariant => {
  const terms = new Map<string, Map<ElectionName, Term>>()
  const incarnations = new Map<string, number>()
  return {
    name: 'durable terms never fall',
    observer: {
      durable(node, storageId, change) {
        const known = within(terms, storageId)
        for (const [election, term] of change.terms) {
          const former = known.get(election) ?? 0
          if (term < former) complain(`${node.id} wrote term ${term} of ${election} over ${former}`)
          known.set(election, Math.max(former, term))
        }
        if (change.process === undefined) return
        const { incarnation } = change.process
        const former = incarnations.get(storageId) ?? 0
        if (incarnation < former) complain(`${node.id} wrote incarnation ${incarnation} over ${former}`)
        incarnations.set(storageId, Math.max(former, incarnation))
      },
    },
  }
}
