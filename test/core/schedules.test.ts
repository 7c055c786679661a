/**
 * The directed schedules that the exhaustive exploration of the rules asked for (PROTOCOL A.9): each one broke an earlier
 * text of the rule that it names, or a mutant of it. The title says what must not happen.
 *
 * Left out because they need a store voter: R66 (two processes of one id on one store), R47 (read-back), R68 (versions).
 */
import { describe, expect, it } from 'vitest'
import {
  along,
  beat,
  binding,
  boundTo,
  counted,
  effects,
  elect,
  end,
  exchange,
  grantAt,
  keep,
  known,
  type Lab,
  lastPart,
  leaseEnd,
  parts,
  partsOf,
  promise,
  quiet,
  rates,
  renounce,
  retime,
  silence,
  stand,
  supportEnd,
  talk,
  tell,
} from './story'

describe('R58, R60: what an ack is worth', () => {
  /**
   * a leads by b and c. b's answers are lost from the start, so that a only probes b in the end (R64); c falls silent at
   * 600. The last heartbeat that reached b left at 450, so b stands until 1450; a slow one left at 900.
   */
  function unansweredLeader(): { lab: Lab; slow: ReturnType<Lab['hold']> } {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    keep(lab, 500, 'a>b', 'a-c')
    keep(lab, 100, 'a-c')
    expect(supportEnd(lab, 'b', 'a')).toBe(1450)
    lab.pass(300)
    beat(lab, 'a')
    const slow = lab.hold(along('a', 'b'))
    expect(partsOf(slow, 'heartbeat')).toMatchObject([{ probe: false }])
    lab.drop()
    lab.pass(101)
    beat(lab, 'a')
    expect(partsOf(lab.wire.filter(along('a', 'b')), 'heartbeat')).toMatchObject([{ probe: true }])
    lab.drop(along('a', 'c'))
    return { lab, slow }
  }

  it('V1: the answer to a probe is not counted, so a lease does not outlive the support behind it', () => {
    const { lab } = unansweredLeader()
    const grant = grantAt(lab, 'b', 'a') as string
    talk(lab, 'a', 'b')
    expect(lastPart(lab, 'b', 'a', 'ack')).toMatchObject({ grant, renewed: false })
    expect(counted(lab, 'a', 'b', grant)).toBeLessThanOrEqual(1000)
    lab.drop()
    silence(lab, 1602 - lab.at)
    expect(boundTo(lab, 'b')).toBeNull()
    elect(lab, 'b', 'c')
    expect(lab.leads('a')).toBe(false)
  })

  it('V1: a heartbeat that arrives behind a later probe renews by itself, and is counted from its own sending', () => {
    const { lab, slow } = unansweredLeader()
    const grant = grantAt(lab, 'b', 'a') as string
    lab.deliver(along('a', 'b'))
    for (const frame of slow) lab.hand(frame)
    expect(supportEnd(lab, 'b', 'a')).toBe(lab.at + 1000)
    lab.deliver(along('b', 'a'))
    expect(counted(lab, 'a', 'b', grant)).toBe(900 + 1000)
    lab.drop()
    // At 1601 a is valid by b; b must still know itself bound then.
    silence(lab, 1602 - lab.at)
    expect(lab.leads('a')).toBe(true)
    expect(stand(lab, 'b')).toBe(false)
    silence(lab, 2002 - lab.at)
    expect(lab.leads('a')).toBe(false)
    elect(lab, 'b', 'c')
  })

  it('V1: one round can be a heartbeat for one voter and a probe for another', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    keep(lab, 600, 'a>b', 'a-c')
    keep(lab, 450, 'a-c')
    expect(grantAt(lab, 'b', 'a'), 'b still supports a').not.toBeNull()
    beat(lab, 'a')
    const round = lastPart(lab, 'a', 'b', 'heartbeat')
    expect(round.probe).toBe(true)
    expect(lastPart(lab, 'a', 'c', 'heartbeat')).toMatchObject({ round: round.round, probe: false })
    const lease = leaseEnd(lab, 'a')
    talk(lab, 'a', 'b')
    expect(leaseEnd(lab, 'a'), 'b’s answer extends nothing').toBe(lease)
    talk(lab, 'a', 'c')
    expect(leaseEnd(lab, 'a')).toBe(lab.at + 1000)
  })

  it('V1b: an overtaken heartbeat that asked for more is answered, but neither renews nor counts', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    const grant = grantAt(lab, 'b', 'a') as string
    lab.pass(50)
    promise(lab, 'a', 2000)
    beat(lab, 'a')
    const longer = lab.hold(along('a', 'b'))
    lab.drop()
    lab.pass(50)
    promise(lab, 'a', 1000)
    exchange(lab, 'a', 'b')
    expect(supportEnd(lab, 'b', 'a')).toBe(1100)
    for (const frame of longer) lab.hand(frame)
    expect(lastPart(lab, 'b', 'a', 'ack')).toMatchObject({ grant, renewed: false })
    expect(supportEnd(lab, 'b', 'a')).toBe(1100)
    lab.deliver(along('b', 'a'))
    expect(counted(lab, 'a', 'b', grant)).toBe(1100)
    silence(lab, 1200 - lab.at)
    tell(lab, 'c', 1)
    elect(lab, 'c', 'b')
    expect(lab.leads('a')).toBe(false)
  })
})

describe('R71: the end of a session is final', () => {
  it('V2: a process that ended its session does not campaign, vote or heartbeat any more', () => {
    const lab = quiet('abc')
    end(lab, 'b')
    const word = lab.hold(along('b', 'c', 'sessionEnd'))
    expect(word).toHaveLength(1)
    lab.drop()
    // It would campaign behind its own SessionEnd:
    lab.act('b', { type: 'campaign', election: 'e' })
    lab.deliver(along('b', 'c'))
    const late = lab.hold(along('c', 'b'))
    for (const frame of word) lab.hand(frame)
    elect(lab, 'a', 'c')
    for (const frame of late) lab.hand(frame)
    expect(effects(lab, 'b', 'elected')).toHaveLength(0)
    expect(lab.leads('a')).toBe(true)

    const said = lab.sent.length
    exchange(lab, 'a', 'b')
    beat(lab, 'b')
    lab.pass(2000)
    lab.tick('b')
    expect(lab.sent.slice(said).filter(({ from }) => from === 'b')).toHaveLength(0)
  })

  it('V2: what a process sent before its SessionEnd and what arrives after it is ignored', () => {
    const lab = quiet('abc')
    stand(lab, 'b')
    const request = lab.hold(along('b', 'c'))
    lab.drop()
    end(lab, 'b')
    talk(lab, 'b', 'c')
    for (const frame of request) lab.hand(frame)
    expect(grantAt(lab, 'c', 'b')).toBeNull()
    expect(binding(lab, 'c')).toBeNull()
    expect(lab.wire.filter(along('c', 'b'))).toHaveLength(0)
    // A new life of the same process is another matter.
    lab.crash('b')
    lab.restart('b')
    lab.connect([['b', 'c']])
    talk(lab, 'b', 'c')
    lab.contend('e', ['b'])
    talk(lab, 'b', 'c')
    silence(lab, 1000)
    elect(lab, 'b', 'c')
  })
})

describe('R59, R60: a grant that ran out stays dead', () => {
  /** a stands; b votes under grant 1; a hears the yes but no ack. b's support then runs out while a still waits. */
  function lateCandidate(): { lab: Lab; first: string } {
    const lab = quiet('abc', { timing: { rho: 0.1, campaignMs: 990 } })
    rates(lab, { a: 0.9, b: 1.1, c: 1 })
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const first = grantAt(lab, 'b', 'a') as string
    lab.deliver(along('b', 'a', 'voteReply'))
    expect(lab.drop(along('b', 'a', 'ack')), 'the ack is lost').toBe(1)
    lab.drop()
    expect(lab.election('a').campaign?.grants.get('b')).toBe(first)
    lab.pass(920)
    expect(grantAt(lab, 'b', 'a')).toBeNull()
    return { lab, first }
  }

  it('R60: an ack under grant 2 does not win by a vote under grant 1', () => {
    const { lab, first } = lateCandidate()
    beat(lab, 'a')
    lab.deliver(along('a', 'b'))
    const second = grantAt(lab, 'b', 'a') as string
    expect(second).not.toBe(first)
    // The vote request rides along, and is too old; the ack alone comes back.
    lab.deliver(along('b', 'a', 'ack'))
    expect(counted(lab, 'a', 'b', second)).toBeGreaterThan(lab.clock('a'))
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
    lab.drop()
    stand(lab, 'b')
    tell(lab, 'c', 1)
    talk(lab, 'b', 'c')
    expect(lab.leads('b')).toBe(true)
    expect(lab.leads('a')).toBe(false)
  })

  it('R59: a heartbeat after the lapse does not resume grant 1', () => {
    const { lab, first } = lateCandidate()
    beat(lab, 'a')
    talk(lab, 'a', 'b')
    expect(partsOf(lab.sent.filter(along('b', 'a')), 'ack').at(-1)?.grant).not.toBe(first)
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
    expect(boundTo(lab, 'b')).toBeNull()
  })

  it('R59: b campaigns after the lapse and only then hears the old holder', () => {
    const { lab } = lateCandidate()
    stand(lab, 'b')
    const request = lab.hold(along('b', 'c'))
    beat(lab, 'a')
    talk(lab, 'a', 'b')
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
    for (const frame of request) lab.hand(frame)
    talk(lab, 'b', 'c')
    expect(lab.leads('b')).toBe(true)
    expect(lab.leads('a')).toBe(false)
  })

  it('R59: one microsecond late is late, whether or not a timer saw it', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    const first = grantAt(lab, 'b', 'a') as string
    keep(lab, 950, 'a-c')
    lab.pass(supportEnd(lab, 'b', 'a') - lab.at)
    beat(lab, 'a')
    lab.deliver(along('a', 'b'))
    expect(lastPart(lab, 'b', 'a', 'ack').grant).not.toBe(first)
    expect(boundTo(lab, 'b')).toBeNull()
  })
})

describe('who may void whose binding', () => {
  it('R21: a certificate of term 1 does not void the same holder’s binding of term 2', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    renounce(lab, 'a', 'c')
    const order = lab.hold(along('a', 'c', 'timeoutNow'))
    talk(lab, 'a', 'b')
    lab.drop()
    elect(lab, 'a', 'b')
    tell(lab, 'c', 2)
    for (const frame of order) lab.hand(frame)
    expect(lastPart(lab, 'c', 'b', 'requestVote')).toMatchObject({ term: 3, certificate: { term: 1 } })
    talk(lab, 'c', 'b')
    expect(lastPart(lab, 'b', 'c', 'voteReply').refusal).toBe('bound')
    expect(lab.leads('a')).toBe(true)
    expect(lab.leads('c')).toBe(false)
  })

  it('R63: the release of a failed candidate of the same term does not free the leader’s voter', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    stand(lab, 'c')
    expect(lab.election('c').campaign?.term).toBe(1)
    lab.drop()
    silence(lab, 350)
    lab.pass(50)
    lab.tick('c')
    expect(lab.deliver(along('c', 'b', 'release'))).toBe(1)
    expect(known(lab, 'b')).toBe(1)
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    expect(lastPart(lab, 'b', 'c', 'voteReply').refusal).toBe('bound')
    expect(lab.leads('a')).toBe(true)
  })

  it('R22, R65: a re-term without an answer releases nothing that the old lease counts', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    tell(lab, 'a', 1)
    tell(lab, 'c', 1)
    // a learns of term 2 from c, which is stuck there, and stands in term 3; nobody answers.
    tell(lab, 'c', 2)
    beat(lab, 'a')
    lab.deliver(along('a', 'c'))
    lab.deliver(along('c', 'a'))
    expect(lab.election('a').campaign?.term).toBe(3)
    lab.drop()
    for (let i = 0; i < 4; i++) {
      lab.pass(100)
      lab.tick('a')
      lab.drop((frame) => frame.parts.some(({ kind }) => kind === 'requestVote'))
    }
    expect(lab.election('a').campaign, 'it ended').toBeNull()
    expect(lab.leads('a')).toBe(true)
    expect(lab.election('a').topTerm).toBe(3)
    lab.deliver(along('a', 'b'))
    expect(parts(lab, 'a', 'b', 'release'), 'nothing released').toHaveLength(0)
    lab.drop()
    expect(stand(lab, 'b'), 'b’s own binding to a is active').toBe(false)
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    expect(lab.leads('c')).toBe(false)
    expect(lab.leads('a')).toBe(true)
  })

  it('R15: a leader with a valid lease grants nothing in its own election', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    tell(lab, 'c', 1)
    stand(lab, 'c')
    talk(lab, 'c', 'a')
    expect(lastPart(lab, 'a', 'c', 'voteReply').refusal).toBe('leading')
    expect(lab.leads('a')).toBe(true)
    expect(lab.leads('c')).toBe(false)
  })
})

describe('R19: a voter that forgot', () => {
  it('R19: a voter of the leader crashes, comes back, and must not campaign', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.pass(5)
    lab.crash('b')
    lab.restart('b')
    lab.connect([['b', 'c']])
    lab.contend('e', ['b'])
    lab.deliver()
    lab.pass(990)
    expect(lab.leads('a'), 'a still counts what b forgot').toBe(true)
    expect(stand(lab, 'b')).toBe(false)
    lab.tick('b')
    talk(lab, 'b', 'c')
    expect(lab.leads('b')).toBe(false)
  })

  it('R19: a clean stop buys one start without the wait, not two', () => {
    const lab = quiet('abc')
    end(lab, 'b')
    lab.deliver()
    lab.crash('b')
    lab.restart('b', { cleanNoPromise: true })
    lab.connect([
      ['a', 'b'],
      ['b', 'c'],
    ])
    lab.contend('e', ['b'])
    lab.deliver()
    expect(lab.node('b').state.bootUntil, 'no wait').toBeLessThanOrEqual(lab.at)
    // It is bound by an announcement, of which the disk knows nothing, and dies.
    elect(lab, 'a', 'c')
    exchange(lab, 'a', 'b')
    expect(boundTo(lab, 'b')).toBe('a')
    lab.crash('b')
    lab.restart('b')
    lab.connect([['b', 'c']])
    lab.contend('e', ['b'])
    lab.deliver()
    expect(lab.node('b').state.bootUntil).toBe(lab.at + 1000)
    silence(lab, 990)
    expect(stand(lab, 'b')).toBe(false)
  })
})

describe('R13: the length of a lease', () => {
  it('R13: a candidate with a clock at half speed wins late, and is done before its voter is free', () => {
    // The rates differ by a factor of two: rho = 1/3, so of D = 4000 it may count 2000 on its own clock.
    const lab = quiet('abc', { timing: { promiseMs: 4000, rho: 1 / 3, campaignMs: 3900 } })
    rates(lab, { a: 2 / 3, b: 4 / 3, c: 1 })
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const yes = lab.hold(along('b', 'a'))
    lab.drop()
    lab.pass(2980)
    for (const frame of yes) lab.hand(frame)
    expect(lab.leads('a'), 'won by an old yes that still stands').toBe(true)
    expect(leaseEnd(lab, 'a')).toBeCloseTo(2000, 6)
    lab.drop()
    expect(stand(lab, 'b')).toBe(false)
    lab.pass(supportEnd(lab, 'b', 'a') / (4 / 3) - lab.at + 1e-6)
    expect(lab.leads('a')).toBe(false)
    elect(lab, 'b', 'c')
  })

  it('R13: a little later the same yes does not win any more', () => {
    const lab = quiet('abc', { timing: { promiseMs: 4000, rho: 1 / 3, campaignMs: 3900 } })
    rates(lab, { a: 2 / 3, b: 4 / 3, c: 1 })
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    const yes = lab.hold(along('b', 'a'))
    lab.drop()
    lab.pass(3001)
    for (const frame of yes) lab.hand(frame)
    expect(lab.election('a').campaign, 'the campaign still runs').not.toBeNull()
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
    stand(lab, 'b')
    talk(lab, 'b', 'c')
    expect(lab.leads('b')).toBe(true)
  })
})

describe('R62, R63: items that arrive late', () => {
  it('R63: a release overtakes announcement and vote request; both are refused while the slot is free', () => {
    const lab = quiet('abc')
    stand(lab, 'a')
    const request = lab.hold(along('a', 'b'))
    talk(lab, 'a', 'c')
    beat(lab, 'a')
    const announcement = lab.hold(along('a', 'b', 'bind'))
    renounce(lab, 'a')
    talk(lab, 'a', 'b')
    expect(binding(lab, 'b')).toMatchObject({ leader: 'a', term: 1, released: true })
    for (const frame of [...request, ...announcement]) lab.hand(frame)
    expect(grantAt(lab, 'b', 'a'), 'the session stands').not.toBeNull()
    expect(lastPart(lab, 'b', 'a', 'voteReply').grant).toBeNull()
    expect(lastPart(lab, 'b', 'a', 'bindAck').grant).toBeNull()
    expect(boundTo(lab, 'b')).toBeNull()
    talk(lab, 'a', 'c')
    elect(lab, 'b', 'c')
  })

  it('R63: if another held the slot, the late announcement is accepted, then answered by a release', () => {
    const lab = quiet('abcde')
    // d is bound to e, a candidate of term 1; a leads term 1 by b and c, and renounces.
    stand(lab, 'e')
    lab.deliver(along('e', 'd'))
    lab.drop()
    elect(lab, 'a', 'bc')
    beat(lab, 'a')
    const announcement = lab.hold(along('a', 'd', 'bind'))
    renounce(lab, 'a')
    talk(lab, 'a', 'd')
    expect(boundTo(lab, 'd'), 'untouched by a’s release').toBe('e')
    expect(lab.election('a').campaign).toBeNull()
    for (const frame of announcement) lab.hand(frame)
    expect(boundTo(lab, 'd'), 'e has lost term 1').toBe('a')
    talk(lab, 'a', 'd')
    expect(boundTo(lab, 'd')).toBeNull()
    expect(lab.leads('a')).toBe(false)
  })

  it('R62: the answer names the grant under which the voter is bound, not the one that the leader meant', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    const first = grantAt(lab, 'b', 'a') as string
    // An announcement made under grant 1 is slow; meanwhile grant 2 begins.
    const late = { kind: 'bind', election: 'e', term: 1 } as const
    keep(lab, 1050, 'a-c')
    exchange(lab, 'a', 'b')
    beat(lab, 'a')
    lab.deliver(along('a', 'b'))
    const second = grantAt(lab, 'b', 'a') as string
    expect(second).not.toBe(first)
    expect(boundTo(lab, 'b')).toBeNull()
    lab.act('b', { type: 'frame', from: 'a', fromIncarnation: 1, toIncarnation: 1, parts: [late] })
    expect(lastPart(lab, 'b', 'a', 'bindAck').grant).toBe(second)
    expect(binding(lab, 'b')?.grant).toBe(second)
    lab.deliver(along('b', 'a'))
    expect(lab.election('a').lead?.bound.get('b')?.includes(second)).toBe(true)
  })
})

describe('R1: persist first, in order', () => {
  it('R1: writes completed in reverse order let no answer of a replaced vote out', () => {
    const lab = quiet('abc')
    lab.holdWrites.add('c')
    stand(lab, 'a')
    talk(lab, 'a', 'c')
    expect(binding(lab, 'c')).toMatchObject({ leader: 'a', term: 1 })
    expect(parts(lab, 'c', 'a', 'voteReply'), 'not durable yet').toHaveLength(0)
    lab.drop()
    silence(lab, 350)
    lab.pass(50)
    lab.tick('a')
    expect(lab.deliver(along('a', 'c', 'release'))).toBe(1)
    tell(lab, 'b', 1)
    stand(lab, 'b')
    talk(lab, 'b', 'c')
    expect(binding(lab, 'c')).toMatchObject({ leader: 'b', term: 2 })
    const [one, two] = lab.node('c').heldWrites as [number, number]
    lab.completeWrite('c', two)
    expect(lab.node('c').disk.terms.get('e')).toBe(2)
    expect(lastPart(lab, 'c', 'b', 'voteReply')).toMatchObject({ term: 2 })
    expect(parts(lab, 'c', 'a', 'voteReply')).toHaveLength(0)
    lab.completeWrite('c', one)
    expect(parts(lab, 'c', 'a', 'voteReply')).toHaveLength(0)
    expect(lab.node('c').disk.terms.get('e'), 'never lower').toBe(2)
  })

  it('R1: a second copy of a request waits for the same write', () => {
    const lab = quiet('abc')
    lab.holdWrites.add('b')
    stand(lab, 'a')
    const [request] = lab.hold(along('a', 'b', 'requestVote'))
    for (let copy = 0; copy < 2; copy++) lab.hand(request as NonNullable<typeof request>)
    expect(parts(lab, 'b', 'a', 'voteReply')).toHaveLength(0)
    lab.completeWrite('b')
    expect(parts(lab, 'b', 'a', 'voteReply').map(({ grant }) => grant)).toEqual([grantAt(lab, 'b', 'a')])
  })

  it('R1: a candidate asks while its own vote is written, and wins nothing before that is durable', () => {
    const lab = quiet('abc')
    lab.holdWrites.add('a')
    stand(lab, 'a')
    expect(parts(lab, 'a', 'b', 'requestVote'), 'beside the write').toHaveLength(1)
    talk(lab, 'a', 'b')
    talk(lab, 'a', 'c')
    expect([...(lab.election('a').campaign?.grants.keys() ?? [])], 'not its own').toEqual(['b', 'c'])
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
    lab.completeWrite('a')
    expect(lab.leads('a'), 'one write instead of two').toBe(true)
  })

  it('R3: a campaign that begins in the turn of a probe makes that probe its heartbeat', () => {
    const lab = quiet('abc')
    lab.act('b', { type: 'heartbeatNow' })
    lab.deliver()
    lab.pass(300)
    const now = lab.clock('b')
    const { state } = lab.node('b')
    Object.assign(lab.election('b'), { contending: true, attemptAt: now })
    Object.assign(state, { nextHeartbeatAt: now, timers: [{ at: now, election: 'e' }] })
    lab.tick('b')
    const [frame] = lab.wire.filter(along('b', 'a'))
    expect(frame?.parts.map(({ kind }) => kind)).toEqual(['heartbeat', 'requestVote'])
    expect(frame?.parts[0]).toMatchObject({ probe: false, prompt: true })
  })

  it('R1: a candidate that concedes while its own vote is written does not count it afterwards', () => {
    const lab = quiet('abc')
    lab.holdWrites.add('a')
    stand(lab, 'a')
    lab.deliver(along('a', 'b'))
    tell(lab, 'c', 1)
    stand(lab, 'c')
    talk(lab, 'c', 'a')
    expect(binding(lab, 'a')).toMatchObject({ leader: 'c', term: 2 })
    lab.completeWrite('a')
    lab.deliver(along('b', 'a'))
    expect(lab.election('a').campaign).toBeNull()
    expect(effects(lab, 'a', 'elected')).toHaveLength(0)
    talk(lab, 'a', 'c')
    expect(lab.leads('c')).toBe(true)
  })

  /** The schedule that breaks P1 if the own vote counts too early: a's vote of term 1 is counted, then forgotten. */
  it('R1, A.10.7: a candidate that dies while its own vote is written has not won that term, and another one may', () => {
    const lab = quiet('abc')
    lab.holdWrites.add('a')
    stand(lab, 'a')
    talk(lab, 'a', 'b')
    expect(effects(lab, 'a', 'elected'), 'b alone is no quorum').toHaveLength(0)
    lab.crash('a')
    lab.holdWrites.clear()
    lab.restart('a')
    expect(lab.node('a').disk.terms.get('e') ?? 0, 'the write was lost').toBe(0)
    lab.connect()
    lab.drop()
    lab.pass(1000)
    stand(lab, 'c')
    talk(lab, 'c', 'a')
    expect(
      effects(lab, 'c', 'elected').map(({ term }) => term),
      'the votes of c and a',
    ).toEqual([1])
    expect(lab.history).toHaveLength(1)
  })
})

describe('R5: five voters', () => {
  /**
   * a leads term 1 by b and c. e stands in term 2, slow to finish: d votes for it under a grant that runs out before e's
   * campaign does. d, free again, votes for a in term 3, which a does not win; that binding counts for a's lease of term
   * 1 (R12). Then c's session with a runs out, and c votes for e, too: e has three votes, one of which has run out.
   */
  it('R5: grants that have run out do not make up a quorum', () => {
    const lab = quiet('abcde', { timing: { rho: 0.25, campaignMs: 990, heartbeatMs: 50 } })
    // e's clock is slow, d's and c's are fast: 990 ms of e are 1320 ms; support at c and d lasts 800 ms.
    rates(lab, { a: 1, b: 1, c: 1.25, d: 1.25, e: 0.75 })
    retime(lab, 'a', { campaignMs: 100 })
    elect(lab, 'a', 'bc')
    keep(lab, 100, 'a-b', 'a-c')

    tell(lab, 'e', 1)
    stand(lab, 'e')
    lab.deliver(along('e', 'd'))
    const grant = grantAt(lab, 'd', 'e') as string
    lab.deliver(along('d', 'e'))
    lab.drop()
    expect(lab.election('e').campaign?.grants.get('d')).toBe(grant)
    expect(known(lab, 'd')).toBe(2)

    // a keeps b and c until d has forgotten e.
    keep(lab, 300, 'a-b', 'a-c')
    keep(lab, 520, 'a-b')
    expect(grantAt(lab, 'd', 'e'), 'e and d have lapsed').toBeNull()
    expect(boundTo(lab, 'd')).toBeNull()
    exchange(lab, 'a', 'b')
    expect(lab.leads('a')).toBe(true)

    // a hears of term 2 at d and stands in term 3. d votes for it; b and c are not reached.
    for (let i = 0; i < 3 && lab.election('a').campaign === null; i++) exchange(lab, 'a', 'd')
    expect(lab.election('a').campaign?.term).toBe(3)
    exchange(lab, 'a', 'd')
    expect(binding(lab, 'd')).toMatchObject({ leader: 'a', term: 3 })
    expect(lab.election('a').lead?.bound.has('d'), 'd counts for the lease of term 1').toBe(true)
    expect(lab.election('a').lead?.term).toBe(1)
    for (let i = 0; i < 4; i++) {
      lab.pass(30)
      lab.tick('a')
      lab.deliver((frame) => ['a>d', 'd>a'].includes(`${frame.from}>${frame.to}`))
      lab.drop()
    }
    expect(lab.election('a').campaign, 'the re-term ends').toBeNull()

    // a keeps b and d until c has lapsed, too; then c hears e at last, and votes for it.
    keep(lab, 1250 - lab.at, 'a-b', 'a-d')
    expect(boundTo(lab, 'c')).toBeNull()
    expect(known(lab, 'c')).toBe(1)
    expect(lab.election('e').campaign?.term, 'e still waits').toBe(2)
    lab.pass(50)
    lab.tick('e')
    lab.deliver(along('e', 'c'))
    lab.deliver(along('c', 'e'))
    lab.drop()
    const votes = lab.election('e').campaign?.grants
    expect([...(votes?.keys() ?? [])].sort(), 'three votes').toEqual(['c', 'd', 'e'])
    expect(counted(lab, 'e', 'c', votes?.get('c') as string), 'c’s stands').toBeGreaterThan(lab.clock('e'))
    expect(counted(lab, 'e', 'd', votes?.get('d') as string), 'd’s has run out').toBeLessThan(lab.clock('e'))
    expect(effects(lab, 'e', 'elected')).toHaveLength(0)
    expect(lab.leads('a'), 'by a, b and d').toBe(true)
    for (const old of lab.election('a').lead?.bound.get('c') ?? []) {
      expect(counted(lab, 'a', 'c', old), 'not by c').toBeLessThan(lab.clock('a'))
    }

    // With the mutant e would now announce term 2 to b, which a counts, and be elected in term 4 by b and c.
    exchange(lab, 'e', 'b')
    exchange(lab, 'e', 'b')
    expect(boundTo(lab, 'b')).toBe('a')
    expect(lab.leads('a')).toBe(true)
  })
})
