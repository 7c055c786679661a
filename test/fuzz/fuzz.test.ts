/**
 * Goal: bytes, files, records and options from anywhere are refused with a typed error or are sound (E3-E6, R44, B.15,
 * B.21). Method: the targets of `npm run fuzz`, each over seeds that are always the same and over some that nobody had
 * before; those are printed.
 */
import { describe, expect, it } from 'vitest'
import { grammarTarget, mutationTarget } from './codec'
import { messagesTarget, sealTarget, strangerTarget, streamTarget } from './handshake'
import { optionsTarget, recordsTarget } from './options'
import { storageTarget } from './storage'
import type { Target } from './target'

const fresh = Math.floor(Math.random() * 2 ** 31)

/** Rounds with fixed seeds, and as many with fresh ones; both verdicts must have come up. */
async function share(target: Target, rounds: number, least: number): Promise<void> {
  for (const first of [1, fresh]) {
    for (let seed = first; seed < first + rounds; seed++) {
      await target.round(seed)
    }
  }
  console.log(`${target.name}: ${target.count.inputs} inputs, seeds 1.. and ${fresh}.., ${rounds} each`)
  expect(target.count.inputs).toBeGreaterThan(least)
  expect(target.count.refused).toBeGreaterThan(least / 100)
  expect(target.count.accepted).toBeGreaterThan(least / 100)
}

describe('under fire', { timeout: 60_000 }, () => {
  it('E6, R44: the codec accepts exactly what the grammar of the wire allows, in one spelling', () =>
    share(grammarTarget(), 30, 100_000))

  it('E6, R44: mutated bodies and noise are refused or sound, in one spelling', () =>
    share(mutationTarget(), 5, 100_000))

  it('E6: messages of the handshake, mutated, are refused or have one spelling', () =>
    share(messagesTarget(), 8, 60_000))

  it('E4, E5: a stream in pieces gives the frames that were sent, and never more than the limit', () =>
    share(streamTarget(), 8, 3_000))

  it('E3: nobody without the secret gets through the handshake, whatever he has seen of others', () =>
    share(strangerTarget(), 100, 10_000))

  it('E3: a sealed frame opens as the next one of its direction, to the bit, or not at all', () =>
    share(sealTarget(), 40, 20_000))

  it('A3, B.15: a damaged directory gives back a state that was written, or a typed error', () =>
    share(storageTarget(), 2, 1_000))

  it('R68, R44: records of a store are sound, or refused with a typed error', () =>
    share(recordsTarget(), 10, 5_000))

  it('B.7, B.21: options are accepted, or refused with a typed error that stays short', () =>
    share(optionsTarget(), 12, 4_000))
})
