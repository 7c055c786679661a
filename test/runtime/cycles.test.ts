/**
 * Goal: leaderships that come and go leave nothing behind (B.11). Method: ten thousand of them, with work that listens to its
 * signal, waiters and an iterator; the heap and every count before and after.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { alone, settle } from './harness'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

async function heapUsed(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    await settle()
    gc()
  }
  return process.memoryUsage().heapUsed
}

it('B.11: ten thousand leaderships: no listener, timer, wait or heap is left behind', async () => {
  const { bench, world, one } = await alone()
  const election = one.elector.election('e')
  let runs = 0
  const lead = election.lead(async ({ signal }) => {
    runs += 1
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  })
  let views = 0
  const consumed = (async () => {
    for await (const _view of election.changes()) views += 1
  })()
  const controller = new AbortController()
  const cycle = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await Promise.all([
        election.waitForLeader({ signal: controller.signal }),
        election.resign({ cooldownMs: 0 }),
      ])
      await world.run(1)
    }
    world.log.length = 0
    one.storage.writes.length = 0
  }
  await bench.start(one)
  await world.run(10)
  await cycle(2_000)
  const before = await heapUsed()
  await cycle(8_000)
  const growth = (await heapUsed()) - before
  expect(runs).toBe(10_001)
  expect(views).toBeGreaterThan(10_000)
  expect(growth).toBeLessThan(1024 * 1024)
  expect(one.clock.timersPending).toBeLessThanOrEqual(2)
  expect(election.status().history).toHaveLength(16)
  const stopped = one.elector.stop()
  await world.run(10)
  await Promise.all([stopped, lead, consumed])
  expect(one.clock.timersPending).toBe(0)
}, 60_000)
