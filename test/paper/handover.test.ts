/**
 * Giving leadership up and handing it over, rule by rule (PROTOCOL A.4: R20, R21; P7).
 *
 * Each test puts one sentence of a rule to the shipping `step`, by hand.
 */
import { describe, expect, it } from 'vitest'
import type { Certificate } from '../../src/core'
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
  leaseEnd,
  parts,
  partsOf,
  quiet,
  renounce,
  say,
  stand,
  talk,
  tell,
} from '../core/story'

const certificate = (term: number, over: Partial<Certificate> = {}): Certificate => ({
  leader: 'a',
  storageId: 'disk-a',
  incarnation: 1,
  term,
  ...over,
})

/** A vote request of c at b, behind a fresh heartbeat, with that certificate. */
function askWith(lab: Lab, term: number, cert: Certificate, round = 80) {
  say(
    lab,
    'c',
    'b',
    { kind: 'heartbeat', round, promiseMs: 1000, probe: false, prompt: true },
    { kind: 'requestVote', election: 'e', term, nonce: 1, certificate: cert },
  )
  return lastPart(lab, 'b', 'c', 'voteReply')
}

function freeze(lab: Lab, id: string, name = 'e'): void {
  lab.act(id, { type: 'freeze', election: name, reason: 'drainTimeout' })
}

describe('R20: renounce', () => {
  it('R20: leadership is dropped first, then every voter is told', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    const effectsOf = lab.act('a', {
      type: 'renounce',
      election: 'e',
      reason: 'resigned',
      to: null,
      cooldownMs: 0,
    })
    const order = effectsOf.map(({ type }) => type)
    expect(order.indexOf('revoked')).toBeGreaterThanOrEqual(0)
    expect(order.indexOf('revoked')).toBeLessThan(order.indexOf('send'))
    for (const voter of 'bc') expect(lastPart(lab, 'a', voter, 'release').term).toBe(1)
    expect(lab.leads('a')).toBe(false)
  })

  it('R20, P7: every term up to the highest campaigned in is renounced, and late answers bring none back', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    tell(lab, 'a', 3)
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const late = lab.hold(along('b', 'a'))
    lab.drop()
    expect(lab.election('a').campaign?.term).toBe(4)
    renounce(lab, 'a')
    expect(lastPart(lab, 'a', 'b', 'release').term).toBe(4)
    for (const frame of late) lab.hand(frame)
    exchange(lab, 'a', 'b')
    expect(lab.leads('a')).toBe(false)
    expect(effects(lab, 'a', 'elected')).toHaveLength(1)
    expect(boundTo(lab, 'b')).toBeNull()
  })

  it('R20: a renunciation of what one does not lead does nothing', () => {
    const lab = quiet('abc')
    const before = lab.sent.length
    renounce(lab, 'b')
    expect(lab.sent).toHaveLength(before)
    expect(effects(lab, 'b', 'revoked')).toHaveLength(0)
  })

  it('R20: whoever resigned does not stand again before its cool-down', () => {
    const lab = quiet('abc', { succession: true, timing: { stepMs: 10 } })
    stand(lab, 'a')
    talk(lab, 'a', 'b')
    lab.drop()
    lab.act('a', { type: 'renounce', election: 'e', reason: 'resigned', to: null, cooldownMs: 700 })
    expect(lab.election('a').attemptAt).toBeGreaterThanOrEqual(700)
    expect(lab.election('a').attemptAt).toBeLessThanOrEqual(800)
  })
})

describe('R20: a lease that is frozen', () => {
  it('R20: later acks add nothing, and at its end all is renounced, then released', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    keep(lab, 200, 'a-b', 'a-c')
    const end = leaseEnd(lab, 'a')
    freeze(lab, 'a')
    keep(lab, end - lab.at - 1, 'a-b', 'a-c')
    expect(leaseEnd(lab, 'a')).toBe(end)
    expect(lab.leads('a'), 'the work may still use it').toBe(true)
    expect(parts(lab, 'a', 'b', 'release'), 'and nothing is released while it may').toHaveLength(0)
    expect(boundTo(lab, 'b')).toBe('a')
    lab.pass(1)
    lab.tick('a')
    expect(lab.leads('a')).toBe(false)
    expect(effects(lab, 'a', 'revoked')).toMatchObject([{ reason: 'drainTimeout' }])
    expect(parts(lab, 'a', 'b', 'release').length).toBeGreaterThan(0)
  })

  it('R20: the reason given is the reason reported', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.act('a', { type: 'freeze', election: 'e', reason: 'unhealthy' })
    lab.pass(1000)
    lab.tick('a')
    expect(effects(lab, 'a', 'revoked')).toMatchObject([{ reason: 'unhealthy' }])
  })

  it('R20: other elections of the process do not notice', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'bc', 'e')
    elect(lab, 'a', 'bc', 'f')
    expect(lab.election('a', 'e').lead?.lease).toBe(lab.election('a', 'f').lead?.lease)
    freeze(lab, 'a', 'e')
    keep(lab, 1500, 'a-b', 'a-c')
    expect(lab.leads('a', 'e')).toBe(false)
    expect(lab.leads('a', 'f')).toBe(true)
    expect(effects(lab, 'a', 'revoked').map(({ election }) => election)).toEqual(['e'])
  })

  it('R20: no bind, no re-term, no win, no transfer while frozen', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    tell(lab, 'a', 3)
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const yes = lab.hold(along('b', 'a'))
    lab.drop()
    freeze(lab, 'a')
    expect(lab.election('a').campaign, 'the campaign for the next term ends').toBeNull()
    for (const frame of yes) lab.hand(frame)
    expect(effects(lab, 'a', 'elected')).toHaveLength(1)
    tell(lab, 'a', 9)
    expect(stand(lab, 'a')).toBe(false)
    say(lab, 'c', 'a', { kind: 'bindAck', election: 'e', term: 1, grant: null, knownTerm: 12 })
    expect(lab.election('a').campaign).toBeNull()
    const from = lab.sent.length
    beat(lab, 'a')
    talk(lab, 'a', 'c')
    beat(lab, 'a')
    expect(partsOf(lab.sent.slice(from), 'bind')).toHaveLength(0)
    const end = leaseEnd(lab, 'a')
    renounce(lab, 'a', 'b')
    expect(partsOf(lab.sent, 'timeoutNow')).toHaveLength(0)
    expect(end).toBe(1000)
  })

  it('R20: a late grant adds nothing to a frozen lease', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    say(lab, 'a', 'c', { kind: 'heartbeat', round: 60, promiseMs: 1000, probe: false, prompt: true })
    const grant = grantAt(lab, 'c', 'a') as string
    lab.drop()
    lab.pass(500)
    freeze(lab, 'a')
    beat(lab, 'a')
    const { round } = lastPart(lab, 'a', 'c', 'heartbeat')
    say(lab, 'c', 'a', { kind: 'ack', round, grant, renewed: true })
    say(lab, 'c', 'a', { kind: 'bindAck', election: 'e', term: 1, grant, knownTerm: 1 })
    expect(leaseEnd(lab, 'a')).toBe(1000)
  })

  it('R20: if the work does stop, the rest of the frozen time is given up', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    freeze(lab, 'a')
    renounce(lab, 'a')
    expect(lab.leads('a')).toBe(false)
    talk(lab, 'a', 'b')
    expect(boundTo(lab, 'b')).toBeNull()
  })
})

describe('R21: transfer', () => {
  it('R21: renounces, releases with the name of the target, and orders it to stand, in this order', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    renounce(lab, 'a', 'b')
    expect(lab.leads('a'), 'no way back').toBe(false)
    expect(lastPart(lab, 'a', 'c', 'release')).toMatchObject({ term: 1, successor: 'b' })
    const [frame] = lab.wire.filter(along('a', 'b'))
    expect(frame?.parts.map(({ kind }) => kind)).toEqual(['release', 'timeoutNow'])
    expect(lastPart(lab, 'a', 'b', 'timeoutNow')).toEqual({
      kind: 'timeoutNow',
      election: 'e',
      storageId: 'disk-b',
      certificate: certificate(1),
    })
  })

  it('R21: the certificate names the highest term campaigned in, not only the one led', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    tell(lab, 'a', 5)
    stand(lab, 'a')
    lab.drop()
    renounce(lab, 'a', 'b')
    expect(lastPart(lab, 'a', 'b', 'timeoutNow').certificate.term).toBe(6)
    talk(lab, 'a', 'b')
    expect(lab.election('b').lead?.term, 'and the target goes above it').toBe(7)
  })

  it('R21: the target stands at once, without a pre-vote, and wins over standing bindings', () => {
    const lab = quiet('abc', { preVote: true })
    stand(lab, 'a')
    lab.deliver()
    keep(lab, 100, 'a-b', 'a-c', 'b-c')
    expect(boundTo(lab, 'c')).toBe('a')
    renounce(lab, 'a', 'b')
    lab.drop(along('a', 'c'))
    lab.deliver(along('a', 'b'))
    expect(lab.election('b').campaign).toMatchObject({ phase: 'vote', term: 2, certificate: certificate(1) })
    expect(boundTo(lab, 'c'), 'c heard no release').toBe('a')
    talk(lab, 'b', 'c')
    expect(lab.leads('b')).toBe(true)
    expect(boundTo(lab, 'c')).toBe('b')
  })

  it('R21: a certificate voids the binding even if the vote is then refused', () => {
    const lab = quiet('abc')
    tell(lab, 'b', 0)
    elect(lab, 'a', 'b')
    tell(lab, 'b', 9)
    expect(askWith(lab, 2, certificate(1))).toMatchObject({ grant: null, refusal: 'term' })
    expect(boundTo(lab, 'b')).toBeNull()
  })

  it('R21: it voids exactly bindings of that process, storage and life with a term up to its own', () => {
    const wrong: Partial<Certificate>[] = [
      { leader: 'c' },
      { storageId: 'another' },
      { incarnation: 2 },
      { incarnation: 0 },
      { term: 3 },
    ]
    for (const over of wrong) {
      const lab = quiet('abc')
      tell(lab, 'a', 3)
      elect(lab, 'a', 'b')
      expect(askWith(lab, 9, certificate(4, over)), JSON.stringify(over)).toMatchObject({ refusal: 'bound' })
      expect(boundTo(lab, 'b')).toBe('a')
    }
    const lab = quiet('abc')
    tell(lab, 'a', 3)
    elect(lab, 'a', 'b')
    expect(askWith(lab, 9, certificate(4))?.refusal).toBeNull()
  })

  it('R21: an order counts only from the leader that the target is bound to, or if it is bound to nobody', () => {
    const order = { kind: 'timeoutNow', election: 'e', storageId: 'disk-b' } as const
    const bound = quiet('abc')
    elect(bound, 'c', 'b')
    say(bound, 'a', 'b', { ...order, certificate: certificate(9) })
    expect(bound.election('b').campaign, 'bound to c').toBeNull()
    expect(boundTo(bound, 'b')).toBe('c')

    const newer = quiet('abc')
    tell(newer, 'a', 4)
    elect(newer, 'a', 'b')
    say(newer, 'a', 'b', { ...order, certificate: certificate(4) })
    expect(newer.election('b').campaign, 'bound to a newer term').toBeNull()
    expect(boundTo(newer, 'b')).toBe('a')

    const free = quiet('abc')
    say(free, 'a', 'b', { ...order, certificate: certificate(9) })
    expect(free.election('b').campaign?.term).toBe(10)
  })

  it('R21: an order is for one disk, from one life of the leader itself', () => {
    const order = { kind: 'timeoutNow', election: 'e', storageId: 'disk-b' } as const
    for (const wrong of [
      { ...order, storageId: 'another', certificate: certificate(1) },
      { ...order, certificate: certificate(1, { leader: 'c' }) },
      { ...order, certificate: certificate(1, { incarnation: 2 }) },
    ]) {
      const lab = quiet('abc')
      say(lab, 'a', 'b', wrong)
      expect(lab.election('b').campaign).toBeNull()
    }
  })

  it('R21: an order does not make a process stand that may not: in boot wait, not contending, or leading', () => {
    const order = {
      kind: 'timeoutNow',
      election: 'e',
      storageId: 'disk-b',
      certificate: certificate(1),
    } as const
    const boot = quiet('abc')
    boot.crash('b')
    boot.restart('b')
    boot.connect()
    boot.contend('e', ['b'])
    boot.drop()
    say(boot, 'a', 'b', order)
    expect(boot.election('b').campaign).toBeNull()

    const idle = quiet('abc', { contenders: ['a', 'c'] })
    say(idle, 'a', 'b', { kind: 'contend', election: 'e', contending: true, priority: 0 }, order)
    expect(idle.election('b').campaign).toBeNull()

    const leading = quiet('abc')
    elect(leading, 'b', 'c')
    say(leading, 'a', 'b', order)
    expect(leading.election('b').campaign).toBeNull()
    expect(leading.leads('b')).toBe(true)
  })

  it('R21: a transfer to oneself or to a stranger is a resignation', () => {
    for (const to of ['a', 'nobody']) {
      const lab = quiet('abc')
      elect(lab, 'a', 'b')
      renounce(lab, 'a', to)
      expect(lab.leads('a')).toBe(false)
      expect(partsOf(lab.sent, 'timeoutNow')).toHaveLength(0)
      expect(lastPart(lab, 'a', 'b', 'release').term).toBe(1)
    }
  })

  it('R21, R69: the named target goes first in the succession', () => {
    const lab = quiet('abcd', { succession: true, timing: { stepMs: 100 } })
    stand(lab, 'a')
    lab.deliver()
    expect(lab.leads('a')).toBe(true)
    for (const target of ['b', 'c', 'd']) {
      const leader = lab.leader() as string
      if (leader === target) continue
      renounce(lab, leader, target)
      lab.drop((frame) => partsOf([frame], 'timeoutNow').length > 0)
      // Even if the order itself is lost, but its release arrives:
      lab.act(target, {
        type: 'frame',
        from: leader,
        fromIncarnation: 1,
        toIncarnation: 1,
        parts: [{ kind: 'release', election: 'e', term: lab.election(leader).topTerm, successor: target }],
      })
      const at = lab.at
      lab.run(2000, () => lab.leader() !== null)
      expect(lab.leader()).toBe(target)
      expect(lab.at - at).toBeLessThan(50)
      lab.run(500)
    }
  })

  it('R63: an owed release keeps the name of the target when another answer asks for a release of the same term', () => {
    const lab = quiet('abcde')
    stand(lab, 'a')
    lab.deliver(along('a', 'd'))
    const late = lab.hold(along('d', 'a', 'voteReply'))
    talk(lab, 'a', 'b')
    talk(lab, 'a', 'c')
    expect(lab.leads('a')).toBe(true)
    lab.drop()
    renounce(lab, 'a', 'b')
    lab.drop()
    for (const frame of late) lab.hand(frame)
    lab.pass(500)
    lab.tick('a')
    expect(lastPart(lab, 'a', 'd', 'release').successor).toBe('b')
  })

  it('R21: a hand-over that succeeds takes one round of votes', () => {
    const lab = quiet('abc', { preVote: true })
    stand(lab, 'a')
    lab.deliver()
    lab.drop()
    renounce(lab, 'a', 'b')
    lab.deliver(along('a', 'b'))
    lab.deliver(along('b', 'c'))
    lab.deliver(along('c', 'b'))
    expect(lab.leads('b')).toBe(true)
    expect(known(lab, 'b')).toBe(2)
    expect(binding(lab, 'b')).toMatchObject({ leader: 'b', term: 2, led: true })
  })
})
