/**
 * When to stand, rule by rule (PROTOCOL A.4: R35, R36, R69).
 *
 * Liveness only. Each test puts one sentence of a rule to the shipping `step`, by hand.
 */
import { describe, expect, it } from 'vitest'
import { nextDeadline } from '../../src/core'
import {
  along,
  boundTo,
  effects,
  elect,
  keep,
  Lab,
  lastPart,
  parts,
  quiet,
  renounce,
  say,
  stand,
  talk,
  tell,
} from '../core/story'

const STEP = 100

/** Everybody knows of everybody; a leads by all; nobody moves before a tick. */
function lineUp(ids: string, priorities: Readonly<Record<string, number>> = {}, voters = ids): Lab {
  const timing = { stepMs: STEP, backoffMs: 50, backoffMaxMs: 400 }
  const lab = quiet(ids, { succession: true, voters: voters.split(''), timing })
  for (const id of lab.ids) {
    lab.act(id, { type: 'contend', election: 'e', contending: true, priority: priorities[id] ?? 0 })
  }
  lab.deliver()
  stand(lab, 'a')
  lab.deliver()
  expect(lab.leads('a')).toBe(true)
  return lab
}

/** How long each of the others waits when a lets go. */
function waits(lab: Lab): Record<string, number> {
  renounce(lab, 'a')
  lab.deliver()
  return Object.fromEntries(
    lab.ids.filter((id) => id !== 'a').map((id) => [id, lab.election(id).attemptAt - lab.at]),
  )
}

describe('R69: succession', () => {
  it('R69: each waits one step per contender before it; higher priority goes first', () => {
    expect(waits(lineUp('abcd', { b: 1, c: 3, d: 2 }))).toEqual({ b: 2 * STEP, c: 0, d: STEP })
    expect(waits(lineUp('abcd', { b: 7, c: 3, d: 5 }))).toEqual({ b: 0, c: 2 * STEP, d: STEP })
  })

  it('R69: equal priorities are ordered by a hash, the same everywhere: no two wait equally long', () => {
    const waited = Object.values(waits(lineUp('abcdef'))).sort((x, y) => x - y)
    expect(waited).toEqual([0, 1, 2, 3, 4].map((place) => place * STEP))
  })

  it('R69: the hash is per election, so the elections of a dead process spread over the others', () => {
    const names = Array.from({ length: 60 }, (_, i) => `job-${i}`)
    const lab = new Lab(['a', 'b', 'c', 'd'], { elections: names, maxElections: 100 })
    lab.connect()
    for (const name of names) lab.contend(name)
    for (const name of names) lab.act('a', { type: 'contend', election: name, contending: true, priority: 5 })
    lab.run(3000)
    for (const name of names) {
      const leader = lab.leader(name) as string
      if (leader !== 'a') {
        lab.act(leader, { type: 'renounce', election: name, reason: 'resigned', to: 'a', cooldownMs: 0 })
        lab.deliver()
      }
    }
    lab.run(1000)
    expect(new Set(names.map((name) => lab.leader(name)))).toEqual(new Set(['a']))
    lab.crash('a')
    lab.run(2000)
    const share = new Map<string, number>()
    for (const name of names) {
      const leader = lab.leader(name) as string
      share.set(leader, (share.get(leader) ?? 0) + 1)
    }
    for (const id of ['b', 'c', 'd']) expect(share.get(id) ?? 0, id).toBeGreaterThanOrEqual(10)
  })

  it('R69: contenders without a link are not waited for, nor is the one that let go', () => {
    const lab = lineUp('abcd', { a: 9, b: 3, c: 2, d: 1 })
    lab.act('d', { type: 'closed', peer: 'b', incarnation: 1 })
    expect(waits(lab)).toEqual({ b: 0, c: STEP, d: STEP })
  })

  it('R69: who left is not waited for', () => {
    const lab = lineUp('abcdx', { b: 3, c: 2, d: 1, x: 0 }, 'abcd')
    lab.act('b', { type: 'contend', election: 'e', contending: false, priority: 0 })
    lab.deliver()
    const waited = waits(lab)
    expect(waited['c']).toBe(0)
    expect(waited['d']).toBe(STEP)
  })

  it('R69: who said that it left is known to go last: the order of the others stays, nobody draws', () => {
    const lab = lineUp('abcd', { b: 3, c: 2, d: 1 })
    lab.act('b', { type: 'contend', election: 'e', contending: false, priority: 0 })
    lab.deliver()
    const { c, d } = waits(lab)
    expect({ c, d }).toEqual({ c: 0, d: STEP })
    lab.act('b', { type: 'contend', election: 'e', contending: true, priority: 3 })
    lab.deliver()
    stand(lab, 'a')
    lab.deliver()
    expect(waits(lab), 'and may come back').toEqual({ b: 0, c: STEP, d: 2 * STEP })
  })

  it('R69: the wait is for a turn; whoever comes to it looks again who still goes before', () => {
    const lab = lineUp('abcd', { b: 3, c: 2, d: 1 })
    renounce(lab, 'a')
    lab.deliver()
    lab.act('c', { type: 'contend', election: 'e', contending: true, priority: 9 })
    lab.deliver(along('c', 'b'))
    lab.tick('b')
    expect(lab.election('b').campaign, 'c goes first now').toBeNull()
    lab.pass(STEP)
    lab.tick('b')
    expect(lab.election('b').campaign).not.toBeNull()
  })

  it('R37: a priority that moves while one waits does not begin the wait anew', () => {
    const lab = lineUp('abcd', { b: 1, c: 3, d: 2 })
    expect(waits(lab)['b']).toBe(2 * STEP)
    for (let priority = 10; priority < 14; priority++) {
      lab.pass(STEP / 2)
      lab.act('b', { type: 'contend', election: 'e', contending: true, priority: priority % 2 })
    }
    lab.tick('b')
    expect(lab.election('b').campaign).not.toBeNull()
  })

  it('R69: as long as not all contenders are known, the wait is drawn from (voters - 1) steps', () => {
    const drawn = new Set<number>()
    for (let seed = 0; seed < 20; seed++) {
      const lab = quiet('abcde', { contenders: ['b'], succession: true, timing: { stepMs: STEP } })
      lab.node('b').state.random = seed * 7919
      say(lab, 'a', 'b', { kind: 'bind', election: 'e', term: 1 })
      lab.act('b', { type: 'contend', election: 'e', contending: true, priority: 0 })
      const wait = lab.election('b').attemptAt - lab.at
      expect(wait).toBeGreaterThanOrEqual(0)
      expect(wait).toBeLessThan(4 * STEP)
      drawn.add(Math.floor(wait))
    }
    expect(drawn.size).toBeGreaterThan(10)
  })

  it('R69, R37: order never enters a vote: the last in line wins if it asks first', () => {
    const lab = lineUp('abcd', { b: 9, c: 8, d: 1 })
    renounce(lab, 'a')
    lab.deliver()
    stand(lab, 'd')
    talk(lab, 'd', 'b')
    talk(lab, 'd', 'c')
    expect(lab.leads('d')).toBe(true)
  })
})

describe('R35: back-off', () => {
  /** Waits after failed attempts in a row of a process that nobody answers. */
  function failures(seed: number, rounds = 9): number[] {
    const lab = quiet('abc', { timing: { backoffMs: 50, backoffMaxMs: 400 } })
    lab.node('a').state.random = seed
    const waited: number[] = []
    for (let i = 0; i < rounds; i++) {
      stand(lab, 'a')
      lab.drop()
      lab.pass(400)
      lab.act('a', { type: 'heartbeatNow' })
      lab.drop()
      expect(lab.election('a').campaign).toBeNull()
      waited.push(lab.election('a').attemptAt - lab.at)
    }
    return waited
  }

  it('R35: after a failed attempt the delay is random, newly drawn each time, under a bound that doubles', () => {
    const bounds = [50, 100, 200, 400, 400, 400, 400, 400, 400]
    const largest = bounds.map(() => 0)
    for (let seed = 1; seed <= 40; seed++) {
      const waited = failures(seed * 104_729)
      for (const [i, wait] of waited.entries()) {
        expect(wait).toBeGreaterThanOrEqual(0)
        expect(wait).toBeLessThan(bounds[i] as number)
        largest[i] = Math.max(largest[i] as number, wait)
      }
      expect(new Set(waited.map((wait) => Math.round(wait * 1e6))).size).toBe(waited.length)
    }
    for (const [i, most] of largest.entries()) expect(most).toBeGreaterThan((bounds[i] as number) * 0.75)
  })

  it('R35: equal seeds would tie for ever, different ones do not', () => {
    expect(failures(77)).toEqual(failures(77))
    expect(failures(77)).not.toEqual(failures(78))
  })

  it('R35: a refused pre-vote counts as a failed attempt; following a leader clears the count', () => {
    const lab = quiet('abc', { preVote: true, timing: { backoffMs: 50, backoffMaxMs: 400 } })
    for (let i = 1; i <= 3; i++) {
      stand(lab, 'c')
      const { nonce } = lastPart(lab, 'c', 'a', 'preVote')
      const no = {
        kind: 'preVoteReply',
        election: 'e',
        nonce,
        refusal: 'limit',
        knownTerm: 0,
        leader: null,
      } as const
      say(lab, 'a', 'c', no)
      say(lab, 'b', 'c', no)
      expect(lab.election('c').campaign).toBeNull()
      expect(lab.election('c').failures).toBe(i)
      expect([...lab.election('c').lastRefusals]).toEqual([
        ['a', 'limit'],
        ['b', 'limit'],
      ])
    }
    say(
      lab,
      'a',
      'c',
      { kind: 'heartbeat', round: 60, promiseMs: 1000, probe: false, prompt: true },
      { kind: 'bind', election: 'e', term: 3 },
    )
    expect(lab.election('c').failures).toBe(0)
    expect(lab.election('c').lastRefusals.size, 'somebody leads').toBe(0)
  })

  it('R35: losers of a vote do not take turns without a pause', () => {
    const lab = quiet('abcd', { succession: true, timing: { stepMs: 20, backoffMs: 50, backoffMaxMs: 400 } })
    for (const id of ['b', 'c']) {
      lab.crash(id)
      lab.restart(id)
    }
    lab.connect()
    lab.contend('e', ['b', 'c'])
    lab.deliver()
    lab.run(900)
    expect(lab.leader()).toBeNull()
    const asked = parts(lab, 'a', 'd', 'requestVote').length + parts(lab, 'd', 'a', 'requestVote').length
    expect(asked).toBeGreaterThan(1)
    expect(asked, 'one each 10 ms at most').toBeLessThan(90)
    lab.run(1500, () => lab.leader() !== null)
    expect(lab.leader()).not.toBeNull()
  })
})

describe('R36: the stall guard', () => {
  it('R36: frames fire no timers, so what waits in the sockets is heard before anything is decided', () => {
    const lab = lineUp('abc', { b: 2, c: 1 })
    renounce(lab, 'a')
    lab.deliver()
    // b sleeps over its turn. Meanwhile c leads, and its announcement waits in b's socket.
    expect(lab.election('b').attemptAt).toBe(lab.at)
    stand(lab, 'c')
    talk(lab, 'c', 'a')
    expect(lab.leads('c')).toBe(true)
    lab.pass(700)
    expect(nextDeadline(lab.node('b').state)).toBeLessThan(lab.at)
    lab.deliver(along('c', 'b'))
    expect(lab.election('b').campaign).toBeNull()
    expect(boundTo(lab, 'b')).toBe('c')
    lab.tick('b')
    expect(effects(lab, 'b', 'roleChanged')).toHaveLength(0)
  })

  it('R36: a heartbeat that waited is heard at its late reading: it renews from then on', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    lab.act('a', { type: 'heartbeatNow' })
    const waiting = lab.hold(along('a', 'b'))
    lab.pass(900)
    for (const frame of waiting) lab.hand(frame)
    lab.tick('b')
    expect(boundTo(lab, 'b')).toBe('a')
    expect(lab.node('b').state.supports.get('a')?.until).toBe(1900)
  })

  it('R36: no input but a tick sends heartbeats or stands', () => {
    const lab = lineUp('abc')
    keep(lab, 100, 'a-b', 'a-c', 'b-c')
    renounce(lab, 'a')
    lab.deliver()
    lab.pass(3000)
    const from = lab.sent.length
    tell(lab, 'b', 2)
    say(lab, 'c', 'b', { kind: 'contend', election: 'e', contending: true, priority: 0 })
    lab.act('b', { type: 'persisted', version: 0 })
    const said = lab.sent.slice(from).filter((frame) => frame.from === 'b')
    expect(said.flatMap((frame) => frame.parts.map(({ kind }) => kind))).toEqual(['contendAck'])
    lab.tick('b')
    expect(lab.election('b').campaign).not.toBeNull()
  })

  it('R36: nextDeadline is never later than what a tick has to do', () => {
    const lab = lineUp('abc', { b: 2, c: 1 })
    expect(nextDeadline(lab.node('b').state)).toBeLessThanOrEqual(1000)
    expect(nextDeadline(lab.node('a').state)).toBeLessThanOrEqual(lab.at + 100)
    renounce(lab, 'a')
    lab.deliver()
    expect(nextDeadline(lab.node('c').state)).toBeLessThanOrEqual(lab.election('c').attemptAt)
    lab.act('c', { type: 'end', reason: 'stopped' })
    expect(nextDeadline(lab.node('c').state)).toBe(Number.POSITIVE_INFINITY)
  })
})
