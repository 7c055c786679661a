/**
 * What may happen to the records of a store, judged at the instant of each write: terms and grants only grow (R66-R68), a
 * grant ends for good and its D never shrinks (R46), nobody takes an election from a session that was not ended before.
 *
 * Source: PROTOCOL, "Store voters". The counterpart of `one-vote-per-term` and of the slots in `lease-backing` for records.
 * A store that forgets begins anew.
 */
import type { ElectionName } from '../../core/types'
import type { Complain, Invariant, InvariantFactory } from './invariant'

/** A session record, as far as it is judged. */
export interface SessionFacts {
  readonly inc: number
  readonly grant: number
  readonly promiseMs: number
  readonly seq: number
  readonly fenced: boolean
}

/** An election record, as far as it is judged. */
export interface ElectionFacts {
  readonly election: ElectionName
  readonly term: number
  readonly holder: string | null
  readonly holderInc: number
  readonly holderGrant: number
  readonly led: boolean
  readonly released: boolean
}

export const storeRecords: InvariantFactory = (complain): Invariant => {
  const stores = new Map<string, Map<string, unknown>>()
  return {
    name: 'store records',
    observer: {
      stored(store, key, value) {
        let records = stores.get(store)
        if (records === undefined) {
          records = new Map()
          stores.set(store, records)
        }
        const known = records
        const before = known.get(key)
        if (value === null) {
          known.delete(key)
          return
        }
        const after: unknown = JSON.parse(value)
        known.set(key, after)
        const name = `${store} ${key}`
        if (key.includes('/session/')) {
          return judgeSession(complain, name, before as SessionFacts | undefined, after as SessionFacts)
        }
        // the list of contenders decides nothing (R82)
        if (!key.includes('/election/')) return
        const root = key.slice(0, key.indexOf('/'))
        judgeElection(
          complain,
          name,
          before as ElectionFacts | undefined,
          after as ElectionFacts,
          (process) => known.get(`${root}/session/${process}`) as SessionFacts | undefined,
        )
      },
    },
  }
}

function judgeSession(
  complain: Complain,
  key: string,
  before: SessionFacts | undefined,
  after: SessionFacts,
): void {
  if (before === undefined) return
  if (after.grant < before.grant) complain(`${key}: grant ${after.grant} after ${before.grant}`)
  if (after.inc < before.inc) complain(`${key}: life ${after.inc} after ${before.inc}`)
  if (after.grant !== before.grant || after.inc !== before.inc) return
  if (before.fenced && !after.fenced) complain(`${key}: grant ${after.grant} stands again after its fence`)
  if (after.seq <= before.seq) complain(`${key}: seq ${after.seq} after ${before.seq}`)
  if (after.promiseMs < before.promiseMs) {
    complain(`${key}: D shrank from ${before.promiseMs} to ${after.promiseMs} within grant ${after.grant}`)
  }
}

function judgeElection(
  complain: Complain,
  key: string,
  before: ElectionFacts | undefined,
  after: ElectionFacts,
  sessionOf: (process: string) => SessionFacts | undefined,
): void {
  if (before === undefined) return
  if (after.term < before.term) complain(`${key}: term ${after.term} after ${before.term}`)
  const moved = after.holder !== before.holder || after.holderInc !== before.holderInc
  if (!moved || after.holder === null) return
  if (after.term === before.term && before.holder !== null && (before.led || !after.led)) {
    complain(`${key}: term ${after.term} went from ${before.holder} to ${after.holder}`)
  }
  // an announced leader replaces any binding (R17); a vote needs one that is over, or of a former life of the same process
  if (after.led || before.released || before.holder === null || after.holder === before.holder) return
  const session = sessionOf(before.holder)
  const isOver =
    session !== undefined && (session.grant > before.holderGrant || session.inc > before.holderInc)
  if (!isOver) complain(`${key}: ${after.holder} took it from ${before.holder}, whose session stands (R67)`)
}
