/**
 * What a process must not forget, as bytes: the body of a frame. Pure.
 *
 * A body is the process record as JSON (or nothing) and a table of terms. Everything is checked in both directions: a
 * record that could not be read back is never written, and nothing that was read reaches the core unchecked (R44, E6).
 * Read next: `frame.ts` (what protects these bytes), `recover.ts`.
 */
import { randomBytes } from 'node:crypto'
import type {
  DurableChange,
  ElectionName,
  Incarnation,
  Pause,
  Pin,
  ProcessRecord,
  Term,
  Voter,
} from '../core/types'
import type { StorageIdentity } from '../ports/storage'

/** Version of everything in a data directory. Another one is refused, never guessed at. */
export const FORMAT = 1

/** 2^53 - 2 (R44). */
const TERM_MAX = Number.MAX_SAFE_INTEGER - 1
const NAME = /^(@members|[A-Za-z0-9._:-]{1,128})$/
const ID = /^[A-Za-z0-9._-]{1,64}$/

/** The record of a process that has never run: a storage id of its own (R25), no promise made. */
export function newRecord(identity: StorageIdentity, incarnation: Incarnation): ProcessRecord {
  const { term, version, termFloor } = identity.config
  return {
    format: FORMAT,
    clusterId: identity.clusterId,
    nodeId: identity.nodeId,
    storageId: randomBytes(16).toString('hex'),
    incarnation,
    config: { term, version, termFloor },
    maxPromiseMs: 0,
    cleanNoPromise: false,
    pins: Object.create(null) as Record<string, Pin>,
  }
}

/** Says what is wrong with a change, or null. A storage refuses what it could not read back. */
export function faultOfChange(change: DurableChange): string | null {
  for (const [name, term] of change.terms) {
    const fault = faultOfTerm(name, term)
    if (fault !== null) return fault
  }
  return change.process === undefined ? null : faultOfRecord(change.process)
}

/** The bytes of a change. Only what `faultOfChange` found nothing wrong with. */
export function encodeBody(change: DurableChange): Buffer {
  const record = Buffer.from(change.process === undefined ? '' : JSON.stringify(change.process))
  let length = 8 + record.length
  for (const name of change.terms.keys()) length += 1 + name.length + 8
  const body = Buffer.allocUnsafe(length)
  body.writeUInt32BE(record.length, 0)
  record.copy(body, 4)
  let at = body.writeUInt32BE(change.terms.size, 4 + record.length)
  for (const [name, term] of change.terms) {
    at = body.writeUInt8(name.length, at)
    at += body.write(name, at, 'latin1')
    at = body.writeDoubleBE(term, at)
  }
  return body
}

/** Reads a body, or says what is wrong with it. Never throws. */
export function decodeBody(body: Buffer): DurableChange | string {
  try {
    const recordBytes = body.readUInt32BE(0)
    const text = body.toString('utf8', 4, 4 + recordBytes)
    const process = text === '' ? undefined : readRecord(JSON.parse(text))
    if (typeof process === 'string') return process
    const terms = readTerms(body, 4 + recordBytes)
    if (typeof terms === 'string') return terms
    return process === undefined ? { terms } : { process, terms }
  } catch (error) {
    return `its content cannot be read (${error instanceof Error ? error.message : 'unknown'})`
  }
}

function readTerms(body: Buffer, from: number): Map<ElectionName, Term> | string {
  const terms = new Map<ElectionName, Term>()
  const count = body.readUInt32BE(from)
  let at = from + 4
  for (let i = 0; i < count; i++) {
    const end = at + 1 + body.readUInt8(at)
    const name = body.toString('latin1', at + 1, end)
    const term = body.readDoubleBE(end)
    const fault = faultOfTerm(name, term)
    if (fault !== null) return fault
    terms.set(name, term)
    at = end + 8
  }
  return at === body.length ? terms : 'its content is longer than it says'
}

/** A copy without anything that does not belong there; pins have no prototype, so no id reads as a function (B.21). */
function readRecord(value: unknown): ProcessRecord | string {
  const fault = faultOfRecord(value)
  if (fault !== null) return fault
  const record = value as ProcessRecord
  const pins = Object.create(null) as Record<string, Pin>
  for (const [id, { storageId, incarnation }] of Object.entries(record.pins)) {
    pins[id] = { storageId, incarnation }
  }
  const { term, version, termFloor, voters } = record.config
  return {
    format: record.format,
    clusterId: record.clusterId,
    nodeId: record.nodeId,
    storageId: record.storageId,
    incarnation: record.incarnation,
    config: { term, version, termFloor, ...(voters === undefined ? {} : { voters: voters.map(readVoter) }) },
    maxPromiseMs: record.maxPromiseMs,
    cleanNoPromise: record.cleanNoPromise,
    pins,
    ...(record.pauses === undefined ? {} : { pauses: readPauses(record.pauses) }),
  }
}

/** Elections may bear any name that is allowed, so they have no prototype either (B.21). */
function readPauses(found: Readonly<Record<string, Pause>>): Record<string, Pause> {
  const pauses = Object.create(null) as Record<string, Pause>
  for (const [name, { counter, by, isPaused, leader, sinceMs }] of Object.entries(found)) {
    pauses[name] = { counter, by, isPaused, leader, sinceMs }
  }
  return pauses
}

function faultOfTerm(name: unknown, term: unknown): string | null {
  if (typeof name !== 'string' || !NAME.test(name)) return `${show(name)} is no name of an election`
  return isCount(term, TERM_MAX) ? null : `the term of ${show(name)} is ${show(term)}`
}

function faultOfRecord(value: unknown): string | null {
  if (!isObject(value)) return 'the record of the process is no object'
  const record = value as { readonly [Key in keyof ProcessRecord]: unknown }
  if (record.format !== FORMAT) {
    return `the record of the process has format ${show(record.format)}, this version reads format ${FORMAT}`
  }
  const config = (isObject(record.config) ? record.config : {}) as { readonly [key: string]: unknown }
  const checks: readonly (readonly [string, unknown, boolean])[] = [
    ['clusterId', record.clusterId, typeof record.clusterId === 'string' && record.clusterId !== ''],
    ['nodeId', record.nodeId, isId(record.nodeId)],
    ['storageId', record.storageId, isId(record.storageId)],
    ['incarnation', record.incarnation, isCount(record.incarnation)],
    ['config.term', config['term'], isCount(config['term'], TERM_MAX)],
    ['config.version', config['version'], isCount(config['version'])],
    ['config.termFloor', config['termFloor'], isCount(config['termFloor'], TERM_MAX)],
    ['config.voters', config['voters'], config['voters'] === undefined || isVoters(config['voters'])],
    [
      'maxPromiseMs',
      record.maxPromiseMs,
      Number.isFinite(record.maxPromiseMs) && Number(record.maxPromiseMs) >= 0,
    ],
    ['cleanNoPromise', record.cleanNoPromise, typeof record.cleanNoPromise === 'boolean'],
    ['pins', record.pins, isObject(record.pins) && Object.entries(record.pins).every(isPin)],
    [
      'pauses',
      record.pauses,
      record.pauses === undefined ||
        (isObject(record.pauses) && Object.entries(record.pauses).every(isPause)),
    ],
  ]
  for (const [name, found, good] of checks) {
    if (!good) return `${name} of the process record is ${show(found)}`
  }
  return null
}

/** Only where members change; a record of before has none (R29). */
function isVoters(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isVoter)
}

function isVoter(value: unknown): boolean {
  if (!isObject(value)) return false
  const { id, kind, storageId, address } = value as { readonly [Key in keyof Voter]: unknown }
  const isPlace = address === null || (typeof address === 'string' && address.length <= 128)
  return isId(id) && kind === 'peer' && (storageId === null || isId(storageId)) && isPlace
}

function readVoter({ id, kind, storageId = null, address = null }: Voter): Voter {
  return { id, kind, storageId, address }
}

function isPin([id, pin]: [string, unknown]): boolean {
  if (!isId(id) || !isObject(pin)) return false
  const { storageId, incarnation } = pin as { readonly [Key in keyof Pin]: unknown }
  return isId(storageId) && isCount(incarnation)
}

/** R80. A record of a version that knew no pauses has none. */
function isPause([name, pause]: [string, unknown]): boolean {
  if (!NAME.test(name) || !isObject(pause)) return false
  const { counter, by, isPaused, leader, sinceMs } = pause as { readonly [Key in keyof Pause]: unknown }
  if (!isCount(counter, TERM_MAX) || !isId(by) || typeof isPaused !== 'boolean' || !isCount(sinceMs))
    return false
  return leader === 'stays' || leader === 'stepsDown'
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value)
}

/** A non-negative safe integer (R44). */
function isCount(value: unknown, max = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max
}

/** Short and without control characters: what was read may be anything (E9). */
function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100)
}
