/**
 * `npm run mutants`: switches the rules of the protocol off, one by one, and shows what notices.
 *
 *   --only T        mutants with the words T in their names, as R7         --seeds N     seeds per start (default 200)
 *   --workers W     processes (default: one per core)     --starts S    starts per mutant (default 5)
 *   --fresh         random starts, printed                --record      writes recorded.json and README.md beside this file
 *   --missing       only mutants that the record does not have
 *   --markdown      prints the table of the last record, runs nothing
 *
 * Each mutant is tried by its named test and by the swarm: from each start as many seeds as it takes until a property
 * breaks. Exit code 1 if one survives, or if the shipping sources fail what kills a mutant. Read next: `table/index.ts`.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { root } from './compile'
import { type Finding, hunt, isKilled, type Limits } from './hunt'
import { type Recording, readRecording, recordingOf } from './recording'
import { describeFinding, markdownOf } from './report'
import { MUTANTS } from './table'

/** Starts are that far apart, so no two runs of seeds overlap. */
const STRIDE = 1_000_000

/** A mutant that takes longer than this hangs. */
const PATIENCE_MS = 20 * 60_000

interface Order {
  readonly id: string
  readonly limits: Limits
}

/** Hands the mutants to worker processes; `onFound` hears of all that is known after each. */
async function huntAll(
  ids: readonly string[],
  limits: Limits,
  workers: number,
  onFound: (findings: readonly Finding[]) => void,
): Promise<Finding[]> {
  const found = new Map<string, Finding>()
  const inOrder = (): Finding[] => ids.flatMap((id) => found.get(id) ?? [])
  const queue = [...ids]
  const lane = async (): Promise<void> => {
    const worker = new Worker()
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      const finding = await worker.ask({ id, limits })
      found.set(id, finding)
      console.log(`${String(found.size).padStart(4)}/${ids.length}  ${describeFinding(finding)}`)
      onFound(inOrder())
    }
    worker.close()
  }
  await Promise.all(Array.from({ length: workers }, lane))
  return inOrder()
}

/** A process that hunts, one mutant after the other; made anew when a mutant took it down. */
class Worker {
  private child: ChildProcess | null = null

  ask(order: Order): Promise<Finding> {
    const child =
      this.child ?? fork(fileURLToPath(import.meta.url), ['--worker'], { execArgv: process.execArgv })
    this.child = child
    return new Promise((resolve) => {
      const settle = (finding: Finding): void => {
        clearTimeout(timer)
        child.removeAllListeners()
        resolve(finding)
      }
      const failed = (trouble: string): void => {
        this.child = null
        child.kill('SIGKILL')
        settle({ id: order.id, control: null, test: null, kills: [], trouble })
      }
      const timer = setTimeout(() => failed('it hangs'), PATIENCE_MS)
      child.once('message', settle)
      child.once('exit', (code) => failed(`its process ended with code ${code}`))
      child.send(order)
    })
  }

  close(): void {
    this.child?.disconnect()
  }
}

async function work({ id, limits }: Order): Promise<Finding> {
  const mutant = MUTANTS.find((each) => each.id === id)
  if (mutant === undefined) throw new Error(`no mutant ${id}`)
  try {
    return await hunt(mutant, limits)
  } catch (error) {
    return { id, control: null, test: null, kills: [], trouble: (error as Error).message }
  }
}

function optionsOf() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      seeds: { type: 'string', default: '200' },
      starts: { type: 'string', default: '5' },
      workers: { type: 'string', default: String(cpus().length) },
      fresh: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      missing: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
    },
  })
  const [seeds, starts, workers] = [values.seeds, values.starts, values.workers].map(Number)
  for (const each of [seeds, starts, workers]) {
    if (!Number.isSafeInteger(each) || (each as number) < 1) throw new Error('numbers from 1 on, please')
  }
  return { ...values, seeds: seeds as number, starts: starts as number, workers: workers as number }
}

async function main(): Promise<void> {
  const { only, seeds, starts, workers, fresh, record, missing, markdown } = optionsOf()
  if (markdown) {
    console.log(markdownOf(readRecording()))
    return
  }
  const former = readRecording()
  const wanted = (id: string): boolean =>
    ` ${id} `.includes(only === '' ? '' : ` ${only} `) && !(missing && id in former.mutants)
  const ids = MUTANTS.map(({ id }) => id).filter(wanted)
  const first = fresh ? Math.floor(Math.random() * 2 ** 30) : 1
  const limits: Limits = { seeds, starts: Array.from({ length: starts }, (_, i) => first + i * STRIDE) }
  console.log(
    `${ids.length} mutants, seeds from ${limits.starts.join(', ')}, at most ${seeds} each, ${workers} workers`,
  )
  const keep = (findings: readonly Finding[]): void => {
    if (record) save(recordingOf(limits, findings, former))
  }
  const findings = await huntAll(ids, limits, workers, keep)
  const survivors = findings.filter((finding) => !isKilled(finding))
  console.log(`\n${findings.length - survivors.length} of ${findings.length} mutants killed`)
  for (const finding of survivors) console.log(`SURVIVED: ${describeFinding(finding)}`)
  process.exitCode = survivors.length > 0 || findings.length === 0 ? 1 : 0
}

function save(recording: Recording): void {
  // lists of numbers on one line, as the formatter has them
  const json = JSON.stringify(recording, null, 2).replace(
    /\[\s+([^[\]{}]*?)\s+\]/g,
    (_, list: string) => `[${list.replace(/\s+/g, ' ')}]`,
  )
  writeFileSync(join(root, 'test/mutants/recorded.json'), `${json}\n`)
  writeFileSync(join(root, 'test/mutants/README.md'), markdownOf(recording))
}

if (process.argv.includes('--worker')) {
  process.on('message', async (order: Order) => {
    process.send?.(await work(order))
  })
  // what a mutant leaves behind may fail later, and is nobody's concern
  process.on('unhandledRejection', () => {})
} else {
  await main()
}
