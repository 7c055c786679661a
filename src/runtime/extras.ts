/**
 * What an election has only where somebody uses it: listeners, iterators, waiters, maintenance, work. A seat makes one such
 * record when the first of these is asked for; of ten thousand elections hardly one has any. Decides nothing.
 */
import type { ElectionError } from '../errors'
import type { Clock } from '../ports/clock'
import { Changes, type ElectionView } from './changes'
import { Events, type Warn } from './events'
import type { LeadLoop } from './lead'
import { Maintenance, type MaintenanceSubject } from './maintenance'
import { Waits } from './waits'

/** What the extras of an election are made from. */
export interface ExtrasOwner extends MaintenanceSubject {
  readonly clock: Clock
  readonly isFinished: boolean
  readonly warn: Warn
  view(): ElectionView
}

/** Each made by its first use. */
export class Extras {
  /** Work that is to run whenever this process leads. */
  loop: LeadLoop | null = null
  /** Those that exist. */
  madeEvents: Events | null = null
  madeMaintenance: Maintenance | null = null
  private madeChanges: Changes | null = null
  private madeWaits: Waits | null = null

  constructor(private readonly owner: ExtrasOwner) {}

  get events(): Events {
    this.madeEvents ??= new Events(this.owner.warn)
    return this.madeEvents
  }

  get changes(): Changes {
    this.madeChanges ??= new Changes(() => this.owner.view(), this.owner.isFinished)
    return this.madeChanges
  }

  get waits(): Waits {
    this.madeWaits ??= new Waits(this.owner.clock)
    return this.madeWaits
  }

  get maintenance(): Maintenance {
    this.madeMaintenance ??= new Maintenance(this.owner)
    return this.madeMaintenance
  }

  /** Something has changed that waiters, iterators and work look at. */
  look(): void {
    this.madeChanges?.notify()
    this.madeWaits?.look()
    this.loop?.look()
  }

  /** Nothing will change any more. */
  finish(reason: ElectionError): void {
    this.madeMaintenance?.finish()
    this.madeWaits?.end(reason)
    this.madeChanges?.end()
  }

  /** After `finish`: it goes on. */
  reopen(): void {
    this.madeChanges?.reopen()
  }

  /** This process can never lead again. */
  fail(error: ElectionError): void {
    this.loop?.stop(error)
    this.madeWaits?.end(error)
  }
}
