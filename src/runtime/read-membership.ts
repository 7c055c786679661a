/** Judges the option `experimental.membership` beside the others: what changing members cannot do without (R25, R28, R32). */
import { MAX_MEMBERS } from '../core'
import type { ElectorOptions } from './options'
import type { VoterPlan } from './read-voters'

/** Whoever founds alone does so again when its disk is lost (`core/membership.ts`). */
const MIN_FOUNDERS = 3

const OPTION = 'experimental.membership'

/** Faults, in sentences. */
export function membershipFaults({ stores, sets, voters }: VoterPlan, options: ElectorOptions): string[] {
  const { transport, storage, worker, observer, witnesses, maxObservers = 0 } = options
  const faults: string[] = []
  if (stores.size > 0) {
    faults.push(`${OPTION}: only processes can be members, and ${[...stores.keys()].join(', ')} is a store`)
  }
  if (sets !== undefined)
    faults.push(`${OPTION} and movingTo: give one of them; members that change need no move`)
  if (witnesses !== undefined)
    faults.push(`${OPTION} and witnesses: give one of them; a member that was added may always lead`)
  if (observer === true || maxObservers > 0)
    faults.push(`${OPTION} and observers: give one of them; whoever is no member yet waits to be added (R34)`)
  if (worker) faults.push(`${OPTION} and worker: give one of them; members change in this thread only`)
  if (storage?.kind === 'volatile') {
    faults.push(
      `${OPTION} and storage: memory(): a member that forgets is another one (R25, R26); give dataDir`,
    )
  }
  if (transport === undefined) faults.push(`${OPTION}: give a transport, or nobody can be added`)
  else if (transport.keepPeers === undefined) {
    faults.push(`${OPTION}: this transport cannot change its peers (it has no keepPeers)`)
  }
  if (voters.length < MIN_FOUNDERS && voters.some(({ id }) => id === options.id)) {
    faults.push(
      `${OPTION}: ${voters.length} voters are too few to found a cluster: if all founders lose their disks they found it again, beside the one that is; give at least ${MIN_FOUNDERS}`,
    )
  }
  if (voters.length > MAX_MEMBERS) {
    faults.push(`${OPTION}: ${voters.length} voters are more than ${MAX_MEMBERS}; five are plenty`)
  }
  return faults
}
