/**
 * The options of `tcp()`: what they mean, their defaults and bounds, and how they are judged.
 *
 * Every default that matters for safety is the strict one. Judges form only; what depends on addresses that the runtime
 * supplies (E1) is judged at start. Read next: `tcp-transport.ts`.
 */
import type { PeerCertificate } from 'node:tls'
import type { ProcessId } from '../core/types'
import { ElectionError } from '../errors'
import { type Address, parseAddress } from './tcp-address'
import { type Check, oneOrMore, record, shape, that, whole } from './tcp-checks'

/** PEM text, or several of them. */
export type Pem = string | Uint8Array | readonly (string | Uint8Array)[]

/** Mutual TLS (E2). Both ends show a certificate of `ca`; TLS 1.2 or newer; a certificate that fails is never accepted. */
export interface TlsOptions {
  /** The only authorities that are trusted. Make one for this purpose: whoever it certifies may claim to be a member. */
  readonly ca: Pem
  /** Own certificate, with the chain below `ca` if there is one. Valid for both client and server use. */
  readonly cert: Pem
  /** Key of `cert`. */
  readonly key: Pem
  /**
   * Whose certificate is it? Default: the process ids of its URI names `conclave://<cluster>/<nodeId>`, if it has any such
   * name at all; else its common name. A process may only claim an id that its certificate gives it. With an own function:
   * return null for a certificate that is no member's. Hazard: one that accepts too much makes any certificate of `ca` a
   * voter.
   */
  readonly identity?: (certificate: PeerCertificate) => ProcessId | null
}

/** Options of `tcp()`. With neither `secret` nor `tls` only loopback addresses are accepted (E1). */
export interface TcpOptions {
  /**
   * Where to listen: `'host:port'` or `{ host, port }`, host default `0.0.0.0`. Default: the own entry of the voters'
   * addresses. Give it where that address is not one of this host's own (containers, NAT).
   */
  readonly listen?: string | { readonly host?: string; readonly port: number }
  /** Addresses of peers, `'host:port'` by id; they come before those that the elector knows. Names are resolved at each dial. */
  readonly peers?: Readonly<Record<ProcessId, string>>
  /**
   * Shared secret, at least 16 bytes, made by a random generator: whoever watches a handshake can try guesses (E3). Several:
   * the first is used where this end dials, all are accepted. To rotate: add the new one behind the old one everywhere,
   * then put it first everywhere, then drop the old one. Frames are authenticated, not encrypted; use `tls` for that.
   */
  readonly secret?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Mutual TLS. May be combined with `secret`. */
  readonly tls?: TlsOptions
  /** Accept strangers on any address. Only inside a network that lets nobody else in: anybody who connects can vote. Default false. */
  readonly insecure?: boolean
  /**
   * A connection from which nothing was heard for this long, although it was asked, is closed and dialled anew (R38).
   * Default 3,000. Too small: it is closed by hiccups of the network or of the peer's event loop; too large: a dead
   * path delays elections until it is noticed. 100 to 600,000.
   */
  readonly zombieMs?: number
  /** Time for a connection to be made, authenticated and admitted, as a whole (E5). Default 2,000. Too small: distant peers never meet. 100 to 60,000. */
  readonly handshakeMs?: number
  /** Accepted connections at the same time, those in their handshake included (E5). Default 256. Below the number of peers: they are locked out. */
  readonly maxConnections?: number
  /** Memory for what waits to be sent to one peer; above it the oldest is dropped (B.17). Default 4 MiB. Too small: large fail-overs go slowly. At least 65,536. */
  readonly maxQueueBytes?: number
}

/** The options as the transport uses them. */
export interface TcpSettings {
  readonly listen: Address | null
  readonly peers: ReadonlyMap<ProcessId, Address>
  /** In the order given; empty without a secret. */
  readonly secrets: readonly Buffer[]
  readonly tls: TlsOptions | null
  readonly insecure: boolean
  readonly zombieMs: number
  readonly handshakeMs: number
  readonly maxConnections: number
  readonly maxQueueBytes: number
}

/** What can be changed while the transport runs. */
export interface TcpCredentials {
  readonly secret?: NonNullable<TcpOptions['secret']>
  readonly tls?: TlsOptions
}

/** Of a secret: fewer can be guessed. */
export const MIN_SECRET_BYTES = 16
const MAX_SECRETS = 8
const DEFAULTS = { zombieMs: 3_000, handshakeMs: 2_000, maxConnections: 256, maxQueueBytes: 4_194_304 }

const isBytes = (value: unknown): value is string | Uint8Array =>
  typeof value === 'string' || value instanceof Uint8Array
const secret = that(
  (value) => isBytes(value) && Buffer.byteLength(value as string) >= MIN_SECRET_BYTES,
  `a string or a Buffer of at least ${MIN_SECRET_BYTES} bytes; make one with crypto.randomBytes(32).toString('base64')`,
)
const pem = oneOrMore(
  that((value) => isBytes(value) && value.length > 0, 'PEM text, as a string or a Buffer'),
  100,
)
const address = that((value) => typeof value === 'string', 'a text like "10.0.0.1:7400" or "[::1]:7400"')
const host = that((value) => typeof value === 'string' && value !== '', 'a name or an IP address')
const listenObject = shape({ port: whole(0, 65_535) }, { host })

const CREDENTIALS = {
  secret: oneOrMore(secret, MAX_SECRETS),
  tls: shape(
    { ca: pem, cert: pem, key: pem },
    { identity: that((value) => typeof value === 'function', 'a function') },
  ),
}
const OPTIONS: { readonly [K in keyof Required<TcpOptions>]: Check } = {
  ...CREDENTIALS,
  listen: (value, path) => (typeof value === 'string' ? [] : listenObject(value, path)),
  peers: record(/^[A-Za-z0-9._-]{1,64}$/, address),
  insecure: that((value) => typeof value === 'boolean', 'true or false'),
  zombieMs: whole(100, 600_000),
  handshakeMs: whole(100, 60_000),
  maxConnections: whole(1, 65_536),
  maxQueueBytes: whole(65_536, 1_073_741_824),
}

/** @throws ELECTION_CONFIG_INVALID naming every option that is wrong, and what to do. */
function check(options: unknown, fields: Readonly<Record<string, Check>>): void {
  const problems = shape({}, fields)(options, '')
  if (problems.length === 0) return
  throw new ElectionError('ELECTION_CONFIG_INVALID', `tcp(): ${problems.join('; ')}`, {
    details: { problems },
  })
}

function secretsOf(value: TcpOptions['secret']): readonly Buffer[] {
  if (value === undefined) return []
  const list = Array.isArray(value) ? value : [value]
  return (list as (string | Uint8Array)[]).map((one) => Buffer.from(one as string))
}

/** @throws ELECTION_CONFIG_INVALID naming every option that is wrong, and what to do. */
export function readOptions(options: TcpOptions): TcpSettings {
  check(options, OPTIONS)
  const { listen = null, peers = {}, insecure = false, tls = null } = options
  const addresses = new Map<ProcessId, Address>()
  for (const [peer, text] of Object.entries(peers)) {
    addresses.set(peer, parsePeerAddress(text, `peers.${peer}`))
  }
  return {
    listen:
      typeof listen === 'string' ? parseAddress(listen, 'listen') : listen && { host: '0.0.0.0', ...listen },
    peers: addresses,
    secrets: secretsOf(options.secret),
    tls,
    insecure,
    zombieMs: options.zombieMs ?? DEFAULTS.zombieMs,
    handshakeMs: options.handshakeMs ?? DEFAULTS.handshakeMs,
    maxConnections: options.maxConnections ?? DEFAULTS.maxConnections,
    maxQueueBytes: options.maxQueueBytes ?? DEFAULTS.maxQueueBytes,
  }
}

/** @throws ELECTION_CONFIG_INVALID */
export function readCredentials(options: TcpCredentials): Pick<TcpSettings, 'secrets' | 'tls'> {
  check(options, CREDENTIALS)
  return { secrets: secretsOf(options.secret), tls: options.tls ?? null }
}

/** An address to dial: port 0 makes no sense there. @throws ELECTION_CONFIG_INVALID */
export function parsePeerAddress(text: string, what: string): Address {
  const address = parseAddress(text, what)
  if (address.port === 0) {
    throw new ElectionError(
      'ELECTION_CONFIG_INVALID',
      `${what}: port 0 cannot be dialled; give the peer a fixed port`,
      { details: { option: what } },
    )
  }
  return address
}
