/**
 * Goal: processes without a vote lead, watch and are told who leads, and are let in only as far as a voter says (R71, E5);
 * a witness votes and never leads (R37). Method: the shipping runtime over the hub of the harness.
 */
import { describe, expect, it } from 'vitest'
import type { ElectionSettings, ElectorOptions } from '../../src/runtime/options'
import { Bench, type TestProcess } from './harness'

const VOTERS = ['a', 'b', 'c']
const VOTERS_ONLY: ElectionSettings = { contend: false }

function bench(of: readonly string[], options: (id: string) => Partial<ElectorOptions>) {
  const made = new Bench()
  const processes = new Map<string, TestProcess>()
  for (const id of of) processes.set(id, made.process(id, { voters: VOTERS, ...options(id) }))
  const start = (...ids: readonly string[]) =>
    made.start(...ids.map((id) => processes.get(id) as TestProcess))
  return { made, start, elector: (id: string) => (processes.get(id) as TestProcess).elector }
}

const roles = (id: string): Partial<ElectorOptions> =>
  VOTERS.includes(id) ? { maxObservers: 2 } : { observer: true }

describe('R71: an observer', () => {
  it('contends, leads, and is known by its id', async () => {
    const { made, start, elector } = bench([...VOTERS, 'web-1'], roles)
    for (const id of VOTERS) elector(id).election('e', { contend: false })
    const election = elector('web-1').election('e')
    await start(...VOTERS, 'web-1')
    await made.world.run(3_000)
    expect(election.isLeader()).toBe(true)
    expect(election.status()).toMatchObject({ leader: 'web-1', process: { memberKind: 'observer' } })
    for (const id of VOTERS) expect(elector(id).election('e').leader).toBe('web-1')
  })

  it('R80, R81: that leads hears of a pause, and steps down if the word says so', async () => {
    const { made, start, elector } = bench([...VOTERS, 'web-1'], roles)
    for (const id of VOTERS) elector(id).election('e', { contend: false })
    const election = elector('web-1').election('e')
    const heard: string[] = []
    election.on('revoked', ({ reason }) => heard.push(reason))
    await start(...VOTERS, 'web-1')
    await made.world.run(3_000)
    expect(election.isLeader()).toBe(true)
    const paused = elector('a').election('e').pause({ leader: 'stepsDown' })
    await made.world.run(500)
    expect((await paused).isPaused).toBe(true)
    expect(heard).toEqual(['paused'])
    await made.world.run(3_000)
    expect(election.isLeader()).toBe(false)
    const resumed = elector('b').election('e').resume()
    await made.world.run(3_000)
    await resumed
    expect(election.isLeader(), 'and it hears of the end').toBe(true)
  })

  it('that only watches hears who leads, and that nobody does', async () => {
    const { made, start, elector } = bench([...VOTERS, 'web-1'], roles)
    const [a] = VOTERS.map((id) =>
      elector(id).election('e', { priority: id === 'a' ? 1 : 0, contend: id === 'a' }),
    )
    const watched = elector('web-1').election('e', { contend: false })
    await start(...VOTERS, 'web-1')
    await made.world.run(3_000)
    expect(watched.leader).toBe('a')
    const resigned = a?.resign({ cooldownMs: 60_000 })
    await made.world.run(200)
    expect((await resigned)?.released).toBe(true)
    expect(watched.leader).toBe(null)
  })

  it('E5: no more observers than a voter lets in', async () => {
    const { made, start, elector } = bench([...VOTERS, 'w1', 'w2', 'w3'], roles)
    await start(...VOTERS, 'w1', 'w2', 'w3')
    await made.world.run(1_000)
    const reached = (id: string) =>
      elector(id)
        .status()
        .members.filter(({ isConnected }) => isConnected).length
    expect(['w1', 'w2', 'w3'].map(reached)).toEqual([3, 3, 0])
    expect(elector('a').status().counters?.refused.tooManyConnections).toBeGreaterThan(0)
    await elector('w1').stop()
  })

  it('E7: is not let in where nobody said so', async () => {
    const { made, start, elector } = bench([...VOTERS, 'w1'], (id) => (id === 'w1' ? { observer: true } : {}))
    await start(...VOTERS, 'w1')
    await made.world.run(1_000)
    expect(elector('a').status().counters?.refused.unknownMember).toBeGreaterThan(0)
    expect(
      elector('w1')
        .status()
        .members.some(({ isConnected }) => isConnected),
    ).toBe(false)
  })
})

describe('R69: observers among themselves', () => {
  const PRIORITIES = { w1: 1, w2: 2, w3: 3 } as const
  type Name = keyof typeof PRIORITIES
  const NAMES = Object.keys(PRIORITIES) as Name[]

  /** Three voters that do not stand, three observers of rising priority; somebody leads. */
  async function observed() {
    const { made, start, elector } = bench([...VOTERS, ...NAMES], (id) =>
      VOTERS.includes(id) ? { maxObservers: 3 } : { observer: true },
    )
    for (const id of VOTERS) elector(id).election('e', { contend: false })
    const elections = NAMES.map((id) => elector(id).election('e', { priority: PRIORITIES[id] }))
    await start(...VOTERS, ...NAMES)
    await made.world.run(3_000)
    const leader = () => elections.find((election) => election.isLeader())
    return { made, elector, elections, leader }
  }

  it('where no voter stands the best of those that are left leads next, each time', async () => {
    const { made, leader } = await observed()
    const all = new Set<string>(NAMES)
    for (let i = 0; i < 8; i++) {
      const former = leader()
      expect(former).toBeDefined()
      const best = [...all]
        .filter((id) => id !== former?.id)
        .sort()
        .at(-1)
      const resigned = former?.resign({ cooldownMs: 10_000 })
      await made.world.run(1_000)
      await resigned
      expect(leader()?.id, `after ${former?.id}, round ${i}`).toBe(best)
      await made.world.run(12_000)
    }
  })

  it('the best of those that are left leads next when the leader has vanished, too', async () => {
    const { made, leader } = await observed()
    for (let i = 0; i < 6; i++) {
      const former = leader()?.id as Name
      const best = NAMES.filter((id) => id !== former).at(-1)
      made.hub.isolate(former)
      await made.world.run(6_000)
      expect(leader()?.id, `after ${former}, round ${i}`).toBe(best)
      made.hub.heal()
      await made.world.run(6_000)
    }
  })

  it('the best one costs a step if it does not stand, not the election', async () => {
    const { made, elector, leader } = await observed()
    while (leader()?.id !== 'w1') {
      const resigned = leader()?.resign({ cooldownMs: 5_000 })
      await made.world.run(1_500)
      await resigned
    }
    await made.world.run(8_000)
    // it stands no more, and nobody hears of it in time
    const gone = elector('w3').election('e')
    gone.freeze(60_000)
    const resigned = leader()?.resign({ cooldownMs: 60_000 })
    await made.world.run(1_500)
    await resigned
    expect(leader()?.id).toBe('w2')
  })
})

describe('R21: a hand-over to an observer', () => {
  async function led() {
    const { made, start, elector } = bench([...VOTERS, 'w1', 'w2'], roles)
    const [a] = VOTERS.map((id) => elector(id).election('e', { contend: id === 'a' }))
    const watched = ['w1', 'w2'].map((id) => elector(id).election('e', { contend: false }))
    await start(...VOTERS, 'w1', 'w2')
    await made.world.run(3_000)
    expect(a?.isLeader()).toBe(true)
    return { made, elector, a: a as NonNullable<typeof a>, watched }
  }

  it('names one that contends: it leads next, at once, whoever else stands', async () => {
    for (const to of ['w1', 'w2']) {
      const { made, elector, a, watched } = await led()
      for (const election of watched) void election.lead(() => new Promise(() => {})).catch(() => {})
      for (const id of ['b', 'c'])
        void elector(id)
          .election('e')
          .lead(() => new Promise(() => {}))
          .catch(() => {})
      await made.world.run(500)
      const handedOver = a.resign({ to, timeoutMs: 5_000 })
      await made.world.run(300)
      expect(await handedOver).toMatchObject({ leader: to, failure: null })
      expect(elector(to).election('e').isLeader()).toBe(true)
    }
  })

  it('refuses one that only watches, one that is not there, and where nobody is let in', async () => {
    const { made, elector, a, watched } = await led()
    const refusal = /nor an observer that is here and contends/
    await expect(a.resign({ to: 'w1' })).rejects.toThrow(refusal)
    await expect(a.resign({ to: 'w9' })).rejects.toThrow(refusal)
    expect(a.isLeader()).toBe(true)
    void watched[0]?.lead(() => new Promise(() => {})).catch(() => {})
    await made.world.run(500)
    await elector('w1').stop()
    await made.world.run(500)
    await expect(a.resign({ to: 'w1' })).rejects.toThrow(refusal)
  })

  /** Three voters, and observers of which the first one leads. */
  async function ledBy(first: string, others: Readonly<Record<string, ElectionSettings>>, of = VOTERS_ONLY) {
    const names = [first, ...Object.keys(others)]
    const { made, start, elector } = bench([...VOTERS, ...names], (id) =>
      VOTERS.includes(id) ? { maxObservers: 4 } : { observer: true },
    )
    for (const id of VOTERS) elector(id).election('e', of)
    const leader = elector(first).election('e', { preferAfterMs: 3_000, preferPerMinute: 60 })
    await start(...VOTERS, first)
    await made.world.run(3_000)
    expect(leader.isLeader()).toBe(true)
    const elections = Object.entries(others).map(([id, settings]) => elector(id).election('e', settings))
    return { made, start, elector, leader, elections, names: names.slice(1) }
  }

  it('an observer that leads names another one, which leads next, at once', async () => {
    for (const to of ['w2', 'w3']) {
      const { made, start, elector, leader, names } = await ledBy('w1', { w2: {}, w3: {} })
      await expect(leader.resign({ to }), 'it is not here yet').rejects.toThrow(/an observer that is here/)
      await start(...names)
      await made.world.run(1_000)
      const handedOver = leader.resign({ to, timeoutMs: 5_000 })
      await made.world.run(300)
      expect(await handedOver).toMatchObject({ leader: to, failure: null })
      expect(elector(to).election('e').isLeader()).toBe(true)
    }
  })

  it('one that has gone, or stands no more, is nobody to be named', async () => {
    const { made, start, elector, leader, names } = await ledBy('w1', { w2: {}, w3: {} })
    await start(...names)
    await made.world.run(1_000)
    await elector('w2').stop()
    elector('w3').election('e').freeze(60_000)
    await made.world.run(1_000)
    for (const to of names) await expect(leader.resign({ to })).rejects.toThrow(/an observer that is here/)
    expect(leader.isLeader()).toBe(true)
  })

  it('R37: an observer that leads hands over to a better one when that has been there for long enough', async () => {
    const { made, start, elections, leader, names } = await ledBy('w1', {
      w2: { priority: 1 },
      w3: { priority: 2 },
    })
    await start(...names)
    await made.world.run(2_000)
    expect(leader.isLeader(), 'not at once').toBe(true)
    await made.world.run(4_000)
    expect(elections.map((election) => election.isLeader())).toEqual([false, true])
  })

  it.each([
    ['is better: to it, and not back', 5, true],
    ['is as good: not to it', 0, false],
  ] as const)('R37: where a voter %s', async (_, priority, isBetter) => {
    const { made, elector, leader } = await ledBy('w1', {}, { priority, contend: false })
    const voter = elector('b').election('e')
    void voter.lead(() => new Promise(() => {})).catch(() => {})
    await made.world.run(30_000)
    expect([voter.isLeader(), leader.isLeader()]).toEqual([isBetter, !isBetter])
  })

  it('an observer plans a hand-over to another one, which may come until then', async () => {
    const { made, start, leader, elections, names } = await ledBy('w1', { w2: {} })
    const planned = leader.switchover({ to: 'w2', inMs: 2_000 })
    await start(...names)
    await made.world.run(3_000)
    expect(await planned.done).toMatchObject({ outcome: 'resigned', released: true })
    expect(elections[0]?.isLeader()).toBe(true)
  })

  it('can be planned: the observer may come until then', async () => {
    const { made, a, watched } = await led()
    const planned = a.switchover({ to: 'w2', inMs: 2_000 })
    void watched[1]?.lead(() => new Promise(() => {})).catch(() => {})
    await made.world.run(3_000)
    expect(await planned.done).toMatchObject({ outcome: 'resigned', released: true })
    expect(watched[1]?.isLeader()).toBe(true)
  })
})

describe('R37: a witness', () => {
  it('says so, refuses lead(), and never contends', async () => {
    const { made, start, elector } = bench(VOTERS, () => ({ witnesses: ['c'] }))
    const [a, , c] = VOTERS.map((id) => elector(id).election('e'))
    await start(...VOTERS)
    await made.world.run(3_000)
    expect(c?.status()).toMatchObject({
      isContending: false,
      isLeader: false,
      process: { memberKind: 'witness' },
    })
    expect(c?.status().whyNotLeader[0]).toBe('this process is a witness: it votes and never leads (R37)')
    expect(a?.status().process.members.map(({ kind }) => kind)).toEqual(['peer', 'peer', 'witness'])
    await expect(c?.lead(() => undefined)).rejects.toThrow('which never lead (R37)')
    await expect(a?.resign({ to: 'c' })).rejects.toThrow('not among the voters that may lead')
  })

  it('that opened no election votes in it, and is told who leads', async () => {
    const { made, start, elector } = bench(VOTERS, () => ({ witnesses: ['c'] }))
    const [a, b] = ['a', 'b'].map((id) => elector(id).election('e', { priority: id === 'a' ? 1 : 0 }))
    const heard: (string | null)[] = []
    elector('c').on('leaderChanged', ({ election, leader }) => heard.push(`${election}: ${leader}`))
    await start(...VOTERS)
    await made.world.run(3_000)
    expect(heard).toEqual(['e: a'])
    await a?.resign({ cooldownMs: 60_000 })
    await made.world.run(1_000)
    expect(b?.isLeader()).toBe(true)
    expect(heard.at(-1)).toBe('e: b')
    expect(elector('c').status().elections).toEqual({})
  })
})
