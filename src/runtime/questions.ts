/**
 * Questions to the other voters: "do I still lead?" (`verify`) and "how high have the terms gone?" (`readFloor`, R43).
 *
 * Answers are read from the core's memory and effects after each input; nothing is kept when nobody asks. Decides nothing
 * about leases: a `verify` that fails changes nothing.
 */
import { type ClusterConfig, type ElectionName, isQuorum, type Term, type TermReadEffect } from '../core'
import { ElectionError, isElectionError } from '../errors'
import type { Clock } from '../ports/clock'
import type { WaitLimits } from './api'
import { Deadline } from './deadline'
import type { Submitted } from './driver-options'
import type { Tenure } from './tenure'
import { Waits } from './waits'

/** What the questions need of the elector. */
export interface QuestionParts {
  readonly clock: Clock
  /** Who votes; read when a question is asked. */
  readonly cluster: () => ClusterConfig
  readonly promiseMs: number
  readonly heartbeatMs: number
  /** Has a quorum bound to the leadership of this process answered something sent at or after that instant? */
  readonly isConfirmed: (election: ElectionName, askedAt: number) => boolean
  readonly submit: (input: Submitted) => void
}

/** Open questions of one process. */
export class Questions {
  private readonly waits: Waits
  private readonly floors = new Map<number, Map<string, Term>>()
  private nonces = 0

  constructor(private readonly parts: QuestionParts) {
    this.waits = new Waits(parts.clock)
  }

  /** See `Election.verify`. */
  async verify(name: ElectionName, tenure: Tenure | null, limits: WaitLimits): Promise<boolean> {
    const { clock, submit, promiseMs, isConfirmed } = this.parts
    if (tenure === null || !tenure.isOpen) return false
    const askedAt = clock.now()
    submit({ type: 'heartbeatNow' })
    const asked = this.waits.add({
      check: () => (tenure.isOpen ? isConfirmed(name, askedAt) || undefined : false),
      timeoutMs: limits.timeoutMs ?? promiseMs,
      onTimeout: () => timeout('no quorum confirmed the leadership', name),
      signal: limits.signal,
    })
    return asked.catch((error: unknown) => {
      if (isElectionError(error)) return false
      throw error
    })
  }

  /** See `Election.readFloor`. */
  async readFloor(name: ElectionName, limits: WaitLimits): Promise<Term> {
    const { clock, promiseMs, heartbeatMs, cluster } = this.parts
    this.nonces += 1
    const nonce = this.nonces
    const answers = new Map<string, Term>()
    this.floors.set(nonce, answers)
    const repeat = new Deadline(clock, () => ask())
    const ask = (): void => {
      repeat.arm(clock.now() + heartbeatMs)
      this.parts.submit({ type: 'readTerm', election: name, nonce })
    }
    ask()
    try {
      return await this.waits.add({
        check: () =>
          isQuorum(cluster(), (voter) => answers.has(voter)) ? Math.max(...answers.values()) : undefined,
        timeoutMs: limits.timeoutMs ?? promiseMs,
        onTimeout: () => timeout('no quorum told its term', name),
        signal: limits.signal,
      })
    } finally {
      this.floors.delete(nonce)
      repeat.clear()
    }
  }

  /** A voter told its term. */
  termRead({ nonce, voter, term }: TermReadEffect): void {
    this.floors.get(nonce)?.set(voter, term)
  }

  /** Other voters from now on: what the former ones told says nothing of theirs (R72). */
  forget(): void {
    for (const answers of this.floors.values()) answers.clear()
  }

  /** The core has moved. */
  look(): void {
    this.waits.look()
  }

  /** Nobody will answer any more. */
  end(error: ElectionError): void {
    this.waits.end(error)
  }
}

function timeout(what: string, election: ElectionName): ElectionError {
  return new ElectionError('ELECTION_TIMEOUT', `${what} in time (election "${election}")`, {
    details: { election },
  })
}
