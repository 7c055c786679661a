/**
 * A `CasStore` with callbacks instead of promises, so that a simulation of store voters needs no microtasks.
 *
 * Decides nothing: the store votes by what its records say. Read next: `store-voter.ts`.
 */
import type { CasReadResult, CasStore, CasVersion, CasWatch, CasWriteResult } from '../ports/cas-store'

/** What a store voter asks of its store. Each callback comes once, never from inside the call. */
export interface StoreAccess {
  /** All keys at one instant, or one after the other in this order. */
  read(keys: readonly string[], done: (result: CasReadResult) => void): void
  write(key: string, version: CasVersion | null, value: string, done: (result: CasWriteResult) => void): void
  watch(prefix: string, wake: (key: string | null) => void): CasWatch | null
}

/** The callback face of a promised store; a rejection or a throw (which the port forbids) counts as `failed` or `ambiguous`. */
export function accessOf(store: CasStore): StoreAccess {
  return {
    read(keys, done) {
      settled(() => store.read(keys)).then(done, (error: unknown) =>
        done({ kind: 'failed', error: toError(error) }),
      )
    },
    write(key, version, value, done) {
      settled(() => store.write(key, version, value)).then(done, (error: unknown) =>
        done({ kind: 'ambiguous', error: toError(error) }),
      )
    },
    watch: (prefix, wake) => store.watch?.(prefix, wake) ?? null,
  }
}

/** What the store answers with; a rejection if it throws. */
export function settled<T>(call: () => Promise<T>): Promise<T> {
  try {
    return Promise.resolve(call())
  } catch (error) {
    return Promise.reject(error)
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
