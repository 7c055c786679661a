/** Goal: virtual time stops at every event, in order. Method: small schedules by hand, large ones against a sorted list. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EventId, Scheduler } from '../../src/simulation/scheduler'

describe('the scheduler', () => {
  it('runs events in the order of their instants, ties in the order of their making', () => {
    const scheduler = new Scheduler()
    const seen: string[] = []
    for (const [at, name] of [
      [5, 'c'],
      [1, 'a'],
      [5, 'd'],
      [2, 'b'],
    ] as const) {
      scheduler.at(at, (text: string) => seen.push(`${text}@${scheduler.now}`), name)
    }
    scheduler.runUntil(10)
    expect(seen).toEqual(['a@1', 'b@2', 'c@5', 'd@5'])
    expect(scheduler.now).toBe(10)
  })

  it('stops at the deadlines of events that events make, instead of jumping over them', () => {
    const scheduler = new Scheduler()
    const ticks: number[] = []
    const tick = (): void => {
      ticks.push(scheduler.now)
      if (ticks.length < 4) scheduler.after(10, tick, undefined)
    }
    scheduler.after(10, tick, undefined)
    scheduler.runUntil(35)
    expect(ticks).toEqual([10, 20, 30])
  })

  it('runs what is planned for the past at once, and never inside the call', () => {
    const scheduler = new Scheduler()
    scheduler.runUntil(100)
    const seen: number[] = []
    scheduler.at(3, () => seen.push(scheduler.now), undefined)
    expect(seen).toEqual([])
    scheduler.runUntil(100)
    expect(seen).toEqual([100])
  })

  it('an event that was cancelled never runs, and a name is never used twice', () => {
    const scheduler = new Scheduler()
    const seen: string[] = []
    const first = scheduler.at(1, (text: string) => seen.push(text), 'first')
    expect(scheduler.cancel(first)).toBe(true)
    expect(scheduler.cancel(first)).toBe(false)
    const second = scheduler.at(1, (text: string) => seen.push(text), 'second')
    expect(second).not.toBe(first)
    expect(scheduler.cancel(first)).toBe(false)
    scheduler.runUntil(2)
    expect(seen).toEqual(['second'])
    expect(scheduler.cancel(second)).toBe(false)
    expect(scheduler.cancel(-1)).toBe(false)
  })

  it('agrees with a sorted list, whatever is planned and cancelled', () => {
    const plan = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.boolean()), { maxLength: 300 })
    fc.assert(
      fc.property(plan, (entries) => {
        const scheduler = new Scheduler()
        const seen: number[] = []
        const ids: EventId[] = entries.map(([at], i) => scheduler.at(at, (n: number) => seen.push(n), i))
        for (const [i, [, kept]] of entries.entries()) if (!kept) scheduler.cancel(ids[i] as EventId)
        scheduler.runUntil(60)
        const expected = entries
          .map(([at, kept], i) => ({ at, kept, i }))
          .filter(({ kept }) => kept)
          .sort((a, b) => a.at - b.at || a.i - b.i)
          .map(({ i }) => i)
        expect(seen).toEqual(expected)
        expect(scheduler.waiting).toBe(0)
      }),
    )
  })

  it('says when the next event comes', () => {
    const scheduler = new Scheduler()
    expect(scheduler.nextAt).toBe(Number.POSITIVE_INFINITY)
    expect(scheduler.step()).toBe(false)
    scheduler.at(7, () => {}, undefined)
    expect(scheduler.nextAt).toBe(7)
    expect(scheduler.step()).toBe(true)
    expect(scheduler.events).toBe(1)
  })
})
