/**
 * P7: what a process renounced never comes back: no win in a renounced term, no release of a term that is still led, and
 * nothing that renews, campaigns, votes or binds after the end of a session.
 *
 * Source: PROTOCOL P7, R20, R65 ("no process ever releases a term >= one that it still leads"), R71.
 */
import type { Part } from '../../core/messages'
import type { ElectionName, Incarnation, Term } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

interface Life {
  /** Another disk begins to count its lives anew (R25). */
  readonly storageId: string
  readonly incarnation: Incarnation
  readonly renounced: Map<ElectionName, Term>
  readonly leads: Map<ElectionName, Term>
  /** Own clock at the first word of its end, or null. */
  endedAt: number | null
}

const FINAL = new Set(['bind', 'preVote', 'requestVote', 'voteReply', 'bindAck'])

/** The hand-overs of a last turn leave beside its end, one frame per peer: none of them is the first (R21, R71). */
function isLate({ endedAt }: Life, node: NodeView, { kind }: Part): boolean {
  if (endedAt === null) return false
  return FINAL.has(kind) || (kind === 'timeoutNow' && node.now() > endedAt)
}

export const finality: InvariantFactory = (complain): Invariant => {
  const lives = new Map<NodeView, Life>()
  const lifeOf = (node: NodeView): Life => {
    let life = lives.get(node)
    const { incarnation, storageId } = node
    if (life === undefined || life.incarnation !== incarnation || life.storageId !== storageId) {
      life = { storageId, incarnation, renounced: new Map(), leads: new Map(), endedAt: null }
      lives.set(node, life)
    }
    return life
  }
  const renounce = (life: Life, election: ElectionName, term: Term): void => {
    life.renounced.set(election, Math.max(term, life.renounced.get(election) ?? 0))
  }
  return {
    name: 'P7 finality of renouncing',
    observer: {
      elected(node, election, term) {
        const life = lifeOf(node)
        const renounced = life.renounced.get(election) ?? 0
        if (term <= renounced)
          complain(`${node.id} won term ${term} of ${election}, but renounced ${renounced}`)
        if (life.endedAt !== null)
          complain(`${node.id} won term ${term} of ${election} after it ended its session`)
        life.leads.set(election, term)
      },
      revoked(node, election, term) {
        const life = lifeOf(node)
        life.leads.delete(election)
        renounce(life, election, term)
      },
      said(node, _flight, part) {
        const life = lifeOf(node)
        if (part.kind === 'release') {
          const led = life.leads.get(part.election)
          if (led !== undefined && part.term >= led) {
            complain(`${node.id} released term ${part.term} of ${part.election} while it leads term ${led}`)
          }
          renounce(life, part.election, part.term)
        } else if (part.kind === 'sessionEnd') {
          for (const [election, term] of life.leads) {
            complain(`${node.id} ended its session while it leads term ${term} of ${election}`)
          }
          life.endedAt ??= node.now()
        } else if (isLate(life, node, part)) {
          complain(`${node.id} sent a ${part.kind} after the end of its session`)
        }
      },
      routine(node, _flight, part) {
        if (part.kind === 'heartbeat' && lifeOf(node).endedAt !== null)
          complain(`${node.id} sent a heartbeat after its end`)
      },
    },
  }
}
