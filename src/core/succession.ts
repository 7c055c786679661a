/**
 * When to stand: order instead of luck (R69), luck only after a failure (R35). Liveness only; no rule of safety looks here.
 *
 * Every process derives the same order of contenders from priorities and a hash of (election, process). When an election
 * becomes free, each waits one step per contender before it whose session stands here. Timers are a heap of
 * (instant, election); entries that no longer apply are skipped when they come up, so nothing is ever searched.
 */
import { hash, STAND_AT_FIRST } from './numbers'
import { type Election, NONE, type Timer } from './state'
import { random, type Turn } from './turn'
import type { ElectionName, ProcessId } from './types'

/** Whoever the slot was bound to last: it let go, or was lost, so nobody waits for it to go first again. */
export function formerHolder(election: Election): ProcessId | null {
  return election.slot.binding?.leader ?? election.lastLeader
}

/** Looks at a store that others may need to learn what this process has learnt, and one of them may just have been missed. */
const LOOKS = 1.5

/** How long those go first that stores alone know of and whose criteria are higher (R69, R82). */
export function headStart({ config }: Turn, election: Election): number {
  if (election.listed.size === 0 || election.successor === config.self) return 0
  const former = formerHolder(election)
  let ahead = 0
  for (const process of election.listed.keys()) {
    if (process !== former && (election.contenders.get(process) ?? 0) > election.priority) ahead += 1
  }
  const { heartbeatMs, promiseMs } = config.timing
  return Math.min(ahead * LOOKS * heartbeatMs, promiseMs)
}

/**
 * How many contenders go before this process (R69). Those without a link are not counted: followers only probe, so a link
 * says what a standing session would; one that is up to a dead process costs a step.
 */
export function rank(turn: Turn, election: Election, without: ProcessId | null): number {
  const { self } = turn.config
  if (election.successor === self) return 0
  const own = order(election, self, election.priority)
  const { successor } = election
  let before = successor !== null && !election.contenders.has(successor) ? 1 : 0
  for (const [process, priority] of election.contenders) {
    if (process === without) continue
    if (!isThere(turn, process, successor)) continue
    if (process === successor || order(election, process, priority) < own) before += 1
  }
  return before
}

/** Observers are in nobody's order but when one is named (R21). */
function isThere({ state }: Turn, process: ProcessId, successor: ProcessId | null): boolean {
  return (
    state.accounts.get(process)?.connected === true || (process === successor && state.observers.has(process))
  )
}

/** Sets of contenders that are remembered as shared; beyond, elections have their own. */
const SHARED_SETS = 256

/** From now on that process is known to contend with that priority. */
export function noteContender(turn: Turn, election: Election, process: ProcessId, priority: number): void {
  if (election.contenders.get(process) === priority) return
  const { contenderSets } = turn.state
  const contenders = new Map(election.contenders).set(process, priority)
  const key = [...contenders]
    .map(([id, rank]) => `${id} ${rank}`)
    .sort()
    .join()
  const shared = contenderSets.get(key)
  if (shared === undefined && contenderSets.size < SHARED_SETS) contenderSets.set(key, contenders)
  election.contenders = shared ?? contenders
}

/** That process is no member any more. */
export function forgetContender(election: Election, process: ProcessId): void {
  if (!election.contenders.has(process)) return
  const contenders = new Map(election.contenders)
  contenders.delete(process)
  election.contenders = contenders
}

/** Smaller goes first: higher priority, then the hash. */
export function order(election: Election, process: ProcessId, priority: number): number {
  return -priority * 2 ** 33 + hash(`${election.name} ${process}`)
}

/**
 * The slot is free from now on: stand when one's turn comes (R69). `afterFailure`: it was bound to a candidate that never
 * led; then chance comes on top, or two losers would take turns without a pause (R35).
 */
export function awaitTurn(turn: Turn, election: Election, afterFailure = false): void {
  const { config, state, now } = turn
  election.freeAt = now
  const { stepMs, backoffMs } = config.timing
  const others = othersThatMayStand(turn)
  let wait: number
  if (!config.succession) wait = random(turn) * backoffMs
  else if (isNamedObserver(turn, election)) wait = 0
  else if (knownOthers(turn, election) < others) wait = random(turn) * stepMs * others
  else wait = rank(turn, election, formerHolder(election)) * stepOf(turn, election)
  wait += headStart(turn, election)
  if (afterFailure) wait += random(turn) * backoffMs
  attemptAt(turn, election, Math.max(now + wait, election.notBefore, state.bootUntil))
}

/**
 * How long one contender waits for the one before it. Of thousands that became free together that one tries as many at a
 * time as stand at first, and gets through them in a step: before that it is not late, and to stand beside it would only double the
 * work of all.
 */
export function stepOf({ config, state }: Turn, { freeAt }: Election): number {
  const { stepMs, promiseMs } = config.timing
  if (freeAt !== state.crowdAt) return stepMs
  return Math.min(stepMs * (1 + Math.floor(state.crowd / STAND_AT_FIRST)), Math.max(stepMs, promiseMs))
}

/** Of how many voters it is known whether they stand; observers are in nobody's order. */
function knownOthers({ state }: Turn, { contenders }: Election): number {
  let known = 0
  for (const process of contenders.keys()) if (state.accounts.has(process)) known += 1
  return known
}

/** The voters named this process, which has no vote: nobody goes before it. */
function isNamedObserver({ state, config }: Turn, { successor }: Election): boolean {
  if (state.isVoter || successor !== config.self) return false
  return [...state.accounts.values()].some(({ kind }) => kind === 'peer')
}

/** How many others may stand: stores and witnesses never do. With stores alone nobody knows, so their number has to do. */
function othersThatMayStand({ state }: Turn): number {
  let others = 0
  for (const { kind } of state.accounts.values()) if (kind === 'peer') others += 1
  return others > 0 ? others : state.cluster.voters.length - 1
}

/** An attempt failed: wait a random, growing time (R35). */
export function backOff(turn: Turn, election: Election): void {
  const { backoffMs, backoffMaxMs } = turn.config.timing
  const bound = Math.min(backoffMs * 2 ** Math.min(election.failures, 16), backoffMaxMs)
  election.failures += 1
  attemptAt(turn, election, Math.max(turn.now + random(turn) * bound, election.notBefore))
}

/** Somebody leads: that attempts failed before makes nobody wait, and explains nothing any more. */
export function forgetFailures(election: Election): void {
  election.failures = 0
  election.lastRefusals = NONE
}

/** Arms the next attempt; Infinity disarms it. */
export function attemptAt(turn: Turn, election: Election, at: number): void {
  election.attemptAt = at
  if (at !== Number.POSITIVE_INFINITY) arm(turn.state.timers, { at, election: election.name })
}

// --- the heap ---------------------------------------------------------------------------------------------------

/** Adds a timer. */
export function arm(timers: Timer[], timer: Timer): void {
  let child = timers.length
  timers.push(timer)
  while (child > 0) {
    const parent = (child - 1) >> 1
    const above = timers[parent] as Timer
    if (above.at <= timer.at) break
    timers[child] = above
    child = parent
  }
  timers[child] = timer
}

/** Takes the elections whose timers are due; the same name may come up more than once. */
export function takeDue(timers: Timer[], now: number): ElectionName[] {
  const due: ElectionName[] = []
  for (let first = timers[0]; first !== undefined && first.at <= now; first = timers[0]) {
    due.push(first.election)
    const last = timers.pop() as Timer
    if (timers.length > 0) sink(timers, last)
  }
  return due
}

function sink(timers: Timer[], timer: Timer): void {
  let parent = 0
  for (;;) {
    let child = 2 * parent + 1
    if (child >= timers.length) break
    const right = timers[child + 1]
    if (right !== undefined && right.at < (timers[child] as Timer).at) child += 1
    const below = timers[child] as Timer
    if (below.at >= timer.at) break
    timers[parent] = below
    parent = child
  }
  timers[parent] = timer
}
