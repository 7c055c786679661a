/**
 * Bugs that other leader elections had with partial partitions, dead links and single slow nodes, over the simulator with
 * the shipping driver: who must lead, within which time, and who must not.
 *
 * Every invariant of the simulator is on in every scene. Read next: `leases.test.ts`, `runtime.test.ts`.
 */
import { describe, expect, it } from 'vitest'
import { SIM_TIMING, SimCluster } from '../../src/simulation'
import { SimGuard } from '../../src/simulation/sim-guard'

const D = SIM_TIMING.promiseMs
/** A few failed attempts with their back-off, and a heartbeat (P9). */
const BOUND = 6 * (SIM_TIMING.campaignMs + SIM_TIMING.backoffMaxMs)

type Options = Partial<ConstructorParameters<typeof SimCluster>[0]>

function running(options: Options = {}) {
  const cluster = new SimCluster({ seed: 5, ...options })
  cluster.start()
  expect(
    cluster.runUntil(() => cluster.leaderOf('jobs') !== null, 10_000),
    cluster.pending(),
  ).toBe(true)
  cluster.run(1000)
  return { cluster, leader: cluster.leaderOf('jobs') as string }
}

/** Terms in the order in which they were won, from now on. */
function wins(cluster: SimCluster): { id: string; term: number }[] {
  const won: { id: string; term: number }[] = []
  cluster.demand(() => ({
    name: 'wins',
    observer: { elected: ({ id }, _election, term) => void won.push({ id, term }) },
  }))
  return won
}

/** Leaves only these links; `ab` carries both ways. */
function only(cluster: SimCluster, links: readonly string[]): void {
  cluster.heal()
  for (const from of cluster.ids) {
    for (const to of cluster.ids) {
      const open = links.includes(`${from}${to}`) || links.includes(`${to}${from}`)
      if (from !== to && !open) cluster.cut(from, to)
    }
  }
}

/** Ids with links both ways to enough others for a quorum. */
function central(ids: readonly string[], open: (from: string, to: string) => boolean): string[] {
  return ids.filter((id) => {
    const near = ids.filter((other) => other === id || (open(id, other) && open(other, id)))
    return near.length >= Math.floor(ids.length / 2) + 1
  })
}

function expectLeader(cluster: SimCluster, withinMs: number): string {
  expect(
    cluster.runUntil(() => cluster.leaderOf('jobs') !== null, withinMs),
    `${JSON.stringify(cluster.violations)} ${cluster.pending()}`,
  ).toBe(true)
  expect(cluster.violations).toEqual([])
  return cluster.leaderOf('jobs') as string
}

describe('bugs of others: partitions', () => {
  it('bug 7: a follower that stood still while the leader died elects as soon as it goes on', () => {
    const { cluster, leader } = running()
    const [paused] = cluster.ids.filter((id) => id !== leader) as [string]
    cluster.pause(paused)
    cluster.run(500)
    cluster.crash(leader)
    cluster.run(10 * D)
    expect(cluster.leaderOf('jobs'), 'one of three').toBeNull()
    cluster.resume(paused)
    expectLeader(cluster, D + BOUND)
  })

  it('bug 22: in a bridge, the heartbeats of a leader without a quorum keep nobody from a new lease', () => {
    const { cluster, leader } = running({ nodes: ['a', 'b', 'c', 'd', 'e'] })
    const others = cluster.ids.filter((id) => id !== leader)
    const [bridge = ''] = others
    only(
      cluster,
      cluster.ids.filter((id) => id !== bridge).map((id) => `${bridge}${id}`),
    )
    cluster.run(100)
    const said: number[] = []
    cluster.demand(() => ({
      name: 'watch',
      observer: {
        sent: ({ id }) => {
          if (id === leader) said.push(cluster.now)
        },
      },
    }))
    cluster.runUntil(() => cluster.leaderOf('jobs') !== leader, D)
    expect(cluster.leaderOf('jobs'), 'the old lease is over').not.toBe(leader)
    expect(said.length, 'the old leader still sent to the bridge').toBeGreaterThan(4)
    expect(expectLeader(cluster, D + BOUND)).toBe(bridge)
  })

  it('bug 27: a node that comes first by priority, but is dead or deaf, keeps nobody from leading', () => {
    for (const fate of ['dead', 'deaf'] as const) {
      const { cluster } = running()
      cluster.contend('a', 'jobs', true, 100)
      if (cluster.leaderOf('jobs') !== 'a') {
        cluster.transfer('jobs', 'a')
        cluster.run(BOUND)
      }
      expect(cluster.leaderOf('jobs')).toBe('a')
      if (fate === 'dead') cluster.crash('a', false)
      else for (const id of ['b', 'c']) cluster.cut(id, 'a')
      expect(cluster.runUntil(() => cluster.leaderOf('jobs') !== 'a', 2 * D)).toBe(true)
      const next = expectLeader(cluster, 2 * D + BOUND)
      expect(['b', 'c']).toContain(next)
      cluster.run(20 * D)
      expect(cluster.leaderOf('jobs'), 'and is left alone').toBe(next)
    }
  })

  it('bug 31: in each of the 64 directed graphs on three nodes somebody leads iff one node reaches a quorum', () => {
    const arcs = ['ab', 'ba', 'ac', 'ca', 'bc', 'cb']
    let led = 0
    let leaderless = 0
    for (let graph = 0; graph < 64; graph++) {
      const { cluster } = running({ seed: 31 + graph })
      const open = (from: string, to: string) => (graph & (1 << arcs.indexOf(`${from}${to}`))) !== 0
      for (const [from, to] of arcs.map((arc) => arc.split('') as [string, string])) {
        if (!open(from, to)) cluster.cut(from, to)
      }
      cluster.run(2 * D)
      if (central(cluster.ids, open).length > 0) {
        led += 1
        expectLeader(cluster, D + BOUND)
      } else {
        leaderless += 1
        cluster.run(2 * D)
        expect(cluster.leaderOf('jobs'), `graph ${graph}`).toBeNull()
      }
    }
    expect([led, leaderless]).toEqual([37, 27])
  })

  it.each([
    ['star of 5', ['ca', 'cb', 'cd', 'ce']],
    ['bridge of 5', ['ab', 'ac', 'bc', 'cd', 'ce', 'de']],
    ['chain of 5 with a short cut', ['ab', 'bc', 'cd', 'de', 'bd']],
    ['ring of 5', ['ab', 'bc', 'cd', 'de', 'ea']],
    ['ring of 4', ['ab', 'bc', 'cd', 'da'], 'abcd'],
    ['star of 4', ['ab', 'ac', 'ad'], 'abcd'],
    ['chain of 4', ['ab', 'bc', 'cd'], 'abcd'],
  ])(
    'bug 31: a leader that cannot reach a quorum is replaced within the bound in a %s',
    (_name, links, names = 'abcde') => {
      for (const first of names) {
        const { cluster } = running({ seed: 310, nodes: names.split('') })
        if (cluster.leaderOf('jobs') !== first) cluster.transfer('jobs', first)
        cluster.runUntil(() => cluster.leaderOf('jobs') === first, BOUND)
        expect(cluster.leaderOf('jobs')).toBe(first)
        only(cluster, links)
        const able = central(cluster.ids, (from, to) =>
          [`${from}${to}`, `${to}${from}`].some((l) => links.includes(l)),
        )
        expect(able.length).toBeGreaterThan(0)
        cluster.run(2 * D)
        expect(able).toContain(expectLeader(cluster, D + BOUND))
      }
    },
  )

  it('bug 40: a peer that lost power and came back has all its links again soon after', () => {
    const { cluster, leader } = running()
    const gone = cluster.ids.find((id) => id !== leader) as string
    cluster.crash(gone, false)
    const link = () =>
      cluster
        .node(leader)
        .ports?.transport.stats()
        .links.find(({ peer }) => peer === gone)
    cluster.run(50)
    expect(link(), 'nobody was told').toMatchObject({ connected: true, incarnation: 1 })
    cluster.restart(gone)
    const since = cluster.now
    expect(cluster.runUntil(() => link()?.connected === true && link()?.incarnation === 2, 10_000)).toBe(true)
    expect(cluster.now - since).toBeLessThanOrEqual(3 * SIM_TIMING.heartbeatMs)
    cluster.run(5 * D)
    expect(cluster.leaderOf('jobs')).toBe(leader)
    expect(cluster.node(gone).state?.elections.get('jobs')?.leader).toBe(leader)
  })

  it('bug 55: an even split of four has no leader on either side', () => {
    const { cluster, leader } = running({ nodes: ['a', 'b', 'c', 'd'] })
    const [near, ...far] = cluster.ids.filter((id) => id !== leader) as [string, string, string]
    const won = wins(cluster)
    cluster.partition([[leader, near], far])
    cluster.run(10)
    expect(cluster.leaderOf('jobs'), 'until its lease is over').toBe(leader)
    cluster.run(D)
    for (let i = 0; i < 100; i++) {
      expect(cluster.leaderOf('jobs')).toBeNull()
      cluster.run(500)
    }
    expect(won).toEqual([])
    cluster.heal()
    expectLeader(cluster, BOUND)
  })

  it('bug 58: quick re-elections under skewed clocks never give a term twice', () => {
    const { cluster } = running({ quality: { jitterMs: 5 } })
    const won = wins(cluster)
    for (const [i, id] of cluster.ids.entries()) {
      cluster.setRate(id, [0.91, 1.09, 1][i] as number)
      cluster.stepWall(id, (i - 1) * 86_400_000)
    }
    for (let i = 0; i < 60; i++) {
      expectLeader(cluster, 2 * D + BOUND)
      cluster.resign('jobs', i % 3 === 0 ? 0 : 300)
      cluster.run(i % 7)
    }
    const terms = won.map(({ term }) => term)
    expect(terms.length).toBeGreaterThanOrEqual(59)
    expect(new Set(terms).size).toBe(terms.length)
    expect(terms).toEqual([...terms].sort((a, b) => a - b))
    expect(cluster.violations).toEqual([])
  })

  it('bug 71: an hour with a flapping switch between two of three nodes changes the leader twice at most', () => {
    const { cluster, leader } = running({ invariants: [] })
    const [other = ''] = cluster.ids.filter((id) => id !== leader)
    const won = wins(cluster)
    const losses: number[] = []
    cluster.demand(() => ({ name: 'loss', observer: { lost: () => void losses.push(cluster.now) } }))
    for (let i = 0; i < 180; i++) {
      cluster.cut(leader, other, 'switch')
      if (i % 2 === 0) cluster.cut(other, leader, 'switch')
      cluster.run(i % 3 === 0 ? 15_000 : 4000)
      cluster.heal('switch')
      cluster.run(i % 3 === 0 ? 5000 : 16_000)
    }
    expect(losses.length, 'the switch did harm').toBeGreaterThan(1000)
    expect(won.length).toBeLessThanOrEqual(2)
    expect(cluster.leaderOf('jobs')).not.toBeNull()
  })

  it('bug 72: after a region was cut off for 43 s the resource refuses what its old leader writes', () => {
    const { cluster } = running({ nodes: ['a', 'b', 'c', 'd', 'e'] })
    if (cluster.leaderOf('jobs') !== 'a') cluster.transfer('jobs', 'a')
    cluster.runUntil(() => cluster.leaderOf('jobs') === 'a', BOUND)
    const guard = new SimGuard('jobs')
    const old = cluster.node('a').readToken('jobs') as number
    expect(guard.write(old, 'a')).toBe(true)
    cluster.partition([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ])
    cluster.run(43_000)
    const next = cluster.leaderOf('jobs') as string
    expect(['c', 'd', 'e']).toContain(next)
    expect(cluster.node('a').readToken('jobs')).toBeNull()
    expect(guard.write(cluster.node(next).readToken('jobs') as number, next)).toBe(true)
    cluster.heal()
    cluster.run(20_000)
    expect(guard.write(old, 'a'), 'a write of before the cut').toBe(false)
    expect(cluster.leaderOf('jobs'), 'no hand-over because the region is back').toBe(next)
    expect(cluster.violations).toEqual([])
  })
})
