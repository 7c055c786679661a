/**
 * Wake-ups from etcd: a watcher of the client, made again when it ends.
 *
 * Decides when to make a new one. Only wakes: nothing depends on an event (R46). Must never reject. Read next: `etcd.ts`.
 */
import type { CasWatch } from '../ports/cas-store'

/** Builds a watcher. */
export interface EtcdWatchBuilder {
  prefix(prefix: string): EtcdWatchBuilder
  /** Begins at once; `create()` would hand it out when it is connected, and before that nobody could cancel it. */
  watcher(): EtcdWatcher
}

/** Watches a range of keys; connects again by itself. */
export interface EtcdWatcher {
  on(event: 'put' | 'delete', listener: (changed: { readonly key: Buffer }) => void): unknown
  on(event: 'connected' | 'error', listener: () => void): unknown
  cancel(): Promise<unknown>
}

/** Pause before a watcher that etcd ended (compaction, for one) is made again. */
const REMAKE_MS = 1_000

/** Watches until stopped. `under` is cut off the keys that `wake` gets. */
export function watchEtcd(
  watch: () => EtcdWatchBuilder,
  under: string,
  prefix: string,
  wake: (key: string | null) => void,
): CasWatch {
  let stopped = false
  let current: EtcdWatcher | null = null
  let timer: NodeJS.Timeout | undefined

  const make = (): void => {
    try {
      const watcher = watch()
        .prefix(under + prefix)
        .watcher()
      current = watcher
      watcher.on('put', (changed) => changedKey(changed.key))
      watcher.on('delete', (changed) => changedKey(changed.key))
      watcher.on('connected', () => wakeUnlessStopped(null))
      watcher.on('error', again)
    } catch {
      again()
    }
  }
  const changedKey = (key: Buffer) => wakeUnlessStopped(key.toString().slice(under.length))
  const wakeUnlessStopped = (key: string | null) => {
    if (!stopped) wake(key)
  }
  const again = () => {
    current = null
    if (stopped || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      make()
    }, REMAKE_MS)
    timer.unref()
  }
  make()
  return {
    stop() {
      if (stopped) return
      stopped = true
      clearTimeout(timer)
      if (current !== null) end(current)
    },
  }
}

/** A watcher that is already gone cannot be cancelled; that is no news. */
function end(watcher: EtcdWatcher): void {
  const cancel = async () => watcher.cancel()
  cancel().catch(() => {})
}
