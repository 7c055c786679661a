/**
 * What can be done to a cluster, as plain data: printed, stored beside a seed, taken apart by a shrinker, replayed.
 *
 * An action names nodes by id, or as `leader of <election>`, which is found when its time has come. Read next: `faults.ts`,
 * which does it.
 */
import type { ElectionName, ProcessId } from '../core/types'
import type { WakeOrder } from './event-loop'
import type { LinkQuality } from './links'
import type { FreezeMode } from './oscillator'
import type { StoreWay } from './sim-store'

/** A node by its id, or whoever leads an election at that time: `leader of jobs`. */
export type Who = string

/** One thing that is done to a cluster. Times are real ms. */
export type Action =
  | { readonly do: 'crash'; readonly node: Who; readonly fin: boolean; readonly downMs: number | null }
  | { readonly do: 'crashInWrite'; readonly node: Who; readonly downMs: number | null }
  | { readonly do: 'restart'; readonly node: Who }
  | { readonly do: 'stop'; readonly node: Who; readonly downMs: number | null }
  | { readonly do: 'pause'; readonly node: Who; readonly forMs: number; readonly wake: WakeOrder }
  | {
      readonly do: 'stutter'
      readonly node: Who
      readonly times: number
      readonly forMs: number
      readonly everyMs: number
      readonly wake: WakeOrder
    }
  | {
      readonly do: 'suspend'
      readonly node: Who
      readonly forMs: number
      readonly mode: FreezeMode
      readonly wake: WakeOrder
    }
  | {
      readonly do: 'cut'
      readonly from: Who
      readonly to: Who
      readonly name: string
      readonly forMs: number | null
    }
  | {
      readonly do: 'partition'
      readonly groups: readonly (readonly ProcessId[])[]
      readonly name: string
      readonly forMs: number | null
    }
  | {
      readonly do: 'mesh'
      readonly links: readonly (readonly [ProcessId, ProcessId])[]
      readonly name: string
      readonly forMs: number | null
    }
  | { readonly do: 'isolate'; readonly node: Who; readonly name: string; readonly forMs: number | null }
  | { readonly do: 'heal'; readonly name: string | null }
  | { readonly do: 'quality'; readonly quality: Partial<LinkQuality>; readonly node: Who | null }
  | { readonly do: 'rate'; readonly node: Who; readonly rate: number }
  | { readonly do: 'stepWall'; readonly node: Who; readonly byMs: number }
  | { readonly do: 'diskFails'; readonly node: Who; readonly fails: boolean }
  | { readonly do: 'diskHangs'; readonly node: Who; readonly hangs: boolean }
  | { readonly do: 'diskLosesLastWrite'; readonly node: Who }
  | { readonly do: 'replaceDisk'; readonly node: Who; readonly downMs: number }
  | { readonly do: 'resign'; readonly election: ElectionName; readonly cooldownMs: number }
  | {
      readonly do: 'transfer'
      readonly election: ElectionName
      readonly to: ProcessId
      readonly cooldownMs: number
    }
  | { readonly do: 'handOver'; readonly election: ElectionName; readonly cooldownMs: number }
  | { readonly do: 'sicken'; readonly node: Who; readonly election: ElectionName; readonly forMs: number }
  | { readonly do: 'drainTimeout'; readonly election: ElectionName }
  | {
      readonly do: 'contend'
      readonly node: Who
      readonly election: ElectionName
      readonly contending: boolean
      readonly priority: number
    }
  | { readonly do: 'campaign'; readonly node: Who; readonly election: ElectionName }
  | { readonly do: 'heartbeatNow'; readonly node: Who }
  | {
      readonly do: 'pauseElection'
      readonly node: Who
      readonly election: ElectionName
      readonly isPaused: boolean
    }
  | {
      readonly do: 'freezeMember'
      readonly node: Who
      readonly election: ElectionName
      /** 0 ends it. */
      readonly forMs: number
    }
  | {
      readonly do: 'switchover'
      readonly node: Who
      readonly election: ElectionName
      readonly to: ProcessId | null
      readonly inMs: number
      readonly clock: 'monotonic' | 'wall'
    }
  | { readonly do: 'cancelSwitchover'; readonly node: Who; readonly election: ElectionName }
  | { readonly do: 'proofOfDeath'; readonly of: ProcessId; readonly to: readonly ProcessId[] }
  | { readonly do: 'restartGuard'; readonly election: ElectionName; readonly by: Who }
  | { readonly do: 'addMember'; readonly node: ProcessId }
  | { readonly do: 'removeMember'; readonly node: Who }
  | { readonly do: 'storeDown'; readonly store: string; readonly forMs: number }
  | {
      readonly do: 'storeCut'
      readonly store: string
      readonly node: Who
      readonly way: StoreWay
      readonly forMs: number
    }
  | { readonly do: 'storeForgets'; readonly store: string }

/** Every kind of action, for tables and counters. */
export type ActionKind = Action['do']
