/**
 * What a driver is made of, what it tells, and what can be submitted to it. Types only. Read next: `driver.ts`.
 */
import type { CoreConfig, DurableState, Effect, Input, PersistEffect, ProcessId, SendEffect } from '../core'
import type { ElectionError } from '../errors'
import type { Clock } from '../ports/clock'
import type { Logger } from '../ports/logger'
import type { Storage } from '../ports/storage'
import type { RefusedReason, Transport } from '../ports/transport'
import type { OperatorsOption } from './operator-command'
import type { LifeWitness } from './witness'

type WithoutNow<I> = I extends Input ? Omit<I, 'now'> : never

/**
 * An input before the driver has stamped it. The driver owns it from then on and writes `now` into it: a literal that is
 * made for every frame has room for that if it says `now: 0`.
 */
export type Submitted = WithoutNow<Input> & { now?: number }

/** An effect that concerns the service: everything that is neither written nor sent. */
export type ServiceEffect = Exclude<Effect, PersistEffect | SendEffect>

/** Who hears what the core decided. Nothing here may throw; what does is logged and dropped. */
export interface DriverListener {
  /** One effect, in order, after the step that made it has settled. */
  effect(effect: ServiceEffect): void
  /** All effects of one input were handed over. */
  settled?(): void
  /** Storage or transport failed for good: whatever was led has been renounced, and nothing will be led in this life. */
  fatal(error: ElectionError): void
  /** An operator says something. `reply` is called once, at any time. Without this no operator is let in. */
  command?(from: ProcessId, payload: string, reply: OperatorReply): void
}

/** Answers an operator; `refused` is counted. */
export type OperatorReply = (payload: string, refused: 'malformed' | 'permissionDenied' | null) => void

/** What a driver is made of. */
export interface DriverOptions {
  /** `incarnation` is already that of the new life (R24). */
  readonly config: CoreConfig
  readonly clusterId: string
  /** As the storage gave it back, before the new incarnation is written (R19). */
  readonly durable: DurableState
  /** 32 hex digits, random per start (R27). */
  readonly nonce: string
  /** Any 32-bit number; crypto-random in production (R35). */
  readonly seed: number
  /** Reading of the clock from which the boot wait counts: when the former life was certainly over (R19). */
  readonly startedAt: number
  /** Wall clock for R28. Default: the clock's own. */
  readonly wallMs?: number
  readonly clock: Clock
  readonly transport: Transport
  readonly storage: Storage
  readonly logger: Logger
  /** `host:port` by process, handed on to the transport. Empty where a transport needs no addresses. */
  readonly addresses: Readonly<Record<ProcessId, string>>
  readonly listener: DriverListener
  /** Who will tell of the death of this life (R55). Default: nobody. */
  readonly witness?: LifeWitness | null
  /** So many processes without a vote may have a session at once. Default: 0. */
  readonly maxObservers?: number
  /** Whom operators may command. Default: nobody is let in. */
  readonly operators?: OperatorsOption
  /** A write without an answer for this long has failed (BUGS 15), ms. Default: `promiseMs`. */
  readonly storageTimeoutMs?: number
  /** Gap between monotonic clock and uptime from which the host counts as suspended, ms. Default: 100. */
  readonly suspendBoundMs?: number
}

/** Counters since start, plain data, for `status()`. */
export interface DriverCounters {
  readonly inputs: number
  readonly writes: number
  readonly writesFailed: number
  /** Timers that fired more than a heartbeat late: the event loop was blocked or the process paused (R36). */
  readonly stalls: number
  /** Suspends of the host that were noticed (B.3). */
  readonly suspends: number
  readonly refused: Readonly<Partial<Record<RefusedReason, number>>>
}
