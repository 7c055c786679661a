/**
 * A call with a time-out that never rejects: every store adapter makes its calls through it.
 *
 * Decides only whether an answer came in time. What a missing or a bad answer means for a write (applied or not?) is
 * decided by the adapter, who knows its driver. Must not retry: that belongs to the next heartbeat.
 * Read next: `postgres.ts`, `redis.ts`, `etcd.ts`.
 */
import { ElectionError } from '../errors'

/** What became of a call. `late`: no answer within the time-out; one may still come and is then passed to `onLate`. */
export type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'error'; readonly error: Error }
  | { readonly kind: 'late'; readonly error: Error }

/** Spends one time-out over several steps of a call. */
export class Budget {
  readonly #endsAt: number
  readonly #timeoutMs: number
  readonly #store: string

  constructor(store: string, timeoutMs: number) {
    this.#store = store
    this.#timeoutMs = timeoutMs
    this.#endsAt = performance.now() + timeoutMs
  }

  /** Milliseconds that are left, at least 0. */
  get leftMs(): number {
    return Math.max(0, this.#endsAt - performance.now())
  }

  /** The error of a call that got no answer. */
  late(): ElectionError {
    return new ElectionError(
      'ELECTION_TIMEOUT',
      `no answer from ${this.#store} within ${this.#timeoutMs} ms`,
      {
        details: { store: this.#store, timeoutMs: this.#timeoutMs },
      },
    )
  }

  /**
   * Makes one step of the call. Never rejects and never throws.
   *
   * `onLate` gets the value that came after the time-out, to give back what it holds; that it throws is nobody's news. When
   * the time is up, one more turn of the event loop reads what already waits in the sockets: after a stall the timers run
   * first (B.2, R36).
   */
  run<T>(step: () => PromiseLike<T>, onLate: (value: T) => void = () => {}): Promise<Outcome<T>> {
    return new Promise((resolve) => {
      let open = true
      const settle = (outcome: Outcome<T>) => {
        open = false
        clearTimeout(timer)
        resolve(outcome)
      }
      const timer = setTimeout(() => {
        setImmediate(() => {
          if (open) settle({ kind: 'late', error: this.late() })
        })
      }, this.leftMs)
      attempt(step)
        .then(
          (value) => (open ? settle({ kind: 'done', value }) : onLate(value)),
          (reason) => open && settle({ kind: 'error', error: toError(reason) }),
        )
        .catch(() => {})
    })
  }
}

/** A driver that throws instead of rejecting rejects here. */
async function attempt<T>(step: () => PromiseLike<T>): Promise<T> {
  return await step()
}

/** Whatever was thrown, as an error. */
export function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
