/**
 * Timing: presets, what follows from what, and the rules that hold between the durations.
 *
 * Everything scales with `promiseMs`, so one number is enough to make the protocol faster or calmer. A rule that is broken
 * is reported with both numbers and with what to do. Pure. Read next: `options.ts`, PROTOCOL A.1.
 */
import { leaseLength, type Timing } from '../core'
import type { VoterStore } from '../ports/voter-store'
import { MAX_TIMER_MS } from './deadline'

/** Named sets of durations; see `TimingOptions`. */
export type TimingPreset = 'fast' | 'default' | 'relaxed'

/**
 * Durations of the protocol, in milliseconds. Give a preset, single values, or both. What is not given follows from
 * `promiseMs`. All voters should run the same values; different ones are safe, but a voter refuses a `promiseMs` outside
 * of its bounds.
 */
export interface TimingOptions {
  /**
   * `fast`: D = 600, step 15; one rack, quiet event loops. `default`: D = 2,000, step 30. `relaxed`: D = 10,000,
   * step 100; shared machines, several regions, long pauses of the garbage collector. With a store among the voters:
   * D = 4,000, 5,000 and 15,000, step 100, because a store answers more slowly and D is at least four of its time-outs.
   */
  readonly preset?: TimingPreset
  /**
   * D: how long a voter keeps its word after each heartbeat. Default 2,000; with a store 5,000. A crash without evidence costs about
   * D / (1 - rho). Too small: every pause of the event loop, the network or the disk above D loses leaderships. Too
   * large: a dead host is replaced late. 20 to 3,600,000.
   */
  readonly promiseMs?: number
  /**
   * Interval of heartbeats. Default D / 8; with a store D / 5, and as often it is looked at. Too small: traffic and wake-ups. Too large: one lost packet costs a lease;
   * refused above D / 3.
   */
  readonly heartbeatMs?: number
  /**
   * How long one try to win may take. Default D / 4; with a store D / 2. Too small: slow disks never finish a vote. Too large: a try that
   * cannot succeed blocks its voters longer. Below D (R3).
   */
  readonly campaignMs?: number
  /**
   * Head start of each contender over the next in the order of succession (R69). Default 30. Should exceed a round trip
   * and two disk flushes. Too small: split votes. Too large: slow failover when the first in line is dead, too.
   */
  readonly stepMs?: number
  /**
   * Bound on how far any voter's monotonic clock may run from real time: 0.1 = 10 % (A2). Default 0.1, which covers what
   * a Linux kernel can be told to slew. It shortens leases, not failover. Too small for the real clocks: two leaders can
   * overlap (P2). Too large: shorter leases. 0 to 0.5.
   */
  readonly rho?: number
  /** Resolution of the clock, taken off each lease once (A2). Default 2. Too small for a coarse clock: overlap. Too large: shorter leases. */
  readonly deltaMs?: number
  /**
   * `signal` of a leadership aborts this long before its lease ends; work has that long to stop. Default D / 8. Too small:
   * work still runs when somebody else may lead. Too large: short hiccups end leaderships.
   */
  readonly marginMs?: number
  /** Upper bound of the first random wait after a failed try (R35). Default D / 20. Too small: repeated split votes. Too large: slow elections. */
  readonly backoffMs?: number
  /** Largest upper bound of that wait, which doubles with each failure. Default D / 2. Too small: as above with many voters. Too large: slow recovery after a long partition. */
  readonly backoffMaxMs?: number
  /** A peer that asks for a shorter promise is refused (R18). Default D / 5. Too large: rolling out a smaller D fails. */
  readonly minPromiseMs?: number
  /**
   * A peer that asks for a longer promise is refused (R18). Default 5 D; with `memory()` D, because then each start waits
   * that long (R28). Too large: one misconfigured peer lengthens the boot wait of all. Too small: rolling out a larger D
   * fails.
   */
  readonly maxPromiseMs?: number
  /**
   * Ask for longer promises while renewals come late: measured from each heartbeat to its answer, and by how late heartbeats
   * leave. Grows at once, shrinks by 5 ms per second; between `promiseMs` and the limit. True: up to 2 `promiseMs`, or
   * `maxPromiseMs` if that is less. Liveness only: nobody's promise is shortened (R18). Default false. Limit too small: a
   * busy machine loses leaderships; too large: after a busy minute a dead leader is replaced late, for a while.
   */
  readonly adaptive?: boolean | { readonly maxPromiseMs: number }
}

/** Timing as the runtime uses it. */
export interface ResolvedTiming extends Timing {
  readonly marginMs: number
}

/** What the defaults depend on. */
export interface TimingBasis {
  /** Nothing survives a restart (R28). */
  readonly volatile: boolean
  /** A store is among the voters (A.10.6). */
  readonly stores: boolean
}

interface Preset {
  readonly promiseMs: number
  readonly stepMs: number
}

const PRESETS: Readonly<Record<TimingPreset, Preset>> = {
  fast: { promiseMs: 600, stepMs: 15 },
  default: { promiseMs: 2_000, stepMs: 30 },
  relaxed: { promiseMs: 10_000, stepMs: 100 },
}

const STORE_PRESETS: Readonly<Record<TimingPreset, Preset>> = {
  fast: { promiseMs: 4_000, stepMs: 100 },
  default: { promiseMs: 5_000, stepMs: 100 },
  relaxed: { promiseMs: 15_000, stepMs: 100 },
}

/** Fills in what follows; judges nothing. */
export function resolveTiming(options: TimingOptions, { volatile, stores }: TimingBasis): ResolvedTiming {
  const preset = (stores ? STORE_PRESETS : PRESETS)[options.preset ?? 'default']
  const promiseMs = options.promiseMs ?? preset.promiseMs
  const backoffMs = options.backoffMs ?? promiseMs / 20
  const maxPromiseMs = options.maxPromiseMs ?? Math.min(volatile ? promiseMs : promiseMs * 5, MAX_TIMER_MS)
  return {
    promiseMs,
    heartbeatMs: options.heartbeatMs ?? promiseMs / (stores ? 5 : 8),
    campaignMs: options.campaignMs ?? promiseMs / (stores ? 2 : 4),
    stepMs: options.stepMs ?? Math.min(preset.stepMs, promiseMs / 2),
    rho: options.rho ?? 0.1,
    deltaMs: options.deltaMs ?? 2,
    marginMs: options.marginMs ?? promiseMs / 8,
    backoffMs,
    backoffMaxMs: options.backoffMaxMs ?? Math.max(promiseMs / 2, backoffMs),
    minPromiseMs: options.minPromiseMs ?? promiseMs / 5,
    maxPromiseMs,
    ...adaptiveOf(options.adaptive, promiseMs, maxPromiseMs),
  }
}

function adaptiveOf(
  adaptive: TimingOptions['adaptive'] = false,
  promiseMs: number,
  maxPromiseMs: number,
): Pick<ResolvedTiming, 'adaptiveMaxMs'> {
  if (adaptive === false) return {}
  return { adaptiveMaxMs: adaptive === true ? Math.min(2 * promiseMs, maxPromiseMs) : adaptive.maxPromiseMs }
}

/** The rules that hold between the durations; a sentence for each one that is broken, in the order of importance. */
export function timingFaults(timing: ResolvedTiming): string[] {
  const { promiseMs, heartbeatMs, campaignMs, marginMs, stepMs, rho, deltaMs } = timing
  const { backoffMs, backoffMaxMs, minPromiseMs, maxPromiseMs, adaptiveMaxMs } = timing
  const faults: string[] = []
  const demand = (holds: boolean, fault: string): void => {
    if (!holds) faults.push(fault)
  }
  demand(
    heartbeatMs * 3 <= promiseMs,
    `heartbeatMs ${heartbeatMs} is more than a third of promiseMs ${promiseMs}: lower heartbeatMs to ${floor(promiseMs / 3)} or less, or raise promiseMs to ${heartbeatMs * 3} or more`,
  )
  demand(
    campaignMs < promiseMs,
    `campaignMs ${campaignMs} must be below promiseMs ${promiseMs}: a quarter of it is a good value`,
  )
  const leaseMs = floor(leaseLength(promiseMs, rho, deltaMs))
  demand(
    marginMs + 2 * heartbeatMs <= leaseMs,
    `marginMs ${marginMs} and two heartbeats of ${heartbeatMs} do not fit into a lease of ${leaseMs} (promiseMs ${promiseMs} with rho ${rho} and deltaMs ${deltaMs}): lower marginMs or heartbeatMs, or raise promiseMs`,
  )
  demand(
    minPromiseMs <= promiseMs,
    `minPromiseMs ${minPromiseMs} is above promiseMs ${promiseMs}: this process would refuse its equals; lower minPromiseMs`,
  )
  demand(
    maxPromiseMs >= promiseMs,
    `maxPromiseMs ${maxPromiseMs} is below promiseMs ${promiseMs}: this process would refuse its equals; raise maxPromiseMs`,
  )
  demand(
    adaptiveMaxMs === undefined || adaptiveMaxMs > promiseMs,
    `adaptive: promises of at most ${adaptiveMaxMs} ms leave no room above promiseMs ${promiseMs}; raise adaptive.maxPromiseMs (and maxPromiseMs, which is promiseMs with memory() unless it is given)`,
  )
  demand(
    adaptiveMaxMs === undefined || adaptiveMaxMs <= maxPromiseMs,
    `adaptive.maxPromiseMs ${adaptiveMaxMs} is above maxPromiseMs ${maxPromiseMs}: other voters would refuse such promises; lower the first or raise the second at every voter`,
  )
  demand(
    backoffMs <= backoffMaxMs,
    `backoffMs ${backoffMs} is above backoffMaxMs ${backoffMaxMs}: lower the first or raise the second`,
  )
  demand(
    stepMs <= promiseMs / 2,
    `stepMs ${stepMs} is more than half of promiseMs ${promiseMs}: lower it to a few round trips`,
  )
  return faults
}

/** A lease has to outlive a few calls that are never answered (A.10.6); a sentence for each store that is too slow for D. */
export function storeTimingFaults(
  { promiseMs, campaignMs }: ResolvedTiming,
  stores: ReadonlyMap<string, VoterStore>,
): string[] {
  const faults: string[] = []
  for (const [id, { timeoutMs = 0 }] of stores) {
    if (4 * timeoutMs > promiseMs) {
      faults.push(
        `promiseMs ${promiseMs} is below four time-outs of ${id} (timeoutMs ${timeoutMs}): one lost answer would cost the lease; raise promiseMs to ${4 * timeoutMs} or more, or lower timeoutMs to ${floor(promiseMs / 4)} or less`,
      )
    } else if (timeoutMs > campaignMs) {
      faults.push(
        `campaignMs ${campaignMs} is below one time-out of ${id} (timeoutMs ${timeoutMs}): a try would end before its answer; raise the first or lower the second`,
      )
    }
  }
  return faults
}

function floor(ms: number): number {
  return Math.floor(ms * 100) / 100
}
