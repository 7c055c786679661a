/** `verify`, the pure half: what the core's memory says about the answers of a quorum. A leaf. */
import { type CoreConfig, type ElectionName, isQuorum, type State } from '../core'

/** Has a quorum that is bound to the leadership of this process answered something sent at or after that instant? */
export function isConfirmed(
  { self }: CoreConfig,
  state: State,
  election: ElectionName,
  askedAt: number,
): boolean {
  const lead = state.elections.get(election)?.lead
  if (lead == null) return false
  return isQuorum(state.cluster, (voter) => {
    if (voter === self) return !state.storageFailed
    const account = state.accounts.get(voter)
    if (account === undefined || account.grant === null || account.lastAnsweredSend < askedAt) return false
    return lead.bound.get(voter)?.includes(account.grant) === true
  })
}
