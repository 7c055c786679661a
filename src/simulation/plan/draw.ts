/**
 * Draws one fault: its kind by weights, then everything that it needs to be told.
 *
 * A fault that may not happen at its time is not drawn (`spoil`); one that makes no sense when its time has come does nothing.
 * Read next: `steps.ts`.
 */
import type { ProcessId } from '../../core/types'
import type { Action, ActionKind } from '../actions'
import type { Random } from '../random'
import { PROFILES } from './profiles'
import { qualityFor, rateWithin, type Setup } from './setup'

export function weighted(kinds: readonly [ActionKind, number][], random: Random): ActionKind | null {
  const sum = kinds.reduce((total, [, weight]) => total + weight, 0)
  let left = random.unit() * sum
  for (const [kind, weight] of kinds) {
    left -= weight
    if (left < 0) return kind
  }
  return null
}

/** One action of that kind; null if it may not happen now. `spoiled`: nodes whose disk is lost for good. */
export function actionOf(
  kind: ActionKind,
  setup: Setup,
  spoiled: Set<ProcessId>,
  name: string,
  at: number,
  random: Random,
): Action | null {
  const { nodes, elections, timing } = setup
  const { promiseMs } = timing
  const election = random.pick(elections)
  const node = random.chance(0.5) ? `leader of ${election}` : random.pick(nodes)
  const wake = random.chance(0.5) ? 'timersFirst' : 'ioFirst'
  const forMs = random.between(0, promiseMs * random.pick([0.3, 1, 3, 6]))
  switch (kind) {
    case 'crash':
      return { do: kind, node, fin: random.chance(0.6), downMs: random.between(0, 3 * promiseMs) }
    case 'stop':
    case 'crashInWrite':
      return { do: kind, node, downMs: random.between(0, 2 * promiseMs) }
    case 'pause':
      return { do: kind, node, forMs, wake }
    case 'stutter': {
      const everyMs = promiseMs * random.between(0.05, 0.5)
      return {
        do: kind,
        node,
        times: random.integer(3, 12),
        everyMs,
        forMs: everyMs * random.between(0.2, 0.95),
        wake,
      }
    }
    case 'suspend':
      return {
        do: kind,
        node,
        forMs: 250 + forMs,
        mode: setup.clockRates === false ? 'vmPause' : 'suspend',
        wake,
      }
    case 'cut':
      return { do: kind, from: node, to: random.pick(nodes), name, forMs: 2 * forMs }
    case 'isolate':
      return { do: kind, node, name, forMs: 2 * forMs }
    case 'partition':
      return { do: kind, groups: split(nodes, random), name, forMs: 2 * forMs }
    case 'mesh':
      return { do: kind, links: someLinks(nodes, random), name, forMs: 2 * forMs }
    case 'heal':
      return { do: kind, name: null }
    case 'quality': {
      const quality = qualityFor(random.pick(PROFILES), timing, random)
      return { do: kind, quality, node: random.chance(0.5) ? random.pick(nodes) : null }
    }
    case 'rate':
      return { do: kind, node: random.pick(nodes), rate: rateWithin(timing.rho, random.chance(0.7), random) }
    case 'stepWall':
      return { do: kind, node, byMs: random.pick([-3_600_000, -500, 500, 3_600_000]) }
    case 'resign':
      return { do: kind, election, cooldownMs: random.chance(0.5) ? 0 : random.between(0, promiseMs) }
    case 'transfer':
      return { do: kind, election, to: random.pick(nodes), cooldownMs: random.between(0, promiseMs) }
    case 'handOver':
      return { do: kind, election, cooldownMs: random.between(0, promiseMs) }
    case 'sicken':
      return { do: kind, node, election, forMs }
    case 'drainTimeout':
      return { do: kind, election }
    case 'contend':
      return {
        do: kind,
        node: random.pick(nodes),
        election,
        contending: random.chance(0.8),
        priority: random.integer(0, 3),
      }
    case 'campaign':
      return { do: kind, node: random.pick(nodes), election }
    case 'heartbeatNow':
      return { do: kind, node }
    case 'pauseElection':
      return { do: kind, node: random.pick(nodes), election, isPaused: random.chance(0.6) }
    case 'freezeMember': {
      const long = random.chance(0.3) ? 3_600_000 : 2 * forMs
      return { do: kind, node, election, forMs: random.chance(0.2) ? 0 : long }
    }
    case 'switchover': {
      const to = random.chance(0.6) ? random.pick(nodes) : null
      const inMs = promiseMs * random.between(0, random.pick([0.5, 3, 12]))
      return { do: kind, node, election, to, inMs, clock: random.chance(0.3) ? 'wall' : 'monotonic' }
    }
    case 'cancelSwitchover':
      return { do: kind, node, election }
    case 'proofOfDeath':
      return { do: kind, of: random.pick(nodes), to: nodes.filter(() => random.chance(0.7)) }
    case 'restartGuard':
      return { do: kind, election, by: random.pick(nodes) }
    case 'addMember':
      return { do: kind, node: random.pick(nodes) }
    case 'removeMember':
      return { do: kind, node }
    case 'storeDown':
      return { do: kind, store: random.pick(setup.stores ?? []).id, forMs }
    case 'storeCut': {
      const way = random.pick(['requests', 'answers', 'both'] as const)
      return { do: kind, store: random.pick(setup.stores ?? []).id, node, way, forMs: 2 * forMs }
    }
    case 'storeForgets':
      return { do: kind, store: random.pick(setup.stores ?? []).id }
    default:
      return spoil(kind, setup, spoiled, at, random)
  }
}

/** Faults that cost a node its storage for good happen to a minority at most, and only after everybody has met (R25). */
function spoil(
  kind: ActionKind,
  { nodes, timing, membership }: Setup,
  spoiled: Set<ProcessId>,
  at: number,
  random: Random,
): Action | null {
  const node = random.pick(nodes)
  const lost = kind === 'replaceDisk' || kind === 'diskLosesLastWrite'
  // where members change the cluster knows whose disk may be lost (`members.ts`)
  if (lost && membership !== true) {
    const minority = Math.floor((nodes.length - 1) / 2)
    if (at < 15_000 || (!spoiled.has(node) && spoiled.size >= minority)) return null
    spoiled.add(node)
  }
  if (kind === 'replaceDisk') return { do: kind, node, downMs: random.between(0, 2 * timing.promiseMs) }
  if (kind === 'diskLosesLastWrite') return { do: kind, node }
  if (kind === 'diskFails') return { do: kind, node, fails: true }
  if (kind === 'diskHangs') return { do: kind, node, hangs: true }
  return null
}

/** A random part of all directed links. */
function someLinks(nodes: readonly ProcessId[], random: Random): [ProcessId, ProcessId][] {
  const share = random.pick([0.2, 0.4, 0.6])
  const pairs = nodes.flatMap((from) =>
    nodes.filter((to) => to !== from).map((to): [string, string] => [from, to]),
  )
  return pairs.filter(() => random.chance(share))
}

/** Two or three groups; now and then a node is in none and bridges them. */
function split(nodes: readonly ProcessId[], random: Random): ProcessId[][] {
  const groups: ProcessId[][] = [[], [], []]
  const bridged = random.chance(0.25)
  for (const id of nodes) {
    if (!bridged || random.chance(0.7)) groups[random.integer(0, random.chance(0.3) ? 2 : 1)]?.push(id)
  }
  return groups.filter((group) => group.length > 0)
}
