/**
 * Makes a failing plan small: drops faults, then whole stretches of time, as long as the same property still breaks.
 *
 * Plain delta debugging over the list of steps; the seed of everything that chance decides stays, so a result replays as
 * exactly as its original did. Read next: `swarm.ts`.
 */
import type { Plan, Step } from './plan'
import { runPlan } from './swarm'

/** What came out of it. */
export interface Shrunk {
  readonly plan: Plan
  /** Runs that it took. */
  readonly runs: number
}

/** Smallest plan found, within `maxRuns` runs, that still violates `property`. */
export function shrinkPlan(plan: Plan, property: string, maxRuns = 400): Shrunk {
  let best = plan
  let runs = 0
  const fails = (candidate: Plan): boolean => {
    runs += 1
    return runPlan(candidate).violations.some((violation) => violation.property === property)
  }
  for (let size = Math.ceil(best.steps.length / 2); size >= 1 && runs < maxRuns; ) {
    let removed = false
    for (let from = 0; from < best.steps.length && runs < maxRuns; ) {
      const steps: readonly Step[] = [...best.steps.slice(0, from), ...best.steps.slice(from + size)]
      const candidate = { ...best, steps }
      if (fails(candidate)) {
        best = candidate
        removed = true
      } else {
        from += size
      }
    }
    if (size === 1 && !removed) break
    size = removed ? size : Math.floor(size / 2)
  }
  return { plan: best, runs }
}
