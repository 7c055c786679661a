/**
 * The sentinel of a life: a small process of the package's own that outlives this one by an instant and says so (R55).
 *
 * Started here, on the first leadership, and again a while after it was killed. It holds the one end of a pipe whose other
 * end is held by this process alone: close-on-exec, so no child inherits it. It has no part in keeping this process alive
 * (nothing of it is ref'd), gets no secret by its arguments or its environment, and ends by itself. What it makes of the
 * end of the pipe, and why that is sound, is in `../cli/sentinel.ts`.
 */
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from '../ports/logger'
import type { WitnessLine } from '../ports/witness'
import type { WitnessPipe } from './witness'

const PROGRAM = 'sentinel.cjs'
const RESTART_MIN_MS = 1_000
const RESTART_MAX_MS = 60_000
/** Small: it keeps a few sockets and runs once. */
const HEAP_MB = 16
/** What a Node.js needs to start at all; everything else, `NODE_OPTIONS` above all, is not its business. */
const KEPT = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'SystemRoot', 'OPENSSL_CONF', 'TZ']

/** Path of the program: it lies beside the file that this code was built into. */
function sentinelProgram(): string {
  const isPath = typeof __filename === 'string' && !__filename.startsWith('file:')
  const here = isPath ? __filename : fileURLToPath(import.meta.url)
  return join(dirname(here), PROGRAM)
}

/** A sentinel, started when it is made. */
export class Sentinel implements WitnessPipe {
  private child: ChildProcess | null = null
  private line: WitnessLine | null = null
  private failures = 0
  private isDismissed = false

  constructor(
    private readonly logger: Logger,
    private readonly program = sentinelProgram(),
  ) {
    if (!existsSync(program)) {
      const advice = 'put sentinel.cjs of the package there (a bundler leaves it out), or use `conclave run`'
      logger.warn({ program }, `there is no sentinel, so time decides when this process dies: ${advice}`)
      this.isDismissed = true
    }
    this.start()
  }

  write(line: WitnessLine): void {
    this.line = line
    if ('dismissed' in line) this.isDismissed = true
    this.say(line)
  }

  private start(): void {
    // Loaded only here: it is a part of the start of every service otherwise.
    void import('node:child_process').then(({ spawn }) => this.spawn(spawn))
  }

  private spawn(spawn: typeof import('node:child_process').spawn): void {
    if (this.isDismissed) return
    const startedAt = performance.now()
    const kept = KEPT.filter((name) => process.env[name] !== undefined)
    let child: ChildProcess
    try {
      child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MB}`, this.program], {
        cwd: '/',
        env: Object.fromEntries(kept.map((name) => [name, process.env[name]])),
        stdio: ['pipe', 'ignore', 'ignore'],
        // Not in the group of this process: what a terminal or a supervisor tells the group is not meant for it.
        detached: true,
        windowsHide: true,
      })
    } catch (error) {
      // no memory, no permission (`node --permission`): some refusals are thrown, and the others are events
      return this.gone(null, startedAt, (error as Error).message)
    }
    this.child = child
    child.unref()
    const { stdin } = child
    ;(stdin as { unref?: () => void } | null)?.unref?.()
    stdin?.on('error', () => {})
    child.on('error', (error) => this.gone(child, startedAt, error.message))
    child.on('exit', (code, signal) => this.gone(child, startedAt, `it ended with ${signal ?? code}`))
    if (this.line !== null) this.say(this.line)
  }

  private say(line: WitnessLine): void {
    this.child?.stdin?.write(`${JSON.stringify(line)}\n`)
  }

  /** `child`: whose end it is, told once; null: there was none. */
  private gone(child: ChildProcess | null, startedAt: number, why: string): void {
    if (this.child !== child) return
    this.child = null
    if (this.isDismissed) return
    this.failures = performance.now() - startedAt < RESTART_MAX_MS ? this.failures + 1 : 1
    const waitMs = Math.min(RESTART_MAX_MS, RESTART_MIN_MS * 2 ** (this.failures - 1))
    this.logger.warn({ why, waitMs }, 'the sentinel is gone; until there is another, time decides')
    setTimeout(() => this.start(), waitMs).unref()
  }
}
