/**
 * How long nobody leads after a leader has vanished, computed from the configuration (P10, PROTOCOL A.8).
 *
 * Arithmetic only: what it says is a bound for a cluster whose majority lives and hears each other, and whose first try
 * succeeds. What ends by itself (`stop`, `resign`, `exit`) takes a few round trips and needs no bound of this kind.
 */
import { type ProcessId, quorumOf, type Voter } from '../core'
import type { ResolvedTiming } from './timing'

/** Longest time without a leader after a crash, a power cut or a partition, ms, and what it is made of. */
export interface FailoverBound {
  /**
   * Until no voter supports the vanished process any more: D / (1 - rho) after its last heartbeat, since a voter's clock may
   * be slow by rho; at a store one look more, `heartbeatMs`, since D counts from the look that showed the last change (R46).
   */
  readonly detectionMs: number
  /** Until the next one leads: one `stepMs` for each other contender (R69), `campaignMs` to ask and `campaignMs` to be voted for. */
  readonly electionMs: number
  /** Both together. */
  readonly worstMs: number
}

/** Who votes; `sets` as in `ClusterConfig`. */
export interface Voters {
  readonly voters: readonly Voter[]
  readonly sets?: readonly (readonly ProcessId[])[] | undefined
}

/** What the bound depends on besides the timing. */
export interface FailoverBasis {
  /** Who may stand before this process: the other voters. */
  readonly others: number
  /** A store is among the voters. */
  readonly stores: boolean
}

/**
 * Does a majority that can elect somebody else remain, whichever of the processes that vote and may lead is lost (R40)? One or
 * two voters have none: there no bound is promised.
 */
export function canFailOver({ voters, sets }: Voters): boolean {
  if (voters.every(({ kind }) => kind === 'store')) return true
  const replicas = voters.filter(({ kind }) => kind === 'peer')
  const isLeft = (lost: ProcessId): boolean =>
    (sets ?? [voters.map(({ id }) => id)]).every(
      (set) => set.filter((id) => id !== lost).length >= quorumOf(set.length),
    )
  return replicas.length > 1 && replicas.every(({ id }) => isLeft(id))
}

/** The bound of one configuration. */
export function failoverOf(timing: ResolvedTiming, { others, stores }: FailoverBasis): FailoverBound {
  const { rho, heartbeatMs, stepMs, campaignMs } = timing
  // at worst D has grown as far as it may
  const promiseMs = Math.max(timing.promiseMs, timing.adaptiveMaxMs ?? 0)
  const detectionMs = Math.ceil(promiseMs / (1 - rho)) + (stores ? Math.ceil(heartbeatMs) : 0)
  const electionMs = Math.ceil(others * stepMs + 2 * campaignMs)
  return { detectionMs, electionMs, worstMs: detectionMs + electionMs }
}
