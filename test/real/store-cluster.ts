/**
 * Real processes that vote in a real store, each through a faulty proxy of its own, watched on one host clock.
 *
 * Adds to `Cluster` the ways to the store, and the bounds that every fault is held to. Decides nothing else.
 * Read next: `cluster.ts` (what is asserted of every run), `store-service.ts` (the clients), `stores.test.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { leaseLength } from '../../src/core/numbers'
import { type FaultyProxy, startProxy } from '../servers/proxy'
import { Cluster, type ClusterOptions, clockMs, type Member, type Reign } from './cluster'
import type { MemberOptions } from './protocol'
import type { StoreKind, StoreSpec } from './store-service'

/** D of these tests, ms: short, and still more than six time-outs of a call. */
export const PROMISE_MS = 2_000
/** Time-out of one call to a store. */
export const TIMEOUT_MS = 300
/** From the sending of a renewal on, its holder may believe for so long. */
export const LEASE_MS = leaseLength(PROMISE_MS, 0.1, 2)
/** Within this time after a fault has ended or has hit the leader alone, somebody leads: five D. Idle machines need one and a half. */
export const RECOVERY_MS = 5 * PROMISE_MS
/** How late an event may be told on a busy machine. Belief has no such grace: it is judged by the clock at each look. */
const TELL_MS = 2_000

export interface StoreClusterOptions {
  readonly size?: number
  readonly timing?: ClusterOptions['timing']
  readonly spec?: Partial<StoreSpec>
}

export class StoreCluster extends Cluster {
  /** Way of each member to each port of the store. */
  readonly ways = new Map<string, readonly FaultyProxy[]>()

  private constructor(
    readonly kind: StoreKind,
    options: StoreClusterOptions,
  ) {
    super({ size: options.size ?? 3, timing: options.timing ?? { promiseMs: PROMISE_MS }, writeMs: 40 })
    this.spec = options.spec ?? {}
  }

  private readonly spec: Partial<StoreSpec>

  /** Members at the store behind these ports; resolves when one of them leads. */
  static async over(
    kind: StoreKind,
    ports: readonly number[],
    options: StoreClusterOptions = {},
  ): Promise<StoreCluster> {
    const cluster = new StoreCluster(kind, options)
    for (const id of cluster.ids) cluster.ways.set(id, await Promise.all(ports.map(startProxy)))
    await cluster.start()
    await cluster.leading()
    return cluster
  }

  override startMember(id: string, changes: Partial<MemberOptions> = {}): Promise<Member> {
    const ports = (this.ways.get(id) ?? []).map(({ port }) => port)
    const { kind } = this
    const store = { kind, ports, from: import.meta.url, timeoutMs: TIMEOUT_MS, ...this.spec }
    return super.startMember(id, { store, dataDir: null, ...changes })
  }

  /** Does something to every way of a member, or of all members. Returns the instant just before. */
  async onWays(ids: string | readonly string[], act: (way: FaultyProxy) => unknown): Promise<number> {
    const at = clockMs()
    const chosen = typeof ids === 'string' ? [ids] : ids
    await Promise.all(chosen.flatMap((id) => this.ways.get(id) ?? []).map(act))
    return at
  }

  heal(): Promise<number> {
    return this.onWays(this.ids, (way) => way.heal())
  }

  /** Waits until one member leads and has been seen to. */
  async leading(limitMs = RECOVERY_MS): Promise<Reign> {
    const led = () => (this.leader === null ? undefined : this.reigns.at(-1))
    await this.until(
      () => (led()?.to ?? 0) > (led()?.electedAt ?? 0),
      limitMs,
      `somebody leads over ${this.kind}`,
    )
    return this.reigns.at(-1) as Reign
  }

  /** After a fault that hit the holder alone at that instant: somebody else leads in time, with a higher token. */
  async successor(old: Reign, since: number): Promise<Reign> {
    const next = await this.reignAfter(old, since)
    expect(next.id, 'another one leads').not.toBe(old.id)
    return next
  }

  /** The first leadership after that one, in time, and with a higher token. */
  async reignAfter(old: Reign, since: number): Promise<Reign> {
    const index = this.reigns.indexOf(old)
    const limitMs = RECOVERY_MS - (clockMs() - since)
    await this.until(() => this.reigns.length > index + 1, limitMs, 'a new leadership')
    const next = this.reigns[index + 1] as Reign
    expect(next.term).toBeGreaterThan(old.term)
    return next
  }

  /** The holder stopped believing before its deadline, and was told once. `since`: nothing reached the store after it. */
  async noticed(old: Reign, since: number): Promise<void> {
    await this.until(
      () => old.revoked.length > 0,
      since + LEASE_MS + TELL_MS - clockMs(),
      `${old.id} notices its loss`,
    )
    expect(old.to - since, 'belief after the fault, ms').toBeLessThanOrEqual(LEASE_MS)
    expect(old.revoked).toHaveLength(1)
  }

  /** Nobody may believe any more. */
  nobodyLeads(): void {
    expect(this.leader).toBeNull()
    for (const { to } of this.reigns) expect(clockMs() - to).toBeGreaterThan(0)
  }

  /** Processes that ended although nobody killed or stopped them, with their last words. */
  crashed(): string[] {
    return [...this.members.values()]
      .filter(({ alive, exit }) => !alive && exit?.signal !== 'SIGKILL' && exit?.code !== 0)
      .map(({ id, errors }) => `${id}: ${errors}`)
  }

  others(id: string): string[] {
    return this.ids.filter((one) => one !== id)
  }

  /** What must hold after every fault. */
  sound(): void {
    expect(this.violations()).toEqual([])
    expect(this.crashed(), 'processes that crashed').toEqual([])
  }

  async close(): Promise<void> {
    this.stop()
    await Promise.all([...this.ways.values()].flat().map((way) => way.stop()))
  }
}

export { clockMs, sleep }
