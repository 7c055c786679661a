/**
 * Goal: every invariant can fail, and does not fail on an innocent history. Method: fabricated histories, fed to the hooks
 * one by one; no core runs here.
 */
import { describe, expect, it } from 'vitest'
import type { Part, State } from '../../src/core'
import {
  alternation,
  bootWait,
  configuration,
  electionSafety,
  exclusiveReads,
  expiredLease,
  finality,
  frozenMember,
  guard,
  type InvariantFactory,
  leaseBacking,
  leaseEnd,
  leaseExclusivity,
  oneVotePerTerm,
  persistFirst,
  selfReport,
  switchovers,
  termDurability,
  tokenMonotonicity,
  winIsLease,
} from '../../src/simulation/invariants'
import type { NodeView, Observer } from '../../src/simulation/observer'
import type { Flight } from '../../src/simulation/sim-network'

/** A node as the invariants see it; everything can be set. */
class FakeNode implements NodeView {
  incarnation = 1
  storageId = 'disk'
  alive = true
  responsive = true
  isVoter = true
  frozen = false
  state: State | null = null
  durablePromiseMs = 1000
  clock = 0
  rate = 1
  missed = 0
  wallAhead = 1_000_000
  readonly terms = new Map<string, number>()
  valid = false

  readonly name: string

  constructor(readonly id: string) {
    this.name = id
    this.storageId = `disk-${id}`
  }
  now(): number {
    return this.clock
  }
  wall(): number {
    return this.clock + this.wallAhead
  }
  realAt(reading: number): number {
    return reading / this.rate
  }
  missedMs(): number {
    return this.missed
  }
  durableTerm(election: string): number {
    return this.terms.get(election) ?? 0
  }
  holdsValid(): boolean {
    return this.valid
  }
}

/** Runs one invariant over a history; returns its complaints. */
function complaints(factory: InvariantFactory, history: (observer: Required<Observer>) => void): string[] {
  const texts: string[] = []
  const { observer } = factory((text) => texts.push(text))
  const nothing = (): void => {}
  history(
    new Proxy(observer, {
      get: (target, name) => Reflect.get(target, name) ?? nothing,
    }) as Required<Observer>,
  )
  return texts
}

/** A part leaves a node, as the cluster reports it. */
function say(seen: Required<Observer>, from: FakeNode, to: FakeNode, part: Part): void {
  if (part.kind === 'heartbeat' || part.kind === 'ack') seen.routine(from, flight(from, to, part), part)
  else seen.said(from, flight(from, to, part), part)
}

function flight(from: FakeNode, to: FakeNode, ...parts: Part[]): Flight {
  const { id, incarnation } = from
  return {
    from: id,
    fromIncarnation: incarnation,
    to: to.id,
    toIncarnation: to.incarnation,
    parts,
  } as unknown as Flight
}

const yes = (term: number): Part => ({
  kind: 'voteReply',
  election: 'e',
  term,
  nonce: 1,
  grant: '1.1',
  refusal: null,
  knownTerm: term,
  leader: null,
})
const request = (term: number): Part => ({
  kind: 'requestVote',
  election: 'e',
  term,
  nonce: 1,
  certificate: null,
})
const release = (term: number): Part => ({ kind: 'release', election: 'e', term, successor: null })
const heartbeat: Part = { kind: 'heartbeat', round: 1, promiseMs: 1000, probe: false, prompt: false }
const ack: Part = { kind: 'ack', round: 1, grant: '1.1', renewed: true }

function cast() {
  return { a: new FakeNode('a'), b: new FakeNode('b'), c: new FakeNode('c') }
}

/** A core memory with just the parts that an invariant reads. */
function memory(parts: Record<string, unknown>): State {
  return {
    supports: new Map(),
    accounts: new Map(),
    leases: new Map(),
    elections: new Map(),
    bootUntil: 0,
    recovery: null,
    ...parts,
  } as unknown as State
}

describe('P1 election safety', () => {
  it('fails when two nodes win one term', () => {
    const { a, b } = cast()
    expect(
      complaints(electionSafety, (seen) => {
        seen.elected(a, 'e', 1, 1)
        seen.elected(b, 'e', 1, 1)
      }),
    ).toEqual(['a#1 and b#1 both won term 1 of e'])
  })

  it('holds for one term in two elections and for two terms in one', () => {
    const { a, b } = cast()
    expect(
      complaints(electionSafety, (seen) => {
        seen.elected(a, 'e', 1, 1)
        seen.elected(b, 'f', 1, 1)
        seen.elected(b, 'e', 2, 1)
      }),
    ).toEqual([])
  })
})

describe('P2 lease exclusivity', () => {
  /** a leads until 1000 on its own clock; b wins when true time is 900. */
  function history(change: (a: FakeNode, seen: Required<Observer>) => void): string[] {
    const { a, b } = cast()
    return complaints(leaseExclusivity, (seen) => {
      seen.extended(a, 1, 1000)
      seen.elected(a, 'e', 1, 1)
      a.clock = 900
      b.clock = 900
      change(a, seen)
      seen.extended(b, 1, 1900)
      seen.elected(b, 'e', 2, 1)
      seen.event()
    })
  }

  it('fails when two leases are valid at one true instant', () => {
    expect(history(() => {})[0]).toContain('hold valid leases of e at the same time')
  })

  it('fails when a slow clock makes a lease last longer than its holder may think', () => {
    expect(
      history((a) => {
        a.clock = 999.9
      }),
    ).not.toEqual([])
    expect(
      history((a) => {
        a.clock = 1000
      }),
    ).toEqual([])
  })

  it('fails when an extension comes after another one has won', () => {
    const { a, b } = cast()
    const texts = complaints(leaseExclusivity, (seen) => {
      seen.extended(a, 1, 1000)
      seen.elected(a, 'e', 1, 1)
      a.clock = 1000
      seen.extended(b, 1, 1900)
      seen.elected(b, 'e', 2, 1)
      seen.event()
      expect(b.clock).toBe(0)
      seen.extended(a, 1, 1500)
      seen.event()
    })
    expect(texts).toHaveLength(1)
  })

  it('holds when the first was revoked, died, or visibly missed time', () => {
    expect(history((a, seen) => seen.revoked(a, 'e', 1, 'expired'))).toEqual([])
    expect(history((a, seen) => seen.ended(a, 'crashed'))).toEqual([])
    expect(
      history((a) => {
        a.missed = 500
      }),
    ).toEqual([])
    expect(
      history((a) => {
        a.missed = 50
      }),
    ).not.toEqual([])
    expect(
      history((a) => {
        a.frozen = true
      }),
    ).toEqual([])
  })

  it('follows a leadership to another lease', () => {
    expect(
      history((a, seen) => {
        seen.extended(a, 2, 800)
        seen.moved(a, 'e', 2)
      }),
    ).toEqual([])
  })

  it('as services see it: fails when two of them say that they lead', () => {
    const { a, b } = cast()
    const nodes = new Map([
      ['a', a],
      ['b', b],
    ])
    const ask = (): string[] => complaints(exclusiveReads(nodes, ['e']), (seen) => seen.event())
    a.valid = true
    expect(ask()).toEqual([])
    b.valid = true
    expect(ask()).toEqual(['a and b both say that they lead e'])
    b.alive = false
    expect(ask()).toEqual([])
  })
})

describe('P3 token monotonicity', () => {
  it('fails when a later leadership has a token that is not larger', () => {
    const { a, b } = cast()
    const run = (second: number): string[] =>
      complaints(tokenMonotonicity, (seen) => {
        seen.elected(a, 'e', 5, 1)
        seen.elected(b, 'e', second, 1)
      })
    expect(run(4)).toHaveLength(1)
    expect(run(5)).toHaveLength(1)
    expect(run(6)).toEqual([])
  })
})

describe('P4 no acting on an expired lease', () => {
  function asked(
    change: (a: FakeNode, seen: Required<Observer>) => void,
    token: number | null = 1,
  ): string[] {
    const { a } = cast()
    return complaints(expiredLease, (seen) => {
      seen.began(a)
      seen.extended(a, 1, 1000)
      seen.elected(a, 'e', 1, 1)
      change(a, seen)
      seen.checked(a, 'e', token)
    })
  }

  it('fails when a node says yes after its lease has ended', () => {
    expect(
      asked((a) => {
        a.clock = 1000
      })[0],
    ).toContain('0.000 ms after its lease')
    expect(
      asked((a) => {
        a.clock = 999
      }),
    ).toEqual([])
    expect(
      asked((a) => {
        a.clock = 5000
      }, null),
    ).toEqual([])
  })

  it('fails when a node says yes after it was revoked, or never led, or with a wrong token', () => {
    expect(asked((a, seen) => seen.revoked(a, 'e', 1, 'resigned'))).toHaveLength(1)
    expect(asked((a, seen) => seen.began(a))).toHaveLength(1)
    expect(asked(() => {}, 2)).toHaveLength(1)
  })

  it('follows a leadership to another lease', () => {
    const moved = (until: number) => (a: FakeNode, seen: Required<Observer>) => {
      seen.extended(a, 2, until)
      seen.moved(a, 'e', 2)
      a.clock = 1500
    }
    expect(asked(moved(2000))).toEqual([])
    expect(asked(moved(1500))).toHaveLength(1)
  })
})

describe('P5 guard', () => {
  it('fails when a lower token, or the same one of another holder, is accepted', () => {
    const run = (holder: string, token: number, ok = true): string[] =>
      complaints(guard, (seen) => {
        seen.wrote('a#1', 'e', 5, true)
        seen.wrote(holder, 'e', token, ok)
      })
    expect(run('b#1', 4)).toHaveLength(1)
    expect(run('b#1', 5)).toHaveLength(1)
    expect(run('a#1', 5)).toEqual([])
    expect(run('b#1', 6)).toEqual([])
    expect(run('b#1', 4, false)).toEqual([])
  })
})

describe('P6 configuration', () => {
  it('fails when a win rests on fewer than a majority of distinct voters', () => {
    const { a } = cast()
    const run = (...voters: string[]): string[] => {
      const bound = new Map(voters.map((voter) => [voter, new Map()]))
      a.state = memory({ elections: new Map([['e', { lead: { bound } }]]) })
      const peers = ['a', 'b', 'c'].map((id) => ({ id, kind: 'peer' as const }))
      const cluster = { term: 0, version: 1, termFloor: 0, voters: peers }
      return complaints(
        configuration(() => cluster),
        (seen) => seen.elected(a, 'e', 1, 1),
      )
    }
    expect(run('a', 'b')).toEqual([])
    expect(run('a')).toEqual(['a won term 1 of e with 1 of 3 voters'])
    expect(run('a', 'x')).toHaveLength(1)
  })
})

describe('P7 finality of renouncing', () => {
  it('fails when a renounced term is won', () => {
    const { a, b } = cast()
    const run = (term: number, how: (seen: Required<Observer>) => void): string[] =>
      complaints(finality, (seen) => {
        how(seen)
        seen.elected(a, 'e', term, 1)
      })
    const led = (seen: Required<Observer>): void => {
      seen.elected(a, 'e', 3, 1)
      seen.revoked(a, 'e', 3, 'resigned')
    }
    expect(run(3, led)).toHaveLength(1)
    expect(run(4, led)).toEqual([])
    expect(run(4, (seen) => say(seen, a, b, release(4)))).toHaveLength(1)
  })

  it('a new life may win what the former one renounced', () => {
    const { a } = cast()
    expect(
      complaints(finality, (seen) => {
        seen.elected(a, 'e', 3, 1)
        seen.revoked(a, 'e', 3, 'expired')
        a.incarnation = 2
        seen.elected(a, 'e', 3, 1)
      }),
    ).toEqual([])
  })

  it('R65: fails when a term is released that is still led', () => {
    const { a, b } = cast()
    const run = (term: number): string[] =>
      complaints(finality, (seen) => {
        seen.elected(a, 'e', 3, 1)
        say(seen, a, b, release(term))
      })
    expect(run(3)).toHaveLength(1)
    expect(run(4)).toHaveLength(1)
    expect(run(2)).toEqual([])
  })

  it('R71: fails when a session ends while something is led, or goes on after its end', () => {
    const { a, b } = cast()
    const ends: Part = { kind: 'sessionEnd' }
    expect(
      complaints(finality, (seen) => {
        seen.elected(a, 'e', 1, 1)
        say(seen, a, b, ends)
      }),
    ).toHaveLength(1)
    for (const part of [heartbeat, request(2), yes(2)]) {
      expect(
        complaints(finality, (seen) => {
          say(seen, a, b, ends)
          say(seen, a, b, part)
        }),
      ).toHaveLength(1)
    }
    const after = complaints(finality, (seen) => {
      say(seen, a, b, ends)
      seen.elected(a, 'e', 1, 1)
    })
    expect(after).toHaveLength(1)
  })
})

describe('elected and revoked alternate', () => {
  const run = (history: (a: FakeNode, seen: Required<Observer>) => void): string[] => {
    const { a } = cast()
    return complaints(alternation, (seen) => history(a, seen))
  }

  it('fails when a leadership begins twice, ends twice, or ends as another one', () => {
    expect(
      run((a, seen) => {
        seen.elected(a, 'e', 1, 1)
        seen.elected(a, 'e', 2, 1)
      }),
    ).toHaveLength(1)
    expect(run((a, seen) => seen.revoked(a, 'e', 1, 'expired'))).toHaveLength(1)
    expect(
      run((a, seen) => {
        seen.elected(a, 'e', 1, 1)
        seen.revoked(a, 'e', 2, 'expired')
      }),
    ).toHaveLength(1)
  })

  it('fails when a clean stop leaves a leadership behind; a crash may', () => {
    expect(
      run((a, seen) => {
        seen.elected(a, 'e', 1, 1)
        seen.ended(a, 'stopped')
      }),
    ).toHaveLength(1)
    expect(
      run((a, seen) => {
        seen.elected(a, 'e', 1, 1)
        seen.ended(a, 'crashed')
        seen.elected(a, 'e', 2, 1)
      }),
    ).toEqual([])
  })
})

describe('R5 a win is a lease', () => {
  it('fails when somebody wins with a lease that is over or that nobody ever reported', () => {
    const { a } = cast()
    const run = (until: number | null): string[] =>
      complaints(winIsLease, (seen) => {
        a.clock = 500
        if (until !== null) seen.extended(a, 1, until)
        seen.elected(a, 'e', 1, 1)
      })
    expect(run(501)).toEqual([])
    expect(run(500)).toHaveLength(1)
    expect(run(null)).toHaveLength(1)
  })
})

describe('R2 one vote per term', () => {
  it('fails when a voter says yes to two candidates of a term, or to one besides itself', () => {
    const { a, b, c } = cast()
    expect(
      complaints(oneVotePerTerm, (seen) => {
        say(seen, a, b, yes(1))
        say(seen, a, c, yes(1))
      }),
    ).toEqual(['a voted for b#1 and for c#1 in term 1 of e'])
    const run = (durable: boolean): string[] =>
      complaints(oneVotePerTerm, (seen) => {
        const binding = { leader: 'a', incarnation: 1, term: 1, grant: 'self', led: false, released: false }
        a.state = memory({ elections: new Map([['e', { slot: { knownTerm: 1, binding } }]]) })
        say(seen, a, b, request(1))
        if (durable) seen.durable(a, '', { terms: new Map([['e', 1]]) })
        say(seen, a, b, yes(1))
      })
    expect(run(true)).toHaveLength(1)
    expect(run(false), 'a crash forgot its own vote: nobody counted that').toEqual([])
  })

  it('holds over restarts, but not beyond the storage', () => {
    const { a, b, c } = cast()
    const run = (storage: string): string[] =>
      complaints(oneVotePerTerm, (seen) => {
        seen.durable(a, 'first', { terms: new Map() })
        say(seen, a, b, yes(1))
        say(seen, a, b, yes(1))
        seen.durable(a, storage, { terms: new Map() })
        say(seen, a, c, yes(1))
      })
    expect(run('first')).toHaveLength(1)
    expect(run('second')).toEqual([])
  })
})

describe('durable terms never fall', () => {
  it('fails when a write lowers a term or an incarnation of one storage', () => {
    const { a } = cast()
    const write = (term: number, incarnation: number) =>
      ({ terms: new Map([['e', term]]), process: { incarnation } }) as never
    const run = (storage: string, term: number, incarnation: number): string[] =>
      complaints(termDurability, (seen) => {
        seen.durable(a, 'first', write(5, 2))
        seen.durable(a, storage, write(term, incarnation))
      })
    expect(run('first', 5, 2)).toEqual([])
    expect(run('first', 4, 2)).toHaveLength(1)
    expect(run('first', 5, 1)).toHaveLength(1)
    expect(run('second', 1, 1)).toEqual([])
  })
})

describe('R1 persist before send', () => {
  it('fails when a vote leaves, or a win comes, before its term is durable; a request may', () => {
    const { a, b } = cast()
    a.terms.set('e', 3)
    const run = (history: (seen: Required<Observer>) => void) => complaints(persistFirst, history).length
    expect(run((seen) => say(seen, a, b, yes(3)))).toBe(0)
    expect(run((seen) => say(seen, a, b, yes(4)))).toBe(1)
    expect(run((seen) => say(seen, a, b, request(4)))).toBe(0)
    expect(run((seen) => seen.elected(a, 'e', 3, 1))).toBe(0)
    expect(run((seen) => seen.elected(a, 'e', 4, 1))).toBe(1)
    a.isVoter = false
    expect(
      run((seen) => seen.elected(a, 'e', 4, 1)),
      'who has no vote writes none',
    ).toBe(0)
  })

  it('fails when support is promised beyond the longest durable promise, or a life begins without it', () => {
    const { a, b } = cast()
    const run = (until: number, lastRound = ack.round): string[] => {
      a.state = memory({ supports: new Map([['b', { until, lastRound }]]) })
      return complaints(persistFirst, (seen) => say(seen, a, b, ack))
    }
    expect(run(1000)).toEqual([])
    expect(run(1001)).toHaveLength(1)
    expect(run(1001, ack.round + 1), 'the answer to an earlier round').toEqual([])
    a.state = memory({ maxPromiseMs: 2000 })
    expect(complaints(persistFirst, (seen) => seen.began(a))).toHaveLength(1)
  })
})

describe('R19 no vote in the boot wait', () => {
  it('fails when a yes or a vote request leaves too early', () => {
    const { a, b } = cast()
    const run = (clock: number, part: Part): string[] => {
      a.state = memory({ bootUntil: 1000 })
      a.clock = clock
      return complaints(bootWait, (seen) => {
        seen.began(a)
        say(seen, a, b, part)
      })
    }
    const preVote = (refusal: 'boot' | null): Part => ({
      kind: 'preVoteReply',
      election: 'e',
      nonce: 1,
      refusal,
      knownTerm: 1,
      leader: null,
    })
    for (const part of [yes(1), request(1), preVote(null)]) {
      expect(run(999, part)).toHaveLength(1)
      expect(run(1000, part)).toEqual([])
    }
    expect(run(10, preVote('boot'))).toEqual([])
    expect(run(10, ack)).toEqual([])
  })
})

describe('a lease end never moves back', () => {
  it('fails when a lease is shortened, or a leadership moves to a shorter or unknown one', () => {
    const { a } = cast()
    const run = (change: (seen: Required<Observer>) => void): string[] =>
      complaints(leaseEnd, (seen) => {
        seen.extended(a, 1, 1000)
        seen.elected(a, 'e', 1, 1)
        change(seen)
      })
    expect(run((seen) => seen.extended(a, 1, 999))).toHaveLength(1)
    expect(run((seen) => seen.moved(a, 'e', 7))).toHaveLength(1)
    expect(
      run((seen) => {
        seen.extended(a, 2, 900)
        seen.moved(a, 'e', 2)
      }),
    ).toHaveLength(1)
    expect(
      run((seen) => {
        seen.extended(a, 2, 1000)
        seen.moved(a, 'e', 2)
      }),
    ).toEqual([])
    expect(
      run((seen) => {
        seen.ended(a, 'crashed')
        seen.extended(a, 1, 10)
      }),
    ).toEqual([])
  })
})

describe('a lease is backed by promises', () => {
  /** a counts b under g1.1 until 1000 of its own clock, by a lease of both. */
  function history(change: (a: FakeNode, b: FakeNode) => void): string[] {
    const { a, b } = cast()
    const support = { incarnation: 1, storageId: 'disk-b', grant: '1.1', until: 1000 }
    a.state = memory({
      accounts: new Map([['b', { untilByGrant: new Map([['1.1', 1000]]) }]]),
      leases: new Map([
        [
          1,
          {
            bound: new Map([
              ['a', ['self']],
              ['b', ['1.1']],
            ]),
            elections: new Set(['e']),
          },
        ],
      ]),
      supports: new Map([['b', { storageId: 'disk-b' }]]),
    })
    const binding = { leader: 'a', incarnation: 1, term: 1, grant: '1.1', led: true, released: false }
    const elections = new Map([['e', { slot: { knownTerm: 1, binding } }]])
    b.state = memory({ supports: new Map([['a', support]]), elections })
    change(a, b)
    return complaints(
      leaseBacking(
        new Map([
          ['a', a],
          ['b', b],
        ]),
      ),
      (seen) => seen.extended(a, 1, 1000),
    )
  }
  const promise = (b: FakeNode): { until: number; grant: string | null; incarnation: number } =>
    b.state?.supports.get('a') as never

  it('holds when the voter supports the holder that long by its own clock', () => {
    expect(history(() => {})).toEqual([])
    expect(
      history((_a, b) => {
        b.rate = 0.9
      }),
    ).toEqual([])
  })

  it('fails when the voter stops sooner, or its clock runs faster than the lease allows for', () => {
    expect(
      history((_a, b) => {
        promise(b).until = 999
      }),
    ).toHaveLength(1)
    expect(
      history((_a, b) => {
        b.rate = 1.1
      }),
    ).toHaveLength(1)
    expect(
      history((a) => {
        a.rate = 0.9
      }),
    ).toHaveLength(1)
  })

  it('fails when the voter never gave, or has ended, the grant that is counted', () => {
    expect(
      history((_a, b) => {
        promise(b).grant = '1.2'
      }),
    ).toHaveLength(1)
    expect(
      history((_a, b) => {
        promise(b).grant = null
      }),
    ).toHaveLength(1)
    expect(
      history((_a, b) => {
        promise(b).incarnation = 2
      }),
    ).toHaveLength(1)
  })

  it('fails when the voter is free, released, or bound to somebody else', () => {
    const slot = (b: FakeNode): { binding: Record<string, unknown> | null } =>
      b.state?.elections.get('e')?.slot as never
    const change = (binding: Record<string, unknown>) => (_a: FakeNode, b: FakeNode) => {
      slot(b).binding = { ...slot(b).binding, ...binding }
    }
    expect(history(change({ leader: 'c', term: 2 }))).toEqual([
      'a counts b in e, which is bound to c in term 2',
    ])
    expect(history(change({ released: true }))).toHaveLength(1)
    expect(history(change({ incarnation: 2 }))).toHaveLength(1)
    expect(
      history((_a, b) => {
        slot(b).binding = null
      }),
    ).toHaveLength(1)
  })

  it('R19: a voter that restarted keeps its word by waiting', () => {
    const restarted =
      (bootUntil: number) =>
      (_a: FakeNode, b: FakeNode): void => {
        b.incarnation = 2
        b.state = memory({ bootUntil })
      }
    expect(history(restarted(1000))).toEqual([])
    expect(history(restarted(900))).toHaveLength(1)
    const recovers = (_a: FakeNode, b: FakeNode): void => {
      b.incarnation = 2
      b.state = memory({ recovery: {} })
    }
    expect(history(recovers)).toEqual([])
    expect(
      history((_a, b) => {
        b.state = null
      }),
    ).toEqual([])
    expect(
      history((_a, b) => {
        b.alive = false
      }),
    ).toEqual([])
  })

  it('R25: what came in the place of a lost disk is nobody', () => {
    expect(
      history((_a, b) => {
        b.storageId = 'other'
        b.state = memory({})
      }),
    ).toEqual([])
  })
})

describe('R6 no alarm of the core', () => {
  it('fails when the core says that an invariant is broken', () => {
    const { a } = cast()
    const run = (code: 'invariantViolation' | 'termJump'): string[] =>
      complaints(selfReport, (seen) =>
        seen.noticed(a, { type: 'alarm', code, election: 'e', process: 'b', detail: 'two leaders' }),
      )
    expect(run('invariantViolation')).toEqual(['a raised invariantViolation: two leaders'])
    expect(run('termJump')).toEqual([])
  })
})

describe('R39 a frozen member does not stand', () => {
  const campaign = (seen: Required<Observer>, node: FakeNode): void =>
    seen.noticed(node, { type: 'roleChanged', election: 'e', role: 'preCandidate' })
  const history = (then: (seen: Required<Observer>, a: FakeNode, b: FakeNode) => void): string[] => {
    const { a, b } = cast()
    return complaints(frozenMember, (seen) => {
      seen.operated(a, { kind: 'frozen', election: 'e', until: 1000 })
      then(seen, a, b)
    })
  }

  it('fails on a campaign or a win before the freeze is over, on the clock of that node', () => {
    expect(history((seen, a) => campaign(seen, a))).toEqual([
      'a began a campaign in e, 1000 ms before its freeze is over',
    ])
    expect(history((seen, a) => seen.elected(a, 'e', 3, 1))).toHaveLength(1)
    const atTheEnd = history((seen, a) => {
      a.clock = 1000
      campaign(seen, a)
    })
    expect(atTheEnd).toEqual([])
  })

  it('leaves others, other elections, later lives and thawed members alone', () => {
    expect(history((seen, _a, b) => campaign(seen, b))).toEqual([])
    expect(history((seen, a) => seen.elected(a, 'f', 3, 1))).toEqual([])
    const thawed = history((seen, a) => {
      seen.operated(a, { kind: 'frozen', election: 'e', until: 0 })
      campaign(seen, a)
    })
    const reborn = history((seen, a) => {
      seen.ended(a, 'crashed')
      campaign(seen, a)
    })
    expect([thawed, reborn]).toEqual([[], []])
  })

  it('lets a leader that is frozen go on with its next term, and not come back after a loss', () => {
    const leads = (reason: 'reelected' | 'expired'): string[] => {
      const { a } = cast()
      return complaints(frozenMember, (seen) => {
        seen.elected(a, 'e', 1, 1)
        seen.operated(a, { kind: 'frozen', election: 'e', until: 1000 })
        seen.revoked(a, 'e', 1, reason)
        seen.elected(a, 'e', 2, 1)
      })
    }
    expect(leads('reelected')).toEqual([])
    expect(leads('expired')).toHaveLength(1)
  })
})

describe('switchovers happen when they are due', () => {
  const plan = (clock: 'monotonic' | 'wall' = 'monotonic', due = 1000) =>
    ({ kind: 'planned', election: 'e', id: 1, clock, due }) as const
  const over = (leads = true) => ({ kind: 'over', election: 'e', id: 1, leads }) as const
  const handsOver = (reading: number) => ({ kind: 'handsOver', election: 'e', id: 1, reading }) as const
  const cancelled = { kind: 'cancelled', election: 'e', id: 1 } as const
  const history = (then: (seen: Required<Observer>, a: FakeNode) => void, by = plan()): string[] => {
    const { a } = cast()
    return complaints(switchovers(5), (seen) => {
      seen.elected(a, 'e', 1, 1)
      seen.operated(a, by)
      then(seen, a)
      seen.event()
    })
  }
  const happens = (seen: Required<Observer>, a: FakeNode, reading = 1000): void => {
    seen.operated(a, over())
    seen.operated(a, handsOver(reading))
    seen.revoked(a, 'e', 1, 'resigned')
  }

  it('is content with one that hands over in time, and with one that is taken back', () => {
    expect(history((seen, a) => happens(seen, a))).toEqual([])
    const takenBack = history((seen, a) => {
      seen.operated(a, cancelled)
      seen.operated(a, over())
      a.clock = 5000
    })
    expect(takenBack).toEqual([])
  })

  it('fails on one that comes early, twice, after it was taken back, in another life, or in a paused election', () => {
    expect(history((seen, a) => happens(seen, a, 999))).toEqual([
      'the switchover of e at a happened 1 ms early',
    ])
    const twice = history((seen, a) => {
      happens(seen, a)
      seen.operated(a, handsOver(2000))
    })
    expect(twice).toEqual(['the switchover of e at a happened twice'])
    const late = history((seen, a) => {
      seen.operated(a, cancelled)
      seen.operated(a, over())
      happens(seen, a)
    })
    expect(late).toEqual(['the switchover of e at a happened although it was taken back'])
    const other = history((seen, a) => {
      seen.ended(a, 'crashed')
      seen.operated(a, handsOver(1000))
    })
    expect(other).toEqual(['a switchover of e at a happened in a life that did not plan it'])
    const paused = history((seen, a) => {
      a.state = memory({ elections: new Map([['e', { pause: { isPaused: true } }]]) })
      happens(seen, a)
    })
    expect(paused).toHaveLength(1)
  })

  it('fails on one that does not come: in time, at all, or in deed', () => {
    const waits = (clock: number, responsive = true): string[] =>
      history((_seen, a) => {
        a.clock = clock
        a.responsive = responsive
      })
    expect(waits(1005)).toEqual([])
    expect(waits(1010)).toEqual(['the switchover of e at a was due and did not happen'])
    expect(waits(1010, false), 'nothing runs').toEqual([])
    const dropped = (leads: boolean): string[] => history((seen, a) => seen.operated(a, over(leads)))
    expect(dropped(true)).toEqual(['the switchover of e at a was dropped although it leads'])
    expect(dropped(false)).toEqual([])
    const inWords = history((seen, a) => {
      seen.operated(a, over())
      seen.operated(a, handsOver(1000))
    })
    expect(inWords).toEqual(['the switchover of e at a left it leading in T1'])
  })

  it('waits for the wall clock to be seen past the instant, for one look, and anew after a step back', () => {
    const seenAt = (looks: readonly [clock: number, wall: number][]): string[] =>
      history(
        (seen, a) => {
          for (const [clock, wall] of looks) {
            a.clock = clock
            a.wallAhead = wall - clock
            seen.event()
          }
        },
        plan('wall', 1_000_000),
      )
    expect(
      seenAt([
        [0, 1_000_000],
        [30_000, 1_030_000],
      ]),
    ).toEqual([])
    expect(
      seenAt([
        [0, 1_000_000],
        [30_100, 1_030_100],
      ]),
    ).toHaveLength(1)
    expect(
      seenAt([
        [0, 1_000_000],
        [20_000, 900_000],
        [30_100, 1_000_000],
      ]),
    ).toEqual([])
  })
})
