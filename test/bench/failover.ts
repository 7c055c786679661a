/**
 * Fail-over and hand-over of five real processes, votes on disk, beside the floor (`floor.mjs`) on the same machine in the same
 * run, trials in turn. Instants are readings of the one monotonic clock of the host.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Cluster, clockMs } from '../real/cluster'
import { head, line, ratio } from './stats'

const SIZE = 5
const HANDOVERS = 60
const CRASHES = 12

type FloorReport = {
  readonly who: number
  readonly port?: number
  readonly leads?: number
  readonly at?: number
  readonly follows?: number
  readonly dialled?: number
  readonly handed?: number
}

/** Five processes of the floor. */
class Floor {
  private readonly children: ChildProcess[] = []
  private readonly ports: number[] = []
  private log: FloorReport[] = []
  private leader = 0
  private readonly dir = mkdtempSync(join(tmpdir(), 'conclave-floor-'))

  async start(): Promise<void> {
    for (let id = 0; id < SIZE; id++) {
      await this.up(id)
      await this.dial(id, [...this.ports.slice(0, id).entries()])
    }
    this.log = []
    this.children[0]?.send({ campaign: true })
    await this.wait(() => this.followers() === SIZE - 1)
  }

  private async up(id: number): Promise<void> {
    const child = fork(fileURLToPath(new URL('floor.mjs', import.meta.url)), [
      String(id),
      String(SIZE),
      this.dir,
    ])
    this.children[id] = child
    child.on('message', (report: FloorReport) => this.log.push({ ...report, who: id }))
    await this.wait(() => this.log.some(({ port, who }) => port !== undefined && who === id))
    this.ports[id] = this.log.find(({ port, who }) => port !== undefined && who === id)?.port ?? 0
    this.log = this.log.filter(({ port }) => port === undefined)
  }

  private async dial(id: number, ports: [number, number][]): Promise<void> {
    this.children[id]?.send({ dial: ports })
    await this.wait(() => this.log.some(({ dialled }) => dialled === id))
    this.log = []
  }

  private followers(): number {
    return this.log.filter(({ follows }) => follows !== undefined).length
  }

  private async wait(condition: () => boolean): Promise<void> {
    for (const end = clockMs() + 10_000; !condition(); await sleep(1)) {
      if (clockMs() > end) throw new Error('the floor hangs')
    }
  }

  async handOver(): Promise<number> {
    const to = (this.leader + 1) % SIZE
    this.log = []
    this.children[this.leader]?.send({ handTo: to })
    await this.wait(() => this.followers() === SIZE - 1)
    this.leader = to
    const led = this.log.find(({ leads }) => leads !== undefined)?.at ?? 0
    return led - (this.log.find(({ handed }) => handed !== undefined)?.handed ?? 0)
  }

  async crash(): Promise<number> {
    const victim = this.leader
    this.log = []
    const at = clockMs()
    this.children[victim]?.kill('SIGKILL')
    await this.wait(() => this.followers() >= SIZE - 2)
    const winner = this.log.find(({ leads }) => leads !== undefined)
    this.leader = winner?.leads ?? 0
    await sleep(50)
    await this.up(victim)
    await this.dial(
      victim,
      [...this.ports.entries()].filter(([id]) => id !== victim),
    )
    return (winner?.at ?? 0) - at
  }

  stop(): void {
    for (const child of this.children) child.kill('SIGKILL')
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** One small durable write, ms: what "votes on disk" costs here. */
function flushes(): number[] {
  const dir = mkdtempSync(join(tmpdir(), 'conclave-flush-'))
  const file = openSync(join(dir, 'f'), 'w+')
  const series: number[] = []
  for (let i = 0; i < 200; i++) {
    const at = clockMs()
    writeSync(file, Buffer.alloc(64), 0, 64, 0)
    fdatasyncSync(file)
    series.push(clockMs() - at)
  }
  closeSync(file)
  rmSync(dir, { recursive: true })
  return series
}

export async function benchFailover(): Promise<void> {
  head(`five processes on loopback, votes on disk, timing 'default' (D = 2,000 ms)`)
  line('this disk: 64 bytes + fdatasync', flushes(), 'ms')
  const floor = new Floor()
  const cluster = new Cluster({ size: SIZE, timing: 'default', writeMs: null, sampleMs: 50 })
  const [handFloor, hand, crashFloor, crash]: number[][] = [[], [], [], []]
  try {
    await Promise.all([floor.start(), cluster.start()])
    await cluster.reignNumber(1)
    await sleep(2_000)
    for (let trial = 0; trial < HANDOVERS; trial++) {
      await sleep(20)
      handFloor?.push(await floor.handOver())
      const old = cluster.leader as string
      const count = cluster.reigns.length
      const to = cluster.ids[(cluster.ids.indexOf(old) + 1) % SIZE] as string
      cluster.order(old, { kind: 'resign', to })
      const next = await cluster.reignNumber(count + 1, 10_000)
      await cluster.until(
        () => cluster.reigns[count - 1]?.revoked.length === 1,
        5_000,
        'the old leader tells its end',
      )
      hand?.push(next.electedAt - (cluster.reigns[count - 1]?.revoked[0]?.at ?? 0))
      await sleep(20)
    }
    for (let trial = 0; trial < CRASHES; trial++) {
      crashFloor?.push(await floor.crash())
      const old = cluster.leader as string
      const count = cluster.reigns.length
      const at = cluster.signal(old, 'SIGKILL')
      const next = await cluster.reignNumber(count + 1, 20_000)
      crash?.push(next.electedAt - at)
      await cluster.startMember(old)
      await sleep(2_500)
    }
  } finally {
    floor.stop()
    cluster.stop()
  }
  const a = line('hand-over, floor: renounced -> leads', handFloor ?? [], 'ms')
  const b = line('hand-over, conclave: revoked -> elected', hand ?? [], 'ms')
  ratio('hand-over / floor, p50', b.p50 / a.p50, '<= 2')
  const c = line('kill -9, floor (no lease): kill -> leads', crashFloor ?? [], 'ms')
  const d = line('kill -9, conclave (lease kept): kill -> elected', crash ?? [], 'ms')
  ratio('kill -9 / floor, p50 (the lease has to run out)', d.p50 / c.p50, 'none without proof of death')
  const found = cluster.violations()
  console.log(found.length === 0 ? 'no overlap, tokens rising' : `VIOLATIONS: ${found.join('; ')}`)
  if (found.length > 0) process.exitCode = 1
}
