/**
 * Restarts and amnesia, rule by rule (PROTOCOL A.4: R19, R24, R28).
 *
 * Each test puts one sentence of a rule to the shipping `step`, by hand.
 */
import { describe, expect, it } from 'vitest'
import { type CoreConfig, createState, type DurableState, promisesNothing } from '../../src/core'
import {
  along,
  beat,
  boundTo,
  effects,
  elect,
  end,
  exchange,
  forget,
  grantAt,
  keep,
  known,
  Lab,
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

const hello = (round: number) =>
  ({ kind: 'heartbeat', round, promiseMs: 1000, probe: false, prompt: true }) as const
const ask = (term: number) =>
  ({ kind: 'requestVote', election: 'e', term, nonce: 1, certificate: null }) as const

/** The state in which a process starts, with that much on its disk. */
function started(record: Partial<DurableState['process']>, startedAt = 0, now = startedAt) {
  const { config, disk } = new Lab(['a', 'b', 'c']).node('a')
  const durable: DurableState = { ...disk, process: { ...disk.process, ...record } }
  return createState(config, durable, { now, startedAt, seed: 1, wallMs: 1 })
}

describe('R19: boot wait', () => {
  it('R19: it lasts the longest promise ever made, counted from the start of the process', () => {
    expect(started({ maxPromiseMs: 7000 }, 100, 350).bootUntil).toBe(7100)
  })

  it('R19: it is skipped only by who never promised anything, or stopped cleanly', () => {
    expect(started({ maxPromiseMs: 0 }, 50).bootUntil).toBeLessThanOrEqual(50)
    expect(started({ maxPromiseMs: 7000, cleanNoPromise: true }, 50).bootUntil).toBeLessThanOrEqual(50)
    expect(started({ maxPromiseMs: 7000, cleanNoPromise: false }, 50).bootUntil).toBe(7050)
  })

  it('R19: meanwhile there is no vote, no pre-vote and no campaign, in any election', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    lab.crash('b')
    lab.restart('b')
    lab.connect()
    for (const name of ['e', 'f']) lab.contend(name, ['b'])
    lab.drop()
    for (const [i, at] of [0, 500, 999.9].entries()) {
      lab.pass(at - lab.at)
      for (const election of ['e', 'f']) {
        say(lab, 'a', 'b', hello(60 + i), { ...ask(5), election }, { ...ask(5), kind: 'preVote', election })
        expect(lastPart(lab, 'b', 'a', 'voteReply').refusal).toBe('boot')
        expect(lastPart(lab, 'b', 'a', 'preVoteReply').refusal).toBe('boot')
        expect(stand(lab, 'b', election)).toBe(false)
      }
    }
    lab.pass(0.1)
    say(lab, 'a', 'b', hello(70), ask(5))
    expect(lastPart(lab, 'b', 'a', 'voteReply').refusal).toBeNull()
    expect(stand(lab, 'b', 'f')).toBe(true)
  })

  it('R19: meanwhile it supports sessions under new grants, acks, and binds itself to leaders', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'bc')
    lab.crash('b')
    lab.restart('b')
    lab.connect([['a', 'b']])
    talk(lab, 'a', 'b')
    expect(grantAt(lab, 'b', 'a')).toBe('2.1')
    expect(boundTo(lab, 'b')).toBe('a')
    keep(lab, 500, 'a-b')
    expect(leaseEnd(lab, 'a')).toBeGreaterThan(1400)
  })

  it('R19: who stood before the wait was over stands when it is', () => {
    const lab = new Lab(['a', 'b', 'c'])
    for (const id of lab.ids) lab.restart(id)
    lab.connect()
    lab.contend()
    lab.run(999)
    expect(lab.leader()).toBeNull()
    lab.run(200, () => lab.leader() !== null)
    expect(lab.leader()).not.toBeNull()
  })

  it('R19: one process alone waits, too', () => {
    const lab = quiet('a')
    lab.crash('a')
    lab.restart('a')
    lab.contend()
    lab.pass(999)
    stand(lab, 'a')
    expect(lab.leads('a')).toBe(false)
    lab.pass(1)
    stand(lab, 'a')
    expect(lab.leads('a')).toBe(true)
  })

  it('R19: a link that closes in the boot wait starts nothing', () => {
    const lab = quiet('abc', { preVote: true, succession: true, timing: { stepMs: 20 } })
    lab.crash('b')
    lab.restart('b', { maxPromiseMs: 5000 })
    lab.connect()
    lab.act('b', { type: 'contend', election: 'e', contending: true, priority: 9 })
    stand(lab, 'a')
    lab.deliver()
    expect(boundTo(lab, 'b')).toBe('a')
    lab.crash('a')
    for (const id of ['b', 'c']) lab.act(id, { type: 'closed', peer: 'a', incarnation: 1 })
    lab.run(4900)
    const roles = effects(lab, 'b', 'roleChanged').map(({ role }) => role)
    expect(roles).not.toContain('preCandidate')
    expect(roles).not.toContain('candidate')
  })
})

describe('R19: what a clean stop may claim', () => {
  const clean = (lab: Lab, id = 'b') => {
    const { config, state } = lab.node(id)
    return promisesNothing(config, state, lab.clock(id))
  }

  it('R19: nothing before the end of the session', () => {
    const lab = quiet('abc')
    expect(clean(lab)).toBe(false)
    end(lab, 'b')
    expect(clean(lab)).toBe(true)
  })

  it('R19: not while a binding to another process is active', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    end(lab, 'b')
    expect(clean(lab)).toBe(false)
    lab.pass(999)
    expect(clean(lab)).toBe(false)
    lab.pass(1)
    expect(clean(lab), 'it has run out').toBe(true)
  })

  it('R19: a binding to itself, or a released one, is no obstacle', () => {
    const own = quiet('abc')
    elect(own, 'b', 'c')
    end(own, 'b')
    expect(clean(own)).toBe(true)
    const released = quiet('abc')
    elect(released, 'a', 'b')
    renounce(released, 'a')
    talk(released, 'a', 'b')
    end(released, 'b')
    expect(clean(released)).toBe(true)
  })

  it('R19: not in the boot wait, whose promises nobody remembers, and not after a storage failure', () => {
    const boot = quiet('abc')
    boot.crash('b')
    boot.restart('b')
    boot.pass(500)
    end(boot, 'b')
    expect(clean(boot)).toBe(false)
    const broken = quiet('abc')
    broken.act('b', { type: 'storageFailed' })
    end(broken, 'b')
    expect(clean(broken)).toBe(false)
  })

  it('R19: after the end the voter refuses every vote, bind and heartbeat for good', () => {
    const lab = quiet('abc')
    end(lab, 'b')
    lab.drop()
    say(lab, 'a', 'b', hello(60), ask(1), { kind: 'bind', election: 'e', term: 1 })
    expect(lab.wire).toHaveLength(0)
    expect(grantAt(lab, 'b', 'a')).toBeNull()
    expect(boundTo(lab, 'b')).toBeNull()
  })
})

describe('R28: ephemeral processes', () => {
  const WAIT = 1500 + 400
  const options = { ephemeral: true, timing: { maxPromiseMs: 1500 } } as const
  const recovering = (lab: Lab) => lab.ids.filter((id) => lab.node(id).state.recovery !== null).join('')

  /** A cluster that bootstrapped long ago; the floor is 1000, the wall clock of its start. */
  function settled(ids: string, elections = ['e']): Lab {
    const lab = quiet(ids, { ...options, elections })
    lab.run(WAIT + 200)
    expect(recovering(lab)).toBe('')
    lab.drop()
    return lab
  }

  it('R28: every start waits (maxD + campaign)(1 + rho)/(1 - rho) before it asks anybody', () => {
    const lab = quiet('abc', { ...options, timing: { maxPromiseMs: 1500, rho: 0.2 } })
    lab.run(1.5 * WAIT - 1)
    expect(partsOf(lab.sent, 'floorRequest')).toHaveLength(0)
    expect(recovering(lab)).toBe('abc')
    lab.run(2)
    expect(partsOf(lab.sent, 'floorRequest').length).toBeGreaterThan(0)
  })

  it('R28: until it has learnt its floor it gives no vote or pre-vote, does not stand, binds itself to nobody', () => {
    const lab = settled('abc')
    elect(lab, 'a', 'bc')
    forget(lab, 'b')
    lab.connect([['a', 'b']])
    lab.contend('e', ['b'])
    lab.drop()
    keep(lab, WAIT + 1000, 'a-c')
    say(
      lab,
      'a',
      'b',
      hello(90),
      ask(9000),
      { ...ask(9000), kind: 'preVote' },
      {
        kind: 'bind',
        election: 'e',
        term: known(lab, 'a'),
      },
    )
    expect(grantAt(lab, 'b', 'a'), 'it supports sessions').not.toBeNull()
    expect(lastPart(lab, 'b', 'a', 'voteReply').refusal).toBe('recovering')
    expect(lastPart(lab, 'b', 'a', 'preVoteReply').refusal).toBe('recovering')
    expect(boundTo(lab, 'b')).toBeNull()
    expect(stand(lab, 'b')).toBe(false)
  })

  it('R28: if all recover at once, the largest wall clock among them is the floor of all', () => {
    const lab = new Lab(['a', 'b', 'c'], options)
    lab.pass(7)
    for (const id of lab.ids) {
      lab.pass(100)
      forget(lab, id)
    }
    lab.connect()
    lab.contend()
    lab.run(WAIT + 1000)
    expect(lab.leader()).not.toBeNull()
    expect(lab.ids.map((id) => lab.node(id).state.termFloor)).toEqual([1307, 1307, 1307])
    expect(lab.history[0]?.term, 'tokens survive a restart of the whole cluster').toBe(1308)
  })

  it('R28: not all, as long as one that knows is missing', () => {
    const lab = new Lab(['a', 'b', 'c'], options)
    lab.crash('c')
    lab.connect()
    lab.contend()
    lab.run(20_000)
    expect(recovering(lab).slice(0, 2)).toBe('ab')
    expect(lab.leader()).toBeNull()
  })

  it('R28: who took part in that may follow one that has finished already', () => {
    const lab = quiet('abc', options)
    lab.pass(WAIT)
    lab.tick('a')
    lab.deliver((frame) => frame.from === 'a')
    lab.deliver((frame) => frame.to === 'a')
    lab.tick('a')
    expect(recovering(lab)).toBe('bc')
    lab.drop()
    lab.run(1000)
    expect(recovering(lab)).toBe('')
    expect(new Set(lab.ids.map((id) => lab.node(id).state.termFloor)).size).toBe(1)
  })

  it('R28: who did not take part learns from those that have finished', () => {
    const lab = quiet('abc', options)
    lab.pass(WAIT)
    lab.tick('a')
    lab.deliver((frame) => frame.from === 'a')
    lab.deliver((frame) => frame.to === 'a')
    lab.tick('a')
    forget(lab, 'c')
    lab.drop()
    lab.connect([
      ['a', 'c'],
      ['b', 'c'],
    ])
    lab.contend('e', ['c'])
    lab.run(20_000)
    expect(recovering(lab)).toBe('')
    expect(lab.node('c').state.termFloor).toBeGreaterThanOrEqual(lab.node('a').state.termFloor)
    elect(lab, 'c', 'a')
  })

  it('R28: a single one learns the largest term of any election from n - q + 1 others', () => {
    const lab = settled('abcde', ['e', 'f'])
    elect(lab, 'a', 'bcde', 'e')
    tell(lab, 'd', 5000, 'f')
    forget(lab, 'b')
    lab.connect([
      ['a', 'b'],
      ['b', 'c'],
    ])
    keep(lab, 3 * WAIT, 'a-b', 'b-c', 'a-c', 'a-d', 'a-e')
    expect(recovering(lab), 'two of the three that are needed').toBe('b')
    lab.connect([['b', 'd']])
    keep(lab, 1500, 'a-b', 'b-c', 'b-d', 'a-c', 'a-d', 'a-e')
    expect(recovering(lab)).toBe('')
    expect(lab.node('b').state.termFloor).toBe(5000)
    say(lab, 'c', 'b', hello(900), { ...ask(5000), election: 'g' }, { ...ask(5001), election: 'h' })
    const replies = parts(lab, 'b', 'c', 'voteReply').slice(-2)
    const byElection = new Map(replies.map((reply) => [reply.election, reply.refusal]))
    expect(byElection.get('g'), 'one number for all elections').toBe('floor')
    expect(byElection.get('h')).toBeNull()
  })

  it('R28: answers of others that recover do not count as memory', () => {
    const lab = settled('abc')
    elect(lab, 'a', 'bc')
    lab.drop()
    forget(lab, 'b')
    forget(lab, 'c')
    lab.connect()
    lab.run(3 * WAIT)
    expect(recovering(lab)).toBe('bc')
    forget(lab, 'a')
    lab.connect()
    lab.run(3 * WAIT)
    expect(recovering(lab), 'beyond that all of them have to be restarted').toBe('')
    expect(lab.node('b').state.termFloor).toBeGreaterThan(1001)
  })

  it('R28, R44: a floor that was set by a later wall clock is no jump', () => {
    const lab = new Lab(['a', 'b', 'c'], options)
    lab.connect()
    lab.contend()
    const pump = (ms: number) => {
      for (const end = lab.at + ms; lab.at < end; ) {
        lab.pass(50)
        lab.tick()
        lab.deliver(({ from, to, parts: said }) => {
          return !(from === 'c' && to === 'b' && said.some(({ kind }) => kind === 'floorReply'))
        })
        lab.drop()
      }
    }
    // What c answers does not reach b, so that b goes on recovering while the others work, for more than 1,000,000 ms.
    pump(WAIT + 1000)
    expect(recovering(lab)).toBe('b')
    expect(lab.leader()).not.toBeNull()
    lab.pass(2_000_000)
    pump(1000)
    // Then c comes anew: it and b, which nobody told a term, agree on the wall clock of now.
    forget(lab, 'c')
    lab.connect([
      ['a', 'c'],
      ['b', 'c'],
    ])
    lab.contend('e', ['c'])
    lab.run(20_000)
    expect(recovering(lab)).toBe('')
    expect(lab.node('b').state.termFloor - known(lab, 'a')).toBeLessThan(1000)
    expect(lab.node('b').state.termFloor).toBeGreaterThan(2_000_000)
    expect(new Set(lab.ids.map((id) => lab.election(id).leader)).size, 'all three work together').toBe(1)
    expect(lab.leader()).not.toBeNull()
    expect(effects(lab, 'a', 'alarm')).toHaveLength(0)
    // What lies above every wall clock is a jump here, too.
    const { knownTerm } = lab.election('a').slot
    tell(lab, 'a', knownTerm + 1)
    say(lab, 'b', 'a', {
      kind: 'preVoteReply',
      election: 'e',
      nonce: -1,
      refusal: 'term',
      knownTerm: knownTerm + 2_000_000,
      leader: null,
    })
    expect(known(lab, 'a')).toBe(knownTerm + 1)
  })

  it('R28: n = 1 bootstraps from the clock alone', () => {
    const lab = new Lab(['a'], options)
    lab.contend()
    lab.run(WAIT + 100)
    expect(lab.leader()).toBe('a')
    expect(lab.history[0]?.term).toBe(1001)
  })

  it('R28, P2: a voter that forgot a higher vote does not bind itself to an older leader', () => {
    const lab = settled('abcde')
    retimeAll(lab, 900)
    elect(lab, 'a', 'de')
    const term = known(lab, 'a')
    keep(lab, 100, 'a-d', 'a-e')
    keep(lab, 900, 'a-d')
    // c stands above; b votes, dies and forgets; c still counts its word.
    tell(lab, 'c', term)
    stand(lab, 'c')
    talk(lab, 'c', 'b')
    if (lab.election('c').campaign?.grants.has('b') !== true) exchange(lab, 'c', 'b')
    expect(boundTo(lab, 'b')).toBe('c')
    lab.drop()
    forget(lab, 'b')
    lab.connect([['a', 'b']])
    talk(lab, 'a', 'b')
    exchange(lab, 'a', 'b')
    expect(grantAt(lab, 'b', 'a')).not.toBeNull()
    expect(boundTo(lab, 'b')).toBeNull()
    keep(lab, 150, 'a-b', 'a-d')
    // e has lapsed from a, and is c's third vote.
    expect(boundTo(lab, 'e')).toBeNull()
    for (let i = 0; i < 3; i++) {
      beat(lab, 'c')
      talk(lab, 'c', 'e')
    }
    expect(lab.leads('c')).toBe(true)
    expect(lab.leads('a')).toBe(false)
  })

  it('R28: a process with a disk never recovers', () => {
    const lab = quiet('abc')
    expect(recovering(lab)).toBe('')
    const config: CoreConfig = { ...lab.node('a').config, ephemeral: false }
    const state = createState(config, lab.node('a').disk, { now: 0, startedAt: 0, seed: 1, wallMs: 9e9 })
    expect(state.recovery).toBeNull()
    expect(state.termFloor).toBe(0)
  })

  function retimeAll(lab: Lab, campaignMs: number): void {
    for (const id of lab.ids) {
      const node = lab.node(id)
      node.config = { ...node.config, timing: { ...node.config.timing, campaignMs } }
    }
  }
})

describe('R24: what a start knows', () => {
  it('R24: durable terms come back, bindings and supports do not', () => {
    const lab = quiet('abc', { elections: ['e', 'f'] })
    elect(lab, 'a', 'bc', 'e')
    elect(lab, 'a', 'bc', 'f')
    lab.crash('b')
    lab.restart('b')
    const { state } = lab.node('b')
    expect(
      [...state.elections.values()].map(({ name, slot }) => [name, slot.knownTerm, slot.binding]),
    ).toEqual([
      ['e', 1, null],
      ['f', 1, null],
    ])
    expect(state.supports.size).toBe(0)
    expect(lab.wire.filter(along('b', 'a'))).toHaveLength(0)
  })
})
