/** Goal: the machine's clock keeps the contract of the port (B.5, B.6, R36, R70). Method: the real one, without waiting for more than a few ms. */
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/runtime/system-clock'

describe('systemClock', () => {
  it('never goes back, and counts from the origin of process.hrtime', () => {
    const clock = systemClock()
    let last = clock.now()
    let steps = 0
    for (let i = 0; i < 100_000; i++) {
      const now = clock.now()
      if (now < last) steps += 1
      last = now
    }
    expect(steps).toBe(0)
    expect(Math.abs(clock.now() - Number(process.hrtime.bigint()) / 1e6)).toBeLessThan(50)
  })

  it('B.5: a reading of another thread can be compared with one of this thread', async () => {
    const clock = systemClock()
    const before = clock.now()
    const there = await new Promise<number>((resolve, reject) => {
      const code =
        "require('node:worker_threads').parentPort.postMessage(Number(process.hrtime.bigint()) / 1e6)"
      const worker = new Worker(code, { eval: true })
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    expect(there).toBeGreaterThan(before - 0.1)
    expect(there).toBeLessThan(clock.now() + 0.1)
  })

  it('wall clock and uptime are in milliseconds', () => {
    const clock = systemClock()
    expect(Math.abs(clock.wall() - Date.now())).toBeLessThan(1_000)
    const [uptime, now] = [clock.uptime(), clock.now()]
    expect(clock.uptime()).toBeGreaterThanOrEqual(uptime)
    expect(uptime).toBeGreaterThan(now - 1_000)
  })

  it('B.6: a timer does not fire before its instant, and a cleared one not at all', async () => {
    const clock = systemClock()
    const cleared = clock.setTimer(clock.now() + 2, () => expect.fail('was cleared'))
    clock.clearTimer(cleared)
    for (const wait of [0, 0.4, 3, 7.3]) {
      const at = clock.now() + wait
      const firedAt = await new Promise<number>((resolve) => clock.setTimer(at, () => resolve(clock.now())))
      expect(firedAt).toBeGreaterThanOrEqual(at - 1)
    }
  })

  it('R36, R70: the end of the turn comes before any other callback, reading the sockets before a later timer', async () => {
    const clock = systemClock()
    const order: string[] = []
    await new Promise<void>((resolve) => {
      clock.setTimer(clock.now(), () => {
        clock.setTimer(clock.now() + 20, () => {
          order.push('timer')
          resolve()
        })
        clock.afterIo(() => order.push('after io'))
        clock.endOfTurn(() => order.push('end of turn'))
        order.push('turn')
      })
    })
    expect(order).toEqual(['turn', 'end of turn', 'after io', 'timer'])
  })

  it('unref: a timer does not keep the process alive', () => {
    const refed = systemClock().setTimer(0, () => {}) as NodeJS.Timeout
    const unrefed = systemClock({ unref: true }).setTimer(0, () => {}) as NodeJS.Timeout
    expect([refed.hasRef(), unrefed.hasRef()]).toEqual([true, false])
  })
})
