/**
 * Goal: somebody between two processes can cut and delay, and nothing else (E3); a link that died without a word is
 * noticed and dialled anew (R38). Method: a proxy of the test's own between two transports on real sockets.
 */
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Part } from '../../src/core/messages'
import { FRAME_KINDS } from '../../src/wire'
import { addressesOf, type NodeSetup, pause, SECRET, type TestNode, testNode, until } from './node'
import { Meddler } from './proxy'

const beat = (round: number): Part => ({
  kind: 'heartbeat',
  round,
  promiseMs: 2000,
  probe: false,
  prompt: false,
})

const running: { stop(): Promise<void> }[] = []

afterEach(async () => {
  for (const each of running.splice(0)) await each.stop()
})

/** `a` reaches `b` through the proxy only; `b` does not dial. */
async function throughProxy(
  options: { readonly dialler?: 'a' | 'z'; readonly setup?: Partial<NodeSetup> } = {},
): Promise<{ a: TestNode; b: TestNode; proxy: Meddler }> {
  const id = options.dialler ?? 'a'
  const addresses = await addressesOf('b')
  const proxy = await Meddler.to(addresses['b'] as string)
  const a = testNode({ id, peers: ['b'], addresses: { b: proxy.address }, ...options.setup })
  const b = testNode({ id: 'b', peers: [id], addresses, ...options.setup })
  running.push(a, b, { stop: () => proxy.close() })
  return { a, b, proxy }
}

async function connected(a: TestNode, b: TestNode): Promise<void> {
  await Promise.all([a.start(), b.start()])
  await until('both are connected', () => a.announced(b.id) === 1 && b.announced(a.id) === 1)
}

/** A frame with one bit of its middle changed. */
function spoilt(frame: Buffer): Buffer {
  const changed = Buffer.from(frame)
  const at = 5 + ((frame.length - 5) >> 1)
  changed[at] = (changed[at] as number) ^ 1
  return changed
}

// The end with the lower id confirms; both ways round.
for (const dialler of ['a', 'z'] as const) {
  describe(`E3: somebody between ${dialler}, who dials, and b`, () => {
    it('E3: who only passes frames on is a wire', async () => {
      const { a, b } = await throughProxy({ dialler })
      await connected(a, b)
      a.send(b, beat(1))
      b.send(a, beat(2))
      await until('parts arrive', () => b.parts(a.id).length === 1 && a.parts('b').length === 1)
    })

    it('E3: a frame of the handshake that was changed gives no session; the next try does', async () => {
      const frames = [
        ['forth', 0],
        ['forth', 1],
        ['forth', 2],
        ['back', 0],
        ['back', 1],
      ] as const
      const spoil = async ([way, at]: (typeof frames)[number]) => {
        const { a, b, proxy } = await throughProxy({ dialler })
        proxy.meddle = (frame, direction, n, { number }) => [
          number === 0 && direction === way && n === at ? spoilt(frame) : frame,
        ]
        await connected(a, b)
        expect([way, at, proxy.links.length]).toEqual([way, at, 2])
        expect([...a.refused(), ...b.refused()]).toContain('unauthenticated')
      }
      await Promise.all(frames.map(spoil))
    })

    it('E3: a frame of the session that was changed ends it, and is not delivered', async () => {
      const { a, b, proxy } = await throughProxy({ dialler })
      await connected(a, b)
      proxy.meddle = (frame, direction, _n, { number }) => [
        number === 0 && direction === 'forth' ? spoilt(frame) : frame,
      ]
      a.send(b, beat(1))
      await until('it is refused', () => b.refused().includes('unauthenticated'))
      await until('a new session is up', () => a.announced('b') === 1 && proxy.links.length === 2)
      expect(b.parts(a.id)).toEqual([])
    })

    it('E3: a frame that comes twice ends the session, and is delivered once', async () => {
      const { a, b, proxy } = await throughProxy({ dialler })
      await connected(a, b)
      proxy.meddle = (frame, direction, _n, { number }) =>
        number === 0 && direction === 'forth' ? [frame, frame] : [frame]
      a.send(b, beat(1))
      await until('it is refused', () => b.refused().includes('replayed'))
      expect(b.parts(a.id)).toEqual([beat(1)])
    })

    it('E3: frames in another order end the session', async () => {
      const { a, b, proxy } = await throughProxy({ dialler })
      await connected(a, b)
      let held: Buffer | null = null
      proxy.meddle = (frame, direction, _n, { number }) => {
        if (number !== 0 || direction !== 'forth') return [frame]
        if (held !== null) return [frame, held]
        held = frame
        return []
      }
      a.send(b, beat(1))
      await pause(20)
      a.send(b, beat(2))
      await until('it is refused', () => b.refused().includes('replayed'))
      expect(b.parts(a.id)).toEqual([])
    })

    it('E3: a frame that is sent back to where it came from ends the session', async () => {
      const { a, b, proxy } = await throughProxy({ dialler })
      await connected(a, b)
      proxy.meddle = (frame, direction, _n, link) => {
        if (link.number === 0 && direction === 'forth') link.front.write(frame)
        return [frame]
      }
      a.send(b, beat(1))
      await until('it is refused', () => a.refused().includes('unauthenticated'))
      expect(a.parts('b')).toEqual([])
    })

    it('E3: frames of a former session are refused in the next one', async () => {
      const { a, b, proxy } = await throughProxy({ dialler })
      await connected(a, b)
      a.send(b, beat(1))
      await until('the part arrives', () => b.parts(a.id).length === 1)
      const former = proxy.links[0]!.seen.forth.at(-1)!
      proxy.cut()
      await until(
        'a new session is up',
        () => proxy.links.length >= 2 && a.announced('b') === 1 && b.announced(a.id) === 1,
      )
      proxy.links.at(-1)!.back.write(former)
      await until('it is refused', () => b.refused().includes('unauthenticated'))
      expect(b.parts(a.id)).toEqual([beat(1)])
    })

    it('E3: no part of the own greeting is in clear before the peer has proved the secret', async () => {
      const { a, b, proxy } = await throughProxy({ dialler, setup: { storageId: 'a-very-private-disk' } })
      await connected(a, b)
      const [link] = proxy.links
      const kinds = (frames: Buffer[]) => frames.map((frame) => frame[4])
      expect(kinds(link!.seen.forth.slice(0, 3))).toEqual([
        FRAME_KINDS.hello,
        FRAME_KINDS.proof,
        FRAME_KINDS.greeting,
      ])
      expect(kinds(link!.seen.back.slice(0, 2))).toEqual([FRAME_KINDS.challenge, FRAME_KINDS.greeting])
      const before = Buffer.concat([...link!.seen.forth.slice(0, 2), link!.seen.back[0]!])
      expect(before.includes('a-very-private-disk')).toBe(false)
    })
  })
}

describe('R38: links that died without a word', () => {
  it('R38: a link that swallows everything is closed and dialled anew, although no parts are sent', async () => {
    const { a, b, proxy } = await throughProxy({ setup: { options: { secret: SECRET, zombieMs: 300 } } })
    await connected(a, b)
    proxy.swallow = true
    await until('both ends notice', () => a.announced('b') === 0 && b.announced('a') === 0, 3_000)
    proxy.swallow = false
    await until('a new session is up', () => a.announced('b') === 1 && b.announced('a') === 1)
    a.send(b, beat(9))
    await until('it carries parts', () => b.parts('a').length === 1)
  })

  it('R38: the end that hears nothing closes the link, although the other one hears it', async () => {
    const { a, b, proxy } = await throughProxy({ setup: { options: { secret: SECRET, zombieMs: 300 } } })
    await connected(a, b)
    proxy.meddle = (frame, direction, _n, { number }) => (number === 0 && direction === 'back' ? [] : [frame])
    const beats = setInterval(() => a.send(b, beat(1)), 20)
    await until('the deaf end notices', () => a.heard.some((entry) => entry.type === 'closed'), 3_000)
    clearInterval(beats)
    await until('a new session is up', () => a.announced('b') === 1 && b.announced('a') === 1)
  })

  it('R38: an idle link that answers is left alone, and costs little', async () => {
    const { a, b, proxy } = await throughProxy({ setup: { options: { secret: SECRET, zombieMs: 150 } } })
    await connected(a, b)
    const before = a.transport.stats().framesSent
    await pause(900)
    expect([a.announced('b'), b.announced('a'), proxy.links.length]).toEqual([1, 1, 1])
    expect(a.transport.stats().framesSent - before).toBeLessThan(40)
  })

  it('B.2: a stall of this process does not look like a dead link', async () => {
    const { a, b, proxy } = await throughProxy({ setup: { options: { secret: SECRET, zombieMs: 150 } } })
    await connected(a, b)
    const end = performance.now() + 1_000
    while (performance.now() < end);
    await pause(200)
    expect([a.announced('b'), b.announced('a'), proxy.links.length]).toEqual([1, 1, 1])
  })

  it('B.16: a peer that accepts and says nothing is given up within the deadline, again and again', async () => {
    const silent = createServer((socket) => socket.on('error', () => {}).resume())
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as { port: number }
    const a = testNode({
      id: 'a',
      peers: ['b'],
      addresses: { b: `127.0.0.1:${port}` },
      options: { secret: SECRET, handshakeMs: 100 },
    })
    running.push(a, { stop: () => new Promise((resolve) => silent.close(() => resolve())) })
    await a.start()
    await until('it is refused twice', () => a.refused().filter((r) => r === 'handshakeTimeout').length >= 2)
    expect(a.transport.stats().links[0]?.lastError).toMatch(/handshakeTimeout/)
  })
})
