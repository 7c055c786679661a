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
  /** The second process, at configuration 2.1, hears that of the first. */
  const after = (part: Part, behind: boolean): number => {
    const disk = { terms: new Map(), cluster: cluster(2, 1) }
    const state = startSeat(core, limits, configOf(limits, name, 1), disk)
    canonicalize(state, limits)
    const met = behaviour.after(behaviour.intern(state, 1, 1), behaviour.meet(0, 1)).state
    const message = behaviour.message({ from: 0, life: 1, part })
    return behaviour.after(met, behaviour.hear(message, behind)).state
  }
  const [election = ''] = limits.elections
  const config = { term: 1, version: 2 }
  const request = { kind: 'requestVote', election, term: 3, nonce: 3, certificate: null, config } as const
  const told = behaviour.facts(after({ kind: 'config', cluster: cluster(1, 2) }, false)).config
  return {
    refusesOlder: behaviour.facts(after(request, true)).bound[0] === null,
    keepsNewer: told.term === 2,
  }
}
