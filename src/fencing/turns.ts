/**
 * One at a time per key, in the order of the calls; keys do not wait for each other.
 *
 * A turn is never taken away: whoever runs too long keeps it, and those who wait give up after `waitMs` (the work behind
 * a turn may be a write that nobody can call back).
 * Read next: `local-fence.ts`.
 */
import { ElectionError } from '../errors'

interface Waiter {
  readonly go: () => void
}

/** Turns by key. A key costs memory only while somebody has or awaits its turn. */
export class Turns {
  readonly #waitMs: number
  /** A key is here while somebody has its turn; the set holds those behind, first come first. */
  readonly #waiting = new Map<string, Set<Waiter>>()
  readonly #onIdle: (() => void)[] = []

  constructor(waitMs: number) {
    this.#waitMs = waitMs
  }

  /**
   * Runs `work` when it is this call's turn: at once, inside the call, if nobody has it.
   *
   * @throws ELECTION_TIMEOUT if the turn did not come within `waitMs`; then `work` never runs.
   */
  async run<T>(key: string, work: () => T | PromiseLike<T>): Promise<T> {
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) this.#waiting.set(key, new Set())
    else await this.#wait(waiting)
    try {
      return await work()
    } finally {
      this.#pass(key)
    }
  }

  /** Resolves when nobody has a turn. */
  idle(): Promise<void> {
    if (this.#waiting.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  #wait(waiting: Set<Waiter>): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(waiter)
        reject(
          new ElectionError(
            'ELECTION_TIMEOUT',
            `another call kept the resource for more than ${this.#waitMs} ms`,
            {
              details: { waitMs: this.#waitMs },
            },
          ),
        )
      }, this.#waitMs)
      const waiter: Waiter = {
        go: () => {
          clearTimeout(timer)
          resolve()
        },
      }
      waiting.add(waiter)
    })
  }

  /** Hands the turn over in the same instant, so that no newcomer gets in between. */
  #pass(key: string): void {
    const waiting = this.#waiting.get(key)!
    for (const next of waiting) {
      waiting.delete(next)
      next.go()
      return
    }
    this.#waiting.delete(key)
    if (this.#waiting.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve()
  }
}
