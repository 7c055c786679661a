/**
 * A wall clock for a server process that tests can step, as an administrator or a bad time server would.
 *
 * By `libfaketime`, which stands between a program and the C library: it reaches PostgreSQL and Redis. It does not reach
 * etcd, as Go asks the kernel itself. Decides nothing. Read next: `postgres.ts`, `redis.ts`.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory } from './process'

/** One such clock. */
export interface FakeClock {
  /** For the server's environment. */
  readonly env: Readonly<Record<string, string>>
  /** From now on it is so many seconds off the host's clock. */
  step(seconds: number): void
}

/** Makes a clock that is right until it is stepped. The monotonic clock stays as it is, as when a real one is stepped. */
export function fakeClock(): FakeClock {
  const directory = temporaryDirectory('clock')
  chmodSync(directory, 0o755)
  const file = join(directory, 'offset')
  const step = (seconds: number) =>
    writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}\n`, { mode: 0o644 })
  step(0)
  const library = execFileSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], {
    encoding: 'utf8',
  }).trim()
  return {
    env: {
      // The C library comes before jemalloc, which Redis brings along and which asks for the time before it can be faked.
      LD_PRELOAD: `${library}:libc.so.6`,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
    step,
  }
}
