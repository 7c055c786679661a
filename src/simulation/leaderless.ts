/**
 * Whether an election should have a leader, and why it has none: what the liveness phase demands and says (P9).
 *
 * Looks from outside; decides nothing. Read next: `why-not-leading.ts` (one process).
 */
import { isQuorum } from '../core'
import type { ElectionName } from '../core/types'
import { isMemberNow } from './members'
import type { SimCluster } from './sim-cluster'
import { whyNotLeading } from './why-not-leading'

/** Somebody that may lead contends in it: an amnesiac does not count (R25), a witness (R37), or whom an operator froze. */
export function isWanted(cluster: SimCluster, election: ElectionName): boolean {
  for (const node of cluster.nodes.values()) {
    const { id, disk } = node
    const stands = node.contends.has(election) && !node.isFrozen(election)
    if (node.changesMembers) {
      if (stands && isMemberNow(cluster, node)) return true
      continue
    }
    if (cluster.witnesses.has(id)) continue
    const isAmnesiac = disk.stats.replaced > 0 && node.cluster.voters.some((voter) => voter.id === id)
    if (stands && !disk.corrupt && !isAmnesiac) return true
  }
  return false
}

/** Why nobody leads it, in a sentence. */
export function whyLeaderless(cluster: SimCluster, election: ElectionName): string {
  const up = [...cluster.nodes.values()].filter(({ responsive, driver }) => responsive && driver !== null)
  const reached = new Set([...up.map(({ id }) => id), ...cluster.stores.keys()])
  if (up.length === 0 || !isQuorum(cluster.clusterOf(cluster.founders), (id) => reached.has(id))) {
    return `only ${up.length} of ${cluster.nodes.size} run (${up.map(({ id }) => id).join(', ') || 'none'})`
  }
  const texts = [...cluster.nodes.values()].map((node) => whyNotLeading(node, election))
  return texts.join('; ')
}
