/**
 * What the commands of operators have in common: where the cluster is, which election is meant, how a refusal is said.
 *
 * Read next: `operations.ts`.
 */
import type { ElectionName } from '../core'
import { isElectionError } from '../errors'
import { EXIT, UsageError } from './command'
import { CONNECTION, readConnection } from './connection'
import { type Flags, type FlagValues, required, wholeOf } from './flags'
import type { Operations, Outcome } from './operations'
import { OperatorCluster } from './operator-cluster'
import { PeerOperations } from './peer-operations'
import { storeAt, storeUrlOf } from './store-client'
import { StoreOperations } from './store-operations'
import { nobody, type Survey } from './survey'
import type { Terminal } from './terminal'

/** Options of every command of operators. */
export const OPERATOR_FLAGS = {
  ...CONNECTION,
  store: {
    value: 'URL',
    summary:
      'in place of --members, where only a store votes: postgres://..., redis://..., or http://host:2379 of etcd;\nwith --election. Its driver is that of the project in which this is called.\nA URL with a password goes into the environment variable CONCLAVE_STORE',
  },
  election: { value: 'NAME', summary: 'name of the election (default: all of them, or the only one)' },
  'timeout-ms': { value: 'MS', summary: 'how long to wait for each answer' },
  json: { summary: 'print JSON' },
} as const satisfies Flags

/** What every command of operators is told. */
export type OperatorValues = FlagValues<typeof OPERATOR_FLAGS>

/** Opens the cluster that the options name, for one command. */
export async function withOperations(
  values: OperatorValues,
  defaultTimeoutMs: number,
  use: (operations: Operations) => Promise<number>,
): Promise<number> {
  const timeoutMs = wholeOf('timeout-ms', values['timeout-ms'], 1, 3_600_000) ?? defaultTimeoutMs
  const operations = await open(values, timeoutMs)
  try {
    return await use(operations)
  } finally {
    await operations.close()
  }
}

async function open(values: OperatorValues, timeoutMs: number): Promise<Operations> {
  const { election } = values
  const store = storeUrlOf(values, process.env)
  if (store === null) {
    return new PeerOperations(new OperatorCluster(readConnection(values, process.env)), timeoutMs)
  }
  const strangers = ['members', 'secret-file', 'tls-ca', 'tls-cert', 'tls-key'] as const
  const given = strangers.filter((name) => values[name] !== undefined)
  if (given.length > 0) {
    throw new UsageError(
      `--store and --${given.join(', --')}: a store is asked, or members are; give one of the two.`,
    )
  }
  const cluster = required('cluster', values.cluster, 'orders')
  const name = required('election', election, 'invoices, which a store does not list')
  try {
    return new StoreOperations(cluster, name, await storeAt(store), timeoutMs)
  } catch (error) {
    if (!isElectionError(error, 'ELECTION_CONFIG_INVALID')) throw error
    throw new UsageError(error.message)
  }
}

/** The election that is meant: by name, or the only one. @throws UsageError if there are several. */
export function electionOf(values: OperatorValues, survey: Survey): Outcome<ElectionName> {
  const names = survey.elections.map(({ name }) => name)
  const { election } = values
  if (election !== undefined) {
    if (names.includes(election)) return { ok: true, value: election }
    if (survey.answered === 0) return nobody(survey)
    return { ok: false, why: `no member that answered has an election ${JSON.stringify(election)}` }
  }
  const [only, ...others] = names
  if (only === undefined)
    return survey.answered === 0 ? nobody(survey) : { ok: false, why: 'there is no election' }
  if (others.length === 0) return { ok: true, value: only }
  const some = names.slice(0, 5).join(', ')
  throw new UsageError(
    `which of ${names.length} elections (${some}${names.length > 5 ? ', ...' : ''})? Give --election.`,
  )
}

/** Says that it could not be done. */
export function failed(command: string, why: string, terminal: Terminal): number {
  terminal.complain(`conclave ${command}: ${why}.`)
  return EXIT.failed
}

/** The help of a command from its parts. */
export function helpOf(usage: string, what: string, flags: string, codes: string): string {
  return `Usage: conclave ${usage}\n\n${what}\n\n${flags}\n\n${codes}`
}
