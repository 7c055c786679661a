/**
 * Goal: the Redis fence keeps the contract of a fence on a real server, with both client libraries, and a leader that was
 * frozen cannot write when it comes back. Method: the suite, then one hazard per test; the frozen leader is a real process.
 */
import { randomUUID } from 'node:crypto'
import { Redis as IoRedis, type RedisOptions as IoRedisOptions } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fenceCompliance } from '../../src/compliance/fence'
import { type IoRedisScripting, type RedisFence, redisFence } from '../../src/fencing/redis'
import type { Metrics } from '../../src/ports/metrics'
import { checkRuns } from '../fencing/runs'
import { type FaultyProxy, startProxy } from '../servers/proxy'
import { type RedisServer, startRedis } from '../servers/redis'
import { requireServers } from '../servers/require'
import { startLeader } from './frozen-leader'
import { eventually } from './support'

const STALE = expect.objectContaining({ code: 'ELECTION_STALE_TOKEN' })
const FAILED = expect.objectContaining({ code: 'ELECTION_STORAGE_FAILED' })

describe.runIf(requireServers('the Redis fence', 'redis'))('the Redis fence', () => {
  let server: RedisServer
  let proxy: FaultyProxy
  const ends: (() => unknown)[] = []

  beforeAll(async () => {
    server = await startRedis()
    proxy = await startProxy(server.port)
  })
  beforeEach(() => server.command('FLUSHALL'))
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
    await proxy.heal()
  })
  afterAll(async () => {
    await proxy?.stop()
    await server?.stop()
  })

  function ioRedis(options: IoRedisOptions = {}): IoRedis {
    const client = new IoRedis({ host: '127.0.0.1', port: proxy.port, retryStrategy: () => 10, ...options })
    client.on('error', () => {})
    ends.push(() => client.disconnect())
    return client
  }

  async function nodeRedis() {
    const client = createClient({ socket: { host: '127.0.0.1', port: proxy.port } })
    client.on('error', () => {})
    ends.push(() => client.destroy())
    await client.connect()
    return client
  }

  const claimOf = (token: number, holder: string) => ({ token, holder })
  const get = async (key: string) => (await ioRedis().get(key)) ?? null

  it('counts what it refuses, for whoever gave it a port', async () => {
    const counted: object[] = []
    const metrics: Metrics = {
      count: (name, labels) => counted.push({ name, ...labels }),
      observe() {},
      onCollect: () => () => {},
    }
    const fence = redisFence(ioRedis(), { metrics })
    await fence.check('ledger', { token: 2, holder: 'b', election: 'e' })
    await expect(fence.check('ledger', { token: 1, holder: 'a', election: 'e' })).rejects.toEqual(STALE)
    await expect(fence.check('ledger', { token: 3, holder: 'a', election: 'f' })).rejects.toThrow('election')
    const refusals = { name: 'conclave_fence_refusals_total', fence: 'redis' }
    expect(counted).toEqual([
      { ...refusals, code: 'ELECTION_STALE_TOKEN' },
      { ...refusals, code: 'ELECTION_CONFIG_INVALID' },
    ])
  })

  const libraries: Record<string, (options: { prefix?: string }) => Promise<RedisFence>> = {
    ioredis: async (options) => redisFence(ioRedis(), options),
    'node-redis': async (options) => redisFence(await nodeRedis(), options),
  }
  for (const [library, open] of Object.entries(libraries)) {
    describe(`with ${library}`, () => {
      const prefixes = new Map<object, string>()
      const openAt = async (prefix: string) => {
        const fence = await open({ prefix })
        prefixes.set(fence, prefix)
        return fence
      }
      const cases = fenceCompliance({
        guards: false,
        create: () => openAt(`${randomUUID()}:`),
        reopen: (fence) => openAt(prefixes.get(fence) ?? ''),
      })
      for (const { name, run } of cases) it(name, run)

      it('R42: a run is taken together with the token, or not at all', async () => {
        const fence = await open({})
        await checkRuns(fence, () => open({}), 'job')
      })

      it('R42: set checks and writes in one step', async () => {
        const fence = await open({})
        await fence.set('ledger', claimOf(8, 'b'), 'total', 'eight')
        await expect(fence.set('ledger', claimOf(7, 'a'), 'total', 'seven')).rejects.toEqual(STALE)
        await expect(fence.set('ledger', claimOf(8, 'a'), 'total', 'other')).rejects.toEqual(STALE)
        expect(await get('total')).toBe('eight')
        await fence.set('ledger', claimOf(9, 'a'), 'total', 'nine, 選挙 🗳️')
        expect(await get('total')).toBe('nine, 選挙 🗳️')
      })

      it('R42: a script of one’s own finds its KEYS and ARGV, and runs for an accepted claim only', async () => {
        const fence = await open({})
        const script = `
          -- a comment
          local sum = 0
          for _, value in ipairs(ARGV) do sum = sum + tonumber(value) end
          redis.call('INCRBY', KEYS[1], sum)
          return {#KEYS, #ARGV, redis.call('GET', KEYS[1])} -- the last line is a comment`
        const input = { keys: ['sum', 'second'], args: ['1', '2', '3'] }
        expect(await fence.run('ledger', claimOf(7, 'a'), script, input)).toEqual([2, 3, '6'])
        await fence.check('ledger', claimOf(8, 'b'))
        await expect(fence.run('ledger', claimOf(7, 'a'), script, input)).rejects.toEqual(STALE)
        expect(await get('sum')).toBe('6')
        expect(await fence.run('ledger', claimOf(8, 'b'), '', { keys: [], args: [] })).toBeNull()
        expect(await fence.run('ledger', claimOf(8, 'b'), `return 'refused'`, { keys: [], args: [] })).toBe(
          'refused',
        )
      })

      it('an error in the script is typed; the token was seen', async () => {
        const fence = await open({})
        const failing = fence.run('ledger', claimOf(7, 'a'), `error('no')`, { keys: [], args: [] })
        await expect(failing).rejects.toEqual(FAILED)
        expect(await fence.highest('ledger')).toEqual({ token: 7, holder: 'a', election: null })
        await expect(
          fence.run('ledger', claimOf(8, 'a'), 'this is not Lua', { keys: [], args: [] }),
        ).rejects.toEqual(FAILED)
      })

      it('P5: concurrent leaders over several connections never write out of order', async () => {
        const fences = [await open({}), await open({}), await open({})]
        const tokens = Array.from({ length: 60 }, (_, i) => ((i * 37) % 60) + 1)
        await Promise.allSettled(
          tokens.map((token, i) =>
            fences[i % 3]!.run(
              'ledger',
              claimOf(token, `h${token}`),
              `redis.call('RPUSH', KEYS[1], ARGV[1])`,
              {
                keys: ['log'],
                args: [String(token)],
              },
            ),
          ),
        )
        const written = (await ioRedis().lrange('log', 0, -1)).map(Number)
        expect(written).toEqual([...written].sort((a, b) => a - b))
        expect(written.at(-1)).toBe(60)
      })
    })
  }

  it('no server, no answer, a key of another type: typed, and nothing was written', async () => {
    const fence = redisFence(ioRedis({ maxRetriesPerRequest: 1 }), { waitMs: 200 })
    await fence.check('ledger', claimOf(7, 'a'))
    proxy.hold('down')
    await expect(fence.check('ledger', claimOf(7, 'a'))).rejects.toMatchObject({ code: 'ELECTION_TIMEOUT' })
    await proxy.heal()
    await proxy.refuse()
    await expect(fence.check('ledger', claimOf(7, 'a'))).rejects.toMatchObject({
      code: expect.stringMatching(/^ELECTION_(STORAGE_FAILED|TIMEOUT)$/),
    })
    await proxy.heal()
    await server.command('SET', 'conclave:fence:taken', 'x')
    await eventually(async () => (await fence.highest('ledger').catch(() => null)) !== null)
    await expect(fence.set('taken', claimOf(7, 'a'), 'value', 'x')).rejects.toEqual(FAILED)
    expect(await get('value')).toBeNull()
  })

  it('a replica accepts nothing, not even the question', async () => {
    const replica = await startRedis({ settings: ['--replicaof', '127.0.0.1', String(server.port)] })
    try {
      const fence = redisFence(ioRedis({ port: replica.port }))
      await eventually(async () => (await replica.command('ROLE')).includes('slave'))
      await expect(fence.check('ledger', claimOf(7, 'a'))).rejects.toEqual(FAILED)
      await expect(fence.highest('ledger')).rejects.toEqual(FAILED)
    } finally {
      await replica.stop()
    }
  })

  it('P5: an answer that belongs to another call is not believed', async () => {
    const client = ioRedis()
    let previous: unknown = [1, ['done']]
    const shifted: IoRedisScripting = {
      evalsha: () => Promise.reject(new Error('not used')),
      async eval(script, keyCount, ...args) {
        const before = previous
        previous = await client.eval(script, keyCount, ...args)
        return before
      },
    }
    const fence = redisFence(shifted)
    await expect(fence.check('ledger', claimOf(8, 'b'))).rejects.toEqual(FAILED)
    await expect(fence.check('ledger', claimOf(7, 'a'))).rejects.toEqual(FAILED)
  })

  it('a write that the client sends twice is one write of that leader, or refused', async () => {
    const client = ioRedis({ autoResendUnfulfilledCommands: true })
    const fence = redisFence(client)
    const newer = redisFence(ioRedis({ port: server.port }))
    await fence.check('ledger', claimOf(7, 'a'))
    proxy.hold('down')
    const old = fence.set('ledger', claimOf(7, 'a'), 'total', 'seven')
    await eventually(async () => (await server.command('GET', 'total')).includes('seven'))
    await newer.set('ledger', claimOf(8, 'b'), 'total', 'eight')
    proxy.cut()
    await proxy.heal()
    await expect(old).rejects.toEqual(STALE)
    expect(await get('total')).toBe('eight')
  })

  it('a run that the client takes twice is taken, and not lost', async () => {
    const fence = redisFence(ioRedis({ autoResendUnfulfilledCommands: true }))
    await fence.takeRun('job', claimOf(7, 'a'), 100)
    proxy.hold('down')
    const again = fence.takeRun('job', claimOf(7, 'a'), 200)
    await eventually(async () =>
      (await server.command('HGET', 'conclave:fence:job', 'lastRun')).includes('200'),
    )
    proxy.cut()
    await proxy.heal()
    expect(await again).toEqual({ isTaken: true, lastMs: 100 })
    expect(await fence.takeRun('job', claimOf(7, 'a'), 200)).toEqual({ isTaken: false, lastMs: 200 })
    expect(await fence.lastRun('job')).toBe(200)
  })

  it('options and clients that make no sense are refused', () => {
    const invalid = expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' })
    for (const options of [{ prefix: '' }, { prefix: 'a b' }, { waitMs: 0 }, { prefx: 'a' }, { idleMs: 5 }]) {
      expect(() => redisFence(ioRedis({ lazyConnect: true }), options), JSON.stringify(options)).toThrow(
        invalid,
      )
    }
    for (const nothing of [null, undefined, {}, 'redis://localhost']) {
      expect(() => redisFence(nothing as never)).toThrow(invalid)
    }
  })

  it('P5: marks survive a crash of a server that keeps an append-only file', async () => {
    const durable = await startRedis({ durable: true })
    ends.push(() => durable.stop())
    const fence = () => redisFence(ioRedis({ port: durable.port }))
    await fence().check('ledger', claimOf(2, 'b'))
    await durable.restart('SIGKILL')
    await expect(fence().check('ledger', claimOf(1, 'a'))).rejects.toThrow(STALE)
    await fence().check('ledger', claimOf(2, 'b'))
  })

  describe('a frozen leader (SIGSTOP) that comes back', () => {
    it('P5: is refused, where a plain SET would have overwritten its successor', async () => {
      const old = await startLeader('redis', server.port, 'before')
      old.freeze()
      await redisFence(ioRedis()).set('ledger', claimOf(2, 'b'), 'total', '2')
      old.thaw()
      expect(await old.outcome()).toBe('ELECTION_STALE_TOKEN')
      expect(await get('total')).toBe('2')
    })

    it('a leader that is not frozen writes', async () => {
      const leader = await startLeader('redis', server.port, 'before')
      leader.thaw()
      expect(await leader.outcome()).toBe('written')
      expect(await get('total')).toBe('1')
    })
  })
})
