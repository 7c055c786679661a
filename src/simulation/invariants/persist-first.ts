/**
 * Nothing counts before what it depends on is durable: a vote leaves after its term, a win comes after the winner's own
 * vote, support after the longest promise. (A vote request promises nothing, so it may leave while that own vote is written.)
 *
 * Source: R1, R3, R18 (maxPromiseMs), A.10.7; BUGS 9 (lost unsynced vote: split brain). Compares each frame and each win with
 * the disk at the instant at which it leaves.
 */
import type { Invariant, InvariantFactory } from './invariant'

/** Rounding of a difference of two instants, ms. */
const ROUNDING_MS = 1e-6

export const persistFirst: InvariantFactory = (complain): Invariant => ({
  name: 'R1 persist before send',
  observer: {
    began(node) {
      const state = node.state
      if (state !== null && node.durablePromiseMs < state.maxPromiseMs) {
        complain(
          `${node.id} began with a durable promise of ${node.durablePromiseMs} ms, needs ${state.maxPromiseMs} ms`,
        )
      }
    },
    said(node, _flight, part) {
      if (part.kind === 'voteReply' && part.grant !== null) {
        const durable = node.durableTerm(part.election)
        if (durable < part.term) complain(`${node.id} voted in term ${part.term}, durable is ${durable}`)
      }
    },
    elected(node, election, term) {
      if (!node.isVoter) return
      const durable = node.durableTerm(election)
      if (durable < term) complain(`${node.id} won term ${term}, durable is ${durable}`)
    },
    routine(node, flight, part) {
      if (part.kind !== 'ack' || !part.renewed) return
      const support = node.state?.supports.get(flight.to)
      // a held answer to an earlier round says nothing of a longer promise that came after it (R60, R71)
      if (support === undefined || part.round !== support.lastRound) return
      const promised = support.until - node.now()
      if (promised > node.durablePromiseMs + ROUNDING_MS) {
        complain(`${node.id} promises ${promised} ms to ${flight.to}, durable is ${node.durablePromiseMs} ms`)
      }
    },
  },
})
