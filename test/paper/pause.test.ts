/**
 * Pausing an election, rule by rule: R80 (the word and how it spreads), R81 (what it does). `src/core/pause.ts` states both.
 *
 * Each test puts one sentence of a rule to the shipping `step`, by hand.
 */
import { describe, expect, it } from 'vitest'
import type { Pause } from '../../src/core'
import { isNewer } from '../../src/core'
import {
  along,
  binding,
  effects,
  elect,
  known,
  Lab,
  lastPart,
  parts,
  partsOf,
  quiet,
  renounce,
  say,
  stand,
  tell,
} from '../core/story'

const word = (over: Partial<Pause> = {}): Pause => ({
  counter: 1,
  by: 'a',
  isPaused: true,
  leader: 'stays',
  sinceMs: 5,
  ...over,
})

function speak(lab: Lab, id: string, isPaused = true): void {
  lab.act(id, { type: 'pause', election: 'e', isPaused, leader: 'stays', sinceMs: 5 })
}

const held = (lab: Lab, id: string) => lab.node(id).state.elections.get('e')?.pause ?? null
const paused = (lab: Lab, id: string) => held(lab, id)?.isPaused === true
const holders = (lab: Lab, id: string) =>
  effects(lab, id, 'pauseHeld').map(({ voter, pause }) => `${voter} ${pause.counter}`)

/** Three processes that stand by themselves, unlike those of `quiet`. */
function lively(): Lab {
  return new Lab(['a', 'b', 'c'])
}

describe('R80: the word', () => {
  it('R80: of two words the higher counter counts, of two spoken at once that of the higher id', () => {
    expect(isNewer(word(), null)).toBe(true)
    expect(isNewer(word({ counter: 2 }), word({ counter: 1, by: 'z' }))).toBe(true)
    expect(isNewer(word({ counter: 1, by: 'z' }), word({ counter: 2 }))).toBe(false)
    expect(isNewer(word({ by: 'b' }), word({ by: 'a' }))).toBe(true)
    expect(isNewer(word(), word())).toBe(false)
  })

  it('R80: whoever speaks counts above all that it knows', () => {
    const lab = quiet('abc')
    say(lab, 'b', 'a', { kind: 'pause', election: 'e', ...word({ counter: 41, by: 'b' }) })
    speak(lab, 'a', false)
    expect(held(lab, 'a')).toMatchObject({ counter: 42, by: 'a', isPaused: false })
  })

  it('R80, R1: a voter answers only when it holds the word durably, and so counts the speaker itself', () => {
    const lab = quiet('abc')
    lab.holdWrites = new Set(['a', 'b'])
    speak(lab, 'a')
    lab.deliver(along('a', 'b', 'pause'))
    expect(paused(lab, 'b')).toBe(true)
    expect(partsOf(lab.sent, 'pauseAck')).toEqual([])
    expect(holders(lab, 'a')).toEqual([])
    lab.completeWrite('b')
    expect(lastPart(lab, 'b', 'a', 'pauseAck')).toMatchObject(word())
    lab.completeWrite('a')
    expect(holders(lab, 'a')).toEqual(['a 1'])
    lab.deliver(along('b', 'a', 'pauseAck'))
    expect(holders(lab, 'a')).toEqual(['a 1', 'b 1'])
  })

  it('R80: an older word changes nothing and is answered by the newer one', () => {
    const lab = quiet('abc')
    say(lab, 'b', 'c', { kind: 'pause', election: 'e', ...word({ counter: 7, by: 'b' }) })
    say(lab, 'a', 'c', { kind: 'pause', election: 'e', ...word({ counter: 3, isPaused: false }) })
    expect(held(lab, 'c')).toMatchObject({ counter: 7, isPaused: true })
    expect(lastPart(lab, 'c', 'a', 'pauseAck')).toMatchObject({ counter: 7, by: 'b', isPaused: true })
    lab.deliver(along('c', 'a', 'pauseAck'))
    expect(held(lab, 'a')).toMatchObject({ counter: 7 })
  })

  it('R80: it is repeated until it is answered, and then no more', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    speak(lab, 'a', false)
    lab.drop(along('a', 'b', 'pause'))
    lab.run(150)
    expect(held(lab, 'b')).toMatchObject({ counter: 1 })
    const said = parts(lab, 'a', 'b', 'pause').length
    lab.run(2_000)
    expect(parts(lab, 'a', 'b', 'pause')).toHaveLength(said)
  })

  it('R80: a new life of a process is told of every pause', () => {
    const lab = quiet('abc')
    speak(lab, 'a')
    lab.deliver()
    lab.crash('c')
    lab.restart('c', { pauses: {} })
    expect(paused(lab, 'c')).toBe(false)
    lab.connect([['a', 'c']])
    lab.deliver()
    expect(paused(lab, 'c')).toBe(true)
  })

  it('R80: whoever knows of a pause asks every voter about it, so that it spreads and ends without its speaker', () => {
    const lab = quiet('abc')
    speak(lab, 'a')
    lab.deliver(along('a', 'b', 'pause'))
    lab.drop()
    lab.crash('a')
    lab.run(2_200)
    expect(paused(lab, 'c')).toBe(true)
    // b hears of the resumption, c does not; its next question is answered by the newer word
    lab.cuts.add('b>c')
    speak(lab, 'b', false)
    lab.run(100)
    lab.drop()
    lab.cuts.clear()
    lab.node('b').state.accounts.get('c')?.pauses.clear()
    lab.run(2_200)
    expect(paused(lab, 'c')).toBe(false)
  })

  it('R80: it survives a restart of every process at once', () => {
    const lab = lively()
    speak(lab, 'a')
    lab.run(100)
    for (const id of 'abc') lab.crash(id)
    for (const id of 'abc') lab.restart(id)
    lab.connect()
    lab.contend()
    lab.run(10_000)
    expect(lab.leader()).toBeNull()
    speak(lab, 'c', false)
    lab.run(2_000)
    expect(lab.leader()).not.toBeNull()
  })

  it('R80: a word that nobody can have said is no news', () => {
    const lab = quiet('abc')
    for (const counter of [0, -1, 0.5, Number.NaN, 2 ** 53]) {
      say(lab, 'b', 'a', { kind: 'pause', election: 'e', ...word({ counter }) })
      say(lab, 'b', 'a', { kind: 'pauseAck', election: 'e', ...word({ counter }) })
    }
    expect(held(lab, 'a')).toBeNull()
  })

  it('R80, R44: a word far above the newest known one is no news, or nobody could speak after it (seed 1145687371)', () => {
    const lab = quiet('abc')
    say(lab, 'b', 'a', { kind: 'pause', election: 'e', ...word({ counter: 1_000_000 }) })
    expect(held(lab, 'a')).toMatchObject({ counter: 1_000_000 })
    for (const counter of [2_000_001, 2 ** 53 - 2]) {
      say(lab, 'b', 'a', { kind: 'pause', election: 'e', ...word({ counter }) })
      say(lab, 'b', 'a', { kind: 'pauseAck', election: 'e', ...word({ counter }) })
    }
    expect(held(lab, 'a')).toMatchObject({ counter: 1_000_000 })
    expect(effects(lab, 'a', 'alarm').map(({ code }) => code)).toEqual(Array(4).fill('pauseJump'))
    speak(lab, 'a', false)
    expect(held(lab, 'a')).toMatchObject({ counter: 1_000_001, isPaused: false })
  })
})

describe('R81: what it does', () => {
  it('R81: a voter that knows of a pause refuses pre-votes and votes, learns no term, and says why', () => {
    const lab = quiet('abc')
    say(lab, 'c', 'b', { kind: 'pause', election: 'e', ...word({ by: 'c' }) })
    say(lab, 'a', 'b', { kind: 'preVote', election: 'e', term: 4, nonce: 1 })
    expect(lastPart(lab, 'b', 'a', 'preVoteReply')).toMatchObject({ refusal: 'paused' })
    expect(lastPart(lab, 'b', 'a', 'pause')).toMatchObject(word({ by: 'c' }))
    say(
      lab,
      'a',
      'b',
      { kind: 'heartbeat', round: 80, promiseMs: 1000, probe: false, prompt: true },
      { kind: 'requestVote', election: 'e', term: 4, nonce: 2, certificate: null },
    )
    expect(lastPart(lab, 'b', 'a', 'voteReply')).toMatchObject({ refusal: 'paused', grant: null })
    expect([known(lab, 'b'), binding(lab, 'b')]).toEqual([0, null])
  })

  it('R81: who knows of a pause does not stand, and drops a try that is under way', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    expect(lab.node('a').state.campaigning.size).toBe(1)
    const before = partsOf(lab.sent, 'requestVote').length
    say(lab, 'b', 'a', { kind: 'pause', election: 'e', ...word({ by: 'b' }) })
    expect(lab.node('a').state.campaigning.size).toBe(0)
    lab.drop()
    expect(stand(lab, 'a')).toBe(false)
    lab.run(5_000)
    expect(partsOf(lab.sent, 'requestVote')).toHaveLength(before)
  })

  it('R81: a leader that stands keeps its lease, and nobody follows it', () => {
    const lab = lively()
    const leader = lab.settle()
    speak(lab, 'b')
    lab.run(5_000)
    expect(lab.leader()).toBe(leader)
    lab.crash(leader)
    lab.run(10_000)
    expect(lab.leader()).toBeNull()
  })

  it('R81, R22: the announced leader gets the votes for its next term while the election is paused', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    lab.run(300)
    speak(lab, 'a')
    lab.run(300)
    const before = lab.election('a').lead?.term ?? 0
    tell(lab, 'a', before + 3)
    lab.act('a', { type: 'campaign', election: 'e' })
    lab.run(300)
    expect(lab.leader()).toBe('a')
    expect(lab.election('a').lead?.term).toBe(before + 4)
  })

  it('R81, R21: a hand-over is not followed while the election is paused', () => {
    const lab = lively()
    const leader = lab.settle()
    const target = leader === 'b' ? 'c' : 'b'
    speak(lab, leader)
    lab.run(300)
    renounce(lab, leader, target)
    const before = partsOf(lab.sent, 'requestVote').length
    lab.run(5_000)
    expect(lab.leader()).toBeNull()
    expect(partsOf(lab.sent, 'timeoutNow')).toHaveLength(1)
    expect(partsOf(lab.sent, 'requestVote')).toHaveLength(before)
  })

  it('R81, R56: a link that closes starts no pre-vote in a paused election', () => {
    const lab = lively()
    const leader = lab.settle()
    speak(lab, leader)
    lab.run(300)
    const before = partsOf(lab.sent, 'preVote').length
    for (const id of lab.ids) if (id !== leader) lab.act(id, { type: 'closed', peer: leader, incarnation: 1 })
    expect(partsOf(lab.sent, 'preVote')).toHaveLength(before)
  })

  it('R81: after a resumption somebody leads within two promises, although a voter missed it', () => {
    const lab = lively()
    lab.connect()
    speak(lab, 'a')
    lab.run(100)
    lab.contend()
    lab.run(3_000)
    expect(lab.leader()).toBeNull()
    lab.cuts.add('a>c')
    lab.cuts.add('c>a')
    speak(lab, 'a', false)
    lab.run(2_000, () => lab.leader() !== null)
    expect(lab.leader()).not.toBeNull()
  })
})
