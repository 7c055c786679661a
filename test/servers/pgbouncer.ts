/**
 * A real PgBouncer in transaction mode in front of a PostgreSQL server, for tests.
 *
 * Decides nothing. Gives every transaction any of a few server sessions. Read next: `postgres.ts`.
 */
import { writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { postgresAccount } from './postgres'
import { findProgram, freePort, removeDirectory, startProcess, temporaryDirectory, untilUp } from './process'
import { SYSTEM_BIN } from './require'

/** A pooler; connect to its port as `postgres`, database `postgres`. */
export interface PgBouncer {
  readonly port: number
  stop(): Promise<void>
}

/** Starts a pooler with `sessions` server sessions; resolves when it accepts connections. */
export async function startPgBouncer(postgresPort: number, sessions: number): Promise<PgBouncer> {
  const account = postgresAccount()
  const directory = temporaryDirectory('pgbouncer', account)
  const port = await freePort()
  const config = `${directory}/pgbouncer.ini`
  writeFileSync(
    config,
    `[databases]
postgres = host=127.0.0.1 port=${postgresPort} dbname=postgres user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${sessions}
server_round_robin = 1
`,
  )
  const server = startProcess(
    findProgram('pgbouncer', SYSTEM_BIN) ?? 'pgbouncer',
    [config],
    directory,
    account,
  )
  await untilUp('PgBouncer', server, () => accepts(port))
  return {
    port,
    async stop() {
      await server.kill('SIGKILL')
      removeDirectory(directory)
    },
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
