/**
 * Checks of the options that the store adapters share.
 *
 * Decides nothing else. Read next: `postgres.ts`, `redis.ts`, `etcd.ts`.
 */
import { ElectionError } from '../errors'
import type { StoreDurability } from '../ports/cas-store'

/** Options that every adapter has. */
export interface StoreOptions {
  /**
   * Longest duration of one call, milliseconds. Default 1,000; D should be at least four of them (A.10.6). Too small: slow
   * answers count as lost and cost a further read each (R47); too large: fewer attempts fit into a lease.
   */
  readonly timeoutMs?: number
  /**
   * What the operation of this store can lose (R48); each adapter states its default. Shown in `status()`. Claiming
   * `survives` where a fail-over may lose acknowledged writes lets a token come twice after it.
   */
  readonly durability?: StoreDurability
}

/** Default of `timeoutMs`. */
export const STORE_TIMEOUT_MS = 1_000

/** Longest time that a timer of Node.js can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** @throws ELECTION_CONFIG_INVALID: an option that does not exist, or a value out of its range. */
export function checkStoreOptions(store: string, options: StoreOptions, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (key !== 'timeoutMs' && key !== 'durability' && !known.includes(key)) {
      throw invalidOption(`unknown option ${JSON.stringify(key.slice(0, 60))} of ${store}()`)
    }
  }
  const { timeoutMs = STORE_TIMEOUT_MS, durability = 'survives' } = options
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > LONGEST_TIMER_MS) {
    const given = typeof timeoutMs === 'number' ? timeoutMs : `a ${typeof timeoutMs}`
    throw invalidOption(
      `timeoutMs of ${store}() must be a whole number, 1..${LONGEST_TIMER_MS}, not ${given}`,
    )
  }
  if (!['survives', 'mayRegress', 'volatile'].includes(durability)) {
    const given =
      typeof durability === 'string' ? `'${(durability as string).slice(0, 60)}'` : `a ${typeof durability}`
    throw invalidOption(
      `durability of ${store}() must be 'survives', 'mayRegress' or 'volatile', not ${given}`,
    )
  }
}

/**
 * Passes a key prefix on: `/^[A-Za-z0-9._:/-]{0,128}$/`, so that it needs no quoting anywhere.
 *
 * @throws ELECTION_CONFIG_INVALID
 */
export function checkPrefix(store: string, prefix: string): string {
  if (typeof prefix === 'string' && /^[A-Za-z0-9._:/-]{0,128}$/.test(prefix)) return prefix
  throw invalidOption(`prefix of ${store}() must match /^[A-Za-z0-9._:/-]{0,128}$/`)
}

/** An ELECTION_CONFIG_INVALID. */
export function invalidOption(message: string): ElectionError {
  return new ElectionError('ELECTION_CONFIG_INVALID', message)
}
