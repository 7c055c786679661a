/** `npm run model-check -- --members`: what is explored, and how it is told. Options: `../main.ts`. */
import { createState, step } from '../../../src/core'
import type { Mutant } from '../../mutants/mutant'
import { coreOf, mutantNamed, mutantsOfCore } from '../mutants'
import type { Core } from '../process'
import { type MemberOutcome, MemberSearch } from './search'
import { MEMBERS, type MemberLimits, WORK } from './seat'

/** Leader of `@members` is `a` for ever; who leads `e` while `d` comes and `b` goes. */
export const WORK_LIMITS: MemberLimits = {
  voters: 'abc',
  others: 'd',
  elections: [WORK],
  contenders: 'bd',
  maxTerm: { [WORK]: 2, [MEMBERS]: 1 },
  changes: 2,
  targets: ['abcd', 'acd'],
  crashes: 0,
  promise: 2,
  maxStates: 50_000_000,
}

/** Who leads `@members`, and which of the competing leaders changes the voters to what. */
export const MEMBERS_LIMITS: MemberLimits = {
  ...WORK_LIMITS,
  elections: [MEMBERS],
  contenders: 'ab',
  maxTerm: { [WORK]: 0, [MEMBERS]: 3 },
  changes: 1,
  targets: ['abcd', 'ab'],
}

/** Options of the command line, as they were given. */
export interface MemberOptions {
  readonly elections?: string | undefined
  readonly contenders?: string | undefined
  readonly targets?: string | undefined
  readonly terms: (otherwise: number) => number
  readonly changes: (otherwise: number) => number
  readonly crashes: (otherwise: number) => number
  readonly promise: (otherwise: number) => number
  readonly max: (otherwise: number) => number
  readonly mutant?: string | undefined
}

function limitsOf(options: MemberOptions): MemberLimits {
  const names = options.elections?.split(',') ?? [WORK]
  const standard = names.includes(MEMBERS) ? MEMBERS_LIMITS : WORK_LIMITS
  const targets = options.targets?.split(',') ?? standard.targets
  return {
    ...standard,
    // whoever never votes would only be told of what others do
    others: [...standard.others].filter((id) => targets.some((voters) => voters.includes(id))).join(''),
    elections: names,
    contenders: options.contenders ?? standard.contenders,
    targets,
    maxTerm: {
      [WORK]: options.terms(2),
      [MEMBERS]: names.includes(MEMBERS) ? options.terms(standard.maxTerm[MEMBERS] ?? 1) : 1,
    },
    changes: options.changes(standard.changes),
    crashes: options.crashes(standard.crashes),
    promise: Math.max(2, options.promise(standard.promise)),
    maxStates: options.max(standard.maxStates),
  }
}

/** Explores, prints what was found; false if a property broke. */
export async function exploreMembers(options: MemberOptions): Promise<boolean> {
  const limits = limitsOf(options)
  const { voters, others, elections, contenders, targets, maxTerm, changes, crashes, promise } = limits
  const terms = elections.map((name) => `${name} up to term ${maxTerm[name]}`).join(', ')
  console.log(
    `${voters} vote, ${others} may join; ${terms}; ${contenders} stand; ${changes} changes, to ${targets.join(' or ')}; ${crashes} crash-restarts, D = ${promise} ticks`,
  )
  const chosen = options.mutant === undefined ? [] : mutantsFor(options.mutant)
  if (chosen.length > 1) {
    for (const mutant of chosen) {
      const outcome = explore(limits, await coreOf(mutant), true)
      const { violation, depth, cpuSeconds, complete } = outcome
      const missed = complete ? 'not caught' : 'not caught (INCOMPLETE)'
      const verdict = violation === null ? missed : `caught at depth ${depth}: ${violation.property}`
      console.log(`${mutant.id.padEnd(24)} ${cpuSeconds.toFixed(1).padStart(6)} s  ${verdict}`)
    }
    return true
  }
  const [only] = chosen
  if (only !== undefined) console.log(`a broken core, ${only.id}: ${only.does}`)
  const outcome = explore(limits, only === undefined ? { createState, step } : await coreOf(only), false)
  report(outcome)
  return outcome.violation === null
}

function mutantsFor(named: string): readonly Mutant[] {
  const names = named.split(',')
  if (names.length === 1 && named !== 'all') return [mutantNamed(named)]
  return mutantsOfCore().filter(
    ({ id }) => named === 'all' || names.some((name) => id === name || id.startsWith(`${name} `)),
  )
}

function explore(limits: MemberLimits, core: Core, quiet: boolean): MemberOutcome {
  let told = performance.now()
  return new MemberSearch(limits, core).run(({ generated, distinct, depth }) => {
    if (quiet || performance.now() - told < 2_000) return
    told = performance.now()
    console.log(`  depth ${depth}: ${count(generated)} generated, ${count(distinct)} distinct`)
  })
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
