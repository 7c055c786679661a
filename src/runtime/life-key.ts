/**
 * The key of a life: what makes a proof of death impossible to forge (R55, E8).
 *
 * Each life draws 128 random bits, its *key*, and calls itself in every greeting by a *nonce* that is the digest of that key
 * (R27 asked for a random nonce anyway). The key leaves the process on one way only: into the pipe of its own witness, a
 * sentinel or `conclave run`. The witness shows it to the voters when the kernel has told it that the process is gone. A
 * voter compares its digest with the nonce under which that very life greeted it.
 *
 * - *Forged*: whoever knows the cluster's secret, or is a member, still needs a key for a digest: 2^128 tries.
 * - *Of another life*: each has a key of its own, and process, storage and incarnation must be those of the life that had
 *   the session. The notice of an earlier life ends no later one, however late it comes and however often.
 * - *Replayed*: who heard the key before may say it again; that life has ended, which is all that it can say.
 * - *Too early*: the witness is the only one that can lie, and it belongs to the service: same host, same user. What it
 *   waits for is argued in `../cli/sentinel.ts` and `../cli/supervise.ts`.
 * - *Unknown*: a voter that never met that life refuses; it has promised it nothing either.
 *
 * What it is not: with a shared secret each member may claim the id of another with a higher incarnation, and so end what
 * the older one was promised (R54). The key adds nothing against such a member; certificates do (E2), and then the key
 * keeps everybody but the subject's own witness from speaking of its death.
 */
import { createHash } from 'node:crypto'

const NONCE_DIGITS = 32

/** The nonce of the life that has this key: the first 128 bits of its SHA-256, as 32 hex digits. */
export function nonceOf(key: string): string {
  return createHash('sha256').update(key, 'hex').digest('hex').slice(0, NONCE_DIGITS)
}
