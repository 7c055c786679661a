/**
 * Keeping the other voters informed, rule by rule (PROTOCOL A.4: R61-R63, R65, R69's items, R70).
 *
 * Each test puts one sentence of a rule to the shipping `step`, by hand.
 */
import { describe, expect, it } from 'vitest'
import type { Part } from '../../src/core'
import {
  along,
  beat,
  binding,
  boundTo,
  effects,
  elect,
  exchange,
  grantAt,
  keep,
  known,
  type Lab,
  lastPart,
  parts,
  partsOf,
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
const bind = (term: number): Part => ({ kind: 'bind', election: 'e', term })
const release = (term: number): Part => ({ kind: 'release', election: 'e', term, successor: null })

/** Items on the next heartbeat frame from one process to another. */
function repeated(lab: Lab, from: string, to: string): Part['kind'][] {
  lab.drop()
  lab.pass(100)
  lab.tick(from)
  const frames = lab.hold(along(from, to))
  return frames
    .flatMap(({ parts: said }) => said.map(({ kind }) => kind))
    .filter((kind) => kind !== 'heartbeat')
}

describe('R61: one slot per election', () => {
  it('R61: the known term never falls, whatever arrives', () => {
    const lab = quiet('abc')
    const terms: number[] = []
    let round = 50
    for (const part of [bind(4), release(2), bind(3), release(9), bind(5), bind(9), release(1)]) {
      round += 1
      say(lab, 'a', 'b', hello(round), part)
      terms.push(known(lab, 'b'))
    }
    expect(terms).toEqual([...terms].sort((x, y) => x - y))
    expect(terms.at(-1)).toBe(9)
  })

  it('R61: making a binding needs a term at or above the known one', () => {
    const lab = quiet('abc')
    tell(lab, 'b', 5)
    say(lab, 'a', 'b', hello(50), bind(4))
    expect(boundTo(lab, 'b')).toBeNull()
    say(lab, 'a', 'b', bind(5))
    expect(boundTo(lab, 'b')).toBe('a')
  })
})

describe('R62: announce', () => {
  it('R62: after a win everybody is told, and told again until the answer comes', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    for (let i = 0; i < 3; i++) expect(repeated(lab, 'a', 'c')).toEqual(['bind'])
    beat(lab, 'a')
    talk(lab, 'a', 'c')
    expect(binding(lab, 'c')).toMatchObject({ leader: 'a', term: 1, led: true })
    expect(repeated(lab, 'a', 'c')).toEqual([])
  })

  it('R62: the announcement tells the voters of the winner that the term is led', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    expect(binding(lab, 'b')?.led).toBe(false)
    expect(effects(lab, 'b', 'leaderChanged')).toHaveLength(0)
    talk(lab, 'a', 'b')
    expect(binding(lab, 'b')?.led).toBe(true)
    expect(effects(lab, 'b', 'leaderChanged')).toMatchObject([{ leader: 'a', term: 1 }])
  })

  it('R62: a voter binds only while the session of the sender stands, and under its present grant', () => {
    const lab = quiet('abc')
    say(lab, 'a', 'b', bind(3))
    expect(lastPart(lab, 'b', 'a', 'bindAck')).toMatchObject({ grant: null })
    expect(known(lab, 'b')).toBe(0)
    say(lab, 'a', 'b', hello(50), bind(3))
    expect(lastPart(lab, 'b', 'a', 'bindAck').grant).toBe(grantAt(lab, 'b', 'a'))
    expect(binding(lab, 'b')?.grant).toBe(grantAt(lab, 'b', 'a'))
  })

  it('R62: a lower term is answered with the higher one, and the item is answered by that', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    tell(lab, 'c', 6)
    say(lab, 'a', 'c', hello(50), bind(1))
    const answer = lastPart(lab, 'c', 'a', 'bindAck')
    expect(answer).toMatchObject({ grant: null, knownTerm: 6 })
    expect(lab.node('a').state.accounts.get('c')?.facts.size).toBe(1)
    say(lab, 'c', 'a', answer)
    expect(lab.node('a').state.accounts.get('c')?.facts.size).toBe(0)
    expect(lab.election('a').campaign?.term, 'a stands above it').toBe(7)
  })

  it('R62: nothing is persisted for it', () => {
    const lab = quiet('abc')
    say(lab, 'a', 'b', hello(50), bind(3))
    expect(effects(lab, 'b', 'persist')).toHaveLength(0)
  })

  it('R62: a voter whose support lapsed, or that restarted, is told again of everything led, in one batch', () => {
    const names = ['e', 'f', 'g']
    const lab = quiet('abc', { elections: names })
    for (const name of names) elect(lab, 'a', 'bc', name)
    keep(lab, 100, 'a-b', 'a-c')
    keep(lab, 1100, 'a-c')
    exchange(lab, 'a', 'b')
    beat(lab, 'a')
    lab.deliver(along('a', 'b'))
    lab.deliver(along('b', 'a'))
    const [batch] = lab.wire.filter(along('a', 'b'))
    expect(batch?.parts.map((part) => 'election' in part && part.election)).toEqual(names)
    talk(lab, 'a', 'b')
    for (const name of names) expect(boundTo(lab, 'b', name)).toBe('a')

    lab.crash('b')
    lab.restart('b')
    lab.connect([['a', 'b']])
    talk(lab, 'a', 'b')
    for (const name of names) expect(boundTo(lab, 'b', name)).toBe('a')
  })

  it('R62: a voter in boot wait binds itself', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    lab.crash('b')
    lab.restart('b')
    lab.connect([['a', 'b']])
    talk(lab, 'a', 'b')
    expect(lab.node('b').state.bootUntil).toBeGreaterThan(lab.at)
    expect(boundTo(lab, 'b')).toBe('a')
  })

  it('R62, R65: an announcement accepted after its leadership ended is answered by a release', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    talk(lab, 'a', 'c')
    beat(lab, 'a')
    const late = lab.hold(along('a', 'b'))
    lab.act('a', { type: 'renounce', election: 'e', reason: 'resigned', to: null, cooldownMs: 0 })
    lab.drop()
    // The owed release is lost with everything else: pretend that it was answered.
    say(lab, 'b', 'a', { kind: 'releaseAck', election: 'e', term: 1 })
    for (const frame of late) lab.hand(frame)
    expect(boundTo(lab, 'b')).toBe('a')
    talk(lab, 'a', 'b')
    expect(boundTo(lab, 'b')).toBeNull()
  })
})

describe('R63: release', () => {
  it('R63: frees the slot of its holder for every term up to the one named', () => {
    for (const [held, released, free] of [
      [3, 3, true],
      [3, 5, true],
      [3, 2, false],
    ] as const) {
      const lab = quiet('abc')
      say(lab, 'a', 'b', hello(50), bind(held))
      say(lab, 'a', 'b', release(released))
      expect(boundTo(lab, 'b') === null, `${released} of ${held}`).toBe(free)
    }
  })

  it('R63: raises the known term while nobody else is bound, so that what it overtook is refused', () => {
    const lab = quiet('abc')
    say(lab, 'a', 'b', release(4))
    expect(known(lab, 'b')).toBe(4)
    say(lab, 'a', 'b', hello(50), bind(4))
    expect(lastPart(lab, 'b', 'a', 'bindAck').grant).toBeNull()
    say(lab, 'a', 'b', { kind: 'requestVote', election: 'e', term: 4, nonce: 1, certificate: null })
    expect(lastPart(lab, 'b', 'a', 'voteReply').refusal).toBe('term')
  })

  it('R63: neither touches another holder’s binding nor raises the term over it', () => {
    const lab = quiet('abc')
    say(lab, 'a', 'b', hello(50), bind(3))
    const held = binding(lab, 'b')
    say(lab, 'c', 'b', release(3), release(90))
    expect(binding(lab, 'b')).toEqual(held)
    expect(known(lab, 'b')).toBe(3)
  })

  it('R63: is of one life: a newer one of the same process is not touched by it', () => {
    const lab = quiet('abc')
    lab.crash('a')
    lab.restart('a')
    lab.connect([['a', 'b']])
    lab.drop()
    say(lab, 'a', 'b', hello(50), bind(3))
    lab.act('b', { type: 'frame', from: 'a', fromIncarnation: 1, toIncarnation: 1, parts: [release(9)] })
    expect(boundTo(lab, 'b')).toBe('a')
    expect(known(lab, 'b')).toBe(3)
  })

  it('R63: is repeated until it is answered, and needs no session', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    renounce(lab, 'a')
    keep(lab, 1500)
    expect(grantAt(lab, 'b', 'a')).toBeNull()
    lab.pass(500)
    lab.tick('a')
    expect(lab.hold(along('a', 'b', 'release'))).toHaveLength(1)
    lab.pass(500)
    lab.tick('a')
    talk(lab, 'a', 'b')
    expect(known(lab, 'b')).toBe(1)
    lab.pass(500)
    lab.tick('a')
    expect(lab.hold(along('a', 'b', 'release'))).toHaveLength(0)
  })

  it('R63: only the answer to the newest one counts', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    renounce(lab, 'a')
    const [old] = lab.hold(along('a', 'b', 'release'))
    lab.drop()
    stand(lab, 'a')
    lab.drop()
    lab.pass(400)
    lab.tick('a')
    lab.drop()
    lab.hand(old as NonNullable<typeof old>)
    lab.deliver(along('b', 'a', 'releaseAck'))
    expect(lab.node('a').state.accounts.get('b')?.facts.get('e')).toMatchObject({ kind: 'release', term: 2 })
  })

  it('R63: replaced only by an item of a higher term: a new leadership owes binds instead', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    renounce(lab, 'a')
    talk(lab, 'a', 'b')
    lab.drop()
    elect(lab, 'a', 'b')
    expect(lab.node('a').state.accounts.get('c')?.facts.get('e')).toEqual({
      kind: 'bind',
      election: 'e',
      term: 2,
    })
    expect(repeated(lab, 'a', 'c')).toEqual(['bind'])
  })

  it('R63: after a new life of the voter a release is owed no more', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    renounce(lab, 'a')
    lab.drop()
    lab.crash('b')
    lab.restart('b')
    lab.connect([['a', 'b']])
    expect(lab.wire.filter(along('a', 'b', 'release'))).toHaveLength(0)
  })

  it('R63: at the limit of elections a release is answered all the same, and reported once', () => {
    const lab = quiet('abc', { maxElections: 1 })
    for (let i = 0; i < 3; i++) {
      say(lab, 'a', 'b', { kind: 'release', election: 'another', term: 3, successor: null })
      expect(lastPart(lab, 'b', 'a', 'releaseAck')).toEqual({
        kind: 'releaseAck',
        election: 'another',
        term: 3,
      })
    }
    expect(effects(lab, 'b', 'alarm').map(({ code }) => code)).toEqual(['electionLimit'])
    expect(lab.node('b').state.elections.size).toBe(1)
  })
})

describe('R65: orphan grants', () => {
  const yes = (term: number, grant: string) =>
    ({
      kind: 'voteReply',
      election: 'e',
      term,
      nonce: 99,
      grant,
      refusal: null,
      knownTerm: term,
      leader: null,
    }) as const

  it('R65: a grant that no running campaign asked for is released, if one leads nothing', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const late = lab.hold(along('b', 'a', 'voteReply'))
    lab.drop()
    lab.pass(400)
    lab.tick('a')
    lab.drop()
    say(lab, 'b', 'a', { kind: 'releaseAck', election: 'e', term: 1 })
    expect(lab.node('a').state.accounts.get('b')?.facts.size).toBe(0)
    for (const frame of late) lab.hand(frame)
    expect(lab.hold(along('a', 'b', 'release'))).toHaveLength(1)
  })

  it('R65: it is counted, if it is of the present leadership or above', () => {
    const lab = quiet('abcde')
    stand(lab, 'a')
    lab.deliver(along('a', 'd'))
    const late = lab.hold(along('d', 'a', 'voteReply'))
    talk(lab, 'a', 'b')
    talk(lab, 'a', 'c')
    expect(lab.leads('a')).toBe(true)
    lab.drop()
    for (const frame of late) lab.hand(frame)
    expect(lab.election('a').lead?.bound.has('d')).toBe(true)
    expect(parts(lab, 'a', 'd', 'release')).toHaveLength(0)
  })

  it('R12, R65: it is counted also if it is the tenth of that voter, and its first ack has not come yet', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    for (let i = 2; i <= 12; i++) {
      say(lab, 'c', 'a', yes(1, `1.${i}`))
      expect(lab.election('a').lead?.bound.get('c')).toContain(`1.${i}`)
    }
    expect(lab.election('a').lead?.bound.get('c')).toHaveLength(4)
  })

  it('R65: below the led term it is answered by a bind, never by a release', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    lab.drop()
    lab.pass(400)
    elect(lab, 'a', 'b')
    expect(lab.election('a').lead?.term).toBe(2)
    say(lab, 'c', 'a', yes(1, '1.5'))
    const [answer] = lab.hold(along('a', 'c'))
    expect(answer?.parts).toEqual([bind(2)])
    expect(parts(lab, 'a', 'c', 'release').every(({ term }) => term < 2)).toBe(true)
  })

  it('R65: no process ever releases a term at or above one that it still leads', () => {
    const lab = quiet('abcde')
    elect(lab, 'a', 'bc')
    tell(lab, 'a', 5)
    stand(lab, 'a')
    lab.deliver(along('a', 'd'))
    const late = lab.hold(along('d', 'a', 'voteReply'))
    lab.drop()
    keep(lab, 150, 'a-c')
    lab.pass(300)
    beat(lab, 'a')
    talk(lab, 'a', 'c')
    expect(lab.election('a').campaign).toBeNull()
    expect(lab.leads('a')).toBe(true)
    for (const frame of late) lab.hand(frame)
    for (const voter of 'bcde') expect(parts(lab, 'a', voter, 'release')).toHaveLength(0)
  })
})

describe('R69: contention', () => {
  it('R69: is told to everybody, repeated until answered, and told again to a new life', () => {
    const lab = quiet('abc')
    lab.act('a', { type: 'contend', election: 'f', contending: true, priority: 7 })
    lab.drop()
    lab.pass(500)
    lab.tick('a')
    expect(lastPart(lab, 'a', 'b', 'contend')).toEqual({
      kind: 'contend',
      election: 'f',
      contending: true,
      priority: 7,
    })
    talk(lab, 'a', 'b')
    expect(lab.election('b', 'f').contenders.get('a')).toBe(7)
    lab.pass(500)
    lab.tick('a')
    expect(lab.hold(along('a', 'b', 'contend'))).toHaveLength(0)
    lab.crash('b')
    lab.restart('b')
    lab.connect([['a', 'b']])
    talk(lab, 'a', 'b')
    expect(lab.election('b', 'f').contenders.get('a')).toBe(7)
  })

  it('R69: leaving is told likewise; facts and contention do not stand in each other’s way', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.act('a', { type: 'contend', election: 'e', contending: false, priority: 0 })
    expect(lab.leads('a'), 'a leadership is not touched by that').toBe(true)
    expect(repeated(lab, 'a', 'c').sort()).toEqual(['bind', 'contend'])
    beat(lab, 'a')
    talk(lab, 'a', 'c')
    expect(lab.election('c').contenders.get('a')).toBe(Number.NEGATIVE_INFINITY)
    expect(boundTo(lab, 'c')).toBe('a')
  })
})

describe('R70: batching', () => {
  it('R70: what concerns one peer in one turn is one frame; what is to be written in one turn is one write', () => {
    const names = [...'efghijkl']
    const lab = quiet('abc', { elections: names })
    const turn = lab.act('b', {
      type: 'frame',
      from: 'a',
      fromIncarnation: 1,
      toIncarnation: 1,
      parts: [
        hello(60),
        ...names.map(
          (election): Part => ({ kind: 'requestVote', election, term: 1, nonce: 1, certificate: null }),
        ),
        { kind: 'contend', election: 'e', contending: true, priority: 0 },
        { kind: 'readTerm', election: 'e', nonce: 1 },
      ],
    })
    const sends = turn.filter(({ type }) => type === 'send')
    expect(sends.map((effect) => 'to' in effect && effect.to)).toEqual(['a'])
    expect(turn.filter(({ type }) => type === 'persist')).toHaveLength(1)
    expect(lab.wire.filter(along('b', 'a', 'voteReply')), 'all votes ride on one frame').toHaveLength(1)
    expect(parts(lab, 'b', 'a', 'voteReply')).toHaveLength(names.length)
  })

  it('R70: in no turn does any process send two frames to one peer, or write twice', () => {
    const lab = quiet('abcde', {
      preVote: true,
      succession: true,
      elections: ['e', 'f'],
      timing: { stepMs: 20 },
    })
    const act = lab.act.bind(lab)
    let turns = 0
    lab.act = (id, input) => {
      const turn = act(id, input)
      const to = turn.flatMap((effect) => (effect.type === 'send' ? [effect.to] : []))
      expect(new Set(to).size).toBe(to.length)
      expect(turn.filter(({ type }) => type === 'persist').length).toBeLessThanOrEqual(1)
      turns += 1
      return turn
    }
    lab.run(500)
    const leader = lab.leader() as string
    renounce(lab, leader, lab.ids.find((id) => id !== leader) as string)
    lab.run(2000)
    lab.crash(lab.leader('f') as string)
    lab.run(4000)
    expect(lab.leader('f')).not.toBeNull()
    expect(turns).toBeGreaterThan(300)
  })

  it('R70: a turn says everything once, also if it beats and decides at the same instant', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'bc', 'e')
    elect(lab, 'a', 'bc', 'f')
    lab.pass(5000)
    const from = lab.sent.length
    lab.tick('a')
    const frames = lab.sent.slice(from).filter(along('a', 'b'))
    expect(frames).toHaveLength(1)
    expect(partsOf(frames, 'heartbeat')).toHaveLength(1)
    expect(partsOf(frames, 'release').map(({ election }) => election)).toEqual(['e', 'f'])
    lab.pass(500)
    lab.tick('a')
    expect(lastPart(lab, 'a', 'b', 'release'), 'and again with the next one').toBe(
      partsOf(frames, 'release')[1],
    )
  })

  it('R70: a steady state has no items', () => {
    const lab = quiet('abc', { preVote: true, succession: true, timing: { stepMs: 20 } })
    lab.run(3000)
    const from = lab.sent.length
    lab.run(2000)
    const kinds = new Set(lab.sent.slice(from).flatMap(({ parts: said }) => said.map(({ kind }) => kind)))
    expect([...kinds].sort()).toEqual(['ack', 'heartbeat'])
    expect(partsOf(lab.sent.slice(from), 'heartbeat').length).toBeGreaterThan(20)
  })

  it('R1, R70: a persist comes before every send of its turn', () => {
    const lab = quiet('abc')
    for (const id of lab.ids) lab.holdWrites.add(id)
    stand(lab, 'a')
    tell(lab, 'b', 0)
    say(lab, 'c', 'b', hello(70), {
      kind: 'requestVote',
      election: 'e',
      term: 1,
      nonce: 1,
      certificate: null,
    })
    const order = lab.node('b').log.map(({ type }) => type)
    expect(order.lastIndexOf('persist')).toBeLessThan(order.lastIndexOf('send'))
    expect(order).toContain('persist')
  })
})
