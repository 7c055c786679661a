/**
 * What operators have asked of one election at this process: that it is paused (R80), and that this process hands over later.
 *
 * Keeps the newest word as the core reported it, tells the listeners, and makes a leader step down if the word says so.
 * Decides nothing about who may lead: the core refuses (R81). Read next: `pauses.ts`, `switchover.ts`.
 */
import type { ElectionName, Pause, ProcessId } from '../core'
import type { ElectionEvent, ElectionEvents } from './events'
import type { Switchover } from './switchover'

/** Whose maintenance it is. */
export interface MaintenanceSubject {
  readonly name: ElectionName
  /** What people call a process (R49). */
  display(process: ProcessId): ProcessId
  emit<E extends ElectionEvent>(event: E, payload: ElectionEvents[E]): void
  /** Runs when all effects of the present step were applied. */
  later(call: () => void): void
  /** The word says that the leader steps down. */
  stepDown(): void
}

/** Who paused an election, as `status()` shows it. */
export interface PausedStatus {
  readonly by: ProcessId
  /** Wall clock of that process when it did, ms since 1970. */
  readonly sinceMs: number
  readonly leader: Pause['leader']
}

/** Maintenance of one election at one process. */
export class Maintenance {
  /** A hand-over that is due later, or null. */
  switchover: Switchover | null = null
  /** The newest word that is known here, or null: nobody ever spoke. */
  pause: Pause | null = null

  constructor(private readonly subject: MaintenanceSubject) {}

  /** Who paused the election and since when; null while it is not paused as far as is known here. */
  get paused(): PausedStatus | null {
    const { pause } = this
    if (pause?.isPaused !== true) return null
    return { by: this.subject.display(pause.by), sinceMs: pause.sinceMs, leader: pause.leader }
  }

  /** A newer word is known, or the one that was known at the start. */
  changed(pause: Pause): void {
    const was = this.paused
    this.pause = pause
    const { subject, paused } = this
    const { name: election } = subject
    if (paused !== null) subject.later(() => subject.emit('paused', { election, ...paused }))
    else if (was !== null) {
      const resumed = { election, by: subject.display(pause.by), sinceMs: pause.sinceMs }
      subject.later(() => subject.emit('resumed', resumed))
    }
    subject.later(() => this.heed())
  }

  /** A leadership begins, or the word is new: step down if it says so. */
  heed(): void {
    if (this.paused?.leader === 'stepsDown') this.subject.stepDown()
  }

  /** The election is over here. */
  finish(): void {
    this.switchover?.stop()
  }
}
