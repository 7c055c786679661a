/**
 * PostgreSQL as a store of votes: one small table, one statement per read and per compare-and-set.
 *
 * Decides how records lie in the table and what each answer means. Must not hold a session: no advisory lock, no
 * prepared name, no transaction across calls, so it works through transaction poolers (R51). Must not read a clock of the
 * server (R46). Read next: `postgres-call.ts` (failures), `postgres-listen.ts` (wake-ups), `../ports/cas-store.ts`.
 */
import { randomUUID } from 'node:crypto'
import { ElectionError } from '../errors'
import type { CasReadResult, CasRecord, CasStore, CasVersion, CasWriteResult } from '../ports/cas-store'
import type { VoterLink, VoterSetup, VoterStore } from '../ports/voter-store'
import { checkStoreOptions, invalidOption, STORE_TIMEOUT_MS, type StoreOptions } from './options'
import { callPostgres, type PgPool, type PgQueryable, sqlState } from './postgres-call'
import { type PgListen, PostgresListening } from './postgres-listen'
import { openVoter } from './voter'

export type { StoreOptions } from './options'
export type { PgPool, PgPoolClient, PgQueryable, PgResult } from './postgres-call'
export type { PgListen, PgListener } from './postgres-listen'
export type { PgLent } from './postgres-loan'

/** Where the table is. Names match `/^[A-Za-z_][A-Za-z0-9_]{0,62}$/` and are used exactly as written. */
export interface PostgresTable {
  /** Default `conclave`. */
  readonly table?: string
  /** Default `public`; must exist. Always named, so that no process finds another table by its `search_path`. */
  readonly schema?: string
}

/** Options of `postgres()`. */
export interface PostgresOptions extends StoreOptions, PostgresTable {
  /**
   * `prepare()` creates the table if it is missing. Default `true`; `false`: it only checks, for roles that may not create
   * (then run `postgresSchema()` among your migrations).
   */
  readonly create?: boolean
  /**
   * Makes `watch` available: opens (again, after every loss) a connected client that nobody else uses, for `LISTEN`.
   * Default: none, waiting processes then look at each heartbeat. Not through a transaction pooler: `LISTEN` belongs to a
   * session. Example: `async () => { const client = new Client(url).on('error', () => {}); await client.connect(); return
   * client }`; without the listener, a connection that breaks before it is returned ends the process.
   */
  readonly listen?: PgListen
  /**
   * Notifies on each write. Default: `true` with `listen`, else `false`; all processes of a cluster should agree. Each
   * notifying commit passes a lock that the whole server shares: fine for some hundred processes, not for thousands.
   */
  readonly notify?: boolean
}

/** What `postgres()` makes: a store of votes, for `voters`. */
export interface PostgresVotes extends CasStore, VoterStore {
  /**
   * Creates the table if it is missing, whatever `create` says; idempotent. Not needed with `create`: a link does it before its
   * first call, and goes on trying.
   *
   * @throws ELECTION_STORAGE_FAILED
   */
  migrate(): Promise<void>
}

const OPTIONS = ['table', 'schema', 'create', 'listen', 'notify']
/** Creating a table may wait for others; it happens once. */
const PREPARE_TIMEOUT_MS = 10_000

/**
 * Makes a store out of a `pg` pool, or of anything with its `query(text, values)`.
 *
 * With a pool (`connect()` and `totalCount`) an unanswered connection is closed after `timeoutMs` and a call that found
 * no free connection in time is known not to have happened; with a bare `query` neither is possible. Give the pool a
 * `connectionTimeoutMillis`, and an `error` listener: without one, `pg` ends the process when an idle connection breaks.
 * The pool must reach the primary; a read that a standby answers fails, and so does a write.
 *
 * Acknowledged writes survive a restart (with `fsync` and `synchronous_commit` on, the server's defaults), and a fail-over
 * only to a synchronous standby: say `durability: 'mayRegress'` where an asynchronous one may be promoted (R48).
 *
 * @throws ELECTION_CONFIG_INVALID
 */
export function postgres(pool: PgQueryable | PgPool, options: PostgresOptions = {}): PostgresVotes {
  checkStoreOptions('postgres', options, OPTIONS)
  if (typeof pool?.query !== 'function')
    throw invalidOption('postgres() takes a pool, or an object with query()')
  if (options.listen !== undefined && typeof options.listen !== 'function') {
    throw invalidOption('listen of postgres() must be a function that returns a connected client')
  }
  return new PostgresStore(pool, options)
}

/**
 * The SQL that `prepare()` runs, for those who run migrations themselves.
 *
 * `version` is a random tag and never a counter, so that a row that was deleted and made again cannot show a version
 * that somebody still remembers (R68). The library sets it with each write; the default is for rows made by hand. Whoever
 * updates a row by hand must say `version = DEFAULT`. Half of each page stays free, so that renewals are updates in place.
 *
 * @throws ELECTION_CONFIG_INVALID: a name that is not allowed.
 */
export function postgresSchema(options: PostgresTable = {}): string {
  return `CREATE TABLE IF NOT EXISTS ${tableOf(options)} (
  key text COLLATE "C" PRIMARY KEY,
  version uuid NOT NULL DEFAULT gen_random_uuid(),
  value text NOT NULL
) WITH (fillfactor = 50)`
}

class PostgresStore implements PostgresVotes {
  readonly name = 'postgres'
  readonly durability
  readonly timeoutMs: number
  readonly watch?: NonNullable<CasStore['watch']>
  readonly #pool: PgQueryable | PgPool
  readonly #create: boolean
  readonly #schema: string
  readonly #channel: string | null
  readonly #sql: Statements

  constructor(pool: PgQueryable | PgPool, options: PostgresOptions) {
    this.#pool = pool
    this.durability = options.durability ?? 'survives'
    this.timeoutMs = options.timeoutMs ?? STORE_TIMEOUT_MS
    this.#create = options.create ?? true
    this.#schema = postgresSchema(options)
    this.#channel = (options.notify ?? options.listen !== undefined) ? channelOf(options) : null
    this.#sql = statements(tableOf(options), this.#channel !== null)
    if (options.listen !== undefined) {
      const listening = new PostgresListening(options.listen, channelOf(options), this.timeoutMs)
      this.watch = (prefix, wake) => listening.watch(prefix, wake)
    }
  }

  open(setup: VoterSetup): VoterLink {
    return openVoter(this, setup)
  }

  async read(keys: readonly string[]): Promise<CasReadResult> {
    if (keys.length === 0) return { kind: 'ok', records: [] }
    const outcome = await callPostgres(this.#pool, this.#sql.read, [keys], this.timeoutMs)
    if (outcome.kind !== 'rows') return { kind: 'failed', error: outcome.error }
    const rows = outcome.rows as readonly ReadRow[]
    if (rows.length !== keys.length) return { kind: 'failed', error: new Error('not one row for each key') }
    if (rows.some((row) => row.standby !== false)) {
      return { kind: 'failed', error: new Error('a standby answered: reads must go to the primary (R46)') }
    }
    return { kind: 'ok', records: rows.map(recordOf) }
  }

  async write(key: string, version: CasVersion | null, value: string): Promise<CasWriteResult> {
    const tag = randomUUID()
    const values = version === null ? [key, tag, value] : [key, tag, value, version]
    if (this.#channel !== null) values.push(this.#channel)
    const sql = version === null ? this.#sql.create : this.#sql.update
    const outcome = await callPostgres(this.#pool, sql, values, this.timeoutMs)
    if (outcome.kind === 'rows')
      return outcome.rows.length > 0 ? { kind: 'ok', version: tag } : { kind: 'conflict' }
    if (outcome.kind === 'failed' && sqlState(outcome.error) === '23505') return { kind: 'conflict' }
    return outcome
  }

  prepare(): Promise<void> {
    return this.#makeUsable(this.#create)
  }

  migrate(): Promise<void> {
    return this.#makeUsable(true)
  }

  async #makeUsable(create: boolean): Promise<void> {
    const run = (sql: string) => callPostgres(this.#pool, sql, [], PREPARE_TIMEOUT_MS)
    let outcome = await run(this.#sql.check)
    if (outcome.kind !== 'rows' && sqlState(outcome.error) === '42P01' && create) {
      // Two processes may create at once, and PostgreSQL then fails one of them in spite of IF NOT EXISTS: look again.
      const created = await run(this.#schema)
      outcome = await run(this.#sql.check)
      if (outcome.kind !== 'rows' && created.kind !== 'rows') outcome = created
    }
    if (outcome.kind === 'rows') return
    throw new ElectionError(
      'ELECTION_STORAGE_FAILED',
      `the table of votes is not usable: ${outcome.error.message}`,
      {
        cause: outcome.error,
        details: { store: this.name },
      },
    )
  }
}

interface ReadRow {
  readonly standby: boolean
  readonly version: string | null
  readonly value: string | null
}

function recordOf(row: ReadRow): CasRecord | null {
  return row.version === null || row.value === null ? null : { version: row.version, value: row.value }
}

interface Statements {
  readonly read: string
  readonly create: string
  readonly update: string
  readonly check: string
}

/**
 * `read` answers one row per key, in their order, from one snapshot. A write is one statement and so one transaction:
 * at READ COMMITTED the second of two writers waits for the first and then finds its version gone; at the stricter levels
 * it fails with 40001 and has changed nothing.
 */
function statements(table: string, notify: boolean): Statements {
  const create = `INSERT INTO ${table} (key, version, value) VALUES ($1::text, $2::uuid, $3::text)
    ON CONFLICT DO NOTHING RETURNING key`
  const update = `UPDATE ${table} SET version = $2::uuid, value = $3::text
    WHERE key = $1::text AND version::text = $4::text RETURNING key`
  const told = (write: string, channel: string) =>
    notify ? `WITH written AS (${write}) SELECT pg_notify(${channel}::text, key) FROM written` : write
  return {
    read: `SELECT pg_is_in_recovery() AS standby, r.version::text AS version, r.value AS value
      FROM unnest($1::text[]) WITH ORDINALITY AS k (key, place) LEFT JOIN ${table} AS r ON r.key = k.key
      ORDER BY k.place`,
    create: told(create, '$4'),
    update: told(update, '$5'),
    check: `SELECT key, version, value FROM ${table} LIMIT 0`,
  }
}

function tableOf({ schema = 'public', table = 'conclave' }: PostgresTable): string {
  return `${identifier('schema', schema)}.${identifier('table', table)}`
}

/** Tables of one name in two schemas share the channel: a needless wake-up, no harm. */
function channelOf({ table = 'conclave' }: PostgresTable): string {
  return table
}

/** Quoted, so that the case is kept; checked, so that the quotes hold. */
function identifier(option: string, name: unknown): string {
  if (typeof name === 'string' && /^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name)) return `"${name}"`
  throw invalidOption(`${option} of postgres() must match /^[A-Za-z_][A-Za-z0-9_]{0,62}$/`)
}
