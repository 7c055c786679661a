/**
 * What the worker does for a main thread that is stuck: it leads nothing new, and what is led runs out (R39, R20).
 *
 * Nothing is released: work that runs on a stuck thread has not stopped, and may wake up and write at any moment before the
 * lease ends. So every lease is frozen at its present end, and others lead from there on. Nor does this process stand again
 * before the thread moves. Votes for others and their heartbeats are no work of the main thread: they go on.
 * Read next: `main-watch.ts` (who finds out), `../tenure.ts` (the same for work that does not stop in time).
 */
import type { ElectionName, RevokeReason } from '../../core'
import type { ServiceEffect, Submitted } from '../driver-options'

/** Why leaderships of a stuck main thread end. */
const REASON: RevokeReason = 'stalled'

/** Between the main thread and the driver. */
export class Standing {
  private readonly led = new Set<ElectionName>()
  /** The last word of the main thread on whether it contends. */
  private readonly wanted = new Map<ElectionName, Extract<Submitted, { type: 'contend' }>>()
  private isStuck = false

  constructor(private readonly submit: (input: Submitted) => void) {}

  /** An input of the main thread. */
  input(input: Submitted): void {
    if (input.type === 'contend') {
      this.wanted.set(input.election, input)
      if (this.isStuck && input.contending) return
    }
    this.submit({ ...input })
  }

  /** The core said something. */
  effect(effect: ServiceEffect): void {
    if (effect.type === 'elected') {
      this.led.add(effect.election)
      if (this.isStuck) this.freeze(effect.election)
    } else if (effect.type === 'revoked') {
      this.led.delete(effect.election)
    }
  }

  /** The main thread does not move. */
  stuck(): void {
    this.isStuck = true
    for (const election of this.led) this.freeze(election)
    for (const input of this.wanted.values()) {
      if (input.contending) this.submit({ ...input, contending: false })
    }
  }

  /** It moves again. */
  back(): void {
    this.isStuck = false
    for (const input of this.wanted.values()) {
      if (input.contending) this.submit({ ...input })
    }
  }

  private freeze(election: ElectionName): void {
    this.submit({ type: 'freeze', election, reason: REASON })
  }
}
