/**
 * Server processes for tests: their directories, their ports, and their certain end.
 *
 * Decides nothing about any server. A child of this process waits on a pipe; when this process dies in whatever way, the
 * pipe closes and that child kills what is left and removes the directories. Read next: `postgres.ts`, `redis.ts`, `etcd.ts`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One server process under way. */
export interface ServerProcess {
  readonly pid: number
  /** What it wrote so far. */
  log(): string
  /** `false` once it has ended. */
  alive(): boolean
  /** Sends a signal and resolves when the process has ended (SIGSTOP and SIGCONT: at once). */
  kill(signal: NodeJS.Signals): Promise<void>
}

/** Account that a server runs under; empty = that of this process. */
export interface Account {
  readonly uid?: number
  readonly gid?: number
  /** In place of this process's environment. */
  readonly env?: NodeJS.ProcessEnv
}

/** A directory in the system's temporary one that goes away with this process. */
export function temporaryDirectory(name: string, account: Account = {}): string {
  const directory = mkdtempSync(join(tmpdir(), `conclave-${name}-`))
  if (account.uid !== undefined && account.gid !== undefined) chownSync(directory, account.uid, account.gid)
  tellReaper(`dir ${directory}`)
  return directory
}

/** Removes such a directory now. */
export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
}

/** Starts a server; its output goes to a file in its directory. */
export function startProcess(
  command: string,
  args: readonly string[],
  directory: string,
  account: Account = {},
): ServerProcess {
  const logFile = join(directory, `server-${Date.now()}.log`)
  const log = openSync(logFile, 'a')
  const child = spawn(command, args, {
    cwd: directory,
    stdio: ['ignore', log, log],
    // Its own group: Ctrl-C reaches the tests only, which then stop it in order.
    detached: true,
    ...account,
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.once('error', () => {})
  const pid = child.pid
  if (pid === undefined) throw new Error(`${command} could not be started`)
  tellReaper(`pid ${pid}`)
  void ended.then(() => tellReaper(`gone ${pid}`))
  const alive = () => child.exitCode === null && child.signalCode === null
  return {
    pid,
    log: () => readFileSync(logFile, 'utf8'),
    alive,
    async kill(signal) {
      if (!alive()) return
      child.kill(signal)
      if (signal === 'SIGSTOP') untilStopped(pid)
      else if (signal !== 'SIGCONT') await ended
    },
  }
}

/** A process and its children, as far as they live. */
export function familyOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
    return [pid, ...children.map(Number)]
  } catch {
    return [pid]
  }
}

/** Returns when a process that was sent SIGSTOP stands still: on a busy machine its threads may run for a while yet. */
export function untilStopped(pid: number): void {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let i = 0; i < 5_000 && !isStopped(pid); i++) Atomics.wait(pause, 0, 0, 1)
}

function isStopped(pid: number): boolean {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`).map((id) =>
      readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8'),
    )
    return tasks.every((stat) => stat.slice(stat.lastIndexOf(')')).startsWith(') T'))
  } catch {
    return true // it has ended
  }
}

/** Sends a signal to all of them; those that have just ended are no news. */
export function signalEach(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
      if (signal === 'SIGSTOP') untilStopped(pid)
    } catch {}
  }
}

/**
 * A full disk, for these processes and all that they start: no file of theirs may grow beyond `bytes`, and writes there
 * fail. By the soft limit of file sizes, which needs neither root nor a file system of its own, and ends with the processes.
 */
export function fillDisk(pids: readonly number[], bytes = 4_096): void {
  for (const pid of pids) {
    if (!existsSync(`/proc/${pid}`)) continue
    // as the owner of the process: root in a container may not
    const { uid, gid } = statSync(`/proc/${pid}`)
    const account = process.getuid?.() === 0 ? { uid, gid } : {}
    execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`], { stdio: 'pipe', ...account })
  }
}

/** A port of the loopback interface that nobody uses right now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Polls until `probe` returns true; throws `what` with the log of the server when the time is up or the server ended. */
export async function untilUp(
  what: string,
  server: ServerProcess,
  probe: () => Promise<boolean>,
  timeoutMs = 15_000,
): Promise<void> {
  const end = Date.now() + timeoutMs
  while (Date.now() < end && server.alive()) {
    if (await probe().catch(() => false)) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await server.kill('SIGKILL')
  throw new Error(`${what} did not come up:\n${server.log().slice(-2_000)}`)
}

/** Path of a program: in PATH, or in one of the directories. */
export function findProgram(name: string, directories: readonly string[] = []): string | null {
  try {
    const path = [process.env['PATH'] ?? '', ...directories].join(':')
    return execFileSync('/bin/sh', ['-c', 'command -v "$0"', name], {
      env: { PATH: path },
      encoding: 'utf8',
    }).trim()
  } catch {
    return null
  }
}

/** Reads its orders until the pipe closes; then nobody else will clean up. */
const REAPER = `
pids=''; dirs=''
while read -r kind what; do
  case $kind in
    pid) pids="$pids $what" ;;
    gone) rest=''; for p in $pids; do [ "$p" = "$what" ] || rest="$rest $p"; done; pids=$rest ;;
    dir) dirs="$dirs $what" ;;
  esac
done
for p in $pids; do kill -CONT "$p"; kill -QUIT "$p"; done
[ -z "$pids" ] || sleep 0.3
for p in $pids; do kill -KILL "$p"; done
for d in $dirs; do rm -rf "$d"; done
`

const reaper: { child: ChildProcess | null } = { child: null }

function tellReaper(line: string): void {
  if (reaper.child === null) {
    reaper.child = spawn('/bin/sh', ['-c', REAPER], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    reaper.child.stdin?.on('error', () => {})
    ;(reaper.child.stdin as unknown as { unref?(): void } | null)?.unref?.()
    reaper.child.unref()
  }
  reaper.child.stdin?.write(`${line}\n`)
}
