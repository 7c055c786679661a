/**
 * One election at this process, from the inside: what the core says about it becomes state, events and running work.
 *
 * State first, then event: effects change at once what can be read; what listeners, signals and waiters get to hear is put
 * off until all effects of the step are in (`later`). Decides when to contend and when to give up, never who leads.
 * Read next: `tenure.ts`, `lead.ts`, `election.ts` (the outside).
 */
import type {
  Election as CoreElection,
  ElectionName,
  LeaseId,
  ProcessId,
  RevokeReason,
  Role,
  Term,
} from '../core'
import type { ElectionError } from '../errors'
import type { Clock } from '../ports/clock'
import type { LedTerm } from '../ports/voter-store'
import type { Election } from './api'
import type { ElectionView } from './changes'
import { type Contender, Contention, type ContentionHost } from './contention'
import type { Submitted } from './driver-options'
import type { CoreView } from './driver-port'
import type { ElectionEvent, ElectionEvents, Events, Warn } from './events'
import { Extras, type ExtrasOwner } from './extras'
import { stoppedError } from './failures'
import { History } from './history'
import type { LeadLoop } from './lead'
import { HeldLeadership } from './leadership'
import type { LeaseTable } from './lease-table'
import type { LeaseEnd, LeaseTime } from './lease-time'
import { displayOf } from './life'
import type { PausedStatus } from './maintenance'
import type { ElectionConfig, ElectorConfig } from './options'
import type { Renewals } from './renewals'
import type { Switchover } from './switchover'
import { type Departure, NOTHING_HELD, type ResignResult, Tenure, type TenureHolder } from './tenure'

/** Who is known to lead: its name for people, and whether it is this very process (R49). */
export interface Known {
  readonly id: ProcessId
  readonly isSelf: boolean
}

/** Who leads after a leadership of this process. */
export interface NextLeader {
  readonly leader: ProcessId
  readonly term: Term
  /** From the end of the own one until this process knew of it, ms. */
  readonly leaderlessMs: number
}

/** Does anybody else contend, and is it linked, or do voters list it, as far as this process knows? */
export function hasOther(state: CoreView | undefined, name: ElectionName): boolean {
  const election = state?.elections.get(name)
  for (const [process, priority] of election?.contenders ?? []) {
    if (priority === Number.NEGATIVE_INFINITY) continue
    if (state?.accounts.get(process)?.connected === true || election?.listed.has(process)) return true
  }
  return false
}

/** Observers that contend and are linked here, or to a voter that says so to this one (R71). */
export function observersIn(state: CoreView | undefined, name: ElectionName): ProcessId[] {
  const election = state?.elections.get(name)
  return [...(election?.contenders ?? [])]
    .filter(([process, priority]) => {
      const isHere = state?.observers.has(process) === true || election?.listed.has(process) === true
      return isHere && priority !== Number.NEGATIVE_INFINITY && state?.accounts.has(process) !== true
    })
    .map(([process]) => process)
}

/** What a seat needs of its elector. */
export interface SeatHost {
  readonly config: ElectorConfig
  readonly contention: ContentionHost
  readonly time: LeaseTime
  readonly leases: LeaseTable<Seat>
  readonly renewals: Renewals
  /** Events of all elections. */
  readonly events: Events
  readonly warn: Warn
  /** Name of this process in the protocol. */
  readonly self: () => ProcessId
  readonly submit: (input: Submitted) => void
  /** A leadership of this process has begun, or is over, for whoever keeps that. */
  readonly remember: (led: LedTerm) => void
  /** Is another contender linked, so that it could take over? */
  readonly hasOther: (election: ElectionName) => boolean
  /** Where the end of that leadership's lease is read. */
  readonly leaseEnd: (election: ElectionName, term: Term, known: LeaseEnd) => LeaseEnd
  /** Runs when all effects of the present step were applied. */
  readonly later: (call: () => void) => void
}

/** One election at this process. */
export class Seat implements Contender, ExtrasOwner, TenureHolder {
  readonly contention: Contention
  /** What the service holds. */
  readonly election: Election
  tenure: Tenure | null = null
  role: Role = 'follower'
  /** Last known leader and its term, as the core reported them. */
  known: Known | null = null
  knownTerm: Term = 0
  /** Wall clock when it was first known, ms since 1970. */
  private seenAtMs = 0
  /** Why this process can never lead again, or null. */
  failure: ElectionError | null = null

  private leaseId: LeaseId | null = null
  private isTouched = false
  isFinished = false
  /** Null as long as it has seen one leader only. */
  private madeHistory: History | null = null
  /** Null as long as nothing of it is used. */
  private madeExtras: Extras | null = null

  constructor(
    readonly name: ElectionName,
    readonly settings: ElectionConfig,
    private readonly host: SeatHost,
    outside: (seat: Seat) => Election,
  ) {
    this.contention = new Contention(this, host.contention)
    this.election = outside(this)
  }

  get history(): History {
    if (this.madeHistory === null) {
      this.madeHistory = new History()
      if (this.known !== null) this.madeHistory.saw(this.known.id, this.knownTerm, this.seenAtMs)
    }
    return this.madeHistory
  }

  /** Listeners, iterators, waiters, maintenance, work. */
  get extras(): Extras {
    this.madeExtras ??= new Extras(this)
    return this.madeExtras
  }

  /** Work that is to run whenever this process leads. */
  get loop(): LeadLoop | null {
    return this.madeExtras?.loop ?? null
  }

  /** Who paused it and since when; null while it is not paused as far as is known here. */
  get paused(): PausedStatus | null {
    return this.madeExtras?.madeMaintenance?.paused ?? null
  }

  /** The hand-over that is due later, or null. */
  get switchover(): Switchover | null {
    return this.madeExtras?.madeMaintenance?.switchover ?? null
  }

  get warn(): Warn {
    return this.host.warn
  }

  get clock(): Clock {
    return this.host.time.clock
  }

  /** Who leads; never this process without a lease at this reading. */
  get leader(): ProcessId | null {
    const { known } = this
    if (known === null || !known.isSelf) return known?.id ?? null
    return this.tenure?.leadership.isValid() ? known.id : null
  }

  /** Who leads in a term above that of the own last leadership, and how long nobody did; undefined if nobody is known. */
  nextLeader(after: Term): NextLeader | undefined {
    const { leader, knownTerm } = this
    if (leader === null || knownTerm <= after) return undefined
    const endedAt = this.madeHistory?.endedAt ?? 0
    const leaderlessMs = Math.max(0, Math.round(this.host.time.clock.now() - endedAt))
    return { leader, term: knownTerm, leaderlessMs }
  }

  /** Emits to the listeners of this election, then to those of all elections. */
  emit<E extends ElectionEvent>(event: E, payload: ElectionEvents[E]): void {
    this.emitHere(event, payload)
    this.host.events.emit(event, payload)
  }

  /** Emits to the listeners of this election alone. */
  emitHere<E extends ElectionEvent>(event: E, payload: ElectionEvents[E]): void {
    this.madeExtras?.madeEvents?.emit(event, payload)
  }

  /** Asked before: ten thousand elections that are tried for at once change roles and leaders by the hundred thousand. */
  private hears(event: ElectionEvent): boolean {
    return this.madeExtras?.madeEvents?.hears(event) === true || this.host.events.hears(event)
  }

  // --- what the core says -----------------------------------------------------------------------------------------------

  elected(term: Term, lease: LeaseId): void {
    const { name, host } = this
    const { config, time, leases, self } = host
    const end = host.leaseEnd(name, term, leases.join(this, lease, null))
    const leadership = new HeldLeadership(name, self(), term, end, time, config.timing.marginMs)
    this.leaseId = lease
    this.tenure = new Tenure(leadership, this)
    const { token } = leadership
    config.logger.info({ election: name, term }, 'leading')
    host.later(() => this.emit('elected', { election: name, term, token, leadership }))
    this.remember(leadership, null, null)
    host.later(() => this.madeExtras?.madeMaintenance?.heed())
    this.touch()
  }

  revoked(term: Term, reason: RevokeReason): void {
    const { name, host, tenure } = this
    if (tenure === null || tenure.leadership.term !== term) return
    const { leadership } = tenure
    // a lease that ran out while nothing ran was over before anybody looked
    const endedAt = Math.min(host.time.clock.now(), leadership.lease.until)
    this.history.endedAt = endedAt
    tenure.end(reason)
    if (this.leaseId !== null) host.leases.leave(this, this.leaseId)
    this.leaseId = null
    this.tenure = null
    host.later(() => {
      const why = tenure.announce()
      const heldMs = Math.round(endedAt - leadership.wonAt)
      this.history.add({ term, wonAtMs: leadership.wonAtMs, heldMs, reason: why })
      this.remember(leadership, heldMs, why)
      host.config.logger.info({ election: name, term, reason: why }, 'stopped leading')
      this.emit('revoked', { election: name, term, token: leadership.token, reason: why })
    })
    this.touch()
  }

  private remember({ term, wonAtMs }: HeldLeadership, heldMs: number | null, reason: string | null): void {
    const { name: election, host } = this
    host.remember({ election, term, leader: host.config.id, wonAtMs, heldMs, reason })
  }

  leaseChanged(lease: LeaseId): void {
    const { tenure, host, leaseId } = this
    if (tenure === null) return
    const { leadership } = tenure
    leadership.lease = host.leaseEnd(this.name, leadership.term, host.leases.join(this, lease, leaseId))
    this.leaseId = lease
  }

  leaderChanged(known: Known | null, term: Term): void {
    const leader = known?.id ?? null
    // whoever was known is remembered before it is replaced
    const history = this.known === null ? this.madeHistory : this.history
    this.known = known
    this.knownTerm = term
    if (leader !== null) {
      this.seenAtMs = this.clock.wall()
      history?.saw(leader, term, this.seenAtMs)
    }
    if (this.hears('leaderChanged'))
      this.host.later(() => this.emit('leaderChanged', { election: this.name, leader, term }))
    this.touch()
  }

  roleChanged(role: Role): void {
    this.role = role
    if (this.hears('roleChanged'))
      this.host.later(() => this.emit('roleChanged', { election: this.name, role }))
    this.touch()
  }

  /** R37: a better contender has been there for long enough. */
  handOverDue(term: Term, to: ProcessId): void {
    if (this.tenure?.leadership.term !== term) return
    const cooldownMs = this.host.config.timing.promiseMs
    this.host.later(() => void this.giveUp('transferred', { to, cooldownMs }))
  }

  // --- what the service wants -------------------------------------------------------------------------------------------

  /** The process has started, knowing that of this election already. */
  begin(core: CoreElection | undefined, known: Known | null): void {
    if (core !== undefined) {
      this.role = core.role
      this.known = known
      this.knownTerm = core.leaderTerm
      this.seenAtMs = this.clock.wall()
      if (core.pause !== null) this.extras.maintenance.changed(core.pause)
    }
    this.contention.start()
    this.touch()
  }

  /** `lead` was called: from now on this process contends. */
  work(loop: LeadLoop): void {
    this.extras.loop = loop
    this.contention.want(true)
    loop.look()
  }

  /** `lead` was ended by its own signal: the service does not want to lead any more. */
  quit(loop: LeadLoop): void {
    this.contention.want(false)
    loop.stop()
    void this.giveUp('resigned', { drainMs: loop.drainMs })
  }

  // --- what its parts say -----------------------------------------------------------------------------------------------

  tell(contending: boolean, priority: number): void {
    const { preference } = this.settings
    this.submit({ type: 'contend', election: this.name, contending, priority, preference })
  }

  /** R39: an unhealthy leader hands over; if nobody can take it, it gives up, or keeps on as the service wishes. */
  unfit(): void {
    const isAlone = this.settings.healthCheck?.whenAlone === 'keep' && !this.host.hasOther(this.name)
    if (this.tenure !== null && !isAlone) void this.giveUp('unhealthy', {})
  }

  get drainMs(): number {
    return this.loop?.drainMs ?? this.host.config.drainMs
  }

  get marginMs(): number {
    return this.host.config.timing.marginMs
  }

  get exit(): (() => void) | null {
    const { environment } = this.host.config
    return this.settings.onOverdue === 'exit' ? () => environment.process?.exit?.(1) : null
  }

  submit(input: Submitted): void {
    this.host.submit(input)
  }

  fenced(term: Term): void {
    const { name, host } = this
    host.config.logger.error(
      { election: name, term },
      'work goes on after its signal: its leadership is refused',
    )
    this.emit('workFenced', { election: name, term })
  }

  overdue(tenure: Tenure, drainMs: number): void {
    this.emit('workOverdue', { election: this.name, term: tenure.leadership.term, drainMs })
    this.contention.bench(tenure)
    this.loop?.overdue(tenure)
  }

  stopped(tookMs: number): void {
    this.host.renewals.workStopped(tookMs)
  }

  display(process: ProcessId): ProcessId {
    return displayOf(this.host.config, process)
  }

  later(call: () => void): void {
    this.host.later(call)
  }

  stepDown(): void {
    void this.giveUp('paused', {})
  }

  // --- how it ends ------------------------------------------------------------------------------------------------------

  /** Gives the leadership up, if there is one (R20). */
  giveUp(reason: RevokeReason, options: Partial<Omit<Departure, 'reason'>>): Promise<ResignResult> {
    const { tenure } = this
    if (tenure === null) return Promise.resolve(NOTHING_HELD)
    const { to = null, cooldownMs = 0, drainMs = this.drainMs } = options
    return new Promise((resolve) => tenure.giveUp({ reason, to, cooldownMs, drainMs }, resolve))
  }

  /** Leaves the election while the process goes on or drains: gives the leadership up first. Resolves when it is over. */
  async leave(): Promise<void> {
    this.close()
    this.contention.decide()
    await this.giveUp('stopped', {})
    this.finish()
  }

  /** No work begins any more. */
  close(): void {
    this.contention.close()
    this.loop?.stop()
  }

  /** Nothing will change any more. */
  finish(): void {
    this.isFinished = true
    this.madeExtras?.finish(stoppedError())
  }

  /** After `close`, while the elector still runs. */
  reopen(): void {
    if (!this.contention.isClosed) return
    this.isFinished = false
    this.madeExtras?.reopen()
    this.contention.reopen()
  }

  /** This process can never lead again. */
  fail(error: ElectionError): void {
    this.failure = error
    this.contention.halt()
    this.madeExtras?.fail(error)
    this.emitHere('failed', { error })
    this.touch()
  }

  /** Tells waiters, iterators and work once per step that something changed. */
  private touch(): void {
    if (this.isTouched) return
    this.isTouched = true
    this.host.later(() => this.touched())
  }

  private touched(): void {
    this.isTouched = false
    this.madeExtras?.look()
  }

  /** The election at this reading. */
  view(): ElectionView {
    const leadership = this.tenure?.leadership
    const isLeader = leadership !== undefined && !leadership.isEnding && leadership.isValid()
    const { role, leader, knownTerm } = this
    return {
      role,
      leader,
      term: leader === null ? 0 : knownTerm,
      isLeader,
      token: isLeader ? leadership.token : null,
    }
  }
}
