/**
 * An HTTP service with a health endpoint that stops gracefully. Run it: `npx tsx examples/http-service.ts`
 *
 * Three things to copy: readiness does not depend on leadership; the leader's work stops before the lease is released;
 * SIGTERM ends the service in order. The example asks its own endpoints and then sends itself SIGTERM.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection, memory } from 'conclave'

// one replica is enough for the example; `voters: { a: ..., b: ..., c: ... }` and `dataDir` in production
const election = createElection({
  cluster: 'example',
  name: 'scheduler',
  id: 'a',
  voters: ['a'],
  storage: memory(),
})

const server = createServer((request, response) => {
  const answer = (status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  if (request.url === '/healthz') answer(200, { ok: true })
  // ready means: can serve. A follower can, so leadership is not asked for.
  else if (request.url === '/readyz') answer(200, { ready: true })
  else if (request.url === '/leader') answer(election.isLeader() ? 200 : 404, { leader: election.leader })
  else answer(200, election.status())
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

await election.start()
const work = election.lead(async ({ signal, token }) => {
  console.log(`scheduling, token ${token}`)
  while (!signal.aborted) await sleep(50)
  console.log('scheduling stopped; only now the leadership is released')
})

process.once('SIGTERM', async () => {
  console.log('SIGTERM: no new requests, then the election, then the end')
  server.close()
  await election.stop()
  await work
  console.log('bye')
})

await election.waitForLeader()
await sleep(200)
for (const path of ['/healthz', '/readyz', '/leader']) {
  const response = await fetch(url + path, { headers: { connection: 'close' } })
  console.log(path, response.status, await response.text())
}
process.kill(process.pid, 'SIGTERM')
