/**
 * Asks a core whether it keeps the rules on which forgetting relies (`Presumed`), so that a mutant that breaks one of
 * them is explored without the shortcut that would hide it. Read next: `canonical.ts`.
 */
import type { Part, State } from '../../src/core'
import { FRESH_GRANT, OVER, PRESENT, type Presumed, prepareNames } from './canonical'
import {
  BASE,
  type Bounds,
  type Core,
  configOf,
  electionIn,
  LIFE,
  letter,
  linkAll,
  NAME,
  startProcess,
} from './process'

/** What that core keeps. */
export function presumedOf(core: Core, bounds: Bounds): Presumed {
  return {
    lapseIsFinal: lapseIsFinal(core, bounds),
    overCountsNothing: overCountsNothing(core, bounds),
    spentDoesNothing: refusesOldRequests(core, bounds) && ignoresOldAnswers(core, bounds),
  }
}

/** R59: a heartbeat after the end of a grant begins a new one. */
function lapseIsFinal(core: Core, bounds: Bounds): boolean {
  const state = linkAll(startProcess(core, bounds, 0, false))
  const support = state.supports.get(letter(1))
  if (support === undefined) return false
  support.grant = PRESENT
  prepareNames(state)
  core.step(configOf(bounds), state, {
    type: 'frame',
    now: BASE,
    from: letter(1),
    fromIncarnation: LIFE,
    toIncarnation: LIFE,
    parts: [{ kind: 'heartbeat', round: BASE, promiseMs: bounds.promise, probe: false, prompt: true }],
  })
  return support.grant === FRESH_GRANT
}

/** R60: an ack of one grant makes no vote under another one count. */
function overCountsNothing(core: Core, bounds: Bounds): boolean {
  const state = linkAll(startProcess(core, bounds, 0, false))
  const config = configOf(bounds)
  core.step(config, state, { type: 'campaign', now: BASE, election: NAME })
  core.step(config, state, { type: 'persisted', now: BASE, version: state.decided })
  const voters = [...state.accounts.keys()]
  for (const voter of voters) electionIn(state).campaign?.grants.set(voter, OVER)
  state.rounds.set(BASE, { sentAt: BASE, promiseMs: bounds.promise })
  for (const from of voters) {
    const frame = { type: 'frame', now: BASE, from, fromIncarnation: LIFE, toIncarnation: LIFE } as const
    core.step(config, state, {
      ...frame,
      parts: [{ kind: 'ack', round: BASE, grant: PRESENT, renewed: true }],
    })
  }
  return electionIn(state).lead === null
}

/** R2: whoever knows a term gives no vote in it, nor below. */
function refusesOldRequests(core: Core, bounds: Bounds): boolean {
  return [1, 2].every((term) => {
    const state = linkAll(startProcess(core, bounds, 2, false))
    prepareNames(state)
    hear(core, bounds, state, [
      { kind: 'heartbeat', round: BASE, promiseMs: bounds.promise, probe: false, prompt: true },
      { kind: 'requestVote', election: NAME, term, nonce: term, certificate: null },
    ])
    return electionIn(state).slot.binding === null
  })
}

/** R4: a yes to a campaign that is over is none to the present one. */
function ignoresOldAnswers(core: Core, bounds: Bounds): boolean {
  const state = linkAll(startProcess(core, bounds, 1, false))
  prepareNames(state)
  core.step(configOf(bounds), state, { type: 'campaign', now: BASE, election: NAME })
  const answer = { kind: 'voteReply', election: NAME, term: 1, nonce: 1, grant: PRESENT } as const
  hear(core, bounds, state, [{ ...answer, refusal: null, knownTerm: 1, leader: null }])
  return electionIn(state).campaign?.grants.has(letter(1)) !== true
}

function hear(core: Core, bounds: Bounds, state: State, parts: readonly Part[]): void {
  const frame = { type: 'frame', now: BASE, from: letter(1) } as const
  core.step(configOf(bounds), state, { ...frame, fromIncarnation: LIFE, toIncarnation: LIFE, parts })
}
