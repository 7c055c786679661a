/**
 * `conclave/simulation`: run leader code, or whole fault plans, in virtual time, replayable by seed.
 *
 * Three ways in. `simulate`: your own service over the real `Election`. `runSeed`: one seed decides a cluster, a minute of
 * faults and what has to hold. `SimCluster`: a cluster by hand. Everything below runs the shipping core; only clock, network
 * and disk are simulated. What is not exported here may change without notice.
 */

export type { Action, ActionKind, Who } from './actions'
export { type ClusterOptions, SIM_TIMING } from './cluster-options'
export type { WakeOrder } from './event-loop'
export { act } from './faults'
export { formatParts } from './format'
export {
  allInvariants,
  type Complain,
  type Invariant,
  type InvariantFactory,
  serviceInvariants,
} from './invariants'
export { CALM, type LinkQuality } from './links'
export type { NodeView, Observer } from './observer'
export type { FreezeMode } from './oscillator'
export {
  drawPage,
  drawSvg,
  Recorder,
  type Story,
  type StoryTitle,
  type SvgOptions,
  type WindowChoice,
} from './picture'
export {
  ALL_PROFILES,
  CHOSEN_PROFILES,
  type Plan,
  PROFILES,
  type ProfileName,
  planFor,
  type Setup,
  STORE_PROFILES,
  type Step,
  type StoreProfileName,
} from './plan'
export { Random } from './random'
export { type Shrunk, shrinkPlan } from './shrink'
export type { TimerAccuracy } from './sim-clock'
export { SimCluster, type Violation } from './sim-cluster'
export type { Flight, LossReason, NetworkOptions, NetworkStats, Verdict } from './sim-network'
export type { SimNode, Standing } from './sim-node'
export type { WriteTime } from './sim-storage'
export type { SimStore, StoreSetup, StoreWay } from './sim-store'
export {
  type Service,
  type SimProcess,
  type SimulateOptions,
  type Simulation,
  type SimulationReport,
  simulate,
} from './simulate'
export { livenessBoundMs, type RunOptions, type RunResult, type RunStats, runPlan, runSeed } from './swarm'
export { Trace, type TraceOptions } from './trace'
export type { WorkOptions } from './user-work'
