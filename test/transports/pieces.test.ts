/** Goal: the small pieces of the transport keep their promises by themselves: frames, seals, addresses, the outbox. */
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Part } from '../../src/core/messages'
import { isElectionError } from '../../src/errors'
import type { Greeting, TransportHost } from '../../src/ports/transport'
import { formatAddress, isLoopback, parseAddress } from '../../src/transports/tcp-address'
import { FrameReader, openPlain, plainFrame } from '../../src/transports/tcp-frames'
import { printable, QuietHost } from '../../src/transports/tcp-host'
import { keysOf, sessionSeals } from '../../src/transports/tcp-keys'
import { Outbox } from '../../src/transports/tcp-outbox'
import { mayClaim, memberIds } from '../../src/transports/tcp-tls'
import { NEWEST_VERSION, PartDecoder } from '../../src/wire'

describe('frames on a stream', () => {
  it('E4: frames come back whole however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }),
        (bodies, cuts) => {
          const stream = Buffer.concat(bodies.map((body, n) => plainFrame(n, body)))
          const reader = new FrameReader(512)
          const got: Buffer[] = []
          for (let at = 0, n = 0; at < stream.length; n++) {
            const size = cuts[n % cuts.length] as number
            expect(
              reader.push(stream.subarray(at, at + size), (frame) => {
                got.push(Buffer.from(frame))
                return true
              }),
            ).toBe(true)
            at += size
          }
          expect(got.map((frame, n) => [openPlain(frame).kind, n, [...openPlain(frame).body]])).toEqual(
            bodies.map((body, n) => [n, n, [...body]]),
          )
          expect(reader.partial).toBe(false)
        },
      ),
    )
  })

  it('E5: a length of 0 or above the limit is refused before its body arrives', () => {
    for (const [length, sound] of [
      [0, false],
      [1, true],
      [508, true],
      [509, false],
      [0xffff_ffff, false],
    ] as const) {
      for (const cut of [4, 2]) {
        const header = Buffer.alloc(4)
        header.writeUInt32BE(length)
        const reader = new FrameReader(512)
        const first = reader.push(header.subarray(0, cut), () => true)
        const second = cut === 4 || reader.push(header.subarray(cut), () => true)
        expect([length, first && second]).toEqual([length, sound])
      }
    }
  })

  it('E4: nothing more is read after a frame that ended the connection', () => {
    const reader = new FrameReader(512)
    let seen = 0
    reader.push(Buffer.concat([plainFrame(1), plainFrame(2)]), () => {
      seen += 1
      return false
    })
    expect(seen).toBe(1)
  })
})

describe('E3: sealed frames', () => {
  const session = () => {
    const [keys] = keysOf([Buffer.alloc(32, 7)])
    const said = [Buffer.from('everything that was said')]
    return { dialler: sessionSeals(keys!, said, true), acceptor: sessionSeals(keys!, said, false) }
  }
  const body = Buffer.from('a body')

  it('E3: a frame opens once, in its place, at the other end', () => {
    const { dialler, acceptor } = session()
    const frames = [0, 1, 2].map((kind) => dialler.outgoing.seal(kind, body))
    expect(acceptor.incoming.open(frames[0]!)).toMatchObject({ ok: true, kind: 0, body })
    expect(acceptor.incoming.open(frames[0]!)).toEqual({ ok: false, reason: 'replayed' })
    expect(acceptor.incoming.open(frames[2]!)).toEqual({ ok: false, reason: 'replayed' })
    expect(acceptor.incoming.open(frames[1]!)).toMatchObject({ ok: true, kind: 1 })
  })

  it('E3: any changed bit is found', () => {
    const frame = session().dialler.outgoing.seal(6, body)
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const changed = Buffer.from(frame)
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(session().acceptor.incoming.open(changed)).toEqual({ ok: false, reason: 'unauthenticated' })
    }
    expect(session().acceptor.incoming.open(frame).ok).toBe(true)
  })

  it('E3: frames do not open in the direction that they came from, nor in another session', () => {
    const { dialler } = session()
    const frame = dialler.outgoing.seal(6, body)
    expect(dialler.incoming.open(frame).ok).toBe(false)
    const other = sessionSeals(keysOf([Buffer.alloc(32, 7)])[0]!, [Buffer.from('something else')], false)
    expect(other.incoming.open(frame).ok).toBe(false)
  })

  it('E6: a frame too short for a seal is refused', () => {
    for (const length of [0, 5, 28]) {
      expect(session().acceptor.incoming.open(Buffer.alloc(length))).toEqual({
        ok: false,
        reason: 'malformed',
      })
    }
  })
})

describe('addresses', () => {
  it('names, IPv4 and bracketed IPv6 are read and written', () => {
    for (const text of [
      '10.0.0.1:7400',
      'node-a.internal:1',
      '[::1]:65535',
      '[fe80::1]:7400',
      'localhost:0',
    ]) {
      expect(formatAddress(parseAddress(text, 'x'))).toBe(text)
    }
  })

  it('anything else is refused with the option and the form that is expected', () => {
    for (const text of [
      '',
      '7400',
      'a',
      'a:',
      ':1',
      'a:65536',
      '::1:7400',
      '[::1]',
      '[a]:1',
      'a b:1',
      'http://a:1',
      'a:1:2',
      'a:-1',
      'a:1e3',
    ]) {
      try {
        parseAddress(text, 'address of b')
        expect.unreachable(text)
      } catch (error) {
        expect(isElectionError(error, 'ELECTION_CONFIG_INVALID')).toBe(true)
        expect((error as Error).message).toMatch(/^address of b: .*write "host:port"/)
      }
    }
  })

  it('E1: only what cannot leave this host is loopback', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1']) {
      expect([host, isLoopback(host)]).toEqual([host, true])
    }
    for (const host of [
      '0.0.0.0',
      '::',
      '10.0.0.1',
      '128.0.0.1',
      '127.0.0.1.example.com',
      'localhost.example.com',
      '::ffff:10.0.0.1',
      'a',
      '',
    ]) {
      expect([host, isLoopback(host)]).toEqual([host, false])
    }
  })
})

describe('E9: texts for logs', () => {
  it('E9: a flood of refusals from many addresses is counted in full and logged in part', () => {
    let now = 0
    let lines = 0
    let counted = 0
    const host = {
      now: () => now,
      logger: { debug() {}, info() {}, error() {}, warn: () => lines++ },
      refused: () => counted++,
    } as unknown as TransportHost
    const quiet = new QuietHost(host)
    for (let n = 0; n < 3_000; n++) quiet.refused('malformed', `10.0.${n >> 8}.${n & 255}`, 'x')
    expect([counted, lines, quiet.refusals]).toEqual([3_000, 32, { malformed: 3_000 }])
    now = 1_000
    quiet.refused('malformed', '10.0.0.1', 'x')
    expect(lines).toBe(33)
    quiet.silence()
    quiet.refused('malformed', '10.0.0.2', 'x')
    expect([counted, lines]).toEqual([3_001, 33])
  })

  it('a host that throws does not take the transport down, and admits nobody', () => {
    const errors: unknown[] = []
    const thrower = () => {
      throw new Error('of the host')
    }
    const host = {
      now: () => 0,
      logger: { debug() {}, info() {}, warn() {}, error: (fields: unknown) => errors.push(fields) },
      admit: thrower,
      received: thrower,
    } as unknown as TransportHost
    const quiet = new QuietHost(host)
    expect(quiet.admit({} as Greeting).ok).toBe(false)
    quiet.received('p', 1, [])
    expect(errors).toHaveLength(2)
  })

  it('E9: control characters are escaped and long texts are cut', () => {
    expect(printable('a\nb\u001b[31m\u202e')).toBe('a\\u000ab\\u001b[31m\\u202e')
    expect(printable('x'.repeat(1000)).length).toBe(203)
  })
})

describe('E2: whom a certificate names', () => {
  const certificate = (subjectaltname: string | undefined, CN: unknown) =>
    ({ subjectaltname, subject: { CN } }) as unknown as Parameters<typeof memberIds>[0]

  it('E2: URI names come first, and only those of the own cluster count', () => {
    const two = certificate('DNS:x, URI:conclave://billing/a, URI:conclave://other/b', 'c')
    expect(memberIds(two, 'billing')).toEqual(['a'])
    expect(memberIds(two, 'other')).toEqual(['b'])
    expect(memberIds(two, 'third')).toEqual([])
    expect(memberIds(certificate('DNS:x', 'c'), 'billing')).toEqual(['c'])
    expect(memberIds(certificate(undefined, ['c', 'd']), 'billing')).toEqual([])
  })

  it('E2: a name that hides another one inside a quoted text gives nothing', () => {
    expect(memberIds(certificate('URI:"conclave://x, URI:conclave://billing/a"', 'a'), 'billing')).toEqual([])
    expect(memberIds(certificate('URI:conclave://billing/a/b', 'a'), 'billing')).toEqual([])
    expect(memberIds(certificate('URI:Conclave://billing/a', 'a'), 'billing')).toEqual([])
  })

  it('E2: an own function decides, and one that throws has named nobody', () => {
    const some = certificate(undefined, 'a')
    expect(mayClaim(some, 'c', 'z', () => 'z')).toBe(true)
    expect(mayClaim(some, 'c', 'a', () => null)).toBe(false)
    expect(mayClaim(null, 'c', 'a', () => 'a')).toBe(false)
    expect(
      mayClaim(some, 'c', 'a', () => {
        throw new Error('no')
      }),
    ).toBe(false)
  })
})

/** A socket that takes nothing until it is told to. */
class FakeSocket {
  writableLength = 0
  stuck = false
  readonly written: Buffer[] = []
  writes = 0
  #corked = false
  #callbacks: (() => void)[] = []

  write(bytes: Buffer, done?: () => void): boolean {
    if (!this.#corked) this.writes += 1
    this.written.push(bytes)
    if (this.stuck) this.writableLength += bytes.length
    if (done !== undefined) this.#callbacks.push(done)
    return !this.stuck
  }
  cork(): void {
    this.#corked = true
  }
  uncork(): void {
    this.#corked = false
    this.writes += 1
  }
  drain(): void {
    this.stuck = false
    this.writableLength = 0
    for (const done of this.#callbacks.splice(0)) done()
  }
}

function outbox(maxQueueBytes = 1_000_000) {
  const [keys] = keysOf([])
  const seals = sessionSeals(keys!, [], true)
  const other = sessionSeals(keys!, [], false)
  const socket = new FakeSocket()
  const report = { frames: 0, bytes: 0, dropped: 0, unencodable: 0 }
  const box = new Outbox(socket as unknown as Socket, seals.outgoing, NEWEST_VERSION, maxQueueBytes, {
    sent: (frames, bytes) => {
      report.frames += frames
      report.bytes += bytes
    },
    dropped: (batches) => {
      report.dropped += batches
    },
    unencodable: (parts) => {
      report.unencodable += parts
    },
  })
  const decoder = new PartDecoder()
  let read = 0
  /** Parts of the frames written since the last call. */
  const arrived = (): Part[] =>
    socket.written.slice(read).flatMap((frame) => {
      read += 1
      const opened = other.incoming.open(frame)
      if (!opened.ok) throw new Error(opened.reason)
      const decoded = decoder.decode(opened.body)
      if (!decoded.ok) throw new Error(decoded.reason)
      return [...decoded.value]
    })
  return { box, socket, report, arrived }
}

const beat = (round: number): Part => ({
  kind: 'heartbeat',
  round,
  promiseMs: 2000,
  probe: false,
  prompt: false,
})
const ack = (round: number): Part => ({ kind: 'ack', round, grant: '1.1', renewed: true })
const bind = (term: number): Part => ({ kind: 'bind', election: 'e', term })

describe('what waits to be sent', () => {
  it('R70: everything of one turn leaves in one frame and one write', () => {
    const { box, socket, report, arrived } = outbox()
    box.push([beat(1), bind(1)])
    box.push([bind(2)])
    expect(socket.writes).toBe(0)
    box.flush()
    expect([socket.writes, report.frames, report.bytes]).toEqual([1, 1, socket.written[0]!.length])
    expect(arrived()).toEqual([beat(1), bind(1), bind(2)])
    box.flush()
    expect(socket.writes).toBe(1)
  })

  it('R70: what needs several frames still leaves in one write', () => {
    const { box, socket, report } = outbox()
    box.push(
      Array.from({ length: 8_000 }, (_, n): Part => ({ kind: 'bind', election: `election-${n}`, term: n })),
    )
    box.flush()
    expect(report.frames).toBeGreaterThan(2)
    expect(socket.writes).toBe(1)
  })

  it('B.17: while the socket is congested the newest heartbeat and ack replace the older ones, in their place', () => {
    const { box, socket, arrived } = outbox()
    socket.stuck = true
    box.push([beat(0)])
    box.flush()
    expect(arrived()).toEqual([beat(0)])
    for (let round = 1; round <= 100; round++) {
      box.push(round === 1 ? [beat(1), ack(1), bind(1)] : [ack(round), beat(round)])
      box.flush()
    }
    expect(socket.written).toHaveLength(1)
    socket.drain()
    expect(arrived()).toEqual([beat(100), ack(100), bind(1)])
  })

  it('B.17: a congestion has nothing to do with the one before it', () => {
    const { box, socket, arrived } = outbox()
    for (const round of [1, 3]) {
      socket.stuck = true
      box.push([bind(0)])
      box.flush()
      box.push([beat(round)])
      box.push([beat(round + 1)])
      socket.drain()
      expect(arrived()).toEqual([bind(0), beat(round + 1)])
    }
  })

  it('B.17: over the bound the oldest batches are dropped whole and counted', () => {
    const { box, socket, report, arrived } = outbox(64 * 10)
    socket.stuck = true
    box.push([bind(0)])
    box.flush()
    arrived()
    for (let term = 1; term <= 20; term++) box.push([bind(term), bind(term)])
    expect(report.dropped).toBe(15)
    socket.drain()
    expect(arrived()).toEqual([16, 17, 18, 19, 20].flatMap((term) => [bind(term), bind(term)]))
  })

  it('B.17: a heartbeat that was dropped with its batch is not the place of a newer one', () => {
    const { box, socket, arrived } = outbox(64 * 4)
    socket.stuck = true
    box.push([bind(0)])
    box.flush()
    arrived()
    box.push([beat(1), bind(1), bind(1)])
    box.push([bind(2), bind(2)])
    box.push([beat(2)])
    socket.drain()
    expect(arrived()).toEqual([bind(2), bind(2), beat(2)])
  })

  it('B.17: parts that their owner gets back are never changed', () => {
    const { box, socket } = outbox()
    socket.stuck = true
    box.push([bind(0)])
    box.flush()
    const parts = Object.freeze([beat(1), ack(1)])
    box.push(parts)
    box.push([beat(2), ack(2)])
    expect(parts).toEqual([beat(1), ack(1)])
  })

  it('R53: flushNow writes also into a congested socket', () => {
    const { box, socket, arrived } = outbox()
    socket.stuck = true
    box.push([bind(0)])
    box.flush()
    box.push([bind(1)])
    box.flush()
    expect(arrived()).toEqual([bind(0)])
    box.flushNow()
    expect(arrived()).toEqual([bind(1)])
  })

  it('a part that cannot be encoded is left out and reported, the others leave', () => {
    const { box, report, arrived } = outbox()
    box.push([bind(1), bind(-1), bind(2)])
    box.flush()
    expect(report.unencodable).toBe(1)
    expect(arrived()).toEqual([bind(1), bind(2)])
  })
})
