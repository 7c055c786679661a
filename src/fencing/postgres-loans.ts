/**
 * Connections of a PostgreSQL pool, lent for one call of the fence each.
 *
 * Decides which connection may go back to the pool. Must not leave a connection on loan, nor give back one of which it is
 * not known what it does. Read next: `postgres.ts`.
 */
import { ElectionError, isElectionError } from '../errors'
import { borrow, giveBack, type PgLent } from '../stores/postgres-loan'
import { inTime } from './in-time'

/** Something that runs statements: the transaction of a guard, or a client of yours inside a transaction. */
export interface PgTransaction {
  query(text: string, values?: unknown[]): Promise<PgAnswer>
}

/** What a statement returns. */
export interface PgAnswer {
  readonly rows: readonly Record<string, unknown>[]
  readonly rowCount: number | null
  readonly command: string
}

/** A connection of the pool. */
export interface PgFenceClient extends PgTransaction {
  release(destroy?: Error | boolean): void
  on?(event: 'error', listener: (error: Error) => void): unknown
  removeListener?(event: 'error', listener: (error: Error) => void): unknown
  /** `I`: idle. Recent versions of `pg` have it. */
  getTransactionStatus?(): string | null
}

/** A pool of `pg`, or anything that lends connections like it. */
export interface PgFencePool {
  /** Calls back with a connection. One that returns a promise instead is taken too. */
  connect(lent: PgLent<PgFenceClient>): unknown
}

/** Lends connections and asks statements, both within a time. */
export class PgLoans {
  readonly #pool: PgFencePool
  readonly #waitMs: number
  /** Connections on which a statement of the fence failed. */
  readonly #suspect = new WeakSet<PgTransaction>()

  constructor(pool: PgFencePool, waitMs: number) {
    this.#pool = pool
    this.#waitMs = waitMs
  }

  /**
   * A statement of the fence's own. Every failure is typed; the client's error is its `cause`. Without values it may be several
   * statements: `pg-native` prepares whatever comes with values, also with none.
   */
  async ask(transaction: PgTransaction, text: string, values?: unknown[]): Promise<PgAnswer> {
    const answer = (async () => transaction.query(text, values))()
    try {
      return await inTime(answer, this.#waitMs, 'postgresFence')
    } catch (error) {
      this.#suspect.add(transaction)
      throw isElectionError(error) ? error : storageFailed('a statement of the fence failed', error)
    }
  }

  /** Lends a connection. It goes back to the pool if nothing of the fence failed on it, else it is closed. */
  async lend<T>(body: (client: PgFenceClient) => Promise<T>): Promise<T> {
    const client = await inTime(borrow(this.#pool), this.#waitMs, 'postgresFence', giveBack).catch(
      (error) => {
        throw isElectionError(error) ? error : storageFailed('no connection', error)
      },
    )
    try {
      if ((client.getTransactionStatus?.() ?? 'I') !== 'I') {
        this.#suspect.add(client)
        throw storageFailed(
          'the pool lent a connection with an open transaction: somebody forgot to end theirs',
        )
      }
      return await body(client)
    } finally {
      giveBack(client, this.#suspect.has(client))
    }
  }
}

/** ELECTION_STORAGE_FAILED, with the client's error as its cause and in its message, and what became of a commit. */
export function storageFailed(
  message: string,
  cause?: unknown,
  outcome?: 'rolledBack' | 'unknown',
): ElectionError {
  const why = cause instanceof Error ? `${message}: ${cause.message}` : message
  return new ElectionError('ELECTION_STORAGE_FAILED', why, {
    ...(cause === undefined ? {} : { cause }),
    ...(outcome === undefined ? {} : { details: { outcome } }),
  })
}
