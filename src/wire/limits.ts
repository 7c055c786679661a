/**
 * The numbers that both ends of a connection agree on: protocol version and sizes. A leaf.
 *
 * **How versions evolve.** A version names the whole set of layouts behind the two opening messages. Those two (`hello`,
 * `challenge`) never change; each names the oldest and the newest version that its sender speaks, and the session
 * speaks the smaller of the two newest if both ends know it (`commonVersion`). Both ranges are under the proofs of the
 * handshake, so nobody on the way can talk two processes down. Any change of a layout, of an enumeration or of a limit in
 * this file, also a mere addition, is a new version: unknown bytes are always refused, never skipped. A release that
 * introduces version n still speaks n - 1, so that a cluster can be updated one process at a time; n - 1 may go in the
 * release after it.
 *
 * Version 1: everything but what follows. Version 2: operators (`operator.ts`), the close reason `permissionDenied`.
 * Version 3: numbers of parts travel in as few bytes as they need (`bytes.ts`); a notice says who else stands.
 * Read next: `parts.ts`, `handshake.ts`.
 */

/** Newest version of the protocol that this code speaks. */
export const NEWEST_VERSION = 3

/** Oldest version of the protocol that this code still speaks. */
export const OLDEST_VERSION = 1

/** Oldest version in which a process takes commands of operators (`operator.ts`). */
export const OPERATOR_VERSION = 2

/** Oldest version whose parts have compact numbers (`bytes.ts`). */
export const COMPACT_VERSION = 3

/** Oldest version in which a notice says who else stands. */
export const STANDING_VERSION = 3

/** A frame, its length field and its seal included, never exceeds this; receivers refuse longer ones unread (E5). */
export const MAX_FRAME_BYTES = 65_536

/** The same for every frame before the peer has proved who it is (E5). */
export const MAX_GREETING_FRAME_BYTES = 512

/** A command of an operator is never longer, in bytes of UTF-8 (E5). */
export const MAX_COMMAND_BYTES = 4_096

/** The answer to a command never is, all its pieces together (E5). */
export const MAX_REPLY_BYTES = 1_048_576

/** Names that one direction of a connection remembers at most; then the table starts anew (R70). */
export const MAX_NAMES = 131_072

/** Largest term (R44). */
export const MAX_TERM = Number.MAX_SAFE_INTEGER - 1

/** Range of versions that one end speaks. */
export interface VersionRange {
  readonly oldest: number
  readonly newest: number
}

/** The version that two ends speak with each other, or null if they have none in common. */
export function commonVersion(a: VersionRange, b: VersionRange): number | null {
  const version = Math.min(a.newest, b.newest)
  return version >= Math.max(a.oldest, b.oldest) ? version : null
}
