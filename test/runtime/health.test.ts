/** Goal: a process that is not fit does not lead (R39, USERS 17). Method: checks that say no, throw, and never answer. */
import { describe, expect, it } from 'vitest'
import type { HealthCheck } from '../../src/runtime/health'
import { alone, Bench, TIMING } from './harness'

const EVERY = TIMING.promiseMs / 2

async function checked(check: HealthCheck['check'], more: Partial<HealthCheck> = {}) {
  const { bench, world, one } = await alone()
  const election = one.elector.election('e', { healthCheck: { check, ...more } })
  const events: string[] = []
  election.on('elected', ({ term }) => events.push(`elected ${term}`))
  election.on('revoked', ({ term, reason }) => events.push(`revoked ${term} ${reason}`))
  await bench.start(one)
  await world.run(1)
  return { world, one, election, events }
}

describe('healthCheck', () => {
  it('R39: nobody stands before the first good answer', async () => {
    let isFit = false
    const { world, election, events } = await checked(() => isFit)
    await world.run(5_000)
    expect(events).toEqual([])
    expect(election.status()).toMatchObject({ isHealthy: false, isContending: false })
    expect(election.status().whyNotLeader).toEqual(['the health check failed'])
    isFit = true
    await world.run(EVERY)
    expect(events).toEqual(['elected 1'])
    expect(election.status().isHealthy).toBe(true)
  })

  it('R39: nobody stands while the first answer is not there', async () => {
    const { world, election } = await checked(() => new Promise<boolean>(() => {}), { timeoutMs: 10_000 })
    await world.run(5_000)
    expect(election.status()).toMatchObject({ isHealthy: null, isContending: false, isLeader: false })
    expect(election.status().whyNotLeader).toEqual(['the health check has not answered yet'])
  })

  it('R39: two bad answers in a row give the leadership up, one does not; a good one stands again', async () => {
    const answers = [true, false, true, false, false, false, true]
    const { world, events } = await checked(async () => answers.shift() ?? true)
    await world.run(3 * EVERY)
    expect(events).toEqual(['elected 1'])
    await world.run(EVERY)
    expect(events).toEqual(['elected 1', 'revoked 1 unhealthy'])
    await world.run(2 * EVERY)
    expect(events.at(-1)).toBe('elected 2')
  })

  it('a throw, a rejection and a missing answer are bad answers; a late one counts for nothing', async () => {
    const aborted: boolean[] = []
    const checks: HealthCheck['check'][] = [
      () => true,
      () => {
        throw new Error('no')
      },
      () => Promise.reject(new Error('no')),
      () => true,
      (signal) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => {
            aborted.push(true)
            resolve(true)
          }),
        ),
    ]
    const { world, election, events } = await checked((signal) => (checks.shift() ?? (() => false))(signal), {
      failures: 1,
      timeoutMs: 300,
    })
    await world.run(EVERY)
    expect(events).toEqual(['elected 1', 'revoked 1 unhealthy'])
    await world.run(2 * EVERY)
    expect(events.at(-1)).toBe('elected 2')
    await world.run(EVERY - 2 + 300)
    expect(election.isLeader()).toBe(true)
    await world.run(2)
    expect(aborted).toEqual([true])
    expect(events.at(-1)).toBe('revoked 2 unhealthy')
  })

  it('R20: an unhealthy leader is released only when its work has stopped', async () => {
    let isFit = true
    const { world, election, events } = await checked(() => isFit)
    let finish = (): void => {}
    const work = election.runIfLeader(() => new Promise<void>((resolve) => (finish = resolve)))
    isFit = false
    await world.run(2 * EVERY + 100)
    expect(election.isLeader()).toBe(false)
    expect(events).toEqual(['elected 1'])
    finish()
    await work
    await world.run(1)
    expect(events).toEqual(['elected 1', 'revoked 1 unhealthy'])
  })

  it('R39: a plain function is a check, too', async () => {
    const { bench, world, one } = await alone()
    let isFit = true
    const election = one.elector.election('e', { healthCheck: () => isFit })
    await bench.start(one)
    await world.run(1)
    expect(election.isLeader()).toBe(true)
    isFit = false
    await world.run(2 * EVERY + 1)
    expect(election.isLeader()).toBe(false)
  })

  it('R39: with `whenAlone: keep` a sick leader goes on while nobody can take over, and hands over when somebody can', async () => {
    const bench = new Bench(['a', 'b', 'c'])
    const [a, b, c] = ['a', 'b', 'c'].map((id) => bench.process(id)) as [P, P, P]
    type P = ReturnType<Bench['process']>
    let isFit = true
    const sick = a.elector.election('e', { healthCheck: { check: () => isFit, whenAlone: 'keep' } })
    const healthy = b.elector.election('e', { contend: false })
    c.elector.election('e', { canLead: false })
    await bench.start(a, b, c)
    await bench.world.run(2 * EVERY)
    expect(sick.isLeader()).toBe(true)
    isFit = false
    await bench.world.run(6 * EVERY)
    expect(sick.isLeader(), 'nobody else stands').toBe(true)
    const lead = healthy.lead(() => {})
    await bench.world.run(2 * EVERY)
    expect([sick.isLeader(), healthy.isLeader()]).toEqual([false, true])
    const stopped = b.elector.stop()
    await bench.world.run(100)
    await Promise.all([lead, stopped])
  })

  it('B.1: a stall of the event loop above the bound is unhealthy at once, one below is not', async () => {
    const { bench, world, one } = await alone()
    const election = one.elector.election('e', { maxLoopDelayMs: 400 })
    const reasons: string[] = []
    election.on('revoked', ({ reason }) => reasons.push(reason))
    await bench.start(one)
    await world.run(10)
    world.stall(250)
    await world.run(200)
    expect(election.isLeader()).toBe(true)
    world.stall(500)
    await world.run(1)
    expect(reasons).toEqual(['unhealthy'])
    expect(election.status().isHealthy).toBe(false)
    await world.run(2 * EVERY)
    expect(election.isLeader(), 'healthy again').toBe(true)
  })

  it('asks no more after the stop', async () => {
    let asked = 0
    const { world, one } = await checked(() => {
      asked += 1
      return true
    })
    const stopped = one.elector.stop()
    await world.run(10)
    await stopped
    const before = asked
    await world.run(10_000)
    expect(asked).toBe(before)
    expect(one.clock.timersPending).toBe(0)
  })

  it.each<[object, string]>([
    [{ check: true }, 'check'],
    [{ check: Boolean, every: 5 }, '"healthCheck.every"'],
    [{ check: Boolean, failures: 0 }, 'failures'],
  ])('%j is refused', async (healthCheck, word) => {
    const { one } = await alone()
    expect(() => one.elector.election('e', { healthCheck: healthCheck as HealthCheck })).toThrow(word)
  })
})
