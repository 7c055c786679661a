/**
 * Goal: a simulated cluster does what is done to it, the same way each time. Method: the shipping core and driver in small
 * scenes; every invariant is on.
 */
import { describe, expect, it } from 'vitest'
import { act } from '../../src/simulation/faults'
import { SimCluster } from '../../src/simulation/sim-cluster'
import { Trace } from '../../src/simulation/trace'

const led = (cluster: SimCluster) => (): boolean => cluster.leaderOf('jobs') !== null

function running(options: Partial<ConstructorParameters<typeof SimCluster>[0]> = {}) {
  const cluster = new SimCluster({ seed: 1, ...options })
  cluster.start()
  expect(cluster.runUntil(led(cluster), 10_000), cluster.pending()).toBe(true)
  return { cluster, leader: cluster.leaderOf('jobs') as string }
}

describe('a simulated cluster', () => {
  it.each([1, 2, 3, 4, 5, 6, 7])('elects one leader of %i and keeps it', (size) => {
    const nodes = 'abcdefg'.slice(0, size).split('')
    const { cluster, leader } = running({ nodes })
    cluster.run(60_000)
    expect(cluster.leaderOf('jobs')).toBe(leader)
    expect(cluster.violations).toEqual([])
  })

  it('hosts several elections', () => {
    const { cluster } = running({ elections: ['jobs', 'mail', 'cron'] })
    cluster.run(5000)
    expect(cluster.pending()).toBe('')
    expect(cluster.violations).toEqual([])
  })

  it('elects another one after a crash, and takes the dead one back', () => {
    const { cluster, leader } = running()
    cluster.crash(leader)
    expect(cluster.leaderOf('jobs')).toBeNull()
    expect(cluster.runUntil(led(cluster), 10_000)).toBe(true)
    cluster.restart(leader)
    cluster.run(5000)
    expect(cluster.node(leader).incarnation).toBe(2)
    expect(cluster.node(leader).state?.elections.get('jobs')?.leader).toBe(cluster.leaderOf('jobs'))
    expect(cluster.violations).toEqual([])
  })

  it('B.3: a leader whose host sleeps is no leader when it wakes up', () => {
    const { cluster, leader } = running()
    cluster.suspend(leader, 60_000)
    cluster.run(59_000)
    expect(cluster.leaderOf('jobs')).not.toBe(leader)
    let first: number | null | undefined
    cluster.later(1000.001, () => {
      first = cluster.node(leader).readToken('jobs')
    })
    cluster.run(2000)
    expect(first).toBeNull()
    expect(cluster.violations).toEqual([])
  })

  it('BUGS 23: the first answer after a stall that outlasted the lease is no', () => {
    for (const wake of ['timersFirst', 'ioFirst'] as const) {
      const { cluster, leader } = running()
      cluster.pause(leader)
      cluster.run(10_000)
      const answers: (number | null)[] = []
      cluster.node(leader).ports?.loop.input(() => {
        answers.push(cluster.node(leader).readToken('jobs'))
      }, undefined)
      cluster.resume(leader, wake)
      expect(answers).toEqual([null])
      expect(cluster.violations).toEqual([])
    }
  })

  it('BUGS 24: steps of the wall clock change nothing', () => {
    const { cluster, leader } = running()
    for (const id of cluster.ids) cluster.stepWall(id, 3_600_000)
    cluster.run(10_000)
    for (const id of cluster.ids) cluster.stepWall(id, -7_200_000)
    cluster.run(10_000)
    expect(cluster.leaderOf('jobs')).toBe(leader)
    expect(cluster.node(leader).standing.get('jobs')?.term).toBe(1)
  })

  it('BUGS 15: a leader whose disk hangs when it has to write gives up', () => {
    const { cluster, leader } = running()
    cluster.node(leader).disk.faults.hanging = true
    cluster.submit(leader, { type: 'contend', election: 'mail', contending: true, priority: 0 })
    cluster.run(10_000)
    expect(cluster.node(leader).failure?.code).toBe('ELECTION_STORAGE_FAILED')
    expect(cluster.leaderOf('jobs')).not.toBe(leader)
    expect(cluster.violations).toEqual([])
  })

  it('R25: an empty disk is refused by everybody, and the others go on', () => {
    const { cluster, leader } = running({ nodes: ['a', 'b', 'c'] })
    cluster.run(2000)
    cluster.replaceDisk(leader)
    cluster.restart(leader)
    cluster.run(10_000)
    expect(cluster.node(leader).ports?.transport.stats().links).toEqual([])
    expect(led(cluster)()).toBe(true)
    expect(cluster.violations).toEqual([])
  })

  it('R19: a clean stop that leaves no promise needs no wait at the next start, a crash does', () => {
    const elected = (end: (cluster: SimCluster, id: string) => void): number => {
      const { cluster } = running({ contenders: ['a'] })
      for (const id of cluster.ids) {
        end(cluster, id)
        cluster.run(100)
      }
      cluster.start()
      const since = cluster.now
      cluster.runUntil(led(cluster), 20_000)
      return cluster.now - since
    }
    expect(elected((cluster, id) => cluster.crash(id))).toBeGreaterThan(2000)
    expect(elected((cluster, id) => cluster.stop(id))).toBeLessThan(500)
  })

  it('says why nobody leads', () => {
    const { cluster, leader } = running()
    for (const id of cluster.ids) if (id !== leader) cluster.crash(id)
    cluster.run(10_000)
    expect(cluster.pending()).toBe(`jobs: only 1 of 3 run (${leader})`)
    cluster.start()
    cluster.run(100)
    expect(cluster.pending()).toContain('waits after its start')
  })

  it('an exception of the code under test is a violation, and time stops', () => {
    const { cluster } = running()
    cluster.later(10, () => {
      throw new Error('out of order')
    })
    cluster.run(100)
    expect(cluster.violations.map(({ property }) => property)).toEqual(['nothing throws'])
    const { now } = cluster
    cluster.run(1000)
    expect(cluster.now).toBe(now)
  })

  it('actions that make no sense do nothing', () => {
    const { cluster, leader } = running()
    expect(act(cluster, { do: 'restart', node: leader })).toBe(false)
    expect(act(cluster, { do: 'transfer', election: 'jobs', to: leader, cooldownMs: 0 })).toBe(false)
    expect(act(cluster, { do: 'crash', node: 'leader of mail', fin: true, downMs: null })).toBe(false)
    expect(act(cluster, { do: 'crash', node: 'leader of jobs', fin: true, downMs: null })).toBe(true)
    expect(act(cluster, { do: 'crash', node: leader, fin: true, downMs: null })).toBe(false)
    expect(act(cluster, { do: 'resign', election: 'jobs', cooldownMs: 0 })).toBe(false)
  })

  it('R43: a guard that restarts learns from a quorum below which token it has to refuse', () => {
    const { cluster, leader } = running({ work: { everyMs: 50, actMs: 50 } })
    cluster.run(2000)
    expect(cluster.work?.counts.accepted).toBeGreaterThan(5)
    expect(act(cluster, { do: 'restartGuard', election: 'jobs', by: leader })).toBe(true)
    const guard = cluster.work?.guards.get('jobs')
    expect(guard?.closed).toBe(true)
    cluster.run(100)
    expect(guard?.closed).toBe(false)
    expect(guard?.write(0, 'stranger')).toBe(false)
    expect(cluster.violations).toEqual([])
  })

  it('gives the same trace for the same seed, to the byte, and another one for another', () => {
    const trace = (seed: number): string => {
      const cluster = new SimCluster({ seed, quality: { jitterMs: 1, loss: 0.1, reorder: true } })
      const recorded = new Trace(cluster, { heartbeats: true })
      cluster.start()
      cluster.run(5000)
      cluster.crash(cluster.leaderOf('jobs') ?? 'a')
      cluster.run(10_000)
      return recorded.text
    }
    expect(trace(7)).toBe(trace(7))
    expect(trace(7)).not.toBe(trace(8))
    expect(trace(7)).toContain('ELECTED leader of jobs')
  })

  it('R38: who dialled a process that died before it knew of the session finds out and dials its next life', () => {
    const cluster = new SimCluster({ seed: 1, nodes: ['a', 'b'], quality: { latencyMs: 20 } })
    let met = false
    cluster.observers.add({ linked: (node, _peer, _life, reason) => (met ||= node.id === 'a' && !reason) })
    cluster.start()
    expect(cluster.runUntil(() => met, 1000)).toBe(true)
    // The last frame of the handshake is under way: b does not know yet. Knowing that it died, a has nothing to send it.
    cluster.crash('b')
    expect(act(cluster, { do: 'proofOfDeath', of: 'b', to: ['a'] })).toBe(true)
    cluster.run(500)
    cluster.restart('b')
    expect(cluster.runUntil(led(cluster), 10_000), cluster.pending()).toBe(true)
  })

  it('P9: where nobody leads, says of each process why: its links, its binding, who refused it', () => {
    const { cluster, leader } = running()
    cluster.partition([['a'], ['b'], ['c']])
    cluster.run(10_000)
    expect(cluster.pending()).toContain(
      `${leader} contends, is follower, knows T1, bound to nobody, linked with nobody`,
    )
  })

  it('a crash in a write takes the process down in the middle of its next write', () => {
    const { cluster, leader } = running({ writeTime: { leastMs: 4, mostMs: 4 } })
    expect(act(cluster, { do: 'crashInWrite', node: leader, downMs: 100 })).toBe(true)
    cluster.resign('jobs')
    cluster.run(5000)
    const { disk, incarnation } = cluster.node(leader)
    expect(incarnation).toBe(2)
    expect(disk.onWrite).toBeNull()
    expect(cluster.violations).toEqual([])
  })

  it('a stutter holds the loop up again and again', () => {
    const { cluster, leader } = running()
    const stood: boolean[] = []
    cluster.observers.add({ fault: (text) => stood.push(text.includes('stands still')) })
    const stutter = { do: 'stutter', times: 5, forMs: 20, everyMs: 50, wake: 'ioFirst' } as const
    expect(act(cluster, { ...stutter, node: leader })).toBe(true)
    cluster.run(1000)
    expect(stood.filter(Boolean)).toHaveLength(5)
    expect(cluster.leaderOf('jobs')).toBe(leader)
  })
})
