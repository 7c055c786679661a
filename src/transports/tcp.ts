/**
 * `conclave/tcp`: peers over TCP, authenticated by a shared secret or by certificates. The public face of the transport.
 *
 * Read next: `tcp-options.ts` for the options, `tcp-transport.ts` for how it is put together, `tcp-handshake.ts` for what
 * is proved to whom.
 */
import { readOptions, type TcpOptions } from './tcp-options'
import { TcpTransport } from './tcp-transport'

export type { Pem, TcpCredentials, TcpOptions, TlsOptions } from './tcp-options'
export type { TcpTransport } from './tcp-transport'

/**
 * Makes a transport for peers in a full mesh. Does no I/O before it is started.
 *
 * Addresses come from the elector (`voters: { a: '10.0.0.1:7400', ... }`) or from the options. Every process that votes
 * listens; both ends of a pair dial, one connection remains.
 * @throws ELECTION_CONFIG_INVALID for options that cannot work. At start, `ELECTION_CONFIG_INVALID` for addresses that
 * are not allowed without authentication (E1), `ELECTION_TRANSPORT_FAILED` if the port cannot be had.
 */
export function tcp(options: TcpOptions = {}): TcpTransport {
  return new TcpTransport(readOptions(options), options)
}
