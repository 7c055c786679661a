/**
 * P5: once a guarded resource accepted token t, it never accepts a lower one, nor t from another holder; also when the
 * guard restarts.
 *
 * Source: PROTOCOL P5, R42, R43. Judged from the accepted writes alone.
 */
import type { ElectionName, Term } from '../../core/types'
import type { Invariant, InvariantFactory } from './invariant'

export const guard: InvariantFactory = (complain): Invariant => {
  const accepted = new Map<ElectionName, { readonly token: Term; readonly holder: string }>()
  return {
    name: 'P5 guard',
    observer: {
      wrote(holder, election, token, ok) {
        if (!ok) return
        const former = accepted.get(election)
        if (former !== undefined && token < former.token) {
          complain(
            `${election}: a write of ${holder} with token ${token} was accepted after token ${former.token}`,
          )
        } else if (former !== undefined && token === former.token && holder !== former.holder) {
          complain(`${election}: token ${token} was accepted from ${former.holder} and from ${holder}`)
        }
        accepted.set(election, { token, holder })
      },
    },
  }
}
