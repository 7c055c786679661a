/**
 * `conclave witness`: a process that votes in every election of a cluster and never leads one (R37).
 *
 * It makes two replicas fail over: a majority of two replicas and a witness is left whichever of them dies. It knows no
 * election by name and opens none; a voter votes in whatever it is asked about, so `core` does the work and there is
 * nothing here that could stand. Runs until a signal; touches this process.
 */

import { isElectionError } from '../errors'
import type { Elector } from '../runtime/api'
import { createElector } from '../runtime/create'
import { tcp } from '../transports/tcp'
import { type Command, EXIT, UsageError } from './command'
import { CONNECTION, readConnection } from './connection'
import { type FlagValues, flagLines, parseFlags, required, wholeOf } from './flags'
import { type Journal, journalOn } from './journal'
import type { Terminal } from './terminal'
import { readTiming, TIMING } from './timing-flags'

const FLAGS = {
  ...CONNECTION,
  id: { value: 'ID', summary: 'its own id, one of --members' },
  witnesses: {
    value: 'IDS',
    summary: 'all voters that never lead, the same as `witnesses` at every process (default: --id alone)',
  },
  'data-dir': {
    value: 'DIR',
    isPath: true,
    summary: 'directory of its durable record: what it has promised survives a restart',
  },
  listen: { value: 'HOST:PORT', summary: 'where it listens (default: its own address in --members)' },
  ...TIMING,
  'max-observers': { value: 'N', summary: 'how many processes without a vote it lets in (default: 0)' },
  json: { summary: 'a JSON object per line, as pino writes them' },
} as const

const HELP = `Usage: conclave witness --cluster NAME --id ID --members LIST --data-dir DIR [options]

Votes in every election of the cluster and never leads one. Two replicas and a witness in a third place survive the loss
of any one of the three, as three replicas do. It needs little memory, no service, and the clock and the disk of a voter.

${flagLines(FLAGS)}

  CONCLAVE_SECRET=... conclave witness --cluster orders --id w --data-dir /var/lib/conclave \\
    --members a=10.0.0.1:7400,b=10.0.0.2:7400,w=10.0.0.3:7400

The replicas say witnesses: ['w']. Prints a line when it is ready and one whenever a leader changes. SIGTERM and SIGINT
stop it: exit code 0. Exit code 1: its storage or its network failed; 2: wrong call.`

/** The subcommand. */
export const witness: Command = {
  summary: 'a process that votes and never leads: two replicas fail over with it',
  help: HELP,
  flags: FLAGS,
  async run(args, terminal) {
    const values = parseFlags(args, FLAGS)
    const { elector, journal } = prepare(values, terminal)
    return serve(elector, journal, terminal)
  },
}

function prepare(
  values: FlagValues<typeof FLAGS>,
  terminal: Terminal,
): { readonly elector: Elector; readonly journal: Journal } {
  const { cluster, members, credentials } = readConnection(values, process.env)
  const id = required('id', values.id, 'w')
  const dataDir = required('data-dir', values['data-dir'], '/var/lib/conclave')
  const timing = readTiming(values)
  const journal = journalOn(terminal, values.json === true, { name: 'conclave-witness', cluster, id })
  try {
    const elector = createElector({
      cluster,
      id,
      voters: members,
      witnesses: values.witnesses?.split(',') ?? [id],
      transport: tcp({ ...credentials, ...(values.listen === undefined ? {} : { listen: values.listen }) }),
      dataDir,
      timing,
      maxObservers: wholeOf('max-observers', values['max-observers'], 0, 10_000) ?? 0,
      logger: journal,
    })
    if (elector.status().memberKind !== 'witness') {
      throw new UsageError(`--witnesses has to name ${id}, too: this process never leads.`)
    }
    return { elector, journal }
  } catch (error) {
    if (!isElectionError(error, 'ELECTION_CONFIG_INVALID')) throw error
    throw new UsageError(error.message)
  }
}

/** Runs it until a signal or a failure; resolves to the exit code. */
async function serve(elector: Elector, journal: Journal, terminal: Terminal): Promise<number> {
  const failed = new Promise<number>((resolve) => elector.on('failed', () => resolve(EXIT.failed)))
  const signalled = new Promise<number>((resolve) => onSignal(() => resolve(EXIT.ok)))
  elector.on('leaderChanged', ({ election, leader, term }) => {
    const who = leader === null ? 'nobody is known to lead' : `${leader} leads, term ${term}`
    journal.tell(`${election}: ${who}`, { election, leader, term })
  })
  try {
    // A disk or a network may keep it from starting for long: a signal ends that, too.
    const code = await Promise.race([elector.start(), signalled])
    if (code === undefined) tellReady(elector, journal)
  } catch (error) {
    if (isElectionError(error, 'ELECTION_CONFIG_INVALID')) throw new UsageError(error.message)
    if (!isElectionError(error)) throw error
    terminal.complain(`conclave witness: ${error.code}: ${error.message}`)
    return EXIT.failed
  }
  const code = await Promise.race([signalled, failed])
  await elector.stop()
  if (code === EXIT.ok) journal.tell('stopped', {})
  return code
}

function tellReady(elector: Elector, journal: Journal): void {
  const { members, bootWaitMs, warnings } = elector.status()
  const voters = members.map(({ id }) => id)
  const wait = bootWaitMs === 0 ? '' : `, gives its first vote in ${bootWaitMs} ms`
  journal.tell(`ready: ${elector.id} votes, of ${voters.join(', ')}${wait}`, { voters, bootWaitMs })
  for (const warning of warnings) journal.warn({}, warning)
}

/** The first signal only: a second one ends the process as it always does. */
function onSignal(call: () => void): void {
  const listener = (): void => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, listener)
    call()
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, listener)
}
