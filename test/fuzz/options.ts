/**
 * Arbitrary options against everything that takes options, and arbitrary records against the readers of a store (B.7,
 * B.21, R44, R68).
 *
 * What must hold: a call throws `ELECTION_CONFIG_INVALID` (a reader of records its two codes) or works; no prototype that
 * others share is changed; a message stays short, whatever it was given.
 */
import { createElection, createElector, file, isElectionError, memory } from 'conclave'
import { tcp } from 'conclave/tcp'
import { checkLead, checkLimits, checkResign } from '../../src/runtime/read-calls'
import { readElectionOptions, readElectionSettings, readElectorOptions } from '../../src/runtime/read-options'
import { emptyElection, readElection, readSession } from '../../src/stores/records'
import { mutated, Random } from './random'
import { allowed, counted, nothing, type Target } from './target'
import { anyValue, assertUnpolluted, distorted } from './values'

const MAX_MESSAGE = 20_000

const transport = { start() {}, send() {}, stop() {}, flushSync() {}, stats() {} }

const GOOD = {
  cluster: 'billing',
  name: 'invoice-cron',
  id: 'a',
  voters: { a: '127.0.0.1:7400', b: '127.0.0.1:7401', c: '127.0.0.1:7402' },
  transport,
  storage: memory(),
  timing: { preset: 'fast', promiseMs: 1000, heartbeatMs: 100, rho: 0.1 },
  drainMs: 100,
  stopMs: 10_000,
  flushMs: 100,
  storageTimeoutMs: 1000,
  maxElections: 100,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
  handleSignals: false,
  unref: true,
  contend: true,
  priority: 3,
  healthCheck: { check: () => true, everyMs: 100, timeoutMs: 50, failures: 2, successes: 2 },
}
const { name: _name, contend, priority, healthCheck, ...GOOD_ELECTOR } = GOOD
const store = { ...transport, name: 'memory', durability: 'durable', read() {}, write() {}, open() {} }
const { transport: _transport, storage: _storage, ...BARE } = GOOD_ELECTOR
/** Other kinds of voters, and a move from one set to another. */
const GOOD_VOTERS: readonly object[] = [
  { ...BARE, voters: store },
  { ...BARE, voters: [store, { ...store }, { ...store }] },
  { ...GOOD_ELECTOR, voters: { a: '127.0.0.1:7400', b: '127.0.0.1:7401', tie: store } },
  { ...GOOD_ELECTOR, voters: ['a', 'b', 'c'], movingTo: ['a', 'b', 'd'] },
]
const GOOD_SETTINGS = { contend, priority, healthCheck }
const GOOD_TCP = {
  listen: { host: '127.0.0.1', port: 0 },
  peers: { b: '127.0.0.1:1' },
  secret: ['a secret of the fuzzer, long enough'],
  insecure: false,
  zombieMs: 3000,
  handshakeMs: 2000,
  maxConnections: 10,
  maxQueueBytes: 100_000,
}
const GOOD_LEAD = { drainMs: 10, onThrow: 'keep', onReturn: 'resign', cooldownMs: 5 }
const GOOD_RESIGN = { to: 'b', cooldownMs: 5, reason: 'unhealthy', drainMs: 5 }
const GOOD_LIMITS = { timeoutMs: 100, signal: new AbortController().signal }

/** Runs a call and judges what it throws. */
function judged(call: () => unknown, ...codes: readonly string[]): boolean {
  return allowed(
    () => {
      try {
        call()
      } catch (error) {
        const { message } = error as Error
        if (isElectionError(error) && message.length > MAX_MESSAGE)
          throw new Error(`a message of ${message.length} characters`)
        throw error
      }
    },
    ...codes,
  )
}

/** Options of every kind. */
export function optionsTarget(): Target {
  const count = nothing()
  const config = readElectorOptions(GOOD_ELECTOR as never)
  const calls: readonly (readonly [object, (options: never) => unknown])[] = [
    [GOOD, readElectionOptions],
    [GOOD, createElection],
    [GOOD_ELECTOR, readElectorOptions],
    [GOOD_ELECTOR, createElector],
    ...GOOD_VOTERS.map((good) => [good, readElectorOptions] as const),
    [GOOD_SETTINGS, (settings) => readElectionSettings('jobs', settings)],
    [GOOD_TCP, tcp],
    [{ dir: 'data' }, file],
    [GOOD_LEAD, (options) => checkLead(() => undefined, options, false, config)],
    [GOOD_RESIGN, (options) => checkResign(options, config)],
    [GOOD_LIMITS, (options) => checkLimits('waitForLeader()', options)],
  ]
  return {
    name: 'values -> options',
    count,
    round(seed) {
      const random = new Random(seed)
      for (let n = 0; n < 200; n++) {
        const [good, call] = random.pick(calls)
        const value = random.once(4) ? anyValue(random) : distorted(good, random)
        counted(
          count,
          judged(() => call(value as never), 'ELECTION_CONFIG_INVALID'),
        )
      }
      assertUnpolluted()
    },
  }
}

const CLUSTER = 'billing'
const SESSION = {
  format: 1,
  cluster: CLUSTER,
  process: 'a',
  inc: 3,
  grant: 7,
  promiseMs: 5000,
  rho: 0.1,
  seq: 12,
  fenced: false,
  changes: 4,
}
const ELECTION = { ...emptyElection(CLUSTER, 'jobs'), term: 5, holder: 'a', holderInc: 3, holderGrant: 7 }

/** Judged without the reader: what the core may see of a record. */
function assertRecord(record: object): void {
  for (const [key, value] of Object.entries(record)) {
    if (!['term', 'grant', 'seq', 'inc', 'holderInc', 'holderGrant', 'changes'].includes(key)) continue
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${key} is ${String(value)}`)
  }
}

/** Records of a store: texts of any kind. */
export function recordsTarget(): Target {
  const count = nothing()
  return {
    name: 'texts -> records of a store',
    count,
    round(seed) {
      const random = new Random(seed)
      for (let n = 0; n < 500; n++) {
        const [good, read] = random.pick([
          [SESSION, readSession],
          [ELECTION, readElection],
        ] as const)
        const text = textOf(good, random)
        const accepted = judged(
          () => assertRecord(read(CLUSTER, text)),
          'ELECTION_STORAGE_CORRUPT',
          'ELECTION_STORAGE_FOREIGN',
        )
        counted(count, accepted)
      }
      assertUnpolluted()
    },
  }
}

function textOf(good: object, random: Random): string {
  const whole = JSON.stringify(good)
  if (random.once(3)) {
    const bytes = Buffer.from(whole)
    return Buffer.from(mutated(bytes, bytes, random)).toString(random.once(2) ? 'utf8' : 'latin1')
  }
  const value = random.once(4) ? anyValue(random) : distorted(good, random)
  try {
    return JSON.stringify(value) ?? 'undefined'
  } catch {
    return whole.replace(/\d+/, () => random.pick(['1e400', '-1', '9007199254740993', '0x10', 'NaN', '1.5']))
  }
}
