/**
 * Goal: members of a running cluster are added, removed and replaced, and there are never two leaders. Method: real processes
 * over loopback; the parent orders the changes and compares afterwards what each believed, on one host clock.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster } from './cluster'

let cluster: Cluster | null = null

afterEach(() => {
  const done = cluster
  cluster = null
  try {
    expect(done?.violations()).toEqual([])
  } finally {
    done?.stop()
  }
})

interface Membership {
  readonly leader: string | null
  readonly members: readonly string[]
  readonly isMember: boolean
}

async function membership(c: Cluster, id: string): Promise<Membership> {
  const status = await c.status(id)
  return (status['process'] as { membership: Membership }).membership
}

/** Who leads `@members`, as far as that member knows. */
async function chief(c: Cluster, at: string): Promise<string> {
  for (let i = 0; i < 200; i++) {
    const { leader } = await membership(c, at)
    if (leader !== null) return leader
    await sleep(50)
  }
  throw new Error('nobody leads @members')
}

async function joined(c: Cluster, id: string): Promise<void> {
  for (let i = 0; i < 100 && !(await membership(c, id)).isMember; i++) await sleep(50)
  expect((await membership(c, id)).isMember, `${id} is a member`).toBe(true)
}

async function founded(size = 4): Promise<Cluster> {
  const settings = { experimental: { membership: true } }
  const c = new Cluster({ size, founders: 3, settings })
  cluster = c
  await c.start()
  await c.reignNumber(1)
  return c
}

const joiner = (c: Cluster, id: string) => ({ listen: c.addresses[id] as string })

describe('members of three real processes', () => {
  it('R32: a fourth is added, and leads when its turn comes', async () => {
    const c = await founded()
    const first = await chief(c, 'a')
    expect(await c.changeMembers(first, 'add', 'd'), 'it does not run').toBe('unreachable')
    await c.startMember('d', joiner(c, 'd'))
    expect((await membership(c, 'd')).isMember).toBe(false)
    expect(await c.changeMembers(first, 'add', 'd')).toBeNull()
    expect(await c.changeMembers(first, 'add', 'd')).toBe('alreadyMember')
    await joined(c, 'd')
    // its links with the others come up by themselves
    await sleep(1_500)
    c.order(c.leader as string, { kind: 'resign', to: 'd' })
    await c.until(() => c.leader === 'd', 5_000, 'd leads')
  })

  it('R32 d, R34: the leader of everything is removed by a transfer', async () => {
    const c = await founded()
    const first = await chief(c, 'a')
    const next = c.ids.find((id) => id !== first) as string
    expect(await c.changeMembers(next, 'remove', first)).toBe('notLeader')
    if (c.leader !== first) {
      c.order(c.leader as string, { kind: 'resign', to: first })
      await c.until(() => c.leader === first, 5_000, `${first} leads`)
    }
    expect(await c.changeMembers(first, 'remove', first)).toBe('self')
    expect(await c.changeMembers(first, 'remove', 'x')).toBe('unknownMember')
    expect(await c.changeMembers(first, 'handOver', next)).toBeNull()
    const count = c.reigns.length
    expect(await c.changeMembers(next, 'remove', first)).toBeNull()
    const reign = await c.reignNumber(count + 1)
    expect(reign.id).not.toBe(first)
    const ended = c.reigns.filter(({ id }) => id === first).at(-1)
    expect(ended?.revoked.map(({ reason }) => reason)).toEqual(['removed'])
    expect((await membership(c, first)).isMember).toBe(false)
    const status = await c.status(first)
    expect(status['whyNotLeader']).toContainEqual(expect.stringMatching(/none of the members/))
  })

  it('R26: a disk that was lost is replaced', async () => {
    const c = await founded()
    const first = await chief(c, 'a')
    const lost = c.ids.slice(0, 3).find((id) => id !== first && id !== c.leader) as string
    c.signal(lost, 'SIGKILL')
    await sleep(200)
    c.wipe(lost)
    await c.startMember(lost)
    await sleep(1_000)
    expect((await membership(c, lost)).leader, 'nobody talks to it').toBeNull()
    expect(await c.changeMembers(first, 'replace', lost)).toBeNull()
    await joined(c, lost)
    const other = c.ids.slice(0, 3).find((id) => id !== first && id !== lost) as string
    c.signal(other, 'SIGKILL')
    await c.until(() => c.leader === first || c.leader === lost, 10_000, 'two of three go on')
  })

  it('R31, R34: one that was away hears of the changes from members that it never met, when nobody else is left', async () => {
    const c = await founded(5)
    const first = await chief(c, 'a')
    const away = c.ids.slice(0, 3).find((id) => id !== first && id !== c.leader) as string
    c.signal(away, 'SIGKILL')
    for (const id of ['d', 'e']) {
      await c.startMember(id, joiner(c, id))
      expect(await c.changeMembers(first, 'add', id)).toBeNull()
      await joined(c, id)
    }
    for (const id of c.ids.slice(0, 3)) if (id !== away) c.signal(id, 'SIGKILL')
    await c.startMember(away)
    await c.until(() => [away, 'd', 'e'].includes(c.leader ?? ''), 15_000, 'three of five go on')
    expect((await membership(c, away)).members).toEqual(['a', 'b', 'c', 'd', 'e'])
  })
})
