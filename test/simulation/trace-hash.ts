/**
 * One number for everything that happened in a simulated run: the hash of its trace, frames and heartbeats included, and of
 * its figures.
 *
 * Also a program: `tsx test/simulation/trace-hash.ts 1 2 3` prints one line `<seed> <hash>` per seed, so that a process that
 * knows nothing of another one can be asked for the same. Read next: `determinism.test.ts`.
 */
import { createHash } from 'node:crypto'
import { pathToFileURL } from 'node:url'
import { type Plan, planFor } from '../../src/simulation/plan'
import { runPlan } from '../../src/simulation/swarm'

/** Real time of the faults of a hashed run, ms: enough for every kind of fault, and short. */
const SAFETY_MS = 10_000

/** The plan of a seed, as it is hashed. */
export function hashedPlan(seed: number): Plan {
  return planFor(seed, undefined, SAFETY_MS)
}

/** The hash of the run of a plan, hexadecimal. */
export function hashOf(plan: Plan): string {
  const { trace, stats, violations } = runPlan(plan, { trace: { heartbeats: true } })
  return createHash('sha256')
    .update(JSON.stringify([trace, stats, violations]))
    .digest('hex')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const seed of process.argv.slice(2)) console.log(`${seed} ${hashOf(hashedPlan(Number(seed)))}`)
}
