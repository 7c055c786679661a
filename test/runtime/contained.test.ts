/**
 * Goal: a logger or a metrics port that breaks its promise never to throw costs lines and figures, and nothing else (B.9).
 * Method: three processes whose leader writes to ports that throw at every call.
 */
import { describe, expect, it } from 'vitest'
import type { Logger } from '../../src/ports/logger'
import type { Metrics } from '../../src/ports/metrics'
import type { ElectorOptions } from '../../src/runtime/options'
import { Bench, type TestProcess, TIMING } from './harness'

const { promiseMs } = TIMING

function broken(what: string): () => never {
  return () => {
    throw new Error(`${what} is broken`)
  }
}

const logger: Logger = {
  debug: broken('debug'),
  info: broken('info'),
  warn: broken('warn'),
  error: broken('error'),
}
const metrics: Metrics = {
  count: broken('count'),
  observe: broken('observe'),
  onCollect: broken('onCollect'),
}

async function three(ports: Partial<ElectorOptions>) {
  const bench = new Bench()
  const processes = ['a', 'b', 'c'].map((id) => bench.process(id, id === 'a' ? ports : {}))
  await bench.start(...processes)
  const [one] = processes as [TestProcess]
  const election = one.elector.election('e')
  const heard: string[] = []
  election.on('elected', ({ term }) => heard.push(`elected ${term}`))
  election.on('revoked', ({ reason }) => heard.push(`revoked ${reason}`))
  await bench.world.run(promiseMs)
  const others = processes.slice(1).map(({ elector }) => elector.election('e'))
  return { world: bench.world, one, election, heard, others }
}

describe.each([
  ['logger', { logger }],
  ['metrics', { metrics }],
] as const)('B.9: %s that throws', (name, ports) => {
  it('work is told to stop, the leadership is released when it has, and others lead', async () => {
    const { world, one, election, heard, others } = await three(ports)
    const runs: string[] = []
    void election.lead(async ({ signal }) => {
      runs.push('begins')
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      runs.push('ends')
    })
    await world.run(promiseMs)
    expect([election.isLeader(), runs]).toEqual([true, ['begins']])
    let released: boolean | null = null
    void election.resign({ cooldownMs: 10 * promiseMs }).then((result) => {
      released = result.released
    })
    await world.run(promiseMs / 2)
    expect([runs, released, election.isLeader()]).toEqual([['begins', 'ends'], true, false])
    expect(heard).toEqual(['elected 1', 'revoked resigned'])
    expect(others.some((other) => other.isLeader())).toBe(true)
    expect(one.elector.status().phase).toBe('running')
  })

  it('a lease that runs out is told of, once, and the process stops in order', async () => {
    const { world, one, election, heard } = await three(ports)
    one.transport.hub.isolate('a')
    await world.run(2 * promiseMs)
    expect(heard).toEqual(['elected 1', 'revoked expired'])
    let isStopped = false
    void one.elector.stop().then(() => {
      isStopped = true
    })
    await world.run(promiseMs)
    expect([isStopped, election.isLeader(), one.storage.disk.locked]).toEqual([true, false, false])
  })

  it('the process is warned of it once', async () => {
    const { world, one } = await three(ports)
    await world.run(3 * promiseMs)
    expect(one.process.warnings).toHaveLength(1)
    expect(one.process.warnings[0]).toMatch(
      name === 'logger' ? /^the logger threw/ : /^the metrics port threw/,
    )
  })
})
