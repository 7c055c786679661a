/**
 * Leases in shared memory: written by the thread that owns the sockets, read by any other without asking (R14, B.18).
 *
 * Two tables. A *lease* is one number, its end; an *election* is the term that this process leads it in and the lease under
 * it. So ten thousand elections on one lease cost one write per renewal. Each entry is kept twice beside a version: the
 * writer fills the copy that nobody reads, then publishes it by the version; a reader that sees the same version before and
 * after has read one whole entry. Neither ever waits for the other. Decides nothing. Read next: `remote-driver.ts`.
 */
import type { LeaseId } from '../../core'
import type { ElectionName, Term } from '../../core/types'

/** Cells of the header. */
const BEATS = 0
const ANSWERS = 1
const ENDED = 2
const HEADER_BYTES = 64

const NOT_LED = Number.NEGATIVE_INFINITY

/** The shared memory. Cheap to make: pages that nobody writes are never allocated. */
export class LeaseBoard {
  /** Beats of the main thread, answers to it, and whether the end it asked for has come. */
  readonly header: Int32Array
  private readonly leaseVersions: Int32Array
  private readonly electionVersions: Int32Array
  private readonly ends: Float64Array
  private readonly leads: Float64Array

  /** `capacity`: how many elections, and leases, there can be. */
  constructor(
    readonly capacity: number,
    readonly memory = new SharedArrayBuffer(HEADER_BYTES + capacity * 56 + 8),
  ) {
    const versions = capacity * 4
    const numbers = HEADER_BYTES + Math.ceil((2 * versions) / 8) * 8
    this.header = new Int32Array(memory, 0, HEADER_BYTES / 4)
    this.leaseVersions = new Int32Array(memory, HEADER_BYTES, capacity)
    this.electionVersions = new Int32Array(memory, HEADER_BYTES + versions, capacity)
    this.ends = new Float64Array(memory, numbers, capacity * 2)
    this.leads = new Float64Array(memory, numbers + capacity * 16, capacity * 4)
  }

  /** End of the lease under the leadership of that election in that term; minus infinity if there is none (any more). */
  untilOf(election: number, term: Term): number {
    for (;;) {
      const version = Atomics.load(this.electionVersions, election)
      const at = election * 4 + (version & 1) * 2
      const leads = this.leads[at] === term
      const until = leads ? this.endOf(this.leads[at + 1] as number) : NOT_LED
      // a lease may have been dropped, and its place taken by another one, only after the election was moved
      if (Atomics.load(this.electionVersions, election) === version) return until
    }
  }

  /** Term in which this process leads that election, whatever its lease says; 0 if it does not. */
  termOf(election: number): Term {
    for (;;) {
      const version = Atomics.load(this.electionVersions, election)
      const term = this.leads[election * 4 + (version & 1) * 2] as number
      if (Atomics.load(this.electionVersions, election) === version) return term
    }
  }

  private endOf(lease: number): number {
    for (;;) {
      const version = Atomics.load(this.leaseVersions, lease)
      const until = this.ends[lease * 2 + (version & 1)] as number
      if (Atomics.load(this.leaseVersions, lease) === version) return until
    }
  }

  /** For the writer alone. */
  setEnd(lease: number, until: number): void {
    const next = (this.leaseVersions[lease] as number) + 1
    this.ends[lease * 2 + (next & 1)] = until
    Atomics.store(this.leaseVersions, lease, next)
  }

  /** For the writer alone. Term 0: not led. */
  setLead(election: number, term: Term, lease: number): void {
    const next = (this.electionVersions[election] as number) + 1
    const at = election * 4 + (next & 1) * 2
    this.leads[at] = term
    this.leads[at + 1] = lease
    Atomics.store(this.electionVersions, election, next)
  }

  /** The main thread moves. */
  beat(): void {
    this.header[BEATS] = (this.header[BEATS] as number) + 1
  }

  get beats(): number {
    return Atomics.load(this.header, BEATS)
  }

  /** The worker has answered a question of the main thread. */
  answered(): void {
    Atomics.add(this.header, ANSWERS, 1)
    Atomics.notify(this.header, ANSWERS)
  }

  get answers(): number {
    return Atomics.load(this.header, ANSWERS)
  }

  /** Blocks until there are more answers than that, for at most `limitMs`. */
  awaitAnswer(answers: number, limitMs: number): void {
    Atomics.wait(this.header, ANSWERS, answers, limitMs)
  }

  /** The worker has renounced everything and handed the last frames to the kernel (R53). */
  ended(): void {
    Atomics.store(this.header, ENDED, 1)
    Atomics.notify(this.header, ENDED)
  }

  /** Blocks until it has, for at most `limitMs`. */
  awaitEnd(limitMs: number): void {
    Atomics.wait(this.header, ENDED, 0, limitMs)
  }
}

/** The one writer of a board: gives elections and leases their places. */
export class LeaseWriter {
  private readonly elections = new Map<ElectionName, number>()
  private readonly leases = new Map<LeaseId, number>()
  private readonly freeLeases: number[] = []
  private usedLeases = 0

  constructor(private readonly board: LeaseBoard) {}

  /** Place of an election; an election keeps it for good. */
  placeOf(election: ElectionName): number {
    const known = this.elections.get(election)
    if (known !== undefined) return known
    const place = this.elections.size
    this.elections.set(election, place)
    return place
  }

  /** The lease now ends at `until`. */
  extend(lease: LeaseId, until: number): void {
    let place = this.leases.get(lease)
    if (place === undefined) {
      place = this.freeLeases.pop() ?? this.usedLeases++
      this.leases.set(lease, place)
    }
    this.board.setEnd(place, until)
  }

  /** Nothing hangs on it any more. */
  drop(lease: LeaseId): void {
    const place = this.leases.get(lease)
    if (place === undefined) return
    this.leases.delete(lease)
    this.board.setEnd(place, NOT_LED)
    this.freeLeases.push(place)
  }

  /** This process leads that election in that term, under that lease. */
  lead(election: ElectionName, term: Term, lease: LeaseId): void {
    this.board.setLead(this.placeOf(election), term, this.leases.get(lease) ?? 0)
  }

  /** The leadership is over: the next read of any thread says so. */
  revoke(election: ElectionName): void {
    this.board.setLead(this.placeOf(election), 0, 0)
  }
}
