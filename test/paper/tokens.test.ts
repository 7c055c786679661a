/**
 * Tokens, guards that start closed, and the bounds of terms, rule by rule (PROTOCOL A.4: R41, R43, R44).
 *
 * Each test puts one sentence of a rule to the shipping `step`, by hand.
 */
import { describe, expect, it } from 'vitest'
import { MAX_TERM, type Part } from '../../src/core'
import {
  along,
  boundTo,
  effects,
  elect,
  forget,
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

const hello = (round: number): Part => ({
  kind: 'heartbeat',
  round,
  promiseMs: 1000,
  probe: false,
  prompt: true,
})
const ask = (term: number): Part => ({
  kind: 'requestVote',
  election: 'e',
  term,
  nonce: 1,
  certificate: null,
})

/** Starts election `e` at that known term everywhere. */
function at(term: number, ids = 'abc'): Lab {
  const lab = quiet(ids)
  for (const id of lab.ids) tell(lab, id, term)
  return lab
}

describe('R41: tokens', () => {
  it('R41: the token is the term of the leased leadership: an integer from 1, one per leadership, rising', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    const tokens: number[] = []
    for (const id of ['a', 'b', 'a', 'c', 'b']) {
      for (const voter of lab.ids.filter((other) => other !== id)) {
        if (lab.election(voter).lead !== null) renounce(lab, voter)
      }
      lab.deliver()
      elect(lab, id, lab.ids.filter((other) => other !== id).join(''))
      tokens.push(effects(lab, id, 'elected').at(-1)?.term as number)
    }
    expect(tokens).toEqual([1, 2, 3, 4, 5])
    elect(lab, 'a', 'b', 'f')
    expect(effects(lab, 'a', 'elected').at(-1), 'elections count for themselves').toMatchObject({
      election: 'f',
      term: 1,
    })
  })

  it('R41, R44: the last term is 2^53 - 2; after it nobody stands any more', () => {
    const lab = quiet('abc')
    tell(lab, 'a', MAX_TERM - 1)
    tell(lab, 'b', MAX_TERM - 1)
    elect(lab, 'a', 'b')
    expect(effects(lab, 'a', 'elected')[0]?.term).toBe(Number.MAX_SAFE_INTEGER - 1)
    renounce(lab, 'a')
    talk(lab, 'a', 'b')
    expect(stand(lab, 'a')).toBe(false)
    expect(stand(lab, 'b')).toBe(false)
    expect(known(lab, 'a')).toBe(MAX_TERM)
  })
})

describe('R43: a guard without storage', () => {
  const read = (lab: Lab, voter: string): number | null => {
    const before = parts(lab, voter, 'c', 'readTermReply').length
    say(lab, 'c', voter, { kind: 'readTerm', election: 'e', nonce: before + 1 })
    const reply = parts(lab, voter, 'c', 'readTermReply')[before]
    expect(reply?.nonce ?? before + 1).toBe(before + 1)
    return reply?.term ?? null
  }

  it('R43: any quorum of answers names a term that is at least every token ever leased', () => {
    const lab = quiet('abcde')
    const quorums = ['abc', 'abd', 'abe', 'acd', 'ace', 'ade', 'bcd', 'bce', 'bde', 'cde']
    for (const voters of ['bc', 'de', 'ce']) {
      elect(lab, 'a', voters)
      const token = effects(lab, 'a', 'elected').at(-1)?.term as number
      for (const quorum of quorums) {
        const terms = [...quorum].map((id) => {
          lab.act(id, { type: 'readTerm', election: 'e', nonce: 7 })
          return effects(lab, id, 'termRead').at(-1)?.term ?? 0
        })
        expect(Math.max(...terms), `${quorum} for ${token}`).toBeGreaterThanOrEqual(token)
      }
      renounce(lab, 'a')
      lab.deliver()
    }
  })

  it('R43: the answer is the voted term, not one that was only heard of', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    expect(read(lab, 'b')).toBe(1)
    tell(lab, 'b', 40)
    expect(read(lab, 'b')).toBe(1)
  })

  it('R43: a voter in boot wait may answer, one that forgot or whose storage failed may not', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.crash('b')
    lab.restart('b')
    lab.connect([['b', 'c']])
    expect(read(lab, 'b')).toBe(1)
    lab.act('b', { type: 'storageFailed' })
    expect(read(lab, 'b')).toBeNull()

    const young = quiet('abc', { ephemeral: true, timing: { maxPromiseMs: 1000 } })
    young.run(3000)
    expect(read(young, 'b')).toBe(young.node('b').state.termFloor)
    forget(young, 'b')
    young.connect([['b', 'c']])
    expect(read(young, 'b')).toBeNull()
    young.act('b', { type: 'readTerm', election: 'e', nonce: 1 })
    expect(effects(young, 'b', 'termRead')).toHaveLength(0)
  })

  it('R43: the question goes to every voter, and each answer is reported with its voter', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.act('c', { type: 'readTerm', election: 'e', nonce: 99 })
    lab.deliver()
    expect(effects(lab, 'c', 'termRead').map(({ voter, nonce, term }) => [voter, nonce, term])).toEqual([
      ['c', 99, 0],
      ['a', 99, 1],
      ['b', 99, 1],
    ])
  })

  it('R43: whoever has no vote has no word in it', () => {
    const lab = quiet('abx', { voters: ['a', 'b'] })
    say(lab, 'a', 'x', { kind: 'readTerm', election: 'e', nonce: 1 })
    expect(parts(lab, 'x', 'a', 'readTermReply')).toHaveLength(0)
  })
})

describe('R44: term bounds', () => {
  it('R44: only safe integers from 0 to 2^53 - 2 are terms', () => {
    for (const term of [Number.NaN, 1.5, -1, 2 ** 53 - 1, 2 ** 53, Number.POSITIVE_INFINITY]) {
      const lab = quiet('abc')
      tell(lab, 'b', 0)
      say(
        lab,
        'a',
        'b',
        hello(60),
        ask(term),
        { kind: 'bind', election: 'e', term },
        { kind: 'preVoteReply', election: 'e', nonce: 9, refusal: 'term', knownTerm: term, leader: null },
      )
      expect(known(lab, 'b'), `${term}`).toBe(0)
      expect(boundTo(lab, 'b')).toBeNull()
      expect(lastPart(lab, 'b', 'a', 'voteReply').grant).toBeNull()
      expect(lastPart(lab, 'b', 'a', 'bindAck').grant).toBeNull()
      expect(effects(lab, 'b', 'persist')).toHaveLength(0)
      say(lab, 'a', 'b', hello(61), ask(MAX_TERM))
      expect(lastPart(lab, 'b', 'a', 'voteReply').refusal).toBeNull()
    }
  })

  it('R44: a release of an impossible term changes nothing, and is answered', () => {
    for (const term of [Number.NaN, 1.5, 2 ** 53, Number.POSITIVE_INFINITY]) {
      const lab = quiet('abc')
      elect(lab, 'a', 'b')
      say(lab, 'c', 'b', { kind: 'release', election: 'e', term, successor: null })
      say(lab, 'a', 'b', { kind: 'release', election: 'e', term, successor: null })
      expect(known(lab, 'b')).toBe(1)
      expect(boundTo(lab, 'b')).toBe('a')
      expect(lastPart(lab, 'b', 'a', 'releaseAck')).toBeDefined()
    }
  })

  it('R44: a term more than 1,000,000 above one’s own is refused and reported, unless one knows none yet', () => {
    const far = 3 + 1_000_001
    const lab = at(3)
    say(lab, 'a', 'b', hello(60), ask(far))
    expect(lastPart(lab, 'b', 'a', 'voteReply')).toMatchObject({ grant: null, refusal: 'limit' })
    expect(effects(lab, 'b', 'alarm').map(({ code }) => code)).toEqual(['termJump'])
    say(lab, 'a', 'b', hello(61), ask(far - 1))
    expect(lastPart(lab, 'b', 'a', 'voteReply').refusal).toBeNull()
    const fresh = quiet('abc')
    say(fresh, 'a', 'b', hello(60), ask(far))
    expect(lastPart(fresh, 'b', 'a', 'voteReply').refusal).toBeNull()
  })

  it('R44: at most one jump above 1,000 per minute is adopted; small ones are free', () => {
    const lab = at(3)
    const learn = (term: number) =>
      say(lab, 'a', 'b', {
        kind: 'preVoteReply',
        election: 'e',
        nonce: 9,
        refusal: 'term',
        knownTerm: term,
        leader: null,
      })
    learn(2003)
    expect(known(lab, 'b')).toBe(2003)
    learn(4003)
    expect(known(lab, 'b'), 'too soon').toBe(2003)
    learn(3003)
    expect(known(lab, 'b')).toBe(3003)
    lab.pass(59_999)
    learn(9000)
    expect(known(lab, 'b')).toBe(3003)
    lab.pass(1)
    learn(9000)
    expect(known(lab, 'b')).toBe(9000)
  })

  it('R44: a request that is refused for another reason does not use up the jump', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    for (const term of [1000, 2000, 3000]) tell(lab, 'c', term)
    // c is stuck far above. It asks, is refused, and a hears of its term by the answer to its announcement (R22).
    for (let i = 0; i < 3; i++) {
      stand(lab, 'c')
      lab.deliver(along('c', 'a'))
      expect(lastPart(lab, 'a', 'c', 'voteReply').refusal).toBe('leading')
      lab.drop()
      keep(lab, 450, 'a-b')
    }
    expect(known(lab, 'a')).toBe(1)
    keep(lab, 500, 'a-b', 'a-c')
    expect(effects(lab, 'a', 'alarm')).toHaveLength(0)
    expect(lab.leads('a')).toBe(true)
    expect(lab.election('a').lead?.term).toBeGreaterThan(3000)
    expect(boundTo(lab, 'c')).toBe('a')
  })

  it('R44: what is no term is refused below the floor, too, before it is compared with anything', () => {
    for (const term of [0.5, 999.5, -1, -0.5]) {
      const lab = quiet('abc')
      lab.node('b').state.termFloor = 1000
      say(lab, 'a', 'b', hello(60), { kind: 'release', election: 'e', term, successor: null })
      say(lab, 'a', 'b', { kind: 'bind', election: 'e', term }, ask(term))
      expect(known(lab, 'b'), `${term}`).toBe(0)
      expect(lab.election('b').slot.binding).toBeNull()
      expect(lastPart(lab, 'b', 'a', 'bindAck').grant).toBeNull()
      expect(lastPart(lab, 'b', 'a', 'voteReply').refusal).toBe('limit')
      expect(effects(lab, 'b', 'alarm').map(({ code }) => code)).toContain('termJump')
    }
  })

  it('R44: one’s own durable term is no jump', () => {
    const lab = quiet('abc')
    tell(lab, 'a', 700_000)
    tell(lab, 'b', 700_000)
    elect(lab, 'a', 'b')
    lab.crash('b')
    lab.restart('b')
    expect(lab.election('b').slot.knownTerm).toBe(700_001)
    expect(effects(lab, 'b', 'alarm')).toHaveLength(0)
  })
})
