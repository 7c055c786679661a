/**
 * Sums of many runs, by graph and by family: plain numbers for the table and the picture.
 *
 * Decides nothing: what is wrong was said by `run.ts`. Read next: `report.ts`.
 */
import type { ProcessId } from 'conclave/core'
import type { Family, Graph } from './graphs'
import { ableToLead } from './graphs'
import type { Outcome } from './run'

/** All runs of one graph. */
export interface GraphTally {
  readonly graph: Graph
  readonly able: readonly ProcessId[]
  runs: number
  /** Lowest share of the last half with a lease, 0..1. */
  leastUptime: number
  /** Highest share, for graphs on which there must be none. */
  mostUptime: number
  /** Most elections in the last half of a run. */
  mostChanges: number
  /** One entry per run with a leader, ms. */
  readonly settledMs: number[]
  /** Who led at the end, and how often. */
  readonly leaders: Map<ProcessId, number>
  readonly wrong: Outcome[]
}

/** All runs of one family. */
export interface FamilyTally {
  readonly name: string
  readonly graphs: readonly GraphTally[]
}

/** Nothing has run yet. */
export function emptyTally({ name, graphs }: Family): FamilyTally {
  return {
    name,
    graphs: graphs.map((graph) => ({
      graph,
      able: ableToLead(graph),
      runs: 0,
      leastUptime: 1,
      mostUptime: 0,
      mostChanges: 0,
      settledMs: [],
      leaders: new Map(),
      wrong: [],
    })),
  }
}

/** Adds one run. */
export function count(tally: GraphTally, outcome: Outcome): void {
  const { uptime, changes, settledMs, leader, wrong } = outcome
  tally.runs += 1
  tally.leastUptime = Math.min(tally.leastUptime, uptime)
  tally.mostUptime = Math.max(tally.mostUptime, uptime)
  tally.mostChanges = Math.max(tally.mostChanges, changes)
  if (settledMs !== null) tally.settledMs.push(settledMs)
  if (leader !== null) tally.leaders.set(leader, (tally.leaders.get(leader) ?? 0) + 1)
  if (wrong !== null) tally.wrong.push(outcome)
}

/** Value below which that share of the numbers lies; 0 of none. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

/** Largest of many numbers; 0 of none. */
export function most(numbers: readonly number[]): number {
  return numbers.reduce((largest, each) => Math.max(largest, each), 0)
}

/** Graphs on which somebody can lead, and those on which nobody can. */
export function split({ graphs }: FamilyTally): {
  readonly led: GraphTally[]
  readonly leaderless: GraphTally[]
} {
  return {
    led: graphs.filter(({ able }) => able.length > 0),
    leaderless: graphs.filter(({ able }) => able.length === 0),
  }
}
