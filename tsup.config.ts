/**
 * Builds `dist`: one file per entry point and format, and the declarations of each.
 *
 * Every entry is a bundle of its own (no shared chunks of code): the library keeps no module state and brands its errors
 * with `Symbol.for`, so two entries, or the ESM and the CommonJS copy, can live in one process. A new entry point is one line here; test/tidy/package.test.ts says what else has to name it.
 */
import type { Options } from 'tsup'

/** Entry point -> source file. `index` is `conclave` itself, `tcp` is `conclave/tcp`, and so on. */
export const entries: Readonly<Record<string, string>> = {
  index: 'src/index.ts',
  core: 'src/core/index.ts',
  tcp: 'src/transports/tcp.ts',
  postgres: 'src/stores/postgres.ts',
  redis: 'src/stores/redis.ts',
  etcd: 'src/stores/etcd.ts',
  store: 'src/stores/index.ts',
  fencing: 'src/fencing/index.ts',
  metrics: 'src/metrics/index.ts',
  http: 'src/http/index.ts',
  schedule: 'src/schedule/index.ts',
  simulation: 'src/simulation/index.ts',
  compliance: 'src/compliance/index.ts',
}

/** Threads that the entry points start: files of their own, found beside them. */
export const threads: Readonly<Record<string, string>> = { worker: 'src/worker/main.ts' }

/** Program of `bin` in package.json -> source file. */
export const programs: Readonly<Record<string, string>> = { conclave: 'src/cli/main.ts' }

/** Programs that the library starts by itself, beside it and in CommonJS, which starts faster -> source file. */
export const helpers: Readonly<Record<string, string>> = { sentinel: 'src/cli/sentinel.ts' }

/**
 * Dependencies whose code goes into the built files: what counts at an import is the number of files, and zod alone has some
 * eighty. They stay among the dependencies, so their licences are installed with this package (LICENSE says so).
 */
const bundled = ['zod', 'eventemitter3']

const common: Options = {
  target: 'node20',
  platform: 'node',
  splitting: false,
  treeshake: true,
  noExternal: bundled,
}

const library: Options = {
  ...common,
  entry: { ...entries },
  format: ['esm', 'cjs'],
  // The programs are built beside it, at the same time.
  clean: ['!conclave.js', '!sentinel.cjs', '!worker.js'],
  // A file finds its own place by `__filename` where `import.meta` is empty.
  esbuildOptions: (options) => {
    options.logOverride = { 'empty-import-meta': 'silent' }
  },
  // Types of Node.js stand in the declarations, and TypeScript 6 loads none by itself.
  dts: {
    banner: '/// <reference types="node" />',
    compilerOptions: { ignoreDeprecations: '6.0', paths: {} },
  },
}

export default [
  library,
  { ...common, entry: { ...programs, ...threads }, format: ['esm'], clean: false, dts: false },
  { ...common, entry: { ...helpers }, format: ['cjs'], clean: false, dts: false },
]
