/**
 * Runs many seeds in worker processes, a few at a time, and adds up what they report. One worker means this process.
 *
 * A worker is this same program started again with `--worker`, so that it works from the sources as from the build. Seeds
 * are handed out in order; which worker runs one changes nothing. Ends early when the time is up, when it is told to, or
 * after `MOST_VIOLATIONS`. Read next: `simulate.ts`.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { type ProfileName, runSeed } from '../simulation'
import { add, addRun, emptyTally, type Tally } from './tally'

/** A seed in whose run a property broke. */
export interface Finding {
  readonly seed: number
  readonly property: string
  readonly text: string
}

/** Seeds `from` to `from + count - 1`. */
interface Order {
  readonly from: number
  readonly count: number
  readonly profile: ProfileName | null
}

/** What came of an order. */
export interface Answer {
  readonly tally: Tally
  readonly findings: readonly Finding[]
}

/** What is to be run. */
export interface SwarmJob extends Order {
  readonly workers: number
  /** True: hand out no more seeds. */
  readonly enough: () => boolean
  /** Called after each answer with all that is known so far. */
  readonly progress: (tally: Tally, findings: readonly Finding[], latest: readonly Finding[]) => void
}

/** Seeds that a worker gets at once. */
const CHUNK = 20
/** Nobody reads more of them than that. */
const MOST_VIOLATIONS = 20

/** Runs a few seeds in this process. */
function runOrder({ from, count, profile }: Order): Answer {
  const tally = emptyTally()
  const findings: Finding[] = []
  const before = process.cpuUsage()
  for (let seed = from; seed < from + count; seed++) {
    const result = runSeed(seed, profile === null ? {} : { profile })
    addRun(tally, result)
    const [first] = result.violations
    if (first !== undefined) findings.push({ seed, property: first.property, text: first.text })
  }
  const { user, system } = process.cpuUsage(before)
  tally.cpuSeconds = (user + system) / 1e6
  return { tally, findings }
}

/** Runs the job to its end; the findings in order of their seeds. */
export async function runSwarm(job: SwarmJob): Promise<Answer> {
  const tally = emptyTally()
  const findings: Finding[] = []
  const end = job.from + job.count
  let next = job.from
  const workers = Math.max(1, Math.min(job.workers, Math.ceil(job.count / CHUNK)))
  const work = async (): Promise<void> => {
    const worker = workers === 1 ? null : startWorker()
    try {
      while (next < end && findings.length < MOST_VIOLATIONS && !job.enough()) {
        const order: Order = { from: next, count: Math.min(CHUNK, end - next), profile: job.profile }
        next += order.count
        const answer = worker === null ? await runHere(order) : await ask(worker, order)
        add(tally, answer.tally)
        findings.push(...answer.findings)
        job.progress(tally, findings, answer.findings)
      }
    } catch (error) {
      next = end // the others need not go on
      throw error
    } finally {
      if (worker?.connected === true) worker.disconnect()
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  return { tally, findings: findings.sort((a, b) => a.seed - b.seed) }
}

/** Takes orders from the parent until it is gone. What a worker process does. */
export function serveOrders(parent: NodeJS.Process): Promise<void> {
  // Ctrl-C reaches the whole group: the parent decides when it is enough.
  parent.on('SIGINT', () => {})
  parent.on('message', (order: Order) => parent.send?.(runOrder(order)))
  return new Promise((resolve) => parent.once('disconnect', resolve))
}

function startWorker(): ChildProcess {
  return fork(process.argv[1] ?? '', ['simulate', '--worker'], { execArgv: process.execArgv })
}

/** One chunk, then a turn of the loop, so that a signal is heard. */
function runHere(order: Order): Promise<Answer> {
  return new Promise((resolve) => setImmediate(() => resolve(runOrder(order))))
}

function ask(worker: ChildProcess, order: Order): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const seeds = `in the seeds ${order.from} to ${order.from + order.count - 1}`
    const died = (code: number | null): void =>
      reject(new Error(`a worker died with ${code ?? 'a signal'} ${seeds}`))
    const failed = (error: Error | null): void => {
      if (error !== null) reject(new Error(`a worker cannot be reached ${seeds}: ${error.message}`))
    }
    worker.once('exit', died)
    worker.once('error', failed)
    worker.once('message', (answer) => {
      worker.off('exit', died)
      worker.off('error', failed)
      resolve(answer as Answer)
    })
    worker.send(order, failed)
  })
}
