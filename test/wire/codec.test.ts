/**
 * Goal: what is encoded comes back as it was, what is not allowed is refused in both directions, and frames keep to their
 * bounds. Method: properties over every kind of part, then directed cases.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Part } from '../../src/core/messages'
import {
  type CodecOptions,
  MAX_BODY_BYTES,
  MAX_TERM,
  NEWEST_VERSION,
  OLDEST_VERSION,
  PartDecoder,
  PartEncoder,
} from '../../src/wire'
import { COMPACT_VERSION } from '../../src/wire/limits'
import { anyPart, partsByKind } from './parts'

function bodiesOf(parts: readonly Part[], encoder = new PartEncoder()): Uint8Array[] {
  const bodies: Uint8Array[] = []
  const refused = encoder.encode(parts, (body) => bodies.push(body.slice()))
  expect(refused).toBe(0)
  return bodies
}

function partsOf(bodies: readonly Uint8Array[], decoder = new PartDecoder()): Part[] {
  return bodies.flatMap((body) => {
    const decoded = decoder.decode(body)
    if (!decoded.ok) throw new Error(`refused: ${decoded.reason}`)
    return decoded.value
  })
}

function roundTrip(parts: readonly Part[], options: CodecOptions = {}): Part[] {
  return partsOf(bodiesOf(parts, new PartEncoder(options)), new PartDecoder(options))
}

/** A part whose fields are changed to something that its type forbids. */
function wrong(part: Part, change: Record<string, unknown>): Part {
  return { ...part, ...change } as Part
}

const VERSIONS = Array.from({ length: NEWEST_VERSION }, (_, i) => i + 1).filter((v) => v >= OLDEST_VERSION)
/** The last one in which every number has a fixed width. */
const FIXED = { version: COMPACT_VERSION - 1 }

/** What comes back of a part in that version: what it does not know yet is not said. */
function said(part: Part, version: number): Part {
  return part.kind === 'notice' && version < COMPACT_VERSION ? { ...part, standing: [] } : part
}

const heartbeat: Part = { kind: 'heartbeat', round: 7, promiseMs: 2000, probe: false, prompt: true }
const bind: Part = { kind: 'bind', election: 'e', term: 5 }
const ack: Part = { kind: 'ack', round: 1, grant: '1.2', renewed: true }

describe('parts on the wire', () => {
  for (const [kind, arbitrary] of Object.entries(partsByKind)) {
    it.each(VERSIONS)(
      `E6: a ${kind} comes back with exactly its declared fields in version %d`,
      (version) => {
        fc.assert(
          fc.property(arbitrary as fc.Arbitrary<Part>, (part) => {
            const [back, ...more] = roundTrip([part], { version })
            expect(more).toEqual([])
            expect(back).toStrictEqual(said(part, version))
            expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
          }),
          { numRuns: 200 },
        )
      },
    )
  }

  it('R70: any number of parts of any elections keep their order over any number of frames', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(anyPart, { maxLength: 12 }), { maxLength: 6 }),
        fc.integer({ min: 512, max: 2000 }),
        (turns, maxBodyBytes) => {
          const encoder = new PartEncoder({ maxBodyBytes })
          const decoder = new PartDecoder()
          for (const turn of turns) {
            const bodies = bodiesOf(turn, encoder)
            for (const body of bodies) expect(body.length).toBeLessThanOrEqual(maxBodyBytes)
            expect(partsOf(bodies, decoder)).toStrictEqual(turn)
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('R70: the name of an election travels once per connection, then as a number', () => {
    const encoder = new PartEncoder()
    const decoder = new PartDecoder()
    const part: Part = { ...bind, election: 'n'.repeat(100) } as Part
    const [first] = bodiesOf([part], encoder)
    const [second] = bodiesOf([part], encoder)
    expect(first!.length - second!.length).toBe(101)
    expect(partsOf([first!, second!], decoder)).toStrictEqual([part, part])
  })

  it('R70: the tables of names start anew when they are full, and stay in step', () => {
    const options = { maxNames: 3 }
    const encoder = new PartEncoder(options)
    const decoder = new PartDecoder(options)
    for (let i = 0; i < 50; i++) {
      const part: Part = { kind: 'bind', election: `election-${(i * 7) % 5}`, term: i }
      expect(partsOf(bodiesOf([part], encoder), decoder)).toStrictEqual([part])
    }
  })

  it('R70: a frame ends between two parts, and no part is longer than a cut allows', () => {
    const id = 'i'.repeat(64)
    const certificate = { leader: id, storageId: id, incarnation: 1, term: 1 }
    const long = (n: number): Part => ({
      kind: 'timeoutNow',
      election: `${'e'.repeat(124)}${String(n).padStart(4, '0')}`,
      storageId: id,
      certificate,
    })
    const parts = Array.from({ length: 400 }, (_, n) => long(n))
    const bodies = bodiesOf(parts)
    expect(bodies.length).toBe(
      Math.ceil(parts.length / Math.floor(MAX_BODY_BYTES / bodiesOf([long(0)])[0]!.length)),
    )
    expect(partsOf(bodies)).toStrictEqual(parts)
    expect(bodiesOf([long(0)])[0]!.length).toBeLessThanOrEqual(512)
  })

  it('R70: a small heartbeat is a small frame', () => {
    const sizes = VERSIONS.map((version) => bodiesOf([heartbeat], new PartEncoder({ version }))[0]!.length)
    expect(sizes).toEqual([19, 19, 6])
  })

  it('R70: the numbers of a long life are small, too', () => {
    const parts: Part[] = [
      { kind: 'heartbeat', round: 300_000_000, promiseMs: 750, probe: false, prompt: false },
      { kind: 'ack', round: 300_000_000, grant: '1000.300000000', renewed: true },
    ]
    expect(bodiesOf(parts)[0]!.length).toBe(26)
    expect(roundTrip(parts)).toStrictEqual(parts)
  })

  it('E6: a codec of one version and a body of another do not fit together', () => {
    const [old] = bodiesOf([heartbeat], new PartEncoder(FIXED))
    const [present] = bodiesOf([heartbeat])
    expect(new PartDecoder().decode(old!).ok).toBe(false)
    expect(new PartDecoder(FIXED).decode(present!).ok).toBe(false)
  })
})

describe('R44: numbers that no peer may send', () => {
  const bad = [
    -1,
    -0.5,
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    2 ** 53 + 2,
    Number('1e400'),
    -(2 ** 53),
    '1',
    null,
    1n,
  ]
  const wholes: readonly (readonly [string, Part, string])[] = [
    ['a round', heartbeat, 'round'],
    ['a term', bind, 'term'],
    [
      'an incarnation',
      { kind: 'deathNotice', process: 'p', storageId: 's', incarnation: 1, key: '0'.repeat(32) },
      'incarnation',
    ],
    ['a nonce', { kind: 'floorRequest', nonce: 1 }, 'nonce'],
  ]
  for (const [what, part, field] of wholes) {
    it(`R44: ${what} that is no safe integer from 0 on is not encoded`, () => {
      for (const value of bad) {
        expect([
          String(value),
          new PartEncoder().encode([wrong(part, { [field]: value })], () => {}),
        ]).toEqual([String(value), 1])
      }
    })
  }

  it('R44: a priority is whole, at most a million either way, and may be negative', () => {
    const contend: Part = { kind: 'contend', election: 'e', contending: true, priority: 0 }
    for (const priority of [1_000_001, -1_000_001, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect([priority, new PartEncoder().encode([wrong(contend, { priority })], () => {})]).toEqual([
        priority,
        1,
      ])
    }
    for (const priority of [-1_000_000, -1, 0, 1_000_000]) {
      expect([priority, new PartEncoder().encode([{ ...contend, priority }], () => {})]).toEqual([
        priority,
        0,
      ])
    }
  })

  it('R44: 2^53 and more is refused by the decoder wherever an integer stands', () => {
    for (const high of [0x20_0000, 0x20_0001, 0x7fff_ffff, 0xffff_ffff]) {
      const body = bodiesOf([heartbeat], new PartEncoder(FIXED))[0]!
      new DataView(body.buffer).setUint32(1, high)
      expect(new PartDecoder(FIXED).decode(body)).toMatchObject({ ok: false, reason: 'badNumber' })
    }
  })

  /** A request for the floor with a nonce that is spelled so. */
  const spelled = (...bytes: number[]) => new PartDecoder().decode(Uint8Array.from([16, ...bytes]))

  it('R44: a compact number has one spelling, and ends below 2^53', () => {
    const largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]
    expect(spelled(...largest)).toMatchObject({ value: [{ nonce: Number.MAX_SAFE_INTEGER }] })
    expect(spelled(0x80, 0x01)).toMatchObject({ value: [{ nonce: 128 }] })
    const refused = { ok: false, reason: 'badNumber' }
    for (const bytes of [
      [...largest.slice(0, 7), 0x10],
      [...largest.slice(0, 7), 0x7f],
      [0x80, 0x00],
      [0xff, 0x80, 0x00],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    ]) {
      expect([bytes, spelled(...bytes)]).toEqual([bytes, expect.objectContaining(refused)])
    }
    expect(spelled(0x80)).toMatchObject({ ok: false, reason: 'truncated' })
  })

  it('B.20: a compact float is whole or not, and is never spelled in the other way', () => {
    const promise = (promiseMs: number) => roundTrip([{ ...heartbeat, promiseMs } as Part])[0]
    for (const value of [1, 750, 0.1, 1 / 3, 2 ** 53 - 2, 2 ** 53 - 1, 2 ** 60, Number.MAX_VALUE]) {
      expect(promise(value)).toMatchObject({ promiseMs: value })
    }
    const float = new Uint8Array(8)
    new DataView(float.buffer).setFloat64(0, 750)
    const body = Uint8Array.from([1, 7, 0, ...float, 0, 0])
    expect(new PartDecoder().decode(body)).toMatchObject({ ok: false, reason: 'badNumber' })
  })

  it('R44: 2^53 - 2 is the largest term, in both directions', () => {
    expect(roundTrip([{ kind: 'bind', election: 'e', term: MAX_TERM }])).toHaveLength(1)
    expect(new PartEncoder().encode([{ kind: 'bind', election: 'e', term: MAX_TERM + 1 }], () => {})).toBe(1)
    const bind: Part = { kind: 'bind', election: 'e', term: MAX_TERM }
    const body = bodiesOf([bind], new PartEncoder(FIXED))[0]!
    new DataView(body.buffer).setUint32(body.length - 4, 0xffff_ffff)
    expect(new PartDecoder(FIXED).decode(body)).toMatchObject({ ok: false, reason: 'badNumber' })
    const compact = bodiesOf([bind])[0]!
    const lowest = compact.length - 8
    compact[lowest] = (compact[lowest] as number) + 1
    expect(new PartDecoder().decode(compact)).toMatchObject({ ok: false, reason: 'badNumber' })
  })

  it('B.20: a promise is finite and above 0, in both directions', () => {
    for (const value of [0, -0, -1, Number.NaN, Number('1e400'), Number('-1e400')]) {
      expect(new PartEncoder().encode([wrong(heartbeat, { promiseMs: value })], () => {})).toBe(1)
      const body = bodiesOf([heartbeat], new PartEncoder(FIXED))[0]!
      new DataView(body.buffer).setFloat64(9, value)
      expect(new PartDecoder(FIXED).decode(body)).toMatchObject({ ok: false, reason: 'badNumber' })
      const float = new Uint8Array(8)
      new DataView(float.buffer).setFloat64(0, value)
      const compact = Uint8Array.from([1, 7, 0, ...float, 0, 0])
      expect(new PartDecoder().decode(compact)).toMatchObject({ ok: false, reason: 'badNumber' })
    }
    expect(new PartDecoder().decode(Uint8Array.from([1, 7, 1, 0, 0]))).toMatchObject({ reason: 'badNumber' })
  })
})

describe('E6: texts and flags', () => {
  it('E6: ids, names and grants that are not plain are not encoded', () => {
    const cases: readonly Part[] = [
      wrong(bind, { election: '' }),
      wrong(bind, { election: 'a b' }),
      wrong(bind, { election: 'é' }),
      wrong(bind, { election: 'x'.repeat(129) }),
      wrong(bind, { election: '__proto__ ' }),
      wrong(bind, { election: 7 }),
      wrong(bind, { election: 'e\n' }),
      { kind: 'release', election: 'e', term: 1, successor: 'a:b' },
      { kind: 'release', election: 'e', term: 1, successor: 'x'.repeat(65) },
      { kind: 'release', election: 'e', term: 1, successor: '' },
      wrong(ack, { grant: '' }),
      wrong(ack, { grant: 'g'.repeat(49) }),
      wrong(ack, { grant: 'a b' }),
      wrong(ack, { grant: undefined }),
      wrong(ack, { renewed: 1 }),
      wrong(
        { kind: 'preVoteReply', election: 'e', nonce: 1, refusal: null, knownTerm: 0, leader: null },
        { refusal: 'because' },
      ),
      wrong(
        { kind: 'requestVote', election: 'e', term: 1, nonce: 1, certificate: null },
        { certificate: 'x' },
      ),
      { kind: 'unheardOf' } as unknown as Part,
      null as unknown as Part,
    ]
    for (const part of cases) expect([part, new PartEncoder().encode([part], () => {})]).toEqual([part, 1])
  })

  it('E6: a part that cannot be encoded leaves no trace, not even of its name', () => {
    const encoder = new PartEncoder({ maxNames: 2 })
    const decoder = new PartDecoder({ maxNames: 2 })
    for (let i = 0; i < 10; i++) {
      const bodies: Uint8Array[] = []
      const sent: Part[] = [{ kind: 'bind', election: `e${i % 4}`, term: i }]
      const spoilt: Part = { kind: 'bind', election: `lost${i}`, term: -1 }
      expect(encoder.encode([spoilt, ...sent, spoilt], (body) => bodies.push(body.slice()))).toBe(2)
      expect(partsOf(bodies, decoder)).toStrictEqual(sent)
    }
  })

  it('B.21: an election named __proto__ is a name like any other', () => {
    const part: Part = { kind: 'bind', election: '__proto__', term: 1 }
    expect(roundTrip([part])).toStrictEqual([part])
  })

  it('E6: fields that are not declared do not travel', () => {
    expect(roundTrip([wrong(bind, { admin: true })])).toStrictEqual([bind])
  })
})

describe('E6: bodies that are refused as a whole', () => {
  const refusal = (body: Uint8Array) => {
    const decoded = new PartDecoder().decode(body)
    return decoded.ok ? 'accepted' : `${decoded.code} ${decoded.reason}`
  }

  it('E6: an empty one, one cut at any byte, one with bytes behind it', () => {
    expect(refusal(new Uint8Array(0))).toBe('ELECTION_MESSAGE_INVALID empty')
    const body = bodiesOf([
      heartbeat,
      {
        kind: 'voteReply',
        election: 'e',
        term: 1,
        nonce: 2,
        grant: 'x',
        refusal: 'bound',
        knownTerm: 3,
        leader: 'l',
      },
    ])[0]!
    for (let end = 1; end < body.length; end++) {
      const whole = end === 6
      expect([end, refusal(body.subarray(0, end))]).toEqual([
        end,
        whole ? 'accepted' : 'ELECTION_MESSAGE_INVALID truncated',
      ])
    }
    expect(refusal(Uint8Array.from([...body, 0]))).toBe('ELECTION_MESSAGE_INVALID unknownKind')
  })

  it('E6: unknown kinds and a body above the limit', () => {
    for (const kind of [0, 100, 200, 255]) {
      expect(refusal(Uint8Array.from([kind, 0, 0, 0, 0]))).toBe('ELECTION_MESSAGE_INVALID unknownKind')
    }
    expect(refusal(new Uint8Array(MAX_BODY_BYTES + 1).fill(14))).toBe('ELECTION_MESSAGE_INVALID tooLong')
  })

  it('E6: each value has one spelling: flags beyond 1, numeric grants as text, leading zeros', () => {
    const flagged = bodiesOf([{ kind: 'contendAck', election: 'e', contending: true }])[0]!
    flagged[flagged.length - 1] = 2
    expect(refusal(flagged)).toBe('ELECTION_MESSAGE_INVALID badFlag')
    const asText = Uint8Array.from([2, 1, 1, 2, 3, 0x31, 0x2e, 0x32, 1])
    expect(refusal(asText)).toBe('ELECTION_MESSAGE_INVALID badText')
    expect(roundTrip([{ kind: 'ack', round: 1, grant: '01.2', renewed: true }])).toMatchObject([
      { grant: '01.2' },
    ])
  })

  it('R70: numbers that were not defined, definitions out of order, names defined twice, resets of a table that is not full', () => {
    const anew = [0xff, 0xff, 0xff, 0xff, 0x0f]
    const define = (number: number, name: string) => [
      8,
      ...(number === 0xffff_ffff ? anew : [number]),
      name.length,
      ...Buffer.from(name),
      1,
    ]
    expect(refusal(Uint8Array.from(define(0, 'e')))).toBe('accepted')
    expect(refusal(Uint8Array.from([...define(0, 'e'), ...define(1, 'f')]))).toBe('accepted')
    for (const body of [
      define(1, 'e'),
      define(0xffff_ffff, 'e'),
      [...define(0, 'e'), ...define(1, 'e')],
      [...define(0, 'e'), ...define(2, 'f')],
    ]) {
      expect(refusal(Uint8Array.from(body))).toBe('ELECTION_MESSAGE_INVALID badName')
    }
  })

  it('R70: the decoder never remembers more names than its bound', () => {
    const bodies = bodiesOf([0, 1, 2].map((i) => ({ kind: 'bind', election: `e${i}`, term: 1 }) as Part))
    expect(new PartDecoder({ maxNames: 2 }).decode(bodies[0]!)).toMatchObject({
      ok: false,
      reason: 'badName',
    })
  })
})
