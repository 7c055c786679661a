/**
 * Commands of operators and the answers to them, as bytes. Since version 2 of the protocol (`limits.ts`).
 *
 * They are frames of their own and no parts, so that no command can ever reach the core. A command is one frame; its answer
 * travels in pieces, in order, each with the number of the command. What the texts mean is for the runtime to judge: here
 * they are UTF-8 within a bound. Read next: `../transports/tcp-operators.ts`.
 */
import { Reader, WireFault, Writer } from './bytes'
import { flag, whole } from './fields'
import { MAX_COMMAND_BYTES, MAX_REPLY_BYTES } from './limits'
import { type Decoded, decoding } from './parts'

/** What an operator asks for. */
export interface Command {
  /** Number of the command on its connection, so that the answer finds it. */
  readonly id: number
  readonly payload: string
}

/** A piece of the answer to a command. */
export interface ReplyPiece {
  readonly id: number
  /** From 0 on. */
  readonly index: number
  readonly isLast: boolean
  readonly bytes: Uint8Array
}

const PIECE_BYTES = 32_768
const HEAD_BYTES = 32

/** Text behind its length; never empty. */
function bytesOf(input: Reader, max: number): Uint8Array {
  const length = input.u32()
  if (length === 0) throw new WireFault('empty')
  if (length > max) throw new WireFault('tooLong')
  return input.raw(length)
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new WireFault('badText')
  }
}

/** Body of a `command`. @throws WireFault if the text is empty or too long: a fault of the caller. */
export function encodeCommand({ id, payload }: Command): Uint8Array {
  const text = new TextEncoder().encode(payload)
  if (text.length === 0) throw new WireFault('empty')
  if (text.length > MAX_COMMAND_BYTES) throw new WireFault('tooLong')
  const out = new Writer(HEAD_BYTES + text.length)
  whole.write(out, id)
  out.u32(text.length)
  out.raw(text)
  return out.bytes.slice(0, out.offset)
}

/** Reads a `command`. */
export function decodeCommand(body: Uint8Array): Decoded<Command> {
  return decoding(() => {
    const input = new Reader(body)
    const id = whole.read(input)
    const payload = textOf(bytesOf(input, MAX_COMMAND_BYTES))
    if (!input.done) throw new WireFault('trailing')
    return { id, payload }
  })
}

/** Body of a `reply`. */
export function encodeReplyPiece({ id, index, isLast, bytes }: ReplyPiece): Uint8Array {
  const out = new Writer(HEAD_BYTES + bytes.length)
  whole.write(out, id)
  out.u32(index)
  flag.write(out, isLast)
  out.u32(bytes.length)
  out.raw(bytes)
  return out.bytes.slice(0, out.offset)
}

/** Reads a `reply`. */
export function decodeReplyPiece(body: Uint8Array): Decoded<ReplyPiece> {
  return decoding(() => {
    const input = new Reader(body)
    const id = whole.read(input)
    const index = input.u32()
    const isLast = flag.read(input)
    const bytes = bytesOf(input, PIECE_BYTES)
    if (!input.done) throw new WireFault('trailing')
    return { id, index, isLast, bytes }
  })
}

/** The pieces in which an answer travels; null if it is empty or longer than an answer may be. */
export function cutReply(id: number, payload: string): readonly ReplyPiece[] | null {
  const text = new TextEncoder().encode(payload)
  if (text.length === 0 || text.length > MAX_REPLY_BYTES) return null
  return Array.from({ length: Math.ceil(text.length / PIECE_BYTES) }, (_, index) => {
    const bytes = text.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES)
    return { id, index, isLast: (index + 1) * PIECE_BYTES >= text.length, bytes }
  })
}

/** Puts the pieces of one answer together again. */
export class ReplyReader {
  private readonly pieces: Uint8Array[] = []
  private length = 0

  /** The whole answer with its last piece, null before; false: this is no answer, and the connection is of no use. */
  take({ index, isLast, bytes }: ReplyPiece): string | null | false {
    this.length += bytes.length
    if (index !== this.pieces.length || this.length > MAX_REPLY_BYTES) return false
    this.pieces.push(bytes)
    if (!isLast) return null
    const text = new Uint8Array(this.length)
    let at = 0
    for (const piece of this.pieces) {
      text.set(piece, at)
      at += piece.length
    }
    const payload = decoding(() => textOf(text))
    return payload.ok ? payload.value : false
  }
}
