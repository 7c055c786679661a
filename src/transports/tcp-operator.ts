/**
 * An operator's connection to one member: dials when there is something to ask, and asks (`conclave status`).
 *
 * Proves that it knows the secret or holds a certificate, as an operator and never as a member, and demands the same of the
 * other end: a member is known by its id, and with TLS its certificate has to say so. Every wait is bounded; every failure is
 * an `OperatorFailure` with a reason in words, none is thrown from a callback. Read next: `tcp-operators.ts` (the other end).
 */
import type { Socket } from 'node:net'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import type { ProcessId } from '../core/types'
import {
  type CloseReason,
  decodeClose,
  decodeReplyPiece,
  encodeCommand,
  FRAME_KINDS,
  MAX_FRAME_BYTES,
  MAX_GREETING_FRAME_BYTES,
  ReplyReader,
} from '../wire'
import { type Address, formatAddress } from './tcp-address'
import { type Dial, dial } from './tcp-dial'
import { FrameReader } from './tcp-frames'
import { Handshake } from './tcp-handshake'
import type { Seals } from './tcp-keys'
import type { OperatorIdentity } from './tcp-operator-identity'
import { mayClaim } from './tcp-tls'
import { inWords as rangeInWords, versionsOf } from './tcp-versions'

/** A member could not be asked, did not answer, or would not. The message says why, in words for people. */
export class OperatorFailure extends Error {
  override readonly name = 'OperatorFailure'

  constructor(
    message: string,
    /** It is there, and one of the two ends refused the other. */
    readonly isRefusal: boolean,
  ) {
    super(message)
  }
}

const versionWords = rangeInWords(versionsOf('operator'))

/** What both ends of a refusal mean by it, for people. */
const WORDS: Partial<Record<CloseReason, string>> = {
  unauthenticated: 'it does not accept the secret (unauthenticated)',
  wrongVersion: `it speaks no protocol ${versionWords}, as this command does: conclave doctor says what it speaks (wrongVersion)`,
  wrongCluster: 'it belongs to another cluster (wrongCluster)',
  wrongIdentity: 'it does not accept the identity of the certificate (wrongIdentity)',
  permissionDenied: "it lets no operators in (operators: 'none', permissionDenied)",
  tooManyConnections: 'too many operators are connected to it (tooManyConnections)',
  backPressure: 'it was asked too much at once (backPressure)',
  stopping: 'it is stopping',
}

/** One question that waits. */
interface Waiting {
  readonly reader: ReplyReader
  answered(payload: string): void
  failed(why: string, isRefusal: boolean): void
}

/** A line to one member; dialled at the first question, and again after it was lost. */
export class OperatorLine {
  readonly #identity: OperatorIdentity
  readonly #member: ProcessId
  readonly #address: Address
  readonly #waiting = new Map<number, Waiting>()
  /** Asked before there was a socket. */
  readonly #unsaid: [number, string][] = []
  #dial: Dial<Conversation> | null = null
  #number = 0

  constructor(identity: OperatorIdentity, member: ProcessId, address: Address) {
    this.#identity = identity
    this.#member = member
    this.#address = address
  }

  /** Asks, and resolves with the answer. @throws OperatorFailure (rejection) after `timeoutMs` at the latest. */
  ask(payload: string, timeoutMs: number): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#number += 1
      const id = this.#number
      const end = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(id)
      }
      const failed = (why: string, isRefusal: boolean): void => {
        end()
        reject(new OperatorFailure(why, isRefusal))
      }
      const timer = setTimeout(() => failed(`no answer within ${timeoutMs} ms`, false), timeoutMs)
      const answered = (answer: string): void => {
        end()
        resolve(answer)
      }
      this.#waiting.set(id, { reader: new ReplyReader(), answered, failed })
      this.#dial ??= this.#open(timeoutMs)
      this.#dial.connection?.ask(id, payload)
      if (this.#dial.connection === null) this.#unsaid.push([id, payload])
    })
  }

  /** Ends the line; whoever waits is told. */
  close(): void {
    this.#dial?.abort()
    this.#lost('the operator has left', false)
  }

  #open(timeoutMs: number): Dial<Conversation> {
    return dial({
      address: this.#address,
      secure: this.#identity.secure,
      timeoutMs,
      // whoever asks knows the address
      failed: (why) => this.#lost(why.replace(` (${formatAddress(this.#address)})`, ''), false),
      begin: (socket) => {
        const conversation = new Conversation(socket, this.#identity, this.#member, {
          piece: (body) => this.#piece(body),
          over: (why, isRefusal) => this.#lost(why, isRefusal),
        })
        for (const [id, payload] of this.#unsaid.splice(0)) conversation.ask(id, payload)
        return conversation
      },
    })
  }

  /** A piece of an answer; false: it is none. What nobody waits for any more is dropped. */
  #piece(body: Buffer): boolean {
    const piece = decodeReplyPiece(body)
    if (!piece.ok) return false
    const waiting = this.#waiting.get(piece.value.id)
    if (waiting === undefined) return true
    const answer = waiting.reader.take(piece.value)
    if (answer === false) return false
    if (answer !== null) waiting.answered(answer)
    return true
  }

  #lost(why: string, isRefusal: boolean): void {
    this.#dial = null
    this.#unsaid.length = 0
    for (const waiting of [...this.#waiting.values()]) waiting.failed(why, isRefusal)
  }
}

/** Whom a conversation tells. */
interface ConversationOwner {
  piece(body: Buffer): boolean
  over(why: string, isRefusal: boolean): void
}

/** One socket: the handshake of an operator, then commands and answers. */
class Conversation {
  readonly #socket: Socket
  readonly #handshake: Handshake
  readonly #reader = new FrameReader(MAX_GREETING_FRAME_BYTES)
  readonly #owner: ConversationOwner
  readonly #unsaid: Uint8Array[] = []
  #seals: Seals | null = null
  #isOver = false

  constructor(socket: Socket, identity: OperatorIdentity, member: ProcessId, owner: ConversationOwner) {
    this.#socket = socket
    this.#owner = owner
    const certificate: PeerCertificate | null =
      socket instanceof TLSSocket ? (socket.getPeerCertificate() ?? null) : null
    const { clusterId } = identity.greeting
    this.#handshake = new Handshake(
      {
        local: identity.greeting,
        keys: identity.keys,
        by: 'operator',
        now: () => performance.now(),
        judge: (greeting) => {
          if (greeting.clusterId !== clusterId) {
            return { reason: 'wrongCluster', detail: `it belongs to cluster ${greeting.clusterId}` }
          }
          if (greeting.nodeId !== member) {
            return { reason: 'wrongIdentity', detail: `${greeting.nodeId} lives at its address` }
          }
          if (identity.secure === null || mayClaim(certificate, clusterId, member, undefined)) return null
          return { reason: 'wrongIdentity', detail: 'its certificate does not name it' }
        },
      },
      true,
    )
  }

  open(): void {
    const socket = this.#socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#guarded(() => this.#onData(chunk)))
    socket.on('error', (error) => this.#end(error.message))
    socket.on('close', () => this.#end('it closed the connection'))
    socket.write(this.#handshake.hello())
  }

  ask(id: number, payload: string): void {
    this.#unsaid.push(encodeCommand({ id, payload }))
    this.#flush()
  }

  destroy(): void {
    this.#isOver = true
    this.#socket.destroy()
  }

  #onData(chunk: Buffer): void {
    const sound = this.#reader.push(chunk, (frame) => {
      if (this.#seals === null) this.#onGreeting(frame)
      else this.#onSealed(frame, this.#seals)
      return !this.#isOver
    })
    if (!sound) this.#end('it sent a frame of a length that is not allowed')
  }

  #onGreeting(frame: Buffer): void {
    const step = this.#handshake.receive(frame)
    if (step.kind === 'closedByPeer') return this.#end(inWords(step.reason), true)
    if (step.frame !== null) this.#socket.write(step.frame)
    if (step.kind === 'refused') {
      const { reason, detail } = step.refusal
      // whoever cannot prove that it knows the secret is no member, or has another one
      return this.#end(
        reason === 'unauthenticated' ? 'it has another secret (unauthenticated)' : detail,
        true,
      )
    }
    if (step.kind !== 'proven') return
    this.#seals = step.seals
    this.#reader.limit = MAX_FRAME_BYTES
    this.#flush()
  }

  #onSealed(frame: Buffer, { incoming }: Seals): void {
    const unsealed = incoming.open(frame)
    if (!unsealed.ok) return this.#end('a sealed frame was changed, repeated or lost on the way')
    const { kind, body } = unsealed
    if (kind === FRAME_KINDS.close) {
      const reason = decodeClose(body)
      return this.#end(reason.ok ? inWords(reason.value) : 'it closed the connection', true)
    }
    if (kind !== FRAME_KINDS.reply || !this.#owner.piece(body)) this.#end('its answer cannot be read')
  }

  #flush(): void {
    const { outgoing } = this.#seals ?? {}
    if (outgoing === undefined) return
    for (const body of this.#unsaid.splice(0)) this.#socket.write(outgoing.seal(FRAME_KINDS.command, body))
  }

  #end(why: string, isRefusal = false): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#socket.destroySoon()
    this.#owner.over(why, isRefusal)
  }

  #guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#end(`internal error: ${String(error)}`)
    }
  }
}

function inWords(reason: CloseReason): string {
  return WORDS[reason] ?? `it refuses: ${reason}`
}
