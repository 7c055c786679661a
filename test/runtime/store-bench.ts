/**
 * A bench for services whose voters are stores: stores in memory that count their calls and can be cut off, slow or
 * forgetful, over the shipping runtime in manual time. Used by `stores.test.ts` and `../bugs/stores.test.ts`.
 */
import { expect } from 'vitest'
import type { StoreDurability } from '../../src/ports/cas-store'
import type { VoterStore } from '../../src/ports/voter-store'
import type { Elector } from '../../src/runtime/api'
import { createElector } from '../../src/runtime/create'
import type { ElectorOptions } from '../../src/runtime/options'
import { type MemoryCas, memoryCas } from '../../src/stores/memory-cas'
import { storeVoter } from '../../src/stores/voter'
import { FakeProcess, TestClock, type World } from './harness'

/** What is wrong with the way of one process to a store. */
export interface Way {
  /** Nothing passes: reads fail, writes are ambiguous. */
  now: boolean
  /** Writes are answered with an error, and not applied. */
  refuses?: boolean
  /** Writes of that key are applied so much later. */
  lateMs?: (key: string) => number
  /** Writes of that key are answered so much later. */
  slowMs?: (key: string) => number
  /** Writes of that key are applied, and their answer is lost. */
  losesAnswer?: (key: string) => boolean
}

/** A store in memory; calls take two milliseconds of manual time, are counted, and can fail. */
export class Server {
  readonly memory: MemoryCas
  reads = 0
  readonly written: string[] = []
  readonly values: { readonly at: number; readonly key: string; readonly value: string }[] = []
  isDown = false

  constructor(
    private readonly world: World,
    readonly name = 'memory',
    private readonly durability: StoreDurability = 'survives',
  ) {
    this.memory = memoryCas(durability)
  }

  /** The way of one process to it; `cut.now = true` closes it. */
  link(cut: Way = { now: false }): VoterStore {
    const { world, memory, name, durability } = this
    const wait = (ms: number) => new Promise<void>((resolve) => world.at(world.now + ms, resolve))
    const pass = () => wait(1)
    const error = new Error('no way to the store')
    return storeVoter({
      name,
      durability,
      timeoutMs: 1_000,
      read: async (keys) => {
        this.reads += 1
        await pass()
        if (cut.now || this.isDown) return { kind: 'failed', error }
        const found = await memory.read(keys)
        await pass()
        return found
      },
      write: async (key, version, value) => {
        this.written.push(key)
        this.values.push({ at: world.now, key, value })
        await wait(1 + (cut.lateMs?.(key) ?? 0))
        if (cut.refuses) return { kind: 'failed', error }
        if (cut.now || this.isDown) return { kind: 'ambiguous', error }
        const result = await memory.write(key, version, value)
        await wait(1 + (cut.slowMs?.(key) ?? 0))
        return cut.now || cut.losesAnswer?.(key) ? { kind: 'ambiguous', error } : result
      },
    })
  }

  sessionWrites(): number {
    return this.written.filter((key) => key.includes('/session/')).length
  }

  forget(): void {
    for (const key of this.memory.keys()) this.memory.remove(key)
  }
}

let seed = 1

/** A process over `voters`, not started. */
export function process(
  world: World,
  voters: ElectorOptions['voters'],
  options: Partial<ElectorOptions> = {},
) {
  const clock = new TestClock(world)
  const environment = {
    clock,
    random: () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return seed
    },
    process: new FakeProcess(),
    loopMonitor: null,
  }
  return createElector({ cluster: 'test', id: 'web', voters, environment, ...options })
}

/** Starts processes and runs until one of them leads. */
export async function elect(world: World, electors: readonly Elector[], name = 'job'): Promise<Elector> {
  const elections = electors.map((elector) => elector.election(name))
  const started = Promise.all(electors.map((elector) => elector.start()))
  await world.run()
  await started
  for (let i = 0; i < 200 && !elections.some((one) => one.isLeader()); i++) await world.run(100)
  const leaders = electors.filter((elector) => elector.election(name).isLeader())
  expect(leaders).toHaveLength(1)
  return leaders[0] as Elector
}
