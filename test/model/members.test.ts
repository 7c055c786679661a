/**
 * Goal: while members change the core keeps P1, P2, P3(b), P6, R6 and R29-R33 in every schedule within small bounds, and the
 * exploration that says so finds broken cores. Method: explicit-state search over the core's own `step` (README.md); larger
 * bounds run by `npm run model-check -- --members`.
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
const ONE_CHANGE: MemberLimits = { ...WORK_LIMITS, changes: 1, maxStates }

describe('the exploration of members that change', () => {
  it.each([
    ['who leads while a member goes', { ...ONE_CHANGE, targets: ['ac'] }],
    [
      'who leads `@members`',
      { ...MEMBERS_LIMITS, maxTerm: { [MEMBERS]: 2 }, contenders: 'a', targets: ['abcd'], maxStates },
    ],
  ] as [string, MemberLimits][])(
    'P1 P2 P3 P6 R6 hold in every schedule: %s',
    { timeout: 240_000 },
    (_, limits) => {
      const { violation, complete, distinct } = new MemberSearch(limits, CORE).run()
      expect(violation).toBeNull()
      expect(complete).toBe(true)
      expect(distinct).toBeGreaterThan(1_000)
    },
  )

  it.each([
    ['R72 wait', /^P6/],
    ['R33 kept lease', /^R33/],
  ] as [string, RegExp][])('a core that breaks %s is caught', { timeout: 60_000 }, async (name, property) => {
    const { violation } = new MemberSearch(
      { ...WORK_LIMITS, maxStates },
      await coreOf(mutantNamed(name)),
    ).run()
    expect(violation?.property).toMatch(property)
    expect(violation?.path.at(0)).toMatch(/is asked for the voters|campaigns/)
  })
})
