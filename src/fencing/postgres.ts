/**
 * A fence in PostgreSQL: the mark is a row beside the data, checked and raised in the transaction that writes.
 *
 * Decides when a transaction begins, commits and rolls back. Must not hold anything of a session, so it works through
 * transaction poolers. Read next: `fence.ts` (the contract), `postgres-sql.ts` (the comparison), `postgres-loans.ts`
 * (the care for connections).
 */
import { ElectionError, isElectionError } from '../errors'
import type { Metrics } from '../ports/metrics'
import { type ClaimSource, claimOf, type FenceMark, resourceOf } from './claim'
import type { GuardingFence } from './fence'
import { foreignElection, staleToken } from './marks'
import {
  type PgFenceClient,
  type PgFencePool,
  PgLoans,
  type PgTransaction,
  storageFailed,
} from './postgres-loans'
import {
  type FenceStatements,
  fenceStatements,
  type PostgresFenceTable,
  postgresFenceSchema,
} from './postgres-sql'
import { Refusals } from './refusals'
import { type RunClaim, type RunFence, runTimeOf } from './run'
import { checkFenceOptions } from './store-options'
import { Turns } from './turns'

export type { PgAnswer, PgFenceClient, PgFencePool, PgTransaction } from './postgres-loans'

/** Options of `postgresFence`. */
export interface PostgresFenceOptions extends PostgresFenceTable {
  /** Isolation of the transaction that `guard` opens. Default `read committed`; the check is right at each of them. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
  /**
   * How long a call waits for a connection and for its turn at a resource, and for each answer of the server to the
   * fence's own statements, milliseconds. Default 30,000. Too small: a long guarded write makes others fail.
   */
  readonly waitMs?: number
  /**
   * How long the transaction of a guard may be idle between two statements before the server ends its session,
   * milliseconds. Default 10,000. It bounds how long a frozen leader keeps the resource from its successor; too small:
   * work that computes or calls others between its statements is cut off.
   */
  readonly idleMs?: number
  /** Counts refusals (`conclave_fence_refusals_total`): `promMetrics(client)` of `conclave/metrics`. Default: nobody counts. */
  readonly metrics?: Metrics
}

/** A fence whose marks commit together with the writes that they allow. */
export interface PostgresFence extends GuardingFence, RunFence {
  /**
   * Checks the claim and runs `work` in one transaction: what its statements wrote and the mark are committed together,
   * and no other claim for that resource is judged before, in whatever process. Resolves after the commit.
   *
   * Only statements that `work` runs through `transaction` are part of it. It must not end the transaction itself.
   *
   * Hazards: each guard under way keeps one connection of the pool. Guards of several resources inside each other take
   * locks in the order of their calls: let all writers take the same order (or use `checkIn`, same advice).
   *
   * @throws what `check` and `work` throw. ELECTION_STORAGE_FAILED with `details.outcome`: `rolledBack` = the commit
   *   failed (`cause` says why) and nothing was written; `unknown` = its answer was lost: look before you repeat it.
   */
  guard<T>(
    resource: string,
    claim: ClaimSource,
    work: (transaction: PgTransaction) => T | PromiseLike<T>,
  ): Promise<T>

  /**
   * The check as one statement of a transaction of yours: call it before you write, and roll back if it rejects. The mark
   * counts from your commit on, and the resource stays locked until then. Any number of resources and fences.
   *
   * @throws what `check` throws. ELECTION_STORAGE_FAILED: the statement failed, `cause` is the error of the client (40001
   *   at the stricter isolation levels: begin again; 40P01: locks were taken in different orders).
   */
  checkIn(transaction: PgTransaction, resource: string, claim: ClaimSource): Promise<void>

  /** Creates the table if it is missing. Idempotent. @throws ELECTION_STORAGE_FAILED */
  prepare(): Promise<void>
}

/**
 * Makes a fence over a table that all writers share.
 *
 * What it accepted is as durable as any commit of that server. Hazard: a fail-over to an asynchronous standby may lose
 * the last commits, marks and data alike; then a token that was refused before may be accepted for the older data.
 *
 * @throws ELECTION_CONFIG_INVALID
 */
export function postgresFence(pool: PgFencePool, options: PostgresFenceOptions = {}): PostgresFence {
  checkFenceOptions('postgresFence', options, ['table', 'schema', 'isolation', 'idleMs'])
  const { isolation = 'read committed' } = options
  if (!['read committed', 'repeatable read', 'serializable'].includes(isolation)) {
    throw new ElectionError(
      'ELECTION_CONFIG_INVALID',
      'isolation of postgresFence() is none that PostgreSQL has',
    )
  }
  if (typeof pool?.connect !== 'function') {
    throw new ElectionError(
      'ELECTION_CONFIG_INVALID',
      'postgresFence() takes a pool: it needs a connection per guard',
    )
  }
  return new PgFence(pool, options)
}

class PgFence implements PostgresFence {
  readonly #loans: PgLoans
  readonly #sql: FenceStatements
  readonly #schema: string
  readonly #begin: string
  readonly #waitMs: number
  readonly #refusals: Refusals
  /** Calls of this process queue here and not in the pool: a resource that is taken costs one connection, not many. */
  readonly #turns: Turns

  constructor(pool: PgFencePool, options: PostgresFenceOptions) {
    this.#sql = fenceStatements(options)
    this.#schema = postgresFenceSchema(options)
    this.#begin = `BEGIN ISOLATION LEVEL ${(options.isolation ?? 'read committed').toUpperCase()};
      SET LOCAL idle_in_transaction_session_timeout = ${options.idleMs ?? 10_000}`
    this.#waitMs = options.waitMs ?? 30_000
    this.#loans = new PgLoans(pool, this.#waitMs)
    this.#turns = new Turns(this.#waitMs)
    this.#refusals = new Refusals(options.metrics, 'postgres')
  }

  async check(resource: string, claim: ClaimSource): Promise<void> {
    const name = resourceOf(resource)
    const mark = claimOf(claim)
    await this.#turns.run(name, () =>
      this.#loans.lend((client) => this.#repeat(() => this.#accept(client, name, mark))),
    )
  }

  async checkIn(transaction: PgTransaction, resource: string, claim: ClaimSource): Promise<void> {
    await this.#accept(transaction, resourceOf(resource), claimOf(claim))
  }

  async guard<T>(
    resource: string,
    claim: ClaimSource,
    work: (transaction: PgTransaction) => T | PromiseLike<T>,
  ): Promise<T> {
    const name = resourceOf(resource)
    const mark = claimOf(claim)
    return this.#turns.run(name, () =>
      this.#loans.lend(async (client) => {
        await this.#repeat(() => this.#enter(client, name, mark))
        return this.#work(client, work, name, mark)
      }),
    )
  }

  async highest(resource: string): Promise<FenceMark | null> {
    const name = resourceOf(resource)
    return this.#loans.lend((client) => this.#seen(client, name))
  }

  async takeRun(resource: string, claim: ClaimSource, dueAtMs: number): Promise<RunClaim> {
    const due = runTimeOf(dueAtMs)
    const name = resourceOf(resource)
    // the accepted claim holds the row, so nothing comes between the look and the change
    return this.guard(name, claim, async (transaction) => {
      const lastMs = await this.#lastRun(transaction, name)
      const isTaken = lastMs === null || lastMs < due
      if (isTaken) await this.#loans.ask(transaction, this.#sql.takeRun, [name, due])
      return { isTaken, lastMs }
    })
  }

  async lastRun(resource: string): Promise<number | null> {
    const name = resourceOf(resource)
    return this.#loans.lend((client) => this.#lastRun(client, name))
  }

  async #lastRun(transaction: PgTransaction, resource: string): Promise<number | null> {
    const { rows } = await this.#loans.ask(transaction, this.#sql.lastRun, [resource])
    const last = (rows[0] as { last_run: string | null } | undefined)?.last_run
    return last == null ? null : Number(last)
  }

  async prepare(): Promise<void> {
    const usable = () => this.#loans.lend((client) => this.#loans.ask(client, this.#sql.check, []))
    const missing = await usable().then(
      () => false,
      () => true,
    )
    if (!missing) return
    // Of two that create at once PostgreSQL may fail one, in spite of IF NOT EXISTS: what counts is the table.
    await this.#loans.lend((client) => this.#loans.ask(client, this.#schema)).catch(() => {})
    await usable()
  }

  /** At the stricter isolation levels a mark that moved under the statement fails it (40001): then once more. */
  async #repeat(step: () => Promise<void>): Promise<void> {
    const endsAt = performance.now() + this.#waitMs
    for (;;) {
      try {
        return await step()
      } catch (error) {
        if (!isSerialization(error) || performance.now() > endsAt) throw error
      }
    }
  }

  /** Begins a transaction that holds the resource. */
  async #enter(client: PgFenceClient, resource: string, claim: FenceMark): Promise<void> {
    await this.#loans.ask(client, this.#begin)
    try {
      await this.#accept(client, resource, claim)
    } catch (error) {
      // Behind a statement without an answer a ROLLBACK would wait as long; that connection is closed instead.
      if (!isTimeout(error)) await this.#loans.ask(client, 'ROLLBACK', [])
      throw error
    }
  }

  async #work<T>(
    client: PgFenceClient,
    work: (transaction: PgTransaction) => T | PromiseLike<T>,
    resource: string,
    claim: FenceMark,
  ): Promise<T> {
    let open = true
    const transaction: PgTransaction = {
      query: async (text, values) => {
        if (open) return client.query(text, values)
        throw new ElectionError('ELECTION_STOPPED', 'the guarded transaction is over')
      },
    }
    let result: T
    try {
      result = await work(transaction)
    } catch (thrown) {
      open = false
      await this.#loans
        .ask(client, 'ROLLBACK', [])
        .then(() => this.#accept(client, resource, claim))
        // The work's own error counts; that the token was seen is remembered if that is still possible.
        .catch(() => {})
      throw thrown
    }
    open = false
    if (client.getTransactionStatus?.() === 'I') {
      throw storageFailed('the guarded work ended the transaction itself', undefined, 'unknown')
    }
    const committed = await this.#loans.ask(client, 'COMMIT', []).catch((error: ElectionError) => {
      throw storageFailed('the guarded transaction was not committed', error.cause ?? error, outcomeOf(error))
    })
    // COMMIT of a transaction in which a statement failed rolls back, and says so in nothing but its tag.
    if (committed.command !== 'COMMIT') {
      throw storageFailed('a statement of the guarded work had failed: rolled back', undefined, 'rolledBack')
    }
    return result
  }

  /** One statement; a refusal is explained by a second one. */
  async #accept(transaction: PgTransaction, resource: string, claim: FenceMark): Promise<void> {
    const values = [resource, claim.token, claim.holder, claim.election]
    const accepted = await this.#loans.ask(transaction, this.#sql.accept, values)
    if (accepted.rows.length > 0) return
    const seen = await this.#seen(transaction, resource)
    if (seen === null) throw storageFailed('the mark was deleted while it was compared')
    if (seen.election !== null && claim.election !== null && seen.election !== claim.election) {
      throw this.#refusals.counted(foreignElection(resource, claim, seen))
    }
    throw this.#refusals.counted(staleToken(resource, claim, seen.token, seen.holder))
  }

  async #seen(transaction: PgTransaction, resource: string): Promise<FenceMark | null> {
    const { rows } = await this.#loans.ask(transaction, this.#sql.seen, [resource])
    const row = rows[0] as { token: string; holder: string; election: string | null } | undefined
    return row === undefined ? null : Object.freeze({ ...row, token: Number(row.token) })
  }
}

function isSerialization(error: unknown): boolean {
  return isElectionError(error) && (error.cause as { code?: unknown } | undefined)?.code === '40001'
}

function isTimeout(error: unknown): boolean {
  return isElectionError(error) && error.code === 'ELECTION_TIMEOUT'
}

/** A SQLSTATE of these classes says that the server rolled back; no SQLSTATE, or one about connections, says nothing. */
function outcomeOf(error: ElectionError): 'rolledBack' | 'unknown' {
  const code = (error.cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && /^(23|40(?!003)|55|57014|P0)/.test(code) ? 'rolledBack' : 'unknown'
}
