/**
 * What is done to a world, and when: a list in order of instants, drawn from its weather.
 *
 * Read next: `draw.ts` (one fault).
 */
import type { ProcessId } from '../../core/types'
import type { Action, ActionKind } from '../actions'
import type { Random } from '../random'
import { actionOf, weighted } from './draw'
import type { Setup } from './setup'
import type { Weather } from './weather'

/** One action and its true instant, ms. */
export interface Step {
  readonly at: number
  readonly action: Action
}

export function stepsFor(setup: Setup, weather: Weather, safetyMs: number, random: Random): Step[] {
  const steps: Step[] = []
  const kinds = Object.entries(weather.weights) as [ActionKind, number][]
  // Each seed leaves some kinds out, so that rare ones get their share (swarm testing).
  const enabled = kinds.filter(() => random.chance(0.7))
  const spoiled = new Set<ProcessId>()
  let cuts = 0
  for (let at = random.between(0, 2000); at < safetyMs; at += random.between(0, 2 * weather.everyMs)) {
    const kind = weighted(enabled, random)
    if (kind === null) break
    cuts += 1
    const action = actionOf(kind, setup, spoiled, `cut${cuts}`, at, random)
    if (action !== null) steps.push({ at, action })
  }
  return steps
}
