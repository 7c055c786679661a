/**
 * How processes reach each other: the port between the runtime and whatever carries its frames, and what both sides owe.
 *
 * Read next: `../transports/tcp.ts` (the one that ships), `../compliance/transport.ts` (the suite for authors).
 */
import type { Part } from '../core/messages'
import type { Incarnation, ProcessId } from '../core/types'
import type { Logger } from './logger'
import type { Portable } from './portable'

/**
 * Carries frames between processes that have greeted each other.
 *
 * What the runtime guarantees: `start` once; `send` only between `start` and `stop`; parts that were handed over are
 * never changed afterwards; it drops, duplicates and reorders gracefully, so a transport may do all three.
 * What a transport guarantees: it calls the host serially and never from inside `send`; `send` never throws and never
 * blocks; it may drop silently. Parts of one `send` arrive together and in order, or not at all, except that a frame
 * above the limit may be cut between parts. It delivers only what a fully greeted, admitted peer sent in *this* session
 * and never what was meant for another incarnation of either end (R24); only a `deathNotice` may come from somebody else
 * who is authenticated, in the name of the life that it names, as the host judges its key (R55). It queues at most a bounded amount per peer: the
 * newest replaces the oldest (B.17).
 */
export interface Transport {
  /** Listens and starts to dial. Calls back once: ready, or `ELECTION_TRANSPORT_FAILED`. */
  start(host: TransportHost, ready: (error: Error | null) => void): void
  /** Sends to that life of the peer; silence if it is not connected. */
  send(to: ProcessId, toIncarnation: Incarnation, parts: readonly Part[]): void
  /** Flushes what was sent before for at most `flushMs`, then closes everything and calls back. The host hears no more. */
  stop(flushMs: number, done: () => void): void
  /** For exit hooks: hands everything that is queued to the kernel synchronously, as far as it takes it (R53). */
  flushSync(): void
  /**
   * From now on these are the peers to keep a link with, and where they live; addresses may be new. Sessions with others are
   * closed when what was sent to them has left; whoever dials is judged by the host as before. Needed only where members
   * change (`experimental.membership`).
   */
  keepPeers?(peers: readonly ProcessId[], addresses: Readonly<Record<ProcessId, string>>): void
  /** For `status()`. */
  stats(): TransportStats
  /** How it is made anew in another thread (`worker: true`). Absent, or null: it cannot be. */
  readonly portable?: Portable | null
  /**
   * For proofs of death (R55): tells how a witness on this host reaches the peers, as plain data, at once and again when it
   * changes (rotated credentials). Called at most once, between `start` and `stop`. A transport without it has no witness.
   */
  witness?(told: (means: unknown) => void): void
}

/** What the runtime offers to its transport. */
export interface TransportHost {
  readonly local: Greeting
  /** Ids of the peers to keep a link with. */
  readonly peers: readonly ProcessId[]
  /**
   * Where the processes live, as far as the runtime was told (`'10.0.0.1:7400'`); may contain the own id, which is then
   * where to listen. May be empty: a transport may have addresses of its own, or need none.
   */
  readonly addresses: Readonly<Record<ProcessId, string>>
  readonly logger: Logger
  now(): number
  /** Judges a greeting before anything else of the session is read (R24, R25, R27). Changes nothing if it refuses. */
  admit(greeting: Greeting): Admission
  /**
   * A session with an admitted peer is up. `sentAt`: reading of `now()` before the first byte of this end's greeting
   * or dial was sent; the peer has answered it (R64).
   */
  connected(peer: Greeting, sentAt: number): void
  /** The last session with that life of the peer is gone. A suspicion, not a proof (R56). */
  closed(peer: ProcessId, incarnation: Incarnation, reason: string): void
  received(from: ProcessId, fromIncarnation: Incarnation, parts: readonly Part[]): void
  /**
   * Something was refused, by the transport or by `admit`: once each, or it is counted twice. `reason` is one of a small fixed
   * set, for counters; details are logged by the transport at a limited rate.
   */
  refused(reason: RefusedReason): void
  /** The transport cannot work any more (listener gone): the runtime renounces everything (R52). */
  failed(error: Error): void
  /** Where operators are let in. A transport that cannot carry commands leaves it alone; without it nobody is let in. */
  readonly operators?: OperatorHost
}

/**
 * What the runtime offers to operators: processes that prove who they are as members do, and then only command. They have no
 * session: nothing of them reaches an election, and none is told of them.
 */
export interface OperatorHost {
  /** May this operator command here? Judged after cluster and credentials. */
  admit(greeting: Greeting): Admission
  /**
   * Text of a stranger, at most `MAX_COMMAND_BYTES`. `reply` is called at most once, at any time, with at most
   * `MAX_REPLY_BYTES` of UTF-8. Never throws.
   */
  command(from: ProcessId, payload: string, reply: (payload: string) => void): void
}

/** Who a process says it is (Hello of PROTOCOL A.5). */
export interface Greeting {
  readonly clusterId: string
  readonly nodeId: ProcessId
  readonly storageId: string
  readonly incarnation: Incarnation
  /** Random per start; tells two processes with one identity apart (R27). 32 hex digits. */
  readonly nonce: string
  /** Clock-rate bound and resolution of that end (R18). */
  readonly rho: number
  readonly deltaMs: number
  readonly configTerm: number
  readonly configVersion: number
}

/** Judgement on a greeting. */
export type Admission = { readonly ok: true } | { readonly ok: false; readonly reason: RefusedReason }

/** Why a transport or the runtime refused a session, a frame or a part. */
export type RefusedReason =
  | 'malformed'
  | 'oversized'
  | 'replayed'
  | 'unauthenticated'
  | 'wrongVersion'
  | 'wrongCluster'
  | 'wrongIdentity'
  | 'unknownMember'
  | 'amnesiac'
  | 'duplicateIdentity'
  | 'staleIncarnation'
  | 'handshakeTimeout'
  | 'tooManyConnections'
  | 'backPressure'
  | 'permissionDenied'

/** Counters and links, plain data. */
export interface TransportStats {
  readonly links: readonly LinkStats[]
  readonly framesSent: number
  readonly framesReceived: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly refused: Readonly<Partial<Record<RefusedReason, number>>>
}

/** One peer as the transport sees it. */
export interface LinkStats {
  readonly peer: ProcessId
  readonly connected: boolean
  readonly incarnation: Incarnation | null
  readonly address: string
  /** Version of the protocol that is spoken on it; null while it is not connected. Left out where there are no versions. */
  readonly protocolVersion?: number | null
  readonly lastError: string | null
}
