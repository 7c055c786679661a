/**
 * The protected resource of a simulation: accepts a write only with a token that is not below the largest one it saw.
 *
 * Keeps its state in memory; after a restart it is closed until it has learnt a floor from a quorum of voters (R43). One
 * per election. The shipped guards are in `src/fencing`; this one has no I/O, so that it runs inside virtual time.
 */
import type { ElectionName, Term } from '../core/types'

/** Guard of one election's resource. */
export class SimGuard {
  readonly election: ElectionName
  private highest: Term = 0
  private holder: string | null = null
  private open = true

  constructor(election: ElectionName) {
    this.election = election
  }

  /** Accepts or refuses a write (R42). */
  write(token: Term, holder: string): boolean {
    if (!this.open || token < this.highest) return false
    if (token === this.highest && this.holder !== null && this.holder !== holder) return false
    this.highest = token
    this.holder = holder
    return true
  }

  /** Forgets everything and refuses until `learn` (R43). */
  restart(): void {
    this.open = false
    this.highest = 0
    this.holder = null
  }

  /** Opens again: no token below the floor is accepted. */
  learn(floor: Term): void {
    this.highest = Math.max(this.highest, floor)
    this.open = true
  }

  /** True while it waits for a floor. */
  get closed(): boolean {
    return !this.open
  }
}
