/**
 * Whether a settled leader hands over to a better contender (R37), and which contender is the best to hand over to (R21).
 *
 * Liveness only: nothing here is asked by a vote, and nothing is given up here. When a better one has been there for long
 * enough the runtime is told (`handOverDue`), so that the work stops before anything is renounced (R20). It looks again
 * when criteria move, after a win, and at `lookAt`; an election that was not told to prefer costs nothing.
 * Read next: `succession.ts` (the order), `leadership.ts` (`transfer`).
 */
import { answersLately } from './sessions'
import type { Election, Preferring } from './state'
import { arm, order } from './succession'
import { isPaused, type Turn } from './turn'
import type { Preference, ProcessId } from './types'

/** Changes of the leader are counted over that long, ms. */
const MINUTE_MS = 60_000
/** So many times the wait doubles at most for a contender that did not take what it was handed. */
const PATIENCE = 6
/** A contender that has not answered for so many heartbeats is handed nothing if another one has. */
const FRESH_HEARTBEATS = 3

/** What an election remembers for its preference; null if it has none. Keeps what it knows when the rules stay. */
export function preferringOf(former: Preferring | null, rules: Preference | null): Preferring | null {
  if (rules === null) return null
  if (former !== null) {
    former.rules = rules
    return former
  }
  return {
    rules,
    favourite: null,
    favouredAt: 0,
    lookAt: Number.POSITIVE_INFINITY,
    lastLeader: null,
    changedAt: [],
    vain: new Map(),
  }
}

/** Somebody is known to lead: if it is another one than before, that counts against the hand-overs of this minute. */
export function noteLeader(turn: Turn, election: Election, leader: ProcessId | null): void {
  const { preferring } = election
  if (preferring === null || leader === null || leader === preferring.lastLeader) return
  preferring.lastLeader = leader
  preferring.changedAt = preferring.changedAt.filter((at) => at > turn.now - MINUTE_MS)
  preferring.changedAt.push(turn.now)
  preferring.vain.delete(leader)
}

/** Looks whether it is time to hand over, or when it will be (R37). */
export function seekBetter(turn: Turn, election: Election): void {
  const { preferring, lead } = election
  if (preferring === null) return
  preferring.lookAt = Number.POSITIVE_INFINITY
  if (lead === null || lead.frozen !== null) return
  const { rules } = preferring
  // nobody could take over (R81)
  if (isPaused(election)) return lookAgain(turn, election, preferring, turn.now + rules.afterMs)
  const better = betterThanOwn(election, rules)
  const favourite = best(turn, election, better)
  if (favourite !== preferring.favourite) {
    preferring.favourite = favourite
    preferring.favouredAt = turn.now
  }
  if (favourite === null) {
    // somebody better is known and not reached
    if (better.length > 0) lookAgain(turn, election, preferring, turn.now + rules.afterMs)
    return
  }
  const due = dueAt(turn, election, preferring, favourite)
  if (due > turn.now) return lookAgain(turn, election, preferring, due)
  const times = preferring.vain.get(favourite) ?? 0
  preferring.vain.set(favourite, Math.min(times + 1, PATIENCE))
  preferring.favouredAt = turn.now
  lookAgain(turn, election, preferring, dueAt(turn, election, preferring, favourite))
  turn.effects.push({ type: 'handOverDue', election: election.name, term: lead.term, to: favourite })
}

/** A link has come up: somebody better may be there again. Only what is led is looked at. */
export function seekBetterEverywhere(turn: Turn): void {
  for (const { elections } of turn.state.leases.values()) {
    for (const name of elections) {
      const election = turn.state.elections.get(name)
      if (election?.preferring != null) seekBetter(turn, election)
    }
  }
}

/** Contenders that are ahead of this process by the hysteresis. */
function betterThanOwn(election: Election, { by }: Preference): ProcessId[] {
  const better: ProcessId[] = []
  for (const [process, priority] of election.contenders) {
    if (priority >= election.priority + by) better.push(process)
  }
  return better
}

/** The first of these in the order of R69 that is reached and answers, or null. */
function best(turn: Turn, election: Election, among: Iterable<ProcessId>): ProcessId | null {
  let first: ProcessId | null = null
  let place = Number.POSITIVE_INFINITY
  for (const process of among) {
    const priority = election.contenders.get(process) ?? Number.NEGATIVE_INFINITY
    if (priority === Number.NEGATIVE_INFINITY || !isReached(turn, election, process)) continue
    const its = order(election, process, priority)
    if (its >= place) continue
    first = process
    place = its
  }
  return first
}

/** It is linked and answers, or a store says that it is there (R82). */
function isReached(turn: Turn, { listed }: Election, process: ProcessId): boolean {
  const account = turn.state.accounts.get(process)
  return account === undefined ? listed.has(process) : account.connected && answersLately(turn, account)
}

/**
 * R37: its link and its lead over the criteria of this process have stood for `afterMs`, nobody else has led since, longer
 * after hand-overs that it did not take; and not more than `perMinute` changes of the leader in any minute.
 */
function dueAt(turn: Turn, { listed }: Election, preferring: Preferring, favourite: ProcessId): number {
  const { rules, favouredAt, changedAt, vain } = preferring
  const connectedAt =
    turn.state.accounts.get(favourite)?.connectedAt ?? listed.get(favourite)?.since ?? turn.now
  const since = Math.max(favouredAt, connectedAt, changedAt.at(-1) ?? Number.NEGATIVE_INFINITY)
  const due = since + rules.afterMs * 2 ** (vain.get(favourite) ?? 0)
  const counts = changedAt.at(-rules.perMinute)
  return counts === undefined ? due : Math.max(due, counts + MINUTE_MS)
}

function lookAgain(turn: Turn, { name }: Election, preferring: Preferring, at: number): void {
  preferring.lookAt = at
  arm(turn.state.timers, { at, election: name })
}

/**
 * To whom the leadership is best handed over: the first in the order of R69 among those contenders that are reached and have
 * answered lately; null if there is none. Changes nothing.
 */
export function bestSuccessor(turn: Turn, election: Election): ProcessId | null {
  if (isPaused(election)) return null
  const { accounts } = turn.state
  const freshSince = turn.now - FRESH_HEARTBEATS * turn.config.timing.heartbeatMs
  const contenders = [...election.contenders.keys()]
  const fresh = contenders.filter((process) => {
    const sentAt = accounts.get(process)?.lastAnsweredSend
    return sentAt !== undefined && sentAt >= freshSince
  })
  const heir = best(turn, election, fresh) ?? best(turn, election, contenders)
  return heir === null || isFirstAmongEquals(election, heir) ? null : heir
}

/** A store takes whoever looks first among equals: to name one of them would only make the others wait (R82). */
function isFirstAmongEquals({ listed, contenders }: Election, heir: ProcessId): boolean {
  if (!listed.has(heir)) return false
  const criteria = contenders.get(heir)
  return [...listed.keys()].every((process) => contenders.get(process) === criteria)
}
