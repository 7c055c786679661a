/** `conclave/simulation`: run leader code, or whole fault plans, in virtual time, replayable by seed. */
export { type Action, type ActionKind, act } from './faults'
export { type Plan, PROFILES, type ProfileName, planFor } from './plan'
export { type Shrunk, shrinkPlan } from './shrink'
export { SimCluster, type Violation } from './sim-cluster'
export {
  type Service,
  type SimProcess,
  type SimulateOptions,
  type Simulation,
  type SimulationReport,
  simulate,
} from './simulate'
export { type RunOptions, type RunResult, runPlan, runSeed } from './swarm'
