/**
 * A text that says what happened in a run, line by line, in the order of true time; the same for the same seed, to the byte.
 *
 * Recorded only if somebody asks for it: without a trace nothing here runs. Lines: true time in ms, node, what.
 */
import { formatEffect, formatMs, formatParts, formatTime } from './format'
import type { Observer } from './observer'
import type { SimCluster } from './sim-cluster'

/** What a trace holds. */
export interface TraceOptions {
  /** Frames, too, not only what they led to. Default true. */
  readonly frames?: boolean
  /** Heartbeats and acks that travel alone. Default false. */
  readonly heartbeats?: boolean
  /** Keep only the newest lines. Default: all. */
  readonly newest?: number
}

/** A trace that grows while the cluster runs. */
export class Trace {
  /** Whether heartbeats and acks that travel alone are recorded, from now on. */
  heartbeats: boolean
  private readonly lines: string[] = []
  private readonly cluster: Pick<SimCluster, 'now' | 'observers'>
  private readonly newest: number
  private readonly sinks: ((line: string) => void)[] = []

  constructor(cluster: Pick<SimCluster, 'now' | 'observers'>, options: TraceOptions = {}) {
    this.cluster = cluster
    this.newest = options.newest ?? Number.POSITIVE_INFINITY
    this.heartbeats = options.heartbeats ?? false
    cluster.observers.add(this.observe(options))
  }

  /** The whole text, one line each, with a final newline. */
  get text(): string {
    return this.lines.length === 0 ? '' : `${this.lines.join('\n')}\n`
  }

  /** Calls back with each line from now on. */
  follow(sink: (line: string) => void): void {
    this.sinks.push(sink)
  }

  /** Adds a line of one's own. */
  note(who: string, what: string): void {
    const line = `${formatTime(this.cluster.now).padStart(12)}  ${who.padEnd(6)} ${what}`
    this.lines.push(line)
    if (this.lines.length > 2 * this.newest) this.lines.splice(0, this.lines.length - this.newest)
    for (const sink of this.sinks) sink(line)
  }

  private observe({ frames = true }: TraceOptions): Observer {
    const isRoutine = (kinds: readonly { readonly kind: string }[]): boolean =>
      !this.heartbeats && kinds.every(({ kind }) => kind === 'heartbeat' || kind === 'ack')
    const observer: Observer = {
      began: (node) => this.note(node.id, `life ${node.incarnation} begins`),
      ended: (node, how) => this.note(node.id, `life ${node.incarnation} ${how}`),
      elected: (node, election, term) => this.note(node.id, `ELECTED leader of ${election}, T${term}`),
      extended: (node, lease, until) => {
        if (this.heartbeats)
          this.note(node.id, `lease ${lease} stands for ${formatMs(until - node.now())} more`)
      },
      revoked: (node, election, term, reason) =>
        this.note(node.id, `REVOKED as leader of ${election}, T${term}: ${reason}`),
      noticed: (node, effect) => {
        const text = formatEffect(effect)
        if (text !== null) this.note(node.id, text)
      },
      linked: (node, peer, incarnation, reason) =>
        this.note(
          node.id,
          reason === null ? `meets ${peer}#${incarnation}` : `loses ${peer}#${incarnation}: ${reason}`,
        ),
      refused: (node, peer, reason) => this.note(node.id, `refuses ${peer}: ${reason}`),
      durable: (node, _storageId, change) => {
        for (const [election, term] of change.terms) this.note(node.id, `has T${term} of ${election} on disk`)
      },
      wrote: (holder, election, token, accepted) => {
        if (!accepted) this.note(holder, `write with token ${token} to ${election} refused`)
      },
      fault: (text) => this.note('--', text),
    }
    if (!frames) return observer
    return {
      ...observer,
      sent: (node, { to, parts }) => {
        if (!isRoutine(parts)) this.note(`${node.id} > ${to}`, formatParts(parts))
      },
      delivered: (node, { from, fromIncarnation, parts, replayed }) => {
        if (isRoutine(parts)) return
        const what = `${formatParts(parts)}${replayed ? ` (replay of life ${fromIncarnation})` : ''}`
        this.note(`${node.id} < ${from}`, what)
      },
      lost: ({ from, to, parts }, reason) => {
        if (!isRoutine(parts)) this.note(`${from} x ${to}`, `${formatParts(parts)} (${reason})`)
      },
    }
  }
}
