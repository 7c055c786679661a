/**
 * The voter rule by itself: what one voter may promise in one election (R2, R6, R7, R61-R63), and which word about a pause it
 * holds (R80).
 *
 * Pure functions over a `Slot`. A peer applies them inside its core, a store voter to stored records. Whether a binding
 * still *stands* (its grant is the present one and has not run out) is for the caller to say: `active`. Nothing here
 * knows of clocks, sessions or messages.
 */
import type { Grant, Incarnation, Pause, ProcessId, Refusal, Term } from './types'

/** "I vote for nobody else in this election while that grant of (leader, incarnation) stands." */
export interface Binding {
  readonly leader: ProcessId
  readonly incarnation: Incarnation
  readonly term: Term
  readonly grant: Grant
  /** The leader itself announced that it leads this term (R62). */
  readonly led: boolean
  /** Its holder renounced it (R63); kept as a mark so that a delayed `bind` of the same term is refused. */
  readonly released: boolean
}

/** All that a voter holds per election: one binding at most, and the largest term that it knows (R61). */
export interface Slot {
  knownTerm: Term
  binding: Binding | null
}

/** Who asks for a vote or announces a leadership, under which grant of this voter. */
export interface Claim {
  readonly process: ProcessId
  readonly incarnation: Incarnation
  readonly term: Term
  readonly grant: Grant
}

/** True if the binding is of that very life of that process. */
export function isHeldBy(binding: Binding, process: ProcessId, incarnation: Incarnation): boolean {
  return binding.leader === process && binding.incarnation === incarnation
}

/**
 * May this voter give its vote? (R2, R7)
 *
 * `repeat`: it already did, by exactly this binding, which still stands and was not announced since (an announced leader
 * needs no vote any more, and a binding made by an announcement was none). Everything about the voter itself (boot wait,
 * its own lease, identity of the asker) is judged before by the caller.
 */
export function judgeVote(slot: Slot, active: boolean, claim: Claim): 'grant' | 'repeat' | Refusal {
  const held = slot.binding
  if (
    held !== null &&
    active &&
    !held.led &&
    isHeldBy(held, claim.process, claim.incarnation) &&
    held.term === claim.term &&
    held.grant === claim.grant
  ) {
    return 'repeat'
  }
  if (claim.term <= slot.knownTerm) return 'term'
  if (held !== null && active && !isHeldBy(held, claim.process, claim.incarnation)) return 'bound'
  return 'grant'
}

/** Gives the vote: the vote is the promise (R5). Only after `judgeVote` said `grant`. */
export function vote(slot: Slot, claim: Claim): void {
  slot.knownTerm = claim.term
  slot.binding = {
    leader: claim.process,
    incarnation: claim.incarnation,
    term: claim.term,
    grant: claim.grant,
    led: false,
    released: false,
  }
}

/** May this voter bind itself to a leader that announces itself? (R6, R17, R61, R62) `released`: it renounced that term. */
export function judgeBind(slot: Slot, claim: Claim): 'bind' | 'term' | 'released' | 'twoLeaders' {
  if (claim.term < slot.knownTerm) return 'term'
  const held = slot.binding
  if (held !== null && held.term === claim.term) {
    const own = isHeldBy(held, claim.process, claim.incarnation)
    if (own && held.released) return 'released'
    if (!own && held.led) return 'twoLeaders'
  }
  return 'bind'
}

/** Binds. Only after `judgeBind` said `bind`. */
export function bind(slot: Slot, claim: Claim): void {
  slot.knownTerm = claim.term
  slot.binding = {
    leader: claim.process,
    incarnation: claim.incarnation,
    term: claim.term,
    grant: claim.grant,
    led: true,
    released: false,
  }
}

/**
 * Applies "(process, incarnation) has renounced every term up to `term`" (R63). Returns true if the slot became free.
 *
 * Never touches a standing binding of another holder, nor raises the term over one (two leases otherwise: PROTOCOL A.9).
 */
export function release(
  slot: Slot,
  active: boolean,
  process: ProcessId,
  incarnation: Incarnation,
  term: Term,
): boolean {
  const held = slot.binding
  if (held !== null && isHeldBy(held, process, incarnation)) {
    if (held.term > term) return false
    // announced was the older term, not the one renounced now
    slot.binding = { ...held, term, led: held.led && held.term === term, released: true }
    slot.knownTerm = Math.max(slot.knownTerm, term)
    return active
  }
  if (held !== null && active) return false
  slot.binding = { leader: process, incarnation, term, grant: '', led: false, released: true }
  slot.knownTerm = Math.max(slot.knownTerm, term)
  return false
}

/** R80: of two words about a pause the one with the higher counter counts; of two spoken at once that of the higher id. */
export function isNewer(said: Pause, held: Pause | null): boolean {
  if (held === null || said.counter !== held.counter) return said.counter > (held?.counter ?? 0)
  return said.by > held.by
}
