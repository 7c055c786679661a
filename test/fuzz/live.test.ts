/**
 * Goal: whoever reaches the port of a member moves no term and ends no leadership (E3-E7, R9, BUGS 21 and 51). Method: the
 * live targets of `npm run fuzz`, over one fixed seed and one fresh, printed; a leadership stands all the while.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Live, malformedTarget, nonsenseTarget, slowTarget, strangersTarget } from './live'
import type { Target } from './target'

const live = new Live()
const fresh = Math.floor(Math.random() * 2 ** 31)

beforeAll(() => live.start())
afterAll(() => live.stop())

async function share(target: Target, least: number): Promise<void> {
  for (const seed of [1, fresh]) await target.round(seed)
  console.log(`${target.name}: ${target.count.inputs} inputs, seeds 1 and ${fresh}`)
  expect(target.count.inputs).toBeGreaterThanOrEqual(least)
}

describe('a live election', () => {
  it('E3, E4: strangers move no term, whatever they send', () => share(strangersTarget(live, 60), 120))

  it('E5: who sends a byte now and then is shown the door by the deadline', () =>
    share(slowTarget(live, 8), 16))

  it('bug 51: a member that sends what cannot be read loses its session, and nobody else loses anything', () =>
    share(malformedTarget(live, 25), 50))

  it('bug 51: a member that talks nonsense in proper form ends nothing for good', () =>
    share(nonsenseTarget(live, 1_000), 1_000))
})
