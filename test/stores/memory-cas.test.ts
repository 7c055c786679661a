/**
 * Goal: the store in memory keeps the port's promises, and the compliance suite can fail. Method: the suite, run on the
 * store and on stores that break one promise each.
 */
import { describe, expect, it } from 'vitest'
import { casStoreCompliance } from '../../src/compliance/cas-store'
import type { CasStore, CasWriteResult } from '../../src/ports/cas-store'
import { type MemoryCas, memoryCas } from '../../src/stores/memory-cas'

/** One store for all that a case makes, as two processes would share one server. */
function harnessOf(make: () => MemoryCas, disguise: (store: MemoryCas) => CasStore = (store) => store) {
  const store = make()
  return { create: () => disguise(store), remove: (key: string) => store.remove(key), watches: true }
}

/** A store that answers like `store`, but for what is replaced. */
function but(store: MemoryCas, replaced: Partial<CasStore>): CasStore {
  return {
    name: store.name,
    durability: store.durability,
    read: (keys) => store.read(keys),
    write: (key, version, value) => store.write(key, version, value),
    watch: (prefix, wake) => store.watch!(prefix, wake),
    ...replaced,
  }
}

async function versionOf(store: CasStore, key: string): Promise<string | null> {
  const read = await store.read([key])
  return read.kind === 'ok' ? (read.records[0]?.version ?? null) : null
}

/** Writes whatever stands there. */
async function overwrite(store: CasStore, key: string, value: string): Promise<CasWriteResult> {
  for (;;) {
    const result = await store.write(key, await versionOf(store, key), value)
    if (result.kind === 'ok') return result
  }
}

/** Names of the cases that such a store fails. */
async function failuresOf(disguise: (store: MemoryCas) => CasStore): Promise<string[]> {
  const failed: string[] = []
  for (const { name, run } of casStoreCompliance(harnessOf(memoryCas, disguise))) {
    await run().catch(() => failed.push(name))
  }
  return failed
}

describe('the store in memory', () => {
  for (const { name, run } of casStoreCompliance(harnessOf(memoryCas))) it(name, run)
})

describe('the suite notices', () => {
  const cases: Record<string, readonly [RegExp, (store: MemoryCas) => CasStore]> = {
    'a write that does not compare': [
      /only the present version/,
      (store) => but(store, { write: (key, _version, value) => overwrite(store, key, value) }),
    ],
    'a comparison that is not atomic': [
      /exactly one/,
      (store) =>
        but(store, {
          async write(key, version, value) {
            if ((await versionOf(store, key)) !== version) return { kind: 'conflict' }
            return overwrite(store, key, value)
          },
        }),
    ],
    'versions that are the value': [
      /R68: the same value/,
      (store) => {
        const versions = new Map<string, string>()
        const tagOf = (value: string) => `tag of ${value}`
        return but(store, {
          async read(keys) {
            const read = await store.read(keys)
            if (read.kind !== 'ok') return read
            const records = read.records.map((one) => one && { version: tagOf(one.value), value: one.value })
            records.forEach((one, i) => {
              const version = read.records[i]?.version
              if (one && version !== undefined) versions.set(`${keys[i]} ${one.version}`, version)
            })
            return { kind: 'ok', records }
          },
          async write(key, version, value) {
            const real = version === null ? null : (versions.get(`${key} ${version}`) ?? 'none')
            const written = await store.write(key, real, value)
            if (written.kind !== 'ok') return written
            versions.set(`${key} ${tagOf(value)}`, written.version)
            return { kind: 'ok', version: tagOf(value) }
          },
        })
      },
    ],
    'reads that are old': [
      /reads at once/,
      (store) => {
        let before: string | null = null
        return but(store, {
          async read(keys) {
            const read = await store.read(keys)
            if (read.kind !== 'ok' || keys.length !== 1) return read
            const value = read.records[0]?.value ?? null
            const stale = before
            before = value
            return stale === null ? read : { kind: 'ok', records: [{ version: 'old', value: stale }] }
          },
        })
      },
    ],
    'records in another order': [
      /in their order/,
      (store) => but(store, { read: (keys) => store.read([...keys].sort()) }),
    ],
    'values that are cut': [
      /64 KiB/,
      (store) =>
        but(store, { write: (key, version, value) => store.write(key, version, value.slice(0, 65_535)) }),
    ],
    'a watch that does not stop': [
      /hears nothing more/,
      (store) =>
        but(store, {
          watch(prefix, wake) {
            store.watch!(prefix, wake)
            return { stop() {} }
          },
        }),
    ],
  }
  for (const [what, [expected, disguise]] of Object.entries(cases)) {
    it(what, async () => expect(await failuresOf(disguise)).toContainEqual(expect.stringMatching(expected)))
  }
})
