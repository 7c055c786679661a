/**
 * Accepts connections and keeps strangers from using this process up (E5, R52).
 *
 * Every accepted socket has one deadline until its session is confirmed, TLS included. When too many are in their
 * handshake, in all or from one address, the oldest of them goes: honest peers need milliseconds, so a flood of silent
 * connections cannot lock them out. Does not know the protocol. Read next: `tcp-connection.ts`.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import { ElectionError } from '../errors'
import type { RefusedReason } from '../ports/transport'
import { type Address, formatAddress } from './tcp-address'
import type { TlsOptions } from './tcp-options'
import { secureContextOptions } from './tcp-tls'

/** Sockets in their handshake, in all. */
const MAX_PENDING = 64
/** Of these, from one remote address. */
const MAX_PENDING_PER_ADDRESS = 16

/** An accepted socket, TLS done. */
export interface Accepted {
  readonly socket: Socket
  /** Remote address without its port. */
  readonly remote: string
  /** Until when its session must be confirmed (`ListenerOwner.now`). */
  readonly deadline: number
  /** To be called when that is so. */
  readonly settled: () => void
}

/** Whom a listener reports to. */
export interface ListenerOwner {
  now(): number
  accepted(connection: Accepted): void
  refused(reason: RefusedReason, remote: string, detail: string): void
  /** It does not listen any more, and was not told to stop (R52). */
  lost(error: Error): void
}

/** Bounds of a listener. */
export interface ListenerOptions {
  readonly address: Address
  readonly tls: TlsOptions | null
  readonly maxConnections: number
  readonly handshakeMs: number
}

interface Pending {
  readonly raw: Socket
  readonly remote: string
  readonly deadline: number
  readonly timer: NodeJS.Timeout
  /** TLS is still on its way. */
  securing: boolean
}

/** One listening socket. */
export class Listener {
  readonly #options: ListenerOptions
  readonly #owner: ListenerOwner
  readonly #server: Server
  readonly #tls: TlsServer | null
  readonly #open = new Set<Socket>()
  /** In the order of their arrival, by `keyOf`. */
  readonly #pending = new Map<string, Pending>()
  /** Who waits to hear whether it listens. */
  #ready: ((error: Error | null) => void) | null = null
  #closing = false

  constructor(options: ListenerOptions, owner: ListenerOwner) {
    this.#options = options
    this.#owner = owner
    this.#server = createServer({ noDelay: true }, (socket) => this.#onSocket(socket))
    this.#tls = options.tls === null ? null : this.#tlsServer(options.tls)
  }

  /** Where it listens; null before and after. */
  get address(): Address | null {
    const bound = this.#server.address()
    return bound === null || typeof bound === 'string' ? null : { host: bound.address, port: bound.port }
  }

  /** Calls back once: listening, or `ELECTION_TRANSPORT_FAILED` with the address and what to do. */
  listen(ready: (error: Error | null) => void): void {
    this.#ready = ready
    this.#server.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#answer(this.#failure(error)) || this.#closing) return
      // It is still there: one connection could not be taken, for want of descriptors or memory, and the next one may be.
      if (this.#server.listening) this.#owner.refused('tooManyConnections', 'unknown', error.message)
      else this.#owner.lost(this.#failure(error))
    })
    this.#server.on('close', () => {
      if (!this.#closing) this.#owner.lost(this.#failure(new Error('the listener was closed')))
    })
    this.#server.listen({ ...this.#options.address, exclusive: true }, () => {
      // Closed while the name of the host was being looked up.
      if (this.#closing) this.#server.close()
      else this.#answer(null)
    })
  }

  /** New certificates for connections from now on. @throws if they cannot be used; then the old ones stay. */
  reload(tls: TlsOptions): void {
    this.#tls?.setSecureContext(secureContextOptions(tls))
  }

  /** Closes every socket that it accepted, then itself, and calls back once. */
  close(done: () => void): void {
    this.#closing = true
    for (const socket of this.#open) socket.destroy()
    this.#server.close(() => {
      this.#answer(this.#failure(new Error('it was closed before it listened')))
      done()
    })
  }

  /** False if it was answered before. */
  #answer(error: Error | null): boolean {
    const ready = this.#ready
    this.#ready = null
    ready?.(error)
    return ready !== null
  }

  #onSocket(raw: Socket): void {
    const address = raw.remoteAddress
    const key = keyOf(raw)
    raw.on('error', () => raw.destroy())
    if (this.#closing || address === undefined) {
      raw.destroy()
      return
    }
    this.#makeRoom(address)
    const { maxConnections } = this.#options
    if (this.#open.size >= maxConnections) {
      this.#owner.refused('tooManyConnections', address, `more than ${maxConnections} connections`)
      raw.destroy()
      return
    }
    const { handshakeMs } = this.#options
    const timer = setTimeout(() => this.#evict(key, 'handshakeTimeout', 'no handshake in time'), handshakeMs)
    const pending = {
      raw,
      remote: address,
      deadline: this.#owner.now() + handshakeMs,
      timer,
      securing: this.#tls !== null,
    }
    this.#open.add(raw)
    this.#pending.set(key, pending)
    raw.on('close', () => {
      this.#open.delete(raw)
      if (this.#pending.get(key) !== pending) return
      this.#settle(key)
      // TLS closes a connection whose certificate it does not accept without a word to anybody.
      if (!pending.securing || raw.bytesRead === 0 || this.#closing) return
      this.#owner.refused(
        'unauthenticated',
        address,
        'closed during TLS: no certificate that is accepted here',
      )
    })
    if (this.#tls === null) this.#accept(raw, key, pending)
    else this.#tls.emit('connection', raw)
  }

  #accept(socket: Socket, key: string, pending: Pending): void {
    const { remote, deadline } = pending
    pending.securing = false
    // From here on the connection watches the same deadline itself, and says so to the peer.
    clearTimeout(pending.timer)
    this.#owner.accepted({ socket, remote, deadline, settled: () => this.#settle(key) })
  }

  /** TLS on sockets that were accepted above: this server never listens itself. */
  #tlsServer(tls: TlsOptions): TlsServer {
    const server = createTlsServer({
      ...secureContextOptions(tls),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: this.#options.handshakeMs,
    })
    server.on('secureConnection', (socket) => {
      const key = keyOf(socket)
      const pending = this.#pending.get(key)
      if (pending === undefined || !socket.authorized) socket.destroy()
      else this.#accept(socket, key, pending)
    })
    server.on('tlsClientError', (error, socket) => {
      const key = keyOf(socket)
      const pending = this.#pending.get(key)
      this.#settle(key)
      if (pending !== undefined)
        this.#owner.refused('unauthenticated', pending.remote, `TLS: ${error.message}`)
      socket.destroy()
    })
    return server
  }

  #makeRoom(address: string): void {
    let same = 0
    let oldest: string | null = null
    for (const [key, pending] of this.#pending) {
      if (pending.remote !== address) continue
      oldest ??= key
      same += 1
    }
    if (same >= MAX_PENDING_PER_ADDRESS && oldest !== null) {
      this.#evict(
        oldest,
        'tooManyConnections',
        `more than ${MAX_PENDING_PER_ADDRESS} handshakes of one address`,
      )
      return
    }
    const [first] = this.#pending.keys()
    const full = this.#pending.size >= MAX_PENDING || this.#open.size >= this.#options.maxConnections
    if (full && first !== undefined) this.#evict(first, 'tooManyConnections', 'too many handshakes')
  }

  #evict(key: string, reason: RefusedReason, detail: string): void {
    const pending = this.#pending.get(key)
    if (pending === undefined) return
    this.#settle(key)
    this.#owner.refused(reason, pending.remote, detail)
    this.#open.delete(pending.raw)
    pending.raw.destroy()
  }

  #settle(key: string): void {
    const pending = this.#pending.get(key)
    if (pending === undefined) return
    clearTimeout(pending.timer)
    this.#pending.delete(key)
  }

  #failure(error: NodeJS.ErrnoException): ElectionError {
    const where = formatAddress(this.#options.address)
    const advice =
      error.code === 'EADDRINUSE'
        ? 'another process listens there (an older one of this service?); stop it or give this one another port'
        : error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND'
          ? "it is no address of this host; set tcp({ listen: '0.0.0.0:<port>' }) where the voters' address is a forwarded one"
          : error.code === 'EACCES'
            ? 'this process may not use that port; take one above 1023'
            : 'see the cause'
    return new ElectionError(
      'ELECTION_TRANSPORT_FAILED',
      `cannot listen on ${where}: ${error.message}; ${advice}`,
      {
        cause: error,
        details: { address: where, code: error.code ?? null },
      },
    )
  }
}

/** The two ends of a connection: what TLS still tells of a socket that it wrapped. */
function keyOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
