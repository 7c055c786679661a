/**
 * A driver that lives in a worker thread, as the thread of the service sees it.
 *
 * Inputs and effects travel as messages; whether a lease stands never waits for one, it is read from shared memory (R14).
 * Two questions block, for a moment: `look`, and the end at `exit` (R53). A worker that dies takes its sockets with it:
 * then nothing is led any more, nothing is released, and this life is over. Decides nothing about elections.
 * Read next: `far-side.ts` (the other end), `lease-board.ts`, `standing.ts`.
 */
import { type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads'
import type { ElectionName, ProcessId, RevokeReason, Term } from '../../core'
import type { ElectionError } from '../../errors'
import { Deadline } from '../deadline'
import type { DriverListener, ServiceEffect, Submitted } from '../driver-options'
import type { DriverPort, DriverView } from '../driver-port'
import { stoppedError, transportError } from '../failures'
import type { LeaseEnd } from '../lease-time'
import type { ElectorConfig } from '../options'
import { SUSPEND_BOUND_MS, TimeWatch } from '../time-watch'
import type { LeaseBoard } from './lease-board'
import { LOOKS } from './main-watch'
import { type Ask, type FarView, type Order, packError, type Report, unpackError } from './messages'

/** How long `look` waits for a worker that is busy, before it answers with what it knew last, ms. */
const LOOK_MS = 100
/** How long an exit hook waits until the worker has let go, ms (R53). */
const EXIT_MS = 200

/** What a remote driver is made of. */
export interface RemoteParts {
  readonly config: ElectorConfig
  readonly listener: DriverListener
  readonly worker: Worker
  readonly board: LeaseBoard
  readonly asks: MessagePort
  /** There is a driver in the worker, or there never will be. */
  readonly born: (error: ElectionError | null) => void
}

/** The end of one lease, on the board; each read is also a sign that this thread moves. */
class BoardEnd implements LeaseEnd {
  constructor(
    private readonly board: LeaseBoard,
    private readonly place: number,
    private readonly term: Term,
  ) {}

  get until(): number {
    this.board.beat()
    return this.board.untilOf(this.place, this.term)
  }
}

/** See `DriverPort`. */
export class RemoteDriver implements DriverPort {
  self: ProcessId
  readonly watch: TimeWatch
  wasStalled = false
  private view: FarView | null = null
  private readonly places = new Map<ElectionName, number>()
  private readonly led = new Map<ElectionName, Term>()
  /** Confirmations asked for: false until the worker says so. */
  private readonly confirmations = new Map<string, boolean>()
  private readonly beat: Deadline
  private whenBorn: ((error: ElectionError | null) => void) | null
  private whenBooted: ((error: ElectionError | null) => void) | null = null
  private readonly whenClosed: (() => void)[] = []
  private suspends = 0
  private isOver = false

  constructor(private readonly parts: RemoteParts) {
    const { config, worker, born, board } = parts
    const { clock } = config.environment
    this.self = config.id
    this.whenBorn = born
    this.watch = new TimeWatch(clock, SUSPEND_BOUND_MS, config.timing.promiseMs)
    const everyMs = (config.worker?.mainThreadLimitMs ?? 0) / (2 * LOOKS)
    this.beat = new Deadline(clock, () => {
      board.beat()
      this.beat.arm(clock.now() + everyMs)
    })
    this.beat.arm(clock.now())
    worker.on('message', (report: Report) => this.hear(report))
    worker.on('error', (error) => this.died(error))
    worker.on('exit', () => this.died(new Error('the worker thread ended')))
  }

  boot(done: (error: ElectionError | null) => void): void {
    if (this.isOver) return done(stoppedError())
    this.whenBooted = done
    this.order({ type: 'boot' })
  }

  submit(input: Submitted): void {
    this.order({ type: 'input', input })
  }

  shutdown({ flushMs, reason }: { flushMs: number; reason: RevokeReason }, done: () => void): void {
    if (this.isOver) return done()
    this.whenClosed.push(done)
    if (this.whenClosed.length === 1) this.order({ type: 'shutdown', flushMs, reason })
  }

  /** Blocks until the worker has renounced everything and its last frames are in the kernel, for a bounded time (R53). */
  endSync(reason: RevokeReason): void {
    if (this.isOver) return
    this.order({ type: 'endSync', reason })
    this.parts.board.awaitEnd(EXIT_MS)
  }

  /** Threads are ended from outside: its sockets close, the lock is free, and no word of release has left (R20). */
  abandon(): void {
    this.over()
  }

  look(election: ElectionName | null): DriverView {
    const view = this.ask({ election }) ?? this.view
    if (view === null) throw stoppedError()
    this.view = view
    const { state, counters, incarnation, stats } = view
    return { state, counters, incarnation, transport: { stats: () => stats } }
  }

  isConfirmed(election: ElectionName, askedAt: number): boolean {
    const key = `${election} ${askedAt}`
    const known = this.confirmations.get(key)
    if (known === undefined) {
      this.confirmations.set(key, false)
      this.order({ type: 'confirm', election, askedAt })
    } else if (known) {
      this.confirmations.delete(key)
      return true
    }
    return false
  }

  leaseEnd(election: ElectionName, term: Term, known: LeaseEnd): LeaseEnd {
    const place = this.places.get(election)
    return place === undefined ? known : new BoardEnd(this.parts.board, place, term)
  }

  /**
   * Do both threads read one clock (B.5)? The worker's reading has to lie between two of this thread's. By how much it does
   * not, ms.
   */
  clockGapMs(): number {
    const { clock } = this.parts.config.environment
    let gapMs = Number.POSITIVE_INFINITY
    for (let tries = 0; tries < 5 && gapMs > 0; tries++) {
      const before = clock.now()
      const view = this.ask({ election: null })
      const after = clock.now()
      if (view === null) return 0
      gapMs = Math.min(gapMs, Math.max(before - view.now, view.now - after, 0))
    }
    return gapMs
  }

  private order(order: Order): void {
    if (!this.isOver) this.parts.worker.postMessage(order)
  }

  /** Asks the worker and waits; null if it is too busy or gone. */
  private ask(question: Ask): FarView | null {
    if (this.isOver) return null
    const { board, asks, config } = this.parts
    const { clock } = config.environment
    const endAt = clock.now() + LOOK_MS
    while (receiveMessageOnPort(asks) !== undefined);
    let answers = board.answers
    asks.postMessage(question)
    for (let leftMs = LOOK_MS; leftMs > 0; leftMs = endAt - clock.now()) {
      board.awaitAnswer(answers, leftMs)
      answers = board.answers
      const answer = receiveMessageOnPort(asks)
      if (answer !== undefined) return answer.message as FarView
    }
    return null
  }

  private hear(report: Report): void {
    // what was on its way when this end gave the worker up would bring leaderships back
    if (this.isOver) return
    const { listener, config } = this.parts
    switch (report.type) {
      case 'born':
        this.self = report.self
        this.view = report.view
        return this.wasBorn(null)
      case 'unborn':
        return this.wasBorn(unpackError(report.error))
      case 'booted':
        return this.wasBooted(report.error === null ? null : unpackError(report.error))
      case 'effects':
        return this.effects(report)
      case 'confirmed': {
        const key = `${report.election} ${report.askedAt}`
        if (this.confirmations.has(key)) this.confirmations.set(key, true)
        listener.settled?.()
        // whoever asked has read it by now, or waits no more
        this.confirmations.delete(key)
        return
      }
      case 'fatal':
        return listener.fatal(unpackError(report.error))
      case 'command': {
        const { number, from, payload } = report
        return listener.command?.(from, payload, (answer, refused) =>
          this.order({ type: 'reply', number, payload: answer, refused }),
        )
      }
      case 'log':
        return config.logger[report.level](report.fields, report.message)
      case 'closed':
        this.view = report.view ?? this.view
        return this.over()
    }
  }

  private effects({ effects, places, suspends, wasStalled }: Extract<Report, { type: 'effects' }>): void {
    for (const [election, place] of places) this.places.set(election, place)
    this.wasStalled = wasStalled
    for (const effect of effects) this.deliver(effect)
    if (suspends > this.suspends) {
      // the worker had ended every lease before it said so
      this.suspends = suspends
      this.watch.rebase()
    }
    this.parts.listener.settled?.()
  }

  private deliver(effect: ServiceEffect): void {
    const { listener, config } = this.parts
    if (effect.type === 'elected') {
      // news of a leadership that was over before this thread heard of it would be told out of its time
      if (!this.isLed(effect.election, effect.term)) return
      this.led.set(effect.election, effect.term)
    } else if (effect.type === 'revoked') {
      if (this.led.get(effect.election) !== effect.term) return
      this.led.delete(effect.election)
      // the worker answers no question about a leadership that is over
      for (const key of this.confirmations.keys()) {
        if (key.startsWith(`${effect.election} `)) this.confirmations.delete(key)
      }
    }
    try {
      listener.effect(effect)
    } catch (error) {
      config.logger.error({ err: error, effect: effect.type }, 'a listener of the driver threw')
    }
  }

  /** Whether the worker still leads in that term; whether the lease stands is another question, asked at each read. */
  private isLed(election: ElectionName, term: Term): boolean {
    const place = this.places.get(election)
    return place !== undefined && this.parts.board.termOf(place) === term
  }

  private wasBorn(error: ElectionError | null): void {
    const { whenBorn } = this
    this.whenBorn = null
    if (error !== null) this.over()
    whenBorn?.(error)
  }

  private wasBooted(error: ElectionError | null): void {
    const { whenBooted } = this
    this.whenBooted = null
    whenBooted?.(error)
  }

  /** The worker is gone, and its sockets with it. What was led is over here; for others it runs out. */
  private died(cause: Error): void {
    if (this.isOver) return
    const { listener, config } = this.parts
    const error = transportError(unpackError(packError(cause)))
    config.logger.error({ err: cause }, 'the worker thread is gone: nothing is led any more')
    this.over()
    for (const [election, term] of this.led) {
      listener.effect({ type: 'revoked', election, term, reason: 'unhealthy' })
    }
    this.led.clear()
    listener.settled?.()
    if (this.whenBorn !== null) return this.wasBorn(error)
    if (this.whenBooted !== null) return this.wasBooted(error)
    listener.fatal(error)
  }

  /** Nothing crosses any more. */
  private over(): void {
    if (this.isOver) return
    this.isOver = true
    this.beat.clear()
    const waiting = this.whenClosed.splice(0)
    void this.parts.worker.terminate().finally(() => {
      for (const done of waiting) done()
    })
  }
}
