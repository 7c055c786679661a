/**
 * The kinds of record that a store voter keeps (PROTOCOL, "Store voters"), and nothing else.
 *
 * `session/<process>`: one per process, renewed by compare-and-set with each heartbeat. `election/<name>`: written only
 * when leadership changes; never deleted, it is the durable term (R68). `contenders`: who stands, for the order alone (R82).
 * `history/<name>`: who led, for people alone. All are JSON; fields that this version does not know are kept when a record is
 * written again. A record of another cluster or format is an error, never overwritten.
 * Read next: `store-session.ts`, `store-elections.ts`.
 */
import type { Pause } from '../core/types'
import { ElectionError } from '../errors'

/** One session of a process at a store (R66). */
export interface SessionRecord {
  readonly format: 1
  readonly cluster: string
  readonly process: string
  /** Life of the process that writes it. */
  readonly inc: number
  /** Random per start: two processes that share one identity and one life are told apart by it (R27). */
  readonly nonce: string
  /** Only grows, over all lives (R66, R67). */
  readonly grant: number
  /** D of this grant, ms; never shrinks within a grant (R46). */
  readonly promiseMs: number
  /** Clock-rate bound of the writer (R18). */
  readonly rho: number
  /** Moves with every renewal. */
  readonly seq: number
  /** The grant is over: somebody else ended it (R67), or its holder did. */
  readonly fenced: boolean
  /** Moves when the holder took, bound or released an election, so that others need not read them all. */
  readonly changes: number
}

/** One election at a store: the term that survives everything, and who holds it (R68). */
export interface ElectionRecord {
  readonly format: 1
  readonly cluster: string
  readonly election: string
  readonly term: number
  readonly holder: string | null
  readonly holderInc: number
  readonly holderGrant: number
  /** The holder announced that it leads this term (R6). */
  readonly led: boolean
  readonly released: boolean
  /** Goes first in the succession after a hand-over (R21). */
  readonly successor: string | null
  /** The newest word of an operator (R80). Absent: it was never paused; versions that do not know the field keep it. */
  readonly pause?: Pause
}

/** A process in the list of contenders, and the criteria with which it stands (R82). */
export interface Listed {
  readonly process: string
  readonly inc: number
  /** Moves with every write of the entry. */
  readonly seq: number
  readonly elections: readonly (readonly [election: string, priority: number])[]
}

/** Who contends where only stores vote (R82). */
export interface RosterRecord {
  readonly format: 1
  readonly cluster: string
  readonly contenders: readonly Listed[]
}

/** One leadership, as the process that held it said itself. */
export interface Past {
  readonly term: number
  readonly leader: string
  /** Wall clock of the leader at the win, ms since 1970. */
  readonly wonAtMs: number
  /** How long, and why it ended; null: it goes on, or its holder died before it could say. */
  readonly heldMs: number | null
  readonly reason: string | null
}

/** The last leaderships of one election, oldest first. */
export interface HistoryRecord {
  readonly format: 1
  readonly cluster: string
  readonly election: string
  readonly past: readonly Past[]
}

type Check = (value: unknown) => boolean

const natural: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const term: Check = (value) => natural(value) && (value as number) < Number.MAX_SAFE_INTEGER
const flag: Check = (value) => typeof value === 'boolean'
const name: Check = (value) => typeof value === 'string' && value.length > 0 && value.length <= 256
const nameOrNull: Check = (value) => value === null || name(value)
const between =
  (low: number, high: number): Check =>
  (value) =>
    typeof value === 'number' && value >= low && value <= high

function isPause(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { counter, by, isPaused, leader, sinceMs } = value as { readonly [Key in keyof Pause]: unknown }
  return (
    term(counter) &&
    name(by) &&
    flag(isPaused) &&
    natural(sinceMs) &&
    (leader === 'stays' || leader === 'stepsDown')
  )
}

const SESSION: Readonly<Record<keyof SessionRecord, Check>> = {
  format: (value) => value === 1,
  cluster: name,
  process: name,
  inc: natural,
  nonce: (value) => typeof value === 'string' && value.length <= 256,
  grant: natural,
  promiseMs: between(Number.MIN_VALUE, 2 ** 40),
  rho: between(0, 0.5),
  seq: natural,
  fenced: flag,
  changes: natural,
}

const ELECTION: Readonly<Record<keyof ElectionRecord, Check>> = {
  format: (value) => value === 1,
  cluster: name,
  election: name,
  term,
  holder: nameOrNull,
  holderInc: natural,
  holderGrant: natural,
  led: flag,
  released: flag,
  successor: nameOrNull,
  pause: (value) => value === undefined || isPause(value),
}

function isListed(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { process, inc, seq, elections } = value as { readonly [Key in keyof Listed]: unknown }
  const isCriterion: Check = (each) =>
    Array.isArray(each) && each.length === 2 && name(each[0]) && Number.isSafeInteger(each[1])
  return (
    name(process) && natural(inc) && natural(seq) && Array.isArray(elections) && elections.every(isCriterion)
  )
}

const ROSTER: Readonly<Record<keyof RosterRecord, Check>> = {
  format: (value) => value === 1,
  cluster: name,
  contenders: (value) => Array.isArray(value) && value.every(isListed),
}

function isPast(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { term: at, leader, wonAtMs, heldMs, reason } = value as { readonly [Key in keyof Past]: unknown }
  return (
    term(at) && name(leader) && natural(wonAtMs) && (heldMs === null || natural(heldMs)) && nameOrNull(reason)
  )
}

const HISTORY: Readonly<Record<keyof HistoryRecord, Check>> = {
  format: (value) => value === 1,
  cluster: name,
  election: name,
  past: (value) => Array.isArray(value) && value.every(isPast),
}

/** Names of the keys of one cluster in a store. */
export class Keys {
  readonly root: string

  constructor(readonly cluster: string) {
    this.root = `${cluster}/`
  }

  get roster(): string {
    return `${this.root}contenders`
  }

  session(process: string): string {
    return `${this.root}session/${process}`
  }

  election(election: string): string {
    return `${this.root}election/${election}`
  }

  history(election: string): string {
    return `${this.root}history/${election}`
  }

  /** The election that a key is of, or null. */
  electionOf(key: string): string | null {
    const prefix = `${this.root}election/`
    return key.startsWith(prefix) ? key.slice(prefix.length) : null
  }
}

/** The configured id inside the name of a process at a store: everything before the random part (R49). */
export function displayOf(process: string): string {
  return process.replace(/\.[0-9a-f]{32}$/, '')
}

/** @throws ELECTION_STORAGE_CORRUPT: not JSON, another format; ELECTION_STORAGE_FOREIGN: another cluster's. */
export function readSession(cluster: string, value: string): SessionRecord {
  return read<SessionRecord>(SESSION, cluster, value, 'session')
}

/** @throws as `readSession`. */
export function readElection(cluster: string, value: string): ElectionRecord {
  return read<ElectionRecord>(ELECTION, cluster, value, 'election')
}

/** @throws as `readSession`. */
export function readRoster(cluster: string, value: string): RosterRecord {
  return read<RosterRecord>(ROSTER, cluster, value, 'contenders')
}

/** @throws as `readSession`. */
export function readHistory(cluster: string, value: string): HistoryRecord {
  return read<HistoryRecord>(HISTORY, cluster, value, 'history')
}

/** Unknown fields pass, and are kept when the record is written again (R68). */
function read<T extends { readonly cluster: string }>(
  checks: Readonly<Record<string, Check>>,
  cluster: string,
  value: string,
  kind: string,
): T {
  const record = parse(value, kind)
  for (const [field, holds] of Object.entries(checks)) {
    if (!holds(record[field])) {
      throw new ElectionError(
        'ELECTION_STORAGE_CORRUPT',
        `a ${kind} record is not of format 1: its ${field} is wrong`,
      )
    }
  }
  if (record['cluster'] !== cluster) {
    const other = JSON.stringify(String(record['cluster']).slice(0, 64))
    throw new ElectionError(
      'ELECTION_STORAGE_FOREIGN',
      `a ${kind} record belongs to cluster ${other}, not to ${JSON.stringify(cluster)}: use another prefix`,
    )
  }
  return record as unknown as T
}

function parse(value: string, kind: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(value)
    if (typeof json === 'object' && json !== null) return json as Readonly<Record<string, unknown>>
  } catch (cause) {
    throw new ElectionError('ELECTION_STORAGE_CORRUPT', `a ${kind} record is not JSON`, { cause })
  }
  throw new ElectionError('ELECTION_STORAGE_CORRUPT', `a ${kind} record is no object`)
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
