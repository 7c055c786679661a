/**
 * A member that an operator froze begins no campaign and wins nothing before that time is over on its own clock (R39).
 *
 * A leadership that stood goes on, and so do its own next terms (R22). That the others elect somebody meanwhile is P9.
 */
import type { ElectionName } from '../../core/types'
import type { NodeView } from '../observer'
import type { Invariant, InvariantFactory } from './invariant'

export const frozenMember: InvariantFactory = (complain): Invariant => {
  /** Own clock at which the freeze of a node in an election is over. */
  const until = new Map<string, number>()
  const led = new Set<string>()
  const keyOf = (node: NodeView, election: ElectionName): string => `${node.id} ${election}`
  const stands = (node: NodeView, election: ElectionName, how: string): void => {
    const key = keyOf(node, election)
    const over = until.get(key)
    if (over === undefined || led.has(key) || node.now() >= over) return
    complain(`${node.id} ${how} in ${election}, ${over - node.now()} ms before its freeze is over`)
  }
  return {
    name: 'R39 a frozen member does not stand',
    observer: {
      operated(node, sign) {
        if (sign.kind === 'frozen') until.set(keyOf(node, sign.election), sign.until)
      },
      noticed(node, effect) {
        if (effect.type !== 'roleChanged') return
        if (effect.role === 'preCandidate' || effect.role === 'candidate') {
          stands(node, effect.election, 'began a campaign')
        }
      },
      elected(node, election, term) {
        stands(node, election, `won term ${term}`)
        led.add(keyOf(node, election))
      },
      revoked(node, election, _term, reason) {
        if (reason !== 'reelected') led.delete(keyOf(node, election))
      },
      ended(node) {
        const ofNode = (key: string): boolean => key.startsWith(`${node.id} `)
        for (const key of [...led].filter(ofNode)) led.delete(key)
        for (const key of [...until.keys()].filter(ofNode)) until.delete(key)
      },
    },
  }
}
