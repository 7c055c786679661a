/**
 * The adversarial scenarios of PROTOCOL A.6, one directed test each: what is said, lost, held and replayed is written
 * out, the dangerous state is asserted when it is reached, and the lab checks P1, P2, P3 and P7 after every action.
 *
 * Left out here because they need a store voter: 18 (fence races with renewal), 19 (answers of a store lost), 20 (a take
 * applied after a re-bind), 21 (a pause over the fence), 22 (a new incarnation at a store), and the store half of 5.
 */
import { describe, expect, it } from 'vitest'
import {
  along,
  beat,
  between,
  binding,
  boundTo,
  counted,
  effects,
  elect,
  exchange,
  grantAt,
  keep,
  known,
  Lab,
  lastPart,
  leaseEnd,
  parts,
  promise,
  quiet,
  rates,
  renounce,
  silence,
  stand,
  supportEnd,
  talk,
  tell,
} from './story'

describe('sessions under reordering and replay', () => {
  it('scenario 1: an ack of grant 1 that arrives after grant 2 began counts for grant 1 alone', () => {
    // b's clock is fast and a's is slow, so that b's support ends while a still remembers the round.
    const lab = quiet('abc', { timing: { rho: 0.1 } })
    rates(lab, { a: 0.9, b: 1.1, c: 1 })
    elect(lab, 'a', 'bc')
    const first = grantAt(lab, 'b', 'a') as string
    keep(lab, 100, 'a-c')

    // b hears a heartbeat sent at 100; its ack is slow. Then b hears nothing until its support has run out.
    beat(lab, 'a')
    const sentAt = lab.clock('a')
    lab.deliver(along('a', 'b'))
    const slow = lab.hold(along('b', 'a'))
    lab.drop()
    keep(lab, 910, 'a-c')
    expect(grantAt(lab, 'b', 'a'), 'the lapse').toBeNull()

    // The next heartbeat begins grant 2, and a learns so.
    beat(lab, 'a')
    lab.deliver(along('a', 'b'))
    const second = grantAt(lab, 'b', 'a') as string
    expect(second).not.toBe(first)
    expect(boundTo(lab, 'b'), 'grant 2 revives no binding').toBeNull()
    lab.deliver(along('b', 'a'))
    lab.drop()
    const underSecond = counted(lab, 'a', 'b', second)
    const lease = leaseEnd(lab, 'a')

    for (const frame of slow) lab.hand(frame)
    expect(counted(lab, 'a', 'b', first), 'from the instant of sending').toBe(sentAt + (1000 * 0.9) / 1.1)
    expect(counted(lab, 'a', 'b', first), 'which has passed').toBeLessThan(lab.clock('a'))
    expect(counted(lab, 'a', 'b', second)).toBe(underSecond)
    expect(leaseEnd(lab, 'a')).toBe(lease)
    expect(lab.node('a').state.accounts.get('b')?.grant, 'a still knows that b needs a new binding').toBe(
      second,
    )
  })

  it('scenario 2: a delayed heartbeat begins grant 2 behind the back of its sender and revives nothing', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    const first = grantAt(lab, 'b', 'a') as string
    lab.pass(100)
    beat(lab, 'a')
    const slow = lab.hold(along('a', 'b'))
    lab.drop()
    silence(lab, 1050)
    expect(lab.leads('a')).toBe(false)

    for (const frame of slow) lab.hand(frame)
    const second = grantAt(lab, 'b', 'a') as string
    expect(second, 'grant 2 began').not.toBe(first)
    expect(supportEnd(lab, 'b', 'a'), 'support is prolonged by D at most').toBe(lab.at + 1000)
    lab.deliver(along('b', 'a'))
    expect(counted(lab, 'a', 'b', second), 'the round was an old one').toBe(1100)

    tell(lab, 'c', 1)
    elect(lab, 'c', 'b')
    expect(lab.leads('a')).toBe(false)
  })

  it('scenario 2: the same heartbeat twice prolongs nothing', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.pass(100)
    beat(lab, 'a')
    const [frame] = lab.hold(along('a', 'b'))
    lab.hand(frame as NonNullable<typeof frame>)
    const until = supportEnd(lab, 'b', 'a')
    lab.pass(800)
    lab.hand(frame as NonNullable<typeof frame>)
    expect(supportEnd(lab, 'b', 'a')).toBe(until)
    expect(lastPart(lab, 'b', 'a', 'ack').renewed).toBe(false)
  })

  it('scenario 3: a yes that arrives after a lapse and a restart of support does not help to win', () => {
    // b's clock is fast and a's is slow, so that b's support ends while a's campaign still runs.
    const lab = quiet('abc', { timing: { rho: 0.1, campaignMs: 950 } })
    rates(lab, { a: 0.9, b: 1.1, c: 1 })
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const first = grantAt(lab, 'b', 'a') as string
    const yes = lab.hold(along('b', 'a'))
    lab.drop()

    lab.pass(920)
    expect(grantAt(lab, 'b', 'a'), 'the lapse').toBeNull()
    exchange(lab, 'a', 'b')
    const second = grantAt(lab, 'b', 'a') as string
    expect(second, 'grant 2 began').not.toBe(first)
    expect(counted(lab, 'a', 'b', second), 'and a counts it').toBeGreaterThan(lab.clock('a'))

    expect(lab.election('a').campaign?.phase, 'the campaign still runs').toBe('vote')
    for (const frame of yes) lab.hand(frame)
    expect(lab.election('a').campaign?.grants.get('b'), 'the yes names grant 1').toBe(first)
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)

    tell(lab, 'c', 1)
    elect(lab, 'c', 'b')
  })

  it('scenario 4: what a former life of the holder said arrives late and is nothing', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    beat(lab, 'a')
    const heartbeat = lab.hold(along('a', 'b'))
    renounce(lab, 'a')
    const release = lab.hold(along('a', 'b', 'release'))
    lab.drop()
    stand(lab, 'a')
    const request = lab.hold(along('a', 'b', 'requestVote'))
    expect(release).toHaveLength(1)
    expect(request).toHaveLength(1)

    lab.crash('a')
    lab.drop()
    lab.restart('a')
    lab.connect([['a', 'b']])
    talk(lab, 'a', 'b')
    lab.contend('e', ['a'])
    silence(lab, 1000)
    elect(lab, 'a', 'b')
    expect(binding(lab, 'b')).toMatchObject({ leader: 'a', incarnation: 2, term: 3 })

    const before = structuredClone(lab.node('b').state)
    const said = lab.sent.length
    for (const frame of [...heartbeat, ...release, ...request]) lab.hand(frame)
    expect(lab.node('b').state).toEqual(before)
    expect(lab.sent.length, 'not even answered').toBe(said)
  })

  it('scenario 5: a shorter D does not shorten a promise, and a restart waits out the longest', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    promise(lab, 'a', 3000)
    exchange(lab, 'a', 'b')
    expect(supportEnd(lab, 'b', 'a')).toBe(3000)
    promise(lab, 'a', 500)
    lab.pass(10)
    exchange(lab, 'a', 'b')
    expect(supportEnd(lab, 'b', 'a')).toBe(3000)
    expect(lab.leads('a')).toBe(true)

    lab.pass(1500)
    expect(lab.leads('a'), 'a counts the long promise').toBe(true)
    tell(lab, 'c', 1)
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    expect(lastPart(lab, 'b', 'c', 'voteReply').refusal).toBe('bound')

    lab.crash('b')
    lab.restart('b')
    lab.connect([['b', 'c']])
    lab.drop()
    lab.pass(1450)
    expect(lab.leads('a'), 'still').toBe(true)
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    expect(lastPart(lab, 'b', 'c', 'voteReply').refusal).toBe('boot')
  })

  for (const [slow, fast] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    it(`scenario 6: clocks at opposite extremes, ${slow} slow and ${fast} fast`, () => {
      const lab = quiet('abc', { timing: { rho: 0.1, deltaMs: 0, campaignMs: 950 } })
      rates(lab, { [slow]: 0.9, [fast]: 1.1, c: 1 })
      elect(lab, 'a', 'b')
      // At the very instant at which b is free, c is elected by it: nobody may hold a lease then.
      const freeAt = supportEnd(lab, 'b', 'a') / lab.node('b').rate
      lab.pass(freeAt - lab.at - 0.001)
      stand(lab, 'c')
      talk(lab, 'c', 'b')
      expect(lab.leads('c'), 'not a moment too early').toBe(false)
      lab.pass(0.002)
      expect(lab.leads('a')).toBe(false)
      lab.tick('c')
      silence(lab, 950)
      elect(lab, 'c', 'b')
    })
  }
})

describe('releases', () => {
  it('scenario 7: a lost release is repeated until it is answered, and then no more', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'b', 'f')
    elect(lab, 'a', 'b', 'e')
    renounce(lab, 'a')
    for (let loss = 0; loss < 3; loss++) {
      expect(lab.drop(along('a', 'b', 'release')), `loss ${loss}`).toBe(1)
      expect(boundTo(lab, 'b')).toBe('a')
      lab.pass(100)
      lab.tick('a')
    }
    // f keeps the session alive, so time alone would never free e at b.
    talk(lab, 'a', 'b')
    expect(boundTo(lab, 'b')).toBeNull()
    expect(boundTo(lab, 'b', 'f')).toBe('a')
    lab.drop()
    lab.pass(100)
    lab.tick('a')
    expect(lab.hold(along('a', 'b', 'release'))).toHaveLength(0)
  })

  it('scenario 7: the session of a holder that is never answered ends', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'bc', 'f')
    elect(lab, 'a', 'bc', 'e')
    // b hears a, a does not hear b; c keeps a's leases alive.
    keep(lab, 950, 'a>b', 'a-c')
    expect(grantAt(lab, 'b', 'a')).not.toBeNull()
    keep(lab, 1100, 'a>b', 'a-c')
    expect(lab.leads('a')).toBe(true)
    expect(parts(lab, 'a', 'b', 'heartbeat').at(-1)?.probe).toBe(true)
    expect(grantAt(lab, 'b', 'a')).toBeNull()
    expect(boundTo(lab, 'b')).toBeNull()
  })

  it('scenario 8: a release overtakes the vote request that it renounces', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    const request = lab.hold(along('a', 'b', 'requestVote'))
    lab.drop()
    silence(lab, 350)
    lab.pass(50)
    lab.tick('a')
    expect(lab.election('a').campaign, 'the campaign is over').toBeNull()
    lab.deliver(along('a', 'b', 'release'))
    expect(known(lab, 'b')).toBe(1)
    for (const frame of request) lab.hand(frame)
    expect(lastPart(lab, 'b', 'a', 'voteReply')).toMatchObject({ grant: null, refusal: 'term' })
    expect(boundTo(lab, 'b')).toBeNull()
  })

  it('scenario 8: a release overtakes the announcement that it renounces', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    talk(lab, 'a', 'c')
    expect(lab.leads('a')).toBe(true)
    lab.drop(along('a', 'b', 'requestVote'))
    lab.drop(along('a', 'b', 'bind'))
    exchange(lab, 'a', 'c')
    beat(lab, 'a')
    const announcement = lab.hold(along('a', 'b', 'bind'))
    expect(announcement).toHaveLength(1)
    renounce(lab, 'a')
    talk(lab, 'a', 'b')
    expect(grantAt(lab, 'b', 'a'), 'no session yet').toBeNull()
    for (const frame of announcement) lab.hand(frame)
    expect(grantAt(lab, 'b', 'a'), 'the session stands now').not.toBeNull()
    expect(lastPart(lab, 'b', 'a', 'bindAck').grant).toBeNull()
    expect(boundTo(lab, 'b')).toBeNull()
  })

  it('scenario 9: the release of a failed candidate touches nobody else’s binding', () => {
    const lab = quiet('abc')
    stand(lab, 'c')
    lab.drop()
    elect(lab, 'a', 'b')
    expect(known(lab, 'c'), 'the same term').toBe(known(lab, 'b'))
    lab.pass(400)
    lab.tick('c')
    expect(lab.deliver(along('c', 'b', 'release'))).toBe(1)
    expect(boundTo(lab, 'b')).toBe('a')
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    expect(lastPart(lab, 'b', 'c', 'voteReply').refusal).toBe('bound')
    expect(lab.leads('a')).toBe(true)
  })

  it('scenario 10: a late release of an older term does not end the binding of a newer one', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    renounce(lab, 'a')
    const late = lab.hold(along('a', 'b', 'release'))
    expect(late).toHaveLength(1)
    elect(lab, 'a', 'b')
    expect(binding(lab, 'b')).toMatchObject({ leader: 'a', term: 2 })
    for (const frame of late) lab.hand(frame)
    expect(boundTo(lab, 'b')).toBe('a')
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    silence(lab, 400)
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    expect(lab.leads('a')).toBe(true)
    expect(lab.leads('c')).toBe(false)
  })

  it('scenario 11: a failed campaign for the next term releases nothing while the old lease stands', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    // c is stuck in a higher term, and a hears of it.
    tell(lab, 'c', 5)
    beat(lab, 'a')
    lab.deliver(along('a', 'c'))
    lab.deliver(along('c', 'a'))
    expect(lab.election('a').campaign?.term, 'a stands for the next term').toBe(known(lab, 'c') + 1)

    // b votes, but a never hears so.
    lab.drop(along('a', 'c'))
    lab.deliver(along('a', 'b'))
    const newTerm = known(lab, 'a')
    expect(binding(lab, 'b')).toMatchObject({ leader: 'a', term: newTerm, led: false })
    for (let i = 0; i < 4; i++) {
      lab.drop(along('b', 'a', 'voteReply'))
      lab.deliver(along('b', 'a'))
      lab.pass(100)
      if (i < 3) lab.tick('a')
      lab.deliver(along('a', 'b'))
    }
    lab.drop()
    const from = lab.sent.length
    lab.tick('a')
    expect(lab.election('a').campaign, 'the campaign is over').toBeNull()
    expect(lab.leads('a')).toBe(true)
    const said = lab.sent.slice(from).flatMap((frame) => frame.parts.map((part) => part.kind))
    expect(said).not.toContain('release')
    expect(effects(lab, 'a', 'revoked')).toHaveLength(0)

    lab.deliver(between('a', 'b'))
    lab.drop()
    expect(boundTo(lab, 'b')).toBe('a')
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    expect(lab.leads('c')).toBe(false)
    expect(lab.leads('a')).toBe(true)
  })

  it('scenario 12: two candidates split the votes; the losers release, and the next one wins', () => {
    const lab = quiet('abcd', { elections: ['e', 'f', 'g'] })
    // a and d lead other elections, so their sessions never end by themselves.
    elect(lab, 'a', 'bcd', 'f')
    elect(lab, 'd', 'abc', 'g')
    stand(lab, 'a')
    stand(lab, 'd')
    lab.deliver(along('a', 'b'))
    lab.deliver(along('d', 'c'))
    lab.deliver((frame) => ['b', 'c'].includes(frame.from))
    lab.drop()
    expect([boundTo(lab, 'a'), boundTo(lab, 'b')]).toEqual(['a', 'a'])
    expect([boundTo(lab, 'c'), boundTo(lab, 'd')]).toEqual(['d', 'd'])
    expect(lab.leader(), 'a split vote').toBeNull()

    keep(lab, 450, 'a-b', 'a-c', 'a-d', 'd-b', 'd-c')
    for (const voter of lab.ids) expect(boundTo(lab, voter), `${voter} is free`).toBeNull()
    elect(lab, 'b', 'ac')
    expect(lab.leads('a', 'f') && lab.leads('d', 'g'), 'the other elections saw nothing of it').toBe(true)
  })

  it('scenario 13: a yes that is lost for ever is released at the end of the campaign', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'b', 'f')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    lab.drop()
    expect(boundTo(lab, 'b')).toBe('a')
    for (let i = 0; i < 4; i++) {
      // Heartbeats of f go on; every yes to e is lost.
      lab.pass(100)
      lab.tick('a')
      lab.deliver(along('a', 'b'))
      lab.drop(along('b', 'a', 'voteReply'))
      lab.deliver(along('b', 'a'))
    }
    expect(effects(lab, 'a', 'elected').filter(({ election }) => election === 'e')).toHaveLength(0)
    keep(lab, 100, 'a-b')
    expect(boundTo(lab, 'b'), 'released').toBeNull()
    expect(boundTo(lab, 'b', 'f'), 'the session goes on').toBe('a')
    tell(lab, 'c', 1)
    elect(lab, 'c', 'b')
  })

  it('scenario 13: a candidate that hears nothing loses its session, and with it the binding', () => {
    const lab = quiet('abc', { elections: ['e', 'f'], timing: { campaignMs: 990 } })
    elect(lab, 'a', 'bc', 'f')
    keep(lab, 200, 'a-c')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    lab.drop()
    expect(boundTo(lab, 'b')).toBe('a')
    // a is deaf towards b, and none of its releases arrives there either; only heartbeats do.
    const start = lab.at
    while (lab.at < start + 2000 && boundTo(lab, 'b') !== null) {
      lab.pass(50)
      lab.tick()
      lab.deliver(between('a', 'c'))
      lab.drop((frame) => frame.parts.some(({ kind }) => kind === 'release'))
      lab.deliver(along('a', 'b'))
      lab.drop()
    }
    expect(lab.leads('a', 'f'), 'a still leads another election').toBe(true)
    expect(boundTo(lab, 'b')).toBeNull()
  })
})

describe('elections side by side, restarts', () => {
  it('scenario 14: two leaders at the same voters do not touch each other’s elections', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'bc', 'e')
    elect(lab, 'b', 'ac', 'f')
    expect([boundTo(lab, 'c', 'e'), boundTo(lab, 'c', 'f')]).toEqual(['a', 'b'])
    lab.crash('a')
    keep(lab, 1100, 'b-c')
    expect([boundTo(lab, 'c', 'e'), boundTo(lab, 'c', 'f')]).toEqual([null, 'b'])
    expect(lab.leads('b', 'f')).toBe(true)
    elect(lab, 'c', 'b', 'e')
    expect(lab.leads('b', 'f')).toBe(true)
    stand(lab, 'c', 'f')
    talk(lab, 'c', 'b')
    expect(lab.leads('c', 'f')).toBe(false)
  })

  it('scenario 15: a voter that restarted never names a former grant, so the leader sees that it is unbound', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    const first = grantAt(lab, 'b', 'a') as string
    const lease = leaseEnd(lab, 'a')
    lab.crash('b')
    lab.restart('b')
    lab.connect([
      ['a', 'b'],
      ['b', 'c'],
    ])
    lab.drop()
    lab.pass(10)
    beat(lab, 'a')
    lab.deliver(along('a', 'b'))
    lab.deliver(along('b', 'a', 'ack'))
    const second = grantAt(lab, 'b', 'a') as string
    expect(second).not.toBe(first)
    expect(counted(lab, 'a', 'b', second), 'supported, but not bound').toBe(1010)
    expect(leaseEnd(lab, 'a')).toBe(lease)
    expect(boundTo(lab, 'b')).toBeNull()
    // The re-binding arrives: from now on it counts.
    talk(lab, 'a', 'b')
    expect(boundTo(lab, 'b')).toBe('a')
    expect(leaseEnd(lab, 'a')).toBe(1010)
  })

  it('scenario 16: a voter that forgot its binding waits out what it may have promised', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.pass(10)
    lab.crash('b')
    lab.restart('b')
    lab.connect()
    lab.drop()
    lab.contend('e', ['b'])
    lab.drop()
    expect(stand(lab, 'b'), 'it does not stand').toBe(false)
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    expect(lastPart(lab, 'b', 'c', 'voteReply').refusal).toBe('boot')
    expect(lab.leads('a'), 'the old lease').toBe(true)
    silence(lab, 991)
    expect(lab.leads('a')).toBe(false)
    lab.pass(9)
    elect(lab, 'c', 'b')
    expect(lab.history.at(-1)?.term, 'vote terms are durable').toBeGreaterThan(1)
  })

  it('scenario 17: all voters restart, the old leader lives on out of reach', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    for (const id of 'bc') {
      lab.crash(id)
      lab.restart(id)
    }
    lab.connect([['b', 'c']])
    lab.contend('e', ['b', 'c'])
    lab.deliver(between('b', 'c'))
    lab.pass(999)
    expect(lab.leads('a')).toBe(true)
    expect([stand(lab, 'b'), stand(lab, 'c')]).toEqual([false, false])
    lab.pass(1)
    expect(lab.leads('a')).toBe(false)
    elect(lab, 'b', 'c')
    expect(lab.history.map(({ term }) => term)).toEqual([1, 2])
  })

  it('scenario 17: everybody restarts and tokens go on rising', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    for (const id of lab.ids) {
      lab.crash(id)
      lab.restart(id)
    }
    lab.connect()
    lab.contend()
    lab.deliver()
    lab.pass(1000)
    elect(lab, 'c', 'b')
    expect(lab.history.at(-1)?.term).toBe(2)
  })
})

describe('hand-over', () => {
  it('scenario 23: the target is dead; the old leader never goes on in its term, only in a new one', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    beat(lab, 'a')
    lab.deliver((frame) => frame.from === 'a')
    const acks = lab.hold((frame) => frame.to === 'a')
    lab.crash('c')
    renounce(lab, 'a', 'c')
    expect(lab.leads('a')).toBe(false)
    lab.drop()
    for (const frame of acks) lab.hand(frame)
    exchange(lab, 'a', 'b')
    expect(lab.leads('a'), 'late answers do not bring it back').toBe(false)
    expect(lab.election('a').lead).toBeNull()

    lab.pass(100)
    lab.tick('a')
    talk(lab, 'a', 'b')
    elect(lab, 'a', 'b')
    expect(lab.history.map(({ term }) => term)).toEqual([1, 2])
  })

  it('scenario 24: a certificate voids its own term and life, and nothing later', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    renounce(lab, 'a', 'c')
    const order = lab.hold(along('a', 'c', 'timeoutNow'))
    expect(order).toHaveLength(1)
    talk(lab, 'a', 'b')
    lab.drop()
    elect(lab, 'a', 'b')
    expect(binding(lab, 'b')).toMatchObject({ leader: 'a', term: 2 })

    // c, with the old order, and a known term that is high enough to ask.
    tell(lab, 'c', 4)
    for (const frame of order) lab.hand(frame)
    const request = lastPart(lab, 'c', 'b', 'requestVote')
    expect(request).toMatchObject({ term: 5, certificate: { leader: 'a', incarnation: 1, term: 1 } })
    talk(lab, 'c', 'b')
    expect(boundTo(lab, 'b')).toBe('a')
    expect(lab.leads('c')).toBe(false)
    expect(lab.leads('a')).toBe(true)
    expect(parts(lab, 'b', 'c', 'voteReply').at(-1)?.refusal).toBe('bound')
  })
})

describe('stalls and replacements', () => {
  it('scenario 25: a voter that slept longer than D wakes with heartbeats in its sockets', () => {
    const lab = quiet('abc', { preVote: true, succession: true, timing: { stepMs: 20 } })
    const waiting: ReturnType<Lab['hold']> = []
    elect(lab, 'a', 'bc')
    const first = grantAt(lab, 'b', 'a')
    // b sleeps: its frames pile up, its clock goes on, it does not tick.
    for (let i = 0; i < 15; i++) {
      lab.pass(100)
      lab.tick('a', 'c')
      waiting.push(...lab.hold(along('a', 'b')))
      lab.deliver(between('a', 'c'))
      lab.drop()
    }
    expect(lab.leads('a'), 'c keeps the lease').toBe(true)
    expect(grantAt(lab, 'b', 'a')).toBeNull()

    // It reads its sockets first, then its timers fire.
    for (const frame of waiting) lab.hand(frame)
    const second = grantAt(lab, 'b', 'a')
    expect(second, 'a new grant').not.toBe(first)
    expect(second).not.toBeNull()
    lab.tick('b')
    keep(lab, 200, 'a-b', 'a-c', 'b-c')
    expect(effects(lab, 'b', 'roleChanged').filter(({ role }) => role === 'candidate')).toHaveLength(0)
    expect(boundTo(lab, 'b'), 'bound anew').toBe('a')
    expect(binding(lab, 'b')?.grant).toBe(second)
    expect(lab.history).toHaveLength(1)
  })

  it('scenario 26: a higher leader’s announcement replaces a binding that the old leader still counts', () => {
    const lab = quiet('abcde')
    elect(lab, 'a', 'bc')
    // c does not hear a any more; b does. Then c and d elect e.
    keep(lab, 950, 'a-b')
    exchange(lab, 'a', 'b')
    lab.pass(60)
    expect(boundTo(lab, 'c')).toBeNull()
    tell(lab, 'e', 1)
    stand(lab, 'e')
    talk(lab, 'e', 'c')
    expect(lab.leads('e')).toBe(false)
    talk(lab, 'e', 'd')
    expect(lab.leads('e')).toBe(true)

    const grant = binding(lab, 'b')?.grant as string
    expect(boundTo(lab, 'b')).toBe('a')
    expect(counted(lab, 'a', 'b', grant), 'a still counts b').toBeGreaterThan(lab.at)
    expect(lab.leads('a'), 'but holds no lease').toBe(false)
    // b has not answered e for longer than D, so e probes first and renews on the answer (R64).
    exchange(lab, 'e', 'b')
    expect(boundTo(lab, 'b')).toBe('a')
    exchange(lab, 'e', 'b')
    expect(boundTo(lab, 'b'), 'replaced').toBe('e')
    exchange(lab, 'a', 'b')
    expect(lab.leads('a')).toBe(false)
    expect(lab.leads('e')).toBe(true)
  })

  it('scenario 27: the leader and the next two in line die together', () => {
    const lab = new Lab('abcdefg'.split(''), { timing: { stepMs: 50 } })
    const leader = lab.settle()
    lab.run(2000)
    const [first, second, third] = succession(lab.ids.filter((id) => id !== leader))
    for (const id of [leader, first, second]) lab.crash(id as string)
    const at = lab.at
    lab.run(5000, () => lab.leader() !== null)
    expect(lab.leader(), 'the third goes first now').toBe(third)
    expect(lab.at - at, 'one step for each of the dead').toBeLessThanOrEqual(1000 + 3 * 50 + 1)
    expect(lab.history).toHaveLength(2)
  })

  it('scenario 27: those whose links are known to be down cost no step', () => {
    const lab = new Lab('abcdefg'.split(''), { timing: { stepMs: 50 } })
    const leader = lab.settle()
    lab.run(2000)
    const [first, second, third] = succession(lab.ids.filter((id) => id !== leader))
    for (const peer of [leader, first as string, second as string]) {
      lab.crash(peer)
      for (const id of lab.ids) lab.act(id, { type: 'closed', peer, incarnation: 1 })
    }
    const at = lab.at
    lab.run(5000, () => lab.leader() !== null)
    expect(lab.leader()).toBe(third)
    expect(lab.at - at).toBeLessThanOrEqual(1000 + 1)
  })
})

/** Contenders of equal priority in the order in which they stand: by a hash of election and process (R69). */
function succession(ids: readonly string[]): string[] {
  return [...ids].sort((x, y) => place(`e ${x}`) - place(`e ${y}`))
}

/** FNV-1a with a final mix, written out once more, so that an accidental change of the order shows here. */
function place(text: string): number {
  let h = 0x811c9dc5
  for (const char of text) h = Math.imul(h ^ char.charCodeAt(0), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
