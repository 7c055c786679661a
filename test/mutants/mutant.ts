/**
 * What a mutant is: a rule of the protocol, the patch that switches it off, and how it is expected to die.
 *
 * Every mutant has to be killed: by a named test of this repository, by the swarm, or by both. The swarm's seeds are not
 * written here: `npm run mutants -- --record` measures them into `recorded.json`. Read next: `table.ts`.
 */
import type { ProfileName } from 'conclave/simulation'
import type { Patch } from './compile'

/** A test of this repository that fails with the mutation and passes without it. */
export interface NamedTest {
  readonly file: string
  /** Title of the `it`, without those of its `describe`s. */
  readonly name: string
}

/** How the swarm looks for it. */
export interface SwarmHunt {
  /** Default: each seed chooses its own. */
  readonly profile?: ProfileName
  /** Invariants that shall not count, because they look at the very thing that was patched. */
  readonly ignore?: readonly string[]
  /** A rule of liveness: the phase without faults runs, too, and P8 and P9 count. Default false. */
  readonly liveness?: boolean
}

/** One rule, or one part of a rule, switched off. */
export interface Mutant {
  /** Unique; begins with the rule: `R7 binding`. */
  readonly id: string
  /** What the mutated library does. */
  readonly does: string
  readonly patches: readonly Patch[]
  /** Null if random schedules do not reach it. */
  readonly swarm: SwarmHunt | null
  /** Null if only the swarm kills it. */
  readonly test: NamedTest | null
  /** For a pair: which rule stands behind which, so that each alone survives the swarm. */
  readonly pair?: string
}

/** A patch of a file of `src`, without the folder and the extension: `core/votes`. */
export function patch(file: string, find: string, replace: string): Patch {
  return { file: `src/${file}.ts`, find, replace }
}

/** A named test of `test`, without the folder and the extension: `paper/votes`. */
export function killedBy(file: string, name: string): NamedTest {
  return { file: `test/${file}.test.ts`, name }
}

/** The swarm with all its worlds. */
export const ANY: SwarmHunt = {}
