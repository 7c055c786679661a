/**
 * Goal: what the stores answer is what registers would answer that do one thing at a time, however answers get lost.
 * Method: random calls of three clients at once, each behind a proxy that loses requests, answers and connections; the
 * history is judged by `registers.ts`. "Ambiguous" may mean either, "failed" and "conflict" may not.
 */
import { Etcd3 } from 'etcd3'
import fc from 'fast-check'
import { Redis as IoRedis } from 'ioredis'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { describe, expect, it } from 'vitest'
import type { CasStore } from '../../src/ports/cas-store'
import { etcd } from '../../src/stores/etcd'
import { memoryCas } from '../../src/stores/memory-cas'
import { postgres, postgresSchema } from '../../src/stores/postgres'
import { redis } from '../../src/stores/redis'
import { startEtcd } from '../servers/etcd'
import { startPostgres } from '../servers/postgres'
import { type FaultyProxy, startProxy } from '../servers/proxy'
import { startRedis } from '../servers/redis'
import { requireServers } from '../servers/require'
import { breachesOf, type Call } from './registers'
import { eventually } from './support'

const KEYS = ['a', 'b'] as const
type Key = (typeof KEYS)[number]

/** `answer`, `request`: swallowed until the call has ended. `connection`: cut when the answer is on its way. */
type Fault = 'none' | 'answer' | 'request' | 'connection'

interface Step {
  readonly write: Key | null
  readonly fault: Fault
}

const step = fc.record<Step>({
  write: fc.option(fc.constantFrom(...KEYS), { freq: 2 }),
  fault: fc.oneof(
    { weight: 6, arbitrary: fc.constant<Fault>('none') },
    { weight: 1, arbitrary: fc.constantFrom<Fault>('answer', 'request', 'connection') },
  ),
})
const program = fc.array(step, { minLength: 4, maxLength: 9 })

/** A store with its link. */
interface Linked {
  readonly store: CasStore
  readonly proxy: FaultyProxy | null
  close(): unknown
}

/** Runs one client's program and writes down what it saw of each key. */
async function run(
  name: string,
  client: Linked,
  steps: readonly Step[],
  keyOf: (key: Key) => string,
  seen: Seen,
) {
  const known = new Map<Key, { readonly version: string | null; readonly value: string | null }>()
  for (const key of KEYS) known.set(key, { version: null, value: null })
  for (const [i, { write, fault }] of steps.entries()) {
    const value = `${name}${i}`
    if (fault === 'answer' || fault === 'connection') client.proxy?.hold('down')
    if (fault === 'request') client.proxy?.hold('up')
    const underway = async <T>(call: Promise<T>): Promise<T> => {
      if (fault !== 'connection' || client.proxy === null) return call
      await Promise.race([call, client.proxy.next('down')])
      client.proxy.cut()
      await client.proxy.heal()
      return call
    }
    const from = performance.now()
    if (write === null) {
      const result = await underway(client.store.read(KEYS.map(keyOf)))
      const to = performance.now()
      if (result.kind === 'ok') {
        for (const [k, key] of KEYS.entries()) {
          const record = result.records[k] ?? null
          known.set(key, { version: record?.version ?? null, value: record?.value ?? null })
          seen[key].push({ kind: 'read', from, to, value: record?.value ?? null })
        }
      }
    } else {
      const basis = known.get(write)!
      const result = await underway(client.store.write(keyOf(write), basis.version, value))
      seen[write].push({
        kind: 'write',
        from,
        to: performance.now(),
        basis: basis.value,
        value,
        result: result.kind,
      })
      if (result.kind === 'ok') known.set(write, { version: result.version, value })
    }
    if (fault !== 'none') {
      client.proxy?.cut()
      await client.proxy?.heal()
    }
  }
}

type Seen = Record<Key, Call[]>

/** Makes the last write, after which nothing that was still under way can apply; returns the value that it replaced. */
async function close(store: CasStore, key: string): Promise<string | null> {
  let last: string | null = null
  await eventually(async () => {
    const read = await store.read([key])
    if (read.kind !== 'ok') return false
    const record = read.records[0] ?? null
    last = record?.value ?? null
    return (await store.write(key, record?.version ?? null, 'the end')).kind === 'ok'
  })
  return last
}

/** The property, over clients that `link` makes and an honest store beside them. */
async function check(link: () => Promise<Linked>, honest: CasStore, numRuns: number): Promise<void> {
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(program, { minLength: 3, maxLength: 3 }), async (programs) => {
      round += 1
      const keyOf = (key: Key) => `model/${round}/${key}`
      const seen: Seen = { a: [], b: [] }
      const clients = await Promise.all(programs.map(() => link()))
      try {
        await Promise.all(programs.map((steps, i) => run('xyz'.charAt(i), clients[i]!, steps, keyOf, seen)))
        for (const key of KEYS) {
          const last = await close(honest, keyOf(key))
          const breaches = breachesOf(seen[key], last)
          expect(breaches, JSON.stringify({ last, history: seen[key] })).toEqual([])
        }
      } finally {
        for (const client of clients) {
          await client.close()
          await client.proxy?.stop()
        }
      }
    }),
    { numRuns, endOnFailure: true },
  )
}

describe('the model', () => {
  it('finds nothing wrong with the store in memory', async () => {
    const store = memoryCas()
    await check(async () => ({ store, proxy: null, close() {} }), store, 50)
  })

  const write = (from: number, to: number, basis: string | null, value: string, result: 'ok' | 'ambiguous') =>
    ({ kind: 'write', from, to, basis, value, result }) as const
  const histories: Record<string, { last: string | null; history: Call[] }> = {
    'a lost update': { last: 'y', history: [write(0, 1, null, 'x', 'ok'), write(2, 3, null, 'y', 'ok')] },
    'a conflict with itself': {
      last: 'x',
      history: [{ ...write(0, 1, null, 'x', 'ok'), result: 'conflict' }],
    },
    'a conflict with nobody': {
      last: null,
      history: [{ ...write(0, 1, null, 'x', 'ok'), result: 'conflict' }],
    },
    'a failed write that was applied': {
      last: 'x',
      history: [{ ...write(0, 1, null, 'x', 'ok'), result: 'failed' }],
    },
    'an old read': {
      last: 'y',
      history: [
        write(0, 1, null, 'x', 'ok'),
        write(2, 3, 'x', 'y', 'ambiguous'),
        { kind: 'read', from: 4, to: 5, value: 'y' },
        { kind: 'read', from: 6, to: 7, value: 'x' },
      ],
    },
    'a read of what is not yet written': {
      last: 'x',
      history: [{ kind: 'read', from: 0, to: 1, value: 'x' }, write(2, 3, null, 'x', 'ok')],
    },
    'a read of what was never applied': {
      last: null,
      history: [write(0, 1, null, 'x', 'ambiguous'), { kind: 'read', from: 2, to: 3, value: 'x' }],
    },
  }
  for (const [what, { last, history }] of Object.entries(histories)) {
    it(`finds ${what}`, () => expect(breachesOf(history, last)).not.toEqual([]))
  }
})

describe.runIf(requireServers('PostgreSQL against the model', 'postgresql'))('PostgreSQL', () => {
  it('R47: answers as registers do, with lost requests, answers and connections', async () => {
    const server = await startPostgres()
    const storeOn = (port: number, timeoutMs: number) => {
      const pool = new Pool({
        host: '127.0.0.1',
        port,
        user: 'postgres',
        max: 1,
        connectionTimeoutMillis: 1_000,
      })
      pool.on('error', () => {})
      return { store: postgres(pool, { timeoutMs }), close: () => pool.end() }
    }
    const honest = storeOn(server.port, 5_000)
    try {
      await server.query(postgresSchema())
      const link = async () => {
        const proxy = await startProxy(server.port)
        return { ...storeOn(proxy.port, 80), proxy }
      }
      await check(link, honest.store, 20)
    } finally {
      await honest.close()
      await server.stop()
    }
  })
})

describe.runIf(requireServers('Redis against the model', 'redis'))('Redis', () => {
  for (const library of ['ioredis', 'node-redis']) {
    it(`R47: answers as registers do, with lost requests, answers and connections (${library})`, async () => {
      const server = await startRedis()
      const ioRedisOn = (port: number, timeoutMs: number) => {
        const client = new IoRedis({ host: '127.0.0.1', port, retryStrategy: () => 5 })
        client.on('error', () => {})
        return { store: redis(client, { timeoutMs }), close: () => client.disconnect() }
      }
      const nodeRedisOn = async (port: number, timeoutMs: number) => {
        const socket = { host: '127.0.0.1', port, reconnectStrategy: 5, socketTimeout: 200 }
        const client = createClient({ socket })
        client.on('error', () => {})
        await client.connect()
        return { store: redis(client, { timeoutMs }), close: () => client.destroy() }
      }
      const honest = ioRedisOn(server.port, 5_000)
      try {
        const link = async () => {
          const proxy = await startProxy(server.port)
          const made = library === 'ioredis' ? ioRedisOn(proxy.port, 80) : await nodeRedisOn(proxy.port, 80)
          return { ...made, proxy }
        }
        await check(link, honest.store, 20)
      } finally {
        honest.close()
        await server.stop()
      }
    })
  }
})

describe.runIf(requireServers('etcd against the model', 'etcd'))('etcd', () => {
  it('R47: answers as registers do, with lost requests, answers and connections', async () => {
    const cluster = await startEtcd()
    const storeOn = (port: number, timeoutMs: number) => {
      const faultHandling = {
        host: () => ({ execute: async (call: (context: object) => unknown) => call({}) }) as never,
      }
      const client = new Etcd3({ hosts: `http://127.0.0.1:${port}`, faultHandling })
      return { store: etcd(client, { timeoutMs }), close: () => client.close() }
    }
    const honest = storeOn(cluster.ports[0]!, 5_000)
    try {
      const link = async () => {
        const proxy = await startProxy(cluster.ports[0]!)
        return { ...storeOn(proxy.port, 80), proxy }
      }
      await check(link, honest.store, 20)
    } finally {
      honest.close()
      await cluster.stop()
    }
  })
})
