/**
 * `npm run connectivity`: leases on every graph that a small cluster can be left with (PROTOCOL D.2, P8, P9).
 *
 *   --seeds N    runs per graph (default 8)      --write    write README.md and connectivity.svg beside this file
 *   --seed S     first seed (default 1)          --graph G  only that graph, with a trace; needs --seed and --family
 *
 * Exit code 1 if a lease was missing, lost, or there where nobody has a quorum; then the command that replays it is printed.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  allConnected,
  allDirected,
  allOverThreeStores,
  allTieBreakers,
  type Family,
  NAMED,
  sampledDirected,
} from './graphs'
import { picture } from './picture'
import { familyTable, graphTable, readme } from './report'
import { runGraph } from './run'
import { count, emptyTally, type FamilyTally } from './tally'

const FAMILIES: readonly Family[] = [
  allDirected(3),
  allConnected(4),
  allConnected(5),
  sampledDirected(5, 1000, 2020),
  allTieBreakers(),
  allOverThreeStores(),
  NAMED,
]

/** Runs a family; the seeds of two graphs differ, so that each meets other faults. */
function sweep(family: Family, first: number, seeds: number): FamilyTally {
  const tally = emptyTally(family)
  const began = Date.now()
  for (const [i, each] of tally.graphs.entries()) {
    for (let n = 0; n < seeds; n++) {
      const outcome = runGraph(each.graph, first + i * seeds + n)
      count(each, outcome)
      if (outcome.wrong !== null) complain(family, outcome.graph.name, outcome.seed, outcome.wrong)
    }
  }
  const runs = family.graphs.length * seeds
  console.log(`${family.name}: ${runs} runs in ${((Date.now() - began) / 1000).toFixed(1)} s`)
  return tally
}

function complain(family: Family, graph: string, seed: number, wrong: string): void {
  process.exitCode = 1
  console.log(`WRONG on ${graph} of ${family.name}, seed ${seed}: ${wrong}`)
  console.log(`replay: npm run connectivity -- --family '${family.name}' --graph '${graph}' --seed ${seed}`)
}

function replay(familyName: string, graphName: string, seed: number): void {
  const family = FAMILIES.find(({ name }) => name === familyName)
  const graph = family?.graphs.find(({ name }) => name === graphName)
  if (family === undefined || graph === undefined) {
    throw new Error(
      `--family: one of ${FAMILIES.map(({ name }) => `'${name}'`).join(', ')}; --graph: a name in it`,
    )
  }
  const { wrong, trace } = runGraph(graph, seed, {})
  console.log(trace)
  if (wrong !== null) complain(family, graph.name, seed, wrong)
}

/** Commit that is checked out, for the table; null outside of a repository. */
function commit(): string | null {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return null
  }
}

function main(): void {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '8' },
      seed: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
      family: { type: 'string' },
      graph: { type: 'string' },
    },
  })
  const seeds = Number(values.seeds)
  const first = Number(values.seed)
  if (![seeds, first].every((each) => Number.isSafeInteger(each) && each > 0))
    throw new Error('positive numbers, please')
  if (values.graph !== undefined) return replay(values.family ?? NAMED.name, values.graph, first)
  const source = commit()
  const families = FAMILIES.map((family) => sweep(family, first, seeds))
  const named = families[FAMILIES.indexOf(NAMED)] as FamilyTally
  console.log(`\n${familyTable(families)}\n\n${graphTable(named)}`)
  if (!values.write) return
  const others = families.filter((family) => family !== named)
  const command = `npm run connectivity -- --seeds ${seeds} --seed ${first} --write`
  writeFileSync(
    fileURLToPath(new URL('README.md', import.meta.url)),
    readme(families, named, command, source),
  )
  writeFileSync(fileURLToPath(new URL('connectivity.svg', import.meta.url)), picture(others, named))
}

main()
