/**
 * Who has to agree: a majority of the voters, or, while elections move to other voters, a majority of both sets.
 *
 * *Moving.* A process in step 1 of a move runs with two sets of voters, old and new. It asks all of them, wins only with a
 * majority of each, and counts its lease only as long as a majority of each is counted (the smaller of the two q-th largest
 * instants, R13). Every rule about one voter is unchanged; only the word "quorum" means more.
 *
 * *Why two restarts are safe* (P1-P3; written for one election). Call a process old, joint or new by the set that it
 * runs with. The first rolling restart makes old processes joint, the second makes joint ones new; it begins when no old
 * process is left and a joint leadership has been won.
 *  - Old and joint processes run side by side: what either wins contains a majority of the old set. Two such majorities
 *    meet in an old voter, and the proofs of P1-P3 (PROTOCOL A.6) use nothing else of a quorum. Joint and joint: the same.
 *  - Joint and new ones run side by side: the same with the new set.
 *  - Old and new ones never run at one time: when the first new process starts, no old one is left, and a promise that an
 *    old one won is over: its process is gone, and it can count nothing.
 *  - Tokens: the joint leadership was won after the last old one could be (there is no old process any more), above
 *    each term of a majority of the old set, so above every old token; its own term is at a majority of the new set, so
 *    each new campaign goes above it (R2). Without it the new voters would know of no term, and tokens would start anew:
 *    hence "has been won" and not only "runs joint".
 * A voter that is in both sets has one slot and one term, as ever. A move that is broken off goes back in the same way:
 * joint to old needs nothing, as every joint term is at a majority of the old set.
 *
 * Read next: `leases.ts`, `campaigns.ts`.
 */
import { quorumOf } from './numbers'
import type { ClusterConfig, ProcessId } from './types'

/** Do the voters for which `counts` holds contain a quorum? */
export function isQuorum(cluster: ClusterConfig, counts: (voter: ProcessId) => boolean): boolean {
  const { voters, sets } = cluster
  if (sets !== undefined) return sets.every((set) => holdsMajority(set, counts))
  let counted = 0
  for (const { id } of voters) if (counts(id)) counted += 1
  return counted >= quorumOf(voters.length)
}

/** Fewer voters than so many are never a quorum. */
export function leastQuorum({ voters, sets }: ClusterConfig): number {
  return sets === undefined
    ? quorumOf(voters.length)
    : Math.min(...sets.map(({ length }) => quorumOf(length)))
}

/** Do they contain a majority of one set at least? Then nobody else has a quorum. */
export function isBlocking(cluster: ClusterConfig, counts: (voter: ProcessId) => boolean): boolean {
  return cluster.sets?.some((set) => holdsMajority(set, counts)) ?? isQuorum(cluster, counts)
}

function holdsMajority(set: readonly ProcessId[], counts: (voter: ProcessId) => boolean): boolean {
  let counted = 0
  for (const id of set) if (counts(id)) counted += 1
  return counted >= quorumOf(set.length)
}

/** Do they meet every majority of every set? (R28, R43) */
export function meetsEveryQuorum(cluster: ClusterConfig, is: (voter: ProcessId) => boolean): boolean {
  const { voters, sets = [voters.map(({ id }) => id)] } = cluster
  return sets.every((set) => set.filter((id) => is(id)).length > set.length - quorumOf(set.length))
}

/** The latest instant up to which a quorum is counted, from that of each voter (R13); minus infinity if none is. */
export function quorumInstant(cluster: ClusterConfig, untilOf: (voter: ProcessId) => number): number {
  if (cluster.sets === undefined) return largest(cluster.voters, ({ id }) => untilOf(id))
  let until = Number.POSITIVE_INFINITY
  for (const set of cluster.sets) until = Math.min(until, largest(set, untilOf))
  return until
}

/** The q-th largest of some instants, q being their majority. Few, so they are inserted in order. */
function largest<T>(voters: readonly T[], untilOf: (voter: T) => number): number {
  const descending: number[] = []
  for (const voter of voters) {
    const until = untilOf(voter)
    let i = descending.length
    for (; i > 0 && (descending[i - 1] as number) < until; i--) descending[i] = descending[i - 1] as number
    descending[i] = until
  }
  return descending[quorumOf(voters.length) - 1] ?? Number.NEGATIVE_INFINITY
}
