/**
 * `conclave simulate`: swarm simulation of the shipping core and runtime (PROTOCOL D.2), and one run looked at closely.
 *
 * Decides what is printed. Options are in `simulate-options.ts`, many processes in `swarm-workers.ts`, the table in
 * `tally.ts`, the pictures in `simulation/picture`.
 */
import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { type Plan, planFor, type RunResult, runPlan, shrinkPlan } from '../simulation'
import { type Command, EXIT } from './command'
import { drawPictures } from './pictures'
import { planFileName, readPlan, writePlan } from './plan-file'
import { parseSimulate, SIMULATE_FLAGS, SIMULATE_HELP, type SimulateOptions } from './simulate-options'
import { type Finding, runSwarm, serveOrders } from './swarm-workers'
import { addRun, emptyTally, report, type Tally } from './tally'
import type { Terminal } from './terminal'

const DEFAULT_SEEDS = 500
/** Between two lines of progress, ms: redrawn on a terminal, printed elsewhere. */
const REDRAW_MS = 200
const REPORT_MS = 10_000
const BAR = 30

/** The subcommand. */
export const simulate: Command = {
  summary: 'run the library in simulated worlds, a seed each; draw one',
  help: SIMULATE_HELP,
  flags: SIMULATE_FLAGS,
  async run(args, terminal) {
    const options = parseSimulate(args)
    if (options.worker) return serveOrders(process).then(() => EXIT.ok)
    if (options.plan !== null) return one(readPlan(options.plan), options, terminal)
    const closely = options.trace || ((options.html ?? options.svg) !== null && options.seed !== null)
    const alone = options.seeds === 1 || (closely && options.seeds === null && options.minutes === null)
    const seed = options.seed ?? randomInt(2 ** 31)
    if (alone) return one(planFor(seed, options.profile ?? undefined), options, terminal)
    return many(seed, options, terminal)
  },
}

// --- one run ----------------------------------------------------------------------------------------------------------

function one(plan: Plan, options: SimulateOptions, terminal: Terminal): number {
  const began = performance.now()
  const before = process.cpuUsage()
  const result = runPlan(plan, { trace: options.trace ? {} : null })
  const { user, system } = process.cpuUsage(before)
  if (options.trace) terminal.print(result.trace?.trimEnd() ?? '')
  const tally = emptyTally()
  addRun(tally, result)
  tally.cpuSeconds = (user + system) / 1e6
  const { seed, profile, steps } = plan
  terminal.print(
    `seed ${seed}, profile ${profile}, ${plan.setup.nodes.length} processes, ${steps.length} steps`,
  )
  terminal.print(report(tally, result.violations.length, (performance.now() - began) / 1000))
  const [first] = result.violations
  if (first === undefined) {
    drawPictures(plan, commandOf(plan, options), options, terminal)
    return EXIT.ok
  }
  explain(result, first.property, first.text, options, terminal)
  return EXIT.failed
}

/** The command that does that run again. */
function commandOf({ seed, profile }: Plan, options: SimulateOptions): string {
  if (options.plan !== null) return `npx conclave simulate --plan ${options.plan}`
  return `npx conclave simulate --seeds 1 --seed ${seed}${options.profile === null ? '' : ` --profile ${profile}`}`
}

/** Says what broke, shrinks the plan, keeps it, draws it. */
function explain(
  { plan }: Pick<RunResult, 'plan'>,
  property: string,
  text: string,
  options: SimulateOptions,
  terminal: Terminal,
): void {
  terminal.print(`\nVIOLATION of ${property}, seed ${plan.seed}: ${text}`)
  terminal.print(`replay: ${commandOf(plan, options)} --trace`)
  terminal.progress('looking for a smaller plan that fails in the same way')
  const { plan: small, runs } = shrinkPlan(plan, property)
  terminal.print(`smallest plan found, ${plan.steps.length} -> ${small.steps.length} steps in ${runs} runs:`)
  for (const { at, action } of small.steps) {
    terminal.print(`  ${at.toFixed(3).padStart(10)} ms  ${JSON.stringify(action)}`)
  }
  const { trace } = runPlan(small, { trace: { newest: 40 } })
  terminal.print('the last of its trace:')
  for (const line of (trace ?? '').trimEnd().split('\n').slice(-40)) terminal.print(line)
  const path = planFileName(plan.seed)
  const replay = `npx conclave simulate --plan ${path}`
  if (writePlan(path, small)) terminal.print(`that plan is kept in ${path}; replay: ${replay} --trace`)
  else terminal.print(`that plan, for --plan: ${JSON.stringify(small)}`)
  drawPictures(small, replay, options, terminal)
}

// --- many runs --------------------------------------------------------------------------------------------------------

async function many(from: number, options: SimulateOptions, terminal: Terminal): Promise<number> {
  const { profile, minutes } = options
  const count = options.seeds ?? (minutes === null ? DEFAULT_SEEDS : 2 ** 32)
  const workers = options.workers ?? availableParallelism()
  const began = performance.now()
  const until = minutes === null ? Number.POSITIVE_INFINITY : began + minutes * 60_000
  const worlds = profile === null ? 'all profiles' : `profile ${profile}`
  terminal.print(
    `seeds from ${from}, ${worlds}, 60 simulated seconds of faults each, at most ${workers} processes`,
  )
  let interrupted = false
  const interrupt = (): void => {
    interrupted = true
  }
  process.once('SIGINT', interrupt)
  // whoever reads has gone: nobody waits for the rest
  process.stdout.once('error', interrupt)
  const show = progressLine(terminal, began, until, count)
  const { tally, findings } = await runSwarm({
    ...{ from, count, profile, workers },
    enough: () => interrupted || performance.now() >= until,
    progress(sofar, all, latest) {
      for (const { seed, property } of latest) terminal.print(`VIOLATION of ${property}, seed ${seed}`)
      show(sofar, all)
    },
  }).finally(() => {
    process.off('SIGINT', interrupt)
    process.stdout.off('error', interrupt)
  })
  terminal.print(report(tally, findings.length, (performance.now() - began) / 1000))
  terminal.print(`seeds ${from} to ${from + tally.runs - 1}${interrupted ? ', interrupted' : ''}`)
  const [first] = findings
  if (first === undefined) return EXIT.ok
  const plan = planFor(first.seed, profile ?? undefined)
  explain({ plan }, first.property, first.text, { ...options, seeds: 1 }, terminal)
  return EXIT.failed
}

function progressLine(terminal: Terminal, began: number, until: number, count: number) {
  let shown = began
  return (tally: Tally, findings: readonly Finding[]): void => {
    const now = performance.now()
    if (now - shown < (terminal.isTerminal ? REDRAW_MS : REPORT_MS)) return
    shown = now
    const part = Math.min(1, Math.max(tally.runs / count, (now - began) / (until - began)))
    const bar = '#'.repeat(Math.round(BAR * part)).padEnd(BAR, '.')
    const seconds = Math.round((now - began) / 1000)
    const text = `${tally.runs} runs, ${findings.length} violations, ${seconds} s`
    terminal.progress(`[${bar}] ${Math.floor(part * 100)} %, ${text}`)
  }
}
