/**
 * What can be seen of a simulated cluster from outside, by true time: for invariants, trace and transcripts.
 *
 * An observer implements the hooks that it needs; what nobody watches costs a comparison. Hooks are called synchronously,
 * at the true instant of what they report, and must not touch the cluster.
 */
import type { LeaseId, State } from '../core'
import type { Ack, Heartbeat, Part } from '../core/messages'
import type { DurableChange, ElectionName, Incarnation, ProcessId, RevokeReason, Term } from '../core/types'
import type { ServiceEffect } from '../runtime/driver'
import type { Flight, LossReason } from './sim-network'

/** One node, as an observer may see it. */
export interface NodeView {
  readonly id: ProcessId
  /** What it is called in the protocol: its id, or where it has no vote its id and its storage (R49). */
  readonly name: ProcessId
  /** Of the present or last life; 0 before the first. */
  readonly incarnation: Incarnation
  /** Name of its storage; empty before there is one. Another one after its disk was replaced (R25). */
  readonly storageId: string
  /** A process runs, stalled or not. */
  readonly alive: boolean
  /** The process runs and its loop is not held up. */
  readonly responsive: boolean
  /** The present life votes; after a move to other voters (`quorum.ts`) it may not. */
  readonly isVoter: boolean
  /** Own monotonic clock, ms. */
  now(): number
  /** Own wall clock, ms since 1970. */
  wall(): number
  /** True time at which the own clock reads that, at its present rate; Infinity while it stands still. */
  realAt(reading: number): number
  /** Time that the own clock has missed in suspends of the host, ms. */
  missedMs(): number
  /** Its host stands still: nothing in it can read a clock. */
  readonly frozen: boolean
  /** Memory of the core in this life; null before it has one. */
  readonly state: State | null
  /** Longest promise that is durable here, ms. */
  readonly durablePromiseMs: number
  /** Term that is durable here. */
  durableTerm(election: ElectionName): Term
}

/** What a fault is to somebody who draws it. */
export interface FaultSign {
  readonly kind:
    | 'crash'
    | 'start'
    | 'stop'
    | 'pause'
    | 'resume'
    | 'suspend'
    | 'clock'
    | 'disk'
    | 'cut'
    | 'heal'
    | 'quality'
    | 'order'
    | 'phase'
  /** The nodes that it befalls; for a cut, from whom to whom. */
  readonly nodes?: readonly ProcessId[]
  /** Name of a cut, or of the cuts that are healed. */
  readonly name?: string
}

/** What an operator asked of one process, and what came of it; readings are of the clock of that process. */
export type OperatorSign =
  /** It must not stand before its monotonic clock reads `until`. */
  | { readonly kind: 'frozen'; readonly election: ElectionName; readonly until: number }
  /** It shall hand over when that clock reads `due`. Numbers are of one life. */
  | {
      readonly kind: 'planned'
      readonly election: ElectionName
      readonly id: number
      readonly clock: 'monotonic' | 'wall'
      readonly due: number
    }
  | { readonly kind: 'cancelled'; readonly election: ElectionName; readonly id: number }
  /** Nothing waits any more. `leads`: it surely leads at this instant. */
  | { readonly kind: 'over'; readonly election: ElectionName; readonly id: number; readonly leads: boolean }
  /** The hand-over itself, at that reading of its clock. */
  | {
      readonly kind: 'handsOver'
      readonly election: ElectionName
      readonly id: number
      readonly reading: number
    }

/** Hooks, all optional. */
export interface Observer {
  /** A life has begun: the process runs and its incarnation is durable. */
  began?(node: NodeView): void
  /** A life is over: crashed or stopped. */
  ended?(node: NodeView, how: 'crashed' | 'stopped'): void
  elected?(node: NodeView, election: ElectionName, term: Term, lease: LeaseId): void
  /** A lease ends at `until` on the node's own clock. */
  extended?(node: NodeView, lease: LeaseId, until: number): void
  /** A leadership hangs on another lease. */
  moved?(node: NodeView, election: ElectionName, lease: LeaseId): void
  revoked?(node: NodeView, election: ElectionName, term: Term, reason: RevokeReason): void
  /** Whatever else the core reported. */
  noticed?(node: NodeView, effect: ServiceEffect): void
  /** An operator asked something of it, or what was asked comes to pass. */
  operated?(node: NodeView, sign: OperatorSign): void
  /** A frame left the node. */
  sent?(node: NodeView, flight: Flight): void
  /** A part of a frame left the node: anything but heartbeats and acks. */
  said?(node: NodeView, flight: Flight, part: Part): void
  /** A heartbeat or an ack left the node. */
  routine?(node: NodeView, flight: Flight, part: Heartbeat | Ack): void
  /** A frame is handed to the node. */
  delivered?(node: NodeView, flight: Flight): void
  lost?(flight: Flight, reason: LossReason): void
  /** A session came up (`reason` null) or is gone. */
  linked?(node: NodeView, peer: ProcessId, incarnation: Incarnation, reason: string | null): void
  refused?(node: NodeView, peer: ProcessId, reason: string): void
  durable?(node: NodeView, storageId: string, change: DurableChange): void
  /** A record of a store was written; `value` null: it is gone. */
  stored?(store: string, key: string, value: string | null): void
  /** User work asked whether it leads; `token` null = no. */
  checked?(node: NodeView, election: ElectionName, token: Term | null): void
  /** User work wrote to the guarded resource. */
  wrote?(holder: string, election: ElectionName, token: Term, accepted: boolean): void
  /** Something was done to the cluster. */
  fault?(text: string, sign: FaultSign): void
  /** After every event. */
  event?(): void
}

type Hook<K extends keyof Observer> = NonNullable<Observer[K]>

/** Calls the hooks of any number of observers, in the order in which they were added. */
export class Observers {
  private readonly lists = new Map<keyof Observer, ((...args: never[]) => void)[]>()

  /** Adds an observer. */
  add(observer: Observer): void {
    for (const name of HOOKS) {
      const hook = observer[name]
      if (hook !== undefined) this.of(name).push(hook.bind(observer) as never)
    }
  }

  /** The hooks of one name: a list to keep and to call through, also when observers are added later. */
  of<K extends keyof Observer>(name: K): Hook<K>[] {
    let list = this.lists.get(name)
    if (list === undefined) {
      list = []
      this.lists.set(name, list)
    }
    return list as unknown as Hook<K>[]
  }
}

const HOOKS: readonly (keyof Observer)[] = [
  'began',
  'ended',
  'elected',
  'extended',
  'moved',
  'revoked',
  'noticed',
  'operated',
  'sent',
  'said',
  'routine',
  'delivered',
  'lost',
  'linked',
  'refused',
  'durable',
  'stored',
  'checked',
  'wrote',
  'fault',
  'event',
]
