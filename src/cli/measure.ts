/**
 * What `conclave doctor` measures, all at once and for as long as it is told: round trips to members, a store, durable writes,
 * the event loop, the clocks. Judges nothing: `advice.ts` does.
 */
import { close, fdatasync, openSync, unlinkSync, write } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CasStore } from '../ports/cas-store'
import type { Clock } from '../ports/clock'
import { type LoopDelay, loopMonitor } from '../runtime/loop-monitor'
import { parsePeerAddress } from '../transports/tcp-options'
import { probe } from '../transports/tcp-probe'
import { type StoreFigures, StoreProbes } from './measure-store'
import { type Samples, samplesOf } from './samples'

/** How far away a member is. */
export interface MemberFigures {
  readonly id: string
  readonly address: string
  /** Null: it was never reached. */
  readonly connect: Samples | null
  /** Through its event loop; null if it did not greet in the clear, as with TLS. */
  readonly answer: Samples | null
  readonly versions: { readonly oldest: number; readonly newest: number } | null
  readonly failures: number
  readonly lastError: string | null
}

/** What the clocks of this host did. */
export interface ClockFigures {
  /** The smallest step of the monotonic clock that was seen, ms. */
  readonly resolutionMs: number
  /** How much faster the wall clock ran than the monotonic one, parts per million, steps left out. */
  readonly driftPpm: number
  /** How exact that is: the wall clock is read in whole milliseconds. */
  readonly driftErrorPpm: number
  /** Sudden changes of the wall clock against the monotonic one, ms. */
  readonly stepsMs: readonly number[]
  /** How long the host slept meanwhile, ms. */
  readonly sleptMs: number
}

/** Everything that was measured. */
export interface Measured {
  readonly seconds: number
  readonly members: readonly MemberFigures[]
  /** Null without a store. */
  readonly store: StoreFigures | null
  /** Durable writes; null without a directory. */
  readonly disk: Samples | null
  readonly loop: LoopDelay
  readonly clock: ClockFigures
}

const PROBE_EVERY_MS = 250
const PROBE_TIMEOUT_MS = 2_000
const WRITE_EVERY_MS = 20
const STORE_EVERY_MS = 50
/** As much as a vote. */
const WRITE_BYTES = 256
const LOOK_EVERY_MS = 100
const WATCHED_DELAY_MS = 400
/** Below that it is slewing and rounding. */
const STEP_MS = 20
const SLEEP_MS = 100

/** What is to be measured besides this host. */
export interface Subjects {
  /** Addresses by id. */
  readonly members: Readonly<Record<string, string>>
  readonly store: CasStore | null
  readonly dataDir: string | null
}

/** Measures. @throws if the directory cannot be written to. */
export async function measure(
  seconds: number,
  { members, store, dataDir }: Subjects,
  clock: Clock,
): Promise<Measured> {
  const addresses = Object.entries(members).map(
    ([id, text]) => [id, text, parsePeerAddress(text, `--members ${id}`)] as const,
  )
  const votes = store === null ? null : new StoreProbes(store, () => clock.now())
  await votes?.begin()
  const monitor = loopMonitor(WATCHED_DELAY_MS)
  const until = clock.now() + seconds * 1_000
  const repeat = async (everyMs: number, act: () => Promise<void> | void): Promise<void> => {
    while (clock.now() < until) {
      const next = clock.now() + everyMs
      await act()
      await new Promise<void>((resolve) => clock.setTimer(Math.min(next, until), resolve))
    }
  }
  const watch = new ClockWatch(clock)
  const disk = dataDir === null ? null : diskWriter(dataDir, clock)
  const [figures] = await Promise.all([
    Promise.all(
      addresses.map(async ([id, text, address]) => {
        const member = new MemberProbes(id, text)
        await repeat(PROBE_EVERY_MS, () =>
          probe(address, PROBE_TIMEOUT_MS, () => clock.now()).then(
            (seen) => member.saw(seen),
            (error: Error) => member.failed(error.message),
          ),
        )
        return member.figures()
      }),
    ),
    repeat(LOOK_EVERY_MS, () => watch.look()),
    votes === null ? null : repeat(STORE_EVERY_MS, () => votes.probe()),
    disk === null ? null : repeat(WRITE_EVERY_MS, () => disk.write()).finally(() => disk.end()),
  ])
  const loop = monitor.read()
  monitor.stop()
  return {
    ...{ seconds, members: figures, store: votes?.figures() ?? null },
    ...{ disk: disk?.samples() ?? null, loop, clock: watch.figures() },
  }
}

class MemberProbes {
  private readonly connects: number[] = []
  private readonly answers: number[] = []
  private versions: MemberFigures['versions'] = null
  private failures = 0
  private lastError: string | null = null

  constructor(
    private readonly id: string,
    private readonly address: string,
  ) {}

  saw({ connectMs, answerMs, versions }: Awaited<ReturnType<typeof probe>>): void {
    this.connects.push(connectMs)
    if (answerMs !== null) this.answers.push(answerMs)
    this.versions = versions ?? this.versions
  }

  failed(why: string): void {
    this.failures += 1
    this.lastError = why
  }

  figures(): MemberFigures {
    const { id, address, versions, failures, lastError } = this
    const [connect, answer] = [samplesOf(this.connects), samplesOf(this.answers)]
    return { id, address, connect, answer, versions, failures, lastError }
  }
}

/** Small writes behind each other, each flushed: what a vote costs. The file is removed at the end. */
function diskWriter(dir: string, clock: Clock) {
  const path = join(dir, `doctor-${process.pid}.tmp`)
  const fd = openSync(path, 'wx', 0o600)
  const [put, flush] = [promisify(write), promisify(fdatasync)]
  const block = Buffer.alloc(WRITE_BYTES, 1)
  const times: number[] = []
  return {
    async write(): Promise<void> {
      const began = clock.now()
      await put(fd, block, 0, block.length, times.length * block.length)
      await flush(fd)
      times.push(clock.now() - began)
    },
    samples: () => samplesOf(times),
    async end(): Promise<void> {
      await promisify(close)(fd)
      unlinkSync(path)
    },
  }
}

/** Compares the clocks of this host. */
export class ClockWatch {
  private readonly began: number
  private readonly beganUptime: number
  private firstOffset: number | null = null
  private offset = 0
  private readonly steps: number[] = []

  constructor(private readonly clock: Clock) {
    this.began = clock.now()
    this.beganUptime = clock.uptime()
  }

  look(): void {
    const before = this.clock.now()
    const wall = this.clock.wall()
    const after = this.clock.now()
    if (after - before > 1) return // put aside between the readings
    const offset = wall - before
    if (this.firstOffset !== null && Math.abs(offset - this.offset) > STEP_MS) {
      this.steps.push(Math.round(offset - this.offset))
    }
    this.firstOffset ??= offset
    this.offset = offset
  }

  figures(): ClockFigures {
    const elapsed = Math.max(1, this.clock.now() - this.began)
    const stepped = this.steps.reduce((sum, step) => sum + step, 0)
    const drifted = this.offset - (this.firstOffset ?? 0) - stepped
    const slept = this.clock.uptime() - this.beganUptime - elapsed
    return {
      resolutionMs: this.resolution(),
      driftPpm: Math.round((drifted / elapsed) * 1e6),
      driftErrorPpm: Math.ceil(1e6 / elapsed),
      stepsMs: this.steps,
      sleptMs: slept > SLEEP_MS ? Math.round(slept) : 0,
    }
  }

  private resolution(): number {
    let smallest = Number.POSITIVE_INFINITY
    for (let i = 0, last = this.clock.now(); i < 1_000; i++) {
      const now = this.clock.now()
      if (now > last) smallest = Math.min(smallest, now - last)
      last = now
    }
    return Number.isFinite(smallest) ? Math.ceil(smallest * 1e4) / 1e4 : 1
  }
}
