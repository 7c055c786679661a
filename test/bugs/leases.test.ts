/**
 * Bugs that other leader elections had with leases and clocks, each as the schedule that would show it here (numbers are
 * those of the project's list of such bugs). Every test first reaches the dangerous state and asserts it.
 *
 * What waits for something stands in `catalogue.ts`. Read next: `votes.test.ts`, `partitions.test.ts`, `runtime.test.ts`, `input.test.ts`.
 */
import { describe, expect, it } from 'vitest'
import { SimCluster } from '../../src/simulation'
import {
  along,
  beat,
  binding,
  boundTo,
  effects,
  elect,
  exchange,
  keep,
  known,
  lastPart,
  leaseEnd,
  parts,
  partsOf,
  promise,
  quiet,
  renounce,
  say,
  silence,
  stand,
  talk,
  tell,
} from '../core/story'

/** A running simulated cluster with its leader. */
function running(options: Partial<ConstructorParameters<typeof SimCluster>[0]> = {}) {
  const cluster = new SimCluster({ seed: 3, ...options })
  cluster.start()
  expect(
    cluster.runUntil(() => cluster.leaderOf('jobs') !== null, 10_000),
    cluster.pending(),
  ).toBe(true)
  cluster.run(1000)
  return { cluster, leader: cluster.leaderOf('jobs') as string }
}

describe('bugs of others: leases', () => {
  it('bug 3: a transfer whose target fails never gives the lease back to the old leader in its term', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    beat(lab, 'a')
    lab.deliver((frame) => frame.from === 'a')
    const acks = lab.hold((frame) => frame.to === 'a')
    expect(partsOf(acks, 'ack').every(({ renewed }) => renewed)).toBe(true)
    renounce(lab, 'a', 'c')
    lab.deliver(along('a', 'c', 'timeoutNow'))
    expect(lab.election('c').campaign).toMatchObject({ phase: 'vote', term: 2 })
    talk(lab, 'a', 'b')
    lab.deliver((frame) => frame.from === 'c')
    expect(partsOf(lab.hold(along('b', 'c')), 'voteReply')).toMatchObject([{ term: 2, refusal: null }])
    lab.drop()
    for (const frame of acks) lab.hand(frame)
    keep(lab, 3000, 'a-b')
    expect(lab.leads('a')).toBe(false)
    expect(lab.election('c').campaign, 'the target gave up').toBeNull()
    expect(effects(lab, 'a', 'elected').map(({ term }) => term)).toEqual([1])
    elect(lab, 'a', 'b')
    expect(lab.election('a').lead?.term, 'it may lead again, in a later term').toBe(3)
  })

  it('bug 4: losing the connection to a live leader frees no vote before the promise ends', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    for (const id of ['b', 'c']) lab.act(id, { type: 'closed', peer: 'a', incarnation: 1 })
    silence(lab, 950)
    expect(lab.leads('a')).toBe(true)
    expect(stand(lab, 'c'), 'c’s own promise stands').toBe(false)
    tell(lab, 'c', 1)
    say(lab, 'c', 'b', { kind: 'heartbeat', round: 99, promiseMs: 1000, probe: false, prompt: true })
    say(lab, 'c', 'b', { kind: 'requestVote', election: 'e', term: 2, nonce: 9, certificate: null })
    expect(lastPart(lab, 'b', 'c', 'voteReply')).toMatchObject({ grant: null, refusal: 'bound' })
    expect(lab.leads('a')).toBe(true)
    lab.drop()
    silence(lab, 51)
    expect(lab.leads('a')).toBe(false)
    elect(lab, 'b', 'c')
  })

  it('bug 6: a follower that comes back with a much higher term deposes nobody, and the lease never drops', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    keep(lab, 1100, 'a-b')
    while (known(lab, 'c') < 20) {
      expect(stand(lab, 'c'), 'it stands alone').toBe(true)
      keep(lab, 450, 'a-b')
    }
    expect(lab.election('a').lead?.term).toBe(1)
    for (let i = 0; i < 100; i++) {
      keep(lab, 50, 'a-b', 'a-c', 'b-c')
      expect(lab.leads('a')).toBe(true)
    }
    expect(lab.election('a').lead?.term, 'above the stuck term, without an outage').toBeGreaterThan(20)
    expect(boundTo(lab, 'c')).toBe('a')
    expect(effects(lab, 'a', 'revoked').map(({ reason }) => reason)).toEqual(['reelected'])
  })

  it('bug 6: a follower that was cut off for a hundred leases changes nothing when it is back', () => {
    const { cluster, leader } = running()
    const away = cluster.ids.find((id) => id !== leader) as string
    cluster.partition([[away], cluster.ids.filter((id) => id !== away)])
    cluster.run(100 * 2000)
    expect(
      cluster
        .node(away)
        .ports?.transport.stats()
        .links.some(({ connected }) => connected),
    ).toBe(false)
    let gaps = 0
    cluster.demand(() => ({
      name: 'watch',
      observer: {
        event() {
          if (cluster.leaderOf('jobs') !== leader) gaps += 1
        },
      },
    }))
    cluster.heal()
    cluster.run(20_000)
    expect(gaps).toBe(0)
    expect(cluster.node(leader).standing.get('jobs')?.term).toBe(1)
    expect(cluster.node(away).state?.elections.get('jobs')?.leader).toBe(leader)
    expect(cluster.violations).toEqual([])
  })

  it('bug 23: after a stall of three leases with a rival elected, the very first answer is no', () => {
    for (const wake of ['timersFirst', 'ioFirst'] as const) {
      const { cluster, leader } = running()
      cluster.pause(leader)
      cluster.run(3 * 2000 + 1000)
      const rival = cluster.leaderOf('jobs')
      expect(rival).not.toBeNull()
      expect(rival).not.toBe(leader)
      expect(cluster.node(leader).standing.has('jobs'), 'it has not noticed anything yet').toBe(true)
      const answers: (number | null)[] = []
      cluster.node(leader).ports?.loop.input(() => {
        answers.push(cluster.node(leader).readToken('jobs'))
      }, undefined)
      cluster.resume(leader, wake)
      expect(answers).toEqual([null])
      cluster.run(5000)
      expect(cluster.leaderOf('jobs')).toBe(rival)
      expect(cluster.violations).toEqual([])
    }
  })

  it('bug 24: steps of the wall clock by an hour move no lease and hasten no failover', () => {
    const failover = (byMs: number): number => {
      const { cluster, leader } = running()
      const before = cluster.node(leader).oscillator.wall()
      for (const [i, id] of cluster.ids.entries()) cluster.stepWall(id, i % 2 === 0 ? byMs : -byMs)
      expect(Math.abs(cluster.node(leader).oscillator.wall() - before)).toBe(Math.abs(byMs))
      cluster.run(20_000)
      expect(cluster.leaderOf('jobs')).toBe(leader)
      expect(cluster.node(leader).standing.get('jobs')?.term).toBe(1)
      for (const [i, id] of cluster.ids.entries()) cluster.stepWall(id, i % 2 === 0 ? -byMs : byMs)
      cluster.crash(leader, false)
      const since = cluster.now
      expect(cluster.runUntil(() => cluster.leaderOf('jobs') !== null, 10_000)).toBe(true)
      expect(cluster.violations).toEqual([])
      return cluster.now - since
    }
    const calm = failover(0)
    expect(failover(3_600_000)).toBe(calm)
    expect(failover(-3_600_000)).toBe(calm)
  })

  it('bug 29: leaders with different lengths of lease follow each other without overlap', () => {
    const lab = quiet('abc')
    promise(lab, 'a', 3000)
    promise(lab, 'b', 500)
    elect(lab, 'a', 'b')
    promise(lab, 'a', 200)
    exchange(lab, 'a', 'b')
    expect(leaseEnd(lab, 'a'), 'the shorter length took nothing back').toBe(3000)
    silence(lab, 2950)
    expect(lab.leads('a')).toBe(true)
    expect(stand(lab, 'b')).toBe(false)
    silence(lab, 51)
    expect(lab.leads('a')).toBe(false)
    tell(lab, 'b', 1)
    elect(lab, 'b', 'c')
    expect(leaseEnd(lab, 'b')).toBe(lab.at + 500)
  })

  it('bug 30: the end of a lease never moves back while its leadership stands', () => {
    const rough = {
      latencyMs: 1,
      jitterMs: 80,
      tail: 0.1,
      tailMs: 900,
      loss: 0.15,
      duplicate: 0.1,
      replay: 0.1,
      reorder: true,
    }
    const { cluster } = running({ seed: 30, quality: rough })
    const ends = new Map<string, number>()
    let extended = 0
    let back = 0
    cluster.demand(() => ({
      name: 'watch',
      observer: {
        event() {
          for (const node of cluster.nodes.values()) {
            const standing = node.standing.get('jobs')
            if (standing === undefined) continue
            const key = `${node.id}.${node.incarnation} ${standing.term}`
            const until = node.leaseUntil('jobs')
            const last = ends.get(key) ?? until
            if (until > last) extended += 1
            if (until < last) back += 1
            ends.set(key, until)
          }
        },
      },
    }))
    for (let i = 0; i < 5; i++) {
      cluster.run(20_000)
      cluster.resign('jobs')
    }
    expect(extended).toBeGreaterThan(200)
    expect(ends.size, 'several leaderships').toBeGreaterThan(2)
    expect(back).toBe(0)
    expect(cluster.violations).toEqual([])
  })

  it('bug 37: the announcements of a leader of the term before are refused and block no election', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    silence(lab, 1001)
    tell(lab, 'c', 1)
    elect(lab, 'c', 'b')
    const old = { kind: 'bind', election: 'e', term: 1 } as const
    for (let i = 0; i < 30; i++) {
      beat(lab, 'a')
      lab.deliver(along('a', 'b'))
      say(lab, 'a', 'b', old)
      expect(lastPart(lab, 'b', 'a', 'bindAck')).toMatchObject({ term: 1, grant: null, knownTerm: 2 })
      lab.pass(30)
      lab.drop()
    }
    expect(binding(lab, 'b')).toMatchObject({ leader: 'c', term: 2 })
    lab.crash('c')
    while (boundTo(lab, 'b') === 'c') {
      expect(lab.at).toBeLessThan(3000)
      say(lab, 'a', 'b', old)
      lab.pass(10)
    }
    expect(lab.at, 'c’s promise ended in its time').toBeLessThanOrEqual(2020)
    lab.drop()
    say(lab, 'a', 'b', old)
    expect(lastPart(lab, 'b', 'a', 'bindAck').grant).toBeNull()
    elect(lab, 'b', 'a')
    expect(lab.election('b').lead?.term).toBe(3)
  })

  it('bug 42: after its lease ran out a leader renews nothing and announces its term no more', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    beat(lab, 'a')
    lab.deliver((frame) => frame.from === 'a')
    const late = lab.hold((frame) => frame.to === 'a')
    expect(partsOf(late, 'ack').length).toBeGreaterThan(0)
    silence(lab, 1001)
    expect(lab.leads('a')).toBe(false)
    const said = parts(lab, 'a', 'b', 'bind').length
    for (const frame of late) lab.hand(frame)
    keep(lab, 2000, 'a-b', 'a-c')
    expect(effects(lab, 'a', 'revoked').map(({ term, reason }) => [term, reason])).toEqual([[1, 'expired']])
    expect(parts(lab, 'a', 'b', 'bind')).toHaveLength(said)
    expect(parts(lab, 'a', 'b', 'release').at(-1)?.term).toBe(1)
    expect(lab.leads('a')).toBe(false)
    expect(boundTo(lab, 'b')).toBeNull()
  })
})
