/**
 * Goal: with mutual TLS a process is whom its certificate names, and nobody else gets in (E2). Method: real certificates
 * of two authorities, real sockets.
 */
import { connect as netConnect } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Part } from '../../src/core/messages'
import { isElectionError } from '../../src/errors'
import { type TcpOptions, tcp } from '../../src/transports/tcp'
import { Authority, type Identity } from './certificates'
import { addressesOf, pause, SECRET, type TestNode, testNode, until } from './node'
import { run } from './run'

const beat = (round: number): Part => ({
  kind: 'heartbeat',
  round,
  promiseMs: 2000,
  probe: false,
  prompt: false,
})

let ours: Authority
let theirs: Authority
let of: Record<'a' | 'b' | 'server' | 'otherCluster' | 'named' | 'both' | 'expired' | 'foreign', Identity>

beforeAll(() => {
  ours = new Authority()
  theirs = new Authority('another authority')
  of = {
    a: ours.issue('anything', 'URI:conclave://test/a'),
    b: ours.issue('anything', 'DNS:b.example, URI:conclave://test/b'),
    server: ours.issue('www.example', 'DNS:www.example'),
    otherCluster: ours.issue('b', 'URI:conclave://other/b'),
    named: ours.issue('b', null),
    both: ours.issue('b', 'URI:conclave://test/c'),
    expired: ours.issue('anything', 'URI:conclave://test/b', -1),
    foreign: theirs.issue('b', 'URI:conclave://test/b'),
  }
}, 30_000)

afterAll(() => {
  ours.close()
  theirs.close()
})

const running: { stop(): Promise<void> }[] = []

afterEach(async () => {
  for (const each of running.splice(0)) await each.stop()
})

/** `a` with its own certificate, `b` with the one given; both dial. Started. */
async function mutual(b: TcpOptions, a: TcpOptions = { tls: of.a }): Promise<{ a: TestNode; b: TestNode }> {
  const addresses = await addressesOf('a', 'b')
  const nodes = {
    a: testNode({ id: 'a', peers: ['b'], addresses, options: a }),
    b: testNode({ id: 'b', peers: ['a'], addresses, options: b }),
  }
  running.push(nodes.a, nodes.b)
  await Promise.all([nodes.a.start(), nodes.b.start()])
  return nodes
}

async function meet({ a, b }: { a: TestNode; b: TestNode }): Promise<void> {
  await until('both are connected', () => a.announced('b') === 1 && b.announced('a') === 1)
  a.send(b, beat(1))
  b.send(a, beat(2))
  await until('parts arrive', () => a.parts('b').length === 1 && b.parts('a').length === 1)
}

async function neverMeet({ a, b }: { a: TestNode; b: TestNode }, reason: string): Promise<void> {
  await until(`somebody refuses: ${reason}`, () => [...a.refused(), ...b.refused()].includes(reason as never))
  await pause(50)
  expect([...a.heard, ...b.heard].filter(({ type }) => type === 'connected')).toEqual([])
}

describe('E2: mutual TLS', () => {
  it('E2: members whose certificates name them meet, and frames are carried', async () => {
    await meet(await mutual({ tls: of.b }))
  })

  it('E2: a common name will do where there is no name of this library', async () => {
    await meet(await mutual({ tls: of.named }))
  })

  it('E2: together with a secret', async () => {
    await meet(await mutual({ tls: of.b, secret: SECRET }, { tls: of.a, secret: SECRET }))
  })

  it('E2: with an own function for the identity', async () => {
    const tls = { ...of.a, identity: () => 'b' }
    await meet(await mutual({ tls: of.b }, { tls }))
  })

  for (const [what, which] of [
    ['of some web server of the same authority', 'server'],
    ['of the same member in another cluster', 'otherCluster'],
    ['that names another member, whatever its common name is', 'both'],
  ] as const) {
    it(`E2: a genuine certificate ${what} is refused`, async () => {
      await neverMeet(await mutual({ tls: of[which] }), 'wrongIdentity')
    })
  }

  it('E2: a certificate that is over, or of another authority, is refused by TLS', async () => {
    await neverMeet(await mutual({ tls: of.expired }), 'unauthenticated')
    await neverMeet(await mutual({ tls: { ...of.foreign, ca: of.a.ca } }), 'unauthenticated')
  })

  it('E2: without a certificate nobody gets in, nor with TLS below 1.2, nor without TLS', async () => {
    const { a } = await mutual({ tls: of.b })
    const [, port] = (a.transport.address as string).split(':')
    const before = a.refused().length
    for (const options of [{}, { ...of.b, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }] as const) {
      const socket = tlsConnect({
        port: Number(port),
        host: '127.0.0.1',
        ca: of.a.ca,
        checkServerIdentity: () => undefined,
        ...options,
      })
      await new Promise((resolve) => socket.on('error', resolve).on('close', resolve))
      socket.destroy()
    }
    const plain = netConnect(Number(port), '127.0.0.1')
    plain.on('error', () => {})
    plain.write('no TLS at all, and long enough to be read as a record')
    await new Promise((resolve) => plain.on('close', resolve).resume())
    await until('all are counted', () => a.refused().length >= before + 3)
    expect(new Set(a.refused())).toEqual(new Set(['unauthenticated']))
  })

  it('E5: the deadline of the handshake holds while TLS is on its way, too', async () => {
    const { a } = await mutual({ tls: of.b, handshakeMs: 300 }, { tls: of.a, handshakeMs: 300 })
    const [, port] = (a.transport.address as string).split(':')
    const silent = netConnect(Number(port), '127.0.0.1')
    silent.on('error', () => {})
    await new Promise((resolve) => silent.on('close', resolve).resume())
    expect(a.refused()).toContain('handshakeTimeout')
  })

  it('E2: a process with TLS and one with a secret only do not meet', async () => {
    const { a, b } = await mutual({ secret: SECRET })
    await until('somebody refuses', () => [...a.refused(), ...b.refused()].length > 0)
    expect(a.announced('b') + b.announced('a')).toBe(0)
  })

  it('R53: what was sent in an exit hook arrives through TLS, too', async () => {
    const addresses = await addressesOf('b')
    const b = testNode({ id: 'b', addresses, options: { tls: of.b } })
    running.push(b)
    await b.start()
    const port = (addresses['b'] as string).split(':')[1] as string
    expect((await run('exit', port, JSON.stringify({ tls: of.a })).ended).code).toBe(3)
    await until('the last word arrives', () => b.parts('a').length === 2)
  })

  it('E2: certificates are renewed without a session being lost, and then only the new ones count', async () => {
    const nodes = await mutual({ tls: of.b })
    await meet(nodes)
    const next = new Authority('the next authority')
    try {
      const [a, b] = [next.issue('x', 'URI:conclave://test/a'), next.issue('x', 'URI:conclave://test/b')]
      nodes.a.transport.reload({ tls: a })
      nodes.b.transport.reload({ tls: b })
      await pause(50)
      expect([...nodes.a.heard, ...nodes.b.heard].some(({ type }) => type === 'closed')).toBe(false)
      const former = testNode({
        id: 'b',
        incarnation: 2,
        peers: ['a'],
        addresses: { a: nodes.a.transport.address as string },
        options: { tls: of.b },
      })
      running.push(former)
      await former.start()
      await until('the former certificate is refused', () => nodes.a.refused().includes('unauthenticated'))
      await nodes.b.stop()
      const anew = testNode({
        id: 'b',
        incarnation: 3,
        peers: ['a'],
        addresses: { a: nodes.a.transport.address as string },
        options: { tls: b },
      })
      running.push(anew)
      await anew.start()
      await until('the new one is accepted', () => nodes.a.announced('b') === 1 && anew.announced('a') === 1)
    } finally {
      next.close()
    }
  })

  it('E2: a function among new certificates, which cannot reach a worker, is refused by name, and nothing was changed', () => {
    const transport = tcp({ tls: of.a })
    const relayed: unknown[] = []
    transport.portable?.relay?.((_, credentials) => relayed.push(credentials))
    const shown = (): unknown => {
      let means: unknown
      transport.witness((told) => {
        means = told.tls
      })
      return means
    }
    const before = shown()
    expect(() => transport.reload({ tls: { ...of.b, identity: () => 'a' } })).toThrow(
      /tls\.identity is a function/,
    )
    expect([relayed, shown()]).toEqual([[], before])
    transport.reload({ tls: of.b })
    expect(relayed).toEqual([{ tls: of.b }])
  })

  it('E2: material that cannot be used changes nothing, and what was not there is not switched on', async () => {
    const nodes = await mutual({ tls: of.b })
    await meet(nodes)
    const { transport } = nodes.a
    expect(() => transport.reload({ tls: { ...of.a, key: of.b.key } })).toThrow(
      /check that ca, cert and key are PEM/,
    )
    expect(() => transport.reload({ secret: SECRET })).toThrow(/runs without secret/)
    expect(() => tcp({ secret: SECRET }).reload({ tls: of.a })).toThrow(/runs without tls/)
    const error = (() => {
      try {
        transport.reload({ tls: {} as never })
      } catch (thrown) {
        return thrown
      }
      return null
    })()
    expect(isElectionError(error, 'ELECTION_CONFIG_INVALID')).toBe(true)
    await nodes.b.stop()
    const again = testNode({
      id: 'b',
      incarnation: 2,
      peers: ['a'],
      addresses: { a: transport.address as string },
      options: { tls: of.b },
    })
    running.push(again)
    await again.start()
    await until('the former material still works', () => nodes.a.announced('b') === 1)
  })
})

describe('E3: renewing a secret while it runs', () => {
  it('E3: sessions stand, and new connections use the new secret', async () => {
    const next = 'the next secret of the tests'
    const nodes = await mutual({ secret: SECRET }, { secret: SECRET })
    await meet(nodes)
    nodes.a.transport.reload({ secret: [SECRET, next] })
    const late = testNode({
      id: 'c',
      peers: ['a'],
      addresses: { a: nodes.a.transport.address as string },
      options: { secret: next },
    })
    running.push(late)
    await late.start()
    await until('the new secret is accepted', () => late.announced('a') === 1)
    nodes.a.transport.reload({ secret: next })
    await pause(30)
    expect(nodes.a.announced('b')).toBe(1)
  })
})
