/**
 * A lease is backed by promises: every voter that is counted up to its end really supports the holder that long.
 *
 * Source: the Lemma of PROTOCOL A.6 (sessions), R10, R13, R60. Whenever a lease grows, each voter that the holder counts
 * up to the new end is looked at: it supports that life under a counted grant at least until then in true time, at the
 * present rates of both clocks, or it has begun anew and waits (R19). Finds a lease that is a millisecond too long long
 * before two leases meet.
 */
import type { LeaseId } from '../../core'
import type { ProcessId } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

/** Rounding of instants near 10^9 ms, ms. */
const ROUNDING_MS = 1e-4

/** Makes the invariant for these nodes. */
export function leaseBacking(nodes: ReadonlyMap<ProcessId, NodeView>): InvariantFactory {
  return (complain): Invariant => {
    /** True time until which the voter keeps its word to that life of the holder; null if it never gave it. */
    const promisedUntil = (voter: NodeView, holder: NodeView, grants: readonly string[]): number | null => {
      const { state } = voter
      if (state === null || !voter.alive) return Number.POSITIVE_INFINITY
      // An empty disk came in its place: nobody counts what that one says (R25).
      const known = holder.state?.supports.get(voter.id)?.storageId ?? null
      if (known !== null && known !== voter.storageId) return Number.POSITIVE_INFINITY
      const support = state.supports.get(holder.id)
      if (
        support?.grant != null &&
        support.incarnation === holder.incarnation &&
        grants.includes(support.grant)
      ) {
        return voter.realAt(support.until)
      }
      return grants.some((grant) => !grant.startsWith(`${voter.incarnation}.`))
        ? voter.realAt(state.bootUntil)
        : null
    }
    const check = (node: NodeView, id: LeaseId, until: number): void => {
      const lease = node.state?.leases.get(id)
      if (lease === undefined || node.state === null) return
      const end = node.realAt(until)
      for (const [voterId, grants] of lease.bound) {
        const voter = nodes.get(voterId)
        const account = node.state.accounts.get(voterId)
        if (voter === undefined || voter === node || account === undefined) continue
        const counted = grants.filter((grant) => (account.untilByGrant.get(grant) ?? 0) >= until)
        if (counted.length === 0) continue
        const promised = promisedUntil(voter, node, counted)
        if (promised === null) {
          complain(`${node.id} counts ${voterId} under ${counted.join(', ')}, which does not stand there`)
        } else if (promised + ROUNDING_MS < end) {
          complain(
            `${node.id} counts ${voterId} for ${(end - promised).toFixed(3)} ms longer than it promised`,
          )
        }
      }
    }
    return { name: 'a lease is backed by promises', observer: { extended: check } }
  }
}
