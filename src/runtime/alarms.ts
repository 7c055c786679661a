/**
 * Keeps alarms readable: the same one at most once a minute, however often its cause repeats (a peer with other options
 * causes one per heartbeat). Decides nothing about the protocol.
 */
import type { AlarmEffect } from '../core'
import type { Clock } from '../ports/clock'

const QUIET_MS = 60_000
const MAX_KEYS = 1_024

/** Remembers which alarms were raised lately. */
export class Alarms {
  private readonly raisedAt = new Map<string, number>()

  constructor(private readonly clock: Clock) {}

  /** True if this alarm has not been raised within the last minute; then it counts as raised. */
  isNew({ code, election, process }: AlarmEffect): boolean {
    const now = this.clock.now()
    const key = `${code} ${election} ${process}`
    if (now - (this.raisedAt.get(key) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return false
    if (this.raisedAt.size >= MAX_KEYS) this.raisedAt.clear()
    this.raisedAt.set(key, now)
    return true
  }
}
