/**
 * Writes the figures of one elector to a `Metrics` port (USERS 22). Exists only if the service gave one.
 *
 * Hears what listeners hear, and one word per renewal; everything else is read from `status()` when figures are collected.
 * Decides nothing. Read next: `../ports/metrics.ts`, `../metrics/instruments.ts`.
 */
import type { Election as CoreElection, ElectionName, Role } from '../core'
import type { MetricLabels, Metrics, Read } from '../ports/metrics'
import type { ElectionEvents } from './events'
import type { ElectorConfig } from './options'
import type { RenewalSink } from './renewals'
import type { ElectorStatus } from './status'

/** What is measured. */
interface Metered {
  on<E extends 'elected' | 'revoked' | 'roleChanged'>(
    event: E,
    listener: (event: ElectionEvents[E]) => void,
  ): unknown
  status(): ElectorStatus
}

/** How the last try for an election went, as the core remembers it. */
export type LastTry = Pick<CoreElection, 'failures' | 'lastRefusals'>

/** What a meter needs. */
export interface MeterParts {
  readonly config: ElectorConfig
  readonly metered: Metered
  readonly lastTry: (election: ElectionName) => LastTry | undefined
}

/** The figures of one elector, or null if nobody wants them. */
export function meterOf(parts: MeterParts): Meter | null {
  return parts.config.metrics === null ? null : new Meter(parts.config.metrics, parts)
}

/** Writes figures. */
export class Meter implements RenewalSink {
  private readonly labels: MetricLabels
  /** Elections that are tried for at present, and how many tries had failed before. */
  private readonly tries = new Map<ElectionName, number>()
  private end: (() => void) | null = null

  constructor(
    private readonly metrics: Metrics,
    private readonly parts: MeterParts,
  ) {
    const { config, metered } = parts
    this.labels = Object.freeze({ cluster: config.cluster, process: config.id })
    metered.on('elected', ({ election }) => this.won(election))
    metered.on('revoked', ({ election, reason }) => this.transition(election, 'revoked', reason))
    metered.on('roleChanged', ({ election, role }) => this.role(election, role))
  }

  /** From now on the port may ask. */
  start(): void {
    this.end ??= this.metrics.onCollect((read) => this.read(read))
  }

  /** The port asks no more. */
  stop(): void {
    this.end?.()
    this.end = null
  }

  /** The one observation that a heartbeat costs. */
  renewed(remainingMs: number): void {
    this.metrics.observe('conclave_lease_remaining_seconds', this.labels, remainingMs / 1_000)
  }

  workStopped(tookMs: number): void {
    const { marginMs } = this.parts.config.timing
    this.metrics.observe('conclave_margin_used_ratio', this.labels, marginMs === 0 ? 0 : tookMs / marginMs)
  }

  private won(election: ElectionName): void {
    this.tries.delete(election)
    this.result(election, 'won')
    this.transition(election, 'elected', 'won')
  }

  private role(election: ElectionName, role: Role): void {
    if (role === 'leader') return
    const before = this.tries.get(election)
    if (role !== 'follower') {
      if (before !== undefined) return
      this.tries.set(election, this.parts.lastTry(election)?.failures ?? 0)
      return this.result(election, 'started')
    }
    if (before === undefined) return
    this.tries.delete(election)
    const last = this.parts.lastTry(election)
    // a try that gave way to another claim has not failed: nobody refused it
    if (last === undefined || last.failures <= before) return this.result(election, 'conceded')
    this.result(election, 'failed')
    for (const reason of last.lastRefusals.values()) {
      this.metrics.count('conclave_election_refusals_total', { ...this.labels, election, reason })
    }
  }

  private result(election: ElectionName, result: string): void {
    this.metrics.count('conclave_elections_total', { ...this.labels, election, result })
  }

  private transition(election: ElectionName, change: string, reason: string): void {
    this.metrics.count('conclave_transitions_total', { ...this.labels, election, change, reason })
  }

  private read(read: Read): void {
    const { labels } = this
    const { elections, margin, failover, eventLoop, members, counters } = this.parts.metered.status()
    for (const [election, { isLeader, term }] of Object.entries(elections)) {
      read('conclave_leader', { ...labels, election }, isLeader ? 1 : 0)
      read('conclave_term', { ...labels, election }, term)
    }
    const quantile = (of: string): MetricLabels => ({ ...labels, quantile: of })
    const seconds = (
      name: 'conclave_renewal_seconds' | 'conclave_event_loop_delay_seconds',
      of: string,
      ms: number | null,
    ): void => {
      if (ms !== null) read(name, quantile(of), ms / 1_000)
    }
    seconds('conclave_renewal_seconds', '0.5', margin.renewalP50Ms)
    seconds('conclave_renewal_seconds', '0.99', margin.renewalP99Ms)
    seconds('conclave_renewal_seconds', '1', margin.renewalMaxMs)
    seconds('conclave_event_loop_delay_seconds', '0.5', eventLoop?.p50Ms ?? null)
    seconds('conclave_event_loop_delay_seconds', '0.99', eventLoop?.p99Ms ?? null)
    seconds('conclave_event_loop_delay_seconds', '1', eventLoop?.maxMs ?? null)
    read('conclave_renewal_budget_seconds', labels, margin.budgetMs / 1_000)
    if (failover !== null) read('conclave_failover_worst_seconds', labels, failover.worstMs / 1_000)
    for (const { id, isSelf, isAlive, roundTripMs } of members) {
      if (isSelf) continue
      const member = { ...labels, member: id }
      read('conclave_member_alive', member, isAlive ? 1 : 0)
      if (roundTripMs !== null) read('conclave_member_round_trip_seconds', member, roundTripMs / 1_000)
    }
    if (counters === null) return
    for (const [reason, total] of Object.entries(counters.refused)) {
      read('conclave_refused_total', { ...labels, reason }, total)
    }
    read('conclave_stalls_total', labels, counters.stalls)
    read('conclave_suspends_total', labels, counters.suspends)
  }
}
