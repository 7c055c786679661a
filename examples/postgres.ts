/**
 * Two replicas of a service that has a PostgreSQL database and nothing else. Run it: `npm run example:postgres`
 *
 * The database holds the votes, the job's ledger and the fence that protects it. Takes a server from DATABASE_URL, and
 * starts one of its own without it. For the example both replicas live in one process; in production each is a process of
 * its own, with the same lines. Ends by itself: the leader stops, the other goes on, and a late write of the first is refused.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection, isElectionError, type Leadership } from 'conclave'
import { postgresFence, postgresFenceSchema } from 'conclave/fencing'
import { postgres } from 'conclave/postgres'
import { Pool } from 'pg'

const server = process.env['DATABASE_URL']
  ? null
  : await (await import('../test/servers/postgres')).startPostgres()
const connection = server
  ? { host: '127.0.0.1', port: server.port, user: 'postgres' }
  : { connectionString: process.env['DATABASE_URL'] }

/** One replica: the pool that it has anyway, an election, and a job that only the leader runs. */
function replica(id: string) {
  const pool = new Pool({ ...connection, max: 4, connectionTimeoutMillis: 1_000 })
  pool.on('error', (error) => console.log(`${id}: a connection broke: ${error.message}`))
  const election = createElection({ cluster: 'example', name: 'nightly-billing', id, voters: postgres(pool) })
  const fence = postgresFence(pool)
  /** The insert and the check of the token commit together, or not at all. */
  const book = (leadership: Leadership, text: string) =>
    fence.guard('ledger', leadership, (tx) =>
      tx.query('INSERT INTO example_ledger (token, text) VALUES ($1, $2)', [leadership.token, text]),
    )
  return { id, pool, election, book }
}

const replicas = [replica('web-1'), replica('web-2')]
const [first] = replicas
await first?.pool.query(postgresFenceSchema())
await first?.pool.query(
  'CREATE TABLE IF NOT EXISTS example_ledger (token bigint NOT NULL, text text NOT NULL)',
)

let last: { book: () => Promise<unknown> } | null = null
await Promise.all(replicas.map(({ election }) => election.start()))
const jobs = replicas.map(({ id, election, book }) =>
  election.lead(async (leadership) => {
    last ??= { book: () => book(leadership, 'written too late') }
    for (let invoice = 1; !leadership.signal.aborted; invoice++) {
      await book(leadership, `invoice ${invoice}`)
      console.log(`${id} booked invoice ${invoice} with token ${leadership.token}`)
      await sleep(300)
    }
  }),
)

await first?.election.waitForLeader({ timeoutMs: 20_000 })
await sleep(1_000)
const leader = replicas.find(({ election }) => election.isLeader())
console.log(`stopping ${leader?.id}, as a rolling update would`)
await leader?.election.stop()
const next = replicas.find((one) => one !== leader)
while (!next?.election.isLeader()) await sleep(20)
await sleep(700)

await (last as { book: () => Promise<unknown> } | null)?.book().catch((error: unknown) => {
  console.log(`${leader?.id} wakes up and writes: ${isElectionError(error) ? error.code : error}`)
})
const status = next.election.status().process
console.log(`tokens: ${status.tokenDurability}; the database answers in ${status.members[0]?.roundTripMs} ms`)

await Promise.all(replicas.map(({ election }) => election.stop()))
await Promise.all(jobs)
await Promise.all(replicas.map(({ pool }) => pool.end()))
await server?.stop()
