/**
 * What one simulated machine has on its disk, and what may happen to it. Outlives crashes of the process.
 *
 * Keeps the promise of the storage port (A3): what was reported done is there after a crash, or its loss is *detected* at
 * the next start. What was not yet reported may be there, may be missing, and may be there in part. Read next: `sim-storage.ts`.
 */
import type { DurableChange, ElectionName, ProcessRecord, Term } from '../core/types'
import type { Random } from './random'

/** How a disk misbehaves. Each stands until it is changed. */
export interface DiskFaults {
  /** Writes end with an error. What they wrote may be there or not. */
  failing: boolean
  /** Writes are never answered. */
  hanging: boolean
  /** At the next crash of the process the last finished write is lost; the next start notices (A3). */
  losesLastWrite: boolean
}

/** Faults that happened, for the statistics. */
export interface DiskStats {
  writes: number
  failed: number
  hung: number
  torn: number
  lostInFlight: number
  lostFinished: number
  replaced: number
}

/** Who watches what becomes durable. */
export interface DiskObserver {
  durable?(node: string, storageId: string, change: DurableChange): void
  replaced?(node: string): void
}

/** One disk. */
export class SimDisk {
  readonly node: string
  record: ProcessRecord | null = null
  readonly terms = new Map<ElectionName, Term>()
  /** The next start finds that something is missing. */
  corrupt = false
  /** A process has it open. */
  locked = false
  readonly faults: DiskFaults = { failing: false, hanging: false, losesLastWrite: false }
  readonly stats: DiskStats = {
    writes: 0,
    failed: 0,
    hung: 0,
    torn: 0,
    lostInFlight: 0,
    lostFinished: 0,
    replaced: 0,
  }
  observer: DiskObserver | null = null
  /** Called once, when the next write begins, with the time that it will take, ms. */
  onWrite: ((takesMs: number) => void) | null = null
  private readonly random: Random

  constructor(node: string, random: Random) {
    this.node = node
    this.random = random
  }

  /** A fresh name for a storage (R25). */
  newStorageId(): string {
    return this.random.hex(32)
  }

  /** A write begins that will take that long. */
  began(takesMs: number): void {
    const { onWrite } = this
    this.onWrite = null
    onWrite?.(takesMs)
  }

  /** Makes a change durable. */
  apply(change: DurableChange): void {
    this.stats.writes += 1
    if (change.process !== undefined) this.record = change.process
    for (const [name, term] of change.terms) this.terms.set(name, term)
    this.observer?.durable?.(this.node, this.record?.storageId ?? '', change)
  }

  /** The process died while this change was under way: nothing, all or some of it is there. */
  interrupt(change: DurableChange): void {
    const fate = this.random.integer(0, 2)
    if (fate === 0) {
      this.stats.lostInFlight += 1
    } else if (fate === 1) {
      this.apply(change)
    } else {
      this.stats.torn += 1
      const terms = [...change.terms].filter(() => this.random.chance(0.5))
      const process = this.random.chance(0.5) ? change.process : undefined
      this.apply(process === undefined ? { terms: new Map(terms) } : { process, terms: new Map(terms) })
    }
  }

  /** The process is gone: faults that show up at a crash take effect. */
  crashed(): void {
    this.locked = false
    if (this.faults.losesLastWrite && this.record !== null) {
      this.faults.losesLastWrite = false
      this.stats.lostFinished += 1
      this.corrupt = true
    }
  }

  /** An empty disk takes its place: the machine comes back as an amnesiac (R25). */
  replace(): void {
    this.stats.replaced += 1
    this.record = null
    this.terms.clear()
    this.corrupt = false
    this.faults.failing = false
    this.faults.hanging = false
    this.observer?.replaced?.(this.node)
  }
}
