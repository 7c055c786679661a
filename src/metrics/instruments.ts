/**
 * Every figure by name: kind, labels, what it means. The one table that adapters, dashboard and tests read.
 *
 * Names are those of Prometheus, durations are in seconds. Read next: `prom.ts`, `otel.ts`.
 */
import type { CounterName, HistogramName, MetricName, ReadingName } from '../ports/metrics'

/** `total`: a counter that is kept by the library and read when figures are collected. */
export type InstrumentKind = 'counter' | 'histogram' | 'gauge' | 'total'

/** What a figure is. */
export interface Instrument {
  readonly kind: InstrumentKind
  readonly help: string
  readonly labels: readonly string[]
  /** Unit for OpenTelemetry (UCUM). */
  readonly unit: string
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[]
}

const PROCESS = ['cluster', 'process'] as const
const ELECTION = [...PROCESS, 'election'] as const

/** Name -> instrument. */
export const INSTRUMENTS: Readonly<Record<MetricName, Instrument>> = {
  conclave_transitions_total: {
    kind: 'counter',
    help: 'Leaderships of this process that began (change="elected") or ended (change="revoked"), with the reason.',
    labels: [...ELECTION, 'change', 'reason'],
    unit: '1',
  },
  conclave_elections_total: {
    kind: 'counter',
    help: 'Tries of this process to lead: started, won, failed, or conceded to another.',
    labels: [...ELECTION, 'result'],
    unit: '1',
  },
  conclave_election_refusals_total: {
    kind: 'counter',
    help: 'Refusals of voters in tries that failed, by reason.',
    labels: [...ELECTION, 'reason'],
    unit: '1',
  },
  conclave_fence_refusals_total: {
    kind: 'counter',
    help: 'Claims that a fence refused, by error code.',
    labels: ['fence', 'code'],
    unit: '1',
  },
  conclave_lease_remaining_seconds: {
    kind: 'histogram',
    help: 'What was left of a lease when it was renewed. Near zero: leaderships are about to be lost.',
    labels: PROCESS,
    unit: 's',
    buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10],
  },
  conclave_margin_used_ratio: {
    kind: 'histogram',
    help: 'How long work took to stop after its signal, as a share of marginMs. Above 1: it can outlive the lease.',
    labels: PROCESS,
    unit: '1',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2, 5],
  },
  conclave_leader: {
    kind: 'gauge',
    help: '1 if this process leads the election at the reading of its clock, else 0.',
    labels: ELECTION,
    unit: '1',
  },
  conclave_term: {
    kind: 'gauge',
    help: 'Term of the leader that this process knows, 0 if it knows none.',
    labels: ELECTION,
    unit: '1',
  },
  conclave_renewal_seconds: {
    kind: 'gauge',
    help: 'From the sending of a heartbeat until a quorum had answered, of the newest 256 renewals, by quantile.',
    labels: [...PROCESS, 'quantile'],
    unit: 's',
  },
  conclave_renewal_budget_seconds: {
    kind: 'gauge',
    help: 'What a renewal may take before the signal of a leadership aborts.',
    labels: PROCESS,
    unit: 's',
  },
  conclave_failover_worst_seconds: {
    kind: 'gauge',
    help: 'Computed: longest time without a leader after a crash; absent where nobody else could lead.',
    labels: PROCESS,
    unit: 's',
  },
  conclave_event_loop_delay_seconds: {
    kind: 'gauge',
    help: 'Delay of the event loop in the present half minute, by quantile.',
    labels: [...PROCESS, 'quantile'],
    unit: 's',
  },
  conclave_member_alive: {
    kind: 'gauge',
    help: '1 if that voter answered something that was sent less than promiseMs ago, else 0.',
    labels: [...PROCESS, 'member'],
    unit: '1',
  },
  conclave_member_round_trip_seconds: {
    kind: 'gauge',
    help: 'Round trip of the newest answer of that voter.',
    labels: [...PROCESS, 'member'],
    unit: 's',
  },
  conclave_refused_total: {
    kind: 'total',
    help: 'Frames, sessions and connections that were refused, by reason.',
    labels: [...PROCESS, 'reason'],
    unit: '1',
  },
  conclave_stalls_total: {
    kind: 'total',
    help: 'Timers that fired more than a heartbeat late: a blocked event loop, or a process that was paused.',
    labels: PROCESS,
    unit: '1',
  },
  conclave_suspends_total: {
    kind: 'total',
    help: 'Suspends of the host that were noticed.',
    labels: PROCESS,
    unit: '1',
  },
}

/** The instruments of some kinds, with their names. */
export function instrumentsOf(...kinds: readonly ['counter']): (readonly [CounterName, Instrument])[]
export function instrumentsOf(...kinds: readonly ['histogram']): (readonly [HistogramName, Instrument])[]
export function instrumentsOf(
  ...kinds: readonly ['gauge'] | readonly ['total'] | readonly ['gauge', 'total']
): (readonly [ReadingName, Instrument])[]
export function instrumentsOf(...kinds: readonly InstrumentKind[]): (readonly [MetricName, Instrument])[] {
  const all = Object.entries(INSTRUMENTS) as [MetricName, Instrument][]
  return all.filter(([, { kind }]) => kinds.includes(kind))
}
