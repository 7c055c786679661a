/**
 * Goal: `spread: true` evens out who leads how many, and then rests. Method: the arithmetic over many members that all decide at
 * once; and three processes on manual time of which one led everything.
 */
import { describe, expect, it } from 'vitest'
import { createElector } from '../../src/runtime/create'
import { surplusOf } from '../../src/runtime/spread'
import { memoryCas } from '../../src/stores/memory-cas'
import { storeVoter } from '../../src/stores/voter'
import { Bench, TIMING } from './harness'

const { promiseMs } = TIMING

/** All members look at the same moment and hand over what they find, again and again; the moves of each round. */
function rounds(counts: Record<string, number>): { moves: number[]; led: Map<string, number> } {
  const led = new Map(Object.entries(counts))
  const members = [...led.keys()]
  const moves: number[] = []
  for (let i = 0; i < 1_000; i++) {
    const plans = members.flatMap((self) => {
      const plan = surplusOf(led, members, self)
      return plan === null ? [] : [{ self, ...plan }]
    })
    if (plans.length === 0) break
    for (const { self, to, count } of plans) {
      led.set(self, (led.get(self) ?? 0) - count)
      led.set(to, (led.get(to) ?? 0) + count)
    }
    moves.push(plans.reduce((sum, { count }) => sum + count, 0))
  }
  return { moves, led }
}

describe('the share of each', () => {
  it.each([
    [{ a: 300, b: 0, c: 0 }],
    [{ a: 0, b: 500, c: 500, d: 0, e: 0 }],
    [{ a: 9_631, b: 369, c: 0 }],
    [{ a: 7, b: 0, c: 0 }],
  ])('%j is evened out to within the slack, and then nothing moves', (counts: Record<string, number>) => {
    const { moves, led } = rounds(counts)
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
    const share = Math.ceil(total / led.size)
    expect(moves.length).toBeGreaterThan(0)
    expect(moves.length).toBeLessThan(200)
    for (const count of led.values()) expect(count).toBeLessThanOrEqual(share + Math.max(2, share / 10))
    expect(
      moves.reduce((sum, count) => sum + count, 0),
      'nothing moves twice',
    ).toBeLessThanOrEqual(total)
  })

  it('a small difference moves nothing, nor does one that nobody can take', () => {
    expect(surplusOf(new Map(Object.entries({ a: 5, b: 3, c: 3 })), ['a', 'b', 'c'], 'a')).toBeNull()
    expect(surplusOf(new Map([['a', 50]]), ['a'], 'a')).toBeNull()
  })
})

describe('spread: true', () => {
  it('a process that led everything hands over until each leads about its share, then rests', async () => {
    const bench = new Bench()
    const processes = ['a', 'b', 'c'].map((id) => bench.process(id, { spread: true }))
    await bench.start(...processes)
    const names = Array.from({ length: 12 }, (_, i) => `e${i}`)
    const open = (i: number) => names.map((name) => processes[i]?.elector.election(name))
    const first = open(0)
    await bench.world.run(500)
    expect(first.filter((election) => election?.isLeader())).toHaveLength(12)
    const all = [first, open(1), open(2)]
    const led = () => all.map((elections) => elections.filter((election) => election?.isLeader()).length)
    await bench.world.run(30 * promiseMs)
    expect(led().reduce((sum, count) => sum + count, 0)).toBe(12)
    for (const count of led()) expect(count).toBeLessThanOrEqual(6)
    let moved = 0
    for (const { elector } of processes) elector.on('revoked', () => moved++)
    await bench.world.run(20 * promiseMs)
    expect(moved).toBe(0)
  })

  it('is refused where only stores vote', () => {
    const voters = storeVoter(memoryCas())
    expect(() => createElector({ cluster: 'c', id: 'a', voters, spread: true })).toThrow(
      /spread: where only stores vote/,
    )
  })
})
