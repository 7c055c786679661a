/**
 * Cases for compare-and-set stores, one call at a time: records, versions, values.
 *
 * Each tests one promise of `../ports/cas-store.ts` and says so in its name. Read next: `cas-store.ts` (how the cases
 * run), `cas-store-races.ts` (calls that overlap or fail).
 */
import assert from 'node:assert/strict'
import type { CasVersion } from '../ports/cas-store'
import { type CasStoreBody, put, readAll, readOne, refuse } from './cas-store-bench'

/** UTF-8 text of all kinds; U+0000 is not among it: records are JSON, which escapes it. */
const TEXTS = [
  '',
  ' ',
  '{"term":9007199254740990,"holder":"a"}',
  'été, Äpfel, 選挙, 🗳️👩‍👩‍👧, \u202eright to left',
  '\u0001\u001f\u007f\u0085\u2028\ufeff\ufffd\u{10ffff}',
  `line one\nline two\r\n\ttab "double" 'single' \`back\` \\ \\n $1 %s %% {}`,
  `'; DROP TABLE conclave; --`,
  '__proto__',
]

/** The largest value that the library writes. */
const LARGEST = 65_536

/** Records of one store. */
export const RECORDS: Record<string, CasStoreBody> = {
  'the store says what it is': async (bench) => {
    const store = await bench.store()
    assert.match(store.name, /^\S{1,64}$/)
    assert.ok(['survives', 'mayRegress', 'volatile'].includes(store.durability))
    if (store.timeoutMs !== undefined) assert.ok(Number.isSafeInteger(store.timeoutMs) && store.timeoutMs > 0)
    assert.equal(typeof store.watch, bench.harness.watches ? 'function' : 'undefined')
  },

  'preparing is repeatable, also at the same time': async (bench) => {
    const stores = [await bench.store(), await bench.store()]
    await Promise.all(stores.flatMap((store) => [store.prepare?.(), store.prepare?.()]))
    assert.equal(await readOne(stores[0]!, bench.key('a')), null)
  },

  'what was never written is null': async (bench) => {
    assert.deepEqual(await readAll(await bench.store(), [bench.key('a'), bench.key('b')]), [null, null])
  },

  'no keys, no records': async (bench) => {
    assert.deepEqual(await readAll(await bench.store(), []), [])
  },

  'a record that was created is read back with the version that its writer got': async (bench) => {
    const store = await bench.store()
    const version = await put(store, bench.key('a'), null, 'one')
    assert.deepEqual(await readOne(store, bench.key('a')), { version, value: 'one' })
  },

  'what exists cannot be created': async (bench) => {
    const store = await bench.store()
    const version = await put(store, bench.key('a'), null, 'one')
    await refuse(store, bench.key('a'), null)
    assert.deepEqual(await readOne(store, bench.key('a')), { version, value: 'one' })
  },

  'what does not exist cannot be replaced': async (bench) => {
    const store = await bench.store()
    const version = await put(store, bench.key('a'), null, 'one')
    await refuse(store, bench.key('b'), version)
    assert.equal(await readOne(store, bench.key('b')), null)
  },

  'only the present version can be replaced': async (bench) => {
    const store = await bench.store()
    const key = bench.key('a')
    const first = await put(store, key, null, 'one')
    const second = await put(store, key, first, 'two')
    assert.deepEqual(await readOne(store, key), { version: second, value: 'two' })
    await refuse(store, key, first)
    const third = await put(store, key, second, 'three')
    await refuse(store, key, first)
    await refuse(store, key, second)
    assert.deepEqual(await readOne(store, key), { version: third, value: 'three' })
  },

  'a version belongs to its key': async (bench) => {
    const store = await bench.store()
    const a = await put(store, bench.key('a'), null, 'one')
    const b = await put(store, bench.key('b'), null, 'one')
    await refuse(store, bench.key('a'), b)
    await refuse(store, bench.key('b'), a)
  },

  'a version that no store ever gave fits nothing': async (bench) => {
    const store = await bench.store()
    await put(store, bench.key('a'), null, 'one')
    for (const version of [
      '',
      '0',
      '1',
      '-1',
      'x',
      "' OR true --",
      '99999999999999999999',
      '\u{1f5f3}',
      'null',
    ]) {
      await refuse(store, bench.key('a'), version)
      await refuse(store, bench.key('b'), version)
    }
  },

  'R68: the same value written again has a new version': async (bench) => {
    const store = await bench.store()
    const versions = new Set<CasVersion>()
    let version: CasVersion | null = null
    for (let i = 0; i < 20; i++) {
      version = await put(store, bench.key('a'), version, 'the same')
      versions.add(version)
    }
    assert.equal(versions.size, 20)
  },

  'many keys in one read, in their order, absent ones and repeated ones too': async (bench) => {
    const store = await bench.store()
    const keys = Array.from({ length: 300 }, (_, i) => bench.key(String((i * 7) % 150)))
    for (let i = 0; i < 150; i += 2) await put(store, bench.key(String(i)), null, `value ${i}`)
    const expected = keys.map((key) => {
      const i = Number(key.slice(bench.prefix.length))
      return i % 2 === 0 ? `value ${i}` : null
    })
    assert.deepEqual(
      (await readAll(store, keys)).map((record) => record?.value ?? null),
      expected,
    )
  },

  'keys that are prefixes of each other are different keys': async (bench) => {
    const store = await bench.store()
    const names = ['n', 'n1', 'n10', 'n1/x', 'N1', '__proto__', 'constructor', 'a.b-c_d:e']
    for (const name of names) await put(store, bench.key(name), null, name)
    const records = await readAll(
      store,
      names.map((name) => bench.key(name)),
    )
    assert.deepEqual(
      records.map((record) => record?.value),
      names,
    )
  },

  'values are kept to the character': async (bench) => {
    const store = await bench.store()
    let version: CasVersion | null = null
    for (const text of TEXTS) {
      version = await put(store, bench.key('a'), version, text)
      assert.deepEqual(await readOne(store, bench.key('a')), { version, value: text })
    }
  },

  'values of 64 KiB are kept': async (bench) => {
    const store = await bench.store()
    for (const [name, text] of [
      ['a', 'x'.repeat(LARGEST)] as const,
      ['b', '🗳'.repeat(LARGEST / 4)] as const,
    ]) {
      const version = await put(store, bench.key(name), null, text)
      assert.deepEqual(await readOne(store, bench.key(name)), { version, value: text })
    }
  },
}

/** Records that somebody deleted. */
export const REMOVAL: Record<string, CasStoreBody> = {
  'R68: versions do not come back after a deletion': async (bench) => {
    const store = await bench.store()
    const seen = new Set<CasVersion>()
    for (let life = 0; life < 5; life++) {
      let version: CasVersion | null = null
      for (let i = 0; i < 3; i++) {
        version = await put(store, bench.key('a'), version, 'value')
        assert.ok(!seen.has(version), 'a version came twice')
        seen.add(version)
      }
      await bench.harness.remove!(bench.key('a'))
      assert.equal(await readOne(store, bench.key('a')), null)
      for (const old of seen) await refuse(store, bench.key('a'), old)
    }
  },
}
