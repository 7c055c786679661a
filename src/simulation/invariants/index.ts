/**
 * All invariants of a simulated cluster. Each runs after every event that concerns it.
 *
 * | file | property | source |
 * |---|---|---|
 * | election-safety | P1: one winner per term | Raft paper, figure 3 |
 * | lease-exclusivity | P2: one valid lease at every true instant | A2, A4 |
 * | exclusive-reads | P2, by asking whole services | A2, A4, R14 |
 * | token-monotonicity | P3: later leases have larger tokens | A2 |
 * | expired-lease | P4: no yes after the lease has ended | R14 |
 * | guard | P5: an accepted token is never undercut | R42, R43 |
 * | configuration | P6: a win rests on a majority of one configuration, and any two that can win intersect | R4, R29-R34 |
 * | finality | P7: what was renounced never comes back | R20, R65, R71 |
 * | alternation | one `elected` and one `revoked` per leadership | DESIGN 4 |
 * | win-is-lease | a winner holds a valid lease at once | R5 |
 * | one-vote-per-term | a voter votes once per term | R2 |
 * | term-durability | durable terms and incarnations never fall | R2, R24 |
 * | persist-first | nothing leaves before what it depends on is durable | R1 |
 * | boot-wait | no vote before the boot wait is over | R19 |
 * | lease-end | the end of a lease never moves back | R13 |
 * | lease-backing | every counted voter promised that long and is bound | Lemma of A.6 |
 * | paused-election | a paused election elects nobody new | R81 |
 * | roles | no vote of who has none, no leadership of a witness | R4, R37, R71 |
 * | self-report | the core raises no alarm about itself | R6 |
 * | frozen-member | whoever an operator froze does not stand | R39 |
 * | switchovers | planned hand-overs happen when due, once, never when taken back | R20, R21, R81 |
 * | preferred-hand-overs | a better contender is handed over to seldom, and only if asked for | R37 |
 * | store-records | terms and grants in stores only grow, nobody is robbed | R46, R66-R68 |
 */
import type { ClusterConfig, ElectionName, ProcessId, ProcessRecord } from '../../core/types'
import type { NodeView } from '../observer'
import { alternation } from './alternation'
import { bootWait } from './boot-wait'
import { configuration } from './configuration'
import { electionSafety } from './election-safety'
import { type AnsweringNode, exclusiveReads } from './exclusive-reads'
import { expiredLease } from './expired-lease'
import { finality } from './finality'
import { frozenMember } from './frozen-member'
import { guard } from './guard'
import type { InvariantFactory } from './invariant'
import { leaseBacking } from './lease-backing'
import { leaseEnd } from './lease-end'
import { leaseExclusivity } from './lease-exclusivity'
import { oneVotePerTerm } from './one-vote-per-term'
import { pausedElection } from './paused-election'
import { persistFirst } from './persist-first'
import { preferredHandOvers } from './preferred-hand-overs'
import { roles } from './roles'
import { selfReport } from './self-report'
import type { StoreRecords } from './store-backing'
import { storeRecords } from './store-records'
import { switchovers } from './switchovers'
import { termDurability } from './term-durability'
import { tokenMonotonicity } from './token-monotonicity'
import { winIsLease } from './win-is-lease'

export type { Complain, Invariant, InvariantFactory } from './invariant'
export {
  alternation,
  bootWait,
  configuration,
  electionSafety,
  exclusiveReads,
  expiredLease,
  finality,
  frozenMember,
  guard,
  leaseBacking,
  leaseEnd,
  leaseExclusivity,
  oneVotePerTerm,
  pausedElection,
  persistFirst,
  preferredHandOvers,
  roles,
  selfReport,
  storeRecords,
  switchovers,
  termDurability,
  tokenMonotonicity,
  winIsLease,
}

/** Which assumptions hold in a run, and so which properties may be demanded. */
export interface Assumptions {
  /** A2: clocks keep within their bound and nothing stops them invisibly. Default true. Without it P2 and P3 (b) are off, and the core may say so (R6). */
  readonly clockRates?: boolean
  /** With which voters a node runs. Default: all nodes vote. */
  readonly clusterOf?: (node: NodeView) => ClusterConfig
  /** What is on the disk of a node; given where members change. Default: they never do. */
  readonly disks?: (id: ProcessId) => ProcessRecord | null
  /** Records of each store, key -> value, for those that vote. Default: none. */
  readonly stores?: ReadonlyMap<ProcessId, StoreRecords>
  /**
   * A store forgets everything now and then (R48). Then leases end early, a leader learns of the loss with its next write
   * only, terms rest on wall clocks, and a record that comes and goes between two looks is not waited for: what stays is
   * P4, P5 and P7. Default false.
   */
  readonly forgetful?: boolean
  /** Timers fire so much late at most, real ms. Default 0. */
  readonly timersLateMs?: number
}

/** All that may be demanded of a cluster of these nodes. */
export function allInvariants(
  nodes: ReadonlyMap<ProcessId, NodeView>,
  { clockRates = true, clusterOf, disks, stores, forgetful = false, timersLateMs = 0 }: Assumptions = {},
): readonly InvariantFactory[] {
  const timed = forgetful
    ? [selfReport]
    : [leaseExclusivity, tokenMonotonicity, leaseBacking(nodes, stores), selfReport]
  return [
    ...(forgetful ? [] : [electionSafety]),
    ...(clockRates ? timed : []),
    expiredLease,
    guard,
    configuration(clusterOf ?? ofPeers(nodes), disks),
    roles(clusterOf ?? ofPeers(nodes)),
    finality,
    alternation,
    winIsLease,
    oneVotePerTerm,
    termDurability,
    persistFirst,
    bootWait,
    preferredHandOvers,
    pausedElection(nodes, clusterOf ?? ofPeers(nodes)),
    frozenMember,
    switchovers(timersLateMs),
    ...(forgetful ? [] : [leaseEnd]),
    ...(stores === undefined ? [] : [storeRecords]),
  ]
}

function ofPeers(nodes: ReadonlyMap<ProcessId, NodeView>): () => ClusterConfig {
  const voters = [...nodes.keys()].map((id) => ({ id, kind: 'peer' as const }))
  return () => ({ term: 0, version: 1, termFloor: 0, voters })
}

/** What may be demanded of whole services: they are seen through their events and answers alone. */
export function serviceInvariants(
  nodes: ReadonlyMap<ProcessId, AnsweringNode>,
  elections: readonly ElectionName[],
  { clockRates = true }: Assumptions = {},
): readonly InvariantFactory[] {
  return [
    electionSafety,
    ...(clockRates ? [exclusiveReads(nodes, elections), tokenMonotonicity] : []),
    guard,
    finality,
    alternation,
    oneVotePerTerm,
    termDurability,
  ]
}
