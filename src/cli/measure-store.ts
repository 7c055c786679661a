/**
 * How fast a store answers, for `conclave doctor`: reads and compare-and-set writes, each as a voter makes them, in turn.
 *
 * Writes one record of its own, which no cluster reads and which stays: stores of votes delete nothing. Judges nothing.
 */
import type { CasStore } from '../ports/cas-store'
import { type Samples, samplesOf } from './samples'

/** What was measured of a store. */
export interface StoreFigures {
  readonly name: string
  /** Longest duration of one call, ms; a longer one counts as lost. */
  readonly timeoutMs: number
  /** A read of one record: the round trip. Null: it never answered. */
  readonly read: Samples | null
  /** A compare-and-set write, as a renewal is one. Null: none was ever applied. */
  readonly write: Samples | null
  readonly failures: number
  readonly lastError: string | null
}

/** No cluster has a key without a slash. */
const KEY = 'conclave-doctor'

/** Reads and writes of one store. */
export class StoreProbes {
  private readonly reads: number[] = []
  private readonly writes: number[] = []
  private failures = 0
  private lastError: string | null = null
  private count = 0

  constructor(
    private readonly store: CasStore,
    private readonly now: () => number,
  ) {}

  /** Makes the table if there is none, and the connection: neither is measured. */
  async begin(): Promise<void> {
    await this.store.prepare?.().catch(() => {}) // the first read says why
    await this.store.read([KEY])
  }

  /** One read and one write. */
  async probe(): Promise<void> {
    const { store, now } = this
    let began = now()
    const found = await store.read([KEY])
    if (found.kind === 'failed') return this.failed(found.error)
    this.reads.push(now() - began)
    this.count += 1
    began = now()
    const written = await store.write(KEY, found.records[0]?.version ?? null, `{"count":${this.count}}`)
    // a conflict is another doctor's write: as long a way, and nothing is wrong
    if (written.kind === 'ok' || written.kind === 'conflict') this.writes.push(now() - began)
    else this.failed(written.error)
  }

  figures(): StoreFigures {
    const { failures, lastError } = this
    const { name, timeoutMs = 0 } = this.store
    return {
      name,
      timeoutMs,
      read: samplesOf(this.reads),
      write: samplesOf(this.writes),
      failures,
      lastError,
    }
  }

  private failed({ message }: Error): void {
    this.failures += 1
    this.lastError = message
  }
}
