/**
 * Figures of a leader for Prometheus. Run it: `npx tsx examples/metrics.ts`
 *
 * The library opens no endpoint: the service gives it prom-client and serves the registry where it likes. The same figures go to
 * OpenTelemetry with `otelMetrics(meter)`; `traceLeaderships(tracer, election)` adds a span per leadership. `grafana-dashboard.json`
 * beside this file shows all of them. The example scrapes itself, loses a leadership, has a stale write refused, and ends.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createElection, memory } from 'conclave'
import { memoryFence } from 'conclave/fencing'
import { probes } from 'conclave/http'
import { promMetrics } from 'conclave/metrics'
import * as client from 'prom-client'

const metrics = promMetrics(client)
const election = createElection({
  cluster: 'example',
  name: 'scheduler',
  id: 'a',
  voters: ['a'],
  storage: memory(),
  metrics,
})
const fence = memoryFence({ metrics })

const health = probes(election)
const server = createServer((request, response) => {
  health(request, response, async () => {
    const isScrape = request.url === '/metrics'
    response.writeHead(isScrape ? 200 : 404, { 'content-type': client.register.contentType })
    response.end(isScrape ? await client.register.metrics() : '')
  })
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

await election.start()
await election.waitForLeader()
await sleep(600)
const former = election.leadership
await election.resign({ cooldownMs: 100 })
await election.waitForLeader()
if (former !== null && election.leadership !== null) {
  await fence.check('ledger', election.leadership)
  const { token, holder } = former // as another process would show it: only the numbers travel
  await fence
    .check('ledger', { token, holder })
    .catch((error: Error) => console.log(`refused: ${error.message}\n`))
}

const text = await (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text()
console.log(
  text
    .split('\n')
    .filter((line) => /^conclave_(?!.*_bucket)/.test(line))
    .join('\n'),
)
server.close()
await election.stop()
