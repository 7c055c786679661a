/** Judges `worker` and `mainThreadLimitMs`: what cannot move into another thread is refused by name. Does no I/O. */
import type { Storage } from '../../ports/storage'
import type { ElectorOptions, WorkerConfig } from '../options'
import type { VoterPlan } from '../read-voters'

/** Of D, without a word of the service. */
const LIMIT_PROMISES = 5

/** A sentence for each thing that stands against a worker. */
export function workerFaults(
  { worker, mainThreadLimitMs, transport, environment, sentinel }: ElectorOptions,
  { stores }: VoterPlan,
  storage: Storage,
  promiseMs: number,
): string[] {
  if (worker !== true) {
    return mainThreadLimitMs === undefined
      ? []
      : [`mainThreadLimitMs ${mainThreadLimitMs} means nothing without worker: true; give both or neither`]
  }
  const faults: string[] = []
  if (stores.size > 0) {
    faults.push(
      `worker: the client of ${[...stores.keys()].join(', ')} cannot move into another thread; leave worker out where a store votes`,
    )
  }
  if (transport !== undefined && transport.portable == null) {
    faults.push(
      'worker: this transport cannot be made anew in another thread; use tcp() without a function in its options (tls.identity), or leave worker out',
    )
  }
  if (storage.portable == null) {
    faults.push(
      'worker: this storage cannot be made anew in another thread; use dataDir, file() or memory(), or leave worker out',
    )
  }
  if (sentinel === true) {
    faults.push(
      'worker: a sentinel takes the end of the thread that holds its pipe for the death of the process, and a worker can end while work goes on (R55); leave one of the two out',
    )
  }
  if (environment !== undefined) {
    faults.push('worker: a clock of your own (environment) cannot reach another thread; give one of the two')
  }
  if (mainThreadLimitMs !== undefined && mainThreadLimitMs < promiseMs) {
    faults.push(
      `mainThreadLimitMs ${mainThreadLimitMs} is below promiseMs ${promiseMs}: the main thread would lose leaderships earlier than without a worker; raise mainThreadLimitMs, or leave worker out`,
    )
  }
  return faults
}

/** The set-up of a worker, from options that were judged. */
export function workerConfig(
  { transport, mainThreadLimitMs, unref }: ElectorOptions,
  storage: Storage,
  promiseMs: number,
): WorkerConfig {
  return {
    mainThreadLimitMs: mainThreadLimitMs ?? LIMIT_PROMISES * promiseMs,
    transport: transport?.portable ?? null,
    storage: storage.portable as WorkerConfig['storage'],
    unref: unref === true,
  }
}
