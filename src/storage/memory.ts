/**
 * The storage that keeps nothing: for tests, for elections whose voters are stores, and for peers that choose R28.
 *
 * Each `open` is amnesia: a new storage id, a random incarnation far above any counter, so that grants of different
 * lives never carry one name (R28, R58). Nothing here is ever an error.
 */
import { randomBytes } from 'node:crypto'
import type { Storage } from '../ports/storage'
import { newRecord } from './record'

/**
 * A storage in memory. Always an explicit choice: peers without durable storage start by R28 (a long wait, and at most
 * one of three recovers at a time), and `status().safety` says `timed`.
 *
 * The record that `open` gives back holds a random incarnation below 2^48. Never fails; safe to open again after `close`.
 */
export function memory(): Storage {
  return {
    kind: 'volatile',
    portable: { make: 'memory', options: {} },
    open(identity, done) {
      done(null, { process: newRecord(identity, randomBytes(6).readUIntBE(0, 6)), terms: new Map() })
    },
    write(_change, done) {
      done(null)
    },
    close(done) {
      done()
    },
  }
}
