/**
 * Where figures go: the port between the library and whatever counts them (prom-client, OpenTelemetry, something of yours).
 *
 * Three methods, and names that the compiler knows. Read next: `../metrics/instruments.ts` (what each name means),
 * `../runtime/meter.ts` (who writes them).
 */

/** Counted where it happens, by one. */
export type CounterName =
  | 'conclave_transitions_total'
  | 'conclave_elections_total'
  | 'conclave_election_refusals_total'
  | 'conclave_fence_refusals_total'

/** Observed where it happens. */
export type HistogramName = 'conclave_lease_remaining_seconds' | 'conclave_margin_used_ratio'

/** Read when somebody looks, so that they cost nothing meanwhile and are never stale: gauges, and totals that are kept anyway. */
export type ReadingName =
  | 'conclave_leader'
  | 'conclave_term'
  | 'conclave_renewal_seconds'
  | 'conclave_renewal_budget_seconds'
  | 'conclave_failover_worst_seconds'
  | 'conclave_event_loop_delay_seconds'
  | 'conclave_member_alive'
  | 'conclave_member_round_trip_seconds'
  | 'conclave_refused_total'
  | 'conclave_stalls_total'
  | 'conclave_suspends_total'

/** Every name that the library counts, observes or reads. */
export type MetricName = CounterName | HistogramName | ReadingName

/** Label -> value. One object is used again and again; nobody changes it. */
export type MetricLabels = Readonly<Record<string, string>>

/** Takes one reading. */
export type Read = (name: ReadingName, labels: MetricLabels, value: number) => void

/**
 * Counts and measures.
 *
 * What the library guarantees: labels of one name are always those of its instrument; `observe` is called once per heartbeat
 * at most. What an implementation guarantees: it never throws, keeps no label object, and calls sources only when figures
 * are collected.
 */
export interface Metrics {
  count(name: CounterName, labels: MetricLabels): void
  observe(name: HistogramName, labels: MetricLabels, value: number): void
  /** `source` gives every reading that it has, whenever figures are collected. Returns how to end that; its series vanish then. */
  onCollect(source: (read: Read) => void): () => void
}
