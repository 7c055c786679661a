/**
 * Scenarios of etcd-io/raft `raft_test.go`, told anew: old messages, heartbeats, votes that come too late, hand-overs.
 *
 * Each title names the upstream test and, where our rule differs, the rule that says so. A hand-over is final here: whoever
 * renounced never resumes (R20, R21), so what upstream aborts, or goes on with, ends in another election.
 */
import { describe, expect, it } from 'vitest'
import type { ProcessId } from '../../src/core'
import {
  along,
  beat,
  binding,
  boundTo,
  effects,
  elect,
  end,
  grantAt,
  keep,
  known,
  Lab,
  lastPart,
  parts,
  partsOf,
  quiet,
  renounce,
  retime,
  say,
  stand,
  supportEnd,
  talk,
} from '../core/story'
import { announce, inRole, memory, role, sound, wins } from './scenes'

describe('messages of the past', () => {
  it('etcd TestOldMessages: what a leader of an older term said changes nothing any more', () => {
    const lab = quiet('abc')
    elect(lab, 'b', 'ac')
    beat(lab, 'b')
    const old = lab.hold()
    renounce(lab, 'b')
    lab.deliver()
    elect(lab, 'a', 'bc')
    renounce(lab, 'a')
    lab.deliver()
    elect(lab, 'a', 'bc')
    announce(lab, 'a', 'c', 3)
    const before = [binding(lab, 'a'), binding(lab, 'c'), lab.leader()]
    for (const frame of old) lab.hand(frame)
    const answer = announce(lab, 'b', 'c', 1)
    expect([answer.grant, answer.knownTerm]).toEqual([null, 3])
    expect([binding(lab, 'a'), binding(lab, 'c'), lab.leader()]).toEqual(before)
    expect(wins(lab)).toEqual(['b T1', 'a T2', 'a T3'])
  })

  it('etcd TestStepIgnoreOldTermMsg: an announcement of an older term is answered with the known one, and ignored', () => {
    const lab = inRole('follower')
    announce(lab, 'a', 'b', 3)
    const told = effects(lab, 'b', 'leaderChanged').length
    expect(announce(lab, 'c', 'b', 2)).toMatchObject({ grant: null, knownTerm: 3 })
    expect([boundTo(lab, 'b'), known(lab, 'b')]).toEqual(['a', 3])
    expect(effects(lab, 'b', 'leaderChanged')).toHaveLength(told)
  })

  it('etcd TestCandidateSelfVoteAfterLostElection: the own vote that is written after the election was lost counts for nothing', () => {
    const lab = quiet('abc')
    lab.holdWrites.add('a')
    stand(lab, 'a')
    announce(lab, 'b', 'a', 2)
    lab.completeWrite('a')
    talk(lab, 'a', 'c')
    expect([role(lab, 'a'), boundTo(lab, 'a'), wins(lab)]).toEqual(['follower', 'b', []])
  })

  it('etcd TestCandidateSelfVoteAfterLostElectionPreVote: nor does a yes to a pre-vote that comes after it', () => {
    const lab = quiet('abc', { preVote: true })
    stand(lab, 'a')
    lab.deliver(along('a', 'c'))
    announce(lab, 'b', 'a', 2)
    lab.deliver(along('c', 'a'))
    expect([role(lab, 'a'), boundTo(lab, 'a'), wins(lab)]).toEqual(['follower', 'b', []])
    expect(parts(lab, 'a', 'c', 'requestVote')).toEqual([])
  })

  it('etcd TestCandidateDeliversPreCandidateSelfVoteAfterBecomingCandidate: a yes to a pre-vote is no vote', () => {
    const lab = quiet('abcde', { preVote: true })
    stand(lab, 'a')
    lab.deliver(({ from, to }) => from === 'a' || to !== 'a')
    const replies = lab.hold(({ to }) => to === 'a')
    expect(partsOf(replies, 'preVoteReply')).toHaveLength(4)
    for (const frame of replies) lab.hand(frame)
    expect(role(lab, 'a')).toBe('candidate')
    for (const frame of replies) lab.hand(frame)
    expect([...(lab.election('a').campaign?.grants.keys() ?? [])]).toEqual(['a'])
    talk(lab, 'a', 'b')
    expect(role(lab, 'a'), 'two votes of five').toBe('candidate')
    talk(lab, 'a', 'c')
    expect(role(lab, 'a')).toBe('leader')
  })
})

describe('heartbeats', () => {
  it('etcd TestHandleHeartbeat: a heartbeat moves the promise forward, an older or shorter one never back (R58)', () => {
    const lab = inRole('follower')
    const heartbeat = { kind: 'heartbeat', probe: false, prompt: true } as const
    const ends: number[] = []
    for (const [round, promiseMs] of [
      [20, 1000],
      [21, 400],
      [19, 5000],
      [22, 1200],
    ] as const) {
      say(lab, 'a', 'b', { ...heartbeat, round, promiseMs })
      ends.push(supportEnd(lab, 'b', 'a') - lab.at)
    }
    expect(ends).toEqual([1000, 1000, 1000, 1200])
  })

  it('etcd TestHandleHeartbeatResp: an answer that shows a voter unbound makes the leader tell it, once (R62)', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    keep(lab, 300, 'a-b', 'a-c')
    keep(lab, 1300, 'a-c')
    expect(boundTo(lab, 'b'), 'its promise ran out').toBeNull()
    const told = parts(lab, 'a', 'b', 'bind').length
    keep(lab, 300, 'a-b', 'a-c')
    expect(boundTo(lab, 'b')).toBe('a')
    const again = parts(lab, 'a', 'b', 'bind').length
    expect(again).toBeGreaterThan(told)
    keep(lab, 1000, 'a-b', 'a-c')
    expect(parts(lab, 'a', 'b', 'bind')).toHaveLength(again)
  })

  it('etcd TestBcastBeat: one heartbeat for each voter and round, with its length and nothing about elections (R71)', () => {
    const lab = quiet('abc', { elections: ['e', 'f', 'g'] })
    for (const name of ['e', 'f', 'g']) elect(lab, 'a', 'bc', name)
    keep(lab, 300, 'a-b', 'a-c')
    beat(lab, 'a')
    const frames = lab.hold()
    expect(frames.map(({ to }) => to)).toEqual(['b', 'c'])
    const { round } = lab.node('a').state
    for (const { parts: said } of frames) {
      expect(said).toMatchObject([{ kind: 'heartbeat', round, promiseMs: 1000, probe: false }])
    }
  })

  it('etcd TestRecvMsgBeat: the heartbeats of a leader renew; a follower only probes (R71)', () => {
    for (const [wanted, probe] of [
      ['leader', false],
      ['follower', true],
    ] as const) {
      const lab = inRole(wanted)
      lab.pass(600)
      lab.tick('b')
      expect(partsOf(lab.wire, 'heartbeat').map((part) => part.probe)).toEqual([probe, probe])
    }
  })

  it('etcd TestPastElectionTimeout: waits after a failure are spread evenly over their range (R35)', () => {
    const lab = quiet('abc')
    retime(lab, 'a', { backoffMs: 1000, backoffMaxMs: 1000 })
    const quarters = [0, 0, 0, 0]
    for (let i = 0; i < 400; i++) {
      stand(lab, 'a')
      lab.drop()
      lab.pass(400)
      lab.tick('a')
      const quarter = Math.floor((lab.election('a').attemptAt - lab.clock('a')) / 250)
      quarters[quarter] = (quarters[quarter] ?? 0) + 1
    }
    expect(quarters).toHaveLength(4)
    for (const draws of quarters) expect(Math.abs(draws - 100)).toBeLessThan(40)
  })
})

describe('hand-overs', () => {
  /** `a` leads three that all follow it. */
  function led(options: Parameters<typeof quiet>[1] = {}): Lab {
    const lab = quiet('abc', options)
    elect(lab, 'a', 'bc')
    keep(lab, 200, 'a-b', 'a-c')
    return lab
  }

  it('etcd TestLeaderTransferToUpToDateNode: there and back, one term each', () => {
    const lab = led()
    renounce(lab, 'a', 'b')
    lab.deliver()
    expect(lab.leader()).toBe('b')
    renounce(lab, 'b', 'a')
    lab.deliver()
    expect(wins(lab)).toEqual(['a T1', 'b T2', 'a T3'])
  })

  it('etcd TestLeaderTransferToUpToDateNodeFromFollower: only the leader can hand over; a follower that is asked does nothing', () => {
    const lab = led()
    const before = memory(lab, 'b')
    renounce(lab, 'b', 'c')
    lab.deliver()
    expect([memory(lab, 'b'), lab.leader(), wins(lab)]).toEqual([before, 'a', ['a T1']])
  })

  it('etcd TestLeaderTransferWithCheckQuorum: the certificate voids the promises to the old leader, and those alone (R21)', () => {
    const lab = led()
    expect(boundTo(lab, 'c')).toBe('a')
    expect(sound(lab, 'b', 'c', 2).refusal, 'without a certificate').toBe('bound')
    renounce(lab, 'a', 'b')
    lab.drop(along('a', 'c'))
    lab.deliver(along('a', 'b'))
    const before = grantAt(lab, 'c', 'a')
    lab.deliver(along('b', 'c'))
    expect([boundTo(lab, 'c'), grantAt(lab, 'c', 'a')]).toEqual(['b', before])
    talk(lab, 'b', 'c')
    expect(lab.leader()).toBe('b')
  })

  it('etcd TestLeaderTransferToSelf: is a resignation (R20), not a way to stay', () => {
    const lab = led()
    renounce(lab, 'a', 'a')
    lab.deliver()
    expect([lab.leader(), role(lab, 'a'), parts(lab, 'a', 'b', 'timeoutNow')]).toEqual([null, 'follower', []])
    expect(boundTo(lab, 'b')).toBeNull()
  })

  it('etcd TestLeaderTransferToNonExistingNode: is a resignation, too: everybody is free at once', () => {
    const lab = led()
    renounce(lab, 'a', 'z')
    expect(partsOf(lab.wire, 'timeoutNow')).toEqual([])
    lab.deliver()
    expect([lab.leader(), boundTo(lab, 'b'), boundTo(lab, 'c')]).toEqual([null, null, null])
    elect(lab, 'c', 'b')
  })

  it('etcd TestLeaderTransferTimeout: if the target is silent the old leader does not resume (R21), another one is elected', () => {
    const lab = new Lab(['a', 'b', 'c'])
    const leader = lab.settle()
    const [target, other] = lab.ids.filter((id) => id !== leader) as [ProcessId, ProcessId]
    renounce(lab, leader, target)
    lab.crash(target)
    lab.run(5000, () => lab.leader() !== null)
    expect([leader, other]).toContain(lab.leader())
    expect(lab.history.at(-1)?.term).toBeGreaterThan(1)
    expect(effects(lab, leader, 'revoked')).toMatchObject([{ term: 1, reason: 'transferred' }])
  })

  it('etcd TestLeaderTransferReceiveHigherTermVote: whoever asks in a higher term meanwhile gets the vote', () => {
    const lab = led()
    renounce(lab, 'a', 'b')
    lab.drop(along('a', 'b'))
    lab.deliver(along('a', 'c'))
    elect(lab, 'c', 'a')
    expect([role(lab, 'a'), boundTo(lab, 'a'), wins(lab)]).toEqual(['follower', 'c', ['a T1', 'c T2']])
  })

  it('etcd TestLeaderTransferRemoveNode: a target that has left for good leads nothing, and nobody waits for it', () => {
    const lab = new Lab(['a', 'b', 'c'])
    const leader = lab.settle()
    const [target, other] = lab.ids.filter((id) => id !== leader) as [ProcessId, ProcessId]
    end(lab, target)
    renounce(lab, leader, target)
    lab.run(2000, () => lab.leader() !== null)
    expect([leader, other]).toContain(lab.leader())
  })

  it('etcd TestLeaderTransferDemoteNode: a target that does not contend any more does not take over', () => {
    const lab = led()
    lab.act('b', { type: 'contend', election: 'e', contending: false, priority: 0 })
    renounce(lab, 'a', 'b')
    lab.deliver()
    expect(parts(lab, 'a', 'b', 'timeoutNow')).toHaveLength(1)
    expect([role(lab, 'b'), lab.leader()]).toEqual(['follower', null])
    elect(lab, 'c', 'ab')
  })

  it('etcd TestLeaderTransferBack: there is no taking back: the old leader has renounced its term for good (P7)', () => {
    const lab = led()
    renounce(lab, 'a', 'b')
    lab.drop(along('a', 'b'))
    renounce(lab, 'a', 'a')
    lab.deliver()
    expect([lab.leader(), wins(lab)]).toEqual([null, ['a T1']])
    expect(effects(lab, 'a', 'revoked')).toHaveLength(1)
    elect(lab, 'a', 'bc')
    expect(wins(lab)).toEqual(['a T1', 'a T2'])
  })

  it('etcd TestLeaderTransferSecondTransferToAnotherNode: the second does nothing, for there is nothing to hand over', () => {
    const lab = led()
    renounce(lab, 'a', 'b')
    const said = lab.wire.length
    renounce(lab, 'a', 'c')
    expect(lab.wire).toHaveLength(said)
    lab.deliver()
    expect([lab.leader(), parts(lab, 'a', 'c', 'timeoutNow')]).toEqual(['b', []])
  })

  it('etcd TestLeaderTransferSecondTransferToSameNode: nor does a second one to the same target', () => {
    const lab = led()
    renounce(lab, 'a', 'b')
    renounce(lab, 'a', 'b')
    lab.deliver()
    expect(parts(lab, 'a', 'b', 'timeoutNow')).toHaveLength(1)
    expect(wins(lab)).toEqual(['a T1', 'b T2'])
  })

  it('etcd TestTransferNonMember: an order to take over that is for another disk, or from a stranger, moves nobody', () => {
    const lab = led()
    const certificate = { leader: 'a', storageId: 'disk-a', incarnation: 1, term: 1 }
    const order = { kind: 'timeoutNow', election: 'e', certificate } as const
    say(lab, 'a', 'b', { ...order, storageId: 'disk-of-another-life' })
    say(lab, 'c', 'b', { ...order, storageId: 'disk-b' })
    expect([role(lab, 'b'), boundTo(lab, 'b'), parts(lab, 'b', 'c', 'requestVote')]).toEqual([
      'follower',
      'a',
      [],
    ])
    expect(lastPart(lab, 'a', 'b', 'bind').term).toBe(1)
  })
})
