/**
 * Begins one life of a process: takes the storage's lock, reads, and puts a driver together that can boot.
 *
 * Decides the incarnation and the instant from which the boot wait counts. Read next: `driver.ts`.
 */
import type { CoreConfig, DurableState, Incarnation } from '../core'
import type { ElectionError } from '../errors'
import { Driver, type DriverListener } from './driver'
import type { Environment } from './environment'
import { storageError } from './failures'
import type { ElectorConfig } from './options'

/** Static configurations stay at 0.1 (R29). */
const STATIC = { term: 0, version: 1, termFloor: 0 } as const

/** Opens the storage. Calls back once: with the error of `open`, or with a driver that owns the lock from now on. */
export function beginLife(
  config: ElectorConfig,
  listener: DriverListener,
  done: (error: ElectionError | null, driver: Driver | null) => void,
): void {
  const { storage, cluster: clusterId, id: nodeId } = config
  storage.open({ clusterId, nodeId, config: STATIC }, (error, durable) => {
    if (error !== null || durable === null) {
      return done(storageError(error ?? new Error('the storage gave nothing back')), null)
    }
    done(null, driverOf(config, durable, listener))
  })
}

function driverOf(config: ElectorConfig, durable: DurableState, listener: DriverListener): Driver {
  const { environment, storage, timing, voters, addresses, transport, logger, storageTimeoutMs } = config
  const { clock, random } = environment
  const ephemeral = storage.kind === 'volatile'
  const core: CoreConfig = {
    self: config.id,
    incarnation: ephemeral ? volatileIncarnation(environment) : durable.process.incarnation + 1,
    storageId: durable.process.storageId,
    cluster: { ...STATIC, voters },
    timing,
    preVote: true,
    succession: true,
    maxElections: config.maxElections,
    ephemeral,
  }
  return new Driver({
    config: core,
    clusterId: config.cluster,
    durable,
    nonce: Array.from({ length: 4 }, () => random().toString(16).padStart(8, '0')).join(''),
    seed: random(),
    // The former life was over when the lock was taken, and not certainly before (R19).
    startedAt: clock.now(),
    clock,
    transport,
    storage,
    logger,
    addresses,
    listener,
    storageTimeoutMs,
  })
}

/**
 * R24, R28: without a storage the number of a life is drawn, but has to be higher than that of the life before, or the
 * peers would take it for an old one. So the wall clock leads and chance follows; a clock that was set back only delays
 * the admission.
 */
function volatileIncarnation({ clock, random }: Environment): Incarnation {
  return Math.floor(clock.wall()) * 2 ** 11 + (random() % 2 ** 11)
}
