/**
 * What is to be listened on and dialled, and whether that is allowed (E1). Judged before any socket is opened.
 *
 * Pure. Read next: `tcp-transport.ts`.
 */
import type { ProcessId } from '../core/types'
import { ElectionError } from '../errors'
import type { TransportHost } from '../ports/transport'
import { encodeGreeting } from '../wire'
import { type Address, formatAddress, isLoopback, parseAddress } from './tcp-address'
import { parsePeerAddress, type TcpSettings } from './tcp-options'

/** Addresses of this start. */
export interface Plan {
  /** Null: this process only dials. */
  readonly listen: Address | null
  /** By process; peers that are missing here have to dial this process. */
  readonly addresses: ReadonlyMap<ProcessId, Address>
  /** An address outside this host that is used without authentication, because `insecure` allows it. */
  readonly exposed: Address | null
}

/** @throws ELECTION_CONFIG_INVALID if an address is none, or is not allowed without authentication (E1). */
export function planOf(settings: TcpSettings, host: TransportHost): Plan {
  checkGreeting(host)
  const { nodeId } = host.local
  const addresses = new Map<ProcessId, Address>()
  for (const id of [nodeId, ...host.peers]) {
    const own = settings.peers.get(id)
    const text = host.addresses[id]
    const what = `address of ${id}`
    if (own !== undefined) addresses.set(id, own)
    else if (text !== undefined) {
      addresses.set(id, id === nodeId ? parseAddress(text, what) : parsePeerAddress(text, what))
    }
  }
  const listen = settings.listen ?? addresses.get(nodeId) ?? null
  const all = [...addresses.values(), ...(listen === null ? [] : [listen])]
  const exposed = authenticates(settings) ? null : (all.find((address) => !isLoopback(address.host)) ?? null)
  if (exposed !== null && !settings.insecure) throw exposure(exposed)
  return { listen, addresses, exposed }
}

/**
 * Addresses of other peers, told while the transport runs. One that is none, or that is not allowed without authentication
 * (E1), is left out: then only that peer dials. `faulty` hears why.
 */
export function addressesOf(
  settings: TcpSettings,
  texts: Readonly<Record<ProcessId, string>>,
  faulty: (peer: ProcessId, error: unknown) => void,
): Map<ProcessId, Address> {
  const addresses = new Map(settings.peers)
  for (const [id, text] of Object.entries(texts)) {
    if (settings.peers.has(id)) continue
    try {
      const address = parsePeerAddress(text, `address of ${id}`)
      if (!authenticates(settings) && !settings.insecure && !isLoopback(address.host)) throw exposure(address)
      addresses.set(id, address)
    } catch (error) {
      faulty(id, error)
    }
  }
  return addresses
}

/** True if strangers are kept out. */
export function authenticates(settings: TcpSettings): boolean {
  return settings.secrets.length > 0 || settings.tls !== null
}

/** E1, in words. */
export function exposure(address: Address): ElectionError {
  const where = formatAddress(address)
  return new ElectionError(
    'ELECTION_CONFIG_INVALID',
    `tcp(): ${where} is not on this host, and nothing authenticates the peers; give tcp({ secret }) or tcp({ tls }) or, in a network that lets nobody else in, tcp({ insecure: true })`,
    { details: { address: where } },
  )
}

function checkGreeting(host: TransportHost): void {
  try {
    encodeGreeting(host.local)
  } catch (cause) {
    throw new ElectionError(
      'ELECTION_CONFIG_INVALID',
      'tcp(): the own greeting cannot be sent; cluster, process and storage ids match /^[A-Za-z0-9._-]{1,64}$/',
      { cause },
    )
  }
}
