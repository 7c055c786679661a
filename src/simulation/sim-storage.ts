/**
 * The `Storage` port of one simulated process: one life's handle on its machine's disk.
 *
 * A write takes time and becomes durable at its end, just before it is answered; a crash in between leaves it to chance
 * (`sim-disk.ts`). Holds the exclusive lock while the process lives (A4).
 */
import type { DurableChange, DurableState } from '../core/types'
import { ElectionError } from '../errors'
import type { Storage, StorageIdentity } from '../ports'
import type { EventLoop } from './event-loop'
import type { Random } from './random'
import type { Scheduler } from './scheduler'
import type { SimDisk } from './sim-disk'

/** How long a write takes, uniformly, real ms. */
export interface WriteTime {
  readonly leastMs: number
  readonly mostMs: number
}

/** Storage of one life of one process. */
export class SimStorage implements Storage {
  readonly kind: 'durable' | 'volatile'
  private readonly disk: SimDisk
  private readonly scheduler: Scheduler
  private readonly loop: EventLoop
  private readonly random: Random
  private readonly time: WriteTime
  private inFlight: DurableChange | null = null
  private open_ = false

  constructor(parts: {
    readonly disk: SimDisk
    readonly scheduler: Scheduler
    readonly loop: EventLoop
    readonly random: Random
    readonly time: WriteTime
    readonly kind?: 'durable' | 'volatile'
  }) {
    this.disk = parts.disk
    this.scheduler = parts.scheduler
    this.loop = parts.loop
    this.random = parts.random
    this.time = parts.time
    this.kind = parts.kind ?? 'durable'
  }

  open(identity: StorageIdentity, done: (error: Error | null, state: DurableState | null) => void): void {
    this.scheduler.after(
      this.duration(),
      () =>
        this.loop.input(() => {
          const error = this.refusal(identity)
          if (error !== null) return done(error, null)
          const { disk } = this
          disk.locked = true
          this.open_ = true
          if (disk.record === null || this.kind === 'volatile') {
            disk.terms.clear()
            const process = {
              format: 1,
              clusterId: identity.clusterId,
              nodeId: identity.nodeId,
              storageId: disk.newStorageId(),
              incarnation: 0,
              config: identity.config,
              maxPromiseMs: 0,
              cleanNoPromise: false,
              pins: {},
            } as const
            disk.apply({ process, terms: new Map() })
          }
          if (disk.record !== null) done(null, { process: disk.record, terms: new Map(disk.terms) })
        }, undefined),
      undefined,
    )
  }

  write(change: DurableChange, done: (error: Error | null) => void): void {
    const { disk } = this
    if (disk.faults.hanging) {
      disk.stats.hung += 1
      this.inFlight = change
      return
    }
    this.inFlight = change
    const takesMs = this.duration()
    disk.began(takesMs)
    this.scheduler.after(
      takesMs,
      () => {
        if (this.inFlight !== change || !this.loop.alive) return
        this.inFlight = null
        if (disk.faults.failing) {
          disk.stats.failed += 1
          if (this.random.chance(0.5)) disk.apply(change)
          const error = new ElectionError('ELECTION_STORAGE_FAILED', 'the simulated disk failed')
          this.loop.input(() => done(error), undefined)
          return
        }
        disk.apply(change)
        this.loop.input(done, null)
      },
      undefined,
    )
  }

  close(done: () => void): void {
    if (this.open_) {
      this.open_ = false
      this.disk.locked = false
    }
    this.scheduler.after(0, () => this.loop.input(done, undefined), undefined)
  }

  /** The process has died. */
  crash(): void {
    if (this.inFlight !== null) this.disk.interrupt(this.inFlight)
    this.inFlight = null
    if (this.open_) this.disk.crashed()
    this.open_ = false
  }

  private refusal(identity: StorageIdentity): ElectionError | null {
    const { disk } = this
    if (disk.locked) return new ElectionError('ELECTION_STORAGE_LOCKED', 'another process lives on this disk')
    if (disk.corrupt) return new ElectionError('ELECTION_STORAGE_CORRUPT', 'the last write is missing')
    const { record } = disk
    if (record === null) return null
    if (record.clusterId === identity.clusterId && record.nodeId === identity.nodeId) return null
    return new ElectionError('ELECTION_STORAGE_FOREIGN', `the disk belongs to ${record.nodeId}`)
  }

  private duration(): number {
    const { leastMs, mostMs } = this.time
    return mostMs > leastMs ? this.random.between(leastMs, mostMs) : leastMs
  }
}
