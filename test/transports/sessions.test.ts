/**
 * Goal: whatever crosses on the way, two processes end up with one session, hear of it once, and lose nothing (R24, R27).
 * Method: many rounds of dials that cross, over proxies that hold frames up at random; then lives that follow each other.
 */
import { afterEach, describe, expect, it } from 'vitest'
import type { Part } from '../../src/core/messages'
import { addressesOf, pair, pause, SECRET, type TestNode, testNode, until } from './node'
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
  await Promise.all(running.splice(0).map((each) => each.stop()))
})

function keep(...nodes: { stop(): Promise<void> }[]): void {
  running.push(...nodes)
}

const both = (a: TestNode, b: TestNode) =>
  until(`${a.id} and ${b.id} are connected`, () => a.announced(b.id) === 1 && b.announced(a.id) === 1)

const roundsOf = (parts: readonly Part[]) =>
  parts.flatMap((part) => (part.kind === 'heartbeat' ? [part.round] : []))

/** Two ends that dial each other at the same time; each sends `count` parts as soon as it is connected. */
async function crossing(delayMs: () => number, count: number) {
  const addresses = await addressesOf('a', 'b')
  const toA = await Meddler.to(addresses['a'] as string)
  const toB = await Meddler.to(addresses['b'] as string)
  toA.delayMs = delayMs
  toB.delayMs = delayMs
  const a = testNode({
    id: 'a',
    peers: ['b'],
    addresses,
    options: { secret: SECRET, peers: { b: toB.address } },
  })
  const b = testNode({
    id: 'b',
    peers: ['a'],
    addresses,
    options: { secret: SECRET, peers: { a: toA.address } },
  })
  const talk = async (self: TestNode, peer: TestNode) => {
    await until('it is connected', () => self.announced(peer.id) === 1)
    for (let round = 0; round < count; round++) {
      self.send(peer, beat(round))
      await pause(1)
    }
  }
  await Promise.all([a.start(), b.start(), talk(a, b), talk(b, a)])
  await until('everything arrives', () => a.parts('b').length >= count && b.parts('a').length >= count)
  await until('one connection is left', () => toA.open + toB.open === 1)
  const dials = toA.links.length + toB.links.length
  await Promise.all([a.stop(), b.stop()])
  await Promise.all([toA.close(), toB.close()])
  return { a, b, dials }
}

describe('dials that cross', () => {
  it('exactly one session survives 200 simultaneous dials, heard of once, and nothing that was sent is lost', async () => {
    const outcomes: Awaited<ReturnType<typeof crossing>>[] = []
    for (let batch = 0; batch < 20; batch++) {
      const kinds = [
        () => 0,
        () => 1,
        () => Math.random() * 3,
        () => Math.random() * 12,
        () => (Math.random() < 0.2 ? 15 : 0),
      ]
      const delay = kinds[batch % kinds.length] as () => number
      outcomes.push(...(await Promise.all(Array.from({ length: 10 }, () => crossing(delay, 15)))))
    }
    expect(outcomes).toHaveLength(200)
    for (const { a, b } of outcomes) {
      for (const [self, peer] of [
        [a, 'b'],
        [b, 'a'],
      ] as const) {
        expect(self.heard.filter(({ type }) => type === 'connected')).toHaveLength(1)
        expect(self.heard.filter(({ type }) => type === 'closed' || type === 'refused')).toEqual([])
        const rounds = roundsOf(self.parts(peer))
        expect(rounds.sort((x, y) => x - y)).toEqual(Array.from({ length: 15 }, (_, n) => n))
      }
    }
    // The test would be worth nothing if the dials did not cross.
    expect(outcomes.filter(({ dials }) => dials === 2).length).toBeGreaterThan(100)
  })
})

describe('lives that follow each other', () => {
  it('R27: a restart with a higher incarnation replaces a session whose end nobody noticed', async () => {
    const addresses = await addressesOf('a', 'b')
    const meddler = await Meddler.to(addresses['a'] as string)
    const a = testNode({ id: 'a', addresses: { a: addresses['a'] as string } })
    const old = testNode({
      id: 'b',
      peers: ['a'],
      addresses: { b: addresses['b'] as string, a: meddler.address },
    })
    keep(a, { stop: () => meddler.close() })
    await Promise.all([a.start(), old.start()])
    await both(a, old)
    meddler.swallow = true
    await old.stop(0)
    await pause(20)
    expect(a.announced('b')).toBe(1)
    const anew = testNode({
      id: 'b',
      incarnation: 2,
      peers: ['a'],
      addresses: { b: addresses['b'] as string, a: addresses['a'] as string },
    })
    keep(anew)
    await anew.start()
    await until('the new life is connected', () => anew.announced('a') === 1)
    const lives = a.heard.flatMap((e) =>
      e.type === 'connected'
        ? [`connected ${e.peer.incarnation}`]
        : e.type === 'closed'
          ? [`closed ${e.incarnation}`]
          : [],
    )
    expect(lives).toEqual(['connected 1', 'closed 1', 'connected 2'])
  })

  it('R27: another process with the same identity is refused while the first one lives', async () => {
    const addresses = await addressesOf('a')
    const a = testNode({ id: 'a', addresses })
    const first = testNode({ id: 'b', peers: ['a'], addresses })
    const clone = testNode({ id: 'b', peers: ['a'], addresses })
    keep(a, first, clone)
    await Promise.all([a.start(), first.start()])
    await both(a, first)
    await clone.start()
    await until('the clone is refused', () => a.refused().includes('duplicateIdentity'))
    await until('it is told so', () =>
      /duplicateIdentity/.test(clone.transport.stats().links[0]?.lastError ?? ''),
    )
    expect([a.announced('b'), first.announced('a'), clone.announced('a')]).toEqual([1, 1, 0])
  })

  it('R24: a lower incarnation is refused while a higher one is connected', async () => {
    const addresses = await addressesOf('a')
    const a = testNode({ id: 'a', addresses })
    const present = testNode({ id: 'b', peers: ['a'], addresses, incarnation: 5 })
    const past = testNode({ id: 'b', peers: ['a'], addresses, incarnation: 4 })
    keep(a, present, past)
    await Promise.all([a.start(), present.start()])
    await both(a, present)
    await past.start()
    await until('it is refused', () => a.refused().includes('staleIncarnation'))
    expect([a.announced('b'), past.announced('a')]).toEqual([1, 0])
  })

  it('R27: two processes that both say they are a refuse each other', async () => {
    const addresses = await addressesOf('a')
    const first = testNode({ id: 'a', addresses })
    const second = testNode({ id: 'a', peers: ['b'], addresses: { b: addresses['a'] as string } })
    keep(first, second)
    await first.start()
    await second.start()
    await until('it is noticed', () => second.refused().length > 0)
    expect(second.refused()[0]).toBe('duplicateIdentity')
  })
})

describe('E4: who gets no session', () => {
  it('E4: another cluster, another member than the one dialled, oneself', async () => {
    const addresses = await addressesOf('a', 'b', 'c')
    const at = (id: string) => addresses[id] as string
    const foreign = testNode({ id: 'b', clusterId: 'other', addresses: { b: at('b') } })
    const swapped = testNode({ id: 'x', addresses: { x: at('c') } })
    const a = testNode({
      id: 'a',
      peers: ['b', 'c', 'd'],
      addresses: { a: at('a'), b: at('b'), c: at('c'), d: at('a') },
    })
    keep(foreign, swapped, a)
    await Promise.all([foreign.start(), swapped.start()])
    await a.start()
    await until('all three are refused', () => a.refused().length >= 3)
    expect(new Set(a.refused())).toEqual(new Set(['wrongCluster', 'wrongIdentity']))
    const errors = Object.fromEntries(a.transport.stats().links.map((link) => [link.peer, link.lastError]))
    expect(errors).toMatchObject({
      b: 'refused: wrongCluster',
      c: 'refused: wrongIdentity',
      d: 'refused: wrongIdentity',
    })
    for (const node of [a, foreign, swapped])
      expect(node.heard.some((entry) => entry.type === 'connected')).toBe(false)
  })

  it('E4: a stranger who is not admitted learns why, and the host decided it', async () => {
    const addresses = await addressesOf('a')
    const a = testNode({
      id: 'a',
      addresses,
      admit: ({ nodeId }) => (nodeId === 'b' ? { ok: true } : { ok: false, reason: 'unknownMember' }),
    })
    const stranger = testNode({ id: 'zed', peers: ['a'], addresses })
    const member = testNode({ id: 'b', peers: ['a'], addresses })
    keep(a, stranger, member)
    await Promise.all([a.start(), stranger.start(), member.start()])
    await both(a, member)
    await until('it is refused', () => a.refused().includes('unknownMember'))
    await until('it is told so', () =>
      /unknownMember/.test(stranger.transport.stats().links[0]?.lastError ?? ''),
    )
    expect(a.announced('zed')).toBe(0)
  })

  it('E9: refusals are counted one by one, but logged once a second, with texts made safe', async () => {
    const addresses = await addressesOf('a')
    const a = testNode({ id: 'a', addresses, admit: () => ({ ok: false, reason: 'unknownMember' }) })
    const stranger = testNode({ id: 'z', peers: ['a'], addresses })
    keep(a, stranger)
    await Promise.all([a.start(), stranger.start()])
    await until('it was refused several times', () => a.refused().length >= 4)
    expect(a.transport.stats().refused.unknownMember).toBe(a.refused().length)
    const lines = a.logs.filter(({ fields }) => fields['reason'] === 'unknownMember')
    expect(lines.length).toBeLessThanOrEqual(2)
    expect(lines[0]?.fields['remote']).toBe('127.0.0.1')
    expect(JSON.stringify([a.logs, stranger.logs])).not.toContain(SECRET)
  })
})

describe('a link that breaks', () => {
  it('is dialled anew at once, and heard of', async () => {
    const { a, b, addresses } = await pair()
    const meddler = await Meddler.to(addresses['b'] as string)
    const c = testNode({ id: 'c', peers: ['b'], addresses: { b: meddler.address } })
    keep(a, b, c, { stop: () => meddler.close() })
    await Promise.all([b.start(), c.start()])
    await both(b, c)
    await pause(1_050)
    const cutAt = performance.now()
    meddler.cut()
    await until('it is back', () => c.heard.filter(({ type }) => type === 'connected').length === 2)
    expect(performance.now() - cutAt).toBeLessThan(250)
    expect(c.heard.map(({ type }) => type)).toEqual(['connected', 'closed', 'connected'])
  })

  it('sentAt is before the greeting that the peer answered, and after the dial (R64)', async () => {
    const { a, b } = await pair()
    keep(a, b)
    const before = performance.now()
    await Promise.all([a.start(), b.start()])
    await both(a, b)
    for (const node of [a, b]) {
      const entry = node.heard.find(({ type }) => type === 'connected')
      if (entry?.type !== 'connected') throw new Error('not connected')
      expect(entry.sentAt).toBeGreaterThan(before)
      expect(entry.sentAt).toBeLessThan(performance.now())
    }
  })
})
