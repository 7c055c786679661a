/**
 * Scenarios of etcd-io/raft `raft_paper_test.go`, told anew: sentences of the Raft paper on elections, and what becomes of
 * them here.
 *
 * Each title names the upstream test and, where our rule differs, the rule that says so. Read next: `README.md`.
 */
import { describe, expect, it } from 'vitest'
import type { ProcessId } from '../../src/core'
import { SimCluster } from '../../src/simulation'
import {
  along,
  binding,
  boundTo,
  elect,
  keep,
  known,
  Lab,
  lastPart,
  parts,
  quiet,
  retime,
  say,
  stand,
} from '../core/story'
import { announce, inRole, memory, request, role, sound, wins } from './scenes'

describe('terms', () => {
  it('etcd TestFollowerUpdateTermFromMessage: a follower takes over the higher term of a leader', () => {
    const lab = inRole('follower')
    announce(lab, 'c', 'b', 2)
    expect([role(lab, 'b'), known(lab, 'b'), boundTo(lab, 'b')]).toEqual(['follower', 2, 'c'])
  })

  it('etcd TestCandidateUpdateTermFromMessage: a candidate does, and is a follower again', () => {
    const lab = inRole('candidate')
    announce(lab, 'c', 'b', 2)
    expect([role(lab, 'b'), known(lab, 'b'), boundTo(lab, 'b')]).toEqual(['follower', 2, 'c'])
  })

  it('etcd TestLeaderUpdateTermFromMessage: a leader that learns a higher term goes above it and keeps its lease (R22)', () => {
    const lab = inRole('leader')
    const refused = { kind: 'bindAck', election: 'e', term: 1, grant: null, knownTerm: 7 } as const
    say(lab, 'c', 'b', refused)
    expect([role(lab, 'b'), lab.leads('b')]).toEqual(['leader', true])
    lab.deliver()
    expect([lab.leads('b'), wins(lab)]).toEqual([true, ['b T1', 'b T8']])
  })

  it('etcd TestRejectStaleTermMessage: a request, a question and an announcement of an old term are refused', () => {
    const lab = inRole('follower')
    announce(lab, 'a', 'b', 5)
    const before = binding(lab, 'b')
    expect(request(lab, 'c', 'b', 4)).toMatchObject({ grant: null, refusal: 'term', knownTerm: 5 })
    expect(sound(lab, 'c', 'b', 4)).toMatchObject({ refusal: 'term', knownTerm: 5 })
    expect(announce(lab, 'c', 'b', 4)).toMatchObject({ grant: null, knownTerm: 5 })
    expect(binding(lab, 'b')).toEqual(before)
  })

  it('etcd TestStartAsFollower: a process begins as a follower, and again after a restart as a leader', () => {
    const lab = inRole('leader')
    expect(role(lab, 'a')).toBe('follower')
    lab.crash('b')
    lab.restart('b')
    lab.contend('e', ['b'])
    expect([role(lab, 'b'), lab.leads('b')]).toEqual(['follower', false])
  })
})

describe('elections', () => {
  it('etcd TestLeaderBcastBeat: the leader has a heartbeat for every voter in every interval', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    keep(lab, 200, 'a-b', 'a-c')
    for (const voter of 'bc') {
      const before = parts(lab, 'a', voter, 'heartbeat').length
      keep(lab, 1000, 'a-b', 'a-c')
      expect(parts(lab, 'a', voter, 'heartbeat').length - before).toBe(10)
    }
  })

  it('etcd TestFollowerStartElection: when the promise to the leader is over a follower asks everybody for the next term', () => {
    const lab = new Lab(['a', 'b', 'c'], { preVote: false, contenders: ['a', 'b'] })
    lab.connect()
    lab.contend('e', ['a'])
    lab.run(500)
    lab.contend('e', ['b'])
    lab.run(500)
    expect(lab.leader()).toBe('a')
    lab.crash('a')
    lab.run(3000, () => role(lab, 'b') === 'candidate')
    expect(binding(lab, 'b')).toMatchObject({ leader: 'b', term: 2 })
    expect(parts(lab, 'b', 'c', 'requestVote').map(({ term }) => term)).toEqual([2])
    expect(lastPart(lab, 'b', 'a', 'heartbeat').probe, 'a silent voter is asked when it answers (R71)').toBe(
      true,
    )
  })

  it('etcd TestCandidateStartNewElection: a candidate without a majority begins again, one term higher', () => {
    const lab = quiet('abc')
    retime(lab, 'a', { backoffMs: 100, backoffMaxMs: 100 })
    stand(lab, 'a')
    keep(lab, 600)
    expect(role(lab, 'a')).toBe('candidate')
    for (const voter of 'bc') {
      expect([...new Set(parts(lab, 'a', voter, 'requestVote').map(({ term }) => term))]).toEqual([1, 2])
    }
  })

  it('etcd TestLeaderElectionInOneRoundRPC: won by a majority, lost by the refusal of one, open otherwise', () => {
    const table: readonly (readonly [ids: string, yes: string, no: string, role: string])[] = [
      ['a', '', '', 'leader'],
      ['abc', 'bc', '', 'leader'],
      ['abc', 'b', '', 'leader'],
      ['abcde', 'bcde', '', 'leader'],
      ['abcde', 'bc', '', 'leader'],
      ['abc', '', 'bc', 'follower'],
      ['abcde', '', 'bcde', 'follower'],
      ['abcde', 'b', 'cde', 'follower'],
      ['abc', '', '', 'candidate'],
      ['abcde', 'b', '', 'candidate'],
      ['abcde', '', 'bc', 'candidate'],
    ]
    for (const [ids, yes, no, expected] of table) {
      const lab = quiet(ids)
      // the storage of a refusing voter is lost
      for (const id of no) lab.act(id, { type: 'storageFailed' })
      stand(lab, 'a')
      lab.deliver(({ from, to }) => (yes + no).includes(to) || (yes + no).includes(from))
      expect([role(lab, 'a'), known(lab, 'a')], `${ids}: yes ${yes}, no ${no}`).toEqual([expected, 1])
    }
  })

  it('etcd TestFollowerVote: one vote for each term, first come first served', () => {
    for (const [first, second, granted] of [
      [null, 'a', true],
      [null, 'c', true],
      ['a', 'a', true],
      ['c', 'c', true],
      ['a', 'c', false],
      ['c', 'a', false],
    ] as const) {
      const lab = inRole('follower')
      if (first !== null) expect(request(lab, first, 'b', 1).grant).not.toBeNull()
      const again = first === second
      const answer = request(lab, second, 'b', 1)
      expect(answer.grant !== null, `${first}, then ${second}`).toBe(granted)
      if (again) expect(binding(lab, 'b')).toMatchObject({ leader: first, term: 1 })
    }
  })

  it('etcd TestCandidateFallback: a candidate follows a leader of its own term or a higher one, not of a lower one', () => {
    for (const [term, expected] of [
      [2, 'candidate'],
      [3, 'follower'],
      [4, 'follower'],
    ] as const) {
      const lab = quiet('abc')
      say(lab, 'a', 'b', { kind: 'release', election: 'e', term: 2, successor: null })
      stand(lab, 'b')
      expect([role(lab, 'b'), known(lab, 'b')]).toEqual(['candidate', 3])
      announce(lab, 'c', 'b', term)
      expect(role(lab, 'b'), `term ${term}`).toBe(expected)
    }
  })

  it('etcd TestVoteRequest: a request names its term, goes to every other voter, and renews the session that the vote binds', () => {
    const lab = quiet('abcde')
    const before = memory(lab, 'b')
    stand(lab, 'a')
    expect(lab.wire.map(({ to }) => to)).toEqual(['b', 'c', 'd', 'e'])
    for (const { parts: said } of lab.wire) {
      expect(said).toMatchObject([
        { kind: 'heartbeat', probe: false },
        { kind: 'requestVote', term: 1, certificate: null },
      ])
    }
    lab.deliver(along('a', 'b'))
    expect(memory(lab, 'b')).not.toBe(before)
    expect(lastPart(lab, 'b', 'a', 'voteReply').grant).not.toBeNull()
  })
})

describe('chance', () => {
  it('etcd TestFollowerElectionTimeoutRandomized: without an order of succession followers wait for a random while', () => {
    const lab = quiet('abc')
    retime(lab, 'b', { backoffMs: 1000 })
    const tenths = new Set<number>()
    for (let term = 1; term <= 200; term++) {
      announce(lab, 'a', 'b', term)
      say(lab, 'a', 'b', { kind: 'release', election: 'e', term, successor: null })
      tenths.add(Math.floor((lab.election('b').attemptAt - lab.clock('b')) / 100))
    }
    expect([...tenths].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('etcd TestCandidateElectionTimeoutRandomized: a candidate that failed waits for a random while, another one each time (R35)', () => {
    const lab = quiet('abc')
    retime(lab, 'b', { backoffMs: 1000, backoffMaxMs: 1000 })
    const tenths = new Set<number>()
    for (let i = 0; i < 200; i++) {
      stand(lab, 'b')
      lab.drop()
      lab.pass(400)
      lab.tick('b')
      tenths.add(Math.floor((lab.election('b').attemptAt - lab.clock('b')) / 100))
    }
    expect([...tenths].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  /** Five lose their leader without a word; how many become candidates before there is the next one. */
  function candidatesAfterCrash(seed: number, ordered: boolean): number {
    const cluster = new SimCluster({
      seed,
      nodes: ['a', 'b', 'c', 'd', 'e'],
      preVote: ordered,
      succession: ordered,
      quality: { latencyMs: 1, jitterMs: 1 },
      timing: { backoffMs: 300 },
    })
    cluster.start()
    expect(cluster.runUntil(() => cluster.leaderOf('jobs') !== null, 10_000)).toBe(true)
    cluster.run(1000)
    const stood = new Set<ProcessId>()
    cluster.observers.add({
      noticed: (node, effect) => {
        if (effect.type === 'roleChanged' && effect.role === 'candidate') stood.add(node.id)
      },
    })
    cluster.crash(cluster.leaderOf('jobs') as ProcessId, false)
    expect(cluster.runUntil(() => cluster.leaderOf('jobs') !== null, 10_000)).toBe(true)
    return stood.size
  }

  it('etcd TestFollowersElectionTimeoutNonconflict: in the order of succession followers never meet as candidates (R69)', () => {
    const conflicts = Array.from({ length: 40 }, (_, seed) => candidatesAfterCrash(seed, true)).filter(
      (each) => each > 1,
    )
    expect(conflicts).toEqual([])
  })

  it('etcd TestCandidatesElectionTimeoutNonconflict: by chance alone fewer than a third of the elections have two candidates', () => {
    const conflicts = Array.from({ length: 40 }, (_, seed) => candidatesAfterCrash(seed, false)).filter(
      (each) => each > 1,
    )
    expect(conflicts.length).toBeLessThan(13)
  })
})
