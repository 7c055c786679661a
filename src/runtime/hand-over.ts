/**
 * What became of a leadership that was given up on request: who leads now, how long nobody did, and why it failed (USERS 10).
 *
 * Looks at what this process learns after it has let go, for a limited time; decides nothing and takes nothing back: to
 * renounce is final (R21). Read next: `tenure.ts` (how it is given up), `election.ts` (`resign`).
 */
import type { ProcessId, Term } from '../core'
import { ElectionError } from '../errors'
import type { NextLeader, Seat } from './seat'
import type { ResignResult } from './tenure'

/**
 * Why a hand-over did not do what was asked for:
 * `notLeader`: there was nothing to give up. `notReleased`: the lease ended before this process had let go (work that did not
 * stop, a loss that came first), so the others had to wait for it. `nobodyLeads`: nobody is known to lead within
 * `timeoutMs`. `leadsAgain`: this process leads again. `anotherLeads`: somebody leads, and it is not the one named by `to`.
 */
export type HandOverFailure = 'notLeader' | 'notReleased' | 'nobodyLeads' | 'leadsAgain' | 'anotherLeads'

/** What became of a hand-over. */
export interface HandOver extends ResignResult {
  /** Who leads now, as far as this process knows; null: nobody was known to within `timeoutMs`. */
  readonly leader: ProcessId | null
  /** Term of that leadership, or null. */
  readonly leaderTerm: Term | null
  /** From the end of this leadership until this process knew of the next one, ms; null without one. */
  readonly leaderlessMs: number | null
  /** Null: it did what was asked for. */
  readonly failure: HandOverFailure | null
}

/** Waits until somebody leads after that end, at most `timeoutMs`. Never rejects. */
export async function handOverOf(
  seat: Seat,
  result: ResignResult,
  { to, timeoutMs }: { readonly to: ProcessId | null; readonly timeoutMs: number },
): Promise<HandOver> {
  const { term } = result
  if (term === null) {
    const { leader, knownTerm } = seat
    const leaderTerm = leader === null ? null : knownTerm
    return { ...result, leader, leaderTerm, leaderlessMs: null, failure: 'notLeader' }
  }
  const next = await nextOf(seat, term, timeoutMs)
  const leader = next?.leader ?? null
  return {
    ...result,
    leader,
    leaderTerm: next?.term ?? null,
    leaderlessMs: next?.leaderlessMs ?? null,
    // nobody was waited for
    failure:
      leader === null && timeoutMs === 0 && result.released ? null : failureOf(seat, result, leader, to),
  }
}

async function nextOf(seat: Seat, term: Term, timeoutMs: number): Promise<NextLeader | null> {
  const check = (): NextLeader | undefined => seat.nextLeader(term)
  if (timeoutMs === 0) return check() ?? null
  const onTimeout = (): ElectionError =>
    new ElectionError('ELECTION_TIMEOUT', `nobody leads after ${timeoutMs} ms`)
  return seat.extras.waits.add({ check, timeoutMs, onTimeout }).catch(() => null)
}

function failureOf(
  seat: Seat,
  { released }: ResignResult,
  leader: ProcessId | null,
  to: ProcessId | null,
): HandOverFailure | null {
  if (leader === null) return released ? 'nobodyLeads' : 'notReleased'
  if (seat.known?.isSelf === true) return 'leadsAgain'
  if (to !== null && leader !== to) return 'anotherLeads'
  return released ? null : 'notReleased'
}
