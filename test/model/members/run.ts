/** `npm run model-check -- --members`: what is explored, and how it is told. Options: `../main.ts`. */
import { createState, step } from '../../../src/core'
import type { Mutant } from '../../mutants/mutant'
import { coreOf, mutantNamed, mutantsOfCore } from '../mutants'
import type { Core } from '../process'
import { replay } from './replay'
import { limitsOf, SCENARIOS, type Scenario } from './scenarios'
import { type MemberOutcome, MemberSearch, type Violation } from './search'
import { MEMBERS, type MemberLimits, WORK } from './seat'

/** Options of the command line, as they were given. */
export interface MemberOptions {
  readonly scenario?: string | undefined
  readonly elections?: string | undefined
  readonly contenders?: string | undefined
  readonly targets?: string | undefined
  readonly loses?: string | undefined
  readonly leader?: string | undefined
  readonly open: boolean
  readonly order: boolean
  readonly terms: (otherwise: number) => number
  readonly changes: (otherwise: number) => number
  readonly crashes: (otherwise: number) => number
  readonly stops: (otherwise: number) => number
  readonly promise: (otherwise: number) => number
  readonly max: (otherwise: number) => number
  readonly mutant?: string | undefined
}

function chosenLimits(options: MemberOptions): MemberLimits {
  const name = options.scenario ?? 'replaced'
  if (!isScenario(name))
    throw new Error(`no scenario is called ${name}: ${Object.keys(SCENARIOS).join(', ')}`)
  const standard = SCENARIOS[name]
  const { maxTerm } = standard
  return limitsOf(name, {
    elections: options.elections?.split(',') ?? standard.elections,
    contenders: options.contenders ?? standard.contenders,
    targets: options.targets?.split(',') ?? standard.targets,
    maxTerm: {
      [WORK]: options.terms(maxTerm[WORK] ?? 2),
      [MEMBERS]: standard.elections.includes(MEMBERS) ? options.terms(maxTerm[MEMBERS] ?? 2) : 1,
    },
    changes: options.changes(standard.changes),
    crashes: options.crashes(standard.crashes),
    stops: options.stops(standard.stops),
    leader: options.leader ?? standard.leader,
    loses: options.loses ?? standard.loses,
    isOpen: options.open || standard.isOpen,
    inOrder: options.order || standard.inOrder,
    promise: options.promise(standard.promise),
    maxStates: options.max(standard.maxStates),
  })
}

function isScenario(name: string): name is Scenario {
  return Object.hasOwn(SCENARIOS, name)
}

/** Explores, prints what was found; false if a property broke. */
export async function exploreMembers(options: MemberOptions): Promise<boolean> {
  const limits = chosenLimits(options)
  const { voters, others, elections, contenders, targets, maxTerm, changes, crashes, loses, promise } = limits
  const terms = elections.map((name) => `${name} up to term ${maxTerm[name]}`).join(', ')
  console.log(
    `${voters} vote, ${others} may join; ${terms}; ${contenders} stand; ${changes} changes, to ${targets.join(' or ')}; ${crashes} crash-restarts${loses === '' ? '' : `, ${loses} loses its disk`}, D = ${promise} ticks`,
  )
  const chosen = options.mutant === undefined ? [] : mutantsFor(options.mutant)
  if (chosen.length > 1) {
    for (const mutant of chosen) {
      const { outcome, search } = explore(limits, await coreOf(mutant), true)
      const { violation, depth, cpuSeconds, complete } = outcome
      const missed = complete ? 'not caught' : 'not caught (INCOMPLETE)'
      const verdict =
        violation === null
          ? missed
          : `caught at depth ${depth}: ${violation.property} (${isReal(search, limits, violation)})`
      console.log(`${mutant.id.padEnd(24)} ${cpuSeconds.toFixed(1).padStart(6)} s  ${verdict}`)
    }
    return true
  }
  const [only] = chosen
  if (only !== undefined) console.log(`a broken core, ${only.id}: ${only.does}`)
  const core = only === undefined ? { createState, step } : await coreOf(only)
  const { outcome, search } = explore(limits, core, false)
  report(outcome)
  if (outcome.violation !== null) console.log(`\n${isReal(search, limits, outcome.violation)}`)
  return outcome.violation === null
}

function isReal(search: MemberSearch, limits: MemberLimits, { steps }: Violation): string {
  const again = replay(search, limits, steps)
  return again === null ? 'over real cores it breaks nothing' : `over real cores: ${again}`
}

function mutantsFor(named: string): readonly Mutant[] {
  const names = named.split(',')
  if (names.length === 1 && named !== 'all') return [mutantNamed(named)]
  return mutantsOfCore().filter(
    ({ id }) => named === 'all' || names.some((name) => id === name || id.startsWith(`${name} `)),
  )
}

function explore(
  limits: MemberLimits,
  core: Core,
  quiet: boolean,
): { readonly outcome: MemberOutcome; readonly search: MemberSearch } {
  let told = performance.now()
  const search = new MemberSearch(limits, core)
  const outcome = search.run(({ generated, distinct, depth }) => {
    if (quiet || performance.now() - told < 2_000) return
    told = performance.now()
    console.log(`  depth ${depth}: ${count(generated)} generated, ${count(distinct)} distinct`)
  })
  return { outcome, search }
}

function report({
  generated,
  distinct,
  depth,
  cpuSeconds,
  complete,
  violation,
  processes,
  steps,
}: MemberOutcome) {
  const end = violation !== null ? 'stopped by a violation' : complete ? 'complete' : 'INCOMPLETE'
  console.log(
    `${end}: ${count(generated)} states generated, ${count(distinct)} distinct, depth ${depth}, ${cpuSeconds.toFixed(1)} CPU s: ${count(generated / cpuSeconds)} generated per CPU second`,
  )
  console.log(`${count(processes)} process states, ${count(steps)} calls of step`)
  if (violation === null) return
  console.log(`\n${violation.property}\n`)
  violation.path.forEach((line, i) => {
    console.log(`${String(i + 1).padStart(3)}. ${line}`)
  })
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en-US')
}
