/**
 * Arbitrary JavaScript values: what a caller, a parsed file or a store may hand over, prototypes and all.
 *
 * Nothing here knows an option or a record. Read next: `options.ts`.
 */
import type { Random } from './random'

class Dressed {
  readonly preset = 'fast'
  open(): void {}
}

const LEAVES: readonly ((random: Random) => unknown)[] = [
  () => undefined,
  () => null,
  () => true,
  () => false,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => -0,
  () => 2 ** 53,
  () => 5e-324,
  (random) => random.next() / 16,
  (random) => -random.below(1000),
  (random) => random.below(5000),
  () => 2n ** 70n,
  () => '',
  () => 'a',
  () => '127.0.0.1:7400',
  () => '__proto__',
  () => '\0\n\u2028\ud800',
  () => 'x'.repeat(100_000),
  () => '\u001b[31m'.repeat(50),
  () => Symbol('s'),
  () => () => undefined,
  () => new Date(Number.NaN),
  () => new Map([['a', 1]]),
  () => new Set(['a']),
  () => /a/,
  () => new Error('an error'),
  () => new Dressed(),
  () => Dressed,
  () => Object.create(null),
  () => Object.create({ inherited: 1 }),
  () => Promise.resolve(1),
  () => new AbortController().signal,
  () => new Uint8Array(3),
  // biome-ignore lint/suspicious/noSparseArray: an array with a hole is what is wanted
  () => [, 1],
  () => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  () => ({ toString: 1, valueOf: null }),
  () => ({ toJSON: () => 1n }),
  () => Object.freeze({ length: 3 }),
  () => new Proxy({}, { get: () => undefined, has: () => true }),
  () => {
    const knot: Record<string, unknown> = {}
    knot['self'] = knot
    return knot
  },
]

const KEYS = [
  'a',
  'b',
  'c',
  '__proto__',
  'constructor',
  'toString',
  'length',
  '',
  'x'.repeat(300),
  '\0',
] as const

/** Any value, nested at most `depth` deep. */
export function anyValue(random: Random, depth = 3): unknown {
  if (depth === 0 || !random.once(3)) return random.pick(LEAVES)(random)
  const size = random.below(5)
  if (random.once(2)) return Array.from({ length: size }, () => anyValue(random, depth - 1))
  const value: Record<string, unknown> = random.once(8) ? Object.create(null) : {}
  for (let i = 0; i < size; i++) put(value, random.pick(KEYS), anyValue(random, depth - 1))
  return value
}

/** A copy of an object in which some values are others, some are gone, and some are there that should not be. */
export function distorted(value: object, random: Random): Record<string, unknown> {
  const copy: Record<string, unknown> = random.once(20) ? Object.create(null) : {}
  const rarity = random.pick([4, 12, 40])
  for (const [key, each] of Object.entries(value)) {
    if (random.once(3 * rarity)) continue
    const nested = isPlain(each) && random.once(2)
    put(copy, key, random.once(rarity) ? anyValue(random) : nested ? distorted(each, random) : each)
  }
  while (random.once(rarity)) put(copy, random.pick(KEYS), anyValue(random))
  return copy
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** As an own property, whatever the key is. */
function put(value: object, key: string, each: unknown): void {
  Object.defineProperty(value, key, { value: each, enumerable: true, configurable: true, writable: true })
}

/** Throws if somebody wrote to a prototype that everybody shares. */
export function assertUnpolluted(): void {
  if ('polluted' in {} || 'polluted' in []) throw new Error('a shared prototype was changed')
}
