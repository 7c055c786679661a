/** Goal: a wait that is over leaves nothing behind (B.11). Method: count listeners and timers after each way in which one ends. */
import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { ElectionError } from '../../src/errors'
import { Waits } from '../../src/runtime/waits'
import { within } from '../../src/runtime/within'
import { settle, TestClock, World } from './harness'

function bench() {
  const world = new World()
  const clock = new TestClock(world)
  const waits = new Waits(clock)
  const { signal } = new AbortController()
  let found: number | undefined
  const wait = (): Promise<number | string> =>
    waits
      .add({
        check: () => found,
        timeoutMs: 100,
        onTimeout: () => new ElectionError('ELECTION_TIMEOUT', 'too late'),
        signal,
      })
      .catch((error: ElectionError) => error.code)
  const look = (value: number): void => {
    found = value
    waits.look()
  }
  return { world, clock, waits, signal, wait, look }
}

describe('Waits', () => {
  it.each([
    ['found', (lab: ReturnType<typeof bench>) => lab.look(7), 7],
    ['ended', ({ waits }) => waits.end(new ElectionError('ELECTION_STOPPED', 'over')), 'ELECTION_STOPPED'],
    ['too late', ({ world }) => void world.run(100), 'ELECTION_TIMEOUT'],
  ] as [string, (lab: ReturnType<typeof bench>) => void, unknown][])(
    'one that is %s leaves no listener and no timer',
    async (_how, end, expected) => {
      const lab = bench()
      const outcome = lab.wait()
      expect(getEventListeners(lab.signal, 'abort')).toHaveLength(1)
      expect(lab.clock.timersPending).toBe(1)
      lab.waits.look()
      end(lab)
      expect(await outcome).toBe(expected)
      expect(getEventListeners(lab.signal, 'abort')).toHaveLength(0)
      expect(lab.clock.timersPending).toBe(0)
    },
  )

  it('what is there at once needs neither', async () => {
    const lab = bench()
    lab.look(3)
    expect(await lab.wait()).toBe(3)
    expect(lab.clock.timersSet).toBe(0)
  })
})

describe('within', () => {
  it('says whether it was in time, whichever way it ended, and leaves no timer', async () => {
    const world = new World()
    const clock = new TestClock(world)
    expect(await within(clock, 100, Promise.resolve())).toBe(true)
    expect(await within(clock, 100, Promise.reject(new Error('no')))).toBe(true)
    let inTime: boolean | null = null
    void within(clock, 100, new Promise(() => {})).then((answer) => {
      inTime = answer
    })
    await world.run(99)
    expect(inTime).toBeNull()
    await world.run(1)
    await settle()
    expect(inTime).toBe(false)
    expect(clock.timersPending).toBe(0)
  })
})
