/**
 * Goal: the etcd store keeps the port's promises on real members, also when links and members fail. Method: the suite
 * through a faulty proxy, then one fault per test, last a cluster of three that loses one.
 */
import { Etcd3, type IOptions } from 'etcd3'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { casStoreCompliance } from '../../src/compliance/cas-store'
import type { CasStore } from '../../src/ports/cas-store'
import { type EtcdOptions, etcd } from '../../src/stores/etcd'
import { type EtcdCluster, startEtcd } from '../servers/etcd'
import { type FaultyProxy, startProxy } from '../servers/proxy'
import { requireServers } from '../servers/require'
import { eventually, kindOf, readOne, write } from './support'

/** Without the client's circuit breaker, which stops all calls to a member for five seconds after three failures. */
const letThrough = { execute: async (call: (context: object) => unknown) => call({}) } as never

const here = requireServers('the etcd store', 'etcd')

describe.runIf(here)('the etcd store', () => {
  let cluster: EtcdCluster
  let proxy: FaultyProxy
  let admin: Etcd3
  const clients: Etcd3[] = []

  beforeAll(async () => {
    cluster = await startEtcd()
    proxy = await startProxy(cluster.ports[0]!)
    admin = new Etcd3({ hosts: [...cluster.hosts] })
  })
  afterEach(async () => {
    await proxy.heal()
    for (const client of clients.splice(0)) client.close()
  })
  afterAll(async () => {
    admin?.close()
    await proxy?.stop()
    await cluster?.stop()
  })

  function clientOf(options: Partial<IOptions> = {}): Etcd3 {
    const host = `http://127.0.0.1:${proxy.port}`
    const client = new Etcd3({ hosts: host, faultHandling: { host: () => letThrough }, ...options })
    clients.push(client)
    return client
  }

  const storeOf = (options: EtcdOptions = {}) => etcd(clientOf(), { timeoutMs: 500, ...options })
  const remove = async (key: string) => void (await admin.delete().key(`conclave/${key}`))

  describe('unanswered when broken', () => {
    const harness = {
      create: () => storeOf(),
      remove,
      watches: true,
      async breakConnection() {
        proxy.hold('down')
        return () => proxy.heal()
      },
    }
    for (const { name, run } of casStoreCompliance(harness)) it(name, run)
  })

  describe('in a namespace of the client, without a prefix, refused when broken', () => {
    const harness = {
      create: () => etcd(clientOf().namespace('mine/'), { timeoutMs: 500, prefix: '' }),
      async remove(key: string) {
        await admin.delete().key(`mine/${key}`)
      },
      watches: true,
      async breakConnection() {
        await proxy.refuse()
        return () => proxy.heal()
      },
    }
    for (const { name, run } of casStoreCompliance(harness)) it(name, run)
  })

  describe('R47: what a failure proves', () => {
    it('a refused connection is failed, for reads and writes', async () => {
      await proxy.refuse()
      const store = storeOf()
      expect(await kindOf(store.read(['k']))).toBe('failed')
      expect(await kindOf(store.write('k', null, 'v'))).toBe('failed')
    })

    it('a swallowed answer is ambiguous within the time-out, and the write was applied', async () => {
      const store = storeOf()
      await readOne(store, 'swallowed')
      proxy.hold('down')
      const startedAt = performance.now()
      const result = await store.write('swallowed', null, 'applied')
      expect(performance.now() - startedAt).toBeLessThan(1_000)
      expect(result).toMatchObject({ kind: 'ambiguous', error: { code: 'ELECTION_TIMEOUT' } })
      await proxy.heal()
      await eventually(async () => (await store.read(['swallowed'])).kind === 'ok')
      expect((await readOne(store, 'swallowed'))?.value).toBe('applied')
    })

    it('a half-open link is given up with the first call that it does not answer', async () => {
      const store = storeOf()
      await readOne(store, 'k')
      proxy.strand()
      expect(await kindOf(store.read(['k']))).toBe('failed')
      await eventually(async () => (await store.read(['k'])).kind === 'ok', 3_000)
    })

    it('a write that the client sends again is ambiguous, never a conflict with itself', async () => {
      const store = storeOf({ timeoutMs: 5_000 })
      let version: string | null = null
      for (let i = 0; i < 5; i++) {
        await eventually(async () => (await store.read(['again'])).kind === 'ok')
        proxy.hold('down')
        const answer = store.write('again', version, String(i))
        await eventually(async () => (await admin.get('conclave/again').string()) === String(i))
        proxy.cut()
        await proxy.heal()
        expect(await kindOf(answer)).toBe('ambiguous')
        const record = await admin.get('conclave/again').exec()
        version = record.kvs[0]?.mod_revision ?? null
      }
    })

    it("the client's circuit breaker makes calls fail for a while, and only that", async () => {
      const store = etcd(clientOf({ faultHandling: {} }), { timeoutMs: 200 })
      const version = await write(store, 'breaker', null, 'one')
      await proxy.refuse()
      for (let i = 0; i < 4; i++) expect(await kindOf(store.write('breaker', version, 'two'))).not.toBe('ok')
      await proxy.heal()
      expect(await store.write('breaker', version, 'two')).toMatchObject({
        kind: 'failed',
        error: { message: expect.stringContaining('circuit breaker') },
      })
      await eventually(async () => (await store.write('breaker', version, 'two')).kind === 'ok')
    })

    it('after a restart of the member records and versions are the same', async () => {
      const store = storeOf()
      const version = await write(store, 'restarted', null, 'one')
      await cluster.killMember(0)
      expect(await kindOf(store.read(['restarted']))).toBe('failed')
      await cluster.startMember(0)
      await eventually(async () => (await store.read(['restarted'])).kind === 'ok')
      expect(await readOne(store, 'restarted')).toEqual({ version, value: 'one' })
    })

    it('a member that hangs: failed reads and ambiguous writes, then it goes on', async () => {
      const store = storeOf()
      const version = await write(store, 'hung', null, 'one')
      cluster.freezeMember(0)
      try {
        expect(await kindOf(store.read(['hung']))).toBe('failed')
        expect(await kindOf(store.write('hung', version, 'two'))).not.toBe('ok')
      } finally {
        cluster.thawMember(0)
      }
      await eventually(async () => (await store.read(['hung'])).kind === 'ok')
      expect(['one', 'two']).toContain((await readOne(store, 'hung'))?.value)
    })

    it('a client that is closed, or answers nonsense, makes results, no exceptions', async () => {
      const client = clientOf()
      client.close()
      expect(await kindOf(etcd(client).read(['k']))).toBe('failed')
      expect(await kindOf(etcd(client).write('k', null, 'v'))).toBe('failed')
    })
  })

  it('R68: a version is a revision of the whole store: no two keys ever share one', async () => {
    const store = storeOf()
    const versions = new Set<string>()
    for (const key of ['x', 'y', 'z']) versions.add(await write(store, `revision/${key}`, null, 'v'))
    expect(versions.size).toBe(3)
    for (const version of versions) expect(version).toMatch(/^\d+$/)
  })

  it('more keys than a transaction takes are one instant all the same', async () => {
    const store = storeOf({ timeoutMs: 5_000 })
    const keys = Array.from({ length: 250 }, (_, i) => `instant/${i}`)
    const [first, last] = [keys[0]!, keys.at(-1)!]
    let versions: [string, string] = [
      await write(store, last, null, '0'),
      await write(store, first, null, '0'),
    ]
    let writing = true
    const writer = (async () => {
      for (let i = 1; writing; i++) {
        versions = [
          await write(store, last, versions[0], String(i)),
          await write(store, first, versions[1], String(i)),
        ]
      }
    })()
    for (let i = 0; i < 30; i++) {
      const read = await store.read(keys)
      if (read.kind === 'failed') throw read.error
      const [a, z] = [Number(read.records[0]?.value), Number(read.records.at(-1)?.value)]
      // The last key is always written before the first, so at any instant it is equal or one ahead.
      expect([a, a + 1]).toContain(z)
    }
    writing = false
    await writer
  })

  it('a watch that etcd ends is made again', async () => {
    const store = storeOf()
    const woken: (string | null)[] = []
    const watch = store.watch!('ended/', (key) => woken.push(key))
    await eventually(() => woken.includes(null))
    woken.length = 0
    proxy.cut()
    await eventually(() => woken.includes(null))
    let i = 0
    await eventually(async () => {
      await store.write(`ended/${i++}`, null, 'v')
      return woken.some((key) => key !== null)
    })
    watch.stop()
  })

  it('a watch that ends before etcd was reached is over: the client goes on with nothing', async () => {
    await proxy.refuse()
    const client = clientOf()
    const { watchManager } = client as unknown as { readonly watchManager: { readonly watchers: unknown[] } }
    const watch = etcd(client).watch!('', () => {})
    expect(watchManager.watchers).toHaveLength(1)
    watch.stop()
    await eventually(() => watchManager.watchers.length === 0)
  })

  it('options and clients that make no sense are refused', () => {
    for (const options of [{ prefx: 'x' }, { prefix: 'a b' }, { timeoutMs: 0 }, { durability: 'no' }]) {
      expect(() => etcd(admin, options as EtcdOptions), JSON.stringify(options)).toThrow(
        expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }),
      )
    }
    expect(() => etcd({} as never)).toThrow(expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }))
  })
})

describe.runIf(here)('the etcd store on three members', () => {
  let cluster: EtcdCluster
  let client: Etcd3
  let store: CasStore

  beforeAll(async () => {
    cluster = await startEtcd(3)
    client = new Etcd3({ hosts: [...cluster.hosts] })
    store = etcd(client, { timeoutMs: 2_000 })
  }, 30_000)
  afterAll(async () => {
    client?.close()
    await cluster?.stop()
  })

  it('survives the kill of the member that leads: nothing acknowledged is lost, no version is reused', async () => {
    const versions = new Set<string>()
    let version = await write(store, 'k', null, '0')
    versions.add(version)
    let value = '0'
    const leader = await cluster.leader()
    await cluster.killMember(leader)
    let written = 0
    let attempts = 0
    const started = performance.now()
    while (written < 20) {
      attempts += 1
      const next = `attempt ${attempts}`
      const result = await store.write('k', version, next)
      if (result.kind === 'ok') {
        expect(versions.has(result.version)).toBe(false)
        versions.add(result.version)
        version = result.version
        value = next
        written += 1
        continue
      }
      // R47: read back, and recognise one's own.
      const read = await store.read(['k'])
      if (read.kind !== 'ok') continue
      const record = read.records[0]
      expect([value, next]).toContain(record?.value)
      if (record?.value === next) expect(result.kind).toBe('ambiguous')
      version = record?.version ?? version
      value = record?.value ?? value
      expect(performance.now() - started).toBeLessThan(15_000)
    }
    await cluster.startMember(leader)
  })

  it('without a quorum nothing is read and nothing is written', async () => {
    const version = await write(store, 'quorum', null, 'one')
    await cluster.killMember(0)
    await cluster.killMember(1)
    expect(await kindOf(store.read(['quorum']))).toBe('failed')
    expect(await kindOf(store.write('quorum', version, 'two'))).not.toBe('ok')
    await Promise.all([cluster.startMember(0), cluster.startMember(1)])
    await eventually(async () => (await store.read(['quorum'])).kind === 'ok')
    expect(['one', 'two']).toContain((await readOne(store, 'quorum'))?.value)
  })
})
