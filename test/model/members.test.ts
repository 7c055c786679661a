/**
 * Goal: while members change the core keeps P1, P2, P3(b), P6, R6, R29-R34 in every schedule within small bounds, and the
 * exploration that says so finds broken cores. Method: explicit-state search over the core's own `step` (README.md); larger
 * bounds run by `npm run model-check -- --members`. Who leads `e` meanwhile: `members-image.test.ts`.
 */
import { describe, expect, it } from 'vitest'
import { createState, step } from '../../src/core'
import { replay } from './members/replay'
import { limitsOf, type Scenario } from './members/scenarios'
import { MemberSearch } from './members/search'
import { coreOf, mutantNamed } from './mutants'

const CORE = { createState, step }
/** A field of the core's state that only counts makes the states endless: then this is reached, and is to be put away. */
const maxStates = 200_000

describe('the exploration of members that change', () => {
  it.each<[Scenario, string]>([
    ['leader', 'who leads `@members` while a member goes'],
    ['shrinks', 'who leads while one member after the other goes'],
  ])('P1 P2 P3 P6 R6 hold in every schedule: %s, %s', { timeout: 240_000 }, (scenario) => {
    const { violation, complete, distinct } = new MemberSearch(limitsOf(scenario, { maxStates }), CORE).run()
    expect(violation).toBeNull()
    expect(complete).toBe(true)
    expect(distinct).toBeGreaterThan(1_000)
  })

  it.each<[string, Scenario, string, RegExp]>([
    ['R26 wiped disk', 'unnoticed', 'ac', /^P1/],
    ['R31 leader', 'asleep', 'c', /^R31/],
    ['R32 later term', 'asleep', 'c', /^P6/],
    ['R33 kept lease', 'joins', 'b', /^R33/],
    ['R34 joiner', 'joins', 'd', /^R34/],
  ])(
    'a core that breaks %s is caught: %s',
    { timeout: 120_000 },
    async (name, scenario, contenders, property) => {
      const limits = limitsOf(scenario, { contenders, maxStates })
      const { violation } = new MemberSearch(limits, await coreOf(mutantNamed(name))).run()
      expect(violation?.property).toMatch(property)
      expect(violation?.path.join('\n')).toMatch(/is asked for the voters|campaigns/)
    },
  )

  it.each<[string, Scenario, string, RegExp]>([
    ['R31 older', 'shrinks', 'ac', /^P1/],
    ['R32 one at a time', 'shrinks', 'c', /^P6/],
    ['R33 acks', 'shrinks', 'c', /^P6/],
    ['R33 campaign', 'goes', 'b', /^R34/],
    ['R34 removed', 'goes', 'b', /^R34/],
    ['R72 floor', 'shrinks', 'ac', /^P1/],
    ['R72 wait', 'shrinks', 'c', /^P6/],
  ])(
    'a core that breaks %s is caught, and breaks the same over real cores: %s',
    {
      timeout: 120_000,
    },
    async (name, scenario, contenders, property) => {
      const limits = limitsOf(scenario, { contenders, maxStates })
      const search = new MemberSearch(limits, await coreOf(mutantNamed(name)))
      const { violation } = search.run()
      expect(violation?.property).toMatch(property)
      expect(replay(search, limits, violation?.steps ?? [])).toMatch(property)
    },
  )
})
