/**
 * A writer and a reader over bytes with strict bounds. Every number has a fixed width and one spelling only.
 *
 * Both throw a `WireFault` at the first thing that is out of bounds; the codecs catch it, so it never leaves this
 * folder. Nothing here knows what the bytes mean. Read next: `fields.ts`.
 */

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

/** Writes into one buffer of a fixed size that it owns; going over it is the fault `tooLong`. */
export class Writer {
  /** The buffer; valid up to `offset`. Overwritten by the next use. */
  readonly bytes: Uint8Array
  readonly #view: DataView
  offset = 0

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.bytes.buffer)
  }

  u8(value: number): void {
    this.bytes[this.#take(1)] = value
  }

  u32(value: number): void {
    this.#view.setUint32(this.#take(4), value)
  }

  /** A safe integer, not below 0 (R44), in 8 bytes. */
  u53(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new WireFault('badNumber')
    const at = this.#take(8)
    this.#view.setUint32(at, Math.floor(value / TWO_32))
    this.#view.setUint32(at + 4, value % TWO_32)
  }

  f64(value: number): void {
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

  #take(length: number): number {
    const at = this.offset
    if (at + length > this.bytes.length) throw new WireFault('tooLong')
    this.offset = at + length
    return at
  }
}

/** Reads bytes that belong to somebody else; never past their end. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #offset = 0

  constructor(bytes: Uint8Array) {
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

  /** A safe integer, not below 0 (R44). Anything from 2^53 on is refused. */
  u53(): number {
    const at = this.#take(8)
    const high = this.#view.getUint32(at)
    if (high >= 0x20_0000) throw new WireFault('badNumber')
    return high * TWO_32 + this.#view.getUint32(at + 4)
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8))
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

  #take(length: number): number {
    const at = this.#offset
    if (at + length > this.#bytes.length) throw new WireFault('truncated')
    this.#offset = at + length
    return at
  }
}
