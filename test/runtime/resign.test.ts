/**
 * Goal: giving up and stopping are ordered, final and bounded (R20, R21, R53, R71, bugs 43 and 45). Method: clusters of one and
 * three on manual time, with work that hangs and parts that never answer.
 */
import { describe, expect, it } from 'vitest'
import type { Election } from '../../src/runtime/api'
import { alone, Bench, settle, type TestProcess, TIMING } from './harness'

const { promiseMs } = TIMING

function watch(election: Election): string[] {
  const events: string[] = []
  election.on('elected', ({ term }) => events.push(`elected ${term}`))
  election.on('revoked', ({ term, reason }) => events.push(`revoked ${term} ${reason}`))
  return events
}

/** Three processes of which the first leads. */
async function three() {
  const bench = new Bench()
  const processes = ['a', 'b', 'c'].map((id) => bench.process(id))
  await bench.start(...processes)
  const [first] = processes as [TestProcess, TestProcess, TestProcess]
  const leader = first.elector.election('e')
  await bench.world.run(promiseMs)
  const others = processes.slice(1).map(({ elector }) => elector.election('e'))
  await bench.world.run(promiseMs)
  expect(leader.isLeader()).toBe(true)
  return { bench, world: bench.world, processes, leader, others, elections: [leader, ...others] }
}

describe('resign', () => {
  it('bug 43: without a leadership it says so and causes no event', async () => {
    const { others } = await three()
    const [follower] = others as [Election]
    const events = watch(follower)
    expect(await follower.resign()).toEqual({
      ...{ released: false, term: null, reason: null, failure: 'notLeader' },
      ...{ leader: 'a', leaderTerm: 1, leaderlessMs: null },
    })
    expect(events).toEqual([])
  })

  it('another one leads within milliseconds, with a higher token, and the one that resigned stands back for its cool-down', async () => {
    const { world, leader, others } = await three()
    const events = watch(leader)
    const { token = 0 } = leader.leadership ?? {}
    const resigned = leader.resign({ cooldownMs: 3_000, timeoutMs: promiseMs })
    await world.run(100)
    const result = await resigned
    expect(result).toMatchObject({ released: true, term: token, reason: 'resigned', failure: null })
    const next = others.find((election) => election.isLeader())
    expect(next?.leadership?.token).toBeGreaterThan(token)
    expect(events).toEqual([`revoked ${token} resigned`])
    expect(result).toMatchObject({ leader: next?.id, leaderTerm: next?.leadership?.token })
    expect(result.leaderlessMs).toBeLessThan(20)
    expect(leader.leader).toBe(next?.id)
    expect(leader.status().whyNotLeader.join()).toContain('cool-down')
  })

  it('R21: with a target that one leads next, whatever its place in the succession', async () => {
    for (const target of ['b', 'c']) {
      const { world, leader, elections } = await three()
      const resigned = leader.resign({ to: target })
      await world.run(50)
      expect(await resigned).toMatchObject({ released: true, reason: 'transferred' })
      expect(elections.find((election) => election.isLeader())?.id).toBe(target)
    }
  })

  it('the default cool-down keeps the one that resigned from winning at once even when it is alone', async () => {
    const { bench, world, one } = await alone()
    const election = one.elector.election('e')
    const events = watch(election)
    await bench.start(one)
    await world.run(50)
    void election.resign()
    await world.run(promiseMs - 10)
    expect(events).toEqual(['elected 1', 'revoked 1 resigned'])
    await world.run(50)
    expect(events.at(-1)).toBe('elected 2')
  })

  it('two calls are one departure, and both learn what became of it', async () => {
    const { bench, world, one } = await alone()
    const election = one.elector.election('e')
    await bench.start(one)
    await world.run(50)
    let finish = (): void => {}
    const work = election.runIfLeader(() => new Promise<void>((resolve) => (finish = resolve)))
    const first = election.resign({ reason: 'unhealthy' })
    const second = election.resign()
    finish()
    await work
    await world.run(promiseMs)
    const what = { released: true, term: 1, reason: 'unhealthy', leader: null, failure: null }
    expect(await Promise.all([first, second])).toMatchObject([what, what])
  })

  it('without a target the contender with the highest criteria leads next (R21, R37)', async () => {
    const bench = new Bench()
    const priorities = { a: 9, b: 1, c: 2 }
    const elections = ['a', 'b', 'c'].map((id) =>
      bench.process(id).elector.election('e', { priority: priorities[id as 'a'] }),
    )
    await Promise.all([...elections.map((election) => election.start()), bench.world.run()])
    await bench.world.run(2 * promiseMs)
    const first = elections.find((election) => election.isLeader()) as Election
    const best = first.id === 'a' ? 'c' : 'a'
    const resigned = first.resign({ timeoutMs: promiseMs })
    await bench.world.run(50)
    expect(await resigned).toMatchObject({ leader: best, failure: null, reason: 'resigned' })
  })

  it.each([
    ['dead', (bench: Bench) => bench.hub.ends.get('b')?.leave()],
    ['frozen', (bench: Bench) => ['a', 'c'].map((id) => bench.hub.mute('b', id))],
    ['cut off in the moment of TimeoutNow', (bench: Bench) => bench.hub.isolate('b')],
  ])('R21: a target that is %s leaves a working cluster, and the result says who leads', async (_, fail) => {
    const { bench, world, leader, elections } = await three()
    fail(bench)
    const resigned = leader.resign({ to: 'b', timeoutMs: 5 * promiseMs })
    await world.run(3 * promiseMs)
    const result = await resigned
    expect(result).toMatchObject({ released: true, leader: 'c', failure: 'anotherLeads' })
    expect(result.leaderlessMs).toBeLessThan(promiseMs)
    expect(elections[2]?.isLeader()).toBe(true)
    bench.hub.heal()
    await world.run(3 * promiseMs)
    expect(elections[2]?.isLeader(), 'and it stays').toBe(true)
  })

  it('when nobody can take over the result says so, and this process leads again after its cool-down', async () => {
    const { bench, world, leader } = await three()
    bench.hub.isolate('a')
    const [nobody] = await Promise.all([leader.resign({ timeoutMs: 300 }), world.run(400)])
    expect(nobody).toMatchObject({ released: true, leader: null, failure: 'nobodyLeads', leaderlessMs: null })
    const { bench: lone, world: time, one } = await alone()
    const election = one.elector.election('e')
    await lone.start(one)
    await time.run(50)
    const resigned = election.resign({ cooldownMs: 200, timeoutMs: 1_000 })
    await time.run(500)
    expect(await resigned).toMatchObject({ leader: 'a', leaderTerm: 2, failure: 'leadsAgain' })
  })

  it.each([
    [{ to: 'a' }, 'itself'],
    [{ to: 'z' }, 'not among the voters'],
    [{ cooldownMs: -1 }, 'cooldownMs'],
    [{ reason: 'bored' as 'resigned' }, 'reason'],
    [{ too: 'b' } as object, '"too"'],
  ])('%j is refused', async (options, word) => {
    const { leader } = await three()
    await expect(leader.resign(options)).rejects.toThrow(word)
    expect(leader.isLeader()).toBe(true)
  })

  it('P7: a lease that ends during the drain ends the departure with what came first', async () => {
    const { bench, world, leader } = await three()
    let finish = (): void => {}
    const work = leader.runIfLeader(() => new Promise<void>((resolve) => (finish = resolve)))
    const resigned = leader.resign({ drainMs: 60_000 })
    bench.hub.isolate('a')
    await world.run(2 * promiseMs)
    expect(await resigned).toMatchObject({ released: false, reason: 'expired' })
    finish()
    await work
  })
})

describe('stop', () => {
  it('R71: one word frees every election; the next leader is there within milliseconds; the lock is free', async () => {
    const { world, leader, others, processes } = await three()
    const events = watch(leader)
    const [first] = processes as [TestProcess]
    const stopped = first.elector.stop()
    await world.run(60)
    await stopped
    expect(events.map((event) => event.split(' ')[2])).toEqual(['stopped'])
    expect(others.some((election) => election.isLeader())).toBe(true)
    expect(first.storage.disk.locked).toBe(false)
    expect(first.clock.timersPending).toBe(0)
    expect(first.process.listenerCount('exit')).toBe(0)
    const frames = first.transport.sent.filter(({ at }) => at > world.now - 61)
    expect(
      frames.flatMap(({ parts }) => parts.map(({ kind }) => kind)).filter((kind) => kind === 'release'),
    ).toEqual([])
  })

  it('R20, bug 45: it waits for running work, and nobody else leads before that has stopped', async () => {
    const { world, leader, others, processes } = await three()
    let finish = (): void => {}
    const lead = leader.lead(() => new Promise<void>((resolve) => (finish = resolve)))
    await settle()
    let isStopped = false
    const stopped = processes[0]?.elector.stop().then(() => {
      isStopped = true
    })
    await world.run(3 * promiseMs)
    expect(isStopped).toBe(false)
    expect(others.some((election) => election.isLeader())).toBe(false)
    finish()
    await lead
    await world.run(60)
    await stopped
    expect(others.some((election) => election.isLeader())).toBe(true)
  })

  it('work that hangs delays it by drainMs and one lease, and no word of release leaves before the lease is over', async () => {
    const { world, leader, others, processes } = await three()
    void leader.lead(() => new Promise<void>(() => {}))
    await settle()
    const begun = world.now
    let stoppedAt = 0
    void processes[0]?.elector.stop().then(() => {
      stoppedAt = world.now
    })
    let leadsAt = 0
    for (let i = 0; i < 1_000 && stoppedAt === 0; i++) {
      await world.run(10)
      if (leadsAt === 0 && others.some((election) => election.isLeader())) leadsAt = world.now
    }
    expect(stoppedAt - begun).toBeGreaterThanOrEqual(5_000)
    expect(stoppedAt - begun).toBeLessThanOrEqual(5_000 + promiseMs + 20)
    expect(leadsAt === 0 || leadsAt - begun >= 5_000).toBe(true)
  })

  it('stopMs bounds it: a storage that never closes does not keep it', async () => {
    const { bench, world, one } = await alone({ drainMs: 100, stopMs: 700 })
    const election = one.elector.election('e')
    const events = watch(election)
    await bench.start(one)
    await world.run(50)
    one.storage.close = () => {}
    let isStopped = false
    void one.elector.stop().then(() => {
      isStopped = true
    })
    await world.run(699)
    expect(isStopped).toBe(false)
    await world.run(2)
    expect(isStopped).toBe(true)
    expect(events).toEqual(['elected 1', 'revoked 1 stopped'])
  })

  it('stopMs also bounds work that hangs: then nothing is released, and the lease runs out at the voters', async () => {
    const { bench, world, one } = await alone({ drainMs: 300, stopMs: 400 })
    const election = one.elector.election('e')
    const events = watch(election)
    void election.lead(() => new Promise<void>(() => {}))
    await bench.start(one)
    await world.run(50)
    void one.elector.stop()
    await world.run(399)
    expect(one.elector.status().phase).toBe('stopping')
    await world.run(2)
    expect(one.elector.status().phase).toBe('stopped')
    expect(events).toEqual(['elected 1', 'revoked 1 stopped'])
    expect(one.storage.disk.state?.process.cleanNoPromise).toBe(false)
  })

  it('during the start it ends the start with ELECTION_STOPPED and frees the lock', async () => {
    const { world, one } = await alone()
    one.storage.writeMs = 100
    const started = one.elector.start()
    const refused = expect(started).rejects.toMatchObject({ code: 'ELECTION_STOPPED' })
    await world.run(50)
    const stopped = one.elector.stop()
    await world.run(200)
    await stopped
    await refused
    expect(one.storage.disk.locked).toBe(false)
    expect(one.transport.host).toBeNull()
  })

  it('while the storage is being opened it ends the start, and the lock is free again', async () => {
    const { world, one } = await alone()
    one.storage.openMs = 100
    const refused = expect(one.elector.start()).rejects.toMatchObject({ code: 'ELECTION_STOPPED' })
    await world.run(50)
    const stopped = one.elector.stop()
    await world.run(200)
    await Promise.all([stopped, refused])
    expect(one.storage).toMatchObject({ closed: 1, writes: [] })
    expect(one.elector.status().phase).toBe('stopped')
  })

  it('stopMs also bounds a start that hangs in the storage: both settle, and the lock is freed when it opens at last', async () => {
    const { world, one } = await alone({ drainMs: 100, stopMs: 700 })
    one.storage.openMs = 10_000
    const refused = expect(one.elector.start()).rejects.toMatchObject({ code: 'ELECTION_STOPPED' })
    await world.run(50)
    const stopped = one.elector.stop()
    await world.run(700)
    await Promise.all([stopped, refused])
    expect(one.elector.status().phase).toBe('stopped')
    await world.run(10_000)
    expect(one.storage).toMatchObject({ closed: 1, writes: [], disk: { locked: false } })
  })

  it('stopMs also bounds a start that hangs in the transport', async () => {
    const { world, one } = await alone({ drainMs: 100, stopMs: 700 })
    one.transport.start = () => {}
    one.transport.stop = () => {}
    const refused = expect(one.elector.start()).rejects.toMatchObject({ code: 'ELECTION_STOPPED' })
    await world.run(50)
    const stopped = one.elector.stop()
    await world.run(700)
    await Promise.all([stopped, refused])
    expect(one.elector.election('e').isLeader()).toBe(false)
  })

  it('before the start it resolves, and the object is used up', async () => {
    const { one } = await alone()
    const election = one.elector.election('e')
    await one.elector.stop()
    await one.elector.stop()
    await expect(election.start()).rejects.toMatchObject({ code: 'ELECTION_STOPPED' })
    await expect(election.waitForLeader()).rejects.toMatchObject({ code: 'ELECTION_STOPPED' })
    expect(one.storage.closed).toBe(0)
  })

  it('an election of an elector can be left and entered again while the others go on', async () => {
    const { bench, world, one } = await alone()
    const left = one.elector.election('left')
    const kept = one.elector.election('kept')
    const events = watch(left)
    await bench.start(one)
    await world.run(50)
    await left.stop()
    await world.run(5_000)
    expect(events).toEqual(['elected 1', 'revoked 1 stopped'])
    expect(kept.isLeader()).toBe(true)
    await left.start()
    await world.run(50)
    expect(events.at(-1)).toBe('elected 2')
  })

  it('lead resolves, waiters are told, iterators end', async () => {
    const { world, others, processes } = await three()
    const [follower] = others as [Election]
    const lead = follower.lead(() => {})
    const seen: (string | null)[] = []
    const consumed = (async () => {
      for await (const { leader } of follower.changes()) seen.push(leader)
    })()
    const stopped = processes[1]?.elector.stop()
    await world.run(100)
    await stopped
    await lead
    await consumed
    expect(seen.length).toBeGreaterThan(0)
  })
})

describe('start', () => {
  it('R24: a storage that cannot be opened ends it with its own error, and nothing is left running', async () => {
    const { world, one } = await alone()
    const election = one.elector.election('e')
    const failures: string[] = []
    election.on('failed', ({ error }) => failures.push(error.code))
    one.storage.openError = new Error('locked by another process')
    const refused = expect(one.elector.start()).rejects.toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
    await world.run(10)
    await refused
    expect(failures).toEqual(['ELECTION_STORAGE_FAILED'])
    expect(one.elector.status()).toMatchObject({ phase: 'failed' })
    expect(one.clock.timersPending).toBe(0)
    expect(one.process.listenerCount('exit')).toBe(0)
    await expect(election.lead(() => {})).rejects.toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
  })

  it('a transport that cannot listen frees the storage again', async () => {
    const { world, one } = await alone()
    one.transport.startError = new Error('EADDRINUSE')
    const refused = expect(one.elector.start()).rejects.toMatchObject({ code: 'ELECTION_TRANSPORT_FAILED' })
    await world.run(10)
    await refused
    expect(one.storage.disk.locked).toBe(false)
  })

  it('R19: after a clean stop a lone voter leads at once; after a crash it waits out what it had promised', async () => {
    const bench = new Bench(['a'])
    const first = bench.process('a')
    first.elector.election('e')
    await bench.start(first)
    await bench.world.run(100)
    const stopped = first.elector.stop()
    await bench.world.run(10)
    await stopped
    const second = bench.process('a')
    const clean = second.elector.election('e')
    await bench.start(second)
    await bench.world.run(50)
    expect(clean.isLeader()).toBe(true)
    expect(clean.leadership?.token).toBe(2)
    const third = bench.process('a')
    const crashed = third.elector.election('e')
    await bench.start(third)
    expect(crashed.status().process.bootWaitMs).toBe(promiseMs)
    expect(crashed.status().whyNotLeader.join()).toContain('boot wait')
    await bench.world.run(promiseMs - 1)
    expect(crashed.isLeader()).toBe(false)
    await bench.world.run(50)
    expect(crashed.leadership?.token).toBe(3)
  })

  it('R28: without a storage each life has a higher incarnation than the one before, so its peers admit it', async () => {
    const bench = new Bench(['a', 'b'])
    const kind = 'volatile' as const
    const volatileProcess = (id: string): TestProcess => {
      const made = bench.process(id, {})
      Object.defineProperty(made.storage, 'kind', { value: kind })
      return made
    }
    const [one, two] = [volatileProcess('a'), volatileProcess('b')]
    await bench.start(one, two)
    await bench.world.run(50)
    two.transport.leave()
    for (let i = 0; i < 5; i++) {
      await bench.world.run(5)
      const again = volatileProcess('b')
      await bench.start(again)
      await bench.world.run(50)
      expect(one.transport.refusals).toEqual([])
      expect(one.elector.status().members.find(({ id }) => id === 'b')?.isConnected).toBe(true)
      again.transport.leave()
    }
  })
})
