/**
 * `npm run fuzz`: bytes, files, records, options and connections that nobody should send, against the shipping code (E6).
 *
 *   --minutes M    for that long (default 1)            --count N    until that many inputs, instead
 *   --seed S       first seed (default: random, printed)   --only T   only targets whose name contains T
 *
 * Every input follows from the seed of its round. Exit code 1 if a promise broke, with the seed; the table at the end
 * counts inputs by target, and the memory of the process before and after.
 */
import { parseArgs } from 'node:util'
import { grammarTarget, mutationTarget } from './codec'
import { messagesTarget, sealTarget, strangerTarget, streamTarget } from './handshake'
import { Live, malformedTarget, nonsenseTarget, slowTarget, strangersTarget } from './live'
import { optionsTarget, recordsTarget } from './options'
import { storageTarget } from './storage'
import type { Target } from './target'

/** How long a target goes on before the next one has its turn, ms; frames get most of the time. */
const TURN_MS = 400
const SHARE: Readonly<Record<string, number>> = {
  'frames by grammar -> codec': 8,
  'frames mutated and noise -> codec': 8,
}
const MAX_HEAP_GROWTH = 48 * 2 ** 20

function collect(): { readonly heap: number; readonly rss: number } {
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  return { heap: heapUsed, rss }
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

/** Rounds of one target until its turn is over; returns the next seed. */
async function turn(target: Target, seed: number, ms: number): Promise<number> {
  let next = seed
  for (const end = Date.now() + ms; Date.now() < end; next = (next + 1) >>> 0) {
    try {
      await target.round(next)
    } catch (error) {
      console.log(`\nBROKEN: ${target.name}, seed ${next}`)
      console.log(`replay: npm run fuzz -- --seed ${next} --only '${target.name}' --count 1`)
      throw error
    }
  }
  return next
}

function table(targets: readonly Target[]): string {
  const row = (cells: readonly (string | number)[]) =>
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(46) : String(cell).padStart(13))).join('')
  const total = targets.reduce((sum, { count }) => sum + count.inputs, 0)
  return [
    row(['target', 'inputs', 'accepted', 'refused']),
    ...targets.map(({ name, count }) => row([name, count.inputs, count.accepted, count.refused])),
    row(['all', total]),
  ].join('\n')
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      count: { type: 'string' },
      seed: { type: 'string' },
      only: { type: 'string', default: '' },
    },
  })
  const limit = values.count === undefined ? Number.POSITIVE_INFINITY : Number(values.count)
  const minutes = values.count === undefined ? Number(values.minutes) : Number.POSITIVE_INFINITY
  const first = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
  if (Number.isNaN(limit) || !(minutes > 0) || !Number.isSafeInteger(first))
    throw new Error('numbers, please')
  const live = new Live()
  const targets = [
    ...[grammarTarget(), mutationTarget(), messagesTarget(), streamTarget(), strangerTarget(), sealTarget()],
    ...[storageTarget(), recordsTarget(), optionsTarget()],
    ...[strangersTarget(live), slowTarget(live), malformedTarget(live), nonsenseTarget(live)],
  ].filter(({ name }) => name.includes(values.only))
  const needsLive = targets.some(({ name }) => name.includes('live'))
  if (needsLive) await live.start()
  console.log(`fuzzing ${targets.length} targets, seeds from ${first}`)
  const until = Date.now() + minutes * 60_000
  const done = () => targets.reduce((sum, { count }) => sum + count.inputs, 0)
  const seeds = new Map(targets.map((target) => [target, first]))
  let before: ReturnType<typeof collect> | null = null
  let shown = Date.now()
  const lap = async (): Promise<void> => {
    for (const target of targets) {
      const ms = TURN_MS * (SHARE[target.name] ?? 1)
      seeds.set(target, await turn(target, seeds.get(target) as number, ms))
      if (Date.now() >= until || done() >= limit) return
    }
  }
  try {
    while (Date.now() < until && done() < limit) {
      await lap()
      // The first lap compiles and fills caches: what is there after it has to be enough for all that follow.
      before ??= collect()
      if (Date.now() - shown < 30_000) continue
      shown = Date.now()
      console.log(`${done()} inputs, ${Math.max(0, Math.round((until - Date.now()) / 1000))} s to go`)
    }
    const after = collect()
    console.log(`\n${table(targets)}`)
    const from = before ?? after
    console.log(`heap ${mib(from.heap)} -> ${mib(after.heap)}, rss ${mib(from.rss)} -> ${mib(after.rss)}`)
    console.log(`seeds ${first}..${Math.max(...seeds.values()) - 1}; no promise broke`)
    if (live.stalls > 0) console.log(`${live.stalls} rounds were run again because this machine stood still`)
    if (after.heap - from.heap > MAX_HEAP_GROWTH) throw new Error('the heap has grown')
  } finally {
    if (needsLive) await live.stop()
  }
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    console.error(`\n${event}:`, error)
    process.exit(1)
  })
}
await main()
