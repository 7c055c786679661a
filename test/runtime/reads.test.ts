/**
 * Goal: a lease is true at the reading and at no other time (R14, R23, P4, B.3, B.4). Method: a leader, and a clock that
 * is stalled, suspended and stepped between two reads.
 */
import { describe, expect, it } from 'vitest'
import type { Election } from '../../src/runtime/api'
import type { Leadership } from '../../src/runtime/leadership'
import { alone, Bench, type TestProcess, TIMING, type World } from './harness'

const { promiseMs, marginMs } = TIMING
const HOUR = 3_600_000

interface Led {
  readonly world: World
  readonly one: TestProcess
  readonly election: Election
  readonly leadership: Leadership
  readonly events: string[]
}

async function led(): Promise<Led> {
  const { bench, world, one } = await alone()
  const election = one.elector.election('e')
  const events: string[] = []
  election.on('elected', ({ term }) => events.push(`elected ${term}`))
  election.on('revoked', ({ term, reason }) => events.push(`revoked ${term} ${reason}`))
  await bench.start(one)
  await world.run(50)
  const { leadership } = election
  if (leadership === null) throw new Error('nobody leads')
  return { world, one, election, leadership, events }
}

describe('a lease is compared with the clock at the call', () => {
  it('R14: it is valid while it is renewed, and says how long the signal has', async () => {
    const { world, election, leadership } = await led()
    await world.run(10_000)
    expect(election.isLeader()).toBe(true)
    expect(leadership.isValid()).toBe(true)
    expect(leadership.remainingMs()).toBeGreaterThan(promiseMs - marginMs - TIMING.heartbeatMs - 1)
    expect(leadership.remainingMs()).toBeLessThanOrEqual(promiseMs - marginMs)
    expect({ ...leadership }).toMatchObject({ name: 'e', term: 1, token: 1, holder: 'a' })
    expect(() => leadership.assertValid()).not.toThrow()
  })

  it('P4, bug 23, bug 64: after a stall longer than the lease the first answer is false, before any timer or event', async () => {
    const { world, election, leadership, events } = await led()
    world.stall(3 * promiseMs)
    expect(leadership.isValid()).toBe(false)
    expect(election.isLeader()).toBe(false)
    expect(election.leadership).toBeNull()
    expect(election.leader).toBeNull()
    expect(leadership.remainingMs()).toBe(0)
    expect(() => leadership.assertValid()).toThrow(
      expect.objectContaining({
        code: 'ELECTION_LEADERSHIP_LOST',
        details: { election: 'e', term: 1, reason: 'expired' },
      }),
    )
    expect(events).toEqual(['elected 1'])
    await world.run(50)
    expect(events).toEqual(['elected 1', 'revoked 1 stalled', 'elected 2'])
    expect(leadership.isValid()).toBe(false)
  })

  it('a stall shorter than the margin costs nothing', async () => {
    const { world, leadership, events } = await led()
    world.stall(promiseMs - marginMs - TIMING.heartbeatMs - 1)
    await world.run(5_000)
    expect(leadership.isValid()).toBe(true)
    expect(leadership.signal.aborted).toBe(false)
    expect(events).toEqual(['elected 1'])
  })

  it('isLeaderAt compares with a reading that the caller made', async () => {
    const { world, election } = await led()
    const now = election.now()
    expect(now).toBe(world.now)
    expect(election.isLeaderAt(now)).toBe(true)
    expect(election.isLeaderAt(now + promiseMs)).toBe(false)
  })
})

describe('missing time', () => {
  it('B.3: after a suspend the first read is false, and the leadership is revoked by it', async () => {
    const { world, one, leadership, events } = await led()
    one.clock.suspend(60_000)
    expect(leadership.isValid()).toBe(false)
    expect(leadership.isValid()).toBe(false)
    expect(events).toEqual(['elected 1', 'revoked 1 suspended'])
    expect(leadership.signal.reason).toMatchObject({ details: { reason: 'suspended' } })
    await world.run(promiseMs + 50)
    expect(events).toEqual(['elected 1', 'revoked 1 suspended', 'elected 2'])
  })

  it('B.3: inside a listener, too, no read is true between the suspend and its being dealt with', async () => {
    const { one, election, leadership } = await led()
    const reads: boolean[] = []
    election.on('revoked', () => reads.push(leadership.isValid(), election.isLeader()))
    const second = one.elector.election('f')
    second.on('revoked', () => reads.push(election.isLeader()))
    one.clock.suspend(60_000)
    reads.push(leadership.isValid())
    expect(reads).toEqual([false, false, false].slice(0, reads.length))
    expect(reads.length).toBeGreaterThanOrEqual(3)
  })

  it.each([HOUR, -HOUR])(
    'bug 24: a wall clock that jumps by %d ms changes no answer and no event',
    async (step) => {
      const { world, one, leadership, events } = await led()
      one.clock.wallAheadMs += step
      expect(leadership.isValid()).toBe(true)
      await world.run(10_000)
      expect(leadership.isValid()).toBe(true)
      expect(events).toEqual(['elected 1'])
      expect(one.elector.status().counters?.suspends).toBe(0)
    },
  )
})

describe('the signal', () => {
  /** A leader of three that nobody answers any more. */
  async function deaf() {
    const bench = new Bench()
    const processes = ['a', 'b', 'c'].map((id) => bench.process(id))
    const elections = processes.map(({ elector }) => elector.election('e'))
    await bench.start(...processes)
    await bench.world.run(2_000)
    const at = elections.findIndex((election) => election.isLeader())
    const election = elections[at] as Election
    const { leadership } = election
    if (leadership === null) throw new Error('nobody leads')
    bench.hub.isolate(election.id)
    return { bench, world: bench.world, election, leadership, process: processes[at] as TestProcess }
  }

  it('R23: it aborts the margin before the lease ends, with a typed reason, and the lease stands until its end', async () => {
    const { world, election, leadership } = await deaf()
    const { signal } = leadership
    let abortedAt = 0
    signal.addEventListener('abort', () => {
      abortedAt = world.now
    })
    const until = world.now + election.status().leaseRemainingMs
    await world.run(promiseMs - marginMs - 2 * TIMING.heartbeatMs)
    expect(signal.aborted).toBe(false)
    await world.run(2 * TIMING.heartbeatMs + 20)
    expect(signal.aborted).toBe(true)
    expect(until - abortedAt).toBeGreaterThanOrEqual(marginMs - 1)
    expect(until - abortedAt).toBeLessThanOrEqual(marginMs + 1)
    expect(leadership.isValid()).toBe(true)
    expect(election.isLeader()).toBe(false)
    expect(signal.reason).toMatchObject({
      code: 'ELECTION_LEADERSHIP_LOST',
      details: { election: 'e', term: leadership.term, reason: 'expired' },
    })
    await world.run(marginMs)
    expect(leadership.isValid()).toBe(false)
  })

  it('R20: a renewal after the signal aborted does not bring the leadership back; it runs out as it stood', async () => {
    const { bench, world, election, leadership } = await deaf()
    const revoked: string[] = []
    election.on('revoked', ({ reason }) => revoked.push(reason))
    const until = world.now + election.status().leaseRemainingMs
    await world.run(until - marginMs - world.now + 5)
    expect(leadership.signal.aborted).toBe(true)
    bench.hub.heal()
    await world.run(until - world.now - 5)
    expect(leadership.isValid()).toBe(true)
    await world.run(10)
    expect(leadership.isValid()).toBe(false)
    expect(revoked).toEqual(['expired'])
  })

  it('an abort that was never asked for costs nothing, and one that is asked for late is aborted already', async () => {
    const { world, leadership } = await deaf()
    await world.run(2 * promiseMs)
    expect(leadership.signal.aborted).toBe(true)
    expect(leadership.signal).toBe(leadership.signal)
    expect(leadership.signal.reason).toMatchObject({ details: { reason: 'expired' } })
  })

  it('R36: after a stall the signal waits for what is in the sockets', async () => {
    const { world, leadership } = await led()
    const { signal } = leadership
    world.stall(promiseMs - marginMs - 1)
    await world.run()
    expect(signal.aborted).toBe(false)
    await world.run(5_000)
    expect(signal.aborted).toBe(false)
  })
})
