/**
 * The nouns of the protocol: identifiers, configuration, durable records.
 *
 * Decides nothing. Every duration is in milliseconds of some monotonic clock and ends in `Ms`;
 * every instant is a reading of the node's *own* monotonic clock and is called `...At` or `...Until`.
 * Read next: `messages.ts` (what processes tell each other), `state.ts` (what a process remembers).
 */

/** Name of a process: `/^[A-Za-z0-9._-]{1,64}$/`, unique in its cluster, compared for equality only (R49). */
export type ProcessId = string

/** Name of an election: `/^[A-Za-z0-9._:-]{1,128}$/`, unique in its cluster. */
export type ElectionName = string

/** A term, and therefore a fencing token (R41): a safe integer, 0 = "none yet", at most 2^53 - 2 (R44). */
export type Term = number

/** Number of one life of a process: durable counter, or random where nothing is durable (R24, R28). */
export type Incarnation = number

/**
 * Name of one uninterrupted period of support: `<voter incarnation>.<counter>`.
 * Never used twice by one voter (R58). Compared for equality only.
 */
export type Grant = string

/**
 * What a voter of the cluster is. A `peer` is a process; a `witness` is one that votes and never leads (R37, R40); a
 * `store` is a set of records behind a `StoreVoter`.
 */
export type VoterKind = 'peer' | 'witness' | 'store'

/** One voter of the cluster. */
export interface Voter {
  readonly id: ProcessId
  readonly kind: VoterKind
  /** The storage that the voter is (R25, R26); null or absent: whichever it shows first. Only where members change. */
  readonly storageId?: string | null
  /** Where it lives, for those that have to dial it. Only where members change. */
  readonly address?: string | null
}

/** Version of the set of voters, ordered by `term`, then `version` (R29). Static clusters stay at 0.1. */
export interface ConfigVersion {
  readonly term: Term
  readonly version: number
}

/** The set of voters with its version and the floor under all terms (R29, R72). */
export interface ClusterConfig extends ConfigVersion {
  readonly termFloor: Term
  /** Non-empty, distinct ids. */
  readonly voters: readonly Voter[]
  /**
   * While elections move: the old and the new voters, each a subset of `voters`, together all of them. A quorum is then a
   * majority of each (`quorum.ts`). Absent: a majority of `voters`.
   */
  readonly sets?: readonly (readonly ProcessId[])[]
}

/** Timing of the protocol. All of it is liveness except `promiseMs`, `rho`, `deltaMs` and `campaignMs < promiseMs`. */
export interface Timing {
  /** D: how long a voter supports a process after each heartbeat, on the voter's clock. */
  readonly promiseMs: number
  /** h: interval of heartbeats. */
  readonly heartbeatMs: number
  /** A campaign ends this long after its start, on read (R3). Below `promiseMs`. */
  readonly campaignMs: number
  /** Distance of two neighbours in the succession (R69). */
  readonly stepMs: number
  /** Bound on the rate of any monotonic clock against real time (A2): 0.10 = within 10 %. */
  readonly rho: number
  /** Resolution of the clock, subtracted once from each lease (A2). */
  readonly deltaMs: number
  /** First upper bound of the random back-off after a failed attempt (R35). */
  readonly backoffMs: number
  /** Largest upper bound of that back-off. */
  readonly backoffMaxMs: number
  /** A heartbeat that asks for less support than this is refused (R18). */
  readonly minPromiseMs: number
  /** A heartbeat that asks for more support than this is refused (R18). */
  readonly maxPromiseMs: number
  /** D grows up to that when renewals come late (`adaption.ts`). Absent: D is always `promiseMs`. */
  readonly adaptiveMaxMs?: number
}

/** When a settled leader hands over to a better contender (R37). Liveness only. */
export interface Preference {
  /** How long the better one has to have been better, contending and linked, ms; and how long nobody else has led. */
  readonly afterMs: number
  /** How far ahead its priority has to be: the hysteresis. At least 1. */
  readonly by: number
  /** No hand-over while the leader has changed so often within a minute, for whatever reason. At least 1. */
  readonly perMinute: number
}

/** What never changes while a process runs. */
export interface CoreConfig {
  readonly self: ProcessId
  readonly incarnation: Incarnation
  /** Random name of this process's storage (R25). */
  readonly storageId: string
  /** Who votes; where members change, only until a newer configuration is known (`State.cluster`). */
  readonly cluster: ClusterConfig
  /** The set of voters may change while they run (`membership.ts`). Default false. */
  readonly membership?: boolean
  readonly timing: Timing
  /** Ask before campaigning (R8). Off only in tests and comparisons. */
  readonly preVote: boolean
  /** First attempts are ordered by succession (R69); `false`: random delay in [0, backoffMs) as in the Raft paper. */
  readonly succession: boolean
  /** Upper bound on elections that peers may make this process remember. */
  readonly maxElections: number
  /** Nothing survives a restart: R28 governs the start. */
  readonly ephemeral: boolean
}

/** What a process must remember across restarts, apart from the terms of its elections. */
export interface ProcessRecord {
  readonly format: 1
  readonly clusterId: string
  readonly nodeId: ProcessId
  /** Random, made when the record is created (R25). */
  readonly storageId: string
  /** Incremented and durable before the first byte is sent (R24). */
  readonly incarnation: Incarnation
  /** Newest configuration; with its voters where members change (R29). */
  readonly config: ConfigVersion & { readonly termFloor: Term; readonly voters?: readonly Voter[] }
  /** The longest promise ever made; the next start waits it out (R19). */
  readonly maxPromiseMs: number
  /** True only after a clean stop that left no promise behind (R19). */
  readonly cleanNoPromise: boolean
  /** Who was met, by process id (R25, R27). */
  readonly pins: Readonly<Record<ProcessId, Pin>>
  /** The newest word about each election that was ever paused (R80). Absent: none was. */
  readonly pauses?: Readonly<Record<ElectionName, Pause>>
}

/** What an operator said of an election last: nobody is elected in it, or people may be again (R80, R81). */
export interface Pause {
  /** Words are ordered by (`counter`, `by`): the newest counts. A safe integer, 1 or more. */
  readonly counter: number
  /** The process at which it was said. */
  readonly by: ProcessId
  readonly isPaused: boolean
  /** What a leader that stands does while it lasts. */
  readonly leader: PausedLeader
  /** Wall clock of that process when it was said, ms. For people: nothing compares it. */
  readonly sinceMs: number
}

/** A leader of a paused election goes on until its lease is lost, or gives it up in good order. */
export type PausedLeader = 'stays' | 'stepsDown'

/** The storage and the highest incarnation that a peer ever showed (R25, R27). */
export interface Pin {
  readonly storageId: string
  readonly incarnation: Incarnation
}

/** One write to the storage: whole record if it changed, and the terms that changed. Later changes join the next write (R1). */
export interface DurableChange {
  readonly process?: ProcessRecord
  readonly terms: ReadonlyMap<ElectionName, Term>
}

/** Everything that a storage gives back at start. */
export interface DurableState {
  readonly process: ProcessRecord
  readonly terms: ReadonlyMap<ElectionName, Term>
}

/** Roles of an election at one process. */
export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader'

/** Why a leadership ended. */
export type RevokeReason =
  | 'expired'
  | 'superseded'
  | 'reelected'
  | 'resigned'
  | 'transferred'
  | 'drainTimeout'
  | 'unhealthy'
  | 'stalled'
  | 'suspended'
  | 'storageFailed'
  | 'removed'
  | 'paused'
  | 'stopped'

/** Why a voter said no (R7, R8). */
export type Refusal =
  | 'bound'
  | 'term'
  | 'boot'
  | 'recovering'
  | 'session'
  | 'leading'
  | 'config'
  | 'floor'
  | 'storage'
  | 'ended'
  | 'limit'
  | 'paused'

/** Why a change of members was refused (R32). */
export type ReconfigureRefusal =
  | 'notLeader'
  | 'busy'
  | 'twoAtOnce'
  | 'lastVoter'
  | 'self'
  | 'unchanged'
  | 'tooMany'
  | 'lostLeadership'

/** What an operator should look at. Alarms never change the protocol's course. */
export type AlarmCode =
  | 'invariantViolation'
  | 'configMismatch'
  | 'termJump'
  | 'pauseJump'
  | 'duplicateIdentity'
  | 'electionLimit'
