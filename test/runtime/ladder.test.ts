/**
 * Goal: work that ignores its signal is refused, and the process ends if asked for, before its lease does (USERS, feature 9).
 * Method: a lone voter and three on manual time, with work that never returns, and a fence of this process.
 */
import { memoryFence } from 'conclave/fencing'
import { describe, expect, it } from 'vitest'
import type { ElectionSettings } from '../../src/runtime/options'
import { alone, Bench, TIMING } from './harness'

const { marginMs, promiseMs } = TIMING

async function hanging(settings: ElectionSettings = {}) {
  const bench = new Bench()
  const processes = ['a', 'b', 'c'].map((id) => bench.process(id))
  const [one] = processes as [(typeof processes)[number]]
  const election = one.elector.election('e', { priority: 5, ...settings })
  const log: string[] = []
  election.on('workOverdue', () => log.push(`overdue at ${bench.world.now}`))
  election.on('workFenced', () => log.push(`fenced at ${bench.world.now}`))
  election.on('revoked', ({ reason }) => log.push(`revoked ${reason} at ${bench.world.now}`))
  await bench.start(...processes)
  await bench.world.run(promiseMs)
  expect(election.isLeader()).toBe(true)
  const leadership = election.leadership as NonNullable<typeof election.leadership>
  return { bench, world: bench.world, one, election, leadership, log }
}

describe('work that ignores its signal', () => {
  it('loses its lease: refused a quarter of the margin before the end, by isValid() and by local fences', async () => {
    const { bench, world, election, leadership, log } = await hanging()
    const fence = memoryFence()
    void election.runIfLeader(() => new Promise(() => {}))
    bench.hub.isolate('a')
    while (!leadership.signal.aborted) await world.run(1)
    const end = world.now + marginMs
    await fence.check('ledger', leadership)
    await world.run(marginMs * 0.7)
    expect(leadership.isValid(), 'it may still finish').toBe(true)
    await world.run(marginMs * 0.1)
    expect(leadership.isValid()).toBe(false)
    await expect(fence.check('ledger', leadership)).rejects.toMatchObject({
      code: 'ELECTION_LEADERSHIP_LOST',
    })
    await world.run(marginMs)
    const fencedAt = Number(log[0]?.replace('fenced at ', ''))
    expect(Math.abs(fencedAt - (end - marginMs / 4))).toBeLessThanOrEqual(1)
    expect(log[1]).toMatch(/^revoked expired/)
  })

  it('was asked to resign: warned after drainMs, refused before the frozen lease ends', async () => {
    const { world, election, log } = await hanging()
    void election.lead(() => new Promise(() => {}))
    await world.run(1)
    const resigned = election.resign({ drainMs: 300 })
    await world.run(2 * promiseMs)
    expect((await resigned).released).toBe(false)
    expect(log.map((line) => line.split(' ')[0])).toEqual(['overdue', 'fenced', 'revoked'])
  })

  it("with onOverdue: 'exit' the process ends an eighth of the margin before the lease", async () => {
    const { bench, world, one, election, leadership } = await hanging({ onOverdue: 'exit' })
    void election.runIfLeader(() => new Promise(() => {}))
    bench.hub.isolate('a')
    while (!leadership.signal.aborted) await world.run(1)
    await world.run(marginMs * 0.87)
    expect(one.process.exits).toEqual([])
    await world.run(marginMs * 0.02)
    expect(one.process.exits).toEqual([1])
    expect(one.process.listenerCount('exit'), 'its exit hook frees everything').toBe(1)
  })

  it('work that stops in time is neither refused nor ends the process', async () => {
    const { bench, world, one, election, leadership, log } = await hanging({ onOverdue: 'exit' })
    void election.runIfLeader(
      ({ signal }) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
    )
    bench.hub.isolate('a')
    while (!leadership.signal.aborted) await world.run(1)
    await world.run(promiseMs)
    expect(log.filter((line) => line.startsWith('fenced'))).toEqual([])
    expect(one.process.exits).toEqual([])
  })

  it('a blocked loop: the first read after it says no, and the steps are taken when it goes on', async () => {
    const { bench, world, one } = await alone()
    const election = one.elector.election('e', { onOverdue: 'exit' })
    await bench.start(one)
    await world.run(50)
    const leadership = election.leadership as NonNullable<typeof election.leadership>
    void election.runIfLeader(() => new Promise(() => {}))
    world.stall(3 * promiseMs)
    expect(leadership.isValid()).toBe(false)
    await world.run(marginMs)
    expect(one.process.exits).toEqual([1])
  })
})
