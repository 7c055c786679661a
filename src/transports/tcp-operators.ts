/**
 * Connections of operators: how many there may be, and how much each may ask (E5).
 *
 * An operator has proved that it knows the secret or holds a certificate, and says itself what it is called. It has no
 * session: no peer is made for it, so no heartbeat, no notice and no vote ever goes to it or comes from it. Read next:
 * `tcp-operator.ts` (the other end), `../runtime/operator-desk.ts` (what a command does).
 */
import type { Greeting } from '../ports/transport'
import { type Command, MAX_REPLY_BYTES } from '../wire'
import type { Connection } from './tcp-connection'
import type { Refusal } from './tcp-handshake'
import type { QuietHost } from './tcp-host'

/** At a time, of all operators together. */
export const MAX_OPERATORS = 8
/** Commands of one connection that are not answered yet. */
export const MAX_IN_FLIGHT = 4
/** Commands of one connection within a second. */
export const MAX_PER_SECOND = 100

/** What is counted of one operator. */
interface Account {
  inFlight: number
  /** Since `from`, at most a second ago. */
  commands: number
  from: number
}

/** All operators that are connected to this process. */
export class Operators {
  readonly #host: QuietHost
  readonly #present = new Map<Connection, Account>()

  constructor(host: QuietHost) {
    this.#host = host
  }

  /** May it come in? Those that are there stay: a new one never pushes another out. */
  judge(greeting: Greeting): Refusal | null {
    const admission = this.#host.admitOperator(greeting)
    if (!admission.ok) {
      return { reason: admission.reason, detail: `${greeting.nodeId} may not command this process` }
    }
    if (this.#present.size < MAX_OPERATORS) return null
    return { reason: 'tooManyConnections', detail: `${MAX_OPERATORS} operators are connected already` }
  }

  /** Takes a connection whose greeting was proved and judged. */
  add(connection: Connection): void {
    this.#present.set(connection, { inFlight: 0, commands: 0, from: this.#host.now() })
    connection.serve()
  }

  /** Hands a command to the host, unless that connection asks for more than it may, or does not read its answers. */
  command(connection: Connection, { id, payload }: Command): void {
    const account = this.#present.get(connection)
    if (account === undefined) return
    const now = this.#host.now()
    if (now - account.from >= 1_000) {
      account.from = now
      account.commands = 0
    }
    account.commands += 1
    account.inFlight += 1
    if (account.commands > MAX_PER_SECOND || account.inFlight > MAX_IN_FLIGHT) {
      return connection.refuse('backPressure', 'an operator commands faster than it may')
    }
    if (connection.unsent > MAX_REPLY_BYTES) {
      return connection.refuse('backPressure', 'an operator does not read what it is told')
    }
    let isAnswered = false
    this.#host.command((connection.peer as Greeting).nodeId, payload, (answer) => {
      if (isAnswered) return
      isAnswered = true
      account.inFlight -= 1
      connection.reply(id, answer)
    })
  }

  /** A connection is gone, whatever it was. */
  delete(connection: Connection): void {
    this.#present.delete(connection)
  }
}
