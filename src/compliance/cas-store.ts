/**
 * What every compare-and-set store owes to its store voter, as cases that any test framework can run.
 *
 * Uses only the port; each case has keys of its own, so the store may be shared and full of other things. What no case
 * can show (that acknowledged writes survive a crash, that an answer that got lost is `ambiguous`) is for the author's own
 * tests, with a real server. Read next: `../ports/cas-store.ts`, `cas-store-cases.ts`, `../stores/memory-cas.ts`.
 */
import type { CasStore } from '../ports/cas-store'
import { CasStoreBench, type CasStoreBody } from './cas-store-bench'
import { RECORDS, REMOVAL } from './cas-store-cases'
import { CONCURRENT, FAILURES, WATCH } from './cas-store-races'

/** How the suite gets at the store under test. */
export interface CasStoreHarness {
  /** A store that is ready for use. All that one harness makes see the same records. */
  create(): CasStore | Promise<CasStore>
  /** Called for each store at the end of its case. */
  destroy?(store: CasStore): void | Promise<void>
  /** Deletes a record behind the store's back; without it the cases of removal are missing. */
  readonly remove?: (key: string) => void | Promise<void>
  /**
   * Lets every call of these stores fail (refused or unanswered connections), until the returned function is called;
   * without it the cases of failure are missing. Cases must not run concurrently then.
   */
  readonly breakConnection?: () => Promise<() => void | Promise<void>>
  /** The store has `watch`. `false` leaves its cases out. */
  readonly watches: boolean
}

/** One promise of the port. `run` rejects with an `AssertionError` when it is broken. */
export interface CasStoreCase {
  readonly name: string
  run(): Promise<void>
}

/**
 * All cases for a store; none depends on another.
 *
 * ```ts
 * for (const { name, run } of casStoreCompliance({ create: () => myStore(), watches: false })) test(name, run)
 * ```
 */
export function casStoreCompliance(harness: CasStoreHarness): readonly CasStoreCase[] {
  const cases: Record<string, CasStoreBody> = {
    ...RECORDS,
    ...CONCURRENT,
    ...(harness.remove === undefined ? {} : REMOVAL),
    ...(harness.watches ? WATCH : {}),
    ...(harness.breakConnection === undefined ? {} : FAILURES),
  }
  return Object.entries(cases).map(([name, body]) => ({ name, run: () => runCase(harness, body) }))
}

async function runCase(harness: CasStoreHarness, body: CasStoreBody): Promise<void> {
  const bench = new CasStoreBench(harness)
  try {
    await body(bench)
  } finally {
    await bench.close()
  }
}
