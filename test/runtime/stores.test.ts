/**
 * Goal: a service whose voters are stores has the same API and the same guarantees, and needs nothing else.
 * Method: the shipping runtime over stores in memory that count their calls and can be cut off, in manual time.
 */
import { describe, expect, it } from 'vitest'
import type { Elector } from '../../src/runtime/api'
import { storeVoter } from '../../src/stores/voter'
import { Bench, World } from './harness'
import { elect, process, Server } from './store-bench'

describe('one store', () => {
  it('R49: two live processes with one configured id are safe, both contend, and people see the id', async () => {
    const world = new World()
    const server = new Server(world)
    const a = process(world, server.link())
    const b = process(world, server.link())
    const leader = await elect(world, [a, b])
    const other = leader === a ? b : a
    await world.run(3_000)
    expect(other.election('job').isLeader()).toBe(false)
    expect(other.election('job').leader).toBe('web')
    expect(leader.election('job').leader).toBe('web')
    expect(leader.election('job').leadership?.holder).toMatch(/^web\.[0-9a-f]{32}$/)
    const { token } = leader.election('job').status()
    const stopped = leader.stop()
    await world.run(2_500)
    await stopped
    expect(other.election('job').isLeader()).toBe(true)
    expect(other.election('job').status().token).toBeGreaterThan(token ?? 0)
  })

  it('R66, R71: a clean stop fences the own session, so nobody waits for D', async () => {
    const world = new World()
    const server = new Server(world)
    const a = process(world, server.link())
    const b = process(world, server.link(), { id: 'other' })
    const leader = await elect(world, [a, b])
    const other = leader === a ? b : a
    await world.run(2_000)
    const at = world.now
    const stopped = leader.stop()
    for (let i = 0; i < 60 && !other.election('job').isLeader(); i++) await world.run(50)
    await stopped
    expect(other.election('job').isLeader()).toBe(true)
    expect(world.now - at).toBeLessThan(1_200)
  })

  it('R20: a stop that had to leave work behind releases nothing: time decides', async () => {
    const world = new World()
    const server = new Server(world)
    const a = process(world, server.link(), { drainMs: 100, stopMs: 200 })
    const b = process(world, server.link(), { id: 'other' })
    const leader = await elect(world, [a])
    expect(leader).toBe(a)
    void a.election('job').lead(() => new Promise(() => {}))
    b.election('job')
    const started = b.start()
    await world.run(2_000)
    await started
    const at = world.now
    const stopped = a.stop()
    for (let i = 0; i < 100 && !b.election('job').isLeader(); i++) await world.run(100)
    await stopped
    expect(world.now - at).toBeGreaterThan(3_000)
    expect(b.election('job').isLeader()).toBe(true)
  })

  it('learns who leads without contending, and why it does not lead', async () => {
    const world = new World()
    const server = new Server(world)
    const a = process(world, server.link(), { id: 'a' })
    const watcher = process(world, server.link(), { id: 'w' })
    const election = watcher.election('job', { contend: false })
    const started = watcher.start()
    await elect(world, [a])
    await world.run(2_500)
    await started
    expect(election.leader).toBe('a')
    expect(election.status().term).toBe(a.election('job').status().term)
    expect(election.status().whyNotLeader.join()).toContain('"a" leads')
    const stopped = a.stop()
    await world.run(2_500)
    await stopped
    expect(election.leader).toBeNull()
    expect(election.isLeader()).toBe(false)
  })

  it('verify() and readFloor() ask the store', async () => {
    const world = new World()
    const server = new Server(world)
    const cut = { now: false }
    const a = process(world, server.link(cut))
    await elect(world, [a])
    const asked = a.election('job').verify()
    await world.run(50)
    expect(await asked).toBe(true)
    const floor = a.election('job').readFloor()
    await world.run(50)
    expect(await floor).toBe(a.election('job').status().token)
    cut.now = true
    const again = a.election('job').verify({ timeoutMs: 300 })
    await world.run(400)
    expect(await again).toBe(false)
  })

  it('R45: a leader that is cut off stops before anybody else starts, and status says what is wrong', async () => {
    const world = new World()
    const server = new Server(world)
    const cuts = [{ now: false }, { now: false }]
    const electors = cuts.map((cut, i) => process(world, server.link(cut), { id: `p${i}` }))
    const leader = await elect(world, electors)
    const other = electors.find((one) => one !== leader) as Elector
    await world.run(2_000)
    expect(leader.status().members).toMatchObject([
      {
        id: 'memory',
        kind: 'store',
        isConnected: true,
        roundTripMs: 2,
        durability: 'survives',
        lastError: null,
      },
    ])
    const cut = cuts[electors.indexOf(leader)]
    if (cut !== undefined) cut.now = true
    const at = world.now
    while (leader.election('job').isLeader()) {
      expect(other.election('job').isLeader()).toBe(false)
      await world.run(50)
    }
    expect(world.now - at).toBeLessThan(5_000 * 0.82)
    expect(leader.status().members).toMatchObject([{ isConnected: false, lastError: 'no way to the store' }])
    for (let i = 0; i < 100 && !other.election('job').isLeader(); i++) await world.run(50)
    expect(world.now - at).toBeLessThan(6_500)
    if (cut !== undefined) cut.now = false
    await world.run(5_000)
    expect(leader.election('job').leader).toBe(other.id)
  })

  it('R70: a hundred elections cost one write and at most one read per heartbeat', async () => {
    const world = new World()
    const server = new Server(world)
    const a = process(world, server.link(), { id: 'a' })
    const b = process(world, server.link(), { id: 'b' })
    for (let i = 0; i < 100; i++) a.election(`job-${i}`)
    await elect(world, [a], 'job-0')
    await world.run(5_000)
    for (let i = 0; i < 100; i++) b.election(`job-${i}`)
    const started = b.start()
    await world.run(10_000)
    await started
    expect(Object.values(a.status().elections).filter(({ isLeader }) => isLeader)).toHaveLength(100)
    expect(b.election('job-99').leader).toBe('a')
    const { reads } = server
    const writes = server.written.length
    await world.run(20_000)
    // one renewal of the leader per second; of the other one poll per second, and one read per probe each 2.5 s
    // and of each, in eight, the entry in the list of contenders (R82)
    expect(server.written.length - writes).toBeLessThanOrEqual(21 + 2 * 3)
    expect(server.reads - reads).toBeLessThanOrEqual(21 + 8)
  })

  it('R70: a thousand elections that start together do not overrun the store: all are led', async () => {
    const world = new World()
    const server = new Server(world)
    const store = server.memory
    let open = 0
    let most = 0
    // so many calls at once are answered late, and those of more than that in no time that anybody waits for
    const slow = async <T>(call: () => Promise<T>, late: T): Promise<T> => {
      open += 1
      most = Math.max(most, open)
      const takes = 1 + open
      await new Promise<void>((resolve) => world.at(world.now + takes, resolve))
      open -= 1
      return takes > 1_000 ? late : await call()
    }
    const error = new Error('no answer in time')
    const voter = storeVoter({
      name: 'slow',
      durability: 'survives',
      timeoutMs: 1_000,
      read: (keys) => slow(() => store.read(keys), { kind: 'failed', error }),
      write: (key, version, value) =>
        slow(() => store.write(key, version, value), { kind: 'ambiguous', error }),
    })
    const a = process(world, voter, { id: 'a' })
    for (let i = 0; i < 1_000; i++) a.election(`job-${i}`)
    await elect(world, [a], 'job-0')
    await world.run(15_000)
    expect(Object.values(a.status().elections).filter(({ isLeader }) => isLeader)).toHaveLength(1_000)
    expect(most).toBeLessThan(50)
  })

  it('R21: a hand-over names a process, and it goes first', async () => {
    const world = new World()
    const server = new Server(world)
    const electors = ['a', 'b', 'c', 'd'].map((id) => process(world, server.link(), { id }))
    const leader = await elect(world, electors)
    await world.run(2_000)
    const target = electors.find((one) => one !== leader) as Elector
    const resigned = leader.election('job').resign({ to: target.id })
    await world.run(4_000)
    expect(await resigned).toMatchObject({ released: true })
    expect(target.election('job').isLeader()).toBe(true)
  })

  it('a resignation frees a process that is alone', async () => {
    const world = new World()
    const server = new Server(world)
    const a = process(world, server.link())
    await elect(world, [a])
    const token = a.election('job').status().token ?? 0
    const resigned = a.election('job').resign({ cooldownMs: 100 })
    await world.run(3_000)
    await resigned
    expect(a.election('job').status().token).toBeGreaterThan(token)
  })

  it('starts while the store is down and leads when it is up', async () => {
    const world = new World()
    const server = new Server(world)
    server.isDown = true
    const a = process(world, server.link())
    a.election('job')
    const started = a.start()
    await world.run(3_000)
    await started
    expect(a.election('job').status().whyNotLeader.join()).toContain('no link to memory')
    server.isDown = false
    await world.run(3_000)
    expect(a.election('job').isLeader()).toBe(true)
  })
})

describe('R48: a store that forgets', () => {
  it('a volatile one is waited for, then tokens go on from the wall clock', async () => {
    const world = new World()
    const server = new Server(world, 'cache', 'volatile')
    const a = process(world, server.link(), { id: 'a' })
    const b = process(world, server.link(), { id: 'b' })
    const at = world.now
    const leader = await elect(world, [a, b])
    expect(world.now - at).toBeGreaterThan(((5_000 + 2_500) * 1.1) / 0.9)
    expect(leader.status()).toMatchObject({ safety: 'timed', tokenDurability: 'volatile' })
    const first = leader.election('job').status().token ?? 0
    expect(first).toBeGreaterThan(1_700_000_000_000)
    server.forget()
    let gap = 0
    const leading = () => [a, b].filter((one) => one.election('job').isLeader())
    for (let i = 0; i < 300; i++) {
      await world.run(50)
      expect(leading().length).toBeLessThanOrEqual(1)
      if (leading().length === 0) gap += 50
    }
    expect(gap).toBeGreaterThan(5_000)
    expect(leading()).toHaveLength(1)
    expect(leading()[0]?.election('job').status().token).toBeGreaterThan(first)
  })

  it('a record that this process has just written, and not read since, is known as well: it waits for it, too', async () => {
    const world = new World()
    const server = new Server(world, 'cache', 'volatile')
    const a = process(world, server.link(), { id: 'a' })
    const election = a.election('job')
    const started = a.start()
    while (!server.memory.keys().some((key) => key.includes('/election/'))) await world.run(1)
    await started
    const at = world.now
    server.forget()
    await world.run(50)
    const first = election.status().token ?? 0
    for (let i = 0; i < 400 && (election.status().token ?? 0) <= first; i++) await world.run(50)
    expect(election.isLeader()).toBe(true)
    expect(election.status().token).toBeGreaterThan(1_700_000_000_000)
    expect(world.now - at).toBeGreaterThan(5_000)
  })

  it('one that may regress says so; who remembers the record waits, and goes on above it', async () => {
    const world = new World()
    const server = new Server(world, 'redis', 'mayRegress')
    const a = process(world, server.link(), { id: 'a' })
    const b = process(world, server.link(), { id: 'b' })
    const leader = await elect(world, [a, b])
    expect(leader.status()).toMatchObject({ safety: 'durable', tokenDurability: 'mayRegress' })
    expect(leader.status().warnings.join()).toContain('redis may lose acknowledged writes')
    await world.run(3_000)
    const token = leader.election('job').status().token ?? 0
    server.forget()
    for (let i = 0; i < 900; i++) {
      await world.run(50)
      expect([a, b].filter((one) => one.election('job').isLeader()).length).toBeLessThanOrEqual(1)
    }
    const [next] = [a, b].filter((one) => one.election('job').isLeader())
    expect(next?.election('job').status().token).toBeGreaterThan(token)
  })
})

describe('several voters', () => {
  it('a majority of three stores goes on without one of them', async () => {
    const world = new World()
    const servers = ['x', 'y', 'z'].map((name) => new Server(world, name))
    const electors = ['a', 'b'].map((id) =>
      process(
        world,
        servers.map((server) => server.link()),
        { id },
      ),
    )
    const leader = await elect(world, electors)
    await world.run(2_000)
    const [first] = servers
    if (first !== undefined) first.isDown = true
    await world.run(15_000)
    expect(leader.election('job').isLeader()).toBe(true)
    const stopped = leader.stop()
    await world.run(4_000)
    await stopped
    const other = electors.find((one) => one !== leader) as Elector
    expect(other.election('job').isLeader()).toBe(true)
  })

  it('R40: two processes and a record as tie-breaker survive the loss of either, and of the record', async () => {
    const bench = new Bench(['a', 'b'])
    const { world } = bench
    const server = new Server(world, 'tie')
    const voters = () => ({ a: 'a:1', b: 'b:1', tie: server.link() })
    const timing = { rho: 0 } as const
    const a = bench.process('a', { voters: voters(), timing })
    const b = bench.process('b', { voters: voters(), timing })
    await bench.start(a, b)
    for (const { elector } of [a, b]) elector.election('job')
    await world.run(3_000)
    const leader = [a, b].find(({ elector }) => elector.election('job').isLeader())
    const other = leader === a ? b : a
    expect(leader).toBeDefined()
    expect(leader?.elector.status().members.map(({ id, kind }) => `${id} ${kind}`)).toEqual([
      'a peer',
      'b peer',
      'tie store',
    ])
    server.isDown = true
    await world.run(12_000)
    expect(leader?.elector.election('job').isLeader()).toBe(true)
    server.isDown = false
    await world.run(6_000)
    bench.hub.isolate(leader?.id ?? '')
    leader?.transport.leave()
    const stopped = leader?.elector.stop()
    await world.run(12_000)
    await stopped
    expect(other.elector.election('job').isLeader()).toBe(true)
  })
})
