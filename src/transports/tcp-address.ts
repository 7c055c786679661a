/**
 * Addresses as people write them: `10.0.0.1:7400`, `node-a.internal:7400`, `[::1]:7400`.
 *
 * Decides what is an address and what is certainly this host only (E1). Resolves nothing: names are looked up at each
 * dial. A leaf but for the error type.
 */
import { isIP, isIPv6 } from 'node:net'
import { ElectionError } from '../errors'

/** Where to listen or dial. `host` is a name or a literal IP without brackets. */
export interface Address {
  readonly host: string
  /** 0 only where listening: the kernel picks one. */
  readonly port: number
}

/**
 * Reads `host:port`; IPv6 literals stand in brackets. `what` names the option in the message.
 * @throws ELECTION_CONFIG_INVALID naming the option, the text and the form that is expected.
 */
export function parseAddress(text: string, what: string): Address {
  const found = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text)
  const host = found?.[1] ?? found?.[2] ?? ''
  const port = Number(found?.[3])
  const bracketed = found?.[1] !== undefined
  const sound =
    found !== null && port <= 65_535 && (bracketed ? isIPv6(host) : /^[A-Za-z0-9._-]{1,253}$/.test(host))
  if (!sound) {
    throw new ElectionError(
      'ELECTION_CONFIG_INVALID',
      `${what}: ${JSON.stringify(text.slice(0, 300))} is no address; write "host:port", "10.0.0.1:7400" or "[::1]:7400"`,
      { details: { option: what } },
    )
  }
  return { host, port }
}

/** The form that `parseAddress` reads. */
export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** True if nothing outside this host can be meant: a literal loopback address, or `localhost`. */
export function isLoopback(host: string): boolean {
  const plain = host.toLowerCase().replace(/^::ffff:(?=[0-9.]+$)/, '')
  if (isIP(plain) === 4) return plain.startsWith('127.')
  return plain === '::1' || plain === 'localhost'
}
