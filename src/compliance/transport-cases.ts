/**
 * The cases of the transport suite, by what they are about.
 *
 * Each tests one promise of `../ports/transport.ts` and says so in its name. Read next: `transport.ts`.
 */
import assert from 'node:assert/strict'
import type { Part } from '../core/messages'
import { bind, EVERY_PART, type Life, type TransportBench } from './transport-bench'

/** One case. */
export type Body = (bench: TransportBench) => Promise<void>

const beat = (round: number): Part => ({
  kind: 'heartbeat',
  round,
  promiseMs: 2000,
  probe: false,
  prompt: false,
})

/** How sessions come up, and with whom. */
export const SESSIONS: Record<string, Body> = {
  'ready is called once, and both ends hear of the session once, with the greeting of the other': async (
    bench,
  ) => {
    const [a, b] = await bench.pair()
    await bench.pass(300)
    for (const [self, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      assert.equal(self.answers, 1)
      const heard = self.heard.filter((entry) => entry.type === 'connected')
      assert.deepEqual(
        heard.map((entry) => entry.peer),
        [peer.greeting],
      )
    }
  },

  'R64: sentAt lies between the start and the moment of the call': async (bench) => {
    for (const life of await bench.pair()) {
      const [entry] = life.heard
      assert.ok(entry?.type === 'connected')
      assert.ok(life.startedAt <= entry.sentAt && entry.sentAt <= entry.at)
    }
  },

  'a peer that starts later is found': async (bench) => {
    const a = await bench.life('a').start()
    await bench.pass(200)
    const b = await bench.life('b').start()
    await bench.meet(a, b)
  },

  'three processes get a session for each pair': async (bench) => {
    const all = await Promise.all(['a', 'b', 'c'].map((id) => bench.life(id).start()))
    for (const [i, x] of all.entries()) for (const y of all.slice(i + 1)) await bench.meet(x, y)
  },

  'R24: a greeting that the host does not admit gives no session at either end': async (bench) => {
    const judged: string[] = []
    const a = bench.life('a', {
      admit: ({ nodeId }) => {
        judged.push(nodeId)
        return { ok: false, reason: 'amnesiac' }
      },
    })
    const b = bench.life('b')
    await Promise.all([a.start(), b.start()])
    await bench.until('the refusal is counted', () =>
      a.heard.some((e) => e.type === 'refused' && e.reason === 'amnesiac'),
    )
    await bench.pass(100)
    assert.deepEqual(new Set(judged), new Set(['b']))
    assert.deepEqual([a.announced('b'), b.announced('a')], [0, 0])
    assert.ok((a.transport.stats().refused.amnesiac ?? 0) > 0)
  },

  'E4: a process of another cluster gives no session': async (bench) => {
    const a = bench.life('a')
    const b = bench.life('b', { clusterId: 'another' })
    await Promise.all([a.start(), b.start()])
    await bench.until('the refusal is counted', () =>
      [...a.heard, ...b.heard].some((e) => e.type === 'refused' && e.reason === 'wrongCluster'),
    )
    await bench.pass(100)
    assert.deepEqual([a.announced('b'), b.announced('a')], [0, 0])
  },

  'stats name the peer, its life and the traffic': async (bench) => {
    const [a, b] = await bench.pair()
    a.send(b, [beat(1)])
    await bench.until('the part arrives', () => b.frames('a').length === 1)
    const link = a.transport.stats().links.find(({ peer }) => peer === 'b')
    assert.equal(link?.connected, true)
    assert.equal(link?.incarnation, 1)
    assert.ok(a.transport.stats().framesSent > 0)
    assert.ok(b.transport.stats().framesReceived > 0)
  },
}

/** What arrives, and how. */
export const DELIVERY: Record<string, Body> = {
  'parts of one send arrive together, in order and unchanged': async (bench) => {
    const [a, b] = await bench.pair()
    a.send(b, EVERY_PART)
    await bench.until('they arrive', () => b.frames('a').flat().length >= EVERY_PART.length)
    assert.ok(
      b.frames('a').some((parts) => containsInOrder(parts, EVERY_PART)),
      'not in one piece, or not as they were sent',
    )
  },

  'many sends of one turn arrive, each in one piece': async (bench) => {
    const [a, b] = await bench.pair()
    for (let n = 0; n < 50; n++) a.send(b, [beat(n), bind(n, `e${n}`)])
    await bench.until('all arrive', () => b.frames('a').flat().length >= 100)
    for (let n = 0; n < 50; n++) {
      assert.ok(
        b.frames('a').some((parts) => containsInOrder(parts, [beat(n), bind(n, `e${n}`)])),
        `send ${n}`,
      )
    }
  },

  'a send that is larger than a frame arrives in order': async (bench) => {
    const [a, b] = await bench.pair()
    const parts = Array.from({ length: 5_000 }, (_, n) => bind(n, `election-${n}`))
    a.send(b, parts)
    await bench.until('all arrive', () => b.frames('a').flat().length >= parts.length)
    assert.deepEqual(b.frames('a').flat(), parts)
  },

  'the host is never called from inside send': async (bench) => {
    // The bench asserts it at every call; here both ends send as much as they can while they hear each other.
    const [a, b] = await bench.pair()
    for (let n = 0; n < 200; n++) {
      a.send(b, [beat(n)])
      b.send(a, [beat(n)])
      if (n % 20 === 0) await bench.pass(1)
    }
    await bench.until('both hear the last', () => heardLast(a, 'b', 199) && heardLast(b, 'a', 199))
  },

  'sending to nobody, to oneself or to a stranger is silence': async (bench) => {
    const a = await bench.life('a').start()
    a.send('b', [beat(1)])
    a.send('a', [beat(1)])
    a.send('nobody', [beat(1)])
    a.transport.flushSync()
    await bench.pass(50)
    assert.deepEqual(a.heard, [])
  },

  'R24: what is meant for another incarnation of the peer is never delivered': async (bench) => {
    const [a, b] = await bench.pair()
    a.send(b, [beat(1)], 2)
    a.send(b, [beat(2)], 0)
    a.send(b, [beat(3)])
    await bench.until('the third arrives', () => b.frames('a').length > 0)
    await bench.pass(50)
    assert.deepEqual(b.frames('a').flat(), [beat(3)])
  },

  'R53: flushSync hands over what was sent before it': async (bench) => {
    const [a, b] = await bench.pair()
    a.send(b, [bind(7)])
    a.transport.flushSync()
    await bench.until('it arrives', () => b.frames('a').length === 1)
    assert.deepEqual(b.frames('a'), [[bind(7)]])
  },
}

/** Restarts and ends of peers (R24). */
export const LIVES: Record<string, Body> = {
  'R24: a restarted peer is closed and connected anew, and nothing of its former life follows': async (
    bench,
  ) => {
    const [a, b] = await bench.pair()
    b.send(a, [beat(1)])
    await bench.until('the first life is heard', () => a.frames('b').length === 1)
    await b.stop()
    const again = await bench.life('b', { incarnation: 2 }).start()
    await bench.until('the second life is connected', () => again.announced('a') === 1 && connectedTo(a, 2))
    again.send(a, [beat(2)])
    await bench.until('the second life is heard', () => a.frames('b').length === 2)
    const order = a.heard.map((e) =>
      e.type === 'connected'
        ? `connected ${e.peer.incarnation}`
        : 'incarnation' in e
          ? `${e.type} ${e.incarnation}`
          : e.type,
    )
    assert.deepEqual(order, ['connected 1', 'received 1', 'closed 1', 'connected 2', 'received 2'])
    a.send('b', [beat(3)], 1)
    a.send('b', [beat(4)], 2)
    await bench.until('the last part arrives', () => heardLast(again, 'a', 4))
    assert.deepEqual(again.frames('a').flat(), [beat(4)])
  },

  'closed is called once for each session, with its incarnation': async (bench) => {
    const [a, b] = await bench.pair()
    await b.stop()
    await bench.until('the end is noticed', () => a.announced('b') === 0)
    await bench.pass(200)
    const closed = a.heard.filter((entry) => entry.type === 'closed')
    assert.deepEqual(
      closed.map(({ peer, incarnation }) => ({ peer, incarnation })),
      [{ peer: 'b', incarnation: 1 }],
    )
    assert.equal(a.transport.stats().links.find(({ peer }) => peer === 'b')?.connected ?? false, false)
  },
}

/** The own end. */
export const ENDINGS: Record<string, Body> = {
  'stop delivers what was sent before it': async (bench) => {
    const [a, b] = await bench.pair()
    a.send(b, [bind(1), { kind: 'sessionEnd' }])
    await a.stop()
    await bench.until('the last word arrives', () => b.frames('a').length === 1)
    assert.deepEqual(b.frames('a'), [[bind(1), { kind: 'sessionEnd' }]])
  },

  'after stop the host hears no more, whatever the peers do': async (bench) => {
    const [a, b] = await bench.pair()
    const before = a.heard.length
    const stopped = a.stop()
    b.send(a, [beat(1)])
    await stopped
    await b.stop()
    await bench.pass(100)
    assert.equal(a.heard.length, before)
  },

  'stop calls back once, without a peer and without time to flush, too': async (bench) => {
    const a = await bench.life('a').start()
    await a.stop(0)
    await bench.pass(50)
    assert.equal(a.ends, 1)
    assert.deepEqual(a.heard, [])
  },

  'sending after stop is silence': async (bench) => {
    const [a, b] = await bench.pair()
    await a.stop()
    a.send(b, [beat(1)])
    a.transport.flushSync()
    await bench.pass(50)
    assert.deepEqual(b.frames('a'), [])
  },
}

function containsInOrder(parts: readonly Part[], wanted: readonly Part[]): boolean {
  const all = parts.map((part) => JSON.stringify(sorted(part)))
  const sought = wanted.map((part) => JSON.stringify(sorted(part)))
  return all.some((_, at) => sought.every((text, n) => all[at + n] === text))
}

/** The same value whatever the order in which its fields were set. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .map(([key, field]) => [key, sorted(field)])
    .sort(([x], [y]) => ((x as string) < (y as string) ? -1 : 1))
}

function heardLast(life: Life, from: string, round: number): boolean {
  return life
    .frames(from)
    .flat()
    .some((part) => part.kind === 'heartbeat' && part.round === round)
}

function connectedTo(life: Life, incarnation: number): boolean {
  return life.heard.some((entry) => entry.type === 'connected' && entry.peer.incarnation === incarnation)
}
