/**
 * A queue for work that anybody may do, and the leader for what has to be decided once: pg-boss beside `conclave/schedule`, over
 * one PostgreSQL.
 *
 * Run: npm run example:queue-and-schedule (ends by itself after about ten seconds)
 *
 * Each second the leader closes a ledger and enqueues a mail for each customer, all in one transaction that its token guards: a
 * stale leader is refused, and a run that is repeated after a fail-over finds that it is done. Both replicas work the queue off
 * and need no leader for that; a mail that fails is tried again. In the middle the leader stops. Takes a server from
 * DATABASE_URL, and starts one of its own without it. Which tool when: examples/scheduling.md.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection } from 'conclave'
import { postgresFence, postgresFenceSchema } from 'conclave/fencing'
import { postgres } from 'conclave/postgres'
import { schedule } from 'conclave/schedule'
import { Pool } from 'pg'
import PgBoss from 'pg-boss'

const server = process.env['DATABASE_URL']
  ? null
  : await (await import('../test/servers/postgres')).startPostgres()
const connection = server
  ? { host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres' }
  : { connectionString: process.env['DATABASE_URL'] as string }
const CUSTOMERS = ['ada', 'bob', 'cyd']

interface Mail {
  readonly to: string
  readonly second: number
}

/** Mail -> how often it was sent, by whichever replica. */
const sent = new Map<string, number>()

const admin = new Pool(connection)
await admin.query(postgresFenceSchema())
await admin.query('CREATE TABLE IF NOT EXISTS closings (second bigint PRIMARY KEY, token bigint NOT NULL)')
await admin.query('TRUNCATE closings')

async function replica(id: string) {
  const pool = new Pool({ ...connection, max: 4 })
  pool.on('error', (error) => console.log(`${id}: a connection broke: ${error.message}`))
  // schedule: false: its own cron is not needed, as the leader fills the queue
  const boss = new PgBoss({ ...connection, max: 2, schedule: false })
  boss.on('error', (error) => console.log(`${id}: the queue: ${error.message}`))
  await boss.start()
  await boss.createQueue('mail')

  // for anybody: each job at least once, tried again when it throws
  await boss.work<Mail>('mail', { pollingIntervalSeconds: 0.5, batchSize: 10 }, async (jobs) => {
    for (const { data } of jobs) {
      const mail = `${data.second} ${data.to}`
      sent.set(mail, (sent.get(mail) ?? 0) + 1)
    }
    console.log(`${id} mails ${jobs.map(({ data }) => `${data.to} about ${data.second}`).join(', ')}`)
  })

  // for one: the fence checks the token in the transaction in which everything is written
  const election = createElection({ cluster: 'example', name: 'closing', id, voters: postgres(pool) })
  const fence = postgresFence(pool)
  const job = schedule(
    election,
    '* * * * * *',
    ({ dueAtMs, token, leadership }) =>
      fence.guard('ledger', leadership, async (tx) => {
        const second = dueAtMs / 1000
        const closing =
          'INSERT INTO closings (second, token) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING second'
        const { rows } = await tx.query(closing, [second, token])
        // repeated after a fail-over: what it enqueued was committed with it
        if (rows.length === 0) return
        const db = {
          executeSql: async (text: string, values: unknown[]) => ({
            rows: [...(await tx.query(text, values)).rows],
          }),
        }
        for (const to of CUSTOMERS)
          await boss.send('mail', { to, second }, { db, retryLimit: 3, retryDelay: 1 })
        console.log(`${id} closes ${second} with token ${token}, ${CUSTOMERS.length} mails to send`)
      }),
    { fence, missed: 'all', remember: 'after' },
  )
  return { id, pool, boss, election, job }
}

const replicas = [await replica('web-1'), await replica('web-2')]
await Promise.all(replicas.map(({ election }) => election.start()))
await replicas[0]?.election.waitForLeader({ timeoutMs: 20_000 })
await sleep(2_500)
const leader = replicas.find(({ election }) => election.isLeader())
console.log(`${leader?.id} stops leading; its worker goes on`)
await leader?.job.stop()
await leader?.election.stop()
await sleep(5_000)

await Promise.all(replicas.map(({ job }) => job.stop()))
await Promise.all(replicas.map(({ election }) => election.stop()))
const { rows } = await admin.query('SELECT second::int, token::int FROM closings ORDER BY second')
const seconds = rows.map(({ second }) => second as number)
const isWhole = seconds.every((second, i) => i === 0 || second === (seconds[i - 1] ?? 0) + 1)
for (let i = 0; i < 600 && sent.size < seconds.length * CUSTOMERS.length; i++) await sleep(50)
console.log(
  `${seconds.length} closings by ${new Set(rows.map(({ token }) => token)).size} leaders, ${isWhole ? 'each second once' : 'NOT one per second'}`,
)
console.log(`${sent.size} mails for ${seconds.length * CUSTOMERS.length} that were due`)
process.exitCode = isWhole && sent.size === seconds.length * CUSTOMERS.length ? 0 : 1

await Promise.all(replicas.map(({ boss }) => boss.stop({ graceful: false })))
await Promise.all([...replicas.map(({ pool }) => pool.end()), admin.end()])
await server?.stop()
