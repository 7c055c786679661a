/**
 * A leader in a process of its own, for the fences: holds token 1, stops at an agreed place, and goes on when told to.
 *
 * Decides nothing. `startLeader` is for the test; the rest runs in the child.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import { isElectionError } from '../../src/errors'
import { type PostgresFenceOptions, postgresFence } from '../../src/fencing/postgres'
import { redisFence } from '../../src/fencing/redis'
import { untilStopped } from '../servers/process'

/** `before`: it believes that it leads and is about to write. `inside`: its transaction has begun. */
export type Place = 'before' | 'inside'

/** A leader that has reached its place. */
export interface Leader {
  freeze(): void
  /** Thaws it and lets it go on. */
  thaw(): void
  /** `written`, or the code (or message) of the error that it got. */
  outcome(): Promise<string>
}

const file = fileURLToPath(import.meta.url)

/** Starts a leader; resolves when it stands at its place. `isolation`: of the PostgreSQL fence. */
export async function startLeader(
  store: 'postgres' | 'redis',
  port: number,
  place: Place,
  isolation: PostgresFenceOptions['isolation'] = 'read committed',
): Promise<Leader> {
  const args = ['--import', 'tsx', file, store, String(port), place, isolation]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  // A frozen process would outlive a test that failed.
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('close', () => process.off('exit', kill))
  let said = ''
  child.stdout.on('data', (data) => {
    said += data
  })
  const ended = once(child, 'close')
  while (!said.includes('here\n')) {
    await Promise.race([once(child.stdout, 'data'), ended])
    if (child.exitCode !== null) throw new Error(`the leader did not come up: ${said}`)
  }
  return {
    freeze() {
      child.kill('SIGSTOP')
      untilStopped(child.pid as number)
    },
    thaw() {
      child.kill('SIGCONT')
      child.stdin.end('go')
    },
    async outcome() {
      await ended
      return said.split('\n')[1] ?? ''
    },
  }
}

async function lead(store: string, port: number, place: string, isolation: string): Promise<void> {
  const claim = { token: 1, holder: 'a' }
  const stop = async () => {
    console.log('here')
    await once(process.stdin, 'data')
  }
  if (store === 'redis') {
    const client = new Redis({ host: '127.0.0.1', port })
    await client.ping()
    await stop()
    await redisFence(client)
      .set('ledger', claim, 'total', '1')
      .finally(() => client.disconnect())
    return
  }
  const pool = new Pool({ host: '127.0.0.1', port, user: 'postgres', max: 1 })
  pool.on('error', () => {})
  const options = { idleMs: 500, isolation } as PostgresFenceOptions
  const fence = postgresFence(pool, options)
  if (place === 'before') await stop()
  await fence
    .guard('ledger', claim, async (tx) => {
      if (place === 'inside') await stop()
      await tx.query('UPDATE ledger SET total = 1')
    })
    .finally(() => pool.end())
}

if (process.argv[1] === file) {
  const [, , store = '', port = '', place = '', isolation = ''] = process.argv
  lead(store, Number(port), place, isolation).then(
    () => console.log('written'),
    (error: Error) => console.log(isElectionError(error) ? error.code : error.message),
  )
}
