/**
 * Broken cores for the exploration: the mutants of `test/mutants` whose patches touch `src/core` alone.
 *
 * Nothing is patched on disk: the core is bundled in memory with the replacement in place. Read next: `main.ts`.
 */
import { compile, load } from '../mutants/compile'
import type { Mutant } from '../mutants/mutant'
import { MUTANTS } from '../mutants/table'
import type { Core } from './process'

/** The mutants that an exploration of the core can meet. */
export function mutantsOfCore(): readonly Mutant[] {
  return MUTANTS.filter(({ patches }) => patches.every(({ file }) => file.startsWith('src/core/')))
}

/** The mutant with that name, or the first one whose name begins so. @throws if there is none. */
export function mutantNamed(name: string): Mutant {
  const all = mutantsOfCore()
  const found = all.find(({ id }) => id === name) ?? all.find(({ id }) => id.startsWith(`${name} `))
  if (found === undefined) throw new Error(`no mutant of the core is called ${name}`)
  return found
}

/** The core with the patches of a mutant. */
export async function coreOf({ patches }: Mutant): Promise<Core> {
  return load<Core>(await compile('src/core/index.ts', patches))
}
