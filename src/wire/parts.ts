/**
 * The parts of a frame as bytes: one table of layouts, one encoder and one decoder per connection (PROTOCOL A.5, E6).
 *
 * The body of a frame is one part after the other, each a byte for its kind and its fields in the order of the table.
 * Where members change some parts say under which configuration they were made: their byte is higher by `STAMPED`, and
 * the configuration follows the fields.
 * Whatever does not match to the last byte is refused as a whole; nothing is ever skipped. A change of this table is a
 * new protocol version (`limits.ts`). Read next: `names.ts`.
 */
import type { Certificate, Part, Stamped, Standing } from '../core/messages'
import type { ClusterConfig, ConfigVersion, ElectionName, Pause, Refusal, Voter } from '../core/types'
import { type MalformedReason, WireFault } from './bytes'
import {
  address,
  durationMs,
  type Field,
  type FieldsOf,
  flag,
  grant,
  hexNonce,
  id,
  incarnation,
  listOf,
  oneOf,
  orNull,
  priority,
  promise,
  record,
  since,
  term,
  whole,
} from './fields'
import { MAX_FRAME_BYTES, MAX_NAMES, NEWEST_VERSION, STANDING_VERSION } from './limits'
import { NamingReader, NamingWriter, nameTable } from './names'

type PartField<T> = Field<T, NamingWriter, NamingReader>

/** The byte of each kind and its fields. Complete by its type: a part without a layout does not compile. */
type Layouts = {
  readonly [K in Part['kind']]: {
    readonly code: number
    readonly fields: FieldsOf<Extract<Part, { kind: K }>, NamingWriter, NamingReader>
  }
}

const election: PartField<ElectionName> = {
  write: (out, value) => out.name(value),
  read: (input) => input.name(),
}

/** Complete by its type: a refusal that is missing here does not compile. */
const REFUSAL_CODES: Readonly<Record<Refusal, number>> = {
  bound: 0,
  term: 1,
  boot: 2,
  recovering: 3,
  session: 4,
  leading: 5,
  config: 6,
  floor: 7,
  storage: 8,
  ended: 9,
  limit: 10,
  paused: 11,
}
const refusal = oneOf(
  (Object.keys(REFUSAL_CODES) as Refusal[]).sort((a, b) => REFUSAL_CODES[a] - REFUSAL_CODES[b]),
)

const certificate = record<Certificate>({ leader: id, storageId: id, incarnation, term })

const pause: FieldsOf<Pause, NamingWriter, NamingReader> = {
  counter: term,
  by: id,
  isPaused: flag,
  leader: oneOf(['stays', 'stepsDown']),
  sinceMs: whole,
}
/** Most voters of a configuration that travels (`MAX_MEMBERS` of the core). */
const MAX_VOTERS = 9

const standing = record<Standing>({ process: id, priority })
/** Most contenders that a notice names (`MAX_STANDING` of the core). */
const MAX_STANDING = 8

const version = record<ConfigVersion>({ term, version: whole })

/** A configuration of peers: stores and sets that move do not travel. */
const seat = record<Required<Omit<Voter, 'kind'>>>({ id, storageId: orNull(id), address: orNull(address) })
const voter: Field<Voter> = {
  write(out, { kind, id, storageId = null, address = null }) {
    if (kind !== 'peer') throw new WireFault('unknownKind')
    seat.write(out, { id, storageId, address })
  },
  read: (input) => ({ ...seat.read(input), kind: 'peer' }),
}
const cluster = record<Omit<ClusterConfig, 'sets'>>({
  term,
  version: whole,
  termFloor: term,
  voters: listOf(voter, 1, MAX_VOTERS),
})

const layouts: Layouts = {
  heartbeat: { code: 1, fields: { round: whole, promiseMs: promise, probe: flag, prompt: flag } },
  ack: { code: 2, fields: { round: whole, grant: orNull(grant), renewed: flag } },
  bind: { code: 3, fields: { election, term } },
  bindAck: { code: 4, fields: { election, term, grant: orNull(grant), knownTerm: term } },
  release: { code: 5, fields: { election, term, successor: orNull(id) } },
  releaseAck: { code: 6, fields: { election, term } },
  contend: { code: 7, fields: { election, contending: flag, priority } },
  contendAck: { code: 8, fields: { election, contending: flag } },
  preVote: { code: 9, fields: { election, term, nonce: whole } },
  preVoteReply: {
    code: 10,
    fields: { election, nonce: whole, refusal: orNull(refusal), knownTerm: term, leader: orNull(id) },
  },
  requestVote: { code: 11, fields: { election, term, nonce: whole, certificate: orNull(certificate) } },
  voteReply: {
    code: 12,
    fields: {
      election,
      term,
      nonce: whole,
      grant: orNull(grant),
      refusal: orNull(refusal),
      knownTerm: term,
      leader: orNull(id),
    },
  },
  timeoutNow: { code: 13, fields: { election, storageId: id, certificate } },
  sessionEnd: { code: 14, fields: {} },
  deathNotice: { code: 15, fields: { process: id, storageId: id, incarnation, key: hexNonce } },
  floorRequest: { code: 16, fields: { nonce: whole } },
  floorReply: { code: 17, fields: { nonce: whole, recovering: flag, together: flag, term } },
  readTerm: { code: 18, fields: { election, nonce: whole } },
  readTermReply: { code: 19, fields: { election, nonce: whole, term } },
  notice: {
    code: 20,
    fields: {
      election,
      knownTerm: term,
      leader: orNull(id),
      free: flag,
      successor: orNull(id),
      number: whole,
      standing: since(STANDING_VERSION, listOf(standing, 0, MAX_STANDING), []),
    },
  },
  pause: { code: 21, fields: { election, ...pause } },
  pauseAck: { code: 22, fields: { election, ...pause } },
  noticeAck: { code: 23, fields: { election, number: whole } },
  config: { code: 30, fields: { cluster } },
  configAck: {
    code: 31,
    fields: { term, version: whole, membersTerm: term, maxTerm: term, maxPromiseMs: durationMs },
  },
}

/** Added to the byte of a part that is stamped. */
const STAMPED = 0x80

/** Parts that may be stamped. Complete by its type. */
const stampable: Readonly<Record<Extract<Part, Stamped>['kind'], true>> = {
  heartbeat: true,
  ack: true,
  preVote: true,
  requestVote: true,
  readTermReply: true,
}

/** A layout as the codecs use it. */
interface Kind {
  readonly kind: Part['kind']
  readonly code: number
  readonly isStampable: boolean
  readonly fields: readonly (readonly [string, PartField<unknown>])[]
}

const byName = new Map<string, Kind>()
const byCode: (Kind | undefined)[] = []
for (const [name, { code, fields }] of Object.entries(layouts)) {
  const kind: Kind = {
    kind: name as Part['kind'],
    code,
    isStampable: Object.hasOwn(stampable, name),
    fields: Object.entries(fields) as Kind['fields'],
  }
  byName.set(name, kind)
  byCode[code] = kind
}

/** Bytes of a frame that are not its body: length, counter, kind, seal. */
const FRAME_OVERHEAD_BYTES = 29

/** Longest body of a frame of parts. */
export const MAX_BODY_BYTES = MAX_FRAME_BYTES - FRAME_OVERHEAD_BYTES

/** No part is longer than this; the test computes the longest one. */
const MAX_PART_BYTES = 4_096

/** Bounds of a codec; both ends must use the same `version` and `maxNames`. */
export interface CodecOptions {
  /** Version of the protocol that the connection speaks; default `NEWEST_VERSION`. */
  readonly version?: number
  /** Longest body; default and upper bound `MAX_BODY_BYTES`, at least 512. A part that does not fit begins the next. */
  readonly maxBodyBytes?: number
  /** Names remembered per direction; default `MAX_NAMES`. Too small: names travel again and again. */
  readonly maxNames?: number
}

/** Turns parts into bodies of frames. One per connection: it knows which names the other end knows (R70). */
export class PartEncoder {
  readonly #out: NamingWriter
  readonly #maxBodyBytes: number

  constructor(options: CodecOptions = {}) {
    this.#maxBodyBytes = options.maxBodyBytes ?? MAX_BODY_BYTES
    const { maxNames = MAX_NAMES, version = NEWEST_VERSION } = options
    this.#out = new NamingWriter(this.#maxBodyBytes + MAX_PART_BYTES, maxNames, version)
  }

  /**
   * Encodes the parts in order and calls `emit` with each body; its bytes are valid only during that call, and every
   * body must be sent, in order. Returns how many parts were left out because a value in them is not allowed on the
   * wire (a fault of the caller). Never throws of itself.
   */
  encode(parts: Iterable<Part>, emit: (body: Uint8Array) => void): number {
    const out = this.#out
    let refused = 0
    out.offset = 0
    for (const part of parts) {
      const start = out.offset
      if (!this.#write(part)) {
        out.offset = start
        refused += 1
      } else if (out.offset > this.#maxBodyBytes) {
        const end = out.offset
        emit(out.bytes.subarray(0, start))
        out.bytes.copyWithin(0, start, end)
        out.offset = end - start
      }
    }
    if (out.offset > 0) emit(out.bytes.subarray(0, out.offset))
    return refused
  }

  #write(part: Part): boolean {
    const out = this.#out
    try {
      const kind = byName.get(part.kind)
      if (kind === undefined) throw new WireFault('unknownKind')
      const stamp = (part as Stamped).config
      if (stamp !== undefined && !kind.isStampable) throw new WireFault('unknownKind')
      out.u8(stamp === undefined ? kind.code : kind.code + STAMPED)
      for (const [name, field] of kind.fields) {
        field.write(out, (part as unknown as Record<string, unknown>)[name])
      }
      if (stamp !== undefined) version.write(out, stamp)
      out.commit()
      return true
    } catch {
      out.rollback()
      return false
    }
  }
}

/** Refused: why, and never anything of the input. The connection it came from cannot go on. */
export interface Malformed {
  readonly ok: false
  readonly code: 'ELECTION_MESSAGE_INVALID'
  readonly reason: MalformedReason
}

/** What a decoder gives back; it never throws. */
export type Decoded<T> = { readonly ok: true; readonly value: T } | Malformed

/** Runs a reading; turns its faults into the typed result. */
export function decoding<T>(read: () => T): Decoded<T> {
  try {
    return { ok: true, value: read() }
  } catch (error) {
    const reason = error instanceof WireFault ? error.reason : 'truncated'
    return { ok: false, code: 'ELECTION_MESSAGE_INVALID', reason }
  }
}

/** Turns bodies of frames back into parts: fresh plain objects with exactly the declared fields. One per connection. */
export class PartDecoder {
  readonly #table: ReturnType<typeof nameTable>
  readonly #version: number

  constructor(options: Pick<CodecOptions, 'maxNames' | 'version'> = {}) {
    this.#version = options.version ?? NEWEST_VERSION
    this.#table = nameTable(options.maxNames ?? MAX_NAMES)
  }

  /** All parts of a body, or why it is refused as a whole. After a refusal the decoder must not be used again. */
  decode(body: Uint8Array): Decoded<readonly Part[]> {
    return decoding(() => {
      if (body.length === 0) throw new WireFault('empty')
      if (body.length > MAX_BODY_BYTES) throw new WireFault('tooLong')
      const input = new NamingReader(body, this.#table, this.#version)
      const parts: Part[] = []
      while (!input.done) {
        const code = input.u8()
        const isStamped = code >= STAMPED
        const kind = byCode[isStamped ? code - STAMPED : code]
        if (kind === undefined || (isStamped && !kind.isStampable)) throw new WireFault('unknownKind')
        const part: Record<string, unknown> = { kind: kind.kind }
        for (const [name, field] of kind.fields) part[name] = field.read(input)
        if (isStamped) part['config'] = version.read(input)
        parts.push(part as unknown as Part)
      }
      return parts
    })
  }
}
