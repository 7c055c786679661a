/**
 * How `npm test` runs: first everything that needs no real time, on both cores; then `test/real` (processes, sockets,
 * servers), one file after the other, so that neither half disturbs the clocks of the other.
 *
 * Tests import the package by its public names; the `paths` of tsconfig.json lead those to the sources, so a test never
 * sees a stale build.
 */
import { defineConfig } from 'vitest/config'

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
          exclude: ['test/real/**'],
          sequence: { groupOrder: 0 },
          maxWorkers: 2,
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/real/**/*.test.ts'],
          sequence: { groupOrder: 1 },
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
