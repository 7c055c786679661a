/**
 * The port of the durable record. What both sides owe stands at `Storage`. Read next: `../storage/file.ts`.
 */
import type { ClusterConfig, DurableChange, DurableState, ProcessId } from '../core/types'
import type { Portable } from './portable'

/**
 * Where a process keeps what it must not forget (A3): one record of the process and one integer per election.
 *
 * What the runtime guarantees: `open` once, before anything else; then `write` one at a time, the next only after the
 * former called back; each write carries everything that changed since the former one; no call after `close`. After a
 * failed write it never writes again and renounces every leadership (R1: an fsync that failed once may lie afterwards).
 * What a storage guarantees: when `done(null)` is called, the change and all former ones survive a crash of the process
 * and of the machine, or their loss is detected by the next `open` (`ELECTION_STORAGE_CORRUPT`). `done` is called
 * exactly once per write, from inside the call or later (callbacks, so that a simulation needs no microtasks). A second
 * process on the same data is refused at `open` (`ELECTION_STORAGE_LOCKED`) as long as the first lives; data of another
 * cluster or process is refused untouched (`ELECTION_STORAGE_FOREIGN`). `open` after `close` starts anew; a `close` during
 * `open` or `write` waits for it.
 */
export interface Storage {
  /** `durable`: survives restarts. `volatile`: every start is amnesia and R28 governs it. */
  readonly kind: 'durable' | 'volatile'
  /** Takes the exclusive lock and reads; creates the record (random `storageId`, incarnation 0) when there is none. */
  open(identity: StorageIdentity, done: (error: Error | null, state: DurableState | null) => void): void
  write(change: DurableChange, done: (error: Error | null) => void): void
  /** Frees the lock. Cannot fail; safe to call twice, each call calls back. */
  close(done: () => void): void
  /** How it is made anew in another thread (`worker: true`). Absent, or null: it cannot be. */
  readonly portable?: Portable | null
}

/** Whose data is to be opened. */
export interface StorageIdentity {
  readonly clusterId: string
  readonly nodeId: ProcessId
  /** Written into a record that is created now. */
  readonly config: Pick<ClusterConfig, 'term' | 'version' | 'termFloor'>
}
