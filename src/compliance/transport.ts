/**
 * What every transport owes to the runtime, as cases that any test framework can run.
 *
 * Uses only the port. What one cannot see from outside (authentication, bounds on memory, dead links) each author has to
 * test for himself; everything else that `ports/transport.ts` promises in words is here.
 * Read next: `../ports/transport.ts`, `transport-bench.ts` (the harness), `transport-cases.ts`.
 */
import { TransportBench, type TransportHarness } from './transport-bench'
import { type Body, DELIVERY, ENDINGS, LIVES, SESSIONS } from './transport-cases'

export type { TransportHarness, TransportNetwork } from './transport-bench'

/** One promise of the port. `run` rejects with an `AssertionError` when it is broken. */
export interface TransportCase {
  readonly name: string
  run(): Promise<void>
}

/**
 * All cases for a transport; none depends on another.
 *
 * ```ts
 * for (const { name, run } of transportCompliance({ create: (ids) => myNetwork(ids) })) test(name, run)
 * ```
 */
export function transportCompliance(harness: TransportHarness): readonly TransportCase[] {
  return Object.entries({ ...SESSIONS, ...DELIVERY, ...LIVES, ...ENDINGS }).map(([name, body]) => ({
    name,
    run: () => runCase(harness, body),
  }))
}

async function runCase(harness: TransportHarness, body: Body): Promise<void> {
  const ids = ['a', 'b', 'c']
  const bench = new TransportBench(await harness.create(ids), ids)
  try {
    await body(bench)
  } finally {
    await bench.close()
  }
}
