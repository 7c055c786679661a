/**
 * What a service sees: `Election` and `Elector`, with what each method promises. Types only.
 *
 * Read next: `options.ts`, `events.ts`, `leadership.ts`, `status.ts`; how it is done: `election.ts`, `elector.ts`.
 */
import type { ElectionName, PausedLeader, ProcessId, Role, Term } from '../core'
import type { ElectionView } from './changes'
import type { ElectionEvent, ElectionListener } from './events'
import type { HandOver } from './hand-over'
import type { LeadOptions } from './lead'
import type { Leadership } from './leadership'
import type { Members } from './members'
import type { ElectionSettings } from './options'
import type { ElectionStatus, ElectorStatus } from './status'
import type { Switchover, SwitchoverOptions } from './switchover'
import type { Work } from './tenure'

/** Options of `resign`. */
export interface ResignOptions {
  /**
   * Hand over to that voter (R21): it campaigns at once; or to an observer that contends and is linked to voters. Default: the
   * contender with the highest criteria among those that are linked and have answered lately, or that voters tell of. Where only stores
   * vote: a name that goes first, known or not; without one the best of those that are listed there, if one is better than the
   * others (R82). If it does not come, the others follow within four `heartbeatMs`.
   */
  readonly to?: ProcessId
  /** This process does not stand before that, ms. Default `promiseMs`. Too small: it may win again at once. Too large: it is missing when nobody else can. */
  readonly cooldownMs?: number
  /** What `revoked` and the signal will say. Default `resigned`; with `to` always `transferred`. */
  readonly reason?: 'resigned' | 'unhealthy'
  /** How long running work may take to stop, ms. Default: that of `lead`, else of the elector (5,000). */
  readonly drainMs?: number
  /**
   * How long to wait for the next leader after this process has let go, ms. Default 0: not at all, and the result says what is
   * known by then. Takes nothing back. Too small: it says `nobodyLeads` although somebody is about to.
   */
  readonly timeoutMs?: number
}

/** Options of everything that waits. */
export interface WaitLimits {
  /** Gives up after that, ms. Default: never, unless the method says otherwise. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Options of `pause`. `timeoutMs` default `promiseMs`. */
export interface PauseOptions extends WaitLimits {
  /**
   * `stays` (default): whoever leads goes on until its lease is lost, by a restart for instance; then nobody leads. `stepsDown`:
   * it gives the leadership up in good order, with the reason `paused`.
   */
  readonly leader?: PausedLeader
}

/** What `pause` and `resume` resolve with. */
export interface PauseResult {
  readonly isPaused: boolean
  /** Who led, as far as was known here when a quorum had heard it. */
  readonly leader: ProcessId | null
  /** That leader goes on. False if nobody led, or if it steps down. */
  readonly leaderStays: boolean
  /** Voters that are known to hold the word, a quorum at least; the others hear of it as they are reached. */
  readonly voters: readonly ProcessId[]
}

/** Who leads. */
export interface KnownLeader {
  readonly leader: ProcessId
  readonly term: Term
}

/** Result of `runIfLeader`. */
export type RunResult<T> = { readonly ran: true; readonly value: T } | { readonly ran: false }

/** One election, seen from this process. */
export interface Election {
  /** As given at its creation; the same at every process that takes part. */
  readonly name: ElectionName
  /** Own process id. */
  readonly id: ProcessId
  /** Follower, candidate or leader, as the core has it; whether a lease still stands says `isLeader()`. */
  readonly role: Role
  /** Who leads as far as is known, null if nobody is known to. Never this process without a valid lease. */
  readonly leader: ProcessId | null
  /** What this process holds, null if it does not lead at this reading. */
  readonly leadership: Leadership | null
  /** The members of the cluster. @throws ELECTION_CONFIG_INVALID without `experimental: { membership: true }`. */
  readonly members: Members

  /**
   * Takes the storage's lock, makes the new incarnation durable, listens, and contends. Resolves when that is done; who leads
   * is decided later. Idempotent.
   *
   * @throws ELECTION_STORAGE_LOCKED, ELECTION_STORAGE_FOREIGN, ELECTION_STORAGE_CORRUPT, ELECTION_STORAGE_FAILED,
   *   ELECTION_TRANSPORT_FAILED; ELECTION_STOPPED after `stop`: one object is one life, make a new one.
   */
  start(): Promise<void>
  /**
   * Tells the work to stop, waits for it (`drainMs`), releases, closes. Resolves when everything is free, at the latest after
   * `stopMs`. Never rejects; idempotent. An election of an `Elector` only leaves its own election.
   */
  stop(): Promise<void>

  /** True iff this process leads at this very reading and was not told to stop (R14). Never throws; about two clock reads. */
  isLeader(): boolean
  /**
   * The same for a reading of `now()` that the caller made just before: a few nanoseconds. Does not notice a suspend of the
   * host by itself; the older the reading, the older the answer.
   */
  isLeaderAt(now: number): boolean
  /** Reading of the clock that leases are compared with, ms. */
  now(): number

  /**
   * Runs `work` whenever this process leads, one run at a time; contends again after each loss. After the signal of a run
   * aborted, the leadership is released only when `work` has settled (R20), and runs out by time if that takes longer than
   * `drainMs`. Resolves after `stop` or `options.signal`; rejects with the cause when this process can never lead again.
   *
   * @throws ELECTION_CONFIG_INVALID (rejection): it runs already, or an option is wrong.
   */
  lead(work: Work<unknown>, options?: LeadOptions): Promise<void>
  /** Runs `work` once if this process leads now; it is waited for like that of `lead`. What it throws is passed on. */
  runIfLeader<T>(work: Work<T>): Promise<RunResult<T>>
  /**
   * Gives the leadership up: signal, wait for the work, release and hand over (R20, R21). Resolves when it is over; with
   * `timeoutMs` when somebody is known to lead, at the latest after that, with who leads, how long nobody did, and why it failed
   * if it did. `notLeader` at once if there was nothing to give up. Final for that term, even if the target fails: then the others stand, and after its cool-down
   * this process.
   *
   * @throws ELECTION_CONFIG_INVALID (rejection): `to` is no other voter, or an option is wrong. ELECTION_PAUSED (rejection):
   *   with `to` while the election is paused, when nobody could take over.
   */
  resign(options?: ResignOptions): Promise<HandOver>

  /**
   * Nobody is elected in this election, at any process, until somebody calls `resume` (R80, R81): for maintenance of the service
   * or of the voters. Any process of the election may call it, also one that does not contend. Resolves when a quorum of
   * voters holds it; those that were not reached hear of it later. Survives restarts of any process and of all of them,
   * where voters have a storage, and stands in the election's record at a store. A hand-over (`resign({ to })`) is refused
   * meanwhile.
   *
   * Hazard: it ends no leadership by itself, but one that is lost is not won again. Whatever `status().paused` says stays until it
   * is resumed, even if everybody has forgotten why.
   *
   * @throws ELECTION_TIMEOUT: no quorum is known to have heard it in time. Those that have heard it hold it and spread it all the
   *   same: call `resume` to take it back. ELECTION_STOPPED, ELECTION_CONFIG_INVALID, or the reason of `signal`.
   */
  pause(options?: PauseOptions): Promise<PauseResult>
  /**
   * Ends a pause. Resolves when a quorum of voters knows; from then on somebody is elected as after any other loss, at the latest
   * two promises later: a voter that missed it asks within one. Harmless without a pause.
   *
   * @throws as `pause`.
   */
  resume(limits?: WaitLimits): Promise<PauseResult>
  /**
   * This process does not stand for so long, ms; 0 ends it. A leadership that it holds is not touched: `resign` first. Ends with
   * the process: a restarted one stands again. Up to 2^31 - 1.
   *
   * @throws ELECTION_CONFIG_INVALID
   */
  freeze(forMs: number): void
  /**
   * Hands over later, if this process leads then: `resign` at a set time. A second call replaces the first. Ends with the process;
   * `status().switchover` shows it. Take it back with `cancel()` of the result.
   *
   * @throws ELECTION_CONFIG_INVALID: neither or both of `at` and `inMs`, or what `resign` would refuse.
   */
  switchover(options: SwitchoverOptions): Switchover

  /**
   * Resolves as soon as a leader is known, at once if one is.
   *
   * @throws ELECTION_TIMEOUT, ELECTION_STOPPED, or the reason of `signal`.
   */
  waitForLeader(limits?: WaitLimits): Promise<KnownLeader>
  /**
   * True if a quorum answered a heartbeat that was sent after this call while the lease stood; false if not within
   * `timeoutMs` (default `promiseMs`). A round trip; `isLeader()` needs none and is what decides.
   */
  verify(limits?: WaitLimits): Promise<boolean>
  /**
   * Largest durable term of this election at a quorum of voters: no token ever given out is higher. For fences that start
   * closed (R43): `floor: () => election.readFloor()`. `timeoutMs` default `promiseMs`.
   *
   * @throws ELECTION_TIMEOUT, ELECTION_STOPPED, or the reason of `signal`.
   */
  readFloor(limits?: WaitLimits): Promise<number>

  /** A snapshot as plain JSON. */
  status(): ElectionStatus
  /** Views of this election; the last one is always the latest state. Ends after `stop`. */
  changes(): AsyncIterableIterator<ElectionView>
  /**
   * Calls the listener at each event of that name; what the event says can already be read then. A listener that throws
   * harms nobody else.
   * @throws ELECTION_CONFIG_INVALID: there is no such event, or the listener is no function.
   */
  on<E extends ElectionEvent>(event: E, listener: ElectionListener<E>): this
  /** Takes a listener of `on` away. */
  off<E extends ElectionEvent>(event: E, listener: ElectionListener<E>): this
  /** `stop()`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** One process with any number of elections over one transport and one storage. */
export interface Elector {
  /** Own process id. */
  readonly id: ProcessId
  /** The members of the cluster. @throws ELECTION_CONFIG_INVALID without `experimental: { membership: true }`. */
  readonly members: Members
  /**
   * The election of that name, always the same object. Settings only at the first call.
   *
   * @throws ELECTION_CONFIG_INVALID: a name or setting is wrong, or settings were given again.
   */
  election(name: ElectionName, settings?: ElectionSettings): Election
  /** Starts the process and every election that was asked for. As `Election.start`. */
  start(): Promise<void>
  /** Stops every election and the process. As `Election.stop`. */
  stop(): Promise<void>
  /** Reading of the clock by which leases are judged, ms. */
  now(): number
  /** A snapshot of the process and of all its elections as plain JSON. */
  status(): ElectorStatus
  /** Events of all elections. `leaderChanged` also of those that were not asked for here, if this process votes in them. */
  on<E extends ElectionEvent>(event: E, listener: ElectionListener<E>): this
  /** Takes a listener of `on` away. */
  off<E extends ElectionEvent>(event: E, listener: ElectionListener<E>): this
  /** `stop()`. */
  [Symbol.asyncDispose](): Promise<void>
}
