/**
 * What the cases of the compare-and-set suite stand on: stores, keys that nobody else uses, and calls that must succeed.
 *
 * Decides nothing about stores. Read next: `cas-store.ts`, `cas-store-cases.ts`.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { CasRecord, CasStore, CasVersion } from '../ports/cas-store'
import type { CasStoreHarness } from './cas-store'

/** One case. */
export type CasStoreBody = (bench: CasStoreBench) => Promise<void>

/** How long the suite waits for what a store does by itself (wake-ups, connecting again), milliseconds. */
const PATIENCE_MS = 10_000

/** Stores and keys of one case. */
export class CasStoreBench {
  readonly harness: CasStoreHarness
  /** All keys of this case begin with it. */
  readonly prefix = `compliance/${randomUUID()}/`
  readonly #made: CasStore[] = []

  constructor(harness: CasStoreHarness) {
    this.harness = harness
  }

  async store(): Promise<CasStore> {
    const store = await this.harness.create()
    this.#made.push(store)
    return store
  }

  key(name: string): string {
    return this.prefix + name
  }

  async close(): Promise<void> {
    for (const store of this.#made) await this.harness.destroy?.(store)
  }
}

/** The records of a read that has to succeed. */
export async function readAll(
  store: CasStore,
  keys: readonly string[],
): Promise<readonly (CasRecord | null)[]> {
  const result = await store.read(keys)
  if (result.kind === 'failed') throw result.error
  assert.equal(result.records.length, keys.length, 'one record or null for each key')
  return result.records
}

/** One record. */
export async function readOne(store: CasStore, key: string): Promise<CasRecord | null> {
  return (await readAll(store, [key]))[0] ?? null
}

/** The version of a write that has to succeed. */
export async function put(
  store: CasStore,
  key: string,
  version: CasVersion | null,
  value: string,
): Promise<CasVersion> {
  const result = await store.write(key, version, value)
  if (result.kind === 'ok') return result.version
  throw 'error' in result
    ? result.error
    : new assert.AssertionError({ message: `${result.kind} instead of ok` })
}

/** A write that has to be refused because another version stands. */
export async function refuse(store: CasStore, key: string, version: CasVersion | null): Promise<void> {
  assert.deepEqual(await store.write(key, version, 'must not be written'), { kind: 'conflict' })
}

/** Polls until `probe` is true. */
export async function eventually(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!(await probe())) {
    if (performance.now() > end)
      throw new assert.AssertionError({ message: `not within ${PATIENCE_MS} ms: ${what}` })
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
