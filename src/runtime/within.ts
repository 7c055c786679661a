/** Waiting for something, but not for ever. A leaf. */
import type { Clock } from '../ports/clock'
import { Deadline } from './deadline'

/** Resolves with true when `promise` has settled, either way, or with false when `limitMs` have passed before. Never rejects. */
export function within(clock: Clock, limitMs: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const limit = new Deadline(clock, () => resolve(false))
    limit.arm(clock.now() + limitMs)
    const settled = (): void => {
      limit.clear()
      resolve(true)
    }
    promise.then(settled, settled)
  })
}
