/**
 * Goal: `worker: true` keeps every promise that is kept without it, and one more: a blocked main thread keeps its
 * leadership, up to a limit (R14, R20, R39, R53). Method: real processes, real threads, blocked, killed and ended.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MessageChannel, Worker } from 'node:worker_threads'
import { createElection, type ElectionOptions } from 'conclave'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { readElectionOptions } from '../../src/runtime/read-options'
import { LeaseBoard } from '../../src/runtime/remote/lease-board'
import { RemoteDriver } from '../../src/runtime/remote/remote-driver'
import { Cluster, type ClusterOptions } from './cluster'

const PROMISE_MS = 600
const LIMIT_MS = 2_500

let cluster: Cluster | null = null

async function clusterOf(options: Partial<ClusterOptions> = {}): Promise<Cluster> {
  cluster = new Cluster({
    size: 3,
    settings: { worker: true, mainThreadLimitMs: LIMIT_MS },
    timing: { preset: 'fast', promiseMs: PROMISE_MS },
    ...options,
  })
  await cluster.start()
  await cluster.reignNumber(1)
  await sleep(300)
  return cluster
}

afterEach(() => {
  const done = cluster
  cluster = null
  try {
    expect(done?.violations() ?? []).toEqual([])
  } finally {
    done?.stop()
  }
})

describe('three real processes with workers', () => {
  it('elect one leader, which writes through the fence, verifies and can be asked why the others do not lead', async () => {
    const c = await clusterOf()
    const leader = c.leader as string
    const before = c.acceptedTokens.length
    await c.until(() => c.acceptedTokens.length > before + 5, 5_000, 'the leader writes')
    expect(await c.verify(leader)).toBe(true)
    const status = (await c.status(c.ids.find((id) => id !== leader) as string)) as {
      whyNotLeader: string[]
      process: { members: { isConnected: boolean }[]; transport: { framesSent: number } }
    }
    expect(status.whyNotLeader.join()).toContain(`"${leader}" leads`)
    expect(status.process.members.map(({ isConnected }) => isConnected)).toEqual([true, true, true])
    expect(status.process.transport.framesSent).toBeGreaterThan(0)
  })

  it('a main thread that is blocked for three leases does not lose the leadership', async () => {
    const c = await clusterOf()
    const leader = c.leader as string
    const count = c.reigns.length
    c.order(leader, { kind: 'block', forMs: 3 * PROMISE_MS })
    await sleep(4 * PROMISE_MS)
    expect([c.leader, c.reigns.length]).toEqual([leader, count])
    expect(await c.verify(leader)).toBe(true)
  })

  it('R39, R20: one that is stuck for longer than the limit is replaced when its lease has run out, and comes back as a follower', async () => {
    const c = await clusterOf()
    const old = c.leader as string
    const count = c.reigns.length
    const blockedAt = Date.now()
    c.order(old, { kind: 'block', forMs: LIMIT_MS + 5 * PROMISE_MS })
    const next = await c.reignNumber(count + 1)
    const tookMs = Date.now() - blockedAt
    expect(next.id).not.toBe(old)
    expect(tookMs).toBeGreaterThan(LIMIT_MS * 0.8)
    await c.until(() => (c.reigns[count - 1]?.revoked.length ?? 0) > 0, 10_000, 'the old leader hears of it')
    expect(c.reigns[count - 1]?.revoked[0]?.reason).toBe('stalled')
    expect(c.leader).toBe(next.id)
    // it stands again: when the others are gone but one, it is needed and leads
    await sleep(500)
    c.signal(next.id, 'SIGKILL')
    await c.reignNumber(count + 2)
  })

  it('kill -9 of the process ends its worker, and another one leads', async () => {
    const c = await clusterOf()
    const old = c.leader as string
    const count = c.reigns.length
    c.signal(old, 'SIGKILL')
    expect((await c.reignNumber(count + 1)).id).not.toBe(old)
    await c.startMember(old)
  })

  it.each(['exit', 'throw'] as const)(
    'R53: on %s the worker releases before the process is gone',
    async (kind) => {
      const c = await clusterOf({ timing: { preset: 'relaxed' }, settings: { worker: true } })
      const old = c.leader as string
      const count = c.reigns.length
      const at = Date.now()
      c.order(old, { kind })
      await c.reignNumber(count + 1)
      expect(Date.now() - at, 'far below the lease of 10 s').toBeLessThan(5_000)
    },
  )

  it('resign hands over, stop ends the thread and frees the data', async () => {
    const c = await clusterOf()
    const old = c.leader as string
    const count = c.reigns.length
    c.order(old, { kind: 'resign', to: null })
    const next = await c.reignNumber(count + 1)
    c.order(next.id, { kind: 'stop' })
    await c.until(() => !c.member(next.id).alive, 10_000, 'it ends')
    expect(c.member(next.id).exit).toEqual({ code: 0, signal: null })
    await c.startMember(next.id)
    await c.reignNumber(count + 2)
  })
})

describe('one process with a worker', () => {
  const dir = mkdtempSync(join(tmpdir(), 'conclave-worker-'))
  const options = (name: string): ElectionOptions => ({
    cluster: 'k',
    name: 'job',
    id: 'a',
    voters: ['a'],
    dataDir: join(dir, name),
    timing: 'fast',
    worker: true,
  })
  afterAll(() => rmSync(dir, { recursive: true }))

  it('a start that fails says why, with the code of the cause, and leaves nothing behind', async () => {
    const first = createElection(options('locked'))
    await first.start()
    const second = createElection(options('locked'))
    await expect(second.start()).rejects.toMatchObject({ code: 'ELECTION_STORAGE_LOCKED' })
    await second.stop()
    await first.waitForLeader()
    expect([first.isLeader(), first.status().process.phase]).toEqual([true, 'running'])
    await first.stop()
    expect([first.isLeader(), first.status().process.phase]).toEqual([false, 'stopped'])
    const third = createElection(options('locked'))
    await third.start()
    await third.stop()
  })

  it('a worker that dies ends what was led here, and releases nothing; a leadership that was over before it was heard of is never told', async () => {
    const { config } = readElectionOptions(options('dies'))
    const heard: unknown[] = []
    const board = new LeaseBoard(10)
    board.setLead(0, 7, 0)
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads')
       parentPort.once('message', () => {
         parentPort.postMessage({ type: 'born', self: 'a', view: null })
         parentPort.postMessage({
           type: 'effects', places: [['job', 0]], suspends: 0, wasStalled: false,
           effects: [
             { type: 'elected', election: 'job', term: 5, lease: 1 },
             { type: 'revoked', election: 'job', term: 5, reason: 'stalled' },
             { type: 'elected', election: 'job', term: 7, lease: 1 },
           ],
         })
         setTimeout(() => { throw new Error('on purpose') }, 50)
       })`,
      { eval: true },
    )
    const died = new Promise<void>((resolve) => {
      const driver = new RemoteDriver({
        config,
        worker,
        board,
        asks: new MessageChannel().port1,
        born: () => {},
        listener: {
          effect: (effect) => heard.push(effect),
          fatal: (error) => {
            heard.push(error.code)
            resolve()
          },
        },
      })
      driver.submit({ type: 'heartbeatNow' })
    })
    await died
    expect(heard).toEqual([
      { type: 'elected', election: 'job', term: 7, lease: 1 },
      { type: 'revoked', election: 'job', term: 7, reason: 'unhealthy' },
      'ELECTION_TRANSPORT_FAILED',
    ])
  })
})
