/**
 * The SQL of the PostgreSQL fence: its table, its statements, and the same check as a function for one's own SQL.
 *
 * Decides the comparison of R42 in SQL, once: the statement of the fence and the function share its text. Read next:
 * `postgres.ts`, `marks.ts` (the comparison in words).
 */
import { ElectionError } from '../errors'

/** Where the marks are. Names are used exactly as written. */
export interface PostgresFenceTable {
  /** Default `conclave_fence`. `/^[A-Za-z_][A-Za-z0-9_]{0,56}$/`. */
  readonly table?: string
  /** Default `public`; must exist. `/^[A-Za-z_][A-Za-z0-9_]{0,62}$/`. */
  readonly schema?: string
}

/** What the fence says to the server. */
export interface FenceStatements {
  /** $1 resource, $2 token, $3 holder, $4 election or null; one row if accepted, and the row stays locked. */
  readonly accept: string
  /** $1 resource; its mark, if there is one. */
  readonly seen: string
  readonly check: string
  /** $1 resource, $2 time; only in the transaction that accepted the claim. */
  readonly takeRun: string
  /** $1 resource. */
  readonly lastRun: string
}

/**
 * The SQL of the table, for those who run migrations themselves; `prepare()` runs it otherwise.
 *
 * One row per resource, kept for ever: deleting it lets old tokens in again. It may go when the data goes that it protects.
 *
 * @throws ELECTION_CONFIG_INVALID: a name that is not allowed.
 */
export function postgresFenceSchema(options: PostgresFenceTable = {}): string {
  return `CREATE TABLE IF NOT EXISTS ${tableOf(options)} (
  resource text COLLATE "C" PRIMARY KEY,
  token bigint NOT NULL CHECK (token BETWEEN 1 AND 9007199254740991),
  holder text COLLATE "C" NOT NULL,
  election text COLLATE "C",
  last_run bigint
) WITH (fillfactor = 50);
ALTER TABLE ${tableOf(options)} ADD COLUMN IF NOT EXISTS last_run bigint`
}

/**
 * The SQL of a function that does what `check` does, for statements and triggers that have to carry the check themselves.
 * Its name is that of the table and `_check`: `conclave_fence_check(resource, token, holder, election DEFAULT NULL)`.
 * Returns the token, or raises SQLSTATE `FENCE`; either way the row stays locked until the transaction ends.
 *
 * In a statement: `WITH fence AS MATERIALIZED (SELECT public.conclave_fence_check('ledger', $1, $2))
 * UPDATE ledger SET total = $3 FROM fence WHERE id = $4`. In a row trigger, with token and holder in the row itself:
 * `PERFORM public.conclave_fence_check('ledger', NEW.fence_token, NEW.fence_holder); RETURN NEW;`.
 *
 * Hazard: not in the WHERE of the statement itself, where it runs once per row, or not at all if there are none.
 *
 * @throws ELECTION_CONFIG_INVALID: a name that is not allowed.
 */
export function postgresFenceFunction(options: PostgresFenceTable = {}): string {
  const name = identifier('table', options.table ?? 'conclave_fence', 56).replace(/"$/, '_check"')
  const schema = identifier('schema', options.schema ?? 'public', 62)
  return `CREATE OR REPLACE FUNCTION ${schema}.${name}(
  p_resource text, p_token bigint, p_holder text, p_election text DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql AS $fence$
DECLARE seen record;
BEGIN
  ${accept(tableOf(options), 'p_resource', 'p_token', 'p_holder', 'p_election')};
  IF FOUND THEN RETURN p_token; END IF;
  SELECT token, holder, election INTO seen FROM ${tableOf(options)} WHERE resource = p_resource;
  RAISE EXCEPTION 'token % of % is refused: token % of % was seen', p_token, p_holder, seen.token, seen.holder
    USING ERRCODE = 'FENCE', DETAIL = 'resource ' || p_resource || ', election ' || COALESCE(seen.election, '(unnamed)');
END
$fence$`
}

/** @throws ELECTION_CONFIG_INVALID: a name that is not allowed. */
export function fenceStatements(options: PostgresFenceTable): FenceStatements {
  const table = tableOf(options)
  return {
    accept: `${accept(table, '$1::text', '$2::bigint', '$3::text', '$4::text')} RETURNING resource`,
    seen: `SELECT token::text AS token, holder, election FROM ${table} WHERE resource = $1::text`,
    check: `SELECT resource, token, holder, election, last_run FROM ${table} LIMIT 0`,
    takeRun: `UPDATE ${table} SET last_run = $2::bigint WHERE resource = $1::text`,
    lastRun: `SELECT last_run::text AS last_run FROM ${table} WHERE resource = $1::text`,
  }
}

/** R42, R41: in one statement, which also locks the row; at READ COMMITTED it compares with the latest committed mark. */
function accept(table: string, resource: string, token: string, holder: string, election: string): string {
  return `INSERT INTO ${table} AS mark (resource, token, holder, election)
  VALUES (${resource}, ${token}, ${holder}, ${election})
  ON CONFLICT (resource) DO UPDATE SET token = EXCLUDED.token, holder = EXCLUDED.holder,
    election = COALESCE(EXCLUDED.election, mark.election)
  WHERE (mark.token < EXCLUDED.token OR (mark.token = EXCLUDED.token AND mark.holder = EXCLUDED.holder))
    AND (mark.election = EXCLUDED.election OR mark.election IS NULL OR EXCLUDED.election IS NULL)`
}

function tableOf({ schema = 'public', table = 'conclave_fence' }: PostgresFenceTable): string {
  return `${identifier('schema', schema, 62)}.${identifier('table', table, 56)}`
}

/** Quoted, so that the case is kept; checked, so that the quotes hold. `more`: letters after the first. */
function identifier(option: string, name: unknown, more: number): string {
  const pattern = new RegExp(`^[A-Za-z_][A-Za-z0-9_]{0,${more}}$`)
  if (typeof name === 'string' && pattern.test(name)) return `"${name}"`
  throw new ElectionError('ELECTION_CONFIG_INVALID', `${option} of postgresFence() must match ${pattern}`)
}
