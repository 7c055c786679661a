/**
 * Says once, at the end of a run, which servers this machine lacks and what was therefore not run.
 *
 * Test files run in processes of their own and note what they leave out in one file (`require.ts`); this is the global
 * set-up of the runs with servers. Decides nothing.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MISSING_FILE } from './require'

/** One note: programs that are not here, and the tests that need them. */
interface Missing {
  readonly names: readonly string[]
  readonly whatFor: string
}

/** The notes in one line, or null if nothing is missing. */
export function sentenceOf(notes: string): string | null {
  const all = notes
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Missing)
  if (all.length === 0) return null
  const names = [...new Set(all.flatMap((one) => one.names))]
  const left = [...new Set(all.map(({ whatFor }) => whatFor))]
  return `not on this machine: ${names.join(', ')}; therefore not run: ${left.join('; ')}`
}

/** Before the first test file; what it returns runs after the last. */
export default function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'conclave-missing-'))
  const file = join(directory, 'notes')
  writeFileSync(file, '')
  process.env[MISSING_FILE] = file
  return () => {
    const sentence = sentenceOf(readFileSync(file, 'utf8'))
    rmSync(directory, { recursive: true, force: true })
    if (sentence !== null) process.stderr.write(`\n${sentence}\n`)
  }
}
