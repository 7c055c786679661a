/**
 * The handshake: who is at the other end, proved to both before anything else is read (E3, E4, R24).
 *
 * D dials, A accepts; K is the shared secret, `|` joins whole frames, each of which carries its length.
 *
 *     1  D > A  hello      versions of D, nonce of D
 *     2  A > D  challenge  versions of A, nonce of A
 *     3  D > A  proof      HMAC(K, "dialler proves"  | 1 | 2)
 *     4  A > D  greeting   A's greeting, HMAC(K, "acceptor greets" | 1 | 2 | 3 | A's greeting)
 *     5  D > A  greeting   D's greeting, HMAC(K, "dialler greets"  | 1 | 2 | 3 | 4 | D's greeting)
 *     5' D > A  witness    greeting of another process, HMAC(K, "witness greets" | 1 | 2 | 3 | 4 | that greeting), in place of 5
 *     5" D > A  operator   greeting of an operator, HMAC(K, "operator greets" | 1 | 2 | 3 | 4 | that greeting), in place of 5
 *     -  sealed frames under keys from HKDF(K, SHA-256(1 | 2 | 3 | 4 | 5)), one per direction:
 *     6  A > D  welcome (and 7 D > A welcome, if D is the end that confirms: `tcp-peer.ts`)
 *
 * What each message proves:
 * - 1 and 2 prove nothing and give nothing away but versions and random bytes. A stranger gets no further than 2, and
 *   A spends on it one random number, a deadline, and memory for at most 512 bytes of what the stranger says.
 * - 3 proves to A that D knows K *now*: it is over A's fresh nonce. It cannot be a replay (other nonce), a reflection of
 *   A's own messages (A never makes a "dialler" proof on a connection it accepted; one it makes as a dialler elsewhere is
 *   over the nonces of that connection), or the proof of a talked-down version (the ranges are in 1 and 2).
 * - 4 proves to D the same of A, and that this greeting is A's own on this connection. D has not said who it is yet.
 * - 5 proves to A that the same D says who it is and heard who A is. Whoever passes messages between two honest ends is a
 *   wire: he can drop, delay and cut, and D finds out by `judge` if he led it to another process than the one it dialled.
 * - 5' proves to A that D knows K and stands for the process of that greeting (R55). It opens no session and is answered
 *   by nothing; all that A takes from D afterwards is one proof that this very process has ended, which says itself
 *   whether it is true (`../runtime/life-key.ts`). Its label keeps a 5 from being used as a 5' and the other way round.
 * - 5" proves to A that D knows K and wants to command, nothing else: no session comes of it, and what D may command is for
 *   the host to say. Its label keeps an operator from becoming a member, and a member's greeting from being used to command.
 *   It is part of version 2: where the two ends speak version 1 with each other it is refused, `wrongVersion`.
 * - 6 proves to D that A derived the same keys, so A got 1 to 5 unchanged, and that A has admitted D. Session keys depend
 *   on both nonces, so no frame of one session opens in another, nor in the other direction of the same one.
 *
 * What was tried against it, and what stops it (each is a test):
 * - play back a former handshake, or one frame of it: other nonces, so every proof and every key differ;
 * - send an end its own frames back, or lead a dial back to its own listener: labels tell the ends apart, keys the
 *   directions, and `judge` finds oneself at the other end;
 * - swap greetings between two connections of the same ends: each proof covers all frames of its own connection;
 * - change one bit anywhere, also in the versions: one of the ends does not get as far as `proven`, or cannot open 6;
 * - close in somebody's name: an unsealed close is believed only before there are keys, and does what cutting the wire
 *   does; it changes no state and is told from a refusal of one's own;
 * - open connections and say nothing: the listener gives the places to newer ones (`tcp-listener.ts`).
 *
 * What it does not give: secrecy of what is said; secrecy of past sessions if K leaks (nothing is secret in them);
 * protection of a guessable K, since whoever gets message 3 or 4 can test guesses at leisure (hence the minimum length
 * and the advice to use random bytes); a difference between two holders of K, each of which may claim any id, also with
 * a higher incarnation; an end to sessions that stand when K is replaced. With TLS the certificate says who the peer
 * is (`Links` judges it against the greeting), and K may be left out: it is a public constant then, as it is without any
 * authentication, and the proofs are mere form (E1, E2).
 *
 * A pure state machine: frames in, frames out; no socket, no timer. Read next: `tcp-connection.ts`.
 */
import { randomBytes } from 'node:crypto'
import type { Greeting, RefusedReason } from '../ports/transport'
import {
  type CloseReason,
  commonVersion,
  decodeClose,
  decodeGreeting,
  decodeOpening,
  decodeProof,
  encodeClose,
  encodeGreeting,
  encodeOpening,
  FRAME_KINDS,
  NEWEST_VERSION,
  OLDEST_VERSION,
  PROOF_BYTES,
} from '../wire'
import { openPlain, plainFrame } from './tcp-frames'
import { isProof, type ProofLabel, prove, type Seals, type SecretKeys, sessionSeals } from './tcp-keys'
import { nothingInCommon, versionsOf } from './tcp-versions'

/** Judgement on a greeting that is known to be genuine, of the process itself or of its witness; null = welcome. */
export type Judge = (greeting: Greeting, by: Role) => Refusal | null

/** Who greets: a member, a witness in its name (R55), or somebody who only commands. */
export type Role = 'member' | 'witness' | 'operator'

/** Why a connection is refused: for counters, and in words for the log. */
export interface Refusal {
  readonly reason: RefusedReason
  readonly detail: string
}

/** What to do after a frame. `frame`, if any, is to be sent first. */
export type HandshakeStep =
  | { readonly kind: 'continue'; readonly frame: Buffer }
  | {
      readonly kind: 'proven'
      readonly frame: Buffer | null
      readonly peer: Greeting
      /** What the peer is. */
      readonly by: Role
      /** Version of the protocol that both ends speak from here on. */
      readonly version: number
      /** Own clock before the own greeting was handed to the socket; the peer has answered it, or will by message 6 (R64). */
      readonly greetedAt: number
      readonly seals: Seals
    }
  | { readonly kind: 'refused'; readonly frame: Buffer | null; readonly refusal: Refusal }
  | { readonly kind: 'closedByPeer'; readonly reason: CloseReason }

/** What both ends of a handshake need. */
export interface HandshakeContext {
  readonly local: Greeting
  /** Keys of the accepted secrets, in order (`keysOf`). */
  readonly keys: readonly SecretKeys[]
  readonly judge: Judge
  /** What this end is; only one that dials can be anything but a member. Default: member. */
  readonly by?: Role
  now(): number
}

/** How the end that dialled greets. */
const GREETS = {
  member: 'dialler greets',
  witness: 'witness greets',
  operator: 'operator greets',
} as const

type Awaited = 'hello' | 'challenge' | 'proof' | 'greeting' | 'nothing'

/** One handshake, of either end. After `proven`, `refused` or `closedByPeer` it must not be used again. */
export class Handshake {
  readonly #context: HandshakeContext
  readonly #dialled: boolean
  /** All frames so far, sent and received, in order. */
  readonly #said: Buffer[] = []
  #awaited: Awaited
  #secret: SecretKeys | null = null
  #version = 0
  #greetedAt = 0

  constructor(context: HandshakeContext, dialled: boolean) {
    this.#context = context
    this.#dialled = dialled
    this.#awaited = dialled ? 'challenge' : 'hello'
  }

  /** The first frame of the end that dialled. */
  hello(): Buffer {
    return this.#say('hello', this.#opening())
  }

  /** Takes a frame of the peer. Never throws. */
  receive(frame: Buffer): HandshakeStep {
    const { kind, body } = openPlain(frame)
    if (kind === FRAME_KINDS.close) {
      const reason = decodeClose(body)
      return reason.ok
        ? { kind: 'closedByPeer', reason: reason.value }
        : refused('malformed', 'unreadable close')
    }
    const awaited = this.#awaited
    const by = awaited === 'greeting' && !this.#dialled ? roleOf(kind) : 'member'
    if (awaited === 'nothing' || (by === 'member' && kind !== FRAME_KINDS[awaited])) {
      return refused('malformed', `a frame of kind ${kind} where ${awaited} was expected`)
    }
    const step =
      awaited === 'hello' || awaited === 'challenge'
        ? this.#onOpening(frame, body)
        : awaited === 'proof'
          ? this.#onProof(frame, body)
          : this.#onGreeting(frame, body, by)
    if (step.kind !== 'continue') this.#awaited = 'nothing'
    return step
  }

  /** 1 and 2: versions and nonces. */
  #onOpening(frame: Buffer, body: Buffer): HandshakeStep {
    const opening = decodeOpening(body)
    if (!opening.ok) return refused('malformed', `opening: ${opening.reason}`)
    const own = this.#context.by ?? 'member'
    const version = commonVersion(versionsOf(own), opening.value)
    if (version === null) return refused('wrongVersion', nothingInCommon(own, opening.value))
    this.#version = version
    this.#said.push(frame)
    if (!this.#dialled) {
      this.#awaited = 'proof'
      return { kind: 'continue', frame: this.#say('challenge', this.#opening()) }
    }
    this.#awaited = 'greeting'
    this.#secret = this.#context.keys[0] as SecretKeys
    return {
      kind: 'continue',
      frame: this.#say('proof', prove(this.#secret, 'dialler proves', this.#said)),
    }
  }

  /** 3: the peer knows one of the secrets; from here on this connection uses that one. */
  #onProof(frame: Buffer, body: Buffer): HandshakeStep {
    const proof = decodeProof(body)
    if (!proof.ok) return refused('malformed', `proof: ${proof.reason}`)
    for (const keys of this.#context.keys) {
      if (isProof(keys, 'dialler proves', this.#said, proof.value)) this.#secret ??= keys
    }
    if (this.#secret === null) {
      return refused(
        'unauthenticated',
        'the peer does not know the secret, or has one that is not accepted here',
      )
    }
    this.#said.push(frame)
    this.#awaited = 'greeting'
    return { kind: 'continue', frame: this.#greet(this.#secret, 'acceptor greets') }
  }

  /** 4, 5 and 5': who the peer is. */
  #onGreeting(frame: Buffer, body: Buffer, by: Role): HandshakeStep {
    const secret = this.#secret as SecretKeys
    const split = Math.max(0, body.length - PROOF_BYTES)
    const said = body.subarray(0, split)
    const proof = body.subarray(split)
    const label = this.#dialled ? 'acceptor greets' : GREETS[by]
    if (proof.length !== PROOF_BYTES) return refused('malformed', 'greeting: truncated')
    if (!isProof(secret, label, [...this.#said, said], proof)) {
      return refused('unauthenticated', 'the proof in the greeting is wrong')
    }
    const greeting = decodeGreeting(said)
    if (!greeting.ok) return refused('malformed', `greeting: ${greeting.reason}`)
    this.#said.push(frame)
    const refusal = this.#outOfVersion(by) ?? this.#context.judge(greeting.value, by)
    if (this.#dialled) {
      if (refusal !== null) return refused(refusal.reason, refusal.detail)
      const answer = this.#greet(secret, GREETS[this.#context.by ?? 'member'])
      return this.#proven(answer, greeting.value, by, secret)
    }
    const proven = this.#proven(null, greeting.value, by, secret)
    if (refusal === null) return proven
    const close = proven.seals.outgoing.seal(FRAME_KINDS.close, encodeClose(refusal.reason))
    return { kind: 'refused', frame: close, refusal }
  }

  /** Whoever dialled may have said a version in which there is nobody of its kind. */
  #outOfVersion(by: Role): Refusal | null {
    const { oldest } = versionsOf(by)
    if (this.#version >= oldest) return null
    return { reason: 'wrongVersion', detail: `${by} in protocol version ${this.#version}, needs ${oldest}` }
  }

  #proven(frame: Buffer | null, peer: Greeting, by: Role, secret: SecretKeys) {
    const seals = sessionSeals(secret, this.#said, this.#dialled)
    const [version, greetedAt] = [this.#version, this.#greetedAt]
    return { kind: 'proven', frame, peer, by, version, greetedAt, seals } as const
  }

  #opening(): Uint8Array {
    return encodeOpening({ oldest: OLDEST_VERSION, newest: NEWEST_VERSION, nonce: randomBytes(32) })
  }

  #greet(secret: SecretKeys, label: Exclude<ProofLabel, 'dialler proves'>): Buffer {
    this.#greetedAt = this.#context.now()
    const greeting = encodeGreeting(this.#context.local)
    const kind =
      label === 'witness greets' ? 'witness' : label === 'operator greets' ? 'operator' : 'greeting'
    return this.#say(kind, greeting, prove(secret, label, [...this.#said, greeting]))
  }

  #say(
    kind: 'hello' | 'challenge' | 'proof' | 'greeting' | 'witness' | 'operator',
    ...bodies: Uint8Array[]
  ): Buffer {
    const frame = plainFrame(FRAME_KINDS[kind], ...bodies)
    this.#said.push(frame)
    return frame
  }
}

/** What the frame in place of 5 makes of whoever dialled. */
function roleOf(kind: number): Role {
  if (kind === FRAME_KINDS.witness) return 'witness'
  return kind === FRAME_KINDS.operator ? 'operator' : 'member'
}

/** Refuses with a close frame that is not sealed: there are no keys yet. */
function refused(reason: RefusedReason, detail: string): HandshakeStep {
  return {
    kind: 'refused',
    frame: plainFrame(FRAME_KINDS.close, encodeClose(reason)),
    refusal: { reason, detail },
  }
}
