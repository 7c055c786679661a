/**
 * Does to a cluster what an action says (`actions.ts`).
 *
 * An action that makes no sense at its time (crash of a dead process) does nothing, so that any subset of a plan is a plan.
 */
import type { DeathNotice } from '../core/messages'
import type { ElectionName, ProcessId } from '../core/types'
import type { Action, Who } from './actions'
import { CALM } from './links'
import { addMember, mayLoseDisk, removeMember } from './members'
import type { SimCluster } from './sim-cluster'
import type { SimNode } from './sim-node'

const LEADER_OF = 'leader of '

/** Does it, at the cluster's present instant. Returns false if it made no sense and nothing was done. */
export function act(cluster: SimCluster, action: Action): boolean {
  switch (action.do) {
    case 'heal':
      cluster.heal(action.name ?? undefined)
      return true
    case 'storeDown':
      cluster.note(`${action.store} is down for ${action.forMs} ms`, { kind: 'disk' })
      cluster.store(action.store).takeDown(action.forMs)
      return true
    case 'storeForgets':
      cluster.note(`${action.store} forgets everything`, { kind: 'disk' })
      cluster.store(action.store).forget()
      return true
    case 'partition':
      cluster.partition(action.groups, action.name)
      return healLater(cluster, action.name, action.forMs)
    case 'mesh':
      for (const [from, to] of action.links) cluster.cut(from, to, action.name)
      return healLater(cluster, action.name, action.forMs)
    case 'resign':
      return cluster.resign(action.election, action.cooldownMs) !== null
    case 'transfer':
      return cluster.transfer(action.election, action.to, action.cooldownMs) !== null
    case 'handOver':
      return cluster.handOver(action.election, action.cooldownMs) !== null
    case 'drainTimeout':
      return drainTimeout(cluster, action.election)
    case 'proofOfDeath':
      return proofOfDeath(cluster, cluster.node(action.of), action.to)
    case 'cut': {
      const from = find(cluster, action.from)
      const to = find(cluster, action.to)
      if (from === null || to === null || from === to) return false
      cluster.cut(from.id, to.id, action.name)
      return healLater(cluster, action.name, action.forMs)
    }
    case 'restartGuard': {
      const by = find(cluster, action.by)
      if (by === null || cluster.work === null || !by.responsive) return false
      cluster.note(`the guard of ${action.election} restarts`, { kind: 'order', nodes: [by.id] })
      cluster.work.restartGuard(action.election, by)
      return true
    }
    case 'quality': {
      const node = action.node === null ? null : find(cluster, action.node)
      if (action.node !== null && node === null) return false
      cluster.setQuality({ ...CALM, ...action.quality }, node?.id)
      return true
    }
    default: {
      const node = find(cluster, action.node)
      return node !== null && actOn(cluster, node, action)
    }
  }
}

type OnNode = Extract<Action, { readonly node: Who }>

/** What is done to one node. */
function actOn(cluster: SimCluster, node: SimNode, action: OnNode): boolean {
  const { id } = node
  switch (action.do) {
    case 'crash':
      if (!node.alive) return false
      cluster.crash(id, action.fin)
      return restartLater(cluster, id, action.downMs)
    case 'crashInWrite':
      return crashInWrite(cluster, node, action.downMs)
    case 'restart':
      if (node.alive) return false
      cluster.restart(id)
      return true
    case 'stop':
      if (!node.responsive) return false
      cluster.stop(id, () => restartLater(cluster, id, action.downMs))
      return true
    case 'pause':
      if (!node.responsive) return false
      cluster.pause(id, action.forMs, action.wake)
      return true
    case 'stutter':
      if (!node.responsive) return false
      for (let i = 0; i < action.times; i++) {
        cluster.later(i * action.everyMs, () => {
          if (node.responsive) cluster.pause(id, action.forMs, action.wake)
        })
      }
      return true
    case 'suspend':
      if (!node.responsive) return false
      cluster.suspend(id, action.forMs, action.mode, action.wake)
      return true
    case 'isolate':
      cluster.partition([[id], cluster.ids.filter((other) => other !== id)], action.name)
      return healLater(cluster, action.name, action.forMs)
    case 'rate':
      if (node.oscillator.frozen) return false
      cluster.setRate(id, action.rate)
      return true
    case 'stepWall':
      cluster.stepWall(id, action.byMs)
      return true
    case 'replaceDisk':
      if (node.changesMembers ? !mayLoseDisk(cluster, node) : !isKnownToAll(cluster, node)) return false
      cluster.replaceDisk(id)
      return restartLater(cluster, id, action.downMs)
    case 'diskFails':
      cluster.note(`the disk of ${id} ${action.fails ? 'fails' : 'works'}`, { kind: 'disk', nodes: [id] })
      node.disk.faults.failing = action.fails
      return true
    case 'diskHangs':
      cluster.note(`the disk of ${id} ${action.hangs ? 'hangs' : 'answers'}`, { kind: 'disk', nodes: [id] })
      node.disk.faults.hanging = action.hangs
      return true
    case 'diskLosesLastWrite':
      cluster.note(`the disk of ${id} will lose its last write`, { kind: 'disk', nodes: [id] })
      node.disk.faults.losesLastWrite = true
      return true
    case 'addMember':
      return addMember(cluster, node)
    case 'removeMember':
      return removeMember(cluster, node)
    case 'contend':
      cluster.contend(id, action.election, action.contending, action.priority)
      return true
    case 'sicken':
      return cluster.sicken(id, action.election, action.forMs)
    case 'campaign':
      cluster.note(`${id} is told to campaign for ${action.election}`, { kind: 'order', nodes: [id] })
      return cluster.submit(id, { type: 'campaign', election: action.election })
    case 'pauseElection': {
      const { election, isPaused } = action
      cluster.note(`${id} is told to ${isPaused ? 'pause' : 'resume'} ${election}`, {
        kind: 'order',
        nodes: [id],
      })
      const sinceMs = Math.round(cluster.now)
      return cluster.submit(id, { type: 'pause', election, isPaused, leader: 'stays', sinceMs })
    }
    case 'freezeMember':
      return cluster.freezeMember(id, action.election, action.forMs)
    case 'switchover':
      return cluster.switchover(id, action.election, action)
    case 'cancelSwitchover':
      return cluster.cancelSwitchover(id, action.election)
    case 'heartbeatNow':
      return cluster.submit(id, { type: 'heartbeatNow' })
    case 'storeCut':
      cluster.note(`${action.way} between ${id} and ${action.store} are lost for ${action.forMs} ms`, {
        kind: 'cut',
        nodes: [id],
      })
      cluster.store(action.store).close(id, action.way, action.forMs)
      return true
    default:
      return false
  }
}

function find(cluster: SimCluster, who: Who): SimNode | null {
  const id = who.startsWith(LEADER_OF) ? cluster.leaderOf(who.slice(LEADER_OF.length)) : who
  return id === null ? null : cluster.node(id)
}

function healLater(cluster: SimCluster, name: string, forMs: number | null): true {
  if (forMs !== null) cluster.later(forMs, () => cluster.heal(name))
  return true
}

function restartLater(cluster: SimCluster, id: ProcessId, downMs: number | null): true {
  if (downMs !== null) {
    cluster.later(downMs, () => {
      if (!cluster.node(id).alive) cluster.restart(id)
    })
  }
  return true
}

/** The power fails while the next write is under way: what it leaves on the disk is up to `SimDisk.interrupt` (A3). */
function crashInWrite(cluster: SimCluster, node: SimNode, downMs: number | null): boolean {
  if (!node.alive || node.disk.onWrite !== null) return false
  cluster.note(`the power of ${node.id} will fail in the middle of a write`, {
    kind: 'disk',
    nodes: [node.id],
  })
  node.disk.onWrite = (takesMs) => {
    const { ports } = node
    cluster.later(takesMs / 2, () => {
      if (node.ports !== ports || !node.alive) return
      cluster.crash(node.id, false)
      restartLater(cluster, node.id, downMs)
    })
  }
  return true
}

/** R25: everybody else has a durable pin of this node's storage, and so will refuse another one. */
function isKnownToAll(cluster: SimCluster, node: SimNode): boolean {
  const storageId = node.disk.record?.storageId
  for (const other of cluster.nodes.values()) {
    if (other !== node && other.disk.record?.pins[node.id]?.storageId !== storageId) return false
  }
  return storageId !== undefined
}

/** R20: the work of the leader did not stop in time. */
function drainTimeout(cluster: SimCluster, election: ElectionName): boolean {
  const leader = cluster.leaderOf(election)
  if (leader === null) return false
  cluster.note(`the work of ${leader} in ${election} does not stop`, { kind: 'order', nodes: [leader] })
  return cluster.submit(leader, { type: 'freeze', election, reason: 'drainTimeout' })
}

/**
 * R55: some processes learn that the last life of one has ended, now and once more when that may be long ago. If another
 * life of it runs by then, somebody who has not its key says the same of that one.
 */
function proofOfDeath(cluster: SimCluster, of: SimNode, to: readonly ProcessId[]): boolean {
  const { dead, alive, incarnation } = of
  if (dead === null) return false
  const others = to.filter((id) => id !== of.id)
  const bring = (notice: DeathNotice): void => {
    for (const id of others) {
      // where only stores vote nobody has met the dead, and whoever knows better tells the store
      if (of.isVoter) cluster.node(id).bring(notice)
      else if (!of.alive) cluster.submit(id, { ...notice, type: 'death' })
    }
  }
  const proof = { kind: 'deathNotice', process: of.name, ...dead } as const
  cluster.note(`${others.join(', ')} learn that ${of.id} died`, { kind: 'order', nodes: others })
  bring(proof)
  cluster.later(3 * of.timing.promiseMs, () => bring(proof))
  if (alive) bring({ ...proof, incarnation })
  return true
}
