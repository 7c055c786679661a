/**
 * Random schedules over the lab: any fault, in any order, at extreme clock rates. A violation shrinks to a short story.
 *
 * The suite runs a few seconds of it. For a long run:
 * `RANDOM_RUNS=20000 RANDOM_SEED=1 npx vitest run test/core/random --testTimeout=100000000`.
 */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { actions, story } from './chaos'

const RUNS = Number(process.env['RANDOM_RUNS'] ?? 12)
const SEED = Number(process.env['RANDOM_SEED'] ?? 20_240)

describe('random schedules', () => {
  for (const [size, label, options] of [
    [3, 'with pre-vote and succession', {}],
    [3, 'without pre-vote', { preVote: false }],
    [3, 'without succession', { succession: false }],
    [2, 'of two', {}],
    [4, 'of four, without pre-vote', { preVote: false }],
    [5, 'of five', {}],
    [5, 'of five, without pre-vote and succession', { preVote: false, succession: false }],
    [3, 'ephemeral', { ephemeral: true, timing: { maxPromiseMs: 520 } }],
    [5, 'ephemeral, without pre-vote', { ephemeral: true, preVote: false, timing: { maxPromiseMs: 520 } }],
  ] as const) {
    it(`P1-P3, P7-P9: ${size} voters, ${label}`, () => {
      fc.assert(fc.property(actions, story(size, options)), {
        numRuns: RUNS,
        seed: SEED,
        endOnFailure: false,
      })
    })
  }
})
