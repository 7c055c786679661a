/**
 * Begins one life of a process: takes the storage's lock, reads, and puts a driver together that can boot.
 *
 * Decides the incarnation and the instant from which the boot wait counts. Read next: `driver.ts`.
 */
import type { ClusterConfig, CoreConfig, DurableState, Incarnation, ProcessId } from '../core'
import { displayName, nameWithoutVote } from '../core/identity'
import type { ElectionError } from '../errors'
import type { Transport } from '../ports/transport'
import { Driver, type DriverListener } from './driver'
import type { Environment } from './environment'
import { storageError } from './failures'
import { nonceOf } from './life-key'
import type { ElectorConfig, LifeConfig } from './options'
import { StoreTransport, type StoreTransportOptions } from './store-transport'
import { type LifeWitness, witnessOf } from './witness'

/** Static configurations stay at 0.1 (R29). */
const STATIC = { term: 0, version: 1, termFloor: 0 } as const

/** Opens the storage. Calls back once: with the error of `open`, or with a driver that owns the lock from now on. */
export function beginLife(
  config: LifeConfig,
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

function driverOf(config: LifeConfig, durable: DurableState, listener: DriverListener): Driver {
  const { environment, storage, timing, plan, logger, storageTimeoutMs } = config
  const { clock, random } = environment
  const { isVoter, addresses } = plan
  const isVolatile = storage.kind === 'volatile'
  const { storageId, incarnation } = durable.process
  const core: CoreConfig = {
    self: selfOf(config, storageId),
    incarnation: isVolatile ? volatileIncarnation(environment) : incarnation + 1,
    storageId,
    ...(config.membership ? { membership: true, cluster: foundersOf(plan) } : { cluster: clusterOf(plan) }),
    timing,
    preVote: true,
    succession: true,
    maxElections: config.maxElections,
    // whoever promises nothing has forgotten nothing
    ephemeral: isVolatile && isVoter,
  }
  const key = Array.from({ length: 4 }, () => random().toString(16).padStart(8, '0')).join('')
  const witness = witnessOf(config, key)
  const driver: Driver = new Driver({
    config: core,
    clusterId: config.cluster,
    durable,
    nonce: nonceOf(key),
    seed: random(),
    // The former life was over when the lock was taken, and not certainly before (R19).
    startedAt: clock.now(),
    clock,
    transport: transportOf(config, (code, process, detail) => driver.alarm(code, process, detail)),
    storage,
    logger,
    addresses,
    listener: witness === null ? listener : watched(listener, witness),
    witness,
    storageTimeoutMs,
    maxObservers: config.maxObservers,
    operators: config.operators,
  })
  return driver
}

/** The listener, and the witness for the one thing that concerns it, when the service has heard of that. */
function watched(listener: DriverListener, witness: LifeWitness): DriverListener {
  let leads = false
  return {
    effect(effect) {
      listener.effect(effect)
      if (effect.type === 'elected') leads = true
    },
    settled() {
      listener.settled?.()
      if (leads) witness.led()
      leads = false
    },
    fatal: (error) => listener.fatal(error),
    ...(listener.command && { command: listener.command.bind(listener) }),
  }
}

/** Who votes, as the core knows it. */
export function clusterOf({ voters, sets }: ElectorConfig['plan']): ClusterConfig {
  return { ...STATIC, voters, ...(sets === undefined ? {} : { sets }) }
}

/** The same where members change: then a configuration says where its voters live. */
function foundersOf(plan: ElectorConfig['plan']): ClusterConfig {
  const voters = plan.voters.map((voter) => ({ ...voter, address: plan.addresses[voter.id] ?? null }))
  return { ...clusterOf(plan), voters }
}

/** Where only stores vote nobody has agreed on who is called what, so the name holds 128 random bits (R49). */
function selfOf({ id, plan }: Pick<ElectorConfig, 'id' | 'plan'>, storageId: string): ProcessId {
  return plan.isVoter ? id : nameWithoutVote(id, storageId)
}

/** What people call a process: the configured id (R49). Never compared with anything. */
export function displayOf({ plan }: Pick<ElectorConfig, 'plan'>, process: ProcessId): ProcessId {
  return plan.voters.some(({ id }) => id === process) ? process : displayName(process)
}

function transportOf(config: LifeConfig, alarm: StoreTransportOptions['alarm']): Transport {
  const { transport: peers, plan, id, environment, timing } = config
  if (plan.stores.size === 0) return peers
  const { maxPromiseMs, campaignMs, heartbeatMs } = timing
  const { clock } = environment
  return new StoreTransport({
    peers,
    stores: plan.stores,
    id,
    clock,
    maxPromiseMs,
    campaignMs,
    heartbeatMs,
    onlyStores: plan.voters.every(({ kind }) => kind === 'store'),
    alarm,
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
