/**
 * What a heartbeat costs on the wire, beside what the sockets ask for it: `npm run bench -- wire [--n=10000]`.
 *
 * First the CPU of each layer, alone. Then round trips between two processes over the loopback address: bare sockets of
 * node:net with as many bytes (the floor), this transport with a secret, and with TLS if openssl is there to make
 * certificates. Trials of all rows alternate, so that all see the same machine. Figures are microseconds.
 */
import { fork } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Part } from '../../src/core/messages'
import type { TransportHost } from '../../src/ports/transport'
import { type TcpOptions, type TcpTransport, tcp } from '../../src/transports/tcp'
import { keysOf, sessionSeals } from '../../src/transports/tcp-keys'
import { PartDecoder, PartEncoder } from '../../src/wire'
import { Authority } from '../transports/certificates'
import { freePort } from '../transports/node'
import { head, line, say, value } from './stats'

const SECRET = 'the secret of the benchmark'
/** Length of a sealed frame with one heartbeat, and with one ack. */
const HEARTBEAT_BYTES = 48
const ACK_BYTES = 57

const heartbeat = (round: number): Part => ({
  kind: 'heartbeat',
  round,
  promiseMs: 2000,
  probe: false,
  prompt: true,
})

interface Row {
  readonly name: string
  readonly options: TcpOptions
  readonly addresses: Readonly<Record<string, string>>
}

function start(id: string, peer: string, row: Row, events: Pick<TransportHost, 'connected' | 'received'>) {
  const transport = tcp(row.options)
  const host: TransportHost = {
    local: {
      clusterId: 'bench',
      nodeId: id,
      storageId: 's',
      incarnation: 1,
      nonce: '0'.repeat(32),
      rho: 0.1,
      deltaMs: 2,
      configTerm: 0,
      configVersion: 1,
    },
    peers: [peer],
    addresses: row.addresses,
    logger: { debug() {}, info() {}, warn: console.warn, error: console.error },
    now: () => performance.now(),
    admit: () => ({ ok: true }),
    closed() {},
    refused() {},
    failed() {},
    ...events,
  }
  return new Promise<TcpTransport>((resolve, reject) => {
    transport.start(host, (error) => (error === null ? resolve(transport) : reject(error)))
  })
}

/** The other process: answers heartbeats with acks, and bytes with bytes. */
async function echo(rows: readonly Row[]): Promise<void> {
  for (const row of rows) {
    const transport = await start('b', 'a', row, {
      connected() {},
      received(from, incarnation, [part]) {
        const round = part?.kind === 'heartbeat' ? part.round : 0
        transport.send(from, incarnation, [{ kind: 'ack', round, grant: '1.1', renewed: true }])
      },
    })
  }
  const server = createServer({ noDelay: true }, (socket) => {
    let got = 0
    const answer = Buffer.alloc(ACK_BYTES)
    socket.on('data', (chunk) => {
      got += chunk.length
      for (; got >= HEARTBEAT_BYTES; got -= HEARTBEAT_BYTES) socket.write(answer)
    })
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port))
}

/** Batches of 1,000 calls; microseconds per call of each batch. */
function cpu(name: string, batches: number, call: () => void): void {
  for (let i = 0; i < 20_000; i++) call()
  const samples: number[] = []
  for (let batch = 0; batch < batches; batch++) {
    const from = performance.now()
    for (let i = 0; i < 1_000; i++) call()
    samples.push(performance.now() - from)
  }
  samples.sort((a, b) => a - b)
  const median = samples[samples.length >> 1] as number
  value(`${name}, p50 of ${batches} x 1,000`, median, 'us')
}

function layers(): void {
  const [keys] = keysOf([Buffer.from(SECRET)])
  const ends = () => ({ mine: sessionSeals(keys!, [], true), theirs: sessionSeals(keys!, [], false) })
  const encoder = new PartEncoder()
  const decoder = new PartDecoder()
  const parts = [heartbeat(123_456)]
  let body: Uint8Array = new Uint8Array(0)
  const encode = () => {
    encoder.encode(parts, (bytes) => {
      body = bytes
    })
  }
  cpu('encode a heartbeat', 200, encode)
  cpu('decode it', 200, () => decoder.decode(body))
  cpu('encode and decode', 200, () => {
    encode()
    decoder.decode(body)
  })
  const { mine, theirs } = ends()
  cpu('the same, sealed and unsealed', 50, () => {
    encode()
    const opened = theirs.incoming.open(mine.outgoing.seal(6, body))
    if (opened.ok) decoder.decode(opened.body)
  })
  say(`a sealed frame with a heartbeat has ${ends().mine.outgoing.seal(6, body).length} bytes`)
}

async function certificates(): Promise<{ a: TcpOptions; b: TcpOptions } | null> {
  try {
    const authority = new Authority()
    const issue = (id: string): TcpOptions => ({ tls: authority.issue('x', `URI:conclave://bench/${id}`) })
    const both = { a: issue('a'), b: issue('b') }
    authority.close()
    return both
  } catch {
    return null
  }
}

async function roundTrips(n: number): Promise<void> {
  const address = async () => ({ a: `127.0.0.1:${await freePort()}`, b: `127.0.0.1:${await freePort()}` })
  const mine: Row[] = [
    { name: 'this transport, secret', options: { secret: SECRET }, addresses: await address() },
  ]
  const theirs: Row[] = [...mine]
  const tls = await certificates()
  if (tls !== null) {
    const addresses = await address()
    mine.push({ name: 'this transport, TLS', options: tls.a, addresses })
    theirs.push({ name: '', options: tls.b, addresses })
  }
  const child = fork(fileURLToPath(import.meta.url), ['echo', JSON.stringify(theirs)], {
    execArgv: process.execArgv,
  })
  const port = await new Promise<number>((resolve) =>
    child.once('message', (message) => resolve(message as number)),
  )
  const trials: { readonly name: string; readonly samples: number[]; trip(round: number): Promise<void> }[] =
    []

  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await new Promise((resolve) => socket.once('connect', resolve))
  const bytes = Buffer.alloc(HEARTBEAT_BYTES)
  let arrived: () => void = () => {}
  let got = 0
  socket.on('data', (chunk) => {
    got += chunk.length
    if (got < ACK_BYTES) return
    got -= ACK_BYTES
    arrived()
  })
  trials.push({
    name: 'bare sockets (floor)',
    samples: [],
    trip: () =>
      new Promise((resolve) => {
        arrived = resolve
        socket.write(bytes)
      }),
  })
  const transports: TcpTransport[] = []
  for (const row of mine) {
    let acked: () => void = () => {}
    let up: () => void = () => {}
    const connected = new Promise<void>((resolve) => {
      up = resolve
    })
    const transport = await start('a', 'b', row, { connected: () => up(), received: () => acked() })
    await connected
    transports.push(transport)
    trials.push({
      name: row.name,
      samples: [],
      trip: (round) =>
        new Promise((resolve) => {
          acked = resolve
          transport.send('b', 1, [heartbeat(round)])
        }),
    })
  }
  const burst = 200
  for (let round = 0; round < n + 10 * burst; round += burst) {
    for (const { samples, trip } of trials) {
      for (let i = 0; i < burst; i++) {
        const from = performance.now()
        await trip(round + i)
        if (round >= 10 * burst) samples.push((performance.now() - from) * 1_000)
      }
    }
  }
  for (const { name, samples } of trials) line(`round trip, ${name}`, samples, 'us')
  socket.destroy()
  for (const transport of transports) await new Promise<void>((resolve) => transport.stop(100, resolve))
  child.kill('SIGKILL')
}

/** Runs the bench with the flags of the command line. */
export async function benchWire(flags: readonly string[]): Promise<void> {
  head('a heartbeat on the wire, beside bare sockets')
  layers()
  await roundTrips(Number(flags.find((each) => each.startsWith('--n='))?.slice(4) ?? 10_000))
}

// the other process of the round trips is this file again
const [mode, argument] = process.argv.slice(2)
if (mode === 'echo') await echo(JSON.parse(argument as string) as Row[])
