/**
 * Goal: a fail-over neither skips nor doubles a run, by each policy. Method: clusters on manual time over one fence, with
 * leaders that resign, die in the middle of a run or cannot reach the fence, and clocks that are stepped.
 */
import { memoryFence, type RunFence } from 'conclave/fencing'
import { type ScheduledRun, type ScheduleOptions, schedule } from 'conclave/schedule'
import { describe, expect, it } from 'vitest'
import type { Election } from '../../src/runtime/api'
import { alone, Bench, TIMING } from '../runtime/harness'

const { promiseMs } = TIMING
const EVERY = 10_000

/** One leader with a schedule; `seconds`: due times of its runs, from the first full ten seconds on. */
async function one(options: Partial<ScheduleOptions> = {}, work: (run: ScheduledRun) => unknown = () => {}) {
  const { bench, world, one: process } = await alone()
  const election = process.elector.election('e')
  const runs: ScheduledRun[] = []
  const errors: unknown[] = []
  const fence = options.fence ?? memoryFence()
  const job = schedule(
    election,
    EVERY,
    (run) => {
      runs.push(run)
      return work(run)
    },
    { fence, clock: process.clock, onError: (error) => errors.push(error), ...options },
  )
  const base = Math.ceil(process.clock.wall() / EVERY) * EVERY
  await bench.start(process)
  const seconds = () => runs.map(({ dueAtMs }) => (dueAtMs - base) / 1000)
  return { world, process, election, fence, job, runs, errors, seconds }
}

/** Three processes with the same schedule over one fence. */
async function three(
  options: Partial<ScheduleOptions> = {},
  work: (run: ScheduledRun, id: string) => unknown = () => {},
) {
  const bench = new Bench()
  const fence = memoryFence()
  const begun: { id: string; due: number; token: number; skipped: number }[] = []
  let base = 0
  const begin = (id: string) => {
    const process = bench.process(id)
    base ||= Math.ceil(process.clock.wall() / EVERY) * EVERY
    const election = process.elector.election('e')
    schedule(
      election,
      EVERY,
      (run) => {
        begun.push({ id, due: (run.dueAtMs - base) / 1000, token: run.token, skipped: run.skipped })
        return work(run, id)
      },
      { fence, clock: process.clock, onError: () => {}, ...options },
    )
    return process
  }
  const processes = ['a', 'b', 'c'].map(begin)
  await bench.start(...processes)
  await bench.world.run(promiseMs)
  const elections = processes.map(({ elector }) => elector.election('e'))
  const leader = () => elections.find((election) => election.isLeader()) as Election
  const dues = () => begun.map(({ due }) => due)
  return { world: bench.world, processes, elections, leader, begun, dues }
}

describe('schedule', () => {
  it('runs at every due time, inside the leadership, with its token and signal', async () => {
    const { world, job, runs, seconds, election } = await one()
    await world.run(45_000)
    expect(seconds()).toEqual([0, 10, 20, 30])
    expect(runs.every(({ token, signal }) => token === election.leadership?.token && !signal.aborted)).toBe(
      true,
    )
    expect([job.runs, job.nextRunMs]).toEqual([4, (runs.at(-1)?.dueAtMs ?? 0) + EVERY])
    await job.stop()
    await world.run(45_000)
    expect(seconds()).toHaveLength(4)
  })

  it('only at the leader, and each time once over fail-overs in between', async () => {
    const { world, leader, dues, begun } = await three()
    for (let i = 0; i < 5; i++) {
      await world.run(12_000)
      void leader().resign()
      await world.run(promiseMs)
    }
    await world.run(10_000)
    expect(dues()).toEqual(dues().map((_, i) => i * 10))
    expect(dues().length).toBeGreaterThanOrEqual(6)
    expect(new Set(begun.map(({ id }) => id)).size).toBeGreaterThan(1)
  })

  it('missed runs: the newest of them by default, each with all, none with skip', async () => {
    const missedBy = async (missed: 'once' | 'all' | 'skip') => {
      const { world, election, seconds, runs } = await one({ missed })
      await world.run(11_000)
      const resigned = election.resign({ cooldownMs: 45_000 })
      await world.run(60_000)
      await resigned
      return { seconds: seconds(), skipped: runs.map(({ skipped }) => skipped) }
    }
    expect(await missedBy('all')).toMatchObject({ seconds: [0, 10, 20, 30, 40, 50, 60] })
    const { seconds, skipped } = await missedBy('once')
    expect(seconds[0]).toBe(0)
    expect(seconds.slice(-2)).toEqual([50, 60])
    expect(skipped.some((count) => count >= 2)).toBe(true)
    expect((await missedBy('skip')).seconds.filter((second) => second > 0 && second < 40)).toEqual([])
  })

  it('a run that outlasts the interval: what falls due meanwhile is passed over, or waits', async () => {
    const overlapped = async (overlap: 'skip' | 'queue') => {
      const releases: (() => void)[] = []
      const { world, seconds } = await one(
        { overlap },
        () => new Promise<void>((resolve) => releases.push(resolve)),
      )
      await world.run(33_000)
      expect(seconds()).toEqual([0])
      releases.shift()?.()
      await world.run(1)
      const after = seconds()
      releases.shift()?.()
      await world.run(10_000)
      releases.shift()?.()
      return [after, seconds()]
    }
    expect(await overlapped('skip')).toEqual([[0], [0, 30]])
    expect(await overlapped('queue')).toEqual([
      [0, 20],
      [0, 20, 30],
    ])
  })

  it('a leader that dies in the middle of a run: never twice with before, again with after', async () => {
    const dyingWith = async (remember: 'before' | 'after') => {
      let hangs = true
      const { world, leader, processes, begun } = await three({ remember }, async () => {
        if (hangs) await new Promise(() => {})
      })
      await world.run(10_000)
      expect(begun).toHaveLength(1)
      const dead = processes.find(({ id }) => id === leader().id)
      hangs = false
      void dead?.elector.stop()
      await world.run(9_000)
      return begun.filter(({ due }) => due === begun[0]?.due).length
    }
    expect(await dyingWith('before')).toBe(1)
    expect(await dyingWith('after')).toBe(2)
  })

  it('what the function throws is told, and the schedule goes on', async () => {
    const { world, errors, seconds } = await one({}, () => Promise.reject(new Error('no')))
    await world.run(25_000)
    expect(seconds()).toEqual([0, 10])
    expect(errors).toHaveLength(2)
  })

  it('an onError that throws, or rejects, ends neither the schedule nor the process', async () => {
    for (const onError of [
      () => {
        throw new Error('mine')
      },
      () => Promise.reject(new Error('mine')),
    ]) {
      const warned = new Promise((resolve) => process.once('warning', resolve))
      const { world, job, seconds } = await one({ onError }, () => Promise.reject(new Error('no')))
      await world.run(25_000)
      expect(seconds()).toEqual([0, 10])
      expect(await warned).toMatchObject({ cause: { message: 'mine' } })
      await job.stop()
    }
  })

  it('a fence that does not answer is asked again, and a lost answer is recognised: one run each', async () => {
    const inner = memoryFence()
    let fails: 'no' | 'before' | 'behind' = 'no'
    const fence: RunFence = {
      check: (job, claim) => inner.check(job, claim),
      lastRun: (job) => inner.lastRun(job),
      takeRun: async (job, claim, due) => {
        if (fails === 'before') throw new Error('not reached')
        const result = await inner.takeRun(job, claim, due)
        if (fails === 'behind') throw new Error('the answer is lost')
        return result
      },
    }
    const { world, seconds, errors } = await one({ fence, retryMs: 500 })
    await world.run(5_000)
    for (const how of ['before', 'behind'] as const) {
      fails = how
      await world.run(8_000)
      fails = 'no'
      await world.run(2_000)
    }
    expect(seconds()).toEqual([0, 10])
    expect(errors.length).toBeGreaterThan(2)
  })

  it('B.4: a clock that is set back runs nothing twice; one that is set forward has missed what lay between', async () => {
    const { world, process, seconds } = await one({ missed: 'all' })
    await world.run(25_000)
    process.clock.wallAheadMs -= 15_000
    await world.run(30_000)
    expect(seconds()).toEqual([0, 10, 20, 30])
    process.clock.wallAheadMs += 60_000
    await world.run(31_000)
    expect(seconds()).toEqual(seconds().map((_, i) => i * 10))
    expect(seconds().length).toBeGreaterThanOrEqual(10)
  })

  it('options that mean nothing are refused by name', async () => {
    const { election, fence } = await one()
    for (const options of [
      {},
      { fence: {} },
      { fence, missed: 'some' },
      { fence, retryMs: 0 },
      { fence, every: 1 },
    ]) {
      expect(() => schedule(election, 1_000, () => {}, options as never)).toThrow(/schedule\(\): /)
    }
    expect(() => schedule(election, 1_000, null as never, { fence })).toThrow(/function/)
  })
})
