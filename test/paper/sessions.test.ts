/**
 * Sessions, rule by rule (PROTOCOL A.4: R58-R60, R64, R71; R24 and R27 as far as the core sees them).
 *
 * Each test puts one sentence of a rule to the shipping `step`, by hand. How the rules hold together under adverse
 * schedules is the business of `test/core`.
 */
import { describe, expect, it } from 'vitest'
import type { Heartbeat } from '../../src/core'
import {
  along,
  beat,
  boundTo,
  counted,
  effects,
  elect,
  end,
  exchange,
  grantAt,
  keep,
  Lab,
  lastPart,
  leaseEnd,
  parts,
  partsOf,
  quiet,
  rates,
  renounce,
  say,
  silence,
  stand,
  supportEnd,
  talk,
} from '../core/story'

function heartbeat(round: number, promiseMs = 1000, probe = false): Heartbeat {
  return { kind: 'heartbeat', round, promiseMs, probe, prompt: true }
}

describe('R58: support and grants', () => {
  it('R58: a frame renews iff it is no probe and its round is above the last that renewed', () => {
    const lab = quiet('ab')
    const answer = (part: Heartbeat) => {
      say(lab, 'b', 'a', part)
      return lastPart(lab, 'a', 'b', 'ack')
    }
    expect(answer(heartbeat(10, 1000, true))).toMatchObject({ round: 10, grant: null, renewed: false })
    expect(answer(heartbeat(7))).toMatchObject({ round: 7, grant: '1.1', renewed: true })
    expect(answer(heartbeat(7))).toMatchObject({ renewed: false, grant: '1.1' })
    expect(answer(heartbeat(6))).toMatchObject({ renewed: false, grant: '1.1' })
    expect(answer(heartbeat(20, 1000, true)), 'a probe never moves the last round').toMatchObject({
      renewed: false,
      grant: '1.1',
    })
    expect(answer(heartbeat(8))).toMatchObject({ renewed: true, grant: '1.1' })
  })

  it('R58: support ends at now + D, D from the message, and a shorter D never shortens it', () => {
    const lab = quiet('ab')
    lab.pass(100)
    say(lab, 'b', 'a', heartbeat(11, 700))
    expect(supportEnd(lab, 'a', 'b')).toBe(800)
    lab.pass(10)
    say(lab, 'b', 'a', heartbeat(12, 100))
    expect(supportEnd(lab, 'a', 'b')).toBe(800)
    say(lab, 'b', 'a', heartbeat(13, 5000))
    expect(supportEnd(lab, 'a', 'b')).toBe(5110)
  })

  it('R58: an old frame starts nothing and extends nothing', () => {
    const lab = quiet('ab')
    say(lab, 'b', 'a', heartbeat(10))
    lab.pass(500)
    say(lab, 'b', 'a', heartbeat(10), heartbeat(9), heartbeat(99, 1000, true))
    expect(supportEnd(lab, 'a', 'b')).toBe(1000)
    lab.pass(500)
    say(lab, 'b', 'a', heartbeat(10), heartbeat(100, 1000, true))
    expect(grantAt(lab, 'a', 'b')).toBeNull()
  })

  it('R58: a new life of the holder begins a new grant', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    const first = grantAt(lab, 'b', 'a')
    lab.crash('a')
    lab.restart('a')
    lab.connect([['a', 'b']])
    talk(lab, 'a', 'b')
    say(lab, 'a', 'b', heartbeat(90))
    expect(grantAt(lab, 'b', 'a')).not.toBeNull()
    expect(grantAt(lab, 'b', 'a')).not.toBe(first)
  })

  it('R58: a grant is never used twice, not by another pair, not after a restart of either side', () => {
    const lab = quiet('abc')
    const named: (string | null)[] = []
    let round = 100
    for (let life = 0; life < 3; life++) {
      for (let lapse = 0; lapse < 3; lapse++) {
        for (const holder of ['a', 'c']) {
          round += 1
          say(lab, holder, 'b', heartbeat(round))
          named.push(grantAt(lab, 'b', holder))
        }
        lab.pass(1000)
      }
      lab.crash('b')
      lab.restart('b')
      lab.connect()
      lab.crash('c')
      lab.restart('c')
      lab.connect()
    }
    expect(named).not.toContain(null)
    expect(new Set(named).size).toBe(named.length)
  })
})

describe('R59: a lapse is final', () => {
  it('R59: run-out is judged on the reading: at the very end of the support nothing stands any more', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.pass(supportEnd(lab, 'b', 'a') - lab.at - 0.001)
    expect(stand(lab, 'b'), 'a moment before').toBe(false)
    lab.pass(0.001)
    expect(stand(lab, 'b'), 'no timer had to fire').toBe(true)
  })

  it('R59: what was bound under a grant that ran out is free for ever, though its holder comes back', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.pass(1000)
    say(lab, 'a', 'b', heartbeat(90))
    expect(grantAt(lab, 'b', 'a')).not.toBeNull()
    expect(boundTo(lab, 'b')).toBeNull()
    expect(stand(lab, 'b')).toBe(true)
  })
})

describe('R60: the holder’s account is per grant', () => {
  it('R60: an ack credits its own grant from the send time of its own round, and only upwards', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    const grant = grantAt(lab, 'b', 'a') as string
    const rounds: number[] = []
    for (let i = 0; i < 3; i++) {
      lab.pass(100)
      beat(lab, 'a')
      rounds.push(lastPart(lab, 'a', 'b', 'heartbeat').round)
    }
    lab.drop()
    lab.pass(100)
    const ack = (round: number) => say(lab, 'b', 'a', { kind: 'ack', round, grant, renewed: true })
    ack(rounds[1] as number)
    expect(counted(lab, 'a', 'b', grant)).toBe(1200)
    ack(rounds[0] as number)
    expect(counted(lab, 'a', 'b', grant), 'late and out of order').toBe(1200)
    ack(rounds[2] as number)
    ack(rounds[2] as number)
    expect(counted(lab, 'a', 'b', grant), 'twice').toBe(1300)
  })

  it('R60: an ack that did not renew, or of an unknown round, touches no account', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    const grant = grantAt(lab, 'b', 'a') as string
    const before = counted(lab, 'a', 'b', grant)
    lab.pass(100)
    beat(lab, 'a')
    const { round } = lastPart(lab, 'a', 'b', 'heartbeat')
    lab.drop()
    say(lab, 'b', 'a', { kind: 'ack', round, grant, renewed: false })
    say(lab, 'b', 'a', { kind: 'ack', round: round + 1, grant, renewed: true })
    expect(counted(lab, 'a', 'b', grant)).toBe(before)
  })

  it('R60: a new grant neither deletes the entry of an old one nor adds to it', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    const old = grantAt(lab, 'b', 'a') as string
    lab.crash('b')
    lab.restart('b')
    lab.connect([['a', 'b']])
    lab.pass(50)
    exchange(lab, 'a', 'b')
    const now = grantAt(lab, 'b', 'a') as string
    expect(counted(lab, 'a', 'b', old), 'b’s boot wait keeps that promise').toBe(1000)
    expect(counted(lab, 'a', 'b', now)).toBe(1050)
  })
})

describe('R64: two-way or silent', () => {
  it('R64: after D without an answer a holder only probes, and renews again once it is answered', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    const answered = lab.node('a').state.accounts.get('b')?.lastAnsweredSend as number
    const kinds: [number, boolean][] = []
    while (lab.at < answered + 1300) {
      lab.pass(100)
      beat(lab, 'a')
      kinds.push([lab.at - answered, lastPart(lab, 'a', 'b', 'heartbeat').probe])
      talk(lab, 'a', 'c')
      lab.drop()
    }
    for (const [since, probe] of kinds)
      expect(probe, `${since} ms after the answered one`).toBe(since >= 1000)
    exchange(lab, 'a', 'b')
    beat(lab, 'a')
    expect(lastPart(lab, 'a', 'b', 'heartbeat').probe).toBe(false)
  })

  it('R64: answering an old frame late does not count as answering a new one', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    lab.pass(200)
    beat(lab, 'a')
    lab.deliver(along('a', 'b'))
    const late = lab.hold(along('b', 'a'))
    keep(lab, 900, 'a-c')
    for (const frame of late) lab.hand(frame)
    beat(lab, 'a')
    expect(lastPart(lab, 'a', 'b', 'heartbeat').probe, 'sent 900 ago').toBe(false)
    lab.drop()
    keep(lab, 100, 'a-c')
    beat(lab, 'a')
    expect(lastPart(lab, 'a', 'b', 'heartbeat').probe, 'sent 1000 ago').toBe(true)
  })

  it('R64: a dial counts as sent when it was made', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    keep(lab, 1500, 'a-c')
    const greeting = { incarnation: 1, storageId: 'disk-b', rho: 0, deltaMs: 0 }
    lab.act('a', { type: 'connected', peer: 'b', ...greeting, sentAt: lab.at - 1000 })
    expect(lastPart(lab, 'a', 'b', 'heartbeat').probe).toBe(true)
    lab.act('a', { type: 'connected', peer: 'b', ...greeting, sentAt: lab.at - 999 })
    expect(lastPart(lab, 'a', 'b', 'heartbeat').probe).toBe(false)
  })

  it('R64: a process that sends but does not hear loses all its bindings within D + D/(1 - rho)', () => {
    const lab = quiet('abc', { timing: { rho: 0.1 } })
    rates(lab, { a: 0.9, b: 1.1, c: 1 })
    elect(lab, 'a', 'bc')
    const deaf = lab.at
    while (lab.at < deaf + 1000 + 1000 / 0.9 + 100) {
      lab.pass(50)
      lab.tick('a')
      lab.drop((frame) => partsOf([frame], 'release').length > 0)
      lab.deliver((frame) => frame.from === 'a')
      lab.drop()
    }
    expect([boundTo(lab, 'b'), boundTo(lab, 'c')]).toEqual([null, null])
    expect([grantAt(lab, 'b', 'a'), grantAt(lab, 'c', 'a')]).toEqual([null, null])
  })
})

describe('R71: who heartbeats', () => {
  it('R71: a leader heartbeats every voter each interval, whatever it leads', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'bc', 'e')
    elect(lab, 'a', 'bc', 'f')
    keep(lab, 100, 'a-b', 'a-c')
    const from = lab.sent.length
    keep(lab, 1000, 'a-b', 'a-c')
    const frames = lab.sent.slice(from).filter(along('a', 'b', 'heartbeat'))
    expect(frames).toHaveLength(10)
    expect(partsOf(frames, 'heartbeat').every(({ probe }) => !probe)).toBe(true)
  })

  it('R71: one that neither leads nor campaigns only probes, each D/2', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    keep(lab, 1000, 'a-b', 'a-c', 'b-c')
    const from = lab.sent.length
    keep(lab, 2000, 'a-b', 'a-c', 'b-c')
    const probes = partsOf(lab.sent.slice(from).filter(along('b', 'c')), 'heartbeat')
    expect(probes).toHaveLength(4)
    expect(probes.every(({ probe }) => probe)).toBe(true)
  })

  it('R71: an ack rides on the voter’s own heartbeat if one leaves within h/4, else it leaves at once', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'bc', 'e')
    elect(lab, 'b', 'ac', 'f')
    keep(lab, 100, 'a-b', 'a-c', 'b-c')
    const due = lab.node('b').state.nextHeartbeatAt
    const plain = { kind: 'heartbeat', promiseMs: 1000, probe: false, prompt: false } as const
    lab.pass(due - lab.at - 26)
    say(lab, 'a', 'b', { ...plain, round: 50 })
    expect(partsOf(lab.wire.filter(along('b', 'a')), 'ack')).toHaveLength(1)
    lab.drop()
    lab.pass(2)
    say(lab, 'a', 'b', { ...plain, round: 51 })
    expect(lab.wire.filter(along('b', 'a'))).toHaveLength(0)
    lab.pass(24)
    lab.tick('b')
    const [frame] = lab.wire.filter(along('b', 'a'))
    expect(frame?.parts.map(({ kind }) => kind).slice(0, 2)).toEqual(['ack', 'heartbeat'])
  })

  it('R71: with more than ten heartbeats to a promise an ack waits for the next one up to D/40', () => {
    const lab = quiet('abc', { elections: ['e', 'f'], timing: { heartbeatMs: 25 } })
    elect(lab, 'a', 'bc', 'e')
    elect(lab, 'b', 'ac', 'f')
    const from = lab.sent.length
    keep(lab, 1000, 'a-b', 'a-c', 'b-c')
    const frames = lab.sent.slice(from).filter(along('b', 'a'))
    expect(partsOf(frames, 'ack').length).toBeGreaterThanOrEqual(19)
    for (const { parts } of frames)
      expect(
        parts.map(({ kind }) => kind),
        'no frame for an answer alone',
      ).toContain('heartbeat')
  })

  it('R71: an ack never waits if more than a heartbeat has to be answered', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'bc', 'e')
    elect(lab, 'b', 'ac', 'f')
    keep(lab, 100, 'a-b', 'a-c', 'b-c')
    lab.pass(lab.node('b').state.nextHeartbeatAt - lab.at - 1)
    const plain = { kind: 'heartbeat', promiseMs: 1000, probe: false } as const
    say(lab, 'a', 'b', { ...plain, round: 50, prompt: true })
    expect(lab.wire.filter(along('b', 'a', 'ack'))).toHaveLength(1)
    say(lab, 'a', 'b', { ...plain, round: 51, prompt: false }, { kind: 'bind', election: 'e', term: 1 })
    expect(lab.wire.filter(along('b', 'a', 'ack'))).toHaveLength(2)
  })

  it('R71: one SessionEnd frees all elections of a process at a voter', () => {
    const lab = quiet('abc', { elections: ['e', 'f', 'g'] })
    for (const name of ['e', 'f', 'g']) elect(lab, 'a', 'bc', name)
    end(lab, 'a')
    expect(effects(lab, 'a', 'revoked').map(({ reason }) => reason)).toEqual([
      'stopped',
      'stopped',
      'stopped',
    ])
    const word = lab.hold(along('a', 'b'))
    expect(word.map(({ parts: said }) => said)).toEqual([[{ kind: 'sessionEnd' }]])
    for (const frame of word) lab.hand(frame)
    for (const name of ['e', 'f', 'g']) expect(boundTo(lab, 'b', name)).toBeNull()
    expect(boundTo(lab, 'c', 'e'), 'whoever did not hear it waits').toBe('a')
  })

  it('R71: a process that only renounces its elections sends releases, never SessionEnd', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'bc', 'e')
    elect(lab, 'a', 'bc', 'f')
    renounce(lab, 'a', null, 'e')
    lab.act('a', { type: 'suspended' })
    expect(parts(lab, 'a', 'b', 'release').map(({ election }) => election)).toEqual(['e', 'f'])
    expect(parts(lab, 'a', 'b', 'sessionEnd')).toHaveLength(0)
  })

  it('R71: a candidate probes voters that have not answered within D, and asks them on their answer', () => {
    const lab = quiet('abc')
    silence(lab, 1500)
    lab.drop()
    stand(lab, 'a')
    expect(lab.wire.filter(along('a', 'b')).map(({ parts: said }) => said.map(({ kind }) => kind))).toEqual([
      ['heartbeat'],
    ])
    expect(lastPart(lab, 'a', 'b', 'heartbeat').probe).toBe(true)
    lab.deliver(along('a', 'b'))
    lab.deliver(along('b', 'a'))
    const asked = lab.wire.filter(along('a', 'b')).flatMap(({ parts: said }) => said)
    expect(asked.map(({ kind }) => kind)).toEqual(['heartbeat', 'requestVote'])
    expect(asked[0]).toMatchObject({ probe: false })
    talk(lab, 'a', 'b')
    expect(lab.leads('a')).toBe(true)
  })

  it('R71: an elector without a vote holds sessions at voters and owes none', () => {
    const lab = quiet('abcx', { voters: ['a', 'b', 'c'] })
    lab.deliver()
    elect(lab, 'x', 'ab')
    expect(leaseEnd(lab, 'x'), 'it does not count itself').toBe(1000)
    keep(lab, 3000, 'a-x', 'b-x', 'c-x')
    expect(lab.leads('x')).toBe(true)
    expect(parts(lab, 'a', 'x', 'heartbeat')).toHaveLength(0)
    expect(parts(lab, 'x', 'a', 'ack')).toHaveLength(0)
    keep(lab, 500, 'a-x')
    keep(lab, 1000, 'a-x')
    expect(lab.leads('x'), 'one voter of three is no quorum').toBe(false)
  })

  it('R58, R71: a process without a vote supports nobody', () => {
    const lab = quiet('abx', { voters: ['a', 'b'] })
    say(lab, 'a', 'x', heartbeat(50))
    expect(parts(lab, 'x', 'a', 'ack')).toHaveLength(0)
  })
})

describe('R24, R27: lives', () => {
  it('R24: a frame that was meant for another life of the receiver is not applied', () => {
    const lab = quiet('abc')
    const before = structuredClone(lab.node('b').state)
    lab.act('b', {
      type: 'frame',
      from: 'a',
      fromIncarnation: 1,
      toIncarnation: 2,
      parts: [heartbeat(90), { kind: 'requestVote', election: 'e', term: 9, nonce: 1, certificate: null }],
    })
    expect(lab.node('b').state).toEqual(before)
  })

  it('R24, R27: a lower life than the highest seen is ignored, greeting and frames alike', () => {
    const lab = quiet('abc')
    lab.crash('a')
    lab.restart('a')
    lab.connect([['a', 'b']])
    talk(lab, 'a', 'b')
    const before = structuredClone(lab.node('b').state)
    const said = lab.sent.length
    const parts = [heartbeat(90), { kind: 'sessionEnd' } as const]
    lab.act('b', { type: 'frame', from: 'a', fromIncarnation: 1, toIncarnation: 1, parts })
    const greeting = { incarnation: 1, storageId: 'disk-a', rho: 0, deltaMs: 0, sentAt: lab.at }
    lab.act('b', { type: 'connected', peer: 'a', ...greeting })
    expect(lab.node('b').state).toEqual(before)
    expect(lab.sent).toHaveLength(said)
  })

  it('R24: an answer never reaches another life of whoever asked', () => {
    const lab = quiet('abc')
    lab.holdWrites.add('b')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    lab.drop()
    lab.crash('a')
    lab.restart('a')
    lab.connect([['a', 'b']])
    lab.drop()
    lab.completeWrite('b')
    expect(lab.wire.filter(along('b', 'a', 'voteReply'))).toHaveLength(0)
  })

  it('R24: frames name the lives of both ends', () => {
    const lab = new Lab(['a', 'b'])
    lab.restart('b')
    lab.restart('b')
    lab.connect()
    expect(lab.wire.find(along('a', 'b'))).toMatchObject({ fromIncarnation: 1, toIncarnation: 3 })
    expect(lab.wire.find(along('b', 'a'))).toMatchObject({ fromIncarnation: 3, toIncarnation: 1 })
  })
})
