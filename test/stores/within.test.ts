/**
 * Goal: a call has an outcome in time, whatever its driver does. Method: drivers that do each thing that drivers do.
 */
import { describe, expect, it } from 'vitest'
import { inTime } from '../../src/fencing/in-time'
import { Budget } from '../../src/stores/within'
import { rejectionsDuring } from './support'

const never = () => new Promise<never>(() => {})

describe('a call with a time-out', () => {
  it('passes the answer on', async () => {
    expect(await new Budget('s', 1_000).run(async () => 7)).toEqual({ kind: 'done', value: 7 })
  })

  it('turns a rejection, a throw and a rejection with nothing into an error', async () => {
    const budget = new Budget('s', 1_000)
    const cause = new Error('no')
    expect(await budget.run(() => Promise.reject(cause))).toEqual({ kind: 'error', error: cause })
    const thrown = await budget.run(() => {
      throw cause
    })
    expect(thrown).toEqual({ kind: 'error', error: cause })
    expect(await budget.run(() => Promise.reject())).toMatchObject({
      kind: 'error',
      error: { message: 'undefined' },
    })
  })

  it('is late after its time, with a typed error that names the store and the limit', async () => {
    const outcome = await new Budget('postgres', 20).run(never)
    expect(outcome).toMatchObject({
      kind: 'late',
      error: { code: 'ELECTION_TIMEOUT', details: { store: 'postgres', timeoutMs: 20 } },
    })
  })

  it('spends one time on all its steps', async () => {
    const budget = new Budget('s', 60)
    const startedAt = performance.now()
    await budget.run(never)
    expect((await budget.run(never)).kind).toBe('late')
    expect(performance.now() - startedAt).toBeLessThan(110)
    expect(budget.leftMs).toBe(0)
  })

  it('gives back what came too late, and ignores an error that came too late', async () => {
    let answer: (value: string) => void = () => {}
    let fail: (error: Error) => void = () => {}
    const givenBack: string[] = []
    const budget = new Budget('s', 10)
    const calls = [
      budget.run(
        () =>
          new Promise<string>((resolve) => {
            answer = resolve
          }),
        (late) => givenBack.push(late),
      ),
      budget.run(
        () =>
          new Promise<string>((_, reject) => {
            fail = reject
          }),
      ),
    ]
    expect((await Promise.all(calls)).map(({ kind }) => kind)).toEqual(['late', 'late'])
    answer('a connection')
    fail(new Error('nobody asks any more'))
    await new Promise(setImmediate)
    expect(givenBack).toEqual(['a connection'])
  })

  it('what cannot be given back is nobody’s: it ends no process', async () => {
    const broken = () => {
      throw new Error('released twice')
    }
    const late = () => new Promise((resolve) => setTimeout(resolve, 20))
    const rejections = await rejectionsDuring(async () => {
      expect((await new Budget('s', 5).run(late, broken)).kind).toBe('late')
      await expect(inTime(late(), 5, 'a fence', broken)).rejects.toMatchObject({ code: 'ELECTION_TIMEOUT' })
      await late()
    })
    expect(rejections).toEqual([])
  })

  it('B.2, R36: after a stall of the loop, an answer that is already here counts', async () => {
    const budget = new Budget('s', 20)
    // Like an answer in a socket: there since before the time was up, but read after the timers have run.
    const outcome = budget.run(
      () => new Promise((resolve) => setTimeout(() => setImmediate(resolve, 'here'), 5)),
    )
    const until = performance.now() + 60
    while (performance.now() < until) {
      // The loop stalls.
    }
    expect(await outcome).toEqual({ kind: 'done', value: 'here' })
  })
})
