/**
 * Goal: a slowdown is seen in review, and the table of goals says no more than was measured. Method: runs that differ in known ways,
 * compared and judged as `npm run bench:compare` and `npm run bench:goals` do.
 */
import { describe, expect, it } from 'vitest'
import { compareRuns } from '../bench/compare'
import { figuresOfExploration, GOALS, judge, tableOf } from '../bench/goals'
import { type Figure, summary } from '../bench/stats'

const figure = (label: string, p50: number, unit: string): Figure => ({
  section: 's',
  label,
  unit,
  goal: null,
  ...summary([p50]),
})

describe('compareRuns', () => {
  it('puts the worst first, and knows that more is better of a rate', () => {
    const before = [figure('hand-over', 10, 'ms'), figure('steps', 100, '/s'), figure('old', 1, 'ms')]
    const after = [figure('hand-over', 5, 'ms'), figure('steps', 50, '/s'), figure('new', 1, 'ms')]
    const { rows, added, gone } = compareRuns(before, after)
    expect(rows.map(({ name, worse }) => [name, worse])).toEqual([
      ['s | steps | /s', 2],
      ['s | hand-over | ms', 0.5],
    ])
    expect([added, gone]).toEqual([['s | new | ms'], ['s | old | ms']])
  })

  it('p50 and p99 of a series are readings of it', () => {
    const values = Array.from({ length: 200 }, (_, i) => i + 1)
    expect(summary(values)).toMatchObject({ n: 200, min: 1, p50: 100, p99: 198, max: 200, mean: 100.5 })
  })
})

describe('the table of goals', () => {
  const handOver = GOALS[4] as (typeof GOALS)[number]
  const all = [
    figure('hand-over / floor, p50', 1.9, 'times'),
    { ...figure('hand-over, conclave: work stopped -> elected', 1.2, 'ms'), goal: 'p50 <= 1.25' },
    figure('hand-overs that failed', 0, 'of 300'),
    figure('a round, conclave: nobody leads', 9, 'ms'),
    figure('rolling restart: violations', 0, 'in 24 changes of leader'),
  ]

  it('a goal is met by all of its figures, missed by one, and not judged when one is missing', () => {
    expect(judge(handOver, all).verdict).toBe('met')
    expect(judge(handOver, all.slice(1)).verdict).toBe('not measured')
    for (const [i, each] of all.entries()) {
      const worse = all.with(i, { ...each, ...summary([1_000]) })
      expect(judge(handOver, worse)).toMatchObject({ verdict: 'not met' })
    }
  })

  it('the bound that a bench printed counts where the goal depends on the machine', () => {
    const slow = { ...all[1], goal: 'p50 <= 1.1' } as Figure
    expect(judge(handOver, all.with(1, slow))).toMatchObject({
      verdict: 'not met',
      result: expect.stringContaining('**1.2 ms**'),
    })
    expect(judge(handOver, all.with(1, { ...slow, goal: null })).verdict, 'no bound, no yes').toBe('not met')
  })

  it('what never came about, and is null in the file, is a miss', () => {
    const never = JSON.parse(JSON.stringify(all.with(3, { ...(all[3] as Figure), ...summary([Number.NaN]) })))
    expect(judge(handOver, never)).toMatchObject({
      verdict: 'not met',
      result: expect.stringContaining('**never**'),
    })
  })

  it('what the exploration printed is read, and is complete only if it says so', () => {
    const printed =
      'complete: 10,647,116 states generated, 852,933 distinct, depth 40, 25.5 CPU s: 418,000 generated and 33,000 distinct per CPU second'
    const goal = GOALS[9] as (typeof GOALS)[number]
    expect(judge(goal, figuresOfExploration(printed)).verdict).toBe('met')
    expect(judge(goal, figuresOfExploration(printed.replace('complete', 'INCOMPLETE'))).verdict).toBe(
      'not measured',
    )
    expect(figuresOfExploration('')).toEqual([])
  })

  it('has a row for each of the twelve, with a command', () => {
    const rows = tableOf([]).split('\n').slice(2)
    expect(rows).toHaveLength(12)
    for (const row of rows) expect(row).toMatch(/not measured \| `npm run /)
  })
})
