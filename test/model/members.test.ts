/**
 * Goal: while members change the core keeps P1, P2, P3(b), P6, R6, R29-R34 in every schedule within small bounds, and the
 * exploration that says so finds broken cores. Method: explicit-state search over the core's own `step` (README.md); larger
 * bounds run by `npm run model-check -- --members`. Who leads `e` meanwhile: `members-image.test.ts`.
 */
import { describe, expect, it } from 'vitest'
import { createState, step } from '../../src/core'
import { MEMBERS_LIMITS, WORK_LIMITS } from './members/run'
import { MemberSearch } from './members/search'
import { MEMBERS, type MemberLimits } from './members/seat'
import { coreOf, mutantNamed } from './mutants'

const CORE = { createState, step }
/** A field of the core's state that only counts makes the states endless: then this is reached, and is to be put away. */
const maxStates = 200_000
const MEMBERS_ONLY: MemberLimits = {
  ...MEMBERS_LIMITS,
  others: '',
  maxTerm: { [MEMBERS]: 2 },
  contenders: 'a',
  targets: ['ac'],
  maxStates,
}

describe('the exploration of members that change', () => {
  it('P1 P2 P3 P6 R6 hold in every schedule: who leads `@members` while a member goes', {
    timeout: 240_000,
  }, () => {
    const { violation, complete, distinct } = new MemberSearch(MEMBERS_ONLY, CORE).run()
    expect(violation).toBeNull()
    expect(complete).toBe(true)
    expect(distinct).toBeGreaterThan(1_000)
  })

  it.each([
    ['R33 kept lease', 'b', /^R33/],
    ['R34 joiner', 'd', /^R34/],
  ] as [string, string, RegExp][])(
    'a core that breaks %s is caught',
    { timeout: 120_000 },
    async (name, contenders, property) => {
      const limits = { ...WORK_LIMITS, contenders, changes: 1, targets: ['abcd'], maxStates }
      const { violation } = new MemberSearch(limits, await coreOf(mutantNamed(name))).run()
      expect(violation?.property).toMatch(property)
      expect(violation?.path.at(0)).toMatch(/is asked for the voters|campaigns/)
    },
  )
})
