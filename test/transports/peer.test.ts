/**
 * Goal: which of several connections is the session, and when the peer is dialled again (R24, R27). Method: the link with
 * one peer by itself, with connections that only write down what is asked of them, and a clock of the test's own.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Greeting } from '../../src/ports/transport'
import type { Connection } from '../../src/transports/tcp-connection'
import type { Dial } from '../../src/transports/tcp-dial'
import { Peer, type PeerOwner } from '../../src/transports/tcp-peer'

const greeting = (incarnation = 1, nonce = 'n'): Greeting => ({
  clusterId: 'c',
  nodeId: 'm',
  storageId: 's',
  incarnation,
  nonce,
  rho: 0,
  deltaMs: 0,
  configTerm: 0,
  configVersion: 0,
})

/** Writes down what the peer asks of it. */
class FakeConnection {
  readonly asked: string[] = []
  readonly greetedAt = 5
  state = 'proven'
  number = 0
  upAt = 0
  remote = 'remote'
  constructor(
    readonly peer: Greeting,
    readonly dialled: boolean,
    private readonly now: () => number,
  ) {}
  welcome(number: number): void {
    this.asked.push(`welcome ${number}`)
  }
  confirm(number: number): void {
    this.state = 'up'
    this.number = number
    this.upAt = this.now()
    this.asked.push('confirm')
  }
  retire(finish: boolean): void {
    this.state = 'retired'
    this.asked.push(finish ? 'retire and finish' : 'retire')
  }
  refuse(reason: string): void {
    this.state = 'closed'
    this.asked.push(`refuse ${reason}`)
  }
  destroy(): void {
    this.state = 'closed'
    this.asked.push('destroy')
  }
}

/** A peer `m` as the process `self` sees it: `a` confirms, `z` does not. */
function bench(self: 'a' | 'z') {
  const heard: string[] = []
  const dials: {
    connection: FakeConnection | null
    aborted: boolean
    at: number
    fail: (why: string) => void
  }[] = []
  let number = 0
  const now = () => Date.now()
  const owner: PeerOwner = {
    self,
    now,
    random: () => 1,
    dial(_peer, _address, fail) {
      const made = { connection: null as FakeConnection | null, aborted: false, at: now(), fail }
      dials.push(made)
      return {
        get connection() {
          return made.connection as unknown as Connection | null
        },
        abort() {
          made.aborted = true
        },
      } satisfies Dial<Connection>
    },
    nextNumber: () => ++number,
    connected: (peer, sentAt) => heard.push(`connected ${peer.incarnation} ${sentAt}`),
    lost: (peer, why) => heard.push(`lost ${peer.incarnation} ${why}`),
  }
  const peer = new Peer('m', { host: 'h', port: 1 }, owner)
  const connection = (dialled: boolean, life = greeting()) => new FakeConnection(life, dialled, now)
  const as = (fake: FakeConnection) => fake as unknown as Connection
  return {
    peer,
    heard,
    dials,
    connection,
    proven: (fake: FakeConnection) => peer.proven(as(fake)),
    welcomed: (fake: FakeConnection, n: number) => peer.welcomed(as(fake), n),
    gone: (fake: FakeConnection) => peer.gone(as(fake), 'why'),
    session: () => peer.session as unknown as FakeConnection | null,
  }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('the end that confirms', () => {
  it('confirms what it accepted at once, with a number, before the host hears of it', () => {
    const b = bench('a')
    const c = b.connection(false)
    b.proven(c)
    expect(c.asked).toEqual(['welcome 1', 'confirm'])
    expect(b.heard).toEqual(['connected 1 5'])
  })

  it('confirms what it dialled when the other end has admitted it, not before', () => {
    const b = bench('a')
    const c = b.connection(true)
    b.proven(c)
    expect([c.asked, b.session()]).toEqual([[], null])
    b.welcomed(c, 0)
    expect(c.asked).toEqual(['welcome 1', 'confirm'])
  })

  it('takes the newer connection of the same life, keeps reading the older one, and says nothing to the host', () => {
    const b = bench('a')
    const [first, second] = [b.connection(false), b.connection(true)]
    b.proven(first)
    b.proven(second)
    b.welcomed(second, 0)
    expect(first.asked).toEqual(['welcome 1', 'confirm', 'retire'])
    expect(second.asked).toEqual(['welcome 2', 'confirm'])
    b.gone(first)
    expect([b.heard, b.session()]).toEqual([['connected 1 5'], second])
  })

  it('takes no number from the other end', () => {
    const b = bench('a')
    const c = b.connection(true)
    b.welcomed(c, 7)
    expect(c.asked).toEqual(['refuse malformed'])
  })
})

describe('the end that does not confirm', () => {
  it('admits what it accepted, and waits for the number', () => {
    const b = bench('z')
    const c = b.connection(false)
    b.proven(c)
    expect([c.asked, b.session()]).toEqual([['welcome 0'], null])
    b.welcomed(c, 3)
    expect([c.asked, b.heard]).toEqual([['welcome 0', 'confirm'], ['connected 1 5']])
  })

  it('ends the older connection when the number of a newer one comes', () => {
    const b = bench('z')
    const [first, second] = [b.connection(false), b.connection(true)]
    b.welcomed(first, 3)
    b.welcomed(second, 4)
    expect(first.asked).toEqual(['confirm', 'retire and finish'])
    expect([b.session(), b.heard]).toEqual([second, ['connected 1 5']])
  })

  it('ends a connection whose number comes late, and keeps the newer one', () => {
    const b = bench('z')
    const [late, present] = [b.connection(false), b.connection(true)]
    b.welcomed(present, 4)
    b.welcomed(late, 3)
    expect(late.asked).toEqual(['retire and finish'])
    expect(b.session()).toBe(present)
  })

  it('takes no 0 from the end that confirms', () => {
    const b = bench('z')
    const c = b.connection(true)
    b.welcomed(c, 0)
    expect(c.asked).toEqual(['refuse malformed'])
  })

  it('leaves an own dial alone that the other end may have confirmed by now', () => {
    const b = bench('z')
    b.peer.start()
    const own = b.connection(true)
    b.dials[0]!.connection = own
    b.welcomed(b.connection(false), 1)
    expect(b.dials[0]!.aborted).toBe(false)
    b.welcomed(own, 2)
    expect(b.session()).toBe(own)
  })

  it('gives up an own dial that has not got that far', () => {
    const b = bench('z')
    b.peer.start()
    b.welcomed(b.connection(false), 1)
    expect(b.dials[0]!.aborted).toBe(true)
  })
})

describe('R27: lives', () => {
  for (const self of ['a', 'z'] as const) {
    const up = (b: ReturnType<typeof bench>, c: FakeConnection, n: number) =>
      self === 'a' ? b.proven(c) : b.welcomed(c, n)

    it(`a higher incarnation replaces at once, and the host hears of both (${self})`, () => {
      const b = bench(self)
      const [old, young] = [b.connection(false), b.connection(false, greeting(2, 'other'))]
      up(b, old, 9)
      up(b, young, 1)
      expect(old.asked.at(-1)).toBe('destroy')
      expect(b.heard).toEqual(['connected 1 5', 'lost 1 replaced by a newer incarnation', 'connected 2 5'])
      b.gone(old)
      expect([b.heard.length, b.session()]).toEqual([3, young])
    })

    it(`a lower incarnation and another process of the same are refused while one is connected (${self})`, () => {
      const b = bench(self)
      up(b, b.connection(false, greeting(2, 'x')), 1)
      const [past, twin] = [b.connection(false, greeting(1, 'y')), b.connection(false, greeting(2, 'z'))]
      expect([b.peer.judge(past.peer)?.reason, b.peer.judge(twin.peer)?.reason]).toEqual([
        'staleIncarnation',
        'duplicateIdentity',
      ])
      up(b, past, 2)
      up(b, twin, 3)
      expect([past.asked.at(-1), twin.asked.at(-1)]).toEqual([
        'refuse staleIncarnation',
        'refuse duplicateIdentity',
      ])
      expect(b.heard).toEqual(['connected 2 5'])
    })

    it(`after the end of a life any other may come (${self})`, () => {
      const b = bench(self)
      const first = b.connection(false, greeting(5, 'x'))
      up(b, first, 1)
      b.gone(first)
      up(b, b.connection(false, greeting(3, 'y')), 2)
      expect(b.heard).toEqual(['connected 5 5', 'lost 5 why', 'connected 3 5'])
    })
  }
})

describe('dialling', () => {
  it('goes on from 100 ms to a second between two tries, and begins at once', () => {
    const b = bench('a')
    b.peer.start()
    const waits: number[] = []
    for (let n = 0; n < 8; n++) {
      const last = b.dials.length
      b.dials.at(-1)!.fail('refused')
      const from = Date.now()
      while (b.dials.length === last) vi.advanceTimersByTime(1)
      waits.push(Date.now() - from)
    }
    expect(b.dials[0]!.at).toBeLessThanOrEqual(Date.now())
    expect(waits).toEqual([100, 200, 400, 800, 1000, 1000, 1000, 1000])
  })

  it('begins soon after a session that lasted, when what follows from its end is decided, and waits after one that did not', () => {
    const b = bench('a')
    b.peer.start()
    b.dials[0]!.fail('refused')
    const lasting = b.connection(false)
    b.proven(lasting)
    vi.advanceTimersByTime(1_000)
    expect(b.dials).toHaveLength(1)
    b.gone(lasting)
    expect(b.dials).toHaveLength(1)
    vi.advanceTimersByTime(20)
    expect(b.dials).toHaveLength(2)
    const brief = b.connection(false)
    b.proven(brief)
    expect(b.dials[1]!.aborted).toBe(true)
    b.gone(brief)
    expect(b.dials).toHaveLength(2)
    vi.advanceTimersByTime(100)
    expect(b.dials).toHaveLength(3)
  })

  it('makes one try at a time, and none while there is a session or after the end', () => {
    const b = bench('a')
    b.peer.start()
    b.peer.start()
    expect(b.dials).toHaveLength(1)
    const c = b.connection(false)
    b.proven(c)
    b.dials[0]!.fail('too late')
    vi.advanceTimersByTime(5_000)
    expect([b.dials.length, b.peer.stats().lastError]).toEqual([1, null])
    b.peer.stop()
    b.gone(c)
    vi.advanceTimersByTime(5_000)
    expect(b.dials).toHaveLength(1)
  })

  it('a dialled connection that ends without a session counts as a try', () => {
    const b = bench('a')
    b.peer.start()
    const c = b.connection(true)
    b.dials[0]!.connection = c
    b.gone(c)
    expect(b.peer.stats()).toMatchObject({ connected: false, lastError: 'why', address: 'h:1' })
    vi.advanceTimersByTime(100)
    expect(b.dials).toHaveLength(2)
  })
})
