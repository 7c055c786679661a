/**
 * One leadership: the token, the signal, and the truth about its lease at every read.
 *
 * Decides nothing: the lease is kept by the core, ended by the core, and only compared with the clock here (R14). A
 * leadership that is over stays over (P7). Read next: `lease-table.ts` (who moves the end), `departure.ts` (how it ends).
 */
import { setMaxListeners } from 'node:events'
import type { ElectionName, ProcessId, RevokeReason, Term } from '../core'
import { ElectionError } from '../errors'
import { ENDED, type LeaseEnd, type LeaseTime } from './lease-time'

/**
 * What a leader holds. Every method reads the clock at the call, so after any stall the first answer is already the
 * true one (P4). Between a call and what is done upon it time passes: pass `token` on to whatever is written, and let
 * a fence compare it there.
 */
export interface Leadership {
  /** Name of the election. */
  readonly name: ElectionName
  /** The term that was won. */
  readonly term: Term
  /** The fencing token: the term (R41). Rises with every leadership of this election; not comparable between elections. */
  readonly token: number
  /**
   * Id of this process; where only stores vote, with the 128 random bits that tell it from others of the same id (R49). For
   * fences: compare for equality only.
   */
  readonly holder: ProcessId
  /** Wall clock at the win, ms since 1970: for people and traces. */
  readonly wonAtMs: number
  /**
   * Aborts `marginMs` before the lease ends, or at once on loss; never later than the loss is noticed. `signal.reason` is an
   * `ElectionError` with code `ELECTION_LEADERSHIP_LOST` and `details` `{ election, term, reason }`. One signal per
   * leadership. It is carried by a timer, so a blocked event loop delays it: between steps of long work ask `isValid()`.
   */
  readonly signal: AbortSignal
  /** True iff the lease stands at this reading. Stays true while work that was told to stop may still finish (R20), until `marginMs` / 4 before the lease ends. Never throws. */
  isValid(): boolean
  /** For the step before a write: as `isValid()`. @throws ELECTION_LEADERSHIP_LOST if that is false. */
  assertValid(): void
  /** Time until `signal` aborts if nothing renews the lease, ms; 0 when it is over (R23). Never throws. */
  remainingMs(): number
}

/** A leadership of this process, as the runtime handles it. */
export class HeldLeadership implements Leadership {
  readonly token: number
  /** The lease that it hangs on at present. */
  lease: LeaseEnd
  /** Reading of the clock at the win, and of the wall clock, which is for people. */
  readonly wonAt: number
  readonly wonAtMs: number
  /** True from the moment the signal aborts: no new work begins. */
  isEnding = false
  /** Work did not stop in time: refused from here on, shortly before the lease ends. */
  private isFenced = false

  private reason: RevokeReason | null = null
  private controller: AbortController | null = null

  constructor(
    readonly name: ElectionName,
    readonly holder: ProcessId,
    readonly term: Term,
    lease: LeaseEnd,
    private readonly time: LeaseTime,
    private readonly marginMs: number,
  ) {
    this.token = term
    this.lease = lease
    this.wonAt = time.clock.now()
    this.wonAtMs = time.clock.wall()
  }

  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController()
      // Work hands one signal to any number of calls; that is no leak.
      setMaxListeners(0, this.controller.signal)
      if (this.reason !== null) this.controller.abort(this.lost())
    }
    return this.controller.signal
  }

  isValid(): boolean {
    return !this.isFenced && this.time.stands(this.lease)
  }

  assertValid(): void {
    if (!this.isValid()) throw this.lost()
  }

  remainingMs(): number {
    if (this.isEnding || !this.isValid()) return 0
    return Math.max(0, this.lease.until - this.marginMs - this.time.clock.now())
  }

  /** Tells the work to stop, once; the lease stands as it did. */
  abort(reason: RevokeReason): void {
    if (this.isEnding) return
    this.isEnding = true
    this.reason = reason
    this.controller?.abort(this.lost())
  }

  /** The work did not stop: `isValid` and local fences say no from here on, although the lease stands. */
  fence(): void {
    this.isFenced = true
  }

  /** The lease is over: from here on nothing makes this leadership valid again. */
  end(): void {
    this.lease = ENDED
  }

  private lost(): ElectionError {
    const { name, term } = this
    const reason = this.reason ?? 'expired'
    return new ElectionError(
      'ELECTION_LEADERSHIP_LOST',
      `this process does not lead "${name}" in term ${term} any more: ${reason}`,
      { details: { election: name, term, reason } },
    )
  }
}
