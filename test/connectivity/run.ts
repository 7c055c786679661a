/**
 * One run on one graph: faults until 20 s, then nothing but the topology until 60 s; what became of the lease.
 *
 * Runs the shipping core and driver, with every invariant of the simulator demanded throughout. The verdict is on the last
 * half of the quiet time (40 s to 60 s). *Held* means: a valid lease at each sample (one per 10 ms) and no election at all,
 * not even of the same leader for a new term. Must not know families or reports. Read next: `main.ts`.
 */
import type { ProcessId } from 'conclave/core'
import {
  type Action,
  act,
  Random,
  SIM_TIMING,
  SimCluster,
  Trace,
  type TraceOptions,
} from 'conclave/simulation'
import { ableToLead, type Graph } from './graphs'

const JOBS = 'jobs'
const FAULTS_END_MS = 20_000
const LAST_HALF_MS = 40_000
const END_MS = 60_000
const SAMPLE_MS = 10
/** Stories that name a leader have to elect it first. */
const EARLIER_MS = 8000
const SETTLE_MS = 4000

/** When the topology begins, and whether a link on which nothing comes back is ever torn down. */
export interface Mode {
  readonly topology: 'from the start' | 'after the faults'
  /** `torn down`: after 1.5 s, as TCP does (R38). `unnoticed`: frames go on into it, as datagrams would. */
  readonly deadLinks: 'torn down' | 'unnoticed'
}

/** A seed takes the one at `seed % 4`. */
export const MODES: readonly Mode[] = [
  { topology: 'after the faults', deadLinks: 'unnoticed' },
  { topology: 'after the faults', deadLinks: 'torn down' },
  { topology: 'from the start', deadLinks: 'unnoticed' },
  { topology: 'from the start', deadLinks: 'torn down' },
]

/** What was seen in one run. */
export interface Outcome {
  readonly graph: Graph
  readonly seed: number
  readonly able: readonly ProcessId[]
  /** Share of the samples of the last half with a valid lease, 0..1. */
  readonly uptime: number
  /** Elections won in the last half. */
  readonly changes: number
  /** From the end of the faults until the last time that there was no lease, or another one; null if nobody leads. */
  readonly settledMs: number | null
  readonly leader: ProcessId | null
  /** What should not be, or null. */
  readonly wrong: string | null
  /** Text of the trace, if one was asked for. */
  readonly trace: string | null
}

/** Runs the graph under the faults, clocks and mode of that seed. */
export function runGraph(graph: Graph, seed: number, tracing: TraceOptions | null = null): Outcome {
  const random = new Random(seed)
  const mode = MODES[seed % MODES.length] as Mode
  const cluster = clusterOf(graph, seed, mode, random)
  const trace = tracing === null ? null : new Trace(cluster, tracing)
  if (mode.topology === 'from the start' && graph.leads === null) impose(cluster, graph)
  planFaults(cluster, graph, random)
  cluster.start()
  const complaint = graph.leads === null ? null : elect(cluster, graph.leads)
  cluster.runTo(FAULTS_END_MS)
  endFaults(cluster)
  impose(cluster, graph)
  return { ...outcome(graph, seed, cluster, watch(cluster), complaint), trace: trace?.text ?? null }
}

/** What the samples and the elections of the quiet time came to. */
interface Seen {
  readonly leased: number
  readonly samples: number
  readonly changes: number
  readonly settledAt: number
}

/** What the library does with stores: longer promises, for a store takes its time (PROTOCOL A.10.6). */
const OVER_STORES = { promiseMs: 5000, heartbeatMs: 1000, campaignMs: 2500 } as const
const STORE = {
  durability: 'survives',
  latencyMs: 2,
  jitterMs: 4,
  loss: 0,
  tail: 0,
  tailMs: 0,
  timeoutMs: 1000,
  watch: true,
} as const

function clusterOf(
  { ids, stores, voters }: Graph,
  seed: number,
  { deadLinks }: Mode,
  random: Random,
): SimCluster {
  const cluster = new SimCluster({
    seed,
    nodes: ids,
    voters,
    stores: stores.map((id) => ({ ...STORE, id, watch: seed % 3 !== 0 })),
    timing: stores.length > 0 ? OVER_STORES : {},
    elections: [JOBS],
    quality: { latencyMs: 0.5, jitterMs: 1 },
    network: { linkTimeoutMs: deadLinks === 'unnoticed' ? 10 * END_MS : 1500 },
  })
  const { rho } = SIM_TIMING
  for (const id of ids) cluster.node(id).oscillator.setRate(random.between(1 - rho, 1 + rho))
  return cluster
}

/** Cuts every direction that the graph does not have. */
function impose(cluster: SimCluster, { ids, stores, links }: Graph): void {
  for (const from of ids) {
    for (const to of ids) {
      if (from !== to && !links.has(`${from}>${to}`)) cluster.cut(from, to, 'topology')
    }
    for (const store of stores) {
      const asks = links.has(`${from}>${store}`)
      if (asks && links.has(`${store}>${from}`)) continue
      cluster.store(store).close(from, asks ? 'answers' : 'both', END_MS)
    }
  }
}

/** Crashes, cuts and pauses, about one in 700 ms, from 3 s on. */
function planFaults(cluster: SimCluster, { ids, stores, leads }: Graph, random: Random): void {
  const end = leads === null ? FAULTS_END_MS : FAULTS_END_MS - EARLIER_MS
  let cuts = 0
  for (let at = 3000; at < end; at += random.between(0, 1400)) {
    cuts += 1
    const node = random.chance(0.5) ? `leader of ${JOBS}` : random.pick(ids)
    const forMs = Math.min(random.between(50, 4000), end - at)
    const faults: readonly Action[] = [
      { do: 'crash', node, fin: random.chance(0.5), downMs: forMs },
      { do: 'pause', node, forMs, wake: random.chance(0.5) ? 'timersFirst' : 'ioFirst' },
      { do: 'cut', from: node, to: random.pick(ids), name: `cut${cuts}`, forMs },
      { do: 'isolate', node, name: `cut${cuts}`, forMs },
    ]
    const store = stores.length > 0 && random.chance(0.4) ? random.pick(stores) : null
    const ways = ['requests', 'answers', 'both'] as const
    const fault: Action =
      store === null
        ? random.pick(faults)
        : { do: 'storeCut', store, node, way: random.pick(ways), forMs: Math.min(forMs, 2000) }
    cluster.later(at, () => act(cluster, fault))
  }
}

/** Everybody runs, no link is cut. */
function endFaults(cluster: SimCluster): void {
  for (const id of cluster.ids) {
    if (!cluster.node(id).alive) cluster.restart(id)
    else if (!cluster.node(id).responsive) cluster.resume(id)
  }
  cluster.heal()
  for (const store of cluster.stores.values()) for (const id of cluster.ids) store.close(id, 'both', 0)
}

/** The story wants this one to lead when its links break: faults end early, and it is handed the election. */
function elect(cluster: SimCluster, id: ProcessId): string | null {
  cluster.runTo(FAULTS_END_MS - EARLIER_MS)
  endFaults(cluster)
  cluster.run(SETTLE_MS)
  while (cluster.now < FAULTS_END_MS - 800 && cluster.leaderOf(JOBS) !== id && !cluster.halted) {
    cluster.runUntil(() => cluster.leaderOf(JOBS) !== null, 400)
    cluster.transfer(JOBS, id)
    cluster.run(200)
  }
  return cluster.leaderOf(JOBS) === id ? null : `${id} does not lead when the story begins`
}

function watch(cluster: SimCluster): Seen {
  let settledAt = FAULTS_END_MS
  let changes = 0
  let leased = 0
  let samples = 0
  cluster.observers.add({
    elected: () => {
      settledAt = cluster.now
      if (cluster.now > LAST_HALF_MS) changes += 1
    },
  })
  for (let at = FAULTS_END_MS + SAMPLE_MS; at <= END_MS; at += SAMPLE_MS) {
    cluster.runTo(at)
    const leader = cluster.leaderOf(JOBS)
    if (leader === null) settledAt = Math.max(settledAt, at)
    if (at <= LAST_HALF_MS) continue
    samples += 1
    if (leader !== null) leased += 1
  }
  return { leased, samples, changes, settledAt }
}

function outcome(
  graph: Graph,
  seed: number,
  cluster: SimCluster,
  { leased, samples, changes, settledAt }: Seen,
  complaint: string | null,
): Omit<Outcome, 'trace'> {
  const able = ableToLead(graph)
  const uptime = leased / samples
  const leader = cluster.leaderOf(JOBS)
  const settledMs = leader === null ? null : settledAt - FAULTS_END_MS
  const wrong = complaint ?? judge(cluster, able, leader, uptime, changes)
  return { graph, seed, able, uptime, changes, settledMs, leader, wrong }
}

/** P9: a lease wherever some voter has a quorum, held (P8); none anywhere else. */
function judge(
  cluster: SimCluster,
  able: readonly ProcessId[],
  leader: ProcessId | null,
  uptime: number,
  changes: number,
): string | null {
  const [violation] = cluster.violations
  if (violation !== undefined) return `${violation.property}: ${violation.text}`
  if (able.length === 0) return uptime > 0 || changes > 0 ? 'a lease without a quorum' : null
  if (uptime < 1)
    return `P9: a lease for ${(100 * uptime).toFixed(1)} % of the last half. ${cluster.pending()}`
  if (changes > 0) return `P8: ${changes} elections in the last half`
  return leader !== null && able.includes(leader) ? null : `${leader} leads without two-way links to a quorum`
}
