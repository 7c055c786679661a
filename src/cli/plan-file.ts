/**
 * A plan in a file: written beside a violation, read by `--plan`. JSON of `Plan`; what is not one is refused with a sentence.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { ALL_PROFILES, type Plan } from '../simulation'
import { UsageError } from './command'

/** Name of the file that a violation of that seed is kept in; `.gitignore` of this repository knows the ending. */
export function planFileName(seed: number): string {
  return `conclave-seed-${seed}.plan.json`
}

/** Writes a plan; false if that is not possible here. */
export function writePlan(path: string, plan: Plan): boolean {
  try {
    writeFileSync(path, `${JSON.stringify(plan, null, 1)}\n`)
    return true
  } catch {
    return false
  }
}

/** @throws UsageError if there is no such file, or no plan in it. */
export function readPlan(path: string): Plan {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`--plan: ${(error as Error).message}.`)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new UsageError(`--plan: ${path} is not JSON.`)
  }
  const missing = whatIsMissing(value)
  if (missing !== null) throw new UsageError(`--plan: ${path} is not a plan: ${missing}.`)
  return value as Plan
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function whatIsMissing(plan: unknown): string | null {
  if (!isObject(plan)) return 'it is no object'
  const { seed, profile, setup, steps, safetyMs } = plan
  if (typeof seed !== 'number') return 'it has no number `seed`'
  if (!(ALL_PROFILES as readonly unknown[]).includes(profile))
    return 'its `profile` is none of those that there are'
  if (typeof safetyMs !== 'number' || !(safetyMs >= 0)) return 'it has no number `safetyMs`'
  if (!isObject(setup)) return 'it has no `setup`'
  for (const key of ['nodes', 'elections']) {
    const names = setup[key]
    if (!Array.isArray(names) || names.length === 0 || !names.every((name) => typeof name === 'string'))
      return `its setup has no names in \`${key}\``
  }
  if (!isObject(setup['timing']) || !isObject(setup['rates']))
    return 'its setup has no `timing` or no `rates`'
  if (!Array.isArray(steps)) return 'it has no list `steps`'
  const wrong = steps.findIndex(
    (step) =>
      !isObject(step) || typeof step['at'] !== 'number' || !isObject(step['action']) || !step['action']['do'],
  )
  return wrong < 0 ? null : `step ${wrong + 1} has no \`at\` or no \`action\``
}
