/**
 * The only source of chance in a simulation: a seeded generator, the same on every machine and every version of Node.
 *
 * Uses 32-bit integer arithmetic alone, no logarithm or sine, so that no platform can differ in the last bit. One generator
 * is split into independent ones (`fork`), so that a subsystem that draws more often does not shift the draws of another.
 */

/** Chance from a seed. */
export class Random {
  private a = 0x9e3779b9
  private b = 0x243f6a88
  private c: number
  private counter = 1

  /** `seed`: any number; only its lower 32 bits count. */
  constructor(seed: number) {
    this.c = seed | 0
    for (let i = 0; i < 12; i++) this.next()
  }

  /** An integer in [0, 2^32): one step of sfc32 (PractRand's small fast counting generator). */
  next(): number {
    const sum = (this.a + this.b + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum
    return sum >>> 0
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.next() / 4294967296
  }

  /** A number in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit()
  }

  /** An integer in [low, high], both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1))
  }

  /** True with probability `p`; draws nothing when the answer is certain. */
  chance(p: number): boolean {
    return p > 0 && (p >= 1 || this.unit() < p)
  }

  /** One element of a non-empty list. */
  pick<T>(list: readonly T[]): T {
    return list[this.integer(0, list.length - 1)] as T
  }

  /** The elements in a new random order; the list given stays as it is. */
  shuffle<T>(list: readonly T[]): T[] {
    const shuffled = [...list]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.integer(0, i)
      const kept = shuffled[i] as T
      shuffled[i] = shuffled[j] as T
      shuffled[j] = kept
    }
    return shuffled
  }

  /** `size` lower-case hexadecimal digits. */
  hex(size: number): string {
    let text = ''
    while (text.length < size) text += this.next().toString(16).padStart(8, '0')
    return text.slice(0, size)
  }

  /** A generator of its own, decided by the present state. */
  fork(): Random {
    return new Random(this.next())
  }
}
