/**
 * The half of `lease-backing` that looks into stores: what a lease counts stands in the records, unfenced, at this instant.
 *
 * A store never lapses by itself (PROTOCOL, "Store voters"), so no time is computed here. Source: Lemma of A.6, R66-R68.
 */
import type { ElectionName, ProcessId } from '../../core/types'
import type { NodeView } from '../observer'
import type { Complain } from './invariant'

/** Records of a store by key, as they are at this instant. */
export type StoreRecords = ReadonlyMap<string, { readonly value: string }>

/** `grants`: those under which the holder counts the store beyond this instant; `elections`: what hangs on them. */
export function checkStore(
  complain: Complain,
  holder: NodeView,
  store: ProcessId,
  records: StoreRecords,
  grants: readonly string[],
  elections: ReadonlySet<ElectionName>,
): void {
  const process = `${holder.id}.${holder.storageId}`
  const session = find(records, `/session/${process}`)
  const isOwn = session?.['inc'] === holder.incarnation && session['fenced'] === false
  if (!isOwn || !grants.includes(`s.${session['grant']}`)) {
    return complain(`${holder.id} counts ${store} under ${grants.join(', ')}, which does not stand there`)
  }
  for (const election of elections) {
    const held = find(records, `/election/${election}`)
    const isBound = held?.['holder'] === process && held['holderInc'] === holder.incarnation
    if (isBound && held['released'] === false) continue
    const to = held?.['holder'] ?? 'nobody'
    complain(`${holder.id} counts ${store} in ${election}, which is bound to ${to}`)
  }
}

function find(records: StoreRecords, end: string): Readonly<Record<string, unknown>> | null {
  for (const [key, { value }] of records) if (key.endsWith(end)) return JSON.parse(value)
  return null
}
