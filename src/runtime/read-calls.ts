/** Judges the options of calls: `lead`, `resign` and whatever waits. As `read-options.ts`, for one call. */
import * as z from 'zod/mini'
import type { ProcessId } from '../core'
import type { ResignOptions, WaitLimits } from './api'
import { MAX_TIMER_MS } from './deadline'
import type { LeadOptions } from './lead'
import type { ElectorConfig } from './options'
import { printable } from './printable'
import { duration, faultsOf, invalid, lazily, number, oneOf } from './schema'
import type { SwitchoverOptions } from './switchover'

const isSignal = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value

const signal = () => z.optional(z.custom<AbortSignal>(isSignal, { error: 'expected an AbortSignal' }))

const limits = lazily(() => z.strictObject({ timeoutMs: duration(), signal: signal() }))

const lead = lazily(() =>
  z.strictObject({
    signal: signal(),
    drainMs: duration(),
    onThrow: oneOf('resign', 'keep'),
    onReturn: oneOf('resign', 'keep'),
    cooldownMs: duration(),
  }),
)

const resign = lazily(() =>
  z.strictObject({
    to: z.optional(z.string()),
    cooldownMs: duration(),
    reason: oneOf('resigned', 'unhealthy'),
    drainMs: duration(),
    timeoutMs: duration(),
  }),
)

const freeze = lazily(() => number(0, MAX_TIMER_MS))

const switchover = lazily(() =>
  z.strictObject({
    at: z.optional(
      z.union([z.date(), z.int().check(z.gte(0))], { error: 'expected a Date, or milliseconds since 1970' }),
    ),
    inMs: duration(),
    to: z.optional(z.string()),
    cooldownMs: duration(),
    drainMs: duration(),
  }),
)

/** @throws ELECTION_CONFIG_INVALID */
export function checkLimits(call: string, options: WaitLimits): void {
  demand(call, faultsOf(limits(), options))
}

/** @throws ELECTION_CONFIG_INVALID */
export function checkLead(
  work: unknown,
  options: LeadOptions,
  isLeading: boolean,
  { plan, id }: ElectorConfig,
): void {
  const faults = faultsOf(lead(), options)
  if (plan.memberKind === 'witness') faults.push(`"${id}" is among the witnesses, which never lead (R37)`)
  if (typeof work !== 'function') faults.push('expected a function')
  if (isLeading) faults.push('it runs already for this election; one function leads at a time')
  demand('lead()', faults)
}

/** @throws ELECTION_CONFIG_INVALID */
export function checkResign(
  options: ResignOptions,
  { id, plan, membership, maxObservers }: ElectorConfig,
  /** Ids of observers that contend, here or as voters say. */
  observers: readonly ProcessId[] = [],
): void {
  demand('resign()', faultsOf(resign(), options))
  const { to } = options
  if (to === id) demand('resign()', [`to: "${to}" is this process itself`])
  // where only stores vote nobody knows all the others: the hand-over names one, and whoever bears the name goes first
  const peers = plan.voters.filter(({ kind }) => kind === 'peer').map((voter) => voter.id)
  const knows = plan.isVoter || peers.length > 0
  if (to === undefined || !knows || membership || peers.includes(to) || observers.includes(to)) return
  const others = plan.isVoter && maxObservers === 0 ? '' : ', nor an observer that is here and contends'
  demand('resign()', [
    `to: "${printable(to)}" is not among the voters that may lead, ${peers.join(', ')}${others}`,
  ])
}

/** @throws ELECTION_CONFIG_INVALID */
export function checkPause(leader: unknown): void {
  demand(
    'pause()',
    leader === 'stays' || leader === 'stepsDown' ? [] : ['leader: expected "stays" or "stepsDown"'],
  )
}

/** @throws ELECTION_CONFIG_INVALID */
export function checkFreeze(forMs: number): void {
  demand('freeze()', faultsOf(freeze(), forMs))
}

/** @throws ELECTION_CONFIG_INVALID */
export function checkSwitchover(options: SwitchoverOptions, config: ElectorConfig): void {
  const faults = faultsOf(switchover(), options)
  if ((options.at === undefined) === (options.inMs === undefined)) {
    faults.push('give either `at` (an instant of the wall clock) or `inMs` (from now)')
  }
  demand('switchover()', faults)
  const { to } = options
  // an observer that is not here yet may be when the time has come
  const isLater = !config.plan.isVoter || config.maxObservers > 0
  if (to !== undefined) checkResign({ to }, config, isLater ? [to] : [])
}

function demand(call: string, faults: readonly string[]): void {
  if (faults.length > 0) throw invalid(call, faults)
}
