/** Goal: missing time is found, and a stepped wall clock is not taken for it (B.3, B.4, BUGS 24). Method: three clocks moved by hand. */
import { describe, expect, it } from 'vitest'
import { SUSPEND_BOUND_MS, TimeWatch } from '../../src/runtime/time-watch'
import { TestClock, World } from './harness'

const HOUR = 3_600_000

function bench() {
  const world = new World()
  const clock = new TestClock(world)
  return { world, clock, watch: new TimeWatch(clock, SUSPEND_BOUND_MS, 1_000) }
}

describe('TimeWatch', () => {
  it('B.3: uptime that ran further than the monotonic clock is missing time, until everybody has dealt with it', () => {
    const { clock, watch } = bench()
    clock.suspend(5_000)
    expect(watch.suspects(clock.now())).toBe(true)
    expect(watch.isMissing()).toBe(true)
    expect(watch.isMissing()).toBe(true)
    watch.rebase()
    expect(watch.isMissing()).toBe(false)
    expect(watch.suspects(clock.now())).toBe(false)
  })

  it.each([HOUR, -HOUR])(
    'B.4, bug 24: a wall clock stepped by %d ms is suspected once and acquitted',
    (step) => {
      const { clock, watch } = bench()
      clock.wallAheadMs += step
      expect(watch.suspects(clock.now())).toBe(true)
      expect(watch.isMissing()).toBe(false)
      expect(watch.suspects(clock.now())).toBe(false)
    },
  )

  it('a suspend is found even if the wall clock was set back by as much', () => {
    const { clock, watch } = bench()
    clock.suspend(5_000)
    clock.wallAheadMs -= 5_000
    expect(watch.isMissing()).toBe(true)
  })

  it('short gaps add up within one window', () => {
    const { world, clock, watch } = bench()
    for (let i = 0; i < 2; i++) {
      clock.suspend(SUSPEND_BOUND_MS * 0.7)
      world.stall(100)
      expect(watch.isMissing()).toBe(i === 1)
    }
  })

  it('a drift of uptime that is slower than the bound per window is not missing time', () => {
    const { world, clock, watch } = bench()
    for (let i = 0; i < 100; i++) {
      world.stall(1_000)
      clock.suspend(SUSPEND_BOUND_MS * 0.5)
      expect(watch.isMissing()).toBe(false)
    }
  })

  it('a thread that is descheduled between the readings hides no suspend', () => {
    const { world, clock, watch } = bench()
    clock.suspend(SUSPEND_BOUND_MS * 1.5)
    const { uptime } = TestClock.prototype
    let stalls = 1
    clock.uptime = function () {
      const reading = uptime.call(this)
      if (stalls-- > 0) world.stall(SUSPEND_BOUND_MS)
      return reading
    }
    expect(watch.isMissing()).toBe(true)
  })

  it('a thread that is descheduled between the readings is no suspend', () => {
    const { world, clock, watch } = bench()
    const { uptime } = TestClock.prototype
    let stalls = 1
    clock.uptime = function () {
      if (stalls-- > 0) world.stall(500)
      return uptime.call(this)
    }
    expect(watch.isMissing()).toBe(false)
  })
})
