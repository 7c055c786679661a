/**
 * The smallest useful program: three replicas, one of them does the job. Run it: `npx tsx examples/singleton-job.ts`
 *
 * For the example all three live in one process; in production each is a process of its own, with the same lines.
 * Ends by itself: the first leader stops, another one goes on.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection } from 'conclave'
import { tcp } from 'conclave/tcp'

const dir = mkdtempSync(join(tmpdir(), 'conclave-example-'))
const voters = { a: '127.0.0.1:17411', b: '127.0.0.1:17412', c: '127.0.0.1:17413' }

const replicas = Object.keys(voters).map((id) =>
  createElection({
    cluster: 'example',
    name: 'nightly-billing',
    id,
    voters,
    transport: tcp({ secret: 'an example secret, 16 bytes or more' }),
    dataDir: join(dir, id),
  }),
)

await Promise.all(replicas.map((election) => election.start()))
const jobs = replicas.map((election) =>
  election.lead(async ({ holder, token, signal }) => {
    for (let invoice = 1; !signal.aborted; invoice++) {
      console.log(`${holder} sends invoice ${invoice} with token ${token}`)
      await sleep(150)
    }
    console.log(`${holder} was told to stop, and has stopped`)
  }),
)

await replicas[0]?.waitForLeader()
await sleep(600)
const leader = replicas.find((election) => election.isLeader())
console.log(`stopping ${leader?.id}, as a rolling update would`)
await leader?.stop()
await sleep(800)

await Promise.all(replicas.map((election) => election.stop()))
await Promise.all(jobs)
rmSync(dir, { recursive: true })
