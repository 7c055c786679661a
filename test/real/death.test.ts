/**
 * Goal: the death of a process is known at once, however it died, and only its death (R55). Method: real processes with a
 * sentinel or under `conclave run`, a lease so long that only a proof can be quicker, every way to die; and the ways in
 * which a witness may not speak: its own death, a service that lives on, a clean stop.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { Cluster, type ClusterOptions, clockMs } from './cluster'

/** Ten times what a proof takes on a busy machine, and far below the lease. */
const PROMISE_MS = 8_000
const AT_ONCE_MS = 2_000
const timing = { promiseMs: PROMISE_MS, heartbeatMs: 250, maxPromiseMs: PROMISE_MS }

let cluster: Cluster | null = null

async function clusterOf(options: Partial<ClusterOptions>): Promise<Cluster> {
  cluster = new Cluster({ size: 3, timing, writeMs: null, sampleMs: 5, ...options })
  await cluster.start()
  await cluster.reignNumber(1, 60_000)
  // a sentinel is a process that has to start and to connect
  await sleep(1_000)
  return cluster
}

afterEach(() => {
  const done = cluster
  cluster = null
  try {
    expect(done?.violations()).toEqual([])
  } finally {
    done?.stop()
  }
})

/** Processes of the sentinel program whose parent is that one. */
function sentinelsOf(pid: number): number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n')
  return rows.flatMap((row) => {
    const [own, parent, ...args] = row.trim().split(/\s+/)
    return Number(parent) === pid && /conclave-sentinel|sentinel\.cjs/.test(args.join(' '))
      ? [Number(own)]
      : []
  })
}

/** How many TCP connections that process has open. Linux. */
function connectionsOf(pid: number): number {
  const rows = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').trim().split('\n').slice(1)
  const columns = rows.map((row) => row.trim().split(/\s+/))
  const open = columns.filter(([, , , state]) => state === '01').map((row) => `socket:[${row[9]}]`)
  const links = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      return [] // closed meanwhile
    }
  })
  return links.filter((link) => open.includes(link)).length
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const WAYS = ['SIGKILL', 'abort', 'segfault', 'outOfMemory'] as const

describe.each(['sentinel', 'supervisor'] as const)('with a %s', (kind) => {
  const options = kind === 'sentinel' ? { settings: { sentinel: true } } : { supervised: true }
  const flags = ['--max-old-space-size=64']

  it.each(WAYS)('R55: %s is known at once, and not when the lease runs out', async (way) => {
    const c = await clusterOf({ ...options, flags })
    const old = c.leader as string
    if (way === 'SIGKILL') c.signal(old, way)
    else c.order(old, { kind: way })
    await c.until(() => !alive(c.member(old).pid), 15_000, `${old} dies`)
    const at = clockMs()
    const next = await c.reignNumber(2, AT_ONCE_MS)
    expect(next.id).not.toBe(old)
    expect(next.electedAt - at).toBeLessThan(AT_ONCE_MS)
  })

  it('R55: a child that outlives the service holds nothing back', async () => {
    const c = await clusterOf(options)
    const old = c.leader as string
    c.order(old, { kind: 'spawn', forMs: 10_000 })
    await sleep(300)
    c.signal(old, 'SIGKILL')
    expect((await c.reignNumber(2, AT_ONCE_MS)).id).not.toBe(old)
  })

  it('R55: a leader that is frozen or stuck is not declared dead', async () => {
    const c = await clusterOf(options)
    const old = c.leader as string
    c.signal(old, 'SIGSTOP')
    await sleep(1_500)
    c.signal(old, 'SIGCONT')
    c.order(old, { kind: 'block', forMs: 1_500 })
    await sleep(2_000)
    expect([c.reigns.length, c.leader]).toEqual([1, old])
  })
})

describe('a sentinel', () => {
  const options = { settings: { sentinel: true } }

  it('is there for leaders alone, and another one comes when it is killed; the service leads on', async () => {
    const c = await clusterOf(options)
    const old = c.leader as string
    const counts = c.ids.map((id) => sentinelsOf(c.member(id).pid).length)
    expect(counts).toEqual(c.ids.map((id) => (id === old ? 1 : 0)))
    const [first] = sentinelsOf(c.member(old).pid)
    process.kill(first as number, 'SIGKILL')
    await c.until(
      () => sentinelsOf(c.member(old).pid).some((pid) => pid !== first),
      10_000,
      'another sentinel',
    )
    expect([c.reigns.length, c.leader]).toEqual([1, old])
    await sleep(700)
    c.signal(old, 'SIGKILL')
    expect((await c.reignNumber(2, AT_ONCE_MS)).id).not.toBe(old)
  })

  it('does not outlive its duty, nor keeps the service alive', async () => {
    const c = await clusterOf(options)
    const old = c.leader as string
    const [sentinel] = sentinelsOf(c.member(old).pid)
    c.signal(old, 'SIGKILL')
    await c.until(() => !alive(sentinel as number), 5_000, 'it goes when all have heard it')
    await c.reignNumber(2, AT_ONCE_MS)
    const next = c.leader as string
    await sleep(700)
    const [second] = sentinelsOf(c.member(next).pid)
    c.order(next, { kind: 'stop' })
    await c.until(() => !c.member(next).alive, 5_000, 'the service ends by itself')
    await c.until(() => !alive(second as number), 5_000, 'it is dismissed by a clean stop')
  })
})

describe('conclave run', () => {
  it.runIf(process.platform === 'linux')('meets the other voters when its service has led', async () => {
    const c = await clusterOf({ supervised: true })
    const old = c.leader as string
    const counts = () => c.ids.map((id) => connectionsOf(c.member(id).process.pid as number))
    expect(counts()).toEqual(c.ids.map((id) => (id === old ? 2 : 0)))
    const next = c.ids.find((id) => id !== old) as string
    c.order(old, { kind: 'resign', to: next })
    await c.until(() => c.leader === next, 5_000, 'another one leads')
    const met = c.ids.map((id) => (id === old || id === next ? 2 : 0))
    await c.until(() => counts().join() === met.join(), 5_000, 'its supervisor meets the others')
  })

  it('R55: passes on signals, and gives the exit code or 128 + the signal', async () => {
    const c = await clusterOf({ supervised: true, settings: { handleSignals: true } })
    const [first, second, third] = c.ids as [string, string, string]
    const kill = (id: string): number => c.signal(id, 'SIGKILL')
    kill(first)
    await c.until(() => !c.member(first).alive, 5_000, 'the supervisor follows')
    expect(c.member(first).exit).toEqual({ code: 128 + 9, signal: null })
    c.member(second).process.kill('SIGTERM')
    await c.until(() => !c.member(second).alive, 10_000, 'the signal reaches the service')
    expect(c.member(second).exit).toEqual({ code: 128 + 15, signal: null })
    c.order(third, { kind: 'exit' })
    // nobody is there to hear of it, and it waits no longer than anybody would
    await c.until(() => !c.member(third).alive, 2 * PROMISE_MS, 'the service ends')
    expect(c.member(third).exit).toEqual({ code: 0, signal: null })
  })
})
