/**
 * Goal: a witness reaches every peer of its process, is believed to be one by whoever may believe it, and can say nothing
 * but the one thing (R55, E8). Method: transports on real sockets, witnesses over them with what `tcp()` gave out.
 */
import { connect, createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Part } from '../../src/core/messages'
import type { Greeting } from '../../src/ports/transport'
import type { Testament } from '../../src/ports/witness'
import { Handshake } from '../../src/transports/tcp-handshake'
import { keysOf } from '../../src/transports/tcp-keys'
import type { TcpOptions } from '../../src/transports/tcp-options'
import { Witness, type WitnessMeans } from '../../src/transports/tcp-witness'
import { FRAME_KINDS, PartEncoder } from '../../src/wire'
import { Authority } from './certificates'
import { addressesOf, pause, SECRET, type TestNode, testNode, until } from './node'

const running: { stop(): Promise<void> }[] = []
let authority: Authority

beforeAll(() => {
  authority = new Authority()
}, 30_000)
afterAll(() => authority.close())
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop()
})

const KEY = 'd'.repeat(32)
const noticeOf = ({ nodeId: process, storageId, incarnation }: Greeting): Part => ({
  kind: 'deathNotice',
  process,
  storageId,
  incarnation,
  key: KEY,
})

/** `a` is the subject, `b` and `c` are its peers. Started and connected. */
async function three(optionsOf: (id: string) => TcpOptions = () => ({ secret: SECRET })) {
  const addresses = await addressesOf('a', 'b', 'c')
  const nodes = ['a', 'b', 'c'].map((id) =>
    testNode({ id, peers: ['a', 'b', 'c'].filter((peer) => peer !== id), addresses, options: optionsOf(id) }),
  ) as [TestNode, TestNode, TestNode]
  for (const node of nodes) {
    running.push(node)
    expect(await node.start()).toBeNull()
  }
  // TLS handshakes take their time on a busy machine
  const isWhole = () => nodes.every((node) => node.transport.stats().links.every((l) => l.connected))
  await until('all are connected', isWhole, 30_000)
  const [a] = nodes
  let means: unknown = null
  a.transport.witness?.((given) => {
    means = given
  })
  const testament: Testament = { life: a.greeting, key: KEY, pid: 1, hasLed: true, limitMs: 5_000, means }
  return { nodes, testament, means: () => means as WitnessMeans }
}

function witnessOf(testament: Testament): Witness {
  // through the pipe, as in life
  const witness = new Witness(JSON.parse(JSON.stringify(testament)))
  running.push({ stop: async () => witness.close() })
  return witness
}

const testified = (witness: Witness): Promise<void> => new Promise((resolve) => witness.testify(resolve))
const heardOf = (node: TestNode): readonly Part[] =>
  node.parts('a').filter(({ kind }) => kind === 'deathNotice')

describe('R55: a witness over TCP', () => {
  it.each(['secret', 'tls', 'both'] as const)('R55: tells every peer, once, with %s', async (kind) => {
    const { nodes, testament } = await three((id) => ({
      ...(kind === 'tls' ? {} : { secret: SECRET }),
      ...(kind === 'secret' ? {} : { tls: authority.issue('anything', `URI:conclave://test/${id}`) }),
    }))
    const [a, b, c] = nodes
    // two ends that dial at once may cut each other off in the middle of TLS
    const before = nodes.map((node) => node.refused())
    const witness = witnessOf(testament)
    await pause(200)
    expect([...heardOf(b), ...heardOf(c)], 'it is silent while its process lives').toEqual([])
    expect(nodes.map((node) => node.refused())).toEqual(before)
    await testified(witness)
    expect([heardOf(b), heardOf(c)]).toEqual([[noticeOf(a.greeting)], [noticeOf(a.greeting)]])
    expect(heardOf(a)).toEqual([])
    expect([b.announced('a'), c.announced('a')], 'it is no session and ends none').toEqual([1, 1])
  })

  it('R55: tells a peer that is there only later, and gives up when nobody can wait for it any more', async () => {
    const { nodes, testament } = await three()
    const [a, b, c] = nodes
    await c.stop()
    const witness = witnessOf({ ...testament, limitMs: 700 })
    const began = performance.now()
    await testified(witness)
    expect(performance.now() - began).toBeGreaterThan(650)
    expect([heardOf(b), heardOf(c)]).toEqual([[noticeOf(a.greeting)], []])
  })

  it.each([
    ['as long as it has never led', { hasLed: false }, 0],
    ['unless it has led', { hasLed: true }, 1],
    ['unless it is of a release that did not say', { hasLed: undefined as never }, 1],
  ])('R55: a process that lives costs its peers no connection, %s', async (_, { hasLed }, before) => {
    const addresses = await addressesOf('b')
    const port = Number(addresses['b']?.split(':')[1])
    let count = 0
    const server = createServer((socket) => {
      count += 1
      running.push({ stop: async () => void socket.destroy() })
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    running.push({ stop: async () => void server.close() })
    const life = testNode({ id: 'a' }).greeting
    const means: WitnessMeans = { peers: { b: { host: '127.0.0.1', port } }, secret: null, tls: null }
    const witness = witnessOf({ life, key: KEY, pid: 1, hasLed, limitMs: 300, means })
    await pause(150)
    expect(count).toBe(before)
    await testified(witness)
    expect(count).toBe(1)
  })

  it('R55: a process that never led is spoken for when it has died', async () => {
    const { nodes, testament } = await three()
    const [a, b, c] = nodes
    await testified(witnessOf({ ...testament, hasLed: false }))
    expect([heardOf(b), heardOf(c)]).toEqual([[noticeOf(a.greeting)], [noticeOf(a.greeting)]])
  })

  it('E2, E8: a certificate of another member, or another secret, is no witness of this one', async () => {
    const tls = await three((id) => ({ tls: authority.issue('anything', `URI:conclave://test/${id}`) }))
    const other = authority.issue('anything', 'URI:conclave://test/c')
    const { ca, cert, key } = other
    const forged = { ...tls.means(), tls: { ca: String(ca), cert: String(cert), key: String(key) } }
    await testified(witnessOf({ ...tls.testament, limitMs: 500, means: forged }))
    expect(heardOf(tls.nodes[1])).toEqual([])
    expect(tls.nodes[1].refused()).toContain('wrongIdentity')
    const secret = await three()
    const wrong = { ...secret.means(), secret: Buffer.from('another secret, long enough').toString('base64') }
    await testified(witnessOf({ ...secret.testament, limitMs: 500, means: wrong }))
    expect(heardOf(secret.nodes[1])).toEqual([])
    expect(secret.nodes[1].refused()).toContain('unauthenticated')
  })

  it('R55: a witness learns of new members and of new addresses', async () => {
    const { nodes, means } = await three()
    nodes[0].transport.keepPeers(['b', 'd'], { b: '127.0.0.1:7001', d: '127.0.0.1:7002' })
    expect(means().peers).toEqual({
      b: { host: '127.0.0.1', port: 7001 },
      d: { host: '127.0.0.1', port: 7002 },
    })
  })

  it('R55: new credentials reach the witness', async () => {
    const { nodes, means } = await three()
    nodes[0].transport.reload({ secret: ['a new secret, also long enough', SECRET] })
    expect(Buffer.from(means().secret as string, 'base64').toString()).toBe('a new secret, also long enough')
  })

  it('E5: the third witness of a process takes the place of the first', async () => {
    const { nodes, testament } = await three()
    const [a, b] = nodes
    const first = witnessOf(testament)
    await pause(100)
    witnessOf(testament)
    await pause(100)
    const last = witnessOf(testament)
    await pause(100)
    first.close()
    await testified(last)
    expect(heardOf(b)).toEqual([noticeOf(a.greeting)])
  })
})

describe('E8: what else a witness says', () => {
  /** Speaks as a witness of `life`, or as a member, by hand. */
  async function speak(
    port: number,
    life: Greeting,
    by: 'witness' | 'member',
    parts: readonly Part[],
  ): Promise<void> {
    const keys = keysOf([Buffer.from(SECRET)])
    const handshake = new Handshake({ local: life, keys, by, judge: () => null, now: () => 0 }, true)
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    running.push({ stop: async () => void socket.destroy() })
    socket.on('error', () => {})
    socket.write(handshake.hello())
    await new Promise<void>((resolve) => {
      socket.on('close', () => resolve())
      let isProven = false
      socket.on('data', (chunk: Buffer) => {
        if (isProven) return
        const step = handshake.receive(chunk)
        if (step.kind !== 'continue' && step.kind !== 'proven') throw new Error(step.kind)
        socket.write(step.frame as Buffer)
        if (step.kind !== 'proven') return
        isProven = true
        new PartEncoder().encode(parts, (body) => {
          socket.write(step.seals.outgoing.seal(FRAME_KINDS.parts, body))
        })
      })
      setTimeout(resolve, 1_000)
    })
  }

  const lifeOf = (id: string, incarnation = 1): Greeting => ({
    ...testNode({ id }).greeting,
    incarnation,
  })
  const beat: Part = { kind: 'heartbeat', round: 9, promiseMs: 2_000, probe: false, prompt: false }

  it('E8: of another life, of another process, or anything else: refused, and nothing of it is heard', async () => {
    const { nodes } = await three()
    const [a, b] = nodes
    const port = Number((b.transport.address as string).split(':')[1])
    const frames: (readonly Part[])[] = [
      [noticeOf(lifeOf('c'))],
      [noticeOf(lifeOf('a', 2))],
      [noticeOf({ ...a.greeting, storageId: 'another-disk' })],
      [noticeOf(a.greeting), noticeOf(a.greeting)],
      [noticeOf(a.greeting), beat],
      [beat],
      [{ kind: 'sessionEnd' }],
    ]
    for (const parts of frames) await speak(port, a.greeting, 'witness', parts)
    expect(b.parts('a')).toEqual([])
    expect(b.refused()).toEqual(frames.map(() => 'malformed'))
    expect(b.announced('a'), 'the session of the process itself stands').toBe(1)
  })

  it('E8: a stranger is no witness of anybody', async () => {
    const { nodes } = await three()
    const [, b] = nodes
    const port = Number((b.transport.address as string).split(':')[1])
    const stranger = lifeOf('z')
    await speak(port, stranger, 'witness', [noticeOf(stranger)])
    await speak(port, { ...lifeOf('a'), clusterId: 'other' }, 'witness', [noticeOf(lifeOf('a'))])
    await speak(port, lifeOf('b'), 'witness', [noticeOf(lifeOf('b'))])
    expect(b.heard.filter(({ type }) => type === 'received')).toEqual([])
    expect(b.refused()).toEqual(['unknownMember', 'wrongCluster', 'duplicateIdentity'])
  })
})
