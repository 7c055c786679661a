/**
 * Goal: three real processes over an etcd of three members survive the loss of members as etcd does, and no longer. Method:
 * each process knows all three endpoints, each through a proxy of its own; members are killed, frozen and brought back.
 *
 * Numbers of bugs are those of the project's list of bugs of others. Read next: `stores.test.ts`, `store-cluster.ts`.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type EtcdCluster, startEtcd } from '../servers/etcd'
import { requireServers } from '../servers/require'
import { clockMs, PROMISE_MS, StoreCluster, sleep } from './store-cluster'

const here = requireServers('elections over an etcd of three members', 'etcd')

describe.runIf(here)('three processes over an etcd of three members', () => {
  let etcd: EtcdCluster
  let c: StoreCluster

  beforeAll(async () => {
    etcd = await startEtcd(3)
    c = await StoreCluster.over('etcd', etcd.ports)
  })
  afterAll(async () => {
    await c?.close()
    await etcd?.stop()
  })
  afterEach(() => c.sound())

  /** The member of etcd that leads etcd; while they elect one, nobody knows. */
  async function first(): Promise<number> {
    for (const end = clockMs() + 10_000; clockMs() < end; await sleep(50)) {
      const index = await etcd.leader()
      if (index >= 0) return index
    }
    throw new Error('etcd has no leader')
  }

  it('the leading member is killed: somebody leads all the same, and the member comes back', async () => {
    const before = await c.leading()
    const lost = await first()
    await etcd.killMember(lost)
    await sleep(1.5 * PROMISE_MS)
    expect((await c.leading()).term).toBeGreaterThanOrEqual(before.term)
    await etcd.startMember(lost)
    await c.leading()
  })

  it('the leading member is frozen for longer than D and comes back with what it remembers', async () => {
    const before = await c.leading()
    const frozen = await first()
    etcd.freezeMember(frozen)
    await sleep(1.5 * PROMISE_MS)
    expect((await c.leading()).term).toBeGreaterThanOrEqual(before.term)
    etcd.thawMember(frozen)
    await sleep(500)
    await c.leading()
  })

  it('two members are killed: nobody leads after the deadline; one comes back: tokens go on', async () => {
    const old = await c.leading()
    await etcd.killMember(0)
    await etcd.killMember(1)
    const at = clockMs()
    await c.until(() => c.reigns.at(-1)?.revoked.length === 1, 2 * PROMISE_MS, 'nobody has a quorum')
    await sleep(at + PROMISE_MS - clockMs())
    c.nobodyLeads()
    const last = c.reigns.at(-1) ?? old
    const restarted = etcd.startMember(0)
    await restarted
    await c.reignAfter(last, clockMs())
    await etcd.startMember(1)
  })

  it('bug 59: three campaign, one that waits gives up first: the leader leads on, then the third one does', async () => {
    const old = await c.leading()
    const [gone, left] = c.others(old.id) as [string, string]
    c.order(gone, { kind: 'stop' })
    await c.until(() => !c.member(gone).alive, 5_000, 'it stops')
    await sleep(PROMISE_MS / 2)
    const now = await c.leading()
    if (now === old) c.order(old.id, { kind: 'stop' })
    else c.signal(now.id, 'SIGKILL')
    const next = await c.reignAfter(now, clockMs())
    expect(c.others(gone)).toContain(next.id)
    if (now === old) expect(next.id).toBe(left)
  })
})
