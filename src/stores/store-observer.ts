/**
 * Watching the sessions of others: run-out by observation (R46), and the fence that makes it final (R67).
 *
 * A session has run out when its record has not moved for its own D on this process's clock, counted from the *receipt*
 * of the answer that first showed it. Nothing that a store or a record says about time is ever compared. Before an
 * election is taken from a holder, its session is fenced by compare-and-set on exactly the version observed: either a
 * late renewal comes first and the fence fails, or the fence comes first and every later renewal fails.
 */
import type { CasRecord, CasVersion } from '../ports/cas-store'
import type { StoreAccess } from './access'
import { type ElectionRecord, type Keys, readSession, type SessionRecord } from './records'

interface Sighting {
  version: CasVersion | null
  record: SessionRecord | null
  /** Own clock at the receipt of the answer that first showed this version. */
  since: number
  fencing: boolean
}

export interface ObserverOptions {
  readonly keys: Keys
  readonly access: StoreAccess
  readonly now: () => number
  readonly rho: number
  /** D that an absent record counts with (R48). */
  readonly maxPromiseMs: number
  /** A session was fenced by this process: its elections are free. */
  readonly fenced: (process: string) => void
  /** Somebody else wrote the session in the same moment. */
  readonly raced: () => void
}

export class StoreObserver {
  private readonly sightings = new Map<string, Sighting>()

  constructor(private readonly options: ObserverOptions) {}

  /** Notes what a read showed of a session; returns the record, or null when there is none. */
  see(process: string, found: CasRecord | null): SessionRecord | null {
    const record = found === null ? null : readSession(this.options.keys.cluster, found.value)
    const version = found?.version ?? null
    const known = this.sightings.get(process)
    if (known === undefined) {
      this.sightings.set(process, { version, record, since: this.options.now(), fencing: false })
    } else if (known.version !== version) {
      known.version = version
      known.record = record
      known.since = this.options.now()
    }
    return record
  }

  /** Last record seen. */
  recordOf(process: string): SessionRecord | null {
    return this.sightings.get(process)?.record ?? null
  }

  /**
   * Is the binding in that election record over? `session`: the holder's record read *after* the election's (R68). Grants
   * and lives only grow, so a yes stays true.
   */
  isOver(election: ElectionRecord, session: SessionRecord | null): boolean {
    if (election.holder === null || election.released) return true
    if (session === null) return false
    return session.grant > election.holderGrant || session.inc > election.holderInc
  }

  /** Own clock at which the session will have run out if its record does not move. */
  runsOutAt(process: string): number {
    const sighting = this.sightings.get(process)
    if (sighting === undefined) return Number.POSITIVE_INFINITY
    const { rho, maxPromiseMs } = this.options
    const promiseMs = sighting.record?.promiseMs ?? maxPromiseMs
    const theirs = sighting.record?.rho ?? rho
    return sighting.since + promiseMs * Math.max(1, (1 + rho) / (1 + theirs))
  }

  /** Fences the holder's session if it has run out at this reading. */
  fenceIfRunOut(process: string, election: ElectionRecord): void {
    const sighting = this.sightings.get(process)
    if (sighting === undefined || sighting.fencing || this.options.now() < this.runsOutAt(process)) return
    this.fence(process, sighting, election)
  }

  /**
   * A life that is known to have ended is fenced without waiting (R55), and no later one. Only if its record was seen: the
   * others run out by time.
   */
  fenceDead(process: string, incarnation: number): void {
    const sighting = this.sightings.get(process)
    const record = sighting?.record ?? null
    if (sighting === undefined || record === null || sighting.fencing) return
    if (record.fenced || record.inc > incarnation) return
    this.fence(process, sighting, { holderInc: record.inc, holderGrant: record.grant })
  }

  /** Was the session of that process ever looked at? */
  knows(process: string): boolean {
    return this.sightings.has(process)
  }

  private fence(
    process: string,
    sighting: Sighting,
    election: Pick<ElectionRecord, 'holderInc' | 'holderGrant'>,
  ): void {
    const { keys, access } = this.options
    sighting.fencing = true
    const grant = Math.max(sighting.record?.grant ?? 0, election.holderGrant) + 1
    const next: SessionRecord = {
      format: 1,
      cluster: keys.cluster,
      process,
      inc: election.holderInc,
      nonce: '',
      promiseMs: this.options.maxPromiseMs,
      rho: this.options.rho,
      changes: 0,
      ...sighting.record,
      seq: (sighting.record?.seq ?? 0) + 1,
      grant,
      fenced: true,
    }
    access.write(keys.session(process), sighting.version, JSON.stringify(next), (result) => {
      sighting.fencing = false
      if (result.kind === 'conflict') this.options.raced()
      if (result.kind !== 'ok') return // lost the race, or unknown: the next reading shows which
      sighting.version = result.version
      sighting.record = next
      sighting.since = this.options.now()
      this.options.fenced(process)
    })
  }
}
