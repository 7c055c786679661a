/**
 * The suite for authors of fences: what `Fence` promises, as plain cases that any test framework can run.
 *
 * Every case makes a fence of its own through the harness and asserts with node:assert. A capability that the harness does
 * not declare (`guards`, `reopen`) has no cases: the list is shorter, visibly. What no black box can show (durability
 * through power loss, atomicity against another process) is for the author's own tests.
 * Read next: `../fencing/fence.ts` (the contract), `../fencing/marks.ts` (a comparison that passes).
 */
import assert from 'node:assert/strict'
import { isElectionError } from '../errors'
import type { Fence, FenceClaim, GuardingFence } from '../fencing'

/** How the suite gets at the fences under test. Every fence made is passed to `destroy`, if given, exactly once. */
export type FenceHarness = PlainFenceHarness | GuardingFenceHarness

interface HarnessOf<F extends Fence> {
  /** A fence that remembers nothing yet, over state of its own. */
  create(): F | Promise<F>
  /** Only for fences that survive: closes this one and opens its state again, as a restarted process would. */
  readonly reopen?: (fence: F) => F | Promise<F>
  destroy?(fence: F): void | Promise<void>
}

/** Harness of a fence that can only check. */
export interface PlainFenceHarness extends HarnessOf<Fence> {
  readonly guards: false
}

/** Harness of a fence that can hold a resource while the write runs. */
export interface GuardingFenceHarness extends HarnessOf<GuardingFence> {
  readonly guards: true
}

/** One case: passes if `run` resolves. */
export interface FenceCase {
  readonly name: string
  run(): Promise<void>
}

/** The cases for one fence. Each is independent of the others; they may run concurrently. */
export function fenceCompliance(harness: FenceHarness): readonly FenceCase[] {
  const cases: FenceCase[] = [
    ...bind(harness as HarnessOf<Fence>, COMPARISON),
    ...bind(harness as HarnessOf<Fence>, INPUT),
    ...bind(harness as HarnessOf<Fence>, CONCURRENCY),
  ]
  if (harness.guards) cases.push(...bind(harness, GUARD))
  if (harness.reopen !== undefined) cases.push(...bindReopen(harness as HarnessOf<Fence>))
  return cases
}

type Cases<F> = { readonly [name: string]: (fence: F) => Promise<void> }

function bind<F extends Fence>(harness: HarnessOf<F>, cases: Cases<F>): FenceCase[] {
  return Object.entries(cases).map(([name, body]) => ({
    name,
    async run() {
      const fence = await harness.create()
      try {
        await body(fence)
      } finally {
        await harness.destroy?.(fence)
      }
    },
  }))
}

function bindReopen(harness: HarnessOf<Fence>): FenceCase[] {
  return Object.entries(REOPEN).map(([name, body]) => ({
    name,
    async run() {
      let fence = await harness.create()
      try {
        await body(fence, async () => {
          fence = await harness.reopen!(fence)
          return fence
        })
      } finally {
        await harness.destroy?.(fence)
      }
    },
  }))
}

const claim = (token: number, holder = 'a', election?: string): FenceClaim =>
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

async function refusesStale(
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

async function remembers(fence: Fence, resource: string, token: number, holder: string): Promise<void> {
  const mark = await fence.highest(resource)
  assert.ok(mark !== null, 'nothing is remembered')
  assert.deepEqual({ token: mark.token, holder: mark.holder }, { token, holder })
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  return assert.fail('expected a rejection')
}

const COMPARISON: Cases<Fence> = {
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

const INPUT: Cases<Fence> = {
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

async function refusesInput(promise: Promise<unknown>): Promise<void> {
  const error = await rejection(promise)
  assert.ok(
    isElectionError(error, 'ELECTION_MESSAGE_INVALID'),
    `expected ELECTION_MESSAGE_INVALID, got ${String(error)}`,
  )
}

const CONCURRENCY: Cases<Fence> = {
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

const GUARD: Cases<GuardingFence> = {
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

const REOPEN: { readonly [name: string]: (fence: Fence, reopen: () => Promise<Fence>) => Promise<void> } = {
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
