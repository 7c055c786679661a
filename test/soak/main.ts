/**
 * `npm run soak -- --cycles N`: leaderships that come and go by the hundred thousand leave nothing behind (B.11).
 *
 *   --cycles N    leaderships won and lost (default 100,000)
 *
 * The shipping runtime over the shipping core, in manual time: one process alone, whose leadership ends in every way that
 * user code can end it, and three that hand over to each other and are cut off. Each cycle uses what a service uses: events,
 * a signal, work, waiters, views, verification. Exit code 1 if the heap grew by 1 MiB or more after the warm-up, or if
 * any handle, timer or listener is there that was not. Needs `node --expose-gc`.
 */
import { getEventListeners } from 'node:events'
import { parseArgs } from 'node:util'
import type { Election } from '../../src/runtime/api'
import { Bench, settle, type TestProcess } from '../runtime/harness'

const MAX_GROWTH = 2 ** 20
const BATCH = 500
/** Before anything is measured: the compiler has done its work, and what fills up once is full. */
const WARM_UP = 10_000
/** Of each batch, those of the three processes. */
const SHARED = 50

/** What must not grow. */
interface Counts {
  readonly heap: number
  readonly handles: number
  readonly timers: number
  readonly listeners: number
}

/** Leaderships of one process alone. */
class Alone {
  readonly process: TestProcess
  readonly election: Election
  readonly bench = new Bench(['a'])
  readonly never = new AbortController()
  gained = 0
  lost = 0
  views = 0
  private finish: (() => void) | null = null
  private fail: ((error: Error) => void) | null = null
  private running: Promise<void> | null = null

  constructor() {
    this.process = this.bench.process('a')
    this.election = this.process.elector.election('e')
  }

  async start(): Promise<void> {
    const { election } = this
    election.on('elected', () => {
      this.gained += 1
    })
    election.on('revoked', () => {
      this.lost += 1
    })
    await this.bench.start(this.process)
    this.running = election.lead(
      ({ signal }) =>
        new Promise<void>((resolve, reject) => {
          this.finish = resolve
          this.fail = reject
          signal.addEventListener('abort', () => resolve(), { once: true })
        }),
      { onReturn: 'resign', onThrow: 'resign', cooldownMs: 0, signal: this.never.signal },
    )
    void (async () => {
      for await (const _view of election.changes()) this.views += 1
    })()
    await this.bench.world.run(10)
  }

  /** One leadership, from before its begin to after its end, which comes in the way that is next. */
  async cycle(n: number): Promise<void> {
    const { election, never } = this
    const { world } = this.bench
    const once = (): void => {
      election.off('revoked', once)
    }
    election.on('revoked', once)
    const waited = election.waitForLeader({ signal: never.signal, timeoutMs: 60_000 })
    const verified = n % 5 === 0 ? election.verify({ signal: never.signal }) : null
    const views = n % 7 === 0 ? election.changes() : null
    const seen = views?.next()
    let ended: Promise<unknown> = Promise.resolve()
    if (n % 3 === 0) ended = election.resign({ cooldownMs: 0 })
    else if (n % 3 === 1) this.finish?.()
    else this.fail?.(new Error('the work failed'))
    await world.run(1)
    await Promise.all([ended, waited, verified, seen])
    await views?.return?.()
    if (n % 11 === 0) await election.runIfLeader(() => n)
  }

  async stop(): Promise<void> {
    const stopped = this.process.elector.stop()
    await this.bench.world.run(10)
    await Promise.all([stopped, this.running])
  }
}

/** Leaderships that go round between three processes. */
class Three {
  readonly bench = new Bench(['a', 'b', 'c'])
  readonly processes = ['a', 'b', 'c'].map((id) => this.bench.process(id))
  readonly elections = this.processes.map(({ elector }) => elector.election('e'))
  gained = 0

  async start(): Promise<void> {
    for (const election of this.elections) {
      election.on('elected', () => {
        this.gained += 1
      })
      void election.lead(
        ({ signal }) =>
          new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
      )
    }
    await this.bench.start(...this.processes)
    await this.bench.world.run(3_000)
  }

  async cycle(n: number): Promise<void> {
    const { world, hub } = this.bench
    const before = this.gained
    const leader = this.elections.find((election) => election.isLeader()) as Election
    if (n % 10 === 0) hub.isolate(leader.id)
    else {
      const to = this.elections[(this.elections.indexOf(leader) + 1) % 3] as Election
      void leader.resign(n % 2 === 0 ? { to: to.id, cooldownMs: 0 } : { cooldownMs: 50 })
    }
    while (this.gained === before) await world.run(20)
    hub.heal()
    await world.run(n % 10 === 0 ? 500 : 20)
  }

  async stop(): Promise<void> {
    const stopped = Promise.all(this.processes.map(({ elector }) => elector.stop()))
    await this.bench.world.run(20_000)
    await stopped
  }
}

/** What the benches write down for tests grows, and is none of the library's. */
function forget(bench: Bench, processes: readonly TestProcess[]): void {
  bench.world.log.length = 0
  for (const { storage, transport } of processes) {
    storage.writes.length = 0
    transport.sent.length = 0
  }
}

async function measure(alone: Alone, three: Three): Promise<Counts> {
  forget(alone.bench, [alone.process])
  forget(three.bench, three.processes)
  for (let i = 0; i < 4; i++) {
    await settle()
    globalThis.gc?.()
  }
  const all = [alone.process, ...three.processes]
  return {
    heap: process.memoryUsage().heapUsed,
    handles: process.getActiveResourcesInfo().length,
    timers: all.reduce((sum, { clock }) => sum + clock.timersPending, 0),
    listeners:
      getEventListeners(alone.never.signal, 'abort').length +
      all.reduce((sum, one) => sum + one.process.listenerCount('exit'), process.listenerCount('exit')),
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { cycles: { type: 'string', default: '100000' } } })
  const cycles = Number(values.cycles)
  if (!Number.isSafeInteger(cycles) || cycles < 10 * BATCH)
    throw new Error(`--cycles: a whole number from ${10 * BATCH} on`)
  if (globalThis.gc === undefined) throw new Error('start it with node --expose-gc')
  const alone = new Alone()
  const three = new Three()
  await alone.start()
  await three.start()
  const began = process.hrtime.bigint()
  const batch = async (from: number): Promise<void> => {
    for (let n = 0; n < BATCH; n++) await (n < SHARED ? three : alone).cycle(from + n)
    forget(alone.bench, [alone.process])
    forget(three.bench, three.processes)
  }
  const look = async (done: number): Promise<Counts> => {
    const counts = await measure(alone, three)
    const { heap, handles, timers, listeners } = counts
    const seconds = Number(process.hrtime.bigint() - began) / 1e9
    console.log(
      `${String(done).padStart(9)} cycles  ${seconds.toFixed(0).padStart(4)} s  heap ${(heap / 2 ** 20).toFixed(3)} MiB  ` +
        `handles ${handles}  timers ${timers}  listeners ${listeners}`,
    )
    return counts
  }
  for (let done = 0; done < WARM_UP; done += BATCH) await batch(done)
  const first = await look(0)
  let last = first
  for (let done = BATCH; done <= cycles; done += BATCH) {
    await batch(done)
    if (done % (cycles / 10) < BATCH) last = await look(done)
  }
  const faults: string[] = []
  const growth = last.heap - first.heap
  if (growth >= MAX_GROWTH) faults.push(`the heap grew by ${(growth / 2 ** 20).toFixed(3)} MiB`)
  for (const key of ['handles', 'timers', 'listeners'] as const) {
    if (last[key] > first[key]) faults.push(`${key} went from ${first[key]} to ${last[key]}`)
  }
  if (alone.gained !== alone.lost + 1) faults.push(`${alone.gained} gained, ${alone.lost} lost`)
  const wins = alone.gained + three.gained
  if (wins < cycles + WARM_UP) faults.push(`${wins} leaderships in ${cycles} cycles`)
  const history = alone.election.status().history.length
  await alone.stop()
  await three.stop()
  const left = [alone.process, ...three.processes].reduce((sum, { clock }) => sum + clock.timersPending, 0)
  if (left > 0) faults.push(`${left} timers after stop()`)
  console.log(
    `${wins} leaderships, ${alone.views} views, history ${history}; heap ${growth >= 0 ? '+' : ''}${(growth / 1024).toFixed(1)} KiB ` +
      `since the warm-up; ${left} timers after stop()`,
  )
  for (const fault of faults) console.log(`FAULT: ${fault}`)
  process.exitCode = faults.length > 0 ? 1 : 0
}

await main()
