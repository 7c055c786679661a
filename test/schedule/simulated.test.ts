/**
 * Goal: each due run happens exactly once as the fence judges, whatever befalls the leaders. Method: three simulated services
 * with one schedule over one fence; crashes, pauses and partitions at random instants, also in the middle of runs; by seed.
 */
import { memoryFence } from 'conclave/fencing'
import { schedule } from 'conclave/schedule'
import { simulate } from 'conclave/simulation'
import { describe, expect, it } from 'vitest'

const EVERY = 5_000

async function hourWith(seed: number, remember: 'before' | 'after') {
  const fence = memoryFence()
  const begun: number[] = []
  const finished: number[] = []
  const report = await simulate(
    {
      seed,
      service: async (process) => {
        const election = process.election('cron')
        schedule(
          election,
          EVERY,
          async ({ dueAtMs, signal }) => {
            begun.push(dueAtMs)
            await process.sleep(1_500, signal)
            finished.push(dueAtMs)
          },
          { fence, clock: process.clock, missed: 'all', remember, onError: () => {} },
        )
        await election.start()
      },
    },
    async (sim) => {
      const { cluster } = sim
      for (let i = 0; i < 14; i++) {
        await sim.advance(cluster.random.between(4_000, 20_000))
        const leader = sim.leaderOf('cron')
        if (leader === null) continue
        const others = cluster.ids.filter((id) => id !== leader)
        const trouble = cluster.random.integer(0, 2)
        if (trouble === 0) {
          cluster.crash(leader)
          cluster.later(3_000, () => cluster.restart(leader))
        } else if (trouble === 1) {
          cluster.pause(leader, 6_000)
        } else {
          cluster.partition([[leader], others])
          cluster.later(6_000, () => cluster.heal())
        }
      }
      await sim.advance(30_000)
    },
  )
  expect(report.violations).toEqual([])
  return { begun, finished, last: (await fence.lastRun('cron')) ?? 0 }
}

describe('schedule in the simulator', () => {
  it.each([1, 2])('seed %i: with before every due time begins exactly once', async (seed) => {
    const { begun, last } = await hourWith(seed, 'before')
    const [first = 0] = begun
    expect(begun.length).toBeGreaterThan(15)
    expect([...begun].sort((a, b) => a - b)).toEqual(
      Array.from({ length: begun.length }, (_, i) => first + i * EVERY),
    )
    expect(begun.at(-1)).toBe(last)
  })

  it.each([1, 2])('seed %i: with after every due time is finished at least once', async (seed) => {
    const { finished } = await hourWith(seed, 'after')
    const done = [...new Set(finished)].sort((a, b) => a - b)
    const [first = 0] = done
    expect(done.length).toBeGreaterThan(15)
    expect(done).toEqual(Array.from({ length: done.length }, (_, i) => first + i * EVERY))
  })
})
