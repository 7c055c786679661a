/**
 * The leases of this process, as the core numbers them: who hangs on which, and until when (R13).
 *
 * Ten thousand leaderships on one lease cost one number and one timer. The timer is a hint that `marginMs` are left: what
 * waits in the sockets is read before it is believed, because that may prolong the lease (R36). With a worker the news of a
 * renewal may wait behind a busy event loop while the lease itself, in shared memory, stands: that is what counts. Decides
 * nothing else.
 */
import type { LeaseId } from '../core'
import type { Clock } from '../ports/clock'
import { Deadline } from './deadline'
import type { LeaseEnd } from './lease-time'

class Lease<Member> implements LeaseEnd {
  until = Number.NEGATIVE_INFINITY
  readonly members = new Set<Member>()
  /** Somebody on it has still to be told when only the margin is left. */
  isWatched = false

  constructor(readonly margin: Deadline) {}
}

/** What the table needs to know. */
export interface LeaseTableOptions<Member> {
  readonly clock: Clock
  readonly marginMs: number
  /** Where the end of a member's lease is read, own clock: newer than the news of it, with a worker. */
  readonly untilOf: (member: Member) => number
  /** Members that were told to stop need no warning. */
  readonly isEnding: (member: Member) => boolean
  /** Less than `marginMs` are left of the lease of these members. */
  readonly onMargin: (members: readonly Member[]) => void
  /** A lease that would have ended at `former` was renewed until `until`. */
  readonly onRenewed: (former: number, until: number) => void
}

/** Leases by number. */
export class LeaseTable<Member> {
  private readonly leases = new Map<LeaseId, Lease<Member>>()

  constructor(private readonly options: LeaseTableOptions<Member>) {}

  /** The lease now ends at `until`; made if it is new. */
  extend(id: LeaseId, until: number): void {
    const lease = this.leases.get(id) ?? this.create(id)
    const former = lease.until
    lease.until = until
    if (former !== Number.NEGATIVE_INFINITY) this.options.onRenewed(former, until)
    if (lease.isWatched) lease.margin.arm(until - this.options.marginMs)
  }

  /** Hangs a member on a lease and takes it off the former one; returns where it can be read. */
  join(member: Member, id: LeaseId, former: LeaseId | null): LeaseEnd {
    if (former !== null) this.leave(member, former)
    const lease = this.leases.get(id) ?? this.create(id)
    lease.members.add(member)
    if (!lease.isWatched && !this.options.isEnding(member)) {
      lease.isWatched = true
      lease.margin.arm(lease.until - this.options.marginMs)
    }
    return lease
  }

  /** Takes a member off a lease. */
  leave(member: Member, id: LeaseId): void {
    this.leases.get(id)?.members.delete(member)
  }

  /** Nothing hangs on that lease any more. */
  drop(id: LeaseId): void {
    this.leases.get(id)?.margin.clear()
    this.leases.delete(id)
  }

  /** Forgets all leases: what hung on them is over. */
  clear(): void {
    for (const id of [...this.leases.keys()]) this.drop(id)
  }

  private create(id: LeaseId): Lease<Member> {
    const { clock } = this.options
    const margin = new Deadline(clock, () => clock.afterIo(() => this.warn(id)))
    const lease = new Lease<Member>(margin)
    this.leases.set(id, lease)
    return lease
  }

  private warn(id: LeaseId): void {
    const { clock, marginMs, untilOf, isEnding, onMargin } = this.options
    const lease = this.leases.get(id)
    if (lease === undefined) return
    if (clock.now() < lease.until - marginMs) return lease.margin.arm(lease.until - marginMs)
    const due: Member[] = []
    let next = Number.POSITIVE_INFINITY
    for (const member of lease.members) {
      if (isEnding(member)) continue
      const warnAt = untilOf(member) - marginMs
      if (clock.now() >= warnAt) due.push(member)
      else next = Math.min(next, warnAt)
    }
    lease.margin.arm(next)
    if (due.length > 0) onMargin(due)
  }
}
