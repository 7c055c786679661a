/**
 * A compare-and-set store over a simulated network: requests and answers take time, get lost, come late, also after their
 * caller has given up; the store stands still, or forgets everything.
 *
 * Decides when a call takes effect and when its answer arrives; each takes effect at one instant (a linearisable register per
 * key). A caller that hears nothing in time is told `failed` for a read and `ambiguous` for a write, which may still be
 * applied. Must not look into records, except to show them to observers. Read next: `../stores/store-voter.ts`.
 */
import type {
  CasReadResult,
  CasRecord,
  CasVersion,
  CasWriteResult,
  StoreDurability,
} from '../ports/cas-store'
import type { VoterStore } from '../ports/voter-store'
import { StoreVoter } from '../stores/store-voter'
import type { EventLoop } from './event-loop'
import type { Observers } from './observer'
import type { Random } from './random'
import type { Scheduler } from './scheduler'

/** What a store is made of, as data. Times are real ms, shares are probabilities. */
export interface StoreSetup {
  readonly id: string
  readonly durability: StoreDurability
  /** One way, least and most. */
  readonly latencyMs: number
  readonly jitterMs: number
  /** Share of requests, and of answers, that never arrive. */
  readonly loss: number
  /** Share of requests that take up to `tailMs` more, and so may be applied after their time-out. */
  readonly tail: number
  readonly tailMs: number
  /** A caller waits that long, on its own clock. */
  readonly timeoutMs: number
  /** Writes wake those that watch. */
  readonly watch: boolean
}

/** Both ways between a node and a store, as a fault plan may close them. */
export type StoreWay = 'requests' | 'answers' | 'both'

interface Watcher {
  readonly prefix: string
  readonly wake: (key: string | null) => void
}

/** One store. */
export class SimStore {
  readonly records = new Map<string, CasRecord>()
  readonly stats = { reads: 0, writes: 0, applied: 0, lostRequests: 0, lostAnswers: 0, late: 0, forgotten: 0 }
  /** Until then no request takes effect: it is lost, as by a server that is down. */
  private downUntil = 0
  private calm = false
  private versions = 0
  /** Node -> what cannot pass. */
  private readonly closed = new Map<string, { readonly way: StoreWay; readonly until: number }>()
  private readonly watchers = new Set<Watcher>()
  private readonly stored

  constructor(
    readonly setup: StoreSetup,
    private readonly parts: {
      readonly scheduler: Scheduler
      readonly random: Random
      readonly observers: Observers
    },
  ) {
    this.stored = parts.observers.of('stored')
  }

  /** The store as one life of one node sees it. `isAlive`: an answer to a dead process reaches nobody. */
  linkOf(node: string, loop: EventLoop, isAlive: () => boolean): VoterStore {
    const { id: name, durability, timeoutMs } = this.setup
    const deliver = (run: () => void): void => {
      if (isAlive()) loop.input(() => run(), undefined)
    }
    return {
      name,
      durability,
      timeoutMs,
      open: (setup) => {
        const call = <T>(effect: () => T, done: (result: T) => void, late: T): void => {
          let open = true
          const settle = (result: T): void => {
            if (!open) return
            open = false
            setup.clock.clearTimer(timer)
            done(result)
          }
          const timer = setup.clock.setTimer(setup.clock.now() + timeoutMs, () => settle(late))
          this.travel(node, effect, (result) => deliver(() => settle(result)))
        }
        return new StoreVoter({
          ...setup,
          durability,
          access: {
            read: (keys, done) => {
              this.stats.reads += 1
              call<CasReadResult>(() => this.read(keys), done, { kind: 'failed', error: LATE })
            },
            write: (key, version, value, done) => {
              this.stats.writes += 1
              call<CasWriteResult>(() => this.write(key, version, value), done, {
                kind: 'ambiguous',
                error: LATE,
              })
            },
            watch: (prefix, wake) => (this.setup.watch ? this.watch(prefix, wake, deliver) : null),
          },
        })
      },
    }
  }

  // --- faults -----------------------------------------------------------------------------------------------------------

  /** Nothing is answered for that long; what is on its way is lost. */
  takeDown(forMs: number): void {
    this.downUntil = Math.max(this.downUntil, this.parts.scheduler.now + forMs)
  }

  /** Nothing passes between a node and the store, in one direction or both. */
  close(node: string, way: StoreWay, forMs: number): void {
    this.closed.set(node, { way, until: this.parts.scheduler.now + forMs })
  }

  /** Everything is gone: a cache that was restarted. */
  forget(): void {
    this.stats.forgotten += 1
    for (const key of [...this.records.keys()]) {
      this.records.delete(key)
      for (const hook of this.stored) hook(this.setup.id, key, null)
    }
  }

  /** The faults are over for good. */
  heal(): void {
    this.downUntil = 0
    this.closed.clear()
    this.calm = true
  }

  // --- the server -------------------------------------------------------------------------------------------------------

  private read(keys: readonly string[]): CasReadResult {
    return { kind: 'ok', records: keys.map((key) => this.records.get(key) ?? null) }
  }

  private write(key: string, version: CasVersion | null, value: string): CasWriteResult {
    if ((this.records.get(key)?.version ?? null) !== version) return { kind: 'conflict' }
    this.versions += 1
    this.stats.applied += 1
    const written = { version: `v${this.versions}`, value }
    this.records.set(key, written)
    for (const hook of this.stored) hook(this.setup.id, key, value)
    for (const { prefix, wake } of this.watchers) if (key.startsWith(prefix)) wake(key)
    return { kind: 'ok', version: written.version }
  }

  private watch(
    prefix: string,
    wake: (key: string | null) => void,
    deliver: (run: () => void) => void,
  ): { stop(): void } {
    const { scheduler, random } = this.parts
    let open = true
    const watcher: Watcher = {
      prefix,
      wake: (key) => {
        if (!this.calm && random.chance(this.setup.loss)) return
        scheduler.after(this.wayMs(), () => deliver(() => open && wake(key)), undefined)
      },
    }
    this.watchers.add(watcher)
    return {
      stop: () => {
        open = false
        this.watchers.delete(watcher)
      },
    }
  }

  // --- the network ------------------------------------------------------------------------------------------------------

  /** There, take effect, and back; each may not happen. */
  private travel<T>(node: string, effect: () => T, answered: (result: T) => void): void {
    const { scheduler } = this.parts
    scheduler.after(
      this.wayMs(true),
      () => {
        if (scheduler.now < this.downUntil || this.isLost(node, 'requests')) {
          this.stats.lostRequests += 1
          return
        }
        const result = effect()
        if (this.isLost(node, 'answers')) {
          this.stats.lostAnswers += 1
          return
        }
        scheduler.after(this.wayMs(), () => answered(result), undefined)
      },
      undefined,
    )
  }

  private wayMs(mayBeLate = false): number {
    const { random } = this.parts
    const { latencyMs, jitterMs, tail, tailMs } = this.setup
    const ms = latencyMs + random.between(0, jitterMs)
    if (this.calm || !mayBeLate || !random.chance(tail)) return ms
    this.stats.late += 1
    return ms + random.between(0, tailMs)
  }

  private isLost(node: string, direction: 'requests' | 'answers'): boolean {
    if (this.calm) return false
    const { scheduler, random } = this.parts
    const closed = this.closed.get(node)
    if (closed !== undefined && scheduler.now < closed.until) {
      if (closed.way === 'both' || closed.way === direction) return true
    }
    return random.chance(this.setup.loss)
  }
}

const LATE = new Error('no answer in time')
