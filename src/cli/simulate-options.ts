/**
 * Reads the options of `conclave simulate`. Every refusal is one sentence that names the option and what it takes.
 */
import { ALL_PROFILES, type ProfileName } from '../simulation'
import { UsageError } from './command'
import { flagLines, numberOf, parseFlags, wholeOf } from './flags'

/** What was asked for. */
export interface SimulateOptions {
  /** First seed; null: a random one. */
  readonly seed: number | null
  /** How many seeds; null: not said. */
  readonly seeds: number | null
  /** Minutes of wall time; null: not said. */
  readonly minutes: number | null
  /** Kind of world; null: each seed chooses. */
  readonly profile: ProfileName | null
  /** Processes at most; null: one per core. */
  readonly workers: number | null
  /** File with a plan to run instead of a seed. */
  readonly plan: string | null
  /** Print the trace. */
  readonly trace: boolean
  /** Files for the pictures. */
  readonly html: string | null
  readonly svg: string | null
  /** Part of the run that the picture shows, true ms. */
  readonly from: number | null
  readonly to: number | null
  /** A worker process: takes orders from its parent. */
  readonly worker: boolean
}

/** How many seeds, and where. */
const MANY = {
  seeds: { value: 'N', summary: 'that many seeds (default 500, or as many as fit into --minutes)' },
  seed: { value: 'S', summary: 'the first of them (default: random, printed)' },
  minutes: { value: 'M', summary: 'as many seeds as fit into that time' },
  profile: {
    value: 'P',
    choices: ALL_PROFILES,
    summary: `${ALL_PROFILES.join(', ')}\n(default: each seed chooses; every fourth has stores, one in sixteen members that change,\none in 32 an operator who pauses, freezes and plans hand-overs;\neverything at once only when it is asked for)`,
  },
  workers: { value: 'W', summary: 'processes that share the work (default: one per core)' },
} as const
/** One run, and its picture. */
const ONE = {
  plan: { value: 'FILE', isPath: true, summary: 'runs the plan in that file, as printed with a violation' },
  trace: { summary: 'prints what happened, line by line' },
  html: { value: 'FILE', isPath: true, summary: 'draws it: a page to zoom and hover in' },
  svg: { value: 'FILE', isPath: true, summary: 'draws the interesting part, to print' },
  from: { value: 'MS', summary: 'where the picture begins (default: chosen)' },
  to: { value: 'MS', summary: 'where it ends' },
} as const
/** Options of `conclave simulate`. */
export const SIMULATE_FLAGS = { ...MANY, ...ONE }
/** How its worker processes are started. */
const OWN = { worker: { summary: 'takes orders from its parent' } } as const

/** Text of `conclave simulate --help`. */
export const SIMULATE_HELP = `Usage: conclave simulate [options]

Runs the shipping code in simulated worlds: each seed is a cluster, a minute of faults, and a minute in which a leader has
to be there. Exit code 0: every property held; 1: one did not (seed, smallest plan and replay are printed); 2: wrong call.

${flagLines(MANY)}

One run alone, of --seed S without --seeds or with --seeds 1, or of a plan:

${flagLines(ONE)}

With many seeds, --html and --svg draw the smallest plan of the first violation.`

/** @throws UsageError if the arguments make no sense. */
export function parseSimulate(args: readonly string[]): SimulateOptions {
  const values = parseFlags(args, { ...SIMULATE_FLAGS, ...OWN })
  const { profile = null, plan = null, trace = false, html = null, svg = null, worker = false } = values
  const options: SimulateOptions = {
    seed: wholeOf('seed', values.seed, 0, 2 ** 32 - 1),
    seeds: wholeOf('seeds', values.seeds, 1, 2 ** 32),
    minutes: numberOf('minutes', values.minutes),
    profile: profile as ProfileName | null,
    workers: wholeOf('workers', values.workers, 1, 256),
    plan,
    trace,
    html,
    svg,
    from: numberOf('from', values.from),
    to: numberOf('to', values.to),
    worker,
  }
  refuseContradictions(options)
  return options
}

function refuseContradictions({
  plan,
  seed,
  seeds,
  minutes,
  profile,
  html,
  svg,
  from,
  to,
}: SimulateOptions): void {
  if (plan !== null && (seed ?? seeds ?? minutes ?? profile) !== null) {
    throw new UsageError(
      '--plan says everything about a run: --seed, --seeds, --minutes and --profile do not go with it.',
    )
  }
  if ((from ?? to) !== null && html === null && svg === null) {
    throw new UsageError('--from and --to say what a picture shows: give --html or --svg, too.')
  }
  if (from !== null && to !== null && from >= to) {
    throw new UsageError(`--from has to be before --to: ${from} is not before ${to}.`)
  }
}
