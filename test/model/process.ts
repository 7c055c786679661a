/**
 * One process inside the exploration: the shipping core's own `State`, seen from its own chair.
 *
 * A process calls itself `a` and the others `b`, `c`, ... in the order in which they sit around the table, so one
 * description serves every seat. Its clock always reads `BASE`; every instant is a distance from that. Every life that
 * goes on is called `LIFE`, the one before it `LIFE - 1`. Here: how processes are made, copied, mirrored, and how their
 * time passes. What is forgotten of them: `canonical.ts`. Read first: `README.md`.
 */
import type { Certificate, CoreConfig, createState, Election, Lead, State, step } from '../../src/core'

/** The two functions of the core that the exploration calls; a mutant brings its own. */
export interface Core {
  readonly step: typeof step
  readonly createState: typeof createState
}

/** What every clock reads, in ticks. */
export const BASE = 1_000
/** Incarnation of every life that goes on. */
export const LIFE = 9
export const NAME = 'e'
/** Names of the processes as one of them sees them: itself, the next one, the one after it, ... */
const LETTERS = 'abcde'

/** What a process has to know of the bounds of an exploration. */
export interface Bounds {
  /** Members, all of them voters: 2 to 5. */
  readonly members: number
  /** D, in ticks. */
  readonly promise: number
  /** Clock-rate bound that len(D) assumes. */
  readonly rho: number
}

/** What the process at that offset is called. */
export function letter(offset: number): string {
  return LETTERS[offset] as string
}

/** The offset of the process with that name. */
export function offsetOf(name: string): number {
  return LETTERS.indexOf(name)
}

export function diskOf(name: string): string {
  return `disk-${name}`
}

/** The configuration of a process: neither pre-vote nor succession, so that chance and order play no part. */
export function configOf({ members, promise, rho }: Bounds): CoreConfig {
  const ids = [...LETTERS].slice(0, members)
  return {
    self: letter(0),
    incarnation: LIFE,
    storageId: diskOf(letter(0)),
    cluster: { term: 0, version: 1, termFloor: 0, voters: ids.map((id) => ({ id, kind: 'peer' })) },
    timing: {
      promiseMs: promise,
      heartbeatMs: 1,
      campaignMs: 1_000_000,
      stepMs: 1,
      rho,
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

/** A process that starts now with that durable term, and contends. `boots`: a former life may have left promises (R19). */
export function startProcess(core: Core, bounds: Bounds, term: number, boots: boolean): State {
  const config = configOf(bounds)
  const process = {
    format: 1,
    clusterId: 'model',
    nodeId: config.self,
    storageId: config.storageId,
    incarnation: LIFE,
    config: { term: 0, version: 1, termFloor: 0 },
    maxPromiseMs: boots ? bounds.promise : 0,
    cleanNoPromise: !boots,
    pins: {},
  } as const
  const beginning = { now: BASE, startedAt: BASE, seed: 1, wallMs: 1 }
  const state = core.createState(config, { process, terms: new Map([[NAME, term]]) }, beginning)
  electionIn(state).contending = true
  setDiskTerm(state, term)
  return state
}

/** Every process has met every other: exploration begins with the protocol, not with greetings. */
export function linkAll(state: State): State {
  for (const [peer, account] of state.accounts) {
    account.connected = true
    account.incarnation = LIFE
    account.lastAnsweredSend = BASE
    account.connectedAt = BASE
    state.supports.set(peer, {
      incarnation: LIFE,
      storageId: diskOf(peer),
      ended: false,
      grant: null,
      until: BASE,
      lastRound: 0,
      bound: new Set(),
      heldAcks: [],
    })
  }
  return state
}

export function electionIn(state: State): Election {
  const election = state.elections.get(NAME)
  if (election === undefined) throw new Error('a process of the model always has its election')
  return election
}

/** The core's state, and what is on the disk of the process: less than what was decided while a write is under way. */
type Seated = State & { diskTerm?: number }

/** The term that the next life would start with. */
export function diskTerm(state: State): number {
  return (state as Seated).diskTerm ?? 0
}

/** A write with everything decided so far is done, or has been forgotten. */
export function setDiskTerm(state: State, term: number): void {
  ;(state as Seated).diskTerm = term
}

/** Whether what was just decided is a vote for oneself: that write takes as long as it likes (A.10.7). */
export function writesOwnVote(state: State, self = letter(0)): boolean {
  const { slot, decidedTerm } = electionIn(state)
  return slot.binding !== null && slot.binding.leader === self && slot.binding.term === decidedTerm
}

/** When the lease ends (R13), or BASE if there is none. */
export function leaseEnd(state: State): number {
  const { lead } = electionIn(state)
  return lead === null ? BASE : Math.max(BASE, state.leases.get(lead.lease)?.until ?? BASE)
}

/** The process one tick of its own clock later, still reading `BASE`; in place. */
export function passTick(state: State): void {
  state.bootUntil -= 1
  for (const support of state.supports.values()) support.until -= 1
  for (const account of state.accounts.values()) {
    for (const [grant, until] of account.untilByGrant) account.untilByGrant.set(grant, until - 1)
  }
  for (const lease of state.leases.values()) lease.until -= 1
}

// --- copies and mirrors -------------------------------------------------------------------------------------------------

/** A copy that `step` may change. */
export function cloneState(state: State): State {
  return {
    ...state,
    waiting: [...state.waiting],
    timers: [],
    campaigning: new Set(state.campaigning),
    voted: new Set(state.voted),
    bootstrapped: new Map(),
    rounds: new Map(state.rounds),
    supports: mapValues(state.supports, (s) => ({ ...s, bound: new Set(s.bound), heldAcks: [] })),
    accounts: mapValues(state.accounts, (a) => ({
      ...a,
      untilByGrant: new Map(a.untilByGrant),
      facts: new Map(),
      contentions: new Map(),
      unasked: new Set(a.unasked),
    })),
    leases: mapValues(state.leases, (l) => ({ ...l, elections: new Set(l.elections) })),
    elections: mapValues(state.elections, cloneElection),
  }
}

function cloneElection(e: Election): Election {
  const { lead, campaign } = e
  return {
    ...e,
    slot: { ...e.slot },
    contenders: new Map(),
    notices: new Map(),
    lead: lead === null ? null : { ...lead },
    campaign:
      campaign === null
        ? null
        : {
            ...campaign,
            grants: new Map(campaign.grants),
            refusals: null,
          },
  }
}

/** Elections may share what they are bound by: it is replaced. Nothing left: that voter is not bound. */
export function rebind(lead: Lead | null, voter: string, grants: Iterable<string>): void {
  if (lead === null) return
  const bound = new Map(lead.bound)
  const distinct = [...new Set(grants)]
  if (distinct.length === 0) bound.delete(voter)
  else bound.set(voter, distinct)
  lead.bound = bound
}

function mapValues<K, V, W>(map: ReadonlyMap<K, V>, change: (value: V) => W): Map<K, W> {
  const result = new Map<K, W>()
  for (const [key, value] of map) result.set(key, change(value))
  return result
}

/** The same certificate with its holder called something else. */
export function renameCertificate(certificate: Certificate, rename: (name: string) => string): Certificate {
  const leader = rename(certificate.leader)
  return { ...certificate, leader, storageId: diskOf(leader) }
}

/** What a process is called when everybody sits the other way round. */
export function mirrorName(name: string, members: number): string {
  return letter((members - offsetOf(name)) % members)
}

/** A copy of the process as it is when everybody sits the other way round. */
export function mirrorState(state: State, members: number): State {
  return renamedState(state, (name) => mirrorName(name, members))
}

/** A copy in which every process is called something else. */
export function renamedState(state: State, rename: (name: string) => string): State {
  const reorder = <V>(map: Map<string, V>): void => {
    const entries = [...map].map(([id, value]) => [rename(id), value] as const)
    map.clear()
    for (const [id, value] of entries.sort(([x], [y]) => (x < y ? -1 : 1))) map.set(id, value)
  }
  const s = cloneState(state)
  reorder(s.accounts)
  reorder(s.supports)
  for (const [id, support] of s.supports) if (support.storageId !== null) support.storageId = diskOf(id)
  const election = electionIn(s)
  const { slot, lead, campaign } = election
  if (slot.binding !== null) slot.binding = { ...slot.binding, leader: rename(slot.binding.leader) }
  if (lead !== null) {
    const bound = new Map(lead.bound)
    reorder(bound)
    lead.bound = bound
  }
  if (campaign !== null) {
    reorder(campaign.grants)
    const certificate = campaign.certificate && renameCertificate(campaign.certificate, rename)
    election.campaign = { ...campaign, certificate }
  }
  return s
}
