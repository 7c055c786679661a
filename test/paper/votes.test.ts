/**
 * Terms and votes, rule by rule (PROTOCOL A.4: R1-R4, R6-R9).
 *
 * Each test puts one sentence of a rule to the shipping `step`, by hand.
 */
import { describe, expect, it } from 'vitest'
import { nextDeadline, type PreVote, type RequestVote } from '../../src/core'
import {
  along,
  beat,
  binding,
  boundTo,
  effects,
  elect,
  end,
  exchange,
  grantAt,
  keep,
  known,
  type Lab,
  lastPart,
  parts,
  quiet,
  renounce,
  say,
  silence,
  stand,
  talk,
  tell,
} from '../core/story'

const beatOf = (round: number) =>
  ({ kind: 'heartbeat', round, promiseMs: 1000, probe: false, prompt: true }) as const
const ask = (term: number, nonce = 1): RequestVote => ({
  kind: 'requestVote',
  election: 'e',
  term,
  nonce,
  certificate: null,
})
const sound = (term: number, nonce = 1): PreVote => ({ kind: 'preVote', election: 'e', term, nonce })

/** One request behind a heartbeat, and the answer to it. */
function answerTo(lab: Lab, from: string, to: string, round: number, request: RequestVote) {
  const before = parts(lab, to, from, 'voteReply').length
  say(lab, from, to, beatOf(round), request)
  const answers = parts(lab, to, from, 'voteReply').slice(before)
  expect(answers).toHaveLength(1)
  return answers[0]
}

describe('R1: persist first', () => {
  it('R1: a yes leaves when the write that holds it is done, a no leaves at once', () => {
    const lab = quiet('abc')
    lab.holdWrites.add('b')
    say(lab, 'a', 'b', beatOf(50), ask(1))
    expect(parts(lab, 'b', 'a', 'voteReply')).toHaveLength(0)
    expect(boundTo(lab, 'b'), 'bound from the decision on').toBe('a')
    expect(answerTo(lab, 'c', 'b', 50, ask(2)), 'so another one is refused meanwhile').toMatchObject({
      refusal: 'bound',
    })
    lab.completeWrite('b')
    expect(parts(lab, 'b', 'a', 'voteReply')).toMatchObject([{ term: 1, grant: grantAt(lab, 'b', 'a') }])
  })

  it('R1: the yes is not sent if the binding was replaced while the write ran', () => {
    const lab = quiet('abc')
    lab.holdWrites.add('b')
    say(lab, 'a', 'b', beatOf(50), ask(1))
    say(lab, 'a', 'b', { kind: 'release', election: 'e', term: 1, successor: null })
    say(lab, 'c', 'b', beatOf(50), ask(2, 7))
    lab.completeWrite('b')
    expect(parts(lab, 'b', 'a', 'voteReply')).toHaveLength(0)
    expect(parts(lab, 'b', 'c', 'voteReply')).toMatchObject([{ term: 2, nonce: 7 }])
  })

  it('R1: an ack of a longer promise than ever leaves when that promise is durable', () => {
    const lab = quiet('abc')
    lab.holdWrites.add('b')
    say(lab, 'a', 'b', { ...beatOf(50), promiseMs: 2500 })
    expect(parts(lab, 'b', 'a', 'ack').filter(({ renewed }) => renewed)).toHaveLength(0)
    say(lab, 'c', 'b', beatOf(50))
    lab.completeWrite('b')
    expect(lab.node('b').disk.process.maxPromiseMs).toBe(2500)
    expect(parts(lab, 'b', 'a', 'ack').at(-1)).toMatchObject({ round: 50, renewed: true })
  })

  it('R1: votes of one turn share one write', () => {
    const names = ['e', 'f', 'g']
    const lab = quiet('abc', { elections: names })
    const requests = names.map((election) => ({ ...ask(1), election }))
    const before = effects(lab, 'b', 'persist').length
    say(lab, 'a', 'b', beatOf(50), ...requests)
    const writes = effects(lab, 'b', 'persist').slice(before)
    expect(writes).toHaveLength(1)
    expect([...(writes[0]?.terms ?? [])]).toEqual(names.map((name) => [name, 1]))
    expect(parts(lab, 'b', 'a', 'voteReply')).toHaveLength(3)
  })

  it('R1: after a failed write a voter votes and acks no more', () => {
    const lab = quiet('abc')
    lab.act('b', { type: 'storageFailed' })
    const said = lab.sent.length
    say(lab, 'a', 'b', beatOf(50), { kind: 'bind', election: 'e', term: 3 })
    expect(lab.sent).toHaveLength(said)
    say(lab, 'a', 'b', sound(9), ask(9))
    expect(lastPart(lab, 'b', 'a', 'preVoteReply').refusal).toBe('storage')
    expect(lastPart(lab, 'b', 'a', 'voteReply').refusal).toBe('storage')
    expect(stand(lab, 'b')).toBe(false)
    expect(effects(lab, 'b', 'persist')).toHaveLength(0)
  })
})

describe('R2: one vote per term, strictly upward', () => {
  it('R2: no vote for a term that is not above the known one', () => {
    const lab = quiet('abc')
    tell(lab, 'b', 5)
    expect(answerTo(lab, 'a', 'b', 50, ask(4))).toMatchObject({ grant: null, refusal: 'term', knownTerm: 5 })
    expect(answerTo(lab, 'a', 'b', 51, ask(5))).toMatchObject({ grant: null, refusal: 'term', knownTerm: 5 })
    expect(answerTo(lab, 'a', 'b', 52, ask(6))).toMatchObject({ refusal: null, knownTerm: 6 })
  })

  it('R2: a second candidate of the same term is refused, also after the first one let go', () => {
    const lab = quiet('abc')
    expect(answerTo(lab, 'a', 'b', 50, ask(1))?.refusal).toBeNull()
    expect(answerTo(lab, 'c', 'b', 50, ask(1))?.grant).toBeNull()
    say(lab, 'a', 'b', { kind: 'release', election: 'e', term: 1, successor: null })
    expect(answerTo(lab, 'c', 'b', 51, ask(1))).toMatchObject({ grant: null, refusal: 'term' })
  })

  it('R2: a repeated request is answered yes while the binding that the first answer made is active', () => {
    const lab = quiet('abc')
    const first = answerTo(lab, 'a', 'b', 50, ask(1))
    expect(answerTo(lab, 'a', 'b', 51, ask(1))).toEqual(first)
    lab.pass(1000)
    expect(answerTo(lab, 'a', 'b', 52, ask(1)), 'the grant ran out').toMatchObject({
      grant: null,
      refusal: 'term',
    })
    expect(answerTo(lab, 'a', 'b', 53, ask(2)), 'so the candidate goes on to the next term').toMatchObject({
      refusal: null,
    })
  })

  it('R2: an announced leader gets no vote for its term, whoever the voter voted for', () => {
    const lab = quiet('abc')
    say(lab, 'a', 'b', beatOf(50), { kind: 'bind', election: 'e', term: 4 })
    expect(boundTo(lab, 'b')).toBe('a')
    expect(answerTo(lab, 'a', 'b', 51, ask(4))).toMatchObject({ grant: null, refusal: 'term' })
    expect(lab.node('b').disk.terms.get('e') ?? 0, 'nothing was persisted for it').toBe(0)
  })

  it('R2: a vote that was forgotten in a restart cannot be given twice, because its term is durable', () => {
    const lab = quiet('abc')
    expect(answerTo(lab, 'a', 'b', 50, ask(1))?.refusal).toBeNull()
    lab.crash('b')
    lab.restart('b')
    lab.connect()
    lab.drop()
    lab.pass(1000)
    expect(answerTo(lab, 'c', 'b', 60, ask(1))).toMatchObject({ grant: null, refusal: 'term', knownTerm: 1 })
    expect(answerTo(lab, 'a', 'b', 60, ask(1))).toMatchObject({ grant: null, refusal: 'term' })
  })
})

describe('R3: campaigns', () => {
  it('R3: nobody stands while its own voter is bound to another', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    expect(stand(lab, 'b')).toBe(false)
    expect(lab.election('b').campaign).toBeNull()
    lab.pass(1000)
    expect(stand(lab, 'b')).toBe(true)
  })

  it('R3: the end of a campaign wakes its process, and nothing does when it was won before', () => {
    const lab = quiet('abc', { timing: { campaignMs: 30 } })
    const { state } = lab.node('a')
    beat(lab, 'a')
    lab.drop()
    stand(lab, 'a')
    expect(nextDeadline(state)).toBe(lab.clock('a') + 30)
    lab.pass(10)
    talk(lab, 'a', 'b')
    lab.drop()
    expect(lab.leads('a')).toBe(true)
    expect(nextDeadline(state)).toBeGreaterThan(lab.clock('a') + 30)
  })

  it('R3: a pre-vote quorum does not make a campaign while the own voter is bound', () => {
    const lab = quiet('abc', { preVote: true })
    stand(lab, 'b')
    expect(lab.election('b').campaign?.phase).toBe('preVote')
    say(lab, 'a', 'b', beatOf(50), ask(1))
    expect(boundTo(lab, 'b')).toBe('a')
    lab.deliver(along('b', 'c'))
    lab.deliver(along('c', 'b'))
    expect(lab.election('b').campaign?.phase ?? 'none').not.toBe('vote')
    expect(boundTo(lab, 'b')).toBe('a')
  })

  it('R3: a campaign is for the term after the known one, with the own vote on its way to the disk and a new nonce', () => {
    const lab = quiet('abc')
    tell(lab, 'a', 6)
    lab.holdWrites.add('a')
    stand(lab, 'a')
    expect(effects(lab, 'a', 'persist').at(-1)?.terms.get('e')).toBe(7)
    expect(binding(lab, 'a')).toMatchObject({ leader: 'a', term: 7 })
    const first = lastPart(lab, 'a', 'b', 'requestVote')
    expect(first.term).toBe(7)
    lab.drop()
    lab.completeWrite('a')
    lab.holdWrites.clear()
    lab.pass(400)
    stand(lab, 'a')
    const second = lastPart(lab, 'a', 'b', 'requestVote')
    expect(second.term).toBe(8)
    expect(second.nonce).not.toBe(first.nonce)
  })

  it('R3: the request stands behind a heartbeat of the round that was stamped for it', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    const [frame] = lab.wire.filter(along('a', 'b'))
    expect(frame?.parts.map(({ kind }) => kind)).toEqual(['heartbeat', 'requestVote'])
    expect(frame?.parts[0]).toMatchObject({ probe: false, round: lab.node('a').state.round })
  })

  it('R3: a campaign is void after its time, on read: the last yes comes too late', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    lab.pass(400)
    lab.deliver(along('b', 'a'))
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
    expect(lab.election('a').campaign).toBeNull()
  })

  it('R3: the self-vote obeys the boot wait', () => {
    const lab = quiet('abc')
    lab.crash('a')
    lab.restart('a')
    lab.connect()
    lab.contend('e', ['a'])
    lab.deliver()
    lab.pass(999)
    expect(stand(lab, 'a')).toBe(false)
    lab.pass(1)
    expect(stand(lab, 'a')).toBe(true)
  })

  it('R3: nobody stands who cannot reach a quorum', () => {
    const lab = quiet('abc')
    for (const peer of ['b', 'c']) lab.act('a', { type: 'closed', peer, incarnation: 1 })
    expect(stand(lab, 'a')).toBe(false)
    lab.connect([['a', 'b']])
    expect(stand(lab, 'a')).toBe(true)
  })
})

describe('R4: counting', () => {
  it('R4: the same yes twice is one vote', () => {
    const lab = quiet('abcde')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    for (const frame of lab.hold(along('b', 'a'))) for (let i = 0; i < 5; i++) lab.hand(frame)
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
    talk(lab, 'a', 'c')
    expect(lab.leads('a')).toBe(true)
  })

  it('R4: a yes of another term, another nonce or another election does not count', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const { term, nonce, grant } = lastPart(lab, 'b', 'a', 'voteReply')
    lab.drop(along('b', 'a', 'voteReply'))
    lab.deliver(along('b', 'a'))
    const yes = {
      kind: 'voteReply',
      election: 'e',
      term,
      nonce,
      grant,
      refusal: null,
      knownTerm: term,
      leader: null,
    } as const
    say(lab, 'b', 'a', { ...yes, term: term + 1 }, { ...yes, nonce: nonce + 1 }, { ...yes, election: 'f' })
    expect(lab.election('a').campaign?.grants.size).toBe(1)
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
    say(lab, 'b', 'a', yes)
    expect(lab.leads('a')).toBe(true)
  })

  it('R4: a yes that outlives its campaign does not count for the next one', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const late = lab.hold(along('b', 'a', 'voteReply'))
    lab.deliver(along('b', 'a'))
    lab.drop()
    lab.pass(400)
    stand(lab, 'a')
    lab.drop()
    expect(lab.election('a').campaign?.term).toBe(2)
    for (const frame of late) lab.hand(frame)
    expect([...(lab.election('a').campaign?.grants.keys() ?? [])]).toEqual(['a'])
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
  })

  it('R4: the quorum is that of the configuration, not of those who are connected', () => {
    const lab = quiet('abcde')
    for (const peer of ['c', 'd']) lab.act('a', { type: 'closed', peer, incarnation: 1 })
    stand(lab, 'a')
    talk(lab, 'a', 'b')
    expect([...(lab.election('a').campaign?.grants.keys() ?? [])].sort()).toEqual(['a', 'b'])
    expect(effects(lab, 'a', 'elected'), 'two of the three that are left').toHaveLength(0)
  })

  it('R4: whoever is no voter has no vote', () => {
    const lab = quiet('abcx', { voters: ['a', 'b', 'c'] })
    stand(lab, 'a')
    const { term, nonce } = lastPart(lab, 'a', 'b', 'requestVote')
    const { round } = lastPart(lab, 'a', 'b', 'heartbeat')
    say(
      lab,
      'x',
      'a',
      { kind: 'ack', round, grant: '1.1', renewed: true },
      {
        kind: 'voteReply',
        election: 'e',
        term,
        nonce,
        grant: '1.1',
        refusal: null,
        knownTerm: term,
        leader: null,
      },
    )
    expect(lab.election('a').campaign?.grants.size).toBe(1)
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
  })

  it('R7: a process without a vote gives none', () => {
    const lab = quiet('abx', { voters: ['a', 'b'] })
    say(lab, 'a', 'x', beatOf(50), ask(1), sound(1))
    expect(lastPart(lab, 'x', 'a', 'voteReply').grant).toBeNull()
    expect(lastPart(lab, 'x', 'a', 'preVoteReply').refusal).not.toBeNull()
  })
})

describe('R6: one leader per term', () => {
  it('R6: a second announced leader of one term is refused and reported', () => {
    const lab = quiet('abc')
    say(lab, 'a', 'b', beatOf(50), { kind: 'bind', election: 'e', term: 3 })
    say(lab, 'c', 'b', beatOf(50), { kind: 'bind', election: 'e', term: 3 })
    expect(lastPart(lab, 'b', 'c', 'bindAck').grant).toBeNull()
    expect(boundTo(lab, 'b')).toBe('a')
    expect(effects(lab, 'b', 'alarm')).toMatchObject([{ code: 'invariantViolation', process: 'c' }])
  })

  it('R6: a leader that is told of another leader of its own term refuses and reports', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    say(lab, 'c', 'a', beatOf(50), { kind: 'bind', election: 'e', term: 1 })
    expect(lastPart(lab, 'a', 'c', 'bindAck').grant).toBeNull()
    expect(effects(lab, 'a', 'alarm')).toMatchObject([{ code: 'invariantViolation', process: 'c' }])
    expect(lab.leads('a')).toBe(true)
  })

  it('R6, R15: an announcement of a higher term to a process with a valid lease is refused and reported', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    say(lab, 'c', 'a', beatOf(50), { kind: 'bind', election: 'e', term: 2 })
    expect(effects(lab, 'a', 'alarm')).toMatchObject([{ code: 'invariantViolation' }])
    expect(lab.leads('a')).toBe(true)
    expect(boundTo(lab, 'a')).toBe('a')
  })

  it('R6: a voter that voted for a loser of the term binds itself to the announced winner', () => {
    const lab = quiet('abc')
    say(lab, 'a', 'b', beatOf(50), ask(3))
    say(lab, 'c', 'b', beatOf(50), { kind: 'bind', election: 'e', term: 3 })
    expect(boundTo(lab, 'b')).toBe('c')
    expect(effects(lab, 'b', 'alarm')).toHaveLength(0)
  })

  it('R6: who led an older term and renounced a newer one does not stand in the way of the newer leader', () => {
    const lab = quiet('abc')
    say(lab, 'a', 'b', beatOf(50), { kind: 'bind', election: 'e', term: 3 })
    say(lab, 'a', 'b', { kind: 'release', election: 'e', term: 4, successor: null })
    say(lab, 'c', 'b', beatOf(50), { kind: 'bind', election: 'e', term: 4 })
    expect(effects(lab, 'b', 'alarm')).toHaveLength(0)
    expect(boundTo(lab, 'b')).toBe('c')
  })
})

describe('R7: granting', () => {
  it('R7: the vote is the binding, and the reply names its grant', () => {
    const lab = quiet('abc')
    const reply = answerTo(lab, 'a', 'b', 50, ask(1))
    const grant = grantAt(lab, 'b', 'a')
    expect(reply).toMatchObject({ grant, term: 1 })
    expect(binding(lab, 'b')).toEqual({
      leader: 'a',
      incarnation: 1,
      term: 1,
      grant,
      led: false,
      released: false,
    })
  })

  it('R7: no vote without a session: a request behind a probe or an old round is refused', () => {
    const lab = quiet('abc')
    say(lab, 'a', 'b', { ...beatOf(50), probe: true }, ask(1))
    expect(lastPart(lab, 'b', 'a', 'voteReply')).toMatchObject({ grant: null, refusal: 'session' })
    say(lab, 'a', 'b', beatOf(50))
    lab.pass(1000)
    expect(answerTo(lab, 'a', 'b', 50, ask(1))).toMatchObject({ grant: null, refusal: 'session' })
    expect(known(lab, 'b')).toBe(0)
  })

  it('R7: no vote while bound to another, and a higher life of the holder is another', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    expect(answerTo(lab, 'c', 'b', 50, ask(2))).toMatchObject({ refusal: 'bound', leader: 'a' })
    // Its binding is of life 1; the vote of life 2 needs that to be over first (R54), and then makes a new one.
    lab.crash('a')
    lab.restart('a')
    lab.connect([['a', 'b']])
    lab.drop()
    expect(boundTo(lab, 'b')).toBeNull()
    expect(answerTo(lab, 'a', 'b', 50, ask(2))?.refusal).toBeNull()
    expect(binding(lab, 'b')).toMatchObject({ incarnation: 2 })
  })

  it('R7: one and the same holder may go on to a higher term', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    expect(answerTo(lab, 'a', 'b', 50, ask(2))?.refusal).toBeNull()
  })

  it('R7: no vote in boot wait, none while leading, none for a term at or under the floor', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    expect(answerTo(lab, 'c', 'a', 50, ask(9))).toMatchObject({ refusal: 'leading' })
    lab.crash('b')
    lab.restart('b')
    lab.connect([['b', 'c']])
    lab.drop()
    expect(answerTo(lab, 'c', 'b', 51, ask(9))).toMatchObject({ refusal: 'boot' })
    lab.pass(1000)
    lab.node('b').state.termFloor = 20
    expect(answerTo(lab, 'c', 'b', 52, ask(20))).toMatchObject({ refusal: 'floor', knownTerm: 20 })
    expect(answerTo(lab, 'c', 'b', 53, ask(21))?.refusal).toBeNull()
  })

  it('R7: the own campaign in a lower term is conceded, in an equal or higher one not', () => {
    const lab = quiet('abc')
    tell(lab, 'b', 4)
    stand(lab, 'b')
    expect(answerTo(lab, 'a', 'b', 50, ask(5))).toMatchObject({ refusal: 'term' })
    expect(lab.election('b').campaign?.term).toBe(5)
    expect(answerTo(lab, 'a', 'b', 51, ask(6))?.refusal).toBeNull()
    expect(lab.election('b').campaign).toBeNull()
    expect(boundTo(lab, 'b')).toBe('a')
    expect(parts(lab, 'b', 'c', 'release'), 'and renounced').toMatchObject([{ term: 5 }])
  })

  it('R7: a refusal adopts no term, so nobody is deposed by asking', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    for (const voter of ['a', 'b']) {
      expect(answerTo(lab, 'c', voter, 50, ask(40))?.grant).toBeNull()
      expect(known(lab, voter)).toBe(1)
    }
    exchange(lab, 'a', 'b')
    expect(lab.leads('a')).toBe(true)
    expect(lab.election('a').campaign).toBeNull()
  })
})

describe('R8: pre-vote', () => {
  it('R8: changes nothing at the voter: no term, no vote, no support, no timer', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    keep(lab, 250, 'a-b', 'a-c')
    for (const voter of ['a', 'b']) {
      const before = structuredClone(lab.node(voter).state)
      for (let i = 0; i < 50; i++) say(lab, 'c', voter, sound(2 + i, i))
      const after = structuredClone(lab.node(voter).state)
      for (const state of [before, after]) {
        const election = state.elections.get('e')
        if (election !== undefined) election.parked = null
      }
      expect(after).toEqual(before)
    }
    expect(lab.leads('a')).toBe(true)
  })

  it('R8: the answer is by the rule of the vote', () => {
    const lab = quiet('abc')
    const verdict = (voter: string, term: number) => {
      say(lab, 'c', voter, sound(term))
      return lastPart(lab, voter, 'c', 'preVoteReply')
    }
    expect(verdict('b', 1)).toMatchObject({ refusal: null })
    expect(verdict('b', 0)).toMatchObject({ refusal: 'term' })
    elect(lab, 'a', 'b')
    expect(verdict('b', 2)).toMatchObject({ refusal: 'bound', leader: 'a', knownTerm: 1 })
    expect(verdict('a', 2)).toMatchObject({ refusal: 'leading', leader: 'a' })
    lab.crash('b')
    lab.restart('b')
    lab.connect([['b', 'c']])
    expect(verdict('b', 9)).toMatchObject({ refusal: 'boot' })
  })

  it('R8: no campaign without a quorum of pre-votes', () => {
    const lab = quiet('abcde', { preVote: true })
    stand(lab, 'a')
    expect(lab.election('a').campaign?.phase).toBe('preVote')
    expect(lab.election('a').topTerm).toBe(0)
    talk(lab, 'a', 'b')
    expect(lab.election('a').campaign?.phase).toBe('preVote')
    expect(effects(lab, 'a', 'persist')).toHaveLength(0)
    lab.deliver(along('a', 'c'))
    lab.deliver(along('c', 'a'))
    expect(lab.election('a').campaign?.phase).toBe('vote')
  })

  it('R8: the answer carries the known term, so that a stale asker catches up at once', () => {
    const lab = quiet('abc', { preVote: true })
    tell(lab, 'b', 12)
    stand(lab, 'a')
    talk(lab, 'a', 'b')
    expect(parts(lab, 'a', 'b', 'preVote').map(({ term }) => term)).toEqual([1, 13])
    expect(lab.leads('a')).toBe(true)
    expect(lab.election('a').lead?.term).toBe(13)
  })

  it('R8: it is what keeps a send-only process from campaigning at all', () => {
    const lab = quiet('abc', { preVote: true })
    for (let i = 0; i < 20; i++) {
      stand(lab, 'c')
      silence(lab, 500)
    }
    expect(known(lab, 'c')).toBe(0)
    expect(effects(lab, 'c', 'persist')).toHaveLength(0)
  })

  it('R8: is skipped by whoever holds evidence that the leader let go', () => {
    for (const way of ['release', 'sessionEnd', 'death'] as const) {
      const lab = quiet('abc', { preVote: true })
      stand(lab, 'a')
      talk(lab, 'a', 'b')
      expect(lab.leads('a')).toBe(true)
      lab.drop()
      if (way === 'release') renounce(lab, 'a')
      if (way === 'sessionEnd') end(lab, 'a')
      if (way === 'death') {
        lab.crash('a')
        lab.act('b', { type: 'death', process: 'a', storageId: 'disk-a', incarnation: 1, key: '' })
      }
      lab.deliver(along('a', 'b'))
      stand(lab, 'b')
      expect(lab.election('b').campaign?.phase, way).toBe('vote')
    }
  })

  it('R8: is not skipped after a mere lapse', () => {
    const lab = quiet('abc', { preVote: true })
    stand(lab, 'a')
    talk(lab, 'a', 'b')
    lab.drop()
    silence(lab, 1050)
    expect(boundTo(lab, 'b')).toBeNull()
    stand(lab, 'b')
    expect(lab.election('b').campaign?.phase).toBe('preVote')
  })
})

describe('R9: where terms come from', () => {
  it('R9: learnt terms are volatile, voted terms durable', () => {
    const lab = quiet('abc')
    tell(lab, 'a', 30)
    expect(known(lab, 'a')).toBe(30)
    expect(effects(lab, 'a', 'persist')).toHaveLength(0)
    lab.crash('a')
    lab.restart('a')
    lab.connect()
    expect(lab.node('a').state.elections.get('e')?.slot.knownTerm ?? 0).toBe(0)
    lab.contend('e', ['a'])
    lab.pass(1000)
    tell(lab, 'a', 30)
    stand(lab, 'a')
    lab.crash('a')
    lab.restart('a')
    expect(lab.election('a').slot.knownTerm).toBe(31)
  })

  it('R9: a term is learnt from a refusal to vote, to bind and to pre-vote alike', () => {
    const lab = quiet('abc')
    const no = {
      kind: 'voteReply',
      election: 'e',
      nonce: -1,
      grant: null,
      refusal: 'term',
      leader: null,
    } as const
    say(lab, 'b', 'a', { ...no, term: 1, knownTerm: 3 })
    expect(known(lab, 'a')).toBe(3)
    say(lab, 'b', 'a', { kind: 'bindAck', election: 'e', term: 1, grant: null, knownTerm: 5 })
    expect(known(lab, 'a')).toBe(5)
    tell(lab, 'a', 7)
    expect(known(lab, 'a')).toBe(7)
  })
})
