/**
 * Everything that touches keys: proofs of the handshake, keys of a session, seals of its frames (E3).
 *
 * A secret is never used itself: one key is derived from it for proofs and one as the root of session keys. Without a
 * secret the same code runs on a constant that everybody knows; its seals are then checksums and prove nothing.
 * Nothing here reads sockets or judges greetings. Read next: `tcp-handshake.ts`.
 */
import {
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'
import { LENGTH_BYTES } from './tcp-frames'

/** Keys derived from one secret. */
export interface SecretKeys {
  readonly proving: KeyObject
  readonly root: KeyObject
}

/** Which of the proofs: keeps one from being used in place of another, and each from being reflected. */
export type ProofLabel =
  | 'dialler proves'
  | 'acceptor greets'
  | 'dialler greets'
  | 'witness greets'
  | 'operator greets'

const NO_SECRET = Buffer.from('conclave: no secret is configured', 'latin1')

function derive(key: Buffer | KeyObject, salt: Uint8Array, info: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', key, salt, Buffer.from(info, 'latin1'), 32)))
}

/** The keys of all accepted secrets; the first one is used to dial. Never empty. */
export function keysOf(secrets: readonly Buffer[]): readonly SecretKeys[] {
  return (secrets.length === 0 ? [NO_SECRET] : secrets).map((secret) => ({
    proving: derive(secret, Buffer.alloc(0), 'conclave proof'),
    root: derive(secret, Buffer.alloc(0), 'conclave session root'),
  }))
}

/** 32 bytes that only somebody with the secret can make for these messages. Messages carry their own length. */
export function prove(keys: SecretKeys, label: ProofLabel, messages: readonly Uint8Array[]): Buffer {
  const hmac = createHmac('sha256', keys.proving).update(`${label}\0`, 'latin1')
  for (const message of messages) hmac.update(message)
  return hmac.digest()
}

/** Compares in constant time. */
export function isProof(
  keys: SecretKeys,
  label: ProofLabel,
  messages: readonly Uint8Array[],
  proof: Uint8Array,
): boolean {
  return timingSafeEqual(prove(keys, label, messages), proof)
}

/** The two directions of a session, as one end sees them. */
export interface Seals {
  readonly outgoing: Sealer
  readonly incoming: Unsealer
}

/** Keys of one session: from the secret and everything that was said in the handshake, one per direction. */
export function sessionSeals(keys: SecretKeys, messages: readonly Uint8Array[], dialled: boolean): Seals {
  const hash = createHash('sha256')
  for (const message of messages) hash.update(message)
  const transcript = hash.digest()
  const forth = derive(keys.root, transcript, 'conclave dialler to acceptor')
  const back = derive(keys.root, transcript, 'conclave acceptor to dialler')
  return dialled
    ? { outgoing: new Sealer(forth), incoming: new Unsealer(back) }
    : { outgoing: new Sealer(back), incoming: new Unsealer(forth) }
}

const COUNTER_BYTES = 8
const SEAL_BYTES = 16
const HEAD_BYTES = LENGTH_BYTES + COUNTER_BYTES + 1
const TWO_32 = 4_294_967_296

function sealOf(key: KeyObject, frame: Buffer): Buffer {
  return createHmac('sha256', key)
    .update(frame.subarray(0, frame.length - SEAL_BYTES))
    .digest()
}

/** Makes sealed frames: length, counter, kind, body, 16 bytes of HMAC-SHA-256 over all of it. Every frame must be sent, in order. */
export class Sealer {
  readonly #key: KeyObject
  #counter = 0

  constructor(key: KeyObject) {
    this.#key = key
  }

  seal(kind: number, body: Uint8Array): Buffer {
    const frame = Buffer.allocUnsafe(HEAD_BYTES + body.length + SEAL_BYTES)
    frame.writeUInt32BE(frame.length - LENGTH_BYTES, 0)
    frame.writeUInt32BE(Math.floor(this.#counter / TWO_32), LENGTH_BYTES)
    frame.writeUInt32BE(this.#counter % TWO_32, LENGTH_BYTES + 4)
    frame[HEAD_BYTES - 1] = kind
    frame.set(body, HEAD_BYTES)
    sealOf(this.#key, frame).copy(frame, frame.length - SEAL_BYTES, 0, SEAL_BYTES)
    this.#counter += 1
    return frame
  }
}

/** A frame whose seal is good, or why it is refused. */
export type Unsealed =
  | { readonly ok: true; readonly kind: number; readonly body: Buffer }
  | { readonly ok: false; readonly reason: 'malformed' | 'unauthenticated' | 'replayed' }

/** Checks sealed frames: first the seal, then that it is the next one of this direction (replay, reorder, loss). */
export class Unsealer {
  readonly #key: KeyObject
  #counter = 0

  constructor(key: KeyObject) {
    this.#key = key
  }

  open(frame: Buffer): Unsealed {
    if (frame.length < HEAD_BYTES + SEAL_BYTES) return { ok: false, reason: 'malformed' }
    const seal = frame.subarray(frame.length - SEAL_BYTES)
    if (!timingSafeEqual(sealOf(this.#key, frame).subarray(0, SEAL_BYTES), seal)) {
      return { ok: false, reason: 'unauthenticated' }
    }
    const counter = frame.readUInt32BE(LENGTH_BYTES) * TWO_32 + frame.readUInt32BE(LENGTH_BYTES + 4)
    if (counter !== this.#counter) return { ok: false, reason: 'replayed' }
    this.#counter += 1
    return {
      ok: true,
      kind: frame[HEAD_BYTES - 1] as number,
      body: frame.subarray(HEAD_BYTES, frame.length - SEAL_BYTES),
    }
  }
}
