/**
 * R81: nobody new wins by a campaign that began when a quorum of voters knew that the election is paused.
 *
 * A leader's own next term (R22) elects nobody new. Knowledge that is lost (a disk that lost its last write, a new one) or taken
 * back (a resumption) while a campaign runs makes its win rightful again.
 */
import { isQuorum } from '../../core/quorum'
import type { ClusterConfig, ElectionName, ProcessId } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

export const pausedElection =
  (nodes: ReadonlyMap<ProcessId, NodeView>, clusterOf: (node: NodeView) => ClusterConfig): InvariantFactory =>
  (complain): Invariant => {
    const led = new Set<string>()
    /** Campaigns that began in a paused election, by node and election. */
    const doomed = new Set<string>()
    const keyOf = (node: NodeView, election: ElectionName): string => `${node.id} ${election}`
    const knows = (voter: ProcessId, election: ElectionName): boolean => {
      const node = nodes.get(voter)
      return node?.alive === true && node.state?.elections.get(election)?.pause?.isPaused === true
    }
    return {
      name: 'R81 paused elections elect nobody',
      observer: {
        began() {
          doomed.clear()
        },
        noticed(node, effect) {
          if (effect.type === 'pauseChanged' && !effect.pause.isPaused) {
            for (const other of nodes.values()) doomed.delete(keyOf(other, effect.election))
          }
          if (effect.type !== 'roleChanged') return
          const key = keyOf(node, effect.election)
          if (effect.role !== 'candidate') return void doomed.delete(key)
          if (isQuorum(clusterOf(node), (voter) => knows(voter, effect.election))) doomed.add(key)
        },
        elected(node, election, term) {
          const key = keyOf(node, election)
          if (doomed.has(key) && !led.has(key)) {
            complain(`${node.id} won term ${term} of ${election}, which a quorum knew to be paused`)
          }
          led.add(key)
        },
        revoked(node, election, _term, reason) {
          if (reason !== 'reelected') led.delete(keyOf(node, election))
        },
        ended(node) {
          for (const key of [...led]) if (key.startsWith(`${node.id} `)) led.delete(key)
        },
      },
    }
  }
