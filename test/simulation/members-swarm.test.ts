/**
 * Goal: random faults find nothing wrong while members change. Method: a few seeds here, thousands by
 * `npx conclave simulate --profile members`; every seed replays exactly. A seed that ever found a fault is named here.
 */
import { describe, expect, it } from 'vitest'
import type { ClusterConfig } from '../../src/core/types'
import { configuration } from '../../src/simulation/invariants'
import type { NodeView } from '../../src/simulation/observer'
import { planFor } from '../../src/simulation/plan'
import { SimCluster } from '../../src/simulation/sim-cluster'
import { runSeed } from '../../src/simulation/swarm'

describe('members', () => {
  it('R29-R34, R72: P1-P9 hold under faults', () => {
    for (let seed = 101; seed <= 103; seed++) {
      const { violations } = runSeed(seed, { profile: 'members', safetyMs: 10_000 })
      expect(violations.map(({ property, text }) => `seed ${seed}: ${property}: ${text}`)).toEqual([])
    }
  }, 60_000)

  it.each([
    [
      5011,
      'one that missed the last change hears of it from the newcomer, when the third, who made it, is lost',
    ],
    [
      400_004_424,
      'a configuration that is only being installed does not make up for disks of the one in force (what may be lost)',
    ],
    [
      900_001_240,
      'a vote that becomes durable with the configuration that takes it away leaves before that is in force (the checker)',
    ],
    [5227, 'a late frame of a lost disk does not shut out the disk that has its name now'],
    [1102, 'a newcomer that does not know the present members is not added before it was met'],
    [
      1175,
      'a win in the very turn in which other voters come into force is judged by those that it was won with',
    ],
  ])(
    'seed %i: %s',
    (seed) => {
      const { violations } = runSeed(seed, { profile: 'members' })
      expect(violations).toEqual([])
    },
    60_000,
  )

  it('R13, R33: a lease that was kept over a change never ends earlier on the shared one, not for a moment (seed 700000088 of everything)', () => {
    const { violations } = runSeed(700_000_088, { profile: 'everything' })
    expect(violations).toEqual([])
  }, 60_000)

  it('configurations really change: voters are added and removed by the dozen', () => {
    const versions = new Set<string>()
    for (let seed = 1; seed <= 4; seed++) {
      const plan = planFor(seed, 'members', 20_000)
      const cluster = new SimCluster({ ...plan.setup, quality: {} })
      cluster.observers.add({
        noticed(_node, effect) {
          if (effect.type !== 'configured') return
          versions.add(
            `${seed} ${effect.cluster.version} ${effect.cluster.voters.map(({ id }) => id).join('')}`,
          )
        },
      })
      cluster.start()
      cluster.run(10_000)
      const other = cluster.ids.find((id) => !plan.setup.voters?.includes(id))
      const leader = cluster.leaderOf('@members')
      if (leader === null || other === undefined) continue
      const { voters } = (cluster.node(leader).state?.cluster as ClusterConfig) ?? { voters: [] }
      const storageId = cluster.node(other).storageId
      const next = [...voters, { id: other, kind: 'peer' as const, storageId, address: null }]
      cluster.submit(leader, { type: 'reconfigure', nonce: 1, voters: next })
      cluster.run(30_000)
      expect(cluster.violations).toEqual([])
      expect(cluster.node(other).state?.isVoter, `${other} of seed ${seed}`).toBe(true)
    }
    expect(versions.size).toBeGreaterThan(4)
  })

  it('the same seed gives the same trace, and a plan is data', () => {
    const run = () => runSeed(11, { profile: 'members', safetyMs: 5_000, trace: {} }).trace
    expect(run()).toBe(run())
    const plan = planFor(3, 'members')
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
    expect(plan.steps.some(({ action }) => action.do.endsWith('Member'))).toBe(true)
  })

  it('P6: two configurations that can both win without a common voter are a violation', () => {
    const found: string[] = []
    const config = (version: number, ...ids: string[]): ClusterConfig => ({
      ...{ term: 1, version, termFloor: 0 },
      voters: ids.map((id) => ({ id, kind: 'peer', storageId: `disk-${id}` })),
    })
    const disks = new Map<string, ClusterConfig>()
    const invariant = configuration(
      () => config(1, 'a'),
      (id) => ({ storageId: `disk-${id}`, config: disks.get(id) ?? config(0, 'a') }) as never,
    )((text) => found.push(text))
    const force = (cluster: ClusterConfig) =>
      invariant.observer.noticed?.({ id: 'a' } as NodeView, { type: 'configured', cluster, removed: false })
    force(config(1, 'a', 'b', 'c'))
    force(config(2, 'a', 'b', 'c', 'd'))
    expect(found).toEqual([])
    force(config(3, 'a', 'b', 'c', 'd', 'e'))
    expect(found, 'a b can still win in the first, c d e in the third').toHaveLength(1)
    found.length = 0
    for (const id of ['b', 'c', 'd']) disks.set(id, config(2, 'a', 'b', 'c', 'd'))
    force(config(3, 'a', 'b', 'c', 'd', 'e'))
    expect(found, 'b and c hold the second: the first is shut').toEqual([])
  })
})
