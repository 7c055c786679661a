/**
 * Goal: a member that knows the secret and does not keep to the protocol loses its session, and nothing of what it sent
 * reaches the host (E4, E6). Method: a client by hand over the real handshake.
 */
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Part } from '../../src/core/messages'
import type { Greeting } from '../../src/ports/transport'
import { LENGTH_BYTES } from '../../src/transports/tcp-frames'
import { Handshake } from '../../src/transports/tcp-handshake'
import { keysOf, type Seals } from '../../src/transports/tcp-keys'
import { decodeWelcome, encodeWelcome, FRAME_KINDS, PartEncoder } from '../../src/wire'
import { addressesOf, pause, SECRET, type TestNode, testNode, until } from './node'

const running: { stop(): Promise<void> }[] = []

afterEach(async () => {
  for (const each of running.splice(0)) await each.stop()
})

interface Rogue {
  readonly socket: Socket
  readonly seals: Seals
  /** Kinds and bodies of the sealed frames that came. */
  readonly got: { readonly kind: number; readonly body: Buffer }[]
  send(kind: number, body?: Uint8Array): void
}

/** Connects as `id` and stops behind its own greeting: the node has yet to confirm (`z`), or waits for it (`0`). */
async function rogue(port: number, id: string, change: Partial<Greeting> = {}): Promise<Rogue> {
  const local: Greeting = {
    clusterId: 'test',
    nodeId: id,
    storageId: 's',
    incarnation: 1,
    nonce: 'c'.repeat(32),
    rho: 0.1,
    deltaMs: 2,
    configTerm: 0,
    configVersion: 0,
    ...change,
  }
  const keys = keysOf([Buffer.from(SECRET)])
  const handshake = new Handshake({ local, keys, judge: () => null, now: () => 0 }, true)
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  running.push({ stop: async () => void socket.destroy() })
  socket.on('error', () => {})
  socket.write(handshake.hello())
  const got: { kind: number; body: Buffer }[] = []
  return new Promise((resolve) => {
    let seals: Seals | null = null
    let rest = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= LENGTH_BYTES && rest.length >= rest.readUInt32BE(0) + LENGTH_BYTES) {
        const frame = Buffer.from(rest.subarray(0, rest.readUInt32BE(0) + LENGTH_BYTES))
        rest = rest.subarray(frame.length)
        if (seals !== null) {
          const opened = seals.incoming.open(frame)
          if (opened.ok) got.push({ kind: opened.kind, body: Buffer.from(opened.body) })
          continue
        }
        const step = handshake.receive(frame)
        if (step.kind !== 'continue' && step.kind !== 'proven') throw new Error(step.kind)
        socket.write(step.frame as Buffer)
        if (step.kind !== 'proven') continue
        seals = step.seals
        const { outgoing } = step.seals
        const send = (kind: number, body: Uint8Array = new Uint8Array(0)) =>
          void socket.write(outgoing.seal(kind, body))
        resolve({ socket, seals, got, send })
      }
    })
  })
}

async function node(): Promise<{ a: TestNode; port: number; judged: string[] }> {
  const judged: string[] = []
  const addresses = await addressesOf('a')
  const a = testNode({
    id: 'a',
    addresses,
    admit: ({ nonce }) => {
      judged.push(nonce)
      return { ok: true }
    },
  })
  running.push(a)
  await a.start()
  return { a, port: Number((addresses['a'] as string).split(':')[1]), judged }
}

const parts = (): Uint8Array => {
  let body = new Uint8Array(0)
  const part: Part = {
    kind: 'deathNotice',
    process: 'p',
    storageId: 's',
    incarnation: 9,
    key: '0'.repeat(32),
  }
  new PartEncoder().encode([part], (bytes) => {
    body = bytes.slice()
  })
  return body
}

/** `z` is above `a`, so the node confirms; `0` is below, so the node waits for a number. */
async function connected(id: 'z' | '0' = 'z') {
  const { a, port } = await node()
  const r = await rogue(port, id)
  await until('the node has answered', () => r.got.some(({ kind }) => kind === FRAME_KINDS.welcome))
  if (id === '0') r.send(FRAME_KINDS.welcome, encodeWelcome(1))
  await until('it is connected', () => a.announced(id) === 1)
  return { a, r }
}

describe('E4: a member that does not keep to the protocol', () => {
  it('the client by hand is a good member as long as it keeps to it', async () => {
    for (const id of ['z', '0'] as const) {
      const { a, r } = await connected(id)
      r.send(FRAME_KINDS.parts, parts())
      await until('its part arrives', () => a.parts(id).length === 1)
      r.send(FRAME_KINDS.ping)
      await until('it is answered', () => r.got.some(({ kind }) => kind === FRAME_KINDS.pong))
      const welcome = decodeWelcome(r.got[0]!.body)
      expect(welcome).toEqual({ ok: true, value: id === 'z' ? 1 : 0 })
      expect(a.refused()).toEqual([])
    }
  })

  it('parts before the session was confirmed end it, and are not delivered', async () => {
    const { a, port } = await node()
    const r = await rogue(port, '0')
    r.send(FRAME_KINDS.parts, parts())
    await until('it is refused', () => a.refused().includes('malformed'))
    expect(a.heard.filter(({ type }) => type === 'received' || type === 'connected')).toEqual([])
  })

  it('a session that is never confirmed ends at the deadline', async () => {
    const addresses = await addressesOf('a')
    const a = testNode({ id: 'a', addresses, options: { secret: SECRET, handshakeMs: 200 } })
    running.push(a)
    await a.start()
    await rogue(Number((addresses['a'] as string).split(':')[1]), '0')
    await until('it is refused', () => a.refused().includes('handshakeTimeout'))
    expect(a.announced('0')).toBe(0)
  })

  it('a second welcome, a welcome of the wrong end, a number that is none', async () => {
    const second = await connected('0')
    second.r.send(FRAME_KINDS.welcome, encodeWelcome(2))
    await until('it is refused', () => second.a.refused().includes('malformed'))
    const { a, port } = await node()
    const wrong = await rogue(port, '0')
    wrong.send(FRAME_KINDS.welcome, encodeWelcome(0))
    await until('it is refused', () => a.refused().length === 1)
    const none = await rogue(port, '0')
    none.send(FRAME_KINDS.welcome, new Uint8Array(8).fill(0xff))
    await until('it is refused', () => a.refused().length === 2)
    expect([a.refused(), a.announced('0')]).toEqual([['malformed', 'malformed'], 0])
  })

  it('parts that cannot be decoded, unknown kinds, handshake frames in a session, a ping with a body', async () => {
    const sent: readonly (readonly [number, Uint8Array])[] = [
      [FRAME_KINDS.parts, Uint8Array.of(99)],
      [FRAME_KINDS.parts, new Uint8Array(0)],
      [FRAME_KINDS.parts, Uint8Array.from([...parts(), 1])],
      [77, new Uint8Array(0)],
      [FRAME_KINDS.greeting, new Uint8Array(4)],
      [FRAME_KINDS.ping, Uint8Array.of(1)],
      [FRAME_KINDS.pong, Uint8Array.of(1)],
      [FRAME_KINDS.close, Uint8Array.of(200)],
    ]
    for (const [kind, body] of sent) {
      const { a, r } = await connected()
      r.send(kind, body)
      await until(`kind ${kind} is refused`, () => a.refused().length === 1)
      expect([kind, a.refused(), a.parts('z')]).toEqual([kind, ['malformed'], []])
      await until('the session is over', () => a.announced('z') === 0)
      await until('it is told why', () => r.got.some((frame) => frame.kind === FRAME_KINDS.close))
    }
  })

  it('R27: the host is not asked about a process that is refused anyway', async () => {
    const { a, port, judged } = await node()
    await rogue(port, 'z', { incarnation: 4, nonce: '1'.repeat(32) })
    await until('the first is connected', () => a.announced('z') === 1)
    await rogue(port, 'z', { incarnation: 4, nonce: '2'.repeat(32) })
    await rogue(port, 'z', { incarnation: 3, nonce: '3'.repeat(32) })
    await rogue(port, 'a', { nonce: '4'.repeat(32) })
    await rogue(port, 'z', { clusterId: 'other', nonce: '5'.repeat(32) })
    await until('all four are refused', () => a.refused().length === 4)
    expect(a.refused()).toEqual([
      'duplicateIdentity',
      'staleIncarnation',
      'duplicateIdentity',
      'wrongCluster',
    ])
    expect(judged).toEqual(['1'.repeat(32)])
  })

  it('R24: what is left of a former life is not delivered after the next one is up', async () => {
    const { a, port } = await node()
    const first = await rogue(port, 'z')
    await until('it is connected', () => a.announced('z') === 1)
    // The same life connects again, so the first connection is only read on; then a new life comes.
    await rogue(port, 'z')
    await pause(20)
    first.send(FRAME_KINDS.parts, parts())
    await until('what was under way arrives', () => a.parts('z').length === 1)
    await rogue(port, 'z', { incarnation: 2, nonce: 'd'.repeat(32) })
    await until('the next life is up', () => a.heard.filter(({ type }) => type === 'connected').length === 2)
    if (!first.socket.destroyed) first.send(FRAME_KINDS.parts, parts())
    await pause(50)
    expect(a.heard.map(({ type }) => type)).toEqual(['connected', 'received', 'closed', 'connected'])
  })
})
