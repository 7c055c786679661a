/**
 * What the transport sees of the driver: who this process says it is, whom it admits, and where frames go.
 *
 * Everything that a transport reports becomes an input of the core or a count; nothing is judged here but by the `Door`,
 * and nothing reaches the core from a life that has no open session. Read next: `door.ts`, `driver.ts`.
 */
import type { ClusterConfig, ProcessId, Voter } from '../core'
import type { DeathNotice } from '../core/messages'
import type { Admission, Greeting, TransportHost } from '../ports/transport'
import type { Door } from './door'
import type { DriverOptions, Submitted } from './driver-options'
import { printable } from './printable'

/** The parts of the driver that a transport reaches. */
export interface HostParts {
  readonly options: DriverOptions
  /** Who votes at the start. */
  readonly cluster: ClusterConfig
  readonly door: Door
  /** False before `boot` and from `shutdown` on: then nothing is heard. */
  readonly isOpen: () => boolean
  readonly submit: (input: Submitted) => void
  readonly failed: (error: Error) => void
}

/** The host that the driver hands to its transport. */
export function createHost({ options, cluster, door, isOpen, submit, failed }: HostParts): TransportHost {
  const { config, addresses, logger, clock } = options
  const { voters } = cluster
  // a store has no life and no greeting to judge; its link belongs to this process
  const stores = new Set(voters.filter(({ kind }) => kind === 'store').map(({ id }) => id))
  return {
    local: greetingOf(options),
    addresses: { ...addresses, ...addressesOf(voters) },
    logger,
    peers: voters.filter(({ id, kind }) => id !== config.self && kind !== 'store').map(({ id }) => id),
    now: () => clock.now(),
    admit: (greeting) => door.admit(greeting),
    connected: (peer, sentAt) => {
      if (!isOpen() || (!stores.has(peer.nodeId) && !door.connected(peer))) return
      const { nodeId, incarnation, storageId, rho, deltaMs } = peer
      submit({ type: 'connected', peer: nodeId, incarnation, storageId, rho, deltaMs, sentAt })
    },
    closed: (peer, incarnation, reason) => {
      if (!isOpen()) return
      logger.debug({ peer, incarnation, reason: printable(reason) }, 'a session is gone')
      door.closed(peer, incarnation)
      submit({ type: 'closed', peer, incarnation })
    },
    received: (from, fromIncarnation, parts) => {
      if (!isOpen()) return
      // whoever brings it: the session with the dead is mostly gone when its death is proved (R55)
      for (const part of parts) if (part.kind === 'deathNotice' && door.proves(part)) submit(deathOf(part))
      if (!door.isOpen(from, fromIncarnation) && !stores.has(from)) return
      submit({ type: 'frame', now: 0, from, fromIncarnation, toIncarnation: config.incarnation, parts })
    },
    refused: (reason) => door.count(reason),
    failed,
    operators: operatorsOf(options, door, isOpen),
  }
}

/** Lets operators in or not, and counts what was refused to them; what they may is judged where it is done. */
function operatorsOf({ operators = 'none', listener }: DriverOptions, door: Door, isOpen: () => boolean) {
  const isClosed = operators === 'none' || listener.command === undefined
  return {
    admit: (): Admission => (isClosed ? { ok: false, reason: 'permissionDenied' } : { ok: true }),
    command: (from: ProcessId, payload: string, reply: (payload: string) => void): void => {
      if (!isOpen()) return
      listener.command?.(from, payload, (answer, refused) => {
        if (refused !== null) door.count(refused)
        reply(answer)
      })
    },
  }
}

/** Where voters live, as far as a configuration says so. */
export function addressesOf(
  voters: readonly Pick<Voter, 'id' | 'address'>[],
): Readonly<Record<ProcessId, string>> {
  return Object.fromEntries(voters.flatMap(({ id, address }) => (address == null ? [] : [[id, address]])))
}

function deathOf({ process, storageId, incarnation, key }: DeathNotice): Submitted {
  return { type: 'death', process, storageId, incarnation, key }
}

/** Who this process says it is. */
export function greetingOf({ config, clusterId, nonce }: DriverOptions): Greeting {
  const { self, storageId, incarnation, timing, cluster } = config
  return {
    clusterId,
    nodeId: self,
    storageId,
    incarnation,
    nonce,
    rho: timing.rho,
    deltaMs: timing.deltaMs,
    configTerm: cluster.term,
    configVersion: cluster.version,
  }
}
