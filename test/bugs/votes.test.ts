/**
 * Bugs that other leader elections had with votes, terms and restarts, each as the schedule that would show it here.
 *
 * Every test first reaches the dangerous state and asserts it; the lab checks P1, P2, P3 and P7 after every action.
 * Read next: `leases.test.ts`, `partitions.test.ts`.
 */
import { describe, expect, it } from 'vitest'
import { runSeed, SimCluster } from '../../src/simulation'
import {
  along,
  beat,
  binding,
  boundTo,
  effects,
  elect,
  grantAt,
  keep,
  known,
  Lab,
  lastPart,
  parts,
  partsOf,
  quiet,
  renounce,
  say,
  silence,
  stand,
  supportEnd,
  talk,
  tell,
} from '../core/story'

describe('bugs of others: votes', () => {
  it('bug 8: voters with and without pre-vote, and a refused candidate of a high term, agree within the bound', () => {
    const lab = new Lab(['a', 'b', 'c'])
    const leader = lab.settle()
    const [rash, other] = lab.ids.filter((id) => id !== leader) as [string, string]
    const node = lab.node(rash)
    node.config = { ...node.config, preVote: false }
    for (const id of [leader, other]) {
      lab.cuts.add(`${id}>${rash}`)
      lab.cuts.add(`${rash}>${id}`)
    }
    lab.run(6000)
    expect(known(lab, rash), 'it stood again and again').toBeGreaterThan(known(lab, other) + 2)
    lab.cuts.delete(`${other}>${rash}`)
    lab.cuts.delete(`${rash}>${other}`)
    lab.run(1500)
    expect(lab.leader(), 'it disturbed nobody').toBe(leader)
    expect(parts(lab, other, rash, 'voteReply').some(({ refusal }) => refusal === 'bound')).toBe(true)
    lab.crash(leader)
    lab.cuts.clear()
    const since = lab.at
    lab.run(10_000, () => lab.leader() !== null)
    expect(lab.leader()).not.toBeNull()
    expect(lab.at - since).toBeLessThan(3000)
  })

  it('bug 9: a vote whose write was lost in a crash was never told to anybody', () => {
    const lab = quiet('abc')
    lab.holdWrites.add('b')
    stand(lab, 'a')
    talk(lab, 'a', 'b')
    expect(binding(lab, 'b')).toMatchObject({ leader: 'a', term: 1 })
    lab.crash('b')
    lab.holdWrites.clear()
    lab.restart('b')
    expect(lab.node('b').disk.terms.get('e'), 'the vote is gone').toBeUndefined()
    expect(parts(lab, 'b', 'a', 'voteReply')).toHaveLength(0)
    lab.connect([
      ['a', 'b'],
      ['b', 'c'],
    ])
    silence(lab, 1001)
    expect(stand(lab, 'c')).toBe(true)
    lab.deliver((frame) => 'bc'.includes(frame.from) && 'bc'.includes(frame.to))
    expect(lab.election('c').lead?.term, 'the same term').toBe(1)
    keep(lab, 500, 'a-b', 'a-c', 'b-c')
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
  })

  it('bug 9: a disk that lost a finished write at a crash is refused at the next start', () => {
    const cluster = new SimCluster({ seed: 9 })
    cluster.start()
    cluster.run(5000)
    const leader = cluster.leaderOf('jobs') as string
    cluster.node(leader).disk.faults.losesLastWrite = true
    cluster.crash(leader)
    expect(cluster.node(leader).disk.stats.lostFinished).toBe(1)
    cluster.restart(leader)
    cluster.run(20_000)
    expect(cluster.node(leader).failure?.code).toBe('ELECTION_STORAGE_CORRUPT')
    expect(cluster.leaderOf('jobs'), 'the other two go on').not.toBeNull()
    expect(cluster.leaderOf('jobs')).not.toBe(leader)
    expect(cluster.violations).toEqual([])
  })

  it('bug 16: a stranger to the vote with a term fifty higher makes nobody step down', () => {
    const lab = quiet('abcd', { voters: ['a', 'b', 'c'] })
    elect(lab, 'a', 'bc')
    tell(lab, 'd', 51)
    expect(stand(lab, 'd')).toBe(true)
    talk(lab, 'd', 'b')
    talk(lab, 'd', 'c')
    talk(lab, 'd', 'a')
    expect(lastPart(lab, 'd', 'b', 'requestVote').term).toBe(52)
    expect(lastPart(lab, 'b', 'd', 'voteReply')).toMatchObject({ grant: null, refusal: 'bound' })
    keep(lab, 3000, 'a-b', 'a-c', 'a-d', 'b-d', 'c-d')
    expect(lab.leads('a')).toBe(true)
    expect(effects(lab, 'a', 'revoked')).toHaveLength(0)
    for (const id of ['a', 'b', 'c']) expect(known(lab, id)).toBe(1)
  })

  it('bug 18: a flood of pre-votes changes nothing at a follower, and a leader may ask, too', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    const memory = () => {
      const { slot, decidedTerm, attemptAt, failures, role } = lab.election('b')
      const { bootUntil, decided } = lab.node('b').state
      const until = supportEnd(lab, 'b', 'a')
      return structuredClone({ slot, decidedTerm, attemptAt, failures, role, bootUntil, decided, until })
    }
    const before = memory()
    for (let nonce = 1; nonce <= 500; nonce++) {
      say(lab, 'c', 'b', { kind: 'preVote', election: 'e', term: 2 + (nonce % 50), nonce })
    }
    expect(parts(lab, 'b', 'c', 'preVoteReply')).toHaveLength(500)
    expect(parts(lab, 'b', 'c', 'preVoteReply').every(({ refusal }) => refusal === 'bound')).toBe(true)
    expect(memory()).toEqual(before)
    expect(grantAt(lab, 'b', 'c'), 'nor does it begin a session').toBeNull()
    say(lab, 'a', 'b', { kind: 'preVote', election: 'e', term: 2, nonce: 501 })
    expect(lastPart(lab, 'b', 'a', 'preVoteReply').refusal).toBeNull()
    expect(memory()).toEqual(before)
    expect(lab.leads('a')).toBe(true)
    lab.drop()
    silence(lab, 1001)
    expect(boundTo(lab, 'b'), 'free when the promise ends, not later').toBeNull()
    elect(lab, 'b', 'c')
  })

  it('bug 25: a candidate that asks twice because the yes was lost gets the same yes', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const first = lastPart(lab, 'b', 'a', 'voteReply')
    expect(first.refusal).toBeNull()
    lab.drop()
    expect(lab.leads('a')).toBe(false)
    lab.pass(100)
    lab.tick('a')
    talk(lab, 'a', 'b')
    expect(parts(lab, 'b', 'a', 'voteReply')).toEqual([first, first])
    expect(lab.election('a').lead?.term).toBe(1)
  })

  it('bug 32: having heard of the leader of a term does not give a voter a second vote in it', () => {
    const lab = quiet('abcde')
    stand(lab, 'e')
    const request = lab.hold(along('e', 'd'))
    lab.drop()
    elect(lab, 'a', 'bcd')
    beat(lab, 'a')
    lab.deliver(along('a', 'd'))
    lab.drop()
    expect(binding(lab, 'd')).toMatchObject({ leader: 'a', term: 1, led: true })
    for (const frame of request) lab.hand(frame)
    expect(lastPart(lab, 'd', 'e', 'voteReply')).toMatchObject({ grant: null, refusal: 'term' })
    renounce(lab, 'a')
    lab.deliver(along('a', 'd'))
    expect(boundTo(lab, 'd'), 'free again, in the same term').toBeNull()
    say(lab, 'e', 'd', { kind: 'requestVote', election: 'e', term: 1, nonce: 77, certificate: null })
    expect(lastPart(lab, 'd', 'e', 'voteReply')).toMatchObject({ nonce: 77, grant: null, refusal: 'term' })
    expect(effects(lab, 'e', 'elected')).toHaveLength(0)
  })

  it('bug 34: no seed finds two leaders in one term', () => {
    let elections = 0
    for (const profile of ['lan', 'restarts', 'partitions'] as const) {
      const { violations, stats } = runSeed(3400, { profile, safetyMs: 8000 })
      expect(violations, profile).toEqual([])
      elections += stats.elections
    }
    expect(elections).toBeGreaterThan(4)
  })

  it('bug 35: a yes that arrives one campaign late is not counted for the next term', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const late = lab.hold(along('b', 'a', 'voteReply'))
    expect(partsOf(late, 'voteReply')).toMatchObject([{ term: 1, refusal: null }])
    lab.drop()
    silence(lab, 401)
    expect(stand(lab, 'a')).toBe(true)
    lab.drop()
    expect(lab.election('a').campaign?.term).toBe(2)
    for (const frame of late) lab.hand(frame)
    expect([...(lab.election('a').campaign?.grants.keys() ?? [])]).toEqual(['a'])
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
  })

  it('bug 36: the same yes three times is one vote', () => {
    const lab = quiet('abcde')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const answers = lab.hold(along('b', 'a'))
    lab.drop()
    for (let copy = 0; copy < 3; copy++) for (const frame of answers) lab.hand(frame)
    expect(parts(lab, 'b', 'a', 'voteReply')[0]?.refusal).toBeNull()
    expect(lab.election('a').campaign?.grants.size, 'a and b').toBe(2)
    expect(lab.leads('a')).toBe(false)
    lab.pass(100)
    lab.tick('a')
    talk(lab, 'a', 'c')
    expect(lab.leads('a'), 'the third voter decides').toBe(true)
  })

  it('bug 39: a late vote does not finish a campaign inside a newer pre-vote', () => {
    const lab = quiet('abc', { preVote: true })
    lab.act('a', { type: 'campaign', election: 'e' })
    expect(lab.election('a').campaign?.phase).toBe('preVote')
    lab.deliver(along('a', 'b', 'preVote'))
    lab.deliver(along('b', 'a', 'preVoteReply'))
    expect(lab.election('a').campaign).toMatchObject({ phase: 'vote', term: 1 })
    lab.deliver(along('a', 'b'))
    const late = lab.hold(along('b', 'a', 'voteReply'))
    expect(partsOf(late, 'voteReply')).toMatchObject([{ term: 1, refusal: null }])
    lab.drop()
    silence(lab, 450)
    stand(lab, 'a')
    expect(lab.election('a').campaign).toMatchObject({ phase: 'preVote', term: 2 })
    const grants = new Map(lab.election('a').campaign?.grants)
    for (const frame of late) lab.hand(frame)
    expect(lab.election('a').campaign).toMatchObject({ phase: 'preVote', term: 2 })
    expect(lab.election('a').campaign?.grants).toEqual(grants)
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
    beat(lab, 'a')
    talk(lab, 'a', 'b')
    expect(parts(lab, 'a', 'b', 'release').at(-1)?.term, 'it is given back').toBe(1)
  })

  it('bug 57: after a power loss of all, with one vote forgotten by a disk, no term is won twice', () => {
    const lab = quiet('abc')
    lab.holdWrites.add('c')
    elect(lab, 'a', 'b')
    beat(lab, 'a')
    talk(lab, 'a', 'c')
    lab.drop()
    for (const id of lab.ids) lab.crash(id)
    lab.holdWrites.clear()
    for (const id of lab.ids) lab.restart(id)
    expect(lab.ids.map((id) => lab.node(id).disk.terms.get('e') ?? 0)).toEqual([1, 1, 0])
    lab.connect()
    lab.contend()
    lab.deliver()
    silence(lab, 1001)
    expect(stand(lab, 'c')).toBe(true)
    expect(lab.election('c').campaign?.term, 'the term that a won').toBe(1)
    lab.deliver()
    expect(lastPart(lab, 'b', 'c', 'voteReply')).toMatchObject({ grant: null, refusal: 'term' })
    silence(lab, 450)
    elect(lab, 'c', 'b')
    expect(lab.history.map(({ id, term }) => [id, term])).toEqual([
      ['a', 1],
      ['c', 2],
    ])
  })

  it('bug 63: a voter that restarts in the middle of a term does not vote twice in it', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const yes = lab.hold(along('b', 'a'))
    lab.drop()
    lab.crash('b')
    lab.restart('b')
    lab.connect([['b', 'c']])
    silence(lab, 1001)
    stand(lab, 'c')
    expect(lab.election('c').campaign?.term).toBe(1)
    talk(lab, 'c', 'b')
    expect(lastPart(lab, 'b', 'c', 'voteReply')).toMatchObject({ term: 1, grant: null, refusal: 'term' })
    for (const frame of yes) lab.hand(frame)
    expect(lab.leader()).toBeNull()
  })

  it('bug 63: a candidate is nobody’s leader before it says that it leads', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    expect(boundTo(lab, 'b'), 'b gave its vote').toBe('a')
    expect(effects(lab, 'b', 'leaderChanged').some(({ leader }) => leader === 'a')).toBe(false)
    lab.deliver(along('b', 'a'))
    expect(lab.leads('a')).toBe(true)
    expect(lab.election('b').leader).toBeNull()
    beat(lab, 'a')
    lab.deliver(along('a', 'b'))
    expect(lab.election('b').leader).toBe('a')
  })
})
