/**
 * How `npm test` runs: first everything that is fast and by itself, on both cores; then the tests with real processes,
 * sockets and servers, one file after the other, so that neither half disturbs the clocks of the other; of those that mostly
 * wait, and allow for many seconds, two at a time.
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

/** Of these, what runs two at a time. */
const PATIENT: readonly string[] = [
  'test/examples/',
  'test/real/ladder.test.ts',
  'test/real/members.test.ts',
  'test/real/operator.test.ts',
  'test/real/operator-store.test.ts',
  'test/real/small-clusters.test.ts',
  'test/real/store-criteria.test.ts',
  'test/real/store-etcd.test.ts',
  'test/real/store-postgres.test.ts',
  'test/real/store-servers.test.ts',
  'test/real/stores.test.ts',
  'test/real/upgrade.test.ts',
  'test/real/worker.test.ts',
]

/**
 * A machine that stands still for seconds breaks a bound in time, and nothing else: such a test, and only such a one, is tried
 * once more. The last error decides, and whatever a run violated is told last (`afterEach`), so no violation is ever tried away.
 */
const LATE = /^(?:\w+: )?not within [\d.]+ ms: /

const globs = (paths: readonly string[]): string[] =>
  paths.map((path) => (path.endsWith('/') ? `${path}**/*.test.ts` : path))

/** What both halves of the real tests have in common. */
const patience = {
  globalSetup: 'test/servers/missing.ts',
  testTimeout: 120_000,
  hookTimeout: 60_000,
  retry: { count: 1, condition: LATE },
}

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
          exclude: globs(REAL),
          sequence: { groupOrder: 0 },
          maxWorkers: 2,
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          ...patience,
          name: 'real',
          include: globs(REAL),
          exclude: globs(PATIENT),
          sequence: { groupOrder: 1 },
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          ...patience,
          name: 'patient',
          include: globs(PATIENT),
          sequence: { groupOrder: 2 },
          maxWorkers: 2,
        },
      },
    ],
  },
})
