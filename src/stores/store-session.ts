/**
 * The own session at one store: started, renewed by compare-and-set, never resumed after a fence (R66, R47).
 *
 * One request is in flight; a newer heartbeat replaces a waiting one. Success is credited to the round whose heartbeat
 * the write carried, never to the instant of the answer (R45). An ambiguous answer means "not held": the record is read
 * back and the write is recognised by its `seq` before anything else.
 * Must not: report a grant that a write did not make; start a grant while an older one is still counted.
 */
import type { Ack } from '../core/messages'
import type { CasVersion } from '../ports/cas-store'
import type { StoreAccess } from './access'
import { type Keys, readSession, type SessionRecord } from './records'

/** What a heartbeat of the core asks for. */
interface Renewal {
  readonly round: number
  readonly promiseMs: number
}

/** A write whose answer is not known yet, or was ambiguous. */
interface Write extends Renewal {
  readonly grant: number
  readonly seq: number
}

export interface SessionOptions {
  readonly keys: Keys
  readonly access: StoreAccess
  readonly process: string
  readonly incarnation: number
  readonly nonce: string
  readonly rho: number
  /** Hands an ack to the core. */
  readonly answer: (ack: Ack) => void
  /** The store answered at all; for links and `status()`. */
  readonly heard: (error: Error | null) => void
  /** A later life of this process, or another process with its identity, wrote the record: this one must not go on (R27). */
  readonly duplicate: (detail: string) => void
}

export class StoreSession {
  /** Own live grant, or null. */
  grant: number | null = null
  private version: CasVersion | null = null
  private record: SessionRecord | null = null
  /** `version` and `record` are what the store held when it was last asked. */
  private known = false
  private unresolved: Write | null = null
  private busy = false
  private waiting: Renewal | null = null
  private changes = 0
  /** Highest grant of this life, made or tried: the next one is above it, also when the record was lost (R66). */
  private lastGrant = 0
  /** Round of the newest heartbeat. */
  private lastRound = 0
  /** Of the last write; no two writes of this life carry the same, or an old one would be taken for a newer (R47). */
  private seq = 0
  private ended = false
  /** The end has asked the store what became of the last write. */
  private readsLast = false
  private readonly afterEnd: (() => void)[] = []
  private readonly whenSettled: (() => void)[] = []

  constructor(private readonly options: SessionOptions) {}

  /**
   * One more change of an election record by this process. Travels with the next renewal; `soon`: with a write of its own if
   * none is due, because a process that leads nothing any more does not renew. Such a write is credited to no round.
   */
  noteChange(soon: boolean): void {
    this.changes += 1
    if (!soon || this.ended || this.grant === null || this.record === null) return
    this.waiting ??= { round: 0, promiseMs: this.record.promiseMs }
    this.next()
  }

  /** A heartbeat that may renew. */
  renew(renewal: Renewal): void {
    if (this.ended) return
    this.lastRound = renewal.round
    this.waiting = renewal
    this.next()
  }

  /** Calls back when there is a grant, or when it is clear that the heartbeats so far brought none. */
  settled(done: () => void): void {
    if (this.grant !== null || (!this.busy && this.waiting === null)) done()
    else this.whenSettled.push(done)
  }

  /** Something that hung on this grant is gone from the store: nothing is counted under it any more. */
  abandon(): void {
    if (this.grant === null) return
    this.lose()
    this.options.answer({ kind: 'ack', round: this.lastRound, grant: null, renewed: false })
  }

  /** Renounced for good: one write frees every election at this store (R66, R71). */
  end(done: () => void): void {
    this.ended = true
    this.waiting = null
    this.afterEnd.push(done)
    this.next()
  }

  private next(): void {
    if (this.busy) return
    if (this.ended) {
      this.settle()
      if (this.known || this.grant === null || this.readsLast) return this.fenceOneself()
      this.readsLast = true
      this.busy = true
      return this.readBack()
    }
    const renewal = this.waiting
    if (renewal === null) {
      this.settle()
      return
    }
    this.busy = true
    if (this.known) {
      this.waiting = null
      this.write(renewal)
    } else {
      this.readBack()
    }
  }

  private settle(): void {
    for (const done of this.whenSettled.splice(0)) done()
  }

  private readBack(): void {
    const { keys, access, process, heard } = this.options
    access.read([keys.session(process)], (result) => {
      this.busy = false
      if (result.kind === 'failed') {
        heard(result.error)
        this.settle()
        if (this.ended) this.fenceOneself()
        return // the next heartbeat tries again
      }
      const found = result.records[0] ?? null
      try {
        this.record = found === null ? null : readSession(keys.cluster, found.value)
      } catch (error) {
        heard(error as Error)
        this.settle()
        if (this.ended) this.fenceOneself()
        return
      }
      heard(null)
      this.version = found?.version ?? null
      this.known = true
      this.recognise()
      this.next()
    })
  }

  /** R47: what does the record say about the write whose answer was lost? */
  private recognise(): void {
    const write = this.unresolved
    this.unresolved = null
    const { record } = this
    const { incarnation, nonce } = this.options
    const own = record !== null && record.inc === incarnation && record.nonce === nonce && !record.fenced
    if (write !== null && own && record.grant === write.grant && record.seq === write.seq) {
      this.credit(write)
    } else if (!own || record.grant !== this.grant) {
      this.lose()
    }
  }

  private credit(write: Write): void {
    this.grant = write.grant
    this.options.answer({ kind: 'ack', round: write.round, grant: nameOf(write.grant), renewed: true })
  }

  /** The grant is dead: the core must stop counting it before a new one can begin (R66). */
  private lose(): void {
    if (this.grant === null) return
    this.grant = null
  }

  private write(renewal: Renewal): void {
    const { record } = this
    if (record !== null && this.isOfAnother(record)) return this.giveWay(renewal, record)
    const goesOn = this.grant !== null && record !== null
    if (!goesOn && renewal.round === 0) {
      // a write of one's own accord never starts a grant: the core would not hear that the older one has ended
      this.busy = false
      return this.next()
    }
    if (!goesOn) {
      // nothing of an older grant may be counted once this write can have been applied
      this.options.answer({ kind: 'ack', round: renewal.round, grant: null, renewed: false })
    }
    this.seq = Math.max(this.seq, record?.seq ?? 0) + 1
    const write: Write = {
      ...renewal,
      grant: goesOn ? (this.grant as number) : Math.max(record?.grant ?? 0, this.lastGrant) + 1,
      seq: this.seq,
    }
    this.lastGrant = write.grant
    const promiseMs = goesOn ? Math.max(record.promiseMs, renewal.promiseMs) : renewal.promiseMs
    this.put(write, this.recordOf(write, promiseMs))
  }

  private recordOf({ grant, seq }: Write, promiseMs: number): SessionRecord {
    const { keys, process, incarnation: inc, nonce, rho } = this.options
    const { record, changes } = this
    const mine = { format: 1, cluster: keys.cluster, process, inc, nonce, rho } as const
    return { ...record, ...mine, grant, promiseMs, seq, changes, fenced: false }
  }

  private put(write: Write, next: SessionRecord): void {
    const { keys, access, process, heard } = this.options
    access.write(keys.session(process), this.version, JSON.stringify(next), (result) => {
      this.busy = false
      if (result.kind === 'ok') {
        this.version = result.version
        this.record = next
        heard(null)
        this.credit(write)
      } else if (result.kind === 'failed') {
        heard(result.error)
      } else {
        this.known = false
        this.unresolved = result.kind === 'ambiguous' ? write : null
        if (result.kind === 'ambiguous') heard(result.error)
        // read back at once: the answer decides whether there is still a lease
        this.waiting ??= { round: write.round, promiseMs: write.promiseMs }
      }
      this.next()
    })
  }

  /** Another process has this identity: nothing is counted or written here any more (R27). */
  private giveWay(renewal: Renewal, record: SessionRecord): void {
    const { answer, duplicate, incarnation } = this.options
    this.busy = false
    this.ended = true
    this.lose()
    answer({ kind: 'ack', round: renewal.round, grant: null, renewed: false })
    duplicate(
      `the session record is of life ${record.inc}, this is life ${incarnation}: two processes use one identity`,
    )
    this.settle()
  }

  /**
   * A later life, or one of the same number that is not this one: a copied data directory (R27, A4). A record without a nonce
   * was made by a fence where there was none (R67), and is nobody's.
   */
  private isOfAnother(record: SessionRecord): boolean {
    const { incarnation, nonce } = this.options
    if (record.inc !== incarnation) return record.inc > incarnation
    return record.nonce !== '' && record.nonce !== nonce
  }

  private fenceOneself(): void {
    const done = this.afterEnd.splice(0)
    if (done.length === 0) return
    const { record, version } = this
    const finish = () => {
      for (const each of done) each()
    }
    if (this.grant === null || record === null || !this.known) {
      finish()
      return
    }
    this.busy = true
    const next: SessionRecord = { ...record, grant: record.grant + 1, seq: record.seq + 1, fenced: true }
    const { keys, access, process } = this.options
    access.write(keys.session(process), version, JSON.stringify(next), () => {
      this.busy = false
      this.grant = null
      finish()
    })
  }
}

/** The name under which the core knows a grant of a store. */
export function nameOf(grant: number): string {
  return `s.${grant}`
}
