/**
 * Goal: a transport that cannot work says why and what to do, and one that ends leaves nothing behind (E1, R52, R53).
 */
import dns from 'node:dns'
import { createServer, Server } from 'node:net'
import { constants } from 'node:os'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Part } from '../../src/core/messages'
import { isElectionError } from '../../src/errors'
import { type TcpOptions, tcp } from '../../src/transports/tcp'
import { addressesOf, freePort, pair, pause, SECRET, testNode, until } from './node'
import { Meddler } from './proxy'
import { run } from './run'

const bind: Part = { kind: 'bind', election: 'e', term: 7 }

const running: { stop(): Promise<void> }[] = []

afterEach(async () => {
  for (const each of running.splice(0)) await each.stop()
})

function message(options: unknown): string {
  try {
    tcp(options as TcpOptions)
    return 'accepted'
  } catch (error) {
    return isElectionError(error, 'ELECTION_CONFIG_INVALID')
      ? error.message
      : `another error: ${String(error)}`
  }
}

async function failure(setup: Parameters<typeof testNode>[0]): Promise<string> {
  const node = testNode(setup)
  const error = await node.start()
  await node.stop()
  if (!isElectionError(error)) return `no error: ${String(error)}`
  return `${error.code} ${error.message}`
}

describe('options', () => {
  it('every wrong option is named, with what to do', () => {
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [null, /the options must be an object/],
      [{ secrets: SECRET }, /unknown option "secrets"; known are secret, tls, listen, /],
      [{ secret: 'too short' }, /secret must be .* at least 16 bytes; make one with crypto\.randomBytes/],
      [{ secret: [] }, /secret must be one, or a list of 1 to 8/],
      [{ secret: [SECRET, 'short'] }, /secret\[1\] must be .* at least 16 bytes/],
      [{ secret: 7 }, /secret must be a string or a Buffer/],
      [{ listen: '7400' }, /listen: "7400" is no address; write "host:port"/],
      [{ listen: { port: 70_000 } }, /listen\.port must be a whole number from 0 to 65535/],
      [{ listen: { host: 'a' } }, /listen\.port is missing/],
      [{ listen: { port: 1, path: 'x' } }, /unknown option listen\."path"/],
      [{ peers: { b: '10.0.0.1:0' } }, /peers\.b: port 0 cannot be dialled/],
      [{ peers: { b: 7 } }, /peers\.b must be a text/],
      [{ peers: { 'b/c': '10.0.0.1:1' } }, /peers has a key that does not match/],
      [{ insecure: 'yes' }, /insecure must be true or false/],
      [{ zombieMs: Number.NaN }, /zombieMs must be a whole number from 100/],
      [{ zombieMs: 5, maxConnections: 0 }, /zombieMs must .*; maxConnections must /],
      [{ tls: { ca: 'x', cert: 'x' } }, /tls\.key is missing/],
      [{ tls: { ca: 'x', cert: 'x', key: [] } }, /tls\.key must be one, or a list/],
      [{ tls: { ca: 'x', cert: 'x', key: 'x', verify: false } }, /unknown option tls\."verify"/],
      [{ tls: { ca: 'x', cert: 'x', key: 'x' } }, /check that ca, cert and key are PEM/],
    ]
    for (const [options, text] of wrong) expect(message(options)).toMatch(text)
  })

  it('E9: a secret never stands in a message', () => {
    expect(message({ secret: 'hunter2' })).not.toContain('hunter2')
    expect(message({ secret: [SECRET, 'hunter2'], zombieMs: 'hunter2' })).not.toContain('hunter2')
  })

  it('what makes sense is accepted', () => {
    for (const options of [
      {},
      { secret: SECRET },
      { secret: Buffer.alloc(32, 1) },
      { secret: [SECRET, Buffer.alloc(16)] },
      { listen: '0.0.0.0:7400', secret: SECRET },
      { listen: { port: 0 }, insecure: true },
      { peers: { b: '[::1]:7400' } },
    ]) {
      expect(message(options)).toBe('accepted')
    }
  })
})

describe('E1: without authentication', () => {
  it('E1: listens and dials on the loopback address only', async () => {
    const port = await freePort()
    const open = { options: {}, id: 'a', peers: ['b'] }
    const at = (a: string, b: string) => failure({ ...open, addresses: { a, b } })
    expect(await at(`0.0.0.0:${port}`, '127.0.0.1:1')).toMatch(
      /ELECTION_CONFIG_INVALID .*0\.0\.0\.0.*tcp\(\{ secret \}\).*insecure: true/,
    )
    expect(await at(`127.0.0.1:${port}`, '10.1.2.3:7400')).toMatch(
      /ELECTION_CONFIG_INVALID .*10\.1\.2\.3:7400/,
    )
    expect(await at(`127.0.0.1:${port}`, 'node-b:7400')).toMatch(/ELECTION_CONFIG_INVALID .*node-b:7400/)
    expect(await at(`[::]:${port}`, '127.0.0.1:1')).toMatch(/ELECTION_CONFIG_INVALID/)
    expect(await at(`127.0.0.1:${port}`, '127.0.0.1:1')).toBe('no error: null')
    expect(await at(`localhost:${port}`, 'localhost:1')).toBe('no error: null')
  })

  it('E1: a localhost that is not this host is found out', async () => {
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, ...rest: unknown[]) => {
      const done = rest.at(-1) as (error: null, address: string, family: number) => void
      process.nextTick(done, null, '0.0.0.0', 4)
    }) as typeof dns.lookup)
    try {
      const setup = { id: 'a', options: {}, addresses: { a: `localhost:${await freePort()}` } }
      expect(await failure(setup)).toMatch(/ELECTION_CONFIG_INVALID .*0\.0\.0\.0.*is not on this host/)
      expect(lookup).toHaveBeenCalled()
    } finally {
      lookup.mockRestore()
    }
  })

  it('E1: with insecure: true anything goes, and it is said', async () => {
    const addresses = { a: `0.0.0.0:${await freePort()}` }
    const node = testNode({ id: 'a', addresses, options: { insecure: true } })
    running.push(node)
    expect(await node.start()).toBe(null)
    expect(node.logs.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'warn tcp: insecure: anybody who can connect is believed to be a member',
    ])
  })

  it('E1: a secret allows any address', async () => {
    const node = testNode({ id: 'a', addresses: { a: `0.0.0.0:${await freePort()}` } })
    running.push(node)
    expect(await node.start()).toBe(null)
    expect(node.logs).toEqual([])
  })
})

describe('listening', () => {
  it('a port in use is ELECTION_TRANSPORT_FAILED, with the address and the way out', async () => {
    const port = await freePort()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    running.push({ stop: () => new Promise((resolve) => server.close(() => resolve())) })
    expect(await failure({ id: 'a', addresses: { a: `127.0.0.1:${port}` } })).toMatch(
      new RegExp(
        `^ELECTION_TRANSPORT_FAILED cannot listen on 127.0.0.1:${port}: .*another process listens there`,
      ),
    )
  })

  it('an address of another host is ELECTION_TRANSPORT_FAILED, and points to listen', async () => {
    expect(await failure({ id: 'a', addresses: { a: '192.0.2.7:7400' } })).toMatch(
      /^ELECTION_TRANSPORT_FAILED cannot listen on 192\.0\.2\.7:7400: .*set tcp\(\{ listen: '0\.0\.0\.0:<port>' \}\)/,
    )
  })

  it('an address that is none is ELECTION_CONFIG_INVALID and names whose it is', async () => {
    expect(await failure({ id: 'a', peers: ['b'], addresses: { b: 'nowhere' } })).toMatch(
      /^ELECTION_CONFIG_INVALID address of b: "nowhere" is no address/,
    )
    expect(await failure({ id: 'a', clusterId: 'no spaces please', addresses: {} })).toMatch(
      /^ELECTION_CONFIG_INVALID .*own greeting/,
    )
  })

  it('listen comes before the own address, and port 0 takes any', async () => {
    const node = testNode({
      id: 'a',
      addresses: { a: '192.0.2.7:7400' },
      options: { secret: SECRET, listen: '127.0.0.1:0' },
    })
    expect(node.transport.address).toBe(null)
    expect(await node.start()).toBe(null)
    expect(node.transport.address).toMatch(/^127\.0\.0\.1:[1-9][0-9]+$/)
    await node.stop()
    expect(node.transport.address).toBe(null)
  })

  it('IPv6 literals and names of hosts can be dialled', async () => {
    const v6 = `[::1]:${await freePort('::1')}`
    const { b: v4 } = await addressesOf('b')
    const a = testNode({ id: 'a', addresses: { a: v6 } })
    const b = testNode({ id: 'b', addresses: { b: v4 as string } })
    const addresses = { a: v6, b: (v4 as string).replace('127.0.0.1', 'localhost') }
    const c = testNode({ id: 'c', peers: ['a', 'b'], addresses })
    running.push(a, b, c)
    await Promise.all([a.start(), b.start(), c.start()])
    await until('both are connected', () => a.announced('c') === 1 && b.announced('c') === 1)
  })

  it('a process without an address only dials', async () => {
    const addresses = await addressesOf('b')
    const a = testNode({ id: 'a', peers: ['b'], addresses })
    const b = testNode({ id: 'b', peers: ['a'], addresses })
    running.push(a, b)
    await Promise.all([a.start(), b.start()])
    await until('both are connected', () => a.announced('b') === 1 && b.announced('a') === 1)
    expect(a.transport.address).toBe(null)
  })

  it('R52: nobody else can share the port of a transport that runs', async () => {
    const addresses = await addressesOf('a')
    const first = testNode({ id: 'a', addresses })
    running.push(first)
    await first.start()
    expect(await failure({ id: 'a', addresses })).toMatch(/^ELECTION_TRANSPORT_FAILED/)
  })

  it('R52: two workers of a node:cluster do not share a listener', async () => {
    const child = run('cluster', String(await freePort()))
    expect((await child.ended).output.split('\n').sort()).toEqual([
      '',
      'ELECTION_TRANSPORT_FAILED',
      'listening',
    ])
  })

  it('R52: a connection that cannot be accepted for want of descriptors or memory is counted, and the listener goes on', async () => {
    const { a, b, addresses } = await pair()
    running.push(a, b)
    await a.start()
    const handles = (process as unknown as { _getActiveHandles(): object[] })._getActiveHandles()
    const port = Number(addresses['a']?.split(':')[1])
    const server = handles.find(
      (each) => each instanceof Server && (each.address() as { port?: number } | null)?.port === port,
    ) as unknown as { _handle: { onconnection(error: number): void } }
    for (const code of ['EMFILE', 'ENFILE', 'ENOMEM'] as const)
      server._handle.onconnection(-constants.errno[code])
    expect(a.refused()).toEqual(['tooManyConnections', 'tooManyConnections', 'tooManyConnections'])
    expect(a.logs.at(-1)?.fields).toMatchObject({ detail: 'accept EMFILE', remote: 'unknown' })
    expect(a.heard.filter(({ type }) => type === 'failed')).toEqual([])
    await b.start()
    await until('both are connected', () => a.announced('b') === 1 && b.announced('a') === 1)
  })

  it('a name of several addresses of which none answers: the link says why', async () => {
    const port = await freePort()
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, ...rest: unknown[]) => {
      const done = rest.at(-1) as (error: null, found: object[]) => void
      const found = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }))
      process.nextTick(done, null, found)
    }) as typeof dns.lookup)
    try {
      const b = testNode({ id: 'b', peers: ['a'], addresses: { a: `somewhere:${port}` } })
      running.push(b)
      await b.start()
      await until('the dial has failed', () => b.transport.stats().links[0]?.lastError !== null)
      expect(b.transport.stats().links[0]?.lastError).toMatch(/^ECONNREFUSED \(somewhere:\d+\)$/)
    } finally {
      lookup.mockRestore()
    }
  })

  it('a transport starts once', async () => {
    const node = testNode({ id: 'a', addresses: await addressesOf('a') })
    running.push(node)
    expect(await node.start()).toBe(null)
    expect(await node.start()).toMatchObject({ code: 'ELECTION_TRANSPORT_FAILED' })
    expect(node.transport.address).not.toBe(null)
  })

  it('a transport that is stopped while it starts calls both back', async () => {
    const node = testNode({ id: 'a', addresses: { a: `localhost:${await freePort()}` } })
    const starting = node.start()
    await node.stop()
    expect(await starting).toMatchObject({ code: 'ELECTION_TRANSPORT_FAILED' })
    expect(node.transport.address).toBe(null)
  })
})

describe('ending', () => {
  it('stop frees the port and can be called twice', async () => {
    const { a, b, addresses } = await pair()
    await Promise.all([a.start(), b.start()])
    await until('both are connected', () => a.announced('b') === 1 && b.announced('a') === 1)
    await Promise.all([a.stop(), a.stop(), b.stop()])
    await a.stop()
    for (const id of ['a', 'b']) {
      const again = testNode({ id, addresses })
      expect(await again.start()).toBe(null)
      await again.stop()
    }
  })

  it('stop with a peer that does not answer takes no longer than flushMs', async () => {
    const { a, b } = await pair()
    await Promise.all([a.start(), b.start()])
    await until('both are connected', () => a.announced('b') === 1)
    const startedAt = performance.now()
    const ending = a.stop(100)
    while (performance.now() < startedAt + 300);
    await ending
    expect(performance.now() - startedAt).toBeLessThan(900)
    await b.stop()
  })

  it('stop calls back once, also when flushMs was over', async () => {
    const addresses = await addressesOf('a', 'b')
    const b = testNode({ id: 'b', addresses: { b: addresses['b'] as string } })
    running.push(b)
    await b.start()
    const meddler = await Meddler.to(addresses['b'] as string)
    running.push({ stop: () => meddler.close() })
    const a = testNode({ id: 'a', peers: ['b'], addresses: { b: meddler.address } })
    await a.start()
    await until('both are connected', () => a.announced('b') === 1)
    meddler.swallow = true
    let calls = 0
    a.transport.stop(50, () => {
      calls += 1
    })
    await until('it has stopped', () => calls > 0)
    await pause(50)
    expect(calls).toBe(1)
  })

  it('a process whose transport was stopped ends by itself', async () => {
    const child = run('stop')
    expect(await child.ended).toEqual({ code: 0, output: 'connected\nstopped\n' })
  })

  it('R53: what was sent in an exit hook arrives, if flushSync was called', async () => {
    const port = await freePort()
    const b = testNode({ id: 'b', addresses: { b: `127.0.0.1:${port}` } })
    running.push(b)
    await b.start()
    const child = run('exit', String(port), JSON.stringify({ secret: SECRET }))
    expect((await child.ended).code).toBe(3)
    await until('the last word arrives', () => b.parts('a').length === 2)
    expect(b.parts('a')).toEqual([bind, { kind: 'sessionEnd' }])
    await until('the end is noticed', () => b.announced('a') === 0)
  })
})
