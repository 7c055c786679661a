/**
 * Judges who of the voters never leads, and names what a process is in its cluster (R37, R40, R71). Does no I/O.
 *
 * Every fault is a sentence with what was given and what to do. Read next: `read-voters.ts`.
 */
import { type ProcessId, quorumOf } from '../core'
import { displayName } from '../core/identity'
import { printable } from './printable'
import type { VoterPlan, VoterSet } from './read-voters'

/**
 * What a process is in its cluster: `voter` votes and may lead, `witness` votes and never leads (R37), `observer` has no
 * vote and may lead (R71); where only stores vote every process is one.
 */
export type MemberKind = 'voter' | 'witness' | 'observer'

/** What is judged. */
export interface VoterOptions {
  readonly voters: unknown
  readonly movingTo: unknown
  readonly witnesses: unknown
  readonly observer: boolean
  /** Members change: this process need not be a voter yet. */
  readonly mayJoin: boolean
  /** Own id. */
  readonly self: ProcessId
}

/** The ids in `witnesses`; puts what is wrong with their form into `faults`. */
export function readWitnesses(value: unknown, faults: string[]): readonly ProcessId[] {
  if (value === undefined) return []
  if (Array.isArray(value) && value.every((id) => typeof id === 'string')) return value
  faults.push("witnesses: expected an array of ids of voters, for instance ['w']")
  return []
}

/** R37: a majority of those that may lead has to be left, or the loss of few leaves nobody to lead. */
export function witnessFaults(sets: readonly VoterSet[], witnesses: ReadonlySet<ProcessId>): string[] {
  const faults: string[] = []
  for (const id of witnesses) {
    if (!sets.some(({ peers }) => peers.has(id))) {
      faults.push(
        `witnesses: "${printable(id)}" is no process among the voters: a witness votes, so add it there`,
      )
    }
  }
  if (witnesses.size === 0) return faults
  for (const { peers, stores } of sets) {
    const size = peers.size + stores.size
    const able = [...peers.keys()].filter((id) => !witnesses.has(id)).length
    const needed = quorumOf(size)
    if (able < needed) {
      faults.push(
        `witnesses: of ${size} voters ${able} may lead, and a majority, ${needed}, has to (R37): name fewer witnesses, or add voters`,
      )
    }
  }
  return faults
}

/** Without a vote the name of a process is its id, a dot and 32 hex digits, 64 characters in all (R49). */
export const MAX_ID_WITHOUT_VOTE = 31

/** What has to hold between the voters and a process without a vote, which is called after its storage (R49). */
export function observerFaults(
  peers: ReadonlyMap<ProcessId, unknown>,
  stores: ReadonlyMap<ProcessId, unknown>,
  self: ProcessId,
  observer: boolean,
): string[] {
  const faults: string[] = []
  for (const id of peers.keys()) {
    if (displayName(id) === id) continue
    faults.push(
      `voters: "${id}" ends like the name of a process without a vote (a dot and 32 hex digits, R49)`,
    )
  }
  if (observer && self.length > MAX_ID_WITHOUT_VOTE) {
    faults.push(
      `id "${self}" has ${self.length} characters: an observer may have ${MAX_ID_WITHOUT_VOTE}, as its name is the id, a dot and 32 random digits (R49)`,
    )
  }
  if (observer && peers.has(self)) {
    faults.push(
      `observer: "${self}" is among the voters, and an observer has no vote: leave observer out, or take another id`,
    )
  } else if (observer && stores.size > 0 && peers.size > 0) {
    faults.push(
      `observer: not beside both processes and stores as voters (${[...stores.keys()].join(', ')}): let the stores vote alone, or processes alone`,
    )
  }
  return faults
}

/** Whom a voter lets in, and who cannot let anybody in (R71). */
export function roleFaults({ isVoter, voters }: VoterPlan, maxObservers = 0): string[] {
  if (maxObservers === 0 || (isVoter && voters.some(({ kind }) => kind !== 'store'))) return []
  return [
    `maxObservers ${maxObservers}: nobody connects to a process without a vote; give it to the voters alone`,
  ]
}
