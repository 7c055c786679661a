/**
 * Members that change in a simulated cluster: who is asked for what, and which disk may be lost without losing the cluster.
 *
 * What an operator would know is read off the disks and memories of all nodes: the newest configuration that exists
 * anywhere, and whose disk is the one that it names. A majority of it stays intact, or no protocol could go on (R26).
 */
import { compareConfigs, MEMBERS } from '../core'
import type { ClusterConfig, Voter } from '../core/types'
import type { SimCluster } from './sim-cluster'
import type { SimNode } from './sim-node'

/** The newest configuration that any disk or memory holds. */
function newestCluster(cluster: SimCluster): ClusterConfig {
  return newestOf(configsOf(cluster))
}

function newestOf(configs: readonly ClusterConfig[]): ClusterConfig {
  return configs.reduce((newest, each) => (compareConfigs(each, newest) > 0 ? each : newest))
}

function configsOf({ nodes }: SimCluster): ClusterConfig[] {
  return [...nodes.values()].flatMap((node) => {
    const installing = node.state?.membership?.installing
    return installing == null ? heldBy(node) : [...heldBy(node), installing.cluster]
  })
}

function heldBy({ cluster, state, disk }: SimNode): ClusterConfig[] {
  const { voters, ...rest } = disk.record?.config ?? {}
  const held = state?.cluster ?? cluster
  return voters === undefined ? [held] : [held, { ...rest, voters } as ClusterConfig]
}

/**
 * Configurations that are in force, or may soon be: the newest that a majority of its own voters holds, and all above it.
 * One that is only being installed may come to nothing, and what it replaces has to go on then (seed 400004424).
 */
function inForce(cluster: SimCluster): readonly ClusterConfig[] {
  const configs = configsOf(cluster)
  const holds = (voter: Voter, config: ClusterConfig): boolean =>
    isIntact(cluster, voter) && compareConfigs(newestOf(heldBy(cluster.node(voter.id))), config) >= 0
  const committed = configs.filter((config) => {
    const holders = config.voters.filter((voter) => holds(voter, config))
    return holders.length > config.voters.length / 2
  })
  if (committed.length === 0) return configs
  const newest = newestOf(committed)
  return configs.filter((config) => compareConfigs(config, newest) >= 0)
}

/** Would every set of voters that is, or may soon be, in force still have a majority of intact disks? */
function survives(cluster: SimCluster, without: SimNode | null, next: readonly Voter[] | null): boolean {
  const groups = [...cluster.nodes.values()].flatMap(({ state }) => {
    const asked = state?.membership?.wanted
    return asked == null ? [] : [asked.voters]
  })
  const sets = [...inForce(cluster).map(({ voters }) => voters), ...groups, ...(next === null ? [] : [next])]
  return sets.every((voters) => {
    const intact = voters.filter((voter) => voter.id !== without?.id && isIntact(cluster, voter))
    return intact.length > voters.length / 2
  })
}

function isIntact(cluster: SimCluster, { id, storageId = null }: Voter): boolean {
  const { record, corrupt } = cluster.node(id).disk
  return !corrupt && (storageId === null || record?.storageId === storageId)
}

/** Does the present life of that node vote under the newest configuration? */
export function isMemberNow(cluster: SimCluster, node: SimNode): boolean {
  const voter = newestCluster(cluster).voters.find(({ id }) => id === node.id)
  return voter !== undefined && isIntact(cluster, voter)
}

/** May the disk of that node be lost? Only when the configuration names the storages of all (R25), and a majority stays. */
export function mayLoseDisk(cluster: SimCluster, node: SimNode): boolean {
  const newest = newestCluster(cluster)
  const named = newest.term > 0 && newest.voters.every(({ storageId }) => storageId != null)
  return named && survives(cluster, node, null) && remembers(cluster, node)
}

/** Does another founder remember the cluster? If all of them forgot it, they would found it anew (`core/membership.ts`). */
function remembers(cluster: SimCluster, without: SimNode): boolean {
  return cluster.founders.some((id) => {
    const term = cluster.node(id).disk.record?.config.term ?? 0
    return id !== without.id && term > 0
  })
}

/** The leader of `@members` is asked to add that node; one whose disk was lost is removed first (R26). */
export function addMember(cluster: SimCluster, node: SimNode): boolean {
  const { voters } = newestCluster(cluster)
  const present = voters.find(({ id }) => id === node.id)
  if (present !== undefined) return isIntact(cluster, present) ? false : removeMember(cluster, node)
  prepare(cluster, node, voters)
  return meetAndAsk(cluster, node)
}

/** As `elector.members.add`: the leader keeps a link with the newcomer, and asks when that has shown its storage (R25). */
function meetAndAsk(cluster: SimCluster, node: SimNode): boolean {
  const leader = cluster.leaderOf(MEMBERS)
  const driver = leader === null ? null : cluster.node(leader).driver
  if (leader === null || driver === null || leader === node.id) return false
  driver.invite({ id: node.id, address: null })
  cluster.later(MEETING_MS, () => {
    if (cluster.leaderOf(MEMBERS) !== leader || cluster.node(leader).driver !== driver) return
    const storageId = driver.storageOf(node.id)
    if (storageId === null) return
    const voter: Voter = { id: node.id, kind: 'peer', storageId, address: null }
    ask(cluster, `add ${node.id}`, (now) => [...now.filter(({ id }) => id !== node.id), voter])
  })
  return true
}

/** How long a newcomer has to come up. */
const MEETING_MS = 1_000

/** Whoever never was a member is started with the present ones, or it would not know them (R34). */
function prepare(cluster: SimCluster, node: SimNode, voters: readonly Voter[]): void {
  if (node.disk.record?.config.voters !== undefined) return
  const known = node.cluster.voters.map(({ id }) => id).join()
  if (known === voters.map(({ id }) => id).join()) return
  node.cluster = cluster.clusterOf(voters.map(({ id }) => id))
  if (!node.responsive) return
  cluster.crash(node.id)
  cluster.restart(node.id)
}

/** The leader of `@members` is asked to remove that node. */
export function removeMember(cluster: SimCluster, node: SimNode): boolean {
  return ask(cluster, `remove ${node.id}`, (now) => now.filter(({ id }) => id !== node.id))
}

function ask(
  cluster: SimCluster,
  what: string,
  change: (voters: readonly Voter[]) => readonly Voter[],
): boolean {
  const leader = cluster.leaderOf(MEMBERS)
  if (leader === null) return false
  const { state } = cluster.node(leader)
  if (state === null) return false
  const voters = change(state.cluster.voters)
  if (!survives(cluster, null, voters)) return false
  cluster.note(`${leader} is asked to ${what}`, { kind: 'order', nodes: [leader] })
  return cluster.submit(leader, { type: 'reconfigure', nonce: cluster.random.next(), voters })
}
