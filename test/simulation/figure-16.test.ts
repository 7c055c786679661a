/**
 * Figure 16 of the Raft paper with few elections: the algorithm of the paper still lands on its curves, ours before them.
 * All figures: `npm run bench -- figure16`.
 */
import { describe, expect, it } from 'vitest'
import { curveOf, paperCurve, RANGES, runCurve, WITHIN } from '../bench/figure-16/curves'
import { plot } from '../bench/figure-16/plot'
import { downtimeMs } from '../bench/figure-16/trial'

const FEW = 60

describe('Figure 16 of the Raft paper', () => {
  it.each(['150-300', '50-100'] as const)(
    'random time-outs of %s ms end at the median of the paper',
    (range) => {
      const { p50 } = curveOf(runCurve(range, 'paper', FEW))
      expect(Math.abs(p50 / paperCurve(range).p50 - 1)).toBeLessThan(WITHIN.p50)
    },
  )

  it.each(['150-300', '50-100', '12-24'] as const)(
    'R69: nobody waits at random: the 99th percentile of %s ms lies before that of the paper',
    (range) => {
      const ours = curveOf(runCurve(range, 'default', FEW))
      expect(ours.p99).toBeLessThan(paperCurve(range).p99)
      expect(ours.p50).toBeLessThan(paperCurve(range).p50)
    },
  )

  it('without any randomness the algorithm of the paper finds no leader for seconds, the succession at once', () => {
    const same = { minimumMs: 150, maximumMs: 150, lateMs: 0.06 } as const
    expect(downtimeMs({ ...same, algorithm: 'paper' }, 1, 3000)).toBe(3000)
    expect(downtimeMs({ ...same, algorithm: 'default' }, 1, 3000)).toBeLessThan(175)
  })

  it('an election is repeated exactly by its seed', () => {
    const options = { minimumMs: 150, maximumMs: 155, algorithm: 'paper' } as const
    expect(downtimeMs(options, 42)).toBe(downtimeMs(options, 42))
    expect(downtimeMs(options, 42)).not.toBe(downtimeMs(options, 43))
  })

  it('the picture shows every curve', () => {
    const times = new Map(RANGES.map((range) => [range, [80, 100, 120]] as const))
    const picture = plot({ reproduced: times, ours: times }, 3)
    // five and six reproduced, one and five of ours
    expect(picture.match(/<polyline /g)).toHaveLength(17)
    expect(picture).not.toContain('NaN')
  })
})
