/**
 * What a member of a store's cluster has besides its election: the client of its service, and the voter made of it.
 *
 * Clients are made as a service would make them: a small pool, time-outs against dead links. Loads a driver only when it is
 * told to, and from where the tests are, because a member may run as one bundled file elsewhere. Read next: `member.ts`,
 * `store-cluster.ts`.
 */
import { createRequire } from 'node:module'
import type { ElectionOptions } from 'conclave'
import { etcd } from 'conclave/etcd'
import { postgres } from 'conclave/postgres'
import { redis } from 'conclave/redis'

export type StoreKind = 'postgres' | 'redis' | 'etcd'

/** One member's way to its store; plain data. */
export interface StoreSpec {
  readonly kind: StoreKind
  /** Ports of the loopback interface; several: the endpoints of one etcd. */
  readonly ports: readonly number[]
  /** File from which drivers are resolved. */
  readonly from: string
  readonly timeoutMs: number
  readonly durability?: 'survives' | 'mayRegress' | 'volatile'
  readonly client?: 'ioredis' | 'node-redis'
  /** Further settings of the `pg` pool. */
  readonly pool?: Readonly<Record<string, number>>
}

/** The service's own side. */
export interface StoreService {
  readonly voters: ElectionOptions['voters']
  /** Keeps one connection of the client busy for so long with something of the service's own. */
  busy(forMs: number): Promise<unknown>
}

/** A command of the service's own that blocks, ms: below the time-out of a socket. */
const BLOCK_MS = 500

/** Makes the client and the voter. */
export async function storeService(spec: StoreSpec): Promise<StoreService> {
  const load = createRequire(spec.from)
  const { kind, timeoutMs, durability } = spec
  const options = { timeoutMs, ...(durability === undefined ? {} : { durability }) }
  const port = spec.ports[0] ?? 0
  if (kind === 'postgres') {
    const { Pool } = load('pg') as typeof import('pg')
    const where = { host: '127.0.0.1', port, user: 'postgres', database: 'postgres' }
    const pool = new Pool({ ...where, max: 2, connectionTimeoutMillis: timeoutMs, ...spec.pool })
    pool.on('error', () => {})
    const busy = (forMs: number) => pool.query('SELECT pg_sleep($1)', [forMs / 1_000]).catch(() => {})
    return { voters: postgres(pool, options), busy }
  }
  if (kind === 'redis' && spec.client === 'node-redis') {
    const { createClient } = load('redis') as typeof import('redis')
    const reconnectStrategy = () => 50
    const socket = { host: '127.0.0.1', port, connectTimeout: 500, socketTimeout: 1_000, reconnectStrategy }
    const client = createClient({ socket, pingInterval: 400 })
    client.on('error', () => {})
    void client.connect().catch(() => {})
    const busy = (forMs: number) => client.blPop('nothing', forMs / 1_000).catch(() => {})
    return { voters: redis(client as never, options), busy }
  }
  if (kind === 'redis') {
    const { Redis } = load('ioredis') as typeof import('ioredis')
    const retryStrategy = () => 50
    // What was lost with a connection is not repeated on the next one: this client would be busy again.
    const once = { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: null }
    const timeouts = { connectTimeout: 500, socketTimeout: 1_000, retryStrategy }
    const client = new Redis(port, '127.0.0.1', { ...timeouts, ...once })
    client.on('error', () => {})
    // many that block one after the other: a single one for longer than `socketTimeout` would cost the connection
    const busy = (forMs: number) => {
      const blocks = Array.from({ length: Math.ceil(forMs / BLOCK_MS) }, () =>
        client.blpop('nothing', BLOCK_MS / 1_000),
      )
      return Promise.allSettled(blocks)
    }
    return { voters: redis(client, options), busy }
  }
  const { Etcd3 } = load('etcd3') as typeof import('etcd3')
  const { noop } = load('cockatiel') as typeof import('cockatiel')
  const hosts = spec.ports.map((one) => `http://127.0.0.1:${one}`)
  // The client's circuit breaker would stop all calls to a member for five seconds after three failures.
  const client = new Etcd3({ hosts, faultHandling: { host: () => noop } })
  return { voters: etcd(client, options), busy: async () => {} }
}
