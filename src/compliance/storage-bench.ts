/**
 * The bench under the storage suite: one place, one storage on it, promises instead of callbacks.
 *
 * Decides what an author has to bring (`StorageHarness`); the cases are in `storage.ts`.
 */
import assert from 'node:assert/strict'
import type { DurableChange, DurableState } from '../core/types'
import { type ElectionErrorCode, isElectionError } from '../errors'
import type { Storage, StorageIdentity } from '../ports/storage'

/** How the suite gets at the storage that it judges. */
export interface StorageHarness {
  readonly kind: Storage['kind']
  /** A place of its own on which nothing was ever stored. Called once per case. */
  create(): Promise<StoragePlace> | StoragePlace
}

/** A place where one process keeps its record: a directory, a file, a key. */
export interface StoragePlace {
  /** A new storage on that place, as a newly started process makes it. Not open yet. */
  storage(): Storage
  /** Called after the case, whether it passed or not; every storage has been closed. */
  dispose?(): Promise<void> | void
}

/** The owner of every record that the suite makes. */
export const IDENTITY: StorageIdentity = {
  clusterId: 'compliance',
  nodeId: 'a',
  config: { term: 3, version: 1, termFloor: 7 },
}
/** One place, at most one open storage on it. */
export class Bench {
  private current: Storage | null = null
  private readonly others: Bench[] = []

  constructor(
    readonly harness: StorageHarness,
    private readonly place: StoragePlace,
  ) {}

  /** Another storage on the same place, not open. */
  make(): Storage {
    return this.place.storage()
  }

  /** A bench on another place. */
  async elsewhere(): Promise<Bench> {
    const other = new Bench(this.harness, await this.harness.create())
    this.others.push(other)
    return other
  }

  /** Opens a new storage on the place; it becomes the current one. */
  async open(): Promise<DurableState> {
    this.current = this.make()
    return opening(this.current, IDENTITY)
  }

  /** Writes with the current storage; rejects with its error. */
  async write(change: DurableChange): Promise<void> {
    assert.equal(await this.countWrite(change), 1)
  }

  /** How often the callback came, after giving a second call the time to come. */
  async countWrite(change: DurableChange): Promise<number> {
    let calls = 0
    await new Promise<void>((resolve, reject) => {
      this.current!.write(change, (error) => {
        calls++
        if (error === null) resolve()
        else reject(error)
      })
    })
    await new Promise((resolve) => setImmediate(resolve))
    return calls
  }

  /** Closes the current storage and opens another one on the same place. */
  async restart(): Promise<DurableState> {
    await this.close()
    return this.open()
  }

  /** Closes the current storage, if there is one. */
  async close(): Promise<void> {
    if (this.current !== null) await closing(this.current)
    this.current = null
  }

  /** Closes everything and disposes of the places. */
  async end(): Promise<void> {
    for (const other of this.others) await other.end()
    await this.close()
    await this.place.dispose?.()
  }
}

/** Opens, or rejects with what the storage said. */
export function opening(storage: Storage, identity: StorageIdentity): Promise<DurableState> {
  return new Promise((resolve, reject) => {
    storage.open(identity, (error, state) => {
      if (error !== null) reject(error)
      else if (state === null)
        reject(new assert.AssertionError({ message: 'open gave neither error nor state' }))
      else resolve(state)
    })
  })
}

/** Closes. */
export function closing(storage: Storage): Promise<void> {
  return new Promise((resolve) => storage.close(resolve))
}

/** Asserts that the storage refuses that owner with that code. */
export async function refused(
  storage: Storage,
  identity: StorageIdentity,
  code: ElectionErrorCode,
): Promise<void> {
  await assert.rejects(opening(storage, identity), (error: unknown) => {
    assert.ok(isElectionError(error), `expected ${code}, got ${String(error)}`)
    assert.equal(error.code, code)
    return true
  })
  await closing(storage)
}

/** Comparable: order of entries and prototypes of records do not count. */
export function plain(state: DurableState): unknown {
  const { pins, ...rest } = state.process
  return {
    process: { ...rest, config: { ...rest.config } },
    pins: Object.entries(pins).sort(),
    terms: [...state.terms].sort(),
  }
}
