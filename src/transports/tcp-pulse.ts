/**
 * Is the other end still there? Judged by counting looks at a steady pace, not by a clock (R38, E5).
 *
 * A stall of this process delays a look and makes none more, so it can never look like silence of the peer (B.2). Pure.
 */

/** Looks without a sign of life, or without the end of a frame that has begun, after which a connection is dead. */
const PATIENCE = 3

/** What to do about a connection after a look: nothing, ask for a sign of life, or give it up. */
export type Pulse = 'alive' | 'ask' | 'silent' | 'stuck'

/** The signs of life of one connection. */
export class PulseCounter {
  #heard = false
  #silent = 0
  #stuck = 0
  #frames = 0
  #framesBefore = 0

  /** Frames that came so far on this connection. */
  get frames(): number {
    return this.#frames
  }

  /** Some bytes came. */
  bytes(): void {
    this.#heard = true
  }

  /** A frame is complete. */
  frame(): void {
    this.#frames += 1
  }

  /** A look; `partial`: a frame has begun and not ended. */
  look(partial: boolean): Pulse {
    this.#silent = this.#heard ? 0 : this.#silent + 1
    this.#stuck = partial && this.#frames === this.#framesBefore ? this.#stuck + 1 : 0
    this.#heard = false
    this.#framesBefore = this.#frames
    if (this.#silent > PATIENCE) return 'silent'
    if (this.#stuck > PATIENCE) return 'stuck'
    return this.#silent > 0 ? 'ask' : 'alive'
  }
}
