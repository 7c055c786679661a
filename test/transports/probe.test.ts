/**
 * Goal: a stranger can measure the way to a member, and learns nothing but the versions that it speaks. Method: probes of members
 * on real sockets, of one that expects TLS, of somebody else's port, and of nobody.
 */
import { createServer, type Server } from 'node:net'
import { performance } from 'node:perf_hooks'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { probe } from '../../src/transports/tcp-probe'
import { NEWEST_VERSION, OLDEST_VERSION } from '../../src/wire'
import { Authority } from './certificates'
import { addressesOf, pause, SECRET, testNode } from './node'

const now = () => performance.now()
const running: { stop(): Promise<void> }[] = []
let authority: Authority

beforeAll(() => {
  authority = new Authority()
})
afterAll(() => authority.close())
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop()
})

function portOf(address: string | undefined): { host: string; port: number } {
  return { host: '127.0.0.1', port: Number(address?.split(':')[1]) }
}

it('a member answers without a secret, and counts no fault of a member', async () => {
  const addresses = await addressesOf('a', 'b')
  const node = testNode({ id: 'a', peers: ['b'], addresses, options: { secret: SECRET } })
  running.push(node)
  expect(await node.start()).toBeNull()
  for (let i = 0; i < 3; i++) {
    const { connectMs, answerMs, versions } = await probe(portOf(addresses['a']), 5_000, now)
    expect(connectMs).toBeGreaterThan(0)
    expect(answerMs).toBeGreaterThan(0)
    expect(versions).toEqual({ oldest: OLDEST_VERSION, newest: NEWEST_VERSION })
  }
  await pause(100)
  expect(node.transport.stats().refused).toEqual({})
})

it('of one that expects TLS the connect alone is known', async () => {
  const addresses = await addressesOf('a', 'b')
  const tls = authority.issue('a', null)
  const node = testNode({ id: 'a', peers: ['b'], addresses, options: { tls } })
  running.push(node)
  expect(await node.start()).toBeNull()
  const seen = await probe(portOf(addresses['a']), 5_000, now)
  expect(seen).toMatchObject({ answerMs: null, versions: null })
})

it("of somebody else's service, too, whatever it says; of nobody the reason", async () => {
  const server: Server = await new Promise((resolve) => {
    const made = createServer((socket) => {
      socket.on('error', () => {}).resume()
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    }).listen(0, '127.0.0.1', () => resolve(made))
  })
  const address = { host: '127.0.0.1', port: (server.address() as { port: number }).port }
  expect(await probe(address, 5_000, now)).toMatchObject({ answerMs: null, versions: null })
  await new Promise((resolve) => server.close(resolve))
  await expect(probe(address, 5_000, now)).rejects.toThrow('ECONNREFUSED')
})
