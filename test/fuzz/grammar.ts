/**
 * The bodies of frames, made field by field from a description of their own, right and wrong ones (PROTOCOL A.5, E6).
 *
 * Second source for the layout of the wire: nothing of `src/wire` is used, and each body comes with a verdict, so a decoder
 * that accepts too much or too little is found, not only one that throws. Read next: `codec.ts`.
 */
import { EDGES, type Random } from './random'

type FieldKind =
  | 'whole'
  | 'term'
  | 'promise'
  | 'flag'
  | 'priority'
  | 'id'
  | 'name'
  | 'grant?'
  | 'id?'
  | 'refusal?'
  | 'certificate'
  | 'certificate?'
  | 'key'
  | 'duration'
  | 'voters'
  | 'standing'

/** By the byte of their kind. */
const KINDS: Readonly<Record<number, readonly FieldKind[]>> = {
  1: ['whole', 'promise', 'flag', 'flag'],
  2: ['whole', 'grant?', 'flag'],
  3: ['name', 'term'],
  4: ['name', 'term', 'grant?', 'term'],
  5: ['name', 'term', 'id?'],
  6: ['name', 'term'],
  7: ['name', 'flag', 'priority'],
  8: ['name', 'flag'],
  9: ['name', 'term', 'whole'],
  10: ['name', 'whole', 'refusal?', 'term', 'id?'],
  11: ['name', 'term', 'whole', 'certificate?'],
  12: ['name', 'term', 'whole', 'grant?', 'refusal?', 'term', 'id?'],
  13: ['name', 'id', 'certificate'],
  14: [],
  15: ['id', 'id', 'whole', 'key'],
  16: ['whole'],
  17: ['whole', 'flag', 'flag', 'term'],
  18: ['name', 'whole'],
  19: ['name', 'whole', 'term'],
  20: ['name', 'term', 'id?', 'flag', 'id?', 'whole', 'standing'],
  21: ['name', 'term', 'id', 'flag', 'flag', 'whole'],
  22: ['name', 'term', 'id', 'flag', 'flag', 'whole'],
  23: ['name', 'whole'],
  30: ['term', 'whole', 'term', 'voters'],
  31: ['term', 'whole', 'term', 'term', 'duration'],
}
const CODES = Object.keys(KINDS).map(Number)
/** The kinds that may name the configuration under which they were made, behind their fields; and the bit that says so. */
const STAMPABLE = [1, 2, 9, 11, 19]
const STAMPED = 0x80
/** No kind, or one that must not be stamped. */
const UNKNOWN = [0, 99, 127, 255, STAMPED, STAMPED + 3]
const REFUSALS = 12
const MOST_VOTERS = 9
const MOST_STANDING = 8
/** From this version on numbers are compact and notices say who stands. */
const COMPACT = 3
const NOT_PRINTABLE = ['\0', ' ', '\u00ff', '\n']
const SPOILERS = [...NOT_PRINTABLE, '/', '%', '@']
const ADDRESS = '0123456789abcdefghijklmnopqrstuvwxyz.:-[]!~'
const ID = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-'
const NAME = `${ID}:`
const START_ANEW = 0xffff_ffff
const ROOM = 16_384

/** One direction of one connection: it remembers the names that were defined on it. */
export class BodyMaker {
  /** Of the last body: true iff a decoder has to accept it. */
  sound = true
  private readonly bytes = new Uint8Array(ROOM)
  private readonly view = new DataView(this.bytes.buffer)
  private at = 0
  private lastPart = 0
  private defined = 0
  private names: string[] = []
  private readonly known = new Set<string>()

  /**
   * `faults`: about one in so many fields is wrong; 0: none. `version`: of the protocol, 1 to 3. `wanted`: names to use besides
   * random ones.
   */
  constructor(
    private readonly random: Random,
    private readonly maxNames: number,
    private readonly faults: number,
    private readonly version: number,
    private readonly wanted: readonly string[] = [],
  ) {}

  /** A body of that many parts; valid until the next call. After one that is not sound the connection is over. */
  body(parts: number): Uint8Array {
    this.at = 0
    this.sound = parts > 0
    for (let n = 0; n < parts; n++) this.part()
    if (this.wrong(20)) this.cutOrLengthen()
    return this.bytes.subarray(0, this.at)
  }

  private part(): void {
    if (this.wrong(20)) {
      this.lastPart = this.at
      this.u8(this.random.pick(UNKNOWN))
      this.sound = false
      return
    }
    const kind = this.random.pick(CODES)
    const isStamped = STAMPABLE.includes(kind) && this.random.once(4)
    this.lastPart = this.at
    this.u8(isStamped ? kind + STAMPED : kind)
    for (const field of KINDS[kind] as readonly FieldKind[]) this.field(field)
    if (isStamped) for (const field of ['term', 'whole'] as const) this.field(field)
  }

  /** A part is never followed by half a part, and a field never ends early. */
  private cutOrLengthen(): void {
    this.sound = false
    if (this.random.once(2) && this.at - this.lastPart > 1) this.at -= 1
    else this.u8(0)
  }

  private wrong(rarity = 1): boolean {
    return this.faults > 0 && this.random.once(this.faults * rarity)
  }

  private field(kind: FieldKind): void {
    const { random } = this
    switch (kind) {
      case 'whole':
        return this.natural(0x1f_ffff, 0xffff_ffff)
      case 'term':
        return this.natural(0x1f_ffff, 0xffff_fffe)
      case 'promise':
        return this.promise()
      case 'flag':
        return this.enumerated(2)
      case 'priority':
        return this.priority()
      case 'id':
        this.text(ID, 64)
        return
      case 'name':
        return this.name()
      case 'grant?':
        if (this.present()) this.grant()
        return
      case 'id?':
        if (this.present()) this.text(ID, 64)
        return
      case 'refusal?':
        if (this.present()) this.enumerated(REFUSALS)
        return
      case 'certificate?':
        if (this.present()) this.field('certificate')
        return
      case 'key':
        for (let i = 0; i < 16; i++) this.u8(random.below(256))
        return
      case 'duration':
        return this.duration()
      case 'voters':
        return this.voters()
      case 'standing':
        return this.standing()
      default:
        this.text(ID, 64)
        this.text(ID, 64)
        this.natural(0x1f_ffff, 0xffff_ffff)
        this.natural(0x1f_ffff, random.once(2) ? 0xffff_fffe : 0xffff)
    }
  }

  /** A natural number below 2^53, `highest` and `lowest` being the halves of the largest one that is allowed. */
  private natural(highest: number, lowest: number): void {
    const { random } = this
    let high = random.once(3) ? random.below(0x20_0000) : 0
    let low = random.once(2) ? random.below(1000) : random.next()
    if (random.once(16)) [high, low] = [highest, lowest]
    if (this.wrong()) {
      if (random.once(2) && lowest === 0xffff_fffe) [high, low] = [0x1f_ffff, 0xffff_ffff]
      else high = random.once(2) ? 0x20_0000 + random.below(1000) : 0xffff_ffff
      this.sound = false
    } else if (high === highest && low > lowest) low = lowest
    this.number(high, low)
  }

  /** A number of two halves: in 8 bytes, or in groups of seven bits, the lowest first. Now and then a zero too many. */
  private number(high: number, low: number): void {
    if (this.version < COMPACT) {
      this.u32(high)
      this.u32(low)
      return
    }
    let rest = (BigInt(high) << 32n) | BigInt(low)
    while (rest >= 128n) {
      this.u8(Number(rest & 127n) + 128)
      rest >>= 7n
    }
    this.last(Number(rest))
  }

  /** The last group of a compact number; as a fault another one follows that says nothing. */
  private last(group: number): void {
    const bad = this.wrong()
    this.u8(bad ? group + 128 : group)
    if (!bad) return
    this.u8(0)
    this.sound = false
  }

  /** The place of a name. */
  private place(value: number): void {
    if (this.version < COMPACT) this.u32(value)
    else this.number(0, value)
  }

  /** A float; compact: one above it if it is whole, else a zero and the float. As a fault a whole one behind a zero. */
  private float(value: number): void {
    if (this.version < COMPACT) return this.f64(value)
    const isWhole = Number.isInteger(value) && value >= 0 && value < 1e15 && !Object.is(value, -0)
    const bad = isWhole && this.wrong()
    if (isWhole && !bad) return this.number(0, value + 1)
    if (bad) this.sound = false
    this.u8(0)
    this.f64(value)
  }

  private promise(): void {
    const { random } = this
    if (this.wrong()) {
      const bad = [0, -0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
      this.float(random.pick(bad))
      this.sound = false
    } else this.float(random.pick([1, 0.5, 2000, Number.MIN_VALUE, Number.MAX_VALUE, 1 + random.next() / 7]))
  }

  private duration(): void {
    const { random } = this
    if (this.wrong()) {
      this.float(random.pick([-1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]))
      this.sound = false
    } else this.float(random.pick([0, 1, 0.5, 2000, Number.MIN_VALUE, Number.MAX_VALUE]))
  }

  /** A configuration has at least one voter, each with or without a storage and an address. */
  private voters(): void {
    const { random } = this
    const bad = this.wrong()
    const count = 1 + random.below(MOST_VOTERS)
    this.u8(bad ? random.pick([0, MOST_VOTERS + 1, 255]) : count)
    if (bad) this.sound = false
    for (let i = 0; i < count && !bad; i++) {
      this.text(ID, 64)
      if (this.present()) this.text(ID, 64)
      if (this.present()) this.text(ADDRESS, 128, NOT_PRINTABLE)
    }
  }

  private priority(): void {
    const bad = this.wrong()
    const high = bad && this.random.once(2) ? 1 : 0
    this.number(high, bad ? 2_000_001 + this.random.below(1000) : this.random.below(2_000_001))
    if (bad) this.sound = false
  }

  /** Who else stands: at most eight, and nobody in a version that does not say it. */
  private standing(): void {
    if (this.version < COMPACT) return
    const { random } = this
    const bad = this.wrong()
    const count = random.below(MOST_STANDING + 1)
    this.u8(bad ? random.pick([MOST_STANDING + 1, 255]) : count)
    if (bad) this.sound = false
    for (let i = 0; i < count && !bad; i++) {
      this.text(ID, 64)
      this.priority()
    }
  }

  private enumerated(count: number): void {
    const bad = this.wrong()
    this.u8(bad ? count + this.random.below(256 - count) : this.random.below(count))
    if (bad) this.sound = false
  }

  private present(): boolean {
    const bad = this.wrong()
    const there = this.random.once(2)
    this.u8(bad ? 2 + this.random.below(254) : there ? 1 : 0)
    if (bad) this.sound = false
    return there && !bad
  }

  /** Returns what it wrote. */
  private text(alphabet: string, longest: number, spoilers = SPOILERS): string {
    const { random } = this
    const bad = this.wrong()
    let length = 1 + random.below(random.once(8) ? longest : Math.min(12, longest))
    if (bad && random.once(2)) length = random.once(2) ? 0 : longest + 1 + random.below(255 - longest)
    let value = ''
    for (let i = 0; i < length; i++) value += alphabet[random.below(alphabet.length)]
    if (bad && length > 0 && length <= longest) {
      const spoilt = random.pick(spoilers)
      const at = random.below(length)
      value = value.slice(0, at) + spoilt + value.slice(at + 1)
    }
    if (bad) this.sound = false
    this.spell(value)
    return value
  }

  private grant(): void {
    const { random } = this
    if (this.wrong()) {
      this.u8(random.pick([0, 3, 200]))
      this.sound = false
    } else if (random.once(2)) {
      this.u8(1)
      this.natural(0x1f_ffff, 0xffff_ffff)
      this.natural(0x1f_ffff, 0xffff_ffff)
    } else {
      this.u8(2)
      const bad = this.wrong()
      this.spell(
        bad
          ? random.pick(['1.2', '0.0', '9007199254740991.7', '', 'a b'])
          : random.pick(['s-1', '01.2', 'x:y', '1.2.3']),
      )
      if (bad) this.sound = false
    }
  }

  private name(): void {
    const { random, names, known } = this
    if (this.wrong()) {
      this.sound = false
      const far = names.length + 1 + random.below(1000)
      const known = names.length > 0 && random.once(2)
      this.place(known ? names.length : far)
      if (known) this.spell(names[0] as string)
      return
    }
    if (names.length > 0 && !random.once(4)) {
      this.place(random.below(names.length))
      return
    }
    const anew = names.length >= this.maxNames
    this.place(anew ? START_ANEW : names.length)
    const before = this.sound
    const free = this.wanted.find((each) => !known.has(each))
    // Without faults no name comes twice by chance.
    const chosen = free ?? (this.faults === 0 ? this.unused() : undefined)
    let name = chosen ?? this.text(NAME, 128)
    if (chosen !== undefined) this.spell(chosen)
    if (before && known.has(name)) {
      // A second definition of a known name is not allowed, so this body is not sound after all.
      this.sound = false
      name = ''
    }
    if (anew) {
      this.names = []
      known.clear()
    }
    this.names.push(name)
    known.add(name)
  }

  private unused(): string {
    this.defined += 1
    return `n${this.defined}${'.'.repeat(this.random.below(this.random.once(8) ? 110 : 8))}`
  }

  private spell(value: string): void {
    this.u8(value.length)
    for (let i = 0; i < value.length; i++) this.u8(value.charCodeAt(i))
  }

  private u8(value: number): void {
    if (this.at < ROOM) this.bytes[this.at++] = value
  }

  private u32(value: number): void {
    this.view.setUint32(this.at, value)
    this.at += 4
  }

  private f64(value: number): void {
    this.view.setFloat64(this.at, value)
    this.at += 8
  }
}

/** Noise of the size of a small body; often with the byte of a real kind in front and edges inside. */
export function noise(random: Random): Uint8Array {
  const bytes = random.bytes(1 + random.below(80))
  if (!random.once(4)) bytes[0] = random.pick(CODES)
  if (random.once(2) && bytes.length > 9) bytes.set(random.pick(EDGES), random.below(bytes.length - 8))
  return bytes
}
