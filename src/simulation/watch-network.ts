/**
 * Lets observers hear what the network of a cluster does, by nodes instead of numbers.
 *
 * Decides nothing. Read next: `observer.ts`.
 */
import type { ProcessId } from '../core/types'
import type { Observers } from './observer'
import type { SimNetwork } from './sim-network'
import type { SimNode } from './sim-node'

/** Whose network it is. */
interface Watched {
  readonly network: SimNetwork
  readonly nodes: ReadonlyMap<ProcessId, SimNode>
  readonly observers: Observers
  node(id: ProcessId): SimNode
}

/** Lets the hooks of observers hear the network; frames cost nothing while nobody listens. */
export function watchNetwork(cluster: Watched): void {
  const { network, nodes, observers } = cluster
  const sent = observers.of('sent')
  const said = observers.of('said')
  const routine = observers.of('routine')
  const delivered = observers.of('delivered')
  const lost = observers.of('lost')
  const linked = observers.of('linked')
  const refused = observers.of('refused')
  const byNumber = [...nodes.values()]
  network.inject = (flight) => (byNumber[flight.link.to] as SimNode).inject(flight)
  network.observer = {
    sent(flight) {
      const node = byNumber[flight.link.from] as SimNode
      for (const hook of sent) hook(node, flight)
      for (const part of flight.parts) {
        if (part.kind === 'heartbeat' || part.kind === 'ack') {
          for (const hook of routine) hook(node, flight, part)
        } else {
          for (const hook of said) hook(node, flight, part)
        }
      }
    },
    delivered(flight) {
      for (const hook of delivered) hook(byNumber[flight.link.to] as SimNode, flight)
    },
    lost(flight, reason) {
      for (const hook of lost) hook(flight, reason)
    },
    connected: (at, peer, incarnation) => {
      for (const hook of linked) hook(cluster.node(at), peer, incarnation, null)
    },
    closed: (at, peer, incarnation, reason) => {
      for (const hook of linked) hook(cluster.node(at), peer, incarnation, reason)
    },
    refused: (at, peer, reason) => {
      for (const hook of refused) hook(cluster.node(at), peer, reason)
    },
  }
}
