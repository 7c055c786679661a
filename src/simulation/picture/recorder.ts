/**
 * Writes down a run while it happens, so that it can be drawn. An observer like the trace: without it nothing here runs.
 *
 * A lease is valid as long as a read of it would be true (P2): evaluated after every event, and its end computed on the
 * holder's own clock, so that it lies where the clock says and not where somebody looked. Read next: `story.ts`.
 */
import type { Part } from '../../core/messages'
import type { ElectionName, ProcessId, Term } from '../../core/types'
import { formatParts } from '../format'
import type { FaultSign, Observer } from '../observer'
import type { SimCluster } from '../sim-cluster'
import type { Flight } from '../sim-network'
import type { SimNode } from '../sim-node'
import {
  type CutSpan,
  type LeaseSpan,
  type LifeSpan,
  type Mark,
  type Message,
  overlapsOf,
  type RoleSpan,
  type Span,
  type StillSpan,
  type Story,
} from './story'

/** What the picture says above itself. */
export interface StoryTitle {
  readonly title: string
  /** What makes this picture again. */
  readonly command?: string
}

interface OpenLease {
  readonly span: LeaseSpan
  /** Valid now: the last entry of `span.valid` is open, and ends at `endsMs` unless something happens. */
  valid: boolean
  endsMs: number
}

/** Records a cluster from its construction on. */
export class Recorder {
  private readonly cluster: SimCluster
  private readonly promiseMs: number
  private readonly lives: LifeSpan[] = []
  private readonly stills: StillSpan[] = []
  private readonly roles: RoleSpan[] = []
  private readonly leases: LeaseSpan[] = []
  private readonly messages: Message[] = []
  private readonly marks: Mark[] = []
  private readonly cuts: CutSpan[] = []

  private readonly running = new Map<ProcessId, LifeSpan>()
  private readonly still = new Map<ProcessId, StillSpan>()
  private readonly standing = new Map<string, RoleSpan>()
  private readonly led = new Map<string, OpenLease>()
  private readonly open = new Map<string, CutSpan>()
  private readonly flights = new WeakMap<Flight, Message>()
  /** Replays are new flights with the parts of the old one. */
  private readonly originals = new WeakMap<readonly Part[], Message>()

  constructor(cluster: SimCluster) {
    this.cluster = cluster
    this.promiseMs = Math.max(...[...cluster.nodes.values()].map(({ timing }) => timing.promiseMs))
    cluster.observers.add(this.observe())
  }

  /** All until now. Open stretches end now. */
  story({ title, command = '' }: StoryTitle): Story {
    const { now: endMs } = this.cluster
    const closed = <T extends Span>(spans: readonly T[]): T[] =>
      spans.map((span) => ({ ...span, toMs: Math.min(span.toMs, endMs) }))
    const leases = closed(this.leases).map((span) => ({ ...span, valid: closed(span.valid) }))
    return {
      title,
      command,
      nodes: this.cluster.ids,
      elections: [...this.cluster.elections],
      endMs,
      promiseMs: this.promiseMs,
      lives: closed(this.lives),
      stills: closed(this.stills),
      roles: closed(this.roles),
      leases,
      messages: this.messages.map((message) => this.settled(message)),
      marks: [...this.marks],
      cuts: closed(this.cuts),
      overlaps: overlapsOf(leases),
      broken: this.cluster.violations.map(({ property, text, at }) => ({ property, text, atMs: at })),
    }
  }

  private get now(): number {
    return this.cluster.now
  }

  private observe(): Observer {
    return {
      began: ({ id, incarnation }) => this.begin(id, incarnation),
      ended: ({ id }, how) => this.end(id, how),
      elected: ({ id }, election, term) => this.lead(id, election, term),
      revoked: ({ id }, election, _term, reason) => this.lose(id, election, reason),
      noticed: ({ id }, effect) => {
        if (effect.type === 'roleChanged') this.stand(id, effect.election, effect.role)
      },
      sent: (_node, flight) => this.sent(flight),
      delivered: (_node, flight) => this.delivered(flight),
      lost: (flight, reason) => this.lost(flight, reason),
      fault: (text, sign) => this.mark(text, sign),
      event: () => this.look(),
    }
  }

  // --- processes ----------------------------------------------------------------------------------------------------------

  private begin(node: ProcessId, incarnation: number): void {
    const earlier = this.lives.filter((life) => life.node === node).length
    // An identity that is drawn by chance (R28) says nothing to a reader.
    const life = incarnation < 10_000 ? incarnation : earlier + 1
    const span: LifeSpan = { node, life, fromMs: this.now, toMs: Number.POSITIVE_INFINITY, how: 'running' }
    this.lives.push(span)
    this.running.set(node, span)
  }

  private end(node: ProcessId, how: 'crashed' | 'stopped'): void {
    const life = this.running.get(node)
    if (life !== undefined) {
      life.how = how
      life.toMs = this.now
      this.running.delete(node)
    }
    this.goOn(node)
    for (const election of this.cluster.elections) {
      this.stand(node, election, 'follower')
      this.lose(node, election, how)
    }
  }

  private standStill(node: ProcessId, kind: StillSpan['kind']): void {
    if (this.still.has(node)) return
    const span: StillSpan = { node, kind, fromMs: this.now, toMs: Number.POSITIVE_INFINITY }
    this.stills.push(span)
    this.still.set(node, span)
  }

  private goOn(node: ProcessId): void {
    const span = this.still.get(node)
    if (span !== undefined) span.toMs = this.now
    this.still.delete(node)
  }

  private stand(node: ProcessId, election: ElectionName, role: string): void {
    const key = `${node} ${election}`
    const former = this.standing.get(key)
    if (former !== undefined) former.toMs = this.now
    this.standing.delete(key)
    if (role !== 'preCandidate' && role !== 'candidate') return
    const span: RoleSpan = { node, election, role, fromMs: this.now, toMs: Number.POSITIVE_INFINITY }
    this.roles.push(span)
    this.standing.set(key, span)
  }

  // --- leases -------------------------------------------------------------------------------------------------------------

  private lead(node: ProcessId, election: ElectionName, term: Term): void {
    const span: LeaseSpan = {
      ...{ node, election, term, valid: [], reason: null },
      ...{ fromMs: this.now, toMs: Number.POSITIVE_INFINITY },
    }
    this.leases.push(span)
    this.led.set(`${node} ${election}`, { span, valid: false, endsMs: this.now })
  }

  private lose(node: ProcessId, election: ElectionName, reason: string): void {
    const key = `${node} ${election}`
    const lease = this.led.get(key)
    if (lease === undefined) return
    this.led.delete(key)
    this.close(lease)
    lease.span.toMs = this.now
    lease.span.reason = reason
  }

  /** After every event: which leases are valid, and until when on true time if nothing happens. */
  private look(): void {
    for (const lease of this.led.values()) {
      const { node: id, election } = lease.span
      const node = this.cluster.node(id)
      if (lease.valid && this.now >= lease.endsMs) this.close(lease)
      const valid = node.holdsValid(election)
      if (valid && !lease.valid) lease.span.valid.push({ fromMs: this.now, toMs: Number.POSITIVE_INFINITY })
      if (!valid && lease.valid) this.close(lease)
      lease.valid = valid
      lease.endsMs = valid ? endOf(node, election) : this.now
    }
  }

  private close(lease: OpenLease): void {
    const last = lease.span.valid.at(-1)
    if (lease.valid && last !== undefined) last.toMs = Math.min(this.now, lease.endsMs)
    lease.valid = false
  }

  // --- messages -----------------------------------------------------------------------------------------------------------

  private sent(flight: Flight): void {
    const { from, to, parts } = flight
    if (!this.cluster.nodes.has(from) || !this.cluster.nodes.has(to)) return
    const message: Message = {
      ...{ from, to, sentMs: this.now, arrivedMs: null, lostMs: null, lost: null, again: null },
      text: formatParts(parts),
      elections: [...new Set(parts.flatMap((part) => ('election' in part ? [part.election] : [])))],
      routine: parts.every(({ kind }) => kind === 'heartbeat' || kind === 'ack'),
      reply: parts.every(({ kind }) => kind === 'ack' || kind.endsWith('Ack') || kind.endsWith('Reply')),
    }
    this.messages.push(message)
    this.flights.set(flight, message)
    this.originals.set(parts, message)
  }

  private delivered(flight: Flight): void {
    const message = this.copyOf(flight)
    if (message !== null) message.arrivedMs = this.now
  }

  private lost(flight: Flight, reason: string): void {
    // A copy that comes too late is no loss.
    if (flight.replayed || this.flights.get(flight)?.arrivedMs != null) return
    const message = this.copyOf(flight)
    if (message === null) return
    message.lostMs = this.now
    message.lost = reason
  }

  /** The entry of this flight; a new one if it comes once more. */
  private copyOf(flight: Flight): Message | null {
    const original = this.flights.get(flight)
    if (original !== undefined && original.arrivedMs === null && original.lost === null) return original
    const source = original ?? this.originals.get(flight.parts)
    if (source === undefined) return null
    const again = flight.replayed ? 'replay' : 'duplicate'
    const copy: Message = { ...source, again, arrivedMs: null, lostMs: null, lost: null }
    this.messages.push(copy)
    return copy
  }

  /** What waited in front of a process that died was never read by anybody. */
  private settled(message: Message): Message {
    const open = message.arrivedMs === null && message.lost === null
    if (!open || message.sentMs + this.promiseMs > this.now) return message
    return { ...message, lostMs: message.sentMs, lost: 'never read' }
  }

  // --- faults -------------------------------------------------------------------------------------------------------------

  private mark(text: string, { kind, nodes = [], name }: FaultSign): void {
    const [node = ''] = nodes
    if (kind === 'cut') return this.cut(text, name ?? '')
    if (kind === 'heal') return this.heal(name)
    if (kind === 'pause' || kind === 'suspend') this.standStill(node, kind)
    if (kind === 'resume') return this.goOn(node)
    const lanes = nodes.filter((id) => this.cluster.nodes.has(id))
    this.marks.push({ atMs: this.now, kind, nodes: lanes, text: readable(text) })
  }

  private cut(text: string, name: string): void {
    const known = this.open.get(name)
    const what = text.replace(/^(?:cut|partition) /, '')
    if (known !== undefined) {
      known.text = `${known.text}, ${what}`
      return
    }
    const span: CutSpan = { name, text: what, fromMs: this.now, toMs: Number.POSITIVE_INFINITY }
    this.cuts.push(span)
    this.open.set(name, span)
  }

  private heal(name: string | undefined): void {
    for (const [key, span] of this.open) {
      if (name !== undefined && name !== key) continue
      span.toMs = this.now
      this.open.delete(key)
    }
  }
}

/** A fault as a reader wants it: no more digits than anybody looks at. */
function readable(text: string): string {
  return text.replace(/\d+\.\d{2,}/g, (figure) => String(Number(Number(figure).toPrecision(4))))
}

/** True time at which the lease ends if nothing happens; a service is only asked, so nobody knows before. */
function endOf(node: SimNode, election: ElectionName): number {
  const until = node.leaseUntil(election)
  return until === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : node.realAt(until)
}
