/**
 * What a fuzzed target is: something that takes inputs from a seed, counts them, and throws when the library broke a promise.
 *
 * A target never catches what it does not expect, so a plain `TypeError` out of the library ends the run with its seed.
 * Read next: `codec.ts`, `handshake.ts`, `storage.ts`, `options.ts`, `live.ts`; `main.ts` runs them.
 */
import { isElectionError } from 'conclave'

/** Inputs so far, and what became of them. */
export interface Count {
  inputs: number
  accepted: number
  refused: number
}

/** Something to throw inputs at. */
export interface Target {
  readonly name: string
  readonly count: Count
  /** Feeds inputs made from the seed, for some milliseconds at most. Throws when a promise is broken. */
  round(seed: number): void | Promise<void>
  /** Frees what it holds, after a last look. */
  end?(): Promise<void>
}

export const nothing = (): Count => ({ inputs: 0, accepted: 0, refused: 0 })

/** Counts one input. */
export function counted(count: Count, accepted: boolean): boolean {
  count.inputs += 1
  if (accepted) count.accepted += 1
  else count.refused += 1
  return accepted
}

/** True if it ran, false if it threw an error of the library with one of these codes. Anything else is passed on. */
export function allowed(run: () => unknown, ...codes: readonly string[]): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (isElectionError(error) && codes.includes(error.code)) return false
    throw error
  }
}

/** The same for a promise. */
export async function allowedLater(
  run: () => Promise<unknown>,
  ...codes: readonly string[]
): Promise<boolean> {
  try {
    await run()
    return true
  } catch (error) {
    if (isElectionError(error) && codes.includes(error.code)) return false
    throw error
  }
}
