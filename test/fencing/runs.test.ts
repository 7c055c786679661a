/**
 * Goal: a run is taken together with the token or not at all, in memory and on disk. Method: the shared check; a journal that
 * fails in the middle; marks that are folded. The same check over real servers: test/stores.
 */
import { fileFence, memoryFence } from 'conclave/fencing'
import { expect, it } from 'vitest'
import { Marks } from '../../src/fencing/marks'
import { failingFiles, outcome, scratch } from './helpers'
import { checkRuns } from './runs'

it('R42: a fence in memory remembers runs', async () => {
  const fence = memoryFence()
  await checkRuns(fence, () => fence, 'job')
})

it('R42: a fence in a file remembers runs over restarts', async () => {
  const dir = await scratch()
  const first = await fileFence({ dir })
  let last = first
  await checkRuns(
    first,
    async () => {
      await first.close()
      last = await fileFence({ dir })
      return last
    },
    'job',
  )
  await last.close()
  const third = await fileFence({ dir })
  expect(await third.lastRun('job')).toBe(4_000)
  await third.close()
})

it('R42: a disk that fails takes no run without the token, and the next try learns what was kept', async () => {
  const dir = await scratch()
  let fails = false
  const files = failingFiles((operation) => (fails && operation === 'sync' ? 'EIO' : null))
  const fence = await fileFence({ dir }, files)
  await fence.takeRun('job', { token: 1, holder: 'a' }, 1_000)
  fails = true
  expect(await outcome(fence.takeRun('job', { token: 2, holder: 'b' }, 2_000))).toBe(
    'ELECTION_STORAGE_FAILED',
  )
  fails = false
  // the claim may or may not be remembered: whoever asks again under the same token recognises its own
  expect(await fence.takeRun('job', { token: 2, holder: 'b' }, 2_000)).toEqual({
    isTaken: false,
    lastMs: 2_000,
  })
  expect(await fence.highest('job')).toMatchObject({ token: 2 })
  await fence.close()
})

it('the last run goes with the mark of its resource, and the entries make the same runs again', () => {
  const marks = new Marks(1)
  const entries = [...marks.accept('a', { token: 1, holder: 'x', election: null }), ...marks.takeRun('a', 7)]
  const copy = new Marks(1)
  for (const entry of entries) copy.apply(entry)
  expect(copy.snapshot()).toEqual(marks.snapshot())
  expect(copy.lastRun('a')).toBe(7)
  marks.accept('b', { token: 2, holder: 'x', election: null })
  expect(marks.lastRun('a')).toBeNull()
})
