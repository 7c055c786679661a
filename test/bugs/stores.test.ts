/**
 * Goal: what went wrong in other leader elections over stores does not go wrong here. Method: each test tells the story of
 * a bug in another project, by its number in our catalogue, over the shipping runtime and a store in memory that is slow,
 * cut off, or answers wrongly, in manual time. What needs a real server (poolers, pools, backends that are terminated) is
 * in `test/real` and `test/stores`.
 */
import { describe, expect, it } from 'vitest'
import type { Elector } from '../../src/runtime/api'
import { Disk, TestStorage, World } from '../runtime/harness'
import { elect, process, Server, type Way } from '../runtime/store-bench'

/** D and len(D) of the defaults. */
const D = 5_000
const LEASE = (D * 0.9) / 1.1 - 2

function two() {
  const world = new World()
  const server = new Server(world)
  const ways: [Way, Way] = [{ now: false }, { now: false }]
  const electors = ways.map((way, i) => process(world, server.link(way), { id: `p${i}` }))
  const leading = () => electors.filter((one) => one.election('job').isLeader())
  const run = async (ms: number, step = 50, until = () => false) => {
    for (let left = ms; left > 0 && !until(); left -= step) {
      await world.run(step)
      expect(leading().length).toBeLessThanOrEqual(1)
    }
  }
  /** Starts both, and says who leads, who does not, and the way of the leader. */
  const begin = async () => {
    const leader = await elect(world, electors)
    await run(2_000)
    const i = electors.indexOf(leader)
    return { leader, other: electors[1 - i] as Elector, way: ways[i] as Way, otherWay: ways[1 - i] as Way }
  }
  return { world, server, ways, electors, leading, run, begin }
}

const record = (server: Server): { holder: string; term: number; led: boolean } => {
  const value = server.values.filter(({ key }) => key.includes('/election/')).at(-1)?.value
  return JSON.parse(value ?? '{}')
}

describe('bugs of others, over a store', () => {
  it('bug 11: whoever is paused between its grant and its write of the election does not lead by it', async () => {
    const { server, ways, electors, run } = two()
    ways[0].lateMs = (key) => (key.includes('/election/') ? 8_000 : 0)
    const [a, b] = electors as [Elector, Elector]
    const won: number[] = []
    a.election('job').on('elected', ({ term }) => won.push(term))
    const started = a.start()
    await run(1_500)
    await started
    const second = b.start()
    await run(4_000)
    await second
    expect(b.election('job').isLeader()).toBe(true)
    await run(20_000)
    expect(won).toEqual([])
    expect(record(server).holder).toMatch(/^p1\./)
  })

  it('bug 41: renewals that are refused until the deadline: the loss is told, and read, before anybody else leads', async () => {
    const { world, leading, run, begin } = two()
    const { leader, way, other } = await begin()
    const revoked: number[] = []
    leader.election('job').on('revoked', () => revoked.push(world.now))
    const at = world.now
    way.refuses = true
    await run(LEASE + 1_000, 50, () => revoked.length > 0)
    expect(revoked).toHaveLength(1)
    expect(world.now - at).toBeLessThanOrEqual(LEASE + 50)
    expect(leading()).toEqual([])
    await run(6_000)
    expect(other.election('job').isLeader()).toBe(true)
  })

  it('bug 42: after a loss nothing is written with the old token', async () => {
    const { world, server, run, begin } = two()
    const { leader, way, other } = await begin()
    const token = leader.election('job').status().token
    way.now = true
    await run(12_000)
    expect(other.election('job').isLeader()).toBe(true)
    way.now = false
    const since = world.now
    await run(10_000)
    const late = server.values.filter(({ at, key, value }) => {
      if (at < since || !key.includes('/election/')) return false
      const { holder, term, released } = JSON.parse(value)
      return holder.startsWith(leader.id) && term === token && !released
    })
    expect(late).toEqual([])
    expect(record(server).holder).toMatch(new RegExp(`^${other.id}`))
  })

  it('bug 47: nobody hears that it leads before the store has said yes', async () => {
    const { world, server, ways, electors, run } = two()
    ways[0].slowMs = (key) => (key.includes('/election/') ? 700 : 0)
    const a = electors[0] as Elector
    const heard: { at: number; wroteAt: number }[] = []
    a.election('job').on('elected', () => {
      const wrote = server.values.find(({ key }) => key.includes('/election/'))
      heard.push({ at: world.now, wroteAt: wrote?.at ?? Number.POSITIVE_INFINITY })
    })
    const started = a.start()
    await run(4_000)
    await started
    expect(heard).toHaveLength(1)
    expect((heard[0]?.at ?? 0) - (heard[0]?.wroteAt ?? 0)).toBeGreaterThanOrEqual(700)
  })

  it('bug 48: a client that reconnects after its session is over never makes a second leader', async () => {
    const { world, run, begin } = two()
    const { leader, way, otherWay, other } = await begin()
    for (let round = 0; round < 6; round++) {
      const cut = round % 2 === 0 ? way : otherWay
      cut.now = true
      await run(5_200 + 300 * round)
      cut.now = false
      await run(3_000)
    }
    await run(8_000)
    const now = [leader, other].filter((one) => one.election('job').isLeader())
    expect(now).toHaveLength(1)
    expect(world.now).toBeGreaterThan(50_000)
  })

  it('bug 49: a restart does not wait for what its own former life left: at once with a directory, else for D', async () => {
    for (const kept of [true, false]) {
      const world = new World()
      const server = new Server(world)
      const disk = new Disk()
      const life = (way: Way) => {
        disk.locked = false
        const storage = kept ? { storage: new TestStorage(world, 'a', disk) } : {}
        return process(world, server.link(way), { id: 'a', ...storage })
      }
      // kill -9: it says nothing any more, and its records stay as they are
      const way: Way = { now: false }
      const first = await elect(world, [life(way)])
      await world.run(2_000)
      const token = first.election('job').status().token ?? 0
      way.now = true
      const again = life({ now: false })
      const at = world.now
      await elect(world, [again])
      expect(again.election('job').status().token).toBeGreaterThan(token)
      if (kept) expect(world.now - at).toBeLessThan(500)
      else expect(world.now - at).toBeGreaterThan(D - 1_100)
      expect(world.now - at).toBeLessThan(D + 2_000)
    }
  })

  it('bug 52: a store that answers with errors and comes back with another holder: the loss comes before the deadline', async () => {
    const { world, server, run, begin } = two()
    const { leader, way, other } = await begin()
    const at = world.now
    way.refuses = true
    await run(LEASE + 100, 50, () => !leader.election('job').isLeader())
    expect(leader.election('job').isLeader()).toBe(false)
    expect(world.now - at).toBeLessThanOrEqual(LEASE + 50)
    await run(6_000)
    expect(other.election('job').isLeader()).toBe(true)
    way.refuses = false
    await run(6_000)
    expect(other.election('job').isLeader()).toBe(true)
    expect(record(server).holder).toMatch(new RegExp(`^${other.id}`))
  })

  it('bug 54: a store that comes and goes every 0.3 D for an hour: never two, and work is told to stop in time', async () => {
    const { world, server, ways, electors, run, begin } = two()
    let late = 0
    let told = 0
    for (const one of electors) {
      const job = one.election('job')
      void job.lead(async (leadership) => {
        const { signal } = leadership
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
        told += 1
        if (!leadership.isValid()) late += 1
      })
    }
    await begin()
    for (let round = 0; round < 2_400; round++) {
      server.isDown = round % 2 === 0
      ways[round % 4 === 0 ? 0 : 1].now = round % 3 === 0
      await run(1_500, 750)
    }
    expect(told).toBeGreaterThan(3)
    expect(late).toBe(0)
    server.isDown = false
    for (const way of ways) way.now = false
    await run(10_000)
    expect(world.now).toBeGreaterThan(3_600_000)
    expect(electors.filter((one) => one.election('job').isLeader())).toHaveLength(1)
    await Promise.all([...electors.map((one) => one.stop()), world.run(10_000)])
  }, 60_000)

  it('bug 59: three candidates, the one in the middle gives up first: still one leader', async () => {
    const world = new World()
    const server = new Server(world)
    const electors = ['a', 'b', 'c'].map((id) => process(world, server.link(), { id }))
    const leader = await elect(world, electors)
    const [middle, last] = electors.filter((one) => one !== leader) as [Elector, Elector]
    const stopped = middle.stop()
    await world.run(1_500)
    await stopped
    const resigned = leader.election('job').resign({ cooldownMs: 3_000 })
    for (let i = 0; i < 60; i++) {
      await world.run(50)
      expect(electors.filter((one) => one.election('job').isLeader()).length).toBeLessThanOrEqual(1)
    }
    await resigned
    expect(last.election('job').isLeader()).toBe(true)
  })

  it('bug 60: the lease counts from the last renewal that was sent, not from its answer or its failure', async () => {
    const { world, server, run, begin } = two()
    const { leader, way } = await begin()
    way.now = true
    const sent = server.values.filter(({ key }) => key.includes(`/session/${leader.id}`))
    const lastGood = sent.at(-1)?.at ?? 0
    await run(D, 10, () => !leader.election('job').isLeader())
    expect(world.now - lastGood).toBeLessThanOrEqual(LEASE + 10)
    expect(world.now - lastGood).toBeGreaterThan(LEASE - 1_100)
  })

  it('bug 61: a win that took longer than D is no win, and a lease is never longer than what is left of it', async () => {
    const { world, server, ways, electors, run } = two()
    ways[0].slowMs = (key) => (key.includes('/session/') ? 900 : 0)
    const a = electors[0] as Elector
    const lengths: number[] = []
    a.election('job').on('elected', ({ leadership }) => {
      const renewal = server.values.filter(({ key }) => key.includes('/session/'))[0]
      lengths.push(leadership.remainingMs() - (LEASE - 625 - (world.now - (renewal?.at ?? 0))))
      expect(leadership.isValid()).toBe(true)
    })
    const started = a.start()
    await run(6_000)
    await started
    expect(lengths).toHaveLength(1)
    expect(lengths[0]).toBeLessThanOrEqual(1)
    expect(lengths[0]).toBeGreaterThan(-50)
  })

  it('bug 67: a vote whose answer was lost is recognised, and led under the term that was written', async () => {
    const { server, ways, electors, run } = two()
    let lost = 0
    ways[0].losesAnswer = (key) => {
      if (!key.includes('/election/') || lost > 0) return false
      lost += 1
      return true
    }
    const a = electors[0] as Elector
    const started = a.start()
    await run(3_000)
    await started
    expect(lost).toBe(1)
    expect(a.election('job').isLeader()).toBe(true)
    expect(a.election('job').status().token).toBe(record(server).term)
    expect(record(server).term).toBe(1)
  })

  it('bug 68: a link that is half open and says nothing: lost at the deadline, by the own clock', async () => {
    const { world, run, begin } = two()
    const { leader, way } = await begin()
    way.slowMs = () => 1_000_000
    const at = world.now
    await run(D, 50, () => !leader.election('job').isLeader())
    expect(world.now - at).toBeLessThanOrEqual(LEASE + 50)
  })
})
