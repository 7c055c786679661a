/**
 * Leases, rule by rule (PROTOCOL A.4: R5, R10-R18, R22; B.3 for suspended hosts).
 *
 * Each test puts one sentence of a rule to the shipping `step`, by hand.
 */
import { describe, expect, it } from 'vitest'
import type { Heartbeat } from '../../src/core'
import { leaseLength } from '../../src/core'
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
  partsOf,
  promise,
  quiet,
  rates,
  say,
  stand,
  talk,
  tell,
} from '../core/story'

const beatOf = (round: number, promiseMs = 1000): Heartbeat => ({
  kind: 'heartbeat',
  round,
  promiseMs,
  probe: false,
  prompt: true,
})

/** Lets an ack of a's newest round come from that voter, under the grant that it names. */
function ackFrom(lab: Lab, voter: string, grant: string): void {
  const { round } = lastPart(lab, 'a', voter, 'heartbeat')
  say(lab, voter, 'a', { kind: 'ack', round, grant, renewed: true })
}

describe('R5: elected is leading', () => {
  for (const first of ['voteReply', 'ack'] as const) {
    it(`R5: a candidate leads at the instant at which a quorum of its grants stands, ${first} first`, () => {
      const lab = quiet('abc')
      stand(lab, 'a')
      lab.deliver(along('a', 'b'))
      lab.pass(30)
      lab.deliver(along('b', 'a', first))
      expect(effects(lab, 'a', 'elected')).toHaveLength(0)
      const said = lab.sent.filter(({ from }) => from === 'a').length
      lab.deliver(along('b', 'a'))
      expect(effects(lab, 'a', 'elected')).toMatchObject([{ election: 'e', term: 1 }])
      expect(lab.leads('a'), 'without another round').toBe(true)
      expect(leaseEnd(lab, 'a')).toBe(1000)
      const after = lab.sent.filter(({ from }) => from === 'a').slice(said)
      expect(partsOf(after, 'bind'), 'and only then it announces').toHaveLength(2)
    })
  }

  it('R5: a quorum of grants that does not stand does not win; the candidate waits, and releases at the end', () => {
    const lab = quiet('abc', { timing: { rho: 0.1, campaignMs: 950 } })
    rates(lab, { a: 0.9, b: 0.9, c: 0.9 })
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const yes = lab.hold(along('b', 'a'))
    lab.drop()
    lab.pass(930)
    for (const frame of yes) lab.hand(frame)
    const { campaign } = lab.election('a')
    expect(campaign?.grants.size).toBe(2)
    expect(counted(lab, 'a', 'b', campaign?.grants.get('b') as string)).toBeLessThan(lab.clock('a'))
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
    lab.pass(130)
    lab.tick('a')
    expect(lab.election('a').campaign).toBeNull()
    expect(lastPart(lab, 'a', 'b', 'release').term).toBe(1)
  })

  it('R5: elections whose grants came to stand late are won by the ack, not only by the last yes', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    lab.deliver(along('b', 'a', 'voteReply'))
    lab.drop(along('b', 'a', 'ack'))
    lab.pass(100)
    lab.tick('a')
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
    lab.deliver(along('a', 'b'))
    lab.deliver(along('b', 'a', 'ack'))
    expect(lab.leads('a')).toBe(true)
    expect(leaseEnd(lab, 'a')).toBe(1100)
  })
})

describe('R10, R13: from when, and how long', () => {
  it('R10: a promise counts from the instant of sending, whenever its answer arrives', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.pass(200)
    beat(lab, 'a')
    const slow = lab.hold(along('a', 'b'))
    lab.pass(300)
    for (const frame of slow) lab.hand(frame)
    lab.pass(300)
    lab.deliver(along('b', 'a'))
    expect(lab.at).toBe(800)
    expect(leaseEnd(lab, 'a')).toBe(1200)
  })

  it('R13: D shrinks by both clocks’ rates and the resolution', () => {
    const lab = quiet('abc', { timing: { rho: 0.1, deltaMs: 2 } })
    elect(lab, 'a', 'b')
    expect(leaseEnd(lab, 'a')).toBeCloseTo((1000 * 0.9) / 1.1 - 2, 9)
    expect(leaseLength(1000, 0, 0)).toBe(1000)
  })

  it('R18: the larger rate bound and resolution of both ends count', () => {
    const lab = new Lab(['a', 'b', 'c'], {
      preVote: false,
      succession: false,
      timing: { rho: 0.05, deltaMs: 1, stepMs: 1e9, backoffMs: 1e9 },
    })
    const greeting = { type: 'connected', incarnation: 1, storageId: 'disk', sentAt: 0 } as const
    lab.act('a', { ...greeting, peer: 'b', rho: 0.2, deltaMs: 5 })
    lab.act('a', { ...greeting, peer: 'c', rho: 0.01, deltaMs: 0 })
    lab.greet('b', 'a')
    lab.greet('c', 'a')
    lab.contend()
    elect(lab, 'a', 'bc')
    const until = (voter: string) => counted(lab, 'a', voter, grantAt(lab, voter, 'a') as string)
    expect(until('b')).toBeCloseTo((1000 * 0.8) / 1.2 - 5, 9)
    expect(until('c')).toBeCloseTo((1000 * 0.95) / 1.05 - 1, 9)
  })

  it('R13: the lease is the q-th largest over the voters, oneself included; who is not bound counts nothing', () => {
    const lab = quiet('abcde')
    elect(lab, 'a', 'bcd')
    const grants = new Map([...'bcd'].map((voter) => [voter, grantAt(lab, voter, 'a') as string]))
    const ends: number[] = []
    for (const voter of 'bcd') {
      lab.pass(100)
      beat(lab, 'a')
      ackFrom(lab, voter, grants.get(voter) as string)
      ends.push(leaseEnd(lab, 'a'))
    }
    // own 1100: {1100, 1100, 1000, 1000}: third 1000; own 1200: {1200, 1200, 1100, 1000}: 1100; {1300, 1300, 1200, 1100}: 1200
    expect(ends).toEqual([1000, 1100, 1200])
    ackFrom(lab, 'e', '1.1')
    expect(leaseEnd(lab, 'a'), 'e is not bound').toBe(1200)
  })

  it('R13: the own voter counts by the latest own round, stamped each heartbeat even if no frame is sent', () => {
    const lab = quiet('a')
    expect(stand(lab, 'a')).toBe(false)
    expect(lab.leads('a'), 'n = 1').toBe(true)
    expect(leaseEnd(lab, 'a')).toBe(1000)
    lab.pass(100)
    lab.tick('a')
    expect(leaseEnd(lab, 'a')).toBe(1100)
    lab.run(5000)
    expect(lab.leads('a')).toBe(true)
    expect(lab.history).toHaveLength(1)
  })

  it('R13: the own voter ages like the others when the process does not get to its timers', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    beat(lab, 'a')
    lab.deliver((frame) => frame.from === 'a')
    const acks = lab.hold((frame) => frame.to === 'a')
    lab.pass(999)
    for (const frame of acks) lab.hand(frame)
    expect(leaseEnd(lab, 'a')).toBe(1000)
    lab.pass(1)
    expect(lab.leads('a')).toBe(false)
  })

  it('R13: a binding under two grants counts by the better one, each under its own acks', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    const old = grantAt(lab, 'b', 'a') as string
    lab.crash('b')
    lab.restart('b')
    lab.connect([['a', 'b']])
    lab.pass(100)
    exchange(lab, 'a', 'b')
    const young = grantAt(lab, 'b', 'a') as string
    expect([...(lab.election('a').lead?.bound.get('b') ?? [])].sort()).toEqual([old, young].sort())
    expect(leaseEnd(lab, 'a')).toBe(1100)
  })

  it('R13: elections with the same bound voters and grants share one number', () => {
    const names = ['e', 'f', 'g', 'h']
    const lab = quiet('abc', { elections: names })
    for (const name of names) elect(lab, 'a', 'bc', name)
    const numbers = names.map((name) => lab.election('a', name).lead?.lease)
    expect(new Set(numbers).size).toBe(1)
    const before = effects(lab, 'a', 'leaseExtended').length
    lab.pass(100)
    beat(lab, 'a')
    talk(lab, 'a', 'b')
    expect(effects(lab, 'a', 'leaseExtended').slice(before)).toHaveLength(1)
    for (const name of names) expect(leaseEnd(lab, 'a', name)).toBe(1100)
  })

  it('R13: elections that are bound alike remember it once, until a voter binds itself in one of them alone', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    for (const name of ['e', 'f']) elect(lab, 'a', 'b', name)
    const bound = (name: string) => lab.election('a', name).lead?.bound
    expect(bound('e')).toBe(bound('f'))
    say(lab, 'c', 'a', { kind: 'bindAck', election: 'e', term: 1, grant: '1.9', knownTerm: 1 })
    expect(bound('e')?.has('c'), 'in e').toBe(true)
    expect(bound('f')?.has('c'), 'in f').toBe(false)
  })

  it('R13: a storage failure renounces every election at once, and every campaign', () => {
    const lab = quiet('abc', { elections: ['e', 'f', 'g'] })
    elect(lab, 'a', 'bc', 'e')
    elect(lab, 'a', 'bc', 'f')
    stand(lab, 'a', 'g')
    lab.drop()
    lab.act('a', { type: 'storageFailed' })
    for (const name of ['e', 'f']) expect(lab.leads('a', name)).toBe(false)
    expect(effects(lab, 'a', 'revoked').map(({ reason }) => reason)).toEqual([
      'storageFailed',
      'storageFailed',
    ])
    expect(lab.election('a', 'g').campaign).toBeNull()
    const [frame] = lab.wire.filter(along('a', 'b'))
    expect(partsOf([frame as NonNullable<typeof frame>], 'release').map(({ election }) => election)).toEqual(
      expect.arrayContaining(['e', 'f', 'g']),
    )
  })
})

describe('R11: how a binding does not end', () => {
  it('R11: not by a closed link, a pre-vote, a vote request, another’s release, or a lower-term announcement', () => {
    const lab = quiet('abc')
    tell(lab, 'a', 3)
    elect(lab, 'a', 'b')
    lab.act('b', { type: 'closed', peer: 'a', incarnation: 1 })
    say(lab, 'c', 'b', beatOf(50))
    say(lab, 'c', 'b', { kind: 'preVote', election: 'e', term: 9, nonce: 1 })
    say(lab, 'c', 'b', { kind: 'requestVote', election: 'e', term: 9, nonce: 1, certificate: null })
    say(lab, 'c', 'b', { kind: 'release', election: 'e', term: 9, successor: null })
    say(lab, 'c', 'b', { kind: 'bind', election: 'e', term: 3 })
    say(lab, 'c', 'b', { kind: 'sessionEnd' })
    lab.pass(999)
    lab.tick('b')
    expect(boundTo(lab, 'b')).toBe('a')
    expect(binding(lab, 'b')?.term).toBe(4)
    lab.pass(1)
    expect(boundTo(lab, 'b')).toBeNull()
  })
})

describe('R12: which binding counts', () => {
  it('R12: a binding of an older term than the one led does not count', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    tell(lab, 'a', 2)
    lab.act('a', { type: 'campaign', election: 'e' })
    talk(lab, 'a', 'b')
    lab.drop()
    expect(lab.election('a').lead?.term).toBe(3)
    say(lab, 'a', 'c', beatOf(60))
    const grant = grantAt(lab, 'c', 'a') as string
    lab.drop()
    lab.pass(500)
    beat(lab, 'a')
    ackFrom(lab, 'c', grant)
    say(lab, 'c', 'a', { kind: 'bindAck', election: 'e', term: 1, grant, knownTerm: 1 })
    expect(leaseEnd(lab, 'a'), 'c was bound to term 1').toBe(1000)
    say(lab, 'c', 'a', { kind: 'bindAck', election: 'e', term: 3, grant, knownTerm: 3 })
    expect(leaseEnd(lab, 'a')).toBe(1500)
  })

  it('R12, R22: a binding of a newer term than the one led does count', () => {
    const lab = quiet('abcde')
    elect(lab, 'a', 'bc')
    tell(lab, 'a', 2)
    stand(lab, 'a')
    lab.deliver(along('a', 'd'))
    lab.deliver(along('d', 'a', 'ack'))
    talk(lab, 'a', 'd')
    expect(lab.election('a').lead?.term).toBe(1)
    expect(
      lab
        .election('a')
        .lead?.bound.get('d')
        ?.includes(grantAt(lab, 'd', 'a') as string),
    ).toBe(true)
    lab.drop()
    keep(lab, 450, 'a-d')
    expect(lab.election('a').campaign, 'the try ends').toBeNull()
    keep(lab, 1500, 'a-b', 'a-d')
    expect(lab.leads('a'), 'by a, b and d').toBe(true)
    expect(lab.election('a').lead?.term).toBe(1)
  })
})

describe('R14, R16: an ended lease', () => {
  it('R14: validity is a reading of the clock: it ends with nobody doing anything', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    const end = leaseEnd(lab, 'a')
    lab.pass(end - lab.at - 1e-6)
    expect(lab.leads('a')).toBe(true)
    lab.pass(1e-6)
    expect(lab.leads('a')).toBe(false)
  })

  it('R16: the comparison comes before anything that could extend the lease: a late ack does not revive it', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.pass(900)
    beat(lab, 'a')
    lab.deliver(along('a', 'b'))
    lab.pass(100)
    lab.deliver(along('b', 'a'))
    expect(lab.leads('a')).toBe(false)
    expect(effects(lab, 'a', 'revoked')).toMatchObject([{ term: 1, reason: 'expired' }])
    expect(lab.election('a').lead).toBeNull()
    exchange(lab, 'a', 'b')
    expect(lab.leads('a')).toBe(false)
  })

  it('R16: nor does the own round, nor a late yes or announcement answer', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    say(lab, 'a', 'c', beatOf(90))
    const grant = grantAt(lab, 'c', 'a') as string
    lab.drop()
    lab.pass(950)
    beat(lab, 'a')
    ackFrom(lab, 'c', grant)
    lab.pass(50)
    say(lab, 'c', 'a', { kind: 'bindAck', election: 'e', term: 1, grant, knownTerm: 1 })
    expect(effects(lab, 'a', 'revoked')).toMatchObject([{ reason: 'expired' }])
    expect(lab.leads('a')).toBe(false)
    lab.tick('a')
    expect(lab.leads('a')).toBe(false)
  })

  it('R16: a leader whose lease ended releases every voter, and its own slot', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    lab.pass(1000)
    lab.tick('a')
    for (const voter of 'bc') expect(lastPart(lab, 'a', voter, 'release').term).toBe(1)
    expect(boundTo(lab, 'a')).toBeNull()
    expect(lab.election('a').role).toBe('follower')
  })

  it('R16: a campaign that ends without a lease releases every voter, whether or not it answered', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    lab.drop()
    lab.pass(400)
    lab.tick('a')
    for (const voter of 'bc') expect(lastPart(lab, 'a', voter, 'release').term).toBe(1)
    expect(boundTo(lab, 'a')).toBeNull()
    talk(lab, 'a', 'b')
    expect(boundTo(lab, 'b')).toBeNull()
  })

  it('R16: a campaign that cannot be won any more ends at once', () => {
    const lab = quiet('abc')
    for (const voter of 'bc') tell(lab, voter, 5)
    stand(lab, 'a')
    talk(lab, 'a', 'b')
    expect(lab.election('a').campaign).not.toBeNull()
    talk(lab, 'a', 'c')
    expect(lab.election('a').campaign).toBeNull()
    expect(lab.at).toBe(0)
    expect(known(lab, 'a')).toBe(5)
  })

  it('R16: a running campaign for the next term ends with the lease, and all of it is renounced', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.pass(800)
    tell(lab, 'a', 4)
    stand(lab, 'a')
    expect(lab.election('a').campaign?.term).toBe(5)
    lab.deliver(along('a', 'b'))
    lab.pass(200)
    lab.deliver(along('b', 'a'))
    expect(lab.leads('a')).toBe(false)
    expect(lab.election('a').campaign).toBeNull()
    expect(lastPart(lab, 'a', 'b', 'release').term).toBe(5)
    expect(effects(lab, 'a', 'elected')).toHaveLength(1)
  })
})

describe('R15, R17: giving way', () => {
  it('R15: an accepted announcement ends the own campaign first, and renounces it', () => {
    const lab = quiet('abc')
    stand(lab, 'b')
    lab.drop()
    say(lab, 'a', 'b', beatOf(50), { kind: 'bind', election: 'e', term: 1 })
    expect(lab.election('b').campaign).toBeNull()
    expect(boundTo(lab, 'b')).toBe('a')
    expect(parts(lab, 'b', 'c', 'release')).toMatchObject([{ term: 1 }])
    // A late yes to that campaign is an orphan.
    const nonce = lastPart(lab, 'b', 'c', 'requestVote').nonce
    const { round } = lastPart(lab, 'b', 'c', 'heartbeat')
    say(
      lab,
      'c',
      'b',
      { kind: 'ack', round, grant: '1.9', renewed: true },
      {
        kind: 'voteReply',
        election: 'e',
        term: 1,
        nonce,
        grant: '1.9',
        refusal: null,
        knownTerm: 1,
        leader: null,
      },
    )
    expect(effects(lab, 'b', 'elected')).toHaveLength(0)
    expect(boundTo(lab, 'b')).toBe('a')
  })

  it('R15: a process with a valid lease grants nothing, on request or pre-vote', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    say(lab, 'c', 'a', beatOf(50), {
      kind: 'requestVote',
      election: 'e',
      term: 2,
      nonce: 1,
      certificate: null,
    })
    say(lab, 'c', 'a', { kind: 'preVote', election: 'e', term: 2, nonce: 1 })
    expect(lastPart(lab, 'a', 'c', 'voteReply').refusal).toBe('leading')
    expect(lastPart(lab, 'a', 'c', 'preVoteReply').refusal).toBe('leading')
    expect(boundTo(lab, 'a')).toBe('a')
  })

  it('R15: as soon as the lease has ended it does', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.pass(1000)
    say(lab, 'c', 'a', beatOf(50), {
      kind: 'requestVote',
      election: 'e',
      term: 2,
      nonce: 1,
      certificate: null,
    })
    expect(lastPart(lab, 'a', 'c', 'voteReply').refusal).toBeNull()
    expect(boundTo(lab, 'a')).toBe('c')
  })

  it('R17: the announcement of a higher term replaces any binding, of a lower one none', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    say(lab, 'c', 'b', beatOf(50), { kind: 'bind', election: 'e', term: 2 })
    expect(boundTo(lab, 'b')).toBe('c')
    say(lab, 'a', 'b', beatOf(50), { kind: 'bind', election: 'e', term: 1 })
    expect(boundTo(lab, 'b')).toBe('c')
    expect(lastPart(lab, 'b', 'a', 'bindAck')).toMatchObject({ grant: null, knownTerm: 2 })
  })
})

describe('R18: agreed length', () => {
  it('R18: a D outside the bounds of the voter is refused and reported', () => {
    const lab = quiet('ab', { timing: { minPromiseMs: 200, maxPromiseMs: 4000 } })
    for (const [round, promiseMs] of [
      [50, 199],
      [51, 4001],
      [52, Number.NaN],
    ] as const) {
      say(lab, 'a', 'b', beatOf(round, promiseMs))
      expect(lastPart(lab, 'b', 'a', 'ack')).toMatchObject({ round, renewed: false, grant: null })
    }
    expect(effects(lab, 'b', 'alarm').map(({ code }) => code)).toEqual(Array(3).fill('configMismatch'))
    for (const [round, promiseMs] of [
      [53, 200],
      [54, 4000],
    ] as const) {
      say(lab, 'a', 'b', beatOf(round, promiseMs))
      expect(lastPart(lab, 'b', 'a', 'ack').renewed).toBe(true)
    }
  })

  it('R18: the longest promise is persisted when it grows, and only then', () => {
    const lab = quiet('ab')
    const written = () => effects(lab, 'b', 'persist').map(({ maxPromiseMs }) => maxPromiseMs)
    say(lab, 'a', 'b', beatOf(50, 900))
    expect(written()).toEqual([])
    say(lab, 'a', 'b', beatOf(51, 3000))
    say(lab, 'a', 'b', beatOf(52, 3000))
    say(lab, 'a', 'b', beatOf(53, 2000))
    expect(written()).toEqual([3000])
    lab.crash('b')
    lab.restart('b')
    expect(lab.node('b').state.bootUntil).toBe(3000)
  })
})

describe('R22: re-term', () => {
  it('R22: a voter stuck in a higher term is freed without an outage', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    for (let i = 0; i < 3; i++) {
      keep(lab, 1100, 'a-b')
      stand(lab, 'c')
    }
    expect(known(lab, 'c')).toBeGreaterThan(2)
    const valid: boolean[] = []
    for (let i = 0; i < 20; i++) {
      keep(lab, 50, 'a-b', 'a-c', 'b-c')
      valid.push(lab.leads('a'))
    }
    expect(valid.every(Boolean), 'no moment without a lease').toBe(true)
    expect(lab.history.map(({ id }) => id)).toEqual(['a', 'a'])
    expect(lab.history[1]?.term).toBeGreaterThan(known(lab, 'c') - 1)
    expect(boundTo(lab, 'c')).toBe('a')
    const order = lab.node('a').log.filter(({ type }) => type === 'elected' || type === 'revoked')
    expect(order).toMatchObject([
      { type: 'elected', term: 1 },
      { type: 'revoked', term: 1, reason: 'reelected' },
      { type: 'elected' },
    ])
  })

  it('R22: the old lease and token stay while the campaign for the next term runs', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    tell(lab, 'a', 7)
    stand(lab, 'a')
    expect(lab.election('a').campaign?.term).toBe(8)
    expect(lab.leads('a')).toBe(true)
    expect(lab.election('a').lead?.term).toBe(1)
    exchange(lab, 'a', 'b')
    expect(lab.election('a').lead?.term).toBe(8)
    expect(lab.leads('a')).toBe(true)
  })

  it('R22, R65: a try that fails while the lease is valid renounces nothing, releases nothing, and is repeated', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    tell(lab, 'a', 7)
    stand(lab, 'a')
    lab.drop()
    for (let i = 0; i < 5; i++) {
      lab.pass(100)
      beat(lab, 'a')
      lab.drop()
      ackFrom(lab, 'b', binding(lab, 'b')?.grant as string)
    }
    expect(lab.election('a').campaign).toBeNull()
    expect(lab.leads('a')).toBe(true)
    for (const voter of 'bc') expect(parts(lab, 'a', voter, 'release')).toHaveLength(0)
    stand(lab, 'a')
    expect(lab.election('a').campaign?.term).toBe(9)
  })

  it('R22: a leader that learns a higher term from an answer to its announcement stands by itself', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    tell(lab, 'c', 4)
    beat(lab, 'a')
    lab.deliver(along('a', 'c'))
    lab.deliver(along('c', 'a'))
    expect(lab.election('a').campaign?.term).toBe(5)
    lab.deliver(between('a', 'b'))
    expect(lab.leads('a')).toBe(true)
    expect(lab.election('a').lead?.term).toBe(5)
  })
})

describe('B.3: a host that slept', () => {
  it('B.3: after a suspend everything is renounced, campaigns are void, and the boot wait runs again', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'b', 'e')
    stand(lab, 'a', 'f')
    lab.deliver(along('a', 'b'))
    const yes = lab.hold(along('b', 'a'))
    lab.drop()
    lab.act('a', { type: 'suspended' })
    expect(effects(lab, 'a', 'revoked')).toMatchObject([{ election: 'e', reason: 'suspended' }])
    for (const frame of yes) lab.hand(frame)
    expect(lab.leads('a', 'f'), 'a campaign of before does not win late').toBe(false)
    expect(stand(lab, 'a', 'e')).toBe(false)
    say(lab, 'c', 'a', beatOf(50), {
      kind: 'requestVote',
      election: 'e',
      term: 9,
      nonce: 1,
      certificate: null,
    })
    expect(lastPart(lab, 'a', 'c', 'voteReply').refusal).toBe('boot')
    lab.pass(1000)
    expect(stand(lab, 'a', 'e')).toBe(true)
  })

  it('B.3: a contender that slept during its pre-vote stands again', () => {
    const lab = new Lab(['a', 'b', 'c'], { contenders: ['c'] })
    lab.connect()
    lab.contend()
    lab.deliver()
    lab.act('c', { type: 'campaign', election: 'e' })
    expect(lab.election('c').campaign?.phase).toBe('preVote')
    lab.drop()
    lab.act('c', { type: 'suspended' })
    expect(lab.election('c').campaign).toBeNull()
    lab.run(3000, () => lab.leader() !== null)
    expect(lab.leader()).toBe('c')
    expect(lab.at).toBeGreaterThanOrEqual(1000)
  })

  it('B.3: nothing that was promised before the sleep is counted after it, nor what is answered late', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    beat(lab, 'a')
    lab.deliver(along('a', 'b'))
    const late = lab.hold(along('b', 'a'))
    lab.drop()
    lab.act('a', { type: 'suspended' })
    for (const frame of late) lab.hand(frame)
    for (const account of lab.node('a').state.accounts.values()) expect(account.untilByGrant.size).toBe(0)
    lab.pass(1_000)
    elect(lab, 'a', 'b')
  })

  it('B.3: who was promised more than it promised does not win by what may have ended while it slept', () => {
    const lab = quiet('abc')
    promise(lab, 'a', 5_000)
    elect(lab, 'a', 'b')
    const grant = grantAt(lab, 'b', 'a')
    lab.act('a', { type: 'suspended' })
    lab.pass(1_000)
    expect(stand(lab, 'a')).toBe(true)
    // a store answers so: whether the grant still stands there, only the next renewal tells
    const { term, nonce } = lastPart(lab, 'a', 'b', 'requestVote')
    const vote = { election: 'e', term, nonce, grant, refusal: null, knownTerm: term, leader: null } as const
    say(lab, 'b', 'a', { kind: 'voteReply', ...vote })
    expect(lab.leads('a')).toBe(false)
  })
})
