/**
 * A mutated library: the shipping sources with one exact piece of text replaced, bundled in memory and loaded.
 *
 * Nothing in `src` knows of mutants. A patch names a file, a text that occurs there exactly once, and what stands in its
 * place; a text that is not found any more is an error that names both, so a change of the sources shows at once which
 * mutant has to follow. Read next: `table.ts` (the mutants), `kill.ts` (how they die).
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { compileFunction } from 'node:vm'
import { build, type Plugin } from 'esbuild'

/** The top of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** The texts of zod, as `src/runtime/schema.ts` names them. */
const LOCALE = 'zod/v4/locales/en.js'

/** One exact replacement in one source file. */
export interface Patch {
  /** From the top of the repository: `src/core/votes.ts`. */
  readonly file: string
  /** Occurs in the file exactly once. */
  readonly find: string
  readonly replace: string
}

/** What a bundle asks for by name and gets from its host instead of from `node_modules`. */
export type Provided = Readonly<Record<string, unknown>>

/** The text of that file with its patches. @throws if a text does not occur exactly once. */
export function patched(file: string, patches: readonly Patch[], text = read(file)): string {
  let result = text
  for (const { find, replace } of patches.filter((patch) => patch.file === file)) {
    const pieces = result.split(find)
    if (pieces.length !== 2) {
      throw new Error(`${file} has ${pieces.length - 1} times, not once:\n${find}`)
    }
    result = pieces.join(replace)
  }
  return result
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** Hands esbuild the patched text of every file; a bundle has one place, so each file is told its own. */
function patching(patches: readonly Patch[]): Plugin {
  return {
    name: 'patches',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const file = relative(root, path).replaceAll('\\', '/')
        if (file.startsWith('node_modules/')) return null
        const place = JSON.stringify(pathToFileURL(path).href)
        return { contents: patched(file, patches).replaceAll('import.meta.url', place), loader: 'ts' }
      })
    },
  }
}

/** Bundles that file and all that it imports, patched; packages stay outside. @returns JavaScript for `load`. */
export async function compile(entry: string, patches: readonly Patch[]): Promise<string> {
  // also those that this entry does not reach have to fit
  for (const file of new Set(patches.map((patch) => patch.file))) patched(file, patches)
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    // a module without a CommonJS twin of its name: what `require` gives for it is not what `import` gives
    alias: { ...publicNames(), [LOCALE]: join(root, 'node_modules', LOCALE) },
    logLevel: 'silent',
    plugins: [patching(patches)],
  })
  return outputFiles[0]?.text ?? ''
}

/** `conclave/core` and the like lead to the sources, as everywhere in the tests. */
function publicNames(): Record<string, string> {
  const { compilerOptions } = JSON.parse(read('tsconfig.json'))
  const names = Object.entries<string[]>(compilerOptions.paths)
  // the longest first: esbuild takes `conclave` for a prefix of `conclave/core`
  names.sort(([a], [b]) => b.length - a.length)
  return Object.fromEntries(names.map(([name, [path = '']]) => [name, join(root, path)]))
}

/** Runs a bundle and gives its exports. */
export function load<T>(code: string, provided: Provided = {}): T {
  const require = createRequire(import.meta.url)
  const module = { exports: {} }
  const own = (name: string): unknown => (name in provided ? provided[name] : require(name))
  compileFunction(code, ['require', 'module', 'exports'])(own, module, module.exports)
  return module.exports as T
}
