/**
 * Goal: a node's own time behaves as the worst real machine does (A2, B.2, B.3, B.4, B.6). Method: one machine by hand.
 */
import { describe, expect, it } from 'vitest'
import { EventLoop } from '../../src/simulation/event-loop'
import { Oscillator } from '../../src/simulation/oscillator'
import { Random } from '../../src/simulation/random'
import { Scheduler } from '../../src/simulation/scheduler'
import { SimClock, type TimerAccuracy } from '../../src/simulation/sim-clock'

function machine(accuracy?: TimerAccuracy) {
  const scheduler = new Scheduler()
  const oscillator = new Oscillator(scheduler)
  const loop = new EventLoop(scheduler)
  const random = new Random(1)
  const clock = new SimClock({ scheduler, oscillator, loop, random, ...(accuracy && { accuracy }) })
  return { scheduler, oscillator, loop, clock, start: clock.now() }
}

describe('a monotonic clock', () => {
  it('A2: runs at its rate, also after the rate has changed', () => {
    const { scheduler, oscillator, clock, start } = machine()
    oscillator.setRate(1.1)
    scheduler.runUntil(100)
    expect(clock.now() - start).toBeCloseTo(110)
    oscillator.setRate(0.9)
    scheduler.runUntil(200)
    expect(clock.now() - start).toBeCloseTo(200)
  })

  it('B.3: stops in a suspend, while uptime and wall clock go on', () => {
    const { scheduler, oscillator, clock, start } = machine()
    const [uptime, wall] = [clock.uptime(), clock.wall()]
    scheduler.runUntil(100)
    oscillator.freeze('suspend')
    scheduler.runUntil(400)
    expect(clock.now() - start).toBe(100)
    expect(clock.uptime() - uptime).toBe(400)
    oscillator.thaw()
    scheduler.runUntil(500)
    expect([clock.now() - start, clock.uptime() - uptime, clock.wall() - wall]).toEqual([200, 500, 500])
  })

  it('B.3: a pause by the hypervisor shows in none of the three', () => {
    const { scheduler, oscillator, clock, start } = machine()
    const [uptime, wall] = [clock.uptime(), clock.wall()]
    oscillator.freeze('vmPause')
    scheduler.runUntil(300)
    oscillator.thaw()
    scheduler.runUntil(400)
    expect([clock.now() - start, clock.uptime() - uptime, clock.wall() - wall]).toEqual([100, 100, 100])
  })

  it('B.4: a step of the wall clock moves nothing else', () => {
    const { oscillator, clock, start } = machine()
    const wall = clock.wall()
    oscillator.stepWall(-3_600_000)
    expect(clock.wall() - wall).toBe(-3_600_000)
    expect(clock.now()).toBe(start)
  })

  it('reads from another origin in each life', () => {
    const { scheduler, oscillator, loop, clock } = machine()
    const next = new SimClock({ scheduler, oscillator, loop, random: new Random(2) })
    expect(next.now()).not.toBe(clock.now())
  })
})

describe('timers', () => {
  it('fire when the own clock reads their instant, at whatever rate it runs', () => {
    const { scheduler, oscillator, clock, start } = machine()
    const fired: number[] = []
    clock.setTimer(start + 100, () => fired.push(scheduler.now))
    scheduler.runUntil(50)
    oscillator.setRate(2)
    scheduler.runUntil(200)
    expect(fired).toHaveLength(1)
    expect(fired[0]).toBeCloseTo(75, 3)
  })

  it('wait while the machine stands still', () => {
    const { scheduler, oscillator, clock, start } = machine()
    const fired: number[] = []
    clock.setTimer(start + 100, () => fired.push(scheduler.now))
    oscillator.freeze('suspend')
    scheduler.runUntil(500)
    oscillator.thaw()
    scheduler.runUntil(1000)
    expect(fired[0]).toBeCloseTo(600, 3)
  })

  it('B.6: may fire up to a millisecond early, and late by any amount', () => {
    const early = machine({ early: 1, lateMs: 0 })
    const late = machine({ early: 0, lateMs: 20 })
    const misses: number[] = []
    for (const { scheduler, clock, start } of [early, late]) {
      for (let i = 1; i <= 200; i++)
        clock.setTimer(start + 10 * i, () => misses.push(clock.now() - start - 10 * i))
      scheduler.runUntil(5000)
    }
    const [earlies, lates] = [misses.filter((miss) => miss < 0), misses.filter((miss) => miss > 0)]
    expect(earlies).toHaveLength(200)
    expect(Math.min(...earlies)).toBeGreaterThan(-1)
    expect(Math.max(...lates)).toBeGreaterThan(10)
  })

  it('never fire once they were cleared, or when their process is gone', () => {
    const { scheduler, clock, start } = machine()
    const fired: string[] = []
    clock.clearTimer(clock.setTimer(start + 1, () => fired.push('cleared')))
    clock.setTimer(start + 2, () => fired.push('dead'))
    clock.end()
    scheduler.runUntil(10)
    expect(fired).toEqual([])
  })

  it('do not fire after a stall in which they became due, if they were cleared first', () => {
    const { scheduler, loop, clock, start } = machine()
    const fired: string[] = []
    const second = clock.setTimer(start + 20, () => fired.push('second'))
    clock.setTimer(start + 10, () => clock.clearTimer(second))
    loop.stall()
    scheduler.runUntil(50)
    loop.resume('timersFirst')
    expect(fired).toEqual([])
  })

  it('a timer that is set for now again and again does not stop the world', () => {
    const { scheduler, clock } = machine({ early: 0.5, lateMs: 0 })
    let fired = 0
    const again = (): void => {
      fired += 1
      clock.setTimer(clock.now(), again)
    }
    again()
    scheduler.runUntil(10)
    expect(scheduler.now).toBe(10)
    expect(fired).toBeGreaterThan(10)
  })
})

describe('a stalled event loop', () => {
  /** A timer due at 10, a frame at 20, both while the loop stands from 5 to 50. */
  function woken(order: 'timersFirst' | 'ioFirst'): string[] {
    const { scheduler, loop, clock, start } = machine()
    const seen: string[] = []
    clock.setTimer(start + 10, () => {
      seen.push('timer')
      clock.afterIo(() => seen.push('after I/O'))
      clock.endOfTurn(() => seen.push('end of turn'))
    })
    scheduler.at(20, () => loop.input(() => seen.push('frame'), undefined), undefined)
    scheduler.at(5, () => loop.stall(), undefined)
    scheduler.at(50, () => loop.resume(order), undefined)
    scheduler.runUntil(49)
    expect(seen).toEqual([])
    scheduler.runUntil(60)
    return seen
  }

  it('B.2: runs its timers before the input that waits, and R36: afterIo behind both', () => {
    expect(woken('timersFirst')).toEqual(['timer', 'end of turn', 'frame', 'after I/O'])
  })

  it('B.2: or the input before its timers', () => {
    expect(woken('ioFirst')).toEqual(['frame', 'timer', 'end of turn', 'after I/O'])
  })

  it('R36: afterIo runs behind the frames that have arrived at the same instant', () => {
    const { scheduler, loop, clock } = machine()
    const seen: string[] = []
    scheduler.at(1, () => loop.timer(() => clock.afterIo(() => seen.push('after I/O')), undefined), undefined)
    scheduler.at(1, () => loop.input(() => seen.push('frame'), undefined), undefined)
    scheduler.runUntil(2)
    expect(seen).toEqual(['frame', 'after I/O'])
  })

  it('keeps what is left when a callback stalls it again', () => {
    const { scheduler, loop } = machine()
    const seen: string[] = []
    loop.stall()
    loop.input(() => {
      seen.push('first')
      loop.stall()
    }, undefined)
    loop.input(() => seen.push('second'), undefined)
    loop.resume('ioFirst')
    expect(seen).toEqual(['first'])
    scheduler.runUntil(5)
    loop.resume('timersFirst')
    expect(seen).toEqual(['first', 'second'])
  })

  it('runs nothing of a dead process', () => {
    const { loop } = machine()
    const seen: string[] = []
    loop.stall()
    loop.input(() => seen.push('frame'), undefined)
    loop.end()
    loop.resume('ioFirst')
    loop.input(() => seen.push('late'), undefined)
    expect(seen).toEqual([])
  })
})
