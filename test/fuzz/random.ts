/**
 * Seeded randomness for the fuzzers, and the values that programs trip over. The same seed gives the same input, always.
 *
 * Read next: `target.ts`.
 */

/** xorshift32: fast, seeded, good enough to vary bytes. */
export class Random {
  private state: number

  constructor(seed: number) {
    this.state = Math.imul(seed | 0, 0x9e37_79b1) ^ 0x5bd1_e995 || 1
    for (let i = 0; i < 8; i++) this.next()
  }

  /** 32 bits. */
  next(): number {
    let x = this.state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.state = x
    return x >>> 0
  }

  /** A whole number from 0 to below the bound. */
  below(bound: number): number {
    return this.next() % bound
  }

  /** True once in `n`. */
  once(n: number): boolean {
    return this.below(n) === 0
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = this.next()
    return bytes
  }
}

/** Eight bytes that are at the edge of something: of 2^53, of floats, of signs. */
export const EDGES: readonly (readonly number[])[] = [
  [0, 0, 0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 0, 0, 1],
  [0, 0, 0, 1, 0, 0, 0, 0],
  [0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe],
  [0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0, 0x20, 0, 0, 0, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
  [0x7f, 0xf8, 0, 0, 0, 0, 0, 1],
  [0x80, 0, 0, 0, 0, 0, 0, 0],
]

/** A copy that was cut, flipped, given edges, spliced with another one, doubled or lengthened; sometimes several of these. */
export function mutated(base: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let bytes = base
  do bytes = mutatedOnce(bytes, other, random)
  while (random.once(4) && bytes.length < 10_000)
  return bytes
}

function mutatedOnce(base: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  if (base.length === 0) return random.bytes(1 + random.below(20))
  const at = random.below(base.length)
  const copy = Uint8Array.from(base) // a Buffer's own slice would share its bytes
  switch (random.below(8)) {
    case 0:
      return copy.subarray(0, at)
    case 1:
      copy[at] = (copy[at] as number) ^ (1 << random.below(8))
      return copy
    case 2:
      copy.set(random.pick(EDGES).slice(0, base.length - at), at)
      return copy
    case 3:
      return joined(base.subarray(0, at), other.subarray(random.below(other.length + 1)))
    case 4:
      return joined(base, base)
    case 5:
      for (let i = 0; i < 4; i++) copy[random.below(copy.length)] = random.next()
      return copy
    case 6:
      return joined(base.subarray(0, at), base.subarray(Math.min(base.length, at + 1 + random.below(9))))
    default:
      return joined(base.subarray(0, at), random.bytes(1 + random.below(4)), base.subarray(at))
  }
}

/** One behind the other. */
export function joined(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
