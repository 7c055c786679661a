/**
 * Virtual real time and what happens in it: a queue that stops at every event, in order of instants, ties by insertion.
 *
 * Real time here is what a perfect clock outside the cluster would show; what a node reads is the business of
 * `oscillator.ts`. The queue never skips and never goes back. A binary heap over typed arrays with pooled slots: several
 * million events a second, nothing allocated for one. Read next: `event-loop.ts`.
 */

/** Names an event that waits; used to cancel it. Never used twice. */
export type EventId = number

type Run = (argument: unknown) => void

function nothing(): void {}

const SLOT_BITS = 2 ** 22

/** The queue of a simulation. Time is in ms, from 0. */
export class Scheduler {
  /** Present real time, ms. */
  now = 0
  /** Events run so far. */
  events = 0

  private size = 0
  private sequence = 0
  private heapAt = new Float64Array(64)
  private heapSequence = new Float64Array(64)
  private heapSlot = new Int32Array(64)
  private position = new Int32Array(64)
  private generation = new Float64Array(64)
  private readonly free: number[] = []
  private slots = 0
  /** By slot; stale once the slot is free. */
  private readonly runs: Run[] = []
  private readonly payloads: unknown[] = []

  /** Runs `run(argument)` at that instant, or at once if it has passed; never inside this call. */
  at<A>(instant: number, run: (argument: A) => void, argument: A): EventId {
    const slot = this.free.length > 0 ? (this.free.pop() as number) : this.grow()
    this.runs[slot] = run as Run
    this.payloads[slot] = argument
    this.sequence += 1
    this.rise(this.size++, instant > this.now ? instant : this.now, this.sequence, slot)
    return (this.generation[slot] as number) * SLOT_BITS + slot
  }

  /** As `at`, `delay` ms from now. */
  after<A>(delay: number, run: (argument: A) => void, argument: A): EventId {
    return this.at(this.now + delay, run, argument)
  }

  /** Forgets an event; false if it has run or was cancelled already. */
  cancel(id: EventId): boolean {
    const slot = id % SLOT_BITS
    if (slot >= this.slots || (id - slot) / SLOT_BITS !== this.generation[slot]) return false
    const hole = this.position[slot] as number
    this.release(slot)
    this.removeAt(hole)
    return true
  }

  /** Instant of the next event; Infinity if there is none. */
  get nextAt(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : (this.heapAt[0] as number)
  }

  /** Number of events that wait. */
  get waiting(): number {
    return this.size
  }

  /** Runs the next event; false if there is none. */
  step(): boolean {
    if (this.size === 0) return false
    const slot = this.heapSlot[0] as number
    this.now = this.heapAt[0] as number
    const run = this.runs[slot] as Run
    const argument = this.payloads[slot]
    this.release(slot)
    this.removeAt(0)
    this.events += 1
    run(argument)
    return true
  }

  /** Runs everything up to and including that instant, then sets the time to it. */
  runUntil(instant: number): void {
    while (this.size > 0 && (this.heapAt[0] as number) <= instant) this.step()
    if (instant > this.now) this.now = instant
  }

  private release(slot: number): void {
    this.generation[slot] = (this.generation[slot] as number) + 1
    this.free.push(slot)
  }

  /** A fresh slot, with all arrays large enough for one more event. */
  private grow(): number {
    const slot = this.slots++
    if (slot >= this.heapAt.length) {
      const size = this.heapAt.length * 2
      this.heapAt = copy(new Float64Array(size), this.heapAt)
      this.heapSequence = copy(new Float64Array(size), this.heapSequence)
      this.generation = copy(new Float64Array(size), this.generation)
      this.heapSlot = copy(new Int32Array(size), this.heapSlot)
      this.position = copy(new Int32Array(size), this.position)
    }
    this.runs.push(nothing)
    this.payloads.push(null)
    return slot
  }

  /** Takes the entry at `hole` out of the heap. */
  private removeAt(hole: number): void {
    this.size -= 1
    const last = this.size
    if (hole === last) return
    const at = this.heapAt[last] as number
    const sequence = this.heapSequence[last] as number
    const slot = this.heapSlot[last] as number
    if (hole > 0 && this.before(at, sequence, (hole - 1) >> 1)) this.rise(hole, at, sequence, slot)
    else this.sink(hole, at, sequence, slot)
  }

  private before(at: number, sequence: number, other: number): boolean {
    const otherAt = this.heapAt[other] as number
    return at < otherAt || (at === otherAt && sequence < (this.heapSequence[other] as number))
  }

  private place(index: number, at: number, sequence: number, slot: number): void {
    this.heapAt[index] = at
    this.heapSequence[index] = sequence
    this.heapSlot[index] = slot
    this.position[slot] = index
  }

  private move(from: number, to: number): void {
    const slot = this.heapSlot[from] as number
    this.heapAt[to] = this.heapAt[from] as number
    this.heapSequence[to] = this.heapSequence[from] as number
    this.heapSlot[to] = slot
    this.position[slot] = to
  }

  private rise(start: number, at: number, sequence: number, slot: number): void {
    let child = start
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!this.before(at, sequence, parent)) break
      this.move(parent, child)
      child = parent
    }
    this.place(child, at, sequence, slot)
  }

  private sink(start: number, at: number, sequence: number, slot: number): void {
    let parent = start
    for (;;) {
      let child = 2 * parent + 1
      if (child >= this.size) break
      const right = child + 1
      if (
        right < this.size &&
        this.before(this.heapAt[right] as number, this.heapSequence[right] as number, child)
      ) {
        child = right
      }
      if (this.before(at, sequence, child)) break
      this.move(child, parent)
      parent = child
    }
    this.place(parent, at, sequence, slot)
  }
}

function copy<A extends Float64Array | Int32Array>(to: A, from: A): A {
  to.set(from)
  return to
}
