/** The options of `schedule`, their defaults and their checks. Read next: `schedule.ts`. */

import { ElectionError } from '../errors'
import type { RunFence } from '../fencing/run'
import type { Clock } from '../ports/clock'
import { systemClock } from '../runtime/system-clock'
import type { ScheduledRun } from './scheduler'

/** Runs that fell due while nobody led, or nobody reached the fence: the newest of them, each, or none. */
export type MissedRuns = 'once' | 'all' | 'skip'

/** Runs that fell due while the one before still ran: passed over, or treated as missed ones when it has ended. */
export type OverlapPolicy = 'skip' | 'queue'

/** When the fence remembers a run: before it begins (never twice), or when it has ended (never lost). */
export type Remember = 'before' | 'after'

/** Options of `schedule`. */
export interface ScheduleOptions {
  /** Where the last run is remembered: `memoryFence`, `fileFence`, `postgresFence` or `redisFence`, shared by all processes. */
  readonly fence: RunFence
  /**
   * Name of the job at the fence. Default: that of the election. Two schedules of one election need two names. A job whose name
   * changes begins anew.
   */
  readonly job?: string
  /**
   * `before` (default): the run is taken before it begins, so no due time ever begins twice; one that a crash cut short is not
   * repeated. `after`: it is remembered when the function has settled under a leadership that still stands, so none is lost;
   * one that a fail-over cut short runs again, and the function has to bear that.
   */
  readonly remember?: Remember
  /** What becomes of missed runs. Default `once`: a fail-over over one due time loses nothing, a long outage does not pile up. */
  readonly missed?: MissedRuns
  /** What becomes of runs that fall due while one runs. Default `skip`. */
  readonly overlap?: OverlapPolicy
  /**
   * With `missed: 'skip'`: a run that begins so late, ms, counts as missed. Default 10,000. Too small: an ordinary fail-over costs
   * a run.
   */
  readonly graceMs?: number
  /** Of a cron expression; default `UTC`, the same at every host. An IANA name: `Europe/Berlin`. */
  readonly timeZone?: string
  /** Pause before the fence is asked again after it could not answer, ms. Default 1,000. Too small: load on a sick store. */
  readonly retryMs?: number
  /**
   * Told what the function threw (`run` is its run), or why the fence did not answer (`run` is null). Default: a process warning,
   * as becomes of what it throws itself.
   */
  readonly onError?: (error: unknown, run: ScheduledRun | null) => void
  /** For simulations and tests. Default: the system's; due times are compared with its wall clock. */
  readonly clock?: Clock
}

/** Options with every default filled in. */
export type CheckedSchedule = Required<ScheduleOptions>

const KNOWN = 'fence job remember missed overlap graceMs timeZone retryMs onError clock'.split(' ')

/** @throws ELECTION_CONFIG_INVALID: an unknown option, or a value that means nothing; the message says which. */
export function checkSchedule(options: ScheduleOptions, election: string): CheckedSchedule {
  if (typeof options !== 'object' || options === null) throw invalid('the options are no object')
  for (const key of Object.keys(options)) {
    if (!KNOWN.includes(key)) throw invalid(`unknown option ${JSON.stringify(key.slice(0, 60))}`)
  }
  const { fence, job = election, remember = 'before', missed = 'once', overlap = 'skip' } = options
  const { graceMs = 10_000, timeZone = 'UTC', retryMs = 1_000, onError = warn } = options
  if (typeof fence?.takeRun !== 'function' || typeof fence.lastRun !== 'function') {
    throw invalid(
      'fence: expected a fence with takeRun() and lastRun(), as memoryFence(), fileFence(), postgresFence(), redisFence()',
    )
  }
  oneOf('remember', remember, ['before', 'after'])
  oneOf('missed', missed, ['once', 'all', 'skip'])
  oneOf('overlap', overlap, ['skip', 'queue'])
  duration('graceMs', graceMs, 0)
  duration('retryMs', retryMs, 1)
  if (typeof onError !== 'function') throw invalid('onError: expected a function')
  if (typeof timeZone !== 'string') throw invalid('timeZone: expected the name of a time zone')
  const clock = options.clock ?? systemClock({ unref: true })
  const policies = { remember, missed, overlap, graceMs, timeZone, retryMs }
  return { fence, job, ...policies, onError: harmless(onError), clock }
}

/** What it throws, or rejects with, becomes a warning: neither the schedule nor the process ends by it. */
function harmless(onError: CheckedSchedule['onError']): CheckedSchedule['onError'] {
  return (error, run) => {
    const tell = async (): Promise<unknown> => onError(error, run)
    tell().catch((cause: unknown) => {
      process.emitWarning(new Error('onError of a schedule threw', { cause }))
    })
  }
}

function oneOf(option: string, value: unknown, allowed: readonly string[]): void {
  if (!allowed.includes(value as string)) throw invalid(`${option}: expected ${allowed.join(' or ')}`)
}

function duration(option: string, value: unknown, min: number): void {
  if (!Number.isFinite(value) || (value as number) < min || (value as number) > 2 ** 31 - 1) {
    throw invalid(`${option}: expected ms, ${min} to 2^31 - 1`)
  }
}

function warn(error: unknown, run: ScheduledRun | null): void {
  const text = error instanceof Error ? error.message : String(error)
  const what = run === null ? 'the fence of a schedule did not answer' : 'a scheduled run failed'
  process.emitWarning(`${what}: ${text.slice(0, 500)}`, {
    type: 'ConclaveWarning',
    code: 'CONCLAVE_SCHEDULE',
  })
}

function invalid(what: string): ElectionError {
  return new ElectionError('ELECTION_CONFIG_INVALID', `schedule(): ${what}`)
}
