/**
 * Bugs that other leader elections had with input from peers: frames that kill the receiver, terms that overflow.
 *
 * Damaged frames and impossible terms of one member meet processes that hold elections with the others all the while.
 * Read next: `../fuzz/fuzz.test.ts` (the codec alone), `../fuzz/live.test.ts` (over sockets), `votes.test.ts`.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Part } from '../../src/core'
import { PartDecoder, PartEncoder } from '../../src/wire'
import { effects, elect, keep, known, type Lab, lastPart, parts, quiet, say } from '../core/story'
import { anyPart } from '../wire/parts'

function encoded(...said: readonly Part[]): Uint8Array {
  const bodies: Uint8Array[] = []
  expect(new PartEncoder().encode(said, (body) => bodies.push(body.slice()))).toBe(0)
  return bodies[0] as Uint8Array
}

/** A linear congruential generator: whole numbers below a bound, the same for the same seed. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Cut, oversized, flipped, of a wrong type, spliced: a copy with one of these. */
function damaged(body: Uint8Array, random: (below: number) => number): Uint8Array {
  const copy = body.slice()
  const at = random(copy.length)
  switch (random(5)) {
    case 0:
      return copy.subarray(0, at)
    case 1:
      return Uint8Array.from([...copy, ...copy.subarray(at)])
    case 2:
      copy[0] = random(256)
      return copy
    case 3:
      copy.fill(0xff, at, at + 8)
      return copy
    default:
      copy[at] = (copy[at] as number) ^ (1 << random(8))
      return copy
  }
}

/** Hands decoded parts over as what `from` sent, whatever they say. */
function inject(lab: Lab, from: string, to: string, said: readonly Part[]): void {
  lab.act(to, { type: 'frame', from, fromIncarnation: 1, toIncarnation: 1, parts: said })
}

describe('bugs of others: input', () => {
  it('bug 51: damaged frames of one member by the ten thousand are refused or applied, and the others keep electing', () => {
    const lab = quiet('abcde', { timing: { heartbeatMs: 200 } })
    elect(lab, 'a', 'bcd')
    const random = generator(51)
    const bodies = fc
      .sample(fc.array(anyPart, { minLength: 1, maxLength: 4 }), { numRuns: 300, seed: 51 })
      .map((said) => encoded(...said))
    let refused = 0
    let applied = 0
    for (let n = 0; n < 40_000; n++) {
      const decoded = new PartDecoder().decode(damaged(bodies[random(bodies.length)] as Uint8Array, random))
      if (decoded.ok) {
        applied += 1
        inject(lab, 'e', 'abcd'[n % 4] as string, decoded.value)
      } else refused += 1
      if (n % 500 === 0) keep(lab, 50, 'a-b', 'a-c', 'a-d')
    }
    lab.drop()
    expect(refused).toBeGreaterThan(8_000)
    expect(applied).toBeGreaterThan(4_000)
    expect(lab.leads('a')).toBe(true)
    expect(lab.election('a').lead?.term).toBe(1)
    lab.crash('a')
    keep(lab, 1500, 'b-c', 'b-d', 'c-d')
    elect(lab, 'b', 'cd')
    expect(lab.election('b').lead?.term).toBe(2)
  })

  it('bug 51: a frame above the limit is refused before anything of it is read', () => {
    const part = encoded({ kind: 'sessionEnd' })
    const flood = new Uint8Array(2 ** 20).fill(part[0] as number)
    expect(new PartDecoder().decode(part)).toMatchObject({ ok: true })
    expect(new PartDecoder().decode(flood)).toEqual({
      ok: false,
      code: 'ELECTION_MESSAGE_INVALID',
      reason: 'tooLong',
    })
  })

  const impossible = [2 ** 53 - 1, 2 ** 53, Number('1e400'), -1, Number.NaN, 1.5, '5', 5n, null] as const

  it('bug 70: no term that is none can be put on the wire, nor is one read from it', () => {
    for (const term of impossible) {
      const bind = { kind: 'bind', election: 'e', term: term as never } as const
      let bodies = 0
      expect(
        new PartEncoder().encode([bind], () => (bodies += 1)),
        String(term),
      ).toBe(1)
      expect(bodies).toBe(0)
    }
    const body = encoded({ kind: 'readTermReply', election: 'e', nonce: 1, term: 2 ** 53 - 2 })
    expect(new PartDecoder().decode(body)).toMatchObject({ ok: true, value: [{ term: 2 ** 53 - 2 }] })
    let refused = 0
    for (let at = 0; at < body.length; at++) {
      const copy = body.slice()
      copy[at] = 0xff
      const decoded = new PartDecoder().decode(copy)
      if (!decoded.ok) refused += 1
      else {
        for (const part of decoded.value) {
          if (part.kind !== 'readTermReply') continue
          expect(Number.isSafeInteger(part.term) && part.term <= 2 ** 53 - 2 && part.term >= 0).toBe(true)
        }
      }
    }
    expect(refused).toBeGreaterThan(0)
  })

  it('bug 70: a peer with an impossible term moves no term, blocks no election and stops nobody', () => {
    // a bigint cannot leave the codec; the core's own readings of a number are what is tried here
    for (const term of impossible.filter((value) => typeof value !== 'bigint')) {
      const lab = quiet('abc')
      elect(lab, 'a', 'b')
      const about = { election: 'e', term: term as never, nonce: 7 } as const
      const round = { kind: 'heartbeat', round: 1, promiseMs: 1000, probe: false, prompt: true } as const
      for (const to of ['a', 'b']) {
        say(lab, 'c', to, { kind: 'preVote', ...about })
        say(lab, 'c', to, round, { kind: 'requestVote', ...about, certificate: null })
        say(lab, 'c', to, { kind: 'bind', election: 'e', term: term as never })
        say(lab, 'c', to, { kind: 'release', election: 'e', term: term as never, successor: null })
        const answer = {
          election: 'e',
          nonce: 7,
          refusal: 'term',
          knownTerm: term as never,
          leader: null,
        } as const
        say(lab, 'c', to, { kind: 'preVoteReply', ...answer })
        expect(parts(lab, to, 'c', 'voteReply').every(({ grant }) => grant === null)).toBe(true)
        expect(lastPart(lab, to, 'c', 'bindAck').grant).toBeNull()
        expect(known(lab, to), String(term)).toBe(1)
      }
      const alarms = effects(lab, 'b', 'alarm').filter(({ code }) => code === 'termJump')
      expect(alarms.length, String(term)).toBeGreaterThan(0)
      lab.drop()
      keep(lab, 3000, 'a-b', 'a-c', 'b-c')
      expect(lab.leads('a')).toBe(true)
      lab.act('a', { type: 'renounce', election: 'e', reason: 'resigned', to: null, cooldownMs: 0 })
      lab.deliver((frame) => frame.from === 'a')
      lab.drop()
      elect(lab, 'b', 'c')
      expect(lab.election('b').lead?.term).toBe(2)
    }
  })
})
