/**
 * The end of a remote driver that lives with the sockets: boots the real `Driver` and passes on what it says.
 *
 * The board is written before the message that tells of it is sent, and before a frame of the same turn leaves: so a
 * leadership that others may take over is over in every thread of this process. Decides nothing about elections.
 * Read next: `standing.ts` (when the main thread is stuck), `remote-driver.ts` (the other end), `../life.ts`.
 */
import type { MessagePort } from 'node:worker_threads'
import type { ElectionName } from '../../core'
import type { Logger } from '../../ports/logger'
import { silentLogger } from '../../ports/logger'
import type { Storage } from '../../ports/storage'
import type { Transport } from '../../ports/transport'
import type { Driver } from '../driver'
import type { DriverListener, OperatorReply, ServiceEffect } from '../driver-options'
import { realEnvironment } from '../environment'
import { storageError } from '../failures'
import { beginLife } from '../life'
import { noTransport } from '../no-transport'
import type { LifeConfig } from '../options'
import { LeaseBoard, LeaseWriter } from './lease-board'
import { MainWatch } from './main-watch'
import { type Ask, type FarData, type FarView, type Order, packError, type Report } from './messages'
import { Standing } from './standing'

/** What the entry of the worker makes: it knows the adapters, this file does not. */
export interface FarParts {
  readonly port: MessagePort
  readonly data: FarData
  readonly transport: Transport | null
  readonly storage: Storage
}

/** Begins a life and serves its other end until it is over. */
export function serve(parts: FarParts): void {
  new FarSide(parts).begin()
}

class FarSide {
  private readonly board: LeaseBoard
  private readonly leases: LeaseWriter
  private readonly config: LifeConfig
  private driver: Driver | null = null
  private effects: ServiceEffect[] = []
  private places: [ElectionName, number][] = []
  private readonly placed = new Set<ElectionName>()
  private confirms: { readonly election: ElectionName; readonly askedAt: number }[] = []
  /** Of commands that the main thread has not answered; bounded, as each operator may ask little at once. */
  private readonly replies = new Map<number, OperatorReply>()
  private commands = 0
  private readonly standing = new Standing((input) => this.driver?.submit(input))
  private readonly watch: MainWatch

  constructor(private readonly parts: FarParts) {
    const { data, transport, storage } = parts
    this.board = new LeaseBoard(data.capacity, data.board)
    this.leases = new LeaseWriter(this.board)
    const { clock, random } = realEnvironment(data.unref)
    this.config = {
      ...data.config,
      plan: { ...data.config.plan, stores: new Map() },
      transport: transport ?? noTransport(),
      storage,
      logger: data.isSilent ? silentLogger : this.logger(),
      environment: { clock, random, process: null, loopMonitor: null },
    }
    this.watch = new MainWatch({
      clock,
      beats: () => this.board.beats,
      limitMs: data.mainThreadLimitMs,
      stuck: () => {
        this.config.logger.warn({ limitMs: data.mainThreadLimitMs }, 'the main thread is stuck')
        this.standing.stuck()
      },
      back: () => this.standing.back(),
    })
  }

  begin(): void {
    const { parts } = this
    parts.port.on('message', (order: Order) => this.obey(order))
    parts.data.asks.on('message', (ask: Ask) => {
      parts.data.asks.postMessage(this.viewOf(ask.election))
      this.board.answered()
    })
    const listener = {
      effect: (effect: ServiceEffect) => this.effect(effect),
      settled: () => this.settled(),
      fatal: (error: Error) => this.tell({ type: 'fatal', error: packError(error) }),
      command: this.command,
    }
    beginLife(this.config, listener, (error, driver) => {
      const view = this.viewWith(driver, null)
      if (driver === null || view === null) {
        return this.tell({ type: 'unborn', error: packError(error ?? storageError(new Error('no driver'))) })
      }
      this.driver = driver
      this.watch.start()
      this.tell({ type: 'born', self: driver.self, view })
    })
  }

  private obey(order: Order): void {
    const { driver, parts } = this
    if (driver === null) return
    switch (order.type) {
      case 'boot':
        return driver.boot((error) =>
          this.tell({ type: 'booted', error: error === null ? null : packError(error) }),
        )
      case 'input':
        return this.standing.input(order.input)
      case 'confirm':
        this.confirms.push(order)
        return this.confirm()
      case 'reply': {
        const reply = this.replies.get(order.number)
        this.replies.delete(order.number)
        return reply?.(order.payload, order.refused)
      }
      case 'relay': {
        const target = parts.transport as unknown as Record<string, (argument: unknown) => void>
        return target[order.method]?.(order.argument)
      }
      case 'endSync':
        driver.endSync(order.reason)
        return this.board.ended()
      case 'shutdown':
        this.watch.stop()
        return driver.shutdown(order, () => this.tell({ type: 'closed', view: this.viewOf(null) }))
    }
  }

  /** Commands are run where the elections are; an operator that is gone by then hears nothing. */
  private readonly command: NonNullable<DriverListener['command']> = (from, payload, reply) => {
    this.commands += 1
    this.replies.set(this.commands, reply)
    this.tell({ type: 'command', number: this.commands, from, payload })
  }

  /** State first, then event: shared memory is true before anybody is told. */
  private effect(effect: ServiceEffect): void {
    const { leases, standing } = this
    if (effect.type === 'leaseExtended') leases.extend(effect.lease, effect.until)
    else if (effect.type === 'leaseDropped') leases.drop(effect.lease)
    else if (effect.type === 'leaseChanged') this.leaseChanged(effect.election, effect.lease)
    else if (effect.type === 'elected') {
      leases.lead(effect.election, effect.term, effect.lease)
      if (!this.placed.has(effect.election)) {
        this.placed.add(effect.election)
        this.places.push([effect.election, leases.placeOf(effect.election)])
      }
    } else if (effect.type === 'revoked') leases.revoke(effect.election)
    standing.effect(effect)
    this.effects.push(effect)
  }

  private leaseChanged(election: ElectionName, lease: number): void {
    const term = this.board.termOf(this.leases.placeOf(election))
    if (term > 0) this.leases.lead(election, term, lease)
  }

  private settled(): void {
    this.confirm()
    if (this.effects.length === 0) return
    const { effects, places, driver } = this
    this.effects = []
    this.places = []
    const suspends = driver?.counters.suspends ?? 0
    this.tell({ type: 'effects', effects, places, suspends, wasStalled: driver?.wasStalled ?? false })
  }

  /** Answers the questions of `verify` that can be answered; those of leaderships that are over never will be. */
  private confirm(): void {
    const { driver } = this
    if (driver === null || this.confirms.length === 0) return
    this.confirms = this.confirms.filter(({ election, askedAt }) => {
      if (driver.isConfirmed(election, askedAt)) {
        this.tell({ type: 'confirmed', election, askedAt })
        return false
      }
      return driver.state.elections.get(election)?.lead != null
    })
  }

  private viewOf(election: ElectionName | null): FarView | null {
    return this.viewWith(this.driver, election)
  }

  private viewWith(driver: Driver | null, election: ElectionName | null): FarView | null {
    if (driver === null) return null
    const { state, counters, incarnation, transport } = driver.look(election)
    const { supports: _, leases: __, timers: ___, ...rest } = driver.state
    const known = election === null ? undefined : state.elections.get(election)
    const elections = new Map(known === undefined ? [] : [[known.name, known]])
    return {
      state: { ...rest, elections },
      counters,
      incarnation,
      stats: transport.stats(),
      now: this.config.environment.clock.now(),
    }
  }

  private tell(report: Report): void {
    this.parts.port.postMessage(report)
  }

  /** What cannot be copied is told as text. */
  private logger(): Logger {
    const log =
      (level: 'debug' | 'info' | 'warn' | 'error') =>
      (fields: object, message: string): void => {
        try {
          this.tell({ type: 'log', level, fields, message })
        } catch {
          this.tell({ type: 'log', level, fields: { detail: String(fields) }, message })
        }
      }
    return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
  }
}
