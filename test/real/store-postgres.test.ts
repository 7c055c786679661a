/**
 * Goal: what services and administrators do to connections of PostgreSQL costs no promise, and as a rule no leadership.
 * Method: three real processes over a real server; pools that recycle connections each second, a transaction pooler,
 * terminated backends, locks and statement time-outs.
 *
 * Numbers of bugs are those of the project's list of bugs of others. Read next: `stores.test.ts`, `store-cluster.ts`.
 */
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPgBouncer } from '../servers/pgbouncer'
import { type PostgresServer, startPostgres } from '../servers/postgres'
import { requireServers } from '../servers/require'
import { clockMs, PROMISE_MS, StoreCluster, type StoreClusterOptions, sleep } from './store-cluster'

const here = requireServers('elections over PostgreSQL and its connections', 'postgresql', 'pgbouncer')

/** D as by default, where a leadership has to be kept on a busy machine. */
const calm = { timing: { promiseMs: 5_000 }, spec: { timeoutMs: 1_000 } }

describe.runIf(here)('three processes over PostgreSQL', () => {
  let server: PostgresServer

  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(async () => server?.stop())

  async function over(
    options: StoreClusterOptions,
    test: (cluster: StoreCluster) => Promise<void>,
    port = server.port,
  ): Promise<void> {
    await server.query('DROP TABLE IF EXISTS conclave')
    const cluster = await StoreCluster.over('postgres', [port], options)
    try {
      await test(cluster)
      cluster.sound()
    } finally {
      await cluster.close()
    }
  }

  it('bug 66: connections that are recycled each second cost no leadership', async () => {
    const spec = { ...calm.spec, pool: { maxLifetimeSeconds: 1 } }
    await over({ ...calm, spec }, async (c) => {
      const reign = await c.leading()
      const backends = async () =>
        (
          await server.query(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE '%conclave%' AND pid <> pg_backend_pid()",
          )
        ).map(({ pid }) => Number(pid))
      const before = await backends()
      await sleep(6_000)
      expect(c.leader).toBe(reign.id)
      expect(c.reigns.at(-1)).toBe(reign)
      const after = await backends()
      expect(
        after.filter((pid) => before.includes(pid)),
        'none of the first sessions is left',
      ).toEqual([])
    })
  })

  it('bug 68: terminated backends are noticed, and cost no leadership', async () => {
    await over(calm, async (c) => {
      const reign = await c.leading()
      for (let i = 0; i < 5; i++) {
        await server.terminateSessions()
        await sleep(700)
      }
      expect(c.reigns.at(-1)).toBe(reign)
      expect(c.leader).toBe(reign.id)
    })
  })

  it('bug 65: through a transaction pooler with two sessions one leads, and hands over', async () => {
    const pooler = await startPgBouncer(server.port, 2)
    try {
      await over(
        calm,
        async (c) => {
          const old = await c.leading()
          c.order(old.id, { kind: 'resign', to: null })
          const next = await c.successor(old, clockMs())
          await sleep(1_000)
          expect(c.leader).toBe(next.id)
        },
        pooler.port,
      )
    } finally {
      await pooler.stop()
    }
  })

  it.each([
    ['slow statements', '0'],
    ['statements that the server cancels', '150ms'],
  ])(
    '%s, all behind a lock for longer than D: nobody leads then, somebody soon after',
    async (_, timeout) => {
      await server.query(`ALTER ROLE postgres SET statement_timeout = '${timeout}'`)
      await over({}, async (c) => {
        const old = await c.leading()
        const admin = new Client({
          host: '127.0.0.1',
          port: server.port,
          user: 'postgres',
          database: 'postgres',
        })
        await admin.connect()
        await admin.query('SET statement_timeout = 0')
        await admin.query('BEGIN; LOCK TABLE conclave IN ACCESS EXCLUSIVE MODE')
        const at = clockMs()
        await c.noticed(old, at)
        await sleep(at + PROMISE_MS - clockMs())
        c.nobodyLeads()
        await admin.query('COMMIT')
        await admin.end()
        await c.reignAfter(old, clockMs())
      })
    },
  )
})
