/**
 * Goal: adaptive promises are liveness only: each round counts with the D that it carried, no lease moves back, nobody's
 * promise is shortened (R10, R13, R18). Method: the pure function with generated histories; the core in a lab of three.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { adaptedPromise } from '../../src/core/adaption'
import { leaseLength } from '../../src/core/numbers'
import type { Timing } from '../../src/core/types'
import { Lab } from './lab'

const timing = (change: Partial<Timing> = {}): Timing => ({
  promiseMs: 150,
  heartbeatMs: 18,
  campaignMs: 40,
  stepMs: 5,
  rho: 0.1,
  deltaMs: 2,
  backoffMs: 10,
  backoffMaxMs: 75,
  minPromiseMs: 30,
  maxPromiseMs: 750,
  adaptiveMaxMs: 450,
  ...change,
})

describe('the length of a promise', () => {
  it('is fixed unless it may adapt', () => {
    const { adaptiveMaxMs: _, ...fixed } = timing()
    expect(adaptedPromise(150, 10_000, 18, fixed)).toBe(150)
  })

  it('grows at once when a renewal took long, up to its bound, and shrinks by 5 ms per second of quiet', () => {
    const grown = adaptedPromise(150, 100, 18, timing())
    expect(leaseLength(grown, 0.1, 0)).toBeCloseTo(200)
    expect(adaptedPromise(grown, 5_000, 18, timing())).toBe(450)
    expect(adaptedPromise(450, 20, 1_000, timing())).toBeCloseTo(445)
    expect(adaptedPromise(450, 0, 1e9, timing())).toBe(150)
    expect(adaptedPromise(150, 0, Number.POSITIVE_INFINITY, timing()), 'the first round').toBe(150)
  })

  it('R18, R13: whatever is measured, D stays within its bounds and the lease of the own rounds never moves back', () => {
    const late = fc.record({
      spanMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1_000 })),
      elapsedMs: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 60_000 })),
    })
    fc.assert(
      fc.property(fc.array(late, { maxLength: 50 }), fc.constantFrom(0, 0.1, 0.3, 0.5), (history, rho) => {
        const bounds = timing({ rho })
        let [now, promiseMs, until] = [0, 150, Number.NEGATIVE_INFINITY]
        for (const { spanMs, elapsedMs } of history) {
          now += elapsedMs
          promiseMs = adaptedPromise(promiseMs, spanMs, elapsedMs, bounds)
          const next = now + leaseLength(promiseMs, rho, bounds.deltaMs)
          if (promiseMs < 150 || promiseMs > 450 || next < until - 1e-6) return false
          until = next
        }
        return true
      }),
    )
  })
})

describe('R10, R18: a round counts with the D that it asked for', () => {
  it('a heartbeat and the table of rounds name one D; an ack of a round before it grew counts with the former', () => {
    const lab = new Lab(['a', 'b', 'c'], { timing: { adaptiveMaxMs: 3_000 } })
    const leader = lab.settle()
    const [one, other] = lab.ids.filter((id) => id !== leader) as [string, string]
    const { state } = lab.node(leader)
    const lease = () => [...state.leases.values()][0]?.until ?? 0
    lab.act(leader, { type: 'heartbeatNow' })
    const firstAt = lab.clock(leader)
    lab.deliver(({ to }) => to !== leader)
    const late = lab.hold(({ to }) => to === leader)
    lab.pass(700)
    for (const frame of late) if (frame.from === one) lab.hand(frame)
    lab.act(leader, { type: 'heartbeatNow' })
    const secondAt = lab.clock(leader)
    expect(state.promiseMs).toBe(2 * (700 + 100))
    const asked = lab.wire.flatMap(({ parts }) => parts).filter(({ kind }) => kind === 'heartbeat')
    expect(asked.length).toBeGreaterThanOrEqual(2)
    for (const part of asked) {
      if (part.kind === 'heartbeat') expect(part.promiseMs).toBe(state.rounds.get(part.round)?.promiseMs)
    }
    const newer = lab.hold(({ from }) => from === leader)
    for (const frame of late) if (frame.from === other) lab.hand(frame)
    expect(lease(), 'both answered the first round only').toBe(firstAt + 1_000)
    for (const frame of newer) lab.hand(frame)
    lab.deliver()
    expect(lease()).toBe(secondAt + 1_600)
    for (const id of [one, other]) {
      expect(lab.node(id).state.supports.get(leader)?.until).toBeGreaterThanOrEqual(lease())
    }
  })
})
