/**
 * The options of `createElector` and `createElection`: what they mean, their defaults, and what too little or too much of
 * each does. Types only. Read next: `timing.ts` (durations), `read-options.ts` (how they are judged).
 */
import type { ElectionName, Preference, ProcessId } from '../core'
import type { Logger } from '../ports/logger'
import type { Metrics } from '../ports/metrics'
import type { Portable } from '../ports/portable'
import type { Storage } from '../ports/storage'
import type { Transport } from '../ports/transport'
import type { VoterStore } from '../ports/voter-store'
import type { Environment } from './environment'
import type { HealthCheck } from './health'
import type { OperatorsOption } from './operator-command'
import type { VoterPlan } from './read-voters'
import type { Score } from './score'
import type { ResolvedTiming, TimingOptions, TimingPreset } from './timing'

/**
 * Who votes. Processes: addresses by process id, or ids alone where the transport needs no addresses. Stores: one
 * (`postgres(pool)`), or several independent ones of which a majority decides. Both: a record of addresses and stores
 * (`{ a: '10.0.0.1:7400', b: '10.0.0.2:7400', tie: postgres(pool) }`).
 */
export type VotersOption =
  | Readonly<Record<ProcessId, string | VoterStore>>
  | readonly ProcessId[]
  | VoterStore
  | readonly VoterStore[]

/** Options of `createElector`. */
export interface ElectorOptions {
  /** Name of the cluster, `/^[A-Za-z0-9._:-]{1,128}$/`. Processes of different clusters never talk, even on one address. */
  readonly cluster: string
  /**
   * Own id, `/^[A-Za-z0-9._-]{1,64}$/`, one of `voters` unless this process is an `observer`. Give each process its own, for good: never a host name or a
   * process number that another container may have, too (B.13). For a process without a vote it is for people: up to 31
   * characters, and several processes may share it, as each adds 128 random bits of its own (R49).
   */
  readonly id: ProcessId
  /**
   * The voters, the same at every process: `{ a: '10.0.0.1:7400', b: ..., c: ... }`. A majority of them has to be reachable
   * for anybody to lead. Three survive one failure, five two. One has no failover; two have none either, and stop when
   * either is gone (R40). Or a store that the service runs already: `postgres(pool)`; then nothing else is needed, neither
   * `transport` nor `dataDir`, and any number of processes may contend.
   */
  readonly voters: VotersOption
  /**
   * This process has no vote: it contends like the voters, or only watches (`contend: false`), and is none of `voters`
   * (R71). Any number of such processes come and go without a change at the voters, which have to let them in:
   * `maxObservers` there. Needs a `transport`, and no `dataDir`; with one a restarted process takes the place of its former
   * life at once. It stands after a random wait: `priority` orders voters alone, and contenders where only stores vote. Default false. Where only stores vote
   * nobody has a vote, and it means nothing.
   */
  readonly observer?: boolean
  /**
   * Ids of voters that never lead, the same at every process (R37, R40): `['w']` with voters a, b and w makes two replicas
   * fail over, with w a tiny process in a third place (`npx conclave witness`). A majority has to be left that may lead.
   * Default: none.
   */
  readonly witnesses?: readonly ProcessId[]
  /**
   * How many processes without a vote (`observer: true`) may be connected to this voter at once. They prove who they are
   * as the voters do (secret, certificate), and may lead. Default 0: none is let in. 0 to 10,000. Too small: the others
   * are refused, `tooManyConnections`. Large: each costs a connection and a heartbeat; raise `maxConnections` of `tcp()` with it.
   */
  readonly maxObservers?: number
  /**
   * Which commands of operators (`npx conclave status`, `resign`, `pause`, ...) this process takes. `all` (default): whoever
   * speaks the cluster's secret, or holds one of its certificates, may ask and command: it could be a voter as well. `read`:
   * may ask who leads; the rest is refused. `none`: is not let in. Only where processes vote: over stores the record in the
   * store is asked. Hazard of `all`: a leaked secret can move leaderships, which it could without this, too.
   */
  readonly operators?: OperatorsOption
  /**
   * Step 1 of moving every election of the cluster to other voters: `voters` is still the old set, `movingTo` the new one,
   * and a leader needs a majority of both. Step 2 is a restart with the new set as `voters` and without `movingTo`. Begin
   * step 2 when every process runs step 1, and each election has a leader after that (`status().isLeader` at one
   * process). Too early: tokens may begin anew. Forgotten: both sets are needed for good.
   */
  readonly movingTo?: VotersOption
  /** How the processes reach each other, for instance `tcp({ secret })`. Needed if more than one of them votes. */
  readonly transport?: Transport
  /**
   * Directory of this process's durable record: the same as `storage: file({ dir })`. Either this or `storage` is needed,
   * unless only stores vote; there it lets a restarted process take the place of its former life at once.
   */
  readonly dataDir?: string
  /**
   * Where this process keeps what it must not forget. `memory()` is the explicit choice to keep nothing: then every start
   * waits (R28), only a minority may restart at a time, and `status().safety` says `timed`.
   */
  readonly storage?: Storage
  /** A preset, single durations, or both. Default: `'default'`. */
  readonly timing?: TimingPreset | TimingOptions
  /**
   * How long `resign` and `stop` wait for running work after its signal aborted, ms; the lease is renewed meanwhile.
   * Default 5,000. Too small: work is still running when the wait ends, and the lease has to run out unreleased (slow
   * hand-over, never an overlap). Too large: a hanging handler delays a shutdown beyond the grace period of its
   * supervisor. 0 to 2^31 - 1.
   */
  readonly drainMs?: number
  /**
   * Limit of `stop()` as a whole, ms. Default `drainMs` + 2 `promiseMs`. At least `drainMs`. After it `stop` resolves
   * whatever hangs; what was not released runs out by time.
   */
  readonly stopMs?: number
  /** How long the last frames may take to leave at `stop()`, ms. Default 500. Too small: peers wait for the lease to run out. */
  readonly flushMs?: number
  /** A write that the storage does not answer for this long has failed, ms (BUGS 15). Default `promiseMs`, 2,000 at least. Too small: a slow flush ends this life. Too large: a stalled disk keeps a leader longer. */
  readonly storageTimeoutMs?: number
  /** How many elections this process remembers at most. Default 100,000. Too small: elections above it have no quorum. Too large: memory, about a kilobyte each. */
  readonly maxElections?: number
  /** pino or anything with `debug`, `info`, `warn`, `error`. Silent by default. */
  readonly logger?: Logger
  /**
   * Where figures go: `promMetrics(client)` or `otelMetrics(meter)` of `conclave/metrics`, or your own. Default: nowhere, at
   * no cost. A heartbeat costs one observation then; series are labelled by election, so ten thousand elections make as many.
   */
  readonly metrics?: Metrics
  /** On SIGTERM and SIGINT: `stop()`, then the signal again if nobody else listens for it (R53). Default false. */
  readonly handleSignals?: boolean
  /**
   * What this process can do, as tags that an election may ask for with `requires`: `['gpu', 'zone-1']`. Default none. Each
   * `/^[A-Za-z0-9._:-]{1,64}$/`, at most 64. Fixed for the life of the process: what changes belongs into `healthCheck`.
   */
  readonly capabilities?: readonly string[]
  /**
   * Hand leaderships over, a few at a time, while this process leads clearly more of the elections than its share and another
   * member that contends with the same priority leads fewer. Looks every `promiseMs`. Default false: the elections of a dead
   * process spread by a hash (R69), and nothing moves afterwards. Hazard of true: work that is expensive to start moves, too,
   * when a member comes back. For many elections with peers as voters, the same at every member.
   */
  readonly spread?: boolean
  /** Timers do not keep the process alive. Default false. Hazard of true: a process may end while it leads (B.8). */
  readonly unref?: boolean
  /**
   * Start a small process of its own, at the first leadership, that tells the other voters at once when this one has died,
   * however it died (R55): they elect in milliseconds and need not wait for the lease to run out. Default false. It proves
   * nothing when the whole host or container dies. Costs a second, idle Node.js of about 40 MB and a connection to each
   * voter. Not where only stores vote. Under `conclave run` the supervisor does the same, and no sentinel is started.
   */
  readonly sentinel?: boolean
  /** What is not settled yet, neither in its interface nor in its record on disk. Default: nothing of it. */
  readonly experimental?: ExperimentalOptions
  /** For simulations and tests: clock, randomness, process. Default: the real ones. */
  readonly environment?: Environment
  /**
   * Run sessions and transport in a thread of their own, so that a collection of garbage or a blocked event loop here
   * does not cost leaderships; `isLeader()` stays a local read (R14). Needs `tcp()`, and `dataDir`, `file()` or `memory()`;
   * no stores. Default false. Costs a thread (about 10 MB) and 0.1 ms per event. Hazard: work that is stuck here keeps
   * the leadership for up to `mainThreadLimitMs` and a lease more.
   */
  readonly worker?: boolean
  /**
   * With `worker`: a main thread that did not move for this long loses what it leads: leases run out, unreleased, and it
   * does not stand before it moves again (R39, R20). A read of a lease counts as a move. Default 5 `promiseMs`. At least
   * `promiseMs`. Too small: one collection of garbage costs a leadership. Too large: a hanging service keeps it.
   */
  readonly mainThreadLimitMs?: number
}

/** How the worker is set up. */
export interface WorkerConfig {
  readonly mainThreadLimitMs: number
  /** Null: this process votes alone. */
  readonly transport: Portable | null
  readonly storage: Portable
  readonly unref: boolean
}

/** Options that may change in any release. */
export interface ExperimentalOptions {
  /**
   * Members of the cluster are added, removed and replaced while it runs (`elector.members`, R29-R34, R72). Over peers with
   * a durable storage only, and for all processes of a cluster or none. `voters` are the founders, and count at the first
   * start alone: each later start goes on with the newest configuration in `dataDir`. All founders have to run once before
   * anybody is elected; a process whose id is not among `voters` waits to be added. At least three founders: if all of
   * them lost their disks they would found the cluster again, beside the one that is. Default false.
   */
  readonly membership?: boolean
}

/** Options of one election of an elector. */
export interface ElectionSettings {
  /** Contend from the start on. Default true. False: only watch who leads; `lead` makes it contend. */
  readonly contend?: boolean
  /**
   * Contenders with a higher number stand first when the election is free (R37, R69). Default 0; whole, -1,000 to 1,000.
   * Changes when somebody stands, never who may win: a low one still leads when it is the only one with a majority. Observers are
   * ordered among themselves where no voter stands.
   */
  readonly priority?: number
  /**
   * A number that the service knows and that changes (load, locality, lag), added to `priority` (R37). A function, or one with
   * its interval and hysteresis. Bounded to -1,000..1,000, rounded; a throw or no finite number is counted and ignored.
   */
  readonly score?: (() => number) | Score
  /**
   * May this process ever lead this election? Default true. False: it votes and watches, and never stands, whatever `lead`
   * asks for. Hazard: if a quorum of the voters has it at false, few are left that can take over (R37).
   */
  readonly canLead?: boolean
  /**
   * Capabilities that a process needs to stand in this election; all of them. Default none. The same at every process, or each
   * judges by its own list. Hazard: a tag that nobody has leaves the election without a leader, and `whyNotLeader` says so.
   */
  readonly requires?: readonly string[]
  /**
   * While this process leads: hand over to a contender with higher criteria (`priority` and `score`) once it has been linked
   * and ahead for that long, and nobody else has begun to lead meanwhile, ms (R37). Default: never. The work stops first, as
   * for `resign`. Too small: leadership follows every wobble. Too large: the better one waits, that is all.
   */
  readonly preferAfterMs?: number
  /** How far ahead it has to be. Default 1, with a `score` 20. Too small: two that are alike take turns. Too large: never. */
  readonly preferBy?: number
  /**
   * No such hand-over while the leader has changed so often within a minute, for whatever reason. Default 2. Too large: a
   * cluster that is unsettled gets hand-overs on top.
   */
  readonly preferPerMinute?: number
  /** Whether this process is fit to lead this election (R39). Default: it always is. */
  readonly healthCheck?: HealthCheck | HealthCheck['check']
  /**
   * A stall of the event loop from which on this process counts as unhealthy, ms (R39, B.1); noticed to a quarter of it. Default:
   * none. Healthy again after the next good answers of `healthCheck`, or `promiseMs` / 2 without one. Too small: a garbage
   * collection costs a leadership. Too large, above the lease: the lease is lost first.
   */
  readonly maxLoopDelayMs?: number
  /**
   * What happens to work that has not stopped shortly before its lease ends, `marginMs` / 8 before it: `event` (default): it was
   * warned, told of by `workOverdue` and `workFenced`, and its leadership is refused by `isValid()` and local fences;
   * `exit`: on top of that `process.exit(1)`, which is the only thing that stops work that listens to nothing. Hazard of `exit`:
   * it ends everything else of this process, too.
   */
  readonly onOverdue?: 'event' | 'exit'
}

/** Settings of an election with every default filled in. */
export interface ElectionConfig {
  readonly contend: boolean
  readonly priority: number
  readonly score: Score | null
  readonly canLead: boolean
  readonly requires: readonly string[]
  readonly preference: Preference | null
  readonly healthCheck: HealthCheck | null
  readonly maxLoopDelayMs: number | null
  readonly onOverdue: 'event' | 'exit'
}

/** Options of `createElection`: those of an elector, and of its one election. */
export interface ElectionOptions extends ElectorOptions, ElectionSettings {
  /** Name of the election, `/^[A-Za-z0-9._:-]{1,128}$/`, the same at every process. */
  readonly name: ElectionName
}

/** Options after the check, with every default filled in. */
export interface ElectorConfig {
  readonly cluster: string
  readonly id: ProcessId
  /** Who votes, and by which rule. */
  readonly plan: VoterPlan
  /** Of the peers; parts for stores never reach it. */
  readonly transport: Transport
  readonly storage: Storage
  readonly timing: ResolvedTiming
  readonly drainMs: number
  readonly stopMs: number
  readonly flushMs: number
  readonly storageTimeoutMs: number
  readonly maxElections: number
  readonly maxObservers: number
  readonly operators: OperatorsOption
  readonly logger: Logger
  readonly metrics: Metrics | null
  readonly handleSignals: boolean
  readonly spread: boolean
  readonly sentinel: boolean
  /** Members change while the cluster runs. */
  readonly membership: boolean
  readonly capabilities: readonly string[]
  readonly environment: Environment
  /** Null: everything runs in this thread. */
  readonly worker: WorkerConfig | null
  /** What an operator should know about the set-up, in sentences. */
  readonly warnings: readonly string[]
}

/** What one life is made of, in whichever thread it runs. */
export type LifeConfig = Omit<ElectorConfig, 'drainMs' | 'stopMs' | 'handleSignals' | 'worker' | 'warnings'>
