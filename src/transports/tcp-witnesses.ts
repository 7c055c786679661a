/**
 * Connections of witnesses of other processes (R55): how many there may be, and what each may say (E5, E8).
 *
 * A witness keeps a connection for as long as its process lives, is sent nothing, and may say one thing: that the very life
 * in whose name it greeted has ended. Whether that is true is judged by the host, from the key that it shows. Read next:
 * `tcp-witness.ts` (the other end).
 */
import type { Part } from '../core/messages'
import type { ProcessId } from '../core/types'
import type { Greeting } from '../ports/transport'
import type { Connection } from './tcp-connection'

/** Of one process, at a time: one, or two while one takes over from another. */
const MAX_WITNESSES = 2

/** All witnesses that are connected to this process. */
export class Witnesses {
  /** By the process that they watch, the oldest first. */
  readonly #present = new Map<ProcessId, readonly Connection[]>()

  /** Takes a connection whose greeting was proved and judged; the oldest one goes if there are too many. */
  add(connection: Connection): void {
    const { nodeId } = connection.peer as Greeting
    const present = [...(this.#present.get(nodeId) ?? []), connection]
    this.#present.set(nodeId, present)
    connection.attend()
    if (present.length > MAX_WITNESSES) present[0]?.close('tooManyConnections', 'a newer witness came')
  }

  /** A connection is gone, whatever it was. */
  delete(connection: Connection): void {
    const id = connection.peer?.nodeId
    const present = id === undefined ? undefined : this.#present.get(id)
    if (id === undefined || present === undefined) return
    const rest = present.filter((each) => each !== connection)
    if (rest.length > 0) this.#present.set(id, rest)
    else this.#present.delete(id)
  }
}

/** Do these parts say that the life of that greeting has ended, and nothing else? */
export function isTestimonyOf(life: Greeting, parts: readonly Part[]): boolean {
  const [part, ...rest] = parts
  return (
    rest.length === 0 &&
    part?.kind === 'deathNotice' &&
    part.process === life.nodeId &&
    part.storageId === life.storageId &&
    part.incarnation === life.incarnation
  )
}
