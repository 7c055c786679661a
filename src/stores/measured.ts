/**
 * Counts and times the calls of one link to its store, for `status()` and the logs. Decides nothing.
 *
 * Read next: `access.ts`, `store-voter.ts`.
 */
import type { Clock } from '../ports/clock'
import type { VoterLinkStats } from '../ports/voter-store'
import type { StoreAccess } from './access'

/** A `StoreAccess` that keeps accounts. */
export interface MeasuredAccess extends StoreAccess {
  stats(): VoterLinkStats
  /** Something that the store said cannot be used: as bad as no answer. */
  noteError(error: Error): void
}

/** Puts the accounts around an access. */
export function measured(access: StoreAccess, clock: Pick<Clock, 'now'>): MeasuredAccess {
  let reads = 0
  let writes = 0
  let failures = 0
  let lastError: string | null = null
  let roundTripMs: number | null = null
  const noteError = (error: Error): void => {
    failures += 1
    lastError = error.message
  }
  const answered = (sentAt: number): void => {
    lastError = null
    roundTripMs = Math.round((clock.now() - sentAt) * 100) / 100
  }
  return {
    noteError,
    read(keys, done) {
      reads += 1
      const sentAt = clock.now()
      access.read(keys, (result) => {
        if (result.kind === 'failed') noteError(result.error)
        else answered(sentAt)
        done(result)
      })
    },
    write(key, version, value, done) {
      writes += 1
      const sentAt = clock.now()
      access.write(key, version, value, (result) => {
        if (result.kind === 'ok' || result.kind === 'conflict') answered(sentAt)
        else noteError(result.error)
        done(result)
      })
    },
    watch: (prefix, wake) => access.watch(prefix, wake),
    stats: () => ({
      reachable: roundTripMs !== null && lastError === null,
      lastError,
      roundTripMs,
      reads,
      writes,
      failures,
    }),
  }
}
