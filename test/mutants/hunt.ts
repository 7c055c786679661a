/**
 * The hunt for one mutant: its named test, then seeds of the swarm from several starts, then the control without patches.
 *
 * Everything that kills has to leave the shipping sources alive: the test passes without the patches, and every seed that
 * killed is clean without them. Read next: `main.ts`.
 */
import { type SwarmKill, swarmOf, testWith } from './kill'
import type { Mutant } from './mutant'

/** How long to look. */
export interface Limits {
  /** From each start at most so many seeds. */
  readonly seeds: number
  /** First seed of each try. */
  readonly starts: readonly number[]
}

/** A try of the swarm that ended in a violation. */
export interface Kill extends SwarmKill {
  /** Seeds that were run for it, the killing one included. */
  readonly after: number
  /** CPU time of the killing seed, ms. */
  readonly costMs: number
}

/** What a hunt found. */
export interface Finding {
  readonly id: string
  /** What the shipping sources did wrong, or null. */
  readonly control: string | null
  /** What the named test says with the patches; null if it passes, or if there is none. */
  readonly test: string | null
  /** One entry per start that was tried; null if no seed of it killed. */
  readonly kills: readonly (Kill | null)[]
  /** Why nothing was found out, or null. */
  readonly trouble: string | null
}

/** After so many starts in vain the swarm gives up. */
const PATIENCE = 2

/** Looks for everything that kills the mutant. */
export async function hunt(mutant: Mutant, limits: Limits): Promise<Finding> {
  const test = mutant.test === null ? null : await testWith(mutant, mutant.test)
  const kills = await seedsThatKill(mutant, limits)
  return { id: mutant.id, control: await control(mutant, kills), test, kills, trouble: null }
}

/** Did anything kill it that leaves the shipping sources alive? */
export function isKilled({ control, test, kills, trouble }: Finding): boolean {
  return trouble === null && control === null && (test !== null || kills.some((kill) => kill !== null))
}

async function seedsThatKill(mutant: Mutant, { seeds, starts }: Limits): Promise<(Kill | null)[]> {
  if (mutant.swarm === null) return []
  const swarm = await swarmOf(mutant, mutant.swarm)
  const kills: (Kill | null)[] = []
  for (const start of starts) {
    if (kills.length === PATIENCE && kills.every((kill) => kill === null)) break
    let kill: Kill | null = null
    for (let after = 1; after <= seeds && kill === null; after++) {
      const before = process.cpuUsage()
      const found = swarm.run(start + after - 1)
      const { user, system } = process.cpuUsage(before)
      if (found !== null) kill = { ...found, after, costMs: Math.round((user + system) / 1000) }
    }
    kills.push(kill)
  }
  return kills
}

async function control({ test, swarm }: Mutant, kills: readonly (Kill | null)[]): Promise<string | null> {
  const wrong = test === null ? null : await testWith({ patches: [] }, test)
  if (wrong !== null) return `"${test?.name}" fails without the patches: ${wrong}`
  const seeds = kills.flatMap((kill) => kill?.seed ?? [])
  if (swarm === null || seeds.length === 0) return null
  const sound = await swarmOf(null, swarm)
  for (const seed of seeds) {
    const found = sound.run(seed)
    if (found !== null) return `seed ${seed} breaks ${found.property} without the patches: ${found.text}`
  }
  return null
}
