/**
 * The messages before a session, and the two that frame it, as bytes (PROTOCOL A.5 "Hello", E3, E4).
 *
 * Only their form is judged here; what they prove stands in the transport's handshake. `hello` and `challenge` are the
 * same in all versions (`limits.ts`). Read next: `parts.ts` for what a session carries.
 */
import type { Incarnation, ProcessId, Term } from '../core/types'
import { Reader, WireFault, Writer } from './bytes'
import {
  clockRate,
  durationMs,
  type Field,
  fixedBytes,
  hexNonce,
  id,
  incarnation,
  oneOf,
  record,
  term,
  whole,
} from './fields'
import { MAX_GREETING_FRAME_BYTES } from './limits'
import { type Decoded, decoding } from './parts'

/** The byte of each kind of frame. `parts` to `close` are sealed once the session has keys. */
export const FRAME_KINDS = {
  hello: 1,
  challenge: 2,
  proof: 3,
  greeting: 4,
  welcome: 5,
  parts: 6,
  ping: 7,
  pong: 8,
  close: 9,
  /** In place of a `greeting`: who dials is a witness of the process that greets, and will say one thing only (R55). */
  witness: 10,
  /** In place of a `greeting`: who dials has no part in any election and only commands (`operator.ts`). */
  operator: 11,
  command: 12,
  reply: 13,
} as const

/** Kind of a frame. */
export type FrameKind = keyof typeof FRAME_KINDS

/** Opening of the dialler and, as `challenge`, the answer to it: all that a stranger ever learns. */
export interface Opening {
  readonly oldest: number
  readonly newest: number
  /** 32 random bytes, fresh for this connection. */
  readonly nonce: Uint8Array
}

/** Who a process says it is, with its proof over everything said before. The form of the port's `Greeting`. */
export interface SignedGreeting {
  readonly clusterId: string
  readonly nodeId: ProcessId
  readonly storageId: string
  readonly incarnation: Incarnation
  readonly nonce: string
  readonly rho: number
  readonly deltaMs: number
  readonly configTerm: Term
  readonly configVersion: number
}

/**
 * Why a connection is closed, told to the other end once. The place in the list travels: it grows at its end only, with
 * a new protocol version.
 */
export const CLOSE_REASONS = [
  'stopping',
  'malformed',
  'oversized',
  'replayed',
  'unauthenticated',
  'wrongVersion',
  'wrongCluster',
  'wrongIdentity',
  'unknownMember',
  'amnesiac',
  'duplicateIdentity',
  'staleIncarnation',
  'handshakeTimeout',
  'tooManyConnections',
  'backPressure',
  'permissionDenied',
] as const

/** One of `CLOSE_REASONS`. */
export type CloseReason = (typeof CLOSE_REASONS)[number]

/** Length of a proof: HMAC-SHA-256. */
export const PROOF_BYTES = 32

const MAGIC = [0x43, 0x4e, 0x43, 0x4c]

const magic: Field<true> = {
  write: (out) => out.raw(Uint8Array.from(MAGIC)),
  read(input) {
    for (const byte of MAGIC) if (input.u8() !== byte) throw new WireFault('unknownKind')
    return true
  },
}

const version: Field<number> = {
  write: (out, value) => out.u8(value),
  read(input) {
    const value = input.u8()
    if (value === 0) throw new WireFault('badNumber')
    return value
  },
}

const opening = record<Opening & { magic: true }>({
  magic,
  oldest: version,
  newest: version,
  nonce: fixedBytes(32),
})
const proof = fixedBytes(PROOF_BYTES)
const greeting = record<SignedGreeting>({
  clusterId: id,
  nodeId: id,
  storageId: id,
  incarnation,
  nonce: hexNonce,
  rho: clockRate,
  deltaMs: durationMs,
  configTerm: term,
  configVersion: whole,
})
const closeReason = oneOf(CLOSE_REASONS)

function encode<T>(field: Field<T>, value: T): Uint8Array {
  const out = new Writer(MAX_GREETING_FRAME_BYTES)
  field.write(out, value)
  return out.bytes.slice(0, out.offset)
}

function decode<T>(field: Field<T>, body: Uint8Array): Decoded<T> {
  return decoding(() => {
    const input = new Reader(body)
    const value = field.read(input)
    if (!input.done) throw new WireFault('trailing')
    return value
  })
}

/** Body of `hello` and `challenge`. */
export function encodeOpening(value: Opening): Uint8Array {
  return encode(opening, { magic: true, ...value })
}

/** Reads a `hello` or a `challenge`. */
export function decodeOpening(body: Uint8Array): Decoded<Opening> {
  const decoded = decode(opening, body)
  if (!decoded.ok) return decoded
  const { oldest, newest, nonce } = decoded.value
  if (oldest > newest) return { ok: false, code: 'ELECTION_MESSAGE_INVALID', reason: 'badNumber' }
  return { ok: true, value: { oldest, newest, nonce } }
}

/**
 * Body of a `greeting` without its proof, which follows it as `PROOF_BYTES` raw bytes.
 * @throws WireFault if a field of the own greeting is not allowed; the transport checks that once, at its start.
 */
export function encodeGreeting(value: SignedGreeting): Uint8Array {
  return encode(greeting, value)
}

/** Reads a `greeting` without its proof. */
export function decodeGreeting(body: Uint8Array): Decoded<SignedGreeting> {
  return decode(greeting, body)
}

/** Reads a `proof`. */
export function decodeProof(body: Uint8Array): Decoded<Uint8Array> {
  return decode(proof, body)
}

/** Body of `welcome`: the number of this session among those that its sender confirmed; 0 confirms nothing. */
export function encodeWelcome(number: number): Uint8Array {
  return encode(whole, number)
}

/** Reads a `welcome`. */
export function decodeWelcome(body: Uint8Array): Decoded<number> {
  return decode(whole, body)
}

/** Body of `close`. */
export function encodeClose(reason: CloseReason): Uint8Array {
  return encode(closeReason, reason)
}

/** Reads a `close`. */
export function decodeClose(body: Uint8Array): Decoded<CloseReason> {
  return decode(closeReason, body)
}
