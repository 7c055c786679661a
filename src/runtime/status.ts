/**
 * `status()`: a snapshot for health endpoints and for the question "why does it not lead?" (USERS 22). Plain JSON.
 *
 * Reads the core's memory, the transport's counters and the seat; changes nothing and keeps nothing. Read next: `why-not.ts`.
 */
import type { Incarnation, ProcessId, Refusal, RevokeReason, Role, Term, VoterKind } from '../core'
import type { StoreDurability } from '../ports/cas-store'
import type { LinkStats, Transport, TransportStats } from '../ports/transport'
import type { DriverCounters } from './driver-options'
import type { CoreView } from './driver-port'
import { canFailOver, type FailoverBound, failoverOf } from './failover'
import type { PastLeadership, SeenLeader } from './history'
import type { LoopDelay } from './loop-monitor'
import type { PausedStatus } from './maintenance'
import { type MembershipStatus, membershipOf } from './membership-status'
import type { ElectorConfig } from './options'
import type { MemberKind } from './read-roles'
import type { SafetyMargin } from './renewals'
import type { ScoreStatus } from './score'
import type { Seat } from './seat'
import { StoreTransport } from './store-transport'
import type { ResolvedTiming } from './timing'
import { warningsOf } from './warnings'
import { whyNotLeader } from './why-not'

/** Where a process is in its one life. */
export type Phase = 'idle' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'

/** One voter, as this process sees it. */
export interface MemberStatus {
  readonly id: ProcessId
  readonly kind: VoterKind
  readonly isSelf: boolean
  readonly address: string | null
  readonly isConnected: boolean
  readonly incarnation: Incarnation | null
  /** It answered something that was sent less than `promiseMs` ago. This process itself: it runs. */
  readonly isAlive: boolean
  /** Since the newest frame that it answered was sent, ms; null if it never answered. */
  readonly lastAnswerMs: number | null
  /** Version of the protocol that is spoken with it; null of this process itself, of a store, and while it is not connected. */
  readonly protocolVersion: number | null
  readonly lastError: string | null
  /** What a fail-over or restart of a store can lose (R48); null for a process. */
  readonly durability: StoreDurability | null
  /**
   * Of the newest answer, ms; null before it, and of this process itself. A peer that leads an election, too, may keep its
   * answer for the next heartbeat, up to `heartbeatMs` / 4 (R71).
   */
  readonly roundTripMs: number | null
}

/** What all elections of a process share. */
export interface ProcessStatus {
  readonly id: ProcessId
  readonly cluster: string
  /** Votes and may lead, votes and never leads, or has no vote and may lead. */
  readonly memberKind: MemberKind
  readonly phase: Phase
  /** Message of what ended this life, or null. */
  readonly error: string | null
  /** `durable`: tokens and promises survive restarts. `timed`: they rest on waiting (R28). */
  readonly safety: 'durable' | 'timed'
  /** The weakest of the voters: what a crash or fail-over can do to tokens (R48). */
  readonly tokenDurability: StoreDurability
  readonly incarnation: Incarnation | null
  /** No vote and no candidacy before that has passed (R19), ms. */
  readonly bootWaitMs: number
  /** Voters whose memory this process waits for (R28), or null if it needs none. */
  readonly recovering: readonly ProcessId[] | null
  readonly members: readonly MemberStatus[]
  /** The configuration in force where members change (`experimental.membership`); null elsewhere, and before the start. */
  readonly membership: MembershipStatus | null
  /**
   * Ids of the voters that elections move to (`movingTo`), or null. Step 2 may begin when this is so at every process, and
   * since then some process has been `isLeader` for each election.
   */
  readonly movingTo: readonly ProcessId[] | null
  readonly timing: ResolvedTiming
  /** Measured: how close renewals come to their deadline. */
  readonly margin: SafetyMargin
  /**
   * Computed: how long nobody leads after a crash. Null: nobody else can lead after some crash, as one or two voters, or one
   * beside a store, leave no majority (R40); nothing is promised then.
   */
  readonly failover: FailoverBound | null
  readonly counters: DriverCounters | null
  readonly transport: Omit<TransportStats, 'links'>
  readonly eventLoop: LoopDelay | null
  /** What an operator should know, in sentences. */
  readonly warnings: readonly string[]
}

/** One election in short. */
export interface ElectionSummary {
  readonly role: Role
  readonly isLeader: boolean
  readonly leader: ProcessId | null
  /** Term of that leader; 0 while none is known. */
  readonly term: Term
  /** Own token while this process leads. */
  readonly token: number | null
  readonly isContending: boolean
  /** Verdict of the health check; null without one, or before the first answer. */
  readonly isHealthy: boolean | null
  /** Nobody is elected until somebody resumes it, as far as this process knows (R80). */
  readonly isPaused: boolean
}

/** One election. */
export interface ElectionStatus extends ElectionSummary {
  readonly name: string
  readonly id: ProcessId
  readonly cluster: string
  /** What orders this process among the contenders: `priority`, and the score if there is one. */
  readonly priority: number
  /** The score of the service as it was told last; null without one. */
  readonly score: ScoreStatus | null
  /** Until the lease ends if nothing renews it, ms; 0 without one. */
  readonly leaseRemainingMs: number
  /** Who paused it, when, and what the leader does; null while it is not paused. */
  readonly paused: PausedStatus | null
  /** How long `freeze` keeps this process from standing yet, ms. */
  readonly frozenMs: number
  /** The hand-over that is scheduled here, or null. `dueAtMs`: wall clock. */
  readonly switchover: { readonly to: ProcessId | null; readonly dueAtMs: number } | null
  /** Sentences, the most important first; empty while this process leads. */
  readonly whyNotLeader: readonly string[]
  /** Who refused the last try, and why. */
  readonly refusals: Readonly<Record<ProcessId, Refusal>>
  /** The last leaderships of this process, oldest first, at most 16. */
  readonly history: readonly PastLeadership[]
  /** Who led as far as this process knows, oldest first, at most 16. */
  readonly leaders: readonly SeenLeader[]
  /** Leaderships of this process that ended since start, by reason. */
  readonly ended: Readonly<Partial<Record<RevokeReason, number>>>
  readonly process: ProcessStatus
}

/** A process with all its elections. */
export interface ElectorStatus extends ProcessStatus {
  readonly elections: Readonly<Record<string, ElectionSummary>>
}

/** What a snapshot is taken of. */
export interface Subject {
  readonly config: ElectorConfig
  readonly phase: Phase
  readonly error: Error | null
  /** Null before the start. */
  readonly state: CoreView | null
  readonly transport: Pick<Transport, 'stats'>
  readonly incarnation: Incarnation | null
  readonly counters: DriverCounters | null
  readonly eventLoop: LoopDelay | null
  readonly margin: SafetyMargin
  readonly now: number
}

/** The part that all elections share. */
export function processStatus(subject: Subject): ProcessStatus {
  const { config, phase, error, state, incarnation, counters, eventLoop, margin, now } = subject
  const { plan, timing } = config
  const cluster = state?.cluster ?? plan
  const { links, ...transport } = subject.transport.stats()
  const tokenDurability = durabilityOf(config)
  const timed = tokenDurability === 'volatile'
  return {
    id: config.id,
    cluster: config.cluster,
    memberKind: config.plan.memberKind,
    phase,
    error: error?.message ?? null,
    safety: timed ? 'timed' : 'durable',
    tokenDurability,
    incarnation,
    bootWaitMs: state === null ? 0 : Math.max(0, Math.ceil(state.bootUntil - now)),
    recovering: state === null ? null : recoveringOf(state),
    members: membersOf(subject, links),
    membership: state === null ? null : membershipOf(state),
    movingTo: plan.movingTo,
    timing,
    margin,
    failover: canFailOver(cluster)
      ? failoverOf(timing, { others: cluster.voters.length - 1, stores: plan.stores.size > 0 })
      : null,
    counters,
    transport,
    eventLoop,
    warnings: warningsOf(subject, timed, links),
  }
}

/** One election in full. */
export function electionStatus(subject: Subject, seat: Seat): ElectionStatus {
  const { config, state, now } = subject
  const refusals: Record<ProcessId, Refusal> = Object.create(null)
  for (const [voter, refusal] of state?.elections.get(seat.name)?.lastRefusals ?? [])
    refusals[voter] = refusal
  const { switchover } = seat
  return {
    name: seat.name,
    id: config.id,
    cluster: config.cluster,
    ...electionSummary(seat),
    priority: seat.contention.criteria,
    score: seat.contention.sampler?.status() ?? null,
    leaseRemainingMs: leaseRemainingMs(seat, now),
    paused: seat.paused,
    frozenMs: seat.contention.frozenMs,
    switchover: switchover === null ? null : { to: switchover.to, dueAtMs: switchover.dueAtMs },
    whyNotLeader: whyNotLeader(subject, seat),
    refusals: { ...refusals },
    history: seat.history.leaderships,
    leaders: seat.history.leaders,
    ended: seat.history.ended,
    process: processStatus(subject),
  }
}

/** One election in short. */
export function electionSummary(seat: Seat): ElectionSummary {
  const { isContending, health } = seat.contention
  const isPaused = seat.paused !== null
  return { ...seat.view(), isContending, isHealthy: health?.isHealthy ?? null, isPaused }
}

/** Until the lease ends if nothing renews it, ms; 0 without one. */
export function leaseRemainingMs({ tenure }: Seat, now: number): number {
  const until = tenure?.leadership.isValid() ? tenure.leadership.lease.until : now
  return Math.max(0, Math.floor(until - now))
}

function recoveringOf({ recovery, accounts }: CoreView): readonly ProcessId[] | null {
  return recovery === null
    ? null
    : [...accounts.keys()].filter((voter) => recovery.answers.get(voter)?.recovering !== false)
}

/** R48: any two quorums may have only the weakest voter in common. */
function durabilityOf({ plan: { stores, isVoter }, storage }: ElectorConfig): StoreDurability {
  const all = [...stores.values()].map(({ durability }) => durability)
  if (all.includes('volatile') || (isVoter && storage.kind === 'volatile')) return 'volatile'
  return all.includes('mayRegress') ? 'mayRegress' : 'survives'
}

function membersOf(
  { config, phase, state, now, incarnation, transport }: Subject,
  links: readonly LinkStats[],
): MemberStatus[] {
  const { addresses, stores, isVoter } = config.plan
  const { voters } = state?.cluster ?? config.plan
  return voters.map(({ id, kind }) => {
    const store = stores.get(id)
    const link = links.find(({ peer }) => peer === id)
    const account = state?.accounts.get(id)
    const isSelf = isVoter && id === config.id
    const answeredAt = account?.lastAnsweredSend ?? Number.NEGATIVE_INFINITY
    const measured = transport instanceof StoreTransport ? transport.statsOf(id)?.roundTripMs : null
    const known = account === undefined || account.incarnation === 0 ? null : account.incarnation
    return {
      id,
      kind,
      isSelf,
      address: link?.address ?? (Object.hasOwn(addresses, id) ? (addresses[id] ?? null) : null),
      isConnected: isSelf || (store === undefined ? account?.connected === true : link?.connected === true),
      incarnation: isSelf ? incarnation : known,
      isAlive: isSelf ? phase === 'running' : now - answeredAt < config.timing.promiseMs,
      lastAnswerMs: Number.isFinite(answeredAt) ? Math.round(now - answeredAt) : null,
      protocolVersion: link?.protocolVersion ?? null,
      lastError: link?.lastError ?? null,
      durability: store?.durability ?? null,
      roundTripMs: measured ?? account?.roundTripMs ?? null,
    }
  })
}
