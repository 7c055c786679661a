/** `conclave history`: the last leaderships, as all members together remember them, with how they ended. */
import { type Command, EXIT } from './command'
import { flagLines, parseFlags } from './flags'
import { failed, helpOf, OPERATOR_FLAGS, withOperations } from './open-operations'
import type { PastLeadership } from './operations'
import { tableOf, thousands, timeOf } from './table'

const TIMEOUT_MS = 2_000

/** The subcommand. */
export const history: Command = {
  summary: 'the last leaderships of each election, and why they ended',
  help: helpOf(
    'history --cluster NAME --members LIST [options]',
    `Every member remembers its own last 16 leaderships of an election and the last 16 leaders that it saw, since its start. What a
leader says of itself counts; where it is gone, others tell since when they saw it, and nobody knows why it ended. SINCE is
the wall clock of whoever remembers.`,
    flagLines(OPERATOR_FLAGS),
    'Waits 2,000 ms for each answer by default. Exit code 0: somebody answered; 1: nobody did; 2: wrong call.',
  ),
  flags: OPERATOR_FLAGS,
  run(args, terminal) {
    const values = parseFlags(args, OPERATOR_FLAGS)
    return withOperations(values, TIMEOUT_MS, async (operations) => {
      const outcome = await operations.history(values.election ?? null)
      if (!outcome.ok) return failed('history', outcome.why, terminal)
      if (values.json === true) terminal.print(JSON.stringify(outcome.value, null, 2))
      else for (const line of historyLines(outcome.value)) terminal.print(line)
      return EXIT.ok
    })
  },
}

/** A row per leadership. */
export function historyLines(past: readonly PastLeadership[]): string[] {
  if (past.length === 0) return ['no leaderships are remembered']
  return tableOf(
    [
      { head: 'ELECTION' },
      { head: 'TERM', isNumber: true },
      { head: 'LEADER' },
      { head: 'SINCE' },
      { head: 'HELD', isNumber: true },
      { head: 'ENDED' },
    ],
    past.map(({ election, term, leader, sinceMs, heldMs, reason, goesOn }) => [
      election,
      String(term),
      leader,
      timeOf(sinceMs),
      heldMs === null ? '-' : `${thousands(heldMs)} ms`,
      reason ?? (goesOn ? 'leads' : 'unknown'),
    ]),
  )
}
