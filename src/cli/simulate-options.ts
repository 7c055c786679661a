/**
 * Reads the options of `conclave simulate`. Every refusal is one sentence that names the option and what it takes.
 */
import { parseArgs } from 'node:util'
import {
  MAINTENANCE_PROFILES,
  MEMBER_PROFILES,
  PROFILES,
  type ProfileName,
  ROLE_PROFILES,
  STORE_PROFILES,
} from '../simulation'
import { UsageError } from './command'

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

/** Everything that `--profile` takes. */
const WORLDS: readonly ProfileName[] = [
  ...PROFILES,
  ...ROLE_PROFILES,
  ...STORE_PROFILES,
  ...MEMBER_PROFILES,
  ...MAINTENANCE_PROFILES,
]

/** Text of `conclave simulate --help`. */
export const SIMULATE_HELP = `Usage: conclave simulate [options]

Runs the shipping code in simulated worlds: each seed is a cluster, a minute of faults, and a minute in which a leader has
to be there. Exit code 0: every property held; 1: one did not (seed, smallest plan and replay are printed); 2: wrong call.

  --seeds N         that many seeds (default 500, or as many as fit into --minutes)
  --seed S          the first of them (default: random, printed)
  --minutes M       as many seeds as fit into that time
  --profile P       ${WORLDS.join(', ')}
                    (default: each seed chooses; every fourth has stores)
  --workers W       processes that share the work (default: one per core)

One run alone, of --seed S without --seeds or with --seeds 1, or of a plan:

  --plan FILE       runs the plan in that file, as printed with a violation
  --trace           prints what happened, line by line
  --html FILE       draws it: a page to zoom and hover in
  --svg FILE        draws the interesting part, to print
  --from MS         where the picture begins (default: chosen)
  --to MS           where it ends

With many seeds, --html and --svg draw the smallest plan of the first violation.`

const OPTIONS = {
  seeds: { type: 'string' },
  seed: { type: 'string' },
  minutes: { type: 'string' },
  profile: { type: 'string' },
  workers: { type: 'string' },
  plan: { type: 'string' },
  trace: { type: 'boolean' },
  html: { type: 'string' },
  svg: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  worker: { type: 'boolean' },
} as const

/** @throws UsageError if the arguments make no sense. */
export function parseSimulate(args: readonly string[]): SimulateOptions {
  const values = valuesOf(args)
  const { profile = null, plan = null, trace = false, html = null, svg = null, worker = false } = values
  if (profile !== null && !isProfile(profile)) {
    throw new UsageError(`--profile takes one of ${WORLDS.join(', ')}, not ${JSON.stringify(profile)}.`)
  }
  const options: SimulateOptions = {
    seed: whole('--seed', values.seed, 0, 2 ** 32 - 1),
    seeds: whole('--seeds', values.seeds, 1, 2 ** 32),
    minutes: number('--minutes', values.minutes),
    profile,
    workers: whole('--workers', values.workers, 1, 256),
    plan,
    trace,
    html,
    svg,
    from: number('--from', values.from),
    to: number('--to', values.to),
    worker,
  }
  refuseContradictions(options)
  return options
}

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split(/\. (?=To )/)
    throw new UsageError(`${sentence.replace(/\.$/, '')}.`)
  }
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

function isProfile(name: string): name is ProfileName {
  return (WORLDS as readonly string[]).includes(name)
}

function number(option: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value) || value < 0) {
    throw new UsageError(`${option} takes a number that is not negative, not ${JSON.stringify(text)}.`)
  }
  return value
}

function whole(option: string, text: string | undefined, least: number, most: number): number | null {
  const value = number(option, text)
  if (value === null) return null
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new UsageError(
      `${option} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}.`,
    )
  }
  return value
}
