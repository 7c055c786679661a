/**
 * Makes a failing plan small: drops what comes after the failure, then faults, as long as the same property still breaks.
 *
 * Plain delta debugging over the list of steps; the seed of everything that chance decides stays, so a result replays as
 * exactly as its original did. Where a failure needs a rare coincidence, a step that is dropped changes all that follows, and
 * what is left stays long: the end of its trace says more than its steps. Read next: `swarm.ts`.
 */
import type { Plan, Step } from './plan'
import type { Violation } from './sim-cluster'
import { runPlan } from './swarm'

/** What came out of it. */
export interface Shrunk {
  readonly plan: Plan
  /** Runs that it took. */
  readonly runs: number
}

/** A run without some steps may take that many promises longer to fail. */
const SLACK_PROMISES = 10

/** Smallest plan found, within `maxRuns` runs, that still violates `property`. */
export function shrinkPlan(plan: Plan, property: string, maxRuns = 400): Shrunk {
  // Progress is demanded only after the faults (P8, P9): such a plan is not shortened.
  const isProgress = /^P[89] /.test(property)
  let runs = 0
  const failure = (candidate: Plan): Violation | null => {
    runs += 1
    const { violations } = runPlan(candidate, { safetyOnly: !isProgress })
    return violations.find((violation) => violation.property === property) ?? null
  }
  const shortened = (candidate: Plan, { at }: Violation): Plan => {
    if (isProgress) return candidate
    const safetyMs = Math.min(candidate.safetyMs, at + SLACK_PROMISES * candidate.setup.timing.promiseMs)
    return { ...candidate, safetyMs, steps: candidate.steps.filter((step) => step.at <= at) }
  }
  const failing = (candidate: Plan): Plan | null => {
    const found = failure(candidate)
    return found === null ? null : shortened(candidate, found)
  }

  const first = failure(plan)
  if (first === null) return { plan, runs }
  let best = shortened(plan, first)
  for (let size = Math.ceil(best.steps.length / 2); size >= 1 && runs < maxRuns; ) {
    let removed = false
    for (let from = 0; from < best.steps.length && runs < maxRuns; ) {
      const steps: readonly Step[] = [...best.steps.slice(0, from), ...best.steps.slice(from + size)]
      const smaller = failing({ ...best, steps })
      if (smaller === null) from += size
      else {
        best = smaller
        removed = true
      }
    }
    if (size === 1 && !removed) break
    size = Math.max(1, Math.min(removed ? size : Math.floor(size / 2), Math.ceil(best.steps.length / 2)))
  }
  return { plan: best, runs }
}
