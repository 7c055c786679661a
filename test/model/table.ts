/**
 * The memory of a search: states of the world seen so far, and functions of two small numbers that were computed before.
 *
 * Both are open-addressed tables in typed arrays, because they are asked millions of times. A state of the world is a row
 * of four integers and is compared in full: no two states are ever taken for one because their hashes agree. Nothing here
 * knows what the numbers mean. Read next: `search.ts`.
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

/** All states reached, in the order of their discovery, each with the one it was reached from and by which action. */
export class StateTable {
  size = 0
  private rows: Int32Array<ArrayBuffer>
  private parents = new Int32Array(1024)
  private actions = new Int32Array(1024)
  /** Row number + 1, or 0. */
  private index = new Int32Array(4096)
  private mask = 4095

  constructor(private readonly width: number) {
    this.rows = new Int32Array(1024 * width)
  }

  has(row: Int32Array): boolean {
    return this.index[this.find(row)] !== 0
  }

  /** Where the number of that state is, or would be. */
  private find(row: Int32Array): number {
    const { width, rows, index, mask } = this
    let at = hashOf(row, 0, width) & mask
    for (let entry = index[at] as number; entry !== 0; entry = index[at] as number) {
      const from = (entry - 1) * width
      let i = 0
      while (i < width && rows[from + i] === row[i]) i++
      if (i === width) return at
      at = (at + 1) & mask
    }
    return at
  }

  /** Adds a state unless it is known; true if it was new. */
  add(row: Int32Array, parent: number, action: number): boolean {
    const { width } = this
    const at = this.find(row)
    if (this.index[at] !== 0) return false
    if (this.size === this.parents.length) this.growRows()
    this.rows.set(row, this.size * width)
    this.parents[this.size] = parent
    this.actions[this.size] = action
    this.size += 1
    this.index[at] = this.size
    if (this.size * 2 > this.mask) this.growIndex()
    return true
  }

  private growRows(): void {
    const length = this.parents.length * 2
    this.rows = longer(this.rows, length * this.width)
    this.parents = longer(this.parents, length)
    this.actions = longer(this.actions, length)
  }

  private growIndex(): void {
    this.index = new Int32Array(this.index.length * 2)
    this.mask = this.index.length - 1
    for (let state = 0; state < this.size; state++) {
      let at = hashOf(this.rows, state * this.width, this.width) & this.mask
      while (this.index[at] !== 0) at = (at + 1) & this.mask
      this.index[at] = state + 1
    }
  }

  /** Copies a state into `into`. */
  read(state: number, into: Int32Array): void {
    const from = state * this.width
    for (let i = 0; i < this.width; i++) into[i] = this.rows[from + i] as number
  }

  parent(state: number): number {
    return this.parents[state] as number
  }

  action(state: number): number {
    return this.actions[state] as number
  }
}

function longer(old: Int32Array<ArrayBuffer>, size: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(size)
  copy.set(old)
  return copy
}

function hashOf(rows: Int32Array, from: number, width: number): number {
  let h = 0x811c9dc5
  for (let i = 0; i < width; i++) {
    h = Math.imul(h ^ (rows[from + i] as number), 0x9e3779b1)
    h ^= h >>> 15
  }
  h = Math.imul(h ^ (h >>> 16), 0xc2b2ae35)
  return h ^ (h >>> 13)
}
