/**
 * One span per leadership (USERS, "Measured safety margin"): with the spans of all processes in one place, an overlap of two
 * leaderships can be looked for years later.
 *
 * A span ends when the lease ended, not when that was noticed: else a leader that woke up late would seem to overlap with its
 * successor. Times are wall clocks of different hosts; where they disagree, the order of the tokens decides.
 */
import type { Election } from '../runtime/api'

/** The parts of a span of `@opentelemetry/api` that are used. */
export interface OtelSpan {
  setAttribute(name: string, value: string | number): unknown
  end(endTime?: number): void
}

/** The parts of a `Tracer` of `@opentelemetry/api` that are used. */
export interface OtelTracer {
  startSpan(
    name: string,
    options: { root?: boolean; startTime?: number; attributes?: Record<string, string | number> },
  ): OtelSpan
}

/**
 * Writes a span named `conclave.leadership` for each leadership of this process in that election, with the attributes
 * `conclave.cluster`, `.process`, `.election`, `.term`, `.token`, `.holder` and, at the end, `.reason`. Returns how to end that;
 * a span that is open then is left to the leadership's own end.
 *
 * Hazard: a process that is killed never ends its last span, and most exporters drop it.
 */
export function traceLeaderships(tracer: OtelTracer, election: Election): () => void {
  const open = new Map<number, OtelSpan>()
  let isOn = true
  const { id, name } = election
  election.on('elected', ({ term, token, leadership }) => {
    if (!isOn) return
    const attributes = {
      'conclave.cluster': election.status().cluster,
      'conclave.process': id,
      'conclave.election': name,
      'conclave.term': term,
      'conclave.token': token,
      'conclave.holder': leadership.holder,
    }
    open.set(
      term,
      tracer.startSpan('conclave.leadership', { root: true, startTime: leadership.wonAtMs, attributes }),
    )
  })
  election.on('revoked', ({ term, reason }) => {
    const span = open.get(term)
    if (span === undefined) return
    open.delete(term)
    span.setAttribute('conclave.reason', reason)
    const past = election.status().history.find((one) => one.term === term)
    span.end(past === undefined ? undefined : past.wonAtMs + past.heldMs)
  })
  return () => {
    isOn = false
  }
}
