/**
 * A store by its URL, with the driver of the project in which the command is called: the package has none of its own.
 *
 * `postgres://` and `postgresql://` want `pg`, `redis://` and `rediss://` want `redis` or `ioredis`, `http://` and `https://`
 * are endpoints of etcd and want `etcd3`.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { CasStore } from '../ports/cas-store'
import type { VoterStore } from '../ports/voter-store'
import { type EtcdClient, etcd } from '../stores/etcd'
import { postgres } from '../stores/postgres'
import { redis } from '../stores/redis'
import { UsageError } from './command'

/** Where the URL of a store is taken from without `--store` and `--members`. */
export const STORE_VARIABLE = 'CONCLAVE_STORE'

/** The URL of the store that is meant, if any: the option, or the variable where no members are named. @throws UsageError */
export function storeUrlOf(
  { store, members }: { readonly store?: string; readonly members?: string },
  environment: Readonly<Record<string, string | undefined>>,
): string | null {
  if (/^[a-z]+:\/\/[^/@]*:[^/@]+@/.test(store ?? '')) {
    throw new UsageError(
      `--store holds a password, which every user of this host can read there: put the URL into ${STORE_VARIABLE}.`,
    )
  }
  return store ?? (members === undefined ? environment[STORE_VARIABLE] : undefined) ?? null
}

/** A store, and how its client is closed. */
export interface StoreClient {
  readonly store: CasStore & VoterStore
  close(): Promise<unknown>
}

type Loaded = Readonly<Record<string, unknown>>
type Made<T> = new (...options: never[]) => T

/** What is done with a driver: as few of its methods as that takes. */
interface Quiet {
  on(event: 'error', listener: () => void): unknown
}

/** `create`: makes its table if there is none. @throws UsageError for a URL of no store, and where the driver is not installed. */
export async function storeAt(url: string, create = false, directory = process.cwd()): Promise<StoreClient> {
  const scheme = /^([a-z]+):\/\//.exec(url)?.[1] ?? ''
  const load = (...names: readonly string[]) => loadFirst(names, scheme, directory)
  if (scheme === 'postgres' || scheme === 'postgresql') {
    const [pg] = load('pg')
    const Pool = pg['Pool'] as Made<Quiet & Parameters<typeof postgres>[0] & { end(): Promise<unknown> }>
    const pool = new Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 2_000 } as never)
    pool.on('error', () => {})
    return { store: postgres(pool, { create }), close: () => pool.end() }
  }
  if (scheme === 'redis' || scheme === 'rediss') {
    const [driver, name] = load('redis', 'ioredis')
    return name === 'redis' ? nodeRedis(driver, url) : ioRedis(driver, url)
  }
  if (scheme === 'http' || scheme === 'https') {
    const [etcd3] = load('etcd3')
    const Etcd3 = etcd3['Etcd3'] as Made<EtcdClient & { close(): void }>
    const client = new Etcd3({ hosts: url.split(',') } as never)
    return { store: etcd(client), close: async () => client.close() }
  }
  throw new UsageError(
    '--store takes postgres://..., redis://... or, for etcd, http://host:2379, several with commas between.',
  )
}

type RedisLike = Parameters<typeof redis>[0]

function nodeRedis(driver: Loaded, url: string): StoreClient {
  const create = driver['createClient'] as (
    options: object,
  ) => RedisLike & Quiet & { connect(): Promise<unknown>; destroy(): void }
  const client = create({ url, socket: { connectTimeout: 2_000 } })
  client.on('error', () => {})
  void client.connect().catch(() => {})
  return { store: redis(client), close: async () => client.destroy() }
}

function ioRedis(driver: Loaded, url: string): StoreClient {
  const Redis = driver['Redis'] as Made<RedisLike & Quiet & { disconnect(): void }>
  const client = new Redis(url as never, { connectTimeout: 2_000 } as never)
  client.on('error', () => {})
  return { store: redis(client), close: async () => client.disconnect() }
}

function loadFirst(names: readonly string[], scheme: string, directory: string): readonly [Loaded, string] {
  const load = createRequire(join(directory, 'package.json'))
  for (const name of names) {
    let path: string
    try {
      path = load.resolve(name)
    } catch {
      continue
    }
    return [load(path) as Loaded, name]
  }
  const wanted = names.join(' or ')
  throw new UsageError(
    `--store ${scheme}:// needs the driver ${wanted}, which is not installed in ${directory}: npm install ${names[0]}, or call this where your service is.`,
  )
}
