/**
 * Goal: a user can test leader code of their own in virtual time. Method: services over the real `Election`, one correct and
 * several wrong ones.
 */
import { describe, expect, it, vi } from 'vitest'
import { isElectionError } from '../../src/errors'
import { type Service, type Simulation, simulate } from '../../src/simulation/simulate'

/** A service that writes a line each 200 ms while it leads. */
function counting(log: string[]): Service {
  return async (process) => {
    const election = process.election('jobs')
    await election.start()
    await election.lead(async ({ token, signal }) => {
      while (!signal.aborted) {
        log.push(`${process.id}#${process.life} ${token}`)
        await process.sleep(200, signal).catch(() => {})
      }
    })
  }
}

const led = (sim: Simulation) => (): boolean => sim.leaderOf('jobs') !== null

describe('simulate', () => {
  it('runs a service through crash, restart, stall and partition, with no two leaders', async () => {
    const log: string[] = []
    const report = await simulate({ seed: 5, service: counting(log) }, async (sim) => {
      await sim.until(led(sim), 10_000)
      const first = sim.leaderOf('jobs') as string
      await sim.advance(2000)
      sim.cluster.crash(first)
      await sim.until(led(sim), 10_000)
      expect(sim.leaderOf('jobs')).not.toBe(first)
      sim.cluster.restart(first)
      await sim.advance(5000)
      const second = sim.leaderOf('jobs') as string
      sim.cluster.pause(second, 8000)
      await sim.advance(20_000)
      const others = sim.cluster.ids.filter((id) => id !== sim.leaderOf('jobs'))
      sim.cluster.partition([[sim.leaderOf('jobs') as string], others])
      await sim.advance(20_000)
    })
    expect(report.violations).toEqual([])
    const tokens = log.map((line) => Number(line.split(' ')[1]))
    expect(new Set(tokens).size).toBeGreaterThanOrEqual(4)
    expect(log.length).toBeGreaterThan(100)
  })

  it('runs also where a test has put its own timers in place of the real ones', async () => {
    vi.useFakeTimers()
    try {
      const report = await simulate({ seed: 6, service: counting([]) }, (sim) => sim.until(led(sim), 10_000))
      expect(report.violations).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  it('is repeated by its seed, to the byte', async () => {
    const run = async (seed: number): Promise<string | null> => {
      const options = { seed, service: counting([]), trace: { heartbeats: true }, quality: { jitterMs: 1 } }
      const { trace } = await simulate(options, async (sim) => {
        await sim.until(led(sim), 10_000)
        sim.cluster.crash(sim.leaderOf('jobs') as string)
        await sim.advance(10_000)
      })
      return trace
    }
    const first = await run(1)
    expect(await run(1)).toBe(first)
    expect(await run(2)).not.toBe(first)
  })

  it('finds a service that goes on working after it lost: a property of the user', async () => {
    const working = new Map<string, number>()
    const careless: Service = async (process) => {
      const election = process.election('jobs')
      await election.start()
      await election.lead(async () => {
        working.set(process.id, process.life)
        // Never looks at the signal.
        await process.sleep(60_000)
        working.delete(process.id)
      })
    }
    const report = await simulate({ seed: 3, service: careless }, async (sim) => {
      sim.always('one worker', () =>
        working.size > 1 ? `${[...working.keys()].join(' and ')} both work` : null,
      )
      await sim.until(led(sim), 10_000)
      await sim.advance(1000)
      const leader = sim.leaderOf('jobs') as string
      sim.cluster.partition([[leader], sim.cluster.ids.filter((id) => id !== leader)])
      await sim.advance(20_000)
    })
    expect(report.violations).toHaveLength(1)
    expect(report.violations[0]?.property).toBe('one worker')
  })

  it('a service that fails is a violation, unless its process is dead', async () => {
    const failing: Service = async (process) => {
      await process.election('jobs').start()
      await process.sleep(1000)
      if (process.id === 'b') throw new Error('no database')
    }
    const report = await simulate({ seed: 3, service: failing }, (sim) => sim.advance(2000))
    expect(report.violations[0]?.text).toBe('the service of b failed: no database')
    const dead = await simulate({ seed: 3, service: failing }, async (sim) => {
      await sim.advance(500)
      sim.cluster.crash('b')
      await sim.advance(2000)
    })
    expect(dead.violations).toEqual([])
  })

  it('until gives up with a typed error', async () => {
    const idle: Service = () => {}
    const run = simulate({ seed: 1, service: idle }, (sim) => sim.until(led(sim), 1000))
    await expect(run).rejects.toSatisfy((error) => isElectionError(error, 'ELECTION_TIMEOUT'))
  })

  it('sleep ends with the reason of its signal, and never in a dead process', async () => {
    const seen: string[] = []
    const sleeper: Service = async (process) => {
      await process.election('jobs').start()
      if (process.id !== 'a') return
      const controller = new AbortController()
      const rest = process.sleep(500, controller.signal).catch((reason) => seen.push(String(reason)))
      await process.sleep(100)
      controller.abort('enough')
      await rest
      await expect(process.sleep(1, controller.signal)).rejects.toBe('enough')
      await process.sleep(1000)
      seen.push('woke up dead')
    }
    const report = await simulate({ seed: 1, service: sleeper }, async (sim) => {
      await sim.advance(500)
      sim.cluster.crash('a')
      await sim.advance(5000)
    })
    expect(seen).toEqual(['enough'])
    expect(report.violations).toEqual([])
  })
})
