/**
 * Elections that nobody needed: a leader that lives and is only late (goal 12). Real processes over loopback, D = 150 ms.
 *
 * Three parts, each with its trials in turn: the leader's main thread churns a heap, with and without `worker`; a leader is
 * frozen (SIGSTOP) and must be replaced all the same; the cores are oversubscribed, with fixed and with adaptive promises.
 * Beside the first part: how often a bare thread, which only ticks, was not run for as long as D. Elections in such a minute are
 * the machine's.
 * `--minutes=30` for the long run (default 1, per mode), `--heap-mb=400`, `--part=heap|frozen|busy`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Cluster, type ClusterOptions, clockMs } from '../real/cluster'
import { head, line, ratio, say, summary, value } from './stats'

const PROMISE_MS = 150
/** A slice of a mode; then it is the other one's turn. */
const SLICE_MS = 30_000
const FREEZES = 12
const BUSY_PER_CORE = 3
const MODES = { fixed: {}, adaptive: { adaptive: { maxPromiseMs: 2 * PROMISE_MS } } } as const

interface Run {
  falseElections: number
  /** Why those leaderships ended. */
  readonly reasons: Map<string, number>
  /** Times that a bare thread was not run for half of D, and the longest, ms. */
  pauses: number
  longestMs: number
  minutes: number
  readonly detectionMs: number[]
}

const run = (): Run => ({
  falseElections: 0,
  reasons: new Map(),
  pauses: 0,
  longestMs: 0,
  minutes: 0,
  detectionMs: [],
})

function numberOf(flags: readonly string[], name: string, or: number): number {
  const flag = flags.find((each) => each.startsWith(`--${name}=`))
  return flag === undefined ? or : Number(flag.slice(name.length + 3))
}

/** Three processes of which one leads and none is ill; `started` before anything disturbs them. */
async function clusterOf(options: Pick<ClusterOptions, 'settings' | 'timing'>): Promise<Cluster> {
  // a disk that is slow because the cores are busy is no failure of the disk (its limit is D unless it is given)
  const settings = { storageTimeoutMs: 10_000, ...options.settings }
  const cluster = new Cluster({ size: 3, writeMs: null, sampleMs: 20, durable: true, ...options, settings })
  await cluster.start()
  await cluster.reignNumber(1, 60_000)
  await sleep(2_000)
  return cluster
}

const timing = (more: object = {}) => ({ promiseMs: PROMISE_MS, stepMs: 10, maxPromiseMs: 1_000, ...more })

/** Watches a healthy cluster for a while: each new leader is one too many. */
async function watch(
  cluster: Cluster,
  forMs: number,
  into: Run,
  each: (leader: string) => void,
): Promise<void> {
  const before = cluster.reigns.length
  const end = clockMs() + forMs
  const bare = pauses()
  while (clockMs() < end) {
    if (cluster.leader !== null) each(cluster.leader)
    await sleep(Math.min(250, Math.max(1, end - clockMs())))
  }
  const { count, longestMs } = await bare.stop()
  into.pauses += count
  into.longestMs = Math.max(into.longestMs, longestMs)
  into.falseElections += cluster.reigns.length - before
  for (const { revoked } of cluster.reigns.slice(before - 1, -1)) {
    const reason = revoked[0]?.reason ?? 'unknown'
    into.reasons.set(reason, (into.reasons.get(reason) ?? 0) + 1)
  }
  into.minutes += forMs / 60_000
}

/** A thread that does nothing but tick: what the scheduler of this machine keeps from any thread. */
function pauses(): { stop(): Promise<{ count: number; longestMs: number }> } {
  const program = `
    const { parentPort, workerData } = require('node:worker_threads')
    let last = performance.now(), count = 0, longestMs = 0
    setInterval(() => {
      const now = performance.now()
      if (now - last > workerData) count += 1
      longestMs = Math.max(longestMs, now - last)
      last = now
    }, 10)
    parentPort.on('message', () => parentPort.postMessage({ count, longestMs }))`
  const thread = new Worker(program, { eval: true, workerData: PROMISE_MS / 2 })
  return {
    stop: async () => {
      thread.postMessage('')
      const [found] = await once(thread, 'message')
      await thread.terminate()
      return found as { count: number; longestMs: number }
    },
  }
}

/** Freezes the leader; how long until another one leads. */
async function detection(cluster: Cluster): Promise<number | null> {
  const old = cluster.leader
  if (old === null) return null
  const before = cluster.reigns.length
  const at = cluster.signal(old, 'SIGSTOP')
  const next = await cluster.reignNumber(before + 1, 60_000)
  cluster.signal(old, 'SIGCONT')
  await sleep(1_500)
  return next.id === old ? null : next.electedAt - at
}

function check(cluster: Cluster): void {
  const violations = cluster.violations()
  cluster.stop()
  if (violations.length > 0) throw new Error(violations.join('\n'))
}

const perHour = ({ falseElections, minutes }: Run) => (falseElections / minutes) * 60

async function heap(minutes: number, heapMb: number): Promise<void> {
  head(`false elections: leader churns a heap of ${heapMb} MB, D ${PROMISE_MS} ms, ${minutes} min each`)
  const runs = { main: run(), worker: run() }
  for (let left = minutes * 60_000; left > 0; left -= SLICE_MS) {
    for (const mode of ['main', 'worker'] as const) {
      const settings = mode === 'worker' ? { worker: true, mainThreadLimitMs: 5_000 } : {}
      const cluster = await clusterOf({ timing: timing(), settings })
      let churning: string | null = null
      await watch(cluster, Math.min(left, SLICE_MS), runs[mode], (leader) => {
        if (churning === leader) return
        // only the leader does: whoever was it before has its cores and its memory for itself again
        if (churning !== null) cluster.order(churning, { kind: 'churn', heapMb: 0 })
        churning = leader
        cluster.order(leader, { kind: 'churn', heapMb })
      })
      check(cluster)
    }
  }
  value('in the main thread', perHour(runs.main), 'per hour')
  value('worker: true', perHour(runs.worker), 'per hour', '0')
  for (const [mode, { reasons, pauses: count, longestMs, minutes: span }] of Object.entries(runs)) {
    value(`${mode}: a bare thread not run for ${PROMISE_MS / 2} ms`, (count / span) * 60, 'per hour')
    value(`${mode}: the longest of that`, longestMs, 'ms')
    say(
      `${mode}: ended as ${[...reasons].map(([reason, times]) => `${reason} ${times}`).join(', ') || 'none'}`,
    )
  }
}

async function frozen(): Promise<void> {
  head(`a frozen leader (SIGSTOP) is replaced, D ${PROMISE_MS} ms, worker: true`)
  const cluster = await clusterOf({ timing: timing(), settings: { worker: true } })
  const votes: number[] = []
  const detections: number[] = []
  for (let i = 0; i < FREEZES; i++) {
    const took = await detection(cluster)
    if (took !== null) detections.push(took)
    const { leader } = cluster
    if (leader === null) continue
    const at = clockMs()
    const count = cluster.reigns.length
    cluster.order(leader, { kind: 'resign', to: null })
    votes.push((await cluster.reignNumber(count + 1)).electedAt - at)
    await sleep(500)
  }
  check(cluster)
  const vote = line('hand-over, as a vote round', votes, 'ms')
  const limitMs = PROMISE_MS + 2 * vote.p50
  line('SIGSTOP to the next leader', detections, 'ms', `p50 <= ${limitMs.toFixed(0)}`)
}

async function busy(minutes: number): Promise<void> {
  head(`false elections: ${BUSY_PER_CORE} busy processes per core, D ${PROMISE_MS} ms, ${minutes} min each`)
  const runs = { fixed: run(), adaptive: run() }
  for (let left = minutes * 60_000; left > 0; left -= SLICE_MS) {
    for (const mode of ['fixed', 'adaptive'] as const) {
      const cluster = await clusterOf({ timing: timing(MODES[mode]) })
      const burners = Array.from({ length: BUSY_PER_CORE * cpus().length }, burner)
      try {
        // what it learns in the first seconds is no election that it could have avoided
        await sleep(3_000)
        await watch(cluster, Math.min(left, SLICE_MS), runs[mode], () => {})
        for (let i = 0; i < 3; i++) {
          const took = await detection(cluster)
          if (took !== null) runs[mode].detectionMs.push(took)
        }
      } finally {
        for (const each of burners) each.kill('SIGKILL')
      }
      check(cluster)
    }
  }
  const { fixed, adaptive } = runs
  value('fixed', perHour(fixed), 'per hour')
  value('adaptive', perHour(adaptive), 'per hour')
  if (fixed.falseElections > 0) ratio('adaptive over fixed', perHour(adaptive) / perHour(fixed), '<= 0.1')
  else say('no false election with fixed promises: this machine was not busy enough to compare')
  line('SIGSTOP to the next leader, fixed', fixed.detectionMs, 'ms')
  line('SIGSTOP to the next leader, adaptive', adaptive.detectionMs, 'ms')
  ratio('p50 over p50', summary(adaptive.detectionMs).p50 / summary(fixed.detectionMs).p50, '<= 2')
}

function burner(): ChildProcess {
  return spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
}

/** `npm run bench -- false-elections`. */
export async function benchFalseElections(flags: readonly string[]): Promise<void> {
  const minutes = numberOf(flags, 'minutes', 1)
  const part = flags.find((each) => each.startsWith('--part='))?.slice(7)
  if (part === undefined || part === 'heap') await heap(minutes, numberOf(flags, 'heap-mb', 400))
  if (part === undefined || part === 'frozen') await frozen()
  if (part === undefined || part === 'busy') await busy(minutes)
}
