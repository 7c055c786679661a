/**
 * An HTTP service with a health endpoint that stops gracefully. Run it: `npx tsx examples/http-service.ts`
 *
 * Three things to copy: readiness does not depend on leadership; the leader's work stops before the lease is released;
 * SIGTERM ends the service in order. The example asks its own endpoints and then sends itself SIGTERM.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection, type ElectionStatus, memory } from 'conclave'
import { probes } from 'conclave/http'

// one replica is enough for the example; `voters: { a: ..., b: ..., c: ... }` and `dataDir` in production
const election = createElection({
  cluster: 'example',
  name: 'scheduler',
  id: 'a',
  voters: ['a'],
  storage: memory(),
})

// /healthz: is a restart the cure? /readyz: may requests come? (a follower is ready) /leader: who leads?
const health = probes(election, {
  // the whole status names addresses: only for those who may see it
  maySee: (request: IncomingMessage) => request.headers.authorization === 'Bearer operator',
  // with more replicas: 307 to the one that leads
  leaderUrl: () => null,
})
const server = createServer((request, response) => {
  health(request, response, () => response.writeHead(404).end())
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
const seen = await fetch(`${url}/leader`, {
  headers: { connection: 'close', authorization: 'Bearer operator' },
})
const { status } = (await seen.json()) as { status: ElectionStatus }
console.log(
  `seen by an operator: term ${status.term}, ${status.leaseRemainingMs > 0 ? 'a lease' : 'no lease'}`,
)
process.kill(process.pid, 'SIGTERM')
