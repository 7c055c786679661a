/** Who votes, for `status()`, where members change. Reads the core's memory; decides nothing. A leaf. */
import { MEMBERS, type ProcessId } from '../core'
import type { CoreView } from './driver-port'

/** The configuration in force at this process, for `status()`. */
export interface MembershipStatus {
  /** Term of the leader of `@members` that made it, and its number; later ones are larger in this order (R29). */
  readonly term: number
  readonly version: number
  readonly members: readonly ProcessId[]
  /** This process is one of them, with the storage that it has now. */
  readonly isMember: boolean
  /** Who may change it, as far as is known. */
  readonly leader: ProcessId | null
  /** Founders that have not been heard of yet: until then nobody is elected. Empty once there was a leader. */
  readonly unmet: readonly ProcessId[]
}

/** The configuration in force, as plain data; null where members never change. */
export function membershipOf(
  state: Pick<CoreView, 'membership' | 'cluster' | 'isVoter' | 'elections'>,
): MembershipStatus | null {
  const { membership, cluster, isVoter, elections } = state
  if (membership === null) return null
  const { term, version, voters } = cluster
  return {
    term,
    version,
    members: voters.map(({ id }) => id),
    isMember: isVoter,
    leader: elections.get(MEMBERS)?.leader ?? null,
    unmet: [...membership.unmet],
  }
}
