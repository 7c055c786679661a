/**
 * What a process leaves with its witness: all that another process on its host needs to tell the voters that it has ended
 * (R55). Plain data, sent as one line of JSON through a pipe that nobody else reads; contains the cluster's secret.
 *
 * Read next: `../runtime/testament.ts` (who writes it), `../cli/sentinel.ts` and `../cli/supervise.ts` (who read it).
 */
import type { Greeting } from './transport'

/** The last will of one life. */
export interface Testament {
  /** The life, as it greets its peers. */
  readonly life: Greeting
  /** What proves its death: its digest is the nonce of the greeting. */
  readonly key: string
  /** Number of the process at its host. */
  readonly pid: number
  /**
   * It has led something, so that its death would be felt: its witness meets the peers beforehand. Otherwise they are
   * dialled when it has died.
   */
  readonly hasLed: boolean
  /** How long anybody may wait for this life without a proof, ms: a witness that has not been heard by then can go. */
  readonly limitMs: number
  /** How to reach the peers as that process does; made by its transport, and read by the same one. */
  readonly means: unknown
}

/** A line through the pipe: what is left, or that the life has ended in order and nothing is to be said. */
export type WitnessLine = { readonly testament: Testament } | { readonly dismissed: string }
