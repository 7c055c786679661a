/** Goal: a timer is a hint (B.1, B.6, B.7). Method: a clock whose timers fire early, late, or count what is asked of them. */
import { describe, expect, it } from 'vitest'
import { Deadline, MAX_TIMER_MS } from '../../src/runtime/deadline'
import { TestClock, World } from './harness'

function bench() {
  const world = new World()
  const clock = new TestClock(world)
  const calls: { readonly at: number; readonly lateMs: number }[] = []
  const deadline = new Deadline(clock, (lateMs) => calls.push({ at: world.now, lateMs }))
  return { world, clock, calls, deadline }
}

describe('Deadline', () => {
  it('B.6: a timer that fires early is set again, so the call never comes before the instant', async () => {
    const { world, clock, calls, deadline } = bench()
    clock.earlyMs = 0.9
    deadline.arm(world.now + 10)
    await world.run(10)
    expect(calls).toEqual([{ at: 1_010, lateMs: 0 }])
    expect(clock.timersSet).toBeGreaterThan(1)
  })

  it('B.1: a call after a stall says how late it is', async () => {
    const { world, calls, deadline } = bench()
    deadline.arm(world.now + 10)
    world.stall(250)
    await world.run()
    expect(calls).toEqual([{ at: 1_250, lateMs: 240 }])
  })

  it('B.7: a far instant is waited for in pieces that setTimeout understands', async () => {
    const { world, clock, calls, deadline } = bench()
    const asked: number[] = []
    const { setTimer } = TestClock.prototype
    clock.setTimer = function (atMs, callback) {
      asked.push(atMs - world.now)
      return setTimer.call(this, atMs, callback)
    }
    deadline.arm(world.now + 3 * MAX_TIMER_MS)
    await world.run(3 * MAX_TIMER_MS)
    expect(Math.max(...asked)).toBeLessThanOrEqual(MAX_TIMER_MS)
    expect(calls).toHaveLength(1)
  })

  it('moving it to later sets no timer, moving it to earlier does, and it calls once', async () => {
    const { world, clock, calls, deadline } = bench()
    deadline.arm(world.now + 100)
    for (let i = 0; i < 50; i++) deadline.arm(world.now + 100 + i)
    expect(clock.timersSet).toBe(1)
    deadline.arm(world.now + 5)
    await world.run(500)
    expect(calls).toEqual([{ at: 1_005, lateMs: 0 }])
    expect(clock.timersPending).toBe(0)
  })

  it('cleared, or armed for never, it does not call and leaves no timer', async () => {
    const { world, clock, calls, deadline } = bench()
    deadline.arm(world.now + 5)
    deadline.clear()
    deadline.arm(world.now + 5)
    deadline.arm(Number.POSITIVE_INFINITY)
    await world.run(50)
    expect(calls).toEqual([])
    expect(clock.timersPending).toBe(0)
  })
})
