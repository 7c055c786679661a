/**
 * Everything that can happen to the core, and everything that it can ask for.
 *
 * `step(config, state, input)` applies one input at the instant `input.now` and returns the effects in the order in
 * which the driver must execute them. The core owns `state`: it changes it in place and nobody else does. Nothing that
 * depends on an unfinished write is ever among the effects: answers that need durability wait inside the state for the
 * input `persisted` (R1), so the driver may execute effects as they come.
 * Read next: `step.ts`.
 */
import type { DeathNotice, Frame, Part } from './messages'
import type {
  AlarmCode,
  ClusterConfig,
  ElectionName,
  Incarnation,
  Pause,
  PausedLeader,
  Preference,
  ProcessId,
  ReconfigureRefusal,
  RevokeReason,
  Role,
  Term,
  Voter,
} from './types'

interface At {
  /** The node's own monotonic clock, ms. Never lower than in any input before. */
  readonly now: number
}

/** Time passed; fires what is due. Send after the sockets were read (R36). */
export interface TickInput extends At {
  readonly type: 'tick'
}
/** A frame of an admitted peer. */
export interface FrameInput extends At, Pick<Frame, 'from' | 'fromIncarnation' | 'toIncarnation' | 'parts'> {
  readonly type: 'frame'
}
/** A session with that life of a peer is up; `sentAt`: own clock before the greeting that it answered left (R64). */
export interface ConnectedInput extends At {
  readonly type: 'connected'
  readonly peer: ProcessId
  readonly incarnation: Incarnation
  readonly storageId: string
  readonly rho: number
  readonly deltaMs: number
  readonly sentAt: number
}
/** The session with a peer is gone: a suspicion, never a proof (R56). */
export interface ClosedInput extends At {
  readonly type: 'closed'
  readonly peer: ProcessId
  readonly incarnation: Incarnation
}
/** The newest finished write contained everything up to decision `version` (R1). */
export interface PersistedInput extends At {
  readonly type: 'persisted'
  readonly version: number
}
/** A write failed: final (R1, R39). */
export interface StorageFailedInput extends At {
  readonly type: 'storageFailed'
}
/** Contend in an election from now on, or stop contending (a leadership is not touched by that). */
export interface ContendInput extends At {
  readonly type: 'contend'
  readonly election: ElectionName
  readonly contending: boolean
  readonly priority: number
  /** While this process leads: when to hand over to a better contender (R37). Absent: never. */
  readonly preference?: Preference | null
}
/** Campaign as soon as the own slot is free, without waiting for one's place in the succession. For tests and tools. */
export interface CampaignInput extends At {
  readonly type: 'campaign'
  readonly election: ElectionName
}
/**
 * Renounce now (R20): the work has stopped. With `to`: hand over to it (R21); with `toBest`, and without `to`: to the best
 * contender, if there is one. `cooldownMs`: do not stand before that.
 */
export interface RenounceInput extends At {
  readonly type: 'renounce'
  readonly election: ElectionName
  readonly reason: RevokeReason
  readonly to: ProcessId | null
  readonly toBest?: boolean
  readonly cooldownMs: number
}
/** The work did not stop in time: let the lease run out as it stands (R20). */
export interface FreezeInput extends At {
  readonly type: 'freeze'
  readonly election: ElectionName
  readonly reason: RevokeReason
}
/** Send a heartbeat round to every voter now (for `verify`). */
export interface HeartbeatNowInput extends At {
  readonly type: 'heartbeatNow'
}
/** Ask every voter for its durable term of an election (R43). Answers come as `termRead` effects. */
export interface ReadTermInput extends At {
  readonly type: 'readTerm'
  readonly election: ElectionName
  readonly nonce: number
}
/** Time went missing (the host slept): renounce all, void campaigns, boot-wait again (B.3, A.10.1). */
export interface SuspendedInput extends At {
  readonly type: 'suspended'
}
/** This life of a process has ended: the key that proves it was judged (R55). */
export interface DeathInput extends At, Omit<DeathNotice, 'kind'> {
  readonly type: 'death'
}
/** An operator pauses the election, or resumes it (R80). `sinceMs`: wall clock, for people. */
export interface PauseInput extends At {
  readonly type: 'pause'
  readonly election: ElectionName
  readonly isPaused: boolean
  readonly leader: PausedLeader
  readonly sinceMs: number
}
/** As leader of `@members`: from now on these vote (R32). Answered by one `reconfigured`, now or later. */
export interface ReconfigureInput extends At {
  readonly type: 'reconfigure'
  readonly nonce: number
  readonly voters: readonly Voter[]
}
/** Close for good: renounce what is left, end the session, refuse everything from now on (R71). */
export interface EndInput extends At {
  readonly type: 'end'
  readonly reason: RevokeReason
}

/** All that can happen to a process: what `step` takes. */
export type Input =
  | TickInput
  | FrameInput
  | ConnectedInput
  | ClosedInput
  | PersistedInput
  | StorageFailedInput
  | ContendInput
  | CampaignInput
  | RenounceInput
  | FreezeInput
  | HeartbeatNowInput
  | ReadTermInput
  | SuspendedInput
  | DeathInput
  | PauseInput
  | ReconfigureInput
  | EndInput

/** Number of a lease shared by all elections whose bound voters and grants are the same (R13). */
export type LeaseId = number

/**
 * Make durable: these terms, these words about pauses, and `maxPromiseMs` if it is not null. When a write that contains them is done, tell the
 * core `persisted` with the largest `version` that it contained.
 */
export interface PersistEffect {
  readonly type: 'persist'
  readonly version: number
  readonly terms: ReadonlyMap<ElectionName, Term>
  readonly maxPromiseMs: number | null
  readonly config: ClusterConfig | null
  readonly pauses: ReadonlyMap<ElectionName, Pause> | null
}
/** Hand to the transport; parts of one turn to one peer may be merged into one frame, in order (R70). */
export interface SendEffect {
  readonly type: 'send'
  readonly to: ProcessId
  readonly toIncarnation: Incarnation
  readonly parts: readonly Part[]
}
/** This process leads the election, at this very instant, until the lease says otherwise. */
export interface ElectedEffect {
  readonly type: 'elected'
  readonly election: ElectionName
  readonly term: Term
  readonly lease: LeaseId
}
/** The lease with that number now ends at `until` (own clock). Never earlier than before. Comes before the first use. */
export interface LeaseExtendedEffect {
  readonly type: 'leaseExtended'
  readonly lease: LeaseId
  readonly until: number
}
/** A leadership hangs on another lease from now on; its end did not move back. */
export interface LeaseChangedEffect {
  readonly type: 'leaseChanged'
  readonly election: ElectionName
  readonly lease: LeaseId
}
/** Nothing hangs on that lease any more. */
export interface LeaseDroppedEffect {
  readonly type: 'leaseDropped'
  readonly lease: LeaseId
}
/** The leadership of that term is over for good (P7). */
export interface RevokedEffect {
  readonly type: 'revoked'
  readonly election: ElectionName
  readonly term: Term
  readonly reason: RevokeReason
}
/** What this process knows of the leader changed. `leader` is null while nobody is known to lead. */
export interface LeaderChangedEffect {
  readonly type: 'leaderChanged'
  readonly election: ElectionName
  readonly leader: ProcessId | null
  readonly term: Term
}
/** This process is something else in that election from now on. */
export interface RoleChangedEffect {
  readonly type: 'roleChanged'
  readonly election: ElectionName
  readonly role: Role
}
/** A better contender has been there for long enough: stop the work, then renounce in its favour (R37, R20, R21). */
export interface HandOverDueEffect {
  readonly type: 'handOverDue'
  readonly election: ElectionName
  readonly term: Term
  readonly to: ProcessId
}
/** A voter's durable term, asked for by `readTerm`. */
export interface TermReadEffect {
  readonly type: 'termRead'
  readonly election: ElectionName
  readonly nonce: number
  readonly voter: ProcessId
  readonly term: Term
}
/** A newer word about that election is known here (R80). */
export interface PauseChangedEffect {
  readonly type: 'pauseChanged'
  readonly election: ElectionName
  readonly pause: Pause
}
/** That voter holds that word, durably (R80). */
export interface PauseHeldEffect {
  readonly type: 'pauseHeld'
  readonly election: ElectionName
  readonly voter: ProcessId
  readonly pause: Pause
}
/** Another configuration is in force here from now on, and durable. */
export interface ConfiguredEffect {
  readonly type: 'configured'
  readonly cluster: ClusterConfig
  /** This process voted before, and does not any more. */
  readonly removed: boolean
}
/** Outcome of a `reconfigure`: null when a quorum of the new voters holds the new configuration. */
export interface ReconfiguredEffect {
  readonly type: 'reconfigured'
  readonly nonce: number
  readonly refusal: ReconfigureRefusal | null
}
/** Something that an operator should see. */
export interface AlarmEffect {
  readonly type: 'alarm'
  readonly code: AlarmCode
  readonly election: ElectionName | null
  readonly process: ProcessId | null
  readonly detail: string
}

/** All that `step` may ask for, to be done in the order of the list. */
export type Effect =
  | PersistEffect
  | SendEffect
  | ElectedEffect
  | LeaseExtendedEffect
  | LeaseChangedEffect
  | LeaseDroppedEffect
  | RevokedEffect
  | LeaderChangedEffect
  | RoleChangedEffect
  | HandOverDueEffect
  | TermReadEffect
  | PauseChangedEffect
  | PauseHeldEffect
  | ConfiguredEffect
  | ReconfiguredEffect
  | AlarmEffect
