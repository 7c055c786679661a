/**
 * Goal: the comparison and the folding of old marks, without anything around them. Method: tables, and a random run of
 * everything against the one property that counts (P5).
 */

import { claimOf, type FenceMark } from 'conclave/fencing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isElectionError } from '../../src/errors'
import { type MarkEntry, Marks } from '../../src/fencing/marks'

const mark = (token: number, holder = 'a', election: string | null = null): FenceMark => ({
  token,
  holder,
  election,
})

/** `null` if it was accepted, else what the refusal says was seen. */
function judged(marks: Marks, resource: string, claim: FenceMark): unknown {
  try {
    marks.accept(resource, claim)
    return null
  } catch (error) {
    if (!isElectionError(error)) throw error
    return error.code === 'ELECTION_STALE_TOKEN'
      ? [error.details['seenToken'], error.details['seenHolder']]
      : error.code
  }
}

describe('marks', () => {
  it('R42: return what changed, and nothing for a claim that is known', () => {
    const marks = new Marks(10)
    expect(marks.accept('r', mark(7))).toEqual([['mark', 'r', 7, 'a', null]])
    expect(marks.accept('r', mark(7))).toEqual([])
    expect(marks.accept('r', mark(7, 'a', 'x'))).toEqual([['mark', 'r', 7, 'a', 'x']])
    expect(marks.accept('r', mark(7))).toEqual([])
    expect(marks.accept('r', mark(8, 'b'))).toEqual([['mark', 'r', 8, 'b', 'x']])
  })

  it('P5: a forgotten resource refuses what it refused before', () => {
    const marks = new Marks(10)
    marks.accept('r', mark(7, 'a', 'x'))
    expect(marks.fold('r')).toEqual([
      ['floor', 7, 'a', 'x'],
      ['drop', 'r'],
    ])
    expect(marks.get('r')).toBeNull()
    expect(judged(marks, 'r', mark(6, 'a', 'x'))).toEqual([7, 'a'])
    expect(judged(marks, 'r', mark(7, 'b', 'x'))).toEqual([7, 'a'])
    expect(judged(marks, 'r', mark(6, 'a'))).toEqual([7, 'a'])
    expect(judged(marks, 'r', mark(7, 'a', 'x'))).toBeNull()
  })

  it('R41: the floor of one election does not touch the claims of another that names itself', () => {
    const marks = new Marks(10)
    marks.accept('r', mark(700, 'a', 'x'))
    marks.fold('r')
    expect(judged(marks, 'other', mark(3, 'b', 'y'))).toBeNull()
    expect(judged(marks, 'r', mark(3, 'b', 'y'))).toBeNull()
  })

  it('P5: what was folded without a name holds for every name', () => {
    const marks = new Marks(10)
    marks.accept('r', mark(7))
    marks.fold('r')
    expect(judged(marks, 'r', mark(6, 'a', 'x'))).toEqual([7, 'a'])
    expect(judged(marks, 'r', mark(8, 'a', 'x'))).toBeNull()
  })

  it('P5: one token of two holders in the floor is nobody´s any more', () => {
    const marks = new Marks(10)
    marks.accept('r', mark(7, 'a', 'x'))
    marks.accept('s', mark(7, 'b', 'x'))
    marks.fold('r')
    marks.fold('s')
    expect(judged(marks, 'r', mark(7, 'b', 'x'))).toEqual([7, null])
    expect(judged(marks, 'r', mark(7, 'a', 'x'))).toEqual([7, null])
    expect(judged(marks, 'r', mark(8, 'b', 'x'))).toBeNull()
  })

  it('a floor judges only resources without a mark', () => {
    const marks = new Marks(10)
    marks.accept('r', mark(9, 'a', 'x'))
    marks.accept('s', mark(5, 'a', 'x'))
    marks.fold('r')
    expect(judged(marks, 's', mark(6, 'a', 'x'))).toBeNull()
  })

  it('never hold more than maxResources; the oldest change is folded first', () => {
    const marks = new Marks(3)
    for (const [index, resource] of ['a', 'b', 'c'].entries())
      marks.accept(resource, mark(index + 1, 'h', 'x'))
    marks.accept('a', mark(4, 'h', 'x'))
    expect(marks.accept('d', mark(5, 'h', 'x'))).toEqual([
      ['mark', 'd', 5, 'h', 'x'],
      ['floor', 2, 'h', 'x'],
      ['drop', 'b'],
    ])
    expect([marks.resources, marks.floors]).toEqual([3, 1])
    for (let index = 0; index < 1_000; index += 1) marks.accept(`r${index}`, mark(index + 6, 'h', 'x'))
    expect([marks.resources, marks.floors]).toEqual([3, 1])
  })

  it('P5: a leader whose token is the newest of its election is never refused, whatever was folded', () => {
    const steps = fc.array(fc.record({ resource: fc.nat(6), election: fc.nat(1), jump: fc.nat(2) }))
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), (run, maxResources) => {
        const marks = new Marks(maxResources)
        const tokens = [1, 1_000]
        for (const { resource, election, jump } of run) {
          tokens[election]! += jump
          const claim = mark(tokens[election]!, `h${tokens[election]}`, `e${election}`)
          expect(judged(marks, `${election}/${resource}`, claim)).toBeNull()
        }
      }),
    )
  })

  it('P5: no run of claims and foldings lets a stale claim of an election through', () => {
    const resources = ['r', 's', '__proto__', 'constructor']
    const step = fc.record({
      fold: fc.boolean(),
      resource: fc.constantFrom(...resources),
      token: fc.integer({ min: 1, max: 5 }),
      holder: fc.constantFrom('a', 'b'),
      election: fc.constantFrom('x', null),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (run, maxResources) => {
        const marks = new Marks(maxResources)
        const accepted = new Map<string, FenceMark>()
        const entries: MarkEntry[] = []
        for (const { fold, resource, token, holder, election } of run) {
          if (fold) {
            entries.push(...marks.fold(resource))
            continue
          }
          const seen = accepted.get(resource)
          const stale =
            seen !== undefined && (token < seen.token || (token === seen.token && holder !== seen.holder))
          let refused = false
          try {
            entries.push(...marks.accept(resource, mark(token, holder, election)))
          } catch (error) {
            refused = isElectionError(error, 'ELECTION_STALE_TOKEN')
          }
          if (stale) expect(refused).toBe(true)
          if (!refused) accepted.set(resource, mark(token, holder))
        }
        // The entries, and the snapshot, make the same marks again.
        for (const source of [entries, marks.snapshot()]) {
          const copy = new Marks(maxResources)
          for (const entry of source) copy.apply(entry)
          expect(copy.snapshot()).toEqual(marks.snapshot())
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('claimOf', () => {
  it('R44, E9: shows at most 60 escaped characters of what it refuses', () => {
    const message = (source: unknown): string => {
      try {
        claimOf(source as FenceMark)
      } catch (error) {
        if (isElectionError(error, 'ELECTION_MESSAGE_INVALID')) return error.message
      }
      return 'accepted'
    }
    expect(message({ token: '\n\u001b[31m'.repeat(99), holder: 'a' })).toMatch(
      /^not a fencing token: "\\n\\u001b\[31m[^\n]{0,200}$/,
    )
    expect(message({ token: { toString: () => 'never asked' }, holder: 'a' })).toBe(
      'not a fencing token: a value of type object',
    )
    expect(message({ token: Object.create(null), holder: 'a' })).toBe(
      'not a fencing token: a value of type object',
    )
    expect(message({ token: Symbol('s'), holder: 'a' })).toBe('not a fencing token: Symbol(s)')
    expect(message({ token: 1n, holder: 'a' })).toBe('not a fencing token: 1')
  })

  it('takes nothing but its own fields, and takes them once', () => {
    const claim = claimOf({ token: 7, holder: 'a', election: 'x', name: 'y', extra: 1 } as FenceMark)
    expect(claim).toEqual({ token: 7, holder: 'a', election: 'x' })
    expect(Object.isFrozen(claim)).toBe(true)
  })
})
