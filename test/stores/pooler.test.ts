/**
 * Goal: store and fence work through a transaction pooler (R51). Method: the suites through PgBouncer in transaction mode,
 * which gives each transaction any of three sessions, with more clients than sessions.
 */
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { casStoreCompliance } from '../../src/compliance/cas-store'
import { fenceCompliance } from '../../src/compliance/fence'
import { postgresFence } from '../../src/fencing/postgres'
import { postgres } from '../../src/stores/postgres'
import { type PgBouncer, startPgBouncer } from '../servers/pgbouncer'
import { type PostgresServer, startPostgres } from '../servers/postgres'
import { requireServers } from '../servers/require'
import { write } from './support'

const here = requireServers('PostgreSQL through a pooler', 'postgresql', 'pgbouncer')

describe.runIf(here)('R51: through PgBouncer in transaction mode', () => {
  let server: PostgresServer
  let pooler: PgBouncer
  let pool: Pool

  beforeAll(async () => {
    server = await startPostgres()
    pooler = await startPgBouncer(server.port, 3)
    pool = new Pool({ host: '127.0.0.1', port: pooler.port, user: 'postgres', database: 'postgres', max: 8 })
    await postgres(pool).prepare?.()
  })
  afterAll(async () => {
    await pool?.end()
    await pooler?.stop()
    await server?.stop()
  })

  describe('the store', () => {
    const harness = {
      create: () => postgres(pool, { timeoutMs: 2_000 }),
      async remove(key: string) {
        await server.query(`DELETE FROM conclave WHERE key = '${key}'`)
      },
      watches: false,
    }
    for (const { name, run } of casStoreCompliance(harness)) it(name, run)

    it('really uses several sessions for one client', async () => {
      const store = postgres(pool, { timeoutMs: 2_000 })
      let version: string | null = null
      for (let i = 0; i < 10; i++) version = await write(store, 'sessions', version, String(i))
      const [row] = await server.query(
        `SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE backend_type = 'client backend' AND query LIKE '%conclave%' AND pid <> pg_backend_pid()`,
      )
      expect(Number(row?.['sessions'])).toBeGreaterThan(1)
    })
  })

  describe('the fence', () => {
    let made = 0
    const cases = fenceCompliance({
      guards: true,
      async create() {
        const fence = postgresFence(pool, { table: `fence_${++made}`, waitMs: 5_000 })
        await fence.prepare()
        return fence
      },
    })
    for (const { name, run } of cases) it(name, run)
  })
})
