/**
 * The errors of the library: one class, a code per cause. A leaf: imports nothing.
 *
 * Tell errors apart by `code` or with `isElectionError`, never with `instanceof`: two copies of the package may live in
 * one process.
 */

/** Why an `ElectionError` was made. The README has a row for each: meaning, cause, what to do. */
export type ElectionErrorCode =
  | 'ELECTION_CONFIG_INVALID'
  | 'ELECTION_LEADERSHIP_LOST'
  | 'ELECTION_STORAGE_FAILED'
  | 'ELECTION_STORAGE_LOCKED'
  | 'ELECTION_STORAGE_CORRUPT'
  | 'ELECTION_STORAGE_FOREIGN'
  | 'ELECTION_TRANSPORT_FAILED'
  | 'ELECTION_MESSAGE_INVALID'
  | 'ELECTION_MEMBERSHIP_REFUSED'
  | 'ELECTION_TIMEOUT'
  | 'ELECTION_STOPPED'
  | 'ELECTION_STALE_TOKEN'
  | 'ELECTION_PAUSED'
  | 'ELECTION_INVARIANT'

const BRAND = Symbol.for('conclave.ElectionError')

/** Anything that the library throws or rejects with. */
export class ElectionError extends Error {
  readonly code: ElectionErrorCode
  /** Numbers and names behind the message, safe to log: never a secret, never a buffer. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: ElectionErrorCode,
    message: string,
    options: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'ElectionError'
    this.code = code
    this.details = options.details ?? {}
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** A write was refused because a newer leader's token was seen, or the same token from another holder (R42). */
export class StaleTokenError extends ElectionError {
  constructor(message: string, details: Readonly<Record<string, unknown>>) {
    super('ELECTION_STALE_TOKEN', message, { details })
    this.name = 'StaleTokenError'
  }
}

/** True for an error of this library, also when it comes from another copy of the package. */
export function isElectionError(error: unknown, code?: ElectionErrorCode): error is ElectionError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as Record<symbol, unknown>)[BRAND] === true &&
    (code === undefined || (error as ElectionError).code === code)
  )
}
