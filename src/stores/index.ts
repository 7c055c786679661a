/**
 * `conclave/store`: for authors of stores, and for tests without a server.
 *
 * An entry point of its own, because nothing else fits: `conclave` must not load store code that peers never use, the
 * adapters are one per client library, and `conclave/compliance` is for tests and not for services.
 */
export type * from '../ports/cas-store'
export type * from '../ports/voter-store'
export { type MemoryCas, memoryCas } from './memory-cas'
export { storeVoter } from './voter'
