/**
 * Goal: what an operator asks of one member keeps its word in any world: a frozen member does not stand, a switchover happens
 * when it is due, once, and not if it was taken back. Method: the runtime's own classes in small clusters in virtual time,
 * then the swarm with `maintenance`; invariants that can fail are in `invariants.test.ts`, broken copies in `test/mutants`.
 */
import { describe, expect, it } from 'vitest'
import type { OperatorSign } from '../../src/simulation/observer'
import { planFor } from '../../src/simulation/plan'
import { SimCluster } from '../../src/simulation/sim-cluster'
import { runPlan, runSeed } from '../../src/simulation/swarm'

const JOBS = 'jobs'
const HOUR = 3_600_000

/** A cluster that has a leader, the names of the others, and what operators came to. */
function settled(seed: number): {
  cluster: SimCluster
  leader: string
  others: [string, string]
  signs: OperatorSign[]
} {
  const cluster = new SimCluster({ seed })
  const signs: OperatorSign[] = []
  cluster.observers.add({ operated: (_node, sign) => void signs.push(sign) })
  cluster.start()
  expect(cluster.runUntil(() => cluster.leaderOf(JOBS) !== null, 20_000)).toBe(true)
  const leader = cluster.leaderOf(JOBS) as string
  const others = cluster.ids.filter((id) => id !== leader) as [string, string]
  cluster.run(3_000)
  return { cluster, leader, others, signs }
}

/** Who leads next, when it is not that one; null if nobody does soon. */
function nextAfter(cluster: SimCluster, former: string): string | null {
  cluster.runUntil(() => ![null, former].includes(cluster.leaderOf(JOBS)), 20_000)
  const leader = cluster.leaderOf(JOBS)
  return leader === former ? null : leader
}

const kindsOf = (signs: readonly OperatorSign[]): string[] => signs.map(({ kind }) => kind)

describe('R39: a frozen member', () => {
  it('does not stand before the freeze is over, the others do, and then it stands again', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const { cluster, leader, others } = settled(seed)
      const [frozen, free] = others
      expect(cluster.freezeMember(frozen, JOBS, 60_000)).toBe(true)
      cluster.crash(leader)
      expect(nextAfter(cluster, leader)).toBe(free)
      cluster.resign(JOBS, HOUR)
      expect(
        cluster.runUntil(() => cluster.leaderOf(JOBS) === frozen, 20_000),
        'still frozen',
      ).toBe(false)
      expect(cluster.runUntil(() => cluster.leaderOf(JOBS) === frozen, 60_000)).toBe(true)
      expect(cluster.violations).toEqual([])
    }
  })

  it('is handed nothing, keeps what it leads, and is free at once when it is told so or starts anew', () => {
    const { cluster, leader, others } = settled(7)
    const [frozen, free] = others
    cluster.freezeMember(frozen, JOBS, HOUR)
    cluster.freezeMember(leader, JOBS, HOUR)
    cluster.run(10_000)
    expect(cluster.leaderOf(JOBS), 'a leadership that stands goes on').toBe(leader)
    cluster.transfer(JOBS, frozen)
    expect(nextAfter(cluster, leader), 'the one that is named is frozen').toBe(free)
    cluster.freezeMember(frozen, JOBS, 0)
    cluster.transfer(JOBS, frozen)
    expect(nextAfter(cluster, free)).toBe(frozen)
    cluster.freezeMember(free, JOBS, HOUR)
    cluster.crash(free)
    cluster.restart(free)
    cluster.run(10_000)
    cluster.transfer(JOBS, free)
    expect(nextAfter(cluster, frozen), 'a freeze ends with the process').toBe(free)
    expect(cluster.violations).toEqual([])
  })

  it('wants to contend or not, as its service says, when the freeze is over and not before', () => {
    const { cluster, others } = settled(8)
    const [frozen] = others
    cluster.freezeMember(frozen, JOBS, 5_000)
    cluster.contend(frozen, JOBS, false)
    cluster.contend(frozen, JOBS, true, 3)
    cluster.run(3_000)
    const core = () => cluster.node(frozen).state?.elections.get(JOBS)
    expect(core()?.contending).toBe(false)
    cluster.run(3_000)
    expect(core()).toMatchObject({ contending: true, priority: 3 })
    cluster.contend(frozen, JOBS, false)
    expect(core()?.contending).toBe(false)
    expect(cluster.violations).toEqual([])
  })
})

describe('a switchover', () => {
  it('hands over when it is due, not before, to whom it names, on either clock', () => {
    for (const clock of ['monotonic', 'wall'] as const) {
      const { cluster, leader, others, signs } = settled(11)
      const [, to] = others
      cluster.switchover(leader, JOBS, { to, inMs: 10_000, clock })
      cluster.run(9_990)
      expect(cluster.leaderOf(JOBS), 'not before').toBe(leader)
      cluster.run(20)
      expect(kindsOf(signs)).toEqual(['planned', 'over', 'handsOver'])
      expect(nextAfter(cluster, leader)).toBe(to)
      cluster.run(60_000)
      expect(cluster.leaderOf(JOBS), 'at most once').toBe(to)
      expect(cluster.violations).toEqual([])
    }
  })

  it('never happens when it was taken back, or when another one took its place', () => {
    const { cluster, leader, others, signs } = settled(12)
    const [to] = others
    cluster.switchover(leader, JOBS, { to, inMs: 5_000, clock: 'monotonic' })
    cluster.run(1_000)
    cluster.switchover(leader, JOBS, { to, inMs: 9_000, clock: 'wall' })
    cluster.run(1_000)
    cluster.cancelSwitchover(leader, JOBS)
    cluster.run(60_000)
    expect(cluster.leaderOf(JOBS)).toBe(leader)
    expect(kindsOf(signs)).toEqual(['planned', 'cancelled', 'over', 'planned', 'cancelled', 'over'])
    expect(cluster.violations).toEqual([])
  })

  it('on the wall clock comes when that clock shows it: a step back puts it off, a step forward brings it within a look', () => {
    const { cluster, leader, signs } = settled(13)
    cluster.switchover(leader, JOBS, { to: null, inMs: 10_000, clock: 'wall' })
    cluster.stepWall(leader, -20_000)
    cluster.run(29_000)
    expect(kindsOf(signs)).toEqual(['planned'])
    cluster.run(2_000)
    expect(kindsOf(signs)).toEqual(['planned', 'over', 'handsOver'])
    const next = nextAfter(cluster, leader) as string
    cluster.switchover(next, JOBS, { to: null, inMs: 3_600_000, clock: 'wall' })
    cluster.stepWall(next, 3_600_000)
    cluster.run(31_000)
    expect(kindsOf(signs).slice(3)).toEqual(['planned', 'over', 'handsOver'])
    expect(cluster.violations).toEqual([])
  })

  it('happens once, also where the same process leads again', () => {
    const cluster = new SimCluster({ seed: 14, nodes: ['a'] })
    const signs: OperatorSign[] = []
    cluster.observers.add({ operated: (_node, sign) => void signs.push(sign) })
    cluster.start()
    cluster.run(10_000)
    cluster.switchover('a', JOBS, { to: null, inMs: 1_000, clock: 'monotonic' })
    cluster.run(1_100)
    expect(cluster.leaderOf(JOBS)).toBeNull()
    cluster.run(60_000)
    expect(cluster.leaderOf(JOBS)).toBe('a')
    expect(kindsOf(signs)).toEqual(['planned', 'over', 'handsOver'])
    expect(cluster.violations).toEqual([])
  })

  it('that fails leaves a working cluster: whom it names is down, frozen, or unknown, or it leads no more', () => {
    for (const [i, trouble] of ['down', 'frozen', 'unknown', 'notLeader'].entries()) {
      const { cluster, leader, others } = settled(20 + i)
      const [first, second] = others
      if (trouble === 'down') cluster.crash(first, false)
      if (trouble === 'frozen') cluster.freezeMember(first, JOBS, HOUR)
      const to = trouble === 'unknown' ? 'nobody' : first
      cluster.switchover(leader, JOBS, { to, inMs: 2_000, clock: 'monotonic' })
      if (trouble === 'notLeader') cluster.resign(JOBS, 10_000)
      cluster.run(2_100)
      expect(nextAfter(cluster, leader), trouble).not.toBeNull()
      if (trouble === 'down' || trouble === 'frozen') expect(cluster.leaderOf(JOBS)).toBe(second)
      cluster.run(30_000)
      expect(cluster.leaderless()).toEqual([])
      expect(cluster.violations).toEqual([])
    }
  })

  it('R81: does nothing in a paused election, and its process leads on', () => {
    const { cluster, leader, signs } = settled(30)
    cluster.switchover(leader, JOBS, { to: null, inMs: 5_000, clock: 'monotonic' })
    cluster.submit(leader, {
      ...{ type: 'pause', election: JOBS, isPaused: true, leader: 'stays', sinceMs: 0 },
    })
    cluster.run(20_000)
    expect(kindsOf(signs)).toEqual(['planned', 'over'])
    expect(cluster.leaderOf(JOBS)).toBe(leader)
    expect(cluster.violations).toEqual([])
  })

  it('is forgotten when its process ends; a process that stands still hands over when it goes on', () => {
    const { cluster, leader, signs } = settled(31)
    cluster.switchover(leader, JOBS, { to: null, inMs: 1_000, clock: 'monotonic' })
    cluster.pause(leader, 1_500)
    cluster.run(1_490)
    expect(kindsOf(signs)).toEqual(['planned'])
    cluster.run(20)
    expect(kindsOf(signs)).toEqual(['planned', 'over', 'handsOver'])
    const next = nextAfter(cluster, leader) as string
    cluster.switchover(next, JOBS, { to: null, inMs: 5_000, clock: 'monotonic' })
    cluster.crash(next)
    cluster.restart(next)
    cluster.run(30_000)
    expect(kindsOf(signs)).toEqual(['planned', 'over', 'handsOver', 'planned'])
    expect(cluster.violations).toEqual([])
  })
})

describe('the swarm with an operator', () => {
  it('freezes members for longer than the run, and demands a leader of the others', () => {
    const plan = planFor(3, 'maintenance', 20_000)
    const frozen = plan.setup.nodes.slice(1)
    const steps = frozen.map((node) => ({
      at: 5_000,
      action: { do: 'freezeMember', node, election: JOBS, forMs: HOUR } as const,
    }))
    const { violations } = runPlan({ ...plan, steps: [...plan.steps, ...steps] })
    expect(violations).toEqual([])
  })

  it('keeps every property while members are frozen and switchovers fall due or are taken back', () => {
    const totals: Record<string, number> = {}
    for (let seed = 501; seed <= 506; seed++) {
      const { violations, stats } = runSeed(seed, { profile: 'maintenance', safetyMs: 20_000 })
      expect(violations, `seed ${seed}`).toEqual([])
      for (const [kind, count] of Object.entries(stats.faults)) totals[kind] = (totals[kind] ?? 0) + count
    }
    for (const kind of ['freezeMember', 'switchover', 'cancelSwitchover']) {
      expect(totals[kind], kind).toBeGreaterThan(5)
    }
  })
})
