/**
 * Goal: what the library promises holds for real processes under real faults. Method: three or five of them over
 * loopback; the parent kills, freezes, cuts and restarts, and afterwards compares what each believed, on one host clock.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster, type ClusterOptions } from './cluster'

let cluster: Cluster | null = null

async function clusterOf(options: ClusterOptions): Promise<Cluster> {
  cluster = new Cluster(options)
  await cluster.start()
  await cluster.reignNumber(1)
  await sleep(300)
  return cluster
}

afterEach(() => {
  const done = cluster
  cluster = null
  try {
    expect(done?.violations()).toEqual([])
  } finally {
    done?.stop()
  }
})

const follower = (c: Cluster): string => c.ids.find((id) => id !== c.leader) as string

describe.each([3, 5])('%i real processes', (size) => {
  it('elect one leader, which writes through the fence', async () => {
    const c = await clusterOf({ size })
    const before = c.acceptedTokens.length
    await c.until(() => c.acceptedTokens.length > before + 5, 5_000, 'the leader writes')
    expect(c.leader).not.toBeNull()
    const { status } = { status: await c.status(follower(c)) }
    expect(status['leader']).toBe(c.leader)
  })

  it('elect another one after kill -9, and take the killed one back', async () => {
    const c = await clusterOf({ size })
    const old = c.leader as string
    const count = c.reigns.length
    c.signal(old, 'SIGKILL')
    const next = await c.reignNumber(count + 1)
    expect(next.id).not.toBe(old)
    await c.startMember(old)
    await sleep(1_000)
    expect(c.leader, 'the newcomer disturbs nobody').toBe(next.id)
  })

  it('replace a leader that is frozen for longer than its lease; its late write is refused', async () => {
    const c = await clusterOf({ size, writeMs: 250 })
    const old = c.leader as string
    const count = c.reigns.length
    const frozen = c.reigns[count - 1]
    // It has decided to write, and waits: a write in flight would be answered, and none follow.
    const written = c.acceptedTokens.length
    await c.until(() => c.acceptedTokens.length > written, 5_000, 'it writes')
    await sleep(80)
    c.signal(old, 'SIGSTOP')
    const next = await c.reignNumber(count + 1)
    await c.until(() => c.acceptedTokens.at(-1) === next.term, 5_000, 'the new leader writes')
    c.signal(old, 'SIGCONT')
    await c.until(() => frozen?.revoked.length === 1, 5_000, 'the frozen leader learns that it is over')
    await c.until(() => c.refusedWrites.some(({ id }) => id === old), 5_000, 'its late write is refused')
    expect(frozen?.to, 'no look after the freeze found it valid').toBeLessThan(next.from)
  })

  it.each(['exit', 'throw'] as const)('release on %s, without waiting for the lease', async (kind) => {
    const c = await clusterOf({ size, timing: 'relaxed' })
    const old = c.leader as string
    const count = c.reigns.length
    c.order(old, { kind })
    const next = await c.reignNumber(count + 1, 5_000)
    expect(next.id).not.toBe(old)
  })

  it('hand over on request, and on SIGTERM with handleSignals', async () => {
    const c = await clusterOf({ size, settings: { handleSignals: true } })
    const old = c.leader as string
    const to = follower(c)
    let count = c.reigns.length
    c.order(old, { kind: 'resign', to })
    expect((await c.reignNumber(count + 1, 3_000)).id).toBe(to)
    await sleep(200)
    count = c.reigns.length
    c.signal(to, 'SIGTERM')
    const next = await c.reignNumber(count + 1, 3_000)
    expect(next.id).not.toBe(to)
    await c.until(() => !c.member(to).alive, 5_000, 'the process ends by itself')
    expect(c.member(to).exit, 'as the signal would have ended it').toEqual({ code: null, signal: 'SIGTERM' })
  })
})

describe('links', () => {
  it('a leader that is cut off silently stops in time, and another one takes over', async () => {
    const c = await clusterOf({ size: 3, cuttable: true })
    const old = c.leader as string
    const count = c.reigns.length
    const reign = c.reigns[count - 1]
    c.links?.isolate(old, c.ids)
    const next = await c.reignNumber(count + 1)
    expect(next.id).not.toBe(old)
    await c.until(() => reign?.revoked.length === 1, 5_000, 'the old leader notices by its own clock')
    expect(reign?.revoked[0]?.reason).toBe('expired')
    c.links?.heal()
    await sleep(1_500)
    expect(c.leader, 'the one that comes back deposes nobody').toBe(next.id)
  })

  it('a leader that can speak but not hear loses its leadership', async () => {
    const c = await clusterOf({ size: 3, cuttable: true })
    const old = c.leader as string
    const count = c.reigns.length
    for (const id of c.ids) if (id !== old) c.links?.cutOneWay(id, old)
    const next = await c.reignNumber(count + 1)
    expect(next.id).not.toBe(old)
    c.links?.heal()
    await sleep(500)
  })

  it('a follower that is cut off for long and comes back changes nothing', async () => {
    const c = await clusterOf({ size: 3, cuttable: true })
    const { leader } = c
    const count = c.reigns.length
    const away = follower(c)
    c.links?.isolate(away, c.ids)
    await sleep(3_000)
    c.links?.heal()
    await sleep(1_500)
    expect(c.leader).toBe(leader)
    expect(c.reigns).toHaveLength(count)
  })
})

describe('operations', () => {
  it('a rolling restart leaves at most one leader at any instant and one at the end', async () => {
    const c = await clusterOf({ size: 3, settings: { handleSignals: true } })
    for (const id of c.ids) {
      c.signal(id, 'SIGTERM')
      await c.until(() => !c.member(id).alive, 5_000, `${id} stops`)
      await c.startMember(id)
      await c.until(() => c.leader !== null, 10_000, 'somebody leads')
      await sleep(300)
    }
    expect(c.leader).not.toBeNull()
    for (const reign of c.reigns.slice(0, -1)) expect(reign.revoked).toHaveLength(1)
  })

  it('a second process on the same data directory is refused, and the first one goes on', async () => {
    const c = await clusterOf({ size: 3 })
    const id = follower(c)
    const first = c.member(id)
    await expect(c.startMember(id)).rejects.toMatchObject({ code: 'ELECTION_STORAGE_LOCKED' })
    expect(first.process.exitCode).toBeNull()
    c.members.set(id, first)
    await sleep(500)
    expect(c.leader).not.toBeNull()
  })

  it('a blocked event loop ends the leadership; the first look afterwards says so', async () => {
    const c = await clusterOf({ size: 3 })
    const old = c.leader as string
    const count = c.reigns.length
    const reign = c.reigns[count - 1]
    c.order(old, { kind: 'block', forMs: 2_000 })
    const next = await c.reignNumber(count + 1)
    await c.until(() => reign?.revoked.length === 1, 5_000, 'the blocked leader learns that it is over')
    expect(reign?.to).toBeLessThan(next.from)
  })
})
