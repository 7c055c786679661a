/**
 * Goal: every process finds the same due times, also when clocks change for summer. Method: intervals and expressions asked
 * for the next time, over the two nights of a year that matter.
 */
import { describe, expect, it } from 'vitest'
import { dueBetween, lastDue, planOf } from '../../src/schedule/plan'

const at = (text: string) => Date.parse(text)
const texts = (times: readonly number[]) => times.map((time) => new Date(time).toISOString().slice(0, 16))

describe('due times', () => {
  it('an interval counts from 1970, so that a successor finds the same times', () => {
    const plan = planOf(10_000, 'UTC')
    expect([plan.next(0), plan.next(9_999), plan.next(10_000), plan.next(12_345)]).toEqual([
      10_000, 10_000, 20_000, 20_000,
    ])
  })

  it('an expression is read in UTC unless a time zone is named', () => {
    expect(texts([planOf('30 2 * * *', 'UTC').next(at('2026-07-01T00:00Z')) as number])).toEqual([
      '2026-07-01T02:30',
    ])
    expect(texts([planOf('30 2 * * *', 'Europe/Berlin').next(at('2026-07-01T00:00Z')) as number])).toEqual([
      '2026-07-01T00:30',
    ])
  })

  it('DST: a time that does not exist in spring runs once, when the gap is over', () => {
    const plan = planOf('30 2 * * *', 'Europe/Berlin')
    expect(texts(dueBetween(plan, at('2026-03-28T00:00Z'), at('2026-03-31T00:00Z')))).toEqual([
      '2026-03-28T01:30',
      '2026-03-29T01:00',
      '2026-03-30T00:30',
    ])
  })

  it('DST: a time that comes twice in autumn runs once, and hourly ones run at every real hour', () => {
    const [from, to] = [at('2026-10-24T22:00Z'), at('2026-10-25T04:00Z')]
    expect(texts(dueBetween(planOf('30 2 * * *', 'Europe/Berlin'), from, to))).toEqual(['2026-10-25T00:30'])
    expect(texts(dueBetween(planOf('30 * * * *', 'Europe/Berlin'), from, to))).toEqual(
      ['22', '23']
        .map((hour) => `2026-10-24T${hour}:30`)
        .concat(['00', '01', '02', '03'].map((hour) => `2026-10-25T${hour}:30`)),
    )
  })

  it('the newest due time is found after years, without looking at each', () => {
    const plan = planOf('* * * * *', 'UTC')
    let asked = 0
    const counted = {
      next: (after: number) => {
        asked += 1
        return plan.next(after)
      },
    }
    expect(texts([lastDue(counted, at('2000-01-01T00:00Z'), at('2026-05-05T05:05:30Z')) as number])).toEqual([
      '2026-05-05T05:05',
    ])
    expect(asked).toBeLessThan(200)
    expect(lastDue(plan, at('2026-05-05T05:05Z'), at('2026-05-05T05:05:30Z'))).toBeNull()
    expect(lastDue(planOf('0 0 31 2 *', 'UTC'), 0, at('2026-01-01T00:00Z'))).toBeNull()
  })

  it('what means nothing is refused by name', () => {
    for (const when of ['nonsense', '61 * * * *', 99, 1.5, Number.NaN, {}, null]) {
      expect(() => planOf(when as never, 'UTC')).toThrow(
        expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }),
      )
    }
    expect(() => planOf('* * * * *', 'No/Where')).toThrow(
      expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }),
    )
  })
})
