/**
 * Events: what is told, and how a listener is kept from harming anybody (B.9).
 *
 * State first, then event: whatever an event says can already be read. A listener that throws, or whose promise rejects,
 * is reported by `listenerError` and a process warning; the others are called all the same, and nothing of the protocol
 * waits for any of them. There is no `error` event, so nobody has to listen for one.
 */
import { EventEmitter } from 'eventemitter3'
import type { AlarmCode, ElectionName, PausedLeader, ProcessId, RevokeReason, Role, Term } from '../core'
import type { ElectionError } from '../errors'
import type { Leadership } from './leadership'
import { describe } from './printable'
import { invalid } from './schema'

/** Name of each event and what its listeners get. */
export interface ElectionEvents {
  /** This process leads. Strictly alternates with `revoked`, once per leadership. */
  elected: {
    readonly election: ElectionName
    readonly term: Term
    readonly token: number
    readonly leadership: Leadership
  }
  /** The leadership of that term is over for good, and why. Exactly one for each `elected`. */
  revoked: {
    readonly election: ElectionName
    readonly term: Term
    readonly token: number
    readonly reason: RevokeReason
  }
  /** Who leads, as far as this process knows; null: nobody is known to. */
  leaderChanged: { readonly election: ElectionName; readonly leader: ProcessId | null; readonly term: Term }
  /** Role of this process in the election. For curiosity and metrics: `elected` and `revoked` are what counts. */
  roleChanged: { readonly election: ElectionName; readonly role: Role }
  /** A function given to `lead` threw or rejected while it was not told to stop. */
  workFailed: { readonly election: ElectionName; readonly term: Term; readonly error: unknown }
  /** Work did not stop within `drainMs` after its signal aborted; the lease runs out unreleased (R20). */
  workOverdue: { readonly election: ElectionName; readonly term: Term; readonly drainMs: number }
  /** Work goes on although its lease is about to end: `isValid()` and local fences refuse its leadership from here on. */
  workFenced: { readonly election: ElectionName; readonly term: Term }
  /**
   * Something that an operator should see; changes nothing. `election` or `process` is null where none is concerned. The same
   * one at most once a minute.
   */
  alarm: {
    readonly code: AlarmCode
    readonly election: ElectionName | null
    readonly process: ProcessId | null
    readonly detail: string
  }
  /** Nobody is elected until it is resumed (R80, R81): who said so, when, and what the leader does. */
  paused: {
    readonly election: ElectionName
    readonly by: ProcessId
    readonly sinceMs: number
    readonly leader: PausedLeader
  }
  /** The election is no longer paused, as far as this process knows. */
  resumed: { readonly election: ElectionName; readonly by: ProcessId; readonly sinceMs: number }
  /** Storage or transport failed for good: this process cannot lead again before it is restarted. After every `revoked` of it. */
  failed: { readonly error: ElectionError }
  /** A listener of `event` threw or rejected. */
  listenerError: { readonly event: string; readonly error: unknown }
}

/** Name of an event. */
export type ElectionEvent = keyof ElectionEvents

/** A listener; may be async, nobody waits for it. */
export type ElectionListener<E extends ElectionEvent> = (event: ElectionEvents[E]) => unknown

const NAMES: Readonly<Record<ElectionEvent, true>> = {
  ...{
    elected: true,
    revoked: true,
    leaderChanged: true,
    roleChanged: true,
    workFailed: true,
    workOverdue: true,
  },
  ...{ workFenced: true, alarm: true, paused: true, resumed: true, failed: true, listenerError: true },
}

/** @throws ELECTION_CONFIG_INVALID: a listener of that event would never be called. */
function checkListener(event: ElectionEvent, listener: unknown): void {
  if (!Object.hasOwn(NAMES, event))
    throw invalid('on()', [
      `there is no event "${String(event)}"; there are ${Object.keys(NAMES).join(', ')}`,
    ])
  if (typeof listener !== 'function') throw invalid('on()', [`the listener of "${event}" is no function`])
}

/** Passes a warning to the process, once per failure. */
export type Warn = (message: string, detail: string) => void

/** Listeners by event. */
export class Events {
  /** Made by the first listener: of ten thousand elections hardly one has any. */
  private emitter: EventEmitter | null = null

  constructor(private readonly warn: Warn) {}

  on<E extends ElectionEvent>(event: E, listener: ElectionListener<E>): void {
    checkListener(event, listener)
    this.emitter ??= new EventEmitter()
    this.emitter.on(event, listener)
  }

  off<E extends ElectionEvent>(event: E, listener: ElectionListener<E>): void {
    this.emitter?.off(event, listener)
  }

  /** Would anybody hear it? */
  hears(event: ElectionEvent): boolean {
    return this.emitter !== null && this.emitter.listenerCount(event) > 0
  }

  /** Calls every listener that is there now, in order. Never throws. */
  emit<E extends ElectionEvent>(event: E, payload: ElectionEvents[E]): void {
    if (this.emitter === null) return
    for (const listener of this.emitter.listeners(event)) {
      try {
        const result: unknown = listener(payload)
        if (isThenable(result)) result.then(undefined, (error: unknown) => this.report(event, error))
      } catch (error) {
        this.report(event, error)
      }
    }
  }

  private report(event: ElectionEvent, error: unknown): void {
    this.warn(`a listener of "${event}" failed`, describe(error))
    if (event !== 'listenerError') this.emit('listenerError', { event, error })
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}
