/**
 * The bytes of one slot: frames laid over tagged sectors. Pure; knows neither files nor what a frame says.
 *
 * A frame is a header (magic, kind, sequence number, the sequence number that was durable before it, length, digest)
 * and a body, cut over sectors of 512 bytes, padded to whole blocks of 4096. Each sector ends with a tag that repeats
 * both numbers. The digest tells whether a frame is intact; the tags tell *why* it is not: all of them there means that
 * the frame was written as a whole and rotted later, some missing means that the write never finished.
 * Read next: `recover.ts` (what follows from that), `record.ts` (bodies).
 */
import { createHash } from 'node:crypto'

/** The largest piece that every disk writes as a whole or not at all. */
export const SECTOR_BYTES = 512
/** Frames start at multiples of this: a write never touches a block that holds somebody else's acknowledged bytes. */
export const BLOCK_BYTES = 4096

const TAG_BYTES = 40
const TAG_HALF = TAG_BYTES / 2
const PAYLOAD_BYTES = SECTOR_BYTES - TAG_BYTES
const MAGIC = 0xc0_4c_46_31
const HEADER_BYTES = 37
const DIGEST_AT = 21
const DIGEST_BYTES = 16

/** `snapshot`: everything; the first frame of each slot. `change`: what one write changed. */
export type FrameKind = 'snapshot' | 'change'

/** One write, as it lies in a slot. */
export interface Frame {
  readonly kind: FrameKind
  /** Number of this write. Grows over both slots and all lives of the process; never used twice. */
  readonly sequence: number
  /** The newest write that was known durable when this one began. Lower than `sequence`. */
  readonly after: number
  readonly body: Buffer
}

/** What lies at one place of a slot. */
export type Reading =
  | { readonly state: 'intact'; readonly frame: Frame; readonly bytes: number }
  /** Written as a whole, changed later. */
  | { readonly state: 'rotten'; readonly sequence: number }
  /** Nothing, remains of older times, or a write that never finished. */
  | { readonly state: 'nothing' }

/** The bytes of a frame: whole blocks, zeros behind its last sector. */
export function encodeFrame(frame: Frame): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32BE(MAGIC, 0)
  header.writeUInt8(frame.kind === 'snapshot' ? 1 : 2, 4)
  header.writeUIntBE(frame.sequence, 5, 6)
  header.writeUIntBE(frame.after, 11, 6)
  header.writeUInt32BE(frame.body.length, 17)
  digest(header, frame.body).copy(header, DIGEST_AT)
  const content = Buffer.concat([header, frame.body])
  const sectors = sectorsFor(frame.body.length)
  const bytes = Buffer.alloc(Math.ceil((sectors * SECTOR_BYTES) / BLOCK_BYTES) * BLOCK_BYTES)
  for (let sector = 0; sector < sectors; sector++) {
    const from = sector * PAYLOAD_BYTES
    content.copy(bytes, sector * SECTOR_BYTES, from, Math.min(from + PAYLOAD_BYTES, content.length))
    writeTag(bytes, sector, { sequence: frame.sequence, after: frame.after, index: sector, count: sectors })
  }
  return bytes
}

/** Reads what lies at byte `at` of a slot. Never throws, whatever the bytes are. */
export function readFrame(slot: Buffer, at: number): Reading {
  const frame = decodeFrame(slot, at)
  if (frame !== null) {
    const bytes = Math.ceil((sectorsFor(frame.body.length) * SECTOR_BYTES) / BLOCK_BYTES) * BLOCK_BYTES
    return { state: 'intact', frame, bytes }
  }
  const sequence = completeSequence(slot, at)
  return sequence === null ? { state: 'nothing' } : { state: 'rotten', sequence }
}

/** What the tags of a slot prove, wherever they lie. Zeros when there is none. */
export interface Evidence {
  /** The newest write that was ever begun here. */
  readonly begun: number
  /** The newest write that must have been durable before one of them began. */
  readonly durable: number
}

/** Reads every tag from byte `from` of a slot on. */
export function readEvidence(slot: Buffer, from: number): Evidence {
  let begun = 0
  let durable = 0
  for (let at = from; at + SECTOR_BYTES <= slot.length; at += SECTOR_BYTES) {
    const tag = readTag(slot, at)
    if (tag === null) continue
    begun = Math.max(begun, tag.sequence)
    durable = Math.max(durable, tag.after)
  }
  return { begun, durable }
}

interface Tag {
  readonly sequence: number
  readonly after: number
  /** Which sector of its frame this is, of how many. */
  readonly index: number
  readonly count: number
}

function sectorsFor(bodyBytes: number): number {
  return Math.ceil((HEADER_BYTES + bodyBytes) / PAYLOAD_BYTES)
}

function digest(header: Buffer, body: Buffer): Buffer {
  const hash = createHash('sha256').update(header.subarray(0, DIGEST_AT)).update(body)
  return hash.digest().subarray(0, DIGEST_BYTES)
}

/**
 * Goes by the digest: a damaged tag does no harm to an intact frame. A readable tag of another write does: that sector
 * was written over, even if the bytes in it happen to be the same.
 */
function decodeFrame(slot: Buffer, at: number): Frame | null {
  if (at + SECTOR_BYTES > slot.length) return null
  const header = slot.subarray(at, at + HEADER_BYTES)
  const kind = header.readUInt8(4)
  if (header.readUInt32BE(0) !== MAGIC || (kind !== 1 && kind !== 2)) return null
  const sequence = header.readUIntBE(5, 6)
  const bodyBytes = header.readUInt32BE(17)
  const sectors = sectorsFor(bodyBytes)
  if (at + sectors * SECTOR_BYTES > slot.length) return null
  const content = Buffer.alloc(sectors * PAYLOAD_BYTES)
  for (let sector = 0; sector < sectors; sector++) {
    const from = at + sector * SECTOR_BYTES
    const tag = readTag(slot, from)
    if (tag !== null && tag.sequence !== sequence) return null
    slot.copy(content, sector * PAYLOAD_BYTES, from, from + PAYLOAD_BYTES)
  }
  const body = content.subarray(HEADER_BYTES, HEADER_BYTES + bodyBytes)
  if (!digest(header, body).equals(header.subarray(DIGEST_AT))) return null
  return {
    kind: kind === 1 ? 'snapshot' : 'change',
    sequence,
    after: header.readUIntBE(11, 6),
    body,
  }
}

/**
 * The sequence number of the frame that begins at `at` if every one of its sectors was written, else null. It has to
 * begin there: the rear of a torn frame, met behind a shorter one of older times, is complete in itself.
 */
function completeSequence(slot: Buffer, at: number): number | null {
  const first = readTag(slot, at)
  if (first === null) return null
  for (let index = 0; index < first.count; index++) {
    const tag = readTag(slot, at + index * SECTOR_BYTES)
    if (tag?.sequence !== first.sequence || tag.index !== index) return null
  }
  return first.sequence
}

/** Written twice, the second time inverted: neither zeros nor noise pass for a tag. */
function writeTag(bytes: Buffer, sector: number, tag: Tag): void {
  const at = (sector + 1) * SECTOR_BYTES - TAG_BYTES
  bytes.writeUIntBE(tag.sequence, at, 6)
  bytes.writeUIntBE(tag.after, at + 6, 6)
  bytes.writeUInt32BE(tag.index, at + 12)
  bytes.writeUInt32BE(tag.count, at + 16)
  for (let i = at; i < at + TAG_HALF; i++) bytes[i + TAG_HALF] = ~bytes[i]! & 0xff
}

function readTag(slot: Buffer, sectorAt: number): Tag | null {
  const at = sectorAt + PAYLOAD_BYTES
  if (at + TAG_BYTES > slot.length) return null
  for (let i = at; i < at + TAG_HALF; i++) if (slot[i + TAG_HALF] !== (~slot[i]! & 0xff)) return null
  return {
    sequence: slot.readUIntBE(at, 6),
    after: slot.readUIntBE(at + 6, 6),
    index: slot.readUInt32BE(at + 12),
    count: slot.readUInt32BE(at + 16),
  }
}
