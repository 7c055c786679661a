/** Goal: a snapshot answers "who leads, and why not I?" (USERS 22). Method: each obstacle, and the sentence that names it. */
import { describe, expect, it } from 'vitest'
import type { Election } from '../../src/runtime/api'
import { memory } from '../../src/storage'
import { alone, Bench, type TestProcess, TIMING } from './harness'

async function three() {
  const bench = new Bench()
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

describe('status', () => {
  it('is plain JSON, of an election and of a process, at every phase', async () => {
    const { bench, world, one } = await alone()
    const election = one.elector.election('e')
    const roundTrip = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
    const phases: string[] = []
    const look = (): void => {
      const status = election.status()
      expect(roundTrip(status)).toEqual(status)
      const process = one.elector.status()
      expect(roundTrip(process)).toEqual(process)
      phases.push(process.phase)
    }
    look()
    await bench.start(one)
    look()
    const stopped = one.elector.stop()
    look()
    await world.run(10)
    await stopped
    look()
    expect(phases).toEqual(['idle', 'running', 'stopping', 'stopped'])
  })

  it('names the members, how they are reached, and when they were last heard', async () => {
    const { bench, world, leader } = await three()
    bench.hub.isolate('c')
    await world.run(500)
    const { members, incarnation, safety, transport } = leader.status().process
    expect({ incarnation, safety }).toEqual({ incarnation: 1, safety: 'durable' })
    expect(members.map(({ id, isSelf }) => [id, isSelf])).toEqual([
      ['a', true],
      ['b', false],
      ['c', false],
    ])
    const [, b, c] = members
    expect(b).toMatchObject({ isConnected: true, incarnation: 1, address: 'b:1', kind: 'peer' })
    expect(b?.lastAnswerMs).toBeLessThanOrEqual(TIMING.heartbeatMs + 2)
    expect(c?.lastAnswerMs).toBeGreaterThan(400)
    expect(transport.framesSent).toBeGreaterThan(0)
  })

  it('of a leader: the lease, the token, nothing to explain', async () => {
    const { leader } = await three()
    const status = leader.status()
    expect(status).toMatchObject({
      isLeader: true,
      role: 'leader',
      priority: 1,
      whyNotLeader: [],
      leader: leader.id,
    })
    expect(status.token).toBe(status.term)
    expect(status.leaseRemainingMs).toBeGreaterThan(TIMING.promiseMs - TIMING.heartbeatMs - 10)
  })

  it('of a follower: who leads instead', async () => {
    const { leader, follower } = await three()
    expect(follower.status().whyNotLeader).toEqual([`"${leader.id}" leads in term ${leader.status().term}`])
  })

  it('of one that is cut off: how many voters it reaches', async () => {
    const bench = new Bench()
    const one = bench.process('a')
    const election = one.elector.election('e')
    await bench.start(one)
    await bench.world.run(100)
    expect(election.status().whyNotLeader[0]).toBe(
      'only 1 of 3 voters are reached and 2 are needed; no link to b, c',
    )
  })

  it('of one that is refused: who refused, and why', async () => {
    const bench = new Bench()
    const [one, two] = [bench.process('a'), bench.process('b')] as [TestProcess, TestProcess]
    const election = one.elector.election('e')
    await bench.start(one, two)
    await bench.world.run(50)
    two.transport.leave()
    const disk = bench.disks.get('b')
    if (disk?.state == null) throw new Error('no disk')
    disk.state = { ...disk.state, process: { ...disk.state.process, maxPromiseMs: 4_000 } }
    await bench.world.run(TIMING.promiseMs * 2)
    const again = bench.process('b')
    await bench.start(again)
    await bench.world.run(1_500)
    const { refusals, whyNotLeader } = election.status()
    expect(refusals).toEqual({ b: 'boot' })
    expect(whyNotLeader.join()).toContain('b refused: it still waits out the promises of its former life')
  })

  it('of one whose tries run out of time: what they have to pay for', async () => {
    const bench = new Bench()
    const processes = ['a', 'b', 'c'].map((id) => bench.process(id))
    await bench.start(...processes)
    bench.hub.latencyMs = TIMING.campaignMs * 0.7
    const [election] = processes.map(({ elector }) => elector.election('e')) as [Election]
    await bench.world.run(TIMING.campaignMs * 1.5)
    expect(election.status().whyNotLeader.join()).not.toContain('ran out of time')
    await bench.world.run(TIMING.campaignMs * 30)
    expect(election.status().whyNotLeader.join()).toContain(
      `ran out of time: a vote is a round trip and a write at each end, and has campaignMs ${TIMING.campaignMs}`,
    )
  })

  it('of one that does not contend, was stopped, or failed', async () => {
    const { bench, world, one } = await alone()
    const idle = one.elector.election('idle', { contend: false })
    const left = one.elector.election('left')
    expect(idle.status().whyNotLeader).toEqual(['this process is idle'])
    await bench.start(one)
    expect(idle.status().whyNotLeader).toEqual(['this process does not contend'])
    await left.stop()
    expect(left.status().whyNotLeader).toEqual(['this election was stopped here'])
    one.storage.fault = new Error('EIO')
    one.elector.election('more')
    await world.run(100)
    expect(idle.status().whyNotLeader[0]).toContain('this process is failed: ')
    expect(idle.status().process.error).toContain('EIO')
  })

  it('R28: without a storage it says timed, and whose memory it waits for', async () => {
    const bench = new Bench()
    const one = bench.process('a', { storage: memory() })
    const election = one.elector.election('e')
    await bench.start(one)
    const { process, whyNotLeader } = election.status()
    expect(process).toMatchObject({ safety: 'timed', recovering: ['b', 'c'] })
    expect(process.warnings.join()).toContain('R28')
    expect(whyNotLeader.join()).toContain('remembers nothing')
  })

  it('USERS 22: the last leaderships with their reasons, bounded, and counts of all', async () => {
    const { bench, world, one } = await alone()
    const election = one.elector.election('e')
    await bench.start(one)
    await world.run(50)
    for (let i = 0; i < 20; i++) {
      await world.run(30)
      await election.resign({ cooldownMs: 0, reason: i % 2 === 0 ? 'resigned' : 'unhealthy' })
      await world.run(1)
    }
    const { history, ended } = election.status()
    expect(history).toHaveLength(16)
    expect(history.at(-1)).toMatchObject({ term: 20, reason: 'unhealthy' })
    expect(history.at(-1)?.heldMs).toBeGreaterThanOrEqual(29)
    expect(ended).toEqual({ resigned: 10, unhealthy: 10 })
  })

  it('B.1: a slow event loop is a warning before it costs a leadership', async () => {
    const { bench, world } = await alone()
    const lines: object[] = []
    const delay = { p50Ms: 1, p99Ms: 900, maxMs: 950 }
    const base = bench.process('a')
    let resets = 0
    let stopped = 0
    const one = bench.process('a', {
      environment: {
        clock: base.clock,
        random: () => 1,
        process: null,
        loopMonitor: () => ({ read: () => delay, reset: () => resets++, stop: () => stopped++ }),
      },
      logger: {
        debug() {},
        info() {},
        warn: (fields, message) => lines.push({ fields, message }),
        error() {},
      },
    })
    await bench.start(one)
    const { eventLoop, warnings } = one.elector.status()
    expect(eventLoop).toEqual(delay)
    expect(warnings.join()).toContain('900 ms (p99), more than a quarter of promiseMs 1000')
    await world.run(30_000)
    expect(lines).toContainEqual({
      fields: { ...delay, promiseMs: 1_000 },
      message: expect.stringContaining('late'),
    })
    const { length } = lines
    await world.run(29_000)
    expect(lines).toHaveLength(length)
    expect(resets).toBe(1)
    const stop = one.elector.stop()
    await world.run(10)
    await stop
    expect(stopped).toBe(1)
  })
})

describe('the log', () => {
  it('is silent per heartbeat above debug', async () => {
    const bench = new Bench()
    const lines: string[] = []
    const log = (_fields: object, message: string): void => {
      lines.push(message)
    }
    const logger = { debug() {}, info: log, warn: log, error: log }
    const processes = ['a', 'b', 'c'].map((id) => bench.process(id, { logger }))
    for (const { elector } of processes) elector.election('e')
    await bench.start(...processes)
    await bench.world.run(5_000)
    const { length } = lines
    await bench.world.run(20 * TIMING.heartbeatMs)
    expect(lines).toHaveLength(length)
  })
})
