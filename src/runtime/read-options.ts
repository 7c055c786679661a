/**
 * Judges options: everything at construction, every fault in one error, each with what to do. Does no I/O.
 *
 * Read next: `option-schemas.ts` (each option by itself), `options.ts` (what they mean).
 */
import type { ElectionName } from '../core'
import { silentLogger } from '../ports/logger'
import type { Storage } from '../ports/storage'
import type { Transport } from '../ports/transport'
import { file, memory } from '../storage'
import { containedLogger, containedMetrics } from './contained'
import { MAX_TIMER_MS } from './deadline'
import { realEnvironment } from './environment'
import type { HealthCheck } from './health'
import { noTransport } from './no-transport'
import { electionSchema, electorSchema, settingsSchema } from './option-schemas'
import type {
  ElectionConfig,
  ElectionOptions,
  ElectionSettings,
  ElectorConfig,
  ElectorOptions,
} from './options'
import { membershipFaults } from './read-membership'
import { roleFaults } from './read-roles'
import { readVoters, type VoterPlan } from './read-voters'
import { workerConfig, workerFaults } from './remote/read-worker'
import { faultsOf, invalid } from './schema'
import {
  resolveTiming,
  storeTimingFaults,
  type TimingBasis,
  type TimingOptions,
  timingFaults,
} from './timing'

/** What a healthy disk that is busy may take for one write: a short promise says nothing of that. */
export const MIN_STORAGE_TIMEOUT_MS = 2_000

/** @throws ELECTION_CONFIG_INVALID naming every fault. */
export function readElectorOptions(options: ElectorOptions): ElectorConfig {
  return resolve('createElector()', options, faultsOf(electorSchema(), options))
}

/** @throws ELECTION_CONFIG_INVALID naming every fault. */
export function readElectionOptions(options: ElectionOptions): {
  readonly config: ElectorConfig
  readonly settings: ElectionConfig
} {
  const config = resolve('createElection()', options, faultsOf(electionSchema(), options))
  return { config, settings: withDefaults('createElection()', options) }
}

/** @throws ELECTION_CONFIG_INVALID naming every fault. */
export function readElectionSettings(election: ElectionName, settings: ElectionSettings): ElectionConfig {
  const given = typeof settings === 'object' && settings !== null ? { ...settings, name: election } : settings
  const faults = faultsOf(settingsSchema(), given)
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
  const { logger = silentLogger, metrics } = options
  const environment = options.environment ?? realEnvironment(options.unref ?? false)
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
    logger: containedLogger(logger, environment.process),
    metrics: metrics === undefined ? null : containedMetrics(metrics, environment.process),
    handleSignals: options.handleSignals ?? false,
    spread: options.spread ?? false,
    membership,
    capabilities: options.capabilities ?? [],
    sentinel: options.sentinel ?? false,
    environment,
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
