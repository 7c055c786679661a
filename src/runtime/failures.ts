/** Errors of adapters, turned into the library's own; those that already are stay as they are. A leaf. */
import { ElectionError, isElectionError } from '../errors'

/** ELECTION_STORAGE_FAILED. */
export function storageError(error: Error): ElectionError {
  if (isElectionError(error)) return error
  return new ElectionError('ELECTION_STORAGE_FAILED', `a write to the storage failed: ${error.message}`, {
    cause: error,
  })
}

/** ELECTION_TRANSPORT_FAILED. */
export function transportError(error: Error): ElectionError {
  if (isElectionError(error)) return error
  return new ElectionError('ELECTION_TRANSPORT_FAILED', `the transport failed: ${error.message}`, {
    cause: error,
  })
}

/** ELECTION_STOPPED. */
export function stoppedError(): ElectionError {
  return new ElectionError('ELECTION_STOPPED', 'this process, or this election of it, was stopped')
}
