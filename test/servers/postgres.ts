/**
 * A real PostgreSQL server for tests, on the loopback interface, in a directory of its own.
 *
 * Decides nothing. Not as root: PostgreSQL refuses that, so root starts it as the user `postgres`. Without fsync unless
 * `durable`. Read next: `process.ts`, `require.ts`.
 */
import { execFileSync } from 'node:child_process'
import { Client } from 'pg'
import {
  type Account,
  familyOf,
  findProgram,
  freePort,
  removeDirectory,
  type ServerProcess,
  signalEach,
  startProcess,
  temporaryDirectory,
  untilUp,
} from './process'
import { SYSTEM_BIN } from './require'

/** A server with the role and database `postgres`, no password. */
export interface PostgresServer {
  readonly port: number
  readonly url: string
  /** Runs one statement on a connection of its own. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>
  /** Ends every other session, as an administrator would. */
  terminateSessions(): Promise<void>
  /** The whole server: `immediate` is a crash with recovery, `fast` an orderly shutdown. */
  restart(mode: 'fast' | 'immediate'): Promise<void>
  down(mode: 'fast' | 'immediate'): Promise<void>
  up(): Promise<void>
  /** All processes of the server. */
  pids(): number[]
  /** Freezes and thaws the process that accepts connections and every session. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** Options of `startPostgres`. */
export interface PostgresServerOptions {
  /** With fsync; the default is without, which is quicker and survives everything but a crash of the machine. */
  readonly durable?: boolean
  /** Further settings, as for `-c`. */
  readonly settings?: Readonly<Record<string, string>>
  /** A copy of this server that follows it and answers reads only. */
  readonly standbyOf?: PostgresServer
  /** Further variables of its environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a server; resolves when it answers. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const account = postgresAccount()
  const directory = temporaryDirectory('postgres', account)
  const data = `${directory}/data`
  const make = (name: string, ...args: string[]) =>
    execFileSync(program(name), ['-D', data, '--no-sync', ...args], {
      ...account,
      cwd: directory,
      stdio: 'pipe',
    })
  if (options.standbyOf === undefined) {
    make('initdb', '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--wal-segsize=1')
  } else {
    make('pg_basebackup', '-d', options.standbyOf.url, '--checkpoint=fast', '--write-recovery-conf')
  }
  const port = await freePort()
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    max_connections: '60',
    shared_buffers: '8MB',
    max_wal_size: '32MB',
    fsync: options.durable === true ? 'on' : 'off',
    full_page_writes: options.durable === true ? 'on' : 'off',
    ...options.settings,
  }
  const args = [
    '-D',
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const start = async () => {
    const env = { ...process.env, ...options.env }
    const started = startProcess(program('postgres'), args, directory, { ...account, env })
    await untilUp('PostgreSQL', started, async () => (await query('SELECT 1')).length === 1)
    return started
  }
  const query = async (sql: string) => {
    const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows
    } finally {
      await client.end()
    }
  }
  let server: ServerProcess = await start()
  const down = (mode: 'fast' | 'immediate') => server.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
  const pids = () => familyOf(server.pid)
  return {
    port,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    query,
    async terminateSessions() {
      await query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`,
      )
    },
    async restart(mode) {
      await down(mode)
      server = await start()
    },
    down,
    async up() {
      server = await start()
    },
    pids,
    freeze: () => signalEach(pids(), 'SIGSTOP'),
    thaw: () => signalEach(pids(), 'SIGCONT'),
    async stop() {
      signalEach(pids(), 'SIGCONT')
      await server.kill('SIGQUIT')
      removeDirectory(directory)
    },
  }
}

function program(name: string): string {
  return findProgram(name, SYSTEM_BIN) ?? name
}

/** The account that PostgreSQL and its tools run under when root runs the tests; else one's own. */
export function postgresAccount(): Account {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}
