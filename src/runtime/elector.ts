/**
 * One process with any number of elections: hands what the core says to the elections, and what they want to the core.
 *
 * State first, then event: the effects of one step change what can be read as they come in; what listeners get to hear
 * (`calls`) follows when all of them are in. Decides nothing. Read next: `seat.ts`, `lifecycle.ts`, `driver.ts`.
 */
import {
  type AlarmEffect,
  type ConfiguredEffect,
  type ElectionName,
  type LeaderChangedEffect,
  MEMBERS,
  type ProcessId,
  type RevokedEffect,
  type RevokeReason,
} from '../core'
import type { ElectionError } from '../errors'
import { Alarms } from './alarms'
import type { Election, Elector } from './api'
import type { DriverListener, ServiceEffect, Submitted } from './driver'
import type { OperatorReply } from './driver-options'
import { type ElectionHost, SeatElection } from './election'
import { type ElectionEvent, type ElectionListener, Events } from './events'
import { stoppedError } from './failures'
import { Fifo } from './fifo'
import { LeaseTable } from './lease-table'
import { LeaseTime } from './lease-time'
import { clusterOf, displayOf } from './life'
import { Lifecycle } from './lifecycle'
import { type Members, ProcessMembers } from './members'
import { type LastTry, type Meter, meterOf } from './meter'
import { OperatorDesk } from './operator-desk'
import type { ElectionConfig, ElectionSettings, ElectorConfig } from './options'
import { Pauses } from './pauses'
import { Questions } from './questions'
import { readElectionSettings } from './read-options'
import { Renewals } from './renewals'
import { invalid } from './schema'
import { hasOther, type Known, observersIn, Seat, type SeatHost } from './seat'
import { Spread } from './spread'
import { type ElectorStatus, electionStatus, electionSummary, processStatus, type Subject } from './status'
import { StoreTransport } from './store-transport'

const LEADERS_KEPT = 64

/** An elector over real or simulated surroundings. */
export class ProcessElector implements Elector, DriverListener {
  private readonly events: Events
  private readonly time: LeaseTime
  private readonly leases: LeaseTable<Seat>
  private readonly questions: Questions
  private readonly membership: ProcessMembers
  private readonly pauses: Pauses
  private readonly life: Lifecycle
  private readonly seats = new Map<ElectionName, Seat>()
  /** What has to be told when the effects of the present step are all in. */
  private readonly calls = new Fifo<() => void>()
  /** Ten thousand elections led by one process name it by one object. */
  private readonly leaders = new Map<ProcessId, Known>()
  private readonly alarms: Alarms
  private readonly meter: Meter | null
  private readonly renewals: Renewals
  private readonly spread: Spread | null
  private readonly desk: OperatorDesk
  /** One for all: an election that idles costs its own state and nothing else. */
  private readonly seatHost: SeatHost
  private readonly electionHost: ElectionHost

  constructor(
    private readonly config: ElectorConfig,
    /** There will be one election only, and stopping it stops the elector. */
    private readonly isSolo: boolean,
  ) {
    const { environment, timing, plan } = config
    const { clock } = environment
    this.events = new Events((message, detail) => this.warn(message, detail))
    this.time = new LeaseTime(clock)
    this.alarms = new Alarms(clock)
    this.meter = meterOf({ config, metered: this, lastTry: (name) => this.lastTry(name) })
    this.renewals = new Renewals(timing, this.meter)
    this.leases = new LeaseTable({
      clock,
      marginMs: timing.marginMs,
      untilOf: (seat) => seat.tenure?.leadership.lease.until ?? Number.NEGATIVE_INFINITY,
      isEnding: (seat) => seat.tenure?.leadership.isEnding === true,
      onMargin: (seats) => {
        for (const seat of seats) seat.tenure?.runOut()
      },
      onRenewed: (former, until) => this.renewals.renewed(former, until, clock.now()),
    })
    const asking = {
      clock,
      cluster: () => this.life.driver?.look(null).state.cluster ?? clusterOf(plan),
      promiseMs: timing.promiseMs,
      heartbeatMs: timing.heartbeatMs,
      isConfirmed: (election: ElectionName, askedAt: number) =>
        this.life.driver?.isConfirmed(election, askedAt) === true,
      submit: (input: Submitted) => this.submit(input),
    }
    this.questions = new Questions(asking)
    this.pauses = new Pauses(asking)
    this.membership = new ProcessMembers({
      id: config.id,
      clock,
      promiseMs: timing.promiseMs,
      driver: () => (this.life.phase === 'running' ? this.life.driver : null),
      submit: (input) => this.submit(input),
    })
    this.life = new Lifecycle({
      config,
      listener: this,
      onBorn: (driver) => this.time.attach(driver.watch, () => driver.submit({ type: 'suspended' })),
      onRunning: () => this.beginAll(),
      onFailed: (error) => this.tellFailure(error),
      drain: () => this.drain(),
      cut: () => this.cutAll(),
      onEnded: () => this.finish(),
    })
    this.spread = this.spreadOf(config)
    this.desk = this.deskOf(config)
    this.seatHost = this.hostOfSeats()
    this.electionHost = this.hostOfElections()
  }

  get id(): ProcessId {
    return this.config.id
  }

  now(): number {
    return this.time.clock.now()
  }

  get members(): Members {
    if (this.config.membership) return this.membership
    throw invalid('members', ['members change only with experimental: { membership: true }'])
  }

  election(name: ElectionName, settings?: ElectionSettings): Election {
    const known = this.seats.get(name)?.election
    if (known !== undefined) {
      if (settings === undefined) return known
      throw invalid('election()', [`settings of "${name}" were given at its first call and cannot change`])
    }
    return this.open(name, readElectionSettings(name, settings ?? {}))
  }

  /** An election that is new here, with settings that were judged. */
  open(name: ElectionName, settings: ElectionConfig): Election {
    const seat = new Seat(name, settings, this.seatHost, (of) => new SeatElection(of, this.electionHost))
    this.seats.set(name, seat)
    if (this.life.phase === 'running') this.begin(seat)
    return seat.election
  }

  start(): Promise<void> {
    return this.life.start()
  }

  stop(): Promise<void> {
    return this.life.stop()
  }

  status(): ElectorStatus {
    const elections = Object.fromEntries([...this.seats].map(([name, seat]) => [name, electionSummary(seat)]))
    return { ...processStatus(this.subject(null)), elections }
  }

  on<E extends ElectionEvent>(event: E, listener: ElectionListener<E>): this {
    this.events.on(event, listener)
    return this
  }

  off<E extends ElectionEvent>(event: E, listener: ElectionListener<E>): this {
    this.events.off(event, listener)
    return this
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  // --- what the driver says -----------------------------------------------------------------------------------------------

  effect(effect: ServiceEffect): void {
    switch (effect.type) {
      case 'leaseExtended':
        return this.leases.extend(effect.lease, effect.until)
      case 'leaseDropped':
        return this.leases.drop(effect.lease)
      case 'leaseChanged':
        return this.seats.get(effect.election)?.leaseChanged(effect.lease)
      case 'elected':
        return this.seats.get(effect.election)?.elected(effect.term, effect.lease)
      case 'revoked':
        return this.seats.get(effect.election)?.revoked(effect.term, this.reasonOf(effect))
      case 'leaderChanged':
        return this.leaderChanged(effect)
      case 'roleChanged':
        return this.seats.get(effect.election)?.roleChanged(effect.role)
      case 'handOverDue':
        return this.seats.get(effect.election)?.handOverDue(effect.term, effect.to)
      case 'termRead':
        return this.questions.termRead(effect)
      case 'pauseChanged':
        return this.seats.get(effect.election)?.extras.maintenance.changed(effect.pause)
      case 'pauseHeld':
        return this.pauses.heldBy(effect)
      case 'configured':
        return this.configured(effect)
      case 'reconfigured':
        return this.membership.reconfigured(effect)
      case 'alarm':
        return this.alarm(effect)
    }
  }

  settled(): void {
    this.flush()
    this.questions.look()
    this.pauses.look()
    this.membership.look()
  }

  fatal(error: ElectionError): void {
    this.life.fail(error)
  }

  command(from: ProcessId, payload: string, reply: OperatorReply): void {
    this.desk.command(from, payload, reply)
  }

  /** A lease that ran out while nothing of this process ran was not lost to the network. */
  private reasonOf({ reason }: RevokedEffect): RevokeReason {
    return reason === 'expired' && this.life.driver?.wasStalled === true ? 'stalled' : reason
  }

  /** R34: who was removed gives up what it leads as soon as its work has stopped; the lease grows no more. */
  private configured({ cluster, removed }: ConfiguredEffect): void {
    const { term, version } = cluster
    this.config.logger.info({ term, version, members: cluster.voters.map(({ id }) => id) }, 'other members')
    this.questions.forget()
    if (!removed) return
    this.config.logger.warn({ term, version }, 'this process is no member any more')
    for (const seat of this.seats.values()) this.calls.push(() => void seat.giveUp('removed', {}))
  }

  private alarm(alarm: AlarmEffect): void {
    if (!this.alarms.isNew(alarm)) return
    const { code, election, detail } = alarm
    const process = alarm.process === null ? null : displayOf(this.config, alarm.process)
    const payload = { code, election, process, detail }
    this.config.logger.warn(payload, 'alarm')
    this.calls.push(() => {
      this.events.emit('alarm', payload)
      for (const seat of this.seats.values()) {
        if (election === null || election === seat.name) seat.emitHere('alarm', payload)
      }
    })
  }

  // --- elections ----------------------------------------------------------------------------------------------------------

  private leaderChanged({ election, leader, term }: LeaderChangedEffect): void {
    const seat = this.seats.get(election)
    if (seat === undefined) return this.overheard(election, leader, term)
    const known = this.known(leader)
    this.spread?.counted(seat.known?.id ?? null, known?.id ?? null)
    seat.leaderChanged(known, term)
  }

  /** An election that nobody opened here: this process only votes in it. */
  private overheard(election: ElectionName, leader: ProcessId | null, term: number): void {
    if (election === MEMBERS || !this.events.hears('leaderChanged')) return
    const id = this.known(leader)?.id ?? null
    this.calls.push(() => this.events.emit('leaderChanged', { election, leader: id, term }))
  }

  private deskOf({ logger, operators }: ElectorConfig): OperatorDesk {
    const status = () => processStatus(this.subject(null))
    return new OperatorDesk({ logger, operators, status, seats: this.seats, now: () => this.now() })
  }

  private spreadOf({ id, spread, timing }: ElectorConfig): Spread | null {
    if (!spread) return null
    return new Spread({
      clock: this.time.clock,
      promiseMs: timing.promiseMs,
      self: id,
      members: () => {
        const accounts = [...(this.life.driver?.look(null).state.accounts ?? [])]
        return [id, ...accounts.filter(([, { connected }]) => connected).map(([peer]) => peer)]
      },
      give: (count, to) => this.give(count, to),
    })
  }

  /** Only what is settled, and only to who contends with the same priority: others would give it back (R37). */
  private give(count: number, to: ProcessId): void {
    const { promiseMs } = this.config.timing
    let given = 0
    for (const seat of this.seats.values()) {
      if (given === count) return
      const { tenure, name } = seat
      if (tenure === null || tenure.leadership.isEnding) continue
      if (this.now() - tenure.leadership.wonAt < promiseMs) continue
      const core = this.life.driver?.look(name).state.elections.get(name)
      if (core === undefined || core.contenders.get(to) !== core.priority) continue
      given += 1
      void seat.giveUp('transferred', { to, cooldownMs: promiseMs })
    }
  }

  private hostOfSeats(): SeatHost {
    const { config, time, leases, renewals, events } = this
    return {
      config,
      contention: {
        capabilities: config.capabilities,
        mayLead: config.plan.memberKind !== 'witness',
        // who has no vote hears of leaders only if it asks
        asks: !config.plan.isVoter,
        clock: time.clock,
        promiseMs: config.timing.promiseMs,
      },
      time,
      leases,
      renewals,
      events,
      self: () => this.life.driver?.self ?? config.id,
      warn: (message, detail) => this.warn(message, detail),
      remember: (led) => {
        const transport = this.life.driver?.look(null).transport
        if (transport instanceof StoreTransport) transport.remember(led)
      },
      hasOther: (election) => hasOther(this.life.driver?.look(election).state, election),
      submit: (input) => this.submit(input),
      leaseEnd: (name, term, known) => this.life.driver?.leaseEnd(name, term, known) ?? known,
      later: (call) => this.calls.push(call),
    }
  }

  private hostOfElections(): ElectionHost {
    const { config, questions, pauses } = this
    return {
      config,
      clock: this.time.clock,
      questions,
      pauses,
      start: (seat) => this.start().then(() => seat.reopen()),
      members: () => this.members,
      stop: (seat) => (this.isSolo ? this.stop() : seat.leave()),
      statusOf: (seat) => electionStatus(this.subject(seat.name), seat),
      observersIn: ({ name }) =>
        observersIn(this.life.driver?.look(name).state, name).map((process) => displayOf(config, process)),
    }
  }

  private submit(input: Submitted): void {
    this.life.driver?.submit(input)
  }

  private begin(seat: Seat): void {
    const core = this.life.driver?.look(seat.name).state.elections.get(seat.name)
    const known = this.known(core?.leader ?? null)
    if (core !== undefined) this.spread?.counted(seat.known?.id ?? null, known?.id ?? null)
    seat.begin(core, known)
    this.flush()
  }

  private beginAll(): void {
    this.meter?.start()
    this.spread?.start()
    if (this.config.membership) {
      this.submit({ type: 'contend', election: MEMBERS, contending: true, priority: 0 })
    }
    for (const seat of this.seats.values()) this.begin(seat)
  }

  /** What a seat is told of a leader: the name for people, and whether it is this very process (R49). */
  private known(leader: ProcessId | null): Known | null {
    if (leader === null) return null
    const isSelf = leader === this.life.driver?.self
    const kept = this.leaders.get(leader)
    if (kept?.isSelf === isSelf) return kept
    const known = { id: displayOf(this.config, leader), isSelf }
    // where only stores vote each life has a name of its own (R49)
    if (this.leaders.size >= LEADERS_KEPT) this.leaders.clear()
    this.leaders.set(leader, known)
    return known
  }

  private tellFailure(error: ElectionError): void {
    this.events.emit('failed', { error })
    for (const seat of this.seats.values()) seat.fail(error)
    this.flush()
  }

  /**
   * R20 for every election. If no work runs anywhere, the one word that ends the process frees all of them (R71); otherwise
   * those without work are released at once, and the others when their work has stopped.
   */
  private drain(): Promise<unknown> {
    const seats = [...this.seats.values()]
    const isBusy = seats.some(({ tenure }) => tenure !== null && !tenure.isIdle)
    return Promise.all(seats.map((seat) => (isBusy ? seat.leave() : seat.close())))
  }

  private cutAll(): void {
    for (const seat of this.seats.values()) {
      if (seat.tenure !== null) seat.revoked(seat.tenure.leadership.term, 'stopped')
    }
    this.leases.clear()
    this.flush()
  }

  private finish(): void {
    this.meter?.stop()
    this.spread?.stop()
    for (const seat of this.seats.values()) seat.finish()
    this.questions.end(stoppedError())
    this.pauses.end(stoppedError())
    this.membership.end(stoppedError())
  }

  private flush(): void {
    for (let call = this.calls.shift(); call !== undefined; call = this.calls.shift()) call()
  }

  private warn(message: string, detail: string): void {
    this.config.logger.warn({ detail }, message)
    this.config.environment.process?.emitWarning(`${message}: ${detail}`, {
      type: 'ConclaveWarning',
      code: 'CONCLAVE_LISTENER',
    })
  }

  private lastTry(name: ElectionName): LastTry | undefined {
    return this.life.driver?.look(name).state.elections.get(name)
  }

  private subject(election: ElectionName | null): Subject {
    const { config, life } = this
    const { driver, phase, error, loop } = life
    const view = driver?.look(election) ?? null
    return {
      config,
      phase,
      error,
      state: view?.state ?? null,
      transport: view?.transport ?? config.transport,
      incarnation: view?.incarnation ?? null,
      counters: view?.counters ?? null,
      eventLoop: loop?.read() ?? null,
      margin: this.renewals.read(),
      now: this.now(),
    }
  }
}
