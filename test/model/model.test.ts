/**
 * Goal: the core keeps P1, P2, P3(b), P7 and R6 in every schedule within small bounds, and the exploration that says so
 * finds broken cores. Method: explicit-state search over the core's own `step` (README.md); the standard bounds run by
 * `npm run model-check`.
 */
import { describe, expect, it } from 'vitest'
import { createState, step } from '../../src/core'
import { coreOf, mutantNamed } from './mutants'
import { replay } from './replay'
import { describePath } from './schedule'
import { DRIFT, type Limits, Search, STANDARD } from './search'

const CORE = { createState, step }
const SMALL: Limits = { ...STANDARD, maxTerm: 2 }

describe('the exploration', () => {
  it.each([
    ['three members, two terms, a crash-restart', SMALL],
    ['two terms, a hand-over', { ...SMALL, crashes: 0, transfers: 1 }],
    ['three terms without a crash', { ...STANDARD, crashes: 0 }],
    ['one clock at half the speed of the others', { ...SMALL, ...DRIFT, clock: 'slow', crashes: 0 }],
    ['one clock at double the speed of the others', { ...SMALL, ...DRIFT, clock: 'fast', crashes: 0 }],
  ] as [string, Limits][])('P1 P2 P3 P7 R6 hold in every schedule: %s', { timeout: 240_000 }, (_, limits) => {
    const search = new Search(limits, CORE)
    const { violation, complete, distinct } = search.run()
    expect(violation && describePath(search, violation.path)).toBeNull()
    expect(complete).toBe(true)
    expect(distinct).toBeGreaterThan(1_000)
  })

  it('says the same twice', () => {
    const once = new Search({ ...SMALL, crashes: 0 }, CORE).run()
    const again = new Search({ ...SMALL, crashes: 0 }, CORE).run()
    expect({ ...again, cpuSeconds: 0 }).toEqual({ ...once, cpuSeconds: 0 })
  })

  it.each([
    ['R7 binding', { ...STANDARD, crashes: 0 }],
    ['R15 own vote', { ...STANDARD, crashes: 0 }],
    ['R59 resumed', { ...STANDARD, crashes: 0 }],
    // a win by a vote that a crash forgets: the term is won again (A.10.7)
    ['R1 own vote', SMALL],
  ] as [string, Limits][])(
    'a core that breaks %s is caught, and its schedule breaks real cores, too',
    { timeout: 60_000 },
    async (name, limits) => {
      const core = await coreOf(mutantNamed(name))
      const search = new Search(limits, core)
      const { violation } = search.run()
      expect(violation?.property).toMatch(/^P[123]/)
      expect(replay(core, limits, search, violation?.path ?? [])).toMatch(/^P[123]/)
      expect(describePath(search, violation?.path ?? []).join('\n')).toMatch(/LEADS term/)
    },
  )
})
