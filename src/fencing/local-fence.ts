/**
 * A fence of one process: marks, turns and a floor, over whatever keeps the marks (nothing, or a journal).
 *
 * Decides the order of things: shape of the claim, floor, turn, comparison, durability, work. Comparing and remembering
 * happen in one synchronous step; whoever comes next for that resource waits until the step is durable and its work done.
 * Must not touch files: `Keeper` does. Read next: `marks.ts`, `turns.ts`; `file.ts` for the keeper with a disk.
 */
import { ElectionError } from '../errors'
import { type ClaimSource, claimOf, type FenceMark, resourceOf } from './claim'
import type { FenceStats, ProcessFence } from './fence'
import { LearnedFloor } from './floor'
import { type MarkEntry, type Marks, staleToken } from './marks'
import type { CheckedOptions } from './options'
import { Refusals } from './refusals'
import { type RunClaim, runTimeOf } from './run'
import { Turns } from './turns'

/** Keeps the changes of the marks. `null` means "at once". */
export interface Keeper {
  /**
   * Resolves when these entries are kept. Without entries: when everything that was ever confirmed or refused here is
   * kept; after a failure that takes more than doing nothing.
   */
  keep(entries: readonly MarkEntry[]): Promise<void> | null
  /** Resolves when every change of the marks up to now is kept. */
  settle(): Promise<void> | null
}

/** A leadership of this process that says of itself that it is over needs no newer token to be refused. */
function refuseEnded(claim: ClaimSource): void {
  const { isValid } = claim as { readonly isValid?: unknown }
  if (typeof isValid !== 'function' || isValid.call(claim) !== false) return
  throw new ElectionError('ELECTION_LEADERSHIP_LOST', `the leadership with token ${claim.token} is over`)
}

/** See `memoryFence` and `fileFence`. */
export class LocalFence implements ProcessFence {
  readonly #marks: Marks
  readonly #keeper: Keeper
  readonly #turns: Turns
  readonly #floor: LearnedFloor | null
  readonly #refusals: Refusals
  #closed = false

  constructor(marks: Marks, keeper: Keeper, options: CheckedOptions, kind: string) {
    this.#marks = marks
    this.#keeper = keeper
    this.#turns = new Turns(options.waitMs)
    this.#refusals = new Refusals(options.metrics, kind)
    this.#floor = options.floor === null ? null : new LearnedFloor(options.floor, options.floorTimeoutMs)
  }

  async check(resource: string, claim: ClaimSource): Promise<void> {
    await this.guard(resource, claim, () => undefined)
  }

  async guard<T>(resource: string, claim: ClaimSource, work: () => T | PromiseLike<T>): Promise<T> {
    const name = this.#refusals.judging(() => resourceOf(resource))
    const mark = this.#refusals.judging(() => claimOf(claim))
    return this.#enter(name, claim, mark, async (accepted) => {
      await this.#keeper.keep(accepted)
      return work()
    })
  }

  /** Waits for floor and turn, accepts the claim, and goes on with what that changed: to be kept before anything else happens. */
  async #enter<T>(
    name: string,
    claim: ClaimSource,
    mark: FenceMark,
    then: (accepted: readonly MarkEntry[]) => Promise<T>,
  ): Promise<T> {
    if (this.#floor !== null && this.#floor.known === null) await this.#floor.learn()
    return this.#turns.run(name, async () => {
      this.#assertOpen()
      this.#refusals.judging(() => refuseEnded(claim))
      const floor = this.#floor?.known ?? 0
      if (mark.token < floor) throw this.#refusals.counted(staleToken(name, mark, floor, null))
      return then(this.#refusals.judging(() => this.#marks.accept(name, mark)))
    })
  }

  async takeRun(resource: string, claim: ClaimSource, dueAtMs: number): Promise<RunClaim> {
    const due = runTimeOf(dueAtMs)
    const name = this.#refusals.judging(() => resourceOf(resource))
    const mark = this.#refusals.judging(() => claimOf(claim))
    return this.#enter(name, claim, mark, async (accepted) => {
      const lastMs = this.#marks.lastRun(name)
      const taken = this.#marks.takeRun(name, due)
      // one record of the journal: after a crash both are there, or neither
      await this.#keeper.keep([...accepted, ...taken])
      return { isTaken: taken.length > 0, lastMs }
    })
  }

  async lastRun(resource: string): Promise<number | null> {
    const last = this.#marks.lastRun(resourceOf(resource))
    this.#assertOpen()
    await this.#keeper.settle()
    return last
  }

  async highest(resource: string): Promise<FenceMark | null> {
    const mark = this.#marks.get(resourceOf(resource))
    this.#assertOpen()
    await this.#keeper.settle()
    return mark
  }

  async forget(resource: string): Promise<boolean> {
    const name = resourceOf(resource)
    return this.#turns.run(name, async () => {
      this.#assertOpen()
      const entries = this.#marks.fold(name)
      await this.#keeper.keep(entries)
      return entries.length > 0
    })
  }

  stats(): FenceStats {
    return { resources: this.#marks.resources, floors: this.#marks.floors }
  }

  /** Refuses everything from now on with ELECTION_STOPPED; resolves when the last guarded work is done. */
  async drain(): Promise<void> {
    this.#closed = true
    await this.#turns.idle()
  }

  #assertOpen(): void {
    if (this.#closed) throw new ElectionError('ELECTION_STOPPED', 'the fence is closed')
  }
}
