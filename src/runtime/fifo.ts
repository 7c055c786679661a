/** A queue whose `shift` is cheap however long it is: ten thousand elections may change in one step. A leaf. */

/** First in, first out. */
export class Fifo<T> {
  private items: T[] = []
  private taken = 0

  get isEmpty(): boolean {
    return this.taken === this.items.length
  }

  push(item: T): void {
    this.items.push(item)
  }

  /** The oldest item, or undefined. */
  shift(): T | undefined {
    if (this.isEmpty) return undefined
    const item = this.items[this.taken]
    this.taken += 1
    if (this.isEmpty) this.clear()
    return item
  }

  clear(): void {
    this.items = []
    this.taken = 0
  }
}
