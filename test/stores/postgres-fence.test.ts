/**
 * Goal: the PostgreSQL fence keeps the contract of a fence on a real server, at every isolation level, across processes,
 * and a leader that was frozen cannot write when it comes back. Method: the suite, then one hazard per test; the frozen
 * leader is a real process that gets SIGSTOP.
 */
import { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fenceCompliance } from '../../src/compliance/fence'
import { type PostgresFence, type PostgresFenceOptions, postgresFence } from '../../src/fencing/postgres'
import { postgresFenceFunction, postgresFenceSchema } from '../../src/fencing/postgres-sql'
import type { Metrics } from '../../src/ports/metrics'
import { checkRuns } from '../fencing/runs'
import { type PostgresServer, startPostgres } from '../servers/postgres'
import { type FaultyProxy, startProxy } from '../servers/proxy'
import { requireServers } from '../servers/require'
import { startLeader } from './frozen-leader'
import { endedWhenReady, eventually } from './support'

const STALE = expect.objectContaining({ code: 'ELECTION_STALE_TOKEN' })
const LEVELS = ['read committed', 'repeatable read', 'serializable'] as const

const here = requireServers('the PostgreSQL fence', 'postgresql')

describe.runIf(here)('the PostgreSQL fence', () => {
  let server: PostgresServer
  let proxy: FaultyProxy
  const pools: Pool[] = []
  let made = 0

  beforeAll(async () => {
    server = await startPostgres()
    proxy = await startProxy(server.port)
    await server.query(
      'CREATE TABLE ledger (id int PRIMARY KEY, total int NOT NULL); INSERT INTO ledger VALUES (1, 0)',
    )
    await server.query(
      'CREATE TABLE log (place serial PRIMARY KEY, token bigint NOT NULL, writer text NOT NULL)',
    )
    await server.query(postgresFenceSchema())
    await server.query(postgresFenceFunction())
  })
  beforeEach(() => server.query('TRUNCATE log, conclave_fence; UPDATE ledger SET total = 0'))
  afterEach(async () => {
    await proxy.heal()
    await Promise.all(pools.splice(0).map((pool) => pool.end()))
  })
  afterAll(async () => {
    await proxy?.stop()
    await server?.stop()
  })

  function poolOf(max = 5, port = server.port): Pool {
    const pool = new Pool({ host: '127.0.0.1', port, user: 'postgres', max })
    pool.on('error', () => {})
    pools.push(pool)
    return pool
  }

  const fenceOf = (options: PostgresFenceOptions = {}) =>
    postgresFence(poolOf(), { waitMs: 5_000, ...options })
  const total = async () => (await server.query('SELECT total FROM ledger WHERE id = 1'))[0]?.['total']
  const log = async () =>
    (await server.query('SELECT token::int AS token FROM log ORDER BY place')).map((row) => row['token'])

  it('counts what it refuses, for whoever gave it a port', async () => {
    const counted: object[] = []
    const metrics: Metrics = {
      count: (name, labels) => counted.push({ name, ...labels }),
      observe() {},
      onCollect: () => () => {},
    }
    const fence = fenceOf({ metrics })
    await fence.check('ledger', { token: 2, holder: 'b', election: 'e' })
    await expect(fence.check('ledger', { token: 1, holder: 'a', election: 'e' })).rejects.toEqual(STALE)
    await expect(fence.check('ledger', { token: 3, holder: 'a', election: 'f' })).rejects.toThrow('election')
    const refusals = { name: 'conclave_fence_refusals_total', fence: 'postgres' }
    expect(counted).toEqual([
      { ...refusals, code: 'ELECTION_STALE_TOKEN' },
      { ...refusals, code: 'ELECTION_CONFIG_INVALID' },
    ])
  })

  it('takes a client that prepares whatever comes with values, as pg-native does', async () => {
    const pool = poolOf()
    const preparing = {
      async connect() {
        const client = await pool.connect()
        return {
          release: (destroy?: Error | boolean) => client.release(destroy),
          query: async (text: string, values?: unknown[]) => {
            if (values !== undefined && text.includes(';')) throw new Error('multiple commands with values')
            return client.query(text, values)
          },
        }
      },
    }
    const fence = postgresFence(preparing)
    await fence.prepare()
    await fence.guard('native', { token: 5, holder: 'a' }, (tx) => tx.query('SELECT 1'))
    expect(await fence.highest('native')).toMatchObject({ token: 5, holder: 'a' })
  })

  it('says why a statement failed', async () => {
    const fence = fenceOf({ table: 'not_there' })
    await expect(fence.check('x', { token: 1, holder: 'a' })).rejects.toMatchObject({
      code: 'ELECTION_STORAGE_FAILED',
      message: expect.stringContaining('relation "public.not_there" does not exist'),
    })
  })

  for (const isolation of LEVELS) {
    describe(`at ${isolation}`, () => {
      const tables = new Map<object, PostgresFenceOptions>()
      const open = async (options: PostgresFenceOptions) => {
        const fence = fenceOf(options)
        tables.set(fence, options)
        await fence.prepare()
        return fence
      }
      const cases = fenceCompliance({
        guards: true,
        create: () => open({ isolation, table: `fence_${++made}` }),
        reopen: (fence) => open(tables.get(fence) ?? {}),
      })
      for (const { name, run } of cases) it(name, run)

      it('P5: guarded writes of leaders in different processes are never out of order', async () => {
        const fences = [fenceOf({ isolation }), fenceOf({ isolation }), fenceOf({ isolation })]
        const tokens = Array.from({ length: 30 }, (_, i) => ((i * 17) % 30) + 1)
        const outcomes = await Promise.allSettled(
          tokens.map((token, i) =>
            fences[i % 3]!.guard('ledger', { token, holder: `h${token}` }, async (tx) => {
              await tx.query('INSERT INTO log (token, writer) VALUES ($1, $2)', [token, `h${token}`])
            }),
          ),
        )
        for (const outcome of outcomes)
          if (outcome.status === 'rejected') expect(outcome.reason).toEqual(STALE)
        const written = await log()
        expect(written).toEqual([...written].sort((a, b) => Number(a) - Number(b)))
        expect(written.at(-1)).toBe(30)
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(written.length)
      })

      it('R42: the work reads what the former holder of the resource wrote last', async () => {
        const fences = [fenceOf({ isolation }), fenceOf({ isolation })]
        await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            fences[i % 2]!.guard('ledger', { token: 7, holder: 'a' }, async (tx) => {
              const { rows } = await tx.query('SELECT total FROM ledger WHERE id = 1')
              await tx.query('UPDATE ledger SET total = $1 WHERE id = 1', [Number(rows[0]?.['total']) + 1])
            }),
          ),
        )
        expect(await total()).toBe(20)
      })
    })
  }

  it('R42: a run is taken together with the token, or not at all; an older table gets its column', async () => {
    await server.query('ALTER TABLE conclave_fence DROP COLUMN last_run')
    const fence = fenceOf()
    await fence.prepare()
    await checkRuns(fence, () => fenceOf(), 'job')
  })

  describe('one transaction', () => {
    it('a work that throws leaves no write, and its token was seen', async () => {
      const fence = fenceOf()
      const thrown = new Error('half way')
      const failing = fence.guard('ledger', { token: 7, holder: 'a' }, async (tx) => {
        await tx.query('UPDATE ledger SET total = 99')
        throw thrown
      })
      await expect(failing).rejects.toBe(thrown)
      expect(await total()).toBe(0)
      expect(await fence.highest('ledger')).toEqual({ token: 7, holder: 'a', election: null })
    })

    it('a refused claim runs nothing and leaves the connection in the pool', async () => {
      const pool = poolOf(1)
      const fence = postgresFence(pool, { waitMs: 5_000 })
      await fence.check('ledger', { token: 8, holder: 'b' })
      for (let i = 0; i < 3; i++) {
        await expect(
          fence.guard('ledger', { token: 7, holder: 'a' }, (tx) => tx.query('DELETE FROM ledger')),
        ).rejects.toEqual(STALE)
        await expect(fence.check('ledger', { token: 7, holder: 'a' })).rejects.toEqual(STALE)
      }
      expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
      expect(await total()).toBe(0)
    })

    it('a statement that failed and was not noticed fails the guard: nothing is committed by halves', async () => {
      const fence = fenceOf()
      const work = fence.guard('ledger', { token: 7, holder: 'a' }, async (tx) => {
        await tx.query('UPDATE ledger SET total = 5')
        await tx.query('SELECT 1 / 0').catch(() => {})
      })
      await expect(work).rejects.toMatchObject({
        code: 'ELECTION_STORAGE_FAILED',
        details: { outcome: 'rolledBack' },
      })
      expect(await total()).toBe(0)
    })

    it('a commit that the server refuses is told as such, with the cause', async () => {
      await server.query(
        'CREATE TABLE IF NOT EXISTS child (parent int REFERENCES ledger DEFERRABLE INITIALLY DEFERRED)',
      )
      const work = fenceOf().guard('ledger', { token: 7, holder: 'a' }, (tx) =>
        tx.query('INSERT INTO child VALUES (404)'),
      )
      await expect(work).rejects.toMatchObject({
        code: 'ELECTION_STORAGE_FAILED',
        details: { outcome: 'rolledBack' },
        cause: { code: '23503' },
      })
    })

    it('a commit whose answer is lost is told as unknown', async () => {
      const fence = postgresFence(poolOf(1, proxy.port), { waitMs: 200 })
      const work = fence.guard('ledger', { token: 7, holder: 'a' }, async (tx) => {
        await tx.query('UPDATE ledger SET total = 1')
        proxy.hold('down')
      })
      await expect(work).rejects.toMatchObject({
        code: 'ELECTION_STORAGE_FAILED',
        details: { outcome: 'unknown' },
      })
      expect(await total()).toBe(1)
    })

    it('the transaction cannot be used after its end, and a work that ends it itself is told so', async () => {
      const fence = fenceOf()
      const kept = await fence.guard('ledger', { token: 7, holder: 'a' }, (tx) => tx)
      await expect(kept.query('UPDATE ledger SET total = 1')).rejects.toMatchObject({
        code: 'ELECTION_STOPPED',
      })
      await expect(
        fence.guard('ledger', { token: 7, holder: 'a' }, (tx) => tx.query('COMMIT')),
      ).rejects.toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
    })

    it('two fences in one transaction: both claims, or neither', async () => {
      const [ledger, mail] = [fenceOf(), fenceOf({ table: 'mail_fence' })]
      await mail.prepare()
      await server.query('TRUNCATE mail_fence')
      const both = (token: number) =>
        ledger.guard('ledger', { token, holder: 'a' }, async (tx) => {
          await mail.checkIn(tx, 'outbox', { token: 3, holder: `h${token}` })
          await tx.query('UPDATE ledger SET total = $1', [token])
        })
      await both(7)
      await expect(both(8)).rejects.toEqual(STALE)
      expect(await total()).toBe(7)
      expect(await mail.highest('outbox')).toEqual({ token: 3, holder: 'h7', election: null })
    })

    it('checkIn in a transaction of one’s own: the mark counts from the commit on', async () => {
      const fence = fenceOf()
      const client = await poolOf(1).connect()
      await client.query('BEGIN')
      await fence.checkIn(client, 'ledger', { token: 7, holder: 'a' })
      expect(await fence.highest('ledger')).toBeNull()
      const waiting = fence.check('ledger', { token: 6, holder: 'b' })
      await client.query('COMMIT')
      await expect(waiting).rejects.toEqual(STALE)
      await client.query('BEGIN')
      await fence.checkIn(client, 'ledger', { token: 9, holder: 'a' })
      await client.query('ROLLBACK')
      await fence.check('ledger', { token: 8, holder: 'b' })
      client.release()
    })
  })

  describe('failures', () => {
    it('no server, no answer, no table: typed, and nothing was written', async () => {
      const fence = postgresFence(poolOf(1, proxy.port), { waitMs: 100 })
      const claim = { token: 7, holder: 'a' }
      await fence.check('ledger', claim)
      proxy.hold('down')
      await expect(fence.check('ledger', claim)).rejects.toMatchObject({ code: 'ELECTION_TIMEOUT' })
      await proxy.refuse()
      await expect(fence.check('ledger', claim)).rejects.toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
      await expect(fence.highest('ledger')).rejects.toMatchObject({ code: 'ELECTION_STORAGE_FAILED' })
      await proxy.heal()
      await fence.check('ledger', claim)
      const nowhere = fenceOf({ table: 'nowhere' })
      await expect(nowhere.guard('r', claim, () => 1)).rejects.toMatchObject({
        code: 'ELECTION_STORAGE_FAILED',
      })
    })

    it('a new connection that the server ends in the same bytes fails the check, not the process', async () => {
      const fence = postgresFence(poolOf(1, proxy.port), { waitMs: 5_000 })
      const check = () => fence.check('r', { token: 7, holder: 'a' })
      await expect(endedWhenReady(proxy, server, check)).rejects.toMatchObject({
        code: 'ELECTION_STORAGE_FAILED',
      })
      await check()
    })

    it('a session that is terminated in the middle of the work fails the work, and the next guard works', async () => {
      const fence = postgresFence(poolOf(1), { waitMs: 5_000 })
      const work = fence.guard('ledger', { token: 7, holder: 'a' }, async (tx) => {
        await tx.query('UPDATE ledger SET total = 1')
        await server.terminateSessions()
        await tx.query('UPDATE ledger SET total = 2')
      })
      await expect(work).rejects.toThrow()
      expect(await total()).toBe(0)
      await fence.guard('ledger', { token: 7, holder: 'a' }, (tx) => tx.query('UPDATE ledger SET total = 3'))
      expect(await total()).toBe(3)
    })

    it('a connection with an open transaction of somebody else is not used', async () => {
      const pool = poolOf(1)
      const careless = await pool.connect()
      await careless.query('BEGIN')
      careless.release()
      const fence = postgresFence(pool, { waitMs: 5_000 })
      await expect(fence.check('r', { token: 7, holder: 'a' })).rejects.toMatchObject({
        code: 'ELECTION_STORAGE_FAILED',
      })
      await fence.check('r', { token: 7, holder: 'a' })
      expect(await server.query('SELECT token::int AS token FROM conclave_fence')).toEqual([{ token: 7 }])
    })

    it('a check inside the work of the same resource waits for itself, and is told so', async () => {
      const fence = fenceOf({ waitMs: 100 })
      const work = fence.guard('r', { token: 7, holder: 'a' }, () =>
        fence.check('r', { token: 7, holder: 'a' }),
      )
      await expect(work).rejects.toMatchObject({ code: 'ELECTION_TIMEOUT' })
    })

    it('names and options that make no sense are refused', () => {
      const wrong: object[] = [
        { table: 'a"b' },
        { schema: '' },
        { isolation: 'none' },
        { waitMs: 0 },
        { idleMs: -1 },
        { tabel: 'x' },
      ]
      for (const options of wrong) {
        expect(() => fenceOf(options as PostgresFenceOptions), JSON.stringify(options)).toThrow(
          expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }),
        )
      }
      expect(() => postgresFence({} as never)).toThrow(
        expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }),
      )
    })
  })

  describe('in SQL', () => {
    const guarded = `WITH fence AS MATERIALIZED (SELECT conclave_fence_check('ledger', $1, $2))
      UPDATE ledger SET total = $3 FROM fence WHERE id = $4`

    it('the function in a statement: check and write are one step', async () => {
      const pool = poolOf()
      await pool.query(guarded, [8, 'b', 1, 1])
      await expect(pool.query(guarded, [7, 'a', 2, 1])).rejects.toMatchObject({ code: 'FENCE' })
      await expect(pool.query(guarded, [8, 'a', 2, 1])).rejects.toMatchObject({ code: 'FENCE' })
      expect(await total()).toBe(1)
      expect(await fenceOf().highest('ledger')).toEqual({ token: 8, holder: 'b', election: null })
    })

    it('the function in a trigger: rows carry their token', async () => {
      await server.query(`
        CREATE TABLE jobs (id int PRIMARY KEY, state text, fence_token bigint NOT NULL, fence_holder text NOT NULL);
        CREATE FUNCTION jobs_fence() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM conclave_fence_check('jobs', NEW.fence_token, NEW.fence_holder); RETURN NEW; END $$;
        CREATE TRIGGER fenced BEFORE INSERT OR UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION jobs_fence()`)
      const pool = poolOf()
      await pool.query(`INSERT INTO jobs VALUES (1, 'new', 7, 'a')`)
      await pool.query(`UPDATE jobs SET state = 'taken', fence_token = 8, fence_holder = 'b'`)
      const late = pool.query(`UPDATE jobs SET state = 'done', fence_token = 7, fence_holder = 'a'`)
      await expect(late).rejects.toMatchObject({ code: 'FENCE' })
      await expect(pool.query(`INSERT INTO jobs VALUES (2, 'new', 7, 'a')`)).rejects.toMatchObject({
        code: 'FENCE',
      })
      expect(await server.query('SELECT state FROM jobs')).toEqual([{ state: 'taken' }])
    })

    it('the function knows elections, and refuses what is no token', async () => {
      const pool = poolOf()
      await pool.query(`SELECT conclave_fence_check('r', 7, 'a', 'invoices')`)
      await expect(pool.query(`SELECT conclave_fence_check('r', 8, 'a', 'reports')`)).rejects.toMatchObject({
        code: 'FENCE',
      })
      for (const token of ['0', '-1', '9007199254740992', 'NULL']) {
        await expect(pool.query(`SELECT conclave_fence_check('s', ${token}, 'a')`)).rejects.toThrow()
      }
    })
  })

  describe('a restart of the server', () => {
    for (const mode of ['fast', 'immediate'] as const) {
      it(`P5: marks survive it (${mode})`, async () => {
        await fenceOf().check('ledger', { token: 2, holder: 'b' })
        await server.restart(mode)
        await expect(fenceOf().check('ledger', { token: 1, holder: 'a' })).rejects.toThrow(
          expect.objectContaining({ code: 'ELECTION_STALE_TOKEN' }),
        )
        await fenceOf().check('ledger', { token: 2, holder: 'b' })
      })
    }
  })

  describe('a frozen leader (SIGSTOP) that comes back', () => {
    for (const isolation of LEVELS) {
      it(`P5: frozen before its write, it is refused at ${isolation}`, async () => {
        const old = await startLeader('postgres', server.port, 'before', isolation)
        old.freeze()
        await fenceOf({ isolation }).guard('ledger', { token: 2, holder: 'b' }, (tx) =>
          tx.query('UPDATE ledger SET total = 2'),
        )
        old.thaw()
        expect(await old.outcome()).toBe('ELECTION_STALE_TOKEN')
        expect(await total()).toBe(2)
      })
    }

    it('P5: frozen inside its transaction, it blocks its successor for idleMs only, and its write is lost', async () => {
      const old = await startLeader('postgres', server.port, 'inside')
      old.freeze()
      const fence: PostgresFence = fenceOf()
      const startedAt = performance.now()
      await fence.guard('ledger', { token: 2, holder: 'b' }, (tx) => tx.query('UPDATE ledger SET total = 2'))
      expect(performance.now() - startedAt).toBeLessThan(4_000)
      old.thaw()
      expect(await old.outcome()).not.toBe('written')
      expect(await total()).toBe(2)
      await eventually(
        async () =>
          (await server.query(`SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in%'`)).length === 0,
      )
    })

    it('a leader that is not frozen writes', async () => {
      const leader = await startLeader('postgres', server.port, 'before')
      leader.thaw()
      expect(await leader.outcome()).toBe('written')
      expect(await total()).toBe(1)
    })
  })
})
