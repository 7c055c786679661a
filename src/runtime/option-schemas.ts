/**
 * The options of `createElector`, `createElection` and `election()`, each by itself: what it may be.
 *
 * An option that does not exist is refused, because it is a misspelt one.
 * Read next: `options.ts` (what they mean), `read-options.ts` (what they may not be together).
 */
import * as z from 'zod/mini'
import { MAX_TIMER_MS } from './deadline'
import { PROCESS } from './read-voters'
import { callable, duration, flag, having, lazily, number, oneOf, orCallable, whole } from './schema'

const NAME = /^[A-Za-z0-9._:-]{1,128}$/
const TAG = /^[A-Za-z0-9._:-]{1,64}$/

const name = () => z.string().check(z.regex(NAME, { error: `a name matches ${NAME}` }))
const tags = () =>
  z.array(z.string().check(z.regex(TAG, { error: `a capability matches ${TAG}` }))).check(z.maxLength(64))

const timing = () =>
  z.strictObject({
    preset: oneOf('fast', 'default', 'relaxed'),
    promiseMs: duration(20, 3_600_000),
    heartbeatMs: duration(1),
    campaignMs: duration(1),
    stepMs: duration(),
    rho: z.optional(number(0, 0.5)),
    deltaMs: duration(),
    marginMs: duration(),
    backoffMs: duration(),
    backoffMaxMs: duration(),
    minPromiseMs: duration(1),
    maxPromiseMs: duration(1),
    adaptive: z.optional(z.union([z.boolean(), z.strictObject({ maxPromiseMs: number(1, MAX_TIMER_MS) })])),
  })
const environment = () =>
  z.strictObject({
    clock: having('a clock', 'now', 'wall', 'uptime', 'setTimer', 'clearTimer', 'afterIo', 'endOfTurn'),
    random: callable(),
    process: z.nullable(having('a process', 'on', 'off', 'kill', 'emitWarning')),
    loopMonitor: z.custom((value) => value === null || typeof value === 'function', {
      error: 'expected a function or null',
    }),
  })
const electorFields = () => ({
  cluster: name(),
  id: z.string().check(z.regex(PROCESS, { error: `a process id matches ${PROCESS}` })),
  voters: z.unknown(),
  movingTo: z.optional(z.unknown()),
  observer: flag(),
  witnesses: z.optional(z.unknown()),
  maxObservers: whole(0, 10_000),
  operators: oneOf('all', 'read', 'none'),
  transport: z.optional(having('a transport', 'start', 'send', 'stop', 'flushSync', 'stats')),
  dataDir: z.optional(z.string().check(z.minLength(1))),
  storage: z.optional(having('a storage', 'open', 'write', 'close')),
  timing: z.optional(
    z.pipe(
      z.transform((value) => (typeof value === 'string' ? { preset: value } : value)),
      timing(),
    ),
  ),
  drainMs: duration(),
  stopMs: duration(),
  flushMs: duration(),
  storageTimeoutMs: duration(1),
  maxElections: whole(1, 10_000_000),
  logger: z.optional(having('a logger', 'debug', 'info', 'warn', 'error')),
  metrics: z.optional(having('metrics', 'count', 'observe', 'onCollect')),
  handleSignals: flag(),
  capabilities: z.optional(tags()),
  spread: flag(),
  unref: flag(),
  sentinel: flag(),
  experimental: z.optional(z.strictObject({ membership: flag() })),
  environment: z.optional(environment()),
  worker: flag(),
  mainThreadLimitMs: duration(1),
})
const electionFields = () => ({
  contend: flag(),
  priority: whole(-1_000, 1_000),
  score: z.optional(
    orCallable(
      z.strictObject({
        sample: callable(),
        everyMs: duration(1),
        hysteresis: z.optional(number(0, 2_000)),
      }),
    ),
  ),
  canLead: flag(),
  requires: z.optional(tags()),
  preferAfterMs: duration(1),
  preferBy: whole(1, 4_000),
  preferPerMinute: whole(1, 60),
  healthCheck: z.optional(
    orCallable(
      z.strictObject({
        check: callable(),
        everyMs: duration(1),
        timeoutMs: duration(1),
        failures: whole(1, 1_000),
        successes: whole(1, 1_000),
        whenAlone: oneOf('giveUp', 'keep'),
      }),
    ),
  ),
  maxLoopDelayMs: duration(4),
  onOverdue: oneOf('event', 'exit'),
})

/** Of `createElector`. */
export const electorSchema = lazily(() => z.strictObject(electorFields()))

/** Of `createElection`: both at once. */
export const electionSchema = lazily(() =>
  z.strictObject({ ...electorFields(), ...electionFields(), name: name() }),
)

/** Of `election()`, with the name among them. */
export const settingsSchema = lazily(() => z.strictObject({ ...electionFields(), name: name() }))
