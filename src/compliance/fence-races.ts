/**
 * Cases for fences, calls that overlap: checks that race, and writes that must not.
 *
 * No clock: the cases decide themselves who goes on when. Read next: `fence.ts` (how the cases run).
 */
import assert from 'node:assert/strict'
import { isElectionError } from '../errors'
import type { Fence, GuardingFence } from '../fencing/fence'
import { claim, type FenceCases, refusesInput, refusesStale, rejection, remembers } from './fence-rules'

/** Comparing and remembering are one step (R42). */
export const CONCURRENCY: FenceCases<Fence> = {
  'P5: of concurrent claims with one token only one holder is accepted': async (fence) => {
    const holders = Array.from({ length: 20 }, (_, index) => `h${index}`)
    const outcomes = await Promise.allSettled(holders.map((holder) => fence.check('r', claim(7, holder))))
    const accepted = holders.filter((_, index) => outcomes[index]!.status === 'fulfilled')
    assert.equal(accepted.length, 1)
    await remembers(fence, 'r', 7, accepted[0]!)
  },
  'P5: of concurrent claims the highest is always accepted and remembered': async (fence) => {
    for (let round = 0; round < 5; round += 1) {
      const tokens = shuffled(40, round).map((value) => value + 1 + round * 20)
      const outcomes = await Promise.allSettled(tokens.map((token) => fence.check('r', claim(token))))
      const highest = Math.max(...tokens)
      assert.equal(outcomes[tokens.indexOf(highest)]!.status, 'fulfilled')
      await remembers(fence, 'r', highest, 'a')
    }
  },
  'P5: after a claim was accepted no lower one is, even if both were under way': async (fence) => {
    let highestAccepted = 0
    const tokens = shuffled(100, 7).map((value) => value + 1)
    await Promise.allSettled(
      tokens.map(async (token, index) => {
        for (let turn = 0; turn < index % 5; turn += 1) await null
        const floor = highestAccepted
        await fence.check('r', claim(token))
        assert.ok(token >= floor, `${token} was accepted after ${floor} had been`)
        highestAccepted = Math.max(highestAccepted, token)
      }),
    ).then((outcomes) => {
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected')
          assert.ok(isElectionError(outcome.reason, 'ELECTION_STALE_TOKEN'), String(outcome.reason))
      }
    })
    assert.equal(highestAccepted, 100)
  },
}

/** 0..length-1 in an order that depends on the seed alone. */
function shuffled(length: number, seed: number): number[] {
  const values = Array.from({ length }, (_, index) => index)
  let state = seed + 1
  for (let index = length - 1; index > 0; index -= 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const other = state % (index + 1)
    const value = values[index]!
    values[index] = values[other]!
    values[other] = value
  }
  return values
}

/** Nothing slips between check and write (B.19). */
export const GUARD: FenceCases<GuardingFence> = {
  'R42: guarded work runs for an accepted claim, and its result is passed on': async (fence) => {
    assert.equal(await fence.guard('r', claim(7), () => 'sync'), 'sync')
    assert.equal(await fence.guard('r', claim(7), async () => 'async'), 'async')
    await remembers(fence, 'r', 7, 'a')
  },
  'P5: guarded work never runs for a stale claim': async (fence) => {
    await fence.check('r', claim(8, 'b'))
    let ran = false
    const work = (): void => {
      ran = true
    }
    assert.ok(isElectionError(await rejection(fence.guard('r', claim(7), work)), 'ELECTION_STALE_TOKEN'))
    assert.ok(isElectionError(await rejection(fence.guard('r', claim(8), work)), 'ELECTION_STALE_TOKEN'))
    await refusesInput(fence.guard('r', claim(0), work))
    assert.equal(ran, false)
  },
  'R42: what guarded work throws is passed on, and its token was seen': async (fence) => {
    const thrown = new Error('the write failed')
    const sync = fence.guard('r', claim(7), () => {
      throw thrown
    })
    assert.equal(await rejection(sync), thrown)
    assert.equal(await rejection(fence.guard('r', claim(8), () => Promise.reject(thrown))), thrown)
    await refusesStale(fence, 'r', claim(7), claim(8))
    await fence.guard('r', claim(8), () => undefined)
  },
  'B.19: nothing is accepted between the check and the end of the work': async (fence) => {
    const trace: string[] = []
    const gate = latch()
    const started = latch()
    const old = fence.guard('r', claim(7), async () => {
      trace.push('old begins')
      started.open()
      await gate.opened
      trace.push('old ends')
    })
    await started.opened
    const newer = fence.check('r', claim(8, 'b')).then(() => trace.push('new accepted'))
    const other = fence.check('other', claim(1)).then(() => trace.push('other accepted'))
    await other
    gate.open()
    await Promise.all([old, newer])
    assert.deepEqual(trace, ['old begins', 'other accepted', 'old ends', 'new accepted'])
  },
  'B.19: a write of a stale leader that waited its turn is refused': async (fence) => {
    const written: number[] = []
    const gate = latch()
    const started = latch()
    const newer = fence.guard('r', claim(8, 'b'), async () => {
      started.open()
      await gate.opened
      written.push(8)
    })
    await started.opened
    const late = rejection(fence.guard('r', claim(7), () => written.push(7)))
    gate.open()
    await newer
    assert.ok(isElectionError(await late, 'ELECTION_STALE_TOKEN'))
    assert.deepEqual(written, [8])
  },
  'P5: guarded writes of concurrent leaders are never out of order': async (fence) => {
    const written: number[] = []
    let inside = 0
    const tokens = shuffled(60, 3).map((value) => value + 1)
    await Promise.allSettled(
      tokens.map((token) =>
        fence.guard('r', claim(token), async () => {
          inside += 1
          assert.equal(inside, 1)
          await new Promise((resolve) => setImmediate(resolve))
          written.push(token)
          inside -= 1
        }),
      ),
    )
    assert.ok(written.length > 0)
    assert.deepEqual(
      written,
      [...written].sort((a, b) => a - b),
    )
    assert.equal(written.at(-1), 60)
  },
}

function latch(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
