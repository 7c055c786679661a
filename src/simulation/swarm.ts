/**
 * One seed, one run: the plan of the seed, a safety phase with all its faults, a liveness phase without any.
 *
 * Plain functions, for tests and for a command line. A violation names the property and the instant; the plan and the seed
 * replay it. After the safety phase everything is healed, and every election in which somebody contends must have a valid
 * lease within `livenessBoundMs` and keep its leader from then on (P8, P9).
 */
import type { ActionKind } from './actions'
import { act } from './faults'
import { CALM } from './links'
import { Recorder } from './picture/recorder'
import type { Story } from './picture/story'
import { type Plan, type ProfileName, planFor } from './plan'
import { SimCluster, type Violation } from './sim-cluster'
import { Trace, type TraceOptions } from './trace'

/** How a seed is run. */
export interface RunOptions {
  /** Default: the seed chooses. */
  readonly profile?: ProfileName
  /** Length of the safety phase, ms. Default 60,000. */
  readonly safetyMs?: number
  /** Record a trace. Default: none. */
  readonly trace?: TraceOptions | null
  /** Record what a picture needs (`drawSvg`, `drawPage`). Default false. */
  readonly record?: boolean
  /** Skip the liveness phase. Default false. */
  readonly safetyOnly?: boolean
  /** Names of invariants that are not demanded. Default: none. */
  readonly ignore?: readonly string[]
}

/** Counted in one run; sums over runs make sense. */
export interface RunStats {
  /** Simulated real time, ms. */
  simulatedMs: number
  events: number
  frames: number
  /** Leaderships won. */
  elections: number
  /** Times that a lease was told to stand longer. */
  renewals: number
  /** What user code wrote to the guarded resources: accepted, and refused for its token. */
  readonly writes: { accepted: number; refused: number }
  /** Ends of leaderships by reason. */
  readonly revoked: Record<string, number>
  /** Faults that were really done, by kind, and those of network and disk. */
  readonly faults: Record<string, number>
  /** Time from the end of the faults to a lease in every election, ms. */
  recoveryMs: number
}

/** What became of a run. */
export interface RunResult {
  readonly plan: Plan
  readonly violations: readonly Violation[]
  readonly stats: RunStats
  readonly trace: string | null
  /** What a picture shows; null unless asked for. */
  readonly story: Story | null
}

/** Runs the plan of a seed. */
export function runSeed(seed: number, options: RunOptions = {}): RunResult {
  return runPlan(planFor(seed, options.profile, options.safetyMs), options)
}

/** Runs a plan. The same plan gives the same result, trace included, to the byte. */
export function runPlan(plan: Plan, options: RunOptions = {}): RunResult {
  const cluster = new SimCluster({ ...plan.setup, ignore: options.ignore ?? [] })
  const trace = options.trace == null ? null : new Trace(cluster, options.trace)
  const recorder = options.record === true ? new Recorder(cluster) : null
  const stats = watch(cluster)
  for (const [id, rate] of Object.entries(plan.setup.rates)) cluster.node(id).oscillator.setRate(rate)
  for (const { at, action } of plan.steps) {
    cluster.later(at, () => {
      if (act(cluster, action)) count(stats.faults, action.do)
    })
  }
  cluster.start()
  cluster.runTo(plan.safetyMs)
  if (options.safetyOnly !== true && !cluster.halted) demandProgress(cluster, plan, stats)
  finish(cluster, stats)
  for (const { property, text } of cluster.violations) trace?.note('!!', `${property}: ${text}`)
  const { title = `Seed ${plan.seed}, profile ${plan.profile}` } = plan
  return {
    plan,
    violations: cluster.violations,
    stats,
    trace: trace?.text ?? null,
    story: recorder?.story({ title }) ?? null,
  }
}

/** The longest time that a cluster of this plan may take from the last fault to a lease in every election, real ms (P9). */
export function livenessBoundMs({ setup }: Plan): number {
  const { timing, timingOf = {}, writeTime, quality, stores } = setup
  let promiseMs = Math.max(timing.promiseMs, timing.adaptiveMaxMs ?? 0)
  for (const own of Object.values(timingOf)) promiseMs = Math.max(promiseMs, own.promiseMs ?? 0)
  // Boot wait, then the worst of P9's sketch, then a few failed attempts with full back-off.
  const slow = 1 / (1 - timing.rho)
  const attempt = timing.campaignMs + timing.backoffMaxMs + 4 * (writeTime?.mostMs ?? 0)
  const bound = (6 * promiseMs + 12 * attempt) * slow + 40 * (quality?.latencyMs ?? 0) + 1000
  if (stores === undefined) return bound
  // Whoever finds a store empty waits for the longest promise and campaign first, on a slow clock (R28, R48).
  const forgets = stores.some(({ durability }) => durability === 'volatile')
  const { rho, maxPromiseMs, campaignMs } = timing
  return forgets ? bound + (((maxPromiseMs + campaignMs) * (1 + rho)) / (1 - rho)) * slow : bound
}

/** Names of everything that is counted under `faults`, beyond the kinds of actions. */
export type FaultKind =
  | ActionKind
  | 'lost'
  | 'duplicated'
  | 'reordered'
  | 'replayed'
  | 'replayedIntoOtherLife'
  | 'cutFrames'
  | 'tornWrites'
  | 'lostWrites'

function watch(cluster: SimCluster): RunStats {
  const stats: RunStats = {
    simulatedMs: 0,
    events: 0,
    frames: 0,
    elections: 0,
    renewals: 0,
    writes: { accepted: 0, refused: 0 },
    revoked: {},
    faults: {},
    recoveryMs: 0,
  }
  cluster.observers.add({
    elected: () => {
      stats.elections += 1
    },
    extended: () => {
      stats.renewals += 1
    },
    revoked: (_node, _election, _term, reason) => count(stats.revoked, reason),
  })
  return stats
}

function count(counts: Record<string, number>, key: string, by = 1): void {
  counts[key] = (counts[key] ?? 0) + by
}

function demandProgress(cluster: SimCluster, plan: Plan, stats: RunStats): void {
  // A suspend that were cut short would be too short to be noticed (B.3): whoever stands still wakes up by itself.
  const awake = (): boolean => [...cluster.nodes.values()].every((node) => !node.alive || node.responsive)
  cluster.runUntil(awake, 60_000)
  if (cluster.halted) return
  const began = cluster.now
  calm(cluster, plan)
  cancelAll(cluster, plan)
  resumeAll(cluster, plan)
  const bound = livenessBoundMs(plan)
  demandLeases(cluster, bound)
  stats.recoveryMs = cluster.now - began
  // Links that broke in the last faults may still have to be torn down and dialled again.
  cluster.run(bound / 2)
  demandLeases(cluster, bound)
  demandStability(cluster, plan, bound)
}

function demandLeases(cluster: SimCluster, bound: number): void {
  if (cluster.runUntil(() => cluster.leaderless().length === 0, bound) || cluster.halted) return
  const text = `no lease ${Math.round(bound)} ms after the last fault. ${cluster.pending()}`
  cluster.violations.push({ property: 'P9 liveness', text, at: cluster.now })
}

/** P8: nobody deposes a leader that has two-way contact with a quorum; it hands over by itself only if it prefers (R37). */
function demandStability(cluster: SimCluster, { setup }: Plan, forMs: number): void {
  if (cluster.halted) return
  const since = cluster.now
  cluster.observers.add({
    revoked: (node, election, term, reason) => {
      const isPreferred = reason === 'transferred' && setup.preference != null
      const isOrdered = reason === 'reelected' || reason === 'removed' || isPreferred
      if (isOrdered || cluster.now === since) return
      const text = `${node.id} lost ${election} T${term} (${reason}) in a healthy cluster`
      cluster.violations.push({ property: 'P8 stability', text, at: cluster.now })
    },
  })
  cluster.run(forMs)
}

/** Everything is healed, everybody runs on a good disk, clocks keep their rates. */
function calm(cluster: SimCluster, plan: Plan): void {
  cluster.note('the faults are over', { kind: 'phase' })
  cluster.heal()
  const latencyMs = plan.setup.quality?.latencyMs ?? CALM.latencyMs
  cluster.setQuality({ ...CALM, latencyMs })
  for (const store of cluster.stores.values()) store.heal()
  for (const node of cluster.nodes.values()) {
    const { faults } = node.disk
    faults.losesLastWrite = false
    node.disk.onWrite = null
    // Too many that recover at once wait for each other for ever: then all have to start anew (R28).
    const spoiled = node.failure !== null || faults.failing || faults.hanging || plan.setup.ephemeral === true
    faults.failing = false
    faults.hanging = false
    if (spoiled && node.alive) cluster.crash(node.id)
    if (!node.alive && !node.disk.corrupt) cluster.restart(node.id)
  }
}

/** What an operator still has planned is taken back: from here on nobody gives anything up. */
function cancelAll(cluster: SimCluster, { steps, setup }: Plan): void {
  if (!steps.some(({ action }) => action.do === 'switchover')) return
  for (const node of cluster.ids) {
    for (const election of setup.elections) act(cluster, { do: 'cancelSwitchover', node, election })
  }
}

/** R80: whoever has to elect is allowed to; said twice, as the first word may be older than one that was not heard of. */
function resumeAll(cluster: SimCluster, { steps, setup }: Plan): void {
  if (!steps.some(({ action }) => action.do === 'pauseElection')) return
  for (let i = 0; i < 2; i++) {
    cluster.run(2 * setup.timing.promiseMs)
    for (const node of cluster.ids) {
      for (const election of setup.elections)
        act(cluster, { do: 'pauseElection', node, election, isPaused: false })
    }
  }
}

function finish(cluster: SimCluster, stats: RunStats): void {
  const { network, scheduler } = cluster
  stats.simulatedMs = cluster.now
  stats.events = scheduler.events
  stats.frames = network.stats.sent
  count(stats.faults, 'lost', network.stats.lost)
  count(stats.faults, 'cutFrames', network.stats.cut)
  count(stats.faults, 'duplicated', network.stats.duplicated)
  count(stats.faults, 'reordered', network.stats.reordered)
  count(stats.faults, 'replayed', network.stats.replayed)
  count(stats.faults, 'replayedIntoOtherLife', network.stats.replayedIntoOtherLife)
  stats.writes.accepted = cluster.work?.counts.accepted ?? 0
  stats.writes.refused = cluster.work?.counts.refused ?? 0
  for (const { disk } of cluster.nodes.values()) {
    count(stats.faults, 'tornWrites', disk.stats.torn)
    count(stats.faults, 'lostWrites', disk.stats.lostInFlight + disk.stats.lostFinished)
  }
}
