/**
 * A ledger over HTTP that no former leader can write to. Run it: `npx tsx examples/fenced-http.ts`
 *
 * Two workers lead one after the other, with tokens 7 and 8. The first one is frozen (a long garbage collection, a
 * suspended machine) between deciding to write and writing; when it wakes, it does not know that its lease is over. Its
 * request still carries token 7, and the service has seen 8. Ends by itself, with code 0 only if the ledger held.
 * (In a service, the leaderships come from an election: `election.lead(async (leadership) => ...)`.)
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fenceHeaders, fenceMiddleware, memoryFence } from 'conclave/fencing'

// --- The service: it owns the data, so it owns the fence. ---------------------------------------------------------------
const ledger: string[] = []
const fenced = fenceMiddleware<IncomingMessage, ServerResponse>({
  // The ledger lives in memory, so its fence may, too. One on disk takes `await fileFence({ dir })`.
  fence: memoryFence(),
  resource: 'ledger',
  onRefused: (refusal) => console.log(`   service  refuses: ${refusal.message}`),
})

const server = createServer(async (request, response) => {
  const entry = await text(request) // whatever takes time comes first ...
  await fenced(request, response, () => {
    ledger.push(entry) // ... so that check and write are one step
    console.log(`   service  writes: ${entry}`)
    response.end()
  })
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/entries`

// --- The workers: they send their leadership along with every write. -----------------------------------------------------
interface Leadership {
  readonly name: string
  readonly token: number
  readonly holder: string
}

async function write(leadership: Leadership, entry: string): Promise<number> {
  const response = await fetch(url, { method: 'POST', headers: fenceHeaders(leadership), body: entry })
  console.log(`${leadership.holder}  gets ${response.status}: ${(await response.text()).trim() || 'done'}`)
  return response.status
}

const anna: Leadership = { name: 'invoices', token: 7, holder: 'worker-anna' }
const ben: Leadership = { name: 'invoices', token: 8, holder: 'worker-ben' }

console.log('worker-anna leads with token 7.')
const first = await write(anna, 'invoice 1, by anna')

console.log('\nworker-anna decides to write invoice 2 ... and freezes. Its lease runs out.')
let wake = (): void => undefined
const frozen = new Promise<void>((resolve) => {
  wake = resolve
}).then(() => write(anna, 'invoice 2, by anna'))

console.log('worker-ben is elected with token 8 and takes over.')
const second = await write(ben, 'invoice 2, by ben')

console.log('\nworker-anna wakes up. It still believes that it leads, and sends its write.')
wake()
const late = await frozen

const third = await write(ben, 'invoice 3, by ben')

server.close()
server.closeAllConnections()

console.log(`\nThe ledger: ${JSON.stringify(ledger)}`)
const held =
  [first, second, late, third].join() === '200,200,412,200' &&
  ledger.join() === 'invoice 1, by anna,invoice 2, by ben,invoice 3, by ben'
console.log(
  held
    ? 'Invoice 2 was written once: the late write of the former leader was refused.'
    : 'The fence did not hold.',
)
process.exitCode = held ? 0 : 1
