/**
 * Goal: the order of things inside one process: turns, floors, and interleavings of everything that is asynchronous.
 * Method: fast-check's scheduler decides when each disk write and each guarded work goes on; a model of the atomic
 * maximum says what may happen.
 */

import { memoryFence } from 'conclave/fencing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ElectionError, isElectionError } from '../../src/errors'
import { type Keeper, LocalFence } from '../../src/fencing/local-fence'
import { Marks } from '../../src/fencing/marks'
import { checkOptions } from '../../src/fencing/options'
import { outcome } from './helpers'

const claimArbitrary = fc.record({
  resource: fc.constantFrom('r', 's'),
  token: fc.integer({ min: 1, max: 5 }),
  holder: fc.constantFrom('a', 'b'),
})

describe('sequences', () => {
  it('P5: a fence does exactly what an atomic maximum does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(claimArbitrary, { maxLength: 40 }), async (run) => {
        const fence = memoryFence()
        const model = new Map<string, { token: number; holder: string }>()
        for (const { resource, token, holder } of run) {
          const seen = model.get(resource)
          const good = !seen || token > seen.token || (token === seen.token && holder === seen.holder)
          if (good) model.set(resource, { token, holder })
          const expected = good ? 'accepted' : 'ELECTION_STALE_TOKEN'
          expect(await outcome(fence.check(resource, { token, holder }))).toBe(expected)
          expect(await fence.highest(resource)).toEqual({ ...model.get(resource), election: null })
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('interleavings', () => {
  it('P5, B.19: whatever is slow, guarded work is exclusive, in order, and only refused with a reason', async () => {
    const call = fc.record({ claim: claimArbitrary, diskFails: fc.integer({ max: 9 }).map((n) => n === 0) })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(call, { maxLength: 12 }), async (scheduler, calls) => {
        const failures = calls.map(({ diskFails }) => diskFails)
        const keeper: Keeper = {
          keep: async (entries) => {
            await scheduler.schedule(Promise.resolve(), `keep ${JSON.stringify(entries)}`)
            if (entries.length > 0 && failures.pop())
              throw new ElectionError('ELECTION_STORAGE_FAILED', 'disk')
          },
          settle: () => null,
        }
        const fence = new LocalFence(new Marks(100), keeper, checkOptions({}), 'memory')
        const begun: (typeof claims)[number][] = []
        const done = new Map<string, { token: number; holder: string }[]>()
        const inside = new Set<string>()
        const claims = calls.map(({ claim }) => claim)

        const settled = claims.map(async (claim) => {
          await scheduler.schedule(Promise.resolve(), 'call')
          const { resource, token, holder } = claim
          const before = [...(done.get(resource) ?? [])]
          begun.push(claim)
          try {
            await fence.guard(resource, claim, async () => {
              expect(inside.has(resource)).toBe(false)
              inside.add(resource)
              await scheduler.schedule(Promise.resolve(), 'work')
              inside.delete(resource)
              done.set(resource, [...(done.get(resource) ?? []), { token, holder }])
            })
            for (const earlier of before) expect(token).toBeGreaterThanOrEqual(earlier.token)
          } catch (error) {
            if (isElectionError(error, 'ELECTION_STORAGE_FAILED')) return
            if (!isElectionError(error, 'ELECTION_STALE_TOKEN')) throw error
            const reason = begun.find(
              (other) =>
                other.resource === resource &&
                (other.token > token || (other.token === token && other.holder !== holder)),
            )
            expect(reason).toBeDefined()
          }
        })
        await scheduler.waitFor(Promise.all(settled))

        for (const writes of done.values()) {
          for (const [index, { token, holder }] of writes.entries()) {
            const former = writes[index - 1]
            if (former === undefined) continue
            expect(token).toBeGreaterThanOrEqual(former.token)
            if (token === former.token) expect(holder).toBe(former.holder)
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('turns', () => {
  it('a call that waits longer than waitMs is refused, and the work that keeps it waiting goes on', async () => {
    const fence = memoryFence({ waitMs: 20 })
    let finish = (): void => undefined
    const hung = fence.guard('r', { token: 7, holder: 'a' }, () => new Promise<void>((r) => (finish = r)))
    expect(await outcome(fence.check('r', { token: 8, holder: 'b' }))).toBe('ELECTION_TIMEOUT')
    expect(await outcome(fence.check('s', { token: 8, holder: 'b' }))).toBe('accepted')
    finish()
    await hung
    expect(await fence.highest('r')).toMatchObject({ token: 7 })
    expect(await outcome(fence.check('r', { token: 8, holder: 'b' }))).toBe('accepted')
  })

  it('a guard inside a guard of the same resource times out instead of hanging for ever', async () => {
    const fence = memoryFence({ waitMs: 20 })
    const claim = { token: 7, holder: 'a' }
    const nested = fence.guard('r', claim, () => outcome(fence.guard('r', claim, () => undefined)))
    expect(await nested).toBe('ELECTION_TIMEOUT')
    expect(await outcome(fence.check('r', claim))).toBe('accepted')
  })

  it('calls for one resource run in the order of the calls', async () => {
    const fence = memoryFence()
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        fence.guard('r', { token: n + 1, holder: 'a' }, async () => {
          await new Promise((resolve) => setImmediate(resolve))
          order.push(n)
        }),
      ),
    )
    expect(order).toEqual(Array.from({ length: 50 }, (_, n) => n))
  })

  it('nothing is remembered of resources whose claims were refused', async () => {
    const fence = memoryFence({ floor: async () => 5 })
    for (let n = 0; n < 100; n += 1) {
      expect(await outcome(fence.check(`r${n}`, { token: 4, holder: 'a' }))).toBe('ELECTION_STALE_TOKEN')
    }
    expect(fence.stats()).toEqual({ resources: 0, floors: 0 })
  })
})

describe('forget', () => {
  it('P5: drops the mark, waits for guarded work, and lets nothing stale in', async () => {
    const fence = memoryFence()
    const trace: string[] = []
    const work = fence.guard('r', { token: 7, holder: 'a', election: 'x' }, async () => {
      await new Promise((resolve) => setImmediate(resolve))
      trace.push('written')
    })
    const forgotten = fence.forget('r').then((found) => trace.push(`forgotten ${found}`))
    await Promise.all([work, forgotten])
    expect(trace).toEqual(['written', 'forgotten true'])
    expect(await fence.forget('r')).toBe(false)
    expect(await fence.highest('r')).toBeNull()
    expect(fence.stats()).toEqual({ resources: 0, floors: 1 })
    const late = fence.check('r', { token: 6, holder: 'b', election: 'x' })
    expect(await outcome(late)).toBe('ELECTION_STALE_TOKEN')
  })
})

describe('a learned floor', () => {
  it('R43: the fence is closed until the floor is known, then refuses lower tokens', async () => {
    let answer = (_: number): void => undefined
    let questions = 0
    const fence = memoryFence({
      floor: () => {
        questions += 1
        return new Promise((resolve) => (answer = resolve))
      },
    })
    expect(questions).toBe(0)
    let settled = 0
    const outcomes = [6, 7, 8].map((token) =>
      outcome(fence.check('r', { token, holder: 'a' })).finally(() => (settled += 1)),
    )
    await new Promise((resolve) => setImmediate(resolve))
    expect(settled).toBe(0)
    answer(7)
    expect(await Promise.all(outcomes)).toEqual(['ELECTION_STALE_TOKEN', 'accepted', 'accepted'])
    expect(questions).toBe(1)
    expect(await outcome(fence.check('new', { token: 6, holder: 'a' }))).toBe('ELECTION_STALE_TOKEN')
    expect(questions).toBe(1)
  })

  it('R43: a floor that cannot be read refuses with a typed error and is asked for again', async () => {
    const answers: (() => unknown)[] = [
      () => Promise.reject(new Error('no quorum')),
      () => {
        throw new Error('synchronously')
      },
      ...[-1, 1.5, Number.NaN, '7', null, undefined, 2 ** 53].map((bad) => () => Promise.resolve(bad)),
      () => Promise.resolve(7),
    ]
    const fence = memoryFence({ floor: () => answers.shift()!() as Promise<number> })
    for (let bad = answers.length - 1; bad > 0; bad -= 1) {
      expect(await outcome(fence.check('r', { token: 9, holder: 'a' }))).toBe('ELECTION_TRANSPORT_FAILED')
      expect(answers).toHaveLength(bad)
      expect(fence.stats().resources).toBe(0)
    }
    expect(await outcome(fence.check('r', { token: 6, holder: 'a' }))).toBe('ELECTION_STALE_TOKEN')
    expect(await outcome(fence.check('r', { token: 9, holder: 'a' }))).toBe('accepted')
  })

  it('R43: a floor that does not come refuses in time, and a late answer to an old question is not used', async () => {
    const questions: ((floor: number) => void)[] = []
    const fence = memoryFence({
      floorTimeoutMs: 20,
      floor: () => new Promise((resolve) => questions.push(resolve)),
    })
    expect(await outcome(fence.check('r', { token: 9, holder: 'a' }))).toBe('ELECTION_TIMEOUT')
    const second = outcome(fence.check('r', { token: 9, holder: 'a' }))
    questions[0]!(3)
    questions[1]!(12)
    expect(await second).toBe('ELECTION_STALE_TOKEN')
  })
})

describe('options', () => {
  it('a wrong option is refused at once, by name', () => {
    const wrong: [object, RegExp][] = [
      [{ flor: 1 }, /flor/],
      [{ dir: '/tmp' }, /dir/],
      [{ floor: 7 }, /floor/],
      [{ waitMs: 0 }, /waitMs/],
      [{ waitMs: 2 ** 31 }, /waitMs/],
      [{ floorTimeoutMs: Number.NaN }, /floorTimeoutMs/],
      [{ maxResources: 1.5 }, /maxResources/],
    ]
    for (const [options, message] of wrong) {
      expect(() => memoryFence(options)).toThrow(message)
      expect(() => memoryFence(options)).toThrow(expect.objectContaining({ code: 'ELECTION_CONFIG_INVALID' }))
    }
  })
})
