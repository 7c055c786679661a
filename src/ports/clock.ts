/**
 * Time, as the runtime sees it. The core never sees this port: instants reach it as data.
 *
 * What the runtime guarantees: it treats timers as hints and compares `now()` itself (a timer may fire up to 1 ms early
 * and any time late); it clears what it no longer needs; it never asks for a timer further away than 2^31 - 1 ms.
 * What a clock guarantees: `now()` never goes back and, between any two readings, runs within 1 +- rho of real time
 * (A2); callbacks run one at a time, never inside the call that set them, in the order of their instants.
 */
export interface Clock {
  /** Monotonic milliseconds with a fraction, from any origin. */
  now(): number
  /** Wall clock, ms since 1970. Only a cheap trigger for the suspend check (B.3); never a verdict. */
  wall(): number
  /** Milliseconds since the host booted, suspends included; decides whether time went missing (B.3). */
  uptime(): number
  /** Calls back when `now() >= atMs`, or a little before, or later. */
  setTimer(atMs: number, callback: () => void): TimerHandle
  clearTimer(handle: TimerHandle): void
  /** Calls back after the input that is already waiting in the sockets was read (R36). */
  afterIo(callback: () => void): void
  /** Calls back at the end of the present turn, before any input is read: to batch what one turn produced (R70). */
  endOfTurn(callback: () => void): void
}

/** Opaque; given back to the clock that made it. */
export type TimerHandle = unknown
