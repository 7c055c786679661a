/**
 * When runs are due: a cron expression, an interval, or a plan of one's own, as one function from a time to the next.
 *
 * Pure, and the same at every process, so that a successor finds the very times that its predecessor would have found: an
 * interval counts from 1970 and not from a start, and a cron expression is read in UTC unless a time zone is named. The parser
 * is `croner`, which is bundled into this entry point: nothing to install, and nothing at run time beside it.
 * Read next: `scheduler.ts`.
 */
import { Cron } from 'croner'
import { ElectionError } from '../errors'

/** A plan of one's own. */
export interface Plan {
  /** The first time after `afterMs` (ms since 1970) at which a run is due; null: never again. Pure; whole ms; above `afterMs`. */
  readonly next: (afterMs: number) => number | null
}

/** A cron expression (5 fields, or 6 with seconds in front), an interval in ms, or a plan of one's own. */
export type When = string | number | Plan

/** Shortest interval, ms: each run is a write at the fence. */
const SHORTEST_MS = 100

/** @throws ELECTION_CONFIG_INVALID: no such expression, interval or time zone, or nothing is ever due. */
export function planOf(when: When, timeZone: string): Plan {
  if (typeof when === 'number') return intervalPlan(when)
  if (typeof when === 'string') return cronPlan(when, timeZone)
  if (typeof when === 'object' && when !== null && typeof when.next === 'function') return when
  throw invalid('expected a cron expression, an interval in ms, or an object with next()')
}

function intervalPlan(everyMs: number): Plan {
  if (!Number.isSafeInteger(everyMs) || everyMs < SHORTEST_MS) {
    throw invalid(`an interval is a whole number of ms, ${SHORTEST_MS} or more`)
  }
  return { next: (afterMs) => (Math.floor(afterMs / everyMs) + 1) * everyMs }
}

function cronPlan(expression: string, timeZone: string): Plan {
  try {
    const cron = new Cron(expression, { timezone: timeZone, paused: true })
    const next = (afterMs: number): number | null => cron.nextRun(new Date(afterMs))?.getTime() ?? null
    next(0)
    return { next }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown'
    throw invalid(`not a cron expression in a time zone: ${why.slice(0, 200)}`, cause)
  }
}

/** How many due times are looked at one by one. */
const AT_ONCE = 1_000

/** Times that are due after `fromMs` and up to `nowMs`, oldest first, at most a thousand. */
export function dueBetween(plan: Plan, fromMs: number, nowMs: number): number[] {
  const due: number[] = []
  for (let at = plan.next(fromMs); at !== null && at <= nowMs && due.length < AT_ONCE; at = plan.next(at)) {
    due.push(at)
  }
  return due
}

/** The last time that is due up to `nowMs`, if there is one after `fromMs`; also after years, without looking at each. */
export function lastDue(plan: Plan, fromMs: number, nowMs: number): number | null {
  const first = plan.next(fromMs)
  if (first === null || first > nowMs) return null
  let window = 1_000
  while (nowMs - window > fromMs) {
    const at = plan.next(nowMs - window)
    if (at !== null && at <= nowMs) break
    window *= 2
  }
  return dueBetween(plan, Math.max(fromMs, nowMs - window), nowMs).at(-1) ?? null
}

function invalid(what: string, cause?: unknown): ElectionError {
  return new ElectionError('ELECTION_CONFIG_INVALID', `schedule(): ${what}`, { cause })
}
