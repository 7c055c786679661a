/**
 * `npm run bench -- elections`: many elections over three real processes, votes on disk, beside what three bare processes cost
 * that only tell each other that they live (`keep-alive-floor.mjs`), in the same run.
 *
 *   --counts=1,1000,10000,100000   how many elections    --seconds=5   length of each window
 *   --heartbeat=50                 interval, ms          --settle=0    rest before each window, s: processes that have just
 *                                                        begun still compile, and take more
 *
 * Per count: CPU of a core, bytes and heap per election while idle, after the leaders have spread; time from the start to the last
 * election led; then the process that leads nearest to a third is killed (-9): from the first election led anew, which is when its
 * death was noticed, to the last one. A round of votes is one write at who gives them: frames of the two that are left, heartbeats
 * included, over their writes.
 */
import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ElectionsCluster, optionOf } from './elections-cluster'
import { head, line, value } from './stats'

const SIZE = 3
/** How long support is promised; members look that often whether they lead too many. */
const PROMISE_MS = 2_000
/** Longest wait for leaders to spread, ms. */
const SPREAD_MS = 60_000
/** Leaderless for as long as this is a failure of the run, ms. */
const LIMIT_MS = 180_000

/** What is printed of one count. */
interface Row {
  readonly elections: number
  readonly cpuPercent: number
  readonly bytesPerSecond: number
  readonly framesPerSecond: number
  readonly heapBytesEach: number
  readonly coldMs: number
  readonly led: readonly number[]
  readonly killedLed: number
  readonly detectedMs: number
  readonly reledMs: number
  /** Leaderships of the survivors that ended, and not by a hand-over. */
  readonly lost: number
  readonly framesPerRound: number
  readonly stormWrites: number
  readonly stormBytes: number
}

/** What idle processes are watched for. */
interface Window {
  readonly heartbeatMs: number
  readonly seconds: number
  readonly settle: number
}

/** CPU time of a process so far, ms (Linux; to 10 ms). */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** CPU of a core that each of three bare processes needs, %. */
async function floorCpu({ heartbeatMs, seconds, settle }: Window): Promise<number> {
  const file = fileURLToPath(new URL('keep-alive-floor.mjs', import.meta.url))
  const children = Array.from({ length: SIZE }, () => fork(file, [String(heartbeatMs)]))
  try {
    const ports = await Promise.all(
      children.map(
        (child) =>
          new Promise<number>((resolve) => child.once('message', (m: { port: number }) => resolve(m.port))),
      ),
    )
    for (const [i, child] of children.entries()) child.send({ dial: ports.slice(0, i) })
    await sleep(1_500 + settle * 1000)
    const before = children.map(({ pid }) => cpuOf(pid ?? 0))
    await sleep(seconds * 1000)
    const used = children.map(({ pid }, i) => cpuOf(pid ?? 0) - (before[i] ?? 0))
    return mean(used) / seconds / 10
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

async function measure(elections: number, { heartbeatMs, seconds, settle }: Window): Promise<Row> {
  const timing = { preset: 'default', heartbeatMs } as const
  const cluster = new ElectionsCluster({ size: SIZE, elections, timing, security: 'hmac' })
  try {
    const born = await cluster.fork()
    const [started] = await Promise.all([cluster.untilLed(elections, LIMIT_MS), cluster.askAll('start')])
    const coldMs = (started.at(-1)?.atMs ?? 0) - (started[0]?.atMs ?? 0)
    await cluster.untilSettled(PROMISE_MS, SPREAD_MS)
    await sleep(settle * 1000)
    const before = await cluster.askAll('watch')
    await sleep(seconds * 1000)
    const idle = await cluster.askAll('watch')
    const per = (of: (i: number) => number) => mean(idle.map((_, i) => of(i)))
    const span = (i: number) => ((idle[i]?.atMs ?? 0) - (before[i]?.atMs ?? 0)) / 1000
    const grown = (key: 'cpuMs' | 'bytesSent' | 'framesSent') =>
      per((i) => ((idle[i]?.[key] ?? 0) - (before[i]?.[key] ?? 0)) / span(i))
    // collecting stops a process: whatever was lost by that is led again before the kill
    const rested = await cluster.askAll('read')
    const heap = per((i) => (rested[i]?.heapBytes ?? 0) - (born[i]?.heapBytes ?? 0))
    await cluster.untilLed(elections, LIMIT_MS)
    await sleep(2_000)
    const quiet = await cluster.askAll('watch')
    const third = elections / SIZE
    const victim = quiet.reduce(
      (best, { led }, i) => (Math.abs(led - third) < Math.abs((quiet[best]?.led ?? 0) - third) ? i : best),
      0,
    )
    const killedLed = quiet[victim]?.led ?? 0
    const survivors = quiet.filter((_, i) => i !== victim)
    const killedAt = cluster.kill(victim)
    const looks = await cluster.untilLed(elections, LIMIT_MS)
    const ofSurvivors = survivors.reduce((sum, { led }) => sum + led, 0)
    const at = looks.findIndex(({ led }) => led > ofSurvivors)
    const first = looks[at]?.atMs ?? Number.NaN
    const last = looks.at(-1)
    const noticed = looks[Math.max(0, at - 1)]
    const after = await cluster.askAll('watch')
    const storm = (key: 'writes' | 'bytesSent') =>
      mean(after.map((report, i) => report[key] - (survivors[i]?.[key] ?? 0)))
    const framesOfBoth = (last?.frames ?? 0) - (noticed?.frames ?? 0)
    const rounds = (last?.writes ?? 0) - (noticed?.writes ?? 0)
    return {
      elections,
      cpuPercent: grown('cpuMs') / 10,
      bytesPerSecond: grown('bytesSent'),
      framesPerSecond: grown('framesSent'),
      heapBytesEach: heap / elections,
      coldMs: (started.at(-1)?.led ?? 0) >= elections ? coldMs : Number.NaN,
      led: idle.map(({ led }) => led),
      killedLed,
      detectedMs: first - killedAt,
      reledMs: (last?.led ?? 0) >= elections ? (last?.atMs ?? 0) - first : Number.NaN,
      lost: after.reduce((sum, { lost }, i) => sum + lost - (survivors[i]?.lost ?? 0), 0),
      framesPerRound: framesOfBoth / Math.max(1, rounds),
      stormWrites: storm('writes'),
      stormBytes: storm('bytesSent'),
    }
  } finally {
    cluster.close()
  }
}

function print(row: Row, before: Row | null): void {
  head(`many elections: ${row.elections} over three processes, votes on disk, D = 2,000 ms`)
  value('idle: CPU of a core per process', row.cpuPercent, '%', row.elections > 10_000 ? '<= 3' : '<= 1.5')
  value('idle: bytes out per process', row.bytesPerSecond / 1024, 'KB per s', '<= 2')
  value('idle: frames out per process', row.framesPerSecond, 'frames per s')
  value('heap per election', row.heapBytesEach, 'bytes', '<= 1024')
  if (before !== null) {
    const slope = ((row.cpuPercent - before.cpuPercent) / (row.elections - before.elections)) * 1000
    value('more CPU per 1,000 elections, from the count before', slope, '%', '<= 0.02')
  }
  value('start: to the last election led', row.coldMs, 'ms')
  line('start: leaderships per process', row.led, 'elections')
  value('kill -9: led by the process that dies', row.killedLed, 'elections')
  value('kill -9: to the first election led again', row.detectedMs, 'ms')
  value('kill -9: from there to the last one', row.reledMs, 'ms', '<= 500')
  value('kill -9: healthy leaders lost', row.lost, 'leaderships', '0')
  value('kill -9: frames of a pair per round of votes', row.framesPerRound, 'frames', '<= 4')
  value('kill -9: writes per survivor', row.stormWrites, 'writes')
  value('kill -9: bytes out per survivor', row.stormBytes / 1024, 'KB')
}

export async function benchElections(flags: readonly string[]): Promise<void> {
  const counts = optionOf(flags, 'counts', '1,1000,10000,100000').split(',').map(Number)
  const window = {
    seconds: Number(optionOf(flags, 'seconds', '5')),
    heartbeatMs: Number(optionOf(flags, 'heartbeat', '50')),
    settle: Number(optionOf(flags, 'settle', '0')),
  }
  head(`many elections: the floor, a heartbeat each ${window.heartbeatMs} ms`)
  value('three bare processes that only live: CPU of a core', await floorCpu(window), '%')
  let before: Row | null = null
  for (const elections of counts) {
    const row = await measure(elections, window)
    print(row, before)
    before = row
  }
}
