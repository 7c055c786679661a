/**
 * Goal: all elections of a cluster move to other voters in two rolling restarts, without a moment of two leaders and with
 * rising tokens, whatever fails meanwhile (joint quorums, `src/core/quorum.ts`). Method: fault plans of the swarm go on
 * while nodes are restarted one by one, first with both sets of voters, then, when every process runs so and somebody
 * leads, with the new one; all invariants of the swarm watch. A move in one step is shown to break them.
 */
import { describe, expect, it } from 'vitest'
import type { ProcessId } from '../../src/core'
import { act } from '../../src/simulation/faults'
import { CALM } from '../../src/simulation/links'
import { type Plan, type ProfileName, planFor } from '../../src/simulation/plan'
import { SimCluster } from '../../src/simulation/sim-cluster'
import { livenessBoundMs } from '../../src/simulation/swarm'

interface Move {
  readonly profile: ProfileName
  readonly from: (plan: Plan) => readonly ProcessId[]
  readonly to: (plan: Plan) => readonly ProcessId[]
}

const stores = ({ setup }: Plan) => (setup.stores ?? []).map(({ id }) => id)
const peers = ({ setup }: Plan) => setup.nodes

const MOVES: Readonly<Record<string, Move>> = {
  'peers to a store': { profile: 'tieBreaker', from: peers, to: stores },
  'a store to peers': { profile: 'tieBreaker', from: stores, to: peers },
  'a store to another': {
    profile: 'threeStores',
    from: (plan) => stores(plan).slice(0, 1),
    to: (plan) => stores(plan).slice(1, 2),
  },
  'a store to a majority of three': {
    profile: 'threeStores',
    from: (plan) => stores(plan).slice(0, 1),
    to: stores,
  },
  'two peers to two peers and a store': {
    profile: 'tieBreaker',
    from: peers,
    to: (plan) => [...peers(plan), ...stores(plan)],
  },
}

/** Runs the faults of a seed while the cluster moves; what was violated, and how far the move came. */
function run(seed: number, { profile, from, to }: Move, joint: boolean): { wrong: string[]; moved: boolean } {
  const drawn = planFor(seed, profile, 60_000)
  // a process that asks for a floor asks the voters of its own step; the guards of the bench count one set only
  const steps = drawn.steps.filter(
    ({ action }) => action.do !== 'restartGuard' && action.do !== 'replaceDisk',
  )
  const plan: Plan = { ...drawn, setup: { ...drawn.setup, ephemeral: false, contenders: drawn.setup.nodes } }
  const [old, next] = [from(plan), to(plan)]
  const all = [...new Set([...old, ...next])]
  const cluster = new SimCluster({ ...plan.setup, voters: old })
  for (const [id, rate] of Object.entries(plan.setup.rates)) cluster.node(id).oscillator.setRate(rate)
  for (const { at, action } of steps) cluster.later(at, () => void act(cluster, action))
  const nodes = [...cluster.nodes.values()]
  const roll = (voters: readonly ProcessId[], sets?: readonly (readonly ProcessId[])[]): void => {
    for (const [i, node] of nodes.entries()) {
      const again = (): void => {
        node.cluster = cluster.clusterOf(voters, sets)
        if (!node.alive) cluster.restart(node.id)
      }
      if (i % 2 === 0) {
        cluster.crash(node.id)
        again()
      } else cluster.stop(node.id)
      for (let ms = 0; ms < 20_000 && node.alive && i % 2 === 1; ms += 100) {
        // whoever hangs is killed in the end, as a supervisor does
        if (ms === 5_000) cluster.crash(node.id)
        cluster.run(100)
      }
      again()
      cluster.run(500)
    }
  }
  const led = (): boolean => cluster.elections.every((election) => cluster.leaderOf(election) !== null)
  cluster.start()
  cluster.runUntil(led, 10_000)
  if (joint) {
    roll(all, [old, next])
    cluster.runUntil(led, 60_000)
  }
  const moved = !joint || led()
  if (moved && !cluster.halted) roll(next)
  if (!cluster.halted) {
    cluster.run(5_000)
    cluster.heal()
    cluster.setQuality({ ...CALM, latencyMs: plan.setup.quality?.latencyMs ?? CALM.latencyMs })
    for (const store of cluster.stores.values()) store.heal()
    cluster.runTo(Math.max(cluster.now, 61_000))
    for (const node of nodes) {
      const { faults } = node.disk
      const spoiled = node.failure !== null || faults.failing || faults.hanging
      faults.failing = false
      faults.hanging = false
      if (spoiled && node.alive) cluster.crash(node.id)
      if (!node.alive && !node.disk.corrupt) cluster.restart(node.id)
    }
    const bound = livenessBoundMs(plan) + 12 * plan.setup.timing.promiseMs
    if (moved && !cluster.runUntil(led, bound) && !cluster.halted)
      return { wrong: [cluster.pending()], moved }
  }
  return {
    wrong: cluster.violations.map(({ property, text }) => `seed ${seed}: ${property}: ${text}`),
    moved,
  }
}

describe('moving elections to other voters', () => {
  for (const [name, move] of Object.entries(MOVES)) {
    it(`${name}: in two rolling restarts under faults, P1-P8 hold and somebody leads in the end`, () => {
      let moves = 0
      for (let seed = 1; seed <= 4; seed++) {
        const { wrong, moved } = run(seed, move, true)
        expect(wrong).toEqual([])
        if (moved) moves += 1
      }
      expect(moves).toBeGreaterThan(0)
    })
  }

  it('in one step it is not safe: two sets of voters that know nothing of each other both elect', () => {
    const broken = [1, 2, 3, 4, 5, 6].filter(
      (seed) => run(seed, MOVES['a store to another'] as Move, false).wrong.length > 0,
    )
    expect(broken.length).toBeGreaterThan(0)
  })
})
