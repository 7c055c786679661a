/**
 * Secrets and certificates of a transport, as they are now: they can be renewed while it runs (E2, E3).
 *
 * Every handshake reads them anew; sessions that stand keep the keys that they have. Read next: `tcp-keys.ts`, `tcp-tls.ts`.
 */
import type { SecureContext } from 'node:tls'
import { ElectionError } from '../errors'
import { keysOf, type SecretKeys } from './tcp-keys'
import { readCredentials, type TcpCredentials, type TcpSettings, type TlsOptions } from './tcp-options'
import { secureContext } from './tcp-tls'

/** What this process proves itself with. */
export class Credentials {
  readonly #secret: boolean
  keys: readonly SecretKeys[]
  /** The secret that this end dials with; null without one. */
  dials: Buffer | null
  tls: TlsOptions | null
  secure: SecureContext | null

  /** @throws ELECTION_CONFIG_INVALID if the certificates cannot be used. */
  constructor({ secrets, tls }: Pick<TcpSettings, 'secrets' | 'tls'>) {
    this.#secret = secrets.length > 0
    this.keys = keysOf(secrets)
    this.dials = secrets[0] ?? null
    this.tls = tls
    this.secure = tls === null ? null : secureContext(tls)
  }

  /** Takes what is given, keeps the rest. @throws ELECTION_CONFIG_INVALID; then nothing was changed. */
  reload(credentials: TcpCredentials): void {
    const { secrets, tls } = readCredentials(credentials)
    if (secrets.length > 0 && !this.#secret) throw notConfigured('secret')
    if (tls !== null && this.tls === null) throw notConfigured('tls')
    if (tls !== null) {
      this.secure = secureContext(tls)
      this.tls = tls
    }
    if (secrets.length > 0) {
      this.keys = keysOf(secrets)
      this.dials = secrets[0] ?? null
    }
  }
}

function notConfigured(option: string): ElectionError {
  return new ElectionError(
    'ELECTION_CONFIG_INVALID',
    `reload(): this transport runs without ${option}; authentication cannot be switched on while it runs, restart with tcp({ ${option} })`,
    { details: { option } },
  )
}
