/**
 * Goal: bytes from anywhere never make a decoder throw, and whatever it accepts is sound and has no second spelling.
 * Method: random bytes, and valid bodies that were cut, flipped, spliced, doubled or given interesting numbers; a seeded
 * generator, so a failure repeats. Each accepted body is encoded again and must give the same bytes.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Part } from '../../src/core/messages'
import {
  decodeClose,
  decodeGreeting,
  decodeOpening,
  decodeProof,
  decodeWelcome,
  encodeClose,
  encodeGreeting,
  encodeOpening,
  encodeWelcome,
  PartDecoder,
  PartEncoder,
} from '../../src/wire'
import { anyPart } from './parts'

/** xorshift32: fast, seeded, good enough to vary bytes. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

function encoded(parts: readonly Part[]): Uint8Array {
  const bodies: Uint8Array[] = []
  new PartEncoder().encode(parts, (body) => bodies.push(body.slice()))
  return bodies[0] as Uint8Array
}

const INTERESTING = [
  [0, 0, 0, 0, 0, 0, 0, 0],
  [0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0, 0x20, 0, 0, 0, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
  [0x7f, 0xf8, 0, 0, 0, 0, 0, 1],
  [0x80, 0, 0, 0, 0, 0, 0, 0],
]

function mutated(base: Uint8Array, other: Uint8Array, random: (below: number) => number): Uint8Array {
  const at = random(base.length)
  switch (random(7)) {
    case 0:
      return base.slice(0, at)
    case 1: {
      const copy = base.slice()
      copy[at] = (copy[at] as number) ^ (1 << random(8))
      return copy
    }
    case 2: {
      const copy = base.slice()
      copy.set((INTERESTING[random(INTERESTING.length)] as number[]).slice(0, base.length - at), at)
      return copy
    }
    case 3:
      return Uint8Array.from([...base.slice(0, at), ...other.slice(random(other.length))])
    case 4:
      return Uint8Array.from([...base, ...base])
    case 5: {
      const copy = base.slice()
      for (let i = 0; i < 4; i++) copy[random(copy.length)] = random(256)
      return copy
    }
    default:
      return Uint8Array.from([...base.slice(0, at), random(256), ...base.slice(at)])
  }
}

/** Judged without the codec: only what a core may see. Numbers are natural; priorities alone go down to minus a million. */
function assertSound(value: unknown, key = ''): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value < (key === 'priority' ? -1_000_000 : 0))
      throw new Error(`number ${value}`)
  } else if (typeof value === 'string') {
    if (!/^[A-Za-z0-9._:-]{1,128}$/.test(value)) throw new Error(`text ${JSON.stringify(value)}`)
  } else if (typeof value === 'object' && value !== null) {
    if (Object.getPrototypeOf(value) !== Object.prototype) throw new Error('prototype')
    for (const [name, each] of Object.entries(value)) assertSound(each, name)
  } else if (typeof value !== 'boolean' && value !== null) {
    throw new Error(`a ${typeof value}`)
  }
}

/** Whether it was accepted. Throws if the decoder does, or if it accepted what it should not have. */
function tryBody(body: Uint8Array): boolean {
  const decoded = new PartDecoder().decode(body)
  if (!decoded.ok) return false
  for (const part of decoded.value) assertSound(part)
  const again = encoded(decoded.value)
  if (Buffer.compare(again, body) !== 0)
    throw new Error(`second spelling: ${Buffer.from(body).toString('hex')}`)
  return true
}

describe('E6: decoders under fire', () => {
  const bases = fc
    .sample(fc.array(anyPart, { minLength: 1, maxLength: 5 }), { numRuns: 400, seed: 7 })
    .map(encoded)

  it('E6: 60,000 random bodies are refused or sound', () => {
    const random = generator(1)
    let accepted = 0
    for (let n = 0; n < 60_000; n++) {
      const body = new Uint8Array(1 + random(60))
      for (let i = 0; i < body.length; i++) body[i] = random(256)
      if (n % 2 === 0) body[0] = 1 + random(20)
      if (tryBody(body)) accepted += 1
    }
    expect(accepted).toBeLessThan(600)
  })

  it('E6: 140,000 mutated bodies are refused or sound, and both happen', () => {
    const random = generator(2)
    let accepted = 0
    for (let n = 0; n < 140_000; n++) {
      const base = bases[random(bases.length)] as Uint8Array
      if (tryBody(mutated(base, bases[random(bases.length)] as Uint8Array, random))) accepted += 1
    }
    expect(accepted).toBeGreaterThan(1_000)
    expect(accepted).toBeLessThan(100_000)
  })

  it('E6: messages of the handshake, mutated, are refused or have one spelling', () => {
    const greeting = {
      clusterId: 'cluster',
      nodeId: 'node-a',
      storageId: 'disk.1',
      incarnation: 3,
      nonce: '0123456789abcdef0123456789abcdef',
      rho: 0.1,
      deltaMs: 2,
      configTerm: 0,
      configVersion: 1,
    }
    const opening = { oldest: 1, newest: 3, nonce: new Uint8Array(32).fill(9) }
    const codecs: readonly (readonly [Uint8Array, (body: Uint8Array) => Uint8Array | null])[] = [
      [encodeOpening(opening), (body) => again(decodeOpening(body), encodeOpening)],
      [encodeGreeting(greeting), (body) => again(decodeGreeting(body), encodeGreeting)],
      [encodeWelcome(4), (body) => again(decodeWelcome(body), encodeWelcome)],
      [encodeClose('wrongCluster'), (body) => again(decodeClose(body), encodeClose)],
      [new Uint8Array(32), (body) => again(decodeProof(body), (proof) => proof)],
    ]
    const random = generator(3)
    for (const [base, spelling] of codecs) {
      expect(spelling(base)).toEqual(base)
      for (let n = 0; n < 4_000; n++) {
        const body = mutated(base, base, random)
        const spelled = spelling(body)
        if (spelled !== null) expect(Buffer.compare(spelled, body)).toBe(0)
      }
    }
  })
})

function again<T>(
  decoded: { readonly ok: true; readonly value: T } | { readonly ok: false },
  encode: (value: T) => Uint8Array,
): Uint8Array | null {
  return decoded.ok ? encode(decoded.value) : null
}
