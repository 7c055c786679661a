/**
 * The set of all states of the world seen so far: rows of small integers, found by a 64-bit hash, each with the row it
 * was reached from and by what. Rows are kept in one growing buffer; the hash table is open-addressed.
 */
export class StateTable {
  size = 0
  private rows: Int32Array
  private parents: Int32Array
  private labels: Int32Array
  private high: Uint32Array
  private low: Uint32Array
  private mask: number

  constructor(
    private readonly width: number,
    expected: number,
  ) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(1024, Math.min(expected, 2 ** 26) * 2)))
    this.mask = capacity - 1
    this.high = new Uint32Array(capacity)
    this.low = new Uint32Array(capacity)
    this.rows = new Int32Array(1024 * width)
    this.parents = new Int32Array(1024)
    this.labels = new Int32Array(1024)
  }

  /** Adds a row unless it is known; true if it was new. */
  add(row: Int32Array, parent: number, label: () => number): boolean {
    let a = 0x811c9dc5
    let b = 0x9e3779b9
    for (let i = 0; i < this.width; i++) {
      const x = row[i] as number
      a = Math.imul(a ^ x, 0x01000193)
      a ^= a >>> 15
      b = Math.imul(b ^ x, 0x85ebca6b)
      b ^= b >>> 13
    }
    a = Math.imul(a ^ (a >>> 16), 0xc2b2ae35)
    a = (a ^ (a >>> 13)) >>> 0
    b = Math.imul(b ^ (b >>> 16), 0x27d4eb2f)
    b = ((b ^ (b >>> 15)) >>> 0) | 1
    let at = a & this.mask
    while (this.low[at] !== 0) {
      if (this.high[at] === a && this.low[at] === b) return false
      at = (at + 1) & this.mask
    }
    this.high[at] = a
    this.low[at] = b
    this.store(row, parent, label())
    return true
  }

  private store(row: Int32Array, parent: number, label: number): void {
    if (this.size === this.parents.length) this.grow()
    this.rows.set(row, this.size * this.width)
    this.parents[this.size] = parent
    this.labels[this.size] = label
    this.size += 1
  }

  private grow(): void {
    const length = this.parents.length * 2
    const rows = new Int32Array(length * this.width)
    rows.set(this.rows)
    this.rows = rows
    const parents = new Int32Array(length)
    parents.set(this.parents)
    this.parents = parents
    const labels = new Int32Array(length)
    labels.set(this.labels)
    this.labels = labels
  }

  row(index: number): Int32Array {
    return this.rows.subarray(index * this.width, (index + 1) * this.width)
  }

  parent(index: number): number {
    return this.parents[index] as number
  }

  label(index: number): number {
    return this.labels[index] as number
  }
}
