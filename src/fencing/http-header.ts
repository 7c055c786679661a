/**
 * The fencing token as a request header: one spelling, written and read here.
 *
 * `Conclave-Fencing-Token: 7;holder="worker-a";election="invoices"`. The reader is strict: another order, spaces, a second
 * value, a leading zero, an escape are refused, so that two programs on the way can never read two different claims.
 * The header proves nothing about its sender: authenticate the request by other means. Read next: `http.ts`.
 */
import { ElectionError } from '../errors'
import { type ClaimSource, claimOf, type FenceMark } from './claim'

/** Name of the request header. Compared without regard to case, as all header names. */
export const FENCING_HEADER = 'Conclave-Fencing-Token'

const FIELD = 'conclave-fencing-token'
const VALUE = /^([1-9][0-9]{0,15});holder="([A-Za-z0-9._-]{1,64})"(?:;election="([A-Za-z0-9._:-]{1,128})")?$/

/** A request as Node.js gives it: names of headers in lower case. */
export interface FenceRequest {
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined }
}

/**
 * The headers of a request that writes under a leadership: `fetch(url, { headers: { ...fenceHeaders(leadership) } })`.
 *
 * @throws ELECTION_MESSAGE_INVALID if it is not a claim; nothing else can get into the header (E6).
 */
export function fenceHeaders(source: ClaimSource): Record<string, string> {
  const { token, holder, election } = claimOf(source)
  const value = `${token};holder="${holder}"`
  return { [FENCING_HEADER]: election === null ? value : `${value};election="${election}"` }
}

/**
 * The claim of a request, or `null` if it has none.
 *
 * @throws ELECTION_MESSAGE_INVALID if the header is there and is not exactly one claim.
 */
export function readFenceHeader(request: FenceRequest): FenceMark | null {
  const value = request.headers[FIELD]
  if (value === undefined) return null
  const match = typeof value === 'string' ? VALUE.exec(value) : null
  if (match === null) {
    throw new ElectionError(
      'ELECTION_MESSAGE_INVALID',
      `the header ${FENCING_HEADER} is not one fencing claim`,
    )
  }
  // Sixteen digits may still be above 2^53-1: `claimOf` refuses them (B.20).
  return claimOf({ token: Number(match[1]), holder: match[2]!, election: match[3] })
}
