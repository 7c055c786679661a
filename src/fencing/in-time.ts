/**
 * An answer of a server, or ELECTION_TIMEOUT.
 *
 * Decides nothing about what a missing answer means. Read next: `postgres.ts`, `redis.ts`.
 */
import { ElectionError } from '../errors'

/**
 * Passes the outcome of `answer` on if it comes within `ms`. What comes later goes to `onLate`, which nobody hears if it throws, or
 * nowhere.
 *
 * When the time is up, one more turn of the event loop reads what already waits in the sockets: after a stall the
 * timers run first (B.2, R36).
 *
 * @throws ELECTION_TIMEOUT, or what `answer` rejects with.
 */
export function inTime<T>(
  answer: Promise<T>,
  ms: number,
  what: string,
  onLate: (value: T) => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    let open = true
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (open)
          reject(
            new ElectionError('ELECTION_TIMEOUT', `${what}: no answer within ${ms} ms`, { details: { ms } }),
          )
        open = false
      })
    }, ms)
    const settle = (then: () => void) => {
      open = false
      clearTimeout(timer)
      then()
    }
    answer
      .then(
        (value) => (open ? settle(() => resolve(value)) : onLate(value)),
        (reason) => settle(() => reject(reason)),
      )
      .catch(() => {})
  })
}
