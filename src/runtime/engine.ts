/**
 * Runs inputs through the core: stamps them, steps, and hands the effects out in their order.
 *
 * One input at a time, to completion; what is submitted meanwhile waits in a queue (B.10). What one turn of the loop
 * decided is sent and written at the end of that turn, in one frame per peer and one write (R70); but the first word by
 * which a turn frees an election leaves before anybody here is told, because nobody leads until it has arrived, and what
 * nobody waits for leaves a little later. Listeners, which may take their time, hear of others' leaderships behind requests and
 * votes, and of their own at once. One timer for the core. Looks at no role and knows nothing of starting and stopping. Read next: `core/step.ts`, `driver.ts`.
 */
import {
  createState,
  type Effect,
  type Input,
  nextDeadline,
  type PersistEffect,
  type SendEffect,
  type State,
  step,
} from '../core'
import { Deadline } from './deadline'
import type { DriverOptions, ServiceEffect, Submitted } from './driver-options'
import { Fifo } from './fifo'
import { Outbox } from './outbox'
import { SUSPEND_BOUND_MS, TimeWatch } from './time-watch'
import type { Writer } from './writer'

/**
 * How long whoever is to lead next has before the others hear why from somebody else. It tells them itself when it asks for
 * their votes, by its certificate or the proof of death (R21, R55); whoever reached nobody is passed over by then.
 */
const HEAD_START_MS = 10

const isForHeir = ({ parts }: SendEffect): boolean => parts.some(({ kind }) => kind === 'timeoutNow')

/**
 * A turn that decided something answers whoever asked when that is written. An ack, which counts from the sending of its
 * heartbeat anyway (R10), shares that frame; any turn that ends before takes it along, so a slow disk keeps it no longer.
 */
const isMereAck = ({ parts }: SendEffect): boolean => parts.every(({ kind }) => kind === 'ack')

const isMereNews = ({ parts }: SendEffect): boolean =>
  parts.every(({ kind }) => kind === 'release' || kind === 'contend' || kind === 'deathNotice')

/** A leadership of this very process begins or ends: whoever works under it hears of that before anybody else does. */
const isOwn = ({ type }: Effect): boolean => type === 'elected' || type === 'revoked'

/** The turning part of a driver. */
export class Engine {
  readonly state: State
  readonly watch: TimeWatch
  readonly outbox: Outbox
  /** Counters since start. */
  inputs = 0
  stalls = 0
  suspends = 0
  /** From the input before the last one to the last one, ms. */
  gapMs = 0

  private readonly timer: Deadline
  /** Armed while an heir has its head start. */
  private readonly headStart: Deadline
  private readonly queue = new Fifo<Submitted | (() => void)>()
  /** Between `open` and `clear`: inputs run as they come. */
  private isOpen = false
  private running = false
  private turnEnds = false
  /** In this turn something was freed, and said so at once. */
  private hasFreed = false
  /** In this turn something was decided that has to be written. */
  private hasDecided = false
  /** The listener has effects, and was not yet told that these are all. */
  private hasNews = false
  private readsFirst = false
  /** A tick is under way that needs no timer. */
  private ticksSoon = false
  private lastInputAt: number
  private wasTick = false

  constructor(
    private readonly options: DriverOptions,
    private readonly writer: Writer,
  ) {
    const { config, clock, durable, startedAt, seed, wallMs = clock.wall() } = options
    this.lastInputAt = clock.now()
    this.state = createState(config, durable, { now: clock.now(), startedAt, seed, wallMs })
    const boundMs = options.suspendBoundMs ?? SUSPEND_BOUND_MS
    this.watch = new TimeWatch(clock, boundMs, config.timing.promiseMs)
    this.outbox = new Outbox(options.transport)
    this.timer = new Deadline(clock, (lateMs) => this.fired(lateMs))
    this.headStart = new Deadline(clock, () => this.outbox.flush())
  }

  /** Puts an input, or a call, at the end of the queue, and `then` behind it; runs the queue, if it is open. */
  submit(item: Submitted | (() => void), then: (() => void) | null = null): void {
    // almost always nothing waits and nothing runs: then an input need not pass through the queue (10 % of a frame)
    const atOnce = this.isOpen && !this.running && this.queue.isEmpty && typeof item !== 'function'
    if (!atOnce) this.queue.push(item)
    if (then !== null) this.queue.push(then)
    if (!this.isOpen || this.running) return
    this.runAll(atOnce ? item : null)
    this.arm()
  }

  /** From now on inputs run as they come; those that waited run now. */
  open(): void {
    this.isOpen = true
    this.runAll()
    this.arm()
  }

  /** Runs `first` and then what is in the queue, although it was never opened. */
  runAll(first: Submitted | null = null): void {
    this.running = true
    try {
      if (first !== null) this.apply(first)
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
        if (typeof next === 'function') next()
        else this.apply(next)
      }
    } finally {
      this.running = false
    }
  }

  /** Nothing waits and nothing runs any more. */
  clear(): void {
    this.isOpen = false
    this.queue.clear()
    this.timer.clear()
    this.headStart.clear()
  }

  /** How long the heir of this turn, or of one just before, goes before everybody else, ms. */
  get headStartMs(): number {
    return Math.max(0, this.headStart.at - this.options.clock.now())
  }

  /** Runs one input at once, past the queue: `submit` for everything but exit hooks. */
  apply(input: Submitted): void {
    const { options, watch } = this
    const now = options.clock.now()
    // inputs are of many shapes: a look at one costs more than a look at a text that is at hand
    const { type } = input
    if (type === 'suspended') {
      this.suspends += 1
      options.logger.warn({}, 'the host was suspended: every leadership is over')
    } else if (type !== 'contend' && watch.isMissing(now)) {
      // the whole comparison and not only its cheap trigger: a step of the wall clock may hide a suspend from that (B.3); a wish
      // to stand prolongs nothing, and a hundred thousand of them at the start would each pay for it
      this.apply({ type: 'suspended' })
    }
    this.inputs += 1
    this.gapMs = now - this.lastInputAt
    this.lastInputAt = now
    // stamped in place: the engine owns what was submitted, and a copy would cost more than the step itself
    input.now = now
    this.wasTick = type === 'tick'
    const effects = step(options.config, this.state, input as Input)
    if (type === 'suspended') watch.rebase()
    let forService = 0
    for (const effect of effects) {
      if (effect.type === 'send') this.send(effect)
      else if (effect.type === 'persist') this.persist(effect)
      else forService += 1
    }
    if (forService > 0) {
      for (const effect of effects) {
        if (effect.type !== 'persist' && effect.type !== 'send') this.deliver(effect)
      }
    }
    if (input.type === 'death' || (input.type === 'contend' && !input.contending)) this.giveHeadStart()
    // what waited for a write may leave now, even if nothing else does
    if (input.type === 'persisted') this.endTurn()
    // work has stopped, and the state says that nothing is led; listeners, which may take their time, hear of it behind this
    if (type === 'renounce' || type === 'end') this.sayFreed()
    if (forService > 0) this.hasNews = true
    const isBusy = this.turnEnds || this.ticksSoon
    // news of others waits for that, too; who works under a leadership hears of its end before anybody else can
    if (!this.hasNews || !isBusy || type === 'end' || effects.some(isOwn)) this.settle()
  }

  /** Tells the listener something that no step decided. */
  tell(effect: ServiceEffect): void {
    this.submit(() => {
      this.deliver(effect)
      this.settle()
    })
  }

  /** Hands one effect to the listener; what it throws is its own fault and stays here (B.9). */
  private deliver(effect: ServiceEffect): void {
    if (!this.isOpen) return
    const { listener, logger } = this.options
    try {
      listener.effect(effect)
    } catch (error) {
      logger.error({ err: error, effect: effect.type }, 'a listener of the driver threw')
    }
  }

  /** One write and one frame per peer for whatever this turn of the loop produces (R70). */
  private endTurn(): void {
    if (this.turnEnds) return
    this.turnEnds = true
    this.options.clock.endOfTurn(this.turnEnded)
  }

  /** Once per turn: of ten thousand elections that are freed one by one the others follow together, at its end. */
  private sayFreed(): void {
    if (this.hasFreed || !this.turnEnds) return
    this.hasFreed = true
    if (this.outbox.some(isForHeir)) {
      this.giveHeadStart()
      this.outbox.flush((parcel) => !isForHeir(parcel))
    } else this.outbox.flush()
    this.options.transport.flushSync()
  }

  private giveHeadStart(): void {
    if (!this.headStart.isArmed) this.headStart.arm(this.options.clock.now() + HEAD_START_MS)
  }

  private readonly turnEnded = (): void => {
    const { hasDecided, headStart, outbox } = this
    this.turnEnds = false
    this.hasFreed = false
    this.hasDecided = false
    if (!this.isOpen) return
    outbox.flush((parcel) => (hasDecided && isMereAck(parcel)) || (headStart.isArmed && isMereNews(parcel)))
    // behind the transport, which sends at the end of the turn, too: whoever is asked has a write of its own to make
    this.options.clock.endOfTurn(this.write)
    // behind a vote, which leaves when it is written, and behind the requests of a tick that is due
    if (this.hasNews && !hasDecided && !this.ticksSoon) this.options.clock.endOfTurn(this.tellNews)
  }

  private readonly write = (): void => {
    if (this.isOpen) this.writer.flush()
  }

  /** Through the queue: what a listener submits waits until all have heard (B.10). */
  private readonly tellNews = (): void => this.submit(() => this.settle())

  private settle(): void {
    this.hasNews = false
    if (this.isOpen) this.options.listener.settled?.()
  }

  private persist({ version, terms, maxPromiseMs, pauses, config }: PersistEffect): void {
    if (config !== null) this.writer.change({ config })
    if (maxPromiseMs !== null) this.writer.change({ maxPromiseMs })
    if (pauses !== null) {
      const { pauses: former = {} } = this.writer.record
      this.writer.change({ pauses: { ...former, ...Object.fromEntries(pauses) } })
    }
    this.writer.decide(version, terms)
    this.hasDecided = true
    this.endTurn()
  }

  private send(effect: SendEffect): void {
    this.outbox.add(effect)
    this.endTurn()
  }

  private arm(): void {
    if (!this.isOpen || this.readsFirst) return
    const at = nextDeadline(this.state)
    this.timer.arm(at)
    // whoever goes first once a leader let go or died: due by the very input that said so, and no timer is that quick (R36)
    if (at === this.state.now && !this.wasTick) this.tickSoon()
  }

  private tickSoon(): void {
    if (this.ticksSoon) return
    this.ticksSoon = true
    this.options.clock.afterIo(() => {
      this.ticksSoon = false
      if (this.isOpen) this.submit({ type: 'tick', now: 0 })
    })
  }

  /** R36: after a stall or a suspend the sockets are read before the clock is believed. */
  private fired(lateMs: number): void {
    const { config, clock, logger } = this.options
    const missing = this.watch.isMissing()
    const late = lateMs > config.timing.heartbeatMs
    if (!missing && !late) return this.submit({ type: 'tick', now: 0 })
    if (late) {
      this.stalls += 1
      logger.warn({ lateMs: Math.round(lateMs) }, 'the event loop was stalled')
    }
    this.readsFirst = true
    if (missing) this.submit({ type: 'suspended' })
    clock.afterIo(() => {
      this.readsFirst = false
      if (this.isOpen) this.submit({ type: 'tick' })
    })
  }
}
