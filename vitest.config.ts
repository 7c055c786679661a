/**
 * How `npm test` runs: first everything that is fast and by itself, on both cores; then the tests with real processes,
 * sockets and servers, one file after the other, so that neither half disturbs the clocks of the other.
 *
 * Tests import the package by its public names; the `paths` of tsconfig.json lead those to the sources, so a test never
 * sees a stale build.
 */
import { defineConfig } from 'vitest/config'

/** Folders and files whose tests start processes or servers, or wait on real sockets. */
export const REAL: readonly string[] = [
  'test/real/',
  'test/stores/',
  'test/fuzz/live.test.ts',
  'test/soak/',
  'test/transports/',
  'test/simulation/determinism.test.ts',
  'test/storage/lock.test.ts',
  'test/fencing/kill.test.ts',
  'test/fencing/example.test.ts',
  'test/examples/',
  'test/cli/process.test.ts',
  'test/cli/completion.test.ts',
  'test/tidy/readme.test.ts',
]

/**
 * A machine that stands still for seconds breaks a bound in time, and nothing else: such a test, and only such a one, is tried
 * once more. The last error decides, and whatever a run violated is told last (`afterEach`), so no violation is ever tried away.
 */
const LATE = /^(?:\w+: )?not within [\d.]+ ms: /

const real = REAL.map((path) => (path.endsWith('/') ? `${path}**/*.test.ts` : path))

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: real,
          sequence: { groupOrder: 0 },
          maxWorkers: 2,
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: real,
          sequence: { groupOrder: 1 },
          fileParallelism: false,
          globalSetup: 'test/servers/missing.ts',
          testTimeout: 120_000,
          hookTimeout: 60_000,
          retry: { count: 1, condition: LATE },
        },
      },
    ],
  },
})
