/**
 * What a simulated cluster is made of, as options with defaults.
 *
 * Everything but the invariants and the program is plain data, and so part of a plan. Read next: `sim-cluster.ts`.
 */
import type { Preference, Timing } from '../core'
import type { ElectionName, ProcessId } from '../core/types'
import type { InvariantFactory } from './invariants'
import type { LinkQuality } from './links'
import type { TimerAccuracy } from './sim-clock'
import type { NetworkOptions } from './sim-network'
import type { Program } from './sim-node'
import type { WriteTime } from './sim-storage'
import type { StoreSetup } from './sim-store'
import type { WorkOptions } from './user-work'

/** What a cluster is made of. Everything but `seed` has a default. */
export interface ClusterOptions {
  /** Decides everything that chance decides. */
  readonly seed: number
  /** Names of the voters. Default: `a`, `b`, `c`. */
  readonly nodes?: readonly ProcessId[]
  /** Names of the elections; every node contends in all of them. Default: `jobs`. */
  readonly elections?: readonly ElectionName[]
  /** Stores that vote. Default: none. */
  readonly stores?: readonly StoreSetup[]
  /** Names of the voters, of nodes and stores. Default: all nodes, and no store. Whoever is no voter only contends. */
  readonly voters?: readonly ProcessId[]
  /** Voters that never lead (R37). Default: none. */
  readonly witnesses?: readonly ProcessId[]
  /** Who contends; others only vote. Default: all nodes. */
  readonly contenders?: readonly ProcessId[]
  /** Default: `SIM_TIMING`. */
  readonly timing?: Partial<Timing>
  /** Deviations of single nodes. */
  readonly timingOf?: Readonly<Record<ProcessId, Partial<Timing>>>
  readonly quality?: Partial<LinkQuality>
  readonly network?: Partial<Omit<NetworkOptions, 'quality'>>
  readonly accuracy?: TimerAccuracy
  readonly writeTime?: WriteTime
  readonly preVote?: boolean
  readonly succession?: boolean
  /** Leaders hand over to better contenders (R37). Default: null, they stay. */
  readonly preference?: Preference | null
  /** Nothing is durable (R28). */
  readonly ephemeral?: boolean
  /** Members change, `voters` are the founders, and every node contends in `@members`, too. Default false. */
  readonly membership?: boolean
  /** Work on the guarded resource; null for none. Default: null. */
  readonly work?: WorkOptions | null
  /** What runs as the process of each node. Default: the driver alone; see `simulate.ts` for a service. */
  readonly program?: Program
  /** Default: all that hold under A1-A5; an empty list for none. */
  readonly invariants?: readonly InvariantFactory[]
  /** Names of invariants that are not demanded: to look behind a violation that is known. Default: none. */
  readonly ignore?: readonly string[]
  /** False: a hypervisor pause may break A2, and P2 and P3 (b) are not demanded. Default true. */
  readonly clockRates?: boolean
}

/** Timing of simulated clusters unless said otherwise: the defaults of the library (DESIGN section 4). */
export const SIM_TIMING: Timing = {
  promiseMs: 2000,
  heartbeatMs: 250,
  campaignMs: 500,
  stepMs: 50,
  rho: 0.1,
  deltaMs: 2,
  backoffMs: 100,
  backoffMaxMs: 1000,
  minPromiseMs: 1,
  maxPromiseMs: 60_000,
}
