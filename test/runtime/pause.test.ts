/**
 * Goal: operators can hold an election still, keep one member from standing, and hand over at a set time. Method: clusters on
 * manual time whose processes crash, restart and are asked for what they know; R80 and R81 by themselves: test/paper/pause.test.ts.
 */
import { describe, expect, it } from 'vitest'
import type { Election } from '../../src/runtime/api'
import { Bench, type TestProcess, TIMING, World } from './harness'
import { elect, process, Server } from './store-bench'

const { promiseMs } = TIMING

/** Three processes, one of which leads. */
async function three() {
  const bench = new Bench()
  const processes = ['a', 'b', 'c'].map((id) => bench.process(id))
  await bench.start(...processes)
  const elections = processes.map(({ elector }) => elector.election('e'))
  await bench.world.run(2 * promiseMs)
  const leader = elections.find((election) => election.isLeader()) as Election
  const others = elections.filter((election) => election !== leader)
  return { bench, world: bench.world, processes, elections, leader, others }
}

const leaders = (elections: readonly Election[]) => elections.filter((election) => election.isLeader())
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error: { code: string }) => error.code,
  )

/** Resolves the promise while time passes. */
async function during<T>(world: World, promise: Promise<T>, ms = 200): Promise<T> {
  await world.run(ms)
  return promise
}

describe('pause', () => {
  it('R81: the leader stays, nobody follows it, and a resumption lets somebody lead again', async () => {
    const { world, processes, leader, others, elections } = await three()
    const [other] = others as [Election, Election]
    expect(await during(world, other.pause())).toMatchObject({
      isPaused: true,
      leader: leader.id,
      leaderStays: true,
    })
    await world.run(5 * promiseMs)
    expect(leaders(elections)).toEqual([leader])
    const resigned = leader.resign()
    await world.run(5 * promiseMs)
    expect((await resigned).released).toBe(true)
    expect(leaders(elections)).toEqual([])
    expect(processes.every(({ elector }) => elector.status().elections['e']?.isPaused)).toBe(true)
    expect(await during(world, leader.resume(), 2 * promiseMs)).toMatchObject({ isPaused: false })
    expect(leaders(elections)).toHaveLength(1)
  })

  it('R81: with leader: stepsDown it gives the leadership up in good order, and says why', async () => {
    const { world, leader, others, elections } = await three()
    const reasons: string[] = []
    leader.on('revoked', ({ reason }) => reasons.push(reason))
    let isStopped = false
    const led = leader.lead(async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      isStopped = true
    })
    await world.run(10)
    const result = await during(world, (others[0] as Election).pause({ leader: 'stepsDown' }), promiseMs)
    expect(result.leaderStays).toBe(false)
    expect([isStopped, reasons]).toEqual([true, ['paused']])
    await world.run(5 * promiseMs)
    expect(leaders(elections)).toEqual([])
    void led
  })

  it('tells who paused it and since when: in status(), in whyNotLeader, by an event at every process', async () => {
    const { world, elections, others } = await three()
    const events: string[] = []
    for (const election of elections) {
      election.on('paused', ({ by, leader }) => events.push(`${election.id} paused by ${by}, ${leader}`))
      election.on('resumed', ({ by }) => events.push(`${election.id} resumed by ${by}`))
    }
    const [other] = others as [Election, Election]
    await during(world, other.pause(), promiseMs)
    expect(events.sort()).toEqual(elections.map(({ id }) => `${id} paused by ${other.id}, stays`).sort())
    for (const election of elections) {
      expect(election.status()).toMatchObject({ isPaused: true, paused: { by: other.id, leader: 'stays' } })
      expect(election.status().paused?.sinceMs).toBeGreaterThan(0)
    }
    expect(other.status().whyNotLeader.join()).toContain(`the election is paused by "${other.id}"`)
    await during(world, other.resume(), promiseMs)
    expect(events.filter((event) => event.includes('resumed'))).toHaveLength(3)
    expect(other.status().paused).toBeNull()
  })

  it('R80: survives the restart of all processes, and a resumption is heard by those that slept through it', async () => {
    const { bench, world, processes, leader } = await three()
    await during(world, leader.pause())
    const stopped = Promise.all(processes.map(({ elector }) => elector.stop()))
    await world.run(3 * promiseMs)
    await stopped
    const [a, b, c] = ['a', 'b', 'c'].map((id) => bench.process(id)) as [
      TestProcess,
      TestProcess,
      TestProcess,
    ]
    const [first, second] = [a, b].map(({ elector }) => elector.election('e')) as [Election, Election]
    await bench.start(a, b)
    await world.run(5 * promiseMs)
    expect(leaders([first, second])).toEqual([])
    expect(first.status().paused?.by).toBe(leader.id)
    await during(world, first.resume(), 3 * promiseMs)
    expect(leaders([first, second])).toHaveLength(1)
    const third = c.elector.election('e')
    await bench.start(c)
    await world.run(2 * promiseMs)
    expect(third.status().isPaused).toBe(false)
  })

  it('rejects with a typed error when no quorum can hear it, and holds and spreads it all the same', async () => {
    const bench = new Bench()
    const a = bench.process('a')
    const one = a.elector.election('e')
    await bench.start(a)
    const failed = codeOf(one.pause({ timeoutMs: 500 }))
    await bench.world.run(600)
    expect(await failed).toBe('ELECTION_TIMEOUT')
    const others = ['b', 'c'].map((id) => bench.process(id))
    const elections = others.map(({ elector }) => elector.election('e'))
    await bench.start(...others)
    await bench.world.run(5 * promiseMs)
    expect(leaders([one, ...elections])).toEqual([])
    expect(elections.every((election) => election.status().isPaused)).toBe(true)
  })

  it('the last of two operators has the last word, although it had not heard of the first', async () => {
    const { world, others, leader } = await three()
    const [b, c] = others as [Election, Election]
    for (let i = 0; i < 3; i++) await during(world, b.pause())
    await during(world, b.resume())
    await world.run(promiseMs)
    const both = Promise.all([b.pause(), c.pause({ leader: 'stepsDown' })])
    await world.run(promiseMs)
    expect((await both).every(({ isPaused }) => isPaused)).toBe(true)
    const known = new Set([b, c, leader].map((election) => election.status().paused?.by))
    expect(known.size).toBe(1)
  })

  it('refuses a hand-over while it is paused, and options that mean nothing', async () => {
    const { world, leader, others } = await three()
    await during(world, leader.pause())
    expect(await codeOf(leader.resign({ to: (others[0] as Election).id }))).toBe('ELECTION_PAUSED')
    expect(leader.isLeader()).toBe(true)
    expect(await codeOf(leader.pause({ leader: 'dies' } as never))).toBe('ELECTION_CONFIG_INVALID')
    expect(await codeOf(leader.resume({ timeoutMs: -1 }))).toBe('ELECTION_CONFIG_INVALID')
  })
})

describe('pause at a store', () => {
  it('R80, R81: the word stands in the record, for leaders, contenders and processes that come later', async () => {
    const world = new World()
    const server = new Server(world)
    const a = process(world, server.link(), { id: 'a' })
    const b = process(world, server.link(), { id: 'b' })
    const leading = await elect(world, [a, b])
    const waiting = leading === a ? b : a
    const leader = leading.election('job')
    const other = waiting.election('job')
    expect(await during(world, other.pause(), 1_000)).toMatchObject({ isPaused: true, leaderStays: true })
    // nothing wakes the leader: it looks at its own record now and then
    await world.run(10_000)
    expect(leader.status().paused?.by).toBe(other.id)
    const stopped = leading.stop()
    await world.run(3_000)
    await stopped
    const late = process(world, server.link(), { id: 'late' })
    late.election('job')
    const started = late.start()
    await world.run(10_000)
    await started
    expect([other.isLeader(), late.election('job').isLeader()]).toEqual([false, false])
    expect(late.election('job').status().paused?.by).toBe(other.id)
    await during(world, late.election('job').resume(), 10_000)
    expect([other.isLeader(), late.election('job').isLeader()].filter(Boolean)).toHaveLength(1)
  })

  it('an election that nobody ever stood for can be paused', async () => {
    const world = new World()
    const server = new Server(world)
    const watcher = process(world, server.link(), { id: 'w' })
    const election = watcher.election('job', { contend: false })
    const started = watcher.start()
    await world.run(1_000)
    await started
    await during(world, election.pause(), 1_000)
    const a = process(world, server.link(), { id: 'a' })
    a.election('job')
    const began = a.start()
    await world.run(10_000)
    await began
    expect(a.election('job').isLeader()).toBe(false)
    await during(world, election.resume(), 10_000)
    expect(a.election('job').isLeader()).toBe(true)
  })
})

describe('freeze', () => {
  it('keeps one member from standing for a time, whatever happens to the others, and ends by itself or by 0', async () => {
    const { world, processes, leader, others } = await three()
    const [b, c] = others as [Election, Election]
    b.freeze(5 * promiseMs)
    expect(b.status().frozenMs).toBe(5 * promiseMs)
    expect(b.status().whyNotLeader.join()).toContain('frozen by an operator')
    const gone = processes.find(({ id }) => id === leader.id)?.elector.stop()
    await world.run(2 * promiseMs)
    await gone
    expect(c.isLeader()).toBe(true)
    c.freeze(100 * promiseMs)
    const resigned = c.resign()
    await world.run(promiseMs)
    await resigned
    expect(b.isLeader()).toBe(false)
    await world.run(2.5 * promiseMs)
    expect(b.isLeader()).toBe(true)
    b.freeze(100 * promiseMs)
    expect(b.isLeader()).toBe(true)
    const again = b.resign({ cooldownMs: 0 })
    await world.run(3 * promiseMs)
    await again
    expect(b.isLeader()).toBe(false)
    b.freeze(0)
    await world.run(promiseMs)
    expect(b.isLeader()).toBe(true)
    expect(() => b.freeze(-1)).toThrow(/freeze/)
    expect(() => b.freeze(Number.NaN)).toThrow(/freeze/)
  })
})

describe('switchover', () => {
  it('hands over at the set time, on either clock, and says so until then', async () => {
    const { world, leader, others } = await three()
    const [target] = others as [Election, Election]
    const planned = leader.switchover({ to: target.id, inMs: 10_000 })
    expect(leader.status().switchover).toEqual({ to: target.id, dueAtMs: planned.dueAtMs })
    await world.run(9_900)
    expect(leader.isLeader()).toBe(true)
    await world.run(300)
    expect(await planned.done).toMatchObject({ outcome: 'resigned', released: true, reason: 'transferred' })
    expect(target.isLeader()).toBe(true)
    expect(leader.status().switchover).toBeNull()
    const at = target.status().paused === null ? planned.dueAtMs + 60_000 : 0
    const back = target.switchover({ at })
    await world.run(61_000)
    expect(await back.done).toMatchObject({ outcome: 'resigned', reason: 'resigned' })
  })

  it('can be cancelled, is replaced by a later one, and ends with the election', async () => {
    const { world, processes, leader } = await three()
    const first = leader.switchover({ inMs: 5_000 })
    const second = leader.switchover({ inMs: 8_000 })
    expect((await first.done).outcome).toBe('cancelled')
    expect(second.cancel()).toBe(true)
    expect(second.cancel()).toBe(false)
    await world.run(10_000)
    expect(leader.isLeader()).toBe(true)
    const third = leader.switchover({ inMs: 50_000 })
    const stopped = processes.find(({ id }) => id === leader.id)?.elector.stop()
    await world.run(2 * promiseMs)
    await stopped
    expect((await third.done).outcome).toBe('stopped')
  })

  it('does nothing where nobody leads or could take over', async () => {
    const { world, leader, others } = await three()
    const idle = (others[0] as Election).switchover({ inMs: 1_000 })
    await world.run(1_100)
    expect((await idle.done).outcome).toBe('notLeader')
    await during(world, leader.pause())
    const held = leader.switchover({ inMs: 1_000 })
    await world.run(1_100)
    expect((await held.done).outcome).toBe('paused')
    expect(leader.isLeader()).toBe(true)
  })

  it('refuses what cannot be', async () => {
    const { leader } = await three()
    for (const options of [
      {},
      { at: 1, inMs: 1 },
      { inMs: -1 },
      { inMs: 1, to: 'nobody' },
      { inMs: 1, to: leader.id },
    ]) {
      expect(() => leader.switchover(options)).toThrow(
        expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }),
      )
    }
  })
})
