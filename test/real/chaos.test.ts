/**
 * Goal: no schedule of real faults gives two leaders at one instant, a token that does not rise, or a late write that is
 * taken (P2, P3, P5). Method: a short share of `npm run chaos`, with a new seed each time, which is printed.
 */
import { expect, it } from 'vitest'
import { chaos, tableOf } from './chaos-run'

it('P2, P3, P5, P9: three processes under chaos for 20 s: no overlap, tokens rise, somebody leads again each time', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const report = await chaos({ seed, minutes: 20 / 60, processes: 3 })
  console.log(tableOf(report))
  expect(report.violations, report.events.slice(-40).join('\n')).toEqual([])
  expect(report.overlapMs).toBe(0)
  expect(report.leaderships).toBeGreaterThan(3)
  expect(Object.values(report.faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(3)
}, 120_000)
