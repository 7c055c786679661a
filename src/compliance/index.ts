/**
 * `conclave/compliance`: what every transport, storage, store and fence owes, as suites for those who write one.
 *
 * A suite is an array of `{ name, run }`; `run` rejects if the promise in `name` is broken. So any test framework can run
 * it, and none is needed. Read next: the harness types, which say what a suite has to be given.
 */
export { type CasStoreCase, type CasStoreHarness, casStoreCompliance } from './cas-store'
export {
  type FenceCase,
  type FenceHarness,
  fenceCompliance,
  type GuardingFenceHarness,
  type PlainFenceHarness,
} from './fence'
export { type StorageCase, type StorageHarness, type StoragePlace, storageCompliance } from './storage'
export {
  type TransportCase,
  type TransportHarness,
  type TransportNetwork,
  transportCompliance,
} from './transport'
