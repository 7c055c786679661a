/**
 * `npm run simulate`: swarm simulation of the shipping core and runtime (PROTOCOL D.2).
 *
 *   --seeds N      that many seeds (default 500)          --seed S    first seed (default: random, printed)
 *   --minutes M    as many seeds as fit into that time    --profile P lan, wan, extreme, restarts, partitions, calm
 *   --workers W    processes (default: one per core)      --trace     print the trace of one seed (with --seed)
 *
 * Exit code 1 if a property broke; then the seed, the shrunk plan and the command that replays it are printed.
 */
import { fork } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { PROFILES, type ProfileName, runPlan, runSeed, shrinkPlan } from 'conclave/simulation'
import { add, emptyTally, report, type Tally } from './tally'

const CHUNK = 25
const TRACE = {}

interface Order {
  readonly from: number
  readonly count: number
  readonly profile: ProfileName | null
}

interface Answer {
  readonly tally: Tally
  readonly violations: readonly { readonly seed: number; readonly property: string; readonly text: string }[]
}

/** Runs a few seeds; what a worker process does. */
function runChunk({ from, count, profile }: Order): Answer {
  const tally = emptyTally()
  const violations: { seed: number; property: string; text: string }[] = []
  const before = process.cpuUsage()
  for (let seed = from; seed < from + count; seed++) {
    const result = runSeed(seed, profile === null ? {} : { profile })
    add(tally, result)
    for (const { property, text } of result.violations) violations.push({ seed, property, text })
  }
  const { user, system } = process.cpuUsage(before)
  tally.cpuSeconds = (user + system) / 1e6
  return { tally, violations }
}

/** Hands chunks to workers until the seeds or the minutes are used up. */
async function runSwarm(
  first: number,
  seeds: number,
  until: number,
  profile: ProfileName | null,
  workers: number,
): Promise<Answer> {
  const total = emptyTally()
  const violations: Answer['violations'][number][] = []
  const began = Date.now()
  let next = first
  let shown = 0
  const progress = (): void => {
    const now = Date.now()
    if (now - shown < (process.stdout.isTTY ? 200 : 15_000)) return
    shown = now
    const part = until === Number.POSITIVE_INFINITY ? total.runs / seeds : (now - began) / (until - began)
    const bar = '#'.repeat(Math.round(30 * Math.min(1, part))).padEnd(30, '.')
    const line = `[${bar}] ${total.runs} runs, ${violations.length} violations, ${Math.round((now - began) / 1000)} s`
    if (process.stdout.isTTY) process.stdout.write(`\r${line}`)
    else console.log(line)
  }
  await Promise.all(
    Array.from({ length: workers }, async () => {
      const child = fork(fileURLToPath(import.meta.url), ['--worker'], { execArgv: process.execArgv })
      try {
        while (next < first + seeds && Date.now() < until) {
          const order: Order = { from: next, count: Math.min(CHUNK, first + seeds - next), profile }
          next += order.count
          const answer = await new Promise<Answer>((resolve, reject) => {
            child.once('message', resolve)
            child.once('exit', () => reject(new Error(`a worker died in seeds ${order.from}..${next - 1}`)))
            child.send(order)
          })
          child.removeAllListeners('exit')
          add(total, answer.tally)
          violations.push(...answer.violations)
          progress()
        }
      } finally {
        child.disconnect()
      }
    }),
  )
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K')
  return { tally: total, violations }
}

function explain({ seed, property, text }: Answer['violations'][number], profile: ProfileName | null): void {
  const option = profile === null ? '' : ` --profile ${profile}`
  console.log(`\nVIOLATION of ${property}, seed ${seed}: ${text}`)
  console.log(`replay: npm run simulate -- --seeds 1 --seed ${seed}${option} --trace`)
  const { plan } = runSeed(seed, profile === null ? {} : { profile })
  const shrunk = shrinkPlan(plan, property)
  console.log(
    `smallest plan found (${plan.steps.length} -> ${shrunk.plan.steps.length} faults, ${shrunk.runs} runs):`,
  )
  for (const { at, action } of shrunk.plan.steps)
    console.log(`  ${at.toFixed(3).padStart(10)} ms  ${JSON.stringify(action)}`)
  const { trace } = runPlan(shrunk.plan, { trace: TRACE })
  console.log(`the last of its trace:\n${trace?.split('\n').slice(-40).join('\n') ?? ''}`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      minutes: { type: 'string' },
      profile: { type: 'string' },
      workers: { type: 'string' },
      trace: { type: 'boolean', default: false },
    },
  })
  const profile = (values.profile ?? null) as ProfileName | null
  if (profile !== null && !PROFILES.includes(profile))
    throw new Error(`--profile: one of ${PROFILES.join(', ')}`)
  const first = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
  const minutes = values.minutes === undefined ? null : Number(values.minutes)
  const seeds = values.seeds === undefined ? (minutes === null ? 500 : 2 ** 31) : Number(values.seeds)
  if (![first, seeds, minutes ?? 0].every((each) => Number.isFinite(each) && each >= 0))
    throw new Error('numbers, please')
  if (values.trace) {
    console.log(runSeed(first, { ...(profile === null ? {} : { profile }), trace: TRACE }).trace)
    return
  }
  const until = minutes === null ? Number.POSITIVE_INFINITY : Date.now() + minutes * 60_000
  const workers = Math.max(1, Number(values.workers ?? cpus().length))
  console.log(
    `seeds from ${first}, ${profile ?? 'all profiles'}, 60 simulated seconds of faults each, ${workers} workers`,
  )
  const began = Date.now()
  const { tally, violations } = await runSwarm(first, seeds, until, profile, workers)
  console.log(report(tally, violations.length, (Date.now() - began) / 1000))
  console.log(`seeds ${first}..${first + tally.runs - 1}`)
  const [worst] = violations
  if (worst !== undefined) explain(worst, profile)
  process.exitCode = violations.length > 0 ? 1 : 0
}

if (process.argv.includes('--worker')) {
  process.on('message', (order: Order) => process.send?.(runChunk(order)))
  process.on('disconnect', () => process.exit())
} else {
  await main()
}
