/**
 * A peer by hand over the real handshake: it knows the secret and then says what it likes. And a stranger, who does not.
 *
 * Read next: `live.ts`.
 */
import { connect, type Socket } from 'node:net'
import type { Greeting } from '../../src/ports/transport'
import { LENGTH_BYTES } from '../../src/transports/tcp-frames'
import { Handshake } from '../../src/transports/tcp-handshake'
import { keysOf } from '../../src/transports/tcp-keys'
import { decodeWelcome, encodeWelcome, FRAME_KINDS } from '../../src/wire'

/** A member whose session is confirmed. */
export interface Member {
  /** Seals a frame and sends it. */
  send(kind: number, body: Uint8Array): void
  /** Sends bytes behind the last frame, with no seal of their own. */
  raw(bytes: Uint8Array): void
  /** Resolves when the other end has closed the connection. */
  readonly closed: Promise<void>
  readonly isClosed: boolean
  end(): void
}

/** Frames of a stream, as they complete. */
function frames(socket: Socket, each: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= LENGTH_BYTES && rest.length >= rest.readUInt32BE(0) + LENGTH_BYTES) {
      const length = rest.readUInt32BE(0) + LENGTH_BYTES
      each(Buffer.from(rest.subarray(0, length)))
      rest = rest.subarray(length)
    }
  })
}

/** Connects, proves the secret, waits until the other end has confirmed the session. Rejects if it does not. */
export function joinAs(port: number, local: Greeting, secret: string): Promise<Member> {
  const handshake = new Handshake(
    { local, keys: keysOf([Buffer.from(secret)]), judge: () => null, now: () => 0 },
    true,
  )
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => undefined)
  let isClosed = false
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      isClosed = true
      resolve()
    })
  })
  socket.write(handshake.hello())
  return new Promise((resolve, reject) => {
    void closed.then(() => reject(new Error('the other end closed the connection')))
    let seals: Parameters<typeof sealed>[0] | null = null
    frames(socket, (frame) => {
      if (seals !== null) {
        const opened = seals.incoming.open(frame)
        if (!opened.ok || opened.kind !== FRAME_KINDS.welcome) return
        const member = sealed(seals)
        const number = decodeWelcome(opened.body)
        // 0: this end, whose id is the lower one, has to confirm.
        if (number.ok && number.value === 0) member.send(FRAME_KINDS.welcome, encodeWelcome(1))
        resolve(member)
        return
      }
      const step = handshake.receive(frame)
      if (step.kind !== 'continue' && step.kind !== 'proven') {
        socket.destroy()
        return
      }
      if (step.frame !== null) socket.write(step.frame)
      if (step.kind === 'proven') seals = step.seals
    })
    function sealed(keys: Extract<ReturnType<Handshake['receive']>, { kind: 'proven' }>['seals']): Member {
      return {
        send: (kind, body) => void (socket.writable && socket.write(keys.outgoing.seal(kind, body))),
        raw: (bytes) => void (socket.writable && socket.write(bytes)),
        closed,
        get isClosed() {
          return isClosed
        },
        end: () => socket.destroy(),
      }
    }
  })
}

/** Frames of the other end's side of a handshake with somebody who knows another secret; used for what strangers can see. */
export function knock(port: number, local: Greeting, secret: string): Promise<Buffer[]> {
  const handshake = new Handshake(
    { local, keys: keysOf([Buffer.from(secret)]), judge: () => null, now: () => 0 },
    true,
  )
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const said: Buffer[] = []
  socket.on('error', () => undefined)
  socket.write(handshake.hello())
  frames(socket, (frame) => {
    said.push(frame)
    const step = handshake.receive(frame)
    if (step.kind === 'continue') {
      said.push(step.frame)
      socket.write(step.frame)
    } else socket.destroy()
  })
  return new Promise((resolve) => socket.on('close', () => resolve(said)))
}

/** Sends the pieces one after the other and resolves when the other end has closed, with the bytes that it answered. */
export function throwAt(
  port: number,
  pieces: readonly Uint8Array[],
  everyMs: number,
  halfOpen: boolean,
): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let answered = 0
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    answered += chunk.length
  })
  const done = new Promise<number>((resolve) => socket.on('close', () => resolve(answered)))
  const next = (at: number): void => {
    if (socket.destroyed) return
    if (at < pieces.length) {
      socket.write(pieces[at] as Uint8Array)
      if (everyMs === 0) next(at + 1)
      else setTimeout(next, everyMs, at + 1)
    } else if (!halfOpen) socket.end()
  }
  socket.on('connect', () => next(0))
  return done
}
