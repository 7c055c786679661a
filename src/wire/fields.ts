/**
 * The kinds of field that messages consist of: how each is written, read and, in both directions, judged (E6, R44).
 *
 * A field has exactly one spelling: what `read` accepts, `write` would have written. No field may accept a value that
 * the core must not see. Read next: `parts.ts`, `handshake.ts`.
 */
import type { Stamped } from '../core/messages'
import type { ElectionName, Grant, Incarnation, ProcessId, Term } from '../core/types'
import { type Reader, WireFault, type Writer } from './bytes'
import { MAX_TERM } from './limits'

/** One field of a message. Both functions throw a `WireFault` for a value that is not allowed. */
export interface Field<T, W extends Writer = Writer, R extends Reader = Reader> {
  write(out: W, value: T): void
  read(input: R): T
}

/** A field for every property of `T` except `kind`, in the order in which they travel. */
export type FieldsOf<T, W extends Writer = Writer, R extends Reader = Reader> = {
  readonly [P in Exclude<keyof T, 'kind' | keyof Stamped>]-?: Field<T[P], W, R>
}

/** A text that a pattern allows, ASCII only. */
function text(pattern: RegExp): Field<string> {
  return {
    write(out, value) {
      if (typeof value !== 'string' || !pattern.test(value)) throw new WireFault('badText')
      out.text(value)
    },
    read(input) {
      const value = input.text()
      if (!pattern.test(value)) throw new WireFault('badText')
      return value
    },
  }
}

/** A float that a predicate allows. NaN, the infinities and minus zero never pass. */
function float(allowed: (value: number) => boolean): Field<number> {
  const check = (value: number) => {
    if (!Number.isFinite(value) || Object.is(value, -0) || !allowed(value)) throw new WireFault('badNumber')
    return value
  }
  return {
    write: (out, value) => out.float(check(value)),
    read: (input) => check(input.float()),
  }
}

/** A process, a cluster or a storage. */
export const id: Field<ProcessId> = text(/^[A-Za-z0-9._-]{1,64}$/)

/** Where a process listens; what it means is for the transport to say. */
export const address: Field<string> = text(/^[\x21-\x7e]{1,128}$/)

/** The name of an election as text; on a connection names travel once only (`names.ts`). */
export const electionName: Field<ElectionName> = text(/^(@members|[A-Za-z0-9._:-]{1,128})$/)

/** A safe integer, not below 0 (R44): rounds, nonces, priorities, versions. */
export const whole: Field<number> = {
  write: (out, value) => out.whole(value),
  read: (input) => input.whole(),
}

const PRIORITY_BOUND = 1_000_000

/** A priority: whole, at most a million either way (R37). Travels moved up by that bound, as numbers of the wire are natural. */
export const priority: Field<number> = {
  write(out, value) {
    if (!(Math.abs(value) <= PRIORITY_BOUND)) throw new WireFault('badNumber')
    out.whole(value + PRIORITY_BOUND)
  },
  read(input) {
    const value = input.whole() - PRIORITY_BOUND
    if (value > PRIORITY_BOUND) throw new WireFault('badNumber')
    return value
  },
}

/** One life of a process. */
export const incarnation: Field<Incarnation> = whole

/** A term, 0 included, at most 2^53 - 2 (R44). */
export const term: Field<Term> = {
  write(out, value) {
    if (value > MAX_TERM) throw new WireFault('badNumber')
    out.whole(value)
  },
  read(input) {
    const value = input.whole()
    if (value > MAX_TERM) throw new WireFault('badNumber')
    return value
  },
}

/** A promise: finite and above 0. Whether it is within the node's own bounds is for the core to say (R18). */
export const promise: Field<number> = float((value) => value > 0)

/** A duration that may be 0. */
export const durationMs: Field<number> = float((value) => value >= 0)

/** A clock-rate bound: at least 0, below 1. */
export const clockRate: Field<number> = float((value) => value >= 0 && value < 1)

/** True or false, nothing else. */
export const flag: Field<boolean> = {
  write(out, value) {
    if (typeof value !== 'boolean') throw new WireFault('badFlag')
    out.u8(value ? 1 : 0)
  },
  read(input) {
    const value = input.u8()
    if (value > 1) throw new WireFault('badFlag')
    return value === 1
  },
}

/** Bytes of a fixed number: nonces and proofs. */
export function fixedBytes(length: number): Field<Uint8Array> {
  return {
    write(out, value) {
      if (value.length !== length) throw new WireFault('tooLong')
      out.raw(value)
    },
    read: (input) => input.raw(length),
  }
}

/** 32 lower-case hex digits, in 16 bytes. */
export const hexNonce: Field<string> = {
  write(out, value) {
    if (typeof value !== 'string' || !/^[0-9a-f]{32}$/.test(value)) throw new WireFault('badText')
    for (let i = 0; i < 32; i += 2) out.u8(Number.parseInt(value.slice(i, i + 2), 16))
  },
  read(input) {
    let value = ''
    for (const byte of input.raw(16)) value += byte.toString(16).padStart(2, '0')
    return value
  },
}

/** One of a short list, by its place in it. Lists only grow at their end, with a new protocol version. */
export function oneOf<T extends string>(list: readonly T[]): Field<T> {
  return {
    write(out, value) {
      const at = list.indexOf(value)
      if (at < 0) throw new WireFault('unknownKind')
      out.u8(at)
    },
    read(input) {
      const value = list[input.u8()]
      if (value === undefined) throw new WireFault('unknownKind')
      return value
    },
  }
}

/** The field, or null: one byte tells which. */
export function orNull<T, W extends Writer, R extends Reader>(field: Field<T, W, R>): Field<T | null, W, R> {
  return {
    write(out, value) {
      flag.write(out, value !== null)
      if (value !== null) field.write(out, value)
    },
    read: (input) => (flag.read(input) ? field.read(input) : null),
  }
}

/** At least `least` and at most `most` of them. */
export function listOf<T>(field: Field<T>, least: number, most: number): Field<readonly T[]> {
  const checked = (length: number) => {
    if (length < least || length > most) throw new WireFault('tooLong')
    return length
  }
  return {
    write(out, values) {
      out.u8(checked(values.length))
      for (const value of values) field.write(out, value)
    },
    read: (input) => Array.from({ length: checked(input.u8()) }, () => field.read(input)),
  }
}

/** A field that travels from that version of the protocol on; before it is not said, and read as `absent`. */
export function since<T, W extends Writer, R extends Reader>(
  first: number,
  field: Field<T, W, R>,
  absent: T,
): Field<T, W, R> {
  return {
    write(out, value) {
      if (out.version >= first) field.write(out, value)
    },
    read: (input) => (input.version >= first ? field.read(input) : absent),
  }
}

/** A plain object with exactly these fields, in this order (B.21). */
export function record<T extends object, W extends Writer = Writer, R extends Reader = Reader>(
  fields: FieldsOf<T, W, R>,
): Field<T, W, R> {
  const list = Object.entries(fields) as [string, Field<unknown, W, R>][]
  return {
    write(out, value) {
      if (typeof value !== 'object' || value === null) throw new WireFault('badFlag')
      for (const [name, field] of list) field.write(out, (value as Record<string, unknown>)[name])
    },
    read(input) {
      const value: Record<string, unknown> = {}
      for (const [name, field] of list) value[name] = field.read(input)
      return value as T
    },
  }
}

const PAIR = /^(0|[1-9][0-9]{0,15})\.(0|[1-9][0-9]{0,15})$/
const GRANT_TEXT = /^[0-9A-Za-z.:-]{1,48}$/

/** The two numbers of a peer's grant, or null if it is spelled in another way. */
function grantPair(value: Grant): readonly [number, number] | null {
  const found = PAIR.exec(value)
  if (found === null) return null
  const left = Number(found[1])
  const right = Number(found[2])
  return Number.isSafeInteger(left) && Number.isSafeInteger(right) ? [left, right] : null
}

const AS_PAIR = 1
const AS_TEXT = 2

/** A grant: two numbers when it has the form of a peer's (`<incarnation>.<counter>`), else a short text (store voters). */
export const grant: Field<Grant> = {
  write(out, value) {
    if (typeof value !== 'string') throw new WireFault('badText')
    const pair = grantPair(value)
    if (pair !== null) {
      out.u8(AS_PAIR)
      out.whole(pair[0])
      out.whole(pair[1])
      return
    }
    if (!GRANT_TEXT.test(value)) throw new WireFault('badText')
    out.u8(AS_TEXT)
    out.text(value)
  },
  read(input) {
    const tag = input.u8()
    if (tag === AS_PAIR) return `${input.whole()}.${input.whole()}`
    if (tag !== AS_TEXT) throw new WireFault('unknownKind')
    const value = input.text()
    if (!GRANT_TEXT.test(value) || grantPair(value) !== null) throw new WireFault('badText')
    return value
  },
}
