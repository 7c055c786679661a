/**
 * Frames against the codec (E6, R44): right and wrong bodies with a verdict, mutated ones, noise; whole connections at a
 * time, because names are defined once per connection.
 *
 * What must hold: the decoder never throws; it accepts what the grammar calls sound and refuses the rest; what it accepts
 * holds only values that the core may see, and has one spelling: encoded again it gives the same bytes.
 */

import type { Part } from '../../src/core/messages'
import { type Decoded, NEWEST_VERSION, OLDEST_VERSION, PartDecoder, PartEncoder } from '../../src/wire'
import { BodyMaker, noise } from './grammar'
import { joined, mutated, Random } from './random'
import { counted, nothing, type Target } from './target'

const CONNECTIONS_PER_ROUND = 200
const BODIES_PER_CONNECTION = 24
/** Small, so that the table of names starts anew now and then. */
const MAX_NAMES = [4, 16, 131_072] as const
const VERSIONS = Array.from({ length: NEWEST_VERSION - OLDEST_VERSION + 1 }, (_, i) => OLDEST_VERSION + i)

/** Numbers are natural and below 2^53, or positive floats; priorities alone go down to minus a million; texts are plain. */
export function assertSound(value: unknown, key = ''): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value < (key === 'priority' ? -1_000_000 : 0))
      throw new Error(`${key} ${value}`)
    if (!/promiseMs$/i.test(key) && !Number.isSafeInteger(value)) throw new Error(`${key} ${value}`)
  } else if (typeof value === 'string') {
    if (!(key === 'address' ? /^[\x21-\x7e]{1,128}$/ : /^[A-Za-z0-9._:-]{1,128}$/).test(value))
      throw new Error(`${key} ${JSON.stringify(value)}`)
  } else if (Array.isArray(value)) {
    for (const each of value) assertSound(each, key)
  } else if (typeof value === 'object' && value !== null) {
    if (Object.getPrototypeOf(value) !== Object.prototype) throw new Error(`the prototype of ${key}`)
    for (const name in value) assertSound((value as Record<string, unknown>)[name], name)
  } else if (typeof value !== 'boolean' && value !== null) {
    throw new Error(`${key} is a ${typeof value}`)
  }
}

/** One direction of a connection as its receiver sees it, with a mirror that spells everything again. */
class Receiver {
  private readonly decoder: PartDecoder
  private readonly mirror: PartEncoder

  constructor(maxNames: number, version: number) {
    this.decoder = new PartDecoder({ maxNames, version })
    this.mirror = new PartEncoder({ maxNames, version, maxBodyBytes: 16_384 })
  }

  /** Whether it was accepted. Throws if it should not have been accepted like that. */
  take(body: Uint8Array): boolean {
    const decoded: Decoded<readonly Part[]> = this.decoder.decode(body)
    if (!decoded.ok) {
      if (decoded.code !== 'ELECTION_MESSAGE_INVALID') throw new Error(`refused as ${decoded.code}`)
      return false
    }
    for (const part of decoded.value) assertSound(part)
    let again: Uint8Array = new Uint8Array(0)
    const left = this.mirror.encode(decoded.value, (bytes) => {
      again = again.length === 0 ? bytes.slice() : joined(again, bytes)
    })
    if (left !== 0) throw new Error(`${left} parts that were accepted cannot be sent: ${hex(body)}`)
    if (Buffer.compare(again, body) !== 0) throw new Error(`a second spelling: ${hex(body)} as ${hex(again)}`)
    return true
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** Bodies with a verdict. */
export function grammarTarget(): Target {
  const count = nothing()
  return {
    name: 'frames by grammar -> codec',
    count,
    round(seed) {
      const random = new Random(seed)
      for (let c = 0; c < CONNECTIONS_PER_ROUND; c++) {
        const maxNames = random.pick(MAX_NAMES)
        const version = random.pick(VERSIONS)
        const maker = new BodyMaker(random, maxNames, random.pick([0, 12, 60]), version)
        const receiver = new Receiver(maxNames, version)
        for (let n = 0; n < BODIES_PER_CONNECTION; n++) {
          const body = maker.body(1 + random.below(random.once(20) ? 40 : 5))
          if (counted(count, receiver.take(body)) !== maker.sound) {
            throw new Error(
              `${maker.sound ? 'refused' : 'accepted'} although it is ${maker.sound ? 'sound' : 'not'}: ${hex(body)}`,
            )
          }
          if (!maker.sound) break
        }
      }
    },
  }
}

/** Sound bodies, mutated, and noise. */
export function mutationTarget(): Target {
  const count = nothing()
  return {
    name: 'frames mutated and noise -> codec',
    count,
    round(seed) {
      const random = new Random(seed)
      for (let c = 0; c < CONNECTIONS_PER_ROUND; c++) {
        const version = random.pick(VERSIONS)
        const maker = new BodyMaker(random, 131_072, 0, version)
        const bodies = Array.from({ length: 6 }, () => maker.body(1 + random.below(4)).slice())
        let receiver = new Receiver(131_072, version)
        let told = 0
        for (let n = 0; n < BODIES_PER_CONNECTION; n++) {
          // The names that a body refers to are defined by those before it.
          const next = bodies[told] ?? bodies[0]!
          const body = random.once(4) ? noise(random) : mutated(next, random.pick(bodies), random)
          const accepted = counted(count, receiver.take(body))
          if (accepted && !random.once(3)) continue
          receiver = new Receiver(131_072, version)
          told = random.below(bodies.length)
          for (let i = 0; i < told; i++) {
            if (!counted(count, receiver.take(bodies[i] as Uint8Array)))
              throw new Error('a sound body was refused')
          }
        }
      }
    },
  }
}
