/**
 * The lease of a leader: the q-th largest instant until which its bound voters are counted (R13).
 *
 * Elections whose bound voters and grants are the same share one lease, so ten thousand of them cost one number. A lease
 * is compared with the clock before anything that could extend it is applied (R16); here it only ever grows. A frozen
 * lease never grows and is never shared (R20).
 * Read next: `leadership.ts`.
 */
import type { LeaseId } from './inputs'
import { isQuorum, quorumInstant } from './quorum'
import { countedUntil, OWN_GRANT, votes } from './sessions'
import type { Bound, Campaign, Election, Lead, Lease } from './state'
import type { Turn } from './turn'
import type { ElectionName, Grant, ProcessId, RevokeReason } from './types'

/** The instant until which at least a quorum is counted, given for each voter the grants it is bound under. */
function quorumUntil(turn: Turn, bound: Bound): number {
  return quorumInstant(turn.state.cluster, (id) => voterUntil(turn, bound, id))
}

/** The instant until which one voter is counted: the latest of its grants. */
function voterUntil(turn: Turn, bound: Bound, voter: ProcessId): number {
  let until = Number.NEGATIVE_INFINITY
  const grants = bound.get(voter)
  if (grants !== undefined)
    for (const grant of grants) until = Math.max(until, countedUntil(turn, voter, grant))
  return until
}

/** R5: does a quorum of exactly these grants stand at this reading? */
export function winsNow(turn: Turn, campaign: Campaign): boolean {
  return isQuorum(turn.state.cluster, (voter) => {
    const grant = campaign.grants.get(voter)
    return grant !== undefined && countedUntil(turn, voter, grant) > turn.now
  })
}

/** A voter's grants that one leadership remembers at most: the present one, and some whose first ack may still come. */
const GRANTS_KEPT = 4

/** Notes that `voter` is bound under `grant` for the led term or a later one (R12); the caller attaches afterwards. */
export function addBound(turn: Turn, lead: Lead, voter: ProcessId, grant: Grant): void {
  const known = lead.bound.get(voter) ?? []
  if (known.includes(grant)) return
  const kept = known.length < GRANTS_KEPT ? known : withoutShortest(turn, voter, known)
  lead.bound = new Map(lead.bound).set(voter, [...kept, grant].sort())
}

/** Without the one that counts for the shortest time; the present one stays. */
function withoutShortest(turn: Turn, voter: ProcessId, grants: readonly Grant[]): readonly Grant[] {
  const worth = (grant: Grant): number =>
    isPresent(turn, voter, grant) ? Number.POSITIVE_INFINITY : countedUntil(turn, voter, grant)
  const shortest = grants.reduce((least, grant) => (worth(grant) < worth(least) ? grant : least))
  return grants.filter((grant) => grant !== shortest)
}

/** That process is no voter any more. */
export function unbind(lead: Lead, voter: ProcessId): void {
  const bound = new Map(lead.bound)
  if (bound.delete(voter)) lead.bound = bound
}

/** The bound set that a won campaign begins with. */
export function boundOf(turn: Turn, campaign: Campaign): Bound {
  const bound = new Map<ProcessId, Grant[]>()
  for (const [voter, grant] of campaign.grants) {
    if (voter !== turn.config.self || votes(turn)) bound.set(voter, [grant])
  }
  return bound
}

function isPresent({ config, state }: Turn, voter: ProcessId, grant: Grant | undefined): boolean {
  return grant === (voter === config.self ? OWN_GRANT : state.accounts.get(voter)?.grant)
}

/** Does that grant count now, or may it soon? It is the present one, or has not passed. */
function counts(turn: Turn, voter: ProcessId, grant: Grant): boolean {
  return isPresent(turn, voter, grant) || countedUntil(turn, voter, grant) > turn.now
}

/** Of what a leadership is bound by, what counts: mostly that very set. */
function countable(turn: Turn, { bound }: Lead): Bound {
  for (const [voter, grants] of bound) {
    for (const grant of grants) if (!counts(turn, voter, grant)) return withoutPassed(turn, bound)
  }
  return bound
}

function withoutPassed(turn: Turn, bound: Bound): Bound {
  const result = new Map<ProcessId, readonly Grant[]>()
  for (const [voter, grants] of bound) {
    const kept = grants.filter((grant) => counts(turn, voter, grant))
    if (kept.length > 0) result.set(voter, kept)
  }
  return result
}

function keyOf(turn: Turn, bound: Bound): string {
  const { membership, cluster } = turn.state
  // grants of other voters may bear the same names
  let key = membership === null ? '' : `${cluster.term}.${cluster.version} `
  for (const { id } of cluster.voters) key += `${bound.get(id)?.join('+') ?? ''}|`
  return key
}

/** Hangs a leadership on the lease of its bound set, sharing it with others; emits what changed. */
export function attachLease(turn: Turn, election: Election, lead: Lead): void {
  if (lead.frozen !== null) return
  const bound = countable(turn, lead)
  const key = keyOf(turn, bound)
  const lease =
    keptLease(turn, lead, key, bound) ??
    sharedLease(turn, key) ??
    createLease(turn, key, bound, quorumUntil(turn, bound), false)
  // of ten thousand elections none has a set of its own
  if (bound === lead.bound) lead.bound = lease.bound
  if (lead.lease === lease.id) return
  const former = lead.lease
  lease.elections.add(election.name)
  lead.lease = lease.id
  if (former !== 0) {
    turn.effects.push({ type: 'leaseChanged', election: election.name, lease: lease.id })
    leave(turn, election, former)
  }
}

/**
 * R33: a lease that was earned under a former configuration stays until its own deadline, although the present voters may
 * not count that long yet. Null: they do. Shared only by elections that come from the same lease.
 */
function keptLease(turn: Turn, lead: Lead, key: string, bound: Bound): Lease | null {
  if (turn.state.membership === null) return null
  const former = turn.state.leases.get(lead.lease)
  if (former === undefined) return null
  const until = quorumUntil(turn, bound)
  if (former.until <= until) return caughtUp(turn, key, until)
  if (former.key === key || former.key.startsWith(`${key} kept `)) return former
  const keptKey = `${key} kept ${former.id} until ${former.until}`
  return sharedLease(turn, keptKey) ?? createLease(turn, keptKey, bound, former.until, false)
}

/** The shared lease, with what this turn added to it: whoever comes from a longer one must not find it as it was before. */
function caughtUp(turn: Turn, key: string, until: number): Lease | null {
  const lease = sharedLease(turn, key)
  if (lease !== null && until > lease.until) extend(turn, lease, until)
  return lease
}

function extend(turn: Turn, lease: Lease, until: number): void {
  lease.until = until
  turn.effects.push({ type: 'leaseExtended', lease: lease.id, until })
}

function sharedLease(turn: Turn, key: string): Lease | null {
  for (const lease of turn.state.leases.values()) if (lease.key === key && !lease.frozen) return lease
  return null
}

function createLease(turn: Turn, key: string, bound: Bound, until: number, frozen: boolean): Lease {
  turn.state.leaseCounter += 1
  const lease: Lease = { id: turn.state.leaseCounter, key, bound, until, frozen, elections: new Set() }
  turn.state.leases.set(lease.id, lease)
  turn.effects.push({ type: 'leaseExtended', lease: lease.id, until })
  return lease
}

/** Takes a leadership off its lease; an empty lease is dropped. */
export function detachLease(turn: Turn, election: Election, lead: Lead): void {
  leave(turn, election, lead.lease)
}

function leave(turn: Turn, election: Election, id: LeaseId): void {
  const lease = turn.state.leases.get(id)
  if (lease === undefined) return
  lease.elections.delete(election.name)
  if (lease.elections.size === 0) {
    turn.state.leases.delete(id)
    turn.effects.push({ type: 'leaseDropped', lease: id })
  }
}

/** R20: the lease stays as it is, for this election alone, whatever is acknowledged later. */
export function freezeLease(turn: Turn, election: Election, lead: Lead, reason: RevokeReason): void {
  const former = turn.state.leases.get(lead.lease)
  if (former === undefined || lead.frozen !== null) return
  const lease = createLease(turn, `frozen ${election.name}`, former.bound, former.until, true)
  lease.elections.add(election.name)
  lead.lease = lease.id
  lead.frozen = reason
  for (const account of turn.state.accounts.values()) account.facts.delete(election.name)
  turn.effects.push({ type: 'leaseChanged', election: election.name, lease: lease.id })
  leave(turn, election, former.id)
}

/** After an account or the own round moved: every shared lease is computed again, and only grows. */
export function extendLeases(turn: Turn): void {
  for (const lease of turn.state.leases.values()) {
    if (lease.frozen) continue
    // no voter is counted for longer than before, as far as this lease goes: half of the acks of a round
    if (turn.promisedUntil <= lease.until) continue
    // of a round of acks only one completes a quorum: nothing is put in order for the others
    if (!outlasts(turn, lease)) continue
    extend(turn, lease, quorumUntil(turn, lease.bound))
  }
}

/** Is a quorum counted for longer than that lease lasts? */
function outlasts(turn: Turn, { bound, until }: Lease): boolean {
  return isQuorum(turn.state.cluster, (voter) => voterUntil(turn, bound, voter) > until)
}

/** Would the lease end earlier if it were computed now? Only after a store took its word back (R66). */
export function isShortened(turn: Turn, lease: Lease): boolean {
  return quorumUntil(turn, lease.bound) < lease.until
}

/** Names of the elections whose lease has ended at this reading (R16). */
export function endedLeases(turn: Turn): readonly ElectionName[] {
  let ended: readonly ElectionName[] = NONE
  for (const lease of turn.state.leases.values()) {
    if (turn.now >= lease.until) ended = [...ended, ...lease.elections]
  }
  return ended
}

const NONE: readonly ElectionName[] = []
