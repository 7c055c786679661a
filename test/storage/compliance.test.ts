/**
 * Goal: both storages keep what the port promises. Method: the shipped suite, once per storage; and storages with one
 * fault each, so that the suite itself is known to bite.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { storageCompliance } from '../../src/compliance/storage'
import type { Storage } from '../../src/ports/storage'
import { file, memory } from '../../src/storage'

function filePlace(change: (storage: Storage) => Storage = (storage) => storage) {
  const dir = mkdtempSync(join(tmpdir(), 'conclave-storage-'))
  return {
    storage: () => change(file({ dir })),
    dispose: () => rmSync(dir, { recursive: true, force: true }),
  }
}

describe('file', () => {
  for (const { name, run } of storageCompliance({ kind: 'durable', create: () => filePlace() })) it(name, run)
})

describe('memory', () => {
  for (const { name, run } of storageCompliance({ kind: 'volatile', create: () => ({ storage: memory }) })) {
    it(name, run)
  }
})

/** How many cases a storage with a fault fails. */
async function failures(kind: Storage['kind'], change: (storage: Storage) => Storage): Promise<string[]> {
  const failed: string[] = []
  const create = () => (kind === 'durable' ? filePlace(change) : { storage: () => change(memory()) })
  for (const { name, run } of storageCompliance({ kind, create })) {
    await run().catch(() => failed.push(name))
  }
  return failed
}

/** The storage with some methods replaced. */
function but(storage: Storage, replaced: Partial<Storage>): Storage {
  return {
    kind: storage.kind,
    open: (identity, done) => storage.open(identity, done),
    write: (change, done) => storage.write(change, done),
    close: (done) => storage.close(done),
    ...replaced,
  }
}

describe('the suite', () => {
  it('passes a storage that only wraps a good one', async () => {
    expect(await failures('durable', (storage) => but(storage, {}))).toEqual([])
  })

  it('A3: fails a storage that acknowledges without writing', async () => {
    const lazy = await failures('durable', (good) => but(good, { write: (_change, done) => done(null) }))
    expect(lazy.length).toBeGreaterThanOrEqual(5)
  })

  it('fails a storage that calls back twice', async () => {
    const twice = (good: Storage) =>
      but(good, {
        write: (change, done) =>
          good.write(change, (error) => {
            done(error)
            done(error)
          }),
      })
    expect(await failures('durable', twice)).toContain(
      'each write calls back exactly once, without an error, also an empty one',
    )
  })

  it('A4: fails a storage without a lock, and one that takes any owner', async () => {
    const shared = new Map<string, Storage>()
    const create = () => {
      const key = String(shared.size)
      shared.set(key, keeping())
      return { storage: () => shared.get(key)! }
    }
    const failed: string[] = []
    for (const { name, run } of storageCompliance({ kind: 'durable', create })) {
      await run().catch(() => failed.push(name))
    }
    expect(failed).toContainEqual(expect.stringContaining('A4'))
    expect(failed).toContainEqual(expect.stringContaining('E11'))
  })

  it('R28: fails a volatile storage whose lives look alike', async () => {
    const same = (good: Storage) =>
      but(good, {
        open: (identity, done) =>
          good.open(identity, (error, state) =>
            done(error, {
              terms: state!.terms,
              process: { ...state!.process, incarnation: 1, storageId: 's' },
            }),
          ),
      })
    expect(await failures('volatile', same)).toHaveLength(2)
  })
})

/** Keeps everything, checks nobody. */
function keeping(): Storage {
  const kept = new Map<string, number>()
  let record: Parameters<Parameters<Storage['open']>[1]>[1] = null
  return {
    kind: 'durable',
    open(identity, done) {
      memory().open(identity, (_error, fresh) => {
        record ??= { process: { ...fresh!.process, incarnation: 0 }, terms: new Map() }
        done(null, { process: record.process, terms: new Map(kept) })
      })
    },
    write(change, done) {
      if (change.process !== undefined) record = { process: change.process, terms: new Map() }
      for (const [name, term] of change.terms) kept.set(name, Math.max(term, kept.get(name) ?? 0))
      done(null)
    },
    close: (done) => done(),
  }
}
