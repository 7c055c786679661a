/**
 * One process inside the exploration: the shipping core's own `State` in a canonical form.
 *
 * A process is described by what *it* can see: it calls itself `a` and the others `b`, `c`, ... in the order in which they
 * sit around the table, its clock always reads `BASE`, every instant is a distance from that, and a grant that still
 * matters is `<incarnation>.1`. Whatever can no longer influence anything is reset. So nodes that can only behave alike
 * are equal, wherever they sit and whenever they get there, and the core is asked once per (node, input).
 *
 * Why each reset loses nothing is said in `explore.ts`, and checked by `model.test.ts` against runs without any reset.
 */
import { type Certificate, type CoreConfig, createState, type Election, type Lead, type State } from '../../src/core'

/** What every clock reads, in ticks. */
export const BASE = 1_000
export const NAME = 'e'
/** Names of the processes as one of them sees them: itself, the next one, the one after it, ... */
export const LETTERS = ['a', 'b', 'c', 'd', 'e'] as const
/** The number that the first grant made in a step gets: above every number in use (R58). */
export const FRESH = 1_000
/** A grant that can count for nothing any more, whichever it was. */
export const OVER = 'over'

/** What the canonical form has to know of the exploration. */
export interface Bounds {
  readonly nodes: number
  /** D, in ticks. */
  readonly promise: number
  /** Clock-rate bound that len(D) assumes. */
  readonly rho: number
}

/** Rules that the canonical form relies on. A core that breaks one is explored without the reset that relies on it. */
export interface Presumed {
  /** R59: a grant that ran out never stands again, so nobody needs to know that there was one. */
  readonly lapseIsFinal: boolean
  /** R60: a vote under a grant that is over counts for nothing, so nobody needs to remember it. */
  readonly overCountsNothing: boolean
}

/** How the names of grants changed when a state was brought into canonical form. */
export interface Renamed {
  /** Bit `o`: the grant that this process had given to the one at offset `o` has ended. */
  readonly retired: number
  /** Grants, given to this process, that it counts no longer. */
  readonly expired: readonly { readonly voter: number; readonly grant: string }[]
}

export function letter(offset: number): string {
  return LETTERS[offset] as string
}

export function diskOf(name: string): string {
  return `disk-${name}`
}

export function configOf(incarnation: number, bounds: Bounds): CoreConfig {
  return {
    self: letter(0),
    incarnation,
    storageId: diskOf(letter(0)),
    cluster: {
      term: 0,
      version: 1,
      termFloor: 0,
      voters: LETTERS.slice(0, bounds.nodes).map((id) => ({ id, kind: 'peer' as const })),
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

/** A process that has just started with that durable term and contends; `boots`: it has made promises in a former life. */
export function startNode(incarnation: number, bounds: Bounds, term: number, boots: boolean): State {
  const config = configOf(incarnation, bounds)
  const state = createState(
    config,
    {
      process: {
        format: 1,
        clusterId: 'model',
        nodeId: config.self,
        storageId: config.storageId,
        incarnation: incarnation - 1,
        config: { term: 0, version: 1, termFloor: 0 },
        maxPromiseMs: boots ? bounds.promise : 0,
        cleanNoPromise: false,
        pins: {},
      },
      terms: new Map([[NAME, term]]),
    },
    { now: BASE, startedAt: BASE, seed: 1, wallMs: 1 },
  )
  electionIn(state).contending = true
  return state
}

/** Every process has met the first life of every other: exploration begins with the protocol, not with greetings. */
export function linkAll(state: State): State {
  for (const [peer, account] of state.accounts) {
    account.connected = true
    account.incarnation = 1
    account.lastAnsweredSend = BASE
    state.supports.set(peer, {
      incarnation: 1,
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
  if (election === undefined) throw new Error('a node of the model always has its election')
  return election
}

/** isValid() at this instant (R14). */
export function holdsLease(state: State): boolean {
  const { lead } = electionIn(state)
  return lead !== null && BASE < (state.leases.get(lead.lease)?.until ?? 0)
}

// --- canonical form -------------------------------------------------------------------------------------------------

/** The present grant given to each offset, before a step. */
export function presentGrants(state: State, bounds: Bounds): (string | null)[] {
  return LETTERS.slice(0, bounds.nodes).map((id) => state.supports.get(id)?.grant ?? null)
}

/**
 * Brings a state into canonical form, in place. `before`: what `presentGrants` said before the step.
 * Throws a text that begins with `R58` if a new grant has a name that may have been used before.
 */
export function canonicalize(
  state: State,
  incarnation: number,
  bounds: Bounds,
  presumed: Presumed,
  before: readonly (string | null)[],
): Renamed {
  resetBookkeeping(state)
  for (const support of state.supports.values()) {
    if (support.until > BASE) continue
    support.until = BASE
    if (presumed.lapseIsFinal) support.grant = null
  }
  for (const account of state.accounts.values()) {
    for (const [grant, until] of account.untilByGrant) {
      const snapped = snap(until)
      if (snapped <= BASE) account.untilByGrant.delete(grant)
      else account.untilByGrant.set(grant, snapped)
    }
  }
  const idle = state.campaigning.size === 0 && electionIn(state).lead === null
  if (idle) {
    for (const account of state.accounts.values()) {
      account.untilByGrant.clear()
      account.grant = null
    }
  }
  const retired = renameGiven(state, incarnation, bounds, before)
  const expired = forgetHeld(state, bounds, presumed)
  canonicalElection(state, incarnation)
  return { retired, expired }
}

/** Sixteenths of a tick: len(D) is a quotient, and equal instants have to be equal numbers. */
function snap(instant: number): number {
  return Number.isFinite(instant) ? BASE + Math.round((instant - BASE) * 16) / 16 : instant
}

/** Whatever only says when something is tried, or has been answered for good within the step. */
function resetBookkeeping(state: State): void {
  state.now = BASE
  state.random = 1
  state.nonceCounter = 0
  state.decided = 0
  state.written = 0
  state.maxPromiseDecidedAt = 0
  state.grantCounter = 0
  state.nextHeartbeatAt = Number.POSITIVE_INFINITY
  state.timers.length = 0
  state.waiting.length = 0
  state.round = 0
  state.rounds.clear()
  state.leaseCounter = 1
  if (state.bootUntil <= BASE) state.bootUntil = 0
  // whoever leads or campaigns stamps a round each interval, whether or not a frame leaves (R13)
  const busy = state.campaigning.size > 0 || state.leases.size > 0
  state.ownRoundAt = busy ? BASE : Number.NEGATIVE_INFINITY
  for (const support of state.supports.values()) {
    support.bound.clear()
    support.lastRound = 0
  }
  for (const account of state.accounts.values()) {
    account.facts.clear()
    account.contentions.clear()
    account.lastAnsweredSend = BASE
    account.grantRound = 0
  }
}

/** Names the grants that this process gives: the present one is `.1`; a binding under any other is over. */
function renameGiven(
  state: State,
  incarnation: number,
  bounds: Bounds,
  before: readonly (string | null)[],
): number {
  const { slot } = electionIn(state)
  let retired = 0
  for (let offset = 1; offset < bounds.nodes; offset++) {
    const id = letter(offset)
    const support = state.supports.get(id)
    const grant = support?.grant ?? null
    const was = before[offset] ?? null
    if (was !== null && grant !== was) retired |= 1 << offset
    const held = slot.binding
    if (held !== null && held.leader === id) {
      const stands = !held.released && grant === held.grant && support?.incarnation === held.incarnation
      slot.binding = { ...held, grant: stands ? `${incarnation}.1` : OVER }
    }
    if (support === undefined || grant === null || grant === was) continue
    if (grant !== freshGrant(incarnation)) throw new Error(`R58: ${grant} is not a grant that was never used`)
    support.grant = `${incarnation}.1`
  }
  return retired
}

/** The name that the first new grant of a step must have. */
export function freshGrant(incarnation: number): string {
  return `${incarnation}.${FRESH + 1}`
}

/** `<incarnation>.<n>` with n > 1: a grant that has ended at its voter, but which its holder still counts. */
function isRetired(grant: string): boolean {
  return grant !== OVER && !grant.endsWith('.1')
}

/** Forgets grants that ended at their voter and are not counted here any more. */
function forgetHeld(state: State, bounds: Bounds, presumed: Presumed): { voter: number; grant: string }[] {
  const expired: { voter: number; grant: string }[] = []
  for (let voter = 1; voter < bounds.nodes; voter++) {
    for (const grant of heldNames(state, letter(voter))) {
      if (grant === OVER) renameHeld(state, letter(voter), OVER, OVER, presumed)
      if (!isRetired(grant) || state.accounts.get(letter(voter))?.untilByGrant.has(grant)) continue
      renameHeld(state, letter(voter), grant, OVER, presumed)
      expired.push({ voter, grant })
    }
  }
  return expired
}

function heldNames(state: State, voter: string): Set<string> {
  const { lead, campaign } = electionIn(state)
  const names = new Set<string>(lead?.bound.get(voter)?.keys())
  const account = state.accounts.get(voter)
  for (const grant of account?.untilByGrant.keys() ?? []) names.add(grant)
  if (account?.grant != null) names.add(account.grant)
  const granted = campaign?.grants.get(voter)
  if (granted !== undefined) names.add(granted)
  return names
}

/** Renames one grant, given by `voter`, wherever this process holds it. */
function renameHeld(state: State, voter: string, from: string, to: string, presumed: Presumed): void {
  const account = state.accounts.get(voter)
  const { lead, campaign } = electionIn(state)
  const until = account?.untilByGrant.get(from)
  if (from !== to && account !== undefined && until !== undefined) {
    account.untilByGrant.delete(from)
    account.untilByGrant.set(to, until)
  }
  const forgotten = to === OVER && presumed.overCountsNothing
  if (account?.grant === from) account.grant = forgotten ? null : to
  const grants = lead?.bound.get(voter)
  const term = grants?.get(from)
  if (grants !== undefined && term !== undefined) {
    grants.delete(from)
    if (!forgotten) grants.set(to, Math.max(term, grants.get(to) ?? 0))
    if (grants.size === 0) lead?.bound.delete(voter)
  }
  if (campaign?.grants.get(voter) === from) {
    if (forgotten) campaign.grants.delete(voter)
    else campaign.grants.set(voter, to)
  }
}

/**
 * The voter at that offset has ended its present grant for this process: it becomes a retired one while it is counted,
 * else it is over. Changes the state in place; returns the new name, or null if this process does not hold the grant.
 */
export function retire(state: State, voter: number, presumed: Presumed): { from: string; to: string } | null {
  const id = letter(voter)
  const names = heldNames(state, id)
  const from = [...names].find((name) => name !== OVER && !isRetired(name))
  if (from === undefined) return null
  let to = OVER
  if (state.accounts.get(id)?.untilByGrant.has(from)) {
    const life = from.slice(0, from.indexOf('.'))
    let number = 2
    while (names.has(`${life}.${number}`)) number += 1
    to = `${life}.${number}`
  }
  renameHeld(state, id, from, to, presumed)
  canonicalLease(state)
  return { from, to }
}

function renumbered(grant: string): string {
  return grant === OVER ? grant : `1${grant.slice(grant.indexOf('.'))}`
}

/** Calls the life of the process at that offset (0: this one) its first. */
export function renumber(state: State, offset: number): void {
  const id = letter(offset)
  const { slot, lead, campaign } = electionIn(state)
  if (slot.binding?.leader === id) slot.binding = { ...slot.binding, incarnation: 1 }
  if (offset === 0) {
    for (const support of state.supports.values()) if (support.grant !== null) support.grant = renumbered(support.grant)
    const held = slot.binding
    if (held !== null && held.leader !== id) slot.binding = { ...held, grant: renumbered(held.grant) }
    return
  }
  const support = state.supports.get(id)
  if (support !== undefined) support.incarnation = 1
  const account = state.accounts.get(id)
  if (account !== undefined) {
    account.incarnation = Math.min(account.incarnation, 1)
    if (account.grant !== null) account.grant = renumbered(account.grant)
    const entries = [...account.untilByGrant]
    account.untilByGrant.clear()
    for (const [grant, until] of entries) account.untilByGrant.set(renumbered(grant), until)
  }
  const grants = lead?.bound.get(id)
  if (grants !== undefined) lead?.bound.set(id, new Map([...grants].map(([g, t]) => [renumbered(g), t])))
  const granted = campaign?.grants.get(id)
  if (granted !== undefined) campaign?.grants.set(id, renumbered(granted))
  canonicalLease(state)
}

/** Forgets the session of the process at that offset. */
export function dropSupport(state: State, offset: number): void {
  const support = state.supports.get(letter(offset))
  if (support === undefined) return
  support.grant = null
  support.until = BASE
}

/** Forgets what the voter at that offset is counted for. */
export function dropAccount(state: State, offset: number): void {
  const account = state.accounts.get(letter(offset))
  account?.untilByGrant.clear()
  if (account !== undefined) account.grant = null
}

/** Forgets that a term was released. */
export function dropMark(state: State): void {
  const { slot } = electionIn(state)
  if (slot.binding?.released === true) slot.binding = null
}

function canonicalElection(state: State, incarnation: number): void {
  const election = electionIn(state)
  const { slot, lead, campaign } = election
  for (const [voter, grants] of lead?.bound ?? []) if (grants.size === 0) lead?.bound.delete(voter)
  for (const [voter, account] of state.accounts) {
    const { grant } = account
    if (grant === null || account.untilByGrant.has(grant)) continue
    if (lead?.bound.get(voter)?.has(grant) !== true) account.grant = null
  }
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
  election.role = 'follower'
  election.lastRefusals = new Map()
  if (campaign !== null) {
    campaign.refusals.clear()
    campaign.deadline = Number.POSITIVE_INFINITY
  }
  // whoever neither leads nor campaigns has sent its release; the next campaign sets its own top term
  if (lead === null && campaign === null) election.topTerm = 0
  const held = slot.binding
  if (held !== null) {
    const own = held.leader === letter(0)
    const active = own
      ? held.incarnation === incarnation && !held.released && (lead !== null || campaign !== null)
      : held.grant !== OVER
    if (!active) {
      const marks = held.released && !own && held.term === slot.knownTerm
      slot.binding = marks ? { ...held, led: false } : null
    }
  }
  canonicalLease(state)
}

/** One election has one lease at most; what hangs on it follows from the bound set. */
function canonicalLease(state: State): void {
  const { lead } = electionIn(state)
  if (lead === null) {
    state.leases.clear()
    return
  }
  const former = state.leases.get(lead.lease)
  state.leases.clear()
  if (former === undefined) return
  lead.lease = 1
  const until = Math.max(snap(former.until), BASE)
  const bound = former.frozen ? former.bound : boundSet(lead)
  const key = former.frozen ? former.key : keyOf(state, bound)
  state.leases.set(1, { ...former, id: 1, key, bound, until, elections: new Set([NAME]) })
}

function boundSet(lead: Lead): Map<string, string[]> {
  const sets = new Map<string, string[]>()
  for (const [voter, grants] of [...lead.bound].sort(([x], [y]) => (x < y ? -1 : 1))) {
    const kept = [...grants].filter(([, term]) => term >= lead.term).map(([grant]) => grant)
    if (kept.length > 0) sets.set(voter, kept.sort())
  }
  return sets
}

function keyOf(state: State, bound: ReadonlyMap<string, readonly string[]>): string {
  let key = ''
  for (const id of LETTERS.slice(0, state.accounts.size + 1)) key += `${bound.get(id)?.join('+') ?? ''}|`
  return key
}

/** The same node one tick of its own clock later, still reading `BASE`. In place; `canonicalize` follows. */
export function passTick(state: State): void {
  state.bootUntil -= 1
  for (const support of state.supports.values()) support.until -= 1
  for (const account of state.accounts.values()) {
    for (const [grant, until] of account.untilByGrant) account.untilByGrant.set(grant, until - 1)
  }
  for (const lease of state.leases.values()) lease.until -= 1
}

// --- copies and names -------------------------------------------------------------------------------------------------

/** A copy that `step` may change. */
export function cloneNode(state: State): State {
  return {
    ...state,
    waiting: [],
    timers: [],
    campaigning: new Set(state.campaigning),
    bootstrapped: new Map(),
    rounds: new Map(state.rounds),
    supports: mapValues(state.supports, (s) => ({ ...s, bound: new Set<string>(), heldAcks: [] })),
    accounts: mapValues(state.accounts, (a) => ({
      ...a,
      untilByGrant: new Map(a.untilByGrant),
      facts: new Map(),
      contentions: new Map(),
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
    lead: lead === null ? null : { ...lead, bound: mapValues(lead.bound, (grants) => new Map(grants)) },
    campaign:
      campaign === null
        ? null
        : {
            ...campaign,
            grants: new Map(campaign.grants),
            refusals: new Map(),
            unasked: new Set(campaign.unasked),
          },
  }
}

function mapValues<K, V, W>(map: ReadonlyMap<K, V>, change: (value: V) => W): Map<K, W> {
  const result = new Map<K, W>()
  for (const [key, value] of map) result.set(key, change(value))
  return result
}

/** Process names inside a certificate, told by another function of names. */
export function renameCertificate(
  certificate: Certificate,
  rename: (name: string) => string,
): Certificate {
  const leader = rename(certificate.leader)
  return { ...certificate, leader, storageId: diskOf(leader) }
}

/** The same node with the other processes in another order; `order[o]` is where the one at offset `o` sits then. */
export function reseat(state: State, order: readonly number[]): State {
  const rename = (name: string): string => letter(order[LETTERS.indexOf(name as 'a')] as number)
  const s = cloneNode(state)
  const reorder = <V>(map: Map<string, V>): void => {
    const entries = [...map].map(([id, value]) => [rename(id), value] as const)
    map.clear()
    for (const [id, value] of entries.sort(([x], [y]) => (x < y ? -1 : 1))) map.set(id, value)
  }
  reorder(s.accounts)
  reorder(s.supports)
  for (const [id, support] of s.supports) if (support.storageId !== null) support.storageId = diskOf(id)
  const election = electionIn(s)
  const { slot, lead, campaign } = election
  if (slot.binding !== null) slot.binding = { ...slot.binding, leader: rename(slot.binding.leader) }
  if (lead !== null) reorder(lead.bound)
  if (campaign !== null) {
    reorder(campaign.grants)
    const { certificate } = campaign
    if (certificate !== null)
      election.campaign = { ...campaign, certificate: renameCertificate(certificate, rename) }
  }
  for (const [id, lease] of s.leases) {
    const bound = new Map(lease.bound)
    reorder(bound)
    s.leases.set(id, { ...lease, bound, key: keyOf(s, bound) })
  }
  return s
}

// --- equality -----------------------------------------------------------------------------------------------------------

/**
 * A text that is equal for canonical states that can only behave alike. `durable`: a crash may still come, so what is on
 * disk matters.
 */
export function encode(incarnation: number, state: State, durable: boolean): string {
  const e = electionIn(state)
  let text = `${incarnation} ${state.bootUntil === 0 ? '' : state.bootUntil - BASE}`
  if (state.ended) text += 'E'
  if (state.storageFailed) text += 'F'
  for (const id of LETTERS) {
    const support = state.supports.get(id)
    if (support !== undefined) {
      text += `;${id}${support.incarnation}${support.ended ? 'E' : ''}`
      if (support.grant !== null) text += `,${support.grant},${support.until - BASE}`
    }
    const account = state.accounts.get(id)
    if (account === undefined) continue
    text += `:${account.incarnation}${account.connected ? '' : '-'}${account.grant ?? ''}`
    if (account.untilByGrant.size > 0) text += held(account.untilByGrant, BASE)
  }
  const { slot, lead, campaign } = e
  text += `/${slot.knownTerm}`
  if (durable) text += `,${e.decidedTerm}`
  if (slot.binding !== null) {
    const b = slot.binding
    text += `,${b.leader}${b.incarnation}.${b.term},${b.grant}${b.led ? 'L' : ''}${b.released ? 'R' : ''}`
  }
  if (lead !== null) {
    text += `/L${lead.term},${e.topTerm},${lead.frozen ?? ''},${(state.leases.get(1)?.until ?? BASE) - BASE}`
    for (const id of LETTERS) {
      const grants = lead.bound.get(id)
      if (grants !== undefined) text += `,${id}${held(grants, 0)}`
    }
  }
  if (campaign !== null) {
    text += `/C${campaign.term},${campaign.phase},${campaign.nonce},${campaign.durable ? '' : 'W'}`
    for (const id of LETTERS) {
      const grant = campaign.grants.get(id)
      if (grant !== undefined) text += `,${id}${grant}`
      if (campaign.unasked.has(id)) text += `,${id}?`
    }
    const { certificate } = campaign
    if (certificate !== null) text += `,${certificate.leader}${certificate.incarnation}.${certificate.term}`
  }
  return text
}

function held(map: ReadonlyMap<string, number>, base: number): string {
  let text = ''
  for (const grant of map.size > 1 ? [...map.keys()].sort() : map.keys())
    text += `(${grant}=${(map.get(grant) ?? 0) - base})`
  return text
}
