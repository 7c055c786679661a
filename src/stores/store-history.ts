/**
 * The last leaderships of each election, kept beside its record for people to read (`conclave history --store`).
 *
 * Written by whoever leads, of its own leaderships alone: one beat after it has won, and again when it is over, with the reason.
 * What a process leaves behind that dies is a leadership without an end. No vote and no look ever reads it, a call for it is made
 * when nothing else of it is under way, and a list that is lost, full or wrong costs the list.
 * Must not: be waited for by anything but the end of the process; write for anybody but this one. Read next: `records.ts`.
 */
import type { CasStore } from '../ports/cas-store'
import type { Clock, TimerHandle } from '../ports/clock'
import type { LedTerm } from '../ports/voter-store'
import type { StoreAccess } from './access'
import { type HistoryRecord, Keys, type Past, readHistory } from './records'

/** Leaderships that are kept of one election. */
const KEPT = 16
/** Compare-and-set is tried again after a conflict at most so often; then it waits for the next beat. */
const TRIES = 4
/** Leaderships that wait to be written; of more the oldest are forgotten. */
const MOST_WAITING = 4_096

export interface HistoryOptions {
  readonly keys: Keys
  readonly access: StoreAccess
  readonly clock: Pick<Clock, 'now' | 'setTimer' | 'clearTimer'>
  readonly pollMs: number
  readonly troubled: (error: Error) => void
}

export class StoreHistory {
  /** By election and term, in the order in which they came. */
  private readonly waiting = new Map<string, LedTerm>()
  private timer: TimerHandle | null = null
  private isWriting = false
  private whenWritten: (() => void) | null = null

  constructor(private readonly options: HistoryOptions) {}

  /** Writes it soon; a later word on the same leadership replaces one that still waits. */
  remember(led: LedTerm): void {
    this.waiting.set(`${led.term} ${led.election}`, led)
    const [oldest] = this.waiting.keys()
    if (this.waiting.size > MOST_WAITING && oldest !== undefined) this.waiting.delete(oldest)
    this.later()
  }

  /** The process ends: what waits is written now, once, and then it calls back. */
  finish(done: () => void): void {
    this.whenWritten = done
    if (!this.isWriting) this.next()
  }

  /** Forgets what waits. */
  crash(): void {
    this.waiting.clear()
    if (this.timer !== null) this.options.clock.clearTimer(this.timer)
    this.timer = null
  }

  private later(): void {
    const { clock, pollMs } = this.options
    if (this.timer !== null || this.isWriting || this.whenWritten !== null) return
    this.timer = clock.setTimer(clock.now() + pollMs, () => {
      this.timer = null
      this.next()
    })
  }

  private next(): void {
    const [first] = this.waiting
    if (first === undefined) {
      this.whenWritten?.()
      return
    }
    const [key, led] = first
    this.waiting.delete(key)
    this.isWriting = true
    this.write(led, TRIES, (isWritten) => {
      this.isWriting = false
      // a later word on it may have come meanwhile
      if (!isWritten && this.whenWritten === null && !this.waiting.has(key)) this.waiting.set(key, led)
      if (isWritten || this.whenWritten !== null) this.next()
      else this.later()
    })
  }

  private write(led: LedTerm, tries: number, done: (isWritten: boolean) => void): void {
    const { keys, access, troubled } = this.options
    const key = keys.history(led.election)
    access.read([key], (result) => {
      if (result.kind === 'failed') return done(false)
      const found = result.records[0] ?? null
      let next: HistoryRecord
      try {
        next = withLed(found === null ? null : readHistory(keys.cluster, found.value), keys.cluster, led)
      } catch (error) {
        troubled(error as Error)
        return done(true) // of another format: not ours to write
      }
      access.write(key, found?.version ?? null, JSON.stringify(next), ({ kind }) => {
        if (kind === 'ok') done(true)
        else if (kind === 'failed' || tries === 1) done(false)
        else this.write(led, tries - 1, done)
      })
    })
  }
}

/** The list with that leadership in it: one entry per term, the newest `KEPT`. */
function withLed(record: HistoryRecord | null, cluster: string, led: LedTerm): HistoryRecord {
  const { election, term, leader, wonAtMs, heldMs, reason } = led
  const whole = (ms: number): number => Math.max(0, Math.round(ms))
  const past = {
    term,
    leader,
    wonAtMs: whole(wonAtMs),
    heldMs: heldMs === null ? null : whole(heldMs),
    reason,
  }
  const others = (record?.past ?? []).filter(({ term }) => term !== led.term)
  const all = [...others, past].sort((a, b) => a.term - b.term)
  return { ...record, format: 1, cluster, election, past: all.slice(-KEPT) }
}

/** What the store remembers of an election, oldest first. @throws ELECTION_STORAGE_CORRUPT, ELECTION_STORAGE_FOREIGN, or why it cannot be read. */
export async function readPast(store: CasStore, cluster: string, election: string): Promise<readonly Past[]> {
  const result = await store.read([new Keys(cluster).history(election)])
  if (result.kind === 'failed') throw result.error
  const [found] = result.records
  return found == null ? [] : readHistory(cluster, found.value).past
}
