/**
 * Goal: the safety margin is measured and not guessed (USERS, "Measured safety margin"). Method: a network whose latency is
 * known, leaders that stall or vanish, and the figures that `status()` gives of them.
 */
import { describe, expect, it } from 'vitest'
import type { VoterKind } from '../../src/core'
import type { Election } from '../../src/runtime/api'
import { canFailOver, failoverOf } from '../../src/runtime/failover'
import { LeaseTable } from '../../src/runtime/lease-table'
import { Renewals } from '../../src/runtime/renewals'
import { resolveTiming } from '../../src/runtime/timing'
import { alone, Bench, TestClock, type TestProcess, TIMING, World } from './harness'

async function three(latencyMs = 1) {
  const bench = new Bench()
  bench.hub.latencyMs = latencyMs
  const processes = ['a', 'b', 'c'].map((id) => bench.process(id))
  const elections = processes.map(({ elector }) =>
    elector.election('e', { priority: elector.id === 'a' ? 1 : 0 }),
  )
  await bench.start(...processes)
  await bench.world.run(3_000)
  const leader = elections.find((election) => election.isLeader()) as Election
  const follower = elections.find((election) => !election.isLeader()) as Election
  return { bench, world: bench.world, processes, elections, leader, follower }
}

const memberOf = (election: Election, id: string) =>
  election.status().process.members.find((member) => member.id === id)

describe('members', () => {
  it('have the round trip from a heartbeat or probe to its ack', async () => {
    const { leader, follower } = await three(20)
    expect(memberOf(leader, follower.id)).toMatchObject({ isAlive: true, roundTripMs: 40 })
    expect(memberOf(follower, leader.id)).toMatchObject({ isAlive: true, roundTripMs: 40 })
    expect(memberOf(leader, leader.id)).toMatchObject({ isAlive: true, roundTripMs: null })
  })

  it('are alive while they answer, and not when they were silent for promiseMs', async () => {
    const { bench, world, leader, follower } = await three()
    bench.hub.mute(follower.id, leader.id)
    await world.run(TIMING.promiseMs - 2 * TIMING.heartbeatMs)
    expect(memberOf(leader, follower.id)).toMatchObject({ isAlive: true, isConnected: true })
    await world.run(3 * TIMING.heartbeatMs)
    expect(memberOf(leader, follower.id)).toMatchObject({ isAlive: false, isConnected: true })
  })
})

describe('the warning', () => {
  it('R14, R36: goes by the lease and not by the news of it, which wait while the event loop is busy', async () => {
    const world = new World()
    const clock = new TestClock(world)
    const ends = new Map([
      ['first', 0],
      ['second', 0],
    ])
    const warned: [string, number][] = []
    const table = new LeaseTable<string>({
      clock,
      marginMs: 20,
      untilOf: (member) => ends.get(member) ?? 0,
      isEnding: (member) => warned.some(([told]) => told === member),
      onMargin: (members) => {
        for (const member of members) warned.push([member, world.now])
      },
      onRenewed: () => {},
    })
    const start = world.now
    table.extend(1, start + 100)
    for (const member of ends.keys()) {
      ends.set(member, start + 100)
      table.join(member, 1, null)
    }
    await world.run(50)
    // renewed where the sockets are; nobody here was told
    ends.set('first', start + 200)
    ends.set('second', start + 150)
    await world.run(79)
    expect(warned).toEqual([])
    await world.run(200)
    expect(warned).toEqual([
      ['second', start + 130],
      ['first', start + 180],
    ])
  })
})

describe('the margin', () => {
  it('is what renewals take, against what they may take', async () => {
    const { world, leader, follower } = await three(15)
    await world.run(5_000)
    const { margin, warnings } = leader.status().process
    expect(margin).toMatchObject({
      renewalP50Ms: 30,
      renewalP99Ms: 30,
      renewalMaxMs: 30,
      leastRemainingMs: TIMING.promiseMs - TIMING.heartbeatMs - 30,
      budgetMs: TIMING.promiseMs - TIMING.marginMs - TIMING.heartbeatMs,
      workStopMaxMs: null,
    })
    expect(margin.renewals).toBeGreaterThan(40)
    expect(warnings.join()).not.toContain('renewals take')
    expect(follower.status().process.margin).toMatchObject({ renewals: 0, renewalP99Ms: null })
  })

  it('warns before renewals are too slow', async () => {
    const { bench, world, leader } = await three()
    bench.hub.latencyMs = 200
    await world.run(5_000)
    expect(leader.isLeader()).toBe(true)
    expect(leader.status().process.warnings.join()).toContain(
      'renewals take 400 ms (p99), more than half of the 700 ms',
    )
  })

  it('is of the newest renewals only, whatever their number', () => {
    const renewals = new Renewals(
      resolveTiming({ ...TIMING, marginMs: 100 }, { volatile: false, stores: false }),
      null,
    )
    for (let i = 0; i < 1_000; i++)
      renewals.renewed(i * 100 + 900, i * 100 + 1_000, i * 100 + (i < 600 ? 50 : 2))
    expect(renewals.read()).toMatchObject({ renewals: 256, renewalMaxMs: 2, leastRemainingMs: 898 })
  })

  it('says how long work took to stop after its signal', async () => {
    const { bench, world, one } = await alone()
    const election = one.elector.election('e')
    await bench.start(one)
    const work = election.runIfLeader(
      ({ signal }) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => world.at(world.now + 70, resolve))
        }),
    )
    await world.run(10)
    const resigned = election.resign()
    await world.run(100)
    await Promise.all([work, resigned])
    expect(election.status().process.margin.workStopMaxMs).toBe(70)
  })
})

describe('the history', () => {
  it('counts a leadership until its lease was over, not until that was noticed', async () => {
    const { bench, world, one } = await alone()
    const election = one.elector.election('e')
    await bench.start(one)
    await world.run(500)
    const { leaseRemainingMs } = election.status()
    const heldMs = world.now - 1_000 + leaseRemainingMs
    world.stall(60_000)
    await world.run(100)
    const { history } = election.status()
    expect(history).toHaveLength(1)
    expect(Math.abs((history[0]?.heldMs ?? 0) - heldMs)).toBeLessThan(TIMING.heartbeatMs)
  })

  it('names who led, also of others, at most the last sixteen', async () => {
    const { world, elections, follower } = await three()
    for (let i = 0; i < 20; i++) {
      await elections.find((election) => election.isLeader())?.resign({ cooldownMs: 0, drainMs: 0 })
      await world.run(500)
    }
    const { leaders, leader, term } = follower.status()
    expect(leaders).toHaveLength(16)
    expect(leaders.at(-1)).toMatchObject({ leader, term })
    expect(leaders.map((seen) => seen.term)).toEqual(
      [...leaders.map((seen) => seen.term)].sort((a, b) => a - b),
    )
    expect(leaders.at(-1)?.seenAtMs).toBeGreaterThan(1_700_000_000_000)
  })
})

describe('the bound of a fail-over (P10)', () => {
  it('is the sum of what its docstring says', () => {
    const peers = resolveTiming({}, { volatile: false, stores: false })
    expect(failoverOf(peers, { others: 2, stores: false })).toEqual({
      detectionMs: 2_223,
      electionMs: 1_060,
      worstMs: 3_283,
    })
    const store = resolveTiming({}, { volatile: false, stores: true })
    expect(failoverOf(store, { others: 0, stores: true })).toEqual({
      detectionMs: 6_556,
      electionMs: 5_000,
      worstMs: 11_556,
    })
  })

  it('R40: is promised only where a majority is left without any one process that may lead', () => {
    const voters = (kinds: Readonly<Record<string, VoterKind>>) =>
      Object.entries(kinds).map(([id, kind]) => ({ id, kind }))
    const can = (kinds: Readonly<Record<string, VoterKind>>, sets?: readonly string[][]) =>
      canFailOver({ voters: voters(kinds), sets })
    expect(can({ a: 'peer' })).toBe(false)
    expect(can({ a: 'peer', b: 'peer' })).toBe(false)
    expect(can({ a: 'peer', tie: 'store' })).toBe(false)
    expect(can({ a: 'peer', b: 'peer', w: 'witness' })).toBe(true)
    expect(can({ a: 'peer', b: 'peer', tie: 'store' })).toBe(true)
    expect(can({ a: 'peer', s: 'store', t: 'store' }), 'nobody else can lead').toBe(false)
    expect(can({ s: 'store' }), 'processes come and go').toBe(true)
    const three = { a: 'peer', b: 'peer', c: 'peer' } as const
    expect(can(three)).toBe(true)
    expect(
      can(three, [
        ['a', 'b', 'c'],
        ['a', 'b'],
      ]),
      'while it moves to two',
    ).toBe(false)
  })

  it('R40: is null in the status of two voters, with the warning beside it', async () => {
    const { one } = await alone()
    expect(one.elector.status()).toMatchObject({ failover: null })
    const bench = new Bench()
    const [a] = ['a', 'b'].map((id) => bench.process(id, { voters: ['a', 'b'] }))
    const status = a?.elector.status()
    expect(status?.failover).toBeNull()
    expect(status?.warnings.join()).toContain('two voters cannot fail over')
  })

  it('holds when a leader vanishes', async () => {
    const { world, processes, elections, leader } = await three(5)
    const { failover } = leader.status().process
    const gone = processes.find(({ id }) => id === leader.id) as TestProcess
    gone.transport.leave()
    const before = world.now
    while (!elections.some((one) => one !== leader && one.isLeader())) await world.run(1)
    expect(world.now - before).toBeLessThanOrEqual(failover?.worstMs ?? 0)
    expect(world.now - before).toBeGreaterThan(TIMING.promiseMs - 2 * TIMING.heartbeatMs)
  })
})
