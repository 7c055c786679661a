/**
 * The memory of a search: states of the world seen so far, and functions of two small numbers that were computed before.
 *
 * Both are open-addressed tables in typed arrays, because they are asked millions of times. Nothing here knows what the
 * numbers mean. Read next: `explore.ts`.
 */

/** A function of two non-negative integers below 2^31, remembered. */
export class PairMap {
  size = 0
  private keys = new Int32Array(2048)
  private values = new Int32Array(1024)
  private mask = 1023

  /** The value, or -1. */
  get(a: number, b: number): number {
    for (let at = mix(a, b) & this.mask; ; at = (at + 1) & this.mask) {
      const key = this.keys[2 * at] as number
      if (key === 0) return -1
      if (key === a + 1 && this.keys[2 * at + 1] === b) return this.values[at] as number
    }
  }

  /** Remembers a value of a pair that has none yet; returns it. */
  set(a: number, b: number, value: number): number {
    if (this.size * 2 > this.mask) this.grow()
    this.size += 1
    let at = mix(a, b) & this.mask
    while (this.keys[2 * at] !== 0) at = (at + 1) & this.mask
    this.keys[2 * at] = a + 1
    this.keys[2 * at + 1] = b
    this.values[at] = value
    return value
  }

  private grow(): void {
    const { keys, values } = this
    this.keys = new Int32Array(keys.length * 2)
    this.values = new Int32Array(values.length * 2)
    this.mask = this.values.length - 1
    this.size = 0
    values.forEach((value, at) => {
      if (keys[2 * at] !== 0) this.set((keys[2 * at] as number) - 1, keys[2 * at + 1] as number, value)
    })
  }
}

function mix(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  return h ^ (h >>> 13)
}

/** 64 bits of a row, as two numbers: what a state of the world is told apart by. */
export interface Digest {
  high: number
  low: number
}

/** Digests a row of integers into `into`. */
export function digest(row: Int32Array, into: Digest): void {
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (let i = 0; i < row.length; i++) {
    const x = row[i] as number
    a = Math.imul(a ^ x, 0x01000193)
    a ^= a >>> 15
    b = Math.imul(b ^ x, 0x85ebca6b)
    b ^= b >>> 13
  }
  a = Math.imul(a ^ (a >>> 16), 0xc2b2ae35)
  b = Math.imul(b ^ (b >>> 16), 0x27d4eb2f)
  into.high = (a ^ (a >>> 13)) >>> 0
  into.low = ((b ^ (b >>> 15)) | 1) >>> 0
}

/** All states reached, in the order of their discovery, each with the one it was reached from and by which event. */
export class StateTable {
  size = 0
  private rows: Int32Array
  private parents = new Int32Array(1024)
  private labels = new Int32Array(1024)
  private high = new Uint32Array(4096)
  private low = new Uint32Array(4096)
  private mask = 4095

  constructor(private readonly width: number) {
    this.rows = new Int32Array(1024 * width)
  }

  /** Adds a state unless one of that digest is known; true if it was new. */
  add(key: Digest, row: Int32Array, parent: number, label: number): boolean {
    let at = key.high & this.mask
    while (this.low[at] !== 0) {
      if (this.high[at] === key.high && this.low[at] === key.low) return false
      at = (at + 1) & this.mask
    }
    this.high[at] = key.high
    this.low[at] = key.low
    if (this.size === this.parents.length) this.growRows()
    this.rows.set(row, this.size * this.width)
    this.parents[this.size] = parent
    this.labels[this.size] = label
    this.size += 1
    if (this.size * 2 > this.mask) this.growIndex()
    return true
  }

  private growRows(): void {
    const length = this.parents.length * 2
    const longer = (old: Int32Array, size: number): Int32Array => {
      const copy = new Int32Array(size)
      copy.set(old)
      return copy
    }
    this.rows = longer(this.rows, length * this.width)
    this.parents = longer(this.parents, length)
    this.labels = longer(this.labels, length)
  }

  private growIndex(): void {
    const { high, low } = this
    this.high = new Uint32Array(high.length * 2)
    this.low = new Uint32Array(low.length * 2)
    this.mask = this.high.length - 1
    for (let i = 0; i < high.length; i++) {
      if (low[i] === 0) continue
      let at = (high[i] as number) & this.mask
      while (this.low[at] !== 0) at = (at + 1) & this.mask
      this.high[at] = high[i] as number
      this.low[at] = low[i] as number
    }
  }

  /** Copies a state into `into`. */
  read(index: number, into: Int32Array): void {
    const from = index * this.width
    for (let i = 0; i < this.width; i++) into[i] = this.rows[from + i] as number
  }

  parent(index: number): number {
    return this.parents[index] as number
  }

  label(index: number): number {
    return this.labels[index] as number
  }
}
