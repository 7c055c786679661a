/**
 * Mutual TLS: contexts from PEM, and whose certificate it is (E2).
 *
 * Decides what a certificate allows its holder to call itself; never whether the certificate is genuine, which is for TLS
 * to say (`rejectUnauthorized` is always on). Read next: `tcp-listener.ts`, `tcp-peer.ts`.
 */
import { constants } from 'node:crypto'
import {
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls'
import type { ProcessId } from '../core/types'
import { ElectionError } from '../errors'
import type { TlsOptions } from './tcp-options'

/** The options of both directions. Session tickets are off: a resumed session would not show its certificate to a new CA. */
export function secureContextOptions(options: TlsOptions): SecureContextOptions {
  return {
    ca: options.ca as NonNullable<SecureContextOptions['ca']>,
    cert: options.cert as NonNullable<SecureContextOptions['cert']>,
    key: options.key as NonNullable<SecureContextOptions['key']>,
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}

/** @throws ELECTION_CONFIG_INVALID if the PEM texts cannot be read or do not belong together. */
export function secureContext(options: TlsOptions): SecureContext {
  try {
    return createSecureContext(secureContextOptions(options))
  } catch (error) {
    throw new ElectionError(
      'ELECTION_CONFIG_INVALID',
      `tls: the certificates cannot be used (${(error as Error).message}); check that ca, cert and key are PEM and that key belongs to cert`,
      { cause: error, details: { option: 'tls' } },
    )
  }
}

const MEMBER_URI = /^URI:conclave:\/\/([A-Za-z0-9._-]{1,64})\/([A-Za-z0-9._-]{1,64})$/

/**
 * The process ids that the holder of a certificate may claim in a cluster. If the certificate has URI names
 * `conclave://<cluster>/<nodeId>`, then those of this cluster and nothing else; otherwise its only common name.
 * Never throws.
 */
export function memberIds(certificate: PeerCertificate, clusterId: string): readonly ProcessId[] {
  // Node quotes a name that contains a comma, so no part of one can pass for a name of its own.
  const names = (certificate.subjectaltname ?? '').split(', ')
  if (names.some((name) => /^URI:"?conclave:/i.test(name))) {
    return names.flatMap((name) => {
      const found = MEMBER_URI.exec(name)
      return found !== null && found[1] === clusterId ? [found[2] as ProcessId] : []
    })
  }
  const common: unknown = certificate.subject?.CN
  return typeof common === 'string' ? [common] : []
}

/** May the holder of this certificate call itself `claimed`? Asks the user's function if there is one. Never throws. */
export function mayClaim(
  certificate: PeerCertificate | null,
  clusterId: string,
  claimed: ProcessId,
  identity: TlsOptions['identity'],
): boolean {
  if (certificate === null || certificate.subject === undefined) return false
  if (identity === undefined) return memberIds(certificate, clusterId).includes(claimed)
  try {
    return identity(certificate) === claimed
  } catch {
    return false
  }
}
