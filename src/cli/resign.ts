/**
 * `conclave resign` and `conclave transfer`: the leader gives a leadership up, in good order, to whoever it finds best or to
 * the member that is named (R20, R21).
 */
import { type Command, EXIT, UsageError } from './command'
import { flagLines, parseFlags, wholeOf } from './flags'
import {
  electionOf,
  failed,
  helpOf,
  OPERATOR_FLAGS,
  type OperatorValues,
  withOperations,
} from './open-operations'
import type { HandedOver } from './operations'
import { thousands } from './table'
import type { Terminal } from './terminal'

const TIMEOUT_MS = 10_000

const COOLDOWN = {
  'cooldown-ms': {
    value: 'MS',
    summary: 'the former leader does not stand before that (default: its promiseMs)',
  },
} as const
const TO = { to: { value: 'ID', summary: 'who takes over: a voter' } } as const
const TRANSFER_FLAGS = { ...OPERATOR_FLAGS, ...TO, ...COOLDOWN } as const
const RESIGN_FLAGS = { ...OPERATOR_FLAGS, ...COOLDOWN } as const

const CODES = `Waits 10,000 ms by default; what was begun goes on after that. Exit code 0: it was given up and somebody else leads
(the one that was named, for transfer); 1: it is not so, and the sentence says why; 2: wrong call.`

/** The subcommand that leaves it to the leader who comes next. */
export const resign: Command = {
  summary: 'the leader of an election gives it up',
  help: helpOf(
    'resign --cluster NAME --members LIST [--election NAME] [options]',
    `The leader tells its work to stop, waits for it, lets go and hands over to the contender that it finds best. It does not
stand again before its cool-down is over.`,
    flagLines(RESIGN_FLAGS),
    CODES,
  ),
  flags: RESIGN_FLAGS,
  run(args, terminal) {
    const values = parseFlags(args, RESIGN_FLAGS)
    return handOver('resign', values, { to: null, cooldown: values['cooldown-ms'] }, terminal)
  },
}

/** The subcommand that names who comes next. */
export const transfer: Command = {
  summary: 'the leader of an election hands it over to a member that is named',
  help: helpOf(
    'transfer --cluster NAME --members LIST [--election NAME] --to ID [options]',
    `As resign, and the member that is named stands at once. First it is asked whether it can: one that was just started, or has not
heard yet who leads, is waited for within the time limit, and one that does not contend is refused before anything is given
up. If it does not win then, the others stand: what was given up is not taken back. Refused while the election is paused.`,
    flagLines(TRANSFER_FLAGS),
    CODES,
  ),
  flags: TRANSFER_FLAGS,
  run(args, terminal) {
    const values = parseFlags(args, TRANSFER_FLAGS)
    const { to = null } = values
    if (to === null || to === '') {
      throw new UsageError(
        '--to is missing: it names who takes over. conclave resign leaves that to the leader.',
      )
    }
    return handOver('transfer', values, { to, cooldown: values['cooldown-ms'] }, terminal)
  },
}

async function handOver(
  command: string,
  values: OperatorValues,
  { to, cooldown }: { readonly to: string | null; readonly cooldown: string | undefined },
  terminal: Terminal,
): Promise<number> {
  const cooldownMs = wholeOf('cooldown-ms', cooldown, 0, 2 ** 31 - 1)
  return withOperations(values, TIMEOUT_MS, async (operations) => {
    const election = electionOf(values, await operations.survey(values.election ?? null))
    if (!election.ok) return failed(command, election.why, terminal)
    const outcome = await operations.resign(election.value, { to, cooldownMs })
    if (!outcome.ok) return failed(command, outcome.why, terminal)
    const { value } = outcome
    if (values.json === true) terminal.print(JSON.stringify({ election: election.value, ...value }, null, 2))
    else terminal.print(sentenceOf(election.value, value, to))
    return value.failure === null ? EXIT.ok : EXIT.failed
  })
}

/** What became of it, in a sentence. */
export function sentenceOf(election: string, result: HandedOver, to: string | null): string {
  const { from, term, leader, leaderTerm, leaderlessMs, failure } = result
  const gave = `${from} gave "${election}" up (term ${term})`
  const gap = leaderlessMs === null ? '' : `, ${thousands(leaderlessMs)} ms without a leader`
  const next = `${leader} leads in term ${leaderTerm}`
  switch (failure) {
    case null:
      return leader === null ? `${gave}.` : `${gave}; ${next}${gap}.`
    case 'notLeader':
      return `${from} did not lead "${election}"${leader === null ? '; nobody is known to lead' : `; ${next}`}.`
    case 'notReleased':
      return `${from} did not let "${election}" go before its lease ran out (term ${term}): its work did not stop in time${leader === null ? '' : `; ${next}${gap}`}.`
    case 'nobodyLeads':
      return `${gave}; nobody is known to lead yet.`
    case 'leadsAgain':
      return `${gave}, and leads again in term ${leaderTerm}: nobody else could.`
    case 'anotherLeads':
      return `${gave}; ${to} did not take over: ${next}${gap}.`
    default:
      return `${gave}: ${failure}.`
  }
}
