/**
 * `conclave run -- node service.js`: starts the service, stands in for it towards whoever started this, and tells the
 * voters when it has ended (R55 a).
 *
 * Why what it says is true: the process is its own child, and the exit of a child is reported when the kernel has handed
 * over its exit status (waitpid); then no thread of it is left. It speaks only for a process that said itself, through the
 * pipe, that it has the very number of this child: a service behind a shell that does not `exec` it is not waited for here.
 * The pipe is a descriptor of the child that the library alone writes to; an environment variable says which. Nothing
 * secret is in arguments or environment.
 *
 * As an init for one child: signals, standard streams, the channel to a parent that forked this, exit code; a child that a
 * signal ended gives 128 + its number. Two things differ from an init: in a terminal the keys that interrupt reach the whole
 * group anyway, so they are not sent twice; and orphans of others that a container gives to process 1 are not collected,
 * which Node.js cannot do. Touches this process; the command around it is in `supervised.ts`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Duplex } from 'node:stream'
import { SUPERVISOR_VARIABLE } from '../runtime/supervisor'
import { Testaments } from './testaments'

/** The descriptor of the pipe in the child. */
const DESCRIPTOR = 3
const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const
/** What a terminal sends to everybody in the foreground. */
const KEYS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGWINCH']
/** How long what the command has said last, to a parent that forked this, may take to be passed on. */
const LAST_WORDS_MS = 1_000
/** Exit codes of shells, where there was nothing to run. */
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126

/** Runs the command until it has ended and its death is known; resolves to the exit code. `complain`: for people. */
export function supervise(
  command: string,
  args: readonly string[],
  complain: (line: string) => void,
): Promise<number> {
  const testaments = new Testaments()
  const hasParent = process.send !== undefined
  const cannot = (error: Error): void => complain(`cannot start ${command}: ${error.message}`)
  let child: ChildProcess
  try {
    child = spawn(command, args, {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe', ...(hasParent ? (['ipc'] as const) : [])],
      env: { ...process.env, [SUPERVISOR_VARIABLE]: `${DESCRIPTOR}:${process.pid}` },
    })
  } catch (error) {
    // some refusals are thrown, and the others are events
    cannot(error as Error)
    return Promise.resolve(NOT_EXECUTABLE)
  }
  const pipe = child.stdio[DESCRIPTOR] as Duplex | null
  // its end comes just before the exit that counts, and to take it down then would cost more than all that is to be said
  if (pipe !== null) pipe.allowHalfOpen = true
  pipe?.on('data', (chunk: Buffer) => {
    testaments.hear(chunk)
    const stranger = testaments.pids.find((pid) => pid !== child.pid)
    if (stranger === undefined) return
    complain(
      `process ${stranger} is not the command itself: let the shell \`exec\` it, or its death proves nothing`,
    )
  })
  pipe?.on('error', () => {})
  const stopForwarding = forwardSignals(child)
  if (hasParent) joinChannels(child)
  return new Promise((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return
      cannot(error)
      resolve(error.code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE)
    })
    child.on('exit', (code, signal) => {
      // A dismissal that is still in the pipe is missed: what is said then of a life that ended in order is known (R71).
      testaments.execute(
        (pid) => pid === child.pid,
        () => resolve(signal === null ? (code ?? 0) : 128 + constants.signals[signal]),
      )
      stopForwarding()
      // a child of its own may have inherited the other ends, and lives on
      pipe?.destroy()
      setTimeout(() => child.connected && child.disconnect(), LAST_WORDS_MS).unref()
    })
  })
}

function forwardSignals(child: ChildProcess): () => void {
  const listeners = FORWARDED.map((signal) => {
    const listener = (): void => {
      if (process.stdin.isTTY && KEYS.includes(signal)) return
      child.kill(signal)
    }
    process.on(signal, listener)
    return [signal, listener] as const
  })
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener)
  }
}

/** Whoever forked this speaks with the service. */
function joinChannels(child: ChildProcess): void {
  child.on('message', (message) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => {})
  })
  process.on('message', (message: object) => {
    if (child.connected) child.send(message, () => {})
  })
  process.on('disconnect', () => {
    if (child.connected) child.disconnect()
  })
  child.on('disconnect', () => {
    if (process.connected) process.disconnect?.()
  })
}
