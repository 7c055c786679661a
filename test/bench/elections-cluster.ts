/** Real processes with many elections, for `elections.ts` and `cost.ts`: started, asked, killed. Read next: `elections-member.ts`. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { Authority } from '../transports/certificates'
import type { ElectionsOptions, ElectionsOrder, ElectionsReport } from './elections-member'

export const clockMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** The value of `--name=`, or the default. */
export function optionOf(flags: readonly string[], name: string, otherwise: string): string {
  return flags.find((flag) => flag.startsWith(`--${name}=`))?.slice(name.length + 3) ?? otherwise
}

/** How the processes trust each other. */
export type Security = 'hmac' | 'tls'

/** What a cluster is made of. */
export interface ElectionsSpec {
  readonly size: number
  readonly elections: number
  readonly timing: ElectionsOptions['timing']
  readonly security: Security
}

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

/** All that run, at one moment. */
export interface Look {
  readonly atMs: number
  readonly led: number
  /** Frames sent and writes made since their start. */
  readonly frames: number
  readonly writes: number
}

function sumOf(
  reports: readonly ElectionsReport[],
  key: 'led' | 'elected' | 'framesSent' | 'writes',
): number {
  return reports.reduce((sum, report) => sum + report[key], 0)
}

/** Processes that run the library. */
export class ElectionsCluster {
  readonly members: ChildProcess[] = []
  readonly reports: ElectionsReport[] = []
  private readonly dir = mkdtempSync(join(tmpdir(), 'conclave-elections-'))

  constructor(private readonly spec: ElectionsSpec) {}

  /** Starts the processes; the elections are not begun yet. Returns what each reports. */
  async fork(): Promise<ElectionsReport[]> {
    const { size, elections, timing, security } = this.spec
    const ids = Array.from({ length: size }, (_, i) => `m${i}`)
    const addresses = await Promise.all(ids.map(async (id) => [id, `127.0.0.1:${await freePort()}`] as const))
    const authority = security === 'tls' ? new Authority() : null
    const file = join(this.dir, 'member.mjs')
    // bundled, as a service would be: what compiles while it loads makes every closure a heavy object
    await build({
      entryPoints: [fileURLToPath(new URL('elections-member.ts', import.meta.url))],
      outfile: file,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: {
        js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom('/')",
      },
      logLevel: 'error',
    })
    const execArgv = ['--expose-gc', '--max-old-space-size=4096']
    for (const id of ids) {
      const options: ElectionsOptions = {
        id,
        voters: Object.fromEntries(addresses),
        dataDir: join(this.dir, id),
        timing,
        elections,
        secret: security === 'hmac' ? 'a secret of sixteen bytes or more' : null,
        tls: authority?.issue(id, `URI:conclave://bench/${id}`) ?? null,
      }
      this.members.push(fork(file, [JSON.stringify(options)], { execArgv, serialization: 'advanced' }))
    }
    const ready = await Promise.all(this.members.map((_, i) => this.answer(i, 'ready')))
    authority?.close()
    return ready
  }

  /** Tells one process something; resolves with its answer. */
  ask(i: number, order: ElectionsOrder): Promise<ElectionsReport> {
    const answer = this.answer(i, order)
    this.members[i]?.send(order)
    return answer
  }

  /** Tells all that run. */
  askAll(order: ElectionsOrder): Promise<ElectionsReport[]> {
    const alive = [...this.members.keys()].filter((i) => this.members[i]?.killed === false)
    return Promise.all(alive.map((i) => this.ask(i, order)))
  }

  private answer(i: number, order: ElectionsReport['order']): Promise<ElectionsReport> {
    return new Promise((resolve, reject) => {
      const child = this.members[i]
      const ended = (): void => reject(new Error(`m${i} ended instead of an answer`))
      const listen = (report: ElectionsReport): void => {
        if (report.order !== order) return
        child?.off('message', listen)
        child?.off('exit', ended)
        resolve(report)
      }
      child?.on('message', listen)
      child?.on('exit', ended)
    })
  }

  /** Looks every few milliseconds until that many elections are led altogether; returns the looks. */
  async untilLed(count: number, limitMs: number): Promise<Look[]> {
    const looks: Look[] = []
    for (const end = clockMs() + limitMs; clockMs() < end; await sleep(10)) {
      const reports = await this.askAll('watch')
      const led = sumOf(reports, 'led')
      const [frames, writes] = [sumOf(reports, 'framesSent'), sumOf(reports, 'writes')]
      looks.push({ atMs: Math.max(...reports.map(({ atMs }) => atMs)), led, frames, writes })
      if (led >= count) return looks
    }
    return looks
  }

  /** Waits until nobody won anything for longer than members look whether they lead too many (`spread`). */
  async untilSettled(promiseMs: number, limitMs: number): Promise<void> {
    let before = -1
    for (const end = clockMs() + limitMs; clockMs() < end; await sleep(1.5 * promiseMs)) {
      const elected = sumOf(await this.askAll('watch'), 'elected')
      if (elected === before) return
      before = elected
    }
  }

  kill(i: number): number {
    const at = clockMs()
    this.members[i]?.kill('SIGKILL')
    return at
  }

  close(): void {
    for (const child of this.members) child.kill('SIGKILL')
    rmSync(this.dir, { recursive: true, force: true })
  }
}
