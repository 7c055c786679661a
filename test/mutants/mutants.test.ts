/**
 * Goal: every rule of safety is switched off here once, and something notices. Method: for each mutant the seed of the last
 * record or its named test, or both; nothing else is run (`npm run mutants` looks for seeds, and says how many it takes).
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sourcesUnder } from '../tidy/tree'
import { benchOf } from './bench'
import { patched, root } from './compile'
import { type SwarmKill, swarmOf, testWith } from './kill'
import type { Mutant } from './mutant'
import { medianSeeds, readRecording } from './recording'
import { markdownOf } from './report'
import { EXEMPT, MUTANTS } from './table'

const recording = readRecording()
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** A plan of the simulator may have changed since the record; then one of the next seeds kills as well. */
const SEEDS = 40

/** Seeds are replayed of those that the swarm kills as fast as this (median), and of those that nothing else kills. */
const FAST = 5

async function killOf(mutant: Mutant, first: number): Promise<SwarmKill | null> {
  const swarm = await swarmOf(mutant, mutant.swarm ?? {})
  for (let seed = first; seed < first + SEEDS; seed++) {
    const kill = swarm.run(seed)
    if (kill !== null) return kill
  }
  return null
}

describe('mutants', () => {
  for (const mutant of MUTANTS) {
    const { id, does, test } = mutant
    const recorded = recording.mutants[id]
    const isFast = recorded !== undefined && (medianSeeds(recorded) ?? Number.POSITIVE_INFINITY) <= FAST
    const seed = isFast || test === null ? (recorded?.seed ?? null) : null
    it(`${id}: ${does}`, async () => {
      expect(test !== null || seed !== null, 'a test or a seed: npm run mutants -- --record').toBe(true)
      if (test !== null) expect(await testWith(mutant, test), `survives "${test.name}"`).not.toBeNull()
      if (seed !== null)
        expect(await killOf(mutant, seed), `survives the swarm from seed ${seed}`).not.toBeNull()
    }, 60_000)
  }
})

describe('the shipping sources', () => {
  const files = [...new Set(MUTANTS.flatMap(({ test }) => test?.file ?? []))]
  for (const file of files) {
    it(`pass what kills mutants in ${file}`, async () => {
      const names = new Set(MUTANTS.flatMap(({ test }) => (test?.file === file ? test.name : [])))
      const run = await benchOf(file, [])
      for (const name of names) expect(await run(name), name).toBeNull()
    }, 60_000)
  }

  it('survive some of the seeds that kill mutants', async () => {
    const swarm = await swarmOf(null, {})
    const seeds = MUTANTS.flatMap(({ id, swarm: hunt }) =>
      hunt !== null && hunt.profile === undefined ? (recording.mutants[id]?.seed ?? []) : [],
    )
    for (const seed of new Set(seeds.slice(0, 20))) expect(swarm.run(seed), `seed ${seed}`).toBeNull()
  }, 60_000)
})

describe('the table of mutants', () => {
  it('names each mutant once, and patches what is there', () => {
    expect(new Set(MUTANTS.map(({ id }) => id)).size).toBe(MUTANTS.length)
    for (const { id, patches } of MUTANTS) {
      expect(patches.length, id).toBeGreaterThan(0)
      for (const { file } of patches) expect(patched(file, patches), id).not.toBe(read(file))
    }
  })

  it('an unmatched patch is an error that names the file and the text', () => {
    const patch = { file: 'src/core/numbers.ts', find: 'no such text', replace: '' }
    expect(() => patched(patch.file, [patch])).toThrow(/numbers\.ts has 0 times, not once:\nno such text/)
  })

  it('has every rule that the sources name, or the reason why not', () => {
    const named = new Set(sourcesUnder('src').flatMap((path) => read(path).match(/\bR\d+\b/g) ?? []))
    const rules = new Set(MUTANTS.flatMap(({ id }) => id.match(/\bR\d+\b/g) ?? []))
    expect([...named].filter((rule) => !rules.has(rule) && !(rule in EXEMPT)).sort()).toEqual([])
    expect(Object.keys(EXEMPT).filter((rule) => rules.has(rule) || !named.has(rule))).toEqual([])
  })

  it('is the one in the document, as the last record has it', () => {
    expect(read('test/mutants/README.md')).toBe(markdownOf(recording))
    expect(MUTANTS.map(({ id }) => id).filter((id) => recording.mutants[id] === undefined)).toEqual([])
  })
})
