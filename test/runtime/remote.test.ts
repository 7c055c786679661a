/**
 * Goal: a lease in shared memory is as true as one in this thread, and a stuck main thread loses its leaderships without
 * a word of release (R14, R20, R39, B.18). Method: the board under a real second thread; real drivers on a manual clock.
 */
import { EventEmitter } from 'node:events'
import { MessageChannel, Worker } from 'node:worker_threads'
import { createElector, type ElectorOptions, type Environment, file, memory } from 'conclave'
import { tcp } from 'conclave/tcp'
import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/ports/logger'
import type { ServiceEffect } from '../../src/runtime/driver-options'
import { noTransport } from '../../src/runtime/no-transport'
import { LeaseBoard, LeaseWriter } from '../../src/runtime/remote/lease-board'
import { LOOKS, MainWatch } from '../../src/runtime/remote/main-watch'
import { type Order, packError, unpackError } from '../../src/runtime/remote/messages'
import { RemoteDriver } from '../../src/runtime/remote/remote-driver'
import { Standing } from '../../src/runtime/remote/standing'
import { memoryCas } from '../../src/stores/memory-cas'
import { storeVoter } from '../../src/stores/voter'
import { cluster, contend, type Node } from './driver-lab'
import { TestClock, TIMING, World } from './harness'

const OVER = Number.NEGATIVE_INFINITY

describe('the board', () => {
  function board(): { readonly board: LeaseBoard; readonly writer: LeaseWriter } {
    const made = new LeaseBoard(8)
    return { board: made, writer: new LeaseWriter(new LeaseBoard(8, made.memory)) }
  }

  it('R14: ten elections on one lease read one number, which only the writer moves', () => {
    const { board: read, writer } = board()
    writer.extend(1, 500)
    for (const name of ['x', 'y', 'z']) writer.lead(name, 4, 1)
    writer.extend(1, 900)
    expect(['x', 'y', 'z'].map((name) => read.untilOf(writer.placeOf(name), 4))).toEqual([900, 900, 900])
  })

  it('P7: a revocation ends that leadership at the next read, and no other on the same lease', () => {
    const { board: read, writer } = board()
    writer.extend(1, 500)
    writer.lead('x', 4, 1)
    writer.lead('y', 2, 1)
    writer.revoke('x')
    expect([read.untilOf(writer.placeOf('x'), 4), read.untilOf(writer.placeOf('y'), 2)]).toEqual([OVER, 500])
  })

  it('P7: a later leadership, or a lease that took the place of a dropped one, does not revive the former', () => {
    const { board: read, writer } = board()
    writer.extend(1, 500)
    writer.lead('x', 4, 1)
    const place = writer.placeOf('x')
    writer.revoke('x')
    writer.drop(1)
    writer.extend(2, 9_000)
    writer.lead('x', 6, 2)
    writer.lead('y', 1, 2)
    expect([read.untilOf(place, 4), read.untilOf(place, 6), read.termOf(place)]).toEqual([OVER, 9_000, 6])
  })

  it('a leadership that moves to another lease stands at every read', () => {
    const { board: read, writer } = board()
    writer.extend(1, 500)
    writer.lead('x', 4, 1)
    writer.extend(2, 700)
    writer.lead('x', 4, 2)
    writer.drop(1)
    expect(read.untilOf(writer.placeOf('x'), 4)).toBe(700)
  })

  it('a read from another thread never mixes two entries', async () => {
    const shared = new LeaseBoard(8)
    // the other thread writes pairs (term, end) that belong together, as fast as it can
    const thread = new Worker(
      `const { workerData } = require('node:worker_threads')
       const { board, rounds } = workerData
       const ints = new Int32Array(board, 64, 16), ends = new Float64Array(board, 128, 16), leads = new Float64Array(board, 256, 32)
       for (let n = 1; n <= rounds; n++) {
         const lease = n % 2, place = ints[lease] + 1
         ends[lease * 2 + (place & 1)] = n * 1e6 + 0.5
         Atomics.store(ints, lease, place)
         const next = ints[8] + 1
         leads[(next & 1) * 2] = n
         leads[(next & 1) * 2 + 1] = lease
         Atomics.store(ints, 8, next)
       }`,
      { eval: true, workerData: { board: shared.memory, rounds: 300_000 } },
    )
    let done = false
    const ended = new Promise<void>((resolve) =>
      thread.once('exit', () => {
        done = true
        resolve()
      }),
    )
    let torn = 0
    let reads = 0
    while (!done) {
      for (let i = 0; i < 5_000; i++) {
        const term = shared.termOf(0)
        const until = shared.untilOf(0, term)
        // the term may have moved on between the two; an end that is of neither term is torn
        if (term > 0 && until !== OVER && until !== term * 1e6 + 0.5) torn += 1
        reads += 1
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    await ended
    expect(shared.termOf(0)).toBe(300_000)
    expect({ torn, some: reads > 0 }).toEqual({ torn: 0, some: true })
  })
})

describe('a main thread that does not move', () => {
  it('R39: counts as stuck after the limit and as back with its next beat; one long step of the watcher proves nothing', async () => {
    const world = new World()
    const events: string[] = []
    let beats = 0
    const watch = new MainWatch({
      clock: new TestClock(world),
      beats: () => beats,
      limitMs: 800,
      stuck: () => events.push('stuck'),
      back: () => events.push('back'),
    })
    watch.start()
    for (let i = 0; i < 20; i++) {
      beats += 1
      await world.run(100)
    }
    world.stall(5_000)
    await world.run(100)
    beats += 1
    await world.run(100)
    expect(events).toEqual([])
    await world.run(100 * (LOOKS - 1))
    expect(events, 'not yet').toEqual([])
    await world.run(200)
    expect(events).toEqual(['stuck'])
    beats += 1
    await world.run(100)
    expect(events).toEqual(['stuck', 'back'])
    watch.stop()
    await world.run(5_000)
    expect(events.length).toBe(2)
  })

  /** A leader whose inputs and effects pass through a `Standing`. */
  function stand(node: Node): Standing {
    const standing = new Standing((input) => node.driver.submit(input))
    node.listener = { effect: (effect) => standing.effect(effect) }
    for (const effect of node.effects) standing.effect(effect)
    standing.input({ ...contend })
    return standing
  }

  const parts = (node: Node, since: number): string[] =>
    node.transport.sent.filter(({ at }) => at >= since).flatMap((each) => each.parts.map(({ kind }) => kind))

  it('R20, R39: nothing is released while its work may run: the lease is frozen, and others lead when it has run out', async () => {
    const { lab, nodes } = await cluster('a', 'b', 'c')
    const [old, next] = nodes
    const standing = stand(old)
    const { world } = lab
    const leadOf = (node: Node) => node.driver.state.elections.get('e')?.lead
    const stuckAt = world.now
    standing.stuck()
    const lease = old.driver.state.leases.get(leadOf(old)?.lease ?? -1)
    const until = lease?.until ?? 0
    expect(until).toBeGreaterThan(stuckAt + TIMING.promiseMs / 2)
    await world.run(until - stuckAt - 1)
    expect(parts(old, stuckAt), 'heartbeats go on, no release leaves').toContain('heartbeat')
    expect(parts(old, stuckAt)).not.toContain('release')
    expect(leadOf(next)).toBeNull()
    await world.run(TIMING.promiseMs)
    expect(old.effects.filter(({ type }) => type === 'revoked')).toEqual([
      expect.objectContaining({ reason: 'stalled' }),
    ])
    const leaders = [old, ...nodes.slice(1)].filter((node) => leadOf(node) != null)
    expect(leaders.length).toBe(1)
    expect(leaders).not.toContain(old)
  })

  it('R39: it does not stand while it is stuck, whatever it said before, and stands again when it moves', async () => {
    const { lab, nodes } = await cluster('a', 'b', 'c')
    const [old] = nodes
    const standing = stand(old)
    const { world } = lab
    const contends = () => old.driver.state.elections.get('e')?.contending
    standing.stuck()
    await world.run(50)
    expect(contends()).toBe(false)
    standing.input({ ...contend })
    await world.run(50)
    expect(contends(), 'a word that was on its way').toBe(false)
    standing.back()
    await world.run(50)
    expect(contends()).toBe(true)
    standing.input({ ...contend, contending: false })
    standing.stuck()
    standing.back()
    await world.run(50)
    expect(contends(), 'what the service wants stays').toBe(false)
  })
})

describe('a worker that was given up', () => {
  /** A driver whose worker only remembers, and what it told its listener. */
  function remote() {
    const world = new World()
    const board = new LeaseBoard(8)
    const writer = new LeaseWriter(new LeaseBoard(8, board.memory))
    const told: ServiceEffect[] = []
    const orders: Order[] = []
    const worker = Object.assign(new EventEmitter(), {
      postMessage: (order: Order) => void orders.push(order),
      terminate: async () => 0,
    })
    const config = {
      ...{ id: 'a', logger: silentLogger, timing: TIMING, worker: { mainThreadLimitMs: 5_000 } },
      environment: { clock: new TestClock(world) },
    }
    const driver = new RemoteDriver({
      ...{ config: config as never, worker: worker as never, asks: new MessageChannel().port1, board },
      listener: { effect: (effect) => void told.push(effect), fatal: () => {} },
      born: () => {},
    })
    const effects = (...all: ServiceEffect[]): void => {
      const places = [['e', writer.placeOf('e')]] as const
      worker.emit('message', { type: 'effects', effects: all, places, suspends: 0, wasStalled: false })
    }
    writer.extend(1, world.now + 1_000)
    writer.lead('e', 1, 1)
    return { driver, worker, told, orders, effects }
  }

  const elected = { type: 'elected', election: 'e', term: 1, lease: 1 } as const

  it('P7: news that were on their way when a stop took too long bring no leadership back', () => {
    const { driver, told, effects } = remote()
    effects(elected)
    expect(told).toEqual([elected])
    driver.abandon()
    effects({ type: 'revoked', election: 'e', term: 1, reason: 'expired' }, elected)
    expect(told).toEqual([elected])
  })

  it('questions that nobody waits for any more are forgotten', () => {
    const { driver, worker, orders, effects } = remote()
    const kept = (): number =>
      (driver as unknown as { confirmations: Map<string, boolean> }).confirmations.size
    effects(elected)
    for (let askedAt = 0; askedAt < 100; askedAt++) expect(driver.isConfirmed('e', askedAt)).toBe(false)
    expect([orders.length, kept()]).toEqual([100, 100])
    for (let askedAt = 0; askedAt < 50; askedAt++) {
      worker.emit('message', { type: 'confirmed', election: 'e', askedAt })
    }
    expect(kept()).toBe(50)
    effects({ type: 'revoked', election: 'e', term: 1, reason: 'expired' })
    expect(kept()).toBe(0)
    driver.abandon()
  })
})

describe('options', () => {
  const base: ElectorOptions = {
    cluster: 'k',
    id: 'a',
    voters: { a: '127.0.0.1:7400', b: '127.0.0.1:7401' },
    transport: tcp({ secret: 'a secret of the tests, long enough' }),
    storage: memory(),
    worker: true,
  }
  const refused = (change: Partial<ElectorOptions>): string => {
    try {
      createElector({ ...base, ...change })
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }

  it('tcp() with file() or memory() moves; a set-up that cannot is refused by name', () => {
    expect(refused({})).toBe('')
    expect(refused({ storage: file({ dir: '/nowhere' }) })).toBe('')
    expect(refused({ transport: noTransport() })).toMatch(/this transport cannot be made anew/)
    const { portable: _, ...storage } = memory()
    expect(refused({ storage })).toMatch(/this storage cannot be made anew/)
    expect(refused({ sentinel: true })).toMatch(/worker: a sentinel/)
    expect(refused({ environment: {} as Environment })).toMatch(/environment/)
    expect(refused({ mainThreadLimitMs: 500 })).toMatch(/mainThreadLimitMs 500 is below promiseMs 2000/)
    expect(refused({ worker: false, mainThreadLimitMs: 5_000 })).toMatch(/nothing without worker: true/)
    const { read, write } = memoryCas()
    const tie = storeVoter({ name: 'memory', durability: 'survives', timeoutMs: 400, read, write })
    const voters = { a: '127.0.0.1:7400', b: '127.0.0.1:7401', tie }
    expect(refused({ voters })).toMatch(/the client of tie cannot move into another thread/)
  })

  it('an error keeps its code and details on the way between two threads', () => {
    const error = unpackError(
      structuredClone(
        packError(unpackError({ code: 'ELECTION_STORAGE_LOCKED', message: 'm', details: { dir: 'd' } })),
      ),
    )
    expect([error.code, error.message, error.details]).toEqual(['ELECTION_STORAGE_LOCKED', 'm', { dir: 'd' }])
  })
})
