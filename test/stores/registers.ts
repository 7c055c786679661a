/**
 * A checker for histories of compare-and-set registers: could one register that does one thing at a time have given
 * these answers?
 *
 * Decides from invocation and response instants alone. No search is needed: values are unique and each write names the
 * value that it replaces, so the writes that took effect form one chain, and every answer is a place in it.
 * An ambiguous write may be in the chain or not; one that failed or met a conflict must not be.
 */

/** One call on one register, with the instants of its begin and end. */
export type Call = {
  readonly from: number
  readonly to: number
} & (
  | { readonly kind: 'read'; readonly value: string | null }
  | {
      readonly kind: 'write'
      /** The value that its version stood for; `null`: the register was absent. */
      readonly basis: string | null
      readonly value: string
      readonly result: 'ok' | 'conflict' | 'failed' | 'ambiguous'
    }
)

type Write = Extract<Call, { kind: 'write' }>

/** What is wrong with the history of one register, in sentences; empty if nothing. `last`: its value in the end. */
export function breachesOf(history: readonly Call[], last: string | null): string[] {
  const writes = history.filter((call): call is Write => call.kind === 'write')
  const byValue = new Map(writes.map((write) => [write.value, write]))
  const chain: (string | null)[] = [last]
  while (chain[0] !== null && chain.length <= writes.length + 1) {
    const write = byValue.get(chain[0]!)
    if (write === undefined) return [`${chain[0]} was never written`]
    chain.unshift(write.basis)
  }
  const places = new Map(chain.map((value, i) => [value, i]))
  return history.flatMap((call, i) => [
    ...breachesOfCall(call, chain, places, byValue),
    ...history.slice(i + 1).flatMap((other) => disorderOf(call, other, places)),
  ])
}

/** What is wrong with one call by itself. */
function breachesOfCall(
  call: Call,
  chain: readonly (string | null)[],
  places: ReadonlyMap<string | null, number>,
  byValue: ReadonlyMap<string, Write>,
): string[] {
  const place = places.get(call.value)
  if (call.kind === 'read') {
    if (place === undefined) return [`read ${call.value}, which is not an ancestor of what stands in the end`]
    const writer = byValue.get(call.value ?? '')
    return writer !== undefined && writer.from > call.to ? [`read ${call.value} before it was written`] : []
  }
  if (call.result === 'ok' && place === undefined) return [`${call.value} was acknowledged and lost`]
  if ((call.result === 'failed' || call.result === 'conflict') && place !== undefined) {
    return [`${call.value} was applied, but its writer was told: ${call.result}`]
  }
  if (call.result === 'conflict') {
    const basis = places.get(call.basis)
    const rival = basis === undefined ? undefined : byValue.get(chain[basis + 1] ?? '')
    if (basis !== undefined && (rival === undefined || rival.from > call.to)) {
      return [`${call.value} met a conflict with nobody`]
    }
  }
  return []
}

/** What one call saw or did may not lie behind what another one, that had ended before, saw or did. */
function disorderOf(a: Call, b: Call, places: ReadonlyMap<string | null, number>): string[] {
  const [before, after] = a.to < b.from ? [a, b] : b.to < a.from ? [b, a] : [null, null]
  if (before === null || after === null || !isDefinite(before) || !isDefinite(after)) return []
  const [earlier, later] = [places.get(before.value), places.get(after.value)]
  if (earlier === undefined || later === undefined || earlier <= later) return []
  return [`${after.value} was seen or written after ${before.value}, which comes later`]
}

function isDefinite(call: Call): boolean {
  return call.kind === 'read' || call.result === 'ok'
}
