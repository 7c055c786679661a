/**
 * Goal: the PostgreSQL store keeps the port's promises on a real server, also when connections, sessions and the server
 * fail. Method: the suite over pools of one and five connections through a faulty proxy, then one fault per test.
 */
import { Client, Pool, type PoolConfig } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { casStoreCompliance } from '../../src/compliance/cas-store'
import { isElectionError } from '../../src/errors'
import { type PostgresOptions, postgres, postgresSchema } from '../../src/stores/postgres'
import { type PostgresServer, startPostgres } from '../servers/postgres'
import { type FaultyProxy, startProxy } from '../servers/proxy'
import { requireServers } from '../servers/require'
import { endedWhenReady, eventually, kindOf, readOne, rejectionsDuring, write } from './support'

describe.runIf(requireServers('the PostgreSQL store', 'postgresql'))('the PostgreSQL store', () => {
  let server: PostgresServer
  let proxy: FaultyProxy
  const pools: Pool[] = []
  const clients: Client[] = []

  beforeAll(async () => {
    server = await startPostgres()
    proxy = await startProxy(server.port)
    await server.query(postgresSchema())
  })
  afterEach(async () => {
    await proxy.heal()
    await Promise.all(pools.splice(0).map((pool) => pool.end()))
    await Promise.all(clients.splice(0).map((client) => client.end()))
  })
  afterAll(async () => {
    await proxy?.stop()
    await server?.stop()
  })

  const through = (port: number) => ({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })

  /** A pool that goes through the proxy. */
  function poolOf(max: number, config: PoolConfig = {}): Pool {
    const pool = new Pool({ ...through(proxy.port), max, ...config })
    pool.on('error', () => {})
    pools.push(pool)
    return pool
  }

  async function listen(): Promise<Client> {
    const client = new Client(through(proxy.port))
    client.on('error', () => {})
    await client.connect()
    return client
  }

  /** A connection of a bystander, straight to the server. */
  async function bystander(): Promise<Client> {
    const client = new Client(through(server.port))
    client.on('error', () => {})
    await client.connect()
    clients.push(client)
    return client
  }

  const storeOf = (max = 5, options: PostgresOptions = {}) =>
    postgres(poolOf(max), { timeoutMs: 500, ...options })
  const remove = async (key: string) => void (await server.query(`DELETE FROM conclave WHERE key = '${key}'`))

  for (const max of [1, 5]) {
    describe(`with a pool of ${max}, unanswered when broken`, () => {
      const harness = {
        create: () => storeOf(max, { listen }),
        remove,
        watches: true,
        async breakConnection() {
          proxy.hold('down')
          return () => proxy.heal()
        },
      }
      for (const { name, run } of casStoreCompliance(harness)) it(name, run)
    })
  }

  describe('with a wrapper that only has query(), refused when broken, through sessions that change all the time', () => {
    const harness = {
      create() {
        const pool = poolOf(3, { maxUses: 5 })
        return postgres({ query: (text, values) => pool.query(text, values) }, { timeoutMs: 500 })
      },
      remove,
      watches: false,
      async breakConnection() {
        await proxy.refuse()
        return () => proxy.heal()
      },
    }
    for (const { name, run } of casStoreCompliance(harness)) it(name, run)
  })

  describe('R47: what a failure proves', () => {
    it('a refused connection is failed, for reads and writes', async () => {
      const store = storeOf()
      await proxy.refuse()
      expect(await store.read(['k'])).toMatchObject({ kind: 'failed', error: { code: 'ECONNREFUSED' } })
      expect(await store.write('k', null, 'v')).toMatchObject({
        kind: 'failed',
        error: { code: 'ECONNREFUSED' },
      })
    })

    it('a swallowed answer is ambiguous within the time-out, and the write was applied', async () => {
      const store = storeOf(1)
      await readOne(store, 'swallowed')
      proxy.hold('down')
      const startedAt = performance.now()
      const result = await store.write('swallowed', null, 'applied')
      expect(performance.now() - startedAt).toBeLessThan(1_000)
      expect(result).toMatchObject({ kind: 'ambiguous', error: { code: 'ELECTION_TIMEOUT' } })
      await proxy.heal()
      expect((await readOne(store, 'swallowed'))?.value).toBe('applied')
    })

    it('a swallowed request is ambiguous, and may be applied after the time-out', async () => {
      const store = storeOf(1)
      await readOne(store, 'late')
      proxy.hold('up')
      expect(await kindOf(store.write('late', null, 'applied'))).toBe('ambiguous')
      await proxy.heal()
      await eventually(async () => (await readOne(store, 'late'))?.value === 'applied')
    })

    it('no free connection within the time-out is failed: nothing was sent', async () => {
      const pool = poolOf(1)
      const store = postgres(pool, { timeoutMs: 100 })
      const taken = await pool.connect()
      expect(await store.write('unsent', null, 'v')).toMatchObject({
        kind: 'failed',
        error: { code: 'ELECTION_TIMEOUT' },
      })
      taken.release()
      expect(await readOne(store, 'unsent')).toBeNull()
      expect(pool.idleCount).toBe(1)
    })

    it('a new connection that the server ends in the same bytes fails the call, not the process', async () => {
      const store = storeOf(1)
      expect(await kindOf(endedWhenReady(proxy, server, () => store.read(['k'])))).toBe('failed')
      expect(await kindOf(store.read(['k']))).toBe('ok')
    })

    it('a new connection that the server ends in the same bytes carries no write: failed', async () => {
      const store = storeOf(1)
      const write = () => store.write('never sent', null, 'v')
      expect(await kindOf(endedWhenReady(proxy, server, write))).toBe('failed')
      expect(await readOne(store, 'never sent')).toBeNull()
    })

    it('a pool of a wrapper lends connections that are no emitters', async () => {
      const pool = poolOf(1)
      const lend = async () => {
        const client = await pool.connect()
        const query = (text: string, values: unknown[]) => client.query(text, values)
        return { query, release: (destroy?: Error | boolean) => client.release(destroy) }
      }
      const { query } = pool
      const store = postgres({ query: query.bind(pool), connect: lend, totalCount: 1 }, { timeoutMs: 500 })
      expect(await kindOf(store.write('lent', null, 'v'))).toBe('ok')
      expect((await readOne(store, 'lent'))?.value).toBe('v')
      expect(pool.idleCount).toBe(1)
    })

    it('a half-open link blocks a pool of one for one time-out only', async () => {
      const store = storeOf(1)
      await readOne(store, 'half-open')
      proxy.strand()
      expect(await kindOf(store.read(['half-open']))).toBe('failed')
      expect(await kindOf(store.write('half-open', null, 'v'))).toBe('ok')
    })

    it('a session that is terminated in the middle of a write is ambiguous, and the next call works', async () => {
      const pool = poolOf(1)
      const store = postgres(pool, { timeoutMs: 5_000 })
      const version = await write(store, 'terminated', null, 'one')
      const other = await bystander()
      await other.query(`BEGIN; SELECT 1 FROM conclave WHERE key = 'terminated' FOR UPDATE`)
      const blocked = store.write('terminated', version, 'two')
      await eventually(async () => (await waiting()) === 1)
      await server.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'`,
      )
      expect(await kindOf(blocked)).toBe('ambiguous')
      await other.query('ROLLBACK')
      expect(await readOne(store, 'terminated')).toEqual({ version, value: 'one' })
      expect(await kindOf(store.write('terminated', version, 'two'))).toBe('ok')
    })

    it('idle sessions that were terminated cost one call at most', async () => {
      const store = storeOf(5)
      await Promise.all(Array.from({ length: 5 }, () => readOne(store, 'idle')))
      await server.terminateSessions()
      await eventually(async () => (await store.read(['idle'])).kind === 'ok')
      expect(await kindOf(store.write('idle', null, 'v'))).toBe('ok')
    })

    for (const mode of ['fast', 'immediate'] as const) {
      it(`after a restart of the server (${mode}) records and versions are the same`, async () => {
        const store = storeOf(2)
        const version = await write(store, `restart ${mode}`, null, 'one')
        await server.restart(mode)
        await eventually(async () => (await store.read(['k'])).kind === 'ok')
        expect(await readOne(store, `restart ${mode}`)).toEqual({ version, value: 'one' })
      })
    }

    it('a statement that the server cancels (statement_timeout) is failed', async () => {
      const store = postgres(poolOf(1, { statement_timeout: 100 }), { timeoutMs: 5_000 })
      const version = await write(store, 'cancelled', null, 'one')
      const other = await bystander()
      await other.query(`BEGIN; SELECT 1 FROM conclave WHERE key = 'cancelled' FOR UPDATE`)
      const result = await store.write('cancelled', version, 'two')
      expect(result).toMatchObject({ kind: 'failed', error: { code: '57014' } })
      await other.query('ROLLBACK')
      expect(await readOne(store, 'cancelled')).toEqual({ version, value: 'one' })
    })

    it('a lock that is not to be had (lock_timeout) is failed', async () => {
      const store = postgres(poolOf(1, { lock_timeout: 50 }), { timeoutMs: 5_000 })
      const other = await bystander()
      await other.query('BEGIN; LOCK TABLE conclave IN ACCESS EXCLUSIVE MODE')
      expect(await store.write('locked', null, 'v')).toMatchObject({
        kind: 'failed',
        error: { code: '55P03' },
      })
      await other.query('ROLLBACK')
    })

    for (const level of ['repeatable read', 'serializable']) {
      it(`two writers at ${level}: one is applied, the other is not`, async () => {
        const options = `-c default_transaction_isolation=${level.replace(' ', '\\ ')}`
        const store = postgres(poolOf(5, { options }), { timeoutMs: 5_000 })
        const version = await write(store, level, null, 'one')
        const other = await bystander()
        await other.query(
          `BEGIN; UPDATE conclave SET version = DEFAULT, value = 'theirs' WHERE key = '${level}'`,
        )
        const blocked = store.write(level, version, 'ours')
        await eventually(async () => (await waiting()) === 1)
        await other.query('COMMIT')
        expect(await blocked).toMatchObject({ kind: 'failed', error: { code: '40001' } })
        expect((await readOne(store, level))?.value).toBe('theirs')
        expect(await kindOf(store.write(level, version, 'ours'))).toBe('conflict')
      })
    }

    it('a read-only session and a missing table are failed', async () => {
      const readOnly = postgres(poolOf(1, { options: '-c default_transaction_read_only=on' }), {
        timeoutMs: 500,
      })
      expect(await readOnly.write('k', null, 'v')).toMatchObject({ kind: 'failed', error: { code: '25006' } })
      const nowhere = storeOf(1, { table: 'nowhere' })
      expect(await nowhere.read(['k'])).toMatchObject({ kind: 'failed', error: { code: '42P01' } })
      expect(await nowhere.write('k', null, 'v')).toMatchObject({ kind: 'failed', error: { code: '42P01' } })
    })

    it('a connection with an open transaction of somebody else is not used', async () => {
      const pool = poolOf(1)
      const store = postgres(pool, { timeoutMs: 500 })
      const careless = await pool.connect()
      await careless.query('BEGIN')
      careless.release()
      expect(await kindOf(store.write('leaked', null, 'v'))).toBe('failed')
      expect(await kindOf(store.write('leaked', null, 'v'))).toBe('ok')
      expect(await server.query(`SELECT value FROM conclave WHERE key = 'leaked'`)).toEqual([{ value: 'v' }])
    })

    it('text that PostgreSQL cannot hold is failed', async () => {
      expect(await kindOf(storeOf(1).write('nul', null, 'a\u0000b'))).toBe('failed')
    })

    it('a driver that throws, or answers nonsense, makes results, no exceptions', async () => {
      const throwing = postgres({
        query() {
          throw new Error('broken driver')
        },
      })
      expect(await kindOf(throwing.read(['k']))).toBe('failed')
      expect(await kindOf(throwing.write('k', null, 'v'))).toBe('ambiguous')
      const silent = postgres({ query: async () => ({}) as never })
      expect(await kindOf(silent.read(['k']))).toBe('failed')
      expect(await kindOf(silent.write('k', null, 'v'))).toBe('ambiguous')
    })
  })

  describe('R51: nothing belongs to a session', () => {
    it('no prepared statement, no advisory lock, no setting is left behind', async () => {
      const pool = poolOf(1)
      const store = postgres(pool, { timeoutMs: 500 })
      await write(store, 'session', null, 'v')
      await readOne(store, 'session')
      const { rows } = await pool.query(`SELECT
        (SELECT count(*) FROM pg_prepared_statements)::int AS prepared,
        (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')::int AS locks,
        (SELECT count(*) FROM pg_settings WHERE source = 'session' AND name <> 'application_name')::int AS settings`)
      expect(rows).toEqual([{ prepared: 0, locks: 0, settings: 0 }])
    })

    it('connections that are recycled all the time change nothing', async () => {
      const store = postgres(poolOf(2, { maxUses: 1 }), { timeoutMs: 500 })
      let version = await write(store, 'recycled', null, '0')
      for (let i = 1; i < 20; i++) version = await write(store, 'recycled', version, String(i))
      expect(await readOne(store, 'recycled')).toEqual({ version, value: '19' })
    })
  })

  describe('the table', () => {
    it('is created by prepare(), at the same time by ten processes', async () => {
      const stores = Array.from({ length: 10 }, () => storeOf(1, { table: 'Made_By_Prepare' }))
      await Promise.all(stores.map((store) => store.prepare?.()))
      const columns = await server.query(
        `SELECT column_name AS name, data_type AS type, column_default AS default FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name = 'Made_By_Prepare' ORDER BY ordinal_position`,
      )
      expect(columns).toEqual([
        { name: 'key', type: 'text', default: null },
        { name: 'version', type: 'uuid', default: 'gen_random_uuid()' },
        { name: 'value', type: 'text', default: null },
      ])
    })

    it('is not created where it must not be, and the refusal says what is missing', async () => {
      const store = storeOf(1, { table: 'not_ours', create: false })
      const refusal = await store.prepare?.().catch((error: unknown) => error)
      expect(isElectionError(refusal, 'ELECTION_STORAGE_FAILED')).toBe(true)
      expect(String(refusal)).toContain('"public.not_ours" does not exist')
    })

    it('is refused when it is another one', async () => {
      await server.query('CREATE TABLE another (key text PRIMARY KEY)')
      await expect(storeOf(1, { table: 'another' }).prepare?.()).rejects.toMatchObject({
        code: 'ELECTION_STORAGE_FAILED',
      })
    })

    it('may be used by a role that cannot create tables', async () => {
      await server.query(`CREATE ROLE modest LOGIN; GRANT SELECT, INSERT, UPDATE ON conclave TO modest`)
      const store = postgres(poolOf(1, { user: 'modest' }), { timeoutMs: 500 })
      await store.prepare?.()
      expect(await kindOf(store.write('modest', null, 'v'))).toBe('ok')
    })

    it('its name cannot carry SQL, and its schema is always named', async () => {
      for (const name of ['', 'a b', 'a"b', 'a;b', "a'b", 'a.b', '1a', 'é', 'x'.repeat(64), 7 as never]) {
        expect(() => postgres(poolOf(1), { table: name }), name).toThrow(/must match/)
        expect(() => postgresSchema({ schema: name }), name).toThrow(/must match/)
      }
      expect(postgresSchema({ table: 'T' })).toContain('"public"."T"')
    })

    it('a row that was changed by hand with version = DEFAULT has a new version', async () => {
      const store = storeOf(1)
      const version = await write(store, 'by-hand', null, 'ours')
      await server.query(`UPDATE conclave SET version = DEFAULT, value = 'theirs' WHERE key = 'by-hand'`)
      expect(await kindOf(store.write('by-hand', version, 'ours'))).toBe('conflict')
    })

    it('renewals are updates in place: the index does not grow with them', async () => {
      const pool = poolOf(1)
      const store = postgres(pool, { table: 'hot', timeoutMs: 500 })
      await store.prepare?.()
      let version = await write(store, 'hot', null, '0')
      for (let i = 1; i <= 60; i++) version = await write(store, 'hot', version, `{"seq":${i}}`)
      await pool.query('SELECT pg_stat_force_next_flush()')
      await eventually(async () => {
        const [row] = await server.query(
          `SELECT n_tup_upd::int AS all, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname = 'hot'`,
        )
        return row?.['all'] === 60 && Number(row['hot']) >= 55
      })
    })
  })

  describe('waking', () => {
    it('a lost listening connection is opened again, and its watcher is woken for what it missed', async () => {
      const store = storeOf(2, { listen })
      const woken: (string | null)[] = []
      const watch = store.watch!('lost/', (key) => woken.push(key))
      await eventually(() => woken.includes(null))
      woken.length = 0
      await server.terminateSessions()
      await eventually(() => woken.includes(null))
      await eventually(async () => (await store.write('lost/a', null, 'v')).kind !== 'failed')
      await eventually(() => woken.includes('lost/a'))
      watch.stop()
    })

    it('the listening connection ends with the last watch, also when it is still being opened', async () => {
      let open = 0
      const store = storeOf(1, {
        async listen() {
          const client = await listen()
          open += 1
          client.on('end', () => {
            open -= 1
          })
          return client
        },
      })
      const early = store.watch!('', () => {})
      early.stop()
      const woken: (string | null)[] = []
      const watches = [1, 2].map(() => store.watch!('', (key) => woken.push(key)))
      await eventually(() => woken.length >= 2)
      expect(open).toBe(1)
      for (const watch of watches) watch.stop()
      await eventually(() => open === 0)
    })

    it('a listen function that fails, or returns no client, is tried again', async () => {
      const answers: unknown[] = [
        () => {
          throw new Error('no connection to be had')
        },
        () => Promise.resolve(undefined),
        () => Promise.resolve({ on() {}, query: () => Promise.reject(new Error('no')), end() {} }),
        listen,
      ]
      const store = storeOf(1, { listen: () => (answers.shift() as typeof listen)() })
      const woken: (string | null)[] = []
      const rejections = await rejectionsDuring(async () => {
        const watch = store.watch!('', (key) => woken.push(key))
        await eventually(() => woken.includes(null))
        watch.stop()
      })
      expect([answers.length, rejections]).toEqual([0, []])
    })

    it('without listen there is no watch and nothing is notified; notify alone tells others', async () => {
      expect(storeOf(1).watch).toBeUndefined()
      const hearing = await bystander()
      const heard: string[] = []
      hearing.on('notification', ({ payload }) => heard.push(payload ?? ''))
      await hearing.query('LISTEN conclave')
      await write(storeOf(1), 'quiet', null, 'v')
      await write(storeOf(1, { notify: true }), 'loud', null, 'v')
      await eventually(() => heard.length > 0)
      expect(heard).toEqual(['loud'])
    })
  })

  it('R46: a standby is refused, for reads and for writes', async () => {
    const standby = await startPostgres({ standbyOf: server })
    try {
      const pool = new Pool(through(standby.port))
      pool.on('error', () => {})
      pools.push(pool)
      const store = postgres(pool, { timeoutMs: 2_000 })
      expect(await store.read(['k'])).toMatchObject({
        kind: 'failed',
        error: { message: expect.stringContaining('standby') },
      })
      expect(await store.write('k', null, 'v')).toMatchObject({ kind: 'failed', error: { code: '25006' } })
    } finally {
      await standby.stop()
    }
  })

  it('options that make no sense are refused', () => {
    const pool = poolOf(1)
    const wrong: object[] = [
      { tabel: 'conclave' },
      { timeoutMs: 0 },
      { timeoutMs: 1.5 },
      { timeoutMs: Number.NaN },
      { durability: 'forever' },
      { listen: new Client() },
    ]
    for (const options of wrong) {
      expect(() => postgres(pool, options as PostgresOptions), JSON.stringify(options)).toThrow(
        expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }),
      )
    }
    expect(() => postgres({} as never)).toThrow(expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }))
  })

  /** Sessions that wait for a lock. */
  async function waiting(): Promise<number> {
    return (await server.query(`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)).length
  }
})
