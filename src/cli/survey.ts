/**
 * What the members of a cluster say, put together: who leads what, who is there, and where they disagree. Pure.
 *
 * Nobody's word counts more than another's, but a member knows best whether it leads itself. Read next: `status-table.ts`.
 */
import { type ElectionName, type ProcessId, quorumOf, type Term } from '../core'
import type { AnswerTo } from '../runtime/operator-answer'

/** One member as it was asked. */
export interface MemberReport {
  readonly id: ProcessId
  readonly address: string
  /** Why there is no answer, in words; null with one. */
  readonly why: string | null
  readonly code: string | null
  readonly answer: {
    readonly status: AnswerTo<'status'>['status']
    readonly elections: AnswerTo<'status'>['elections']
    /** Of a question on a connection that stood, ms. */
    readonly roundTripMs: number | null
  } | null
}

/** Whom some members take for the leader. */
interface View {
  readonly leader: ProcessId | null
  readonly term: Term
  readonly members: readonly ProcessId[]
}

/** One election as the members see it. */
export interface ElectionRow {
  readonly name: ElectionName
  readonly leader: ProcessId | null
  readonly term: Term
  /** What is left of the lease, as the leader says itself, ms; null if it did not answer. */
  readonly leaseMs: number | null
  readonly paused: { readonly by: string; readonly sinceMs: number; readonly leader: string } | null
  /** Different words about who leads; one if all agree. The one of most members first. */
  readonly views: readonly View[]
  /** Members that have opened this election. */
  readonly members: readonly ProcessId[]
  /** Why members do not lead, where nobody does and they were asked about this election alone: sentences by member. */
  readonly whyNot: readonly string[]
  /** Members that say it is paused, where others do not. */
  readonly pausedAt: readonly ProcessId[]
}

/** One member. */
export interface MemberRow {
  readonly id: ProcessId
  readonly address: string
  /** `running` and so on, as it says itself; `unreachable`: no answer; `refused`: it would not talk, or must not be believed. */
  readonly state: string
  readonly why: string | null
  readonly kind: string | null
  readonly health: 'healthy' | 'unhealthy' | null
  readonly roundTripMs: number | null
  /** Other members that hear from it. */
  readonly aliveFor: readonly ProcessId[]
  /** Versions of the protocol that it speaks with the other members, ascending; none while it has no links. */
  readonly protocols: readonly number[]
  /** Term and version of the configuration where members change; null elsewhere. */
  readonly version: string | null
  readonly warnings: readonly string[]
  /** All that it said, for `--json`. */
  readonly answer: MemberReport['answer']
}

/** A cluster at one look. */
export interface Survey {
  readonly cluster: string
  readonly elections: readonly ElectionRow[]
  readonly members: readonly MemberRow[]
  readonly answered: number
  readonly hasQuorum: boolean
  /** All elections have a leader, and a quorum of the voters answered. */
  readonly isWell: boolean
}

/** Puts the reports together. */
export function surveyOf(cluster: string, reports: readonly MemberReport[]): Survey {
  const names = new Set(reports.flatMap(({ answer }) => answer?.elections.map(({ name }) => name) ?? []))
  const elections = [...names].sort().map((name) => electionRow(name, reports))
  const hasQuorum = isQuorate(reports)
  return {
    cluster,
    elections,
    members: reports.map((report) => memberRow(report, reports)),
    answered: reports.filter(({ answer }) => answer !== null).length,
    hasQuorum,
    isWell: hasQuorum && elections.every(({ leader }) => leader !== null),
  }
}

function electionRow(name: ElectionName, reports: readonly MemberReport[]): ElectionRow {
  const seen = reports.flatMap(({ id, answer }) => {
    const entry = answer?.elections.find((each) => each.name === name)
    return entry === undefined ? [] : [{ id, entry }]
  })
  const views: { leader: ProcessId | null; term: Term; members: ProcessId[] }[] = []
  for (const { id, entry } of seen) {
    const { leader, term } = entry
    const view = views.find((each) => each.leader === leader && each.term === term)
    if (view === undefined) views.push({ leader, term, members: [id] })
    else view.members.push(id)
  }
  views.sort((a, b) => b.members.length - a.members.length || b.term - a.term)
  const own = seen.filter(({ entry }) => entry.isLeader).sort((a, b) => b.entry.term - a.entry.term)[0]
  const most = views.find(({ leader }) => leader !== null)
  const pausedAt = seen.filter(({ entry }) => entry.paused !== null)
  const leader = own?.id ?? most?.leader ?? null
  const whyNot = seen.flatMap(({ id, entry }) => (entry.whyNotLeader ?? []).map((why) => `${id}: ${why}`))
  return {
    name,
    leader,
    term: own?.entry.term ?? most?.term ?? 0,
    leaseMs: own?.entry.leaseRemainingMs ?? null,
    paused: pausedAt[0]?.entry.paused ?? null,
    views,
    members: seen.map(({ id }) => id),
    whyNot: leader === null ? whyNot : [],
    pausedAt: pausedAt.length === seen.length ? [] : pausedAt.map(({ id }) => id),
  }
}

function memberRow(
  { id, address, why, code, answer }: MemberReport,
  reports: readonly MemberReport[],
): MemberRow {
  const aliveFor = reports
    .filter((other) => other.id !== id && other.answer !== null)
    .filter(({ answer: other }) => other?.status.members.some((each) => each.id === id && each.isAlive))
    .map((other) => other.id)
  if (answer === null) {
    const state = code === 'unreachable' ? 'unreachable' : 'refused'
    const none = {
      kind: null,
      health: null,
      roundTripMs: null,
      protocols: [],
      version: null,
      warnings: [],
      answer,
    }
    return { id, address, state, why, aliveFor, ...none }
  }
  const { status, elections, roundTripMs } = answer
  const isUnhealthy = elections.some(({ isHealthy }) => isHealthy === false)
  const { membership } = status
  return {
    id,
    address,
    state: status.phase,
    why: null,
    kind: status.memberKind,
    health: isUnhealthy ? 'unhealthy' : 'healthy',
    roundTripMs,
    aliveFor,
    protocols: protocolsOf(status.members),
    version: membership === null ? null : `${membership.term}.${membership.version}`,
    warnings: status.warnings,
    answer,
  }
}

function protocolsOf(members: readonly { readonly protocolVersion?: number | null | undefined }[]): number[] {
  const spoken = members.flatMap(({ protocolVersion }) => protocolVersion ?? [])
  return [...new Set(spoken)].sort((a, b) => a - b)
}

/** A voter counts if it answered, and one that was not asked (a store, say) if somebody who answered hears from it. */
function isQuorate(reports: readonly MemberReport[]): boolean {
  const answered = reports.filter(({ answer }) => answer !== null)
  const [first] = answered
  if (first?.answer == null) return false
  const voters = first.answer.status.members
  const isThere = (id: ProcessId): boolean =>
    answered.some((report) => report.id === id) ||
    (!reports.some((report) => report.id === id) &&
      answered.some(({ answer }) => answer?.status.members.some((each) => each.id === id && each.isAlive)))
  return voters.filter(({ id }) => isThere(id)).length >= quorumOf(voters.length)
}

/** Nobody answered, and why. */
export function nobody({ members }: Survey): { readonly ok: false; readonly why: string } {
  return { ok: false, why: `no member answered: ${members.map(({ id, why }) => `${id}: ${why}`).join('; ')}` }
}
