/**
 * Who may talk to whom: the judgement on a greeting, before a single term of that session is read (R24, R25, R27).
 *
 * Pure. Decides by identity alone, never by timing or terms, and changes nothing: what has to be remembered about an
 * admitted process is returned as a pin for the caller to write. Read next: `sessions.ts` (what an admitted life may do).
 */
import type { Incarnation, Pin, ProcessId } from './types'

/** A storage that made its own name: 128 random bits. */
const RANDOM_ID = /^[0-9a-f]{32}$/
const BEHIND_ID = /\.[0-9a-f]{32}$/

/**
 * What a process without a vote is called (R49): nobody has agreed on who is called what, so its name is its id and the 128
 * random bits of its storage. Another storage is another process.
 */
export function nameWithoutVote(id: ProcessId, storageId: string): ProcessId {
  return `${id}.${storageId}`
}

/** What people call a process: its id. Never compared with anything but by people, and with what a certificate says. */
export function displayName(process: ProcessId): ProcessId {
  return process.replace(BEHIND_ID, '')
}

/** Who a process says it is, as far as the judgement looks. */
export interface Identity {
  readonly clusterId: string
  readonly nodeId: ProcessId
  readonly storageId: string
  readonly incarnation: Incarnation
  /** Random per start: tells two processes with one identity apart (R27). */
  readonly nonce: string
}

/** One life of a process that was admitted before, in this life of one's own. */
export type KnownLife = Pick<Identity, 'storageId' | 'incarnation' | 'nonce'>

/** Against what a greeting is judged. */
export interface Acquaintance {
  readonly local: Identity
  readonly isMember: (process: ProcessId) => boolean
  /** The storage that the configuration names for a voter, or null: then its pin decides (R25, R26). */
  readonly storageOf: (process: ProcessId) => string | null
  /** Processes without a vote may have a session. */
  readonly admitsObservers: boolean
  /** Durable: the storage and the highest incarnation that each process ever showed. */
  readonly pins: Readonly<Record<ProcessId, Pin>>
  /** Volatile: the newest life of each process that was admitted since start. */
  readonly lives: ReadonlyMap<ProcessId, KnownLife>
  /** Nobody in this cluster has a storage, so a new storage id says nothing (R28). */
  readonly ephemeral: boolean
}

/** Why a greeting was refused. */
export type IdentityRefusal =
  | 'malformed'
  | 'wrongCluster'
  | 'wrongIdentity'
  | 'unknownMember'
  | 'amnesiac'
  | 'duplicateIdentity'
  | 'staleIncarnation'

/** The verdict; `pin` is what has to become durable once the session is up, or null if nothing is new. */
export type IdentityVerdict =
  | { readonly ok: true; readonly pin: Pin | null }
  | { readonly ok: false; readonly reason: IdentityRefusal }

/**
 * Judges a greeting. Never throws.
 *
 * - another cluster, a process that is no member, oneself (a link that leads back home): refused. Where observers are
 *   admitted, whoever is called after its own storage is one (R49); it has nothing to forget, so nothing of it is pinned;
 * - one's own name from another process, or a life already met under another nonce: `duplicateIdentity` (R27);
 * - another storage than the one in the configuration, or else the pinned one: `amnesiac` (R25), it may have promised what
 *   it does not know any more. Where the configuration names one, what is known of another one says nothing (R26);
 * - a lower incarnation than the highest seen: `staleIncarnation` (R27), an old life or a restored copy of the disk.
 */
export function judgeHello(known: Acquaintance, hello: Identity): IdentityVerdict {
  const { local, pins, lives } = known
  if (hello.clusterId !== local.clusterId) return refuse('wrongCluster')
  if (hello.nodeId === local.nodeId)
    return refuse(hello.nonce === local.nonce ? 'wrongIdentity' : 'duplicateIdentity')
  const isMember = known.isMember(hello.nodeId)
  if (!isMember && !(known.admitsObservers && isCalledAfterStorage(hello))) return refuse('unknownMember')
  if (!Number.isSafeInteger(hello.incarnation) || hello.incarnation < 1) return refuse('malformed')
  const named = known.storageOf(hello.nodeId)
  if (named !== null && hello.storageId !== named) return refuse('amnesiac')
  const pin = Object.hasOwn(pins, hello.nodeId) ? pins[hello.nodeId] : undefined
  if (pin !== undefined && (named === null || pin.storageId === named)) {
    if (hello.storageId !== pin.storageId && !known.ephemeral) return refuse('amnesiac')
    if (hello.incarnation < pin.incarnation) return refuse('staleIncarnation')
  }
  const life = lives.get(hello.nodeId)
  if (life !== undefined && (named === null || life.storageId === named)) {
    if (hello.incarnation < life.incarnation) return refuse('staleIncarnation')
    if (hello.incarnation === life.incarnation && hello.nonce !== life.nonce)
      return refuse('duplicateIdentity')
  }
  if (!isMember) return { ok: true, pin: null }
  const isNew = pin === undefined || pin.storageId !== hello.storageId || pin.incarnation < hello.incarnation
  return {
    ok: true,
    pin: isNew ? { storageId: hello.storageId, incarnation: hello.incarnation } : null,
  }
}

function isCalledAfterStorage({ nodeId, storageId }: Identity): boolean {
  return RANDOM_ID.test(storageId) && nodeId.endsWith(`.${storageId}`)
}

function refuse(reason: IdentityRefusal): IdentityVerdict {
  return { ok: false, reason }
}
