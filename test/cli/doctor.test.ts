/**
 * Goal: `conclave doctor` judges a timing by the rules that are written down, advises one that keeps them, and says all of it as
 * an exit code. Method: the arithmetic with made-up figures, the clocks with a made-up clock, the command in this process.
 */

import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { advise, basisOf, judge, PEERS } from '../../src/cli/advice'
import { ClockWatch, type Measured } from '../../src/cli/measure'
import { StoreProbes } from '../../src/cli/measure-store'
import { samplesOf } from '../../src/cli/samples'
import { resolveTiming, timingFaults } from '../../src/runtime/timing'
import { call } from './memory-terminal'

const NOTHING: Measured = {
  seconds: 10,
  members: [],
  store: null,
  disk: null,
  loop: { p50Ms: 0, p99Ms: 0, maxMs: 0 },
  clock: { resolutionMs: 0.001, driftPpm: 0, driftErrorPpm: 100, stepsMs: [], sleptMs: 0 },
}
const samples = (p50Ms: number, maxMs = p50Ms) => ({ count: 40, minMs: p50Ms, p50Ms, p99Ms: maxMs, maxMs })
const pause = (maxMs: number): Measured => ({ ...NOTHING, loop: { p50Ms: 0, p99Ms: 0, maxMs } })
const disk = (p50Ms: number, maxMs?: number): Measured => ({ ...NOTHING, disk: samples(p50Ms, maxMs) })
const away = (ms: number, answerMs: number | null = ms): Measured => ({
  ...NOTHING,
  members: [
    {
      ...{ id: 'b', address: 'b:1', versions: null, failures: 0, lastError: null },
      connect: samples(ms),
      answer: answerMs === null ? null : samples(answerMs),
    },
  ],
})
const clocks = (change: Partial<Measured['clock']>): Measured => ({
  ...NOTHING,
  clock: { ...NOTHING.clock, ...change },
})
/** Names of the rules that a measurement breaks, with the preset `default`. */
const broken = (measured: Measured): string[] =>
  judge(resolveTiming({}, PEERS), measured)
    .rules.filter(({ fits }) => !fits)
    .map(({ name }) => name)

describe('what does not fit the default timing', () => {
  it.each<[string, Measured, readonly string[]]>([
    ['nothing wrong', NOTHING, []],
    ['pauses within half of the margin', pause(125), []],
    ['pauses above it', pause(126), ['margin']],
    ['pauses above half of the budget of 1,134 ms', pause(568), ['renewal', 'margin']],
    ['a round trip of a step', away(30), []],
    ['a longer one', away(31), ['step']],
    ['a round trip that fills half of a try', away(126), ['try', 'step']],
    ['a connect alone, where there was no answer', away(126, null), ['try', 'step']],
    ['an answer that is slower than the connect', away(1, 126), ['try', 'step']],
    ['writes of half a step', disk(15), []],
    ['slower ones', disk(16), ['step']],
    ['one write of an eighth of a promise', disk(1, 126), ['try']],
    ['a write of half the time limit', disk(1, 1_001), ['try', 'storage']],
    ['clocks that drift by a hundredth', clocks({ driftPpm: -10_001 }), ['clock rate']],
    ['a coarse clock', clocks({ resolutionMs: 15.6 }), ['clock resolution']],
    ['steps of the wall clock, which no lease looks at', clocks({ stepsMs: [3_600_000] }), []],
  ])('%s', (_, measured, names) => {
    expect(broken(measured)).toEqual(names)
  })

  it('says what there is and what is needed', () => {
    const { rules } = judge(resolveTiming({}, PEERS), pause(568))
    expect(rules[0]?.arithmetic).toBe(
      '2000 x (1 - 0.1) / (1 + 0.1) - deltaMs 2 - marginMs 250 - heartbeatMs 250 = 1134.36; needs 2 x (pause 568 + round trip 0) = 1136',
    )
  })
})

describe('the advice', () => {
  it.each([pause(40), pause(900), away(80), disk(20, 120), { ...disk(8, 30), ...away(3) }])(
    'fits, is allowed, and nothing much shorter fits: %#',
    (measured) => {
      const advice = advise(measured)
      const timing = resolveTiming(advice ?? {}, PEERS)
      expect(judge(timing, measured).fits).toBe(true)
      expect(timingFaults(timing)).toEqual([])
      const shorter = resolveTiming({ ...advice, promiseMs: timing.promiseMs * 0.85 }, PEERS)
      expect(judge(shorter, measured).fits && timingFaults(shorter).length === 0).toBe(false)
    },
  )

  it('is none where none fits', () => {
    expect(advise(clocks({ driftPpm: 500_000 }))).toBeNull()
  })
})

describe('a store', () => {
  const store = (readMs: number, casMs: number, timeoutMs = 1_000): Measured => ({
    ...NOTHING,
    store: {
      ...{ name: 'redis', timeoutMs, read: samples(readMs), write: samples(casMs) },
      ...{ failures: 0, lastError: null },
    },
  })
  const brokenBy = (measured: Measured, promiseMs = 5_000): string[] =>
    judge(resolveTiming({ promiseMs }, basisOf(true)), measured)
      .rules.filter(({ fits }) => !fits)
      .map(({ name }) => name)

  it.each<[string, Measured, readonly string[]]>([
    ['a quick one', store(2, 5), []],
    ['slow calls that just fit', store(400, 449), []],
    ['calls above that', store(501, 1), ['store time-out']],
    ['writes above half of the budget of 2,463 ms', store(1, 1_232), ['store renewal', 'store time-out']],
    ['a try of two slow reads and a write', store(400, 451), ['store try']],
    ['a time-out above a quarter of the promise', store(1, 1, 1_251), ['store promise']],
  ])('%s', (_, measured, names) => {
    expect(brokenBy(measured)).toEqual(names)
  })

  it('is judged by its own rules and by those of the host; those of peers come with members or a disk', () => {
    const names = (measured: Measured): string[] =>
      judge(resolveTiming({}, basisOf(true)), measured).rules.map(({ name }) => name)
    const own = ['store renewal', 'store try', 'store time-out', 'store promise']
    expect(names(store(1, 1))).toEqual([...own, 'margin', 'storage', 'clock rate', 'clock resolution'])
    expect(names({ ...store(1, 1), members: away(1).members })).toContain('step')
  })

  it('is advised four time-outs at least', () => {
    expect(advise(store(2, 5))).toEqual({ promiseMs: 4_000 })
    expect(advise(store(501, 501))).toBeNull()
    expect(advise(store(2, 5, 100))).toEqual({ promiseMs: 400 })
  })

  it('is read and written, a conflict is no failure, and what fails is told', async () => {
    let now = 0
    const takes = async <T>(ms: number, value: T): Promise<T> => {
      now += ms
      return value
    }
    const writes: (string | null)[] = []
    const error = new Error('it is down')
    const answers = [{ kind: 'ok', version: '2' }, { kind: 'conflict' }, { kind: 'failed', error }] as const
    const probes = new StoreProbes(
      {
        ...{ name: 'mine', durability: 'survives', timeoutMs: 100 },
        read: (keys) => takes(2, { kind: 'ok', records: keys.map(() => ({ version: '1', value: '' })) }),
        write: (_, version) =>
          takes(5, answers[writes.push(version) - 1] ?? ({ kind: 'ambiguous', error } as const)),
      },
      () => now,
    )
    await probes.begin()
    for (let i = 0; i < 4; i++) await probes.probe()
    expect(writes, 'compared with what was read').toEqual(['1', '1', '1', '1'])
    expect(probes.figures()).toMatchObject({
      ...{ name: 'mine', timeoutMs: 100, failures: 2, lastError: 'it is down' },
      ...{ read: { count: 4, minMs: 2, maxMs: 2 }, write: { count: 2, minMs: 5 } },
    })
  })
})

describe('the watch on the clocks', () => {
  function watched(wallAt: (now: number) => number, uptimeAt = (now: number) => now) {
    let now = 0
    const clock = { now: () => now, wall: () => Math.floor(wallAt(now)), uptime: () => uptimeAt(now) }
    const watch = new ClockWatch(clock as never)
    for (; now < 10_000; now += 100) watch.look()
    return watch.figures()
  }

  it('tells drift from steps, and both from a sleep', () => {
    expect(watched((now) => 1e12 + now)).toMatchObject({ driftPpm: 0, stepsMs: [], sleptMs: 0 })
    const drifting = watched((now) => 1e12 + now * 1.002)
    expect(Math.abs(drifting.driftPpm - 2_000)).toBeLessThanOrEqual(2 * drifting.driftErrorPpm)
    const stepped = watched((now) => 1e12 + now - (now >= 5_000 ? 1_500 : 0))
    expect(stepped).toMatchObject({ stepsMs: [-1_500], driftPpm: 0 })
    const slept = watched(
      (now) => 1e12 + now,
      (now) => now + (now >= 5_000 ? 3_000 : 0),
    )
    expect(slept.sleptMs).toBe(3_000)
  })

  it('samples in short', () => {
    expect(samplesOf([])).toBeNull()
    expect(samplesOf([3, 1, 2])).toEqual({ count: 3, minMs: 1, p50Ms: 2, p99Ms: 3, maxMs: 3 })
  })
})

describe('conclave doctor', () => {
  let dir = ''
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'conclave-doctor-'))
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  it('measures this host, prints the arithmetic, and leaves nothing behind', async () => {
    const { code, text } = await call(`doctor --seconds 0.5 --timing relaxed --data-dir ${dir}`)
    expect(text).toMatch(/write +[\d.]+( \/ [\d.]+){3} ms \(shortest, median, p99, longest of \d+\)/)
    expect(text).toContain('round trip   not measured: give --members')
    expect(text).toContain('renewal: 10000 x (1 - 0.1) / (1 + 0.1)')
    expect(text).toMatch(
      /It fits as far as that was measured: round trips were not measured \(--members\)\. /,
    )
    expect(code).toBe(0)
    expect(readdirSync(dir)).toEqual([])
  })

  it('advises the shortest timing only where nothing counts as 0 that was not measured', async () => {
    const peer = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await once(peer, 'listening')
    const { port } = peer.address() as AddressInfo
    const line = `doctor --seconds 0.5 --timing relaxed --data-dir ${dir} --members b=127.0.0.1:${port}`
    expect((await call(line)).text).toMatch(/The shortest that fits: timing: \{ promiseMs: \d+/)
    peer.close()
    const { code, text } = await call(`${line},c=127.0.0.1:1`)
    expect(text).toContain('It fits as far as that was measured')
    expect(text).toContain('c was never reached')
    expect(text).not.toContain('The shortest that fits:')
    expect(code).toBe(1)
  })

  it('exit code 1: a timing that nobody can keep, a member that is not there', async () => {
    const { code, text } = await call('doctor --seconds 0.1 --promise-ms 20.5')
    const { rules, fits } = JSON.parse(
      (await call('doctor --seconds 0.1 --promise-ms 20.5 --json')).text,
    ) as ReturnType<typeof judge>
    expect(rules.length).toBe(7)
    expect(code).toBe(text.includes('DOES NOT FIT') ? 1 : 0)
    expect(fits).toBe(rules.every((rule) => rule.fits))
    const lonely = await call('doctor --seconds 0.1 --members b=127.0.0.1:1')
    expect(lonely.text).toContain('b, 127.0.0.1:1: NOT REACHED: connect ECONNREFUSED')
    expect(lonely.code).toBe(1)
  })

  it.each([
    ['doctor --seconds 0', '--seconds takes 0.1 to 86400, not 0'],
    ['doctor --promise-ms 0.001', 'marginMs'],
    ['doctor --timing brisk', '--timing takes one of fast, default, relaxed'],
    ['doctor --seconds 0.1 --data-dir /nowhere', '--data-dir: ENOENT'],
    ['doctor --seconds 0.1 --members b', '--members takes id=host:port'],
    ['doctor --seconds 0.1 --members b=c', 'is no address'],
  ])('%s: exit code 2', async (line, words) => {
    const { code, complaints } = await call(line)
    expect(complaints[0]).toContain(words)
    expect(code).toBe(2)
  })
})
