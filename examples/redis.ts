/**
 * Two replicas of a service that has a Redis and nothing else. Run it: `npm run example:redis`
 *
 * Redis holds the votes, and the value that the job writes behind a fence. Takes a server from REDIS_URL, and starts one of
 * its own without it. For the example both replicas live in one process; in production each is a process of its own, with
 * the same lines. Ends by itself: the leader hands over, and a late write of the first is refused.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection, isElectionError, type Leadership } from 'conclave'
import { redisFence } from 'conclave/fencing'
import { redis } from 'conclave/redis'
import { Redis } from 'ioredis'

const server = process.env['REDIS_URL']
  ? null
  : await (await import('../test/servers/redis')).startRedis({ durable: true })
const url = process.env['REDIS_URL'] ?? server?.url ?? ''

/** One replica: the client that it has anyway, an election, and a job that only the leader runs. */
function replica(id: string) {
  const client = new Redis(url, { socketTimeout: 3_000 })
  client.on('error', (error) => console.log(`${id}: ${error.message}`))
  const election = createElection({ cluster: 'example', name: 'price-feed', id, voters: redis(client) })
  const fence = redisFence(client)
  /** Check and write are one script. */
  const publish = (leadership: Leadership, price: number) =>
    fence.set('price', leadership, 'example:price', String(price))
  return { id, client, election, publish }
}

const replicas = [replica('web-1'), replica('web-2')]
let last: { publish: () => Promise<unknown> } | null = null
await Promise.all(replicas.map(({ election }) => election.start()))
const jobs = replicas.map(({ id, election, publish }) =>
  election.lead(async (leadership) => {
    last ??= { publish: () => publish(leadership, -1) }
    for (let price = 100; !leadership.signal.aborted; price++) {
      await publish(leadership, price)
      console.log(`${id} published ${price} with token ${leadership.token}`)
      await sleep(300)
    }
  }),
)

const [first] = replicas
await first?.election.waitForLeader({ timeoutMs: 20_000 })
await sleep(1_000)
const leader = replicas.find(({ election }) => election.isLeader())
const next = replicas.find((one) => one !== leader)
console.log(`${leader?.id} hands over to ${next?.id}`)
await leader?.election.resign({ ...(next === undefined ? {} : { to: next.id }) })
while (!next?.election.isLeader()) await sleep(20)
await sleep(700)

await (last as { publish: () => Promise<unknown> } | null)?.publish().catch((error: unknown) => {
  console.log(`${leader?.id} wakes up and writes: ${isElectionError(error) ? error.code : error}`)
})
const status = next.election.status().process
console.log(`tokens: ${status.tokenDurability}; ${status.warnings.join('; ')}`)

await Promise.all(replicas.map(({ election }) => election.stop()))
await Promise.all(jobs)
for (const { client } of replicas) client.disconnect()
await server?.stop()
