/**
 * What an invariant is: an observer that complains. One property per file, with its citation; a table of all in `index.ts`.
 *
 * An invariant keeps its own account of what it saw, never trusts a flag of the code under test, and looks only at the
 * node that moved, so that it can run after every event.
 */
import type { Observer } from '../observer'

/** Takes a complaint: one sentence with the numbers in it. */
export type Complain = (text: string) => void

/** A property that is checked while the cluster runs. */
export interface Invariant {
  /** Short name with the number of the property, as it appears in reports: `P1 election safety`. */
  readonly name: string
  readonly observer: Observer
}

/** Makes an invariant that complains there. Each run makes its own. */
export type InvariantFactory = (complain: Complain) => Invariant

/**
 * The account under that key; a new one if there is none yet. Accounts in accounts, and no texts as keys: one that is made for
 * each look costs more than the look.
 */
export function within<K, L, V>(books: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let book = books.get(key)
  if (book === undefined) {
    book = new Map()
    books.set(key, book)
  }
  return book
}
