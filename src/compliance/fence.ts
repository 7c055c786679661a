/**
 * The suite for authors of fences: what `Fence` promises, as plain cases that any test framework can run.
 *
 * Every case makes a fence of its own through the harness and asserts with node:assert. A capability that the harness does
 * not declare (`guards`, `reopen`) has no cases: the list is shorter, visibly. What no black box can show (durability
 * through power loss, atomicity against another process) is for the author's own tests.
 * Read next: `../fencing/fence.ts` (the contract), `../fencing/marks.ts` (a comparison that passes).
 */
import type { Fence, GuardingFence } from '../fencing/fence'
import { CONCURRENCY, GUARD } from './fence-races'
import { COMPARISON, type FenceCases, INPUT, REOPEN } from './fence-rules'

/** How the suite gets at the fences under test. The last fence of each case is passed to `destroy`, if given. */
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

function bind<F extends Fence>(harness: HarnessOf<F>, cases: FenceCases<F>): FenceCase[] {
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
