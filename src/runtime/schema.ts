/**
 * What the options of constructors and of calls are described with: pieces of schemas, and how faults are told.
 *
 * Schemas are made when they are first asked for, so that an import costs no more than it must.
 * Read next: `option-schemas.ts`, `read-calls.ts` (who describes with them).
 */

import * as z from 'zod/mini'
import en from 'zod/v4/locales/en.js'
import { ElectionError } from '../errors'
import { MAX_TIMER_MS } from './deadline'
import { describe, printable } from './printable'

/** The texts of faults, and what was given. Said at each call: the configuration of zod belongs to the whole process, so to the service. */
const inEnglish = { error: en().localeError, reportInput: true }

/** Faults of a value that is of the right kind: it is worth repeating. */
const OF_VALUES: readonly string[] = ['too_small', 'too_big', 'invalid_value', 'invalid_format']

/** What `make` makes, made once, when it is first asked for. */
export function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** Finite, as NaN and Infinity are no numbers to zod (B.7). */
export function number(min: number, max: number) {
  return z.number().check(z.gte(min), z.lte(max))
}

/** A whole number, or left out. */
export function whole(min: number, max: number) {
  return z.optional(z.int().check(z.gte(min), z.lte(max)))
}

/** Milliseconds in the range of timers, or left out. */
export function duration(min = 0, max = MAX_TIMER_MS) {
  return z.optional(number(min, max))
}

/** `true` or `false`, or left out. */
export function flag() {
  return z.optional(z.boolean())
}

/** One of these texts, or left out. */
export function oneOf<const T extends readonly string[]>(...texts: T) {
  return z.optional(z.enum(texts))
}

/** An object with these methods: an instance of somebody's class, so nothing else is asked of it. */
export function having(what: string, ...methods: readonly string[]) {
  const holds = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function')
  return z.custom<object>(holds, { error: `expected ${what} (an object with ${methods.join(', ')})` })
}

/** A function, whatever it takes. */
export function callable() {
  return z.custom<() => unknown>((value) => typeof value === 'function', { error: 'expected a function' })
}

/** A function, or an object around it with more to say. */
export function orCallable(schema: z.ZodMiniType) {
  return z.any().check(({ value, issues }) => {
    if (typeof value === 'function') return
    const read = schema.safeParse(value, inEnglish)
    if (!read.success) for (const issue of read.error.issues) issues.push({ input: value, ...issue } as never)
  })
}

/** An ELECTION_CONFIG_INVALID that lists the faults. */
export function invalid(call: string, faults: readonly string[]): ElectionError {
  return new ElectionError('ELECTION_CONFIG_INVALID', `${call}: ${faults.join('; ')}`, {
    details: { faults },
  })
}

/** The faults of form, as sentences. Never throws, also for objects whose properties do when they are read. */
export function faultsOf(schema: z.ZodMiniType, value: unknown): string[] {
  let read: ReturnType<typeof schema.safeParse>
  try {
    read = schema.safeParse(value, inEnglish)
  } catch (error) {
    return [`the options cannot be read: ${describe(error)}`]
  }
  if (read.success) return []
  return read.error.issues.map((issue) => {
    const path = issue.path.map(String).join('.')
    if (issue.code !== 'unrecognized_keys') return faultAt(path, issue)
    const keys = issue.keys.map((key) => `"${printable(path === '' ? key : `${path}.${key}`)}"`)
    return `unknown option ${keys.join(', ')}: see the options for those that exist`
  })
}

function faultAt(path: string, { code, input, message }: z.core.$ZodIssue): string {
  if (path === '') return message
  if (code === 'invalid_type' && input === undefined) return `${path} is missing`
  return OF_VALUES.includes(code) ? `${path}: ${message}, not ${shown(input)}` : `${path}: ${message}`
}

function shown(value: unknown): string {
  return typeof value === 'string' ? printable(JSON.stringify(value)) : describe(value)
}
