/**
 * Measures one read and one write of each store on real servers of this machine, beside the shortest call that its driver
 * can make: `npx tsx test/stores/round-trips.ts`. Prints a table in Markdown.
 */
import { Etcd3 } from 'etcd3'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { createClient } from 'redis'
import type { CasStore } from '../../src/ports/cas-store'
import { etcd } from '../../src/stores/etcd'
import { postgres } from '../../src/stores/postgres'
import { redis } from '../../src/stores/redis'
import { startEtcd } from '../servers/etcd'
import { startPostgres } from '../servers/postgres'
import { startRedis } from '../servers/redis'
import { readOne, write } from './support'

const ROUNDS = 1_000
const VALUE = JSON.stringify({ format: 1, term: 7, holder: 'a', inc: 123456, grant: 3, seq: 99, d: 5_000 })

async function measure(call: (round: number) => Promise<unknown>): Promise<string> {
  for (let i = 0; i < 100; i++) await call(-1 - i)
  const times: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const from = performance.now()
    await call(i)
    times.push(performance.now() - from)
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(share * ROUNDS)]?.toFixed(2)
  return `${at(0.5)} / ${at(0.99)}`
}

async function row(what: string, store: CasStore, floor: () => Promise<unknown>): Promise<void> {
  await store.prepare?.()
  let version: string | null = (await readOne(store, 'k'))?.version ?? null
  const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
  for (const key of keys) if ((await readOne(store, key)) === null) await write(store, key, null, VALUE)
  const cells = [
    await measure(floor),
    await measure(() => readOne(store, 'k')),
    await measure(() => store.read(keys)),
    await measure(async () => {
      version = await write(store, 'k', version, VALUE)
    }),
  ]
  console.log(`| ${[what, ...cells].join(' | ')} |`)
}

console.log(`Milliseconds, median / 99th percentile of ${ROUNDS} calls, one after the other, loopback.\n`)
console.log('| | shortest call of the driver | read 1 | read 20 | compare and set |')
console.log('| --- | --- | --- | --- | --- |')
for (const durable of [false, true]) {
  const server = await startPostgres({ durable })
  const pool = new Pool({ connectionString: server.url, max: 1 })
  const what = `PostgreSQL, ${durable ? 'fsync' : 'no fsync'}`
  await row(what, postgres(pool), () => pool.query('SELECT 1'))
  if (durable) await row(`${what}, notify`, postgres(pool, { notify: true }), () => pool.query('SELECT 1'))
  await pool.end()
  await server.stop()
}
for (const durable of [false, true]) {
  const server = await startRedis({ durable })
  const io = new Redis(server.url)
  await row(`Redis, ioredis, ${durable ? 'fsync' : 'no disk'}`, redis(io), () => io.ping())
  io.disconnect()
  if (!durable) {
    const node = createClient({ url: server.url })
    await node.connect()
    await row('Redis, node-redis, no disk', redis(node), () => node.ping())
    node.destroy()
  }
  await server.stop()
}
for (const size of [1, 3] as const) {
  const cluster = await startEtcd(size)
  const client = new Etcd3({ hosts: [...cluster.hosts] })
  await row(`etcd, ${size} member${size > 1 ? 's' : ''}, fsync`, etcd(client), () => client.get('k').exec())
  client.close()
  await cluster.stop()
}
