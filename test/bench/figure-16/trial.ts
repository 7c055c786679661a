/**
 * One election of Figure 16: five simulated servers, the leader is killed, the clock runs until all others follow a new one.
 *
 * The set-up is the paper's. Heartbeats every T/2; the leader is killed at a uniform instant between two of them, so that
 * everybody's time-out began together; four logs of different length, so that two of the four survivors cannot win; the
 * clock stops when the last survivor has heard of the new leader. Hardware: `hardware.ts`.
 *
 * | paper | here |
 * | --- | --- |
 * | time-out in [T, 2T) from the last heartbeat | `promiseMs` of the killed leader = T, then a random wait below `backoffMs` = the range |
 * | heartbeats every T/2 | `heartbeatMs` = T/2 |
 * | no order of candidates, no pre-vote | `succession: false`, `preVote: false` |
 * | a candidate tries again after a new time-out | `campaignMs` beyond that; the wait is in `paper-rules.ts` |
 * | a vote is for one term | survivors ask for promises (`promiseMs`) of twice the maximum, longer than any campaign (R3) |
 * | clocks | exact: `rho` and `deltaMs` 0; they shorten the lease of the new leader alone, which nobody waits for |
 *
 * Ours is the preset `fast` with `promiseMs` = T: all that follows from it, but heartbeats every T/2 as above (the library
 * itself asks for T/3 at most) and a campaign of almost T, because on this disk one vote takes 8 ms.
 */
import { SimCluster } from 'conclave/simulation'
import type { ProcessId, Timing } from '../../../src/core'
import { Random } from '../../../src/simulation/random'
import { Hardware } from './hardware'
import { ELECTION, Server } from './server'

const LEADER = 'leader'
/** In the order of their logs, shortest first: the first two cannot win. */
const SURVIVORS: readonly ProcessId[] = ['log-0', 'log-1', 'log-2', 'log-3']
const WARM_UP_MS = 100
const ATTEMPTS = 1000

/** What kind of election. */
export interface TrialOptions {
  /** T: the shortest time-out, ms. */
  readonly minimumMs: number
  /** The longest time-out, ms; the succession knows none. */
  readonly maximumMs: number
  /** `paper`: random time-outs; `default`: the library's own. */
  readonly algorithm: 'paper' | 'default'
  /** Mean lateness of timers, ms. Default: that of `Hardware`. */
  readonly lateMs?: number
  /** Who goes first: the longest log (`priority`), or whoever the hash says. Default: `log`. */
  readonly order?: 'log' | 'hash'
  /** False: the machine loses its power, so that no socket closes. Default: the process is killed. */
  readonly fin?: boolean
  /** Other durations. */
  readonly timing?: Partial<Timing>
}

/** Time without a leader of one election, ms. A cluster whose leader lost its lease before it was killed is drawn anew. */
export function downtimeMs(options: TrialOptions, seed: number, limitMs = 600_000): number {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const result = new Trial(options, seed + attempt * 0x10000).run(limitMs)
    if (result !== null) return result
  }
  throw new Error(`no leader lives long enough with ${options.minimumMs} ms`)
}

/** A cluster made for one election. */
export class Trial {
  readonly cluster: SimCluster
  private readonly random: Random
  private readonly servers = new Map<ProcessId, Server>()
  private readonly follows = new Map<ProcessId, ProcessId | null>()
  private beatAt = Number.NEGATIVE_INFINITY
  private settled = false

  constructor(
    private readonly options: TrialOptions,
    seed: number,
  ) {
    this.random = new Random(seed)
    const hardware = new Hardware(this.random.fork(), options.lateMs)
    const isPaper = options.algorithm === 'paper'
    const logs = new Map([...SURVIVORS, LEADER].map((id, length) => [id, length] as const))
    this.cluster = new SimCluster({
      seed,
      nodes: [LEADER, ...SURVIVORS],
      elections: [ELECTION],
      timing: { ...timingOf(options), ...options.timing },
      ...(isPaper ? { timingOf: { [LEADER]: leaderTiming(options) } } : {}),
      writeTime: hardware.writeTime,
      ...(isPaper ? {} : { accuracy: hardware.accuracy }),
      program: (node, ports) => {
        const server = new Server({
          cluster: this.cluster,
          node,
          ports,
          random: this.random.fork(),
          logs,
          priority: options.order === 'hash' ? 0 : (logs.get(node.id) ?? 0),
          paper: isPaper ? { minimumMs: options.minimumMs, lateMs: () => hardware.lateMs() } : null,
        })
        this.servers.set(node.id, server)
        return () => server.token()
      },
    })
    this.cluster.network.links.setQuality(hardware.link)
    this.watch()
  }

  private watch(): void {
    const { cluster, servers, follows } = this
    cluster.observers.add({
      routine: (node, _flight, part) => {
        if (node.id === LEADER && part.kind === 'heartbeat' && !part.probe) this.beatAt = cluster.now
      },
      noticed: (node, effect) => {
        if (effect.type !== 'leaderChanged') return
        const { leader } = effect
        follows.set(node.id, leader)
        this.settled = leader !== null && SURVIVORS.every((id) => follows.get(id) === leader)
      },
      durable: (node) => servers.get(node.id)?.rules?.wrote(),
    })
  }

  private get leads(): boolean {
    return this.servers.get(LEADER)?.token() != null
  }

  /** From the end of the leader until all survivors follow another one, ms; null if it lost its lease before. */
  run(limitMs: number): number | null {
    const { cluster, options } = this
    cluster.start()
    cluster.run(WARM_UP_MS)
    this.servers.get(LEADER)?.contend(true)
    if (!cluster.runUntil(() => this.leads, 10 * WARM_UP_MS)) return null
    for (const id of SURVIVORS) this.servers.get(id)?.contend(true)
    cluster.run(WARM_UP_MS)
    if (!cluster.runUntil(() => this.settled && this.follows.get(LEADER) === LEADER, WARM_UP_MS)) return null
    this.beatAt = Number.NEGATIVE_INFINITY
    if (!cluster.runUntil(() => this.beatAt > 0, options.minimumMs)) return null
    cluster.runTo(this.beatAt + (this.random.unit() * options.minimumMs) / 2)
    if (!this.leads || !this.settled) return null
    const killedAt = cluster.now
    this.settled = false
    cluster.crash(LEADER, options.fin ?? true)
    const ended = cluster.runUntil(() => this.settled, limitMs)
    const [violation] = cluster.violations
    if (violation !== undefined) throw new Error(`${violation.property}: ${violation.text}`)
    return ended ? cluster.now - killedAt : limitMs
  }
}

const BOUNDS = { minPromiseMs: 1, maxPromiseMs: 60_000 }

function timingOf({ algorithm, minimumMs, maximumMs }: TrialOptions): Partial<Timing> {
  const heartbeatMs = minimumMs / 2
  if (algorithm === 'default') {
    return {
      ...BOUNDS,
      heartbeatMs,
      promiseMs: minimumMs,
      campaignMs: minimumMs * 0.99,
      stepMs: 15,
      backoffMs: minimumMs / 20,
      backoffMaxMs: minimumMs / 2,
    }
  }
  const backoffMs = maximumMs - minimumMs
  const promiseMs = 2 * maximumMs
  const exact = { rho: 0, deltaMs: 0 }
  return {
    ...BOUNDS,
    ...exact,
    heartbeatMs,
    promiseMs,
    campaignMs: 1.5 * maximumMs,
    backoffMs,
    backoffMaxMs: backoffMs,
  }
}

function leaderTiming({ minimumMs }: TrialOptions): Partial<Timing> {
  return { promiseMs: minimumMs, campaignMs: minimumMs * 0.99, backoffMs: 1, backoffMaxMs: 1 }
}
