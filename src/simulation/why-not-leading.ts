/**
 * Why one process does not lead an election, in a clause, for the message of a run in which no lease appears (P9): what it
 * is, whom it reaches, to whom it is bound, and who refused it, and why.
 *
 * Looks from outside, at the state of the core; decides nothing.
 */
import type { State } from '../core'
import type { ElectionName } from '../core/types'
import type { SimNode } from './sim-node'

/** A clause on that process and that election. */
export function whyNotLeading(node: SimNode, election: ElectionName): string {
  const { id, state, failure } = node
  if (failure !== null) return `${id} failed: ${failure.code}`
  if (!node.alive) return `${id} is down`
  if (!node.responsive) return `${id} stands still`
  if (state === null) return `${id} has not started yet`
  const reached = [...state.accounts].filter(([, { connected }]) => connected).map(([peer]) => peer)
  const links = reached.length === 0 ? 'linked with nobody' : `linked with ${reached.join(' ')}`
  const each = state.elections.get(election)
  if (each === undefined) return `${id} does not contend and knows no such election, ${links}`
  if (node.now() < state.bootUntil) {
    return `${id} waits after its start (R28), ${Math.ceil(state.bootUntil - node.now())} ms more, ${links}`
  }
  const { slot, role, contending } = each
  const held = slot.binding
  const bound = held === null || held.released ? 'bound to nobody' : `bound to ${held.leader} T${held.term}`
  const who = `${id} ${contending ? 'contends' : 'does not contend'}, is ${role}, knows T${slot.knownTerm}`
  return [who, bound, links, ...refusals(each)].join(', ')
}

type Each = NonNullable<ReturnType<State['elections']['get']>>

function refusals({ lastRefusals }: Each): string[] {
  const texts = [...lastRefusals].map(([voter, why]) => `${voter} (${why})`)
  return texts.length === 0 ? [] : [`refused by ${texts.join(' and ')}`]
}
