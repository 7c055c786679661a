/** Goal: chance that is the same everywhere and evenly spread. Method: known sequences and crude statistics. */
import { describe, expect, it } from 'vitest'
import { Random } from '../../src/simulation/random'

describe('the generator of a simulation', () => {
  it('gives the same sequence for the same seed, on every machine', () => {
    const random = new Random(42)
    expect(Array.from({ length: 4 }, () => random.next())).toEqual([
      182880509, 3008686201, 3775342264, 1518397874,
    ])
  })

  it('gives other sequences for neighbouring seeds', () => {
    const firsts = new Set(Array.from({ length: 1000 }, (_, seed) => new Random(seed).next()))
    expect(firsts.size).toBe(1000)
  })

  it('spreads numbers evenly', () => {
    const random = new Random(7)
    const buckets = new Array<number>(16).fill(0)
    for (let i = 0; i < 160_000; i++) {
      const index = Math.floor(random.unit() * 16)
      buckets[index] = (buckets[index] ?? 0) + 1
    }
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(400)
  })

  it('keeps its bounds', () => {
    const random = new Random(3)
    for (let i = 0; i < 1000; i++) {
      expect([2, 3, 4]).toContain(random.integer(2, 4))
      const number = random.between(-1, 1)
      expect(number >= -1 && number < 1).toBe(true)
    }
    expect(random.hex(32)).toMatch(/^[0-9a-f]{32}$/)
  })

  it('draws nothing for what is certain', () => {
    const random = new Random(3)
    const other = new Random(3)
    expect([random.chance(0), random.chance(1)]).toEqual([false, true])
    expect(random.next()).toBe(other.next())
  })

  it('a fork is decided by its parent and does not depend on what the parent draws later', () => {
    const parent = new Random(9)
    const fork = parent.fork()
    parent.next()
    const same = new Random(9).fork()
    expect(fork.next()).toBe(same.next())
  })

  it('shuffles without losing anybody', () => {
    const list = ['a', 'b', 'c', 'd', 'e']
    const shuffled = new Random(5).shuffle(list)
    expect([...shuffled].sort()).toEqual(list)
    expect(shuffled).not.toEqual(list)
  })
})
