/**
 * `npm run bench:goals -- *.json [model-check.txt]`: the twelve goals as one table in Markdown, from what `npm run bench -- ... --json`
 * and `npm run model-check` printed. The same figure in two files: the later one counts.
 *
 * A goal is met if each of its figures is there and within its bound; one that is not measured is said to be so, never guessed.
 */
import { readFileSync } from 'node:fs'
import type { Figure } from './stats'

/** What one goal asks of the figures with that label; all that match have to hold. */
interface Check {
  readonly section?: RegExp
  readonly label: RegExp
  readonly of?: 'p50' | 'p99' | 'mean' | 'max'
  /** Smallest and largest good value; absent: the bound that the bench printed beside the figure. */
  readonly within?: readonly [number, number]
}

interface Goal {
  readonly title: string
  readonly command: string
  /** Figures that are nobody's result: what it is compared with. */
  readonly floor?: readonly Check[]
  readonly checks: readonly Check[]
}

const most = (label: RegExp, limit: number, of: Check['of'] = 'p50'): Check => ({
  label,
  of,
  within: [Number.NEGATIVE_INFINITY, limit],
})
const least = (label: RegExp, limit: number): Check => ({ label, within: [limit, Number.POSITIVE_INFINITY] })
const of = (section: RegExp, check: Check): Check => ({ ...check, section })
const MANY = /many elections: 100000 /

export const GOALS: readonly Goal[] = [
  {
    title: 'Figure 16 of the Raft paper, reproduced: p50 and mean within 12 %, p10, p90, p99 within 25 %',
    command: 'npm run bench -- figure16',
    checks: [
      { label: /^(?!150-150).* reproduced \/ paper, (p50|mean)$/, within: [0.88, 1.12] },
      { label: /^(?!150-150).* reproduced \/ paper, p(10|90|99)$/, within: [0.75, 1.25] },
    ],
  },
  {
    title: 'Figure 16, beaten: 150-300 ms p50 125, p99 175; 12-24 ms 20, 40; 150-151 ms p50 125',
    command: 'npm run bench -- figure16',
    checks: [
      most(/^150-300 ms Conclave, p50$/, 125),
      most(/^150-300 ms Conclave, p99$/, 175),
      most(/^12-24 ms Conclave, p50$/, 20),
      most(/^12-24 ms Conclave, p99$/, 40),
      most(/^150-151 ms Conclave, p50$/, 125),
    ],
  },
  {
    title: 'kill -9 of one of five with proof of death: p50 1.5 x, p99 2 x the floor, mean 10 ms',
    command: 'npm run bench -- failover',
    floor: [{ label: /^kill, floor/ }],
    checks: [
      most(/^kill, \w+ \/ floor, p50$/, 1.5),
      most(/^kill, \w+ \/ floor, p99$/, 2),
      most(/^kill, conclave, witness: (sentinel|supervisor)$/, 10, 'mean'),
    ],
  },
  {
    title: 'Whatever kills it: back under 3 x the floor with a proof of death; no overlap of two leaders',
    command: 'npm run bench -- failover --ways=kill,abort,segfault,oom',
    floor: [{ label: /^(abort|segfault|oom), floor/ }],
    checks: [most(/^(abort|segfault|oom), \w+ \/ floor, p50$/, 3), most(/^crashes: violations$/, 0)],
  },
  {
    title:
      'Hand-over: p50 2 x the floor, and 1.5 round trips + 2 writes + 0.5 ms; none fails; three restarts 10 ms in all',
    command: 'npm run bench -- failover --n=0 --handovers=300; npm run bench -- rolling-restart',
    floor: [{ label: /^hand-over, floor/ }, { label: /^a round, floor/ }],
    checks: [
      most(/^hand-over \/ floor, p50$/, 2),
      { label: /^hand-over, conclave/ },
      most(/^hand-overs that failed$/, 0),
      most(/^a round, conclave/, 10),
      most(/^rolling restart: violations$/, 0),
    ],
  },
  {
    title:
      'Idle elections: 10,000 at 1.5 %, 100,000 at 3 % of a core; 2 KB per s; 1 KB of heap each; 0.02 % more per 1,000',
    command: 'npm run bench -- elections',
    floor: [{ label: /^three bare processes that only live/ }],
    checks: [
      of(/many elections: 10000 /, most(/^idle: CPU/, 1.5)),
      of(MANY, most(/^idle: CPU/, 3)),
      of(MANY, most(/^idle: bytes/, 2)),
      of(MANY, most(/^heap per election$/, 1024)),
      of(MANY, most(/^more CPU per 1,000/, 0.02)),
    ],
  },
  {
    title:
      'A third of 100,000 leaders dies: all led again in 0.5 s, no healthy leader lost, 4 frames a pair and round',
    command: 'npm run bench -- elections',
    checks: [
      of(MANY, most(/^kill -9: from there to the last one$/, 500)),
      of(MANY, most(/^kill -9: healthy leaders lost$/, 0)),
      of(MANY, most(/^kill -9: frames of a pair per round/, 4)),
    ],
  },
  {
    title:
      '`isLeader()` and the token 1.15 x their clock reads, nothing allocated; `isLeaderAt(t)` 8 ns; 300 x cheaper than asking a quorum',
    command: 'npm run bench -- reads',
    floor: [{ label: /^clock reads alone/ }],
    checks: [
      most(/ \/ clock reads$/, 1.15),
      most(/^isLeaderAt\(t\), above the call$/, 8),
      most(/^allocated per call, above the clock reads$/, 0.5),
      least(/^verify\(\) \/ isLeader\(\)$/, 300),
    ],
  },
  {
    title: 'Simulator: 10,000 x real time with all invariants, 50,000 elections per CPU second',
    command: 'npm run bench -- simulation',
    floor: [{ label: /^bare event loop, events$/ }],
    checks: [
      least(/^five members, 50 ms, all invariants$/, 10_000),
      least(/^hand-overs with all invariants, elections$/, 50_000),
    ],
  },
  {
    title: 'Exhaustive exploration of the shipping core: 300,000 states per CPU second, complete in 60 s',
    command: 'npm run model-check',
    checks: [least(/^states generated per CPU second$/, 300_000), most(/^complete after$/, 60)],
  },
  {
    title: 'Footprint: core 4 KB gzip; import 0.7 ms above an empty module',
    command: 'npm run build && npm run bench -- footprint',
    floor: [{ label: /^\(empty module\)/ }],
    checks: [most(/^core: with its dependencies$/, 4), most(/^(index|core): import p50 above/, 0.7)],
  },
  {
    title:
      'No false election: 0 with `worker: true` beside a 400 MB heap; SIGSTOP replaced in time; adaptive 0.1 x on busy cores',
    command: 'npm run bench -- false-elections --minutes=30',
    floor: [{ label: /^in the main thread$/ }],
    checks: [
      most(/^worker: true$/, 0),
      { label: /^SIGSTOP to the next leader$/ },
      most(/^adaptive over fixed$/, 0.1),
      most(/^p50 over p50$/, 2),
    ],
  },
]

function matching(figures: readonly Figure[], { section, label }: Check): Figure[] {
  return figures.filter((each) => label.test(each.label) && (section?.test(each.section) ?? true))
}

/** The bound that a bench printed: `p50 <= 1.17`, `<= 500`, `0`. */
function printed({ goal }: Figure): readonly [number, number] | null {
  const bound = /(<=|>=)?\s*([\d.]+)$/.exec(goal ?? '')
  if (bound === null) return null
  const limit = Number(bound[2])
  return bound[1] === '>=' ? [limit, Number.POSITIVE_INFINITY] : [Number.NEGATIVE_INFINITY, limit]
}

const text = (x: number) =>
  Math.abs(x) >= 100 ? Math.round(x).toLocaleString('en-US') : Number(x.toPrecision(3))

function shown(figures: readonly Figure[], { of: key = 'p50' }: Check): string {
  const values = figures.map((figure) => figure[key]).filter(Number.isFinite)
  if (values.length === 0) return 'never'
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const unit = figures[0]?.unit === 'times' ? ' x' : ` ${figures[0]?.unit ?? ''}`
  return low === high ? `${text(low)}${unit}` : `${text(low)} to ${text(high)}${unit}`
}

/** One line of the table, judged. */
export function judge(goal: Goal, figures: readonly Figure[]) {
  const results: string[] = []
  let verdict: 'met' | 'not met' | 'not measured' = 'met'
  for (const check of goal.checks) {
    const found = matching(figures, check)
    if (found.length === 0) {
      if (verdict === 'met') verdict = 'not measured'
      results.push('-')
      continue
    }
    const holds = found.every((figure) => {
      const [low, high] = check.within ?? printed(figure) ?? [Number.NaN, Number.NaN]
      const value = figure[check.of ?? 'p50']
      // what never came about is null in JSON, and null is less than any limit
      return Number.isFinite(value) && value >= low && value <= high
    })
    if (!holds) verdict = 'not met'
    results.push(`${holds ? '' : '**'}${shown(found, check)}${holds ? '' : '**'}`)
  }
  const floor = (goal.floor ?? []).map((check) => {
    const found = matching(figures, check)
    return found.length === 0 ? '-' : shown(found, check)
  })
  return { verdict, result: results.join('; '), floor: floor.join('; ') }
}

/** What the exploration printed, as figures. */
export function figuresOfExploration(printedText: string): Figure[] {
  const found = /, ([\d.,]+) CPU s: ([\d,]+) generated/.exec(printedText)
  if (found === null) return []
  const figure = (label: string, value: string, unit: string): Figure => {
    const x = Number(value.replaceAll(',', ''))
    return { section: '', label, unit, goal: null, n: 1, min: x, p50: x, p99: x, max: x, mean: x }
  }
  const isComplete = /^complete:/m.test(printedText)
  return [
    ...(isComplete ? [figure('complete after', found[1] ?? '', 's')] : []),
    figure('states generated per CPU second', found[2] ?? '', '/s'),
  ]
}

/** The table. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = GOALS.map((goal, i) => {
    const { verdict, result, floor } = judge(goal, figures)
    return `| ${i + 1} | ${goal.title} | ${floor} | ${result} | ${verdict} | \`${goal.command}\` |`
  })
  return ['| | goal | floor | result | | command |', '| --- | --- | --- | --- | --- | --- |', ...rows].join(
    '\n',
  )
}

function main(paths: readonly string[]): number {
  if (paths.length === 0) {
    console.error('npm run bench:goals -- run.json ... [model-check.txt]')
    return 2
  }
  const figures = new Map<string, Figure>()
  for (const path of paths) {
    const content = readFileSync(path, 'utf8')
    const isJson = content.trimStart().startsWith('{')
    const found = isJson ? (JSON.parse(content).figures as Figure[]) : figuresOfExploration(content)
    for (const figure of found) figures.set(`${figure.section} | ${figure.label}`, figure)
  }
  console.log(tableOf([...figures.values()]))
  return 0
}

if (process.argv[1]?.endsWith('goals.ts')) process.exitCode = main(process.argv.slice(2))
