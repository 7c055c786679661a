/** Sums over many runs, and the table at the end of `conclave simulate`. */
import type { RunResult, RunStats } from '../simulation'

/** Sums of what `RunStats` counts; plain data, so that a worker can send it. */
export interface Tally {
  runs: number
  simulatedMs: number
  events: number
  frames: number
  elections: number
  renewals: number
  written: number
  refused: number
  /** CPU time of the simulation, s; 0 until somebody measured it. */
  cpuSeconds: number
  worstRecoveryMs: number
  readonly revoked: Record<string, number>
  readonly faults: Record<string, number>
  readonly profiles: Record<string, number>
}

const SUMS = [
  'runs',
  'simulatedMs',
  'events',
  'frames',
  'elections',
  'renewals',
  'written',
  'refused',
  'cpuSeconds',
] as const
const COUNTS = ['revoked', 'faults', 'profiles'] as const

/** All zero. */
export function emptyTally(): Tally {
  const zero = Object.fromEntries(SUMS.map((key) => [key, 0])) as Pick<Tally, (typeof SUMS)[number]>
  return { ...zero, worstRecoveryMs: 0, revoked: {}, faults: {}, profiles: {} }
}

/** Adds the sums of others. */
export function add(tally: Tally, more: Tally): void {
  for (const key of SUMS) tally[key] += more[key]
  tally.worstRecoveryMs = Math.max(tally.worstRecoveryMs, more.worstRecoveryMs)
  for (const key of COUNTS) {
    for (const [name, count] of Object.entries(more[key])) tally[key][name] = (tally[key][name] ?? 0) + count
  }
}

/** Adds one run. */
export function addRun(tally: Tally, { plan, stats }: Pick<RunResult, 'plan' | 'stats'>): void {
  add(tally, { ...ofRun(stats), profiles: { [plan.profile]: 1 } })
}

function ofRun(stats: RunStats): Tally {
  const { simulatedMs, events, frames, elections, renewals, writes, revoked, faults, recoveryMs } = stats
  const counted = { simulatedMs, events, frames, elections, renewals, revoked, faults }
  const { accepted: written, refused } = writes
  return { ...counted, written, refused, runs: 1, cpuSeconds: 0, worstRecoveryMs: recoveryMs, profiles: {} }
}

const YEAR_HOURS = 365.25 * 24
const row = (name: string, value: string): string => `  ${name.padEnd(36)} ${value.padStart(18)}`
const whole = (x: number): string => Math.round(x).toLocaleString('en')

function counts(title: string, of: Readonly<Record<string, number>>): string[] {
  const names = Object.keys(of).sort()
  return names.length === 0
    ? []
    : [`  ${title}`, ...names.map((name) => row(`  ${name}`, whole(of[name] ?? 0)))]
}

/** The table. `seconds`: wall time. */
export function report(tally: Tally, violations: number, seconds: number): string {
  const hours = tally.simulatedMs / 3_600_000
  const coreHours = Math.max(tally.cpuSeconds, 0.001) / 3600
  return [
    row('runs', whole(tally.runs)),
    row('simulated time, hours', hours < 10 ? hours.toFixed(2) : whole(hours)),
    row('simulated years per core-hour', (hours / YEAR_HOURS / coreHours).toFixed(3)),
    row('simulated time over CPU time', `${whole(hours / coreHours)} x`),
    row('wall time, s', seconds.toFixed(seconds < 10 ? 1 : 0)),
    row('events', whole(tally.events)),
    row('frames', whole(tally.frames)),
    row('elections (leaderships won)', whole(tally.elections)),
    row('leases, times renewed', whole(tally.renewals)),
    row('fenced writes, accepted', whole(tally.written)),
    row('fenced writes, refused as stale', whole(tally.refused)),
    row('slowest recovery, ms', whole(tally.worstRecoveryMs)),
    ...counts('runs by profile', tally.profiles),
    ...counts('ends of leaderships by reason', tally.revoked),
    ...counts('faults by kind', tally.faults),
    row('VIOLATIONS', whole(violations)),
  ].join('\n')
}
