/**
 * Goal: an operator proves who it is as members do, is answered, and is no member: no session, no part of it is heard, and it
 * can use up no more than a bound (E1 to E5). Method: transports on real sockets, operators over them; by hand where an
 * honest operator would not do it.
 */
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { OperatorHost } from '../../src/ports/transport'
import { Handshake } from '../../src/transports/tcp-handshake'
import { keysOf, type Seals } from '../../src/transports/tcp-keys'
import { OperatorFailure, OperatorLine } from '../../src/transports/tcp-operator'
import { OperatorIdentity, type OperatorMeans } from '../../src/transports/tcp-operator-identity'
import { MAX_IN_FLIGHT, MAX_OPERATORS, MAX_PER_SECOND } from '../../src/transports/tcp-operators'
import { parsePeerAddress } from '../../src/transports/tcp-options'
import { encodeCommand, FRAME_KINDS, MAX_REPLY_BYTES, PartEncoder } from '../../src/wire'
import { Authority } from './certificates'
import { addressesOf, type NodeSetup, pause, SECRET, type TestNode, testNode, until } from './node'

const running: { stop(): Promise<void> }[] = []
let authority: Authority

beforeAll(() => {
  authority = new Authority()
}, 30_000)
afterAll(() => authority.close())
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop()
})

const echo: OperatorHost = {
  admit: () => ({ ok: true }),
  command: (from, payload, reply) => reply(`${from}: ${payload}`),
}

async function member(
  operators: OperatorHost | null = echo,
  setup: Partial<NodeSetup> = {},
): Promise<{ node: TestNode; address: string }> {
  const addresses = await addressesOf('a')
  const node = testNode({ id: 'a', addresses, ...(operators === null ? {} : { operators }), ...setup })
  running.push(node)
  expect(await node.start()).toBeNull()
  return { node, address: addresses['a'] as string }
}

function lineTo(address: string, means: Partial<OperatorMeans> = {}, id = 'a'): OperatorLine {
  const identity = new OperatorIdentity({ cluster: 'test', secret: Buffer.from(SECRET), tls: null, ...means })
  const line = new OperatorLine(identity, id, parsePeerAddress(address, 'a'))
  running.push({ stop: async () => line.close() })
  return line
}

const asking = (line: OperatorLine, payload = 'hello', timeoutMs = 5_000): Promise<string> =>
  line.ask(payload, timeoutMs).catch((error: unknown) => {
    if (error instanceof OperatorFailure) return `failed: ${error.message}`
    throw error
  })

describe('an operator over TCP', () => {
  it('is answered, also in pieces and several times on one connection, and has no session', async () => {
    const long = 'z'.repeat(MAX_REPLY_BYTES)
    const { node, address } = await member({
      ...echo,
      command: (from, payload, reply) => reply(payload === 'long' ? long : `${from}: ${payload}`),
    })
    const line = lineTo(address)
    expect(await asking(line)).toMatch(/^operator-[0-9a-f]{8}: hello$/)
    expect(await asking(line, 'long', 20_000)).toBe(long)
    const both = await Promise.all([asking(line, 'one'), asking(line, 'two')])
    expect(both.map((text) => text.slice(-3))).toEqual(['one', 'two'])
    expect([node.heard, node.transport.stats().links]).toEqual([[], []])
  })

  it('E3: with another secret, or of another cluster, it is not let in, counted, and told why', async () => {
    const { node, address } = await member()
    const wrong = lineTo(address, { secret: Buffer.from('another secret, long enough') })
    expect(await asking(wrong)).toContain('does not accept the secret')
    expect(await asking(lineTo(address, { cluster: 'other' }))).toContain('belongs to cluster test')
    expect(await asking(lineTo(address, {}, 'b'))).toContain('a lives at its address')
    await until('the refusal is counted', () => node.refused().includes('unauthenticated'))
    expect(node.heard.some(({ type }) => type === 'connected')).toBe(false)
  })

  it("operators: 'none', and a host that knows of none, let nobody in", async () => {
    const closed: OperatorHost = { ...echo, admit: () => ({ ok: false, reason: 'permissionDenied' }) }
    for (const host of [closed, null]) {
      const { node, address } = await member(host)
      expect(await asking(lineTo(address))).toContain('lets no operators in')
      expect(node.refused()).toEqual(['permissionDenied'])
    }
  })

  it('E2: with TLS it is called as its certificate says, and demands the certificate of the member', async () => {
    const tls = authority.issue('anything', 'URI:conclave://test/a')
    const { node, address } = await member(echo, { options: { tls } })
    const operator = authority.issue('deputy', null)
    expect(await asking(lineTo(address, { secret: null, tls: operator }))).toBe('deputy: hello')
    const foreign = authority.issue('anything', 'URI:conclave://other/x')
    expect(await asking(lineTo(address, { secret: null, tls: foreign }))).toContain(
      'identity of the certificate',
    )
    expect(node.refused()).toContain('wrongIdentity')
    const impostor = await member(echo, { options: { tls: authority.issue('z', 'URI:conclave://test/z') } })
    expect(await asking(lineTo(impostor.address, { secret: null, tls: operator }))).toContain(
      'does not name it',
    )
  })

  it('E5: only so many operators at once; those that are there stay, and a place that was left is free', async () => {
    const { node, address } = await member()
    const lines = Array.from({ length: MAX_OPERATORS }, () => lineTo(address))
    for (const line of lines) expect(await asking(line)).toContain('hello')
    expect(await asking(lineTo(address))).toContain('too many operators')
    expect(node.refused()).toEqual(['tooManyConnections'])
    for (const line of lines) expect(await asking(line)).toContain('hello')
    lines[0]?.close()
    const next = lineTo(address)
    let answer = ''
    for (let tries = 0; !answer.includes('hello') && tries < 100; tries++) {
      await pause(20)
      answer = await asking(next)
    }
    expect(answer).toContain('hello')
  })

  it('E5: who asks faster than it may, or more at once, is cut off', async () => {
    const { node, address } = await member({ ...echo, command: () => {} })
    const line = lineTo(address)
    const answers = await Promise.all(Array.from({ length: MAX_IN_FLIGHT + 1 }, () => asking(line)))
    expect(new Set(answers)).toEqual(new Set(['failed: it was asked too much at once (backPressure)']))
    const fast = await member()
    const quick = lineTo(fast.address)
    let refused = ''
    for (let n = 0; refused === '' && n < 20 * MAX_PER_SECOND; n++) {
      const answer = await asking(quick)
      if (answer.startsWith('failed')) refused = answer
    }
    expect(refused).toContain('backPressure')
    expect([node.refused(), fast.node.refused()]).toEqual([['backPressure'], ['backPressure']])
  })

  it('a member that is gone, or never answers, is a reason and not a wait', async () => {
    const { node, address } = await member({ ...echo, command: () => {} })
    const line = lineTo(address)
    expect(await asking(line, 'x', 100)).toBe('failed: no answer within 100 ms')
    const waiting = asking(line)
    await node.stop(0)
    expect(await waiting).toMatch(/^failed: (it closed the connection|read ECONNRESET)$/)
    expect(await asking(line)).toContain('ECONNREFUSED')
  })
})

describe('E4: what else an operator says', () => {
  /** Greets by hand and then writes whatever `say` gives; resolves when the member has closed. */
  async function speak(address: string, say: (seals: Seals) => readonly Buffer[]): Promise<void> {
    const { host, port } = parsePeerAddress(address, 'a')
    const { greeting } = new OperatorIdentity({ cluster: 'test', secret: Buffer.from(SECRET), tls: null })
    const keys = keysOf([Buffer.from(SECRET)])
    const handshake = new Handshake(
      { local: greeting, keys, by: 'operator', judge: () => null, now: () => 0 },
      true,
    )
    const socket = connect({ port, host, noDelay: true })
    running.push({ stop: async () => void socket.destroy() })
    socket.on('error', () => {})
    socket.write(handshake.hello())
    await new Promise<void>((resolve) => {
      socket.on('close', () => resolve())
      let isProven = false
      socket.on('data', (chunk) => {
        if (isProven) return
        const step = handshake.receive(chunk)
        if ('frame' in step && step.frame !== null) socket.write(step.frame)
        if (step.kind !== 'proven') return
        isProven = true
        for (const frame of say(step.seals)) socket.write(frame)
      })
    })
  }

  it('a part of an election is refused, and nothing of it is heard', async () => {
    const { node, address } = await member()
    await speak(address, ({ outgoing }) => {
      const frames: Buffer[] = []
      new PartEncoder().encode(
        [{ kind: 'heartbeat', round: 1, promiseMs: 1_000, probe: false, prompt: false }],
        (body) => frames.push(outgoing.seal(FRAME_KINDS.parts, body)),
      )
      return frames
    })
    expect(node.heard).toEqual([{ type: 'refused', reason: 'malformed' }])
  })

  it.each([
    ['a command without a text', FRAME_KINDS.command, new Uint8Array(12), 'malformed'],
    ['a welcome', FRAME_KINDS.welcome, new Uint8Array(8), 'malformed'],
    ['an answer', FRAME_KINDS.reply, encodeCommand({ id: 1, payload: 'x' }), 'malformed'],
    ['a frame as long as members send them', FRAME_KINDS.command, new Uint8Array(8_192), 'oversized'],
  ] as const)('%s is refused', async (_, kind, body, reason) => {
    const { node, address } = await member()
    await speak(address, ({ outgoing }) => [outgoing.seal(kind, body)])
    expect(node.heard).toEqual([{ type: 'refused', reason }])
  })

  it('a member does not take commands from a member', async () => {
    const addresses = await addressesOf('a', 'b')
    const commands: string[] = []
    const operators: OperatorHost = { ...echo, command: (_, payload) => commands.push(payload) }
    const node = testNode({ id: 'a', peers: ['b'], addresses, operators })
    running.push(node)
    await node.start()
    const { host, port } = parsePeerAddress(addresses['a'] as string, 'a')
    const { greeting } = new OperatorIdentity({ cluster: 'test', secret: Buffer.from(SECRET), tls: null })
    const local = { ...greeting, nodeId: 'b' }
    const handshake = new Handshake(
      { local, keys: keysOf([Buffer.from(SECRET)]), judge: () => null, now: () => 0 },
      true,
    )
    const socket = connect({ port, host, noDelay: true })
    running.push({ stop: async () => void socket.destroy() })
    socket.write(handshake.hello())
    let isProven = false
    socket.on('data', (chunk) => {
      if (isProven) return
      const step = handshake.receive(chunk)
      if ('frame' in step && step.frame !== null) socket.write(step.frame)
      if (step.kind !== 'proven') return
      isProven = true
      socket.write(step.seals.outgoing.seal(FRAME_KINDS.command, encodeCommand({ id: 1, payload: 'x' })))
    })
    await until('it is refused', () => node.refused().includes('malformed'))
    expect(commands).toEqual([])
  })
})
