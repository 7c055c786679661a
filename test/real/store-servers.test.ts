/**
 * Goal: three real processes over a real store keep every promise while the server itself fails. Method: PostgreSQL, Redis
 * and etcd side by side, each with its data on disk and three processes; each fault meets all three servers at once: frozen,
 * killed, crowded, out of disk, emptied, its host's clock stepped. PostgreSQL's pools have one connection.
 *
 * A full disk is a limit on the sizes of the server's files (`fillDisk`), so that no root is needed. The clock of etcd
 * cannot be stepped for it alone (`fake-clock.ts`); no clock of any server is ever read. Read next: `stores.test.ts`.
 */
import { createConnection, type Socket } from 'node:net'
import { Etcd3 } from 'etcd3'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startEtcd } from '../servers/etcd'
import { fakeClock } from '../servers/fake-clock'
import { startPostgres } from '../servers/postgres'
import { fillDisk } from '../servers/process'
import { startRedis } from '../servers/redis'
import { requireServers } from '../servers/require'
import type { Reign } from './cluster'
import { clockMs, PROMISE_MS, RECOVERY_MS, StoreCluster, sleep } from './store-cluster'

const here = requireServers(
  'elections over real stores whose servers fail',
  ...(['postgresql', 'redis', 'etcd', 'faketime', 'prlimit'] as const),
)

/** With `maxPromiseMs` as short as D a store that was emptied is waited for as long as is possible within the test. */
const timing = { promiseMs: PROMISE_MS, maxPromiseMs: PROMISE_MS }

/** A server and its processes. */
interface Site {
  readonly cluster: StoreCluster
  readonly port: number
  /** Dies without notice. */
  down(): Promise<void>
  up(): Promise<void>
  freeze(): void
  thaw(): void
  pids(): number[]
  /** Loses all data. */
  empty(): Promise<unknown>
  stop(): Promise<void>
}

async function postgresSite(): Promise<Site> {
  const server = await startPostgres({ durable: true, settings: { max_connections: '20' } })
  const cluster = await StoreCluster.over('postgres', [server.port], { timing, spec: { pool: { max: 1 } } })
  const empty = () => server.query('TRUNCATE conclave')
  return { ...server, cluster, empty, down: () => server.down('immediate') }
}

async function redisSite(): Promise<Site> {
  const server = await startRedis({ durable: true, settings: ['--maxclients', '30'] })
  const cluster = await StoreCluster.over('redis', [server.port], { timing })
  return { ...server, cluster, empty: () => server.command('FLUSHALL'), down: () => server.down('SIGKILL') }
}

async function etcdSite(): Promise<Site> {
  const server = await startEtcd()
  const cluster = await StoreCluster.over('etcd', server.ports, { timing })
  const admin = new Etcd3({ hosts: [...server.hosts] })
  return {
    cluster,
    port: server.ports[0] ?? 0,
    down: () => server.killMember(0),
    up: () => server.startMember(0),
    freeze: () => server.freezeMember(0),
    thaw: () => server.thawMember(0),
    pids: () => server.pids(),
    empty: () => admin.delete().all().exec(),
    async stop() {
      admin.close()
      await server.stop()
    },
  }
}

/** Connections that say nothing, as many as a service that has lost its mind opens. */
async function crowd(port: number, size: number): Promise<() => void> {
  const sockets: Socket[] = []
  for (let i = 0; i < size; i++) {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.on('error', () => {})
    sockets.push(socket)
  }
  await sleep(100)
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}

/** The leadership of a leader of which all others have heard: whoever never saw a record cannot miss it. */
async function known(c: StoreCluster): Promise<Reign> {
  const heard = (id: string, term: number) =>
    c.member(id).reports.some((one) => one.kind === 'leader' && one.term === term && one.leader !== null)
  const isKnown = () => {
    const reign = c.reigns.at(-1)
    return c.leader !== null && reign !== undefined && c.others(reign.id).every((id) => heard(id, reign.term))
  }
  await c.until(isKnown, RECOVERY_MS, 'all have heard of the leader')
  return c.reigns.at(-1) as Reign
}

describe.runIf(here)('three processes over PostgreSQL, Redis and etcd', () => {
  const sites: Site[] = []

  beforeAll(async () => {
    sites.push(...(await Promise.all([postgresSite(), redisSite(), etcdSite()])))
  })
  afterAll(async () => {
    await Promise.all(sites.map(({ cluster }) => cluster.close()))
    await Promise.all(sites.map((site) => site.stop()))
  })
  afterEach(() => {
    for (const { cluster } of sites) cluster.sound()
  })

  function everywhere(title: string, body: (c: StoreCluster, site: Site) => Promise<void>): void {
    it(title, async () => {
      const failures = await Promise.all(
        sites.map((site) =>
          body(site.cluster, site).then(
            () => null,
            (error: Error) => `${site.cluster.kind}: ${error.message}`,
          ),
        ),
      )
      // what is more than lateness first: it decides whether the test is tried once more (vitest.config.ts)
      const told = failures.filter((failure) => failure !== null)
      const isLate = (failure: string) => failure.includes(': not within ')
      const ordered = [...told.filter((failure) => !isLate(failure)), ...told.filter(isLate)]
      if (ordered.length > 0) throw new Error(ordered.join('\n'))
    })
  }

  everywhere(
    'a server that is frozen for longer than D: nobody leads then, somebody soon after',
    async (c, site) => {
      const old = await c.leading()
      const at = clockMs()
      site.freeze()
      await c.noticed(old, at)
      await sleep(at + PROMISE_MS - clockMs())
      c.nobodyLeads()
      const back = clockMs()
      site.thaw()
      await c.reignAfter(old, back)
    },
  )

  everywhere('a server that is killed and started again with its data: tokens go on', async (c, site) => {
    const old = await c.leading()
    await site.down()
    await site.up()
    const back = clockMs()
    await c.leading()
    expect(clockMs() - back).toBeLessThan(RECOVERY_MS)
    expect(c.reigns.at(-1)?.term).toBeGreaterThanOrEqual(old.term)
  })

  everywhere(
    'a server that is away for longer than D: nobody leads then, and tokens go on',
    async (c, site) => {
      const old = await c.leading()
      const at = clockMs()
      await site.down()
      await c.noticed(old, Math.max(at, clockMs() - 50))
      await sleep(at + PROMISE_MS - clockMs())
      c.nobodyLeads()
      await site.up()
      await c.reignAfter(old, clockMs())
    },
  )

  everywhere(
    'a connection storm, and all connections lost in it: no overlap, a leader soon after it',
    async (c, site) => {
      const before = await c.leading()
      for (let i = 0; i < 2; i++) {
        const disperse = await crowd(site.port, 150)
        await c.onWays(c.ids, (way) => way.cut())
        await sleep(PROMISE_MS / 2)
        disperse()
        await sleep(200)
      }
      expect((await c.leading()).term).toBeGreaterThanOrEqual(before.term)
    },
  )

  everywhere(
    'the service keeps its only connection busy: the leader stops in time, another one leads',
    async (c) => {
      if (c.kind === 'etcd') return // its client has no pool: calls share one connection and do not wait for each other
      const old = await c.leading()
      c.order(old.id, { kind: 'busy', forMs: 2 * PROMISE_MS })
      const next = await c.successor(old, clockMs())
      expect(old.to).toBeLessThan(next.from)
      await sleep(PROMISE_MS)
    },
  )

  everywhere(
    'a full disk of the server: no overlap, and tokens go on when there is space again',
    async (c, site) => {
      const old = await c.leading()
      fillDisk(site.pids())
      await c.until(() => old.revoked.length > 0, RECOVERY_MS, 'nothing can be written, nothing is believed')
      c.nobodyLeads()
      await site.down()
      await site.up()
      await c.reignAfter(old, clockMs())
    },
  )

  everywhere(
    'R48: a server that loses all data under living processes: they wait, and tokens go on',
    async (c, site) => {
      const old = await known(c)
      const at = clockMs()
      await site.empty()
      const next = await c.reignAfter(old, at)
      expect(next.from - at, 'the longest promise and a campaign are waited for').toBeGreaterThan(PROMISE_MS)
    },
  )
})

describe.runIf(here)('R48: a Redis without persistence, declared volatile', () => {
  it('restarts empty, and a process that remembers nothing joins: no overlap, tokens go on from the wall clock', async () => {
    const server = await startRedis()
    const c = await StoreCluster.over('redis', [server.port], { timing, spec: { durability: 'volatile' } })
    try {
      const old = await known(c)
      const newcomer = c.others(old.id)[0] as string
      c.signal(newcomer, 'SIGKILL')
      const at = clockMs()
      await server.restart('SIGKILL')
      const [next] = await Promise.all([c.reignAfter(old, at), c.startMember(newcomer)])
      expect(next.from - at).toBeGreaterThan(PROMISE_MS)
      expect(next.term).toBeGreaterThan(1_700_000_000_000)
      c.sound()
    } finally {
      await c.close()
      await server.stop()
    }
  })
})

describe.runIf(here)('R46: the clock of the host of the database', () => {
  it('is stepped by a day forwards and back, and by hours: the leader leads on', async () => {
    const clock = fakeClock()
    const { env } = clock
    const [postgres, redis] = await Promise.all([startPostgres({ env }), startRedis({ env })])
    // D as by default, so that a busy machine costs no leadership: what is asserted here is that nothing does
    const calm = { timing: { promiseMs: 5_000 }, spec: { timeoutMs: 1_000 } }
    const clusters = await Promise.all([
      StoreCluster.over('postgres', [postgres.port], calm),
      StoreCluster.over('redis', [redis.port], calm),
    ])
    try {
      const leaders = await Promise.all(clusters.map((c) => c.leading()))
      for (const seconds of [86_400, -86_400, 7_200, 0]) {
        clock.step(seconds)
        const now = async () => Number((await redis.command('TIME')).split('\r\n')[2])
        expect(Math.abs((await now()) - Date.now() / 1_000 - seconds)).toBeLessThan(10)
        const [row] = await postgres.query('SELECT extract(epoch FROM now()) AS now')
        expect(Math.abs(Number(row?.['now']) - Date.now() / 1_000 - seconds)).toBeLessThan(10)
        await sleep(1_300)
      }
      expect(clusters.map((c) => c.reigns.at(-1)?.term)).toEqual(leaders.map(({ term }) => term))
      for (const c of clusters) c.sound()
    } finally {
      await Promise.all(clusters.map((c) => c.close()))
      await Promise.all([postgres.stop(), redis.stop()])
    }
  })
})
