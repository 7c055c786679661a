/**
 * Persist first (R1): decisions get a number, and answers that depend on one wait until a write contained it.
 */
import type { Election } from './state'
import type { Turn } from './turn'
import type { ElectionName, Pause } from './types'

/** The term of the slot goes to the storage with this turn's write; returns the number of that decision. */
export function decideTerm(turn: Turn, election: Election): number {
  const version = turn.state.decided + 1
  election.decidedTerm = election.slot.knownTerm
  election.decidedAt = version
  turn.terms ??= new Map()
  turn.terms.set(election.name, election.decidedTerm)
  turn.decided = true
  return version
}

/** The newest word about a pause goes to the storage with this turn's write (R80); returns the number of that decision. */
export function decidePause(turn: Turn, election: ElectionName, pause: Pause): number {
  turn.pauses ??= new Map()
  turn.pauses.set(election, pause)
  turn.decided = true
  return turn.state.decided + 1
}

/** Turns what this turn decided into one `persist` effect, ahead of whatever follows. */
export function emitDecisions(turn: Turn): void {
  if (!turn.decided) return
  const { state } = turn
  state.decided += 1
  turn.effects.push({
    type: 'persist',
    version: state.decided,
    terms: turn.terms ?? new Map(),
    maxPromiseMs: turn.promiseGrew ? state.maxPromiseMs : null,
    pauses: turn.pauses,
    config: turn.cluster,
  })
}
