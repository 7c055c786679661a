/** What the last `npm run mutants -- --record` found, kept in `recorded.json`: the seeds that the tests replay. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './compile'
import type { Finding, Kill, Limits } from './hunt'
import { MUTANTS } from './table'

/** How one mutant died. */
export interface Recorded {
  /** Commit whose sources were mutated. */
  readonly commit: string
  readonly test: boolean
  /** Seeds to the kill from each start that was tried; null: not within the limit. */
  readonly seeds: readonly (number | null)[]
  /** The cheapest seed that kills, and the property that it breaks; null if none was found. */
  readonly seed: number | null
  readonly property: string | null
}

/** The whole of the last record. */
export interface Recording {
  readonly limits: Limits
  readonly mutants: Readonly<Record<string, Recorded>>
}

const FILE = join(root, 'test/mutants/recorded.json')

/** The last record; an empty one if there is none. */
export function readRecording(): Recording {
  if (!existsSync(FILE)) return { limits: { seeds: 0, starts: [] }, mutants: {} }
  return JSON.parse(readFileSync(FILE, 'utf8'))
}

/** Puts the findings into the record; what was not looked at (`--only`) stays as it was. */
export function recordingOf(limits: Limits, findings: readonly Finding[], former: Recording): Recording {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
  const found = new Map(findings.map((finding) => [finding.id, recordedOf(finding, commit)]))
  const mutants = MUTANTS.flatMap(({ id }) => {
    const each = found.get(id) ?? former.mutants[id]
    return each === undefined ? [] : [[id, each] as const]
  })
  return { limits, mutants: Object.fromEntries(mutants) }
}

function recordedOf({ test, kills }: Finding, commit: string): Recorded {
  const cheapest = kills.reduce<Kill | null>(
    (best, kill) => (kill !== null && (best === null || kill.costMs < best.costMs) ? kill : best),
    null,
  )
  return {
    commit,
    test: test !== null,
    seeds: kills.map((kill) => kill?.after ?? null),
    seed: cheapest?.seed ?? null,
    property: cheapest?.property ?? null,
  }
}

/** The middle of the seeds to the kill; Infinity if fewer than half of the starts killed, null without a swarm. */
export function medianSeeds({ seeds }: Recorded): number | null {
  if (seeds.length === 0) return null
  const sorted = seeds.map((each) => each ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b)
  return sorted[(sorted.length - 1) >> 1] ?? null
}
