/**
 * Who votes, changed while it runs, without a log (R29-R34, R72): MongoDB's logless reconfiguration.
 *
 * One configuration per cluster, ordered by (term, version). Only the leader of the reserved election `@members` makes a
 * new one; everybody else installs a newer one wherever it hears of it. A configuration is durable here before it is in
 * force here and before anything says so (R1). Decides nothing in a static cluster: there `state.membership` is null.
 *
 * *The joint rules of membership and leases*, for every election and not only `@members`. C is a configuration, C+1 the
 * next. "v is at C" = C is in force at v; it only ever goes up, restarts included.
 *  1. One change at a time: C+1 has one voter more or less than C, so any majority of C meets any of C+1 (R32 c).
 *  2. A vote is given only under equal configurations (R31): an older candidate is refused, a newer one is asked again
 *     once its configuration is in force at the voter. An ack renews a lease only under equal configurations (R12).
 *  3. C+1 may follow C only when a majority of C has acknowledged C to the leader of `@members`, none of them knowing a
 *     later term of `@members` (R32 b). So older leaders of it cannot win any more, and older configurations are shut:
 *     (4). Each acknowledgement tells the voter's largest term of any election and its longest promise.
 *  4. C+1 carries a floor at or above these terms, and is installed only when the longest of these promises has passed
 *     since, on the leader's clock and at its slowest (R72). Nobody votes at or below the floor.
 * *P6*: take a leadership or vote quorum Q of C and an instant at which C+2 is in force anywhere. A majority of C+1 has
 * acknowledged C+1; it meets Q in a voter f (1). After f acknowledged, f gave no vote to a candidate at C and no ack to
 * it counted (2). So every promise of f to Q's owner was made before, was among the promises that f told, and is over
 * (4): no lease that C counted stands, and no candidate at C can win (R5: a win needs promises that stand).
 * *P2*: two leaders under the same or neighbouring configurations meet in a voter with one slot, as in PROTOCOL A.6; two
 * or more apart the older one has no lease. An election that was led before a change keeps lease, bindings and term: a
 * lease earned under C runs to its own deadline, and grows only by a majority of the configuration that is in force (R33).
 * *P3*: every term that C could win is known to that f and so below C+2's floor; neighbours meet in a voter that knows it.
 * A leader below the floor goes on, but binds nobody anew: refused with the floor, it campaigns above it (R22).
 * *P1 with a lost disk*: a voter is a name and a storage (R25). A wiped one is not the voter that the configuration names,
 * so it has no vote until it was removed and added: two changes, each of one voter, never a swap (R26).
 * *Names*: grants and lives of another storage may repeat old names; so what is known of the former one is forgotten when
 * the voter goes, and leases are put together anew (`changeVoters`).
 * *Who missed changes* may find that all whom it knows are gone, although a majority of the present voters is there. So it
 * hears whoever shows the secret of the cluster, and is told; nobody has a voice by that (`meetLife`, `../runtime/door.ts`).
 *
 * *Founding.* A cluster begins with the voters that it was started with, at version 0.1. A process with an empty disk cannot
 * know whether it founds or forgot, so nobody votes at 0.1 before *every* other voter of it has said that it is at 0.1,
 * too. The first leader of `@members` writes the storages of all into the configuration. What this rests on: the founders do
 * not *all* lose their disks, or they found the cluster again beside the one that is; so there are at least three of them.
 *
 * Read next: `roster.ts` (what other voters do to a process), `step.ts`, `../runtime/members.ts` (what a service calls).
 */
import type { ReconfigureInput } from './inputs'
import type { Config, ConfigAck, Stamped } from './messages'
import { isQuorum } from './quorum'
import { changesBetween, changeVoters, offer } from './roster'
import { isMember, type Lead, learnMembersTerm, MEMBERS, type Membership } from './state'
import { frameTo, send, type Turn } from './turn'
import type { ClusterConfig, ConfigVersion, ProcessId, ReconfigureRefusal, Term, Voter } from './types'

/** More voters than this have no place in one frame, and no use. */
export const MAX_MEMBERS = 9

/** Below 0: `a` is the older configuration (R29). */
export function compareConfigs(a: ConfigVersion, b: ConfigVersion): number {
  return a.term - b.term || a.version - b.version
}

/** The part, with the configuration in force here (R12). In a static cluster the part as it is. */
export function stamp<P extends Stamped>({ state }: Turn, part: P): P {
  if (state.membership === null) return part
  const { term, version } = state.cluster
  return { ...part, config: { term, version } }
}

/**
 * Is a part of that process made under the configuration in force here? (R12, R31) Whoever is behind is told: the sender
 * gets the newer configuration, or hears that this process lacks it.
 */
export function isCurrent(turn: Turn, from: ProcessId, { config }: Stamped): boolean {
  const { state } = turn
  const { membership } = state
  if (membership === null) return true
  if (config === undefined) return false
  const order = compareConfigs(config, state.cluster)
  if (order < 0) offer(turn, from)
  else if (order > 0) acknowledge(turn, from)
  else if (membership.unmet.delete(from) && membership.unmet.size === 0) turn.unblocked = true
  return order === 0
}

/** Says which configuration is in force here, and what the leader of `@members` has to know of it (R32 b, R72). */
function acknowledge(turn: Turn, to: ProcessId): void {
  const { state } = turn
  if (frameTo(turn, to)?.parts.some(({ kind }) => kind === 'configAck')) return
  const { term, version } = state.cluster
  send(turn, to, {
    kind: 'configAck',
    term,
    version,
    membersTerm: state.elections.get(MEMBERS)?.slot.knownTerm ?? 0,
    maxTerm: largestTerm(turn),
    maxPromiseMs: state.maxPromiseMs,
  })
}

function largestTerm({ state }: Turn): Term {
  let largest = state.termFloor
  for (const { slot } of state.elections.values()) largest = Math.max(largest, slot.knownTerm)
  return largest
}

/** Somebody knows a configuration: a newer one is installed, unless this process leads `@members` (R31). */
export function hearConfig(turn: Turn, from: ProcessId, { cluster }: Config): void {
  const { membership, cluster: present } = turn.state
  if (membership === null || turn.state.storageFailed || !isWellFormed(cluster)) return
  const order = compareConfigs(cluster, present)
  if (order < 0) return offer(turn, from)
  if (order === 0) return acknowledge(turn, from)
  if (leadOf(turn) !== null) return
  if (membership.installing === null || compareConfigs(cluster, membership.installing.cluster) > 0)
    install(turn, cluster, from)
}

function isWellFormed({ voters }: ClusterConfig): boolean {
  return (
    voters.length > 0 &&
    voters.length <= MAX_MEMBERS &&
    new Set(voters.map(({ id }) => id)).size === voters.length
  )
}

/** A process says which configuration it holds (R32 b). */
export function hearConfigAck(turn: Turn, from: ProcessId, ack: ConfigAck): void {
  const { membership, cluster, accounts } = turn.state
  if (membership === null) return
  const order = compareConfigs(ack, cluster)
  if (order < 0) offer(turn, from)
  const lead = leadOf(turn)
  if (order !== 0 || lead === null || lead.term !== cluster.term || !accounts.has(from)) return
  // it knows a later leader of `@members`: its word is that one's
  if (ack.membersTerm > lead.term) return
  membership.acks.set(from, ack)
}

/** As leader of `@members`: repeats the configuration to whoever has not acknowledged it. On each heartbeat. */
export function offerAgain(turn: Turn): void {
  const { membership, accounts } = turn.state
  if (membership === null || leadOf(turn) === null) return
  for (const [voter, account] of accounts) {
    if (account.connected && !membership.acks.has(voter)) offer(turn, voter)
  }
}

/** The leadership of `@members`, if this process holds it and may use it (R32 a). */
function leadOf({ state }: Turn): Lead | null {
  const lead = state.elections.get(MEMBERS)?.lead ?? null
  return lead === null || lead.frozen !== null ? null : lead
}

// --- changes ----------------------------------------------------------------------------------------------------------

/** The leader of `@members` is asked for other voters (R32): refused now, or done as soon as (b) and (e) allow it. */
export function reconfigure(turn: Turn, { nonce, voters }: ReconfigureInput): void {
  const { membership } = turn.state
  const refusal = refusalOf(turn, voters)
  if (membership === null || refusal !== null) return answer(turn, nonce, refusal ?? 'notLeader')
  membership.wanted = { nonce, voters, version: null }
}

function refusalOf(turn: Turn, voters: readonly Voter[]): ReconfigureRefusal | null {
  const { state, config } = turn
  const { cluster, membership } = state
  if (leadOf(turn) === null) return 'notLeader'
  if (membership?.wanted !== null) return 'busy'
  const changes = changesBetween(cluster.voters, voters)
  if (changes > 1) return 'twoAtOnce'
  if (voters.length === 0) return 'lastVoter'
  if (!isMember(config, { ...cluster, voters })) return 'self'
  if (changes === 0) return 'unchanged'
  return isWellFormed({ ...cluster, voters }) ? null : 'tooMany'
}

function answer(turn: Turn, nonce: number, refusal: ReconfigureRefusal | null): void {
  turn.effects.push({ type: 'reconfigured', nonce, refusal })
}

/** The configuration goes to the storage with this turn's write; it is in force when that is done (R1). */
function install(turn: Turn, cluster: ClusterConfig, from: ProcessId | null): void {
  const { state } = turn
  if (state.membership === null) return
  state.membership.installing = { cluster, version: state.decided + 1, from }
  turn.cluster = cluster
  turn.decided = true
}

/** Once per turn: what became durable comes into force; the leader of `@members` takes its next step. */
export function settleMembership(turn: Turn): void {
  const { state } = turn
  const { membership } = state
  if (membership === null || state.storageFailed) return
  const { installing } = membership
  if (installing !== null && installing.version <= state.written) {
    membership.installing = null
    enforce(turn, membership, installing.cluster)
    if (installing.from !== null) acknowledge(turn, installing.from)
  }
  const lead = leadOf(turn)
  if (lead === null) {
    if (membership.wanted !== null) answer(turn, membership.wanted.nonce, 'lostLeadership')
    membership.wanted = null
    membership.acks.clear()
    membership.settledAt = Number.POSITIVE_INFINITY
  } else if (membership.installing === null) {
    lead.term === state.cluster.term ? advance(turn, membership) : rewrite(turn, lead.term)
  }
}

/** R30: the winner makes the configuration its own; at the founding it names the storage of each voter, too (R25). */
function rewrite(turn: Turn, term: Term): void {
  const { state, config } = turn
  const { cluster, supports } = state
  if (term < cluster.term) return
  const voters = cluster.voters.map((voter) => {
    const storageId =
      voter.id === config.self ? config.storageId : (supports.get(voter.id)?.storageId ?? null)
    return voter.storageId == null ? { ...voter, storageId } : voter
  })
  install(turn, { ...cluster, term, voters }, null)
}

/** R32: the next configuration when a quorum holds the present one (b) and what older ones could count is over (e). */
function advance(turn: Turn, membership: Membership): void {
  const { state, config, now } = turn
  const { acks, wanted } = membership
  if (!isQuorum(state.cluster, (voter) => voter === config.self || acks.has(voter))) return
  let floor = largestTerm(turn)
  let longestMs = state.maxPromiseMs
  for (const { maxTerm, maxPromiseMs } of acks.values()) {
    floor = Math.max(floor, maxTerm)
    longestMs = Math.max(longestMs, maxPromiseMs)
  }
  if (membership.settledAt === Number.POSITIVE_INFINITY) {
    membership.settledAt = now + longestMs * (1 + config.timing.rho)
  }
  if (wanted === null) return
  if (wanted.version === state.cluster.version) {
    membership.wanted = null
    answer(turn, wanted.nonce, null)
  } else if (now >= membership.settledAt) {
    const { term, version } = state.cluster
    wanted.version = version + 1
    install(turn, { term, version: version + 1, termFloor: floor, voters: wanted.voters }, null)
  }
}

// --- in force ---------------------------------------------------------------------------------------------------------

function enforce(turn: Turn, membership: Membership, cluster: ClusterConfig): void {
  const { state } = turn
  const former = state.cluster
  const wasVoter = state.isVoter
  state.cluster = cluster
  state.termFloor = Math.max(state.termFloor, cluster.termFloor)
  membership.acks.clear()
  membership.settledAt = Number.POSITIVE_INFINITY
  if (membership.unmet.size > 0) turn.unblocked = true
  membership.unmet.clear()
  learnMembersTerm(state, cluster.term)
  state.isVoter = isMember(turn.config, cluster)
  if (state.isVoter !== wasVoter || changesBetween(former.voters, cluster.voters) > 0) {
    changeVoters(turn, membership, former.voters)
  }
  turn.effects.push({ type: 'configured', cluster, removed: wasVoter && !state.isVoter })
  if (leadOf(turn) !== null) offerAgain(turn)
}
