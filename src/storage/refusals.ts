/**
 * The errors of the storages, worded once: what is wrong, with which names, and the way out.
 *
 * Decides nothing. Names that came from a disk are quoted as JSON, so that no control character reaches a terminal (E9).
 */
import { ElectionError } from '../errors'

/** `ELECTION_STORAGE_FAILED`: the operating system refused, or the storage is not in a state to do that. */
export function storageFailed(
  message: string,
  details: Record<string, unknown> = {},
  cause?: unknown,
): ElectionError {
  return new ElectionError(
    'ELECTION_STORAGE_FAILED',
    message,
    cause === undefined ? { details } : { details, cause },
  )
}

/** `ELECTION_STORAGE_CORRUPT`: what was promised may be forgotten; only an operator can decide (R26). */
export function storageCorrupt(dir: string, reason: string): ElectionError {
  return new ElectionError(
    'ELECTION_STORAGE_CORRUPT',
    `The data directory ${quote(dir)} cannot be trusted: ${reason}. Nothing in it was changed. Remove this member from ` +
      'the cluster and add it again with an empty directory; or put the directory back as it was; or delete it, ' +
      'knowing that this is the loss of a disk and that the votes of this member do not count until then (R26).',
    { details: { dir, reason } },
  )
}

/** `ELECTION_STORAGE_FOREIGN`: the directory belongs to somebody else. */
export function storageForeign(
  dir: string,
  found: { readonly clusterId: string; readonly nodeId: string },
  asked: { readonly clusterId: string; readonly nodeId: string },
): ElectionError {
  return new ElectionError(
    'ELECTION_STORAGE_FOREIGN',
    `The data directory ${quote(dir)} belongs to process ${quote(found.nodeId)} of cluster ${quote(found.clusterId)}, ` +
      `but was opened for process ${quote(asked.nodeId)} of cluster ${quote(asked.clusterId)}. Nothing in it was ` +
      'changed. Give each process a directory of its own, or correct the id.',
    {
      details: {
        dir,
        foundCluster: found.clusterId,
        foundNode: found.nodeId,
        askedCluster: asked.clusterId,
        askedNode: asked.nodeId,
      },
    },
  )
}

/** `ELECTION_STORAGE_LOCKED`: another process (or another storage of this one) has the directory open. */
export function storageLocked(dir: string, pid: number | null, holder: unknown): ElectionError {
  const who =
    pid === null
      ? 'another process'
      : pid === process.pid
        ? `process ${pid}, this very one`
        : `process ${pid}`
  return new ElectionError(
    'ELECTION_STORAGE_LOCKED',
    `The directory ${quote(dir)} is in use by ${who}. Two processes must never share one: stop the other, or ` +
      'give this one a directory of its own.',
    { details: { dir, pid, holder } },
  )
}

/** Text of unknown origin, safe to print. Never throws, whatever it is given in place of a text. */
export function quote(text: unknown): string {
  try {
    return (JSON.stringify(text) ?? typeof text).slice(0, 500)
  } catch {
    return `a ${typeof text}`
  }
}
