/**
 * Goal: the shipping core and driver keep every property in worlds that nobody thought of. Method: fixed seeds and fresh ones; each
 * decides a cluster, its network, clocks and disks, and a minute of faults, then demands a stable leader. A failing seed is
 * replayed by `runSeed(seed, { trace: {} })`.
 */
import { describe, expect, it } from 'vitest'
import { CHOSEN_PROFILES, type Plan, PROFILES, planFor } from '../../src/simulation/plan'
import { livenessBoundMs, type RunStats, runPlan, runSeed } from '../../src/simulation/swarm'

const SEEDS_PER_PROFILE = 30
const FRESH_SEEDS = 100

describe('a plan', () => {
  it('is plain data: it survives JSON and runs the same way', () => {
    for (const seed of [3, 4, 5]) {
      const plan = planFor(seed)
      const copy = JSON.parse(JSON.stringify(plan)) as Plan
      expect(copy).toEqual(plan)
      expect(runPlan(copy, { trace: {} }).trace).toBe(runPlan(plan, { trace: {} }).trace)
    }
  })

  it('has its steps in order, within the safety phase', () => {
    const { steps, safetyMs } = planFor(11)
    const instants = steps.map(({ at }) => at)
    expect(instants).toEqual([...instants].sort((a, b) => a - b))
    expect(Math.max(...instants)).toBeLessThan(safetyMs)
  })

  it('any part of it is a plan', () => {
    const plan = planFor(12)
    const half = { ...plan, steps: plan.steps.filter((_, i) => i % 2 === 0) }
    expect(runPlan(half).violations).toEqual([])
  })

  it('seeds reach every size, every profile and every kind of fault', () => {
    const sizes = new Set<number>()
    const profiles = new Set<string>()
    const kinds = new Set<string>()
    for (let seed = 0; seed < 300; seed++) {
      const { setup, profile, steps } = planFor(seed)
      sizes.add(setup.nodes.length)
      profiles.add(profile)
      for (const { action } of steps) kinds.add(action.do)
    }
    expect([...sizes].sort()).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(profiles.size).toBe(CHOSEN_PROFILES.length)
    expect([...kinds].sort()).toEqual(
      [
        [
          'addMember',
          'campaign',
          'cancelSwitchover',
          'contend',
          'crash',
          'crashInWrite',
          'cut',
          'diskFails',
          'diskHangs',
          'diskLosesLastWrite',
          'drainTimeout',
          'freezeMember',
          'handOver',
        ],
        [
          'heal',
          'heartbeatNow',
          'isolate',
          'mesh',
          'partition',
          'pause',
          'pauseElection',
          'proofOfDeath',
          'quality',
          'rate',
        ],
        [
          'removeMember',
          'replaceDisk',
          'resign',
          'restartGuard',
          'sicken',
          'stepWall',
          'stop',
          'storeCut',
          'storeDown',
          'storeForgets',
        ],
        ['stutter', 'suspend', 'switchover', 'transfer'],
      ].flat(),
    )
  })

  it('keeps every clock within the bound of A2', () => {
    for (let seed = 0; seed < 100; seed++) {
      const { setup, steps } = planFor(seed)
      const { rho } = setup.timing
      const rates = Object.values(setup.rates)
      for (const { action } of steps) if (action.do === 'rate') rates.push(action.rate)
      for (const rate of rates) expect(Math.abs(rate - 1)).toBeLessThanOrEqual(rho + 1e-9)
    }
  })
})

describe('the swarm', () => {
  it('R81: elects nobody in paused elections, and somebody soon after they were resumed', () => {
    const totals: Record<string, number> = {}
    for (let seed = 1; seed <= SEEDS_PER_PROFILE; seed++) {
      const { violations, stats } = runSeed(seed, { profile: 'maintenance', safetyMs: 20_000 })
      expect(violations, `seed ${seed}`).toEqual([])
      add(totals, stats)
    }
    expect(totals['pauseElection']).toBeGreaterThan(SEEDS_PER_PROFILE)
  }, 60_000)

  it('keeps every property while members change, operators are at work and leaders prefer, all at once', () => {
    const totals: Record<string, number> = {}
    const fresh = Math.floor(Math.random() * 2 ** 31)
    for (const seed of [1, 2, 3, 4, ...Array.from({ length: 4 }, (_, i) => fresh + i)]) {
      const { violations, stats } = runSeed(seed, { profile: 'everything', safetyMs: 20_000 })
      expect(violations, `seed ${seed} of everything`).toEqual([])
      add(totals, stats)
    }
    for (const kind of [
      'addMember',
      'removeMember',
      'replaceDisk',
      'pauseElection',
      'freezeMember',
      'switchover',
      'sicken',
    ])
      expect(totals[kind], kind).toBeGreaterThan(0)
  }, 60_000)

  it.each(PROFILES)(
    'keeps every property in the world %s',
    (profile) => {
      const totals: Record<string, number> = {}
      let elections = 0
      for (let seed = 1; seed <= SEEDS_PER_PROFILE; seed++) {
        const { violations, stats } = runSeed(seed, { profile })
        expect(violations, `seed ${seed} of ${profile}`).toEqual([])
        elections += stats.elections
        add(totals, stats)
      }
      expect(elections).toBeGreaterThan(SEEDS_PER_PROFILE)
      if (profile !== 'calm') expect(totals['crash']).toBeGreaterThan(SEEDS_PER_PROFILE / 4)
    },
    120_000,
  )

  it('keeps every property for seeds that nobody ran before', () => {
    const first = Math.floor(Math.random() * 2 ** 31)
    console.log(
      `fresh seeds: ${first} and the ${FRESH_SEEDS - 1} after it; npm run simulate -- --seeds 1 --seed <seed>`,
    )
    for (let seed = first; seed < first + FRESH_SEEDS; seed++) {
      expect(runSeed(seed).violations, `npm run simulate -- --seeds 1 --seed ${seed}`).toEqual([])
    }
  }, 300_000)

  it('gives the same trace for the same seed, to the byte', () => {
    for (const seed of [1, 17, 99]) {
      const first = runSeed(seed, { trace: { heartbeats: true }, safetyMs: 10_000 })
      const second = runSeed(seed, { trace: { heartbeats: true }, safetyMs: 10_000 })
      expect(first.trace).toBe(second.trace)
      expect(first.stats).toEqual(second.stats)
    }
  })

  it('a trace changes nothing', () => {
    expect(runSeed(21, { trace: { heartbeats: true } }).stats).toEqual(runSeed(21).stats)
  })

  it('P9: says within which time a leader has to be there', () => {
    for (let seed = 0; seed < 20; seed++) {
      const plan = planFor(seed)
      const { recoveryMs } = runPlan(plan).stats
      expect(recoveryMs).toBeLessThanOrEqual(livenessBoundMs(plan))
    }
  })
})

function add(totals: Record<string, number>, { faults }: RunStats): void {
  for (const [kind, count] of Object.entries(faults)) totals[kind] = (totals[kind] ?? 0) + count
}
