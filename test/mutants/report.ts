/** The words of `npm run mutants`: a line per mutant while it runs, and the table of the document. */
import { type Finding, isKilled } from './hunt'
import type { Mutant } from './mutant'
import { medianSeeds, type Recorded, type Recording } from './recording'
import { MUTANTS } from './table'

/** One line about one mutant. */
export function describeFinding(finding: Finding): string {
  const { id, test, kills, control, trouble } = finding
  const verdict = isKilled(finding) ? 'killed  ' : 'SURVIVES'
  const seeds = kills.map((kill) => kill?.after ?? '-').join(', ')
  const property = kills.find((kill) => kill !== null)?.property ?? ''
  const parts = [
    trouble,
    control,
    kills.length > 0 ? `seeds ${seeds} ${property}` : null,
    test === null ? null : `test: ${test.slice(0, 90)}`,
  ]
  return `${verdict} ${id}: ${parts.filter((part) => part !== null).join('; ')}`
}

/** The document: what was switched off, and what noticed. */
export function markdownOf(recording: Recording): string {
  const known = MUTANTS.filter(({ id }) => recording.mutants[id] !== undefined)
  const rows = known.map((mutant) => row(mutant, recording.mutants[mutant.id] as Recorded, recording))
  const pairs = known.filter(({ pair }) => pair !== undefined)
  const { limits } = recording
  const commits = new Set(known.map(({ id }) => recording.mutants[id]?.commit))
  const bySwarm = known.filter(({ id }) => recording.mutants[id]?.seed != null).length
  const killed = known.filter(
    ({ id }) => recording.mutants[id]?.test || recording.mutants[id]?.seed != null,
  ).length
  const byTest = known.filter(({ id }) => recording.mutants[id]?.test === true).length
  return `${HEAD}
- ${known.length} mutants, ${killed} killed: ${byTest} by a named test, ${bySwarm} by the swarm.
- Sources: ${[...commits].map((commit) => `\`${commit}\``).join(', ')}. Swarm: ${limits.starts.length} starts (seeds ${limits.starts.join(', ')}), at most ${limits.seeds} seeds from each;
  the number is the median of the seeds until the first violation, 60 simulated seconds each, in a world
  of any kind or the one in brackets. No number: random schedules do not reach it (none of 140 seeds),
  or it is about a rule that the simulator does not run; the test does.

| rule | what the mutant does | property broken by the swarm | seeds | the test that kills it |
|---|---|---|---:|---|
${rows.join('\n')}

## Pairs

${pairs.map(({ id, pair }) => `- **${id}**: ${pair}.`).join('\n')}
`
}

function row({ id, does, test, swarm }: Mutant, recorded: Recorded, { limits }: Recording): string {
  const median = medianSeeds(recorded)
  let seeds = ''
  if (median !== null) seeds = Number.isFinite(median) ? String(median) : `> ${limits.seeds}`
  const world = recorded.property === null || swarm?.profile === undefined ? '' : ` (${swarm.profile})`
  return `| ${id} | ${does} | ${recorded.property ?? ''}${world} | ${seeds} | ${test?.name ?? ''} |`
}

const HEAD = `# Mutants

Each rule of the protocol switched off, one at a time, in the shipping sources: does anything notice? A mutant is an exact
replacement in one or two lines of \`src\`, made while the sources are bundled; nothing in \`src\` knows of it. It is
killed if a property breaks in the swarm, or if a named test fails that passes without the replacement; whatever kills it
leaves the shipping sources alive.

- Made by \`npm run mutants -- --record\`; \`npm run mutants -- --only R7\` repeats a part, \`--fresh\` takes new seeds.
- The table of mutants is [table/](table/index.ts); [mutants.test.ts](mutants.test.ts) replays every kill in CI.`
