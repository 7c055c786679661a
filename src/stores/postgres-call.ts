/**
 * One statement on a PostgreSQL pool, within a time-out, and what its failure proves.
 *
 * Decides whether a failed statement certainly changed nothing. Must not hold a connection between calls, must not use
 * anything that belongs to a session (prepared names, settings, advisory locks): a transaction pooler may give every
 * statement another session (R51). Read next: `postgres.ts`.
 */
import { borrow, giveBack, type PgLent } from './postgres-loan'
import { Budget, toError } from './within'

/** What a statement returns, as far as the adapter looks. */
export interface PgResult {
  readonly rows: readonly unknown[]
}

/** Anything that runs a statement with values: a `Pool`, a `Client`, or a wrapper of yours. */
export interface PgQueryable {
  query(text: string, values: unknown[]): Promise<PgResult>
}

/** A pool that lends its connections, like `Pool` of `pg`. */
export interface PgPool extends PgQueryable {
  /** Calls back with a connection. One that returns a promise instead is taken too. */
  connect(lent: PgLent<PgPoolClient>): unknown
  /** Tells a pool from a client, whose `connect()` means something else. */
  readonly totalCount: number
}

/** A connection on loan. */
export interface PgPoolClient extends PgQueryable {
  /** Gives it back; with an argument the pool closes it. */
  release(destroy?: Error | boolean): void
  on?(event: 'error', listener: (error: Error) => void): unknown
  removeListener?(event: 'error', listener: (error: Error) => void): unknown
  /** `I`: idle. Recent versions of `pg` have it. */
  getTransactionStatus?(): string | null
}

/** `failed`: certainly no effect. `ambiguous`: there may be one, now or later. */
export type PgOutcome =
  | { readonly kind: 'rows'; readonly rows: readonly unknown[] }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'ambiguous'; readonly error: Error }

/** Runs one statement as a transaction of its own. Never rejects. */
export async function callPostgres(
  pool: PgQueryable | PgPool,
  text: string,
  values: readonly unknown[],
  timeoutMs: number,
): Promise<PgOutcome> {
  const budget = new Budget('postgres', timeoutMs)
  return lends(pool) ? callOnLoan(pool, text, values, budget) : callDirectly(pool, text, values, budget)
}

/** The SQLSTATE of an error of the server, or `null` for any other error. */
export function sqlState(error: Error): string | null {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null
}

function lends(pool: PgQueryable | PgPool): pool is PgPool {
  return 'connect' in pool && typeof pool.connect === 'function' && typeof pool.totalCount === 'number'
}

/**
 * Borrows a connection, so that it is known whether the statement was sent, and so that a connection that does not
 * answer is closed: on a half-open link it would block its place in the pool for as long as TCP believes in it.
 */
async function callOnLoan(
  pool: PgPool,
  text: string,
  values: readonly unknown[],
  budget: Budget,
): Promise<PgOutcome> {
  const loan = await budget.run(
    () => borrow(pool),
    (late) => giveBack(late),
  )
  if (loan.kind !== 'done') return { kind: 'failed', error: loan.error }
  const client = loan.value
  const status = client.getTransactionStatus?.() ?? 'I'
  if (status !== 'I') {
    const error = new Error(
      'the pool lent a connection with an open transaction: somebody forgot to end theirs',
    )
    giveBack(client, error)
    return { kind: 'failed', error }
  }
  const answer = await budget.run(() => client.query(text, [...values]))
  const outcome = answer.kind === 'done' ? rowsOf(answer.value) : judgeFailure(answer)
  const usable = answer.kind === 'done' || (answer.kind === 'error' && certainlyRolledBack(answer.error))
  giveBack(client, usable ? false : answer.error)
  return outcome
}

async function callDirectly(
  pool: PgQueryable,
  text: string,
  values: readonly unknown[],
  budget: Budget,
): Promise<PgOutcome> {
  const answer = await budget.run(() => pool.query(text, [...values]))
  return answer.kind === 'done' ? rowsOf(answer.value) : judgeFailure(answer)
}

function rowsOf(result: PgResult): PgOutcome {
  if (Array.isArray(result?.rows)) return { kind: 'rows', rows: result.rows }
  return { kind: 'ambiguous', error: new Error('the result of the statement has no rows') }
}

function judgeFailure(answer: { kind: 'error' | 'late'; error: Error }): PgOutcome {
  if (answer.kind === 'error' && (neverSent(answer.error) || certainlyRolledBack(answer.error)))
    return { kind: 'failed', error: answer.error }
  return { kind: 'ambiguous', error: toError(answer.error) }
}

/**
 * True for errors by which the server says that the statement was rolled back: it was refused, cancelled (57014, also by
 * `statement_timeout`), lost a race (40001, 40P01), waited too long for a lock (55P03), hit a standby (25006), ...
 *
 * Not among them: connection errors (08), shutdowns (57P), a full disk (53100: the server may fall while it commits),
 * a transaction that a time-out ended together with its session (25P), "unknown" by name (40003), internal errors (XX).
 */
function certainlyRolledBack(error: Error): boolean {
  const state = sqlState(error)
  if (state === null || state === '40003' || state.startsWith('25P')) return false
  return /^(0A|2[1-8]|2B|2D|3[4-9DF]|40|42|44|54|55|P0|57014|57P03|53[234]00)/.test(state)
}

/** True for errors of a wrapper's own connection attempt, and of a connection that is already known to be broken. */
function neverSent(error: Error): boolean {
  const code = (error as { code?: unknown }).code
  return (
    code === 'ECONNREFUSED' ||
    code === 'ENOTFOUND' ||
    code === 'EAI_AGAIN' ||
    /not queryable|Cannot use a pool after calling end/.test(error.message)
  )
}
