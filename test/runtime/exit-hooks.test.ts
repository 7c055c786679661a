/** Goal: a process that goes away frees what it holds (R53). Method: a `process` that only remembers, over the real runtime. */
import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { installExitHooks } from '../../src/runtime/exit-hooks'
import { alone, Bench, type TestProcess, TIMING } from './harness'

async function leaderOfThree(handleSignals = false) {
  const bench = new Bench()
  const processes = ['a', 'b', 'c'].map((id) => bench.process(id, { handleSignals }))
  await bench.start(...processes)
  const [one] = processes as [TestProcess]
  const election = one.elector.election('e')
  await bench.world.run(TIMING.promiseMs)
  expect(election.isLeader()).toBe(true)
  return { bench, world: bench.world, one, processes, election }
}

describe('exit', () => {
  it('R53: the lease is over first, then the word goes out, then it is handed to the kernel, all before exit returns', async () => {
    const { world, one, election } = await leaderOfThree()
    const { leadership } = election
    const order: string[] = []
    const { send, flushSync } = one.transport
    one.transport.send = (...frame) => {
      order.push(`sends ${frame[2].map(({ kind }) => kind).join('+')}, leads: ${leadership?.isValid()}`)
      send.apply(one.transport, frame)
    }
    one.transport.flushSync = () => {
      order.push('flushes')
      flushSync.apply(one.transport)
    }
    election.on('revoked', ({ reason }) => order.push(`revoked ${reason}`))
    leadership?.signal.addEventListener('abort', () => order.push('aborted'))
    one.process.emit('exit')
    expect(order).toEqual([
      'aborted',
      'revoked stopped',
      'sends sessionEnd, leads: false',
      'sends sessionEnd, leads: false',
      'flushes',
      'flushes',
    ])
    expect(world.now).toBeGreaterThan(0)
  })

  it('the others lead within milliseconds', async () => {
    const { world, one, processes } = await leaderOfThree()
    const others = processes.slice(1).map(({ elector }) => elector.election('e'))
    await world.run(100)
    one.process.emit('exit')
    await world.run(60)
    expect(others.some((election) => election.isLeader())).toBe(true)
  })

  it('exit from inside a listener works, too', async () => {
    const { one, election } = await leaderOfThree()
    election.on('revoked', () => one.process.emit('exit'))
    void election.resign()
    expect(one.transport.flushedSync, 'the release, and what exit says').toBe(2)
    expect(election.isLeader()).toBe(false)
  })

  it('no hook before the start, one while it runs, none after the stop', async () => {
    const { bench, world, one } = await alone()
    expect(one.process.listenerCount('exit')).toBe(0)
    await bench.start(one)
    expect(one.process.listenerCount('exit')).toBe(1)
    expect(one.process.listenerCount('SIGTERM')).toBe(0)
    const stopped = one.elector.stop()
    await world.run(10)
    await stopped
    expect(one.process.listenerCount('exit')).toBe(0)
  })
})

describe('many electors in one process', () => {
  it('their hooks are no leak of listeners, and leave the limit of the service as it was', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    try {
      const host = Object.assign(new EventEmitter(), { pid: 1, kill: () => {}, emitWarning: () => {} })
      const parts = { process: host, handleSignals: true, onExit: () => {}, onSignal: async () => {} }
      const removers = Array.from({ length: 30 }, () => installExitHooks({ ...parts, onExit: () => {} }))
      for (let own = 0; own < 10; own++) host.on('exit', () => {})
      expect(host.listenerCount('exit')).toBe(40)
      expect(warn).not.toHaveBeenCalled()
      for (const remove of [...removers, ...removers]) remove()
      expect([host.listenerCount('exit'), host.listenerCount('SIGTERM'), host.getMaxListeners()]).toEqual([
        10, 0, 10,
      ])
    } finally {
      warn.mockRestore()
    }
  })
})

describe('signals', () => {
  it('handleSignals: the first signal stops in order, then is sent again so that the process ends by it', async () => {
    const { world, one, election } = await leaderOfThree(true)
    const reasons: string[] = []
    election.on('revoked', ({ reason }) => reasons.push(reason))
    one.process.emit('SIGTERM')
    expect(one.process.killed).toEqual([])
    await world.run(100)
    expect(reasons).toEqual(['stopped'])
    expect(one.process.killed).toEqual(['SIGTERM'])
    expect(one.storage.disk.locked).toBe(false)
  })

  it('somebody else who listens decides when the process ends', async () => {
    const { world, one } = await leaderOfThree(true)
    one.process.on('SIGINT', () => {})
    one.process.emit('SIGINT')
    await world.run(100)
    expect(one.elector.status().phase).toBe('stopped')
    expect(one.process.killed).toEqual([])
  })

  it('R20: with two electors in one process the signal is sent again when both have stopped', async () => {
    const bench = new Bench()
    const one = bench.process('a', { handleSignals: true })
    const environment = { clock: one.clock, random: () => 1, process: one.process, loopMonitor: null }
    const other = bench.process('b', { handleSignals: true, environment, drainMs: 100, stopMs: 2_000 })
    await bench.start(one, other, bench.process('c'))
    other.storage.close = () => {}
    one.process.emit('SIGTERM')
    await bench.world.run(1_000)
    const phases = () => [one, other].map(({ elector }) => elector.status().phase)
    expect([phases(), one.process.killed]).toEqual([['stopped', 'stopping'], []])
    await bench.world.run(1_100)
    expect([phases(), one.process.killed]).toEqual([['stopped', 'stopped'], ['SIGTERM']])
  })

  it('a second signal meets no handler', async () => {
    const { one } = await leaderOfThree(true)
    one.process.emit('SIGTERM')
    expect(one.process.listenerCount('SIGTERM')).toBe(0)
    expect(one.process.listenerCount('SIGINT')).toBe(0)
  })
})
