/**
 * Redis as a store of votes: one string per record, one script per read and per compare-and-set.
 *
 * Decides how records lie in Redis and what each answer means. Must not use keys that expire for anything but marks of
 * its own calls, and no clock of the server (R46). Read next: `redis-scripts.ts`, `redis-client.ts`,
 * `../ports/cas-store.ts`.
 */
import { randomUUID } from 'node:crypto'
import { ElectionError } from '../errors'
import type {
  CasReadResult,
  CasRecord,
  CasStore,
  CasVersion,
  CasWatch,
  CasWriteResult,
} from '../ports/cas-store'
import type { VoterLink, VoterSetup, VoterStore } from '../ports/voter-store'
import { checkPrefix, checkStoreOptions, invalidOption, STORE_TIMEOUT_MS, type StoreOptions } from './options'
import { type RedisClient, type RedisCommands, redisCommands } from './redis-client'
import { READ, type Script, VERSION_LENGTH, WRITE } from './redis-scripts'
import { openVoter } from './voter'
import { Budget, type Outcome } from './within'

export type { StoreOptions } from './options'
export type {
  IoRedisClient,
  IoRedisSubscriber,
  NodeRedisClient,
  NodeRedisSubscriber,
  RedisClient,
} from './redis-client'

/** Options of `redis()`. */
export interface RedisOptions extends StoreOptions {
  /**
   * In front of every key, in braces: `{conclave}:<key>`, so that a Redis Cluster keeps all of them on one node, where a
   * script can reach them. Default `conclave`. `/^[A-Za-z0-9._:/-]{1,128}$/`.
   */
  readonly prefix?: string
  /** Publishes each write on the channel `{<prefix>}`, for `watch`. Default `true`; all processes should agree. */
  readonly notify?: boolean
}

/**
 * Makes a store out of a client of ioredis or node-redis.
 *
 * What Redis cannot promise: replication is asynchronous, so a fail-over may lose writes that it had acknowledged, and a
 * restart loses what was not yet on disk (`appendfsync everysec`: about a second; no append-only file: everything). Hence
 * `durability` is `mayRegress` by default: two leaders with one token are possible across such an event. Say `survives`
 * only for a single server with `appendonly yes` and `appendfsync always`, `volatile` for a cache. `min-replicas-to-write`
 * narrows the window: reads are refused here wherever writes are, so a primary that lost its replicas answers nobody.
 *
 * Give the client a time-out of its own for dead links (`socketTimeout` of ioredis; `pingInterval` and, in `socket`,
 * `socketTimeout` with a `reconnectStrategy` of node-redis): on a half-open connection all calls fail until the client
 * notices, and node-redis may fail to finish a reconnection that was interrupted. Do not send commands that block (`BLPOP`
 * and the like) through that client: renewals wait behind them, and ioredis repeats one that outlasts `socketTimeout` on
 * every new connection, so that this process is cut off for good.
 *
 * @throws ELECTION_CONFIG_INVALID
 */
export function redis(client: RedisClient, options: RedisOptions = {}): CasStore & VoterStore {
  checkStoreOptions('redis', options, ['prefix', 'notify'])
  const prefix = checkPrefix('redis', options.prefix ?? 'conclave')
  if (prefix === '') throw invalidOption('prefix of redis() must not be empty: it names the slot of all keys')
  return new RedisStore(redisCommands(client), prefix, options)
}

class RedisStore implements CasStore, VoterStore {
  readonly name = 'redis'
  readonly durability
  readonly timeoutMs: number
  readonly watch?: NonNullable<CasStore['watch']>
  readonly #commands: RedisCommands
  readonly #slot: string
  readonly #notify: boolean
  /** The one question that waits for a connection, however many calls wait for it. */
  #connecting: Promise<unknown> | null = null

  constructor(commands: RedisCommands, prefix: string, options: RedisOptions) {
    this.#commands = commands
    this.#slot = `{${prefix}}`
    this.durability = options.durability ?? 'mayRegress'
    this.timeoutMs = options.timeoutMs ?? STORE_TIMEOUT_MS
    this.#notify = options.notify ?? true
    const { subscribe } = commands
    if (subscribe !== null) {
      this.watch = (prefix, wake) => watchRedis((heard) => subscribe(this.#slot, heard), prefix, wake)
    }
  }

  open(setup: VoterSetup): VoterLink {
    return openVoter(this, setup)
  }

  async read(keys: readonly string[]): Promise<CasReadResult> {
    if (keys.length === 0) return { kind: 'ok', records: [] }
    const name = randomUUID()
    const call = await this.#call(READ, [`${this.#slot}~`, ...keys.map((key) => this.#keyOf(key))], [name])
    if (call.kind !== 'done') return { kind: 'failed', error: call.error }
    const replies = repliesTo(name, call.value)
    if (replies?.length !== keys.length) return { kind: 'failed', error: strayAnswer() }
    const records = replies.map(recordOf)
    if (records.every((record) => record !== undefined)) return { kind: 'ok', records }
    return {
      kind: 'failed',
      error: new Error('a key of the store holds something that the library did not write'),
    }
  }

  async write(key: string, version: CasVersion | null, value: string): Promise<CasWriteResult> {
    // To the script an empty version means "no record".
    if (version !== null && version.length !== VERSION_LENGTH) return { kind: 'conflict' }
    const tag = randomUUID()
    const keys = [this.#keyOf(key), `${this.#slot}~${tag}`]
    // A client that sends a write again does so before its caller has given up, or nobody listens to the answer.
    const markMs = String(2 * this.timeoutMs)
    const channel = this.#notify ? this.#slot : ''
    const call = await this.#call(WRITE, keys, [tag, version ?? '', value, markMs, channel, key])
    if (call.kind === 'unsent') return { kind: 'failed', error: call.error }
    // An error that does not name its call may be of another one, or of the second run of this one.
    if (call.kind !== 'done') return { kind: 'ambiguous', error: call.error }
    const replies = repliesTo(tag, call.value)
    if (replies === null || replies.length === 0) return { kind: 'ambiguous', error: strayAnswer() }
    const verdict = String(replies[0])
    if (verdict === '1') return { kind: 'ok', version: tag }
    if (verdict === '0') return { kind: 'conflict' }
    return { kind: 'failed', error: new Error(verdict) }
  }

  /** Refuses a server that may evict records at any time: they are the durable terms (R48, R68). */
  async prepare(): Promise<void> {
    const first = await this.read(['prepare'])
    if (first.kind === 'failed') throw unusable(first.error.message, first.error)
    if (this.durability === 'volatile') return
    const memory = await new Budget('redis', this.timeoutMs).run(() => this.#commands.info('memory'))
    const policy = /^maxmemory_policy:(\S+)/m.exec(memory.kind === 'done' ? (memory.value ?? '') : '')?.[1]
    if (policy?.startsWith('allkeys')) {
      throw unusable(
        `maxmemory-policy ${policy} may evict its records; use noeviction, or durability: 'volatile'`,
      )
    }
  }

  #keyOf(key: string): string {
    return `${this.#slot}:${key}`
  }

  /** `unsent`: the script was never sent. */
  async #call(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<Outcome<unknown> | { readonly kind: 'unsent'; readonly error: Error }> {
    const budget = new Budget(this.name, this.timeoutMs)
    if (!this.#commands.ready()) {
      const connected = await budget.run(() => this.#connected())
      if (connected.kind !== 'done') return { kind: 'unsent', error: connected.error }
    }
    const answer = await budget.run(() => this.#commands.evalSha(script.sha, keys, args))
    // After a restart or SCRIPT FLUSH the server does not know the script, so it has not run.
    if (answer.kind !== 'error' || !answer.error.message.startsWith('NOSCRIPT')) return answer
    return budget.run(() => this.#commands.eval(script.text, keys, args))
  }

  /**
   * Without a connection a client queues commands and sends them whenever it can: a write could come hours late. So only
   * one harmless command waits in that queue, and calls wait for it as long as their time lasts (B.17).
   */
  #connected(): Promise<unknown> {
    this.#connecting ??= this.#commands.ping().finally(() => {
      this.#connecting = null
    })
    return this.#connecting
  }
}

function watchRedis(
  subscribe: (heard: (key: string | null) => void) => () => void,
  prefix: string,
  wake: (key: string | null) => void,
): CasWatch {
  let open = true
  const end = subscribe((key) => {
    if (open && (key === null || key.startsWith(prefix))) wake(key)
  })
  return {
    stop() {
      if (open) end()
      open = false
    },
  }
}

/** What follows the name of the call; `null` if the answer is that of another call, or none of a script of ours. */
function repliesTo(name: string, answer: unknown): readonly unknown[] | null {
  return Array.isArray(answer) && String(answer[0]) === name ? answer.slice(1) : null
}

function strayAnswer(): Error {
  return new Error('the client handed out the answer to another command: its connection has lost count')
}

/** `undefined`: not a record of ours. */
function recordOf(reply: unknown): CasRecord | null | undefined {
  if (reply === null) return null
  const text = Buffer.isBuffer(reply) ? reply.toString() : reply
  if (typeof text !== 'string' || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.test(text)) return undefined
  return { version: text.slice(0, VERSION_LENGTH), value: text.slice(VERSION_LENGTH) }
}

function unusable(reason: string, cause?: Error): ElectionError {
  return new ElectionError('ELECTION_STORAGE_FAILED', `Redis is not usable as a store: ${reason}`, {
    ...(cause === undefined ? {} : { cause }),
    details: { store: 'redis' },
  })
}
