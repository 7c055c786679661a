/**
 * The transport of a process that has stores among its voters: parts for a store go to its link, all others to the
 * transport of the peers, which never sees a store.
 *
 * To the driver a store is a voter that is connected from the first answer on, in life 1, and never leaves: whether it can be
 * reached at present is for `status()`. Parts for stores never become frames. Decides nothing. Read next:
 * `../ports/voter-store.ts`, `driver-host.ts`.
 */
import { nameWithoutVote } from '../core/identity'
import type { Part } from '../core/messages'
import type { Incarnation, ProcessId } from '../core/types'
import type { Clock } from '../ports/clock'
import type { Greeting, Transport, TransportHost, TransportStats } from '../ports/transport'
import type { LedTerm, VoterHost, VoterLink, VoterLinkStats, VoterStore } from '../ports/voter-store'
import { Deadline } from './deadline'
import { printable } from './printable'

/** Life under which the core knows every store. */
const STORE_LIFE: Incarnation = 1

/** What the links need besides the greeting of their process. */
export interface StoreTransportOptions {
  readonly peers: Transport
  readonly stores: ReadonlyMap<ProcessId, VoterStore>
  /** The configured id (R49). */
  readonly id: ProcessId
  readonly clock: Clock
  readonly maxPromiseMs: number
  readonly campaignMs: number
  readonly heartbeatMs: number
  /** No peer votes (R82). */
  readonly onlyStores: boolean
  /** R6, R27: what an operator should see. */
  readonly alarm: (
    code: 'invariantViolation' | 'duplicateIdentity',
    process: ProcessId,
    detail: string,
  ) => void
}

/** Routes between stores and peers. */
export class StoreTransport implements Transport {
  private readonly links = new Map<ProcessId, VoterLink>()
  private readonly reported = new Map<ProcessId, string>()

  constructor(private readonly options: StoreTransportOptions) {}

  start(host: TransportHost, ready: (error: Error | null) => void): void {
    const { peers, stores } = this.options
    for (const [id, store] of stores) this.links.set(id, store.open(this.setupOf(id, host)))
    const fromPeers: TransportHost = {
      ...host,
      admit: (greeting) =>
        stores.has(greeting.nodeId) ? { ok: false, reason: 'unknownMember' } : host.admit(greeting),
      connected: (peer, sentAt) => {
        if (!stores.has(peer.nodeId)) host.connected(peer, sentAt)
      },
      received: (from, incarnation, parts) => {
        if (!stores.has(from)) host.received(from, incarnation, parts)
      },
    }
    peers.start(fromPeers, (error) => {
      if (error === null) for (const link of this.links.values()) link.start()
      ready(error)
    })
  }

  send(to: ProcessId, toIncarnation: Incarnation, parts: readonly Part[]): void {
    const link = this.links.get(to)
    if (link === undefined) this.options.peers.send(to, toIncarnation, parts)
    else link.send(parts)
  }

  /** Each store keeps it for people. */
  remember(led: LedTerm): void {
    for (const link of this.links.values()) link.remember?.(led)
  }

  flushSync(): void {
    this.options.peers.flushSync()
  }

  /** The last write to each store has as long as the last frames to the peers; what comes later, time decides. */
  stop(flushMs: number, done: () => void): void {
    const { peers, clock } = this.options
    let open = this.links.size + 1
    const closed = (): void => {
      open -= 1
      if (open === 0) {
        limit.clear()
        done()
      }
    }
    const late = new Set(this.links.values())
    const limit = new Deadline(clock, () => {
      for (const link of late) {
        link.crash()
        closed()
      }
      late.clear()
    })
    limit.arm(clock.now() + flushMs)
    for (const link of this.links.values()) {
      link.stop(() => {
        if (late.delete(link)) closed()
      })
    }
    peers.stop(flushMs, closed)
  }

  /** For simulations: the links forget everything at once, as a crash of the process does. */
  crash(): void {
    for (const link of this.links.values()) link.crash()
  }

  stats(): TransportStats {
    const stats = this.options.peers.stats()
    const stores = [...this.links].map(([peer, link]) => {
      const { reachable, lastError } = link.stats()
      return { peer, connected: reachable, incarnation: STORE_LIFE, address: '', lastError }
    })
    return { ...stats, links: [...stats.links, ...stores] }
  }

  /** Null before the start. */
  statsOf(store: ProcessId): VoterLinkStats | null {
    return this.links.get(store)?.stats() ?? null
  }

  private setupOf(id: ProcessId, host: TransportHost): Parameters<VoterStore['open']>[0] {
    const { id: self, clock, maxPromiseMs, campaignMs, heartbeatMs, onlyStores } = this.options
    const { clusterId, storageId, incarnation, nonce, rho } = host.local
    return {
      clusterId,
      process: nameWithoutVote(self, storageId),
      incarnation,
      nonce,
      rho,
      maxPromiseMs,
      campaignMs,
      pollMs: heartbeatMs,
      listsContenders: onlyStores,
      clock,
      host: this.hostOf(id, host),
    }
  }

  private hostOf(id: ProcessId, host: TransportHost): VoterHost {
    const { alarm, stores } = this.options
    const { clusterId, rho, deltaMs, configTerm, configVersion } = host.local
    const greeting: Greeting = {
      clusterId,
      nodeId: id,
      storageId: `store ${id}`,
      incarnation: STORE_LIFE,
      nonce: '',
      rho,
      deltaMs,
      configTerm,
      configVersion,
    }
    return {
      connected: (sentAt) => host.connected(greeting, sentAt),
      received: (parts) => host.received(id, STORE_LIFE, parts),
      troubled: (error) => {
        const text = printable(error.message)
        const { logger } = host
        // one line when a store fails in a new way, not one for each heartbeat while it does
        if (this.reported.get(id) === text)
          return logger.debug({ store: id, error: text }, 'a call to a store failed')
        this.reported.set(id, text)
        logger.warn({ store: id, kind: stores.get(id)?.name, error: text }, 'a call to a store failed')
      },
      violation: (election, detail) => alarm('invariantViolation', id, `election ${election}: ${detail}`),
      duplicate: (detail) => alarm('duplicateIdentity', id, detail),
    }
  }
}
