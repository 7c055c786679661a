/**
 * Cases for fences, one call at a time: the comparison, malformed input, restarts. And what all cases share.
 *
 * Read next: `fence.ts` (how the cases run), `fence-races.ts` (calls that overlap).
 */
import assert from 'node:assert/strict'
import { isElectionError } from '../errors'
import type { FenceClaim } from '../fencing/claim'
import type { Fence } from '../fencing/fence'

/** Cases by name; each gets a fence that remembers nothing. */
export type FenceCases<F extends Fence> = { readonly [name: string]: (fence: F) => Promise<void> }

/** A claim in one line. */
export const claim = (token: number, holder = 'a', election?: string): FenceClaim =>
  election === undefined ? { token, holder } : { token, holder, election }

/** Names that break objects used as maps, SQL pasted together, and keys joined with a separator. */
const AWKWARD_NAMES = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'a b',
  "a'b",
  'a"b',
  'a;b--',
  'a%b_c*d?',
  'a\\b',
  'a:b',
  'A',
  'é',
  'e\u0301',
  '\u{1F512}',
  ' lead and trail ',
  'x'.repeat(512),
]

/** Passes if the claim is refused as stale and the refusal says what was seen. */
export async function refusesStale(
  fence: Fence,
  resource: string,
  stale: FenceClaim,
  seen: FenceClaim,
): Promise<void> {
  const error = await rejection(fence.check(resource, stale))
  assert.ok(
    isElectionError(error, 'ELECTION_STALE_TOKEN'),
    `expected ELECTION_STALE_TOKEN, got ${String(error)}`,
  )
  const { token, holder, seenToken, seenHolder } = error.details
  assert.deepEqual(
    { resource: error.details['resource'], token, holder, seenToken, seenHolder },
    { resource, token: stale.token, holder: stale.holder, seenToken: seen.token, seenHolder: seen.holder },
  )
}

/** Passes if that is what the fence shows. */
export async function remembers(
  fence: Fence,
  resource: string,
  token: number,
  holder: string,
): Promise<void> {
  const mark = await fence.highest(resource)
  assert.ok(mark !== null, 'nothing is remembered')
  assert.deepEqual({ token: mark.token, holder: mark.holder }, { token, holder })
}

/** What a promise rejects with; fails if it does not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  return assert.fail('expected a rejection')
}

/** Passes if the call is refused as malformed. */
export async function refusesInput(promise: Promise<unknown>): Promise<void> {
  const error = await rejection(promise)
  assert.ok(
    isElectionError(error, 'ELECTION_MESSAGE_INVALID'),
    `expected ELECTION_MESSAGE_INVALID, got ${String(error)}`,
  )
}

/** What is accepted, what is refused, what is remembered (R42, P5). */
export const COMPARISON: FenceCases<Fence> = {
  'R42: a fence that has seen nothing accepts any token and remembers it': async (fence) => {
    assert.equal(await fence.highest('r'), null)
    await fence.check('r', claim(7))
    await remembers(fence, 'r', 7, 'a')
  },
  'R42: the same claim is accepted again': async (fence) => {
    await fence.check('r', claim(7))
    await fence.check('r', claim(7))
    await remembers(fence, 'r', 7, 'a')
  },
  'R42: a higher token is accepted, of whatever holder': async (fence) => {
    await fence.check('r', claim(7))
    await fence.check('r', claim(8, 'b'))
    await fence.check('r', claim(12, 'a'))
    await remembers(fence, 'r', 12, 'a')
  },
  'P5: a lower token is refused, of whatever holder, and changes nothing': async (fence) => {
    await fence.check('r', claim(8, 'b'))
    await refusesStale(fence, 'r', claim(7, 'a'), claim(8, 'b'))
    await refusesStale(fence, 'r', claim(7, 'b'), claim(8, 'b'))
    await refusesStale(fence, 'r', claim(1, 'b'), claim(8, 'b'))
    await remembers(fence, 'r', 8, 'b')
    await fence.check('r', claim(8, 'b'))
  },
  'P5: an equal token of another holder is refused and changes nothing': async (fence) => {
    await fence.check('r', claim(8, 'node-1'))
    await refusesStale(fence, 'r', claim(8, 'node-10'), claim(8, 'node-1'))
    await refusesStale(fence, 'r', claim(8, 'NODE-1'), claim(8, 'node-1'))
    await remembers(fence, 'r', 8, 'node-1')
  },
  'B.20: tokens are numbers, exact up to 2^53-1': async (fence) => {
    const growing = [1, 9, 10, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 10 ** 15, 2 ** 53 - 3, 2 ** 53 - 2, 2 ** 53 - 1]
    for (const [index, token] of growing.entries()) {
      await fence.check('r', claim(token))
      await remembers(fence, 'r', token, 'a')
      if (index > 0) await refusesStale(fence, 'r', claim(growing[index - 1]!), claim(token))
    }
  },
  'R42: resources are independent, however they are called': async (fence) => {
    for (const [index, name] of AWKWARD_NAMES.entries()) {
      assert.equal(await fence.highest(name), null)
      await fence.check(name, claim(100 - index, `h${index}`))
    }
    for (const [index, name] of AWKWARD_NAMES.entries()) {
      await remembers(fence, name, 100 - index, `h${index}`)
      await refusesStale(fence, name, claim(99 - index, `h${index}`), claim(100 - index, `h${index}`))
    }
  },
  'R41: a resource belongs to one election; a claim of another is refused, whatever its token': async (
    fence,
  ) => {
    await fence.check('r', claim(7, 'a', 'invoices'))
    for (const token of [1, 7, 8]) {
      const error = await rejection(fence.check('r', claim(token, 'a', 'reports')))
      assert.ok(
        isElectionError(error, 'ELECTION_CONFIG_INVALID'),
        `expected ELECTION_CONFIG_INVALID, got ${String(error)}`,
      )
    }
    await remembers(fence, 'r', 7, 'a')
    await fence.check('other', claim(1, 'a', 'reports'))
  },
  'R41: a claim without an election is compared with what is there, and a later name is remembered': async (
    fence,
  ) => {
    await fence.check('r', claim(7))
    await fence.check('r', claim(7, 'a', 'invoices'))
    await refusesStale(fence, 'r', claim(6), claim(7))
    await fence.check('r', claim(8))
    assert.deepEqual(await fence.highest('r'), { token: 8, holder: 'a', election: 'invoices' })
    assert.ok(
      isElectionError(await rejection(fence.check('r', claim(9, 'a', 'reports'))), 'ELECTION_CONFIG_INVALID'),
    )
  },
  'R41: a leadership is a claim; its name is the election': async (fence) => {
    await fence.check('r', { token: 7, holder: 'a', name: 'invoices' })
    assert.deepEqual(await fence.highest('r'), { token: 7, holder: 'a', election: 'invoices' })
  },
}

/** Whatever is malformed is refused and changes nothing (R44, R49, E6). */
export const INPUT: FenceCases<Fence> = {
  'R44: whatever is not a token is refused with a typed error and changes nothing': async (fence) => {
    await fence.check('r', claim(7))
    for (const token of [
      0,
      -1,
      -0,
      7.5,
      2 ** 53,
      Infinity,
      -Infinity,
      Number.NaN,
      '8',
      8n,
      null,
      undefined,
      [8],
      {},
      true,
    ]) {
      await refusesInput(fence.check('r', { token: token as number, holder: 'a' }))
    }
    await remembers(fence, 'r', 7, 'a')
  },
  'R49: whatever is not a holder id is refused with a typed error and changes nothing': async (fence) => {
    await fence.check('r', claim(7))
    for (const holder of ['', 'a b', 'a\n', 'a"', 'é', 'x'.repeat(65), 7, null, undefined, ['a'], {}]) {
      await refusesInput(fence.check('r', { token: 8, holder: holder as string }))
    }
    await remembers(fence, 'r', 7, 'a')
  },
  'E6: whatever is not a claim, an election or a resource is refused with a typed error': async (fence) => {
    for (const source of [null, undefined, 7, 'a', [], () => 7]) {
      await refusesInput(fence.check('r', source as unknown as FenceClaim))
    }
    for (const election of ['', 'a b', 'x'.repeat(129), 'a\0', 7, {}]) {
      await refusesInput(fence.check('r', claim(7, 'a', election as string)))
    }
    for (const resource of [
      '',
      'a\0b',
      'a\nb',
      '\u007f',
      '\ud800',
      'x'.repeat(513),
      7,
      null,
      undefined,
      {},
    ]) {
      await refusesInput(fence.check(resource as string, claim(7)))
      await refusesInput(fence.highest(resource as string))
    }
    assert.equal(await fence.highest('r'), null)
  },
  'B.19: a claim that is changed after the call does not change what was checked': async (fence) => {
    const mutable = { token: 7, holder: 'a' }
    const checked = fence.check('r', mutable)
    mutable.token = 99
    mutable.holder = 'z'
    await checked
    await remembers(fence, 'r', 7, 'a')
  },
}

/** What a restart must not change; `reopen` gives the fence that follows. */
export const REOPEN: {
  readonly [name: string]: (fence: Fence, reopen: () => Promise<Fence>) => Promise<void>
} = {
  'P5: what was accepted before a restart is remembered after it': async (first, reopen) => {
    await first.check('r', claim(8, 'b', 'invoices'))
    const fence = await reopen()
    assert.deepEqual(await fence.highest('r'), { token: 8, holder: 'b', election: 'invoices' })
    await refusesStale(fence, 'r', claim(7, 'a'), claim(8, 'b'))
    await refusesStale(fence, 'r', claim(8, 'a'), claim(8, 'b'))
    await fence.check('r', claim(8, 'b'))
    await fence.check('r', claim(9, 'a'))
  },
  'P5: what was refused before a restart is not remembered after it': async (first, reopen) => {
    await first.check('r', claim(8, 'b'))
    await refusesStale(first, 'r', claim(7, 'z'), claim(8, 'b'))
    await remembers(await reopen(), 'r', 8, 'b')
  },
  'P5: many resources survive many restarts': async (first, reopen) => {
    let fence = first
    for (let round = 1; round <= 3; round += 1) {
      const names = [...AWKWARD_NAMES, ...Array.from({ length: 200 }, (_, index) => `resource ${index}`)]
      await Promise.all(
        names.map((name, index) => fence.check(name, claim(round * 1_000 + index, `h${round}`))),
      )
      fence = await reopen()
      for (const [index, name] of names.entries()) {
        await remembers(fence, name, round * 1_000 + index, `h${round}`)
      }
      await refusesStale(fence, '__proto__', claim(round * 1_000 - 1), claim(round * 1_000, `h${round}`))
    }
  },
}
