/**
 * Evidence and suspicion, rule by rule (PROTOCOL A.8: R52-R56, as far as the core decides them).
 *
 * R52 (listeners last) and R53 (exit hooks) are the driver's; R57 is not implemented. Each test puts one sentence of a rule
 * to the shipping `step`, by hand.
 */
import { describe, expect, it } from 'vitest'
import {
  along,
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
  say,
  stand,
  supportEnd,
  talk,
} from '../core/story'

const hello = (round: number) =>
  ({ kind: 'heartbeat', round, promiseMs: 1000, probe: false, prompt: true }) as const
const preVote = (term: number, nonce = 1) => ({ kind: 'preVote', election: 'e', term, nonce }) as const

/** Judged outside of the core: `test/runtime/proofs.test.ts`. */
const KEY = '0'.repeat(32)

function death(lab: Lab, at: string, process: string, incarnation = 1, storageId = `disk-${process}`): void {
  lab.act(at, { type: 'death', process, storageId, incarnation, key: KEY })
}

function close(lab: Lab, peer: string, ...ids: string[]): void {
  const { incarnation } = lab.node(peer).config
  for (const id of ids) lab.act(id, { type: 'closed', peer, incarnation })
}

/** Three processes in regular order, a leads (it has the highest priority). */
function regular(ids = 'abc', elections = ['e']): Lab {
  const lab = new Lab(ids.split(''), { elections, timing: { stepMs: 50 } })
  lab.connect()
  for (const name of elections) {
    for (const id of lab.ids) {
      const priority = 9 - lab.ids.indexOf(id)
      lab.act(id, { type: 'contend', election: name, contending: true, priority })
    }
  }
  lab.run(1000)
  for (const name of elections) {
    const leader = lab.leader(name) as string
    if (leader !== 'a')
      lab.act(leader, { type: 'renounce', election: name, reason: 'resigned', to: 'a', cooldownMs: 0 })
  }
  lab.run(1000)
  for (const name of elections) expect(lab.leader(name)).toBe('a')
  return lab
}

describe('R53: a clean stop', () => {
  it('R53: after the end of a session the next in line leads without waiting for any time to run out', () => {
    const lab = regular('abc', ['e', 'f'])
    const at = lab.at
    end(lab, 'a')
    lab.run(500, () => lab.leader('e') !== null && lab.leader('f') !== null)
    expect([lab.leader('e'), lab.leader('f')]).toEqual(['b', 'b'])
    expect(lab.at - at).toBeLessThan(1)
  })
})

describe('R54: a new life', () => {
  it('R54: its greeting ends the support of the older life, and every binding under it, at once', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'bc', 'e')
    elect(lab, 'a', 'bc', 'f')
    lab.crash('a')
    lab.restart('a')
    lab.greet('b', 'a')
    expect([boundTo(lab, 'b', 'e'), boundTo(lab, 'b', 'f')]).toEqual([null, null])
    expect(grantAt(lab, 'b', 'a')).toBeNull()
    expect(boundTo(lab, 'c', 'e'), 'who has not heard of it waits').toBe('a')
    expect(stand(lab, 'b', 'e')).toBe(true)
  })

  it('R54: a frame of it does the same', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    lab.act('b', { type: 'frame', from: 'a', fromIncarnation: 2, toIncarnation: 1, parts: [hello(1)] })
    expect(boundTo(lab, 'b')).toBeNull()
    expect(grantAt(lab, 'b', 'a'), 'and begins a session of its own').not.toBeNull()
  })

  it('R54: is evidence, so the next in line stands at once and asks nobody before', () => {
    const lab = regular()
    lab.crash('a')
    lab.restart('a')
    const at = lab.at
    lab.connect([
      ['a', 'b'],
      ['a', 'c'],
    ])
    lab.run(500, () => lab.leader() !== null)
    expect(lab.leader()).toBe('b')
    expect(lab.at - at).toBeLessThan(1)
  })
})

describe('R55: proof of death', () => {
  it('R55: ends the support of exactly that life, and frees all its elections', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'bc', 'e')
    elect(lab, 'a', 'bc', 'f')
    lab.crash('a')
    death(lab, 'b', 'a')
    expect([boundTo(lab, 'b', 'e'), boundTo(lab, 'b', 'f')]).toEqual([null, null])
    expect(boundTo(lab, 'c', 'e')).toBe('a')
  })

  it('R55: not that of another storage, an older or another process', () => {
    const lab = quiet('abc')
    lab.crash('a')
    lab.restart('a')
    lab.connect([['a', 'b']])
    talk(lab, 'a', 'b')
    say(lab, 'a', 'b', hello(50), { kind: 'bind', election: 'e', term: 3 })
    death(lab, 'b', 'a', 2, 'another disk')
    death(lab, 'b', 'a', 1)
    death(lab, 'b', 'c', 2)
    expect(boundTo(lab, 'b')).toBe('a')
    death(lab, 'b', 'a', 2)
    expect(boundTo(lab, 'b')).toBeNull()
  })

  it('R55: is final for that life: what it sent before it died counts no more', () => {
    const lab = quiet('abc')
    lab.crash('a')
    death(lab, 'b', 'a')
    const said = lab.sent.length
    say(lab, 'a', 'b', hello(50), { kind: 'bind', election: 'e', term: 3 })
    expect(boundTo(lab, 'b')).toBeNull()
    expect(lab.sent).toHaveLength(said)
  })

  it('R55: nobody is talked into its own death, and no peer’s frame is a proof', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    death(lab, 'a', 'a')
    expect(lab.leads('a')).toBe(true)
    say(lab, 'c', 'b', { kind: 'deathNotice', process: 'a', storageId: 'disk-a', incarnation: 1, key: KEY })
    expect(boundTo(lab, 'b')).toBe('a')
  })

  it('R55: with it a failover takes messages, not time', () => {
    const lab = regular('abc', ['e', 'f'])
    const at = lab.at
    lab.crash('a')
    for (const id of 'bc') death(lab, id, 'a')
    lab.run(500, () => lab.leader('e') !== null && lab.leader('f') !== null)
    expect([lab.leader('e'), lab.leader('f')]).toEqual(['b', 'b'])
    expect(lab.at - at).toBeLessThan(1)
  })
})

describe('R56: suspicion is free', () => {
  it('R56: a closed link starts the pre-vote of the first in line at once, and ends no support', () => {
    const lab = regular()
    lab.crash('a')
    const until = supportEnd(lab, 'b', 'a')
    close(lab, 'a', 'b', 'c')
    expect(lab.election('b').campaign?.phase).toBe('preVote')
    expect(lab.election('c').campaign, 'the second in line waits').toBeNull()
    expect(supportEnd(lab, 'b', 'a')).toBe(until)
    expect(boundTo(lab, 'b')).toBe('a')
    expect(known(lab, 'b'), 'nor does it touch a term').toBe(known(lab, 'c'))
  })

  it('R56: a parked pre-vote is answered the moment the binding ends, so the successor leads at once', () => {
    const lab = regular()
    lab.crash('a')
    close(lab, 'a', 'b', 'c')
    lab.run(10)
    expect(lab.election('c').parked).toMatchObject({ from: 'b' })
    const until = Math.max(supportEnd(lab, 'b', 'a'), supportEnd(lab, 'c', 'a'))
    lab.run(2000, () => lab.leader() !== null)
    expect(lab.leader()).toBe('b')
    expect(lab.at - until).toBeLessThan(0.01)
  })

  it('R56: the answer is by the rule of that moment, with the term known then', () => {
    const lab = quiet('abc', { preVote: true })
    stand(lab, 'a')
    talk(lab, 'a', 'b')
    lab.drop()
    say(lab, 'c', 'b', preVote(2, 5))
    expect(lastPart(lab, 'b', 'c', 'preVoteReply')).toMatchObject({ nonce: 5, refusal: 'bound' })
    lab.act('b', {
      type: 'frame',
      from: 'a',
      fromIncarnation: 1,
      toIncarnation: 1,
      parts: [{ kind: 'release', election: 'e', term: 7, successor: null }],
    })
    expect(lastPart(lab, 'b', 'c', 'preVoteReply')).toMatchObject({ nonce: 5, refusal: 'term', knownTerm: 7 })
  })

  it('R56: a leader that lets go answers what was parked with it', () => {
    const lab = quiet('abc', { preVote: true })
    stand(lab, 'a')
    talk(lab, 'a', 'b')
    lab.drop()
    say(lab, 'c', 'a', preVote(2, 5))
    expect(lastPart(lab, 'a', 'c', 'preVoteReply').refusal).toBe('leading')
    renounce(lab, 'a')
    expect(lastPart(lab, 'a', 'c', 'preVoteReply')).toMatchObject({ nonce: 5, refusal: null })
  })

  it('R56: one pre-vote per election is parked; the first stays while its link does', () => {
    const lab = quiet('abcd')
    elect(lab, 'a', 'bc')
    say(lab, 'c', 'b', preVote(2, 5))
    say(lab, 'd', 'b', preVote(2, 6))
    expect(lab.election('b').parked).toMatchObject({ from: 'c', nonce: 5 })
    say(lab, 'c', 'b', preVote(2, 8))
    expect(lab.election('b').parked, 'its own newer one replaces it').toMatchObject({ from: 'c', nonce: 8 })
    close(lab, 'c', 'b')
    say(lab, 'd', 'b', preVote(2, 7))
    expect(lab.election('b').parked).toMatchObject({ from: 'd', nonce: 7 })
    const from = lab.sent.length
    renounce(lab, 'a')
    talk(lab, 'a', 'b')
    const answers = partsOf(
      lab.sent.slice(from).filter(({ from: voter }) => voter === 'b'),
      'preVoteReply',
    )
    expect(answers).toMatchObject([{ nonce: 7, refusal: null }])
  })

  it('R56: only a binding is worth waiting for', () => {
    const lab = quiet('abc')
    say(lab, 'c', 'b', preVote(0))
    expect(lab.election('b').parked).toBeNull()
    lab.crash('b')
    lab.restart('b')
    lab.connect()
    say(lab, 'c', 'b', preVote(5))
    expect(lastPart(lab, 'b', 'c', 'preVoteReply').refusal).toBe('boot')
    expect(lab.election('b').parked).toBeNull()
  })

  it('R24, R56: a new life of the asker is not answered what the old one asked', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    say(lab, 'c', 'b', preVote(2, 1))
    lab.crash('c')
    lab.restart('c')
    lab.connect([['b', 'c']])
    const from = lab.sent.length
    renounce(lab, 'a')
    talk(lab, 'a', 'b')
    expect(partsOf(lab.sent.slice(from).filter(along('b', 'c')), 'preVoteReply')).toHaveLength(0)
  })

  it('R56: a closed link to somebody else, or of who does not contend, starts nothing', () => {
    const lab = regular()
    close(lab, 'c', 'b')
    expect(lab.election('b').campaign).toBeNull()
    lab.act('b', { type: 'contend', election: 'e', contending: false, priority: 0 })
    close(lab, 'a', 'b')
    expect(lab.election('b').campaign).toBeNull()
  })

  it('R56, P8: if the leader lives, nothing comes of it', () => {
    const lab = regular()
    close(lab, 'a', 'b')
    lab.run(10)
    lab.connect([['a', 'b']])
    lab.run(5000)
    expect(lab.leader()).toBe('a')
    expect(effects(lab, 'a', 'revoked').filter(({ reason }) => reason !== 'reelected')).toHaveLength(0)
    expect(parts(lab, 'b', 'c', 'requestVote').filter(({ term }) => term > 2)).toHaveLength(0)
    keep(lab, 100, 'a-b', 'a-c')
    expect(lab.leads('a')).toBe(true)
  })

  it('R56: without a closed link the wait is the run-out and one step of the succession at most', () => {
    const lab = regular()
    lab.crash('a')
    const until = Math.max(supportEnd(lab, 'b', 'a'), supportEnd(lab, 'c', 'a'))
    lab.run(3000, () => lab.leader() !== null)
    expect(lab.leader()).toBe('b')
    expect(lab.at - until).toBeLessThanOrEqual(50)
  })
})
