/**
 * P6: any two sets of voters that let somebody win intersect; a winner's votes come from a majority of its configuration.
 *
 * Source: PROTOCOL P6, R4. While configurations are static this says: everybody has the same voters, and no win rests on
 * fewer than a majority of distinct ones; while elections move, a majority of each set that the winner runs with.
 *
 * Where members change (R29-R34): whenever a configuration comes into force somewhere, every one that was in force anywhere
 * and is not shut yet is compared with all others. A configuration is shut when so many of its voters hold a newer one on
 * their disks, or lost the disk that it names, that no majority is left which could still vote under it.
 */
import { compareConfigs, isQuorum, quorumOf } from '../../core'
import type { ClusterConfig, ProcessId, ProcessRecord, Voter } from '../../core/types'
import type { NodeView, Observer } from '../observer'
import type { Complain, Invariant, InvariantFactory } from './invariant'

/** Makes the invariant; `clusterOf` tells with which voters a node runs. */
export function configuration(
  clusterOf: (node: NodeView) => ClusterConfig,
  disks: ((id: ProcessId) => ProcessRecord | null) | null = null,
): InvariantFactory {
  return (complain): Invariant => {
    const inForce = new Map<NodeView, ClusterConfig>()
    const compare = disks === null ? null : intersecting(complain, disks)
    return {
      name: 'P6 configuration',
      observer: {
        began: (node) => void inForce.delete(node),
        noticed(node, effect) {
          if (effect.type === 'configured') inForce.set(node, effect.cluster)
          compare?.(node, effect)
        },
        elected(node, election, term) {
          const bound = node.state?.elections.get(election)?.lead?.bound
          const cluster = clusterOf(node)
          // one that came into force in the turn of the win, right after it, has pruned what it was won with
          if (bound === undefined || (inForce.get(node) ?? cluster) !== cluster) return
          if (isQuorum(cluster, (voter) => bound.has(voter))) return
          const { length } = cluster.voters.filter(({ id }) => bound.has(id))
          complain(
            `${node.id} won term ${term} of ${election} with ${length} of ${cluster.voters.length} voters`,
          )
        },
      },
    }
  }
}

/** Compares a configuration that comes into force with all that are not shut. */
function intersecting(
  complain: Complain,
  disks: (id: ProcessId) => ProcessRecord | null,
): NonNullable<Observer['noticed']> {
  const known = new Map<string, ClusterConfig>()
  const canVote = (config: ClusterConfig, { id, storageId = null }: Voter): boolean => {
    const record = disks(id)
    if (record === null || (storageId !== null && record.storageId !== storageId)) return false
    return compareConfigs(record.config, config) <= 0
  }
  const openVoters = (config: ClusterConfig): Set<ProcessId> =>
    new Set(config.voters.filter((voter) => canVote(config, voter)).map(({ id }) => id))
  return (node, effect) => {
    if (effect.type !== 'configured') return
    const { cluster } = effect
    known.set(nameOf(cluster), cluster)
    const open = [...known.values()].map((config) => ({ config, voters: openVoters(config) }))
    for (const { config, voters } of open) {
      if (config === cluster || !areDisjoint(config, voters, cluster, openVoters(cluster))) continue
      complain(
        `${node.id} runs with ${nameOf(cluster)}, and ${nameOf(config)} can still win without any of its voters`,
      )
    }
  }
}

function nameOf({ term, version, voters }: ClusterConfig): string {
  return `${term}.${version} (${voters.map(({ id }) => id).join(' ')})`
}

/** Are there two majorities without a common voter, each of voters that can still vote? */
function areDisjoint(
  a: ClusterConfig,
  votersOfA: ReadonlySet<ProcessId>,
  b: ClusterConfig,
  votersOfB: ReadonlySet<ProcessId>,
): boolean {
  const shared = [...votersOfA].filter((id) => votersOfB.has(id)).length
  const lackedByA = Math.max(0, quorumOf(a.voters.length) - (votersOfA.size - shared))
  const lackedByB = Math.max(0, quorumOf(b.voters.length) - (votersOfB.size - shared))
  return lackedByA + lackedByB <= shared
}
