/**
 * Goal: the network does to frames what networks do, and keeps the promises of the transport port. Method: bare transports
 * with hosts that write down what they hear; no core.
 */
import { describe, expect, it } from 'vitest'
import type { Part } from '../../src/core'
import { type Greeting, silentLogger, type TransportHost } from '../../src/ports'
import { EventLoop } from '../../src/simulation/event-loop'
import { CALM, type LinkQuality } from '../../src/simulation/links'
import { Random } from '../../src/simulation/random'
import { Scheduler } from '../../src/simulation/scheduler'
import { type NetworkOptions, SimNetwork } from '../../src/simulation/sim-network'
import { SimTransport } from '../../src/simulation/sim-transport'

const IDS = ['a', 'b', 'c'] as const

interface End {
  readonly transport: SimTransport
  readonly loop: EventLoop
  readonly log: string[]
  admits: boolean
}

function world(quality: Partial<LinkQuality> = {}, options: Partial<NetworkOptions> = {}) {
  const scheduler = new Scheduler()
  const network = new SimNetwork(IDS, scheduler, new Random(5), {
    quality: { ...CALM, ...quality },
    finMs: 2,
    linkTimeoutMs: 500,
    redialMs: 50,
    holdInCut: false,
    codec: false,
    ...options,
  })
  const lives = new Map<string, number>()
  const start = (id: string): End => {
    const incarnation = (lives.get(id) ?? 0) + 1
    lives.set(id, incarnation)
    const loop = new EventLoop(scheduler)
    const log: string[] = []
    const end: End = {
      transport: new SimTransport(network, network.numberOf(id), loop),
      loop,
      log,
      admits: true,
    }
    const local: Greeting = {
      clusterId: 'test',
      nodeId: id,
      storageId: `disk-${id}`,
      incarnation,
      nonce: `${id}${incarnation}`,
      rho: 0.1,
      deltaMs: 0,
      configTerm: 0,
      configVersion: 1,
    }
    const host: TransportHost = {
      local,
      peers: IDS.filter((other) => other !== id),
      addresses: {},
      logger: silentLogger,
      now: () => scheduler.now,
      admit: () => (end.admits ? { ok: true } : { ok: false, reason: 'amnesiac' }),
      connected: (peer, sentAt) =>
        log.push(`up ${peer.nodeId}#${peer.incarnation} sent ${sentAt <= scheduler.now}`),
      closed: (peer, inc, reason) => log.push(`down ${peer}#${inc} ${reason}`),
      received: (from, inc, parts) => log.push(`${from}#${inc} ${parts.map(nonceOf).join(',')}`),
      refused: (reason) => log.push(`refused ${reason}`),
      failed: () => log.push('failed'),
    }
    end.transport.start(host, () => log.push('ready'))
    return end
  }
  return { scheduler, network, start }
}

const part = (nonce: number): Part => ({ kind: 'readTerm', election: 'e', nonce })
const nonceOf = (each: Part): number => (each.kind === 'readTerm' ? each.nonce : -1)

/** Two processes that have met. */
function pair(quality: Partial<LinkQuality> = {}, options: Partial<NetworkOptions> = {}) {
  const net = world(quality, options)
  const [a, b] = [net.start('a'), net.start('b')]
  net.scheduler.runUntil(200)
  a.log.length = 0
  b.log.length = 0
  return { ...net, a, b }
}

function frames(end: End): number[] {
  return end.log.filter((line) => /^\w#\d /.test(line)).map((line) => Number(line.split(' ')[1]))
}

describe('sessions', () => {
  it('come up at both ends, each with a reading from before its own greeting (R64)', () => {
    const { scheduler, start } = world()
    const [a, b] = [start('a'), start('b')]
    scheduler.runUntil(100)
    expect(a.log).toEqual(['ready', 'up b#1 sent true'])
    expect(b.log).toEqual(['ready', 'up a#1 sent true'])
  })

  it('a refused greeting brings up nothing, and is tried again', () => {
    const { scheduler, start } = world()
    const [a, b] = [start('a'), start('b')]
    b.admits = false
    scheduler.runUntil(300)
    expect(a.log).toEqual(['ready'])
    expect(b.log.filter((line) => line === 'refused amnesiac').length).toBeGreaterThan(2)
    b.admits = true
    scheduler.runUntil(600)
    expect(a.log).toContain('up b#1 sent true')
  })

  it('the death of a process closes its sessions a little later; a new life is met again', () => {
    const { scheduler, start, a, b } = pair()
    b.transport.end(2, true)
    b.loop.end()
    scheduler.runUntil(scheduler.now + 5)
    expect(a.log).toEqual(['down b#1 closed by the peer'])
    start('b')
    scheduler.runUntil(scheduler.now + 200)
    expect(a.log.at(-1)).toBe('up b#2 sent true')
  })

  it('B.16: the death of a host closes nothing until the link times out', () => {
    const { scheduler, a, b } = pair()
    b.transport.end(0, false)
    b.loop.end()
    scheduler.runUntil(scheduler.now + 400)
    expect(a.log).toEqual([])
    scheduler.runUntil(scheduler.now + 200)
    expect(a.log).toEqual(['down b#1 timed out'])
  })

  it('B.16: a silent cut tells nobody; R38: a lasting one is torn down and dialled again', () => {
    const { scheduler, network, a, b } = pair()
    network.cut(0, 1, 'x')
    scheduler.runUntil(scheduler.now + 300)
    expect([...a.log, ...b.log]).toEqual([])
    scheduler.runUntil(scheduler.now + 300)
    expect(a.log).toEqual(['down b#1 timed out'])
    expect(b.log).toEqual(['down a#1 timed out'])
    network.heal('x')
    scheduler.runUntil(scheduler.now + 200)
    expect(a.log.at(-1)).toBe('up b#1 sent true')
  })

  it('a frame for a session that its receiver has lost resets it at the sender', () => {
    const { scheduler, start, network, a, b } = pair()
    b.transport.end(0, false)
    b.loop.end()
    start('b')
    network.cut(1, 0, 'x')
    scheduler.runUntil(scheduler.now + 20)
    network.heal()
    a.transport.send('b', 1, [part(1)])
    scheduler.runUntil(scheduler.now + 5)
    expect(a.log).toEqual(['down b#1 reset'])
  })

  it('R24: nothing is sent to another life than the one that was met', () => {
    const { scheduler, a, b } = pair()
    a.transport.send('b', 2, [part(1)])
    a.transport.send('b', 1, [part(2)])
    scheduler.runUntil(scheduler.now + 5)
    expect(b.log).toEqual(['a#1 2'])
  })

  it('a stalled process hears nothing until it goes on', () => {
    const { scheduler, a, b } = pair()
    b.loop.stall()
    a.transport.send('b', 1, [part(1)])
    scheduler.runUntil(scheduler.now + 100)
    expect(b.log).toEqual([])
    b.loop.resume('ioFirst')
    expect(b.log).toEqual(['a#1 1'])
  })

  it('stop calls back and hears no more', () => {
    const { scheduler, a, b } = pair()
    let stopped = 0
    b.transport.stop(10, () => {
      stopped += 1
    })
    a.transport.send('b', 1, [part(1)])
    scheduler.runUntil(scheduler.now + 50)
    expect(stopped).toBe(1)
    expect(b.log).toEqual([])
    expect(a.log).toEqual(['down b#1 closed by the peer'])
  })
})

describe('frames', () => {
  const many = Array.from({ length: 500 }, (_, i) => i)
  const send = ({ scheduler, a }: ReturnType<typeof pair>): void => {
    for (const i of many) {
      a.transport.send('b', 1, [part(i)])
      scheduler.runUntil(scheduler.now + 0.2)
    }
    scheduler.runUntil(scheduler.now + 50)
  }

  it('arrive all and in order on a calm link, however long they take', () => {
    const net = pair({ jitterMs: 5 })
    send(net)
    expect(frames(net.b)).toEqual(many)
  })

  it('are lost, doubled and overtake each other by the quality of the link', () => {
    const net = pair({ jitterMs: 5, loss: 0.2, duplicate: 0.2, reorder: true })
    send(net)
    const seen = frames(net.b)
    const distinct = new Set(seen)
    expect(distinct.size).toBeGreaterThan(350)
    expect(distinct.size).toBeLessThan(500)
    expect(seen.length).toBeGreaterThan(distinct.size)
    expect(seen).not.toEqual([...seen].sort((x, y) => x - y))
  })

  it('some take much longer than others', () => {
    const net = pair({ tail: 0.1, tailMs: 40, reorder: true })
    net.a.transport.send('b', 1, [part(0)])
    send(net)
    expect(net.network.stats.reordered).toBeGreaterThan(20)
  })

  it('are replayed, also after the sender has restarted', () => {
    const net = pair({ replay: 0.5 })
    send(net)
    expect(net.network.stats.replayed).toBeGreaterThan(200)
    net.a.transport.end(0, true)
    net.a.loop.end()
    const second = net.start('a')
    net.scheduler.runUntil(net.scheduler.now + 200)
    net.b.log.length = 0
    for (let i = 0; i < 100; i++) second.transport.send('b', 1, [part(1000 + i)])
    net.scheduler.runUntil(net.scheduler.now + 50)
    expect(net.b.log.filter((line) => line.startsWith('a#1 ')).length).toBeGreaterThan(5)
  })

  it('never arrive in another session of the same lives, unless they are replays', () => {
    const net = pair({}, { holdInCut: true, linkTimeoutMs: 100 })
    net.network.cut(0, 1, 'x')
    net.a.transport.send('b', 1, [part(1)])
    net.scheduler.runUntil(net.scheduler.now + 300)
    net.network.heal()
    net.scheduler.runUntil(net.scheduler.now + 300)
    expect(net.b.log.at(-1)).toBe('up a#1 sent true')
    expect(frames(net.b)).toEqual([])
  })

  it('R70: pass through the real codec, if told so, and arrive as other objects with the same content', () => {
    const { scheduler, network, a } = pair({}, { codec: true })
    const sent: Part[] = [part(1), { kind: 'bind', election: 'e', term: 3 }]
    const seen: (readonly Part[])[] = []
    network.observer = { delivered: ({ parts }) => seen.push(parts) }
    for (let i = 0; i < 2; i++) a.transport.send('b', 1, sent)
    scheduler.runUntil(scheduler.now + 5)
    expect(seen).toEqual([sent, sent])
    expect(seen[0]?.[0]).not.toBe(sent[0])
  })

  it('a cut is one-way', () => {
    const { scheduler, network, a, b } = pair()
    network.cut(0, 1, 'x')
    a.transport.send('b', 1, [part(1)])
    b.transport.send('a', 1, [part(2)])
    scheduler.runUntil(scheduler.now + 5)
    expect([frames(a), frames(b)]).toEqual([[2], []])
  })

  it('what was sent into a cut is lost, or arrives when it heals', () => {
    for (const holdInCut of [false, true]) {
      const { scheduler, network, a, b } = pair({}, { holdInCut })
      network.cut(0, 1, 'x')
      a.transport.send('b', 1, [part(1)])
      scheduler.runUntil(scheduler.now + 100)
      network.heal('x')
      scheduler.runUntil(scheduler.now + 5)
      expect(frames(b)).toEqual(holdInCut ? [1] : [])
    }
  })

  it('partitions have names and heal one by one', () => {
    const { network } = pair()
    network.partition([[0], [1, 2]], 'first')
    network.partition([[0, 1], [2]], 'second')
    expect(network.links.isOpen(0, 1)).toBe(false)
    network.heal('first')
    expect([network.links.isOpen(0, 1), network.links.isOpen(0, 2)]).toEqual([true, false])
    network.heal()
    expect(network.links.isOpenBothWays(0, 2)).toBe(true)
  })

  it('an interceptor holds, drops and releases frames', () => {
    const { scheduler, network, a, b } = pair()
    network.interceptor = ({ parts }) => {
      const nonce = nonceOf(parts[0] as Part)
      if (nonce === 1) return 'hold'
      return nonce === 2 ? 'drop' : 'pass'
    }
    for (const nonce of [1, 2, 3]) a.transport.send('b', 1, [part(nonce)])
    scheduler.runUntil(scheduler.now + 5)
    expect(frames(b)).toEqual([3])
    network.release(network.held[0]!)
    scheduler.runUntil(scheduler.now + 5)
    expect(frames(b)).toEqual([3, 1])
  })
})
