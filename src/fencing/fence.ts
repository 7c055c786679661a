/**
 * The fence: a guard at the resource that lets no stale leader write (R42, P5).
 *
 * A lease alone cannot do that: between "I am the leader" and the write lies an `await`, a full socket, a paused machine
 * (B.19). The token travels with the write, and whoever owns the data compares. This file is the contract that every
 * fence keeps, in memory, in a file, in PostgreSQL, in Redis; `conclave/compliance` has the suite that checks it.
 * Read next: `marks.ts` (the comparison), `local-fence.ts` (the fences of one process), `http.ts` (the token on the wire).
 */
import type { ClaimSource, FenceMark } from './claim'
import type { RunFence } from './run'

/**
 * Remembers the highest (token, holder) per resource and refuses everything below it.
 *
 * What a fence guarantees (P5): once `check` has accepted token t for a resource, it never again accepts a lower token
 * for it, nor t from another holder; also after a restart, also when calls run concurrently. Comparing and remembering
 * are one atomic step. What it accepted is as durable as the data that it protects before the call resolves.
 * Methods reject, they never throw synchronously.
 * What the caller guarantees: all writers of a resource go through fences over the same state, and all tokens for it come
 * from one election. A fence does not authenticate: whoever may claim freely can lock a resource with token 2^53-1.
 */
export interface Fence {
  /**
   * Accepts and remembers the claim, or rejects and remembers nothing. The same claim again is accepted again.
   *
   * @throws ELECTION_STALE_TOKEN (a `StaleTokenError`): lower than a token that was accepted, or equal to it from another
   *   holder. `details`: `resource`, `token`, `holder`, `election`, `seenToken`, `seenHolder`.
   * @throws ELECTION_MESSAGE_INVALID: not a claim, or not the name of a resource (see `FenceClaim`).
   * @throws ELECTION_CONFIG_INVALID: the resource belongs to another election (R41). A claim that names no election is
   *   compared all the same: then the caller vouches for it.
   * @throws ELECTION_STORAGE_FAILED, ELECTION_TIMEOUT, ELECTION_TRANSPORT_FAILED, ELECTION_STOPPED: the fence cannot know.
   *   Nothing may be written then; the claim may or may not be remembered.
   *
   * Hazard: between this check and a later write something may slip in. Do both in one step: `guard`, or a condition in
   * the statement that writes.
   */
  check(resource: string, claim: ClaimSource): Promise<void>

  /** What is remembered of the resource, or `null`. For people and metrics: by the time it arrives it may be history. */
  highest(resource: string): Promise<FenceMark | null>
}

/** A fence that can hold the resource while the write runs. */
export interface GuardingFence extends Fence {
  /**
   * Checks the claim, then runs `work` before any other claim for that resource is judged; resolves with its result.
   *
   * Calls for one resource run one after the other, in the order of their calls; different resources do not wait for
   * each other. A throw of `work` is passed on and the claim stays remembered: the token was seen.
   *
   * Hazards: `work` must bound its own time, since the resource waits for it and nobody can stop it safely; a `check` or
   * `guard` of the same resource inside `work` waits for itself (and gets ELECTION_TIMEOUT).
   *
   * @throws what `check` throws, and what `work` throws.
   */
  guard<T>(resource: string, claim: ClaimSource, work: () => T | PromiseLike<T>): Promise<T>
}

/** A guarding fence that lives in this process: in memory or in a file. */
export interface ProcessFence extends GuardingFence, RunFence {
  /**
   * Drops the memory of a resource that will not be written again, without opening a way for old tokens: what was seen
   * lives on in the floor of its election, one number for all forgotten resources (see `Marks`).
   *
   * The last run of a job (`takeRun`) is forgotten with it. Resolves with false if nothing was remembered. A forgotten resource may be given to another election.
   *
   * @throws what `check` throws when it cannot know.
   */
  forget(resource: string): Promise<boolean>
  /** Counts, for metrics. */
  stats(): FenceStats
}

/** How much a fence remembers. */
export interface FenceStats {
  /** Resources with a mark of their own. */
  readonly resources: number
  /** Elections whose forgotten resources left a floor. */
  readonly floors: number
}
