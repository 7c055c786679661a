/**
 * Scenarios of hashicorp/raft (`raft_test.go`, `raft-compat`), told anew: leases, verification, pre-vote, hand-overs.
 *
 * Each title names the upstream test and, where our rule differs, the rule that says so. Read next: `README.md`, `names.ts`.
 */
import { describe, expect, it } from 'vitest'
import type { ProcessId } from '../../src/core'
import { SimCluster } from '../../src/simulation'
import {
  beat,
  binding,
  boundTo,
  effects,
  elect,
  end,
  keep,
  known,
  Lab,
  leaseEnd,
  parts,
  partsOf,
  quiet,
  renounce,
  silence,
  stand,
  talk,
  tell,
} from '../core/story'
import { announce, request, role, sound, wins } from './scenes'

/** `a` leads all of them, and everybody follows it. */
function led(ids = 'abc', options: Parameters<typeof quiet>[1] = {}): Lab {
  const lab = quiet(ids, options)
  elect(lab, 'a', ids.slice(1))
  keep(
    lab,
    200,
    ...ids
      .slice(1)
      .split('')
      .map((id) => `a-${id}`),
  )
  return lab
}

describe('leaders', () => {
  it('hashicorp TestRaft_LeaderFail: after the leader another one has a higher token, and the old one comes back as a follower', () => {
    const lab = new Lab(['a', 'b', 'c'])
    const first = lab.settle()
    const others = lab.ids.filter((id) => id !== first)
    for (const id of others) lab.cuts.add(`${first}>${id}`).add(`${id}>${first}`)
    lab.run(5000, () => others.some((id) => lab.leads(id)))
    const second = lab.leader() as ProcessId
    expect(others).toContain(second)
    expect(lab.leads(first)).toBe(false)
    lab.cuts.clear()
    lab.run(1000)
    expect([lab.leader(), role(lab, first), boundTo(lab, first)]).toEqual([second, 'follower', second])
    expect(wins(lab)).toHaveLength(2)
    expect(lab.history.at(-1)?.term).toBeGreaterThan(1)
  })

  it('hashicorp TestRaft_LeaderLeaseExpire: of two, each without the other leads nothing and knows no leader', () => {
    const lab = led('ab')
    silence(lab, 900)
    expect(lab.leads('a'), 'the lease goes on for D after the last heartbeat that was answered').toBe(true)
    silence(lab, 1200)
    expect(lab.leader()).toBeNull()
    for (const id of 'ab') expect(effects(lab, id, 'leaderChanged').at(-1)).toMatchObject({ leader: null })
  })

  it('hashicorp TestRaft_VerifyLeader: answers to a round that began after the question prove leadership', () => {
    const lab = led()
    lab.pass(50)
    const asked = lab.clock('a')
    beat(lab, 'a')
    expect(leaseEnd(lab, 'a')).toBeLessThan(asked + 1000)
    talk(lab, 'a', 'b')
    expect(leaseEnd(lab, 'a'), 'it counts from the sending of the question (R10)').toBe(asked + 1000)
  })

  it('hashicorp TestRaft_VerifyLeader_Single: alone, the own answer is enough', () => {
    const lab = quiet('a')
    stand(lab, 'a')
    lab.pass(50)
    beat(lab, 'a')
    expect([leaseEnd(lab, 'a'), lab.sent]).toEqual([1050, []])
  })

  it('hashicorp TestRaft_VerifyLeader_Fail: without an answer nothing is proved, and the lease ends when it would have', () => {
    const lab = led('ab')
    const before = leaseEnd(lab, 'a')
    lab.pass(50)
    beat(lab, 'a')
    lab.drop()
    expect(leaseEnd(lab, 'a')).toBe(before)
    lab.pass(before - lab.at)
    expect(lab.leads('a')).toBe(false)
  })

  it('hashicorp TestRaft_VerifyLeader_Fail: a follower in a higher term is gone above, not given way to (R22)', () => {
    const lab = led('ab')
    tell(lab, 'b', 5)
    expect(announce(lab, 'a', 'b', 1)).toMatchObject({ grant: null, knownTerm: 5 })
    keep(lab, 200, 'a-b')
    expect([lab.leader(), wins(lab)]).toEqual(['a', ['a T1', 'a T6']])
  })

  it('hashicorp TestRaft_VerifyLeader_PartialConnect: with one of two followers gone the other one is enough', () => {
    const lab = led()
    lab.crash('c')
    lab.pass(50)
    beat(lab, 'a')
    talk(lab, 'a', 'b')
    expect(leaseEnd(lab, 'a')).toBe(lab.clock('a') + 1000)
  })

  it('hashicorp TestRaft_NotifyCh: a leadership is told once when it begins and once when it ends', () => {
    const lab = quiet('a')
    stand(lab, 'a')
    end(lab, 'a')
    const told = lab.node('a').log.filter(({ type }) => type === 'elected' || type === 'revoked')
    expect(told).toMatchObject([
      { type: 'elected', term: 1 },
      { type: 'revoked', term: 1, reason: 'stopped' },
    ])
  })

  it('hashicorp TestRaft_RemoveLeader: a leader that leaves for good frees all voters by one word (R71)', () => {
    const lab = led()
    end(lab, 'a')
    lab.deliver()
    // the best of those that contend was told to campaign in the same breath (R21)
    expect([boundTo(lab, 'b'), boundTo(lab, 'c')]).toEqual(['c', 'c'])
    expect(lab.leader()).toBe('c')
    expect(lab.at, 'no promise to the old leader had run out').toBeLessThan(1000)
  })
})

describe('partitions and restarts', () => {
  it('hashicorp TestRaft_RemoveFollower_SplitCluster: of four, two and two, no half leads; together again they do', () => {
    const lab = new Lab(['a', 'b', 'c', 'd'])
    lab.settle()
    for (const [x, y] of ['ac', 'ad', 'bc', 'bd']) lab.cuts.add(`${x}>${y}`).add(`${y}>${x}`)
    lab.run(3000)
    const before = wins(lab).length
    lab.run(10_000)
    expect([lab.leader(), wins(lab).length]).toEqual([null, before])
    lab.cuts.clear()
    lab.run(3000, () => lab.leader() !== null)
    expect(lab.leader()).not.toBeNull()
  })

  it('hashicorp TestRaft_FollowerRemovalNoElection: a follower that restarts causes no election', () => {
    const lab = new Lab(['a', 'b', 'c'])
    const leader = lab.settle()
    const follower = lab.ids.find((id) => id !== leader) as ProcessId
    lab.crash(follower)
    lab.run(300)
    lab.restart(follower)
    lab.connect()
    lab.contend('e', [follower])
    lab.run(10_000)
    expect([lab.leader(), wins(lab)]).toEqual([leader, [`${leader} T1`]])
    expect(
      effects(lab, follower, 'roleChanged').filter((effect) => effect.role !== 'follower').length,
    ).toBeLessThan(2)
  })

  it('hashicorp TestRaft_PreVoteAvoidElectionWithPartition: one that was cut off comes back in its old term and disturbs nobody', () => {
    const lab = new Lab(['a', 'b', 'c', 'd', 'e'])
    const leader = lab.settle()
    const away = lab.ids.find((id) => id !== leader) as ProcessId
    for (const id of lab.ids) lab.cuts.add(`${away}>${id}`).add(`${id}>${away}`)
    lab.run(10_000)
    expect(known(lab, away)).toBe(1)
    lab.cuts.clear()
    lab.run(5000)
    expect([lab.leader(), wins(lab), boundTo(lab, away)]).toEqual([leader, [`${leader} T1`], leader])
  })

  it('hashicorp TestRaft_PreVoteMixedCluster: some ask first and some do not; they elect, before and after a partition', () => {
    for (const asking of ['a', 'ab', 'abc', 'abcd']) {
      const lab = new Lab(['a', 'b', 'c', 'd', 'e'])
      for (const id of lab.ids) {
        const node = lab.node(id)
        node.config = { ...node.config, preVote: asking.includes(id) }
      }
      const leader = lab.settle()
      for (const id of lab.ids) lab.cuts.add(`${leader}>${id}`).add(`${id}>${leader}`)
      lab.run(5000)
      expect(lab.leader(), `${asking} ask`).not.toBe(leader)
      lab.cuts.clear()
      lab.run(5000)
      expect(lab.leader(), `${asking} ask`).not.toBeNull()
    }
  })
})

describe('votes', () => {
  it('hashicorp TestRaft_VotingGrant_WhenLeaderAvailable: a bound voter votes for its leader, for nobody else, and with a certificate', () => {
    const lab = led()
    expect(request(lab, 'c', 'b', 11).refusal).toBe('bound')
    expect(request(lab, 'a', 'b', 11).grant).not.toBeNull()
    const certificate = { leader: 'a', storageId: 'disk-a', incarnation: 1, term: 11 }
    expect(request(lab, 'c', 'b', 12, certificate).grant).not.toBeNull()
    expect(boundTo(lab, 'b')).toBe('c')
  })

  it('hashicorp TestRaft_PreVote_ShouldNotRejectLeader: a bound voter would vote for its leader in a higher term', () => {
    const lab = led()
    expect(sound(lab, 'c', 'b', 2).refusal).toBe('bound')
    expect(sound(lab, 'a', 'b', 2).refusal).toBeNull()
  })

  it('hashicorp TestRaft_VoteNotGranted_WhenNodeNotInCluster: who is no member is refused at the door, its requests go unread (R24)', () => {
    const cluster = new SimCluster({ seed: 1 })
    cluster.start()
    expect(cluster.runUntil(() => cluster.leaderOf('jobs') !== null, 5000)).toBe(true)
    const leader = cluster.leaderOf('jobs')
    const voter = cluster.node(cluster.ids.find((id) => id !== leader) as ProcessId)
    const host = cluster.network.transportOf(voter.number)?.host
    if (host == null) throw new Error('the voter has no transport')
    const removed = { ...host.local, nodeId: 'removed', storageId: 'its-disk', nonce: '0'.repeat(32) }
    expect(host.admit(removed)).toMatchObject({ ok: false })
    // the leader is gone, so that nothing but membership is in the way
    cluster.crash(leader as ProcessId)
    cluster.run(200)
    const answers: string[] = []
    cluster.observers.add({ said: (_node, { to }) => void answers.push(to) })
    const ask = { kind: 'requestVote', election: 'jobs', term: 12, nonce: 1, certificate: null } as const
    const heartbeat = { kind: 'heartbeat', round: 1, promiseMs: 2000, probe: false, prompt: true } as const
    host.received('removed', 1, [heartbeat, ask])
    cluster.run(1)
    expect([answers.includes('removed'), voter.durableTerm('jobs')]).toEqual([false, 1])
  })

  it('hashicorp TestRaft_ClusterCanRegainStability_WhenNonVoterWithHigherTermJoin: an elector in a high term unseats nobody', () => {
    const lab = new Lab(['a', 'b', 'c', 'x'], { voters: ['a', 'b', 'c'], contenders: ['a', 'b', 'c'] })
    const leader = lab.settle()
    lab.contend('e', ['x'])
    lab.election('x').slot.knownTerm = 21
    lab.act('x', { type: 'campaign', election: 'e' })
    for (let i = 0; i < 50; i++) {
      lab.run(100)
      expect(lab.leader()).toBe(leader)
    }
    expect(effects(lab, leader, 'revoked').filter(({ reason }) => reason !== 'reelected')).toEqual([])
  })
})

describe('hand-overs', () => {
  it('hashicorp TestRaft_LeadershipTransfer: without a target the others elect one of themselves', () => {
    const lab = new Lab(['a', 'b', 'c'])
    const leader = lab.settle()
    lab.act(leader, { type: 'renounce', election: 'e', reason: 'resigned', to: null, cooldownMs: 2000 })
    lab.run(300, () => lab.leader() !== null)
    expect([null, leader]).not.toContain(lab.leader())
  })

  it('hashicorp TestRaft_LeadershipTransferInProgress: from the word on the old leader leads no more, and a second word is empty', () => {
    const lab = led()
    renounce(lab, 'a', 'b')
    expect([lab.leads('a'), role(lab, 'a')]).toEqual([false, 'follower'])
    const frames = lab.wire.length
    renounce(lab, 'a', 'c')
    expect(lab.wire).toHaveLength(frames)
  })

  it('hashicorp TestRaft_LeadershipTransferWithOneNode: alone, it is a resignation; after the cool-down it elects itself again', () => {
    const lab = new Lab(['a'])
    lab.settle()
    lab.act('a', { type: 'renounce', election: 'e', reason: 'resigned', to: null, cooldownMs: 500 })
    lab.run(400)
    expect(lab.leader()).toBeNull()
    lab.run(400)
    expect(wins(lab)).toEqual(['a T1', 'a T2'])
  })

  it('hashicorp TestRaft_LeadershipTransferWithSevenNodes: to a chosen one of seven', () => {
    const lab = new Lab(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
    const leader = lab.settle()
    const target = lab.ids.find((id) => id !== leader) as ProcessId
    renounce(lab, leader, target)
    lab.deliver()
    expect(wins(lab)).toEqual([`${leader} T1`, `${target} T2`])
  })

  it('hashicorp TestRaft_LeadershipTransferWithWrites: while the election is handed on, no guard ever sees an older token', () => {
    const cluster = new SimCluster({ seed: 7, nodes: [...'abcdefg'], work: { everyMs: 20, actMs: 40 } })
    let accepted = 0
    cluster.observers.add({
      wrote: (_holder, _election, _token, ok) => {
        if (ok) accepted += 1
      },
    })
    cluster.start()
    for (let i = 0; i < 20; i++) {
      cluster.run(1000)
      cluster.transfer('jobs', 'abcdefg'[i % 7] as ProcessId)
    }
    cluster.run(1000)
    expect(cluster.violations).toEqual([])
    expect(accepted).toBeGreaterThan(200)
    expect(cluster.node('a').durableTerm('jobs')).toBeGreaterThanOrEqual(15)
  })

  it('hashicorp TestRaft_LeadershipTransferToInvalidID: to a stranger, it is a resignation (R20)', () => {
    const lab = led()
    renounce(lab, 'a', 'stranger')
    expect(partsOf(lab.wire, 'timeoutNow')).toEqual([])
    lab.deliver()
    expect([boundTo(lab, 'b'), boundTo(lab, 'c')]).toEqual([null, null])
  })

  it('hashicorp TestRaft_LeadershipTransferToInvalidAddress: if the word does not arrive the others elect without waiting for it', () => {
    const lab = new Lab(['a', 'b', 'c'])
    const leader = lab.settle()
    const target = lab.ids.find((id) => id !== leader) as ProcessId
    lab.cuts.add(`${leader}>${target}`)
    renounce(lab, leader, target)
    lab.run(1500, () => lab.leader() !== null)
    expect(lab.leader()).not.toBeNull()
    expect(lab.history.at(-1)?.term).toBeGreaterThan(1)
  })

  it('hashicorp TestRaft_LeadershipTransferToItself: is a resignation (R20)', () => {
    const lab = led()
    renounce(lab, 'a', 'a')
    expect([lab.leads('a'), partsOf(lab.wire, 'timeoutNow')]).toEqual([false, []])
  })

  it('hashicorp TestRaft_LeadershipTransferLeaderRejectsClientRequests: work that asks finds no lease, before anybody else has one', () => {
    const lab = led()
    renounce(lab, 'a', 'b')
    expect(lab.leads('a')).toBe(false)
    expect(effects(lab, 'a', 'revoked')).toMatchObject([{ term: 1, reason: 'transferred' }])
    expect(lab.leader()).toBeNull()
    lab.deliver()
    expect(lab.leader()).toBe('b')
    expect(binding(lab, 'a')).toMatchObject({ leader: 'b', term: 2 })
  })

  it('hashicorp TestRaft_LeadershipTransferIgnoresNonvoters: who does not contend is handed nothing', () => {
    const lab = led('ab', { contenders: ['a'] })
    renounce(lab, 'a', 'b')
    lab.deliver()
    expect([lab.leader(), effects(lab, 'b', 'roleChanged'), parts(lab, 'b', 'a', 'requestVote')]).toEqual([
      null,
      [],
      [],
    ])
  })
})

describe('fuzzy', () => {
  /** Runs `abcde` for a minute, with something done to it each second; never two leaders, and one in the end. */
  function fuzz(
    seed: number,
    nodes: string,
    each: (cluster: SimCluster, second: number) => void,
    quality = {},
  ): SimCluster {
    const cluster = new SimCluster({ seed, nodes: [...nodes], quality: { jitterMs: 2, ...quality } })
    cluster.start()
    for (let second = 0; second < 60; second++) {
      each(cluster, second)
      cluster.run(1000)
    }
    cluster.heal()
    expect(
      cluster.runUntil(() => cluster.leaderOf('jobs') !== null, 10_000),
      cluster.pending(),
    ).toBe(true)
    cluster.run(5000)
    expect(cluster.violations).toEqual([])
    return cluster
  }

  it('hashicorp TestRaft_LeaderPartitions: the leader and some others are cut off, again and again', () => {
    let elections = 0
    const cluster = fuzz(1, 'abcde', (each, second) => {
      if (second % 6 === 0) each.heal()
      if (second % 6 !== 2) return
      const leader = each.leaderOf('jobs')
      if (leader === null) return
      elections += 1
      const side = [leader, ...each.ids.filter((id) => id !== leader).slice(0, second % 2)]
      each.partition([side, each.ids.filter((id) => !side.includes(id))])
    })
    expect(elections).toBeGreaterThan(5)
    expect(Math.max(...cluster.ids.map((id) => cluster.node(id).durableTerm('jobs')))).toBeGreaterThan(
      elections / 2,
    )
  })

  it('hashicorp TestRaft_SlowSendVote: two of five get every request to vote late', () => {
    const cluster = fuzz(2, 'abcde', (each, second) => {
      if (second === 0) {
        each.network.interceptor = (flight) => {
          const late = 'ab'.includes(flight.to) && flight.parts.some(({ kind }) => kind === 'requestVote')
          if (late) each.later(1500, () => each.network.release(flight))
          return late ? 'hold' : 'pass'
        }
      }
      if (second % 10 === 5) each.resign('jobs', 500)
    })
    expect(cluster.node('c').durableTerm('jobs')).toBeGreaterThanOrEqual(6)
  })

  it('hashicorp TestRaft_SlowRecvVote: three of five vote too late: only they win, by their own vote and the two in time (R4)', () => {
    const winners = new Set<ProcessId>()
    const cluster = fuzz(3, 'abcde', (each, second) => {
      if (second === 0) {
        each.observers.add({ elected: (node) => void winners.add(node.id) })
        each.network.interceptor = (flight) => {
          const late = 'bde'.includes(flight.from) && flight.parts.some(({ kind }) => kind === 'voteReply')
          if (late) each.later(1500, () => each.network.release(flight))
          return late ? 'hold' : 'pass'
        }
      }
      if (second % 10 === 5) each.resign('jobs', 500)
    })
    expect([...winners].filter((id) => !'bde'.includes(id))).toEqual([])
    expect(cluster.node('d').durableTerm('jobs')).toBeGreaterThanOrEqual(6)
  })

  it('hashicorp TestRaft_FuzzyLeadershipTransfer: handed on each second, to anybody', () => {
    let moves = 0
    const cluster = fuzz(4, 'abcde', (each, second) => {
      if (each.transfer('jobs', 'abcde'[(second * 3) % 5] as ProcessId) !== null) moves += 1
    })
    expect(moves).toBeGreaterThan(30)
    expect(cluster.node('a').durableTerm('jobs')).toBeGreaterThanOrEqual(moves)
  })
})
