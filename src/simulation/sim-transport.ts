/**
 * The `Transport` port of one simulated process, and the sessions between two of them.
 *
 * A session lives between two lives: frames of it are handed over only while it is up, and to that life alone (R24). Who
 * dials, and what is said until a session is up, is in `handshake.ts`. Nothing calls the host back from inside `send`; all
 * that comes in passes through the process's event loop, so a stalled process hears nothing.
 */
import { displayName } from '../core/identity'
import type { Part } from '../core/messages'
import type { Incarnation, ProcessId } from '../core/types'
import type { Greeting, Transport, TransportHost, TransportStats } from '../ports'
import type { EventLoop } from './event-loop'
import { dialAgain, keepDialling } from './handshake'
import type { Flight, SimNetwork } from './sim-network'
import { WireCopy } from './wire-copy'

/** One end's view of a session. */
export interface SessionEnd {
  readonly transport: SimTransport
  /** Who this end is talking to. */
  readonly peer: Greeting
  /** True between `connected` and `closed` at this end. */
  up: boolean
  /** What this end sends goes through it; null without the codec. */
  readonly wire: WireCopy | null
}

/** A session between two lives of two processes. */
export class SimSession {
  /** By the end whose view it is. */
  readonly ends: readonly [SessionEnd, SessionEnd]
  private broken = false

  constructor(
    dialer: SimTransport,
    dialerGreeting: Greeting,
    acceptor: SimTransport,
    acceptorGreeting: Greeting,
  ) {
    const wire = (): WireCopy | null => (dialer.network.options.codec ? new WireCopy() : null)
    this.ends = [
      { transport: dialer, peer: acceptorGreeting, up: false, wire: wire() },
      { transport: acceptor, peer: dialerGreeting, up: false, wire: wire() },
    ]
  }

  /** The view of that transport. */
  endAt(transport: SimTransport): SessionEnd | null {
    if (this.ends[0].transport === transport) return this.ends[0]
    return this.ends[1].transport === transport ? this.ends[1] : null
  }

  /** The transport at the other end. */
  otherEnd(transport: SimTransport): SimTransport {
    return this.ends[0].transport === transport ? this.ends[1].transport : this.ends[0].transport
  }

  get open(): boolean {
    return !this.broken
  }

  /** The link is dead: both ends find out, each in its own turn. */
  fail(reason: string): void {
    if (this.broken) return
    this.broken = true
    for (const { transport } of this.ends) {
      transport.loop.input(() => transport.lost(this, reason), undefined)
    }
  }

  /** One end is gone for good: the other one is told by FIN, unless the link is cut. */
  finish(gone: SimTransport, extraMs: number, reason: string): void {
    const other = this.otherEnd(gone)
    const told = gone.network.signal(
      gone.number,
      other.number,
      extraMs,
      () => {
        this.broken = true
        other.loop.input(() => other.lost(this, reason), undefined)
      },
      undefined,
    )
    if (!told) this.forget(gone)
  }

  /** Nobody tells the other end: it finds out by itself, or when a new life dials (B.16). */
  forget(gone: SimTransport): void {
    const { network } = gone
    network.scheduler.after(network.options.linkTimeoutMs, () => this.fail('timed out'), undefined)
  }
}

/** Transport of one life of one process. */
export class SimTransport implements Transport {
  readonly network: SimNetwork
  readonly number: number
  readonly loop: EventLoop
  host: TransportHost | null = null
  private readonly sessions: (SimSession | null)[] = []
  private readonly counts = { sent: 0, received: 0 }
  private readonly refusals = new Map<string, number>()
  private stopped = false
  /** Nodes to keep a link with; those with a higher number than the own one are dialled. */
  private wanted: ReadonlySet<number> = new Set()
  /** Members change. */
  dialsAnybody = false

  constructor(network: SimNetwork, number: number, loop: EventLoop) {
    this.network = network
    this.number = number
    this.loop = loop
    for (let i = 0; i < network.links.size; i++) this.sessions.push(null)
  }

  start(host: TransportHost, ready: (error: Error | null) => void): void {
    this.host = host
    this.network.scheduler.after(
      0,
      () =>
        this.loop.input(() => {
          if (this.stopped) return
          this.network.attach(this.number, this)
          ready(null)
          this.keepPeers(host.peers)
        }, undefined),
      undefined,
    )
  }

  send(to: ProcessId, toIncarnation: Incarnation, parts: readonly Part[]): void {
    const number = this.network.numberOf(to)
    const session = this.sessions[number] ?? null
    if (session === null || this.host === null || this.stopped) return
    const end = session.endAt(this)
    if (end === null || !end.up || end.peer.incarnation !== toIncarnation) return
    this.counts.sent += 1
    const { nodeId, incarnation } = this.host.local
    this.network.send({
      link: this.network.links.link(this.number, number),
      from: nodeId,
      fromIncarnation: incarnation,
      to,
      toIncarnation,
      parts: end.wire === null ? parts : end.wire.copy(parts),
      session,
      network: this.network,
      replayed: false,
    })
  }

  keepPeers(peers: readonly ProcessId[]): void {
    const before = this.wanted
    this.wanted = new Set(peers.map((peer) => this.network.numberOf(peer)))
    for (const [number, session] of this.sessions.entries()) {
      if (session?.open === true && before.has(number) && !this.wanted.has(number)) this.leave(session)
    }
    for (const number of this.wanted) {
      if (!before.has(number) && this.mayDial(number)) keepDialling(this, number)
    }
  }

  /** Is that node one to keep a link with? */
  wants(number: number): boolean {
    return this.wanted.has(number)
  }

  /**
   * The lower number dials; where members change it may not know the higher one yet, or not any more. Who has no vote is
   * dialled by nobody, and dials every voter.
   */
  private mayDial(number: number): boolean {
    const name = this.host?.local.nodeId ?? ''
    const isObserver = displayName(name) !== name
    return this.wanted.has(number) && (number > this.number || this.dialsAnybody || isObserver)
  }

  /** Is it this end's turn to dial that node? */
  dials(number: number): boolean {
    return number > this.number || this.network.transportOf(number)?.wants(this.number) === false
  }

  /** Closes a session that nobody keeps any more; what was sent in it may still arrive. */
  private leave(session: SimSession): void {
    this.lost(session, 'not kept')
    session.finish(this, this.network.options.finMs, 'closed by the peer')
  }

  stop(_flushMs: number, done: () => void): void {
    this.end(0, true)
    this.network.scheduler.after(0, () => this.loop.input(done, undefined), undefined)
  }

  flushSync(): void {
    // Every frame left in `send` already.
  }

  stats(): TransportStats {
    return {
      links: this.sessions.flatMap((session) => {
        const end = session?.endAt(this)
        if (end == null) return []
        const { nodeId, incarnation } = end.peer
        return [{ peer: nodeId, connected: end.up, incarnation, address: `sim:${nodeId}`, lastError: null }]
      }),
      framesSent: this.counts.sent,
      framesReceived: this.counts.received,
      bytesSent: 0,
      bytesReceived: 0,
      refused: Object.fromEntries(this.refusals),
    }
  }

  /** True while the process takes part: started, neither stopped nor dead. */
  get active(): boolean {
    return this.host !== null && !this.stopped && this.loop.alive
  }

  /** The session with that node, up or on its way; null if there is none. */
  sessionWith(number: number): SimSession | null {
    return this.sessions[number] ?? null
  }

  /**
   * Leaves the network: `fin`: the kernel closes the sockets `afterMs` later and the peers are told; otherwise nobody is.
   */
  end(afterMs: number, fin: boolean): void {
    if (this.stopped) return
    this.stopped = true
    if (this.network.transportOf(this.number) === this) this.network.detach(this.number, !fin)
    for (const [number, session] of this.sessions.entries()) {
      if (session?.open !== true) continue
      if (fin) session.finish(this, afterMs, 'closed by the peer')
      else session.forget(this)
      this.sessions[number] = null
    }
  }

  /** A session with that node is up at this end from now on; an older one is gone. */
  up(session: SimSession, sentAt: number): void {
    const end = session.endAt(this)
    if (end === null || !this.active || !session.open) return
    const number = session.otherEnd(this).number
    const former = this.sessions[number] ?? null
    if (former === session) return
    if (former !== null) this.lost(former, 'replaced')
    this.sessions[number] = session
    end.up = true
    this.network.observer?.connected?.(this.host?.local.nodeId ?? '', end.peer.nodeId, end.peer.incarnation)
    this.host?.connected(end.peer, sentAt)
  }

  /** A session is gone. */
  lost(session: SimSession, reason: string): void {
    const end = session.endAt(this)
    const number = session.otherEnd(this).number
    if (this.sessions[number] === session) this.sessions[number] = null
    if (end === null || !end.up) return
    end.up = false
    if (!this.active) return
    const { nodeId, incarnation } = end.peer
    this.network.observer?.closed?.(this.host?.local.nodeId ?? '', nodeId, incarnation, reason)
    this.host?.closed(nodeId, incarnation, reason)
    if (this.mayDial(number) && reason !== 'replaced') dialAgain(this, number)
  }

  private isOfOtherLife({ link, fromIncarnation, toIncarnation }: Flight): boolean {
    const sender = this.network.transportOf(link.from)?.host?.local.incarnation
    return toIncarnation !== this.host?.local.incarnation || fromIncarnation !== sender
  }

  /** Counts what was refused. */
  refuse(peer: ProcessId, reason: Parameters<TransportHost['refused']>[0]): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1)
    this.network.observer?.refused?.(this.host?.local.nodeId ?? '', peer, reason)
    this.host?.refused(reason)
  }

  /** A frame has come to this machine. */
  arrived(flight: Flight): void {
    this.loop.input(deliver, flight)
  }

  /** Hands a frame to the host, if it is meant for this life and, unless it is a replay, belongs to the present session. */
  deliver(flight: Flight): void {
    const { host, network } = this
    if (host === null || !this.active) return network.lose(flight, 'down')
    if (flight.replayed && this.isOfOtherLife(flight)) network.stats.replayedIntoOtherLife += 1
    if (flight.replayed && network.inject?.(flight) === true) {
      network.observer?.delivered?.(flight)
      return
    }
    const foreign = flight.toIncarnation !== host.local.incarnation
    if (foreign || (!flight.replayed && flight.session !== this.sessions[flight.link.from])) {
      return network.reject(flight, 'otherSession')
    }
    network.stats.delivered += 1
    this.counts.received += 1
    network.observer?.delivered?.(flight)
    host.received(flight.from, flight.fromIncarnation, flight.parts)
  }
}

function deliver(flight: Flight): void {
  flight.network.transportOf(flight.link.to)?.deliver(flight)
}
