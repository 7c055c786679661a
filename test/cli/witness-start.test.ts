/**
 * Goal: `conclave witness` ends at a signal also while it starts, and tells a wrong call from a failure. Method: the command in
 * this process, over an elector whose start is the test's.
 */
import { expect, it, vi } from 'vitest'
import { ElectionError } from '../../src/errors'
import { call } from './memory-terminal'

let start: () => Promise<void> = async () => {}
let stops = 0
vi.mock('../../src/runtime/create', () => ({
  createElector: () => ({
    id: 'w',
    on() {},
    start: () => start(),
    stop: async () => void stops++,
    status: () => ({ memberKind: 'witness', members: [], bootWaitMs: 0, warnings: [] }),
  }),
}))

const WHOLE =
  'witness --cluster orders --id w --data-dir nowhere --members a=127.0.0.1:1,b=127.0.0.1:2,w=127.0.0.1:3'

it('a signal ends a start that waits for a disk', async () => {
  start = () => new Promise(() => {})
  const ended = call(WHOLE)
  await vi.waitFor(() => expect(process.listenerCount('SIGTERM')).toBeGreaterThan(0))
  process.emit('SIGTERM')
  const { code, printed } = await ended
  expect([code, printed, stops]).toEqual([0, ['stopped'], 1])
})

it.each([
  ['ELECTION_CONFIG_INVALID', 2],
  ['ELECTION_STORAGE_FAILED', 1],
] as const)('a start that fails with %s: exit code %d', async (code, exit) => {
  start = () => Promise.reject(new ElectionError(code, 'it is so'))
  const ended = await call(WHOLE)
  expect([ended.code, ended.complaints[0]]).toEqual([exit, expect.stringContaining('it is so')])
})
