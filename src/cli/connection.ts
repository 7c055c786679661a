/**
 * The options by which a command reaches a cluster: its name, its voters and what proves that one may (E1 to E3).
 *
 * Secrets come from files or the environment, never from the command line, which every user of the host can read. Reads
 * files, connects to nothing.
 */
import { readFileSync } from 'node:fs'
import { MIN_SECRET_BYTES, type TcpOptions } from '../transports/tcp-options'
import { UsageError } from './command'
import { type FlagValues, required } from './flags'

/** Where the secret is taken from without `--secret-file`. */
const SECRET_VARIABLE = 'CONCLAVE_SECRET'

/** The options themselves. */
export const CONNECTION = {
  cluster: { value: 'NAME', summary: 'name of the cluster' },
  members: {
    value: 'LIST',
    summary: 'the voters, the same as at every process: a=10.0.0.1:7400,b=10.0.0.2:7400,w=10.0.0.3:7400',
  },
  'secret-file': {
    value: 'FILE',
    isPath: true,
    summary: `shared secret, at least ${MIN_SECRET_BYTES} bytes (default: the environment variable ${SECRET_VARIABLE});\nseveral lines: the first is used to dial, all are accepted`,
  },
  'tls-ca': { value: 'FILE', isPath: true, summary: 'authority of the members for mutual TLS, PEM' },
  'tls-cert': { value: 'FILE', isPath: true, summary: 'own certificate, PEM' },
  'tls-key': { value: 'FILE', isPath: true, summary: 'key of that certificate, PEM' },
} as const

/** What they say. */
export interface Connection {
  readonly cluster: string
  /** Addresses of the voters by id. */
  readonly members: Readonly<Record<string, string>>
  /** Part of the options of `tcp()`. */
  readonly credentials: Pick<TcpOptions, 'secret' | 'tls'>
}

/** Reads them. @throws UsageError, also where a file cannot be read. */
export function readConnection(
  values: FlagValues<typeof CONNECTION>,
  environment: Readonly<Record<string, string | undefined>>,
): Connection {
  return {
    cluster: required('cluster', values.cluster, 'orders'),
    members: readMembers(required('members', values.members, 'a=10.0.0.1:7400,b=10.0.0.2:7400')),
    credentials: readCredentials(values, environment),
  }
}

/** Addresses by id. @throws UsageError */
export function readMembers(text: string): Readonly<Record<string, string>> {
  const members = new Map<string, string>()
  for (const entry of text.split(',')) {
    const [id = '', address = '', more] = entry.trim().split('=')
    if (id === '' || address === '' || more !== undefined) {
      throw new UsageError(`--members takes id=host:port,id=host:port, and ${JSON.stringify(entry)} is none.`)
    }
    if (members.has(id)) throw new UsageError(`--members names ${JSON.stringify(id)} twice.`)
    members.set(id, address)
  }
  return Object.fromEntries(members)
}

function readCredentials(
  values: FlagValues<typeof CONNECTION>,
  environment: Readonly<Record<string, string | undefined>>,
): Connection['credentials'] {
  const path = values['secret-file']
  const text = path === undefined ? environment[SECRET_VARIABLE] : contents('secret-file', path).toString()
  const secret = (text ?? '').split(/\r?\n/).filter((line) => line !== '')
  if (path !== undefined && secret.length === 0) throw new UsageError(`--secret-file ${path} is empty.`)
  for (const bytes of secret.map((line) => Buffer.byteLength(line))) {
    if (bytes >= MIN_SECRET_BYTES) continue
    const where = path === undefined ? SECRET_VARIABLE : `--secret-file ${path}`
    throw new UsageError(`${where}: a secret has at least ${MIN_SECRET_BYTES} bytes, this one has ${bytes}.`)
  }
  const names = ['tls-ca', 'tls-cert', 'tls-key'] as const
  const missing = names.filter((name) => values[name] === undefined)
  if (missing.length === 1 || missing.length === 2) {
    throw new UsageError(
      `mutual TLS takes --tls-ca, --tls-cert and --tls-key: --${missing.join(', --')} is missing.`,
    )
  }
  const [ca, cert, key] = missing.length > 0 ? [] : names.map((name) => contents(name, values[name] ?? ''))
  return {
    ...(secret.length === 0 ? {} : { secret }),
    ...(ca === undefined || cert === undefined || key === undefined ? {} : { tls: { ca, cert, key } }),
  }
}

function contents(name: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new UsageError(`--${name} cannot be read: ${(error as Error).message}`)
  }
}
