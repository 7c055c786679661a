/**
 * From a compare-and-set store to a voter: what every adapter and every author's own store goes through.
 *
 * Decides nothing; the votes are in `store-voter.ts`. Exported as `storeVoter` of `conclave/store`.
 */
import type { CasStore } from '../ports/cas-store'
import type { VoterLink, VoterSetup, VoterStore } from '../ports/voter-store'
import { accessOf, settled } from './access'
import { StoreVoter } from './store-voter'

/** A link of one process to that store. */
export function openVoter(store: CasStore, setup: VoterSetup): VoterLink {
  return new StoreVoter({
    ...setup,
    access: accessOf(store),
    durability: store.durability,
    prepare: (done) => {
      const { prepare } = store
      if (prepare === undefined) return done(null)
      settled(() => prepare.call(store)).then(
        () => done(null),
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      )
    },
  })
}

/**
 * Makes a store of your own usable in `voters`. Test the store with `casStoreSuite` of `conclave/compliance` first: leaders
 * are as safe as its compare-and-set is atomic.
 */
export function storeVoter(store: CasStore): CasStore & VoterStore {
  const { name, durability, timeoutMs, watch, prepare } = store
  return {
    name,
    durability,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(watch === undefined ? {} : { watch: (prefix, wake) => watch.call(store, prefix, wake) }),
    ...(prepare === undefined ? {} : { prepare: () => prepare.call(store) }),
    read: (keys) => store.read(keys),
    write: (key, version, value) => store.write(key, version, value),
    open: (setup) => openVoter(store, setup),
  }
}
