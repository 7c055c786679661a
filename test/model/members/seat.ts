/**
 * One process of a cluster whose members change, as the exploration keeps it: the shipping core's own `State`, brought into
 * a form in which equal ones behave alike. Everything that is left in it is part of what a state is (`encode`): whatever
 * makes no difference has to be put away here, by name. Why each of it makes none: `../README.md`. Read next: `behaviour.ts`.
 */
import type { ClusterConfig, CoreConfig, Election, Lead, State } from '../../../src/core'
import { BASE, type Core, cloneState } from '../process'

/** The election whose leader changes the voters. */
export const MEMBERS = '@members'
/** Any other election. */
export const WORK = 'e'
/** The round of a heartbeat that leaves now; one that left a tick ago has the number before. */
export const ROUND = 10

/** How far an exploration of changing members goes. */
export interface MemberLimits {
  /** Who votes at the start, and who else is there. Names in order, one letter each. */
  readonly voters: string
  readonly others: string
  /** Elections that are stood for. Without `@members` the first voter leads that for ever, and only changes voters. */
  readonly elections: readonly string[]
  /** Highest terms. Each election had term 1 before the exploration begins: below 2 the floor would let nobody win. */
  readonly maxTerm: Readonly<Record<string, number>>
  /** Changes of voters, one after the other. */
  readonly changes: number
  /**
   * Sets of voters that somebody may ask for; the core takes those that are one voter away from its own. A capital letter is
   * the process of that name with the disk that it has after it lost the first one.
   */
  readonly targets: readonly string[]
  readonly crashes: number
  /** Who may lose its disk, once, and comes back with an empty one (R26): one of the voters, or nobody. */
  readonly loses: string
  /** Nobody is kept out by the storage that it shows (R25): the core alone has to do without its vote. */
  readonly isOpen: boolean
  /** No heartbeat overtakes a request or an announcement of its sender: a session begins with one of these. */
  readonly inOrder: boolean
  /** Who stands in these elections. */
  readonly contenders: string
  /** Who leads the first of them at the start, in term 2, by the word of everybody; or nobody. */
  readonly leader: string
  /** For so many ticks the clock of whoever leads `@members` may stand still: then only what needs no clock has to hold. */
  readonly stops: number
  /** D, in ticks. At least 2: with 1 no leader of `@members` lives through the wait of R72. */
  readonly promise: number
  readonly maxStates: number
}

/** Everybody, in order. */
export function everybody({ voters, others }: MemberLimits): string[] {
  return [...(voters + others)].sort()
}

/** A process counts its lives anew on another disk: a life is a number for each of those on one disk, and this for the next. */
const ANOTHER_DISK = 4

/** What a process calls its life, and what it calls its disk in it. */
export function incarnationOf(life: number): number {
  return life % ANOTHER_DISK
}

export function diskOf(id: string, life = 1): string {
  return life < ANOTHER_DISK ? `disk-${id}` : `disk-${id.toUpperCase()}`
}

/** The life of that number on that disk. */
export function lifeOf(incarnation: number, storageId: string | null | undefined): number {
  return storageId != null && /[A-Z]$/.test(storageId) ? incarnation + ANOTHER_DISK : incarnation
}

/** A configuration of these voters, each with its storage. */
export function voterList(letters: Iterable<string>): ClusterConfig['voters'] {
  return [...letters].map((letter) => ({
    id: letter.toLowerCase(),
    kind: 'peer',
    storageId: `disk-${letter}`,
    address: null,
  }))
}

export function configOf(limits: MemberLimits, self: string, life: number): CoreConfig {
  return {
    self,
    incarnation: incarnationOf(life),
    storageId: diskOf(self, life),
    cluster: {
      term: 0,
      version: 1,
      termFloor: 0,
      voters: [...limits.voters].map((id) => ({ id, kind: 'peer' })),
    },
    membership: true,
    timing: {
      promiseMs: limits.promise,
      heartbeatMs: 1,
      campaignMs: 1_000_000,
      stepMs: 1,
      rho: 0,
      deltaMs: 0,
      backoffMs: 1,
      backoffMaxMs: 1,
      minPromiseMs: 1,
      maxPromiseMs: 1_000,
    },
    preVote: false,
    succession: false,
    maxElections: 4,
    ephemeral: false,
  }
}

/** What is on a disk. */
export interface Disk {
  readonly terms: ReadonlyMap<string, number>
  /** Null: only what the process was started with. */
  readonly cluster: ClusterConfig | null
}

/** The founding is over: all hold configuration 1.1, which the leader of `@members` in term 1 made. `e` had a term, too. */
export function foundedDisk({ voters }: MemberLimits): Disk & { readonly cluster: ClusterConfig } {
  const terms = new Map([MEMBERS, WORK].map((name) => [name, 1]))
  return { terms, cluster: { term: 1, version: 1, termFloor: 0, voters: voterList(voters) } }
}

/** Nothing at all: who begins so founds, or forgot. */
export const EMPTY_DISK: Disk & { readonly life: number } = {
  terms: new Map(),
  cluster: null,
  life: ANOTHER_DISK + 1,
}

/** A process that begins a life with that disk, and has no session with anybody yet. */
export function startSeat(
  core: Core,
  limits: MemberLimits,
  config: CoreConfig,
  { terms, cluster }: Disk,
): State {
  const process = {
    format: 1,
    clusterId: 'model',
    nodeId: config.self,
    storageId: config.storageId,
    incarnation: config.incarnation,
    config: cluster ?? { term: 0, version: 1, termFloor: 0 },
    maxPromiseMs: config.incarnation > 1 ? limits.promise : 0,
    cleanNoPromise: config.incarnation === 1,
    pins: {},
  } as const
  const beginning = { now: BASE, startedAt: BASE, seed: 1, wallMs: 1 }
  const state = core.createState(config, { process, terms }, beginning)
  for (const name of limits.elections) {
    if (!state.elections.has(name)) {
      core.step(config, state, { type: 'contend', now: BASE, election: name, contending: true, priority: 0 })
    }
    election(state, name).contending = true
  }
  return state
}

export function election(state: State, name: string): Election {
  const found = state.elections.get(name)
  if (found === undefined) throw new Error(`a process of the model always has ${name}`)
  return found
}

/** What the next life would start with. */
export function diskOfSeat(state: State): Disk {
  const terms = new Map<string, number>()
  for (const [name, { decidedTerm }] of state.elections) terms.set(name, decidedTerm)
  return { terms, cluster: state.cluster.term === 0 ? null : state.cluster }
}

/** A lease that lasts as long as nobody takes it away: of the leader of `@members` that only changes voters. */
const FOR_EVER = 99

/** Makes a process lead `@members` in term 1 for ever. */
export function enthrone(state: State): void {
  const throne = election(state, MEMBERS)
  throne.lead = { term: 1, bound: new Map(), lease: FOR_EVER, frozen: null }
  throne.topTerm = 1
  keepThrone(state)
}

/** The lease for ever is shared with nobody and ends never, whatever a change of voters made of it. */
function keepThrone(state: State): void {
  const lead = state.elections.get(MEMBERS)?.lead
  if (lead == null) return
  for (const [id, lease] of state.leases) {
    lease.elections.delete(MEMBERS)
    if (lease.elections.size === 0) state.leases.delete(id)
  }
  lead.lease = FOR_EVER
  lead.bound = new Map()
  state.leases.set(FOR_EVER, {
    id: FOR_EVER,
    key: 'for ever',
    bound: new Map(),
    until: Number.MAX_SAFE_INTEGER,
    frozen: false,
    elections: new Set([MEMBERS]),
  })
}

export function cloneSeat(state: State): State {
  const { membership } = state
  return {
    ...cloneState(state),
    observers: new Map(),
    contenderSets: new Map(),
    membership:
      membership === null
        ? null
        : {
            ...membership,
            unmet: new Set(membership.unmet),
            strangers: new Map(membership.strangers),
            acks: new Map(membership.acks),
            wanted: membership.wanted && { ...membership.wanted },
          },
  }
}

/** Leads or stands in one of these elections: only then heartbeats matter, and what they were answered. */
export function isBusy(state: State, elections: readonly string[]): boolean {
  return elections.some((name) => {
    const { lead, campaign } = election(state, name)
    return lead !== null || campaign !== null
  })
}

/** Before an input: rounds of this instant and of those before it that still count. */
export function prepare(state: State, { promise }: MemberLimits): void {
  for (let age = 0; age < promise; age++) {
    state.rounds.set(ROUND - age, { sentAt: BASE - age, promiseMs: promise })
  }
}

/** After an input: equal processes become equal texts. */
export function canonicalize(state: State, limits: MemberLimits): void {
  const { elections } = limits
  const busy = isBusy(state, elections)
  if (state.waiting.length > 0) throw new Error('every write of the model is done at once')
  Object.assign(state, {
    now: BASE,
    random: 1,
    bootUntil: Math.max(BASE, state.bootUntil),
    maxPromiseDecidedAt: 0,
    decided: 0,
    written: 0,
    grantCounter: 0,
    round: ROUND,
    ownRoundAt: busy ? BASE : BASE - limits.promise,
    nextHeartbeatAt: BASE + 1_000_000,
    nextPauseAskAt: BASE,
    campaignsEndAt: Number.MAX_SAFE_INTEGER,
    standLimit: 100,
    standLimitCutAt: 0,
    nonceCounter: 0,
    noticeCounter: 0,
    limitAlarmAt: 0,
    crowdAt: 0,
    crowd: 0,
  })
  state.rounds.clear()
  state.timers.length = 0
  state.standby.clear()
  state.observers.clear()
  state.contenderSets.clear()
  for (const each of state.elections.values()) {
    // where nobody else stands it makes no difference who is bound
    if (!elections.includes(each.name)) each.slot.binding = null
    settleElection(state, each, limits.crashes > 0)
  }
  if (!elections.includes(MEMBERS)) keepThrone(state)
  settleSessions(state, limits, busy)
  settleLeases(state)
  settleMembership(state, limits)
}

function settleElection(state: State, each: Election, mayCrash: boolean): void {
  const { slot, campaign, lead } = each
  const held = slot.binding
  if (held !== null && !stands(state, each)) slot.binding = null
  each.parked = null
  each.evidence = false
  each.jumpedAt = 0
  each.attemptAt = Number.POSITIVE_INFINITY
  each.freeAt = 0
  each.notBefore = 0
  each.standsBack = false
  each.failures = 0
  each.successor = null
  each.contenders = new Map()
  each.notices = new Map()
  each.lastLeader = null
  each.leader = null
  each.leaderTerm = 0
  each.lastRefusals = new Map()
  each.decidedAt = 0
  if (!mayCrash) each.decidedTerm = slot.knownTerm
  if (campaign === null && lead === null) each.topTerm = 0
  // asked again with each vote that comes
  if (2 * (campaign?.grants.size ?? 0) <= state.cluster.voters.length) state.voted.delete(each.name)
  if (campaign !== null) {
    each.campaign = { ...campaign, nonce: campaign.term, startedAt: BASE, deadline: Number.MAX_SAFE_INTEGER }
    each.campaign.refusals = null
  }
}

/** Does the binding of that slot bind anybody? */
function stands(state: State, { slot, lead, campaign }: Election): boolean {
  const held = slot.binding
  if (held === null || held.released) return false
  const support = state.supports.get(held.leader)
  if (support === undefined) return lead !== null || campaign !== null
  return support.grant === held.grant && support.incarnation === held.incarnation && support.until > BASE
}

function settleSessions(state: State, limits: MemberLimits, busy: boolean): void {
  sortMap(state.supports)
  sortMap(state.accounts)
  for (const [id, support] of state.supports) {
    support.lastRound = 0
    support.heldAcks = []
    support.bound.clear()
    for (const { name, slot } of state.elections.values()) {
      if (slot.binding?.leader === id) support.bound.add(name)
    }
    if (support.grant === null) support.until = BASE
  }
  for (const account of state.accounts.values()) {
    account.facts.clear()
    account.contentions.clear()
    account.pauses.clear()
    account.unasked.clear()
    account.unsentFacts = []
    account.unsentContentions = []
    account.lastAnsweredSend = BASE
    account.connectedAt = BASE
    account.roundTripMs = null
    account.grant = null
    account.grantRound = 0
    account.repeatedAt = BASE - limits.promise
    account.newFacts = 0
    account.newContentions = 0
    for (const [grant, until] of account.untilByGrant) {
      if (until <= BASE || !busy) account.untilByGrant.delete(grant)
    }
    sortMap(account.untilByGrant)
  }
}

/** Leases are called after the first election that hangs on them, and what hangs on one follows from the bound voters. */
function settleLeases(state: State): void {
  for (const { lead, campaign } of state.elections.values()) {
    if (lead !== null) lead.bound = boundSet(lead)
    if (campaign !== null) sortMap(campaign.grants)
  }
  const names = [...state.elections.keys()]
  const leases = [...state.leases.values()].filter(({ id }) => id !== FOR_EVER)
  const throne = state.leases.get(FOR_EVER)
  state.leases.clear()
  state.leaseCounter = 0
  for (const lease of leases) {
    const id = 1 + Math.min(...[...lease.elections].map((name) => names.indexOf(name)))
    const { lead } = election(state, names[id - 1] as string)
    const bound = lead === null || lease.frozen ? new Map<string, string[]>() : boundSet(lead)
    const key = lease.frozen ? 'frozen' : keyOf(state, bound)
    state.leases.set(id, { ...lease, id, key, bound, until: Math.max(BASE, lease.until) })
    for (const name of lease.elections) {
      const led = election(state, name).lead
      if (led !== null) led.lease = id
    }
    state.leaseCounter = Math.max(state.leaseCounter, id)
  }
  if (throne !== undefined) state.leases.set(FOR_EVER, throne)
  sortMap(state.leases)
}

function boundSet(lead: Lead): Map<string, string[]> {
  const sets = new Map([...lead.bound].map(([voter, grants]) => [voter, [...grants].sort()] as const))
  sortMap(sets)
  return sets
}

/** As `leases.ts` writes it. */
function keyOf({ cluster }: State, bound: ReadonlyMap<string, readonly string[]>): string {
  let key = `${cluster.term}.${cluster.version} `
  for (const { id } of cluster.voters) key += `${bound.get(id)?.join('+') ?? ''}|`
  return key
}

/** Is nobody asked any more for other voters than those of that configuration, or of a newer one? */
export function isLast(version: number, { changes }: MemberLimits): boolean {
  return version > changes
}

function settleMembership(state: State, limits: MemberLimits): void {
  const { membership, cluster } = state
  if (membership === null) return
  if (membership.wanted === null && isLast(cluster.version, limits)) {
    membership.acks.clear()
    membership.settledAt = Number.POSITIVE_INFINITY
  }
  if (membership.wanted !== null) membership.wanted = { ...membership.wanted, nonce: 0 }
  if (membership.settledAt !== Number.POSITIVE_INFINITY) {
    membership.settledAt = Math.max(BASE, membership.settledAt)
  }
  // the floor is the largest of these and of the own terms, so none need tell of less than that
  let ownTerm = state.termFloor
  for (const { slot } of state.elections.values()) ownTerm = Math.max(ownTerm, slot.knownTerm)
  for (const [id, ack] of membership.acks)
    membership.acks.set(id, {
      ...ack,
      maxTerm: Math.max(ack.maxTerm, ownTerm),
      membersTerm: Math.min(ack.membersTerm, ack.term),
    })
  sortMap(membership.acks)
  sortMap(membership.strangers)
  for (const [id, stranger] of membership.strangers)
    membership.strangers.set(id, { ...stranger, sentAt: BASE })
}

function sortMap<K, V>(map: Map<K, V>): void {
  if (map.size < 2) return
  const entries = [...map].sort(([x], [y]) => (x < y ? -1 : 1))
  map.clear()
  for (const [key, value] of entries) map.set(key, value)
}

/** All of a process as a text. Nothing of it is left out. */
export function encode(state: State): string {
  return JSON.stringify(state, (_, value: unknown) => {
    if (value instanceof Map || value instanceof Set) return [...(value as Iterable<unknown>)]
    return value === Number.POSITIVE_INFINITY ? 'never' : value
  })
}
