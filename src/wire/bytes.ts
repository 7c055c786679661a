/**
 * A writer and a reader over bytes with strict bounds. Every number has one spelling only: of a fixed width, or, from
 * `COMPACT_VERSION` on, of as few bytes as it needs.
 *
 * Both throw a `WireFault` at the first thing that is out of bounds; the codecs catch it, so it never leaves this
 * folder. Nothing here knows what the bytes mean. Read next: `fields.ts`.
 */
import { COMPACT_VERSION } from './limits'

/** What is wrong with bytes that could not be decoded, or with a value that could not be encoded. */
export type MalformedReason =
  | 'truncated'
  | 'trailing'
  | 'tooLong'
  | 'empty'
  | 'unknownKind'
  | 'badNumber'
  | 'badText'
  | 'badFlag'
  | 'badName'

/** Thrown inside the codecs only. Carries no part of the input. */
export class WireFault extends Error {
  constructor(readonly reason: MalformedReason) {
    super(reason)
    this.name = 'WireFault'
  }
}

const TWO_32 = 4_294_967_296
/** Most bytes of a compact number: 53 bits, seven in each. */
const COMPACT_BYTES = 8
/** Numbers without a fraction below this one travel as such, all others behind a zero. */
const WHOLE_BOUND = Number.MAX_SAFE_INTEGER

/** Writes into one buffer of a fixed size that it owns; going over it is the fault `tooLong`. */
export class Writer {
  /** The buffer; valid up to `offset`. Overwritten by the next use. */
  readonly bytes: Uint8Array
  /** The version of the protocol that it writes. */
  readonly version: number
  readonly #view: DataView
  offset = 0

  constructor(capacity: number, version = 1) {
    this.bytes = new Uint8Array(capacity)
    this.version = version
    this.#view = new DataView(this.bytes.buffer)
  }

  u8(value: number): void {
    this.bytes[this.#take(1)] = value
  }

  u32(value: number): void {
    this.#view.setUint32(this.#take(4), value)
  }

  /** A natural number below 2^32, in 4 bytes or compact. */
  index(value: number): void {
    if (this.version >= COMPACT_VERSION) this.#compact(value)
    else this.u32(value)
  }

  /** A safe integer, not below 0 (R44), in 8 bytes or compact. */
  whole(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new WireFault('badNumber')
    if (this.version >= COMPACT_VERSION) {
      this.#compact(value)
      return
    }
    const at = this.#take(8)
    this.#view.setUint32(at, Math.floor(value / TWO_32))
    this.#view.setUint32(at + 4, value % TWO_32)
  }

  /** A float that is finite and not below 0, in 8 bytes; compact: one above it if it is whole, else a zero and the float. */
  float(value: number): void {
    if (this.version >= COMPACT_VERSION) {
      if (isWhole(value)) {
        this.#compact(value + 1)
        return
      }
      this.u8(0)
    }
    this.#view.setFloat64(this.#take(8), value)
  }

  /** Printable ASCII behind one byte of length. The caller has checked what it consists of. */
  text(value: string): void {
    if (value.length > 255) throw new WireFault('tooLong')
    this.u8(value.length)
    const at = this.#take(value.length)
    for (let i = 0; i < value.length; i++) this.bytes[at + i] = value.charCodeAt(i)
  }

  raw(value: Uint8Array): void {
    this.bytes.set(value, this.#take(value.length))
  }

  /** Seven bits in each byte, the lowest first; all but the last byte are higher by 128. */
  #compact(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.u8(0x80 | (rest % 0x80))
      rest = Math.floor(rest / 0x80)
    }
    this.u8(rest)
  }

  #take(length: number): number {
    const at = this.offset
    if (at + length > this.bytes.length) throw new WireFault('tooLong')
    this.offset = at + length
    return at
  }
}

/** Reads bytes that belong to somebody else; never past their end. */
export class Reader {
  /** The version of the protocol that it reads. */
  readonly version: number
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #offset = 0

  constructor(bytes: Uint8Array, version = 1) {
    this.version = version
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get done(): boolean {
    return this.#offset === this.#bytes.length
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  index(): number {
    return this.version >= COMPACT_VERSION ? this.#compact() : this.u32()
  }

  /** A safe integer, not below 0 (R44). Anything from 2^53 on is refused. */
  whole(): number {
    if (this.version >= COMPACT_VERSION) return this.#compact()
    const at = this.#take(8)
    const high = this.#view.getUint32(at)
    if (high >= 0x20_0000) throw new WireFault('badNumber')
    return high * TWO_32 + this.#view.getUint32(at + 4)
  }

  float(): number {
    if (this.version >= COMPACT_VERSION) {
      const above = this.#compact()
      if (above > 0) return above - 1
    }
    const value = this.#view.getFloat64(this.#take(8))
    if (this.version >= COMPACT_VERSION && isWhole(value)) throw new WireFault('badNumber')
    return value
  }

  /** The bytes of a text, one character each. The caller checks what it consists of. */
  text(): string {
    const length = this.u8()
    const at = this.#take(length)
    return String.fromCharCode.apply(null, this.#bytes.subarray(at, at + length) as unknown as number[])
  }

  /** A copy, so that nobody holds on to the receive buffer. */
  raw(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.slice(at, at + length)
  }

  /** A spelling that is longer than it has to be is refused, and so is anything from 2^53 on. */
  #compact(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < COMPACT_BYTES; i++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if ((byte === 0 && i > 0) || !Number.isSafeInteger(value)) throw new WireFault('badNumber')
        return value
      }
      scale *= 0x80
    }
    throw new WireFault('badNumber')
  }

  #take(length: number): number {
    const at = this.#offset
    if (at + length > this.#bytes.length) throw new WireFault('truncated')
    this.#offset = at + length
    return at
  }
}

function isWhole(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < WHOLE_BOUND && !Object.is(value, -0)
}
