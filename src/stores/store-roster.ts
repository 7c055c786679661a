/**
 * Who stands, where only stores vote: one list of contenders per cluster and store, by which they know each other (R69, R82).
 *
 * R82: whoever contends writes itself, with its criteria, into the list, and again every few looks; the others read it with a look
 * that they take anyhow. An entry that has not moved for more than two such writes, on the reader's own clock, is of a process
 * that is gone, and whoever writes next drops it. The list orders who stands first and says to whom a leader may hand over (R21, R37);
 * no vote ever asks it. A list that is lost, old, full or wrong costs the order, never an election.
 * Must not: delay or repeat anything else; write for anybody but this process. Read next: `store-watch.ts`.
 */
import type { Contend, ContendOf } from '../core/messages'
import type { CasRecord, CasVersion } from '../ports/cas-store'
import type { Clock } from '../ports/clock'
import type { StoreAccess } from './access'
import { type Keys, type Listed, type RosterRecord, readRoster } from './records'

/** Looks between two writes of the own entry: about one write beside eight renewals. */
const WRITE_EVERY = 8
/** Looks without a write after which an entry counts as that of a process that is gone. */
const GONE_AFTER = 20
/** Elections that one process lists; it contends in those above as if nobody knew it. */
const MOST_ELECTIONS = 64
/** Characters of a list, below what a record of a store may hold; who does not fit in is not listed. */
const MOST_CHARACTERS = 60_000

export interface RosterOptions {
  readonly keys: Keys
  readonly access: StoreAccess
  readonly clock: Pick<Clock, 'now'>
  readonly process: string
  readonly incarnation: number
  readonly pollMs: number
  readonly troubled: (error: Error) => void
  readonly tell: (part: ContendOf) => void
}

/** An entry of another process as this one saw it move. */
interface Sighting {
  entry: Listed
  /** Own clock at the receipt of the answer that first showed it so. */
  since: number
}

export class StoreRoster {
  /** Election -> own criteria. */
  private readonly own = new Map<string, number>()
  /** Elections that the core has asked about: it is told of no others. */
  private readonly asked = new Set<string>()
  private readonly sightings = new Map<string, Sighting>()
  /** Process -> election -> criteria, as the core was told. */
  private readonly told = new Map<string, Map<string, number>>()
  private version: CasVersion | null = null
  private record: RosterRecord | null = null
  /** `version` and `record` are what the store held when it was last asked. */
  private known = false
  private isDirty = false
  private isWriting = false
  private hasLeft = false
  private seq = 0
  private writtenAt = Number.NEGATIVE_INFINITY

  constructor(private readonly options: RosterOptions) {}

  /** This process stands in that election from now on, with these criteria, or not any more. True: the list should be looked at. */
  contend({ election, contending, priority }: Contend): boolean {
    const isNew = !this.asked.has(election)
    this.asked.add(election)
    for (const elections of this.told.values()) if (isNew) elections.delete(election)
    const before = this.own.get(election)
    if (!contending) this.own.delete(election)
    else if (before !== undefined || this.own.size < MOST_ELECTIONS) this.own.set(election, priority)
    if (this.own.get(election) !== before) this.isDirty = true
    return this.isDirty || isNew
  }

  /** Shall this look of the store read the list, too? `isSeldom`: it is one of the few that read what changes seldom. */
  isDue(isSeldom: boolean): boolean {
    if (this.asked.size === 0 || this.hasLeft) return false
    return isSeldom || this.isDirty || !this.known
  }

  /** What a look has found. */
  see(found: CasRecord | null): void {
    if (this.isWriting || this.hasLeft || !this.take(found)) return
    const now = this.options.clock.now()
    this.sight(now)
    this.announce(now)
    if (this.mustWrite(now)) this.write(now)
  }

  /** False: it is of another cluster or format, and never overwritten. */
  private take(found: CasRecord | null): boolean {
    const { keys, troubled } = this.options
    try {
      this.record = found === null ? null : readRoster(keys.cluster, found.value)
      this.version = found?.version ?? null
      this.known = true
    } catch (error) {
      this.known = false
      troubled(error as Error)
    }
    return this.known
  }

  /** The process ends: whoever reads the list need not wait until the entry is old. Nobody waits for this write. */
  leave(): void {
    this.hasLeft = true
    this.own.clear()
    if (this.asked.size > 0 && !this.isWriting) this.remove()
  }

  /** Once: what comes in between is left to time. */
  private remove(): void {
    const { keys, access, clock, process } = this.options
    access.read([keys.roster], (result) => {
      const found = result.kind === 'ok' ? (result.records[0] ?? null) : null
      if (!this.take(found)) return
      const isListed = this.record?.contenders.some((entry) => entry.process === process)
      if (isListed === true) this.write(clock.now())
    })
  }

  private sight(now: number): void {
    const present = new Set<string>()
    for (const entry of this.record?.contenders ?? []) {
      if (entry.process === this.options.process) continue
      present.add(entry.process)
      const sighting = this.sightings.get(entry.process)
      if (sighting?.entry.seq === entry.seq && sighting.entry.inc === entry.inc) continue
      this.sightings.set(entry.process, { entry, since: now })
    }
    for (const process of this.sightings.keys()) if (!present.has(process)) this.sightings.delete(process)
  }

  private isGone({ since }: Sighting, now: number): boolean {
    return now - since > GONE_AFTER * this.options.pollMs
  }

  /** Tells the core what has changed of the elections that it has asked about. */
  private announce(now: number): void {
    const standing = new Map<string, ReadonlyMap<string, number>>()
    for (const [process, sighting] of this.sightings)
      if (!this.isGone(sighting, now)) standing.set(process, new Map(sighting.entry.elections))
    for (const process of new Set([...this.told.keys(), ...standing.keys()])) {
      const said = this.told.get(process) ?? new Map<string, number>()
      const says = standing.get(process)
      this.told.set(process, said)
      for (const election of this.asked) {
        const priority = says?.get(election)
        if (priority === said.get(election)) continue
        if (priority === undefined) said.delete(election)
        else said.set(election, priority)
        const contending = priority !== undefined
        this.options.tell({ kind: 'contend', election, contending, priority: priority ?? 0, process })
      }
      if (said.size === 0) this.told.delete(process)
    }
  }

  private mustWrite(now: number): boolean {
    if (this.isDirty) return true
    const mine = this.record?.contenders.some(({ process }) => process === this.options.process)
    if (this.own.size === 0) return mine === true
    return mine !== true || now - this.writtenAt >= (WRITE_EVERY - 1) * this.options.pollMs
  }

  private write(now: number): void {
    const { keys, access, process, incarnation: inc } = this.options
    const former = this.record?.contenders ?? []
    const mine = former.find((entry) => entry.process === process)
    const others = former.filter((entry) => {
      const sighting = this.sightings.get(entry.process)
      return entry.process !== process && (sighting === undefined || !this.isGone(sighting, now))
    })
    this.seq = Math.max(this.seq, mine?.seq ?? 0) + 1
    const entry: Listed = { process, inc, seq: this.seq, elections: [...this.own] }
    const next: RosterRecord = {
      ...this.record,
      ...{ format: 1, cluster: keys.cluster },
      contenders: this.own.size === 0 ? others : [...others, entry],
    }
    const value = JSON.stringify(next)
    this.isDirty = false
    this.writtenAt = now
    if (value.length > MOST_CHARACTERS) return
    this.isWriting = true
    access.write(keys.roster, this.version, value, (result) => {
      this.isWriting = false
      this.known = result.kind === 'ok'
      if (result.kind === 'ok') {
        this.version = result.version
        this.record = next
      } else {
        // somebody else wrote it, or nobody knows: the next look shows what it holds now
        this.isDirty = true
      }
      if (this.hasLeft && next.contenders.includes(entry)) this.remove()
    })
  }
}
