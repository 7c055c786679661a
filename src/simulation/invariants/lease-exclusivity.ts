/**
 * P2: at every true instant at most one process would read a valid lease of an election.
 *
 * Source: PROTOCOL P2 (needs A2, A4). A lease reads valid while its node's *own* clock is before its end; each node's clock
 * is evaluated at the true instant. A lease becomes valid only in an event and otherwise only ends, so it suffices to
 * evaluate after every event those elections in which two leaderships stand unrevoked.
 */
import type { LeaseId } from '../../core'
import type { ElectionName, Term } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

/** Time that may be missing from a clock before whoever reads it must have noticed, ms (B.3). */
const NOTICED_MS = 100

interface Standing {
  readonly node: NodeView
  readonly term: Term
  lease: LeaseId
  readonly missedMs: number
}

export const leaseExclusivity: InvariantFactory = (complain): Invariant => {
  const holders = new Map<ElectionName, Standing[]>()
  const untils = new Map<NodeView, Map<LeaseId, number>>()
  const contested = new Set<ElectionName>()

  const isValid = ({ node, lease, missedMs }: Standing): boolean => {
    const until = untils.get(node)?.get(lease) ?? Number.NEGATIVE_INFINITY
    return node.alive && !node.frozen && node.now() < until && node.missedMs() - missedMs <= NOTICED_MS
  }
  const drop = (node: NodeView, election: ElectionName): void => {
    const rest = (holders.get(election) ?? []).filter((each) => each.node !== node)
    holders.set(election, rest)
    if (rest.length < 2) contested.delete(election)
  }
  const check = (election: ElectionName): void => {
    const valid = (holders.get(election) ?? []).filter(isValid)
    if (valid.length < 2) return
    const who = valid.map(({ node, term }) => `${node.id}#${node.incarnation} in term ${term}`)
    complain(`${who.join(' and ')} hold valid leases of ${election} at the same time`)
  }

  return {
    name: 'P2 lease exclusivity',
    observer: {
      elected(node, election, term, lease) {
        drop(node, election)
        const list = holders.get(election) ?? []
        list.push({ node, term, lease, missedMs: node.missedMs() })
        holders.set(election, list)
        if (list.length > 1) contested.add(election)
        if (list.length > 1) check(election)
      },
      extended(node, lease, until) {
        let leases = untils.get(node)
        if (leases === undefined) {
          leases = new Map()
          untils.set(node, leases)
        }
        leases.set(lease, until)
      },
      moved(node, election, lease) {
        for (const each of holders.get(election) ?? []) if (each.node === node) each.lease = lease
      },
      revoked: drop,
      ended(node) {
        for (const election of holders.keys()) drop(node, election)
        untils.delete(node)
      },
      event() {
        if (contested.size > 0) for (const election of contested) check(election)
      },
    },
  }
}
