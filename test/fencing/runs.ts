/** What every fence that remembers runs has to do, as one check over any two ends of it. */
import type { Fence, RunFence } from 'conclave/fencing'
import { expect } from 'vitest'
import { outcome } from './helpers'

/** `again`: another end of the same fence, as another process or a later life has it. */
export async function checkRuns(
  fence: Fence & RunFence,
  again: () => Promise<Fence & RunFence> | (Fence & RunFence),
  job: string,
): Promise<void> {
  const a = { token: 3, holder: 'a', election: 'cron' }
  const b = { token: 5, holder: 'b', election: 'cron' }
  expect(await fence.lastRun(job)).toBeNull()
  expect(await fence.takeRun(job, a, 1_000)).toEqual({ isTaken: true, lastMs: null })
  expect(await fence.takeRun(job, a, 1_000)).toEqual({ isTaken: false, lastMs: 1_000 })
  expect(await fence.takeRun(job, a, 2_000)).toEqual({ isTaken: true, lastMs: 1_000 })
  const later = await again()
  expect(await later.lastRun(job)).toBe(2_000)
  expect(await later.highest(job)).toEqual(a)
  // the successor goes on where it was, and its token is what counts from then on
  expect(await later.takeRun(job, b, 2_000)).toEqual({ isTaken: false, lastMs: 2_000 })
  expect(await outcome(later.takeRun(job, a, 3_000))).toBe('ELECTION_STALE_TOKEN')
  expect(await later.lastRun(job)).toBe(2_000)
  // of many that ask at once one gets the run
  const taken = await Promise.all(Array.from({ length: 8 }, () => later.takeRun(job, b, 4_000)))
  expect(taken.filter(({ isTaken }) => isTaken)).toHaveLength(1)
  expect(await outcome(later.takeRun(job, b, -1))).toBe('ELECTION_MESSAGE_INVALID')
  expect(await outcome(later.takeRun(job, b, 0.5))).toBe('ELECTION_MESSAGE_INVALID')
  // a check alone moves no run
  await later.check(job, { ...b, token: 9 })
  expect(await later.lastRun(job)).toBe(4_000)
}
