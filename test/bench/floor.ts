/**
 * The floor of a fail-over and a hand-over, started and driven: five bare processes (`floor.mjs`), and the ways to die that
 * the benches have.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { clockMs } from '../real/cluster'

export const SIZE = 5

/** A process that is to die: of the floor or of a cluster. */
export interface Victim {
  readonly pid: number
  order(
    order: { readonly kind: 'abort' | 'segfault' } | { readonly kind: 'hold'; readonly megabytes: number },
  ): void
  /** Resolves when it holds what it was told to. */
  held(): Promise<void>
}

type FloorReport = {
  readonly who: number
  readonly port?: number
  readonly leads?: number
  readonly at?: number
  readonly follows?: number
  readonly dialled?: number
  readonly handed?: number
  readonly held?: boolean
}

/** Five processes of the floor, and what they tell. */
export class Floor {
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
    const program = fileURLToPath(new URL('floor.mjs', import.meta.url))
    const child = fork(program, [String(id), String(SIZE), this.dir], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
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
    for (const end = clockMs() + 30_000; !condition(); await sleep(1)) {
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

  /** Ends the leader as `kill` does, and gives how long it took until another one led; takes it back. */
  async crash(kill: (victim: Victim) => Promise<number>): Promise<number> {
    const victim = this.leader
    const child = this.children[victim] as ChildProcess
    this.log = []
    const at = await kill({
      pid: child.pid as number,
      order: (order) => void child.send(order, () => {}),
      held: () => this.wait(() => this.log.some(({ held }) => held === true)),
    })
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
