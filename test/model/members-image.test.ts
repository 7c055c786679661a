/**
 * Goal: who leads while a member goes is right in every schedule, and the exploration that says so covers what real cores do
 * (README.md). Method: worlds of real cores with full frames, real rounds and grants, at random; the processes of every
 * state that one of them reaches must be, seen through the abstraction, covered by one of the states that were explored.
 */
import { describe, expect, it } from 'vitest'
import { createState, step } from '../../src/core'
import { limitsOf, type Scenario } from './members/scenarios'
import { MemberSearch } from './members/search'
import { walk } from './members/walk'

describe('what real cores do while members change', () => {
  it.each<[Scenario, string]>([
    ['goes', 'who leads an election'],
    ['leaders', 'who leads `@members`'],
  ])(
    'P1 P2 P3 P6 R6 hold, and the exploration covers it, state by state: %s, %s',
    {
      timeout: 240_000,
    },
    (scenario) => {
      const limits = limitsOf(scenario, { maxStates: 300_000 })
      const search = new MemberSearch(limits, { createState, step })
      const { violation, complete } = search.run()
      expect(violation).toBeNull()
      expect(complete).toBe(true)
      let compared = 0
      for (let seed = 1; seed <= 100; seed++) {
        const result = walk(search, limits, seed, 60)
        if (typeof result === 'string') expect.fail(result)
        compared += result
      }
      expect(compared).toBeGreaterThan(3_000)
      expect(search.behaviour.isIntact()).toBe(true)
    },
  )
})
