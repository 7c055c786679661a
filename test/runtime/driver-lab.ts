/** Real drivers on a manual clock, without an elector: for tests of the driver, and of what stands between it and an elector. */
import { expect } from 'vitest'
import type { CoreConfig, DurableState } from '../../src/core'
import type { ElectionError } from '../../src/errors'
import { silentLogger } from '../../src/ports'
import { Driver, type DriverListener, type ServiceEffect } from '../../src/runtime/driver'
import { Hub, HubTransport, TestClock, TestStorage, TIMING, World } from './harness'

/** One driver and what surrounds it. */
export interface Node {
  readonly driver: Driver
  readonly clock: TestClock
  readonly storage: TestStorage
  readonly transport: HubTransport
  readonly effects: ServiceEffect[]
  readonly failures: ElectionError[]
  listener: Partial<DriverListener>
}

/** Drivers on one hub and one clock. */
export class Lab {
  readonly world = new World()
  readonly hub = new Hub(this.world)

  constructor(readonly voters: readonly string[] = ['a']) {}

  node(id: string, storage = new TestStorage(this.world, id), change: Partial<CoreConfig> = {}): Node {
    const { world, hub, voters } = this
    const clock = new TestClock(world)
    const transport = new HubTransport(hub, id)
    const effects: ServiceEffect[] = []
    const failures: ElectionError[] = []
    let durable: DurableState | null = null
    storage.open(
      { clusterId: 'k', nodeId: id, config: { term: 0, version: 1, termFloor: 0 } },
      (_, state) => {
        durable = state
      },
    )
    if (durable === null) throw new Error('the storage did not open')
    const { process } = durable as DurableState
    const config: CoreConfig = {
      self: id,
      incarnation: process.incarnation + 1,
      storageId: process.storageId,
      cluster: {
        term: 0,
        version: 1,
        termFloor: 0,
        voters: voters.map((voter) => ({ id: voter, kind: 'peer' })),
      },
      timing: { ...TIMING, backoffMaxMs: 500, minPromiseMs: 1, maxPromiseMs: 10_000 },
      preVote: true,
      succession: true,
      maxElections: 10,
      ephemeral: false,
      ...change,
    }
    const node: Node = {
      clock,
      storage,
      transport,
      effects,
      failures,
      listener: {},
      driver: new Driver({
        config,
        clusterId: 'k',
        durable,
        nonce: `${id}${process.incarnation}`,
        seed: id.charCodeAt(0),
        startedAt: world.now,
        clock,
        transport,
        storage,
        logger: silentLogger,
        addresses: {},
        listener: {
          effect: (effect) => {
            effects.push(effect)
            node.listener.effect?.(effect)
          },
          settled: () => node.listener.settled?.(),
          fatal: (error) => failures.push(error),
        },
      }),
    }
    return node
  }

  async boot(...nodes: readonly Node[]): Promise<void> {
    for (const { driver } of nodes) driver.boot(() => {})
    await this.world.run()
  }
}

/** Stand in `e`. */
export const contend = { type: 'contend', election: 'e', contending: true, priority: 0 } as const

/** Voters of which one leads `e`; the leader first. */
export async function cluster(
  ...ids: readonly string[]
): Promise<{ readonly lab: Lab; readonly nodes: readonly [Node, Node] }> {
  const lab = new Lab(ids)
  const nodes = ids.map((id) => lab.node(id))
  for (const node of nodes) node.driver.submit(contend)
  await lab.boot(...nodes)
  const leads = ({ driver }: Node): boolean => driver.state.elections.get('e')?.lead != null
  for (let i = 0; i < 100 && !nodes.some(leads); i++) await lab.world.run(50)
  await lab.world.run(50)
  nodes.sort((x, y) => Number(leads(y)) - Number(leads(x)))
  expect(leads(nodes[0] as Node)).toBe(true)
  return { lab, nodes: nodes as unknown as [Node, Node] }
}
