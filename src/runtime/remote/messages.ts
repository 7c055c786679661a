/**
 * What the two threads say to each other, and how errors survive the way. All plain data.
 *
 * Read next: `remote-driver.ts` (the thread of the service), `far-side.ts` (the thread of the sockets).
 */
import type { MessagePort } from 'node:worker_threads'
import type { ElectionName, ProcessId, RevokeReason } from '../../core'
import { ElectionError, type ElectionErrorCode, isElectionError } from '../../errors'
import type { Portable } from '../../ports/portable'
import type { TransportStats } from '../../ports/transport'
import type { DriverCounters, OperatorReply, ServiceEffect, Submitted } from '../driver-options'
import type { CoreView, DriverView } from '../driver-port'
import type { LifeConfig } from '../options'

/** Options that cross as they are. */
type Copied = Omit<LifeConfig, 'plan' | 'transport' | 'storage' | 'logger' | 'environment'>

/** With what the worker begins. */
export interface FarData {
  readonly config: Copied & { readonly plan: Omit<LifeConfig['plan'], 'stores'> }
  readonly transport: Portable | null
  readonly storage: Portable
  readonly unref: boolean
  /** Nobody reads the log. */
  readonly isSilent: boolean
  readonly mainThreadLimitMs: number
  readonly board: SharedArrayBuffer
  readonly capacity: number
  /** For questions that are answered while the main thread waits. */
  readonly asks: MessagePort
}

/** To the worker. */
export type Order =
  | { readonly type: 'boot' }
  | { readonly type: 'input'; readonly input: Submitted }
  | { readonly type: 'confirm'; readonly election: ElectionName; readonly askedAt: number }
  | { readonly type: 'relay'; readonly method: string; readonly argument: unknown }
  | { readonly type: 'shutdown'; readonly flushMs: number; readonly reason: RevokeReason }
  | { readonly type: 'endSync'; readonly reason: RevokeReason }
  /** The answer to the command of that number. */
  | {
      readonly type: 'reply'
      readonly number: number
      readonly payload: string
      readonly refused: Parameters<OperatorReply>[1]
    }

/** A question that the main thread waits for. */
export interface Ask {
  readonly election: ElectionName | null
}

/** `DriverView` as plain data; `now`: the worker's clock. */
export interface FarView extends Pick<DriverView, 'incarnation'> {
  readonly state: CoreView
  readonly counters: DriverCounters
  readonly stats: TransportStats
  readonly now: number
}

/** From the worker. */
export type Report =
  | { readonly type: 'born'; readonly self: ProcessId; readonly view: FarView }
  | { readonly type: 'unborn'; readonly error: FarError }
  | { readonly type: 'booted'; readonly error: FarError | null }
  | {
      readonly type: 'effects'
      readonly effects: readonly ServiceEffect[]
      /** Places on the board of the elections that are led for the first time. */
      readonly places: readonly (readonly [ElectionName, number])[]
      /** Suspends noticed so far: every lease from before the last one is over. */
      readonly suspends: number
      readonly wasStalled: boolean
    }
  | { readonly type: 'confirmed'; readonly election: ElectionName; readonly askedAt: number }
  | { readonly type: 'fatal'; readonly error: FarError }
  | {
      readonly type: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly fields: object
      readonly message: string
    }
  /** An operator says something. */
  | {
      readonly type: 'command'
      readonly number: number
      readonly from: ProcessId
      readonly payload: string
    }
  | { readonly type: 'closed'; readonly view: FarView | null }

/** An `ElectionError` as data: a structured clone would keep neither its class nor its code. */
export interface FarError {
  readonly code: ElectionErrorCode
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/** Takes an error apart. */
export function packError(error: Error): FarError {
  const code = isElectionError(error) ? error.code : 'ELECTION_TRANSPORT_FAILED'
  const details = isElectionError(error) ? (JSON.parse(JSON.stringify(error.details)) as object) : {}
  return { code, message: error.message, details: { ...details } }
}

/** Puts it together again. */
export function unpackError({ code, message, details }: FarError): ElectionError {
  return new ElectionError(code, message, { details })
}
