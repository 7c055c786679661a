/**
 * A lease is backed by promises: every voter that is counted up to its end really supports the holder that long, and is
 * bound to it in each election that hangs on the lease.
 *
 * Source: the Lemma of PROTOCOL A.6 (sessions), R10, R11, R13, R60. Whenever a lease grows, each voter that the holder
 * counts up to the new end is looked at: it supports that life under a counted grant at least until then in true time, at
 * the present rates of both clocks, and its slot is bound under that grant; or it has begun anew and waits (R19). Finds a
 * lease that is a millisecond too long long before two leases meet.
 */
import type { Account, LeaseId } from '../../core'
import type { ElectionName, ProcessId } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'
import { checkStore, type StoreRecords } from './store-backing'

/** Rounding of instants near 10^9 ms, ms. */
const ROUNDING_MS = 1e-4

/**
 * Makes the invariant for these nodes and stores. A store never lapses by itself: a grant that is counted beyond this
 * instant has to stand there unfenced, and each election that hangs on it has to be bound under it (R66-R68).
 */
export function leaseBacking(
  nodes: ReadonlyMap<ProcessId, NodeView>,
  stores: ReadonlyMap<ProcessId, StoreRecords> = new Map(),
): InvariantFactory {
  return (complain): Invariant => {
    /** The slot of a voter that is still in the life that gave the grant is bound to the holder. */
    const bound = (
      holder: NodeView,
      voter: NodeView,
      election: ElectionName,
      grants: readonly string[],
    ): void => {
      if (!voter.alive || voter.state === null) return
      const held = voter.state.elections.get(election)?.slot.binding
      if (held?.leader === holder.name && held.incarnation === holder.incarnation && !held.released) return
      if (grants.some((grant) => !grant.startsWith(`${voter.incarnation}.`))) return
      if (voter.storageId !== holder.state?.supports.get(voter.id)?.storageId) return
      const to = held == null || held.released ? 'nobody' : `${held.leader} in term ${held.term}`
      complain(`${holder.id} counts ${voter.id} in ${election}, which is bound to ${to}`)
    }
    const check = (node: NodeView, id: LeaseId, until: number): void => {
      const lease = node.state?.leases.get(id)
      if (lease === undefined || node.state === null) return
      const end = node.realAt(until)
      for (const [voterId, grants] of lease.bound) {
        const voter = nodes.get(voterId)
        const account = node.state.accounts.get(voterId)
        const records = stores.get(voterId)
        if (records !== undefined && account !== undefined && until > node.now()) {
          const counted = countedOf(account, grants, until)
          if (counted.length > 0) checkStore(complain, node, voterId, records, counted, lease.elections)
        }
        if (voter === undefined || voter === node || account === undefined) continue
        const counted = countedOf(account, grants, until)
        if (counted.length === 0) continue
        const promised = promisedUntil(voter, node, counted)
        for (const election of lease.elections) bound(node, voter, election, counted)
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

/** Those of the grants that the holder counts up to `until`; almost always it is all of them, and nothing is copied. */
function countedOf({ untilByGrant }: Account, grants: readonly string[], until: number): readonly string[] {
  let counted = 0
  for (const grant of grants) if ((untilByGrant.get(grant) ?? 0) >= until) counted += 1
  if (counted === grants.length) return grants
  return grants.filter((grant) => (untilByGrant.get(grant) ?? 0) >= until)
}

/** True time until which the voter keeps its word to that life of the holder; null if it never gave it. */
function promisedUntil(voter: NodeView, holder: NodeView, grants: readonly string[]): number | null {
  const { state } = voter
  if (state === null || !voter.alive) return Number.POSITIVE_INFINITY
  // An empty disk came in its place: nobody counts what that one says (R25).
  const known = holder.state?.supports.get(voter.id)?.storageId ?? null
  if (known !== null && known !== voter.storageId) return Number.POSITIVE_INFINITY
  const support = state.supports.get(holder.name)
  if (
    support?.grant != null &&
    support.incarnation === holder.incarnation &&
    grants.includes(support.grant)
  ) {
    return voter.realAt(support.until)
  }
  if (!grants.some((grant) => !grant.startsWith(`${voter.incarnation}.`))) return null
  // It has begun anew: it votes for nobody until its wait is over (R19, R28), or never again after a move.
  if (!voter.isVoter) return Number.POSITIVE_INFINITY
  return state.recovery === null ? voter.realAt(state.bootUntil) : Number.POSITIVE_INFINITY
}
