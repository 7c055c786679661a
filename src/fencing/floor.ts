/**
 * The learned floor (R43): how a fence that forgot everything still refuses what its former life refused.
 *
 * The floor is the largest term that any quorum of voters knows; it is at least every token that was ever leased, so at
 * least every token that was ever accepted. Until it is known the fence is closed. Who asks the voters is not decided
 * here: the caller passes the question.
 * Read next: `local-fence.ts`.
 */
import { ElectionError } from '../errors'

/**
 * Asks the voters: the largest durable term of the election at a quorum of them, 0 if there was none yet (R43).
 *
 * The question must be put after this process started; an answer from a cache of a former life is worth nothing.
 */
export type ReadFloor = () => Promise<number>

/** Asks until it has one answer, then keeps it. One question at a time; no question before the first claim. */
export class LearnedFloor {
  readonly #read: ReadFloor
  readonly #timeoutMs: number
  #known: number | null = null
  #asking: Promise<number> | null = null

  constructor(read: ReadFloor, timeoutMs: number) {
    this.#read = read
    this.#timeoutMs = timeoutMs
  }

  /** The floor, or `null` while it is not known. */
  get known(): number | null {
    return this.#known
  }

  /**
   * The floor, once it is known. A failed question fails those who waited for it; the next caller asks again.
   *
   * @throws ELECTION_TRANSPORT_FAILED (with `cause`): the question failed, or the answer is not a term.
   * @throws ELECTION_TIMEOUT: no answer within `floorTimeoutMs`.
   */
  learn(): Promise<number> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  async #ask(): Promise<number> {
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(timedOut(this.#timeoutMs)), this.#timeoutMs)
    })
    try {
      const answer = await Promise.race([this.#question(), timeout])
      this.#known = answer
      return answer
    } finally {
      clearTimeout(timer)
    }
  }

  async #question(): Promise<number> {
    let answer: unknown
    try {
      answer = await this.#read()
    } catch (cause) {
      throw new ElectionError('ELECTION_TRANSPORT_FAILED', 'the floor of the fence could not be read', {
        cause,
      })
    }
    if (!Number.isSafeInteger(answer) || (answer as number) < 0) {
      throw new ElectionError('ELECTION_TRANSPORT_FAILED', 'the floor of the fence is not a term (R44)')
    }
    return answer as number
  }
}

function timedOut(floorTimeoutMs: number): ElectionError {
  return new ElectionError('ELECTION_TIMEOUT', `no floor for the fence within ${floorTimeoutMs} ms`, {
    details: { floorTimeoutMs },
  })
}
