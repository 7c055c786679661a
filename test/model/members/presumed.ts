/**
 * Asks a core whether it keeps the rules by which the exploration forgets messages, so that a mutant that breaks one of
 * them is explored without that shortcut. Read next: `search.ts`.
 */
import type { Part } from '../../../src/core'
import type { Behaviour } from './behaviour'
import { canonicalize, configOf, type MemberLimits, startSeat, voterList } from './seat'

export interface Presumed {
  /** R31: no vote for a candidate with an older configuration. */
  readonly refusesOlder: boolean
  /** R29: no older configuration replaces a newer one. */
  readonly keepsNewer: boolean
  /** R33: acks of voters with another configuration do not count. */
  readonly countsEqual: boolean
}

/** What the core of that behaviour keeps. */
export function presumedOf(behaviour: Behaviour, limits: MemberLimits): Presumed {
  const { core, names } = behaviour
  const name = names[1] as string
  const cluster = (term: number, version: number) => ({
    term,
    version,
    termFloor: 0,
    voters: voterList(limits.voters),
  })
  const disk = { terms: new Map(), cluster: cluster(2, 1) }
  const state = startSeat(core, limits, configOf(limits, name, 1), disk)
  canonicalize(state, limits)
  /** The second process, at configuration 2.1, has met the first. */
  const met = behaviour.after(behaviour.intern(state, 1, 1), behaviour.meet(0, 1)).state
  /** It hears that of the first. */
  const after = (part: Part, behind: boolean): number =>
    behaviour.after(met, behaviour.hear(behaviour.message({ from: 0, life: 1, part }), behind)).state
  const [election = ''] = limits.elections
  const config = { term: 1, version: 2 }
  const request = { kind: 'requestVote', election, term: 3, nonce: 3, certificate: null, config } as const
  const told = behaviour.facts(after({ kind: 'config', cluster: cluster(1, 2) }, false)).config
  const standing = behaviour.after(met, behaviour.campaign(0)).state
  /** It stands, and the first acknowledges that under another configuration. */
  const counts = (term: number, version: number): boolean => {
    const ack = behaviour.ack(0, 1, 1, behaviour.numberOf(cluster(term, version)))
    return (behaviour.facts(behaviour.after(standing, ack).state).counts[0] as number) > 0
  }
  return {
    countsEqual: !counts(1, 2) && !counts(3, 1),
    refusesOlder: behaviour.facts(after(request, true)).bound[0] === null,
    keepsNewer: told.term === 2,
  }
}
