/**
 * Handing over to a better contender, rule by rule (PROTOCOL A.4: R37), and who is the best to hand over to (R21).
 *
 * Liveness only. Each test puts one sentence of the rule to the shipping `step`, by hand.
 */
import { describe, expect, it } from 'vitest'
import type { Preference } from '../../src/core'
import { along, effects, elect, keep, type Lab, parts, quiet, renounce } from '../core/story'

const AFTER = 2_000
const RULES: Preference = { afterMs: AFTER, by: 1, perMinute: 2 }
const ALL = ['a-b', 'a-c', 'b-c']

function prefer(lab: Lab, id: string, rules: Preference | null = RULES, priority = 0): void {
  lab.act(id, { type: 'contend', election: 'e', contending: true, priority, preference: rules })
}

function announce(lab: Lab, id: string, priority: number, contending = true): void {
  lab.act(id, { type: 'contend', election: 'e', contending, priority })
  lab.deliver()
}

/** a leads and prefers, everybody is linked. */
function settled(rules: Preference | null = RULES): Lab {
  const lab = quiet('abc')
  prefer(lab, 'a', rules)
  lab.deliver()
  elect(lab, 'a', 'bc')
  keep(lab, AFTER, ...ALL)
  return lab
}

const due = (lab: Lab, id = 'a') => effects(lab, id, 'handOverDue')

describe('R37: a settled leader and a better contender', () => {
  it('R37: hands over when the better one has been there for long enough, not before', () => {
    const lab = settled()
    announce(lab, 'b', 5)
    keep(lab, AFTER - 50, ...ALL)
    expect(due(lab)).toEqual([])
    keep(lab, 100, ...ALL)
    expect(due(lab)).toEqual([{ type: 'handOverDue', election: 'e', term: 1, to: 'b' }])
    expect(lab.leads('a'), 'the runtime stops the work first (R20)').toBe(true)
  })

  it('R37: is off unless it is asked for', () => {
    const lab = settled(null)
    announce(lab, 'b', 1_000)
    keep(lab, 10 * AFTER, ...ALL)
    expect(due(lab)).toEqual([])
  })

  it('R37: the best one is chosen, and an equal one never', () => {
    const lab = settled()
    announce(lab, 'c', 0)
    keep(lab, 3 * AFTER, ...ALL)
    expect(due(lab)).toEqual([])
    announce(lab, 'b', 5)
    announce(lab, 'c', 7)
    keep(lab, AFTER + 50, ...ALL)
    expect(due(lab).map(({ to }) => to)).toEqual(['c'])
  })

  it('R37: hysteresis: who is ahead by less stays where it is', () => {
    const lab = settled({ ...RULES, by: 10 })
    announce(lab, 'b', 9)
    keep(lab, 3 * AFTER, ...ALL)
    expect(due(lab)).toEqual([])
    announce(lab, 'b', 10)
    keep(lab, AFTER + 50, ...ALL)
    expect(due(lab)).toHaveLength(1)
  })

  it('R37: the wait begins anew when the better one falls back, leaves, or loses its link', () => {
    for (const disturb of [
      (lab: Lab) => announce(lab, 'b', 0),
      (lab: Lab) => announce(lab, 'b', 5, false),
      (lab: Lab) => {
        lab.act('a', { type: 'closed', peer: 'b', incarnation: 1 })
        lab.connect([['a', 'b']])
      },
    ]) {
      const lab = settled()
      announce(lab, 'b', 5)
      keep(lab, AFTER - 100, ...ALL)
      disturb(lab)
      keep(lab, 100, ...ALL)
      announce(lab, 'b', 5)
      lab.connect([['a', 'b']])
      keep(lab, AFTER - 150, ...ALL)
      expect(due(lab)).toEqual([])
      keep(lab, 300, ...ALL)
      expect(due(lab).map(({ to }) => to)).toEqual(['b'])
    }
  })

  it('R37: who is better and does not answer is not handed anything (bug 27)', () => {
    const lab = settled()
    announce(lab, 'b', 1_000)
    keep(lab, 5 * AFTER, 'a-c')
    expect(due(lab)).toEqual([])
    expect(lab.leads('a'), 'c is enough for a quorum').toBe(true)
    keep(lab, 2 * AFTER, ...ALL)
    expect(due(lab).map(({ to }) => to)).toEqual(['b'])
  })

  it('R37: a leader that has just won is not settled', () => {
    const lab = settled({ ...RULES, perMinute: 60 })
    announce(lab, 'b', 5)
    keep(lab, AFTER / 2, ...ALL)
    for (const id of 'ca') {
      renounce(lab, id === 'c' ? 'a' : 'c')
      lab.deliver()
      elect(lab, id, 'abc'.replace(id, ''))
    }
    keep(lab, AFTER - 100, ...ALL)
    expect(due(lab)).toEqual([])
    keep(lab, 150, ...ALL)
    expect(due(lab)).toHaveLength(1)
  })

  it('R37: at most so many changes of the leader in a minute, whoever caused them', () => {
    const lab = settled({ ...RULES, perMinute: 2 })
    renounce(lab, 'a')
    lab.deliver()
    elect(lab, 'c', 'ab')
    renounce(lab, 'c')
    lab.deliver()
    elect(lab, 'a', 'bc')
    const second = lab.at
    announce(lab, 'b', 5)
    keep(lab, 55_000, ...ALL)
    expect(due(lab), 'three changes lie within the minute').toEqual([])
    keep(lab, 7_000, ...ALL)
    expect(due(lab)).toHaveLength(1)
    expect(lab.at).toBeGreaterThanOrEqual(second + 60_000)
  })

  it('R37: who did not take what it was handed waits twice as long, each time', () => {
    const lab = settled({ ...RULES, perMinute: 60 })
    announce(lab, 'b', 5)
    const began = lab.at
    keep(lab, 16 * AFTER, ...ALL)
    const at = [1, 3, 7, 15].map((times) => began + times * AFTER)
    expect(due(lab)).toHaveLength(at.length)
  })

  it('R37: counts against nobody once it has led', () => {
    const lab = settled({ ...RULES, perMinute: 60 })
    announce(lab, 'b', 5)
    keep(lab, AFTER + 50, ...ALL)
    expect(lab.election('a').preferring?.vain.get('b')).toBe(1)
    lab.act('a', { type: 'renounce', election: 'e', reason: 'transferred', to: 'b', cooldownMs: 500 })
    lab.deliver()
    expect(lab.leads('b')).toBe(true)
    keep(lab, 500, ...ALL)
    expect(lab.election('a').preferring?.vain.size).toBe(0)
  })

  it('R37: an own priority that rises ends the wait', () => {
    const lab = settled()
    announce(lab, 'b', 5)
    keep(lab, AFTER / 2, ...ALL)
    prefer(lab, 'a', RULES, 5)
    keep(lab, 3 * AFTER, ...ALL)
    expect(due(lab)).toEqual([])
  })

  it('R37, R20: a lease that is frozen is handed over to nobody', () => {
    const lab = settled()
    announce(lab, 'b', 5)
    keep(lab, AFTER - 200, ...ALL)
    lab.act('a', { type: 'freeze', election: 'e', reason: 'drainTimeout' })
    keep(lab, 400, ...ALL)
    expect(lab.leads('a')).toBe(true)
    expect(due(lab)).toEqual([])
  })

  it('R37, R81: while the election is paused nobody is handed anything', () => {
    const lab = settled()
    announce(lab, 'b', 5)
    const word = { type: 'pause', election: 'e', leader: 'stays', sinceMs: 0 } as const
    lab.act('a', { ...word, isPaused: true })
    keep(lab, 5 * AFTER, ...ALL)
    expect(due(lab)).toEqual([])
    lab.act('a', { ...word, isPaused: false })
    keep(lab, AFTER + 50, ...ALL)
    expect(due(lab)).toHaveLength(1)
  })

  it('bug 72: a far member that was cut off for 43 s and comes back gets no leadership before it has stood for long', () => {
    const near = { ...RULES, afterMs: 10_000 }
    const lab = quiet('abc')
    for (const id of 'abc') prefer(lab, id, near, id === 'c' ? 5 : 0)
    lab.deliver()
    elect(lab, 'a', 'bc')
    keep(lab, 43_000, 'a-b')
    expect(lab.leads('a')).toBe(true)
    lab.act('a', { type: 'closed', peer: 'c', incarnation: 1 })
    lab.connect()
    keep(lab, 9_000, ...ALL)
    expect(due(lab), 'back, and not for long').toEqual([])
    keep(lab, 2_000, ...ALL)
    expect(due(lab).map(({ to }) => to)).toEqual(['c'])
  })
})

describe('R21: the best one to hand over to', () => {
  /** Whom a tells to campaign when it gives up without naming anybody. */
  function heirOf(arrange: (lab: Lab) => void): string[] {
    const lab = settled(null)
    announce(lab, 'b', 1)
    announce(lab, 'c', 2)
    arrange(lab)
    const renunciation = { reason: 'resigned', to: null, toBest: true, cooldownMs: 0 } as const
    lab.act('a', { type: 'renounce', election: 'e', ...renunciation })
    return ['b', 'c'].filter((id) => parts(lab, 'a', id, 'timeoutNow').length > 0)
  }

  it('R21: is the first in the order among those that contend, are linked and answer', () => {
    expect(heirOf(() => {})).toEqual(['c'])
    expect(heirOf((lab) => announce(lab, 'b', 2_000))).toEqual(['b'])
    expect(heirOf((lab) => announce(lab, 'c', 2, false))).toEqual(['b'])
    expect(heirOf((lab) => lab.act('a', { type: 'closed', peer: 'c', incarnation: 1 }))).toEqual(['b'])
    expect(
      heirOf((lab) => {
        announce(lab, 'c', 2, false)
        announce(lab, 'b', 1, false)
      }),
    ).toEqual([])
  })

  it('R21: who has not answered for some heartbeats comes after those that have', () => {
    expect(heirOf((lab) => keep(lab, 200, 'a-b'))).toEqual(['c'])
    expect(heirOf((lab) => keep(lab, 500, 'a-b'))).toEqual(['b'])
    const onlyC = (lab: Lab): void => {
      announce(lab, 'b', 1, false)
      keep(lab, 500, 'a-b')
    }
    expect(heirOf(onlyC), 'better than nobody').toEqual(['c'])
  })

  it('R21: is nobody who is in its own cool-down, and may be again when that is over', () => {
    const resign = (lab: Lab, id: string, cooldownMs: number): void => {
      const renunciation = { reason: 'resigned', to: null, toBest: true, cooldownMs } as const
      lab.act(id, { type: 'renounce', election: 'e', ...renunciation })
      lab.deliver()
    }
    const lab = settled(null)
    announce(lab, 'b', 1)
    announce(lab, 'c', 2)
    prefer(lab, 'a', null, 9)
    lab.deliver()
    resign(lab, 'a', 60_000)
    expect(lab.leads('c')).toBe(true)
    resign(lab, 'c', 1_000)
    expect(lab.leads('b'), 'a is the best of all, and will not stand for a minute').toBe(true)
    keep(lab, 1_900, ...ALL)
    resign(lab, 'b', 0)
    expect(lab.leads('c'), 'its cool-down is over').toBe(true)
    keep(lab, 60_000, ...ALL)
    resign(lab, 'c', 0)
    expect(lab.leads('a')).toBe(true)
  })

  it('R71, R21: the end of a process names the best one of each election that it led, and frees all by one word', () => {
    const lab = settled(null)
    announce(lab, 'b', 1)
    lab.act('a', { type: 'end', reason: 'stopped' })
    const last = lab.sent.filter(({ from }) => from === 'a').slice(-2)
    expect(last.map(({ to, parts: each }) => [to, each.map(({ kind }) => kind)]).sort()).toEqual([
      ['b', ['timeoutNow', 'sessionEnd']],
      ['c', ['sessionEnd']],
    ])
    // c has not heard yet that a is gone: the certificate tells it
    lab.deliver(along('a', 'b'))
    lab.deliver(({ from, to }) => from !== 'a' && to !== 'a')
    expect(lab.leads('b')).toBe(true)
  })
})
