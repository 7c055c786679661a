/**
 * Cases for compare-and-set stores, several parties: writers at once, wake-ups, a store that cannot be reached.
 *
 * Read next: `cas-store.ts` (how the cases run), `cas-store-cases.ts` (one call at a time).
 */
import assert from 'node:assert/strict'
import type { CasVersion, CasWriteResult } from '../ports/cas-store'
import { type CasStoreBody, eventually, put, readOne } from './cas-store-bench'

/** Two stores over the same records. */
export const CONCURRENT: Record<string, CasStoreBody> = {
  'what one acknowledged, the other reads at once': async (bench) => {
    const [a, b] = [await bench.store(), await bench.store()]
    let version: CasVersion | null = null
    for (let i = 0; i < 50; i++) {
      version = await put(i % 2 === 0 ? a : b, bench.key('a'), version, String(i))
      assert.deepEqual(await readOne(i % 2 === 0 ? b : a, bench.key('a')), { version, value: String(i) })
    }
  },

  'of concurrent writes on one version exactly one is applied, a hundred times': async (bench) => {
    const stores = [await bench.store(), await bench.store()]
    let version: CasVersion | null = null
    for (let round = 0; round < 100; round++) {
      const results: CasWriteResult[] = await Promise.all(
        Array.from({ length: 6 }, (_, i) => stores[i % 2]!.write(bench.key('a'), version, `${round} ${i}`)),
      )
      const winner = results.findIndex((result) => result.kind === 'ok')
      const losers = results.filter((_, i) => i !== winner)
      assert.ok(winner >= 0, 'one is applied')
      assert.ok(
        losers.every(({ kind }) => kind === 'conflict' || kind === 'failed'),
        'the others are not',
      )
      const won = results[winner] as { version: CasVersion }
      assert.deepEqual(await readOne(stores[0]!, bench.key('a')), {
        version: won.version,
        value: `${round} ${winner}`,
      })
      version = won.version
    }
  },

  'no update is lost': async (bench) => {
    const stores = [await bench.store(), await bench.store()]
    await put(stores[0]!, bench.key('a'), null, '0')
    const increments = stores.map(async (store) => {
      for (let done = 0, attempts = 0; done < 25; attempts++) {
        assert.ok(attempts < 2_000, 'somebody always gets through')
        const record = await readOne(store, bench.key('a'))
        const result = await store.write(bench.key('a'), record!.version, String(Number(record!.value) + 1))
        if (result.kind === 'ok') done += 1
        else assert.ok(result.kind === 'conflict' || result.kind === 'failed', result.kind)
      }
    })
    await Promise.all(increments)
    assert.equal((await readOne(stores[0]!, bench.key('a')))?.value, '50')
  },
}

/** Wake-ups. */
export const WATCH: Record<string, CasStoreBody> = {
  'a write under the prefix wakes, by another store too': async (bench) => {
    const [store, other] = [await bench.store(), await bench.store()]
    const woken: (string | null)[] = []
    const watch = store.watch!(bench.key('w/'), (key) => woken.push(key))
    try {
      let version: CasVersion | null = null
      await eventually('the watch stands', async () => {
        version = await put(other, bench.key('w/a'), version, 'value')
        return woken.includes(bench.key('w/a'))
      })
      await put(other, bench.key('elsewhere'), null, 'value')
      await put(store, bench.key('w/b'), null, 'value')
      await eventually('woken by a write', () => woken.includes(bench.key('w/b')))
      assert.ok(!woken.includes(bench.key('elsewhere')))
    } finally {
      watch.stop()
    }
  },

  'a watch that was stopped hears nothing more, others do': async (bench) => {
    const store = await bench.store()
    const stopped: (string | null)[] = []
    const woken: (string | null)[] = []
    const watches = [stopped, woken].map((heard) => store.watch!(bench.prefix, (key) => heard.push(key)))
    try {
      let version: CasVersion | null = null
      await eventually('both watches stand', async () => {
        version = await put(store, bench.key('a'), version, 'value')
        return [stopped, woken].every((heard) => heard.includes(bench.key('a')))
      })
      watches[0]!.stop()
      watches[0]!.stop()
      stopped.length = 0
      await put(store, bench.key('b'), null, 'value')
      await eventually('the other one is woken', () => woken.includes(bench.key('b')))
      assert.ok(!stopped.includes(bench.key('b')))
    } finally {
      for (const watch of watches) watch.stop()
    }
  },

  'a watch can be stopped before it stands': async (bench) => {
    const store = await bench.store()
    const stopped: (string | null)[] = []
    const woken: (string | null)[] = []
    for (let i = 0; i < 5; i++) {
      const watch = store.watch!(bench.prefix, (key) => stopped.push(key))
      watch.stop()
      watch.stop()
    }
    const last = store.watch!(bench.prefix, (key) => woken.push(key))
    try {
      let version: CasVersion | null = null
      await eventually('the one that was not stopped is woken', async () => {
        version = await put(store, bench.key('a'), version, 'value')
        return woken.includes(bench.key('a'))
      })
      assert.deepEqual(stopped, [])
    } finally {
      last.stop()
    }
  },
}

/** A store that cannot be reached. */
export const FAILURES: Record<string, CasStoreBody> = {
  'R47: calls that fail are results, in time, and nothing is broken afterwards': async (bench) => {
    const store = await bench.store()
    const version = await put(store, bench.key('a'), null, 'before')
    const heal = await bench.harness.breakConnection!()
    let lost: CasWriteResult
    try {
      const startedAt = performance.now()
      const read = await store.read([bench.key('a')])
      assert.equal(read.kind, 'failed')
      lost = await store.write(bench.key('a'), version, 'meanwhile')
      assert.ok(lost.kind === 'failed' || lost.kind === 'ambiguous', lost.kind)
      const creation = await store.write(bench.key('b'), null, 'meanwhile')
      assert.ok(creation.kind === 'failed' || creation.kind === 'ambiguous', creation.kind)
      // Three calls, and as much again for a machine that is busy with other things.
      assert.ok(
        performance.now() - startedAt < 6 * (store.timeoutMs ?? 1_000),
        'no call takes longer than its time-out',
      )
    } finally {
      await heal()
    }
    await eventually(
      'the store answers again',
      async () => (await store.read([bench.key('a')])).kind === 'ok',
    )
    const survived = await readOne(store, bench.key('a'))
    assert.ok(survived !== null, 'what was acknowledged is still there')
    if (lost.kind === 'failed') assert.deepEqual(survived, { version, value: 'before' })
    // What was ambiguous may be applied at any time, so the first attempt may find another version.
    await eventually('the store takes writes again', async () => {
      const record = await readOne(store, bench.key('a'))
      return (await store.write(bench.key('a'), record!.version, 'after')).kind === 'ok'
    })
    assert.equal((await readOne(store, bench.key('a')))?.value, 'after')
  },
}
