/**
 * Who an operator says it is, and with what it proves it: what its connections to all members have in common (E2, E3).
 *
 * With TLS it is called as its certificate says, since members believe nothing else; otherwise it draws a name. Read next:
 * `tcp-operator.ts`.
 */
import { randomBytes, X509Certificate } from 'node:crypto'
import type { PeerCertificate } from 'node:tls'
import type { ProcessId } from '../core/types'
import type { Greeting } from '../ports/transport'
import { keysOf, type SecretKeys } from './tcp-keys'
import type { TlsOptions } from './tcp-options'
import { memberIds, secureContext } from './tcp-tls'

/** Who an operator is, and how it proves it. */
export interface OperatorMeans {
  readonly cluster: string
  /** The cluster's secret, or null. */
  readonly secret: Buffer | null
  readonly tls: Omit<TlsOptions, 'identity'> | null
}

/** Ids of this operator and its keys, the same for all members. @throws ELECTION_CONFIG_INVALID for unusable certificates. */
export class OperatorIdentity {
  readonly greeting: Greeting
  readonly keys: readonly SecretKeys[]
  readonly secure: ReturnType<typeof secureContext> | null

  constructor({ cluster, secret, tls }: OperatorMeans) {
    const storageId = randomBytes(16).toString('hex')
    this.secure = tls === null ? null : secureContext(tls)
    this.keys = keysOf(secret === null ? [] : [secret])
    this.greeting = {
      clusterId: cluster,
      nodeId: (tls === null ? null : namedBy(tls, cluster)) ?? `operator-${storageId.slice(0, 8)}`,
      storageId,
      incarnation: 1,
      nonce: randomBytes(16).toString('hex'),
      rho: 0,
      deltaMs: 0,
      configTerm: 0,
      configVersion: 0,
    }
  }
}

/** The id that the own certificate gives, or null: then every member will refuse it. */
function namedBy({ cert }: Omit<TlsOptions, 'identity'>, cluster: string): ProcessId | null {
  const [own] = Array.isArray(cert) ? cert : [cert]
  const certificate = new X509Certificate(own as string | Buffer).toLegacyObject() as PeerCertificate
  return memberIds(certificate, cluster)[0] ?? null
}
