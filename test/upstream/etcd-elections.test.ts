/**
 * Scenarios of etcd-io/raft `raft_test.go`, told anew: who is elected, who stands, who gives way.
 *
 * Each title names the upstream test and, where our rule differs, the rule that says so. Terms are tokens here and a vote is
 * a promise, so the point of a scenario is often the same with another ending: nobody is deposed by a higher term (R7, R22).
 */
import { describe, expect, it } from 'vitest'
import type { ProcessId, Role } from '../../src/core'
import {
  along,
  beat,
  binding,
  boundTo,
  effects,
  elect,
  keep,
  known,
  Lab,
  lastPart,
  leaseEnd,
  parts,
  quiet,
  renounce,
  say,
  silence,
  stand,
  talk,
  tell,
} from '../core/story'
import { announce, inRole, lapse, memory, request, role, sound, wins } from './scenes'

/** `a` stands while nobody of `silent` hears or says anything. */
function firstElection(ids: string, silent: string, preVote: boolean): Lab {
  const lab = quiet(ids, { preVote })
  stand(lab, 'a')
  lab.deliver(({ from, to }) => !silent.includes(from) && !silent.includes(to))
  return lab
}

const TURNOUT: readonly (readonly [ids: string, silent: string, elected: boolean])[] = [
  ['abc', '', true],
  ['abc', 'c', true],
  ['abc', 'bc', false],
  ['abcd', 'bc', false],
  ['abcde', 'bc', true],
]

describe('first elections', () => {
  it('etcd TestLeaderElection: elected with a majority of the members, a candidate for as long as there is none', () => {
    for (const [ids, silent, elected] of TURNOUT) {
      const lab = firstElection(ids, silent, false)
      expect([role(lab, 'a'), known(lab, 'a')], `${ids} without ${silent}`).toEqual([
        elected ? 'leader' : 'candidate',
        1,
      ])
    }
  })

  it('etcd TestLeaderElection: voters that know a later term refuse, and the candidate learns it (R9)', () => {
    const lab = quiet('abcde')
    for (const id of ['b', 'c', 'd']) tell(lab, id, 5)
    stand(lab, 'a')
    lab.deliver()
    expect([role(lab, 'a'), known(lab, 'a')]).toEqual(['follower', 5])
  })

  it('etcd TestLeaderElectionPreVote: who cannot win stays a pre-candidate in its old term', () => {
    for (const [ids, silent, elected] of TURNOUT) {
      const lab = firstElection(ids, silent, true)
      expect([role(lab, 'a'), known(lab, 'a')], `${ids} without ${silent}`).toEqual([
        elected ? 'leader' : 'preCandidate',
        elected ? 1 : 0,
      ])
    }
  })

  it('etcd TestSingleNodeCandidate: a cluster of one elects itself', () => {
    const lab = quiet('a')
    stand(lab, 'a')
    expect(wins(lab)).toEqual(['a T1'])
  })

  it('etcd TestSingleNodePreCandidate: a cluster of one needs nobody to ask first', () => {
    const lab = quiet('a', { preVote: true })
    stand(lab, 'a')
    expect(wins(lab)).toEqual(['a T1'])
  })

  it('etcd TestLeaderCycle: everybody in turn is elected after the one before has resigned (nobody deposes: R7)', () => {
    const lab = quiet('abc')
    for (const id of 'abc') {
      stand(lab, id)
      lab.deliver()
      expect('abc'.split('').map((each) => role(lab, each))).toEqual(
        'abc'.split('').map((each) => (each === id ? 'leader' : 'follower')),
      )
      renounce(lab, id)
      lab.deliver()
    }
    expect(wins(lab)).toEqual(['a T1', 'b T2', 'c T3'])
  })

  it('etcd TestLeaderCyclePreVote: everybody in turn is elected after the promises to the one before have lapsed', () => {
    const lab = quiet('abc', { preVote: true })
    for (const id of 'abc') {
      stand(lab, id)
      expect(role(lab, id), 'asks first').toBe('preCandidate')
      lab.deliver()
      expect(lab.leads(id)).toBe(true)
      lapse(lab)
    }
    expect(wins(lab)).toEqual(['a T1', 'b T2', 'c T3'])
  })

  it('etcd TestPromotable: only who contends, has waited out its start and can still write may stand', () => {
    const lab = quiet('abcd', { contenders: ['b', 'c', 'd'] })
    expect(stand(lab, 'a'), 'does not contend').toBe(false)
    lab.act('b', { type: 'storageFailed' })
    expect(stand(lab, 'b'), 'cannot write (R1)').toBe(false)
    lab.crash('c')
    lab.restart('c')
    lab.connect()
    lab.contend('e', ['c'])
    expect(stand(lab, 'c'), 'waits out its promises (R19)').toBe(false)
    expect(stand(lab, 'd')).toBe(true)
  })
})

describe('observers: electors that are no voters', () => {
  const observed = (contenders: ProcessId[]) => {
    const lab = new Lab(['a', 'b', 'c'], { voters: ['a', 'b'], contenders })
    lab.connect()
    lab.contend()
    lab.run(2000)
    return lab
  }

  it('etcd TestLearnerElectionTimeout: an observer does not stand, however long nobody leads', () => {
    const lab = observed(['a', 'b'])
    const leader = lab.leader() as ProcessId
    lab.crash(leader)
    lab.run(20_000)
    expect(lab.leader()).toBeNull()
    expect(lab.node('c').log.filter(({ type }) => type === 'roleChanged' || type === 'elected')).toEqual([])
  })

  it('etcd TestLearnerCampaign: an observer that is told to campaign, or handed the election, does nothing', () => {
    const lab = quiet('abc', { voters: ['a', 'b'], contenders: ['a', 'b'] })
    elect(lab, 'a', 'b')
    say(lab, 'a', 'c', { kind: 'bind', election: 'e', term: 1 })
    lab.act('c', { type: 'campaign', election: 'e' })
    renounce(lab, 'a', 'c')
    lab.deliver()
    expect(parts(lab, 'a', 'c', 'timeoutNow')).toHaveLength(1)
    expect(effects(lab, 'c', 'roleChanged')).toEqual([])
    expect(parts(lab, 'c', 'b', 'requestVote')).toEqual([])
  })

  it('etcd TestLearnerPromotion: an observer is elected once it contends; it needs no vote of its own for that', () => {
    const lab = observed(['a'])
    expect(lab.leader()).toBe('a')
    expect(effects(lab, 'c', 'roleChanged')).toEqual([])
    lab.contend('e', ['c'])
    lab.act('a', { type: 'renounce', election: 'e', reason: 'resigned', to: null, cooldownMs: 10_000 })
    lab.run(2000)
    expect(lab.leader()).toBe('c')
    expect(wins(lab)).toEqual(['a T1', 'c T2'])
  })

  it('etcd TestNonPromotableVoterWithCheckQuorum: a voter that does not contend votes, follows and never stands', () => {
    const lab = new Lab(['a', 'b'], { contenders: ['a'] })
    lab.connect()
    lab.contend()
    lab.run(3000)
    expect(lab.leader()).toBe('a')
    expect(effects(lab, 'b', 'leaderChanged').at(-1)).toMatchObject({ leader: 'a', term: 1 })
    lab.crash('a')
    lab.run(10_000)
    expect(lab.node('b').log.filter(({ type }) => type === 'roleChanged')).toEqual([])
  })

  it('etcd TestRemoveNode: who is not in the configuration has no vote (R4)', () => {
    const lab = quiet('abcd', { voters: ['a', 'b', 'c'], contenders: ['a', 'b', 'c'] })
    stand(lab, 'a')
    const { term, nonce } = lastPart(lab, 'a', 'b', 'requestVote')
    const yes = { kind: 'voteReply', election: 'e', term, nonce, grant: '1.1', refusal: null, knownTerm: 0 }
    for (let i = 0; i < 3; i++) say(lab, 'd', 'a', { ...yes, kind: 'voteReply', leader: null })
    expect(role(lab, 'a')).toBe('candidate')
    talk(lab, 'a', 'b')
    expect(role(lab, 'a')).toBe('leader')
  })
})

describe('several candidates', () => {
  it('etcd TestDuelingCandidates: the loser stands again in a higher term and deposes nobody (R7, R22)', () => {
    const lab = quiet('abc')
    lab.cuts.add('a>c').add('c>a')
    stand(lab, 'a')
    stand(lab, 'c')
    talk(lab, 'a', 'b')
    talk(lab, 'c', 'b')
    expect([role(lab, 'a'), role(lab, 'c')]).toEqual(['leader', 'candidate'])
    keep(lab, 450, 'a-b')
    expect(role(lab, 'c'), 'its time was over (R3)').toBe('follower')
    lab.cuts.clear()
    stand(lab, 'c')
    expect(lastPart(lab, 'c', 'b', 'requestVote').term).toBe(2)
    talk(lab, 'c', 'b')
    expect(boundTo(lab, 'b')).toBe('a')
    keep(lab, 500, 'a-b', 'a-c', 'b-c')
    expect([lab.leader(), role(lab, 'c'), boundTo(lab, 'c')]).toEqual(['a', 'follower', 'a'])
    expect(lab.history.map(({ id }) => id)).not.toContain('c')
  })

  it('etcd TestDuelingPreCandidates: the loser never leaves its term', () => {
    const lab = quiet('abc', { preVote: true })
    lab.cuts.add('a>c').add('c>a')
    stand(lab, 'a')
    talk(lab, 'a', 'b')
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    expect([role(lab, 'a'), role(lab, 'c')]).toEqual(['leader', 'preCandidate'])
    lab.cuts.clear()
    keep(lab, 500, 'a-b', 'a-c', 'b-c')
    stand(lab, 'c')
    lab.deliver()
    expect([lab.leader(), known(lab, 'c')]).toEqual(['a', 1])
    expect(parts(lab, 'c', 'b', 'requestVote')).toEqual([])
  })

  it('etcd TestCandidateConcede: a candidate that was alone gives way to the leader of its own term', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    lab.drop()
    elect(lab, 'c', 'b')
    expect([role(lab, 'a'), known(lab, 'a'), wins(lab)]).toEqual(['candidate', 1, ['c T1']])
    keep(lab, 150, 'a-c', 'b-c')
    expect([role(lab, 'a'), boundTo(lab, 'a')]).toEqual(['follower', 'c'])
    expect(wins(lab)).toEqual(['c T1'])
  })

  it('etcd TestPreVoteWithSplitVote: two that split the votes of a term both go on, and the next term has a winner', () => {
    const lab = quiet('abc', { preVote: true })
    elect(lab, 'a', 'bc')
    lab.crash('a')
    silence(lab, 1100)
    stand(lab, 'b')
    stand(lab, 'c')
    lab.deliver(({ parts: said }) => said.some(({ kind }) => kind === 'preVote' || kind === 'preVoteReply'))
    expect([role(lab, 'b'), role(lab, 'c')]).toEqual(['candidate', 'candidate'])
    talk(lab, 'b', 'c')
    expect(lab.leader()).toBeNull()
    silence(lab, 450)
    expect([role(lab, 'b'), role(lab, 'c')]).toEqual(['follower', 'follower'])
    stand(lab, 'b')
    talk(lab, 'b', 'c')
    expect([lab.leader(), boundTo(lab, 'c')]).toEqual(['b', 'b'])
    expect(wins(lab)).toEqual(['a T1', 'b T3'])
  })
})

describe('answers from any role', () => {
  const roles: readonly Role[] = ['follower', 'preCandidate', 'candidate', 'leader']

  it('etcd TestVoteFromAnyState: a request in a higher term gets the vote in any role, except of a leader (R7)', () => {
    for (const each of roles) {
      const lab = inRole(each)
      const term = known(lab, 'b') + 1
      const { grant, refusal } = request(lab, 'c', 'b', term)
      if (each === 'leader') {
        expect([grant, refusal, role(lab, 'b'), lab.leads('b')]).toEqual([null, 'leading', 'leader', true])
      } else {
        expect(grant, each).not.toBeNull()
        expect([role(lab, 'b'), boundTo(lab, 'b'), known(lab, 'b')]).toEqual(['follower', 'c', term])
      }
    }
  })

  it('etcd TestPreVoteFromAnyState: the same question without effect, whatever the answer (R8)', () => {
    for (const each of roles) {
      const lab = inRole(each)
      const before = memory(lab, 'b')
      const { refusal } = sound(lab, 'c', 'b', known(lab, 'b') + 1)
      expect(refusal, each).toBe(each === 'leader' ? 'leading' : null)
      expect(memory(lab, 'b'), each).toBe(before)
    }
  })

  it('etcd TestRecvMsgVote: an old term, an equal one, another candidate or a leader are refused, each for its reason', () => {
    const table: readonly (readonly [Role, by: ProcessId | null, ahead: number, string | null])[] = [
      ['follower', null, 1, null],
      ['follower', null, 0, 'term'],
      ['follower', 'a', 0, 'term'],
      ['follower', 'a', 1, 'bound'],
      ['follower', 'c', 1, null],
      ['candidate', null, 0, 'term'],
      ['candidate', null, 1, null],
      ['leader', null, 0, 'leading'],
      ['leader', null, 1, 'leading'],
    ]
    for (const [each, by, ahead, refusal] of table) {
      const lab = inRole(each)
      if (by !== null) announce(lab, by, 'b', 3)
      const answer = request(lab, 'c', 'b', known(lab, 'b') + ahead)
      expect(answer.refusal, `${each}, bound to ${by}, term +${ahead}`).toBe(refusal)
    }
  })

  it('etcd TestRecvMsgPreVote: the answer is the one that the vote would get, and nothing is promised by it', () => {
    for (const [by, ahead, refusal] of [
      [null, 1, null],
      [null, 0, 'term'],
      ['a', 1, 'bound'],
      ['c', 1, null],
    ] as const) {
      const lab = inRole('follower')
      tell(lab, 'b', 2)
      if (by !== null) announce(lab, by, 'b', 3)
      const term = known(lab, 'b') + ahead
      expect(sound(lab, 'c', 'b', term).refusal).toBe(refusal)
      expect(boundTo(lab, 'b')).toBe(by)
      expect(request(lab, 'c', 'b', term).refusal).toBe(refusal)
    }
  })

  it('etcd TestAllServerStepdown: a leader of a higher term ends every role but that of a leader with a lease (R15)', () => {
    for (const each of roles) {
      const lab = inRole(each)
      const answer = announce(lab, 'c', 'b', 3)
      if (each === 'leader') {
        expect([answer.grant, lab.leads('b')]).toEqual([null, true])
        expect(effects(lab, 'b', 'alarm').at(-1)).toMatchObject({ code: 'invariantViolation', process: 'c' })
      } else {
        expect(answer.grant, each).not.toBeNull()
        expect([role(lab, 'b'), boundTo(lab, 'b'), known(lab, 'b')]).toEqual(['follower', 'c', 3])
      }
    }
  })

  it('etcd TestStateTransition: roles change only along the edges of the protocol', () => {
    const allowed = new Set([
      'follower preCandidate',
      'follower candidate',
      'preCandidate candidate',
      'preCandidate follower',
      'candidate leader',
      'candidate follower',
      'leader follower',
    ])
    const lab = new Lab(['a', 'b', 'c'])
    const births = new Set<string>()
    lab.settle()
    for (let i = 0; i < 12; i++) {
      const leader = lab.leader() as ProcessId
      if (i % 3 === 0) renounce(lab, leader)
      if (i % 3 === 1) lab.crash(leader)
      if (i % 3 === 2) for (const id of lab.ids) lab.cuts.add(`${leader}>${id}`).add(`${id}>${leader}`)
      lab.run(3000)
      lab.cuts.clear()
      if (!lab.node(leader).alive) {
        lab.restart(leader)
        births.add(`${leader} ${lab.node(leader).log.length}`)
      }
      lab.connect()
      lab.contend()
      lab.run(3000)
    }
    const seen = new Set<string>()
    for (const id of lab.ids) {
      let before: Role = 'follower'
      for (const [i, effect] of lab.node(id).log.entries()) {
        if (births.has(`${id} ${i}`)) before = 'follower'
        if (effect.type !== 'roleChanged') continue
        seen.add(`${before} ${effect.role}`)
        before = effect.role
      }
    }
    expect([...seen].filter((edge) => !allowed.has(edge))).toEqual([])
    expect(seen.size).toBeGreaterThanOrEqual(5)
    expect(wins(lab).length).toBeGreaterThanOrEqual(8)
  })
})

describe('leaders and their quorum', () => {
  it('etcd TestLeaderStepdownWhenQuorumActive: with one answer of two the lease goes on', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    keep(lab, 5000, 'a-b')
    expect([lab.leads('a'), wins(lab)]).toEqual([true, ['a T1']])
  })

  it('etcd TestLeaderStepdownWhenQuorumLost: without answers the lease ends by itself, at the time known beforehand', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    const end = leaseEnd(lab, 'a')
    expect(end).toBe(1000)
    silence(lab, end - lab.at - 1)
    expect(lab.leads('a')).toBe(true)
    lab.pass(1)
    expect(lab.leads('a')).toBe(false)
    lab.tick('a')
    expect(effects(lab, 'a', 'revoked')).toMatchObject([{ term: 1, reason: 'expired' }])
    expect(role(lab, 'a')).toBe('follower')
  })

  it('etcd TestLeaderSupersedingWithCheckQuorum: nobody is elected over a standing promise, somebody is after it', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    tell(lab, 'c', 1)
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    expect(lastPart(lab, 'b', 'c', 'voteReply')).toMatchObject({ grant: null, refusal: 'bound' })
    silence(lab, 1050)
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    expect([lab.leader(), role(lab, 'a')]).toEqual(['c', 'follower'])
  })

  it('etcd TestLeaderElectionWithCheckQuorum: the first election waits for nobody, the second for the lease of the first', () => {
    const lab = new Lab(['a', 'b', 'c'], { timing: { rho: 0.1 } })
    const first = lab.settle()
    expect(lab.at, 'soon after the start').toBeLessThan(500)
    for (const id of lab.ids) lab.cuts.add(`${first}>${id}`).add(`${id}>${first}`)
    const end = leaseEnd(lab, first)
    lab.run(5000, () => lab.leader() !== first && lab.leader() !== null)
    expect(lab.leader()).not.toBe(first)
    expect(lab.at).toBeGreaterThan(end)
  })

  it('etcd TestFreeStuckCandidateWithCheckQuorum: a candidate stuck in a high term is freed without an outage (R22)', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    for (let i = 0; i < 4; i++) {
      stand(lab, 'c')
      keep(lab, 450, 'a-b')
    }
    expect(known(lab, 'c')).toBe(4)
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    expect(boundTo(lab, 'b'), 'the request deposes nobody').toBe('a')
    for (let i = 0; i < 20; i++) {
      keep(lab, 50, 'a-b', 'a-c')
      expect(lab.leads('a')).toBe(true)
    }
    expect(boundTo(lab, 'c')).toBe('a')
    expect(wins(lab)).toEqual(['a T1', 'a T6'])
  })

  it('etcd TestCandidateResetTermMsgHeartbeat: a candidate of a higher term follows again, and the leader goes above it (R22)', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    stand(lab, 'c')
    keep(lab, 450, 'a-b')
    stand(lab, 'c')
    expect([role(lab, 'c'), known(lab, 'c')]).toEqual(['candidate', 2])
    keep(lab, 150, 'a-b', 'a-c')
    expect([role(lab, 'c'), boundTo(lab, 'c')]).toEqual(['follower', 'a'])
    expect(lab.election('a').lead?.term).toBe(3)
    expect(binding(lab, 'c')).toMatchObject({ leader: 'a', term: 3, led: true })
  })

  it('etcd TestDisruptiveFollower: one that hears the leader late does not make it step down (R7, R22)', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    keep(lab, 1150, 'a-b')
    beat(lab, 'a')
    const late = lab.hold(along('a', 'c'))
    stand(lab, 'c')
    expect([role(lab, 'c'), known(lab, 'c')]).toEqual(['candidate', 2])
    for (const frame of late) lab.hand(frame)
    talk(lab, 'a', 'c')
    keep(lab, 300, 'a-b', 'a-c', 'b-c')
    expect([lab.leader(), role(lab, 'c')]).toEqual(['a', 'follower'])
    expect(effects(lab, 'a', 'revoked').filter(({ reason }) => reason !== 'reelected')).toEqual([])
  })

  it('etcd TestDisruptiveFollowerPreVote: with a pre-vote not even a term is used up', () => {
    const lab = quiet('abc', { preVote: true })
    elect(lab, 'a', 'bc')
    keep(lab, 1150, 'a-b')
    stand(lab, 'c')
    expect(role(lab, 'c')).toBe('preCandidate')
    keep(lab, 500, 'a-b', 'a-c', 'b-c')
    expect([lab.leader(), role(lab, 'c'), known(lab, 'c')]).toEqual(['a', 'follower', 1])
    expect(wins(lab)).toEqual(['a T1'])
  })

  it('etcd TestReadOnlyOptionLease: leadership is read from the lease, without a frame, and never past its end (R14)', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    const sent = lab.sent.length
    for (let at = lab.at; at < leaseEnd(lab, 'a'); at += 10) {
      expect(lab.leads('a')).toBe(true)
      lab.pass(10)
    }
    expect(lab.leads('a')).toBe(false)
    expect(lab.sent).toHaveLength(sent)
  })

  it('etcd TestCampaignWhileLeader: a leader that is told to campaign stays what it is, in its term', () => {
    const lab = inRole('leader')
    const before = memory(lab, 'b')
    expect(stand(lab, 'b')).toBe(false)
    expect([memory(lab, 'b'), lab.wire.length, wins(lab)]).toEqual([before, 0, ['b T1']])
  })

  it('etcd TestPreCampaignWhileLeader: a leader asks nobody', () => {
    const lab = quiet('abc', { preVote: true })
    elect(lab, 'b', 'a')
    expect(stand(lab, 'b')).toBe(false)
    expect([lab.wire.length, role(lab, 'b')]).toEqual([0, 'leader'])
  })
})

describe('pre-vote', () => {
  it('etcd TestNodeWithSmallerTermCanCompleteElection: one that missed terms catches up by the answer and is elected (R8)', () => {
    const lab = quiet('abc', { preVote: true })
    for (let i = 0; i < 3; i++) {
      elect(lab, 'a', 'b')
      lapse(lab)
    }
    lab.crash('a')
    expect([known(lab, 'b'), known(lab, 'c')]).toEqual([3, 0])
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    expect([lab.leader(), wins(lab).at(-1)]).toEqual(['c', 'c T4'])
  })

  it('etcd TestPreVoteWithCheckQuorum: while the promise stands there is no pre-vote for others, afterwards there is', () => {
    const lab = quiet('abc', { preVote: true })
    elect(lab, 'a', 'bc')
    lab.crash('a')
    expect(sound(lab, 'b', 'c', 2).refusal).toBe('bound')
    silence(lab, 1050)
    stand(lab, 'b')
    talk(lab, 'b', 'c')
    expect([lab.leader(), wins(lab)]).toEqual(['b', ['a T1', 'b T2']])
  })

  /** `c` does not ask first, the others do. */
  function mixed(): Lab {
    const lab = quiet('abc', { preVote: true })
    const node = lab.node('c')
    node.config = { ...node.config, preVote: false }
    elect(lab, 'a', 'b')
    for (let i = 0; i < 3; i++) {
      stand(lab, 'c')
      keep(lab, 450, 'a-b')
    }
    expect(known(lab, 'c')).toBe(3)
    return lab
  }

  it('etcd TestPreVoteMigrationCanCompleteElection: with one that does not ask first the others still elect', () => {
    const lab = mixed()
    lab.crash('a')
    silence(lab, 1100)
    stand(lab, 'b')
    talk(lab, 'b', 'c')
    expect([lab.leader(), wins(lab).at(-1)]).toEqual(['b', 'b T4'])
  })

  it('etcd TestPreVoteMigrationWithFreeStuckPreCandidate: one that begins to ask in a high term is caught up with (R22)', () => {
    const lab = mixed()
    const node = lab.node('c')
    node.config = { ...node.config, preVote: true }
    stand(lab, 'c')
    expect([role(lab, 'c'), known(lab, 'c')]).toEqual(['preCandidate', 3])
    keep(lab, 500, 'a-b', 'a-c', 'b-c')
    expect([lab.leader(), role(lab, 'c'), boundTo(lab, 'c')]).toEqual(['a', 'follower', 'a'])
    expect(wins(lab)).toEqual(['a T1', 'a T4'])
  })
})
