/**
 * Which real servers this machine has, and what to say about those that are missing.
 *
 * Decides that missing servers are no failure, unless CONCLAVE_REQUIRE_SERVERS=1. Read next: `postgres.ts`.
 */
import { appendFileSync } from 'node:fs'
import { findProgram } from './process'

/** Names the file in which a whole run collects what is missing, so that it is said in one line (`missing.ts`). */
export const MISSING_FILE = 'CONCLAVE_MISSING_FILE'

/** The servers, the programs for their faults, and the shells that tests may ask for. */
export type ServerName =
  | 'postgresql'
  | 'pgbouncer'
  | 'redis'
  | 'etcd'
  | 'faketime'
  | 'prlimit'
  | 'bash'
  | 'zsh'
  | 'fish'

/** Where Debian puts the programs that are not in PATH. */
export const SYSTEM_BIN = [
  ...['15', '16', '17'].map((version) => `/usr/lib/postgresql/${version}/bin`),
  '/usr/sbin',
]

const PROGRAMS: Record<ServerName, readonly string[]> = {
  postgresql: ['postgres', 'initdb'],
  pgbouncer: ['pgbouncer'],
  redis: ['redis-server'],
  etcd: ['etcd'],
  faketime: ['faketime'],
  prlimit: ['prlimit'],
  bash: ['bash'],
  zsh: ['zsh'],
  fish: ['fish'],
}

/**
 * True if all servers are here. Otherwise it is said in one line which are not, and what is therefore not run; use it as
 * `describe.runIf(requireServers('what these tests are', 'redis'))`.
 *
 * @throws if CONCLAVE_REQUIRE_SERVERS=1 and one is missing.
 */
export function requireServers(whatFor: string, ...names: ServerName[]): boolean {
  const missing = names.filter((name) =>
    PROGRAMS[name].some((program) => findProgram(program, SYSTEM_BIN) === null),
  )
  if (missing.length === 0) return true
  const line = `not run, no ${missing.join(', ')} on this machine: ${whatFor}`
  if (process.env['CONCLAVE_REQUIRE_SERVERS'] === '1') throw new Error(line)
  const notes = process.env[MISSING_FILE]
  if (notes) appendFileSync(notes, `${JSON.stringify({ names: missing, whatFor })}\n`)
  else process.stderr.write(`${line}\n`)
  return false
}
