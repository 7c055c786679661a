/**
 * One call of `step`: what it works on, and what it leaves behind.
 *
 * The rules write their consequences here instead of calling each other: elections that became free, voters that
 * answered, voters whose grant changed. `step.ts` settles these in a fixed order at the end of the turn, then turns the
 * outbox into one `send` per process (R70). Read next: `step.ts`.
 */
import type { Effect, SendEffect } from './inputs'
import type { Part } from './messages'
import { nextRandom } from './numbers'
import { createElection, type Election, type State } from './state'
import type {
  AlarmCode,
  ClusterConfig,
  CoreConfig,
  ElectionName,
  Incarnation,
  Pause,
  ProcessId,
  Term,
} from './types'

/**
 * How a slot became free: `lapse`: the grant ran out; `evidence`: its holder let go or died (R8); `own`: it was bound to
 * this very process, which renounced.
 */
export type Freed = 'lapse' | 'evidence' | 'own'

/** A `send` in the making; the life that it is for is filled in at the end of the turn. */
export interface Outgoing extends SendEffect {
  toIncarnation: Incarnation
  readonly parts: Part[]
}

/** Lists that most turns leave empty are made on first use: a turn costs what happens in it. */
export interface Turn {
  readonly config: CoreConfig
  readonly state: State
  readonly now: number
  readonly effects: Effect[]
  /** One frame per process; few, so a list. */
  outbox: Outgoing[] | null
  /** Elections whose own slot became free, and how. */
  freed: Map<ElectionName, Freed> | null
  /** Elections whose own slot changed: observers are told (R71). */
  moved: Set<ElectionName> | null
  /** Voters that have answered something in this turn (R64). */
  answered: ProcessId[] | null
  /** Voters that named a new grant: everything led is owed to them again (R62). */
  regranted: ProcessId[] | null
  /** The store whose word to this process has ended before its time (R66). */
  voided: ProcessId | null
  /** An account or the own round moved: leases and campaigns have to be looked at again (R5, R13). */
  promisesMoved: boolean
  /** The latest instant that an account which moved in this turn is counted until: no lease beyond it can have grown (R13). */
  promisedUntil: number
  /** Round stamped in this turn, or 0; voters whose frame of this turn already carries its heartbeat. */
  round: number
  beaten: ProcessId[] | null
  /** Terms, words about pauses, and promise that this turn decided to make durable (R1). */
  terms: Map<ElectionName, Term> | null
  pauses: Map<ElectionName, Pause> | null
  promiseGrew: boolean
  /** Configuration that this turn decided to install (R1). */
  cluster: ClusterConfig | null
  decided: boolean
  /** What kept this process from standing anywhere is over. */
  unblocked: boolean
  /** Others vote from now on: campaigns among the former voters end (R33). */
  votersChanged: boolean
}

export function beginTurn(config: CoreConfig, state: State, now: number): Turn {
  return {
    config,
    state,
    now,
    effects: [],
    outbox: null,
    freed: null,
    moved: null,
    answered: null,
    regranted: null,
    voided: null,
    promisesMoved: false,
    promisedUntil: Number.NEGATIVE_INFINITY,
    round: 0,
    beaten: null,
    terms: null,
    pauses: null,
    promiseGrew: false,
    cluster: null,
    decided: false,
    unblocked: false,
    votersChanged: false,
  }
}

/** Puts a part into the frame of this turn to that process. */
export function send(turn: Turn, to: ProcessId, part: Part): void {
  const frame = frameTo(turn, to)
  if (frame !== undefined) {
    frame.parts.push(part)
    return
  }
  const first: Outgoing = { type: 'send', to, toIncarnation: 0, parts: [part] }
  // a literal holds one; a list that grows makes room for seventeen
  if (turn.outbox === null) turn.outbox = [first]
  else turn.outbox.push(first)
}

/** Puts a part behind what this turn has for that process, and its frame before all others: it has the longest way to go. */
export function sendFirst(turn: Turn, to: ProcessId, part: Part): void {
  send(turn, to, part)
  turn.outbox?.sort((a, b) => Number(b.to === to) - Number(a.to === to))
}

/** What this turn has for that process so far. */
export function frameTo(turn: Turn, to: ProcessId): Outgoing | undefined {
  if (turn.outbox === null) return undefined
  for (const frame of turn.outbox) if (frame.to === to) return frame
  return undefined
}

/** Notes that the own slot of an election became free; the first cause of a turn stays, evidence overrides. */
export function free(turn: Turn, election: ElectionName, how: Freed): void {
  turn.freed ??= new Map()
  if (how === 'evidence' || !turn.freed.has(election)) turn.freed.set(election, how)
  slotMoved(turn, election)
}

/** Notes that the own slot of an election is bound to somebody else, or to nobody, from now on. */
export function slotMoved(turn: Turn, election: ElectionName): void {
  if (turn.state.observers.size === 0) return
  turn.moved ??= new Set()
  turn.moved.add(election)
}

/** A number in [0, 1) from the state's own generator (R35). */
export function random(turn: Turn): number {
  const { state, value } = nextRandom(turn.state.random)
  turn.state.random = state
  return value
}

/** A number that no other pre-vote or campaign of this incarnation has. */
export function nonce(turn: Turn): number {
  turn.state.nonceCounter += 1
  return turn.state.nonceCounter
}

export function alarm(
  turn: Turn,
  code: AlarmCode,
  election: ElectionName | null,
  process: ProcessId | null,
  detail: string,
): void {
  turn.effects.push({ type: 'alarm', code, election, process, detail })
}

const LIMIT_ALARM_INTERVAL_MS = 60_000

/** The election of that name, made if a peer names it first; null at the limit. */
export function electionOf(turn: Turn, name: ElectionName): Election | null {
  const known = turn.state.elections.get(name)
  if (known !== undefined) return known
  if (turn.state.elections.size >= turn.config.maxElections) {
    if (turn.now - turn.state.limitAlarmAt >= LIMIT_ALARM_INTERVAL_MS) {
      turn.state.limitAlarmAt = turn.now
      alarm(turn, 'electionLimit', name, null, `more than ${turn.config.maxElections} elections`)
    }
    return null
  }
  const election = createElection(name, 0)
  turn.state.elections.set(name, election)
  return election
}

/** The term under which nothing is voted for: own knowledge and the floor (R28, R72). */
export function floorOf(turn: Turn, election: Election): Term {
  return Math.max(election.slot.knownTerm, turn.state.termFloor)
}

/** May nobody be elected, as far as this process knows? (R81) */
export function isPaused({ pause }: Election): boolean {
  return pause?.isPaused === true
}
