/**
 * What each kind of end speaks, and what is said where two ends have no version of the protocol in common. Pure.
 *
 * How versions evolve stands at the head of `../wire/limits.ts`.
 */
import { NEWEST_VERSION, OLDEST_VERSION, OPERATOR_VERSION, type VersionRange } from '../wire'
import type { Role } from './tcp-handshake'

/** Versions in which that kind of end has something to say: operators are part of a later version than the first. */
export function versionsOf(by: Role): VersionRange {
  return { oldest: by === 'operator' ? OPERATOR_VERSION : OLDEST_VERSION, newest: NEWEST_VERSION }
}

/** A range in words. */
export function inWords({ oldest, newest }: VersionRange): string {
  return oldest === newest ? `version ${oldest}` : `versions ${oldest} to ${newest}`
}

/** Why that end cannot speak with one that speaks `theirs`; an operator is told what to do. */
export function nothingInCommon(by: Role, theirs: VersionRange): string {
  const own = versionsOf(by)
  if (by !== 'operator') return `the peer speaks protocol ${inWords(theirs)}, this end ${inWords(own)}`
  const advice =
    theirs.newest < own.oldest
      ? 'upgrade that member, or use the conclave of its release'
      : 'use the conclave of a newer release'
  return `it speaks protocol ${inWords(theirs)}, this command ${inWords(own)}: ${advice} (wrongVersion)`
}
