/**
 * Bugs that other leader elections had around the protocol: callbacks, closing, blocked loops, disks, identities. The
 * public API of the runtime on a hub with manual time, and services in the simulator.
 *
 * Every test first reaches the dangerous state and asserts it. Read next: `leases.test.ts`, `partitions.test.ts`.
 */
import { describe, expect, it } from 'vitest'
import { memoryFence } from '../../src/fencing'
import type { Election } from '../../src/runtime/api'
import type { Leadership } from '../../src/runtime/leadership'
import { simulate } from '../../src/simulation'
import { alone, Bench, settle, type TestProcess, TIMING } from '../runtime/harness'

const { promiseMs, heartbeatMs } = TIMING
/** Worst case of one failover: the promise, then a few attempts. */
const BOUND = 3 * promiseMs

function watch(election: Election): string[] {
  const events: string[] = []
  election.on('elected', ({ term }) => events.push(`elected ${term}`))
  election.on('revoked', ({ term, reason }) => events.push(`revoked ${term} ${reason}`))
  return events
}

/** Three processes, of which the first leads. */
async function three() {
  const bench = new Bench()
  const processes = ['a', 'b', 'c'].map((id) => bench.process(id)) as [TestProcess, TestProcess, TestProcess]
  await bench.start(...processes)
  const leader = processes[0].elector.election('e')
  await bench.world.run(promiseMs)
  const others = processes.slice(1).map(({ elector }) => elector.election('e'))
  await bench.world.run(promiseMs)
  expect(leader.isLeader()).toBe(true)
  return { bench, world: bench.world, processes, leader, others }
}

describe('bugs of others: runtime', () => {
  it('bug 15: a leader whose disk hangs gives up in time, and another one leads', async () => {
    const { world, processes, leader, others } = await three()
    const events = watch(leader)
    const failures: string[] = []
    leader.on('failed', ({ error }) => failures.push(error.code))
    processes[0].storage.fault = 'hang'
    processes[0].elector.election('another')
    await world.run(10)
    expect(processes[0].storage.inFlight, 'a write hangs').toBe(1)
    expect(leader.isLeader(), 'not noticed yet').toBe(true)
    await world.run(promiseMs + BOUND)
    expect(events).toEqual(['revoked 1 storageFailed'])
    expect(failures).toEqual(['ELECTION_STORAGE_FAILED'])
    expect(leader.isLeader()).toBe(false)
    expect(others.filter((election) => election.isLeader())).toHaveLength(1)
  })

  it('bug 19: a slow listener gets each gain and each loss of a thousand flips, in order, and then the last state', async () => {
    const { bench, world, one } = await alone()
    const election = one.elector.election('e')
    const heard: string[] = []
    let pending = 0
    const slowly = (line: string): Promise<void> => {
      heard.push(line)
      pending += 1
      return new Promise(() => {})
    }
    election.on('elected', ({ term }) => slowly(`+${term}`))
    election.on('revoked', ({ term }) => slowly(`-${term}`))
    await bench.start(one)
    for (let i = 0; i < 1_000; i++) {
      await election.resign({ cooldownMs: 0 })
      await world.run(1)
    }
    const expected = Array.from({ length: 1_000 }, (_, i) => [`+${i + 1}`, `-${i + 1}`]).flat()
    expect(heard).toEqual([...expected, '+1001'])
    expect(pending, 'not one of them has finished').toBe(2_001)
    expect(election.isLeader()).toBe(true)
    expect(election.leadership?.term).toBe(1_001)
  })

  it('bug 21: a peer that comes back as a member of another cluster under the same name is refused, and terms stay', async () => {
    const { bench, world, processes, leader } = await three()
    processes[1].transport.leave()
    await world.run(10)
    bench.disks.delete('b')
    const stranger = bench.process('b', { cluster: 'another' })
    await bench.start(stranger)
    const foreign = stranger.elector.election('e')
    await world.run(10 * promiseMs)
    expect(bench.hub.ends.get('b')).toBe(stranger.transport)
    expect(processes[0].elector.status()).toMatchObject({ counters: { refused: { wrongCluster: 1 } } })
    expect(stranger.transport.refusals).toEqual(['wrongCluster', 'wrongCluster'])
    expect(foreign.leader).toBeNull()
    expect(bench.disks.get('b')?.state?.terms.get('e')).toBeUndefined()
    expect(leader.leadership?.term, 'with c alone').toBe(1)
    expect(bench.disks.get('c')?.state?.terms.get('e') ?? 0).toBeLessThanOrEqual(1)
  })

  it('bug 43: closing a follower tells nobody that a leadership was lost', async () => {
    const { world, processes, leader, others } = await three()
    const [follower] = others as [Election]
    const events = watch(follower)
    expect(follower.role).toBe('follower')
    const stopped = processes[1].elector.stop()
    await world.run(promiseMs)
    await stopped
    expect(processes[1].storage.closed).toBe(1)
    expect(events).toEqual([])
    expect(leader.isLeader()).toBe(true)
  })

  it('bug 45: closing while the work still runs lets nobody lead before it has ended, or the lease has', async () => {
    for (const finishes of [true, false]) {
      const { world, processes, leader, others } = await three()
      const works: { leadership: Leadership; finish: () => void }[] = []
      void leader.lead(
        (leadership) => new Promise<void>((resolve) => works.push({ leadership, finish: resolve })),
        { drainMs: 1_500 },
      )
      await world.run(10)
      const [work] = works as [(typeof works)[number]]
      const anybody = () => others.some((election) => election.isLeader())
      const closed = processes[0].elector.stop()
      await world.run(1_400)
      expect(work.leadership.signal.aborted, 'it was told').toBe(true)
      expect(leader.isLeader()).toBe(false)
      expect(work.leadership.isValid(), 'the lease covers the work').toBe(true)
      expect(anybody()).toBe(false)
      if (finishes) work.finish()
      else {
        while (work.leadership.isValid()) {
          expect(anybody()).toBe(false)
          await world.run(10)
        }
      }
      await world.run(promiseMs)
      expect(anybody()).toBe(true)
      work.finish()
      await world.run(10_000)
      await closed
    }
  })

  it('bug 46: a second live process of the same name is refused, and the first one goes on', async () => {
    const { world, processes, leader } = await three()
    const [first, second] = processes
    const alarms: string[] = []
    second.elector.on('alarm', ({ code, process }) => alarms.push(`${code} ${process}`))
    const greeting = first.transport.host?.local
    if (greeting === undefined || second.transport.host === null) throw new Error('they run')
    const impostor = { ...greeting, nonce: 'f'.repeat(32) }
    expect(second.transport.host.admit(impostor)).toEqual({ ok: false, reason: 'duplicateIdentity' })
    expect(alarms).toEqual(['duplicateIdentity a'])
    await world.run(5 * promiseMs)
    expect(leader.leadership?.term).toBe(1)
  })

  it('bug 46: names of which one begins with the other are two processes', async () => {
    const bench = new Bench(['n1', 'n10', 'n100'])
    const processes = ['n1', 'n10', 'n100'].map((id) => bench.process(id))
    await bench.start(...processes)
    const [one, ten, hundred] = processes.map(({ elector }) => elector.election('e')) as [
      Election,
      Election,
      Election,
    ]
    const leads = () => [one, ten, hundred].filter((election) => election.isLeader()).map(({ id }) => id)
    await bench.world.run(2 * promiseMs)
    const [leader = ''] = leads()
    for (const to of ['n1', 'n10', 'n100', 'n10', 'n1'].filter((id, i) => i > 0 || id !== leader)) {
      const holder = [one, ten, hundred].find(({ id }) => id === leads()[0]) as Election
      if (holder.id === to) continue
      const resigned = holder.resign({ to, cooldownMs: 0 })
      await bench.world.run(200)
      await resigned
      expect(leads()).toEqual([to])
      for (const election of [one, ten, hundred]) expect(election.leader).toBe(to)
    }
  })

  it('bug 62: losing the lease with nobody listening throws nowhere', async () => {
    const uncaught: unknown[] = []
    const hear = (error: unknown) => uncaught.push(error)
    process.on('uncaughtException', hear)
    process.on('unhandledRejection', hear)
    try {
      const { bench, world, processes, leader, others } = await three()
      const leadership = leader.leadership as Leadership
      expect(leadership.signal.aborted).toBe(false)
      bench.hub.isolate('a')
      await world.run(BOUND)
      expect(leadership.signal.aborted).toBe(true)
      expect(leader.isLeader()).toBe(false)
      expect(others.some((election) => election.isLeader())).toBe(true)
      await settle()
      expect(processes.flatMap(({ process: { warnings } }) => warnings)).toEqual([])
      expect(uncaught).toEqual([])
    } finally {
      process.off('uncaughtException', hear)
      process.off('unhandledRejection', hear)
    }
  })

  it('bug 63: a follower names no leader before it has heard from one', async () => {
    const bench = new Bench()
    const processes = ['a', 'b', 'c'].map((id) => bench.process(id)) as [
      TestProcess,
      TestProcess,
      TestProcess,
    ]
    bench.hub.mute('a', 'c')
    await bench.start(...processes)
    const [a, , c] = processes.map(({ elector }) => elector.election('e')) as [Election, Election, Election]
    while (!a.isLeader()) {
      expect(c.leader).toBeNull()
      await bench.world.run(5)
      expect(bench.world.now, 'a leads by b').toBeLessThan(20_000)
    }
    await bench.world.run(2)
    expect(c.leader, 'a leads, but c has not heard of it').toBeNull()
    bench.hub.heal()
    await bench.world.run(2 * heartbeatMs)
    expect(c.leader).toBe('a')
  })

  it('bug 64: a handler that blocked the loop for two leases finds its signal aborted and its token refused', async () => {
    const fence = memoryFence()
    const held = new Map<string, { leadership: Leadership; write: () => Promise<unknown> }>()
    const written: string[] = []
    const report = await simulate(
      {
        seed: 64,
        service: (self) => {
          const { id } = self
          const election = self.election('jobs')
          void election.lead(async (leadership) => {
            const write = () => fence.guard('r', leadership, () => written.push(id))
            held.set(id, { leadership, write })
            await write()
            await new Promise<void>((resolve) => leadership.signal.addEventListener('abort', () => resolve()))
          })
          return election.start()
        },
      },
      async (simulation) => {
        await simulation.until(() => simulation.leaderOf('jobs') !== null, 10_000)
        await simulation.advance(1000)
        const blocked = simulation.leaderOf('jobs') as string
        const old = held.get(blocked)
        simulation.cluster.pause(blocked)
        await simulation.advance(2 * 2000 + 2000)
        const rival = simulation.leaderOf('jobs') as string
        expect(rival).not.toBeNull()
        expect(rival).not.toBe(blocked)
        expect(written).toEqual([blocked, rival])
        expect(old?.leadership.signal.aborted, 'the blocked loop ran no timer').toBe(false)
        expect(old?.leadership.isValid(), 'but a read is true').toBe(false)
        await expect(old?.write()).rejects.toMatchObject({ code: 'ELECTION_LEADERSHIP_LOST' })
        const { token } = old?.leadership ?? {}
        const bare = fence.guard('r', { token: token as number, holder: blocked }, () =>
          written.push(blocked),
        )
        await expect(bare, 'the token alone').rejects.toMatchObject({ code: 'ELECTION_STALE_TOKEN' })
        simulation.cluster.resume(blocked)
        await simulation.advance(100)
        expect(old?.leadership.signal.aborted).toBe(true)
        expect(written).toEqual([blocked, rival])
      },
    )
    expect(report.violations).toEqual([])
  })
})
