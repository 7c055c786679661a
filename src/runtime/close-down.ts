/**
 * The last steps of a life, after `end`: the transport's flush and the last write side by side, then the lock is freed. All
 * of it waits for as long as an heir goes before everybody else.
 *
 * Decides one thing: whether the record may say that no promise is left (R19). Read next: `driver.ts`.
 */
import { type CoreConfig, promisesNothing, type State } from '../core'
import type { Clock } from '../ports/clock'
import type { Storage } from '../ports/storage'
import type { Transport } from '../ports/transport'
import { Deadline } from './deadline'
import type { Outbox } from './outbox'
import type { Writer } from './writer'

/** What is to be closed. */
export interface Remains {
  readonly config: CoreConfig
  readonly state: State
  readonly clock: Clock
  readonly storage: Storage
  readonly writer: Writer
  readonly outbox: Outbox
  /** How long an heir has its head start, ms. */
  readonly headStartMs: number
  /** Null if it was never started. */
  readonly transport: Transport | null
  /** Whether this life has written its incarnation; if not, it has nothing to add. */
  readonly hasBooted: boolean
  readonly flushMs: number
  /** False when this life was cut short meanwhile. */
  readonly isWanted: () => boolean
}

/** Closes everything; calls back once. Cannot fail: what cannot be written is waited out by the next start. */
export function closeDown(remains: Remains, done: () => void): void {
  const { clock, headStartMs, isWanted } = remains
  if (headStartMs === 0) return close(remains, done)
  const grace = new Deadline(clock, () => {
    if (isWanted()) close(remains, done)
  })
  grace.arm(clock.now() + headStartMs)
}

function close(remains: Remains, done: () => void): void {
  const { storage, outbox, transport, hasBooted, flushMs } = remains
  outbox.flush()
  let open = 2
  const closed = (): void => {
    open -= 1
    if (open === 0) storage.close(done)
  }
  if (transport === null) closed()
  else transport.stop(flushMs, closed)
  if (hasBooted) writeLast(remains, closed)
  else closed()
}

/** R19: only the last write may say that no promise is left, and only if that is so at this reading. */
function writeLast({ config, state, clock, writer }: Remains, done: () => void): void {
  writer.idle(() => {
    if (writer.hasFailed || !promisesNothing(config, state, clock.now())) return done()
    writer.change({ cleanNoPromise: true })
    writer.idle(done)
  })
}
