/**
 * Records that are not there although they should be: what a store that lost its data may still be used for (R28, R48).
 *
 * An election record that a process has seen before, or any of a store that is declared volatile, is not simply "new"
 * when it is absent: a former leader may still count a lease under a session that is gone as well. So nobody takes the
 * election before the longest promise and campaign are over since the absence was noticed, on this process's clock. A
 * record without a holder was made by a touch (R68) and tells no more than none. Terms go on above the highest that this
 * process has seen; at a volatile store, where nobody may remember any, above the wall clock of whoever creates the
 * record. What it cannot see: that the record came and went between two looks. Decides nothing else. Read next: `store-elections.ts`.
 */
import type { StoreDurability } from '../ports/cas-store'
import type { Clock } from '../ports/clock'

export interface AbsenceOptions {
  readonly durability: StoreDurability
  readonly clock: Pick<Clock, 'now' | 'wall'>
  readonly maxPromiseMs: number
  readonly campaignMs: number
  readonly rho: number
}

export class Absence {
  /** Election -> highest term that its record ever showed here. */
  private readonly terms = new Map<string, number>()
  /** Election -> own clock at the receipt of the answer that first showed it absent, and its term to be. */
  private readonly absent = new Map<string, { readonly since: number; readonly term: number }>()
  private readonly waitMs: number

  constructor(private readonly options: AbsenceOptions) {
    const { maxPromiseMs, campaignMs, rho } = options
    this.waitMs = ((maxPromiseMs + campaignMs) * (1 + rho)) / (1 - rho)
  }

  /** The record is there, and names a holder. */
  found(election: string, term: number): void {
    this.absent.delete(election)
    if (term > (this.terms.get(election) ?? -1)) this.terms.set(election, term)
  }

  /** The record is not there, or nobody ever held it: the term that it begins with. True in `lost`: it was there before, and this is news. */
  missing(election: string): { readonly term: number; readonly lost: boolean } {
    const known = this.terms.get(election)
    const isVolatile = this.options.durability === 'volatile'
    if (known === undefined && !isVolatile) return { term: 0, lost: false }
    const noted = this.absent.get(election)
    if (noted !== undefined) return { term: noted.term, lost: false }
    const { clock } = this.options
    const term = Math.max(known ?? 0, isVolatile ? Math.floor(clock.wall()) : 0)
    this.absent.set(election, { since: clock.now(), term })
    return { term, lost: known !== undefined }
  }

  /** Own clock from which on the election may be taken; minus infinity if nothing is waited for. */
  endsAt(election: string): number {
    const noted = this.absent.get(election)
    return noted === undefined ? Number.NEGATIVE_INFINITY : noted.since + this.waitMs
  }

  isWaiting(election: string): boolean {
    return this.options.clock.now() < this.endsAt(election)
  }
}
