/**
 * Pausing an election: nobody is elected until somebody resumes it (R80, R81). An operator's word, and liveness only.
 *
 * - **R80, the word.** Per election one register, the newest word wins: words are ordered by (counter, process), and
 *   whoever speaks counts one above what it knows. A voter makes a word durable before it answers it (R1). It is a statement
 *   with an answer, like the facts of `facts.ts`: whoever speaks repeats it to each voter until that voter holds it or a newer
 *   one. Whoever knows a pause asks every voter about it once per promise, tells it to every new life, and adds it to a
 *   refusal; so it outlives its speaker, and a process that slept through a resumption learns of it.
 * - **R81, the effect.** Who knows a pause does not stand and does not follow a hand-over; a voter that knows one refuses
 *   pre-votes and votes with `paused`. Refusing is always safe. One vote is still given: to the announced leader whose
 *   binding stands here, for its next term (R22), because that elects nobody new.
 *
 * Must not: end a leadership (the runtime does, if the word says so), void or make a binding, move a term. No rule of
 * safety looks here. Read next: `votes.ts`, `campaigns.ts` (who looks here).
 */
import { endCampaign } from './campaigns'
import { decidePause } from './durability'
import type { PauseInput } from './inputs'
import { isBound } from './leadership'
import type { PauseAck, PausePart } from './messages'
import { MAX_PAUSE_JUMP, MAX_TERM } from './numbers'
import { votes } from './sessions'
import type { Account, Election } from './state'
import { attemptAt, awaitTurn } from './succession'
import { alarm, electionOf, send, type Turn } from './turn'
import type { ElectionName, Incarnation, Pause, ProcessId } from './types'
import { isNewer } from './voter'

/** The word as a statement, to whoever may not know it. */
export function tellPause(turn: Turn, to: ProcessId, { name, pause }: Election): void {
  if (pause !== null) send(turn, to, { kind: 'pause', election: name, ...pause })
}

/** Observers that asked about the election hear it unasked, too: one that leads asks nobody (R71). */
function tellWatching(turn: Turn, election: Election): void {
  const { observers, accounts } = turn.state
  for (const [process, { elections }] of observers) {
    if (elections.has(election.name) && !accounts.has(process)) tellPause(turn, process, election)
  }
}

/** The operator of this process speaks: above everything that is known here, to every voter (R80). */
export function sayPause(turn: Turn, { election: name, isPaused, leader, sinceMs }: PauseInput): void {
  const { state, config } = turn
  const election = electionOf(turn, name)
  if (election === null || state.storageFailed) return
  const counter = (election.pause?.counter ?? 0) + 1
  if (counter > MAX_TERM) return
  adopt(turn, election, { counter, by: config.self, isPaused, leader, sinceMs })
  for (const [voter, account] of state.accounts) {
    account.pauses.add(name)
    if (account.connected) tellPause(turn, voter, election)
  }
  if (votes(turn)) {
    state.waiting.push({ kind: 'pause', version: election.pauseDecidedAt, election: name, counter })
  }
}

/** Somebody says a word: take it if it is newer, and answer what is held, as soon as that is durable (R80, R1). */
export function hearPause(turn: Turn, from: ProcessId, incarnation: Incarnation, part: PausePart): void {
  const { state } = turn
  if (state.storageFailed) return
  const election = electionOf(turn, part.election)
  if (election === null || !isPlausible(turn, election, from, part)) return
  if (isNewer(part, election.pause)) adopt(turn, election, wordOf(part))
  const { pause } = election
  if (pause === null || !votes(turn)) return
  const answer = { kind: 'pauseAck', election: election.name, ...pause } as const
  const version = election.pauseDecidedAt
  if (version <= state.written) return send(turn, from, answer)
  // a copy of a statement whose answer waits already
  const former = state.waiting.findIndex(
    (each) => each.kind === 'pauseAck' && each.to === from && each.part.election === part.election,
  )
  if (former >= 0) state.waiting.splice(former, 1)
  state.waiting.push({ kind: 'pauseAck', version, to: from, toIncarnation: incarnation, part: answer })
}

/** A voter holds that word: nothing older is owed to it any more, and a newer one is news here, too. */
export function hearPauseAck(turn: Turn, from: ProcessId, account: Account, part: PauseAck): void {
  const election = turn.state.elections.get(part.election)
  if (election === undefined || !isPlausible(turn, election, from, part)) return
  const { kind: _, election: name, ...held } = part
  if (isNewer(held, election.pause)) adopt(turn, election, held)
  if (election.pause !== null && !isNewer(election.pause, held)) account.pauses.delete(name)
  turn.effects.push({ type: 'pauseHeld', election: name, voter: from, pause: held })
}

/** The own word is durable here. */
export function pauseDurable(turn: Turn, name: ElectionName, counter: number): void {
  const pause = turn.state.elections.get(name)?.pause
  if (pause == null || pause.counter < counter) return
  turn.effects.push({ type: 'pauseHeld', election: name, voter: turn.config.self, pause })
}

/** Asks every voter, once per promise, whether the pauses that are known here still stand: by saying them (R80). */
export function askAboutPauses(turn: Turn): void {
  const { state, now, config } = turn
  if (state.paused.size === 0 || now < state.nextPauseAskAt) return
  state.nextPauseAskAt = now + config.timing.promiseMs
  for (const name of state.paused) {
    for (const account of state.accounts.values()) account.pauses.add(name)
    const election = state.elections.get(name)
    if (election !== undefined && votes(turn)) tellWatching(turn, election)
  }
}

function adopt(turn: Turn, election: Election, pause: Pause): void {
  const { state } = turn
  election.pause = pause
  if (votes(turn)) election.pauseDecidedAt = decidePause(turn, election.name, pause)
  turn.effects.push({ type: 'pauseChanged', election: election.name, pause })
  if (votes(turn)) tellWatching(turn, election)
  if (pause.isPaused) {
    state.paused.add(election.name)
    if (election.lead !== null) return
    endCampaign(turn, election)
    attemptAt(turn, election, Number.POSITIVE_INFINITY)
    return
  }
  state.paused.delete(election.name)
  if (!election.contending || election.lead !== null || election.campaign !== null) return
  if (!isBound(turn, election)) awaitTurn(turn, election)
}

function wordOf({ counter, by, isPaused, leader, sinceMs }: PausePart): Pause {
  return { counter, by, isPaused, leader, sinceMs }
}

/**
 * R44 for words: operators count one by one, so a counter far above the own one is a fault, and one near the largest number
 * would leave nobody a word to resume with.
 */
function isPlausible(turn: Turn, { name, pause }: Election, from: ProcessId, word: Pause): boolean {
  const { counter, sinceMs } = word
  const known = pause?.counter ?? 0
  if (!Number.isSafeInteger(counter) || counter < 1 || !Number.isSafeInteger(sinceMs)) return false
  if (counter - known <= MAX_PAUSE_JUMP) return true
  alarm(turn, 'pauseJump', name, from, `word ${counter} of operators, known here is ${known}`)
  return false
}
