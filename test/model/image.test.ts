/**
 * Goal: the exploration covers what real cores do (README.md). Method: worlds of real cores with full frames, real rounds
 * and timers, at random; every state that one of them reaches must be, seen through the abstraction, among those explored.
 */
import { describe, expect, it } from 'vitest'
import { type Limits, Search, STANDARD } from './search'
import { CORE, walk } from './walk'

describe('what real cores do', () => {
  it('is covered by the exploration, state by state', { timeout: 240_000 }, () => {
    const limits: Limits = { ...STANDARD, maxTerm: 2, crashes: 1, transfers: 0 }
    const search = new Search(limits, CORE)
    expect(search.run().violation).toBeNull()
    let compared = 0
    for (let seed = 1; seed <= 150; seed++) {
      const result = walk(search, limits, seed, 60)
      if (typeof result === 'string') expect.fail(result)
      compared += result
    }
    expect(compared).toBeGreaterThan(2_000)
  })
})
