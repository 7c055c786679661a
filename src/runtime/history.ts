/** The last leaderships of one election, own and of others, and how the own ones ended (USERS 22). Bounded; for people. */
import type { ProcessId, RevokeReason, Term } from '../core'

/** One leadership of this process that is over. */
export interface PastLeadership {
  readonly term: Term
  /** Wall clock at the win, ms since 1970. */
  readonly wonAtMs: number
  /** From the win until the lease was over, ms; that may be noticed later. */
  readonly heldMs: number
  readonly reason: RevokeReason
}

/** Somebody began to lead, as this process saw it; a leadership that came and went unseen is missing. */
export interface SeenLeader {
  readonly leader: ProcessId
  readonly term: Term
  /** Wall clock when this process learnt of it, ms since 1970. */
  readonly seenAtMs: number
}

const KEPT = 16

/** What is remembered of one election. */
export class History {
  private kept: PastLeadership[] | null = null
  private seen: SeenLeader[] | null = null
  private counts: Partial<Record<RevokeReason, number>> | null = null

  /** Adds the newest; forgets the oldest. */
  add(past: PastLeadership): void {
    this.kept ??= []
    push(this.kept, past)
    this.counts ??= {}
    this.counts[past.reason] = (this.counts[past.reason] ?? 0) + 1
  }

  /** This process learnt who leads. The same leadership again, after a time without a known leader, is no news. */
  saw(leader: SeenLeader): void {
    this.seen ??= []
    const last = this.seen.at(-1)
    if (last?.leader !== leader.leader || last.term !== leader.term) push(this.seen, leader)
  }

  /** Oldest first, at most 16. */
  get leaderships(): readonly PastLeadership[] {
    return [...(this.kept ?? [])]
  }

  /** Who led, oldest first, at most 16. */
  get leaders(): readonly SeenLeader[] {
    return [...(this.seen ?? [])]
  }

  /** Leaderships that ended since start, by reason. */
  get ended(): Readonly<Partial<Record<RevokeReason, number>>> {
    return { ...this.counts }
  }
}

function push<T>(list: T[], newest: T): void {
  list.push(newest)
  if (list.length > KEPT) list.shift()
}
