/**
 * Goal: criteria and hand-overs hold over real stores as they do in memory (R21, R37, R69, R82). Method: three electors with
 * different priorities over one PostgreSQL, one Redis and one etcd, side by side; real clients, real time.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection, type Election, type ElectionOptions } from 'conclave'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startEtcd } from '../servers/etcd'
import { startPostgres } from '../servers/postgres'
import { startRedis } from '../servers/redis'
import { requireServers } from '../servers/require'
import { type StoreKind, storeService } from './store-service'

const here = requireServers('criteria over real stores', 'postgresql', 'redis', 'etcd')
const TIMING = { promiseMs: 2_000, heartbeatMs: 400 }
const PRIORITIES = { a: 1, b: 5, c: 9 }

/** Three contenders at one store, and what their elections are called. */
class Trio {
  private readonly elections = new Map<string, Election>()

  constructor(
    readonly kind: StoreKind,
    private readonly port: number,
    private readonly name: string,
    private readonly settings: Partial<ElectionOptions> = {},
  ) {}

  of(id: string): Election {
    return this.elections.get(id) as Election
  }

  get leader(): string | null {
    return [...this.elections].find(([, election]) => election.isLeader())?.[0] ?? null
  }

  async start(...ids: (keyof typeof PRIORITIES)[]): Promise<void> {
    for (const id of ids) {
      const spec = { kind: this.kind, ports: [this.port], from: import.meta.url, timeoutMs: 300 }
      const { voters } = await storeService(spec)
      const { name, settings } = this
      const election = createElection({
        ...{ cluster: 'criteria', name, id, voters, timing: TIMING, priority: PRIORITIES[id], ...settings },
      })
      this.elections.set(id, election)
      await election.start()
    }
  }

  async until(what: string, isSo: () => boolean, limitMs = 15_000): Promise<void> {
    const end = performance.now() + limitMs
    while (!isSo()) {
      if (performance.now() > end) throw new Error(`${this.kind}: not within ${limitMs} ms: ${what}`)
      await sleep(20)
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.elections.values()].map((election) => election.stop()))
  }
}

describe.runIf(here)('criteria over PostgreSQL, Redis and etcd', () => {
  const ports = new Map<StoreKind, number>()
  const servers: { stop(): Promise<void> }[] = []

  beforeAll(async () => {
    const [postgres, redis, etcd] = await Promise.all([startPostgres(), startRedis(), startEtcd()])
    servers.push(postgres, redis, etcd)
    ports
      .set('postgres', postgres.port)
      .set('redis', redis.port)
      .set('etcd', etcd.ports[0] as number)
  })
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()))
  })

  /** The same at each store, all at once. */
  function everywhere(
    title: string,
    settings: Partial<ElectionOptions>,
    body: (trio: Trio) => Promise<void>,
  ) {
    it(title, async () => {
      const trios = [...ports].map(([kind, port]) => new Trio(kind, port, title.slice(0, 3), settings))
      try {
        await Promise.all(trios.map(body))
      } finally {
        await Promise.all(trios.map((trio) => trio.stop()))
      }
    })
  }

  everywhere(
    'R21, R82: the best contender takes over, and a name that nobody bears is no dead end',
    {},
    async (trio) => {
      await trio.start('a')
      await trio.until('a leads', () => trio.leader === 'a')
      await trio.start('b', 'c')
      // everybody has looked at the list
      await sleep(6 * TIMING.heartbeatMs)
      const first = await trio.of('a').resign({ timeoutMs: 10_000, cooldownMs: 60_000 })
      expect(first, trio.kind).toMatchObject({ leader: 'c', failure: null })
      const token = trio.of('c').leadership?.token ?? 0
      const second = await trio.of('c').resign({ to: 'nobody', timeoutMs: 10_000, cooldownMs: 60_000 })
      expect(second, trio.kind).toMatchObject({ leader: 'b', failure: 'anotherLeads', released: true })
      expect(second.leaderlessMs, 'four looks, on a busy machine').toBeLessThan(8 * TIMING.heartbeatMs)
      expect(trio.of('b').leadership?.token).toBeGreaterThan(token)
    },
  )

  everywhere(
    'R37, R82: a settled leader hands over to a better one',
    { preferAfterMs: 2_500 },
    async (trio) => {
      await trio.start('b')
      await trio.until('b leads', () => trio.leader === 'b')
      const reasons: string[] = []
      trio.of('b').on('revoked', ({ reason }) => reasons.push(reason))
      await trio.start('a', 'c')
      await trio.until('c leads', () => trio.leader === 'c')
      expect(reasons).toEqual(['transferred'])
      await sleep(3_000)
      expect([trio.leader, ...reasons], 'and stays there').toEqual(['c', 'transferred'])
    },
  )
})
