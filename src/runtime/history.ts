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

/** What is remembered of one election. Most elections have seen one leader only, which costs no list. */
export class History {
  /** When the newest leadership of this process ended, own clock. */
  endedAt = 0
  private kept: PastLeadership[] | null = null
  private counts: Partial<Record<RevokeReason, number>> | null = null
  private leader: ProcessId | null = null
  private term: Term = 0
  private seenAtMs = 0
  /** Whoever led before that one. */
  private earlier: SeenLeader[] | null = null

  /** Adds the newest; forgets the oldest. */
  add(past: PastLeadership): void {
    this.kept ??= []
    push(this.kept, past)
    this.counts ??= {}
    this.counts[past.reason] = (this.counts[past.reason] ?? 0) + 1
  }

  /** This process learnt who leads. The same leadership again, after a time without a known leader, is no news. */
  saw(leader: ProcessId, term: Term, seenAtMs: number): void {
    if (this.leader === leader && this.term === term) return
    if (this.leader !== null) this.earlier = this.leaders.slice(1 - KEPT)
    this.leader = leader
    this.term = term
    this.seenAtMs = seenAtMs
  }

  /** Oldest first, at most 16. */
  get leaderships(): readonly PastLeadership[] {
    return [...(this.kept ?? [])]
  }

  /** Who led, oldest first, at most 16. */
  get leaders(): SeenLeader[] {
    const { leader, term, seenAtMs, earlier } = this
    return leader === null ? [] : [...(earlier ?? []), { leader, term, seenAtMs }]
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
