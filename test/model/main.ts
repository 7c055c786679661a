/**
 * `npm run model-check`: explores the core exhaustively within bounds (PROTOCOL A.9); exit code 1 on a violation.
 *
 *   --voters N     voters (default 3)                --terms T       highest term (default 3, at most 6)
 *   --crashes C    crash-restarts (default 1)        --transfers X   hand-overs with a certificate (default 0)
 *   --promise D    length of a promise, in ticks (default 2)
 *   --clock slow   one clock at half the speed of the others; `fast`: at double. Then D = 4 and rho = 1/3
 *   --mutant M     a broken core instead, by its name in test/mutants/table, as R7; `all`, or several
 *                  with commas between: every mutant of these rules, a line each
 *   --members      members that change instead, with `--terms`, `--crashes`, `--promise`, `--mutant` and
 *                  --scenario S   by its name in members/scenarios.ts (default replaced); of it these may be changed:
 *                  --elections e | @members | e,@members   --contenders bd   --changes K   --targets abcd,acd
 *                  --loses b      loses its disk, once; with another one it is B in `--targets`
 *                  --open         nobody is kept out by its storage
 *                  --leader c     leads the first of the elections at the start, in term 2
 *                  --stops N      ticks for which the clock of a leader of `@members` may stand still
 *                  --order        no heartbeat overtakes a request or an announcement
 *   --max S        stop after that many states, incomplete (default 50,000,000)
 *
 * Prints states generated and distinct, per CPU second; for a violation the shortest schedule that leads to it.
 * What a state is, and why exploring them covers the core: README.md beside this file.
 */
import { parseArgs } from 'node:util'
import { createState, step } from '../../src/core'
import { exploreMembers } from './members/run'
import { coreOf, mutantNamed, mutantsOfCore } from './mutants'
import type { Core } from './process'
import { replay } from './replay'
import { describePath } from './schedule'
import { DRIFT, type Limits, type Outcome, Search, STANDARD } from './search'

const { values } = parseArgs({
  options: {
    voters: { type: 'string' },
    members: { type: 'boolean', default: false },
    scenario: { type: 'string' },
    elections: { type: 'string' },
    contenders: { type: 'string' },
    changes: { type: 'string' },
    targets: { type: 'string' },
    loses: { type: 'string' },
    leader: { type: 'string' },
    stops: { type: 'string' },
    open: { type: 'boolean', default: false },
    order: { type: 'boolean', default: false },
    terms: { type: 'string' },
    crashes: { type: 'string' },
    transfers: { type: 'string' },
    promise: { type: 'string' },
    clock: { type: 'string', default: 'equal' },
    max: { type: 'string' },
    mutant: { type: 'string' },
  },
})

function limitsOf(): Limits {
  const { clock } = values
  if (clock !== 'equal' && clock !== 'slow' && clock !== 'fast') {
    console.error(`--clock takes equal, slow or fast, not ${clock}`)
    process.exit(2)
  }
  const standard: Limits = clock === 'equal' ? STANDARD : { ...STANDARD, ...DRIFT, clock }
  return {
    ...standard,
    members: whole('voters', STANDARD.members, 2, 5),
    maxTerm: whole('terms', STANDARD.maxTerm, 1, 6),
    crashes: whole('crashes', STANDARD.crashes, 0, 7),
    transfers: whole('transfers', STANDARD.transfers, 0, 7),
    promise: whole('promise', standard.promise, 1, 7),
    maxStates: whole('max', STANDARD.maxStates, 1, 1_000_000_000),
  }
}

type Numeric = 'voters' | 'terms' | 'crashes' | 'transfers' | 'promise' | 'max' | 'changes' | 'stops'

function whole(name: Numeric, otherwise: number, least: number, most: number): number {
  const text = values[name]
  if (text === undefined) return otherwise
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < least || number > most) {
    console.error(`--${name} takes a whole number from ${least} to ${most}, not ${text}`)
    process.exit(2)
  }
  return number
}

function explore(limits: Limits, core: Core, quiet: boolean): { search: Search; outcome: Outcome } {
  const search = new Search(limits, core)
  let told = performance.now()
  const outcome = search.run(({ generated, distinct, depth }) => {
    if (quiet || performance.now() - told < 2_000) return
    told = performance.now()
    console.log(`  depth ${depth}: ${count(generated)} generated, ${count(distinct)} distinct`)
  })
  return { search, outcome }
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en-US')
}

function describeLimits({ members, maxTerm, crashes, transfers, promise, clock }: Limits): string {
  return `${members} members, terms up to ${maxTerm}, ${crashes} crash-restarts, ${transfers} hand-overs, D = ${promise} ticks${clock === 'equal' ? '' : `, one clock ${clock}`}`
}

function summary({ generated, distinct, depth, cpuSeconds, complete, violation }: Outcome): string {
  const end = violation !== null ? 'stopped by a violation' : complete ? 'complete' : 'INCOMPLETE'
  const speed = `${count(generated / cpuSeconds)} generated and ${count(distinct / cpuSeconds)} distinct per CPU second`
  return `${end}: ${count(generated)} states generated, ${count(distinct)} distinct, depth ${depth}, ${cpuSeconds.toFixed(1)} CPU s: ${speed}`
}

function report(search: Search, outcome: Outcome, core: Core): void {
  console.log(summary(outcome))
  console.log(
    `${count(outcome.places)} process states with their messages, ${count(outcome.steps)} calls of step`,
  )
  if (outcome.violation === null) return
  console.log(`\n${outcome.violation.property}\n`)
  console.log(describePath(search, outcome.violation.path).join('\n'))
  if (search.limits.clock !== 'equal') return
  const again = replay(core, search.limits, search, outcome.violation.path)
  console.log(again === null ? '\nover real cores it breaks nothing' : `\nover real cores: ${again}`)
}

async function exploreMutants(limits: Limits, rules: readonly string[]): Promise<void> {
  for (const mutant of mutantsOfCore()) {
    if (rules.length > 1 && !rules.some((rule) => mutant.id.split(' ').includes(rule))) continue
    const core = await coreOf(mutant)
    const { search, outcome } = explore(limits, core, true)
    const found = outcome.violation
    let verdict = found === null ? 'not caught' : `caught at depth ${outcome.depth}: ${found.property}`
    if (found !== null && limits.clock === 'equal') {
      const again = replay(core, limits, search, found.path)
      verdict += again === null ? ' (not over real cores)' : ' (over real cores, too)'
    }
    console.log(`${mutant.id.padEnd(34)} ${outcome.cpuSeconds.toFixed(1).padStart(6)} s  ${verdict}`)
  }
}

const limits = limitsOf()
const rules = values.mutant?.split(',') ?? []
if (!values.members) console.log(describeLimits(limits))
if (values.members) {
  const holds = await exploreMembers({
    scenario: values.scenario,
    elections: values.elections,
    contenders: values.contenders,
    targets: values.targets,
    loses: values.loses,
    leader: values.leader,
    open: values.open,
    order: values.order,
    mutant: values.mutant,
    terms: (otherwise) => whole('terms', otherwise, 1, 7),
    changes: (otherwise) => whole('changes', otherwise, 0, 7),
    crashes: (otherwise) => whole('crashes', otherwise, 0, 7),
    stops: (otherwise) => whole('stops', otherwise, 0, 7),
    promise: (otherwise) => whole('promise', otherwise, 2, 7),
    max: (otherwise) => whole('max', otherwise, 1, 1_000_000_000),
  })
  process.exitCode = holds ? 0 : 1
} else if (rules.length > 1 || values.mutant === 'all') {
  await exploreMutants(limits, rules)
} else {
  const core = values.mutant === undefined ? { createState, step } : await coreOf(mutantNamed(values.mutant))
  if (values.mutant !== undefined) {
    const { id, does } = mutantNamed(values.mutant)
    console.log(`a broken core, ${id}: ${does}`)
  }
  const { search, outcome } = explore(limits, core, false)
  report(search, outcome, core)
  process.exitCode = outcome.violation === null ? 0 : 1
}
