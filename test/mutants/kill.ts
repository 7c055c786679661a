/**
 * How a mutant dies: by its named test, or by a seed of the swarm.
 *
 * A test kills if it fails with the patches and passes without them; a seed kills if the simulated cluster, built from the
 * patched sources, violates a property. Both run in this process; the sources on the disk are never touched.
 */
import type { RunOptions, RunResult } from 'conclave/simulation'
import { runTest } from './bench'
import { compile, load } from './compile'
import type { Mutant, NamedTest, SwarmHunt } from './mutant'

/** A seed that kills, and the property that it breaks. */
export interface SwarmKill {
  readonly seed: number
  readonly property: string
  readonly text: string
}

/** The swarm of one mutant, ready to run seeds; of the shipping sources if the mutant is null. */
export interface MutatedSwarm {
  /** Null if every property held. */
  run(seed: number): SwarmKill | null
}

interface Simulation {
  runSeed(seed: number, options: RunOptions): RunResult
}

/** Builds the simulator from patched sources. */
export async function swarmOf(mutant: Mutant | null, hunt: SwarmHunt): Promise<MutatedSwarm> {
  const { runSeed } = load<Simulation>(await compile('src/simulation/index.ts', mutant?.patches ?? []))
  const options: RunOptions = {
    safetyOnly: hunt.liveness !== true,
    ignore: hunt.ignore ?? [],
    ...(hunt.profile === undefined ? {} : { profile: hunt.profile }),
  }
  return {
    run: (seed) => {
      const [first] = runSeed(seed, options).violations
      return first === undefined ? null : { seed, property: first.property, text: first.text }
    },
  }
}

/** Runs the mutant's named test with its patches. Null if it passes, else what was wrong. */
export function testWith(
  { patches }: Pick<Mutant, 'patches'>,
  { file, name }: NamedTest,
): Promise<string | null> {
  return runTest(file, name, patches)
}
