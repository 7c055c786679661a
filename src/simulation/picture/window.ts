/**
 * Chooses which part of a run a picture shows when nobody says: around what broke, or around the first change of leaders
 * that a fault brought about, or the first election.
 */
import type { Span, Story } from './story'

/** Bounds of a picture, true ms; a bound that is null is chosen. */
export interface WindowChoice {
  readonly fromMs?: number | null
  readonly toMs?: number | null
}

/** The window to draw: never empty, never outside of the run. */
export function windowOf(story: Story, { fromMs = null, toMs = null }: WindowChoice = {}): Span {
  const chosen = interestingPart(story)
  const from = Math.max(0, Math.min(fromMs ?? chosen.fromMs, story.endMs))
  const end = Math.min(
    story.endMs,
    toMs ?? (fromMs === null ? chosen.toMs : from + (chosen.toMs - chosen.fromMs)),
  )
  return { fromMs: from, toMs: Math.max(end, from + 1) }
}

function interestingPart({ broken, leases, promiseMs, endMs }: Story): Span {
  const [violation] = broken
  if (violation !== undefined) {
    // A property of progress breaks long after its cause.
    const slow = violation.property.startsWith('P8') || violation.property.startsWith('P9')
    const before = (slow ? 40 : 4) * promiseMs
    return {
      fromMs: Math.max(0, violation.atMs - before),
      toMs: Math.min(endMs, violation.atMs + promiseMs / 4),
    }
  }
  const lost = leases.find(({ reason, election, node, fromMs }) => {
    const isFault = reason === 'crashed' || reason === 'expired' || reason === 'suspended'
    return (
      isFault &&
      leases.some((next) => next.election === election && next.node !== node && next.fromMs > fromMs)
    )
  })
  if (lost !== undefined) {
    const next = leases.find((one) => one.election === lost.election && one.fromMs >= lost.toMs)
    const until = (next?.fromMs ?? lost.toMs) + promiseMs
    return { fromMs: Math.max(0, lost.toMs - 1.5 * promiseMs), toMs: Math.min(endMs, until) }
  }
  const [first] = leases
  const until = (first?.fromMs ?? 0) + 2 * promiseMs
  return { fromMs: Math.max(0, (first?.fromMs ?? 0) - promiseMs), toMs: Math.min(endMs, until) }
}
