/**
 * `npm run bench -- figure16`: Figure 16 of the Raft paper, drawn anew by the shipping core in the simulator, and beaten.
 *
 * Two algorithms on the same machines, with the same logs and the same instants of the crash: the paper's random time-outs
 * and the library's own election (succession, pre-vote). What of the paper is what here: `figure-16/trial.ts`. Virtual time,
 * so the figures do not depend on the machine. `--n=10000`: elections per curve (default 1,000). `--range=150-155,12-24`: only
 * these curves.
 * `--write`: draws `figure-16.svg`.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import {
  BEATEN,
  type Curve,
  curveOf,
  distance,
  misses,
  POINTS,
  type Point,
  paperCurve,
  RANGES,
  type Range,
  runCurve,
} from './figure-16/curves'
import { plot } from './figure-16/plot'
import type { TrialOptions } from './figure-16/trial'
import { head, say, value } from './stats'

/** Ranges whose elections are the same for the succession: it knows no longest time-out. */
const TWIN = '150-300'

/** The same election under circumstances that the table does not have. */
const VARIANTS: readonly (readonly [string, Partial<TrialOptions>])[] = [
  ['power loss: no socket closes', { fin: false }],
  ['order by hash: the first in line may have a log too short', { order: 'hash' }],
]

const text = (ms: number): string => ms.toFixed(ms < 100 ? 1 : 0).padStart(9)

function row(label: string, curve: Curve, show: (point: Point) => string): string {
  return label.padEnd(24) + String(curve.n).padStart(6) + POINTS.map(show).join('')
}

function verdict(isMet: boolean): string {
  return isMet ? 'met' : 'NOT MET'
}

function runAll(ranges: readonly Range[], n: number, log: (line: string) => void) {
  const reproduced = new Map<Range, readonly number[]>()
  const ours = new Map<Range, readonly number[]>()
  let twins: readonly number[] | undefined
  for (const range of ranges) {
    reproduced.set(range, runCurve(range, 'paper', n))
    const known = range.startsWith('150-') ? twins : undefined
    const times = known ?? runCurve(range, 'default', n)
    if (range.startsWith('150-')) twins = times
    ours.set(range, times)
    print(range, curveOf(reproduced.get(range) ?? []), curveOf(ours.get(range) ?? []), log)
  }
  return { reproduced, ours }
}

function print(range: Range, reproduced: Curve, ours: Curve, log: (line: string) => void): void {
  const paper = paperCurve(range)
  const missed = misses(range, reproduced)
  log(row(`${range} ms  paper`, paper, (point) => text(paper[point])))
  log(
    `${row('    reproduced', reproduced, (point) => text(reproduced[point]))}   ${verdict(missed.length === 0)} ${missed.join(' ')}`,
  )
  log(row('      / paper', reproduced, (point) => (reproduced[point] / paper[point]).toFixed(3).padStart(9)))
  const goals = Object.entries(BEATEN[range] ?? {}) as [Point, number][]
  const said = goals.map(([point, most]) => `${point} <= ${most}: ${verdict(ours[point] <= most)}`)
  log(`${row('    Conclave', ours, (point) => text(ours[point]))}   ${said.join(', ')}`)
  log(row('      / paper', ours, (point) => (ours[point] / paper[point]).toFixed(3).padStart(9)))
}

/** Runs the bench with the arguments of the command line. */
export function benchFigure16(args: readonly string[]): void {
  const n = Number(args.find((each) => each.startsWith('--n='))?.slice(4) ?? 1000)
  const asked = args
    .find((each) => each.startsWith('--range='))
    ?.slice(8)
    .split(',')
  const ranges = RANGES.filter((range) => asked?.includes(range) ?? true)
  const log = say
  head('Figure 16 of the Raft paper: time without a leader, ms of simulated time')
  log(' '.repeat(24) + ['n', ...POINTS].map((each, i) => each.padStart(i === 0 ? 6 : 9)).join(''))
  const runs = runAll(ranges, n, log)
  const reproduced = new Map([...runs.reproduced].map(([range, times]) => [range, curveOf(times)]))
  log(`mean |log ratio| of p10 p50 p90 p99: ${distance(reproduced).toFixed(3)} (goal 0.06)`)
  for (const [label, options] of asked === undefined ? VARIANTS : []) {
    for (const range of [TWIN, '12-24'] as const) {
      const curve = curveOf(runCurve(range, 'default', n, options))
      log(`${row(`${range} ms  Conclave`, curve, (point) => text(curve[point]))}   ${label}`)
    }
  }
  if (args.includes('--write') && asked === undefined) {
    writeFileSync(fileURLToPath(new URL('figure-16.svg', import.meta.url)), plot(runs, n))
  }
  for (const range of ranges) {
    const goals = BEATEN[range] ?? {}
    const [model, ours] = [reproduced.get(range) as Curve, curveOf(runs.ours.get(range) ?? [])]
    for (const point of POINTS) {
      value(`${range} ms reproduced / paper, ${point}`, model[point] / paperCurve(range)[point], 'times')
    }
    for (const point of ['p50', 'p99'] as const) {
      const goal = goals[point]
      value(`${range} ms Conclave, ${point}`, ours[point], 'ms', goal === undefined ? goal : `<= ${goal}`)
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) benchFigure16(process.argv.slice(2))
