/**
 * Bytes of strangers against everything that reads them before anybody is authenticated: the cutting of streams into
 * frames, the messages of the handshake, the handshake itself, and the seals of a session (E3-E6).
 *
 * What must hold: nothing throws; nobody without the secret gets as far as `proven`; a sealed frame opens only if it is
 * the very next one of its direction, to the bit; a reader hands out only whole frames within its limit.
 */
import { randomBytes } from 'node:crypto'
import { FrameReader, LENGTH_BYTES, plainFrame } from '../../src/transports/tcp-frames'
import { Handshake, type HandshakeStep } from '../../src/transports/tcp-handshake'
import { keysOf, type Seals } from '../../src/transports/tcp-keys'
import {
  decodeClose,
  decodeCommand,
  decodeGreeting,
  decodeOpening,
  decodeProof,
  decodeReplyPiece,
  decodeWelcome,
  encodeClose,
  encodeCommand,
  encodeGreeting,
  encodeOpening,
  encodeReplyPiece,
  encodeWelcome,
  FRAME_KINDS,
  type SignedGreeting,
} from '../../src/wire'
import { joined, mutated, Random } from './random'
import { counted, nothing, type Target } from './target'

const GREETING: SignedGreeting = {
  clusterId: 'cluster',
  nodeId: 'node-a',
  storageId: 'disk.1',
  incarnation: 3,
  nonce: '0123456789abcdef0123456789abcdef',
  rho: 0.1,
  deltaMs: 2,
  configTerm: 0,
  configVersion: 1,
}
const OPENING = { oldest: 1, newest: 3, nonce: new Uint8Array(32).fill(9) }

type Read = (body: Uint8Array) => Uint8Array | null
type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false }

function spelling<T>(decode: (body: Uint8Array) => Result<T>, encode: (value: T) => Uint8Array): Read {
  return (body) => {
    const decoded = decode(body)
    return decoded.ok ? encode(decoded.value) : null
  }
}

const MESSAGES: readonly (readonly [Uint8Array, Read])[] = [
  [encodeOpening(OPENING), spelling(decodeOpening, encodeOpening)],
  [encodeGreeting(GREETING), spelling(decodeGreeting, encodeGreeting)],
  [encodeWelcome(4), spelling(decodeWelcome, encodeWelcome)],
  [encodeClose('wrongCluster'), spelling(decodeClose, encodeClose)],
  [encodeCommand({ id: 7, payload: '{"command":"status"}' }), spelling(decodeCommand, encodeCommand)],
  [
    encodeReplyPiece({ id: 7, index: 1, isLast: true, bytes: new Uint8Array([123, 125]) }),
    spelling(decodeReplyPiece, encodeReplyPiece),
  ],
  [new Uint8Array(32), spelling(decodeProof, (proof) => proof)],
]

/** The messages of the handshake, mutated: refused, or one spelling. */
export function messagesTarget(): Target {
  const count = nothing()
  return {
    name: 'handshake messages -> codec',
    count,
    round(seed) {
      const random = new Random(seed)
      for (let n = 0; n < 5_000; n++) {
        const [base, read] = random.pick(MESSAGES)
        const [other] = random.pick(MESSAGES)
        const body = mutated(base, other, random)
        const again = read(body)
        counted(count, again !== null)
        if (again !== null && Buffer.compare(again, body) !== 0) throw new Error('a second spelling')
      }
    },
  }
}

/** A stream of frames with wrong lengths, in pieces of any size. */
export function streamTarget(): Target {
  const count = nothing()
  return {
    name: 'streams in pieces -> frame reader',
    count,
    round(seed) {
      const random = new Random(seed)
      for (let n = 0; n < 200; n++) {
        const limit = random.pick([64, 512, 65_536])
        const sent = Array.from({ length: 1 + random.below(8) }, () =>
          plainFrame(1 + random.below(9), random.bytes(random.below(limit - LENGTH_BYTES))),
        )
        const stream = joined(...sent)
        const honest = !random.once(3)
        const bytes = Buffer.from(honest ? stream : mutated(stream, stream, random))
        const reader = new FrameReader(limit)
        const got: Buffer[] = []
        let good = true
        for (let at = 0; good && at < bytes.length; ) {
          const size = 1 + random.below(random.pick([2, 40, 70_000]))
          good = reader.push(bytes.subarray(at, at + size), (frame) => got.push(Buffer.from(frame)) > 0)
          at += size
        }
        counted(count, good)
        for (const frame of got) {
          const length = frame.readUInt32BE(0) + LENGTH_BYTES
          if (frame.length !== length || length > limit)
            throw new Error(`a frame of ${frame.length}, limit ${limit}`)
        }
        const whole = joined(...got)
        if (Buffer.compare(whole, bytes.subarray(0, whole.length)) !== 0)
          throw new Error('other bytes than were sent')
        if (honest && (!good || got.length !== sent.length)) throw new Error('an honest stream was not read')
      }
    },
  }
}

const SECRET = keysOf([Buffer.from('a secret of the fuzzer, long enough')])
const OTHER = keysOf([Buffer.from('another secret that nobody accepts')])

function end(dialled: boolean, keys = SECRET): Handshake {
  return new Handshake({ local: { ...GREETING }, keys, judge: () => null, now: () => 0 }, dialled)
}

/** Frames of a genuine handshake, in the order in which they were said, and the seals of both ends. */
function genuine(keys = SECRET): {
  readonly said: Buffer[]
  readonly dialler: Seals
  readonly acceptor: Seals
} {
  const one = end(true, keys)
  const two = end(false, keys)
  const said = [one.hello()]
  const seals: Seals[] = []
  for (let from = 1; ; from = 1 - from) {
    const step: HandshakeStep = (from === 1 ? two : one).receive(said.at(-1) as Buffer)
    if (step.kind === 'proven') seals.push(step.seals)
    if (step.kind === 'refused' || step.kind === 'closedByPeer')
      throw new Error(`an honest end was ${step.kind}`)
    if (step.frame === null) break
    said.push(step.frame)
  }
  return { said, dialler: seals[0] as Seals, acceptor: seals[1] as Seals }
}

/** Strangers without the secret, who know whole handshakes of others. */
export function strangerTarget(): Target {
  const count = nothing()
  return {
    name: 'strangers -> handshake',
    count,
    round(seed) {
      const random = new Random(seed)
      const known = [...genuine().said, ...genuine(OTHER).said, ...genuine().said]
      for (let n = 0; n < 60; n++) {
        const dialled = random.once(2)
        const victim = end(dialled)
        const stranger = end(!dialled, OTHER)
        let said: Buffer | null = dialled ? victim.hello() : null
        for (let turn = 0; turn < 6; turn++) {
          const answer = said === null ? stranger.hello() : answerOf(stranger, said)
          const base = answer !== null && random.once(2) ? answer : random.pick(known)
          const frame = frameOf(random.once(3) ? base : mutated(base, random.pick(known), random), random)
          const step = victim.receive(frame)
          if (step.kind === 'proven') throw new Error(`a stranger was believed: ${frame.toString('hex')}`)
          if (counted(count, step.kind === 'continue')) said = (step as { frame: Buffer }).frame
          else break
        }
      }
    },
  }
}

function answerOf(stranger: Handshake, said: Buffer): Buffer | null {
  const step = stranger.receive(said)
  return step.kind === 'continue' || step.kind === 'proven' ? step.frame : null
}

/** As the reader of frames would hand it over: at least a kind, and a length that is true. */
function frameOf(bytes: Uint8Array, random: Random): Buffer {
  const frame = Buffer.concat([bytes, random.bytes(Math.max(0, LENGTH_BYTES + 1 - bytes.length))])
  frame.writeUInt32BE(frame.length - LENGTH_BYTES, 0)
  return frame
}

/** Sealed frames, changed in any way, repeated, left out, turned round. */
export function sealTarget(): Target {
  const count = nothing()
  return {
    name: 'sealed frames -> session',
    count,
    round(seed) {
      const random = new Random(seed)
      const { dialler, acceptor } = genuine()
      const back = acceptor.outgoing.seal(FRAME_KINDS.ping, randomBytes(4))
      const before: Buffer[] = [back]
      for (let n = 0; n < 300; n++) {
        const body = random.bytes(random.below(60))
        const next = dialler.outgoing.seal(FRAME_KINDS.parts, body)
        for (let tries = random.below(4); tries > 0; tries--) {
          const base = random.once(2) ? next : random.pick(before)
          const wrong = Buffer.from(random.once(4) ? base : mutated(base, next, random))
          if (Buffer.compare(wrong, next) === 0) continue
          if (counted(count, acceptor.incoming.open(wrong).ok))
            throw new Error('a frame that was not sent next was opened')
        }
        const opened = acceptor.incoming.open(next)
        if (!counted(count, opened.ok)) throw new Error('an honest frame was refused')
        if (opened.ok && Buffer.compare(opened.body, body) !== 0) throw new Error('another body')
        before.push(next)
        if (before.length > 20) before.shift()
      }
    },
  }
}
