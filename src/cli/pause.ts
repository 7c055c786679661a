/** `conclave pause` and `conclave resume`: nobody is elected meanwhile, across the cluster (R80, R81). */
import type { PausedLeader } from '../core'
import { type Command, EXIT } from './command'
import { flagLines, parseFlags } from './flags'
import {
  electionOf,
  failed,
  helpOf,
  OPERATOR_FLAGS,
  type OperatorValues,
  withOperations,
} from './open-operations'
import type { Operations, Outcome, PauseSaid } from './operations'
import type { Terminal } from './terminal'

const TIMEOUT_MS = 5_000

const PAUSE_FLAGS = {
  ...OPERATOR_FLAGS,
  leader: {
    value: 'WHAT',
    choices: ['stays', 'stepsDown'],
    summary: 'stays: whoever leads goes on (default); stepsDown: it gives the leadership up in good order',
  },
} as const

const CODES = `Waits 5,000 ms by default. Exit code 0: a quorum of the voters holds the word, and the others hear of it as they are
reached; 1: no quorum is known to hold it, or it was refused; 2: wrong call.`

/** The subcommand. */
export const pause: Command = {
  summary: 'nobody is elected in an election until it is resumed',
  help: helpOf(
    'pause --cluster NAME --members LIST [--election NAME] [options]',
    `For maintenance: holds across the cluster and survives restarts. A leadership that is lost meanwhile, by a restart for
instance, is not won again before conclave resume.`,
    flagLines(PAUSE_FLAGS),
    CODES,
  ),
  flags: PAUSE_FLAGS,
  run(args, terminal) {
    const values = parseFlags(args, PAUSE_FLAGS)
    const leader: PausedLeader = values.leader === 'stepsDown' ? 'stepsDown' : 'stays'
    return say('pause', values, (operations, election) => operations.pause(election, leader), terminal)
  },
}

/** The subcommand that ends it. */
export const resume: Command = {
  summary: 'ends a pause',
  help: helpOf(
    'resume --cluster NAME --members LIST [--election NAME] [options]',
    'Somebody is elected again as after any other loss. Harmless without a pause.',
    flagLines(OPERATOR_FLAGS),
    CODES,
  ),
  flags: OPERATOR_FLAGS,
  run(args, terminal) {
    const values = parseFlags(args, OPERATOR_FLAGS)
    return say('resume', values, (operations, election) => operations.resume(election), terminal)
  },
}

function say(
  command: string,
  values: OperatorValues,
  speak: (operations: Operations, election: string) => Promise<Outcome<PauseSaid>>,
  terminal: Terminal,
): Promise<number> {
  return withOperations(values, TIMEOUT_MS, async (operations) => {
    const election = electionOf(values, await operations.survey(values.election ?? null))
    if (!election.ok) return failed(command, election.why, terminal)
    const outcome = await speak(operations, election.value)
    if (!outcome.ok) return failed(command, outcome.why, terminal)
    const { value } = outcome
    if (values.json === true) terminal.print(JSON.stringify({ election: election.value, ...value }, null, 2))
    else terminal.print(sentenceOf(election.value, value))
    return EXIT.ok
  })
}

/** What is so now, in a sentence. */
export function sentenceOf(election: string, { isPaused, leader, leaderStays, voters }: PauseSaid): string {
  const held = voters.length === 0 ? '' : ` (${voters.join(', ')} hold the word)`
  if (!isPaused) return `"${election}" is resumed${held}${leader === null ? '' : `; ${leader} leads`}.`
  const who =
    leader === null ? 'nobody leads' : leaderStays ? `${leader} goes on leading` : `${leader} steps down`
  return `"${election}" is paused${held}; ${who}.`
}
