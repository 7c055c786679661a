/**
 * What processes tell each other (PROTOCOL A.5). One frame per peer and turn of the loop holds any number of parts.
 *
 * A frame names the incarnations of both ends: a part that was meant for another life of either end is never applied
 * (R24). A heartbeat that belongs to a vote request travels as a part of its own *before* it in the same frame, so its
 * answer (`ack`) is the only thing that ever touches the holder's account (R60).
 * Read next: `step.ts` (what each part does).
 */
import type {
  ClusterConfig,
  ConfigVersion,
  ElectionName,
  Grant,
  Incarnation,
  Pause,
  ProcessId,
  Refusal,
  Term,
} from './types'

/** A part that says under which configuration it was made (R12, R31). Absent where members never change. */
export interface Stamped {
  readonly config?: ConfigVersion
}

/** Renews the sender's session at the receiver for `promiseMs`, unless it is a probe (R58, R64). */
export interface Heartbeat extends Stamped {
  readonly kind: 'heartbeat'
  readonly round: number
  readonly promiseMs: number
  readonly probe: boolean
  /** Answer at once: the ack must not wait for the voter's own heartbeat (R71). */
  readonly prompt: boolean
}

/** Answer to one heartbeat or probe. `renewed`: this very frame prolonged the support (R58, R60). */
export interface Ack extends Stamped {
  readonly kind: 'ack'
  readonly round: number
  readonly grant: Grant | null
  readonly renewed: boolean
}

/** "I lead this election in this term; bind yourself to me" (R62). */
export interface Bind {
  readonly kind: 'bind'
  readonly election: ElectionName
  readonly term: Term
}

/** Answer to `bind`: the grant under which it holds, or the voter's known term (R62). */
export interface BindAck {
  readonly kind: 'bindAck'
  readonly election: ElectionName
  readonly term: Term
  readonly grant: Grant | null
  readonly knownTerm: Term
}

/** "I renounced every term up to this one" (R63); `successor` goes first in the succession (R21). */
export interface Release {
  readonly kind: 'release'
  readonly election: ElectionName
  readonly term: Term
  readonly successor: ProcessId | null
}

/** Answer to `release`. */
export interface ReleaseAck {
  readonly kind: 'releaseAck'
  readonly election: ElectionName
  readonly term: Term
}

/** "I contend in this election" or "I do not any more" (R69). */
export interface Contend {
  readonly kind: 'contend'
  readonly election: ElectionName
  readonly contending: boolean
  readonly priority: number
}

/** "That process does": said by a store alone, of those that it lists (R82). Never travels in a frame. */
export interface ContendOf extends Contend {
  readonly process: ProcessId
}

/** Answer to `contend`. */
export interface ContendAck {
  readonly kind: 'contendAck'
  readonly election: ElectionName
  readonly contending: boolean
}

/** "Would you vote for me in this term?" Changes nothing at the voter (R8). */
export interface PreVote extends Stamped {
  readonly kind: 'preVote'
  readonly election: ElectionName
  readonly term: Term
  readonly nonce: number
}

/** Answer to `preVote`; a refusal because of a binding may be followed by a yes when the binding ends (R56). */
export interface PreVoteReply {
  readonly kind: 'preVoteReply'
  readonly election: ElectionName
  readonly nonce: number
  readonly refusal: Refusal | null
  readonly knownTerm: Term
  /** Whom the voter is bound to, for `status()`; null when it is free or does not say. */
  readonly leader: ProcessId | null
}

/** Names a leadership that its holder has renounced in favour of one target (R21). */
export interface Certificate {
  readonly leader: ProcessId
  readonly storageId: string
  readonly incarnation: Incarnation
  readonly term: Term
}

/** Asks for the vote of the receiver; always behind a heartbeat in its frame (R3, R7). */
export interface RequestVote extends Stamped {
  readonly kind: 'requestVote'
  readonly election: ElectionName
  readonly term: Term
  readonly nonce: number
  readonly certificate: Certificate | null
}

/** Answer to `requestVote`: the grant under which the vote binds, or why not (R7). */
export interface VoteReply {
  readonly kind: 'voteReply'
  readonly election: ElectionName
  readonly term: Term
  readonly nonce: number
  readonly grant: Grant | null
  readonly refusal: Refusal | null
  readonly knownTerm: Term
  readonly leader: ProcessId | null
}

/** "Campaign now, with this certificate" (R21). */
export interface TimeoutNow {
  readonly kind: 'timeoutNow'
  readonly election: ElectionName
  /** Storage of the target: another disk under the same name is not meant. */
  readonly storageId: string
  readonly certificate: Certificate
}

/** The sender's incarnation is over; final (R71). */
export interface SessionEnd {
  readonly kind: 'sessionEnd'
}

/**
 * "That life has ended, and here is its key" (R55). Counts whoever brings it, because only the witness of that life can
 * have begun it: the runtime judges the key before the core hears of it, as an input.
 */
export interface DeathNotice {
  readonly kind: 'deathNotice'
  readonly process: ProcessId
  readonly storageId: string
  readonly incarnation: Incarnation
  /** 32 hex digits: what the nonce of that life is the digest of. */
  readonly key: string
}

/** "What is the largest term that you know of any election?" (R28). */
export interface FloorRequest {
  readonly kind: 'floorRequest'
  readonly nonce: number
}

/** Answer to `floorRequest`: the largest term known, or, from a voter that recovers too, its wall clock (R28). */
export interface FloorReply {
  readonly kind: 'floorReply'
  readonly nonce: number
  /** The voter recovers itself. */
  readonly recovering: boolean
  /** The voter has ended its recovery by agreement of all, and the asker's present life took part in that. */
  readonly together: boolean
  readonly term: Term
}

/** "What is your durable term of this election?" asked on behalf of a guard that starts closed (R43). */
export interface ReadTerm {
  readonly kind: 'readTerm'
  readonly election: ElectionName
  readonly nonce: number
}

/** Answer to `readTerm`. */
export interface ReadTermReply extends Stamped {
  readonly kind: 'readTermReply'
  readonly election: ElectionName
  readonly nonce: number
  readonly term: Term
}

/**
 * What a voter says of its slot to a process that has none, so that this knows who leads and when the election is free
 * (R71): a store to everybody, a peer to an observer. Never sent between peers that both vote.
 */
export interface Notice {
  readonly kind: 'notice'
  readonly election: ElectionName
  /** Of the binding, if there is one; else the highest term known. */
  readonly knownTerm: Term
  readonly leader: ProcessId | null
  readonly free: boolean
  /** Named by the last release (R21). */
  readonly successor: ProcessId | null
  /** Grows with each notice of a life of a peer, so that a late one replaces nothing; a store says all in order, and 0. */
  readonly number: number
  /** Who else stands: the voter and its observers, the first of R69 first. A peer tells it to the observer that leads alone. */
  readonly standing: readonly Standing[]
}

/** A process that contends, and its criteria. */
export interface Standing {
  readonly process: ProcessId
  readonly priority: number
}

/** Answer of an observer to the `notice` of a peer: until it comes the notice is repeated. */
export interface NoticeAck {
  readonly kind: 'noticeAck'
  readonly election: ElectionName
  readonly number: number
}

/** "An operator said that of the election, and I know nothing newer" (R80). */
export interface PausePart extends Pause {
  readonly kind: 'pause'
  readonly election: ElectionName
}

/** Answer to `pause`: what the voter holds, durably; never older than what it was told (R80). */
export interface PauseAck extends Pause {
  readonly kind: 'pauseAck'
  readonly election: ElectionName
}
/** "This is the newest configuration that I know" (R31); for whoever is behind. */
export interface Config {
  readonly kind: 'config'
  readonly cluster: ClusterConfig
}

/** "This is the configuration that I hold, durably", and what its leader needs to know before the next one (R32, R72). */
export interface ConfigAck {
  readonly kind: 'configAck'
  readonly term: Term
  readonly version: number
  /** Known term of `@members`: an answer of a later one does not count (R32 b). */
  readonly membersTerm: Term
  /** Largest known term of any election. */
  readonly maxTerm: Term
  /** Longest promise ever made to anybody. */
  readonly maxPromiseMs: number
}

/** Any part of a frame. */
export type Part =
  | Heartbeat
  | Ack
  | Bind
  | BindAck
  | Release
  | ReleaseAck
  | Contend
  | ContendAck
  | PreVote
  | PreVoteReply
  | RequestVote
  | VoteReply
  | TimeoutNow
  | SessionEnd
  | DeathNotice
  | FloorRequest
  | FloorReply
  | ReadTerm
  | ReadTermReply
  | Notice
  | PausePart
  | PauseAck
  | Config
  | ConfigAck
  | NoticeAck

/** What travels: parts, and the lives of the two processes that they concern. */
export interface Frame {
  readonly from: ProcessId
  readonly fromIncarnation: Incarnation
  readonly to: ProcessId
  readonly toIncarnation: Incarnation
  readonly parts: readonly Part[]
}
