/** What tests of changing members have in common: a lab with founders and joiners, and a change that runs to its end. */
import {
  type ClusterConfig,
  MEMBERS,
  type ProcessId,
  type ReconfigureRefusal,
  type Voter,
} from '../../src/core'
import { Lab, type LabOptions } from './lab'

/** A founded cluster in which somebody leads `@members`, and `e`; the others of `ids` are connected, but no voters. */
export function founded(
  ids: readonly ProcessId[],
  founders: readonly ProcessId[],
  options: LabOptions = {},
): Lab {
  const lab = new Lab(ids, { membership: true, voters: founders, elections: [MEMBERS, 'e'], ...options })
  lab.connect()
  lab.contend(MEMBERS)
  lab.run(10_000, () => leaderOf(lab) !== null && clusterOf(lab, leaderOf(lab) as ProcessId).term > 0)
  lab.run(500)
  return lab
}

/** Who leads `@members`. */
export function leaderOf(lab: Lab): ProcessId | null {
  return lab.leader(MEMBERS)
}

/** The configuration in force at a process. */
export function clusterOf(lab: Lab, id: ProcessId): ClusterConfig {
  return lab.node(id).state.cluster
}

/** `term.version` of the configuration in force at a process, and the ids of its voters. */
export function configAt(lab: Lab, id: ProcessId): string {
  const { term, version, voters } = clusterOf(lab, id)
  return `${term}.${version} ${voters.map((voter) => voter.id).join('')}`
}

/** A voter as a change names it. */
export function voter(lab: Lab, id: ProcessId): Voter {
  return { id, kind: 'peer', storageId: lab.node(id).disk.process.storageId, address: null }
}

let nonces = 0

/** Asks for other voters; the outcome is in the log of the process as soon as there is one. */
export function ask(lab: Lab, at: ProcessId, voters: readonly Voter[]): number {
  nonces += 1
  lab.act(at, { type: 'reconfigure', nonce: nonces, voters })
  return nonces
}

/** What became of a change: a reason, null when it is done, undefined while it is under way. */
export function outcome(lab: Lab, at: ProcessId, nonce: number): ReconfigureRefusal | null | undefined {
  for (const effect of lab.node(at).log) {
    if (effect.type === 'reconfigured' && effect.nonce === nonce) return effect.refusal
  }
  return undefined
}

/** The present voters at a process with one more, or with one less. */
export function withVoter(lab: Lab, at: ProcessId, id: ProcessId): readonly Voter[] {
  return [...clusterOf(lab, at).voters, voter(lab, id)]
}
export function without(lab: Lab, at: ProcessId, id: ProcessId): readonly Voter[] {
  return clusterOf(lab, at).voters.filter((each) => each.id !== id)
}

/** Asks the leader of `@members` and lets time pass until it is done; returns the outcome. */
export function change(
  lab: Lab,
  voters: (at: ProcessId) => readonly Voter[],
): ReconfigureRefusal | null | undefined {
  const at = leaderOf(lab) as ProcessId
  const nonce = ask(lab, at, voters(at))
  lab.run(10_000, () => outcome(lab, at, nonce) !== undefined)
  return outcome(lab, at, nonce)
}
export const add = (lab: Lab, id: ProcessId) => change(lab, (at) => withVoter(lab, at, id))
export const remove = (lab: Lab, id: ProcessId) => change(lab, (at) => without(lab, at, id))
