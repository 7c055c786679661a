/**
 * Goal: those bugs of others that need real processes to show: shared addresses, dead connections, identities, damaged
 * frames, half-connected hosts (numbers are those of the project's list of such bugs). Method: three to five processes over
 * loopback; each test first reaches the dangerous state and asserts it.
 *
 * Read next: `../bugs/runtime.test.ts`, `../bugs/partitions.test.ts` (the others), `failover.test.ts`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { decodeLabel } from '../../src/storage/label'
import { FRAME_KINDS, NEWEST_VERSION } from '../../src/wire'
import { joinAs, throwAt } from '../fuzz/client'
import { BodyMaker, noise } from '../fuzz/grammar'
import { Random } from '../fuzz/random'
import { Cluster, type ClusterOptions, clockMs, freePorts } from './cluster'

interface MemberStatus {
  readonly id: string
  readonly isConnected: boolean
  readonly incarnation: number | null
}

let cluster: Cluster | null = null

async function clusterOf(options: ClusterOptions): Promise<Cluster> {
  const c = new Cluster({ timing: 'default', ...options })
  cluster = c
  await c.start()
  await c.reignNumber(1)
  await c.until(() => c.leader !== null, 10_000, 'somebody leads')
  return c
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

/** The status of the process under that of its election. */
async function processOf(c: Cluster, id: string): Promise<Record<string, never>> {
  return (await c.status(id))['process'] as Record<string, never>
}

async function memberSeenBy(c: Cluster, id: string, other: string): Promise<MemberStatus> {
  const { members } = (await processOf(c, id)) as unknown as { members: MemberStatus[] }
  return members.find((member) => member.id === other) as MemberStatus
}

async function refusedBy(c: Cluster, id: string): Promise<Readonly<Record<string, number>>> {
  const { counters } = (await processOf(c, id)) as unknown as {
    counters: { refused: Record<string, number> }
  }
  return counters.refused
}

/** A leader that stands, and the other two. */
async function settled(c: Cluster): Promise<{ leader: string; term: number; others: string[] }> {
  await sleep(500)
  await c.until(() => c.leader !== null, 10_000, 'somebody leads')
  const leader = c.leader as string
  return { leader, term: c.reigns.at(-1)?.term ?? 0, others: c.ids.filter((id) => id !== leader) }
}

/** The body of a frame that no decoder accepts. */
function unreadable(random: Random): Uint8Array {
  for (;;) {
    const maker = new BodyMaker(random, 1_000, 8, NEWEST_VERSION)
    const body = maker.body(1 + random.below(4)).slice()
    if (!maker.sound) return body
  }
}

describe('bugs of others: real processes', () => {
  it('bug 21: a process that comes back as a member of another cluster on the same port gets no session, and moves no term', async () => {
    const c = await clusterOf({ size: 3 })
    const { leader, term, others } = await settled(c)
    const [moved, witness] = others as [string, string]
    c.signal(moved, 'SIGKILL')
    await c.until(() => !c.member(moved).alive, 5_000, 'it is gone')
    await expect(c.startMember(moved, { cluster: 'another' })).rejects.toMatchObject({
      code: 'ELECTION_STORAGE_FOREIGN',
    })
    await c.startMember(moved, { cluster: 'another', dataDir: c.fileFor('elsewhere') })
    await sleep(1_500)
    expect((await refusedBy(c, leader))['wrongCluster']).toBeGreaterThan(0)
    expect((await refusedBy(c, witness))['wrongCluster']).toBeGreaterThan(0)
    const stranger = await c.status(moved)
    expect([stranger['leader'], stranger['isLeader']]).toEqual([null, false])
    expect([c.leader, c.reigns.at(-1)?.term]).toEqual([leader, term])
    c.signal(moved, 'SIGKILL')
    await c.until(() => !c.member(moved).alive, 5_000, 'it is gone again')
    await c.startMember(moved)
    await c.until(
      () => c.member(moved).reports.some((r) => r.kind === 'leader' && r.leader === leader),
      5_000,
      'it is back',
    )
    expect([c.leader, c.reigns.at(-1)?.term]).toEqual([leader, term])
  })

  it('bug 40: a host that lost its power without a word and is back has its links again within three heartbeats', async () => {
    const c = await clusterOf({ size: 3, cuttable: true })
    const { leader, others } = await settled(c)
    const gone = others[0] as string
    const before = await memberSeenBy(c, leader, gone)
    c.links?.isolate(gone, c.ids)
    c.signal(gone, 'SIGKILL')
    await c.until(() => !c.member(gone).alive, 5_000, 'it is gone')
    await sleep(300)
    expect(await memberSeenBy(c, leader, gone), 'nobody was told').toMatchObject({
      isConnected: true,
      incarnation: before.incarnation,
    })
    c.links?.powerOn(gone)
    const { reports } = await c.startMember(gone)
    const ready = reports.find(({ kind }) => kind === 'ready')
    const since = ready?.kind === 'ready' ? ready.at : Number.NaN
    let seen = await memberSeenBy(c, leader, gone)
    while (seen.incarnation !== (before.incarnation ?? 0) + 1 || !seen.isConnected) {
      expect(clockMs() - since, 'three heartbeats of 250 ms').toBeLessThan(750)
      await sleep(5)
      seen = await memberSeenBy(c, leader, gone)
    }
    await sleep(1_000)
    expect(c.leader).toBe(leader)
  })

  it('bug 31: leaders that reach nobody but one bridge are replaced by the one that reaches a quorum', async () => {
    const c = await clusterOf({ size: 5, cuttable: true })
    const { leader } = await settled(c)
    const bridge = c.ids.find((id) => id !== leader) as string
    const count = c.reigns.length
    for (const a of c.ids)
      for (const b of c.ids) if (a < b && a !== bridge && b !== bridge) c.links?.cut(a, b)
    const next = await c.reignNumber(count + 1, 15_000)
    expect(next.id).toBe(bridge)
    await sleep(2_500)
    expect([c.leader, c.reigns.length], 'and is left alone').toEqual([bridge, count + 1])
    c.links?.heal()
    await sleep(1_000)
    expect(c.leader, 'also when the others are back').toBe(bridge)
  })

  it('bug 46: a second live process of the same name is refused by the others, and the first one goes on', async () => {
    const c = await clusterOf({ size: 3 })
    const { leader, term, others } = await settled(c)
    const [port] = await freePorts(1)
    for (const id of [leader, others[0] as string]) {
      const first = c.member(id)
      await c.startMember(id, { dataDir: c.fileFor(`copy-of-${id}`), listen: `127.0.0.1:${port}` })
      const second = c.member(id)
      await sleep(1_500)
      const { warnings } = (await processOf(c, id)) as unknown as { warnings: string[] }
      expect(warnings.join(), 'it is told why it is not counted').toMatch(
        /(R25|R27).*(new id|stop one of them|lost disk)/,
      )
      c.members.set(id, first)
      expect(
        second.reports.some(({ kind }) => kind === 'elected'),
        'the second never leads',
      ).toBe(false)
      const witness = others[1] as string
      const { amnesiac = 0, duplicateIdentity = 0 } = await refusedBy(c, witness)
      expect(amnesiac + duplicateIdentity, 'it knocked').toBeGreaterThan(0)
      second.process.kill('SIGKILL')
    }
    expect([c.leader, c.reigns.at(-1)?.term]).toEqual([leader, term])
  })

  it('bug 46: names of which one begins with the other are different processes', async () => {
    const c = await clusterOf({ size: 3, names: ['n1', 'n10', 'n100'] })
    for (const to of ['n1', 'n10', 'n100', 'n10', 'n1']) {
      const { leader } = await settled(c)
      if (leader === to) continue
      const count = c.reigns.length
      c.order(leader, { kind: 'resign', to })
      expect((await c.reignNumber(count + 1, 10_000)).id).toBe(to)
    }
  })

  it('bug 51: processes under damaged frames of a member and of strangers keep their leader, and elect another when it dies', async () => {
    const c = await clusterOf({ size: 3 })
    const { leader, term, others } = await settled(c)
    const [absent, witness] = others as [string, string]
    c.signal(absent, 'SIGKILL')
    await c.until(() => !c.member(absent).alive, 5_000, 'its place is free')
    const random = new Random(51)
    const label = decodeLabel(readFileSync(join(c.fileFor(absent), 'slot-a')))
    if (typeof label === 'string') throw new Error(label)
    const greeting = {
      ...{
        clusterId: 'real',
        nodeId: absent,
        storageId: label.storageId,
        incarnation: 2,
        nonce: '5'.repeat(32),
      },
      ...{ rho: 0.1, deltaMs: 2, configTerm: 0, configVersion: 0 },
    }
    for (let n = 0; n < 60; n++) {
      const port = Number(c.addresses[n % 2 === 0 ? leader : witness]?.split(':')[1])
      await throwAt(port, [noise(random), random.bytes(600)], 0, false)
      const member = await joinAs(port, greeting, 'a secret of the tests, long enough')
      member.send(FRAME_KINDS.parts, unreadable(random))
      await member.closed
    }
    for (const id of [leader, witness]) {
      expect((await refusedBy(c, id))['malformed'], 'each was found').toBeGreaterThanOrEqual(30)
    }
    expect([c.leader, c.reigns.at(-1)?.term]).toEqual([leader, term])
    // The life that was made up is taken for its second one, so it is let in with its third.
    await c.startMember(absent)
    c.signal(absent, 'SIGKILL')
    await c.until(() => !c.member(absent).alive, 5_000, 'its second life is over')
    await c.startMember(absent)
    await sleep(500)
    const count = c.reigns.length
    c.signal(leader, 'SIGKILL')
    expect((await c.reignNumber(count + 1, 15_000)).id).not.toBe(leader)
  })
})
