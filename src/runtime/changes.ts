/**
 * `changes()`: what an election looks like, as an async iterator that never falls behind (BUGS 19, USERS 13).
 *
 * It yields the present view at once, then a view after each change; changes that happen while the consumer is busy are
 * one view, the newest. After the end it yields the last view, if that was not seen yet, and is done. Keeps no queue.
 */
import type { ProcessId, Role, Term } from '../core'

/** An election, as this process sees it at one moment. */
export interface ElectionView {
  readonly role: Role
  readonly leader: ProcessId | null
  /** Term of that leader; 0 while none is known. */
  readonly term: Term
  /** Whether this process leads, read from its lease at that moment. */
  readonly isLeader: boolean
  /** Own token while it leads. */
  readonly token: number | null
}

/** All consumers of one election. */
export class Changes {
  private wakers: Set<() => void> | null = null
  private version = 0

  constructor(
    private readonly view: () => ElectionView,
    private ended: boolean,
  ) {}

  /** Something changed. */
  notify(): void {
    this.version += 1
    if (this.wakers === null) return
    for (const wake of [...this.wakers]) wake()
  }

  /** Nothing will change any more. */
  end(): void {
    this.ended = true
    this.notify()
  }

  /** Changes begin again. */
  reopen(): void {
    this.ended = false
  }

  /** One consumer; ends by itself after `end`, or when the loop over it is left. */
  iterate(): AsyncIterableIterator<ElectionView> {
    return new Consumer(this)
  }

  /** Internal to the consumers: the newest view if it was not seen, null at the end, undefined if there is nothing new. */
  read(seen: number): { readonly view: ElectionView; readonly version: number } | null | undefined {
    if (seen !== this.version) return { view: this.view(), version: this.version }
    return this.ended ? null : undefined
  }

  /** Internal to the consumers. */
  wake(consumer: () => void, on: boolean): void {
    if (on) this.wakers ??= new Set()
    if (on) this.wakers?.add(consumer)
    else this.wakers?.delete(consumer)
  }
}

type Step = IteratorResult<ElectionView, undefined>
const DONE: Step = Object.freeze({ done: true, value: undefined })

class Consumer implements AsyncIterableIterator<ElectionView> {
  private seen = -1
  private left = false
  private readonly waiting: ((step: Step) => void)[] = []

  constructor(private readonly changes: Changes) {}

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Step> {
    return new Promise((resolve) => {
      this.waiting.push(resolve)
      this.serve()
    })
  }

  return(): Promise<Step> {
    this.left = true
    this.serve()
    return Promise.resolve(DONE)
  }

  private readonly serve = (): void => {
    while (this.waiting.length > 0) {
      const news = this.left ? null : this.changes.read(this.seen)
      if (news === undefined) break
      if (news !== null) this.seen = news.version
      this.waiting.shift()?.(news === null ? DONE : { done: false, value: news.view })
    }
    this.changes.wake(this.serve, this.waiting.length > 0)
  }
}
