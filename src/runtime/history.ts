/** The last leaderships of this process in one election, and counts of how they ended (USERS 22). Bounded; for people. */
import type { RevokeReason, Term } from '../core'

/** One leadership that is over. */
export interface PastLeadership {
  readonly term: Term
  /** Wall clock at the win, ms since 1970. */
  readonly wonAtMs: number
  readonly heldMs: number
  readonly reason: RevokeReason
}

const KEPT = 16

/** What is remembered of one election. */
export class History {
  private readonly kept: PastLeadership[] = []
  private readonly counts: Partial<Record<RevokeReason, number>> = {}

  /** Adds the newest; forgets the oldest. */
  add(past: PastLeadership): void {
    this.kept.push(past)
    if (this.kept.length > KEPT) this.kept.shift()
    this.counts[past.reason] = (this.counts[past.reason] ?? 0) + 1
  }

  /** Oldest first, at most 16. */
  get leaderships(): readonly PastLeadership[] {
    return [...this.kept]
  }

  /** Leaderships that ended since start, by reason. */
  get ended(): Readonly<Partial<Record<RevokeReason, number>>> {
    return { ...this.counts }
  }
}
