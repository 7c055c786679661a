/**
 * What happens when the process goes away (R53): at `exit` every lease is over and the voters are told before the process
 * is gone; on SIGTERM and SIGINT, if the service asked for it, everything is stopped in order first.
 *
 * Sound because no other code of this thread runs after the exit hooks. Installed with `start`, removed with `stop`.
 */
import type { HostProcess } from './environment'

/** What the hooks call. */
export interface ExitParts {
  readonly process: HostProcess
  readonly handleSignals: boolean
  /** Synchronous: leases end, then the last frames are handed to the kernel. */
  readonly onExit: () => void
  /** Stops everything in order. Never rejects. */
  readonly onSignal: (signal: NodeJS.Signals) => Promise<void>
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT']

/** How many electors of this process a signal is stopping, whichever copy of the package they are of: the last one sends it again. */
const STOPPING = Symbol.for('conclave.stopping')

/** Installs the hooks; returns what removes them. */
export function installExitHooks({ process, handleSignals, onExit, onSignal }: ExitParts): () => void {
  const giveBack = makeRoom(process)
  const listeners = new Map<NodeJS.Signals, () => void>()
  const removeSignals = (): void => {
    for (const [signal, listener] of listeners) process.off(signal, listener)
    listeners.clear()
  }
  if (handleSignals) {
    for (const signal of SIGNALS) {
      const listener = (): void => {
        // A second signal meets no handler of ours any more and does what it always does.
        removeSignals()
        const host: HostProcess & { [STOPPING]?: number } = process
        host[STOPPING] = (host[STOPPING] ?? 0) + 1
        void onSignal(signal).then(() => {
          host[STOPPING] = (host[STOPPING] ?? 1) - 1
          if (host[STOPPING] === 0 && process.listenerCount(signal) === 0) process.kill(process.pid, signal)
        })
      }
      listeners.set(signal, listener)
      process.on(signal, listener)
    }
  }
  process.on('exit', onExit)
  return () => {
    process.off('exit', onExit)
    removeSignals()
    giveBack()
  }
}

/** One listener more per event is no leak, however many electors there are; returns what takes that back, once. */
function makeRoom(process: HostProcess): () => void {
  const most = process.getMaxListeners?.() ?? 0
  if (most === 0) return () => {} // no limit
  process.setMaxListeners?.(most + 1)
  let isBack = false
  return () => {
    if (isBack) return
    isBack = true
    process.setMaxListeners?.(Math.max((process.getMaxListeners?.() ?? 0) - 1, 1))
  }
}
