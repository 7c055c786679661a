/**
 * A real Redis server for tests, on the loopback interface, in a directory of its own.
 *
 * Decides nothing. Keeps nothing on disk unless `durable`. Read next: `process.ts`, `require.ts`.
 */
import { createConnection } from 'node:net'
import {
  freePort,
  removeDirectory,
  type ServerProcess,
  startProcess,
  temporaryDirectory,
  untilUp,
} from './process'

/** A server without a password. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Sends one command without spaces in its words on a connection of its own; resolves with the raw reply. */
  command(...words: string[]): Promise<string>
  /** SIGTERM (or SIGKILL), then a new process on the same port and directory. */
  restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  down(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  up(): Promise<void>
  pids(): number[]
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** Options of `startRedis`. */
export interface RedisServerOptions {
  /** Append-only file with fsync on every write. Default: no persistence. */
  readonly durable?: boolean
  /** Further settings, as on the command line: `['--maxmemory', '1mb']`. */
  readonly settings?: readonly string[]
  /** Further variables of its environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a server; resolves when it answers. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const directory = temporaryDirectory('redis')
  const port = await freePort()
  const persistence = options.durable === true ? ['--appendonly', 'yes', '--appendfsync', 'always'] : []
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    directory,
    '--save',
    '',
    ...persistence,
  ]
  const command = (...words: string[]) => ask(port, words)
  const start = async () => {
    // A write beyond a limit of sizes shall fail, as on a full disk, and not end the process by a signal.
    const shell = ['-c', 'trap "" XFSZ; exec redis-server "$@"', 'sh', ...args, ...(options.settings ?? [])]
    const started = startProcess('/bin/sh', shell, directory, { env: { ...process.env, ...options.env } })
    await untilUp('Redis', started, async () => (await command('PING')).startsWith('+PONG'))
    return started
  }
  let server: ServerProcess = await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    command,
    async restart(signal) {
      await server.kill(signal)
      server = await start()
    },
    down: (signal) => server.kill(signal),
    async up() {
      server = await start()
    },
    pids: () => [server.pid],
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    async stop() {
      await server.kill('SIGKILL')
      removeDirectory(directory)
    },
  }
}

/** The protocol's inline form and the first packet of the reply: enough for a test. */
function ask(port: number, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.setTimeout(2_000, () => socket.destroy(new Error('no reply')))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('closed without a reply')))
    socket.once('data', (data) => {
      resolve(data.toString())
      socket.destroy()
    })
    socket.write(`${words.join(' ')}\r\n`)
  })
}
