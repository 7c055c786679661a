/**
 * Names of elections travel once per connection and direction, then as small integers (R70).
 *
 * A number that is one above the last defines the name that follows it; `START_ANEW` empties the table first, so
 * that it stays bounded however many elections there are. Both ends see the same frames in the same order, so their
 * tables agree. Read next: `parts.ts`.
 */
import type { ElectionName } from '../core/types'
import { Reader, WireFault, Writer } from './bytes'
import { electionName } from './fields'

const START_ANEW = 0xffff_ffff

/** The sender's half: which names the other end knows. */
export class NamingWriter extends Writer {
  readonly #maxNames: number
  #numbers = new Map<ElectionName, number>()
  #pending: { readonly name: ElectionName; readonly anew: boolean } | null = null

  constructor(capacity: number, maxNames: number, version: number) {
    super(capacity, version)
    this.#maxNames = maxNames
  }

  /** At most one name per part; it counts as known only after `commit`. */
  name(name: ElectionName): void {
    const known = this.#numbers.get(name)
    if (known !== undefined) {
      this.index(known)
      return
    }
    const anew = this.#numbers.size >= this.#maxNames
    this.index(anew ? START_ANEW : this.#numbers.size)
    electionName.write(this, name)
    this.#pending = { name, anew }
  }

  /** The part that named it will be sent. */
  commit(): void {
    if (this.#pending === null) return
    if (this.#pending.anew) this.#numbers.clear()
    this.#numbers.set(this.#pending.name, this.#numbers.size)
    this.#pending = null
  }

  /** The part is not sent after all. */
  rollback(): void {
    this.#pending = null
  }
}

/** What the receiver's half remembers between frames. */
export interface NameTable {
  readonly maxNames: number
  readonly byNumber: ElectionName[]
  readonly known: Set<ElectionName>
}

/** An empty table for at most `maxNames` names. */
export function nameTable(maxNames: number): NameTable {
  return { maxNames, byNumber: [], known: new Set() }
}

/** The receiver's half, over one frame. */
export class NamingReader extends Reader {
  readonly #table: NameTable

  constructor(bytes: Uint8Array, table: NameTable, version: number) {
    super(bytes, version)
    this.#table = table
  }

  /** Faults with `badName` for a number that was not defined, or a definition that the sender's table would not make. */
  name(): ElectionName {
    const { byNumber, known, maxNames } = this.#table
    const number = this.index()
    const name = byNumber[number]
    if (name !== undefined) return name
    const anew = number === START_ANEW
    if (anew ? byNumber.length < maxNames : number !== byNumber.length || number >= maxNames) {
      throw new WireFault('badName')
    }
    const defined = electionName.read(this)
    if (known.has(defined)) throw new WireFault('badName')
    if (anew) {
      byNumber.length = 0
      known.clear()
    }
    byNumber.push(defined)
    known.add(defined)
    return defined
  }
}
