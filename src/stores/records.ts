/**
 * The two kinds of record that a store voter keeps (PROTOCOL, "Store voters"), and nothing else.
 *
 * `session/<process>`: one per process, renewed by compare-and-set with each heartbeat. `election/<name>`: written only
 * when leadership changes; never deleted, it is the durable term (R68). Both are JSON; fields that this version does not
 * know are kept when a record is written again. A record of another cluster or format is an error, never overwritten.
 * Read next: `store-session.ts`, `store-elections.ts`.
 */
import { z } from 'zod'
import { MAX_TERM } from '../core'
import { ElectionError } from '../errors'

const natural = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const term = natural.max(MAX_TERM)
const name = z.string().min(1).max(256)

const SessionSchema = z.looseObject({
  format: z.literal(1),
  cluster: z.string(),
  process: name,
  /** Life of the process that writes it. */
  inc: natural,
  /** Only grows, over all lives (R66, R67). */
  grant: natural,
  /** D of this grant, ms; never shrinks within a grant (R46). */
  promiseMs: z
    .number()
    .positive()
    .max(2 ** 40),
  /** Clock-rate bound of the writer (R18). */
  rho: z.number().min(0).max(0.5),
  /** Moves with every renewal. */
  seq: natural,
  /** The grant is over: somebody else ended it (R67), or its holder did. */
  fenced: z.boolean(),
  /** Moves when the holder took, bound or released an election, so that others need not read them all. */
  changes: natural,
})

const ElectionSchema = z.looseObject({
  format: z.literal(1),
  cluster: z.string(),
  election: name,
  term,
  holder: name.nullable(),
  holderInc: natural,
  holderGrant: natural,
  /** The holder announced that it leads this term (R6). */
  led: z.boolean(),
  released: z.boolean(),
  /** Goes first in the succession after a hand-over (R21). */
  successor: name.nullable(),
})

export type SessionRecord = z.infer<typeof SessionSchema>
export type ElectionRecord = z.infer<typeof ElectionSchema>

/** Names of the keys of one cluster in a store. */
export class Keys {
  readonly root: string

  constructor(readonly cluster: string) {
    this.root = `${cluster}/`
  }

  session(process: string): string {
    return `${this.root}session/${process}`
  }

  election(election: string): string {
    return `${this.root}election/${election}`
  }
}

/** @throws ELECTION_STORAGE_CORRUPT: not JSON, another format; ELECTION_STORAGE_FOREIGN: another cluster's. */
export function readSession(cluster: string, value: string): SessionRecord {
  return read(SessionSchema, cluster, value, 'session')
}

/** @throws as `readSession`. */
export function readElection(cluster: string, value: string): ElectionRecord {
  return read(ElectionSchema, cluster, value, 'election')
}

function read<T extends { cluster: string }>(
  schema: z.ZodType<T>,
  cluster: string,
  value: string,
  kind: string,
): T {
  let json: unknown
  try {
    json = JSON.parse(value)
  } catch (cause) {
    throw new ElectionError('ELECTION_STORAGE_CORRUPT', `a ${kind} record is not JSON`, { cause })
  }
  const parsed = schema.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new ElectionError(
      'ELECTION_STORAGE_CORRUPT',
      `a ${kind} record is not of format 1: ${issue?.path.join('.')}: ${issue?.message}`,
    )
  }
  if (parsed.data.cluster !== cluster) {
    throw new ElectionError(
      'ELECTION_STORAGE_FOREIGN',
      `a ${kind} record belongs to cluster ${JSON.stringify(parsed.data.cluster.slice(0, 64))}, not to ${JSON.stringify(cluster)}: use another prefix`,
    )
  }
  return parsed.data
}

/** An election that nobody ever stood for. */
export function emptyElection(cluster: string, election: string): ElectionRecord {
  return {
    format: 1,
    cluster,
    election,
    term: 0,
    holder: null,
    holderInc: 0,
    holderGrant: 0,
    led: false,
    released: true,
    successor: null,
  }
}
