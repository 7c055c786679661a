/**
 * Goal: criteria order contenders where only stores vote as they do among peers, and never cost an election (R21, R37, R69, R82).
 * Method: the shipping runtime over stores in memory, in manual time; processes that are cut off, and lists that are spoilt.
 */
import { describe, expect, it } from 'vitest'
import type { Elector } from '../../src/runtime/api'
import type { ElectionSettings } from '../../src/runtime/options'
import { World } from './harness'
import { process, Server, type Way } from './store-bench'

/** The defaults over stores: D 5,000, a look at the store each second. */
const PROMISE_MS = 5_000
const LOOK_MS = 1_000

interface Member {
  readonly elector: Elector
  readonly way: Way
}

/** Processes named by their ids, each with its settings of `job`, over as many stores. */
async function cluster(
  settings: Readonly<Record<string, ElectionSettings>>,
  { stores = 1, late = [] as readonly string[] } = {},
) {
  const world = new World()
  const servers = Array.from({ length: stores }, (_, i) => new Server(world, `store-${i}`))
  const members = new Map<string, Member>()
  for (const [id, each] of Object.entries(settings)) {
    const way: Way = { now: false }
    const links = servers.map((server) => server.link(way))
    const elector = process(world, links.length === 1 ? (links[0] as (typeof links)[0]) : links, { id })
    elector.election('job', each)
    members.set(id, { elector, way })
  }
  const start = async (id: string): Promise<void> => {
    const started = members.get(id)?.elector.start()
    await world.run()
    await started
  }
  for (const id of members.keys()) if (!late.includes(id)) await start(id)
  const election = (id: string) => (members.get(id) as Member).elector.election('job')
  const leader = (): string | null => [...members.keys()].find((id) => election(id).isLeader()) ?? null
  /** Who leads next, and after how long, in steps of 50 ms. */
  const next = async (limitMs: number) => {
    const from = world.now
    while (leader() === null && world.now - from < limitMs) await world.run(50)
    return { leader: leader(), tookMs: world.now - from }
  }
  const cut = (id: string): void => {
    ;(members.get(id) as Member).way.now = true
  }
  return { world, servers, election, leader, next, start, cut, members }
}

/** The same over one store and over a majority of three. */
function over(title: string, body: (stores: number) => Promise<void>): void {
  it(title, async () => {
    for (const stores of [1, 3]) await body(stores)
  })
}

describe('over one store and over three', () => {
  over('R69, R82: the best contender that is left leads next, each time', async (stores) => {
    const criteria = { a: 1, b: 5, c: 3, d: 9, e: 7 }
    const settings = Object.fromEntries(
      Object.entries(criteria).map(([id, priority]) => [id, { priority }] as const),
    )
    const c = await cluster(settings, { stores })
    await c.world.run(10 * LOOK_MS)
    const left = Object.entries(criteria).sort((x, y) => y[1] - x[1])
    while (left.length > 1) {
      const now = c.leader() as string
      left.splice(
        left.findIndex(([id]) => id === now),
        1,
      )
      c.cut(now)
      while (c.leader() !== null) await c.world.run(50)
      const { leader, tookMs } = await c.next(3 * PROMISE_MS)
      expect(leader, `after ${now}`).toBe(left[0]?.[0])
      expect(tookMs).toBeLessThan(PROMISE_MS)
      // it is still listed, and would cost the next election a head start
      await c.world.run(25 * LOOK_MS)
    }
  })

  over(
    'R37, R82: a settled leader hands over to a better one that has been there for long enough',
    async (stores) => {
      const rules = { preferAfterMs: 8_000, preferBy: 2 }
      const settings = {
        a: { priority: 1, ...rules },
        b: { priority: 2, ...rules },
        c: { priority: 5, ...rules },
      }
      const c = await cluster(settings, { stores, late: ['c'] })
      await c.world.run(10 * LOOK_MS)
      const first = c.leader() as string
      await c.world.run(20_000)
      expect(c.leader(), 'b is ahead by too little').toBe(first)
      await c.start('c')
      await c.world.run(7_000)
      expect(c.leader(), 'not for long enough').toBe(first)
      const revoked: string[] = []
      c.election(first).on('revoked', ({ reason }) => revoked.push(reason))
      await c.world.run(9_000)
      expect([c.leader(), ...revoked]).toEqual(['c', 'transferred'])
      await c.world.run(30_000)
      expect(c.leader(), 'and stays there').toBe('c')
    },
  )

  over(
    'R21, R82: without a target the best one takes over, and never one in its cool-down',
    async (stores) => {
      const c = await cluster({ a: { priority: 1 }, b: { priority: 5 }, c: { priority: 9 } }, { stores })
      await c.world.run(10 * LOOK_MS)
      const order: string[] = []
      for (let i = 0; i < 3; i++) {
        const leader = c.leader() as string
        order.push(leader)
        const resigned = c.election(leader).resign({ cooldownMs: 60_000, timeoutMs: PROMISE_MS })
        await c.world.run(3 * LOOK_MS)
        const { failure, leaderlessMs } = await Promise.race([
          resigned,
          c.world.run(PROMISE_MS).then(() => resigned),
        ])
        if (i < 2) {
          expect(failure).toBeNull()
          expect(leaderlessMs).toBeLessThan(1.2 * LOOK_MS)
          // everybody has looked at the list since
          await c.world.run(6 * LOOK_MS)
        }
      }
      const [first, ...rest] = order
      expect(rest, `after ${first}`).toEqual(['c', 'b', 'a'].filter((id) => id !== first))
    },
  )
})

describe('a hand-over to one that does not come', () => {
  over('R21: leaves a working cluster within four looks, and says who leads instead', async (stores) => {
    const spoilt: readonly (readonly [string, (c: Awaited<ReturnType<typeof cluster>>) => unknown])[] = [
      ['nobody', () => {}],
      ['b', (c) => c.cut('b')],
      ['b', (c) => c.election('b').freeze(60_000)],
      ['b', (c) => c.members.get('b')?.elector.stop()],
      ['sick', () => {}],
    ]
    for (const [to, spoil] of spoilt) {
      const healthCheck = { check: () => false }
      const late = ['b', 'c', 'sick']
      const c = await cluster({ a: {}, b: {}, c: {}, sick: { healthCheck } }, { stores, late })
      await c.world.run(3 * LOOK_MS)
      for (const id of late) await c.start(id)
      await c.world.run(10 * LOOK_MS)
      expect(c.leader(), 'whoever starts first').toBe('a')
      const token = c.election('a').leadership?.token ?? 0
      spoil(c)
      const resigned = c.election('a').resign({ to, cooldownMs: 60_000, timeoutMs: 2 * PROMISE_MS })
      await c.world.run(2 * PROMISE_MS)
      const result = await resigned
      expect(result, to).toMatchObject({ released: true, reason: 'transferred', failure: 'anotherLeads' })
      expect(result.leader).toBe(c.leader())
      expect(c.election(result.leader as string).leadership?.token).toBeGreaterThan(token)
      expect(result.leaderlessMs, to).toBeLessThan(4 * LOOK_MS)
      await c.world.run(2 * PROMISE_MS)
      expect(c.leader(), 'and it stays').toBe(result.leader)
    }
  })

  it('R37: a leader whose favourite has died goes on handing over to others, and the election is led', async () => {
    const rules = { preferAfterMs: 4_000, preferPerMinute: 60 }
    const c = await cluster({
      a: { priority: 1, ...rules },
      b: { priority: 9, ...rules },
      c: { priority: 1, ...rules },
    })
    await c.world.run(3_500)
    c.cut('b')
    let leaderless = 0
    for (let i = 0; i < 60_000 / 50; i++) {
      await c.world.run(50)
      if (c.leader() === null) leaderless += 50
    }
    expect(leaderless, 'one hand-over in vain, until its entry is old').toBeLessThan(4 * 3 * LOOK_MS)
    expect(['a', 'c']).toContain(c.leader())
  })
})

describe('what the list may not cost', () => {
  it('R69: whoever is best and dead costs one and a half looks, and nothing once its entry is old', async () => {
    const settings = { a: { priority: 1 }, b: { priority: 5 }, c: { priority: 9 } }
    const c = await cluster(settings)
    await c.world.run(10 * LOOK_MS)
    // a leads, the two better ones die, and a lets go
    while (c.leader() !== 'a') {
      void c.election(c.leader() as string).resign({ cooldownMs: 8_000 })
      await c.world.run(6 * LOOK_MS)
    }
    c.cut('b')
    c.cut('c')
    await c.world.run(30_000)
    expect(c.leader()).toBe('a')
    const [server] = c.servers
    const list = server?.values.filter(({ key }) => key.endsWith('/contenders')).at(-1)?.value ?? ''
    expect(list).toContain('"a.')
    expect(list, 'who writes next drops them').not.toMatch(/"[bc]\./)
    void c.election('a').resign({ cooldownMs: 0 })
    await c.world.run(50)
    expect((await c.next(PROMISE_MS)).tookMs).toBeLessThan(LOOK_MS)
  })

  it('R69: those that have just died, however many and however good, cost D at most', async () => {
    // whoever starts first leads
    const settings = Object.fromEntries([...'hbcdefga'].map((id) => [id, { priority: id.charCodeAt(0) }]))
    const c = await cluster(settings)
    await c.world.run(10 * LOOK_MS)
    for (const id of 'bcdefgh') c.cut(id)
    while (c.leader() === 'h') await c.world.run(50)
    const { tookMs } = await c.next(5 * PROMISE_MS)
    expect(tookMs).toBeLessThan(2 * PROMISE_MS)
    expect(c.leader()).toBe('a')
  })

  it('a list that cannot be read is left as it is, and elections go on without an order', async () => {
    for (const value of [
      JSON.stringify({ format: 1, cluster: 'another', contenders: [] }),
      JSON.stringify({ format: 2, cluster: 'test', contenders: [] }),
      JSON.stringify({
        format: 1,
        cluster: 'test',
        contenders: [{ process: 'x', inc: 1, seq: 1, elections: [['job', '9']] }],
      }),
      '{',
    ]) {
      const world = new World()
      const server = new Server(world)
      await server.memory.write('test/contenders', null, value)
      const electors = ['a', 'b'].map((id) => process(world, server.link(), { id }))
      const elections = electors.map((elector) => elector.election('job', { priority: 3 }))
      const started = Promise.all(electors.map((elector) => elector.start()))
      await world.run(10_000)
      await started
      expect(elections.filter((election) => election.isLeader())).toHaveLength(1)
      const found = await server.memory.read(['test/contenders'])
      expect(found.kind === 'ok' && found.records[0]?.value).toBe(value)
    }
  })

  it('a list that is lost is written anew', async () => {
    const c = await cluster({ a: {}, b: { priority: 2 } })
    await c.world.run(10 * LOOK_MS)
    const [server] = c.servers
    server?.memory.remove('test/contenders')
    await c.world.run(10 * LOOK_MS)
    const found = await server?.memory.read(['test/contenders'])
    expect(found?.kind === 'ok' && found.records[0]?.value).toMatch(/"a\..*"b\.|"b\..*"a\./)
  })

  it('whoever does not contend, or stops, is not listed', async () => {
    const c = await cluster({ a: { contend: false }, b: {}, c: {} })
    await c.world.run(10 * LOOK_MS)
    const list = async (): Promise<string> => {
      const found = await c.servers[0]?.memory.read(['test/contenders'])
      return (found?.kind === 'ok' && found.records[0]?.value) || ''
    }
    expect(await list()).not.toContain('"a.')
    expect(await list()).toMatch(/"b\./)
    const stopped = c.members.get('b')?.elector.stop()
    await c.world.run(2 * LOOK_MS)
    await stopped
    expect(await list()).not.toContain('"b.')
    expect(await list()).toContain('"c.')
  })
})
