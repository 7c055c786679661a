/**
 * Judges options: everything at construction, every fault in one error, each with what to do. Does no I/O.
 *
 * An option that does not exist is refused, because it is a misspelt one. Read next: `options.ts` (what they mean).
 */
import { z } from 'zod'
import type { ElectionName, ProcessId } from '../core'
import { ElectionError } from '../errors'
import { silentLogger } from '../ports/logger'
import type { Storage } from '../ports/storage'
import { file } from '../storage'
import { MAX_TIMER_MS } from './deadline'
import { realEnvironment } from './environment'
import { noTransport } from './no-transport'
import type {
  ElectionConfig,
  ElectionOptions,
  ElectionSettings,
  ElectorConfig,
  ElectorOptions,
  VotersOption,
} from './options'
import { describe, printable } from './printable'
import { resolveTiming, type TimingOptions, timingFaults } from './timing'

const PROCESS = /^[A-Za-z0-9._-]{1,64}$/
const NAME = /^[A-Za-z0-9._:-]{1,128}$/
/** Above this a majority costs more than it saves. */
const MAX_VOTERS = 31

const name = z.string().regex(NAME, { error: `a name matches ${NAME}` })
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
  handleSignals: z.boolean().optional(),
  unref: z.boolean().optional(),
  environment: environment.optional(),
}
const electionFields = {
  contend: z.boolean().optional(),
  priority: z.number().int().min(-1_000).max(1_000).optional(),
  healthCheck: z
    .strictObject({
      check: z.custom((value) => typeof value === 'function', { error: 'expected a function' }),
      everyMs: duration(1),
      timeoutMs: duration(1),
      failures: z.number().int().min(1).max(1_000).optional(),
      successes: z.number().int().min(1).max(1_000).optional(),
    })
    .optional(),
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
  return { config, settings: withDefaults(options) }
}

/** @throws ELECTION_CONFIG_INVALID naming every fault. */
export function readElectionSettings(election: ElectionName, settings: ElectionSettings): ElectionConfig {
  const given = typeof settings === 'object' && settings !== null ? { ...settings, name: election } : settings
  const faults = faultsOf(settingsSchema, given)
  if (faults.length > 0) throw invalid('election()', faults)
  return withDefaults(settings)
}

function withDefaults({ contend = true, priority = 0, healthCheck }: ElectionSettings): ElectionConfig {
  return { contend, priority, healthCheck: healthCheck ?? null }
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
  const { id, voters: votersOption, transport, dataDir, storage, drainMs = 5_000 } = options
  const voters = idsOf(votersOption)
  faults.push(...voterFaults(votersOption, voters, id))
  if (transport === undefined && voters.length > 1) {
    faults.push(
      `transport: ${voters.length} voters need one to reach each other, for instance tcp({ secret })`,
    )
  }
  if ((dataDir === undefined) === (storage === undefined)) {
    faults.push(
      dataDir === undefined
        ? 'dataDir or storage: say where this process keeps what it must not forget: dataDir: "./data", or storage: memory() to keep nothing (then each start waits, R28)'
        : 'dataDir and storage: give one of them; dataDir is short for storage: file({ dir })',
    )
  }
  const timingOptions = timingOf(options)
  const timing = resolveTiming(timingOptions, storage?.kind === 'volatile')
  faults.push(...timingFaults(timing))
  const { stopMs = Math.min(drainMs + 2 * timing.promiseMs, MAX_TIMER_MS) } = options
  if (stopMs < drainMs) {
    faults.push(
      `stopMs ${stopMs} is below drainMs ${drainMs}: stop() would end before the work may; raise stopMs or lower drainMs`,
    )
  }
  if (faults.length > 0) throw invalid(call, faults)
  return {
    cluster: options.cluster,
    id,
    voters: voters.map((voter) => ({ id: voter, kind: 'peer' })),
    addresses: Array.isArray(votersOption) ? {} : { ...(votersOption as Readonly<Record<string, string>>) },
    transport: transport ?? noTransport(),
    storage: storage ?? durable(dataDir),
    timing,
    drainMs,
    stopMs,
    flushMs: options.flushMs ?? 500,
    storageTimeoutMs: options.storageTimeoutMs ?? timing.promiseMs,
    maxElections: options.maxElections ?? 100_000,
    logger: options.logger ?? silentLogger,
    handleSignals: options.handleSignals ?? false,
    environment: options.environment ?? realEnvironment(options.unref ?? false),
    warnings: warningsOf(voters),
  }
}

function timingOf({ timing = {} }: ElectorOptions): TimingOptions {
  return typeof timing === 'string' ? { preset: timing } : timing
}

function durable(dataDir: string | undefined): Storage {
  return file({ dir: dataDir as string })
}

function idsOf(voters: VotersOption): readonly ProcessId[] {
  if (Array.isArray(voters)) return voters as readonly ProcessId[]
  return typeof voters === 'object' && voters !== null ? Object.keys(voters) : []
}

/** R40, R49: who votes has to be clear, the same for all, and include this process. */
function voterFaults(option: VotersOption, voters: readonly ProcessId[], self: ProcessId): string[] {
  if (voters.length === 0) {
    return ["voters: give at least one, as addresses by id ({ a: '10.0.0.1:7400' }) or as an array of ids"]
  }
  const faults: string[] = []
  if (voters.length > MAX_VOTERS)
    faults.push(`voters: ${voters.length} are more than ${MAX_VOTERS}; five are plenty`)
  for (const voter of voters) {
    if (typeof voter === 'string' && PROCESS.test(voter)) continue
    faults.push(`voters: "${describe(voter)}" is no process id; one matches ${PROCESS}`)
  }
  faults.push(...twice('voters', voters))
  if (!Array.isArray(option)) {
    const addresses = Object.values(option)
    if (addresses.every((address) => typeof address === 'string' && address !== '')) {
      faults.push(...twice('voters: the address', addresses))
    } else {
      faults.push('voters: an address is a text like "10.0.0.1:7400"')
    }
  }
  if (!voters.includes(self)) {
    faults.push(
      `id "${self}" is not among the voters ${voters.slice(0, 8).map(describe).join(', ')}: add it, or correct id`,
    )
  }
  return faults
}

function twice(what: string, values: readonly string[]): string[] {
  const repeated = values.filter((value, index) => values.indexOf(value) !== index)
  return [...new Set(repeated)].map((value) => `${what} "${describe(value)}" is there twice`)
}

/** R40: what is safe, but probably not what somebody wants. */
function warningsOf(voters: readonly ProcessId[]): string[] {
  if (voters.length === 2) {
    return ['two voters cannot fail over: nobody leads while either of them is down; add a third (R40)']
  }
  if (voters.length === 1) return ['one voter cannot fail over: nobody else can lead while it is down']
  return []
}
