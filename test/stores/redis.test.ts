/**
 * Goal: the Redis store keeps the port's promises on a real server, with both client libraries, also when connections and
 * the server fail. Method: the suite over either library through a faulty proxy, then one fault per test.
 */
import { EventEmitter } from 'node:events'
import { Redis as IoRedis, Cluster as IoRedisCluster, type RedisOptions as IoRedisOptions } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { casStoreCompliance } from '../../src/compliance/cas-store'
import type { CasStore } from '../../src/ports/cas-store'
import { type IoRedisClient, type RedisClient, type RedisOptions, redis } from '../../src/stores/redis'
import { type FaultyProxy, startProxy } from '../servers/proxy'
import { type RedisServer, startRedis } from '../servers/redis'
import { requireServers } from '../servers/require'
import { eventually, kindOf, readOne, rejectionsDuring, write } from './support'

const LIBRARIES = ['ioredis', 'node-redis'] as const
type Library = (typeof LIBRARIES)[number]

describe.runIf(requireServers('the Redis store', 'redis'))('the Redis store', () => {
  let server: RedisServer
  let proxy: FaultyProxy
  const ends: (() => unknown)[] = []

  beforeAll(async () => {
    server = await startRedis()
    proxy = await startProxy(server.port)
  })
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
    await proxy.heal()
  })
  afterAll(async () => {
    await proxy?.stop()
    await server?.stop()
  })

  function ioRedis(options: IoRedisOptions = {}, port = proxy.port): IoRedis {
    const client = new IoRedis({ host: '127.0.0.1', port, retryStrategy: () => 20, ...options })
    client.on('error', () => {})
    ends.push(() => client.disconnect())
    return client
  }

  /** With the time-out that the adapter's documentation asks for: it ends reconnections that got stuck. */
  const STEADFAST = { reconnectStrategy: 20, socketTimeout: 2_000 }

  async function nodeRedis(port = proxy.port, options: object = STEADFAST) {
    const client = createClient({ socket: { host: '127.0.0.1', port, ...options } })
    client.on('error', () => {})
    ends.push(() => client.isOpen && client.destroy())
    await client.connect()
    return client
  }

  async function storeOf(library: Library, options: RedisOptions = {}): Promise<CasStore> {
    const client = library === 'ioredis' ? ioRedis() : await nodeRedis()
    return redis(client, { timeoutMs: 500, ...options })
  }

  const remove = async (key: string) => void (await server.command('DEL', `{conclave}:${key}`))

  for (const library of LIBRARIES) {
    describe(`with ${library}, unanswered when broken`, () => {
      const harness = {
        create: () => storeOf(library),
        remove,
        watches: true,
        async breakConnection() {
          proxy.hold('down')
          return () => proxy.heal()
        },
      }
      for (const { name, run } of casStoreCompliance(harness)) it(name, run)
    })

    describe(`with ${library}, refused when broken`, () => {
      const harness = {
        create: () => storeOf(library, { notify: false, prefix: 'another' }),
        watches: true,
        async breakConnection() {
          await proxy.refuse()
          return () => proxy.heal()
        },
      }
      const cases = casStoreCompliance(harness)
      for (const { name, run } of cases.filter(({ name }) => name.startsWith('R47'))) it(name, run)
    })

    describe(`R47: what a failure proves, with ${library}`, () => {
      it('a refused connection is failed, for reads and writes', async () => {
        const store = await storeOf(library)
        await readOne(store, 'k')
        await proxy.refuse()
        await eventually(async () => (await store.write('refused', null, 'v')).kind === 'failed')
        expect(await kindOf(store.read(['k']))).toBe('failed')
      })

      it('a swallowed answer is ambiguous within the time-out, and the write was applied', async () => {
        const store = await storeOf(library)
        await readOne(store, 'k')
        proxy.hold('down')
        const startedAt = performance.now()
        const result = await store.write(`swallowed ${library}`, null, 'applied')
        expect(performance.now() - startedAt).toBeLessThan(1_000)
        expect(result).toMatchObject({ kind: 'ambiguous', error: { code: 'ELECTION_TIMEOUT' } })
        proxy.cut()
        await proxy.heal()
        const honest = redis(ioRedis({}, server.port))
        expect((await readOne(honest, `swallowed ${library}`))?.value).toBe('applied')
      })

      it('a connection that breaks before the answer: ambiguous, or the truth', async () => {
        const store = await storeOf(library)
        const honest = redis(ioRedis({}, server.port))
        let version: string | null = null
        for (let i = 0; i < 10; i++) {
          await eventually(async () => (await store.read(['k'])).kind === 'ok')
          proxy.hold('down')
          const answer = store.write(`cut ${library}`, version, String(i))
          await proxy.next('down')
          proxy.cut()
          await proxy.heal()
          const result = await answer
          const record = await readOne(honest, `cut ${library}`)
          expect(record?.value).toBe(String(i))
          if (result.kind === 'ok') expect(result.version).toBe(record?.version)
          else expect(result.kind).toBe('ambiguous')
          version = record?.version ?? null
        }
      })

      it('SCRIPT FLUSH is not noticed', async () => {
        const store = await storeOf(library)
        const version = await write(store, `flushed ${library}`, null, 'one')
        await server.command('SCRIPT', 'FLUSH')
        const next = await write(store, `flushed ${library}`, version, 'two')
        await server.command('SCRIPT', 'FLUSH')
        expect(await readOne(store, `flushed ${library}`)).toEqual({ version: next, value: 'two' })
      })

      it('R68: after FLUSHALL records are absent, and old versions fit nothing', async () => {
        const store = await storeOf(library)
        const version = await write(store, 'gone', null, 'one')
        await server.command('FLUSHALL')
        expect(await readOne(store, 'gone')).toBeNull()
        expect(await kindOf(store.write('gone', version, 'two'))).toBe('conflict')
        expect(await write(store, 'gone', null, 'one')).not.toBe(version)
        expect(await kindOf(store.write('gone', version, 'two'))).toBe('conflict')
      })

      it('after a restart without persistence it answers again, and everything is absent (R48)', async () => {
        const store = await storeOf(library)
        const version = await write(store, 'restarted', null, 'one')
        await server.restart('SIGKILL')
        await eventually(async () => (await store.read(['restarted'])).kind === 'ok')
        expect(await readOne(store, 'restarted')).toBeNull()
        expect(await kindOf(store.write('restarted', version, 'two'))).toBe('conflict')
      })

      it('a server that hangs: failed reads and ambiguous writes, then it goes on', async () => {
        const store = await storeOf(library)
        const version = await write(store, `hung ${library}`, null, 'one')
        server.freeze()
        expect(await kindOf(store.read(['k']))).toBe('failed')
        expect(await kindOf(store.write(`hung ${library}`, version, 'two'))).toBe('ambiguous')
        server.thaw()
        await eventually(async () => (await readOne(store, `hung ${library}`))?.value === 'two')
      })

      it('a key that holds something else is failed, never overwritten', async () => {
        const store = await storeOf(library)
        await server.command('SET', '{conclave}:foreign', 'theirs')
        expect(await kindOf(store.read(['foreign']))).toBe('failed')
        expect(await kindOf(store.write('foreign', null, 'ours'))).toBe('conflict')
        await server.command('RPUSH', '{conclave}:list', 'theirs')
        expect(await kindOf(store.read(['list']))).toBe('failed')
        expect(await kindOf(store.write('list', null, 'ours'))).toBe('failed')
        expect(await server.command('GET', '{conclave}:foreign')).toContain('theirs')
      })
    })
  }

  describe('R47: a client that sends again', () => {
    it('finds the mark of its first run, also when others wrote meanwhile', async () => {
      // The reply is held, so ioredis sees its connection die with the command unanswered, and sends it once more.
      const client = ioRedis({ autoResendUnfulfilledCommands: true })
      const store = redis(client, { timeoutMs: 5_000 })
      const other = redis(ioRedis({}, server.port), { timeoutMs: 5_000 })
      await readOne(store, 'k')
      proxy.hold('down')
      const answer = store.write('again', null, 'first')
      await eventually(async () => (await readOne(other, 'again')) !== null)
      const seen = await readOne(other, 'again')
      await write(other, 'again', seen?.version ?? null, 'second')
      proxy.cut()
      await proxy.heal()
      expect(await answer).toEqual({ kind: 'ok', version: seen?.version })
      expect((await readOne(other, 'again'))?.value).toBe('second')
    })

    it('leaves marks that expire, and nothing else', async () => {
      await server.command('FLUSHALL')
      const store = redis(ioRedis(), { timeoutMs: 50 })
      await eventually(async () => (await store.write('marked', null, 'v')).kind !== 'failed')
      await eventually(async () => (await server.command('DBSIZE')).startsWith(':1'))
      expect(await server.command('KEYS', '*')).toContain('{conclave}:marked')
    })
  })

  describe('a client that loses count of its answers (node-redis, when a connection is reset under a command)', () => {
    /** Hands out each answer to the command after the one that it belongs to. */
    function shifted(client: IoRedis): IoRedisClient {
      let previous: unknown = 'OK'
      const shift = async (answer: Promise<unknown>) => {
        const before = previous
        previous = await answer
        return before
      }
      return {
        status: 'ready',
        ping: () => client.ping(),
        evalsha: (sha, count, ...args) => shift(client.evalsha(sha, count, ...args)),
        eval: (script, count, ...args) => shift(client.eval(script, count, ...args)),
        duplicate: () => client.duplicate(),
      }
    }

    it('R47: no answer of another call is believed, not even of the same kind', async () => {
      const honest = redis(ioRedis(), { timeoutMs: 2_000 })
      const version = await write(honest, 'shifted', null, 'one')
      const store = redis(shifted(ioRedis()), { timeoutMs: 2_000 })
      for (let i = 0; i < 3; i++) {
        expect(await kindOf(store.read(['shifted']))).toBe('failed')
        expect(await kindOf(store.write('shifted', version, `two ${i}`))).toBe('ambiguous')
        expect(await kindOf(store.write('shifted', version, `three ${i}`))).toBe('ambiguous')
      }
      expect((await readOne(honest, 'shifted'))?.value).toBe('two 0')
    })

    it('nothing wrong comes out of resets under load', async () => {
      const honest = redis(ioRedis({}, server.port), { timeoutMs: 2_000 })
      let version: string | null = null
      for (let i = 0; i < 8; i++) {
        const store = await storeOf('node-redis', { timeoutMs: 100 })
        await readOne(store, 'reset')
        proxy.hold('down')
        const lost = store.write('reset', version, `lost ${i}`)
        await proxy.next('down')
        proxy.cut()
        const [late, read] = [store.write('reset', version, `late ${i}`), store.read(['reset'])]
        await proxy.heal()
        const outcomes = [await lost, await late]
        const record = await readOne(honest, 'reset')
        expect(record?.value).toBe(`lost ${i}`)
        expect(outcomes[0]?.kind).toBe('ambiguous')
        expect(outcomes[1]?.kind).not.toBe('ok')
        const seen = await read
        if (seen.kind === 'ok') expect([version, record?.version]).toContain(seen.records[0]?.version ?? null)
        version = record?.version ?? null
      }
    })
  })

  describe('R46: only a primary that may write answers', () => {
    it('a replica is refused, for reads and for writes', async () => {
      const replica = await startRedis({ settings: ['--replicaof', '127.0.0.1', String(server.port)] })
      try {
        const store = redis(ioRedis({}, replica.port), { timeoutMs: 2_000 })
        await eventually(async () => {
          const read = await store.read(['k'])
          return read.kind === 'failed' && read.error.message.startsWith('READONLY')
        })
        expect(await kindOf(store.write('k', null, 'v'))).toBe('failed')
      } finally {
        await replica.stop()
      }
    })

    it('with min-replicas-to-write a primary without replicas is refused, for reads too', async () => {
      const lonely = await startRedis({ settings: ['--min-replicas-to-write', '1'] })
      try {
        const store = redis(ioRedis({}, lonely.port), { timeoutMs: 2_000 })
        const refused = { kind: 'failed', error: { message: expect.stringMatching(/^NOREPLICAS/) } }
        expect(await store.read(['k'])).toMatchObject(refused)
        expect(await store.write('k', null, 'v')).toMatchObject(refused)
      } finally {
        await lonely.stop()
      }
    })

    it('a server without memory refuses writes: failed', async () => {
      const full = await startRedis({ settings: ['--maxmemory', '1', '--maxmemory-policy', 'noeviction'] })
      try {
        const store = redis(ioRedis({}, full.port), { timeoutMs: 2_000 })
        expect(await store.write('k', null, 'v')).toMatchObject({
          kind: 'failed',
          error: { message: expect.stringMatching(/^OOM/) },
        })
      } finally {
        await full.stop()
      }
    })
  })

  describe('R48: what a server may lose', () => {
    it('prepare() refuses a server that evicts records, unless it is declared volatile', async () => {
      const evicting = await startRedis({ settings: ['--maxmemory-policy', 'allkeys-lru'] })
      try {
        const clients = [ioRedis({}, evicting.port), await nodeRedis(evicting.port)]
        for (const client of clients) {
          await expect(redis(client).prepare?.()).rejects.toMatchObject({
            code: 'ELECTION_STORAGE_FAILED',
            message: expect.stringContaining('allkeys-lru'),
          })
          await redis(client, { durability: 'volatile' }).prepare?.()
        }
      } finally {
        await evicting.stop()
      }
    })

    it('prepare() refuses a server that does not answer', async () => {
      await proxy.refuse()
      await expect(redis(ioRedis(), { timeoutMs: 100 }).prepare?.()).rejects.toMatchObject({
        code: 'ELECTION_STORAGE_FAILED',
      })
    })

    it('with an append-only file that is synced on every write, records survive a kill', async () => {
      const durable = await startRedis({ durable: true })
      try {
        const store = redis(ioRedis({}, durable.port), { timeoutMs: 2_000, durability: 'survives' })
        const version = await write(store, 'k', null, 'v')
        await durable.restart('SIGKILL')
        await eventually(async () => (await store.read(['k'])).kind === 'ok')
        expect(await readOne(store, 'k')).toEqual({ version, value: 'v' })
      } finally {
        await durable.stop()
      }
    })
  })

  describe('connections', () => {
    it('a lazy client is connected by the first call, be it a write', async () => {
      const store = redis(ioRedis({ lazyConnect: true }), { timeoutMs: 2_000 })
      expect(await kindOf(store.write('lazy', null, 'v'))).toBe('ok')
    })

    it('B.17: without a connection one command waits, however many calls fail', async () => {
      await proxy.refuse()
      const client = ioRedis({ maxRetriesPerRequest: null })
      const store = redis(client, { timeoutMs: 20 })
      for (let i = 0; i < 10; i++) {
        expect(await kindOf(store.write('queued', null, 'v'))).toBe('failed')
        expect(await kindOf(store.read(['queued']))).toBe('failed')
      }
      expect((client as unknown as { offlineQueue: { length: number } }).offlineQueue.length).toBe(1)
      await proxy.heal()
      await eventually(async () => (await store.read(['queued'])).kind === 'ok')
      expect(await readOne(store, 'queued')).toBeNull()
    })

    it('a half-open link is given up by a client with a time-out of its own', async () => {
      const client = ioRedis({ socketTimeout: 300 })
      const store = redis(client, { timeoutMs: 100 })
      await eventually(async () => (await store.read(['k'])).kind === 'ok')
      proxy.strand()
      expect(await kindOf(store.read(['k']))).toBe('failed')
      await eventually(async () => (await store.read(['k'])).kind === 'ok')
    })

    it('a closed client is failed', async () => {
      const closed = ioRedis()
      closed.disconnect()
      expect(await kindOf(redis(closed, { timeoutMs: 200 }).write('k', null, 'v'))).toBe('failed')
      const never = createClient({ socket: { port: server.port } })
      expect(await kindOf(redis(never, { timeoutMs: 200 }).write('k', null, 'v'))).toBe('failed')
      expect(await kindOf(redis(never, { timeoutMs: 200 }).read(['k']))).toBe('failed')
    })

    it('a client with a key prefix of its own works', async () => {
      const store = redis(ioRedis({ keyPrefix: 'mine:' }), { timeoutMs: 2_000 })
      const version = await write(store, 'prefixed', null, 'v')
      expect(await readOne(store, 'prefixed')).toEqual({ version, value: 'v' })
      expect(await server.command('EXISTS', 'mine:{conclave}:prefixed')).toContain(':1')
    })
  })

  describe('waking', () => {
    for (const library of LIBRARIES) {
      it(`a lost subscription is made again, and its watcher is woken for what it missed (${library})`, async () => {
        const store = await storeOf(library)
        const woken: (string | null)[] = []
        const watch = store.watch!(`lost ${library}/`, (key) => woken.push(key))
        await eventually(() => woken.includes(null))
        woken.length = 0
        proxy.cut()
        await eventually(() => woken.includes(null))
        const other = redis(ioRedis({}, server.port))
        let i = 0
        await eventually(async () => {
          await write(other, `lost ${library}/${i++}`, null, 'v')
          return woken.some((key) => key !== null)
        })
        watch.stop()
      })
    }

    it('a watch that ends before its new connection has subscribed leaves no rejection to nobody (ioredis)', async () => {
      const woken: number[] = []
      const watch = (await storeOf('ioredis')).watch!('', () => woken.push(1))
      await eventually(() => woken.length > 0)
      const subscribes = proxy.trap('subscribe')
      proxy.cut()
      await subscribes
      const rejections = await rejectionsDuring(async () => {
        watch.stop()
        proxy.cut()
        await eventually(() => proxy.connections < 2)
      })
      expect(rejections).toEqual([])
    })

    it('a watch that ends while it connects leaves no connection (node-redis)', async () => {
      const store = redis(await nodeRedis(proxy.port, {}))
      for (let i = 0; i < 5; i++) store.watch!('', () => {}).stop()
      const woken: number[] = []
      const last = store.watch!('', () => woken.push(1))
      await eventually(() => woken.length > 0)
      last.stop()
      await eventually(() => proxy.connections === 1, 3_000)
    })

    it('a watch that ends while it connects lets the client begin its greeting, of which it alone hears (node-redis 4)', async () => {
      let isGreeting = false
      const ended: boolean[] = []
      const subscriber = Object.assign(new EventEmitter(), {
        async connect() {
          await new Promise(setImmediate)
          subscriber.emit('connect')
          isGreeting = true
          await new Promise(() => {})
        },
        subscribe: async () => {},
        disconnect: async () => void ended.push(isGreeting),
      })
      const none = async () => {}
      redis({ evalSha: none, eval: none, duplicate: () => subscriber }).watch!('', () => {}).stop()
      await eventually(() => ended.length > 0)
      expect(ended).toEqual([true])
    })

    it('a watch whose client has given up can be stopped (node-redis)', async () => {
      const client = await nodeRedis(proxy.port, { reconnectStrategy: false })
      const woken: number[] = []
      const watch = redis(client).watch!('', () => woken.push(1))
      await eventually(() => woken.length > 0)
      proxy.cut()
      await eventually(() => !client.isOpen && proxy.connections === 0)
      expect(() => watch.stop()).not.toThrow()
    })

    it('notify: false publishes nothing, and a right to publish is not needed', async () => {
      const woken: (string | null)[] = []
      const watch = (await storeOf('ioredis')).watch!('', (key) => woken.push(key))
      await eventually(() => woken.includes(null))
      await server.command('ACL', 'SETUSER', 'mute', 'on', 'nopass', '~*', 'resetchannels', '+@all')
      const mute = redis(ioRedis({ username: 'mute', password: 'x' }), { timeoutMs: 2_000 })
      const quiet = await storeOf('ioredis', { notify: false })
      await write(mute, 'mute', null, 'v')
      await write(quiet, 'quiet', null, 'v')
      await write(await storeOf('ioredis'), 'loud', null, 'v')
      await eventually(() => woken.includes('loud'))
      expect(woken.filter((key) => key !== null)).toEqual(['loud'])
      watch.stop()
    })
  })

  describe('a Redis Cluster', () => {
    let node: RedisServer
    beforeAll(async () => {
      node = await startRedis({
        settings: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'],
      })
      await node.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
      await eventually(async () => (await node.command('CLUSTER', 'INFO')).includes('cluster_state:ok'))
    })
    afterAll(() => node?.stop())

    async function clusterOf(library: Library): Promise<RedisClient> {
      if (library === 'ioredis') {
        const cluster = new IoRedisCluster([{ host: '127.0.0.1', port: node.port }])
        cluster.on('error', () => {})
        ends.push(() => cluster.disconnect())
        return cluster
      }
      const cluster = createCluster({ rootNodes: [{ url: node.url }] })
      cluster.on('error', () => {})
      ends.push(() => cluster.destroy())
      return cluster.connect()
    }

    for (const library of LIBRARIES) {
      it(`reads, writes and wakes (${library})`, async () => {
        const store = redis(await clusterOf(library), { timeoutMs: 2_000 })
        await store.prepare?.()
        const woken: (string | null)[] = []
        const watch = store.watch!('', (key) => woken.push(key))
        await eventually(() => woken.includes(null))
        const version = await write(store, library, null, 'v')
        expect(await readOne(store, library)).toEqual({ version, value: 'v' })
        await eventually(() => woken.includes(library))
        watch.stop()
      })
    }
  })

  it('options and clients that make no sense are refused', () => {
    const client = ioRedis({ lazyConnect: true })
    const wrong: object[] = [
      { prefx: 'x' },
      { prefix: '' },
      { prefix: '{x}' },
      { prefix: 'a b' },
      { timeoutMs: -1 },
    ]
    for (const options of wrong) {
      expect(() => redis(client, options as RedisOptions), JSON.stringify(options)).toThrow(
        expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }),
      )
    }
    for (const nothing of [null, undefined, {}, 'redis://localhost']) {
      expect(() => redis(nothing as never)).toThrow(
        expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }),
      )
    }
  })
})
