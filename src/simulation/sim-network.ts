/**
 * The network of a simulation: carries frames between the transports of all nodes, and does to them what networks do.
 *
 * Loses, delays, duplicates, reorders and replays frames by the quality of each link; says when sessions come and go
 * (`sim-transport.ts`, `handshake.ts`). Looks into no frame. A frame belongs to the session that it was sent in, and never
 * arrives in another one, as the port demands; a *replay* is the exception: the same frame once more, also after either end
 * restarted or ended. With `inject` the core itself has to refuse it (R24, R58, R71).
 */
import { displayName } from '../core/identity'
import type { Part } from '../core/messages'
import type { Incarnation, ProcessId } from '../core/types'
import { type Link, type LinkQuality, Links } from './links'
import type { Random } from './random'
import type { Scheduler } from './scheduler'
import type { SimSession, SimTransport } from './sim-transport'

/** A frame under way. */
export interface Flight {
  readonly link: Link
  readonly from: ProcessId
  readonly fromIncarnation: Incarnation
  readonly to: ProcessId
  readonly toIncarnation: Incarnation
  readonly parts: readonly Part[]
  readonly session: SimSession
  readonly network: SimNetwork
  /** It is a replay of an earlier frame. */
  readonly replayed: boolean
}

/** Why a frame does not arrive. */
export type LossReason = 'cut' | 'lost' | 'down' | 'otherSession' | 'intercepted'

/** Who watches the network: invariants, trace, transcripts. Called synchronously, must not send. */
export interface NetworkObserver {
  /** Left its sender; what becomes of it is open. */
  sent?(flight: Flight): void
  /** Is handed to its receiver now. */
  delivered?(flight: Flight): void
  lost?(flight: Flight, reason: LossReason): void
  connected?(at: ProcessId, peer: ProcessId, incarnation: Incarnation): void
  closed?(at: ProcessId, peer: ProcessId, incarnation: Incarnation, reason: string): void
  refused?(at: ProcessId, peer: ProcessId, reason: string): void
}

/** What an interceptor does with a frame that is about to leave. */
export type Verdict = 'pass' | 'drop' | 'hold'

/** Numbers of the network, real ms. */
export interface NetworkOptions {
  readonly quality: LinkQuality
  /** A dead process's sockets close this long after its death. */
  readonly finMs: number
  /** A link that nothing comes through for this long is torn down and dialled again (R38). */
  readonly linkTimeoutMs: number
  /** Between two attempts to dial. */
  readonly redialMs: number
  /** Frames sent into a cut arrive after it heals, the newest 64 of each link, as a socket buffer would; else they are lost. */
  readonly holdInCut: boolean
  /** Every frame goes through the real codec. */
  readonly codec: boolean
}

/** Counted since the beginning. */
export interface NetworkStats {
  sent: number
  delivered: number
  lost: number
  cut: number
  duplicated: number
  replayed: number
  /** Replays that reached a life that they were not meant for, or came from a life that is over (R24). */
  replayedIntoOtherLife: number
  reordered: number
}

const RECENT = 64

/** The network. */
export class SimNetwork {
  readonly links: Links
  readonly options: NetworkOptions
  readonly scheduler: Scheduler
  readonly random: Random
  readonly stats: NetworkStats = {
    sent: 0,
    delivered: 0,
    lost: 0,
    cut: 0,
    duplicated: 0,
    replayed: 0,
    replayedIntoOtherLife: 0,
    reordered: 0,
  }
  observer: NetworkObserver | null = null
  /** Asked about every frame before it leaves; `hold` puts it into `held`. */
  interceptor: ((flight: Flight) => Verdict) | null = null
  readonly held: Flight[] = []
  /** Takes replays past the transport and its door, straight to the core; true if it did. */
  inject: ((flight: Flight) => boolean) | null = null

  private readonly numbers = new Map<ProcessId, number>()
  private readonly current: (SimTransport | null)[] = []
  private readonly dark = new Set<number>()
  private readonly recent: Flight[][] = []
  private readonly buffered: Flight[][] = []

  constructor(ids: readonly ProcessId[], scheduler: Scheduler, random: Random, options: NetworkOptions) {
    this.scheduler = scheduler
    this.random = random
    this.options = options
    this.links = new Links(ids.length, options.quality)
    for (const [number, id] of ids.entries()) {
      this.numbers.set(id, number)
      this.current.push(null)
    }
    for (let i = 0; i < ids.length * ids.length; i++) {
      this.recent.push([])
      this.buffered.push([])
    }
  }

  /** Number of a node, by its id or by what it is called where it has no vote (R49); -1 for a stranger. */
  numberOf(name: ProcessId): number {
    return this.numbers.get(name) ?? this.numbers.get(displayName(name)) ?? -1
  }

  /** The transport of a node's present life. */
  transportOf(number: number): SimTransport | null {
    return this.current[number] ?? null
  }

  /** From now on this is the node's transport. */
  attach(number: number, transport: SimTransport): void {
    this.current[number] = transport
    this.dark.delete(number)
  }

  /** The node's process is gone; `dark`: its host, too, so that nothing answers for it. */
  detach(number: number, dark: boolean): void {
    this.current[number] = null
    if (dark) this.dark.add(number)
  }

  /** Sends a frame of a session. Never calls anybody back from inside. */
  send(flight: Flight): void {
    this.stats.sent += 1
    this.observer?.sent?.(flight)
    if (this.interceptor !== null) {
      const verdict = this.interceptor(flight)
      if (verdict === 'hold') this.held.push(flight)
      if (verdict === 'drop') this.lose(flight, 'intercepted')
      if (verdict !== 'pass') return
    }
    this.transmit(flight)
  }

  /** Puts a held frame on its way. */
  release(flight: Flight): void {
    const index = this.held.indexOf(flight)
    if (index >= 0) this.held.splice(index, 1)
    this.transmit(flight)
  }

  /** Cuts one direction silently; the link is torn down when that lasts (R38). */
  cut(from: number, to: number, name: string): void {
    this.links.cut(from, to, name)
    this.watchPair(from, to)
  }

  /** Silent partition into groups. */
  partition(groups: readonly (readonly number[])[], name: string): void {
    this.links.partition(groups, name)
    for (const group of groups) {
      for (const other of groups) {
        if (group === other) continue
        for (const from of group) for (const to of other) this.watchPair(from, to)
      }
    }
  }

  /** Removes the cuts of that name, or all; what was buffered in them leaves. */
  heal(name?: string): void {
    this.links.heal(name)
    for (const [index, frames] of this.buffered.entries()) {
      const size = this.links.size
      if (frames.length === 0 || !this.links.isOpen(Math.floor(index / size), index % size)) continue
      this.buffered[index] = []
      for (const flight of frames) this.depart(flight, this.delay(flight.link))
    }
  }

  /** Real time that something takes over that link now. */
  delay(link: Link): number {
    const { latencyMs, jitterMs, tail, tailMs } = link.quality
    let delay = latencyMs
    if (jitterMs > 0) delay += jitterMs * this.random.unit()
    if (tail > 0 && this.random.chance(tail)) delay += tailMs * this.random.unit()
    return delay
  }

  /** Runs at the other end of a link after its delay, in order behind the frames; nothing if the link is cut then or now. */
  signal<A>(from: number, to: number, extraMs: number, run: (argument: A) => void, argument: A): boolean {
    const link = this.links.link(from, to)
    if (link.cuts.size > 0) return false
    const at = Math.max(this.scheduler.now + this.delay(link) + extraMs, link.lastArrival)
    link.lastArrival = at
    this.scheduler.at(
      at,
      () => {
        if (link.cuts.size === 0) run(argument)
      },
      undefined,
    )
    return true
  }

  private transmit(flight: Flight): void {
    const { link } = flight
    if (link.cuts.size > 0) {
      this.stats.cut += 1
      if (this.options.holdInCut) this.buffer(flight)
      else this.lose(flight, 'cut')
      return
    }
    const { loss, duplicate, replay } = link.quality
    if (loss > 0 && this.random.chance(loss)) {
      this.stats.lost += 1
      this.lose(flight, 'lost')
    } else {
      this.depart(flight, this.delay(link))
    }
    if (duplicate > 0 && this.random.chance(duplicate)) {
      this.stats.duplicated += 1
      this.depart(flight, this.delay(link) + this.delay(link))
    }
    if (replay > 0) this.replay(flight, replay)
  }

  private replay(flight: Flight, share: number): void {
    const { link } = flight
    const recent = this.recent[link.from * this.links.size + link.to] as Flight[]
    if (recent.length > 0 && this.random.chance(share)) {
      this.stats.replayed += 1
      this.depart({ ...this.random.pick(recent), replayed: true }, this.delay(link))
    }
    if (recent.length < RECENT) recent.push(flight)
    else recent[this.random.integer(0, RECENT - 1)] = flight
  }

  private buffer(flight: Flight): void {
    const frames = this.buffered[flight.link.from * this.links.size + flight.link.to] as Flight[]
    if (frames.length >= RECENT) frames.shift()
    frames.push(flight)
  }

  private depart(flight: Flight, delay: number): void {
    const { link } = flight
    let at = this.scheduler.now + delay
    if (at < link.lastArrival) {
      if (link.quality.reorder) this.stats.reordered += 1
      else at = link.lastArrival
    }
    if (at > link.lastArrival) link.lastArrival = at
    this.scheduler.at(at, arrive, flight)
  }

  /** For the planned event only. */
  arrived(flight: Flight): void {
    if (flight.link.cuts.size > 0) {
      this.stats.cut += 1
      if (this.options.holdInCut) this.buffer(flight)
      else this.lose(flight, 'cut')
      return
    }
    const receiver = this.current[flight.link.to] ?? null
    if (receiver === null) this.reject(flight, 'down')
    else receiver.arrived(flight)
  }

  /** The frame's session is not known where it arrived: the kernel there says so, and its sender loses the session, too. */
  reject(flight: Flight, reason: LossReason): void {
    this.lose(flight, reason)
    const { link, session, replayed } = flight
    if (replayed || !session.open || this.dark.has(link.to)) return
    const sender = this.transportOf(link.from)
    if (sender?.sessionWith(link.to) !== session) return
    this.signal(
      link.to,
      link.from,
      0,
      () => sender.loop.input(() => sender.lost(session, 'reset'), undefined),
      undefined,
    )
  }

  /** Counts and reports a frame that does not arrive. */
  lose(flight: Flight, reason: LossReason): void {
    this.observer?.lost?.(flight, reason)
  }

  /** Tears the link of a pair down if it is still cut when its time-out has passed (R38). */
  private watchPair(from: number, to: number): void {
    const session = this.current[from]?.sessionWith(to) ?? this.current[to]?.sessionWith(from) ?? null
    if (session === null) return
    this.scheduler.after(
      this.options.linkTimeoutMs,
      () => {
        if (!this.links.isOpenBothWays(from, to)) session.fail('timed out')
      },
      undefined,
    )
  }
}

function arrive(flight: Flight): void {
  flight.network.arrived(flight)
}
