/**
 * `npm run bench:compare -- before.json after.json [--limit=1.2]`: two runs of `npm run bench -- --json`, by ratio of their
 * medians, the worst first. Exit code 1 if one figure got worse by more than the limit, so that a slowdown is seen in review.
 *
 * Runs of different machines, or of one machine at different loads, do not compare: both loads are printed.
 */
import { readFileSync } from 'node:fs'
import type { Figure } from './stats'

interface Run {
  readonly node: string
  readonly load: number
  readonly figures: readonly Figure[]
}

/** How much worse the second one is: 1 the same, 2 twice as slow; and which figures only one of them has. */
export function compareRuns(before: readonly Figure[], after: readonly Figure[]) {
  const name = ({ section, label, unit }: Figure): string => `${section} | ${label} | ${unit}`
  const known = new Map(before.map((figure) => [name(figure), figure]))
  const rows = []
  const added: string[] = []
  for (const figure of after) {
    const old = known.get(name(figure))
    if (old === undefined) {
      added.push(name(figure))
      continue
    }
    known.delete(name(figure))
    const isMoreBetter = figure.unit === 'x' || figure.unit.endsWith('/s')
    const worse = isMoreBetter ? old.p50 / figure.p50 : figure.p50 / old.p50
    rows.push({ name: name(figure), before: old.p50, after: figure.p50, worse })
  }
  rows.sort((a, b) => b.worse - a.worse)
  return { rows, added, gone: [...known.keys()] }
}

function main(args: readonly string[]): number {
  const [before, after] = args.filter((each) => !each.startsWith('--'))
  const limit = Number(args.find((each) => each.startsWith('--limit='))?.slice(8) ?? 1.2)
  if (before === undefined || after === undefined || !(limit > 0)) {
    console.error('npm run bench:compare -- before.json after.json [--limit=1.2]')
    return 2
  }
  const [old, now] = [before, after].map((path) => JSON.parse(readFileSync(path, 'utf8')) as Run)
  const { rows, added, gone } = compareRuns(old?.figures ?? [], now?.figures ?? [])
  console.log(
    `${before}: node ${old?.node}, load ${old?.load}; ${after}: node ${now?.node}, load ${now?.load}`,
  )
  for (const { name, before: a, after: b, worse } of rows) {
    console.log(
      `${worse.toFixed(2).padStart(7)}  ${worse > limit ? 'WORSE ' : '      '} ${a.toPrecision(4).padStart(10)} -> ${b.toPrecision(4).padStart(10)}  ${name}`,
    )
  }
  for (const name of added) console.log(`    new          ${name}`)
  for (const name of gone) console.log(`   gone          ${name}`)
  return rows.some(({ worse }) => worse > limit) ? 1 : 0
}

if (process.argv[1]?.endsWith('compare.ts')) process.exitCode = main(process.argv.slice(2))
