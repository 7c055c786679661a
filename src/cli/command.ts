/**
 * What a subcommand is, and what its exit code means. The table of subcommands is in `run.ts`.
 */
import type { Flags } from './flags'
import type { Terminal } from './terminal'

/** Ends of a command: 0 all is well, 1 what was asked for is not so (a violation), 2 it was called wrongly. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const

/** One subcommand. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string
  /** Text of `--help`. */
  readonly help: string
  /** Its options, for the completion of shells. */
  readonly flags: Flags
  /** Words that it takes besides, if these are all. */
  readonly words?: readonly string[]
  /** Behind two dashes it takes a program and its arguments. */
  readonly takesProgram?: true
  /** Does it. @throws UsageError if the arguments make no sense. */
  run(args: readonly string[], terminal: Terminal): Promise<number>
}

/** The arguments make no sense; the message says which, and what would. Caught by `run.ts`: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
