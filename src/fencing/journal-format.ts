/**
 * The bytes of a file fence's journal. Pure.
 *
 * One record per line: `<16 hex digits> <JSON array of entries>\n`. The digits are the start of SHA-256 over the former
 * record's digits and this record's JSON, so a record that was changed, moved, lost or repeated breaks the chain. A
 * record is written by one append and the next only after it was synced: whatever a crash leaves unfinished is the last
 * line, and it lacks its newline. Everything else that does not fit is damage, and damage is never read over.
 * Read next: `journal.ts`.
 */
import { createHash } from 'node:crypto'
import { ElectionError } from '../errors'
import { isElectionName, isHolder, isResource, isToken } from './claim'
import type { MarkEntry } from './marks'

/** First record of every journal. */
const HEADER = '{"conclave":"fence","format":1}'
const CHECK_LENGTH = 16
const NEWLINE = 0x0a

/** A record and the digits that the next one needs. */
export interface EncodedRecord {
  readonly bytes: Buffer
  readonly check: string
}

/** What a journal says. `torn`: it ends in a record that was never finished, and so never confirmed. */
export interface DecodedJournal {
  readonly entries: readonly MarkEntry[]
  readonly torn: boolean
}

/** The first record. */
export function encodeHeader(): EncodedRecord {
  return encode('', HEADER)
}

/** A record that follows the one with digits `previous`. */
export function encodeEntries(previous: string, entries: readonly MarkEntry[]): EncodedRecord {
  return encode(previous, JSON.stringify(entries))
}

function encode(previous: string, json: string): EncodedRecord {
  const body = Buffer.from(json)
  const check = digits(previous, body)
  return { bytes: Buffer.concat([Buffer.from(`${check} `), body, Buffer.of(NEWLINE)]), check }
}

function digits(previous: string, body: Uint8Array): string {
  return createHash('sha256').update(previous).update(body).digest('hex').slice(0, CHECK_LENGTH)
}

/**
 * Reads a journal from its first byte to its last.
 *
 * @throws ELECTION_STORAGE_CORRUPT: damage; `details.offset` says where the first bad record begins.
 * @throws ELECTION_STORAGE_FOREIGN: a journal, but not of this format.
 */
export function decodeJournal(bytes: Uint8Array): DecodedJournal {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries: MarkEntry[] = []
  let check = ''
  let offset = 0
  while (offset < buffer.length) {
    const end = buffer.indexOf(NEWLINE, offset)
    const line = buffer.subarray(offset, end === -1 ? undefined : end)
    if (end === -1) {
      // A newline that decayed is not a record that was never finished: it may have been confirmed.
      if (bodyOf(check, line.subarray(0, -1)) !== null) throw corrupt(offset)
      if (offset === 0) throw corrupt(offset)
      return { entries, torn: true }
    }
    const body = bodyOf(check, line)
    if (body === null) throw corrupt(offset)
    if (offset === 0) assertHeader(body)
    else for (const entry of parseEntries(body, offset)) entries.push(entry)
    check = line.toString('latin1', 0, CHECK_LENGTH)
    offset = end + 1
  }
  // A journal gets its name only after its header was synced: an empty one has lost everything.
  if (offset === 0) throw corrupt(offset)
  return { entries, torn: false }
}

/** The JSON of a line whose digits are right, else `null`. */
function bodyOf(previous: string, line: Buffer): string | null {
  if (line.length <= CHECK_LENGTH || line[CHECK_LENGTH] !== 0x20) return null
  const body = line.subarray(CHECK_LENGTH + 1)
  return line.toString('latin1', 0, CHECK_LENGTH) === digits(previous, body) ? body.toString('utf8') : null
}

function assertHeader(body: string): void {
  if (body === HEADER) return
  throw new ElectionError('ELECTION_STORAGE_FOREIGN', 'the file is not a fence journal of format 1')
}

function parseEntries(body: string, offset: number): MarkEntry[] {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    throw corrupt(offset)
  }
  if (!Array.isArray(value) || !value.every(isEntry)) throw corrupt(offset)
  return value
}

function isEntry(value: unknown): value is MarkEntry {
  if (!Array.isArray(value)) return false
  const [kind, a, b, c, d] = value as unknown[]
  switch (kind) {
    case 'mark':
      return (
        value.length === 5 && isResource(a) && isToken(b) && isHolder(c) && (d === null || isElectionName(d))
      )
    case 'floor':
      return (
        value.length === 4 && isToken(a) && (b === null || isHolder(b)) && (c === null || isElectionName(c))
      )
    case 'drop':
      return value.length === 2 && isResource(a)
    case 'run':
      return value.length === 3 && isResource(a) && Number.isSafeInteger(b) && (b as number) >= 0
    default:
      return false
  }
}

function corrupt(offset: number): ElectionError {
  return new ElectionError('ELECTION_STORAGE_CORRUPT', `the fence journal is damaged at byte ${offset}`, {
    details: { offset },
  })
}
