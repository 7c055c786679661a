/**
 * A connection of a PostgreSQL pool on loan that cannot end the process.
 *
 * Decides who hears the errors of a connection on loan: nobody needs to, since a call on it fails as well, but Node.js ends
 * a process in which nobody listens. `pg` stops listening when it lends, in the midst of the bytes that it is reading; if
 * they end with the server's "terminating connection", the error comes before any `await` of the borrower goes on. So the
 * listener is set in the pool's callback. Read next: `postgres-call.ts`, `../fencing/postgres-loans.ts`.
 */

/** What a loan needs of a connection. One that is no emitter has no errors to be heard. */
interface Lendable {
  release(destroy?: Error | boolean): void
  on?(event: 'error', listener: (error: Error) => void): unknown
  removeListener?(event: 'error', listener: (error: Error) => void): unknown
}

/** What `connect` of a pool calls, before it reads on: with the connection or with the reason why there is none. */
export type PgLent<C> = (error: Error | undefined, client: C | undefined) => void

/**
 * Borrows a connection. Rejects with what the pool says.
 *
 * A pool that knows no callbacks and answers with a promise serves as well, without the protection of the first instant.
 */
export function borrow<C extends Lendable>(pool: { connect(lent: PgLent<C>): unknown }): Promise<C> {
  return new Promise((resolve, reject) => {
    let taken = false
    const take = (client: C) => {
      if (!taken) client.on?.('error', ignore)
      taken = true
      resolve(client)
    }
    const answer = pool.connect((error, client) => (client ? take(client) : reject(error)))
    ;(answer as Partial<PromiseLike<C>> | undefined)?.then?.(take, reject)
  })
}

/** Ends the loan. With `broken` the pool closes the connection, whose last errors are still nobody's. */
export function giveBack(client: Lendable, broken: Error | boolean = false): void {
  if (broken === false) client.removeListener?.('error', ignore)
  client.release(broken)
}

function ignore(): void {}
