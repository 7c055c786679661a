/**
 * Goal: the list of leaderships beside an election's record says what leaders said of themselves, is bounded, and is nobody's
 * business but that of people. Method: several links over one store in memory, on a clock by hand.
 */
import { describe, expect, it } from 'vitest'
import type { CasWriteResult } from '../../src/ports/cas-store'
import type { LedTerm } from '../../src/ports/voter-store'
import { accessOf } from '../../src/stores/access'
import { memoryCas } from '../../src/stores/memory-cas'
import { Keys } from '../../src/stores/records'
import { readPast, StoreHistory } from '../../src/stores/store-history'

const led = (term: number, more: Partial<LedTerm> = {}): LedTerm => ({
  ...{ election: 'job', term, leader: 'a', wonAtMs: 1_000 * term, heldMs: null, reason: null },
  ...more,
})

function lab() {
  const store = memoryCas()
  const timers: (() => void)[] = []
  const troubles: string[] = []
  const clock = {
    now: () => 0,
    setTimer: (_: number, call: () => void) => timers.push(call) as never,
    clearTimer: () => void timers.splice(0),
  }
  const writer = () =>
    new StoreHistory({
      ...{ keys: new Keys('c'), access: accessOf(store), clock, pollMs: 1_000 },
      troubled: ({ message }) => troubles.push(message),
    })
  /** A beat passes for everybody, and all calls are answered. */
  const beat = async (): Promise<void> => {
    for (const call of timers.splice(0)) call()
    await settle()
  }
  const past = async () => (await readPast(store, 'c', 'job')).map(({ term, reason }) => [term, reason])
  return { store, writer, beat, past, troubles, timers }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 200; i++) await Promise.resolve()
}

const closed = (history: StoreHistory): Promise<void> => new Promise((resolve) => history.finish(resolve))

describe('leaderships that a store remembers', () => {
  it('begin a beat after the win, and end with the reason; the store is left alone before', async () => {
    const { writer, beat, past, store } = lab()
    const a = writer()
    a.remember(led(3))
    await settle()
    expect(await past()).toEqual([])
    await beat()
    expect(await past()).toEqual([[3, null]])
    a.remember(led(3, { heldMs: 1_234.4, reason: 'resigned' }))
    await beat()
    expect(await readPast(store, 'c', 'job')).toEqual([
      { term: 3, leader: 'a', wonAtMs: 3_000, heldMs: 1_234, reason: 'resigned' },
    ])
  })

  it('of two leaders at once are both there, in the order of their terms; only the last 16 stay', async () => {
    const { writer, beat, past } = lab()
    const [a, b] = [writer(), writer()]
    b.remember(led(2, { leader: 'b' }))
    a.remember(led(1, { heldMs: 5, reason: 'expired' }))
    await beat()
    expect(await past()).toEqual([
      [1, 'expired'],
      [2, null],
    ])
    for (let term = 3; term <= 20; term++) a.remember(led(term))
    await beat()
    expect((await past()).map(([term]) => term)).toEqual(Array.from({ length: 16 }, (_, i) => i + 5))
  })

  it('that ended with the process are written before it is gone; after a crash nothing is', async () => {
    const { writer, past, timers } = lab()
    const a = writer()
    a.remember(led(1))
    a.remember(led(1, { heldMs: 9, reason: 'stopped' }))
    await closed(a)
    expect(await past()).toEqual([[1, 'stopped']])
    const b = writer()
    b.remember(led(2))
    b.crash()
    expect(timers).toEqual([])
    await closed(writer())
    expect(await past()).toEqual([[1, 'stopped']])
  })

  it('wait for a store that is down, and do not keep a process that ends then', async () => {
    const { writer, beat, past, store } = lab()
    const a = writer()
    const write = store.write
    const down: CasWriteResult = { kind: 'failed', error: new Error('down') }
    store.write = async () => down
    a.remember(led(1))
    await beat()
    await beat()
    expect(await past()).toEqual([])
    store.write = write
    await beat()
    expect(await past()).toEqual([[1, null]])
    store.write = async () => down
    a.remember(led(2))
    await closed(a)
    expect(await past()).toEqual([[1, null]])
  })

  it('are not written over a list of another format, which is told', async () => {
    const { writer, beat, store, troubles } = lab()
    const foreign = '{"format":2}'
    await store.write('c/history/job', null, foreign)
    const a = writer()
    a.remember(led(1))
    await beat()
    const result = await store.read(['c/history/job'])
    expect(result).toMatchObject({ records: [{ value: foreign }] })
    expect(troubles.join()).toContain('not of format 1')
    await expect(readPast(store, 'c', 'job')).rejects.toThrow('not of format 1')
  })
})
