/**
 * Criteria cost no liveness: only whoever leads proposes a hand-over, to somebody else, and not more often than its rules say.
 *
 * Source: R37 ("at most m hand-overs per minute"); BUGS 27. Counted on the clock of the process that proposes.
 */
import type { ElectionName } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

const MINUTE_MS = 60_000

export const preferredHandOvers: InvariantFactory = (complain): Invariant => {
  const proposals = new Map<NodeView, Map<ElectionName, number[]>>()
  return {
    name: 'R37 preferred hand-overs',
    observer: {
      noticed(node, effect) {
        if (effect.type !== 'handOverDue') return
        const { election: name, to } = effect
        const election = node.state?.elections.get(name)
        const rules = election?.preferring?.rules
        if (rules === undefined) return complain(`${node.id} hands ${name} over although nobody asked for it`)
        if (to === node.id) complain(`${node.id} hands ${name} over to itself`)
        const ahead = (election?.contenders.get(to) ?? Number.NEGATIVE_INFINITY) - (election?.priority ?? 0)
        if (ahead < rules.by) complain(`${node.id} hands ${name} over to ${to}, which is ahead by ${ahead}`)
        const byElection = proposals.get(node) ?? new Map<ElectionName, number[]>()
        proposals.set(node, byElection)
        const now = node.now()
        const lately = (byElection.get(name) ?? []).filter((at) => at > now - rules.afterMs)
        if (lately.length > 0) complain(`${node.id} hands ${name} over twice within ${rules.afterMs} ms`)
        lately.push(now)
        byElection.set(name, lately)
        const changes = election?.preferring?.changedAt.filter((at) => at > now - MINUTE_MS) ?? []
        if (changes.length >= rules.perMinute) {
          complain(`${node.id} hands ${name} over after ${changes.length} changes of the leader in a minute`)
        }
      },
      ended(node) {
        proposals.delete(node)
      },
    },
  }
}
