/**
 * The `Election` that a service holds: reads that look at the clock, and calls that are checked and passed on.
 *
 * Decides nothing. Read next: `api.ts` (what each method promises), `seat.ts` (what stands behind them).
 */
import type { ElectionName, ProcessId, Role } from '../core'
import { ElectionError } from '../errors'
import type { Clock } from '../ports/clock'
import type {
  Election,
  KnownLeader,
  PauseOptions,
  PauseResult,
  ResignOptions,
  RunResult,
  WaitLimits,
} from './api'
import type { ElectionView } from './changes'
import type { ElectionEvent, ElectionListener } from './events'
import { stoppedError } from './failures'
import { type HandOver, handOverOf } from './hand-over'
import { LeadLoop, type LeadOptions } from './lead'
import type { Leadership } from './leadership'
import type { Members } from './members'
import type { ElectorConfig } from './options'
import type { Pauses, Wish } from './pauses'
import type { Questions } from './questions'
import { checkFreeze, checkLead, checkLimits, checkPause, checkResign, checkSwitchover } from './read-calls'
import type { Seat } from './seat'
import type { ElectionStatus } from './status'
import { Switchover, type SwitchoverOptions } from './switchover'
import type { Work } from './tenure'

/** What an election needs of its elector. */
export interface ElectionHost {
  readonly config: ElectorConfig
  readonly clock: Clock
  readonly questions: Questions
  readonly pauses: Pauses
  readonly members: () => Members
  readonly start: (seat: Seat) => Promise<void>
  /** Stops that election, and the elector with it if it has no other. */
  readonly stop: (seat: Seat) => Promise<void>
  readonly statusOf: (seat: Seat) => ElectionStatus
  /** Ids of the observers that are linked here and contend in it (R71). */
  readonly observersIn: (seat: Seat) => readonly ProcessId[]
}

/** An election of an elector. */
export class SeatElection implements Election {
  constructor(
    private readonly seat: Seat,
    private readonly host: ElectionHost,
  ) {}

  get name(): ElectionName {
    return this.seat.name
  }

  get id(): ProcessId {
    return this.host.config.id
  }

  get role(): Role {
    return this.seat.role
  }

  get leader(): ProcessId | null {
    return this.seat.leader
  }

  get leadership(): Leadership | null {
    const leadership = this.seat.tenure?.leadership
    return leadership?.isValid() ? leadership : null
  }

  get members(): Members {
    return this.host.members()
  }

  start(): Promise<void> {
    return this.host.start(this.seat)
  }

  stop(): Promise<void> {
    return this.host.stop(this.seat)
  }

  isLeader(): boolean {
    const leadership = this.seat.tenure?.leadership
    return leadership !== undefined && !leadership.isEnding && leadership.isValid()
  }

  isLeaderAt(now: number): boolean {
    const leadership = this.seat.tenure?.leadership
    return leadership !== undefined && !leadership.isEnding && now < leadership.lease.until
  }

  now(): number {
    return this.host.clock.now()
  }

  async lead(work: Work<unknown>, options: LeadOptions = {}): Promise<void> {
    const { seat, host } = this
    checkLead(work, options, seat.loop !== null, host.config)
    demandOpen(seat)
    const { signal } = options
    if (signal?.aborted) return
    const loop = new LeadLoop(work, options, {
      election: seat.name,
      events: seat,
      tenure: () => seat.tenure,
      drainMs: host.config.drainMs,
      cooldownMs: host.config.timing.promiseMs,
    })
    const quit = (): void => seat.quit(loop)
    signal?.addEventListener('abort', quit, { once: true })
    seat.work(loop)
    try {
      await loop.done
    } finally {
      signal?.removeEventListener('abort', quit)
      seat.extras.loop = null
    }
  }

  async runIfLeader<T>(work: Work<T>): Promise<RunResult<T>> {
    const { tenure } = this.seat
    if (tenure === null || !tenure.isOpen) return { ran: false }
    return { ran: true, value: await tenure.run(work) }
  }

  async resign(options: ResignOptions = {}): Promise<HandOver> {
    const { seat, host } = this
    checkResign(options, host.config, host.observersIn(seat))
    if (options.to !== undefined) demandElectable(seat)
    const { promiseMs } = host.config.timing
    const { to = null, cooldownMs = promiseMs, reason = 'resigned', drainMs, timeoutMs = 0 } = options
    const limit = drainMs === undefined ? {} : { drainMs }
    const result = await seat.giveUp(to === null ? reason : 'transferred', { to, cooldownMs, ...limit })
    return handOverOf(seat, result, { to, timeoutMs })
  }

  async pause({ leader = 'stays', ...limits }: PauseOptions = {}): Promise<PauseResult> {
    checkPause(leader)
    return this.say('pause()', { isPaused: true, leader }, limits)
  }

  async resume(limits: WaitLimits = {}): Promise<PauseResult> {
    return this.say('resume()', { isPaused: false, leader: 'stays' }, limits)
  }

  private async say(call: string, wish: Wish, limits: WaitLimits): Promise<PauseResult> {
    checkLimits(call, limits)
    const { seat, host } = this
    demandOpen(seat)
    const { pause, voters } = await host.pauses.say(seat, wish, limits)
    const { leader } = seat
    const leaderStays = leader !== null && !(pause.isPaused && pause.leader === 'stepsDown')
    return { isPaused: pause.isPaused, leader, leaderStays, voters }
  }

  freeze(forMs: number): void {
    checkFreeze(forMs)
    this.seat.contention.freeze(forMs)
  }

  switchover(options: SwitchoverOptions): Switchover {
    const { seat, host } = this
    checkSwitchover(options, host.config)
    demandOpen(seat)
    const { maintenance } = seat.extras
    maintenance.switchover?.cancel()
    const switchover = new Switchover(options, {
      clock: host.clock,
      isLeader: () => this.isLeader(),
      isPaused: () => maintenance.paused !== null,
      resign: (how) => this.resign(how),
      over: () => {
        maintenance.switchover = null
      },
    })
    maintenance.switchover = switchover
    return switchover
  }

  async waitForLeader(limits: WaitLimits = {}): Promise<KnownLeader> {
    checkLimits('waitForLeader()', limits)
    const { seat } = this
    demandOpen(seat)
    const { timeoutMs = Number.POSITIVE_INFINITY, signal } = limits
    return seat.extras.waits.add({
      check: () => {
        const { leader, knownTerm } = seat
        return leader === null ? undefined : { leader, term: knownTerm }
      },
      timeoutMs,
      onTimeout: () =>
        new ElectionError('ELECTION_TIMEOUT', `nobody led "${seat.name}" within ${timeoutMs} ms`, {
          details: { election: seat.name, timeoutMs },
        }),
      signal,
    })
  }

  async verify(limits: WaitLimits = {}): Promise<boolean> {
    checkLimits('verify()', limits)
    return this.host.questions.verify(this.seat.name, this.seat.tenure, limits)
  }

  async readFloor(limits: WaitLimits = {}): Promise<number> {
    checkLimits('readFloor()', limits)
    demandOpen(this.seat)
    return this.host.questions.readFloor(this.seat.name, limits)
  }

  status(): ElectionStatus {
    return this.host.statusOf(this.seat)
  }

  changes(): AsyncIterableIterator<ElectionView> {
    return this.seat.extras.changes.iterate()
  }

  on<E extends ElectionEvent>(event: E, listener: ElectionListener<E>): this {
    this.seat.extras.events.on(event, listener)
    return this
  }

  off<E extends ElectionEvent>(event: E, listener: ElectionListener<E>): this {
    this.seat.extras.events.off(event, listener)
    return this
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** R81: nobody could take over. @throws ELECTION_PAUSED */
function demandElectable({ name, paused }: Seat): void {
  if (paused === null) return
  throw new ElectionError(
    'ELECTION_PAUSED',
    `"${name}" is paused by "${paused.by}": nobody can take over before it is resumed`,
    {
      details: { election: name, ...paused },
    },
  )
}

/** @throws ELECTION_STOPPED, or the failure that ended this life. */
function demandOpen({ contention, failure }: Seat): void {
  if (contention.isClosed) throw stoppedError()
  if (failure !== null) throw failure
}
