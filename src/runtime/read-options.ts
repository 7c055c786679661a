/**
 * Judges options: everything at construction, every fault in one error, each with what to do. Does no I/O.
 *
 * An option that does not exist is refused, because it is a misspelt one. Read next: `options.ts` (what they mean).
 */
import * as z from 'zod'
import type { ElectionName } from '../core'
import { ElectionError } from '../errors'
import { silentLogger } from '../ports/logger'
import type { Storage } from '../ports/storage'
import type { Transport } from '../ports/transport'
import { file, memory } from '../storage'
import { MAX_TIMER_MS } from './deadline'
import { realEnvironment } from './environment'
import type { HealthCheck } from './health'
import { noTransport } from './no-transport'
import type {
  ElectionConfig,
  ElectionOptions,
  ElectionSettings,
  ElectorConfig,
  ElectorOptions,
} from './options'
import { describe, printable } from './printable'
import { membershipFaults } from './read-membership'
import { roleFaults } from './read-roles'
import { PROCESS, readVoters, type VoterPlan } from './read-voters'
import { workerConfig, workerFaults } from './remote/read-worker'
import {
  resolveTiming,
  storeTimingFaults,
  type TimingBasis,
  type TimingOptions,
  timingFaults,
} from './timing'

const NAME = /^[A-Za-z0-9._:-]{1,128}$/

const name = z.string().regex(NAME, { error: `a name matches ${NAME}` })
/** What a healthy disk that is busy may take for one write: a short promise says nothing of that. */
export const MIN_STORAGE_TIMEOUT_MS = 2_000

/** Finite and in the range of timers: NaN and Infinity are no numbers to zod (B.7). */
const duration = (min: number, max = MAX_TIMER_MS) => z.number().min(min).max(max).optional()

/** An object with these methods: an instance of somebody's class, so nothing else is asked of it. */
function having(what: string, ...methods: readonly string[]) {
  const holds = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function')
  return z.custom<object>(holds, { error: `expected ${what} (an object with ${methods.join(', ')})` })
}

/** A function, or an object around it with more to say. */
const callable = z.custom((value) => typeof value === 'function', { error: 'expected a function' })
const orCallable = (schema: z.ZodType) =>
  z.any().superRefine((value, context) => {
    if (typeof value === 'function') return
    const read = schema.safeParse(value)
    if (!read.success) for (const issue of read.error.issues) context.addIssue(issue as never)
  })
const TAG = /^[A-Za-z0-9._:-]{1,64}$/
const tags = z.array(z.string().regex(TAG, { error: `a capability matches ${TAG}` })).max(64)

const timing = z.strictObject({
  preset: z.enum(['fast', 'default', 'relaxed']).optional(),
  promiseMs: duration(20, 3_600_000),
  heartbeatMs: duration(1),
  campaignMs: duration(1),
  stepMs: duration(0),
  rho: z.number().min(0).max(0.5).optional(),
  deltaMs: duration(0),
  marginMs: duration(0),
  backoffMs: duration(0),
  backoffMaxMs: duration(0),
  minPromiseMs: duration(1),
  maxPromiseMs: duration(1),
  adaptive: z
    .union([z.boolean(), z.strictObject({ maxPromiseMs: z.number().min(1).max(MAX_TIMER_MS) })])
    .optional(),
})
const environment = z.strictObject({
  clock: having('a clock', 'now', 'wall', 'uptime', 'setTimer', 'clearTimer', 'afterIo', 'endOfTurn'),
  random: z.custom<() => number>((value) => typeof value === 'function', { error: 'expected a function' }),
  process: having('a process', 'on', 'off', 'kill', 'emitWarning').nullable(),
  loopMonitor: z.custom((value) => value === null || typeof value === 'function', {
    error: 'expected a function or null',
  }),
})
const electorFields = {
  cluster: name,
  id: z.string().regex(PROCESS, { error: `a process id matches ${PROCESS}` }),
  voters: z.unknown(),
  movingTo: z.unknown().optional(),
  observer: z.boolean().optional(),
  witnesses: z.unknown().optional(),
  maxObservers: z.number().int().min(0).max(10_000).optional(),
  operators: z.enum(['all', 'read', 'none']).optional(),
  transport: having('a transport', 'start', 'send', 'stop', 'flushSync', 'stats').optional(),
  dataDir: z.string().min(1).optional(),
  storage: having('a storage', 'open', 'write', 'close').optional(),
  timing: z.preprocess((value) => (typeof value === 'string' ? { preset: value } : value), timing).optional(),
  drainMs: duration(0),
  stopMs: duration(0),
  flushMs: duration(0),
  storageTimeoutMs: duration(1),
  maxElections: z.number().int().min(1).max(10_000_000).optional(),
  logger: having('a logger', 'debug', 'info', 'warn', 'error').optional(),
  metrics: having('metrics', 'count', 'observe', 'onCollect').optional(),
  handleSignals: z.boolean().optional(),
  capabilities: tags.optional(),
  spread: z.boolean().optional(),
  unref: z.boolean().optional(),
  sentinel: z.boolean().optional(),
  experimental: z.strictObject({ membership: z.boolean().optional() }).optional(),
  environment: environment.optional(),
  worker: z.boolean().optional(),
  mainThreadLimitMs: duration(1),
}
const electionFields = {
  contend: z.boolean().optional(),
  priority: z.number().int().min(-1_000).max(1_000).optional(),
  score: orCallable(
    z.strictObject({
      sample: callable,
      everyMs: duration(1),
      hysteresis: z.number().min(0).max(2_000).optional(),
    }),
  ).optional(),
  canLead: z.boolean().optional(),
  requires: tags.optional(),
  preferAfterMs: duration(1),
  preferBy: z.number().int().min(1).max(4_000).optional(),
  preferPerMinute: z.number().int().min(1).max(60).optional(),
  healthCheck: orCallable(
    z.strictObject({
      check: callable,
      everyMs: duration(1),
      timeoutMs: duration(1),
      failures: z.number().int().min(1).max(1_000).optional(),
      successes: z.number().int().min(1).max(1_000).optional(),
      whenAlone: z.enum(['giveUp', 'keep']).optional(),
    }),
  ).optional(),
  maxLoopDelayMs: duration(4),
  onOverdue: z.enum(['event', 'exit']).optional(),
}
const electorSchema = z.strictObject(electorFields)
const electionSchema = z.strictObject({ ...electorFields, ...electionFields, name })
const settingsSchema = z.strictObject({ ...electionFields, name })

/** @throws ELECTION_CONFIG_INVALID naming every fault. */
export function readElectorOptions(options: ElectorOptions): ElectorConfig {
  return resolve('createElector()', options, faultsOf(electorSchema, options))
}

/** @throws ELECTION_CONFIG_INVALID naming every fault. */
export function readElectionOptions(options: ElectionOptions): {
  readonly config: ElectorConfig
  readonly settings: ElectionConfig
} {
  const config = resolve('createElection()', options, faultsOf(electionSchema, options))
  return { config, settings: withDefaults('createElection()', options) }
}

/** @throws ELECTION_CONFIG_INVALID naming every fault. */
export function readElectionSettings(election: ElectionName, settings: ElectionSettings): ElectionConfig {
  const given = typeof settings === 'object' && settings !== null ? { ...settings, name: election } : settings
  const faults = faultsOf(settingsSchema, given)
  if (faults.length > 0) throw invalid('election()', faults)
  // of ten thousand elections most are like each other, and share this
  return Object.keys(settings).length === 0 ? DEFAULTS : withDefaults('election()', settings)
}

const DEFAULTS: ElectionConfig = Object.freeze(withDefaults('election()', {}))

/** @throws ELECTION_CONFIG_INVALID for settings that contradict each other. */
function withDefaults(call: string, settings: ElectionSettings): ElectionConfig {
  const { contend, priority = 0, score, canLead = true, requires = [] } = settings
  if (!canLead && contend === true) {
    throw invalid(call, [
      'contend: true and canLead: false: who never leads cannot contend; leave one of them out',
    ])
  }
  const { preferAfterMs: afterMs, preferBy, preferPerMinute: perMinute = 2 } = settings
  if (afterMs === undefined && (preferBy ?? settings.preferPerMinute) !== undefined) {
    throw invalid(call, [
      'preferBy and preferPerMinute say how to prefer; preferAfterMs says that: give it, too',
    ])
  }
  const by = preferBy ?? (score === undefined ? 1 : 20)
  return {
    contend: contend ?? true,
    priority,
    score: typeof score === 'function' ? { sample: score } : (score ?? null),
    canLead,
    requires,
    preference: afterMs === undefined ? null : { afterMs, by, perMinute },
    healthCheck: readHealthCheck(settings),
    maxLoopDelayMs: settings.maxLoopDelayMs ?? null,
    onOverdue: settings.onOverdue ?? 'event',
  }
}

/** A bound on stalls alone is a check, too: one that the service always passes. */
function readHealthCheck({ healthCheck, maxLoopDelayMs }: ElectionSettings): HealthCheck | null {
  if (typeof healthCheck === 'function') return { check: healthCheck }
  if (healthCheck !== undefined) return healthCheck
  return maxLoopDelayMs === undefined ? null : { check: () => true }
}

/** An ELECTION_CONFIG_INVALID that lists the faults. */
export function invalid(call: string, faults: readonly string[]): ElectionError {
  return new ElectionError('ELECTION_CONFIG_INVALID', `${call}: ${faults.join('; ')}`, {
    details: { faults },
  })
}

/** The faults of form, as sentences. Never throws, also for objects whose properties do when they are read. */
export function faultsOf(schema: z.ZodType, value: unknown): string[] {
  let read: ReturnType<typeof schema.safeParse>
  try {
    read = schema.safeParse(value)
  } catch (error) {
    return [`the options cannot be read: ${describe(error)}`]
  }
  if (read.success) return []
  return read.error.issues.map((issue) => {
    const path = issue.path.map(String).join('.')
    if (issue.code !== 'unrecognized_keys') return path === '' ? issue.message : `${path}: ${issue.message}`
    const keys = issue.keys.map((key) => `"${printable(path === '' ? key : `${path}.${key}`)}"`)
    return `unknown option ${keys.join(', ')}: see the options for those that exist`
  })
}

function resolve(call: string, options: ElectorOptions, faults: string[]): ElectorConfig {
  if (faults.length > 0) throw invalid(call, faults)
  const { id, transport, drainMs = 5_000 } = options
  const membership = options.experimental?.membership ?? false
  const { voters, movingTo, observer = false, witnesses } = options
  const plan = readVoters({ voters, movingTo, witnesses, observer, mayJoin: membership, self: id })
  faults.push(...plan.faults)
  if (plan.faults.length === 0) faults.push(...transportFaults(plan, transport))
  faults.push(
    ...storageFaults(plan, options),
    ...sentinelFaults(plan, options),
    ...spreadFaults(plan, options),
  )
  faults.push(...roleFaults(plan, options.maxObservers))
  if (membership) faults.push(...membershipFaults(plan, options))
  const storage = options.storage ?? storageOf(options.dataDir)
  const timing = resolveTiming(timingOf(options), basisOf(plan, storage))
  faults.push(...timingFaults(timing), ...storeTimingFaults(timing, plan.stores))
  const { stopMs = Math.min(drainMs + 2 * timing.promiseMs, MAX_TIMER_MS) } = options
  if (stopMs < drainMs) {
    faults.push(
      `stopMs ${stopMs} is below drainMs ${drainMs}: stop() would end before the work may; raise stopMs or lower drainMs`,
    )
  }
  faults.push(...workerFaults(options, plan, storage, timing.promiseMs))
  if (faults.length > 0) throw invalid(call, faults)
  return {
    cluster: options.cluster,
    id,
    plan,
    transport: transport ?? noTransport(),
    storage,
    timing,
    drainMs,
    stopMs,
    flushMs: options.flushMs ?? 500,
    storageTimeoutMs: options.storageTimeoutMs ?? Math.max(timing.promiseMs, MIN_STORAGE_TIMEOUT_MS),
    maxElections: options.maxElections ?? 100_000,
    maxObservers: options.maxObservers ?? 0,
    operators: options.operators ?? 'all',
    logger: options.logger ?? silentLogger,
    metrics: options.metrics ?? null,
    handleSignals: options.handleSignals ?? false,
    spread: options.spread ?? false,
    membership,
    capabilities: options.capabilities ?? [],
    sentinel: options.sentinel ?? false,
    environment: options.environment ?? realEnvironment(options.unref ?? false),
    worker: options.worker ? workerConfig(options, storage, timing.promiseMs) : null,
    warnings: plan.warnings,
  }
}

function timingOf({ timing = {} }: ElectorOptions): TimingOptions {
  return typeof timing === 'string' ? { preset: timing } : timing
}

/** With stores alone there is nothing to remember: `memory()` is no risk there, and needs no word. */
function storageOf(dataDir: string | undefined): Storage {
  return dataDir === undefined ? memory() : file({ dir: dataDir })
}

function basisOf({ stores, isVoter }: VoterPlan, storage: Storage): TimingBasis {
  const forgets = [...stores.values()].some(({ durability }) => durability === 'volatile')
  return { volatile: forgets || (isVoter && storage.kind === 'volatile'), stores: stores.size > 0 }
}

function transportFaults({ voters, isVoter }: VoterPlan, transport: Transport | undefined): string[] {
  const peers = voters.filter(({ kind }) => kind !== 'store').length
  if (transport === undefined && peers > 1 && isVoter) {
    return [`transport: ${peers} voters need one to reach each other, for instance tcp({ secret })`]
  }
  if (transport === undefined && peers > 0 && !isVoter) {
    return ['transport: an observer needs one to reach the voters, for instance tcp({ secret })']
  }
  if (transport !== undefined && peers === 0) {
    return [
      'transport: nobody would use it, as only stores vote (they have connections of their own); leave it out',
    ]
  }
  return []
}

function sentinelFaults({ isVoter }: VoterPlan, { sentinel, transport }: ElectorOptions): string[] {
  if (sentinel !== true || transport?.witness !== undefined) return []
  const why = !isVoter
    ? 'only stores vote, or this process is an observer, whose death a sentinel cannot prove'
    : transport === undefined
      ? 'there is no transport, so there is nobody to tell'
      : 'this transport has no `witness`, so a sentinel cannot reach the peers; tcp() has one'
  return [`sentinel: ${why}; leave it out: then time decides when this process dies`]
}

function spreadFaults({ isVoter }: VoterPlan, { spread = false }: ElectorOptions): string[] {
  if (!spread || isVoter) return []
  return ['spread: where only stores vote nobody knows how many elections the others lead; leave it out']
}

function storageFaults({ isVoter, stores }: VoterPlan, { dataDir, storage }: ElectorOptions): string[] {
  if (dataDir !== undefined && storage !== undefined) {
    return ['dataDir and storage: give one of them; dataDir is short for storage: file({ dir })']
  }
  if (!isVoter) return []
  if (dataDir === undefined && storage === undefined) {
    return [
      'dataDir or storage: say where this process keeps what it must not forget: dataDir: "./data", or storage: memory() to keep nothing (then each start waits, R28)',
    ]
  }
  if (storage?.kind === 'volatile' && stores.size > 0) {
    return [
      `storage: memory() beside ${[...stores.keys()].join(', ')}: a process that forgets asks the other voters how high the terms were, and a store cannot tell (R28); give dataDir`,
    ]
  }
  return []
}
