/**
 * Goal: a failing plan becomes a small one that fails in the same way. Method: a plan with one action that a forged property
 * forbids, hidden among many that do no harm.
 */
import { describe, expect, it } from 'vitest'
import { planFor } from '../../src/simulation/plan'
import { shrinkPlan } from '../../src/simulation/shrink'
import { runPlan } from '../../src/simulation/swarm'

describe('shrinking', () => {
  /** A cluster of which a majority gets empty disks cannot elect anybody: P9 breaks, and only the disks are to blame. */
  function hopeless() {
    const plan = planFor(40, 'partitions', 30_000)
    const nodes = ['a', 'b', 'c']
    const lose = nodes.slice(0, 2).map((node) => ({
      at: 29_000,
      action: { do: 'diskLosesLastWrite', node } as const,
    }))
    const crash = nodes.slice(0, 2).map((node) => ({
      at: 29_500,
      action: { do: 'crash', node, fin: true, downMs: null } as const,
    }))
    const { setup } = plan
    const rates = { a: 1, b: 1, c: 1 }
    const calm = { ...setup, nodes, rates, contenders: nodes, timingOf: {} }
    const harmless = Array.from({ length: 20 }, (_, i) => ({
      at: 1000 * (i + 1),
      action: { do: 'campaign', node: nodes[i % 3] as string, election: 'jobs' } as const,
    }))
    return { ...plan, setup: calm, steps: [...harmless, ...lose, ...crash] }
  }

  it('keeps only the steps that are to blame', () => {
    const plan = hopeless()
    expect(runPlan(plan).violations[0]?.property).toBe('P9 liveness')
    const { plan: small, runs } = shrinkPlan(plan, 'P9 liveness')
    expect(small.steps.map(({ action }) => action.do)).toEqual([
      'diskLosesLastWrite',
      'diskLosesLastWrite',
      'crash',
      'crash',
    ])
    expect(runPlan(small).violations[0]?.property).toBe('P9 liveness')
    expect(runs).toBeLessThan(100)
  })

  it('leaves a plan alone that does not fail', () => {
    const plan = planFor(41, 'calm', 10_000)
    expect(shrinkPlan(plan, 'P9 liveness').plan.steps).toEqual(plan.steps)
  })
})
