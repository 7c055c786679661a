/**
 * What a writer shows to a fence: who it is, in which election, with which token. Checks the shape, nothing else.
 *
 * Everything here is untrusted: a claim may come out of a request header. Whatever is wrong with it is one typed error,
 * never a crash, and the message shows at most 60 escaped characters of it.
 * Read next: `fence.ts` (what a fence owes), `marks.ts` (the comparison).
 */
import type { ElectionName, ProcessId } from '../core/types'
import { ElectionError } from '../errors'

/** The proof that a writer carries (R41). */
export interface FenceClaim {
  /** Term of the leadership: a safe integer, 1..2^53-1 (R41, R44). Strings and bigints are refused, not converted. */
  readonly token: number
  /** Process id of the leader: `/^[A-Za-z0-9._-]{1,64}$/`, compared for equality only (R49). */
  readonly holder: ProcessId
  /**
   * Election that issued the token: `/^[A-Za-z0-9._:-]{1,128}$/`. Name it wherever you can: tokens of different
   * elections are not comparable (R41), and only a named claim lets the fence notice a mix-up. `null` is the same as none.
   */
  readonly election?: ElectionName | null | undefined
}

/** A leadership, as far as a fence cares: its `name` is the election's. */
export interface LeadershipClaim {
  readonly token: number
  readonly holder: ProcessId
  readonly name: ElectionName
}

/** Either spelling of a claim; `fence.check('ledger', leadership)` works as it stands. */
export type ClaimSource = FenceClaim | LeadershipClaim

/** What a fence remembers of one resource, and a claim after its check: plain, frozen, ours. */
export interface FenceMark {
  readonly token: number
  readonly holder: ProcessId
  /** `null`: the claim did not name its election. */
  readonly election: ElectionName | null
}

const HOLDER = /^[A-Za-z0-9._-]{1,64}$/
const ELECTION = /^[A-Za-z0-9._:-]{1,128}$/
/** No control characters and no lone surrogates: every store and every log can hold it. */
const RESOURCE = /^[^\p{Cc}\p{Cs}]{1,512}$/u

/** True for a token that may be compared: a safe integer, 1..2^53-1 (R41, R44). */
export function isToken(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

/** True for a process id (R49). */
export function isHolder(value: unknown): value is ProcessId {
  return typeof value === 'string' && HOLDER.test(value)
}

/** True for the name of an election. */
export function isElectionName(value: unknown): value is ElectionName {
  return typeof value === 'string' && ELECTION.test(value)
}

/** True for the name of a resource: 1..512 characters (code points), none of them a control character. */
export function isResource(value: unknown): value is string {
  return typeof value === 'string' && RESOURCE.test(value)
}

/**
 * Copies a claim into plain form, so that what was checked cannot change behind the fence's back.
 *
 * @throws ELECTION_MESSAGE_INVALID for anything that is not a claim (R44, R49).
 */
export function claimOf(source: ClaimSource): FenceMark {
  if (typeof source !== 'object' || source === null) throw invalid('a fencing claim', source)
  const { token, holder } = source
  const election = electionOf(source)
  if (!isToken(token)) throw invalid('a fencing token', token)
  if (!isHolder(holder)) throw invalid('a holder id', holder)
  if (election !== null && !isElectionName(election)) throw invalid('an election name', election)
  return Object.freeze({ token, holder, election })
}

function electionOf(source: ClaimSource): ElectionName | null {
  if ('election' in source && source.election !== undefined && source.election !== null)
    return source.election
  if ('name' in source && source.name !== undefined && source.name !== null) return source.name
  return null
}

/**
 * Passes the name of a resource on if it is one.
 *
 * @throws ELECTION_MESSAGE_INVALID otherwise: the name often comes out of a request, too.
 */
export function resourceOf(value: string): string {
  if (!isResource(value)) throw invalid('the name of a resource', value)
  return value
}

function invalid(what: string, value: unknown): ElectionError {
  return new ElectionError('ELECTION_MESSAGE_INVALID', `not ${what}: ${show(value)}`)
}

/** Peer-supplied text, cut and escaped (E9); an object is never asked to print itself. */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60))
  if (value === null || (typeof value !== 'object' && typeof value !== 'function'))
    return String(value).slice(0, 60)
  return `a value of type ${typeof value}`
}
