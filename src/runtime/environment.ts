/**
 * What the runtime takes from its surroundings besides transport and storage: time, randomness, the process it lives in.
 *
 * Real by default; a simulation passes its own, and then nothing of the real machine is touched. Decides nothing.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../ports/clock'
import { type LoopMonitor, loopMonitor } from './loop-monitor'
import { systemClock } from './system-clock'

/** The part of `process` that is used; give a fake one in tests, or null to leave the process alone. */
export interface HostProcess {
  readonly pid: number
  on(event: 'exit' | NodeJS.Signals, listener: () => void): unknown
  off(event: 'exit' | NodeJS.Signals, listener: () => void): unknown
  listenerCount(event: NodeJS.Signals): number
  kill(pid: number, signal: NodeJS.Signals): unknown
  /** That many listeners of one event are no leak; 0: any number. */
  getMaxListeners?(): number
  setMaxListeners?(most: number): unknown
  /** For `onOverdue: 'exit'`. */
  exit?(code: number): unknown
  emitWarning(message: string, options: { type: string; code: string; detail?: string }): void
}

/** Surroundings of an elector. */
export interface Environment {
  readonly clock: Clock
  /** Unsigned 32-bit numbers; crypto-random in production (R35). */
  readonly random: () => number
  /** Null: no exit hook, no signals, no warnings. */
  readonly process: HostProcess | null
  /** Makes a monitor of the event loop's delay (B.1), told which delay is too long, ms; null: none. */
  readonly loopMonitor: ((limitMs: number) => LoopMonitor) | null
}

/** The real surroundings. `unref`: see `SystemClockOptions`. */
export function realEnvironment(unref: boolean): Environment {
  return {
    clock: systemClock({ unref }),
    random: () => randomBytes(4).readUInt32BE(0),
    process,
    loopMonitor,
  }
}
