/**
 * Frames on a stream of bytes: four bytes of length, one of kind, a body (E4, E5).
 *
 * Checks the length before it stores a byte, and nothing else. Seals are put on and taken off in `tcp-keys.ts`.
 */

/** Length field. */
export const LENGTH_BYTES = 4

/** A frame without a seal, as the handshake uses it. */
export function plainFrame(kind: number, ...bodies: readonly Uint8Array[]): Buffer {
  const length = bodies.reduce((sum, body) => sum + body.length, 1)
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + length)
  frame.writeUInt32BE(length, 0)
  frame[LENGTH_BYTES] = kind
  let at = LENGTH_BYTES + 1
  for (const body of bodies) {
    frame.set(body, at)
    at += body.length
  }
  return frame
}

/** Kind and body of a frame without a seal. */
export function openPlain(frame: Buffer): { readonly kind: number; readonly body: Buffer } {
  return { kind: frame[LENGTH_BYTES] as number, body: frame.subarray(LENGTH_BYTES + 1) }
}

/** Cuts a stream into frames. Holds at most one frame of at most `limit` bytes. */
export class FrameReader {
  /** Longest frame that is accepted, its length field included. Raised when the peer has proved who it is. */
  limit: number
  readonly #header = Buffer.alloc(LENGTH_BYTES)
  #frame: Buffer | null = null
  /** Bytes of the present frame that are there, its length field included. */
  #have = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** True while a frame has begun and not ended: what a deadline has to watch (slow senders). */
  get partial(): boolean {
    return this.#have > 0
  }

  /**
   * Takes what arrived and calls `onFrame` with each whole frame, length field included; the bytes may be a view of
   * `chunk`. Stops when `onFrame` returns false. Returns false iff a frame announces a length that is not allowed.
   */
  push(chunk: Buffer, onFrame: (frame: Buffer) => boolean): boolean {
    let at = 0
    while (at < chunk.length) {
      if (this.#have === 0 && chunk.length - at >= LENGTH_BYTES) {
        const length = this.#lengthAt(chunk, at)
        if (length < 0) return false
        if (chunk.length - at >= length) {
          const frame = chunk.subarray(at, at + length)
          at += length
          if (!onFrame(frame)) return true
          continue
        }
      }
      const target = this.#frame ?? this.#header
      const taken = chunk.copy(target, this.#have, at, at + target.length - this.#have)
      at += taken
      this.#have += taken
      if (this.#have < target.length) continue
      if (this.#frame === null) {
        const length = this.#lengthAt(this.#header, 0)
        if (length < 0) return false
        this.#frame = Buffer.allocUnsafe(length)
        this.#header.copy(this.#frame)
      } else {
        const frame = this.#frame
        this.#frame = null
        this.#have = 0
        if (!onFrame(frame)) return true
      }
    }
    return true
  }

  /** Length of the whole frame, or -1. */
  #lengthAt(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32BE(at)
    return length >= 1 && length + LENGTH_BYTES <= this.limit ? length + LENGTH_BYTES : -1
  }
}
