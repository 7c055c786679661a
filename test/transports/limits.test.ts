/**
 * Goal: strangers and slow peers cannot use this process up, nor keep honest peers away (E5, B.17). Method: raw sockets
 * that behave badly against a transport on the loopback address.
 */
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Part } from '../../src/core/messages'
import { encodeOpening, FRAME_KINDS } from '../../src/wire'
import { addressesOf, pause, SECRET, type TestNode, testNode, until } from './node'
import { Meddler } from './proxy'

const beat = (round: number): Part => ({
  kind: 'heartbeat',
  round,
  promiseMs: 2000,
  probe: false,
  prompt: false,
})
const bind = (term: number): Part => ({ kind: 'bind', election: `election-${term % 1000}`, term })

const running: { stop(): Promise<void> }[] = []

afterEach(async () => {
  for (const each of running.splice(0)) await each.stop()
})

async function listening(options: object = {}): Promise<{ node: TestNode; port: number; address: string }> {
  const addresses = await addressesOf('a')
  const node = testNode({ id: 'a', addresses, options: { secret: SECRET, ...options } })
  running.push(node)
  await node.start()
  const address = addresses['a'] as string
  return { node, port: Number(address.split(':')[1]), address }
}

interface Stranger {
  readonly socket: Socket
  readonly got: () => Buffer
  readonly closed: () => boolean
}

async function stranger(port: number, host = '127.0.0.1', localAddress?: string): Promise<Stranger> {
  const socket = connect({ port, host, ...(localAddress === undefined ? {} : { localAddress }) })
  const chunks: Buffer[] = []
  let closed = false
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  socket.on('close', () => {
    closed = true
  })
  running.push({ stop: async () => void socket.destroy() })
  await new Promise((resolve) => socket.once('connect', resolve))
  return { socket, got: () => Buffer.concat(chunks), closed: () => closed }
}

function frame(kind: number, body: Uint8Array, length = body.length + 1): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(length, 0)
  head[4] = kind
  return Buffer.concat([head, body])
}

const hello = () =>
  frame(FRAME_KINDS.hello, encodeOpening({ oldest: 1, newest: 1, nonce: new Uint8Array(32).fill(3) }))

describe('E5: before a peer has proved itself', () => {
  it('E5: a frame that announces more than 512 bytes is refused when its length arrives', async () => {
    for (const length of [0, 509, 65_536, 0xffff_ffff]) {
      const { node, port } = await listening()
      const { socket, closed } = await stranger(port)
      socket.write(frame(FRAME_KINDS.hello, new Uint8Array(0), length))
      await until('it is closed', closed)
      expect(node.refused()).toEqual(['oversized'])
    }
  })

  it('E5: bytes of another protocol are refused', async () => {
    const { node, port } = await listening()
    const { socket, closed } = await stranger(port)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until('it is closed', closed)
    expect(node.refused()).toEqual(['oversized'])
  })

  it('E3: a stranger who greets properly gets versions and a nonce, 43 bytes, and after a wrong proof one close', async () => {
    const { node, port } = await listening()
    const { socket, got, closed } = await stranger(port)
    socket.write(hello())
    await until('the challenge arrives', () => got().length >= 43)
    await pause(30)
    expect(got().length).toBe(43)
    expect(got()[4]).toBe(FRAME_KINDS.challenge)
    socket.write(frame(FRAME_KINDS.proof, new Uint8Array(32)))
    await until('it is closed', closed)
    expect(got().subarray(43)).toEqual(frame(FRAME_KINDS.close, Uint8Array.of(4)))
    expect(node.refused()).toEqual(['unauthenticated'])
  })

  it('E4: a stranger of another version is told so, and nothing more', async () => {
    const { node, port } = await listening()
    const { socket, got, closed } = await stranger(port)
    socket.write(
      frame(FRAME_KINDS.hello, encodeOpening({ oldest: 200, newest: 201, nonce: new Uint8Array(32) })),
    )
    await until('it is closed', closed)
    expect(got()).toEqual(frame(FRAME_KINDS.close, Uint8Array.of(5)))
    expect(node.refused()).toEqual(['wrongVersion'])
  })

  it('E5: who says nothing, or one byte at a time, is closed at the deadline of the whole handshake', async () => {
    const { node, port } = await listening({ handshakeMs: 250 })
    const startedAt = performance.now()
    const silent = await stranger(port)
    const slow = await stranger(port)
    const bytes = hello()
    let sent = 0
    const drip = setInterval(() => slow.socket.write(bytes.subarray(sent, ++sent)), 20)
    running.push({ stop: async () => clearInterval(drip) })
    await until('both are closed', () => silent.closed() && slow.closed())
    clearInterval(drip)
    expect(performance.now() - startedAt).toBeGreaterThan(240)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect(node.refused()).toEqual(['handshakeTimeout', 'handshakeTimeout'])
  })

  it('E5: of one address at most 16 may be in their handshake, and a flood does not keep an honest peer away', async () => {
    const { node, port, address } = await listening({ handshakeMs: 3_000 })
    const flood = await Promise.all(Array.from({ length: 40 }, () => stranger(port)))
    await until('the oldest had to go', () => flood.filter(({ closed }) => closed()).length >= 24)
    expect(flood.filter(({ closed }) => !closed()).length).toBe(16)
    expect(node.refused().filter((reason) => reason === 'tooManyConnections')).toHaveLength(24)
    const honest = testNode({ id: 'b', peers: ['a'], addresses: { a: address } })
    running.push(honest)
    await honest.start()
    await until(
      'the honest peer is connected',
      () => honest.announced('a') === 1 && node.announced('b') === 1,
    )
  })

  it('E5: in all at most 64 may be in their handshake', async () => {
    const { port } = await listening({ handshakeMs: 3_000, maxConnections: 1_000 })
    const flood: Stranger[] = []
    for (let n = 0; n < 100; n++) flood.push(await stranger(port, '127.0.0.1', `127.0.0.${2 + (n % 10)}`))
    await until('the oldest had to go', () => flood.filter(({ closed }) => closed()).length >= 36)
    await pause(50)
    expect(flood.filter(({ closed }) => !closed()).length).toBe(64)
    expect(flood.slice(0, 36).every(({ closed }) => closed())).toBe(true)
  })

  it('E5: above maxConnections new ones are refused, and those that stand are left alone', async () => {
    const { node, port, address } = await listening({ maxConnections: 2 })
    const members = ['b', 'c'].map((id) => testNode({ id, peers: ['a'], addresses: { a: address } }))
    running.push(...members)
    for (const member of members) await member.start()
    await until('both are connected', () => node.announced('b') === 1 && node.announced('c') === 1)
    const late = await stranger(port)
    await until('the third is refused', late.closed)
    expect(node.refused()).toEqual(['tooManyConnections'])
    expect([node.announced('b'), node.announced('c')]).toEqual([1, 1])
  })

  it('E5: silent connections do not use up maxConnections', async () => {
    const { node, port, address } = await listening({ maxConnections: 4, handshakeMs: 5_000 })
    const flood = await Promise.all(Array.from({ length: 8 }, () => stranger(port)))
    await until('the oldest had to go', () => flood.filter(({ closed }) => closed()).length === 4)
    const honest = testNode({ id: 'b', peers: ['a'], addresses: { a: address } })
    running.push(honest)
    await honest.start()
    await until('the honest peer is connected', () => node.announced('b') === 1)
  })

  it('E5: a thousand connections that come and go leave nothing behind', async () => {
    const { node, port, address } = await listening()
    for (let n = 0; n < 20; n++) {
      const batch = await Promise.all(Array.from({ length: 50 }, () => stranger(port)))
      for (const { socket } of batch) socket.destroy()
    }
    const honest = testNode({ id: 'b', peers: ['a'], addresses: { a: address } })
    running.push(honest)
    await honest.start()
    await until('an honest peer is connected', () => node.announced('b') === 1)
    expect(node.transport.stats().links).toHaveLength(1)
  })
})

describe('E5: in a session', () => {
  async function session(options: object = {}) {
    const { node: a, address } = await listening(options)
    const meddler = await Meddler.to(address)
    const b = testNode({
      id: 'b',
      peers: ['a'],
      addresses: { a: meddler.address },
      options: { secret: SECRET, ...options },
    })
    running.push(b, { stop: () => meddler.close() })
    await b.start()
    await until('both are connected', () => a.announced('b') === 1 && b.announced('a') === 1)
    return { a, b, meddler, link: meddler.links[0]! }
  }

  it('E5: a frame that announces more than the limit ends it', async () => {
    const { a, link } = await session()
    link.back.write(frame(FRAME_KINDS.parts, new Uint8Array(0), 65_533))
    await until('it is refused', () => a.refused().includes('oversized'))
    expect(a.announced('b')).toBe(0)
  })

  it('E5: a frame that is never completed ends it, although bytes keep coming', async () => {
    const { a, meddler, link } = await session({ zombieMs: 150 })
    meddler.swallow = true
    link.back.write(frame(FRAME_KINDS.parts, new Uint8Array(0), 60_000))
    const drip = setInterval(() => link.back.write(Uint8Array.of(0)), 10)
    running.push({ stop: async () => clearInterval(drip) })
    await until('it is refused', () => a.refused().includes('malformed'))
    expect(a.announced('b')).toBe(0)
  })

  it('B.17: to a peer that does not read the newest heartbeat is kept, the rest is bounded, dropped and counted', async () => {
    const { a, b, link } = await session({ maxQueueBytes: 65_536, zombieMs: 60_000 })
    link.front.pause()
    link.back.pause()
    const memory = process.memoryUsage.rss()
    for (let n = 0; n < 3_000; n++) {
      a.send(b, beat(n), ...Array.from({ length: 200 }, (_, k) => bind(n * 200 + k)))
      if (n % 50 === 0) await pause(1)
    }
    await until('some were dropped', () => (a.transport.stats().refused.backPressure ?? 0) > 0)
    expect(process.memoryUsage.rss() - memory).toBeLessThan(200_000_000)
    link.front.resume()
    link.back.resume()
    const newest = () => b.parts('a').some((part) => part.kind === 'heartbeat' && part.round === 2_999)
    await until('the newest heartbeat arrives', newest)
    const arrived = b.parts('a')
    expect(arrived.length).toBeLessThan(3_000 * 201)
    const terms = arrived.flatMap((part) => (part.kind === 'bind' ? [part.term] : []))
    expect(terms).toEqual([...terms].sort((x, y) => x - y))
  })

  it('R70: hundreds of thousands of parts in one turn arrive whole when there is room for them', async () => {
    const { a, b } = await session()
    const parts = Array.from({ length: 60_000 }, (_, n) => bind(n))
    a.send(b, ...parts)
    await until('all arrive', () => b.parts('a').length === parts.length, 10_000)
    expect(b.parts('a')).toEqual(parts)
    expect(a.refused()).toEqual([])
  })
})
