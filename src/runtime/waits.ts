/**
 * Waiting for something to become true: one promise per wait, a time limit, a signal, and nothing left behind (B.11).
 *
 * Whoever owns the condition calls `look` when it may have changed; nothing is polled. Decides nothing.
 */
import type { ElectionError } from '../errors'
import type { Clock } from '../ports/clock'
import { Deadline } from './deadline'

/** One wait. */
export interface WaitOptions<T> {
  /** The result, or undefined as long as there is none. Must not throw. */
  readonly check: () => T | undefined
  /** Infinity: no limit. */
  readonly timeoutMs: number
  readonly onTimeout: () => ElectionError
  /** Rejects with its reason when it aborts. */
  readonly signal?: AbortSignal | undefined
}

interface Wait {
  look(): void
  fail(error: unknown): void
}

/** Waits on one subject. */
export class Waits {
  private waits: Set<Wait> | null = null

  constructor(private readonly clock: Clock) {}

  /** Resolves with the first result of `check`; rejects at the time limit, by the signal, or by `end`. */
  add<T>({ check, timeoutMs, onTimeout, signal }: WaitOptions<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const now = check()
      if (now !== undefined) return resolve(now)
      const limit = new Deadline(this.clock, () => wait.fail(onTimeout()))
      const aborted = (): void => wait.fail(signal?.reason)
      const settle = (): void => {
        this.waits?.delete(wait)
        limit.clear()
        signal?.removeEventListener('abort', aborted)
      }
      const wait: Wait = {
        look: () => {
          const found = check()
          if (found === undefined) return
          settle()
          resolve(found)
        },
        fail: (error) => {
          settle()
          reject(error)
        },
      }
      this.waits ??= new Set()
      this.waits.add(wait)
      limit.arm(this.clock.now() + timeoutMs)
      signal?.addEventListener('abort', aborted, { once: true })
    })
  }

  /** The subject may have changed. */
  look(): void {
    if (this.waits === null) return
    for (const wait of [...this.waits]) wait.look()
  }

  /** Nothing will come any more. */
  end(error: ElectionError): void {
    for (const wait of [...(this.waits ?? [])]) wait.fail(error)
  }
}
