/**
 * A store as a voter: the port between the runtime and whatever keeps votes in records (PostgreSQL, Redis, etcd, ...).
 *
 * The runtime sees a voter with a link, as it sees a peer; it knows nothing of records. Authors of stores write a `CasStore`
 * and get this for it from `storeVoter` of `conclave/store`. Read next: `../stores/store-voter.ts`, `cas-store.ts`.
 */
import type { Part } from '../core/messages'
import type { Incarnation, ProcessId } from '../core/types'
import type { StoreDurability } from './cas-store'
import type { Clock } from './clock'

/** What `postgres(pool)`, `redis(client)`, `etcd(client)` and `storeVoter(store)` are to `voters`. */
export interface VoterStore {
  /** Short name for messages and `status()`. */
  readonly name: string
  /** What a fail-over or restart of it can lose (R48). */
  readonly durability: StoreDurability
  /** Longest duration of one call, ms; D has to be at least four of them (A.10.6). Absent: it answers at once. */
  readonly timeoutMs?: number
  /** Makes a link for one life of one process. Does no I/O: `start` does. */
  open(setup: VoterSetup): VoterLink
}

/** Whose link it is. */
export interface VoterSetup {
  readonly clusterId: string
  /** Name of the process at the store; contains 128 random bits (R49). */
  readonly process: ProcessId
  readonly incarnation: Incarnation
  /** Random per start: tells two processes with one identity apart (R27). */
  readonly nonce: string
  /** Clock-rate bound (R18). */
  readonly rho: number
  /** D that an absent session record counts with (R48). */
  readonly maxPromiseMs: number
  /** How long one campaign takes at most, ms; a store that forgets everything waits for it, too (R28). */
  readonly campaignMs: number
  /** How often the store is looked at, ms. */
  readonly pollMs: number
  /** Only stores vote: contenders know each other by the list that they keep there (R82). */
  readonly listsContenders: boolean
  readonly clock: Pick<Clock, 'now' | 'wall' | 'setTimer' | 'clearTimer'>
  readonly host: VoterHost
}

/**
 * One process's link to one store. The runtime calls `start` once, `send` only between `start` and `stop`, and never from
 * inside a step of the core. The link never throws; it may answer from inside `send`.
 */
export interface VoterLink {
  /** Prepares the store, makes the first contact, and goes on trying until `stop`. */
  start(): void
  /** Parts for this voter, in order. `sessionEnd` fences the own session with one write (R66, R71). */
  send(parts: readonly Part[]): void
  /** For people: a leadership of this process has begun, or is over. Kept beside the votes, soon, and by nobody relied upon. */
  remember?(led: LedTerm): void
  /** Waits for the fence of a `sessionEnd`, if there was one; then nothing is told any more. Without one it frees nothing. */
  stop(done: () => void): void
  /** Forgets everything at once, as a crash does. */
  crash(): void
  stats(): VoterLinkStats
}

/** A leadership of this process. */
export interface LedTerm {
  readonly election: string
  readonly term: number
  /** As people know it: the configured id. */
  readonly leader: string
  /** Wall clock at the win, ms since 1970. */
  readonly wonAtMs: number
  /** Null: it goes on. */
  readonly heldMs: number | null
  readonly reason: string | null
}

/** What the link tells its process. Called serially. */
export interface VoterHost {
  /** The store has answered for the first time. `sentAt`: own clock before the request. */
  connected(sentAt: number): void
  received(parts: readonly Part[]): void
  /** Something failed; for logs. */
  troubled(error: Error): void
  /** R6 at a store. */
  violation(election: string, detail: string): void
  /** Another live process has this identity (R27): this one is not heard by the store any more. */
  duplicate(detail: string): void
}

/** One store as this process sees it, plain data. */
export interface VoterLinkStats {
  /** The newest call was answered. */
  readonly reachable: boolean
  /** Message of the newest failure since the last good answer, or null. */
  readonly lastError: string | null
  /** Duration of the newest answered call, ms. */
  readonly roundTripMs: number | null
  readonly reads: number
  readonly writes: number
  /** Calls that failed or whose answer was lost. */
  readonly failures: number
}
