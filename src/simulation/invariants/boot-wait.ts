/**
 * A process that has just started gives no vote, and asks for none, before its boot wait is over.
 *
 * Source: R19: what a restart made a voter forget is replaced by waiting. How long the wait has to be is judged by
 * `lease-backing` and P2; here only that it is kept, in every frame that leaves.
 */
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

export const bootWait: InvariantFactory = (complain): Invariant => {
  // The wait of the start alone: after a suspend a vote may still be answered that was given before.
  const waits = new Map<NodeView, number>()
  return {
    name: 'R19 no vote in the boot wait',
    observer: {
      began(node) {
        waits.set(node, node.state?.bootUntil ?? 0)
      },
      said(node, _flight, part) {
        const votes = part.kind === 'requestVote' || (part.kind === 'voteReply' && part.grant !== null)
        if (!votes && !(part.kind === 'preVoteReply' && part.refusal === null)) return
        const early = (waits.get(node) ?? 0) - node.now()
        if (early > 0) {
          complain(`${node.id} sent a ${part.kind} ${early.toFixed(3)} ms before its wait was over`)
        }
      },
    },
  }
}
