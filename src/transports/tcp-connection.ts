/**
 * One socket: first its handshake, then the sealed frames of its session (E3-E5, R38).
 *
 * Decides when a socket is no good any more (bad frame, silence, slowness) and closes it; never which of several
 * connections with a peer is the session, which is for `tcp-peer.ts`. No callback of a socket lets an error out.
 *
 * Life: `greeting` (nothing of the peer is believed), `proven` (keys and identity stand, the session is not confirmed),
 * `up` (the session), `retired` (a newer connection took over: reads on, sends nothing), `closed`. Or, behind `greeting`,
 * `witness`: whoever it is speaks for the peer's death alone, is sent nothing and may be silent for ever (R55); or `operator`:
 * whoever it is commands and is answered, and has no session (`tcp-operators.ts`).
 */
import type { Socket } from 'node:net'
import type { Part } from '../core/messages'
import type { ProcessId } from '../core/types'
import type { Greeting, RefusedReason } from '../ports/transport'
import {
  type CloseReason,
  type Command,
  cutReply,
  decodeClose,
  decodeCommand,
  decodeWelcome,
  encodeClose,
  encodeReplyPiece,
  encodeWelcome,
  FRAME_KINDS,
  MAX_COMMAND_BYTES,
  MAX_FRAME_BYTES,
  MAX_GREETING_FRAME_BYTES,
  PartDecoder,
} from '../wire'
import { FrameReader } from './tcp-frames'
import { Handshake, type HandshakeContext } from './tcp-handshake'
import type { Unsealer } from './tcp-keys'
import { Outbox, type OutboxReport } from './tcp-outbox'
import { PulseCounter } from './tcp-pulse'

/** Longest frame of an operator: a command, its head and its seal. */
const MAX_COMMAND_FRAME_BYTES = MAX_COMMAND_BYTES + 64

/** How long a connection that was replaced may take to deliver what is under way. */
const RETIREMENT_MS = 1_000

/** An operator that says nothing for this long goes: its place may be needed (E5). */
const OPERATOR_IDLE_MS = 60_000

const NOTHING = new Uint8Array(0)

/** Whom a connection reports to. Calls come serially. */
export interface ConnectionOwner {
  /** Handshake done, greeting judged good; `connection.peer` is set. */
  proven(connection: Connection): void
  /** The same for a witness of `connection.peer` (R55): it is no session. */
  attended(connection: Connection): void
  /** The same for an operator. */
  operated(connection: Connection): void
  /** An operator commands. */
  commanded(connection: Connection, command: Command): void
  /** The peer's `welcome`: the number of this session there, or 0 (`tcp-peer.ts`). */
  welcomed(connection: Connection, number: number): void
  received(connection: Connection, parts: readonly Part[]): void
  /** Something was refused; the connection is closed if that is the consequence. */
  refused(connection: Connection, reason: RefusedReason, detail: string): void
  /** Once per connection that was opened; nothing follows. */
  closed(connection: Connection, why: string): void
  /** Counters of traffic, in both directions. */
  sent(frames: number, bytes: number): void
  arrived(frames: number, bytes: number): void
}

/** How one connection is to behave. */
export interface ConnectionOptions {
  /** Remote address as text, for logs and `status()`. */
  readonly remote: string
  readonly handshake: HandshakeContext
  /** When the handshake, the confirmation included, must be over (`HandshakeContext.now`). */
  readonly deadline: number
  readonly maxQueueBytes: number
  /** The peer that was dialled; null for an accepted connection. */
  readonly expected: ProcessId | null
  /** Called when the session is confirmed. */
  readonly settled: () => void
}

/** A connection with a peer, from its first byte to its end. */
export class Connection {
  /** The peer that was dialled; null for an accepted connection. */
  readonly expected: ProcessId | null
  readonly remote: string
  state: 'greeting' | 'proven' | 'up' | 'retired' | 'witness' | 'operator' | 'closed' = 'greeting'
  /** Who is at the other end; null until that is proven. */
  peer: Greeting | null = null
  /** See `HandshakeStep`. */
  version = 0
  greetedAt = 0
  /** Number that the confirming end gave to this session; higher is newer. */
  number = 0
  /** Own clock when the session was confirmed. */
  upAt = 0
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  readonly #options: ConnectionOptions
  readonly #handshake: Handshake
  readonly #reader = new FrameReader(MAX_GREETING_FRAME_BYTES)
  readonly #pulse = new PulseCounter()
  #unsealer: Unsealer | null = null
  #decoder: PartDecoder | null = null
  #outbox: Outbox | null = null
  #timer: NodeJS.Timeout | null = null
  #finished: (() => void) | null = null

  constructor(socket: Socket, owner: ConnectionOwner, options: ConnectionOptions) {
    this.#socket = socket
    this.#owner = owner
    this.#options = options
    this.expected = options.expected
    this.remote = options.remote
    this.#handshake = new Handshake(options.handshake, this.dialled)
  }

  /** True at the end that dialled. */
  get dialled(): boolean {
    return this.expected !== null
  }

  /** Listens to the socket and, at the end that dialled, speaks first. The socket is connected. */
  open(): void {
    const socket = this.#socket
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 10_000)
    socket.on('data', (chunk) => this.#guarded(() => this.#onData(chunk)))
    socket.on('error', (error) => this.#guarded(() => this.#end(error.message)))
    socket.on('close', () => this.#guarded(() => this.#end('the peer closed the connection')))
    const remaining = Math.max(1, this.#options.deadline - this.#options.handshake.now())
    this.#after(remaining, () => this.refuse('handshakeTimeout', 'the handshake took too long'))
    if (this.dialled) this.#writePlain(this.#handshake.hello())
  }

  /** Tells the peer the number of this session; 0: admitted, but not yet confirmed. */
  welcome(number: number): void {
    this.#outbox?.control(FRAME_KINDS.welcome, encodeWelcome(number))
  }

  /** This connection is that of a witness: it has all the time there is. */
  attend(): void {
    this.state = 'witness'
    this.#clearTimer()
    this.#options.settled()
  }

  /** This connection is that of an operator. */
  serve(): void {
    this.state = 'operator'
    this.#reader.limit = MAX_COMMAND_FRAME_BYTES
    this.#options.settled()
    this.#awaitCommand()
  }

  /** Answers a command. What is longer than an answer may be is refused: the host does not give such. */
  reply(id: number, payload: string): void {
    if (this.state !== 'operator') return
    const pieces = cutReply(id, payload)
    if (pieces === null) return this.refuse('oversized', 'an answer is longer than answers may be')
    for (const piece of pieces) this.#outbox?.control(FRAME_KINDS.reply, encodeReplyPiece(piece))
  }

  /** Bytes that were written and that the kernel has not taken. */
  get unsent(): number {
    return this.#socket.writableLength
  }

  /** This connection is the session from now on. */
  confirm(number: number): void {
    this.state = 'up'
    this.number = number
    this.upAt = this.#options.handshake.now()
    this.#clearTimer()
    this.#options.settled()
  }

  /** Queues parts for the present turn. */
  push(parts: readonly Part[]): void {
    if (this.state === 'up') this.#outbox?.push(parts)
  }

  /** End of the turn. */
  flush(): void {
    if (this.state === 'up') this.#outbox?.flush()
  }

  /** Hands over everything that is queued, congested or not. */
  flushNow(): void {
    if (this.state === 'up') this.#outbox?.flushNow()
  }

  /**
   * Another connection of the same life took over. What is under way in either direction still arrives; `finish`: this
   * end says that it sends no more.
   */
  retire(finish: boolean): void {
    if (this.state === 'closed') return
    this.flushNow()
    this.state = 'retired'
    if (finish) this.#socket.end()
    this.#after(RETIREMENT_MS, () => this.#end('replaced by a newer connection'))
  }

  /** To be called at a steady pace: finds silence and slowness (`tcp-pulse.ts`). */
  tick(): void {
    if (this.state !== 'up') return
    const pulse = this.#pulse.look(this.#reader.partial)
    if (pulse === 'silent') this.#end('nothing was heard on it any more')
    else if (pulse === 'stuck') this.refuse('malformed', 'a frame was not completed in time')
    else if (pulse === 'ask') this.#control(FRAME_KINDS.ping)
  }

  /** Refuses the peer: counted, logged, told to it if there are keys to seal it with, closed. */
  refuse(reason: RefusedReason, detail: string): void {
    if (this.state === 'closed') return
    this.#owner.refused(this, reason, detail)
    this.close(reason, `refused: ${reason}`)
  }

  /** Says why and closes; what was queued goes first if the socket takes it. */
  close(reason: CloseReason, why: string): void {
    if (this.state === 'closed') return
    this.flush()
    if (this.#socket.writable) this.#outbox?.control(FRAME_KINDS.close, encodeClose(reason))
    this.#end(why)
  }

  /** Says good-bye, lets everything that was sent arrive, and calls back when the connection is closed. */
  finish(done: () => void): void {
    this.#finished = done
    this.flushNow()
    this.#outbox?.control(FRAME_KINDS.close, encodeClose('stopping'))
    this.state = 'retired'
    this.#socket.end()
  }

  /** Closes without a word. */
  destroy(why: string): void {
    this.#end(why)
  }

  #onData(chunk: Buffer): void {
    if (this.state === 'closed') return
    this.#pulse.bytes()
    const before = this.#pulse.frames
    const sound = this.#reader.push(chunk, (frame) => {
      this.#pulse.frame()
      if (this.state === 'greeting') this.#onGreeting(frame)
      else this.#onSealed(frame)
      return this.state !== 'closed'
    })
    this.#owner.arrived(this.#pulse.frames - before, chunk.length)
    if (!sound) this.refuse('oversized', 'a frame announces a length that is not allowed')
  }

  #onGreeting(frame: Buffer): void {
    const step = this.#handshake.receive(frame)
    if (step.kind === 'closedByPeer') {
      this.#end(`refused by the peer: ${step.reason}`)
      return
    }
    if (step.frame !== null) this.#writePlain(step.frame)
    if (step.kind === 'refused') {
      this.refuse(step.refusal.reason, step.refusal.detail)
    } else if (step.kind === 'proven') {
      this.peer = step.peer
      this.version = step.version
      this.greetedAt = step.greetedAt
      this.state = 'proven'
      this.#reader.limit = MAX_FRAME_BYTES
      this.#unsealer = step.seals.incoming
      this.#decoder = new PartDecoder({ version: step.version })
      this.#outbox = new Outbox(
        this.#socket,
        step.seals.outgoing,
        step.version,
        this.#options.maxQueueBytes,
        this.#traffic(),
      )
      if (step.by === 'witness') this.#owner.attended(this)
      else if (step.by === 'operator') this.#owner.operated(this)
      else this.#owner.proven(this)
    }
  }

  #traffic(): OutboxReport {
    return {
      sent: (frames, bytes) => this.#owner.sent(frames, bytes),
      dropped: (batches) => this.#owner.refused(this, 'backPressure', `dropped ${batches} batches`),
      unencodable: (parts) =>
        this.#owner.refused(this, 'malformed', `${parts} own parts cannot be encoded; this is a bug`),
    }
  }

  #onSealed(frame: Buffer): void {
    const unsealed = (this.#unsealer as Unsealer).open(frame)
    if (!unsealed.ok) {
      this.refuse(unsealed.reason, 'a sealed frame was changed, repeated or lost on the way')
      return
    }
    const { kind, body } = unsealed
    if (this.state === 'operator' && kind === FRAME_KINDS.command) this.#onCommand(body)
    else if (kind === FRAME_KINDS.parts) this.#onParts(body)
    else if (kind === FRAME_KINDS.welcome) this.#onWelcome(body)
    else if (kind === FRAME_KINDS.ping && body.length === 0) {
      this.#control(FRAME_KINDS.pong)
    } else if (kind === FRAME_KINDS.close) {
      const reason = decodeClose(body)
      if (reason.ok) this.#end(`closed by the peer: ${reason.value}`)
      else this.refuse('malformed', `close: ${reason.reason}`)
    } else if (kind !== FRAME_KINDS.pong || body.length !== 0) {
      this.refuse('malformed', `a frame of kind ${kind} in a session`)
    }
  }

  /** Asks for a sign of life, or gives one, unless there is something on its way that does. */
  #control(kind: number): void {
    if (this.state === 'up' && this.#outbox?.congested === false) this.#outbox.control(kind, NOTHING)
  }

  #onParts(body: Buffer): void {
    if (this.state === 'proven' || this.state === 'operator') {
      this.refuse('malformed', 'parts before the session was confirmed, or of an operator')
      return
    }
    const parts = (this.#decoder as PartDecoder).decode(body)
    if (parts.ok) this.#owner.received(this, parts.value)
    else this.refuse('malformed', `parts: ${parts.reason}`)
  }

  #onCommand(body: Buffer): void {
    const command = decodeCommand(body)
    if (!command.ok) return this.refuse('malformed', `command: ${command.reason}`)
    this.#awaitCommand()
    this.#owner.commanded(this, command.value)
  }

  #awaitCommand(): void {
    this.#after(OPERATOR_IDLE_MS, () => this.close('stopping', 'the operator said nothing for too long'))
  }

  #onWelcome(body: Buffer): void {
    const number = decodeWelcome(body)
    if (number.ok && this.state === 'proven') this.#owner.welcomed(this, number.value)
    else this.refuse('malformed', number.ok ? 'a second welcome' : `welcome: ${number.reason}`)
  }

  #writePlain(frame: Buffer): void {
    this.#socket.write(frame)
    this.#owner.sent(1, frame.length)
  }

  /** The one way out. What was written before still leaves if the kernel takes it. */
  #end(why: string): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.#clearTimer()
    if (this.#socket.writableLength === 0) this.#socket.destroySoon()
    else this.#socket.destroy()
    this.#owner.closed(this, why)
    this.#finished?.()
  }

  #guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#end(`internal error: ${String(error)}`)
    }
  }

  #after(ms: number, run: () => void): void {
    this.#clearTimer()
    this.#timer = setTimeout(() => this.#guarded(run), ms)
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}
