/**
 * A compare-and-set store in memory: the behaviour that the real ones are measured against, for tests and simulations.
 *
 * Decides at the instant of the call and answers with a resolved promise; nothing is ever late, ambiguous or failed.
 * Must not inject faults: whoever wants them wraps it. Read next: `../ports/cas-store.ts`.
 */
import type {
  CasReadResult,
  CasRecord,
  CasStore,
  CasVersion,
  CasWatch,
  CasWriteResult,
  StoreDurability,
} from '../ports/cas-store'
import type { VoterLink, VoterSetup, VoterStore } from '../ports/voter-store'
import { openVoter } from './voter'

/** What `memoryCas` returns: the store, and what an operator with bare hands could do to it. */
export interface MemoryCas extends CasStore, VoterStore {
  /** Deletes a record as somebody outside the library would. Its versions do not come back (R68). */
  remove(key: string): void
  /** Every key that exists, in the order of creation. */
  keys(): string[]
}

/**
 * Makes an empty store for processes that live in one process of the operating system: for tests of a service, without a
 * server. Its records live as long as the object, and so do whoever could ask for them: `durability` is `survives`, unless
 * a test wants to see what a volatile one does (R48).
 */
export function memoryCas(durability: StoreDurability = 'survives'): MemoryCas {
  return new MemoryCasStore(durability)
}

class MemoryCasStore implements MemoryCas {
  readonly name = 'memory'
  readonly #records = new Map<string, CasRecord>()
  readonly #watches = new Set<{ readonly prefix: string; readonly wake: (key: string | null) => void }>()
  /** One counter for all keys, so that a record that comes again gets a version that it never had (R68). */
  #revision = 0

  constructor(readonly durability: StoreDurability) {}

  read(keys: readonly string[]): Promise<CasReadResult> {
    return Promise.resolve({ kind: 'ok', records: keys.map((key) => this.#records.get(key) ?? null) })
  }

  write(key: string, version: CasVersion | null, value: string): Promise<CasWriteResult> {
    if ((this.#records.get(key)?.version ?? null) !== version) return Promise.resolve({ kind: 'conflict' })
    this.#revision += 1
    const written = { version: String(this.#revision), value }
    this.#records.set(key, written)
    this.#wake(key)
    return Promise.resolve({ kind: 'ok', version: written.version })
  }

  watch(prefix: string, wake: (key: string | null) => void): CasWatch {
    const watch = { prefix, wake }
    this.#watches.add(watch)
    return { stop: () => void this.#watches.delete(watch) }
  }

  open(setup: VoterSetup): VoterLink {
    return openVoter(this, setup)
  }

  remove(key: string): void {
    if (this.#records.delete(key)) this.#wake(key)
  }

  keys(): string[] {
    return [...this.#records.keys()]
  }

  /** After the writer's own turn, as a store's notification would come. */
  #wake(key: string): void {
    for (const watch of this.#watches) {
      if (!key.startsWith(watch.prefix)) continue
      queueMicrotask(() => {
        if (this.#watches.has(watch)) watch.wake(key)
      })
    }
  }
}
