/**
 * A process as the tests see it: a transport on real sockets of the loopback address, and a host that writes down what
 * it hears. Waiting is polling with a deadline, never a fixed sleep.
 */
import { createServer } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Part } from '../../src/core/messages'
import type { Incarnation, ProcessId } from '../../src/core/types'
import type {
  Admission,
  Greeting,
  OperatorHost,
  RefusedReason,
  TransportHost,
} from '../../src/ports/transport'
import { type TcpOptions, type TcpTransport, tcp } from '../../src/transports/tcp'

export const SECRET = 'a secret of the tests, long enough'

/** What a host heard, in order. */
export type Heard =
  | { readonly type: 'connected'; readonly peer: Greeting; readonly sentAt: number }
  | { readonly type: 'closed'; readonly peer: ProcessId; readonly incarnation: number; readonly why: string }
  | {
      readonly type: 'received'
      readonly from: ProcessId
      readonly incarnation: number
      readonly parts: readonly Part[]
    }
  | { readonly type: 'refused'; readonly reason: RefusedReason }
  | { readonly type: 'failed'; readonly error: Error }

export interface NodeSetup {
  readonly id: string
  readonly peers?: readonly string[]
  readonly addresses?: Readonly<Record<string, string>>
  readonly incarnation?: number
  readonly clusterId?: string
  readonly storageId?: string
  readonly nonce?: string
  readonly options?: TcpOptions
  readonly admit?: (greeting: Greeting) => Admission
  readonly operators?: OperatorHost
}

/** Something that stands for a process. */
export interface TestNode {
  readonly id: string
  readonly greeting: Greeting
  readonly transport: TcpTransport
  readonly heard: Heard[]
  readonly logs: {
    readonly level: string
    readonly fields: Record<string, unknown>
    readonly message: string
  }[]
  /** Parts from a peer, in the order of their arrival. */
  parts(from: string): readonly Part[]
  /** Net number of sessions announced with a peer: 1 while connected, else 0. */
  announced(peer: string): number
  refused(): readonly RefusedReason[]
  start(): Promise<Error | null>
  stop(flushMs?: number): Promise<void>
  send(to: TestNode, ...parts: Part[]): void
}

let nonces = 0

export function testNode(setup: NodeSetup): TestNode {
  nonces += 1
  const greeting: Greeting = {
    clusterId: setup.clusterId ?? 'test',
    nodeId: setup.id,
    storageId: setup.storageId ?? `disk-${setup.id}`,
    incarnation: setup.incarnation ?? 1,
    nonce: setup.nonce ?? nonces.toString(16).padStart(32, '0'),
    rho: 0.1,
    deltaMs: 2,
    configTerm: 0,
    configVersion: 1,
  }
  const heard: Heard[] = []
  const logs: { level: string; fields: Record<string, unknown>; message: string }[] = []
  const log = (level: string) => (fields: object, message: string) => {
    logs.push({ level, fields: fields as Record<string, unknown>, message })
  }
  const transport = tcp(setup.options ?? { secret: SECRET })
  const host: TransportHost = {
    local: greeting,
    peers: setup.peers ?? [],
    addresses: setup.addresses ?? {},
    logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    now: () => performance.now(),
    admit: setup.admit ?? (() => ({ ok: true })),
    connected: (peer, sentAt) => heard.push({ type: 'connected', peer, sentAt }),
    closed: (peer, incarnation, why) => heard.push({ type: 'closed', peer, incarnation, why }),
    received: (from, incarnation, parts) => heard.push({ type: 'received', from, incarnation, parts }),
    refused: (reason) => heard.push({ type: 'refused', reason }),
    failed: (error) => heard.push({ type: 'failed', error }),
    ...(setup.operators === undefined ? {} : { operators: setup.operators }),
  }
  return {
    id: setup.id,
    greeting,
    transport,
    heard,
    logs,
    parts: (from) =>
      heard.flatMap((entry) => (entry.type === 'received' && entry.from === from ? entry.parts : [])),
    announced: (peer) =>
      heard.reduce((count, entry) => {
        if (entry.type === 'connected' && entry.peer.nodeId === peer) return count + 1
        return entry.type === 'closed' && entry.peer === peer ? count - 1 : count
      }, 0),
    refused: () => heard.flatMap((entry) => (entry.type === 'refused' ? [entry.reason] : [])),
    start: () => new Promise((resolve) => transport.start(host, resolve)),
    stop: (flushMs = 200) => new Promise((resolve) => transport.stop(flushMs, resolve)),
    send: (to, ...parts) => transport.send(to.id, to.greeting.incarnation as Incarnation, parts),
  }
}

const given = new Set<number>()

/**
 * A port that is free now. Below the range from which the kernel takes ports for outgoing connections, so that none of
 * those comes in between, and never given twice.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000)
    if (given.has(port)) continue
    given.add(port)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen({ host, port, exclusive: true }, () => resolve(true))
    })
    if (!free) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}

/** An address for each id. */
export async function addressesOf(...ids: readonly string[]): Promise<Record<string, string>> {
  const addresses: Record<string, string> = {}
  for (const id of ids) addresses[id] = `127.0.0.1:${await freePort()}`
  return addresses
}

/** Two nodes that know each other's address. Not started. */
export async function pair(
  a: Partial<NodeSetup> = {},
  b: Partial<NodeSetup> = {},
): Promise<{ readonly a: TestNode; readonly b: TestNode; readonly addresses: Record<string, string> }> {
  const addresses = await addressesOf('a', 'b')
  return {
    a: testNode({ id: 'a', peers: ['b'], addresses, ...a }),
    b: testNode({ id: 'b', peers: ['a'], addresses, ...b }),
    addresses,
  }
}

/** Waits until it holds; fails with what it was waiting for. */
export async function until(what: string, holds: () => boolean, deadlineMs = 5_000): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!holds()) {
    if (performance.now() > end) throw new Error(`did not happen within ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Lets some time pass in which nothing is expected to happen. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
