/**
 * Goal: a sentinel that cannot be started costs the proof of death and nothing else, and no sentinel delays the service
 * (R55). Method: the real `spawn`, asked for programs that it refuses in both of its ways: by an event, and by a throw; and a
 * leader whose witness asks its transport for the peers.
 */
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { silentLogger } from '../../src/ports/logger'
import { Sentinel } from '../../src/runtime/sentinel'
import { Bench, HubTransport } from './harness'

const { execPath } = process
let sentinel: Sentinel | null = null

afterEach(() => {
  sentinel?.write({ dismissed: '0' })
  process.execPath = execPath
})

describe('a sentinel that cannot be started', () => {
  it.each([
    ['a program that is not there', '/nowhere/node', 'ENOENT'],
    ['a call that is refused by a throw', 'node\0', 'null bytes'],
  ])('R55: %s is told of, and tried again later', async (_, program, why) => {
    const told: { readonly why: string; readonly waitMs: number }[] = []
    const warn = (fields: object): void => void told.push(fields as never)
    process.execPath = program
    sentinel = new Sentinel({ ...silentLogger, warn }, fileURLToPath(import.meta.url))
    await vi.waitFor(() => expect(told).toHaveLength(1), 5_000)
    expect(told[0]?.waitMs).toBe(1_000)
    expect(told[0]?.why).toContain(why)
  })
})

describe('a sentinel', () => {
  it('R55: is not thought of before the service has heard that it leads', async () => {
    const bench = new Bench(['a'])
    const order: string[] = []
    const witness = (): void => void order.push('witness')
    const transport = Object.assign(new HubTransport(bench.hub, 'a'), { witness })
    const { elector } = bench.process('a', { sentinel: true, transport, logger: silentLogger })
    const election = elector.election('e')
    election.on('elected', () => order.push('elected'))
    const started = elector.start()
    await bench.world.run()
    await started
    await election.resign({ cooldownMs: 0 })
    await bench.world.run(1)
    expect(order).toEqual(['elected', 'witness', 'elected'])
  })
})
