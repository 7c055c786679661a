/**
 * ioredis and node-redis behind one face: the few commands that the store needs.
 *
 * Decides which of the two a client is, by its methods. Must not load either. Read next: `redis.ts`.
 */
import { invalidOption } from './options'

/** The part of an ioredis client (`Redis` or `Cluster`) that is used. */
export interface IoRedisClient {
  evalsha(sha: string, keyCount: number, ...args: string[]): Promise<unknown>
  eval(script: string, keyCount: number, ...args: string[]): Promise<unknown>
  ping(): Promise<unknown>
  info?(section: string): Promise<unknown>
  readonly status: string
  /** Takes `{ autoResubscribe: false }`; a `Cluster`, which does not need it, ignores that. */
  duplicate(options?: never): IoRedisSubscriber
}

/** An ioredis client that only listens. */
export interface IoRedisSubscriber {
  on(event: string, listener: (...args: unknown[]) => void): unknown
  subscribe(channel: string): Promise<unknown>
  connect(): Promise<unknown>
  disconnect(): void
}

/** The part of a node-redis client (version 4 and later; a client, a pool, a cluster or a sentinel) that is used. */
export interface NodeRedisClient {
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  ping?(): Promise<unknown>
  info?(section: string): Promise<unknown>
  readonly isReady?: boolean
  /** A sentinel and a pool have none; then nothing can be watched. */
  duplicate?(): NodeRedisSubscriber
}

/** A node-redis client that only listens. */
export interface NodeRedisSubscriber {
  on(event: string, listener: () => void): unknown
  connect(): Promise<unknown>
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  destroy?(): void
  disconnect?(): Promise<unknown>
}

/** A client of either library. */
export type RedisClient = IoRedisClient | NodeRedisClient

/** What the store does with a client. */
export interface RedisCommands {
  /** Can commands be sent now? Otherwise the client would keep them for a connection that is yet to come. */
  ready(): boolean
  /** Resolves when the connection stands; starts it if the client is a lazy one. */
  ping(): Promise<unknown>
  evalSha(sha: string, keys: readonly string[], args: readonly string[]): Promise<unknown>
  eval(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>
  /** The `INFO` section, or `null` where the client cannot ask one server for it. */
  info(section: string): Promise<string | null>
  /** Listens on a connection of its own until the returned function is called. `null`: the client has no such. */
  readonly subscribe: ((channel: string, heard: (message: string | null) => void) => () => void) | null
}

/** @throws ELECTION_CONFIG_INVALID: neither of the two libraries. */
export function redisCommands(client: RedisClient): RedisCommands {
  if (isNodeRedis(client)) return nodeRedis(client)
  if (isIoRedis(client)) return ioRedis(client)
  throw invalidOption('redis() takes a client of ioredis, or of node-redis version 4 or later')
}

function isNodeRedis(client: RedisClient): client is NodeRedisClient {
  return typeof (client as Partial<NodeRedisClient> | null)?.evalSha === 'function'
}

function isIoRedis(client: RedisClient): client is IoRedisClient {
  return typeof (client as Partial<IoRedisClient> | null)?.evalsha === 'function'
}

function ioRedis(client: IoRedisClient): RedisCommands {
  return {
    ready: () => client.status === 'ready',
    ping: () => client.ping(),
    evalSha: (sha, keys, args) => client.evalsha(sha, keys.length, ...keys, ...args),
    eval: (script, keys, args) => client.eval(script, keys.length, ...keys, ...args),
    info: async (section) => (client.info === undefined ? null : String(await client.info(section))),
    subscribe(channel, heard) {
      // One subscription per connection, and by us: nobody hears it when one that the client renews by itself fails, and
      // that ends the process.
      const subscriber = client.duplicate({ autoResubscribe: false } as never)
      subscriber.on('error', () => {})
      subscriber.on('message', (_channel, message) => heard(String(message)))
      subscriber.on('ready', () => {
        subscriber.subscribe(channel).then(
          () => heard(null),
          () => {},
        )
      })
      // Rejects where the duplicate connects by itself.
      subscriber.connect().catch(() => {})
      return () => subscriber.disconnect()
    },
  }
}

function nodeRedis(client: NodeRedisClient): RedisCommands {
  return {
    ready: () => client.isReady !== false,
    ping: () => client.ping?.() ?? Promise.resolve(),
    evalSha: (sha, keys, args) => client.evalSha(sha, { keys: [...keys], arguments: [...args] }),
    eval: (script, keys, args) => client.eval(script, { keys: [...keys], arguments: [...args] }),
    info: async (section) => (client.info === undefined ? null : String(await client.info(section))),
    subscribe: client.duplicate === undefined ? null : nodeRedisSubscription(client.duplicate.bind(client)),
  }
}

function nodeRedisSubscription(
  duplicate: () => NodeRedisSubscriber,
): NonNullable<RedisCommands['subscribe']> {
  return (channel, heard) => {
    const subscriber = duplicate()
    const listener = (message: string) => heard(message)
    let isConnecting = true
    let isOver = false
    let subscribing: Promise<boolean> | null = null
    const attempted = () => {
      isConnecting = false
      if (isOver) end(subscriber)
    }
    // Once it stood, the client renews a subscription by itself before it is ready; one that was lost on its way is ours.
    const ready = async () => {
      if (isOver) return
      subscribing ??= (async () => subscriber.subscribe(channel, listener))().then(
        () => true,
        () => false,
      )
      if (await subscribing) heard(null)
      else subscribing = null
    }
    subscriber.on('reconnecting', () => {
      isConnecting = true
    })
    // Not before version 4 listens to its greeting: nobody would hear that it fails.
    subscriber.on('connect', () => setImmediate(attempted))
    subscriber.on('error', attempted)
    subscriber.on('ready', ready)
    // A cluster never says that it is ready.
    const connected = () => {
      attempted()
      if (subscribing === null) void ready()
    }
    ;(async () => subscriber.connect())().then(connected, attempted)
    return () => {
      isOver = true
      // In the midst of an attempt it would lose sight of its connection, which then stays open.
      if (!isConnecting) end(subscriber)
    }
  }
}

/** Also when it has ended by itself, because its strategy gave up. */
function end(subscriber: NodeRedisSubscriber): void {
  const close = async () => (subscriber.destroy ?? subscriber.disconnect)?.call(subscriber)
  close().catch(() => {})
}
