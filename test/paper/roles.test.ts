/**
 * Roles: who votes, who may lead, and what is told to those that have no vote (PROTOCOL A.4: R4, R37, R40, R59, R71).
 *
 * Each test puts one sentence of a rule to the shipping `step`, by hand. `x` is a process without a vote, `w` a witness.
 */
import { describe, expect, it } from 'vitest'
import type { Notice } from '../../src/core'
import {
  along,
  beat,
  between,
  boundTo,
  effects,
  elect,
  keep,
  known,
  type Lab,
  lastPart,
  parts,
  quiet,
  renounce,
  say,
  stand,
  talk,
  tell,
} from '../core/story'

const observed = (): Lab => quiet('abcx', { voters: ['a', 'b', 'c'] })

/** `a` leads, and everybody has been told. */
function led(): Lab {
  const lab = observed()
  elect(lab, 'a', 'bc')
  keep(lab, 100, 'a-b', 'a-c', 'b-c', 'a-x', 'b-x', 'c-x')
  return lab
}

describe('R37, R40: a witness', () => {
  const witnessed = (): Lab => quiet('abw', { witnesses: ['w'] })

  it('R40: votes in every election, so that two others fail over', () => {
    const lab = witnessed()
    elect(lab, 'a', 'w')
    lab.crash('a')
    lab.pass(1_100)
    tell(lab, 'b', 1)
    elect(lab, 'b', 'w')
  })

  it('R37: never stands, whatever it is told', () => {
    const lab = witnessed()
    lab.act('w', { type: 'contend', election: 'e', contending: true, priority: 9 })
    expect(stand(lab, 'w')).toBe(false)
    lab.pass(60_000)
    lab.tick('w')
    expect(parts(lab, 'w', 'a', 'preVote')).toHaveLength(0)
    expect(parts(lab, 'w', 'a', 'requestVote')).toHaveLength(0)
  })

  it('R37: does not take a hand-over: it is released, and another stands', () => {
    const lab = witnessed()
    elect(lab, 'a', 'bw')
    renounce(lab, 'a', 'w')
    lab.deliver()
    expect(lab.leads('w')).toBe(false)
    elect(lab, 'b', 'w')
  })

  it('R37, R69: nobody waits for its place in the order', () => {
    const lab = quiet('abw', { witnesses: ['w'], succession: true, timing: { stepMs: 10 } })
    elect(lab, 'a', 'bw')
    renounce(lab, 'a')
    lab.drop((frame) => frame.to === 'w')
    lab.deliver(between('a', 'b'))
    expect(lab.election('b').attemptAt, 'b is the first of those that may lead').toBe(lab.clock('b'))
  })
})

describe('R4, R71: a process without a vote', () => {
  it('R7, R71: refuses every request for its vote and stays as it is', () => {
    const lab = observed()
    const before = structuredClone(lab.election('x').slot)
    say(lab, 'a', 'x', { kind: 'preVote', election: 'e', term: 1, nonce: 1 })
    expect(lastPart(lab, 'x', 'a', 'preVoteReply').refusal).toBe('config')
    say(lab, 'a', 'x', { kind: 'requestVote', election: 'e', term: 1, nonce: 2, certificate: null })
    expect(lastPart(lab, 'x', 'a', 'voteReply')).toMatchObject({ grant: null, refusal: 'config' })
    expect(lab.election('x').slot).toEqual(before)
  })

  it('R4: its yes counts for nothing, said in any way', () => {
    const lab = observed()
    stand(lab, 'a')
    const { term, nonce } = lastPart(lab, 'a', 'b', 'requestVote')
    const yes = { election: 'e', term, nonce, grant: '1.1', refusal: null, knownTerm: term, leader: null }
    say(lab, 'x', 'a', { kind: 'ack', round: lab.node('a').state.round, grant: '1.1', renewed: true })
    say(lab, 'x', 'a', { kind: 'voteReply', ...yes })
    say(lab, 'x', 'a', { kind: 'bindAck', election: 'e', term, grant: '1.1', knownTerm: term })
    expect(lab.leads('a')).toBe(false)
    expect(lab.election('a').campaign?.grants.has('x')).toBe(false)
  })

  it('R71: leads with a majority of the voters, and voters are bound to it as to any other', () => {
    const lab = observed()
    elect(lab, 'x', 'ab')
    expect([boundTo(lab, 'a'), boundTo(lab, 'b'), boundTo(lab, 'c')]).toEqual(['x', 'x', null])
    keep(lab, 3_000, 'a-x', 'b-x')
    expect(lab.leads('x')).toBe(true)
    tell(lab, 'c', 1)
    expect(stand(lab, 'c')).toBe(true)
    talk(lab, 'c', 'a')
    expect(lastPart(lab, 'a', 'c', 'voteReply').refusal).toBe('bound')
  })
})

describe('R71: notices', () => {
  const told = (lab: Lab, voter: string): Notice => lastPart(lab, voter, 'x', 'notice')

  it('R71: tell an observer who leads, and that nobody does, as soon as a voter knows it', () => {
    const lab = led()
    expect(lab.election('x').leader).toBe('a')
    expect(told(lab, 'b')).toMatchObject({ leader: 'a', free: false, knownTerm: 1 })
    renounce(lab, 'a')
    lab.deliver()
    expect(lab.election('x').leader).toBe(null)
    expect(told(lab, 'b').free).toBe(true)
    expect(known(lab, 'x')).toBe(1)
  })

  it('R71: are repeated behind each heartbeat of the observer until it has answered, and not after that', () => {
    const lab = observed()
    elect(lab, 'a', 'bc')
    lab.deliver(between('a', 'b'))
    lab.drop()
    const before = parts(lab, 'b', 'x', 'notice').length
    for (let i = 1; i <= 2; i++) {
      beat(lab, 'x')
      lab.deliver(along('x', 'b'))
      lab.drop()
      expect(parts(lab, 'b', 'x', 'notice')).toHaveLength(before + i)
    }
    beat(lab, 'x')
    talk(lab, 'x', 'b')
    const answered = parts(lab, 'b', 'x', 'notice').length
    beat(lab, 'x')
    talk(lab, 'x', 'b')
    expect(parts(lab, 'b', 'x', 'notice')).toHaveLength(answered)
  })

  it('R71: a late one replaces nothing', () => {
    const lab = led()
    const old = told(lab, 'b')
    renounce(lab, 'a')
    lab.deliver()
    say(lab, 'b', 'x', old)
    expect(lab.election('x').notices.get('b')?.free).toBe(true)
  })

  it('R71: what a voter said counts no more when the link to it is gone, and is asked for again', () => {
    const lab = led()
    for (const voter of ['a', 'b']) {
      lab.act('x', { type: 'closed', peer: voter, incarnation: 1 })
      lab.act(voter, { type: 'closed', peer: 'x', incarnation: 1 })
    }
    expect(lab.election('x').leader, 'one voter of three still says so').toBe('a')
    lab.act('x', { type: 'closed', peer: 'c', incarnation: 1 })
    expect(lab.election('x').leader).toBe(null)
    lab.connect([['b', 'x']])
    lab.deliver()
    expect(lab.election('x').leader).toBe('a')
  })

  it('R44: one with a term that cannot be is refused', () => {
    const lab = led()
    const notice = { ...told(lab, 'b'), knownTerm: 2 ** 50, number: 10 ** 6 }
    say(lab, 'b', 'x', notice)
    expect(known(lab, 'x')).toBe(1)
    expect(effects(lab, 'x', 'alarm').at(-1)?.code).toBe('termJump')
  })

  it('E5: an observer that is gone is owed nothing, and stands in nobody´s order', () => {
    const lab = observed()
    expect(lab.election('b').contenders.has('x')).toBe(true)
    lab.act('b', { type: 'closed', peer: 'x', incarnation: 1 })
    expect(lab.node('b').state.observers.size).toBe(0)
    expect(lab.election('b').contenders.has('x')).toBe(false)
  })

  it('E5: lives of observers that are gone are forgotten, the oldest first, and never one that holds a promise', () => {
    const lab = observed()
    elect(lab, 'x', 'ab')
    for (let i = 0; i < 1_500; i++) {
      const peer = `y${i}`
      const hello = { incarnation: 1, storageId: peer, rho: 0, deltaMs: 0, sentAt: 0 }
      lab.act('b', { type: 'connected', peer, ...hello })
      lab.act('b', { type: 'closed', peer, incarnation: 1 })
    }
    const { supports } = lab.node('b').state
    expect(supports.size).toBeLessThan(1_100)
    expect(supports.has('x')).toBe(true)
    expect(supports.has('y1499')).toBe(true)
    expect(supports.has('y0')).toBe(false)
  })
})

describe('R56, R59: the end of a binding', () => {
  it('R56: the first in line asks at once when the link of a leader without a vote is gone', () => {
    const lab = quiet('abcx', { voters: ['a', 'b', 'c'], preVote: true, succession: true })
    lab.act('x', { type: 'campaign', election: 'e' })
    lab.deliver()
    expect(lab.leads('x')).toBe(true)
    const asked = (): number => ['a', 'b', 'c'].filter((id) => lab.election(id).campaign !== null).length
    expect(asked()).toBe(0)
    for (const voter of ['a', 'b', 'c']) lab.act(voter, { type: 'closed', peer: 'x', incarnation: 1 })
    expect(asked()).toBe(1)
  })

  it('R59: a release that comes after the run-out frees the election, too', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    lab.pass(2_000)
    lab.tick('a')
    expect(lab.leads('a')).toBe(false)
    lab.deliver(along('a', 'b'))
    expect(lab.election('b').attemptAt, 'b stands in its turn').not.toBe(Number.POSITIVE_INFINITY)
  })
})
