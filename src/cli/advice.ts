/**
 * Does a timing fit what was measured, and which would? The rules of `examples/tuning.md` with the numbers in them. Pure.
 *
 * What was measured in seconds is not the worst that happens in a year: rules that cost a leadership ask for twice of it.
 */
import { leaseLength } from '../core'
import { MIN_STORAGE_TIMEOUT_MS } from '../runtime/read-options'
import {
  type ResolvedTiming,
  resolveTiming,
  type TimingBasis,
  type TimingOptions,
  timingFaults,
} from '../runtime/timing'
import type { Measured } from './measure'

/** One rule with its numbers. */
interface Rule {
  readonly name: string
  readonly fits: boolean
  /** What there is, what is needed, and how both come about. */
  readonly arithmetic: string
  /** What happens if it does not fit. */
  readonly hazard: string
}

/** A timing judged. */
export interface Judgement {
  readonly timing: ResolvedTiming
  readonly rules: readonly Rule[]
  readonly fits: boolean
}

/** Twice the worst of a few seconds. */
const RESERVE = 2

/** What was measured, ms: the worst and, for a head start, the usual; 0 where nothing was. */
interface Costs {
  readonly readMs: number
  readonly casMs: number
  readonly pauseMs: number
  readonly roundTripMs: number
  readonly usualRoundTripMs: number
  readonly writeMs: number
  readonly usualWriteMs: number
}

function costsOf({ members, store, disk, loop }: Measured): Costs {
  const round = (of: 'p50Ms' | 'maxMs'): number =>
    Math.max(0, ...members.map(({ answer, connect }) => (answer ?? connect)?.[of] ?? 0))
  return {
    readMs: store?.read?.maxMs ?? 0,
    casMs: store?.write?.maxMs ?? 0,
    pauseMs: loop.maxMs,
    roundTripMs: round('maxMs'),
    usualRoundTripMs: round('p50Ms'),
    writeMs: disk?.maxMs ?? 0,
    usualWriteMs: disk?.p50Ms ?? 0,
  }
}

const ms = (value: number): string => `${Math.round(value * 100) / 100}`

function rule(name: string, has: number, needs: number, arithmetic: string, hazard: string): Rule {
  return { name, fits: has >= needs, arithmetic, hazard }
}

/** The two on which the safety of leases rests (A2). */
function clockRules({ rho, deltaMs }: ResolvedTiming, { clock }: Measured): Rule[] {
  const { resolutionMs, driftPpm } = clock
  const drift = (10 * Math.abs(driftPpm)) / 1e6
  return [
    rule(
      'clock rate',
      rho,
      drift,
      `rho ${rho}; needs 10 x drift ${Math.abs(driftPpm)} ppm = ${Number(drift.toPrecision(2))}`,
      'two leaders can overlap (P2)',
    ),
    rule(
      'clock resolution',
      deltaMs,
      resolutionMs,
      `deltaMs ${deltaMs}; needs the resolution ${resolutionMs}`,
      'two leaders can overlap (P2)',
    ),
  ]
}

/** Where a store votes: each renewal is one write, each try two reads and a write, and four calls may be lost (A.10.6). */
function storeRules({ promiseMs, campaignMs }: ResolvedTiming, measured: Measured, budget: number): Rule[] {
  const { pauseMs, readMs, casMs } = costsOf(measured)
  const timeoutMs = measured.store?.timeoutMs ?? 0
  const renewal = RESERVE * (pauseMs + casMs)
  const attempt = RESERVE * (2 * readMs + casMs)
  const call = RESERVE * Math.max(readMs, casMs)
  return [
    rule(
      'store renewal',
      budget,
      renewal,
      `a renewal has ${ms(budget)}; needs 2 x (pause ${ms(pauseMs)} + write ${ms(casMs)}) = ${ms(renewal)}`,
      'leaderships are lost to a slow store',
    ),
    rule(
      'store try',
      campaignMs,
      attempt,
      `campaignMs ${ms(campaignMs)}; needs 2 x (2 x read ${ms(readMs)} + write ${ms(casMs)}) = ${ms(attempt)}`,
      'tries to win run out of time',
    ),
    rule(
      'store time-out',
      timeoutMs,
      call,
      `timeoutMs ${ms(timeoutMs)} of the store; needs 2 x its slowest call = ${ms(call)}`,
      'answers that come count as lost',
    ),
    rule(
      'store promise',
      promiseMs,
      4 * timeoutMs,
      `promiseMs ${ms(promiseMs)}; needs 4 x timeoutMs ${ms(timeoutMs)} = ${ms(4 * timeoutMs)}`,
      'it is refused: one lost answer would cost the lease',
    ),
  ]
}

/** Judges one timing, with `storageTimeoutMs` as it is by default. */
export function judge(timing: ResolvedTiming, measured: Measured): Judgement {
  const { promiseMs, heartbeatMs, campaignMs, stepMs, marginMs, rho, deltaMs } = timing
  const { pauseMs, roundTripMs, usualRoundTripMs, writeMs, usualWriteMs } = costsOf(measured)
  const { store } = measured
  const storageTimeoutMs = Math.max(promiseMs, MIN_STORAGE_TIMEOUT_MS)
  const budget = leaseLength(promiseMs, rho, deltaMs) - marginMs - heartbeatMs
  const renewal = RESERVE * (pauseMs + roundTripMs)
  const attempt = RESERVE * (2 * roundTripMs + 2 * writeMs)
  const step = usualRoundTripMs + 2 * usualWriteMs
  const isOfPeers = ({ name }: Rule): boolean =>
    measured.members.length > 0 ||
    !['renewal', 'try', 'step'].includes(name) ||
    (name === 'try' && measured.disk !== null)
  const rules = [
    rule(
      'renewal',
      budget,
      renewal,
      `${ms(promiseMs)} x (1 - ${rho}) / (1 + ${rho}) - deltaMs ${deltaMs} - marginMs ${ms(marginMs)} - heartbeatMs ${ms(heartbeatMs)} = ${ms(budget)}; needs 2 x (pause ${ms(pauseMs)} + round trip ${ms(roundTripMs)}) = ${ms(renewal)}`,
      'leaderships are lost to pauses',
    ),
    rule(
      'try',
      campaignMs,
      attempt,
      `campaignMs ${ms(campaignMs)}; needs 2 x (2 x round trip ${ms(roundTripMs)} + 2 x write ${ms(writeMs)}) = ${ms(attempt)}`,
      'tries to win run out of time',
    ),
    rule(
      'step',
      stepMs,
      step,
      `stepMs ${ms(stepMs)}; needs round trip ${ms(usualRoundTripMs)} + 2 x write ${ms(usualWriteMs)} (medians) = ${ms(step)}`,
      'contenders stand at the same time and split the votes',
    ),
    rule(
      'margin',
      marginMs,
      RESERVE * pauseMs,
      `marginMs ${ms(marginMs)}; needs 2 x pause ${ms(pauseMs)} = ${ms(RESERVE * pauseMs)}`,
      'work hears too late that it has to stop',
    ),
    rule(
      'storage',
      storageTimeoutMs,
      RESERVE * writeMs,
      `storageTimeoutMs ${ms(storageTimeoutMs)}; needs 2 x write ${ms(writeMs)} = ${ms(RESERVE * writeMs)}`,
      'a slow flush ends the life of the process',
    ),
    ...clockRules(timing, measured),
  ]
  const asked = store === null ? rules : [...storeRules(timing, measured, budget), ...rules.filter(isOfPeers)]
  return { timing, rules: asked, fits: asked.every(({ fits }) => fits) }
}

/** The shortest timing that fits, in two digits; null if none up to an hour does. */
export function advise(measured: Measured): TimingOptions | null {
  const { usualRoundTripMs, usualWriteMs } = costsOf(measured)
  const basis = basisOf(measured.store !== null)
  const step = Math.ceil(usualRoundTripMs + 2 * usualWriteMs)
  for (let promiseMs = 20; promiseMs <= 3_600_000; promiseMs = next(promiseMs)) {
    const bare = resolveTiming({ promiseMs }, basis)
    const options = bare.stepMs >= step ? { promiseMs } : { promiseMs, stepMs: step }
    const timing = resolveTiming(options, basis)
    if (timingFaults(timing).length > 0) continue
    if (judge(timing, measured).fits) return options
  }
  return null
}

/** The next number of two digits and zeros. */
function next(value: number): number {
  return value + 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1)
}

/** Peers with a disk: what a doctor of hosts can judge. */
export const PEERS = { volatile: false, stores: false } as const

/** Whose defaults count: with a store among the voters they are longer (A.10.6). */
export function basisOf(hasStore: boolean): TimingBasis {
  return { ...PEERS, stores: hasStore }
}
