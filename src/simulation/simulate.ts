/**
 * Runs a service in virtual time: the user's own leader code, over the real `Election`, under crashes, partitions, stalls and
 * drifting clocks, replayable by its seed.
 *
 * The service is a function that is called for each life of each process; it gets elections over simulated ports, and a
 * `sleep` in virtual time. The scenario is another function: it lets time pass and breaks things. Between two events all
 * promises settle. What the service does with real timers, sockets or files is outside of the simulation, and so is not
 * repeated by a seed. Read next: `sim-cluster.ts` (what can be broken), `examples/simulate-your-leader.ts`.
 */
import { setImmediate } from 'node:timers'
import type { ElectionName, ProcessId, RevokeReason, Term } from '../core/types'
import { ElectionError } from '../errors'
import type { Clock } from '../ports/clock'
import type { Election, Elector } from '../runtime/api'
import { createElector } from '../runtime/create'
import type { Leadership } from '../runtime/leadership'
import type { ElectorOptions } from '../runtime/options'
import { serviceInvariants } from './invariants'
import type { LinkQuality } from './links'
import { Recorder } from './picture/recorder'
import type { Story } from './picture/story'
import { SimCluster, type Violation } from './sim-cluster'
import type { NetworkOptions } from './sim-network'
import type { SimNode, SimPorts } from './sim-node'
import { Trace, type TraceOptions } from './trace'

/** What a process of the service has at hand. */
export interface SimProcess {
  readonly id: ProcessId
  /** 1 for the first life, 2 after the first restart, and so on. */
  readonly life: number
  /** The elector of this life, over simulated clock, network and disk. Not started. */
  readonly elector: Elector
  /** The election of that name; `start` starts the process. */
  election(name: ElectionName): Election
  /** Own monotonic clock, ms. */
  now(): number
  /** The clock itself, for what takes one: `schedule(..., { clock })`. */
  readonly clock: Clock
  /** Resolves after that much time on the own clock; rejects with the reason of `signal`. Never resolves in a dead process. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The program of a process. Called once per life; a rejection is a violation, unless the process is dead by then. */
export type Service = (process: SimProcess) => Promise<void> | void

/** Options of `simulate`. */
export interface SimulateOptions {
  /** Decides everything that chance decides. */
  readonly seed: number
  readonly service: Service
  /** Names of the processes. Default: `a`, `b`, `c`. */
  readonly nodes?: readonly ProcessId[]
  readonly timing?: ElectorOptions['timing']
  /** Default 5,000, as in production. */
  readonly drainMs?: number
  readonly quality?: Partial<LinkQuality>
  readonly network?: Partial<Omit<NetworkOptions, 'quality'>>
  /** False: hypervisor pauses may break A2, and exclusivity is not demanded. Default true. */
  readonly clockRates?: boolean
  /** Default: no trace. */
  readonly trace?: TraceOptions | null
  /** Record what a picture needs: `drawSvg(report.story)`, `drawPage(report.story)`. Default false. */
  readonly record?: boolean
}

/** What the scenario has in hand. Everything that it can break is a method of `cluster`. */
export interface Simulation {
  readonly cluster: SimCluster
  /** Real time since the beginning, ms. */
  readonly now: number
  /** Lets that much real time pass, with all promises settled between two events. */
  advance(ms: number): Promise<void>
  /** Lets time pass until the condition holds. @throws ELECTION_TIMEOUT after `boundMs`, with what is pending. */
  until(condition: () => boolean, boundMs: number): Promise<void>
  /** Who says that it leads, or null. */
  leaderOf(election: ElectionName): ProcessId | null
  /** Adds a property of your own, asked after every event: null, or what is wrong. */
  always(name: string, check: () => string | null): void
}

/** What came out. */
export interface SimulationReport {
  readonly seed: number
  /** Empty if every property held. */
  readonly violations: readonly Violation[]
  readonly events: number
  readonly simulatedMs: number
  /** Text of the trace, or null. */
  readonly trace: string | null
  /** What a picture shows; null unless asked for. */
  readonly story: Story | null
}

/**
 * Runs a scenario on a service. Starts all processes, then the scenario; ends when the scenario has ended.
 *
 * @throws whatever the scenario throws.
 */
export async function simulate(
  options: SimulateOptions,
  scenario: (simulation: Simulation) => Promise<void>,
): Promise<SimulationReport> {
  const services = new Services(options)
  const { cluster } = services
  const trace = options.trace == null ? null : new Trace(cluster, options.trace)
  const recorder = options.record === true ? new Recorder(cluster) : null
  cluster.start()
  await settle()
  await scenario(services)
  return {
    seed: options.seed,
    violations: cluster.violations,
    events: cluster.scheduler.events,
    simulatedMs: cluster.now,
    trace: trace?.text ?? null,
    story: recorder?.story({ title: `Simulation with seed ${options.seed}` }) ?? null,
  }
}

/** One turn of the real loop, whatever timers a test has put in place of the real ones: what can settle has settled after it. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

class Services implements Simulation {
  readonly cluster: SimCluster
  private readonly names: ElectionName[] = []

  constructor(private readonly options: SimulateOptions) {
    const {
      seed,
      nodes = ['a', 'b', 'c'],
      quality = { jitterMs: 0.2 },
      network = {},
      clockRates = true,
    } = options
    this.cluster = new SimCluster({
      seed,
      nodes,
      elections: this.names,
      contenders: [],
      quality,
      network,
      clockRates,
      invariants: [],
      program: (node, ports) => this.begin(node, ports),
    })
    for (const factory of serviceInvariants(this.cluster.nodes, this.names, { clockRates })) {
      this.cluster.demand(factory)
    }
  }

  get now(): number {
    return this.cluster.now
  }

  async advance(ms: number): Promise<void> {
    const end = this.now + ms
    while (!this.cluster.halted && this.cluster.scheduler.nextAt <= end) await this.step()
    this.cluster.runTo(end)
  }

  async until(condition: () => boolean, boundMs: number): Promise<void> {
    const end = this.now + boundMs
    while (!condition()) {
      if (this.cluster.halted) return
      if (this.cluster.scheduler.nextAt > end) {
        this.cluster.runTo(end)
        const message = `the condition did not hold within ${boundMs} ms of simulated time`
        throw new ElectionError('ELECTION_TIMEOUT', message, {
          details: { boundMs, seed: this.options.seed },
        })
      }
      await this.step()
    }
  }

  leaderOf(election: ElectionName): ProcessId | null {
    return this.cluster.leaderOf(election)
  }

  always(name: string, check: () => string | null): void {
    this.cluster.demand((complain) => ({
      name,
      observer: {
        event() {
          const text = check()
          if (text !== null) complain(text)
        },
      },
    }))
  }

  private async step(): Promise<void> {
    this.cluster.step()
    await settle()
  }

  /** A life begins: an elector over its ports, then the service. */
  private begin(node: SimNode, ports: SimPorts): (election: ElectionName) => Term | null {
    const { timing, drainMs, service } = this.options
    const { clock, transport, storage } = ports
    const random = this.cluster.random.fork()
    const elector = createElector({
      cluster: 'simulation',
      id: node.id,
      voters: this.cluster.ids,
      transport,
      storage,
      environment: { clock, random: () => random.next(), process: null, loopMonitor: null },
      ...(timing === undefined ? {} : { timing }),
      ...(drainMs === undefined ? {} : { drainMs }),
    })
    const elections = new Map<ElectionName, Election>()
    const watches: (() => void)[] = []
    const { send } = transport
    transport.send = (...frame) => {
      for (const look of watches) look()
      send.apply(transport, frame)
    }
    const process: SimProcess = {
      id: node.id,
      life: node.incarnation,
      elector,
      election: (name) => this.watch(node, elections, watches, elector, name),
      now: () => clock.now(),
      clock,
      sleep: (ms, signal) => sleepOn(ports, ms, signal),
    }
    for (const hook of this.cluster.observers.of('began')) hook(node)
    const run = async (): Promise<void> => {
      await service(process)
    }
    run().catch((error: unknown) => {
      if (node.ports !== ports) return
      const text = `the service of ${node.id} failed: ${error instanceof Error ? error.message : String(error)}`
      this.cluster.violations.push({ property: 'no service fails', text, at: this.now })
    })
    return (name) => elections.get(name)?.leadership?.token ?? null
  }

  private watch(
    node: SimNode,
    elections: Map<ElectionName, Election>,
    watches: (() => void)[],
    elector: Elector,
    name: ElectionName,
  ): Election {
    const known = elections.get(name)
    if (known !== undefined) return known
    const election = elector.election(name)
    elections.set(name, election)
    if (!this.names.includes(name)) this.names.push(name)
    const { observers } = this.cluster
    let held: Leadership | null = null
    const ended = ({ term }: Pick<Leadership, 'term'>, reason: RevokeReason): void => {
      if (held?.term !== term) return
      held = null
      for (const hook of observers.of('revoked')) hook(node, name, term, reason)
    }
    election.on('elected', ({ term, leadership }) => {
      held = leadership
      for (const hook of observers.of('elected')) hook(node, name, term, 0)
    })
    election.on('revoked', (event) => ended(event, event.reason))
    // the word that frees an election leaves before its listeners hear of it: whoever watches goes by what can be read
    watches.push(() => {
      if (held !== null && !held.isValid()) ended(held, reasonOf(held))
    })
    return election
  }
}

function reasonOf({ signal }: Leadership): RevokeReason {
  if (!signal.aborted) return 'expired'
  const { reason } = (signal.reason as ElectionError).details
  return reason as RevokeReason
}

function sleepOn({ clock, loop }: SimPorts, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    if (!loop.alive) return
    const aborted = (): void => {
      clock.clearTimer(timer)
      reject(signal?.reason)
    }
    const timer = clock.setTimer(clock.now() + ms, () => {
      signal?.removeEventListener('abort', aborted)
      resolve()
    })
    signal?.addEventListener('abort', aborted, { once: true })
  })
}
