/**
 * What a process remembers: plain data, nothing else. Can be printed, cloned, hashed, put into a bug report.
 *
 * Two halves. *Sessions* (liveness, per pair of processes): `supports` is what this process promises as a voter,
 * `accounts` what it was promised as a holder. *Elections* (leadership, per name). Both hang together in two places
 * only: a binding names a grant of `supports`, a lease is computed from `accounts`.
 * Read next: `sessions.ts`, `elections.ts`.
 */
import type { LeaseId } from './inputs'
import type {
  Bind,
  Certificate,
  ConfigAck,
  Contend,
  FloorReply,
  Notice,
  Part,
  PauseAck,
  Release,
} from './messages'
import { STAND_AT_FIRST } from './numbers'
import type {
  ClusterConfig,
  CoreConfig,
  DurableState,
  ElectionName,
  Grant,
  Incarnation,
  Pause,
  Preference,
  ProcessId,
  Refusal,
  RevokeReason,
  Role,
  Term,
  Voter,
  VoterKind,
} from './types'
import type { Slot } from './voter'

/** As a voter: what this process promises to another one (R58). */
export interface Support {
  /** Highest incarnation seen; lower ones are ignored. */
  incarnation: Incarnation
  storageId: string | null
  /** That incarnation has ended for good (R71, R55): nothing of it counts any more. */
  ended: boolean
  /** Present grant, or null. It has run out as soon as the clock reads `until`, whether or not that was noticed (R59). */
  grant: Grant | null
  until: number
  /** Last round that renewed. */
  lastRound: number
  /** Elections whose slot here is bound to this process. */
  readonly bound: Set<ElectionName>
  /** Answers that ride on the next heartbeat to that process (R71). */
  heldAcks: Part[]
}

/** As a voter: a connected process that has no vote, and what it is told of elections that it asked about (R71). */
export interface Observer {
  readonly elections: Set<ElectionName>
  /** Notices owed to it, repeated until answered. */
  readonly notices: Map<ElectionName, Notice>
}

/** As a holder: what one voter was understood to promise to this process (R60). */
export interface Account {
  readonly kind: VoterKind
  /** Life of the voter that is connected, or 0. */
  incarnation: Incarnation
  connected: boolean
  /** Since when it is, own clock. */
  connectedAt: number
  /** The larger clock-rate bound and resolution of the two ends (R18). */
  rho: number
  deltaMs: number
  /** Grant -> own clock until which it is counted. */
  readonly untilByGrant: Map<Grant, number>
  /** Newest grant that the voter named, and the round that told it. */
  grant: Grant | null
  grantRound: number
  /** Send time of the newest frame that this voter has answered (R64). */
  lastAnsweredSend: number
  /** From the sending of a heartbeat or probe to its ack, of the newest ack; null before. For people: no rule reads it. */
  roundTripMs: number | null
  /** Facts owed to this voter, repeated until answered (R62, R63). */
  readonly facts: Map<ElectionName, Bind | Release>
  /** Contentions owed to this process (R69). */
  readonly contentions: Map<ElectionName, Contend>
  /** Elections whose newest word is owed to this voter (R80). */
  readonly pauses: Set<ElectionName>
  /** Elections whose campaign asks this voter as soon as it has answered a probe (R71). */
  readonly unasked: Set<ElectionName>
  /** Of facts and contentions, the names that wait until enough of what was sent is answered (R70). */
  unsentFacts: ElectionName[]
  unsentContentions: ElectionName[]
  /** When many of them were repeated last, and how many of either were added since. */
  repeatedAt: number
  newFacts: number
  newContentions: number
}

/** Voters, and under which of their grants each is bound: few, in order. One for many elections, so never changed in place. */
export type Bound = ReadonlyMap<ProcessId, readonly Grant[]>

/** A lease shared by all elections with the same bound voters and grants (R13). */
export interface Lease {
  readonly id: LeaseId
  readonly key: string
  /** Grants that are counted. The own process counts by `ownRoundAt`. */
  readonly bound: Bound
  until: number
  /** Frozen leases are never extended (R20). */
  readonly frozen: boolean
  readonly elections: Set<ElectionName>
}

/** A leadership that stands. */
export interface Lead {
  readonly term: Term
  /** For this term or a later one (R12). If all of it counts it is that of the lease. */
  bound: Bound
  lease: LeaseId
  /** Why it was frozen, or null (R20); the reason of the revocation to come. */
  frozen: RevokeReason | null
}

/** A pre-vote or a campaign under way (R3, R8). */
export interface Campaign {
  readonly phase: 'preVote' | 'vote'
  readonly term: Term
  readonly nonce: number
  readonly startedAt: number
  /** Void from this instant on, on read. */
  deadline: number
  /** Voter -> grant of its vote ('' for a pre-vote). Distinct voters (R4). */
  readonly grants: Map<ProcessId, Grant>
  /** Why voters refused; made by the first that does. */
  refusals: Map<ProcessId, Refusal> | null
  readonly certificate: Certificate | null
  /** The own vote is durable; nothing is won before (R1, R3). */
  durable: boolean
}

/** A pre-vote that waits for a binding to end (R56). */
export interface Parked {
  readonly from: ProcessId
  readonly incarnation: Incarnation
  readonly term: Term
  readonly nonce: number
}

/** What a process remembers of an election in which it would hand over to a better contender (R37). */
export interface Preferring {
  rules: Preference
  /** The best contender that is ahead of this process, and since when it is that one. */
  favourite: ProcessId | null
  favouredAt: number
  /** When to look again; Infinity: when criteria move, or after a win. */
  lookAt: number
  lastLeader: ProcessId | null
  /** When another one began to lead, within the last minute. */
  changedAt: number[]
  /** Hand-overs since the contender led last. */
  readonly vain: Map<ProcessId, number>
}

/** A contender that voters speak of (R82). */
export interface Listed {
  /** Since when one of them does, without a break. */
  readonly since: number
  /** Voter -> the criteria that it says. */
  readonly said: ReadonlyMap<ProcessId, number>
}

/** Everything about one election at one process. */
export interface Election {
  readonly name: ElectionName
  readonly slot: Slot
  /** Durable or on its way (R1). */
  decidedTerm: Term
  /** Decision number that made `decidedTerm` durable. */
  decidedAt: number
  parked: Parked | null
  contending: boolean
  priority: number
  /** Null: a leader stays whoever else is there. */
  preferring: Preferring | null
  lead: Lead | null
  campaign: Campaign | null
  /** Highest term campaigned in by this incarnation; all up to it are renounced when a renouncement comes (R20). */
  topTerm: Term
  /** The own slot became free by a release, a session end or a proof of death: no need to ask first (R8). */
  evidence: boolean
  /** When the known term last jumped by more than 1,000 (R44). */
  jumpedAt: number
  /** When to try next; Infinity = when the slot becomes free. */
  attemptAt: number
  /** When the slot became free (R69 counts from here). */
  freeAt: number
  /** Not before this (cool-down after a resignation). */
  notBefore: number
  /** The others were told that it does not stand until then, and have not been told that it is over (R21). */
  standsBack: boolean
  /** Failed attempts in a row (R35). */
  failures: number
  /** Goes first in the succession (R21). */
  successor: ProcessId | null
  /** Other contenders and their priorities; minus infinity for those that do not contend any more (R69). */
  contenders: ReadonlyMap<ProcessId, number>
  /** Those of them that are known by stores alone (R82). */
  listed: ReadonlyMap<ProcessId, Listed>
  /** Without an own vote: who was last known to lead. */
  lastLeader: ProcessId | null
  role: Role
  /** Last `leaderChanged` that was reported. */
  leader: ProcessId | null
  leaderTerm: Term
  /** Without an own vote: what each voter last said of its slot. */
  notices: ReadonlyMap<ProcessId, Notice>
  /** The newest word of an operator about it (R80), and the decision that makes it durable. */
  pause: Pause | null
  pauseDecidedAt: number
  /** Why the last attempt failed, voter by voter, for `status()`; nothing once somebody leads. */
  lastRefusals: ReadonlyMap<ProcessId, Refusal>
}

/** An answer that waits for a write (R1). */
export type Waiting =
  | {
      readonly kind: 'vote'
      readonly version: number
      readonly to: ProcessId
      readonly toIncarnation: Incarnation
      readonly election: ElectionName
      readonly term: Term
      readonly nonce: number
      readonly grant: Grant
    }
  | {
      readonly kind: 'campaign'
      readonly version: number
      readonly election: ElectionName
      readonly nonce: number
    }
  | {
      readonly kind: 'pause'
      readonly version: number
      readonly election: ElectionName
      readonly counter: number
    }
  | {
      readonly kind: 'pauseAck'
      readonly version: number
      readonly to: ProcessId
      readonly toIncarnation: Incarnation
      readonly part: PauseAck
    }
  | {
      readonly kind: 'ack'
      readonly version: number
      readonly to: ProcessId
      readonly toIncarnation: Incarnation
      readonly renewed: boolean
      readonly part: Part
    }

/** The start of a process that remembers nothing (R28). */
export interface Recovery {
  readonly until: number
  readonly nonce: number
  /** Own proposal for the floor if nobody remembers anything: wall clock at start, ms. */
  readonly proposal: Term
  /** What each voter answered last. */
  readonly answers: Map<ProcessId, FloorReply & { readonly incarnation: Incarnation }>
  nextAskAt: number
}

/** Where the set of voters may change (`membership.ts`). */
export interface Membership {
  /** A newer configuration on its way to the storage, and who sent it (R1). */
  installing: {
    readonly cluster: ClusterConfig
    readonly version: number
    readonly from: ProcessId | null
  } | null
  /** Founders that have not yet said that they know of no later configuration either; nobody votes before that. */
  readonly unmet: Set<ProcessId>
  /** Processes with a session that do not vote: they may, later. */
  readonly strangers: Map<ProcessId, Stranger>
  /** As leader of `@members`: who holds the present configuration (R32 b). */
  readonly acks: Map<ProcessId, ConfigAck>
  /** When the next change may be installed; Infinity while too few hold the present one (R32 b, R72). */
  settledAt: number
  /** The change asked for; `version`: under which it was installed, or null. */
  wanted: { readonly nonce: number; readonly voters: readonly Voter[]; version: number | null } | null
}

/** A session with a process that does not vote. */
export interface Stranger {
  readonly storageId: string | null
  readonly incarnation: Incarnation
  readonly rho: number
  readonly deltaMs: number
  readonly sentAt: number
}

/** One timer of one election; stale entries are skipped when they come up. */
export interface Timer {
  readonly at: number
  readonly election: ElectionName
}

/** The whole memory of the core. */
export interface State {
  now: number
  /** Who votes: the newest configuration that is durable here (R29). Never changes in a static cluster. */
  cluster: ClusterConfig
  /** This process votes itself. */
  isVoter: boolean
  /** Null: the voters never change. */
  readonly membership: Membership | null
  /** State of the PRNG. */
  random: number
  /** No votes before this (R19). */
  bootUntil: number
  recovery: Recovery | null
  /** After a bootstrap without any memory: the lives that took part, so that they may follow (R28). */
  readonly bootstrapped: Map<ProcessId, Incarnation>
  termFloor: Term
  /** Wall clock minus own clock at the start; minus infinity where floors are no wall clocks, but durable (R28). */
  readonly wallAheadMs: number
  /** Longest promise decided on, and the decision that makes it durable (R18). */
  maxPromiseMs: number
  maxPromiseDecidedAt: number
  storageFailed: boolean
  ended: boolean

  /** Numbers of decisions that need a write: the last one made, and the last one known durable (R1). */
  decided: number
  written: number
  readonly waiting: Waiting[]

  grantCounter: number
  readonly supports: Map<ProcessId, Support>
  /** Those that are connected. */
  readonly observers: Map<ProcessId, Observer>

  round: number
  /** Instant of the last own round: what the own voter counts from (R13). */
  ownRoundAt: number
  /** D of that round, and of those before the first: what this process asks for. */
  promiseMs: number
  /** Since that round, the longest span from a round to the answer of the next, as far as it is measured; 0: none. */
  spanMs: number
  readonly rounds: Map<number, { readonly sentAt: number; readonly promiseMs: number }>
  nextHeartbeatAt: number
  readonly accounts: Map<ProcessId, Account>

  readonly elections: Map<ElectionName, Election>
  /** Names of those that are paused, and when the others are asked next whether they still are (R80). */
  readonly paused: Set<ElectionName>
  nextPauseAskAt: number
  /** Names with a pre-vote or campaign under way. */
  readonly campaigning: Set<ElectionName>
  /** None of these is over before that. */
  campaignsEndAt: number
  /** Of these, those that have the votes: they win as soon as enough of the grants stand (R5). */
  readonly voted: Set<ElectionName>
  /** Names whose turn to stand came while as many as may stood already, or while no quorum was reached (A.10.5). */
  readonly standby: Set<ElectionName>
  /** How many may stand at once, and when that was last halved. */
  standLimit: number
  standLimitCutAt: number
  /** When very many became free at one instant, and how many: who is not first waits longer (R69). */
  crowdAt: number
  crowd: number
  readonly leases: Map<LeaseId, Lease>
  leaseCounter: number
  nonceCounter: number
  noticeCounter: number
  /** When `electionLimit` was last reported: once a minute is enough. */
  limitAlarmAt: number
  /** Binary heap by `at`. */
  readonly timers: Timer[]
  /** The sets of contenders in use, by their text: ten thousand elections with the same ones share one map. */
  readonly contenderSets: Map<string, ReadonlyMap<ProcessId, number>>
}

/** How a state begins: readings and randomness enter as data. */
export interface Beginning {
  readonly now: number
  /** Reading at process start; the boot wait counts from here (R19). */
  readonly startedAt: number
  /** Any 32-bit number; crypto-random in production (R35). */
  readonly seed: number
  /** Wall clock, ms. Used only by R28 when nobody in the cluster remembers anything. */
  readonly wallMs: number
}

/** The state of a process that has just started with what its storage gave back. */
export function createState(config: CoreConfig, durable: DurableState, beginning: Beginning): State {
  const { timing, self } = config
  const record = durable.process
  const cluster = clusterAtStart(config, durable)
  const isVoter = isMember(config, cluster)
  // who never votes has promised nothing to anybody; who was removed has, and may be a voter again before that is over
  const promises = isVoter || config.membership === true
  const boots = promises && record.maxPromiseMs > 0 && !record.cleanNoPromise
  const state: State = {
    now: beginning.now,
    cluster,
    isVoter,
    membership: config.membership === true ? createMembership(config, cluster, isVoter) : null,
    random: beginning.seed | 0 || 0x9e3779b9,
    bootUntil: boots ? beginning.startedAt + record.maxPromiseMs : beginning.startedAt,
    recovery: config.ephemeral ? createRecovery(config, beginning) : null,
    bootstrapped: new Map(),
    termFloor: Math.max(cluster.termFloor, record.config.termFloor),
    wallAheadMs: config.ephemeral ? beginning.wallMs - beginning.now : Number.NEGATIVE_INFINITY,
    maxPromiseMs: Math.max(record.maxPromiseMs, timing.promiseMs),
    maxPromiseDecidedAt: 0,
    storageFailed: false,
    ended: false,
    decided: 0,
    written: 0,
    waiting: [],
    grantCounter: 0,
    supports: new Map(),
    observers: new Map(),
    round: 0,
    ownRoundAt: Number.NEGATIVE_INFINITY,
    promiseMs: timing.promiseMs,
    spanMs: 0,
    rounds: new Map(),
    nextHeartbeatAt: beginning.now,
    accounts: new Map(),
    elections: new Map(),
    paused: new Set(),
    nextPauseAskAt: beginning.now,
    campaigning: new Set(),
    campaignsEndAt: Number.POSITIVE_INFINITY,
    voted: new Set(),
    standby: new Set(),
    standLimit: STAND_AT_FIRST,
    standLimitCutAt: Number.NEGATIVE_INFINITY,
    crowdAt: Number.NEGATIVE_INFINITY,
    crowd: 0,
    leases: new Map(),
    leaseCounter: 0,
    nonceCounter: 0,
    noticeCounter: 0,
    limitAlarmAt: Number.NEGATIVE_INFINITY,
    timers: [],
    contenderSets: new Map(),
  }
  for (const voter of cluster.voters) {
    if (voter.id !== self) state.accounts.set(voter.id, createAccount(config, voter.kind))
  }
  remember(state, durable)
  return state
}

/** What the storage gave back of elections. */
function remember(state: State, { process, terms }: DurableState): void {
  for (const [name, term] of terms) state.elections.set(name, createElection(name, term))
  for (const [name, pause] of Object.entries(process.pauses ?? {})) {
    const election = state.elections.get(name) ?? createElection(name, 0)
    election.pause = pause
    state.elections.set(name, election)
    if (pause.isPaused) state.paused.add(name)
  }
  // a configuration proves that its term was won (R30)
  if (state.membership !== null) learnMembersTerm(state, state.cluster.term)
}

function createRecovery({ timing }: CoreConfig, { startedAt, wallMs }: Beginning): Recovery {
  const slack = (1 + timing.rho) / (1 - timing.rho)
  return {
    until: startedAt + (timing.maxPromiseMs + timing.campaignMs) * slack,
    nonce: 1,
    proposal: Math.floor(wallMs),
    answers: new Map(),
    nextAskAt: 0,
  }
}

/** Where members change the durable configuration is newer than the one that the process was started with (R29). */
function clusterAtStart(
  { cluster, membership }: CoreConfig,
  { process: { config } }: DurableState,
): ClusterConfig {
  if (membership !== true) return cluster
  const { term, version, termFloor, voters } =
    config.voters === undefined ? cluster : { ...config, voters: config.voters }
  const known = voters.map(({ id, kind, storageId = null, address = null }) => ({
    id,
    kind,
    storageId,
    address,
  }))
  return { term, version, termFloor, voters: known }
}

/** The election whose leader alone changes the configuration (`membership.ts`). No service can have one of that name. */
export const MEMBERS: ElectionName = '@members'

/** Nobody votes for an earlier leader of `@members` than the one that made this configuration (R30, R32 b). */
export function learnMembersTerm(state: State, term: Term): void {
  const election = state.elections.get(MEMBERS) ?? createElection(MEMBERS, 0)
  state.elections.set(MEMBERS, election)
  election.slot.knownTerm = Math.max(election.slot.knownTerm, term)
}

/** Does this process vote under that configuration? A voter is a name *and* a storage (R25, R26). */
export function isMember({ self, storageId }: CoreConfig, { voters }: ClusterConfig): boolean {
  const own = voters.find(({ id }) => id === self)
  return own !== undefined && (own.storageId ?? storageId) === storageId
}

function createMembership(
  { self }: CoreConfig,
  { term, voters }: ClusterConfig,
  isVoter: boolean,
): Membership {
  const founders = term === 0 && isVoter ? voters.filter(({ id }) => id !== self) : []
  return {
    installing: null,
    unmet: new Set(founders.map(({ id }) => id)),
    strangers: new Map(),
    acks: new Map(),
    settledAt: Number.POSITIVE_INFINITY,
    wanted: null,
  }
}

/** What is known of a voter that was never met. */
export function createAccount({ timing }: CoreConfig, kind: VoterKind): Account {
  return {
    kind,
    incarnation: 0,
    connected: false,
    connectedAt: Number.NEGATIVE_INFINITY,
    rho: timing.rho,
    deltaMs: timing.deltaMs,
    untilByGrant: new Map(),
    grant: null,
    grantRound: 0,
    lastAnsweredSend: Number.NEGATIVE_INFINITY,
    roundTripMs: null,
    facts: new Map(),
    contentions: new Map(),
    pauses: new Set(),
    unasked: new Set(),
    unsentFacts: [],
    unsentContentions: [],
    repeatedAt: Number.NEGATIVE_INFINITY,
    newFacts: 0,
    newContentions: 0,
  }
}

/** What nothing was put into yet; an election that idles has no map of its own, and none is ever changed in place. */
export const NONE: ReadonlyMap<ProcessId, never> = new Map<ProcessId, never>()

/** An election as a process first knows it: free, nobody contends. */
export function createElection(name: ElectionName, durableTerm: Term): Election {
  return {
    name,
    slot: { knownTerm: durableTerm, binding: null },
    decidedTerm: durableTerm,
    decidedAt: 0,
    parked: null,
    contending: false,
    priority: 0,
    preferring: null,
    lead: null,
    campaign: null,
    topTerm: 0,
    evidence: false,
    jumpedAt: Number.NEGATIVE_INFINITY,
    attemptAt: Number.POSITIVE_INFINITY,
    freeAt: Number.NEGATIVE_INFINITY,
    notBefore: Number.NEGATIVE_INFINITY,
    standsBack: false,
    failures: 0,
    successor: null,
    contenders: NONE,
    listed: NONE,
    lastLeader: null,
    role: 'follower',
    leader: null,
    leaderTerm: 0,
    notices: NONE,
    pause: null,
    pauseDecidedAt: 0,
    lastRefusals: NONE,
  }
}
