/**
 * A thousand elections in one process, for instance one per partition. Run it: `npx tsx examples/many-elections.ts`
 *
 * All of them share one connection per peer, one heartbeat, one timer and one disk write per burst; their leaders spread
 * over the members by themselves. Three members share this process for the example. Ends by itself.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createElector } from 'conclave'
import { tcp } from 'conclave/tcp'

const dir = mkdtempSync(join(tmpdir(), 'conclave-example-'))
const voters = { a: '127.0.0.1:17421', b: '127.0.0.1:17422', c: '127.0.0.1:17423' }
const partitions = Array.from({ length: 1_000 }, (_, i) => `partition-${i}`)

const electors = Object.keys(voters).map((id) =>
  createElector({
    cluster: 'example',
    id,
    voters,
    transport: tcp({ secret: 'an example secret, 16 bytes or more' }),
    dataDir: join(dir, id),
  }),
)
const seats = electors.map((elector) => partitions.map((name) => elector.election(name)))

const ledBy = () => seats.map((elections) => elections.filter((election) => election.isLeader()).length)
const show = (what: string) =>
  console.log(what, electors.map(({ id }, i) => `${id} leads ${ledBy()[i]}`).join(', '))
const total = () => ledBy().reduce((sum, count) => sum + count, 0)

await Promise.all(electors.map((elector) => elector.start()))
while (total() < partitions.length) await sleep(20)
show('elected:')

console.log('a stops ...')
const at = performance.now()
await electors[0]?.stop()
while (total() < partitions.length) await sleep(5)
console.log(`all of its elections have a new leader after ${Math.round(performance.now() - at)} ms`)
show('now:')

await Promise.all(electors.map((elector) => elector.stop()))
rmSync(dir, { recursive: true })
