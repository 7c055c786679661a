/**
 * A store that can compare and set: PostgreSQL, Redis, etcd, or anything alike. Holds the records of a store voter (R45-R51, R66-R68).
 *
 * What the library guarantees: writes of one process to one key are serial; it never deletes a record; values are UTF-8
 * text of at most 64 KiB; after `ambiguous` it reads before it decides anything (R47).
 * What a store guarantees: `read` is from the primary, sees every acknowledged write, and reads all keys at one instant or
 * one after the other in their order (R68 depends on it); `write` applies iff the version is still the one given (`null` =
 * the key does not exist) and does so atomically; a version is never used twice for a key, not even after a deletion
 * (R68); no call takes longer than its time-out; every failure is one of the typed results, never a rejection or a throw,
 * and whatever may have been applied is `ambiguous`.
 */
export interface CasStore {
  /** Short name for messages and `status()`: `postgres`, `redis`, `etcd`. */
  readonly name: string
  /** What a fail-over or restart of the store can lose, for `status().tokenDurability` (R48). */
  readonly durability: StoreDurability
  /** Longest duration of one call, milliseconds; D should be at least four of them (A.10.6). Absent: answers at once. */
  readonly timeoutMs?: number
  read(keys: readonly string[]): Promise<CasReadResult>
  write(key: string, version: CasVersion | null, value: string): Promise<CasWriteResult>
  /** Calls back, soon and more than once, after a key under the prefix may have changed. Only wakes: nothing depends on it. */
  watch?(prefix: string, wake: (key: string | null) => void): CasWatch
  /** Prepares the store (tables, scripts) if it needs that; idempotent. Rejects with `ELECTION_STORAGE_FAILED`. */
  prepare?(): Promise<void>
}

/** Opaque version of a record: unequal for any two states of a key. */
export type CasVersion = string

/** One record. */
export interface CasRecord {
  readonly version: CasVersion
  readonly value: string
}

/** `records[i]` belongs to `keys[i]`; `null` = absent. */
export type CasReadResult =
  | { readonly kind: 'ok'; readonly records: readonly (CasRecord | null)[] }
  | { readonly kind: 'failed'; readonly error: Error }

/** `ambiguous`: it may or may not have been applied, now or later (R47). `failed`: it was certainly not applied. */
export type CasWriteResult =
  | { readonly kind: 'ok'; readonly version: CasVersion }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'ambiguous'; readonly error: Error }
  | { readonly kind: 'failed'; readonly error: Error }

/** `survives`: acknowledged writes survive a fail-over. `mayRegress`: an asynchronous replica or a restart may lose some (R48). */
export type StoreDurability = 'survives' | 'mayRegress' | 'volatile'

/** Ends a watch; idempotent. */
export interface CasWatch {
  stop(): void
}
