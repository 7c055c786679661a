/**
 * Goal: criteria say who stands first and who never stands, and nothing more (R37, R69, USERS 7). Method: clusters of one and
 * three on manual time; scores that move, throw and are no numbers.
 */
import { describe, expect, it } from 'vitest'
import type { ElectionSettings } from '../../src/runtime/options'
import { alone, Bench, type TestProcess, TIMING } from './harness'

const { promiseMs } = TIMING

/** Three processes with these settings of one election, started together. */
async function three(settings: Readonly<Record<string, ElectionSettings>>) {
  const bench = new Bench()
  const processes = ['a', 'b', 'c'].map((id) => bench.process(id))
  const elections = processes.map(({ id, elector }) => elector.election('e', settings[id] ?? {}))
  await bench.start(...processes)
  await bench.world.run(3 * promiseMs)
  const leader = (): string | undefined => elections.find((election) => election.isLeader())?.id
  const of = (id: string) => elections[['a', 'b', 'c'].indexOf(id)] as (typeof elections)[number]
  const process = (id: string) => processes[['a', 'b', 'c'].indexOf(id)] as TestProcess
  return { bench, world: bench.world, of, process, leader }
}

describe('score', () => {
  async function scored(score: ElectionSettings['score'], priority = 0) {
    const { bench, world, one } = await alone()
    one.elector.election('e', { score, priority } as ElectionSettings)
    await bench.start(one)
    await world.run(1)
    const told = () => one.elector.election('e').status()
    return { world, one, told }
  }

  it('R37: is added to the priority, rounded, and bounded', async () => {
    const samples = [12.6, 5_000, -1e300]
    const { world, told } = await scored(() => samples.shift() ?? 0, 100)
    expect(told()).toMatchObject({ priority: 113, score: { value: 13, failures: 0 } })
    await world.run(promiseMs)
    expect(told().priority).toBe(1_100)
    await world.run(promiseMs)
    expect(told().priority).toBe(-900)
  })

  it('R37: a throw, NaN and what is no number are counted and change nothing', async () => {
    const samples = [40, Number.NaN, Number.POSITIVE_INFINITY, '7' as unknown as number]
    const { world, told } = await scored(() => {
      const next = samples.shift()
      if (next === undefined) throw new Error('no')
      return next
    })
    await world.run(4 * promiseMs)
    expect(told()).toMatchObject({ priority: 40, score: { value: 40, failures: 4 }, isLeader: true })
  })

  it('R37: is told on only when it has moved by the hysteresis', async () => {
    const samples = [40, 49, 31, 51, 51]
    const { world, told } = await scored(() => samples.shift() ?? 51)
    const seen: number[] = []
    for (let i = 0; i < 5; i++) {
      seen.push(told().priority)
      await world.run(promiseMs)
    }
    expect(seen).toEqual([40, 40, 40, 51, 51])
  })

  it('is sampled no more after the stop', async () => {
    let asked = 0
    const { world, one } = await scored({ sample: () => (asked += 1), everyMs: 50 })
    const stopped = one.elector.stop()
    await world.run(10)
    await stopped
    const before = asked
    await world.run(5_000)
    expect(asked).toBe(before)
    expect(one.clock.timersPending).toBe(0)
  })

  it('R69: who has the highest one stands first when the election is free', async () => {
    const { world, of, process, leader } = await three({
      a: { priority: 9 },
      b: { score: () => 20 },
      c: { score: () => 500 },
    })
    const first = leader() as string
    const others = ['a', 'b', 'c'].filter((id) => id !== first)
    const best = others.includes('c') ? 'c' : 'b'
    void of(first).resign()
    await world.run(100)
    expect(leader()).toBe(best)
    expect(process(best).elector.status().elections['e']?.isLeader).toBe(true)
  })
})

describe('preferAfterMs', () => {
  it('R37: a settled leader hands over to the better one, once its work has stopped (R20)', async () => {
    let score = 0
    const settings = { preferAfterMs: 2 * promiseMs, preferBy: 50 }
    const { world, of, leader } = await three({
      a: { ...settings, priority: 1 },
      b: { ...settings, score: { sample: () => score, everyMs: 100 } },
      c: settings,
    })
    const first = leader() as string
    expect(first).toBeDefined()
    const best = first === 'b' ? 'a' : 'b'
    const log: string[] = []
    let finish = (): void => {}
    of(first).on('revoked', ({ reason }) => log.push(reason))
    void of(first).runIfLeader(({ signal }) => {
      signal.addEventListener('abort', () => log.push('told to stop'))
      return new Promise<void>((resolve) => (finish = resolve))
    })
    score = first === 'b' ? -500 : 500
    await world.run(2 * promiseMs)
    expect(log).toEqual([])
    await world.run(promiseMs)
    expect(log).toEqual(['told to stop'])
    expect(leader()).toBeUndefined()
    finish()
    await world.run(100)
    expect(log).toEqual(['told to stop', 'transferred'])
    expect(leader()).toBe(best)
  })
})

describe('canLead, capabilities and requires', () => {
  it('R37: who can never lead never stands, whatever lead() asks for, and votes all the same', async () => {
    const { bench, world, of, leader } = await three({ a: { canLead: false }, c: { canLead: false } })
    const runs: string[] = []
    void of('a').lead(() => void runs.push('a'))
    await world.run(promiseMs)
    expect(leader()).toBe('b')
    bench.hub.isolate('c')
    await world.run(3 * promiseMs)
    expect(leader(), 'a votes').toBe('b')
    expect(runs).toEqual([])
    expect(of('a').status()).toMatchObject({ isContending: false, isLeader: false })
    expect(of('a').status().whyNotLeader[0]).toContain('canLead: false')
  })

  it('R69: nobody waits for who can never lead, and nobody draws lots because of it', async () => {
    const { world, of, leader } = await three({ a: { canLead: false }, b: { priority: 1 } })
    await world.run(promiseMs)
    const first = leader() as string
    const other = first === 'b' ? 'c' : 'b'
    void of(first).resign()
    await world.run(10)
    expect(leader()).toBe(other)
  })

  it('R37: an election is led only by who has the capabilities that it requires', async () => {
    const bench = new Bench()
    const settings = { requires: ['gpu', 'zone-1'] }
    const a = bench.process('a', { capabilities: ['gpu'] })
    const b = bench.process('b', { capabilities: ['zone-1', 'gpu', 'ssd'] })
    const c = bench.process('c')
    const [here, there] = [a, b].map(({ elector }) => elector.election('e', settings))
    c.elector.election('e', settings)
    await bench.start(a, b, c)
    await bench.world.run(3 * promiseMs)
    expect(there?.isLeader()).toBe(true)
    expect(here?.status().whyNotLeader[0]).toBe(
      'the election requires zone-1, which this process does not have',
    )
    b.transport.leave()
    await bench.world.run(5 * promiseMs)
    expect(here?.isLeader()).toBe(false)
  })

  it('R37: only criteria differ, and the low one leads when it is the only one with a majority (bug 27)', async () => {
    const { bench, world, leader } = await three({ a: { priority: 1_000 }, b: { priority: -1_000 }, c: {} })
    bench.hub.isolate('a')
    await world.run(3 * promiseMs)
    bench.hub.mute('c', 'a')
    expect(['b', 'c']).toContain(leader())
  })
})

it.each<[object, string]>([
  [{ score: 5 }, 'score'],
  [{ score: { sample: () => 1, every: 3 } }, '"score.every"'],
  [{ score: { sample: 'x' } }, 'expected a function'],
  [{ canLead: false, contend: true }, 'who never leads cannot contend'],
  [{ preferBy: 3 }, 'preferAfterMs says that'],
  [{ preferAfterMs: 1_000, preferBy: 0 }, 'preferBy'],
  [{ requires: ['a b'] }, 'a capability matches'],
])('%j is refused', async (settings, word) => {
  const { one } = await alone()
  expect(() => one.elector.election('e', settings as ElectionSettings)).toThrow(word)
})
