/**
 * Opens a socket to a peer: the address is resolved anew each time, TLS if there is any (E2).
 *
 * Decides nothing about the peer; hands the connected socket over and reports a failure once. Read next: `tcp-peer.ts`.
 */
import { connect, type Socket } from 'node:net'
import { type SecureContext, connect as tlsConnect } from 'node:tls'
import { type Address, formatAddress } from './tcp-address'

/** What becomes of a connected socket. */
export interface Dialled {
  /** Begins to speak. */
  open(): void
  destroy(why: string): void
}

/** An attempt to connect: until the handshake begins, and then as long as it lasts. */
export interface Dial<C extends Dialled> {
  /** Once the socket is connected. */
  readonly connection: C | null
  abort(): void
}

/** A dial to be made. */
export interface DialOptions<C extends Dialled> {
  readonly address: Address
  readonly secure: SecureContext | null
  /** For the socket alone; the connection watches the rest of the same deadline. */
  readonly timeoutMs: number
  /** Called once with the connected socket. */
  begin(socket: Socket): C
  /** Called once if there is no connected socket; never from inside `dial`. */
  failed(why: string): void
}

/** Starts a dial. Never throws: addresses and certificates were judged before. */
export function dial<C extends Dialled>(options: DialOptions<C>): Dial<C> {
  const { address, secure } = options
  let connection: C | null = null
  let over = false
  const socket: Socket =
    secure === null
      ? connect({ ...address, noDelay: true })
      : tlsConnect({
          ...address,
          secureContext: secure,
          minVersion: 'TLSv1.2',
          rejectUnauthorized: true,
          // Members are known by their id, not by the name of a host: `mayClaim` judges the certificate.
          checkServerIdentity: () => undefined,
        })
  const end = (why: string | null) => {
    if (over) return
    over = true
    clearTimeout(timer)
    socket.destroy()
    if (why !== null) options.failed(`${why} (${formatAddress(address)})`)
  }
  const timer = setTimeout(() => end('no connection in time'), options.timeoutMs)
  // Where a name has several addresses and none answers, the error has a code and no message.
  socket.on('error', (error: NodeJS.ErrnoException) => end(error.message || (error.code ?? error.name)))
  socket.on('close', () => end('the connection was closed at once'))
  socket.once(secure === null ? 'connect' : 'secureConnect', () => {
    if (over) return
    over = true
    clearTimeout(timer)
    connection = options.begin(socket)
    connection.open()
  })
  return {
    get connection() {
      return connection
    },
    abort() {
      end(null)
      connection?.destroy('not needed any more')
    },
  }
}
