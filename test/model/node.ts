/**
 * One process inside the exhaustive exploration: the shipping core's own `State`, brought into a canonical form.
 *
 * Canonical means: the clock always reads `BASE`, every instant is kept relative to it and forgotten once it cannot matter
 * any more, rounds count from the present tick, and whatever is liveness or bookkeeping only (timers, back-off, PRNG,
 * owed facts: the network keeps every statement) is reset. Two nodes that can only behave alike have one encoding, so
 * that transitions of single nodes can be remembered and the core is asked once per (node, input).
 */
import { type CoreConfig, createState, type Election, type State } from '../../src/core'

/** What every canonical clock reads, in ticks. */
export const BASE = 1_000
/** Rounds per tick: enough for every round that one node stamps within one tick. */
export const ROUNDS_PER_TICK = 16
/** Round that belongs to the start of the present tick. */
export const BASE_ROUND = BASE * ROUNDS_PER_TICK

export const NAME = 'e'
export const IDS = ['a', 'b', 'c', 'd', 'e'] as const

export interface Bounds {
  /** D, in ticks. */
  readonly promise: number
  /** Clock-rate bound that len(D) assumes. */
  readonly rho: number
  readonly maxTerm: number
  readonly nodes: number
  /**
   * What may be late. `none`: a heartbeat of now is always on its way to every voter, and is heard at once or lost, and
   * so is its ack. `acks`: the newest ack per pair may come up to D late. `all`: heartbeats, too.
   */
  readonly late: 'none' | 'acks' | 'all'
}

export function configOf(index: number, incarnation: number, bounds: Bounds): CoreConfig {
  return {
    self: IDS[index] as string,
    incarnation,
    storageId: `disk-${IDS[index]}`,
    cluster: {
      term: 0,
      version: 1,
      termFloor: 0,
      voters: IDS.slice(0, bounds.nodes).map((id) => ({ id, kind: 'peer' as const })),
    },
    timing: {
      promiseMs: bounds.promise,
      heartbeatMs: 1,
      campaignMs: 1_000_000,
      stepMs: 1,
      rho: bounds.rho,
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

/** A node that has just started, connected to everybody, contending; `term`: its durable term. */
export function startNode(config: CoreConfig, bounds: Bounds, term: number, boots: boolean): State {
  const state = createState(
    config,
    {
      process: {
        format: 1,
        clusterId: 'model',
        nodeId: config.self,
        storageId: config.storageId,
        incarnation: config.incarnation - 1,
        config: { term: 0, version: 1, termFloor: 0 },
        maxPromiseMs: boots ? bounds.promise : 0,
        cleanNoPromise: false,
        pins: {},
      },
      terms: new Map([[NAME, term]]),
    },
    { now: BASE, startedAt: BASE, seed: 1, wallMs: 1 },
  )
  for (const account of state.accounts.values()) {
    account.connected = true
    account.incarnation = 1
    account.lastAnsweredSend = BASE
  }
  const election = state.elections.get(NAME)
  if (election !== undefined) election.contending = true
  return state
}

/** Resets what cannot influence safety, and forgets what has passed. Changes the state in place. */
export function canonical(state: State, bounds: Bounds): State {
  const { promise } = bounds
  state.now = BASE
  state.random = 1
  state.nonceCounter = 0
  state.decided = 0
  state.written = 0
  state.maxPromiseDecidedAt = 0
  state.nextHeartbeatAt = Number.POSITIVE_INFINITY
  state.timers.length = 0
  state.round = 0
  if (state.bootUntil <= BASE) state.bootUntil = 0
  const busy = state.campaigning.size > 0 || state.leases.size > 0
  if (!busy || state.ownRoundAt <= BASE - promise) state.ownRoundAt = Number.NEGATIVE_INFINITY
  if (bounds.late === 'none') state.rounds.clear()
  for (const [round, { sentAt }] of state.rounds) if (sentAt <= BASE - promise) state.rounds.delete(round)
  for (const support of state.supports.values()) {
    if (support.until <= BASE) {
      support.until = BASE
      support.grant = null // judged at every reading (R59): whether the lapse was reported makes no difference
    }
    support.bound.clear()
    if (bounds.late !== 'all' || support.lastRound < BASE_ROUND - (promise + 2) * ROUNDS_PER_TICK) support.lastRound = 0
  }
  for (const account of state.accounts.values()) {
    account.facts.clear()
    account.contentions.clear()
    account.lastAnsweredSend = BASE // every frame may renew: R64 is liveness, its probes have directed tests
    if (bounds.late === 'none' || account.grantRound < BASE_ROUND - (promise + 2) * ROUNDS_PER_TICK) account.grantRound = 0
    for (const [grant, until] of account.untilByGrant) if (until <= BASE) account.untilByGrant.delete(grant)
  }
  const election = state.elections.get(NAME)
  if (election !== undefined) canonicalElection(state, election)
  return state
}

function canonicalElection(state: State, election: Election): void {
  election.decidedAt = 0
  election.parked = null
  election.evidence = false
  election.jumpedAt = Number.NEGATIVE_INFINITY
  election.attemptAt = Number.POSITIVE_INFINITY
  election.freeAt = Number.NEGATIVE_INFINITY
  election.notBefore = Number.NEGATIVE_INFINITY
  election.failures = 0
  election.successor = null
  election.leader = null
  election.leaderTerm = 0
  election.lastRefusals = new Map()
  if (election.campaign !== null) {
    election.campaign.refusals.clear()
    election.campaign.deadline = Number.POSITIVE_INFINITY
  }
  const { lead } = election
  if (lead !== null) {
    const lease = state.leases.get(lead.lease)
    state.leases.clear()
    if (lease !== undefined) {
      const renamed = { ...lease, id: 1, until: Math.max(lease.until, BASE) }
      lead.lease = 1
      state.leases.set(1, renamed)
    }
  }
  state.leaseCounter = 1
}

/** A copy that `step` may change. */
export function cloneNode(state: State): State {
  return {
    ...state,
    waiting: [],
    timers: [],
    campaigning: new Set(state.campaigning),
    bootstrapped: new Map(),
    rounds: new Map(state.rounds),
    supports: new Map(
      [...state.supports].map(([id, s]) => [id, { ...s, bound: new Set<string>(), heldAcks: [] }]),
    ),
    accounts: new Map(
      [...state.accounts].map(([id, a]) => [
        id,
        { ...a, untilByGrant: new Map(a.untilByGrant), facts: new Map(), contentions: new Map() },
      ]),
    ),
    leases: new Map([...state.leases].map(([id, l]) => [id, { ...l, elections: new Set(l.elections) }])),
    elections: new Map([...state.elections].map(([name, e]) => [name, cloneElection(e)])),
  }
}

function cloneElection(e: Election): Election {
  return {
    ...e,
    slot: { ...e.slot },
    contenders: new Map(),
    lead:
      e.lead === null
        ? null
        : { ...e.lead, bound: new Map([...e.lead.bound].map(([v, grants]) => [v, new Map(grants)])) },
    campaign:
      e.campaign === null
        ? null
        : {
            ...e.campaign,
            grants: new Map(e.campaign.grants),
            refusals: new Map(),
            unasked: new Set(e.campaign.unasked),
          },
  }
}

/** A text that is equal for equal canonical states: what the core can tell apart, and nothing else. */
export function encode(incarnation: number, state: State): string {
  const e = state.elections.get(NAME)
  const t = (x: number) => (Number.isFinite(x) ? Math.round((x - BASE) * 16) / 16 : 'x')
  const r = (x: number) => (x === 0 ? 'x' : x - BASE_ROUND)
  const parts: unknown[] = [incarnation, t(state.bootUntil === 0 ? Number.NaN : state.bootUntil), t(state.ownRoundAt)]
  parts.push([...state.rounds].map(([n, { sentAt }]) => [r(n), t(sentAt)]).sort())
  parts.push(
    [...state.supports].map(([id, s]) => [id, s.incarnation, s.ended, s.grant, t(s.until), r(s.lastRound)]).sort(),
  )
  parts.push(
    [...state.accounts]
      .map(([id, a]) => [
        id,
        a.incarnation,
        a.grant,
        r(a.grantRound),
        [...a.untilByGrant].map(([g, u]) => [g, t(u)]).sort(),
      ])
      .sort(),
  )
  if (e !== undefined) {
    parts.push(e.slot.knownTerm, e.slot.binding, e.decidedTerm, e.topTerm)
    if (e.lead !== null) {
      const lease = state.leases.get(e.lead.lease)
      const bound = [...e.lead.bound].map(([v, g]) => [v, [...g].sort()]).sort()
      parts.push('L', e.lead.term, e.lead.frozen, t(lease?.until ?? 0), bound)
    }
    if (e.campaign !== null) {
      const { term, nonce, durable, grants, certificate, unasked } = e.campaign
      parts.push('C', term, nonce, durable, [...grants].sort(), certificate, [...unasked].sort())
    }
  }
  return JSON.stringify(parts)
}

/**
 * The same node when time has passed, still reading `BASE`: everything moves back. `own`: its own clock ticked;
 * `ticked`: the processes whose clocks did (rounds count by the clock of whoever stamped them).
 */
export function later(state: State, bounds: Bounds, own: boolean, ticked: ReadonlySet<string>): State {
  const s = cloneNode(state)
  for (const [id, support] of s.supports) {
    if (support.lastRound > 0 && ticked.has(id)) support.lastRound -= ROUNDS_PER_TICK
  }
  if (!own) return canonical(s, bounds)
  s.bootUntil -= 1
  s.ownRoundAt -= 1
  const rounds = [...s.rounds]
  s.rounds.clear()
  for (const [n, { sentAt, promiseMs }] of rounds) s.rounds.set(n - ROUNDS_PER_TICK, { sentAt: sentAt - 1, promiseMs })
  for (const support of s.supports.values()) support.until -= 1
  for (const account of s.accounts.values()) {
    if (account.grantRound > 0) account.grantRound -= ROUNDS_PER_TICK
    for (const [g, until] of account.untilByGrant) account.untilByGrant.set(g, until - 1)
  }
  for (const lease of s.leases.values()) lease.until -= 1
  return canonical(s, bounds)
}

/** Every grant that the node still names, as `voter grant`: its own ones and those that it was given. */
export function grantsOf(self: string, state: State): string[] {
  const grants: string[] = []
  const name = (voter: string, grant: string | null) => {
    if (grant !== null) grants.push(`${voter} ${grant}`)
  }
  for (const { grant } of state.supports.values()) name(self, grant)
  for (const [voter, account] of state.accounts) {
    name(voter, account.grant)
    for (const grant of account.untilByGrant.keys()) name(voter, grant)
  }
  const election = state.elections.get(NAME)
  if (election?.slot.binding != null) name(self, election.slot.binding.grant)
  for (const [voter, bound] of election?.lead?.bound ?? []) for (const grant of bound.keys()) name(voter, grant)
  for (const [voter, grant] of election?.campaign?.grants ?? []) name(voter, grant)
  return grants
}

/** isValid() of that node at this instant (R14). */
export function holdsLease(state: State): boolean {
  const lead = state.elections.get(NAME)?.lead
  return lead != null && BASE < (state.leases.get(lead.lease)?.until ?? 0)
}
