/**
 * The end of a lease never moves back while its leadership stands, neither by an extension nor by a change of lease.
 *
 * Source: BUGS 30 (lease end moved backwards), R13.
 */
import type { LeaseId } from '../../core'
import type { ElectionName } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

interface Book {
  readonly untils: Map<LeaseId, number>
  readonly leases: Map<ElectionName, LeaseId>
}

export const leaseEnd: InvariantFactory = (complain): Invariant => {
  const books = new Map<NodeView, Book>()
  const bookOf = (node: NodeView): Book => {
    let book = books.get(node)
    if (book === undefined) {
      book = { untils: new Map(), leases: new Map() }
      books.set(node, book)
    }
    return book
  }
  return {
    name: 'a lease end never moves back',
    observer: {
      extended(node, lease, until) {
        const { untils } = bookOf(node)
        const former = untils.get(lease)
        if (former !== undefined && until < former) {
          complain(`${node.id} moved the end of lease ${lease} back by ${former - until} ms`)
        }
        untils.set(lease, until)
      },
      elected(node, election, _term, lease) {
        bookOf(node).leases.set(election, lease)
      },
      moved(node, election, lease) {
        const { untils, leases } = bookOf(node)
        const before = untils.get(leases.get(election) ?? -1)
        const after = untils.get(lease)
        if (after === undefined) complain(`${node.id} hung ${election} on the unknown lease ${lease}`)
        else if (before !== undefined && after < before) {
          complain(`${node.id} hung ${election} on a lease that ends ${before - after} ms earlier`)
        }
        leases.set(election, lease)
      },
      revoked(node, election) {
        bookOf(node).leases.delete(election)
      },
      ended(node) {
        books.delete(node)
      },
    },
  }
}
