/**
 * The one writer of a process's durable record (R1): one write in flight, whatever is decided meanwhile joins the next.
 *
 * A write that fails, or that is not answered in time (a stalled disk, BUGS 15), is final: nothing is ever written again,
 * because a device that failed once may lie afterwards. Decides nothing about the content and never looks at a role.
 */
import type { DurableChange, ElectionName, ProcessRecord, Term } from '../core/types'
import { ElectionError } from '../errors'
import type { Clock } from '../ports/clock'
import type { Storage } from '../ports/storage'
import { Deadline } from './deadline'
import { storageError } from './failures'

/** Who hears about finished and failed writes. */
export interface WriterListener {
  /** A write is done that contained every decision up to `version`. */
  written(version: number): void
  /** Final; at most once. */
  failed(error: ElectionError): void
}

/** Serial, joining writes to one storage. */
export class Writer {
  private readonly watchdog: Deadline
  private terms = new Map<ElectionName, Term>()
  private dirty = false
  /** Newest decision taken over, and newest one known durable. */
  private version = 0
  private reported = 0
  private inFlight: { readonly version: number } | null = null
  private whenIdle: (() => void) | null = null
  private broken = false
  private closed = false
  private failures = 0
  private finished = 0

  constructor(
    private readonly storage: Storage,
    private readonly clock: Clock,
    /** A write without an answer for this long has failed, ms. */
    private readonly timeoutMs: number,
    private current: ProcessRecord,
    private readonly listener: WriterListener,
  ) {
    this.watchdog = new Deadline(clock, () => {
      const late = this.inFlight
      // after a stall of this process the answer may be there already, and only unread (R36)
      clock.afterIo(() => {
        if (this.inFlight === late) this.giveUp()
      })
    })
  }

  /** The record as it is, or will be with the write under way. */
  get record(): ProcessRecord {
    return this.current
  }

  /** True after a failure: nothing is written any more. */
  get hasFailed(): boolean {
    return this.broken
  }

  /** Finished and failed writes since start. */
  get counters(): { readonly writes: number; readonly writesFailed: number } {
    return { writes: this.finished, writesFailed: this.failures }
  }

  /** Changes the record; written with the next `flush`. */
  change(change: Partial<ProcessRecord>): void {
    this.current = { ...this.current, ...change }
    this.dirty = true
  }

  /** Decision `version` needs these terms; written with the next `flush`. */
  decide(version: number, terms: ReadonlyMap<ElectionName, Term>): void {
    this.version = Math.max(this.version, version)
    for (const [name, term] of terms) this.terms.set(name, term)
  }

  /** Starts a write of everything that changed, unless one is under way. */
  flush(): void {
    if (this.inFlight === null && !this.broken && !this.closed && this.isDue()) this.begin()
  }

  private begin(): void {
    const write = { version: this.version }
    const change: DurableChange = this.dirty
      ? { process: this.current, terms: this.terms }
      : { terms: this.terms }
    this.terms = new Map()
    this.dirty = false
    this.inFlight = write
    this.watchdog.arm(this.clock.now() + this.timeoutMs)
    this.storage.write(change, (error) => {
      if (this.inFlight === write) this.settle(error)
    })
  }

  /** Calls back when no write is under way or due any more, or when writing has failed. At most one such call waits. */
  idle(done: () => void): void {
    this.flush()
    if (this.broken || this.closed || this.inFlight === null) done()
    else this.whenIdle = done
  }

  /** Forgets everything; answers of the storage are ignored from now on. */
  close(): void {
    this.closed = true
    this.inFlight = null
    this.whenIdle = null
    this.watchdog.clear()
  }

  private giveUp(): void {
    const { timeoutMs } = this
    const message = `the storage did not answer a write within ${timeoutMs} ms`
    this.settle(new ElectionError('ELECTION_STORAGE_FAILED', message, { details: { timeoutMs } }))
  }

  private isDue(): boolean {
    return this.dirty || this.version > this.reported
  }

  private settle(error: Error | null): void {
    const write = this.inFlight
    if (write === null || this.closed) return
    this.inFlight = null
    this.watchdog.clear()
    if (error !== null) {
      this.broken = true
      this.failures += 1
      this.listener.failed(storageError(error))
    } else {
      this.finished += 1
      this.reported = write.version
      this.listener.written(write.version)
      this.flush()
    }
    if (this.inFlight === null && this.whenIdle !== null) {
      const done = this.whenIdle
      this.whenIdle = null
      done()
    }
  }
}
