/**
 * Goal: random faults find nothing wrong with stores as voters: one, a majority of three, a tie-breaker beside peers, one
 * that forgets. Method: a few seeds of each profile here, thousands by `npx conclave simulate`; every seed replays exactly.
 */
import { describe, expect, it } from 'vitest'
import { planFor, STORE_PROFILES } from '../../src/simulation/plan'
import { runSeed } from '../../src/simulation/swarm'

describe.each(STORE_PROFILES)('%s', (profile) => {
  it('R45-R51, R66-R68: P1-P9 hold under faults', () => {
    let elections = 0
    for (let seed = 1; seed <= 6; seed++) {
      const { violations, stats } = runSeed(seed, { profile, safetyMs: 10_000 })
      expect(violations.map(({ property, text }) => `seed ${seed}: ${property}: ${text}`)).toEqual([])
      elections += stats.elections
    }
    expect(elections).toBeGreaterThan(20)
  })

  it('the same seed gives the same trace', () => {
    const run = () => runSeed(11, { profile, safetyMs: 5_000, trace: {} }).trace
    expect(run()).toBe(run())
  })

  it('a plan is data', () => {
    const plan = planFor(3, profile)
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
    expect(plan.steps.some(({ action }) => action.do.startsWith('store'))).toBe(true)
  })
})

describe('seeds that found something', () => {
  it('seed 200000691: a leader that slept longer than its store believed it wins by nothing promised before (B.3, R66)', () => {
    const { violations, stats } = runSeed(200_000_691, { profile: 'oneStore' })
    expect(violations).toEqual([])
    expect(stats.elections).toBeGreaterThan(20)
  })
})
