/**
 * Goal: random faults find nothing wrong with processes without a vote and with voters that never lead. Method: a few seeds
 * here, some of them new in each run, thousands by `npx conclave simulate --profile roles`; every seed replays exactly.
 */
import { randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { planFor } from '../../src/simulation/plan'
import { SimCluster } from '../../src/simulation/sim-cluster'
import { runSeed } from '../../src/simulation/swarm'

const FRESH = randomInt(2 ** 31)

describe('the swarm with roles', () => {
  it(`R4, R37, R40, R71: P1-P9 hold under faults (new seeds: ${FRESH} to ${FRESH + 7})`, () => {
    let elections = 0
    for (const seed of [1, 2, 3, 11, 115, ...Array.from({ length: 8 }, (_, i) => FRESH + i)]) {
      const { violations, stats } = runSeed(seed, { profile: 'roles', safetyMs: 15_000 })
      expect(violations.map(({ property, text }) => `seed ${seed}: ${property}: ${text}`)).toEqual([])
      elections += stats.elections
    }
    expect(elections).toBeGreaterThan(40)
  })

  it('has observers, witnesses, and worlds in which voters do not contend', () => {
    const setups = Array.from({ length: 60 }, (_, seed) => planFor(seed, 'roles').setup)
    expect(setups.some(({ nodes, voters = [] }) => nodes.length > voters.length)).toBe(true)
    expect(setups.some(({ witnesses = [] }) => witnesses.length > 0)).toBe(true)
    expect(
      setups.some(({ voters = [], contenders = [] }) => !contenders.some((id) => voters.includes(id))),
    ).toBe(true)
  })
})

describe('R40: two replicas and a witness', () => {
  it('fail over when the leader dies, and when the witness does not', () => {
    const cluster = new SimCluster({ seed: 5, nodes: ['a', 'b', 'w'], witnesses: ['w'] })
    cluster.start()
    expect(cluster.runUntil(() => cluster.leaderOf('jobs') !== null, 10_000)).toBe(true)
    const first = cluster.leaderOf('jobs') as string
    cluster.crash(first)
    expect(cluster.runUntil(() => cluster.leaderOf('jobs') !== null, 10_000)).toBe(true)
    expect([first, cluster.leaderOf('jobs')].sort()).toEqual(['a', 'b'])
    cluster.crash(cluster.leaderOf('jobs') as string)
    cluster.run(20_000)
    expect(cluster.leaderOf('jobs'), 'a witness alone never leads').toBe(null)
    expect(cluster.violations).toEqual([])
  })
})

describe('R71: an observer', () => {
  it('leads where no voter wants to, and is replaced by another one when it dies', () => {
    const cluster = new SimCluster({
      seed: 6,
      nodes: ['a', 'b', 'c', 'p', 'q'],
      voters: ['a', 'b', 'c'],
      contenders: ['p', 'q'],
    })
    cluster.start()
    expect(cluster.runUntil(() => cluster.leaderOf('jobs') !== null, 10_000)).toBe(true)
    const first = cluster.leaderOf('jobs') as string
    cluster.crash(first)
    expect(cluster.runUntil(() => cluster.leaderOf('jobs') !== null, 10_000)).toBe(true)
    expect([first, cluster.leaderOf('jobs')].sort()).toEqual(['p', 'q'])
    expect(cluster.violations).toEqual([])
  })
})
