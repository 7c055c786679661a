/**
 * A job every second at one of three processes, whose leader goes away in the middle: no second is run twice, none is lost.
 *
 * Run: npm run example:schedule (ends by itself after about ten seconds)
 *
 * Three electors in this process stand for three hosts; the fence that remembers the last run is a directory here and a table or
 * a key in production (`postgresFence`, `redisFence`). Which tool when: examples/scheduling.md.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createElection, memory } from 'conclave'
import { fileFence } from 'conclave/fencing'
import { schedule } from 'conclave/schedule'
import { tcp } from 'conclave/tcp'

const directory = mkdtempSync(join(tmpdir(), 'conclave-schedule-'))
const fence = await fileFence({ dir: directory })
const voters = { a: '127.0.0.1:7481', b: '127.0.0.1:7482', c: '127.0.0.1:7483' }
const seconds: number[] = []

const members = Object.keys(voters).map((id) => {
  const election = createElection({
    cluster: 'example',
    name: 'reports',
    id,
    voters,
    transport: tcp({ secret: 'only for this example, 32 bytes!!' }),
    storage: memory(),
    timing: 'fast',
  })
  const job = schedule(
    election,
    '* * * * * *',
    ({ dueAtMs, token }) => {
      seconds.push(dueAtMs / 1000)
      console.log(`${id} runs ${new Date(dueAtMs).toISOString().slice(11, 19)} with token ${token}`)
    },
    { fence, missed: 'all' },
  )
  return { id, election, job }
})

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

await Promise.all(members.map(({ election }) => election.start()))
await members[0]?.election.waitForLeader({ timeoutMs: 15_000 })
await pause(3_500)
const leader = members.find(({ election }) => election.isLeader())
console.log(`${leader?.id} stops`)
await leader?.election.stop()
await pause(4_000)

await Promise.all(members.map(({ job }) => job.stop()))
await Promise.all(members.map(({ election }) => election.stop()))
await fence.close()
rmSync(directory, { recursive: true })

const isWhole = seconds.every((second, i) => i === 0 || second === (seconds[i - 1] ?? 0) + 1)
console.log(`${seconds.length} runs, ${isWhole ? 'each second once, none left out' : 'NOT one per second'}`)
process.exitCode = isWhole ? 0 : 1
