/** `conclave status`: who leads what, who is there, and what the members do not agree on. */
import { type Command, EXIT } from './command'
import { flagLines, parseFlags } from './flags'
import { failed, helpOf, OPERATOR_FLAGS, withOperations } from './open-operations'
import { statusLines } from './status-table'
import { coloursFor, painted } from './table'

const TIMEOUT_MS = 2_000

const HELP = helpOf(
  'status --cluster NAME --members LIST [options]',
  `Asks every member at once who leads what, who else is there, and how they are. A member that does not answer is shown with
the reason. ROUND TRIP is from here to the member and back; ALIVE FOR names the other members that hear from it; PROTOCOL is the
version that it speaks with them, several while a cluster is being upgraded. Below an election stands who sees something
else; with --election, also why nobody leads.`,
  flagLines(OPERATOR_FLAGS),
  `Waits 2,000 ms for each answer by default. Exit code 0: every election has a leader and a quorum of the members answered;
1: it is not so; 2: wrong call.`,
)

/** The subcommand. */
export const status: Command = {
  summary: 'who leads what, which members are there, and where they disagree',
  help: HELP,
  flags: OPERATOR_FLAGS,
  run(args, terminal) {
    const values = parseFlags(args, OPERATOR_FLAGS)
    const { election = null, json } = values
    return withOperations(values, TIMEOUT_MS, async (operations) => {
      const survey = await operations.survey(election)
      if (json === true) terminal.print(JSON.stringify(survey, null, 2))
      else {
        const hasColour = coloursFor(terminal.isTerminal, process.env)
        for (const line of statusLines(survey)) terminal.print(painted(line, hasColour))
      }
      if (election !== null && survey.answered > 0 && survey.elections.length === 0) {
        return failed(
          'status',
          `no member that answered has an election ${JSON.stringify(election)}`,
          terminal,
        )
      }
      return survey.isWell ? EXIT.ok : EXIT.failed
    })
  },
}
