/**
 * What every storage owes to the runtime, as cases that any test framework can run.
 *
 * Uses only the port. What it cannot see from outside (a crash in the middle of a write, a lying disk) each author has
 * to test for himself; everything that `ports/storage.ts` promises in words is here.
 * Read next: `../ports/storage.ts`, `storage-bench.ts` (the harness).
 */
import assert from 'node:assert/strict'
import type { ElectionName, ProcessRecord, Term } from '../core/types'
import { Bench, closing, IDENTITY, opening, plain, refused, type StorageHarness } from './storage-bench'

export type { StorageHarness, StoragePlace } from './storage-bench'

/** One promise of the port. `run` rejects with an `AssertionError` when it is broken. */
export interface StorageCase {
  readonly name: string
  run(): Promise<void>
}

/**
 * All cases for a storage of that kind, in no particular order; none depends on another.
 *
 * ```ts
 * for (const { name, run } of storageCompliance({ kind: 'durable', create: () => myPlace() })) test(name, run)
 * ```
 */
export function storageCompliance(harness: StorageHarness): readonly StorageCase[] {
  const cases = [...common, ...(harness.kind === 'durable' ? durable : volatile)]
  return cases.map(([name, body]) => ({ name, run: () => runCase(harness, body) }))
}

type Body = (bench: Bench) => Promise<void>

const TERM_MAX = Number.MAX_SAFE_INTEGER - 1

const common: readonly (readonly [string, Body])[] = [
  [
    'a new record names its owner and the configuration, promises nothing and knows no term',
    async (bench) => {
      const { process, terms } = await bench.open()
      assert.equal(process.format, 1)
      assert.equal(process.clusterId, IDENTITY.clusterId)
      assert.equal(process.nodeId, IDENTITY.nodeId)
      assert.deepEqual({ ...process.config }, IDENTITY.config)
      assert.equal(process.maxPromiseMs, 0)
      assert.deepEqual(Object.keys(process.pins), [])
      assert.equal(terms.size, 0)
    },
  ],
  [
    'R25: the storage id is an id, and two places have different ones',
    async (bench) => {
      const one = await bench.open()
      const other = await (await bench.elsewhere()).open()
      assert.match(one.process.storageId, /^[A-Za-z0-9._-]{1,64}$/)
      assert.notEqual(one.process.storageId, other.process.storageId)
    },
  ],
  ['the kind is what the harness says', async (bench) => assert.equal(bench.make().kind, bench.harness.kind)],
  [
    'each write calls back exactly once, without an error, also an empty one',
    async (bench) => {
      const { process } = await bench.open()
      assert.equal(await bench.countWrite({ terms: new Map() }), 1)
      assert.equal(await bench.countWrite({ process, terms: new Map([['e', 1]]) }), 1)
    },
  ],
  [
    'close calls back each time, before and after open, and twice',
    async (bench) => {
      const storage = bench.make()
      await closing(storage)
      await opening(storage, IDENTITY)
      await closing(storage)
      await closing(storage)
    },
  ],
  [
    'a state that was handed out does not change with later writes',
    async (bench) => {
      const { terms } = await bench.open()
      await bench.write({ terms: new Map([['e', 1]]) })
      assert.equal(terms.size, 0)
    },
  ],
]

const durable: readonly (readonly [string, Body])[] = [
  [
    'A3: what was written is there after a restart, under the same storage id',
    async (bench) => {
      const { process } = await bench.open()
      assert.equal(process.incarnation, 0)
      const next: ProcessRecord = {
        ...process,
        incarnation: 1,
        config: { term: 4, version: 2, termFloor: 9 },
        maxPromiseMs: 2000.25,
        cleanNoPromise: true,
        pins: { b: { storageId: 'x.y-z_1', incarnation: Number.MAX_SAFE_INTEGER } },
      }
      await bench.write({ process: next, terms: new Map([['e', 12]]) })
      assert.deepEqual(plain(await bench.restart()), plain({ process: next, terms: new Map([['e', 12]]) }))
    },
  ],
  [
    'A3: the state after many writes is their sum, restart after restart',
    async (bench) => {
      let { process } = await bench.open()
      const terms = new Map<ElectionName, Term>()
      for (let life = 1; life <= 3; life++) {
        process = { ...process, incarnation: life }
        await bench.write({ process, terms: new Map() })
        for (let i = 0; i < 100; i++) {
          const name = `e${i % 7}`
          terms.set(name, life * 100 + i)
          await bench.write({ terms: new Map([[name, life * 100 + i]]) })
        }
        assert.deepEqual(plain(await bench.restart()), plain({ process, terms }))
      }
    },
  ],
  [
    'R70: one write takes the terms of thousands of elections',
    async (bench) => {
      await bench.open()
      const terms = new Map(Array.from({ length: 5000 }, (_, i) => [`election:${i}`, i] as const))
      await bench.write({ terms })
      assert.deepEqual((await bench.restart()).terms, terms)
    },
  ],
  [
    'R44: the longest names and the largest terms come back as they went',
    async (bench) => {
      const { process } = await bench.open()
      const terms = new Map([
        ['n'.repeat(128), TERM_MAX],
        ['A.z_0:9-', 2 ** 32 + 1],
        ['__proto__', 3],
        ['constructor', 0],
      ])
      const pins = Object.fromEntries(
        ['__proto__', 'i'.repeat(64)].map((id) => [id, { storageId: 's', incarnation: 1 }]),
      )
      const next = { ...process, pins, config: { term: TERM_MAX, version: 1, termFloor: TERM_MAX } }
      await bench.write({ process: next, terms })
      assert.deepEqual(plain(await bench.restart()), plain({ process: next, terms }))
    },
  ],
  [
    'a term never goes down, whatever is written',
    async (bench) => {
      await bench.open()
      await bench.write({ terms: new Map([['e', 9]]) })
      await bench.write({ terms: new Map([['e', 8]]) })
      assert.equal((await bench.restart()).terms.get('e'), 9)
    },
  ],
  [
    'what a caller does to a map after the write does not reach the disk',
    async (bench) => {
      await bench.open()
      const terms = new Map([['e', 1]])
      await bench.write({ terms })
      terms.set('e', 50).set('f', 1)
      await bench.write({ terms: new Map([['g', 2]]) })
      assert.deepEqual([...(await bench.restart()).terms].sort(), [
        ['e', 1],
        ['g', 2],
      ])
    },
  ],
  [
    'A4: a second storage on the same place is refused as long as the first is open, and not longer',
    async (bench) => {
      await bench.open()
      await refused(bench.make(), IDENTITY, 'ELECTION_STORAGE_LOCKED')
      await bench.write({ terms: new Map([['e', 1]]) })
      assert.equal((await bench.restart()).terms.get('e'), 1)
    },
  ],
  [
    'E11: another cluster or another process is refused, and the data stays untouched',
    async (bench) => {
      const { process } = await bench.open()
      await bench.write({ terms: new Map([['e', 5]]) })
      await bench.close()
      await refused(bench.make(), { ...IDENTITY, clusterId: 'other' }, 'ELECTION_STORAGE_FOREIGN')
      await refused(bench.make(), { ...IDENTITY, nodeId: 'b' }, 'ELECTION_STORAGE_FOREIGN')
      assert.deepEqual(plain(await bench.open()), plain({ process, terms: new Map([['e', 5]]) }))
    },
  ],
]

const volatile: readonly (readonly [string, Body])[] = [
  [
    'R28: each start has another storage id and a random incarnation with room above it',
    async (bench) => {
      const lives = [await bench.open(), await bench.restart(), await bench.restart()]
      const incarnations = lives.map(({ process }) => process.incarnation)
      assert.equal(new Set(lives.map(({ process }) => process.storageId)).size, 3)
      assert.equal(new Set(incarnations).size, 3)
      for (const incarnation of incarnations) {
        assert.ok(Number.isSafeInteger(incarnation) && incarnation >= 0 && incarnation < 2 ** 48)
      }
    },
  ],
  [
    'R28: nothing survives a restart',
    async (bench) => {
      const { process } = await bench.open()
      await bench.write({ process: { ...process, maxPromiseMs: 9 }, terms: new Map([['e', 5]]) })
      const after = await bench.restart()
      assert.equal(after.terms.size, 0)
      assert.equal(after.process.maxPromiseMs, 0)
    },
  ],
]

async function runCase(harness: StorageHarness, body: Body): Promise<void> {
  const bench = new Bench(harness, await harness.create())
  try {
    await body(bench)
  } finally {
    await bench.end()
  }
}
