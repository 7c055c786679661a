/**
 * Goal: processes without a vote lead, watch and are told who leads, and are let in only as far as a voter says (R71, E5);
 * a witness votes and never leads (R37). Method: the shipping runtime over the hub of the harness.
 */
import { describe, expect, it } from 'vitest'
import type { ElectorOptions } from '../../src/runtime/options'
import { Bench, type TestProcess } from './harness'

const VOTERS = ['a', 'b', 'c']

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
