/** Sums over many runs, and the table at the end of `npm run simulate`. */
import type { RunResult } from 'conclave/simulation'

export interface Tally {
  runs: number
  simulatedMs: number
  events: number
  elections: number
  cpuSeconds: number
  worstRecoveryMs: number
  readonly revoked: Record<string, number>
  readonly faults: Record<string, number>
}

export function emptyTally(): Tally {
  return {
    runs: 0,
    simulatedMs: 0,
    events: 0,
    elections: 0,
    cpuSeconds: 0,
    worstRecoveryMs: 0,
    revoked: {},
    faults: {},
  }
}

/** Adds one run, or the sums of others. */
export function add(tally: Tally, more: RunResult | Tally): void {
  const stats = 'stats' in more ? more.stats : more
  tally.runs += 'stats' in more ? 1 : more.runs
  tally.simulatedMs += stats.simulatedMs
  tally.events += stats.events
  tally.elections += stats.elections
  if ('stats' in more) tally.worstRecoveryMs = Math.max(tally.worstRecoveryMs, more.stats.recoveryMs)
  else {
    tally.cpuSeconds += more.cpuSeconds
    tally.worstRecoveryMs = Math.max(tally.worstRecoveryMs, more.worstRecoveryMs)
  }
  for (const key of ['revoked', 'faults'] as const) {
    for (const [name, count] of Object.entries(stats[key])) tally[key][name] = (tally[key][name] ?? 0) + count
  }
}

const YEAR_MS = 365.25 * 24 * 3600 * 1000
const row = (name: string, value: string) => `  ${name.padEnd(34)} ${value.padStart(18)}`
const whole = (x: number) => Math.round(x).toLocaleString('en')

export function report(tally: Tally, violations: number, seconds: number): string {
  const years = tally.simulatedMs / YEAR_MS
  const lines = [
    row('runs', whole(tally.runs)),
    row('simulated time, hours', whole(tally.simulatedMs / 3_600_000)),
    row('simulated years per core-hour', (years / (tally.cpuSeconds / 3600)).toFixed(3)),
    row('simulated time over CPU time', `${whole(tally.simulatedMs / 1000 / tally.cpuSeconds)} x`),
    row('wall time, s', whole(seconds)),
    row('events', whole(tally.events)),
    row('leaderships won', whole(tally.elections)),
    row('slowest recovery, ms', whole(tally.worstRecoveryMs)),
    '  ends of leaderships by reason',
    ...Object.entries(tally.revoked)
      .sort()
      .map(([name, count]) => row(`  ${name}`, whole(count))),
    '  faults by kind',
    ...Object.entries(tally.faults)
      .sort()
      .map(([name, count]) => row(`  ${name}`, whole(count))),
    row('VIOLATIONS', whole(violations)),
  ]
  return lines.join('\n')
}
