/**
 * `pause` and `resume` (R80): says the word through the core, and waits until a quorum of voters holds it.
 *
 * A word that turns out to be older than one that this process had not heard of is said again above it, a few times: an
 * operator who speaks after another is meant to have the last word. Decides nothing about elections. Read next:
 * `../core/pause.ts`.
 */
import {
  type ElectionName,
  isNewer,
  isQuorum,
  type Pause,
  type PausedLeader,
  type PauseHeldEffect,
  type ProcessId,
} from '../core'
import { ElectionError } from '../errors'
import type { WaitLimits } from './api'
import type { QuestionParts } from './questions'
import type { Seat } from './seat'
import { Waits } from './waits'

/** Times that a word is said again because a newer one was met. */
const REPEATS = 2

/** What was asked for. */
export interface Wish {
  readonly isPaused: boolean
  readonly leader: PausedLeader
}

/** A word that a quorum holds. */
export interface Heard {
  readonly pause: Pause
  /** Voters known to hold it when the call resolved. */
  readonly voters: readonly ProcessId[]
}

/** Words that wait for a quorum. */
export class Pauses {
  private readonly waits: Waits
  /** By election: the newest word that each voter is known to hold; kept while somebody waits. */
  private readonly held = new Map<ElectionName, Map<ProcessId, Pause>>()
  private readonly waiting = new Map<ElectionName, number>()

  constructor(private readonly parts: QuestionParts) {
    this.waits = new Waits(parts.clock)
  }

  /** Says it and resolves when a quorum holds it, durably where voters are durable. */
  async say({ name, extras: { maintenance } }: Seat, wish: Wish, limits: WaitLimits): Promise<Heard> {
    const { parts } = this
    const { timeoutMs = parts.promiseMs, signal } = limits
    let repeats = REPEATS
    let said = 0
    const speak = (): void =>
      parts.submit({
        type: 'pause',
        election: name,
        ...wish,
        sinceMs: Math.max(0, Math.round(parts.clock.wall())),
      })
    this.waiting.set(name, (this.waiting.get(name) ?? 0) + 1)
    const before = maintenance.pause?.counter ?? 0
    speak()
    try {
      return await this.waits.add({
        check: () => {
          const { pause } = maintenance
          if (pause === null || pause.counter <= before) return undefined
          if (pause.isPaused === wish.isPaused && (!wish.isPaused || pause.leader === wish.leader)) {
            return this.heard(name, pause)
          }
          if (repeats > 0 && pause.counter > said) {
            repeats -= 1
            said = pause.counter
            speak()
          }
          return undefined
        },
        timeoutMs,
        onTimeout: () => this.timeout(name, maintenance.pause, wish, timeoutMs),
        signal,
      })
    } finally {
      const left = (this.waiting.get(name) ?? 1) - 1
      if (left > 0) this.waiting.set(name, left)
      else {
        this.waiting.delete(name)
        this.held.delete(name)
      }
    }
  }

  /** That voter holds that word. */
  heldBy({ election, voter, pause }: PauseHeldEffect): void {
    if (!this.waiting.has(election)) return
    const voters = this.held.get(election) ?? new Map<ProcessId, Pause>()
    this.held.set(election, voters)
    if (isNewer(pause, voters.get(voter) ?? null)) voters.set(voter, pause)
  }

  /** The core has moved. */
  look(): void {
    this.waits.look()
  }

  /** Nobody will answer any more. */
  end(error: ElectionError): void {
    this.waits.end(error)
  }

  private holders(name: ElectionName, pause: Pause): ProcessId[] {
    const voters = this.held.get(name) ?? new Map<ProcessId, Pause>()
    return [...voters].filter(([, held]) => !isNewer(pause, held)).map(([voter]) => voter)
  }

  private heard(name: ElectionName, pause: Pause): Heard | undefined {
    const voters = this.holders(name, pause)
    return isQuorum(this.parts.cluster(), (voter) => voters.includes(voter)) ? { pause, voters } : undefined
  }

  private timeout(
    name: ElectionName,
    pause: Pause | null,
    { isPaused }: Wish,
    timeoutMs: number,
  ): ElectionError {
    const voters = pause === null ? [] : this.holders(name, pause)
    const verb = isPaused ? 'pause' : 'resume'
    const why =
      pause !== null && pause.isPaused !== isPaused
        ? `"${pause.by}" said the opposite meanwhile`
        : `${voters.length === 0 ? 'no voter' : `only ${voters.join(', ')}`} is known to hold it; those who know spread it further`
    return new ElectionError(
      'ELECTION_TIMEOUT',
      `no quorum heard the ${verb} of "${name}" within ${timeoutMs} ms: ${why}`,
      {
        details: { election: name, timeoutMs, voters },
      },
    )
  }
}
