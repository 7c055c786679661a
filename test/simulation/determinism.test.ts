/**
 * Goal: the same seed gives the same trace, to the byte, in every process; no iteration order, timer, clock or hash of the
 * machine leaks in. Method: a sample of seeds is run here and, in another order, in a fresh process; options are built anew
 * with their keys in the opposite order; whatever a process could leak is watched.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CHOSEN_PROFILES } from '../../src/simulation/plan'
import { SimCluster } from '../../src/simulation/sim-cluster'
import { Trace } from '../../src/simulation/trace'
import { hashedPlan, hashOf } from './trace-hash'

const SEEDS = Array.from({ length: 24 }, (_, i) => 31_000 + i)
const PROGRAM = fileURLToPath(new URL('trace-hash.ts', import.meta.url))

/** The same data with the keys of every object in the opposite order; lists keep theirs. */
function turned<T>(value: T): T {
  if (Array.isArray(value)) return value.map((each) => turned(each)) as T
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).reverse()
  return Object.fromEntries(entries.map(([key, each]) => [key, turned(each)])) as T
}

/** The hashes of this process, in order. */
const here = SEEDS.map((seed) => hashOf(hashedPlan(seed)))

afterEach(() => {
  vi.restoreAllMocks()
})

describe('determinism', () => {
  it('the sample holds every kind of world, with and without the real codec', () => {
    const plans = SEEDS.map(hashedPlan)
    expect(new Set(plans.map(({ profile }) => profile)).size).toBe(CHOSEN_PROFILES.length)
    expect(new Set(plans.map(({ setup }) => setup.network?.codec)).size).toBe(2)
    expect(new Set(here).size, 'no two are alike').toBe(SEEDS.length)
  })

  it('a fresh process, asked in another order, finds the same traces to the byte', () => {
    const turnedSeeds = [...SEEDS].reverse()
    const child = spawnSync(process.execPath, ['--import', 'tsx', PROGRAM, ...turnedSeeds.map(String)], {
      encoding: 'utf8',
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
    })
    expect(child.stderr).toBe('')
    expect(child.stdout.trim().split('\n').reverse()).toEqual(SEEDS.map((seed, i) => `${seed} ${here[i]}`))
  })

  it('the order in which options are written down does not matter', () => {
    for (const [i, seed] of SEEDS.slice(0, 12).entries()) {
      const plan = hashedPlan(seed)
      const other = turned(plan)
      expect(Object.keys(other)).not.toEqual(Object.keys(plan))
      expect(hashOf(other), `seed ${seed}`).toBe(here[i])
    }
  })

  it('two clusters that run in turns do not touch each other', () => {
    const make = (seed: number): { cluster: SimCluster; trace: Trace } => {
      const cluster = new SimCluster({ seed, quality: { jitterMs: 3, loss: 0.1, replay: 0.1 } })
      const trace = new Trace(cluster, { heartbeats: true })
      cluster.start()
      return { cluster, trace }
    }
    const alone = make(1)
    alone.cluster.run(10_000)
    const [first, second] = [make(1), make(2)]
    for (let i = 0; i < 1000; i++) {
      first.cluster.run(10)
      second.cluster.run(7)
    }
    expect(first.trace.text).toBe(alone.trace.text)
    expect(second.trace.text).not.toBe(alone.trace.text)
  })

  it('a run asks neither clock nor chance nor timer of the machine', () => {
    const spies = [
      vi.spyOn(Math, 'random'),
      vi.spyOn(Date, 'now'),
      vi.spyOn(performance, 'now'),
      vi.spyOn(process, 'hrtime'),
      vi.spyOn(globalThis, 'setTimeout'),
      vi.spyOn(globalThis, 'setInterval'),
      vi.spyOn(globalThis, 'setImmediate'),
      vi.spyOn(globalThis, 'queueMicrotask'),
      vi.spyOn(process, 'nextTick'),
      vi.spyOn(crypto, 'getRandomValues'),
    ]
    for (const seed of SEEDS.slice(0, 6)) hashOf(hashedPlan(seed))
    expect(spies.filter(({ mock }) => mock.calls.length > 0).map((spy) => spy.getMockName())).toEqual([])
  })
})
