/** Goal: a slowdown is seen in review. Method: two runs that differ in known ways, compared as `npm run bench:compare` does. */
import { describe, expect, it } from 'vitest'
import { compareRuns } from '../bench/compare'
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
