/**
 * The durable storage: a private directory, a lock, two slots, one small flushed write per change (A3, R1, B.12-B.15).
 *
 * Decides when a write is done and where it goes: behind the last one, or, when the slot is full and always as the first
 * write of a life, as a snapshot at the head of the other slot. (The first of a life: what was read back may have come
 * from the page cache of a life whose flush failed; nothing is built upon it before it was written anew.)
 * Why that survives every crash is argued in `recover.ts`. Must never write after a failed write: a flush that failed
 * once may lie afterwards.
 * Read next: `recover.ts`, `lock.ts`, `slots.ts`.
 */
import * as fs from 'node:fs'
import { resolve } from 'node:path'
import type { DurableChange, DurableState, ElectionName, ProcessRecord, Term } from '../core/types'
import { ElectionError, isElectionError } from '../errors'
import type { Portable } from '../ports/portable'
import type { Storage, StorageIdentity } from '../ports/storage'
import { type Flush, prepareDirectory } from './directory'
import { encodeFrame } from './frame'
import { type DirectoryLock, lockDirectory } from './lock'
import { encodeBody, faultOfChange } from './record'
import { FRAMES_AT } from './recover'
import { quote, storageFailed } from './refusals'
import { closeSlots, type OpenSlots, openSlots, type ReadOperation, ROOM_BYTES, type Slot } from './slots'

/** Options of `file`. */
export interface FileOptions {
  /**
   * The data directory of *one* process of *one* cluster, on a local disk. Made with mode 0700 when it is missing.
   * A directory that vanishes with its container is the loss of a disk at each restart (R26). No default.
   */
  readonly dir: string
}

/** What is asked of the operating system about slots: a seam for tests that tear writes. `fs` of Node.js fits. */
export interface FileOperations {
  readonly read: ReadOperation
  write(
    fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null, written: number) => void,
  ): void
  fdatasync(fd: number, done: (error: Error | null) => void): void
}

/**
 * A durable storage in a directory of the local disk. Does nothing before `open`.
 *
 * `open` fails with `ELECTION_STORAGE_LOCKED` (another process has the directory), `ELECTION_STORAGE_FOREIGN` (it is of
 * another process or cluster), `ELECTION_STORAGE_CORRUPT` (damaged, or of an unknown format) or `ELECTION_STORAGE_FAILED`
 * (no rights, no space, a symbolic link, a network file system). `write` fails with `ELECTION_STORAGE_FAILED`, and so
 * does every later one (R1).
 *
 * @throws ELECTION_CONFIG_INVALID when `dir` is no path.
 */
export function file(options: FileOptions): Storage {
  return createFileStorage(options, fs)
}

/** `file` over other operations; `flush` overrides what the file system is known for. Not part of the package. */
export function createFileStorage(options: FileOptions, operations: FileOperations, flush?: Flush): Storage {
  const dir: unknown = options?.dir
  if (typeof dir !== 'string' || dir === '' || dir.includes('\0')) {
    throw new ElectionError(
      'ELECTION_CONFIG_INVALID',
      `dir has to be the path of a directory, not ${quote(dir)}`,
      {
        details: { option: 'dir' },
      },
    )
  }
  return new FileStorage(resolve(dir), operations, flush ?? null)
}

/** One write to the disk. */
interface Plan {
  readonly slot: 0 | 1
  readonly position: number
  /** The frame, and zeros behind it where the slot grows. */
  readonly bytes: Buffer
  /** Where the next change goes. */
  readonly next: number
  readonly sequence: number
}

type Phase = 'closed' | 'opening' | 'open' | 'writing' | 'failed' | 'closing'

class FileStorage implements Storage {
  readonly kind = 'durable'
  readonly portable: Portable
  private phase: Phase = 'closed'
  private lock: DirectoryLock | null = null
  private slots: readonly [Slot, Slot] | null = null
  private current: 0 | 1 = 0
  /** Where the next change goes in the current slot; Infinity: the other slot is next. */
  private position = Number.POSITIVE_INFINITY
  /** Number of the newest write that was begun, and of the newest that is durable. */
  private begun = 0
  private durable = 0
  private process: ProcessRecord | null = null
  private terms = new Map<ElectionName, Term>()
  private failure: ElectionError | null = null
  private flush: Flush = 'fdatasync'
  private readonly closers: (() => void)[] = []

  constructor(
    private readonly dir: string,
    private readonly operations: FileOperations,
    private readonly flushOverride: Flush | null,
  ) {
    this.portable = { make: 'file', options: { dir } }
  }

  open(identity: StorageIdentity, done: (error: Error | null, state: DurableState | null) => void): void {
    if (this.phase !== 'closed') {
      done(
        storageFailed(`${quote(this.dir)} cannot be opened while it is ${this.phase}`, { dir: this.dir }),
        null,
      )
      return
    }
    this.phase = 'opening'
    this.acquire(identity).then(
      (state) => this.settle('open', () => done(null, state)),
      (error: unknown) => this.settle('closed', () => done(this.wrap('opening', error), null)),
    )
  }

  write(change: DurableChange, done: (error: Error | null) => void): void {
    if (this.phase !== 'open') {
      done(
        this.failure ??
          storageFailed(`a write to ${quote(this.dir)} while it is ${this.phase}`, { dir: this.dir }),
      )
      return
    }
    let plan: Plan
    try {
      plan = this.plan(change)
    } catch (error) {
      this.fail(error, done)
      return
    }
    this.phase = 'writing'
    this.put(plan, (error) => {
      if (error === null) this.settle('open', () => done(null))
      else this.fail(error, done)
    })
  }

  close(done: () => void): void {
    this.closers.push(done)
    if (this.phase === 'opening' || this.phase === 'writing' || this.phase === 'closing') return
    this.phase = 'closing'
    this.relinquish().then(() => {
      this.phase = 'closed'
      for (const closer of this.closers.splice(0)) closer()
    })
  }

  /** Final (R1): the storage takes no write after this one. */
  private fail(error: unknown, done: (error: Error | null) => void): void {
    const failure = this.wrap('writing to', error)
    this.failure = failure
    this.settle('failed', () => done(failure))
  }

  /** Ends what was under way: first the state, then the caller, then those who wait to close. */
  private settle(phase: Phase, tell: () => void): void {
    this.phase = phase
    try {
      tell()
    } finally {
      const waiting = this.closers.pop()
      if (waiting !== undefined) this.close(waiting)
    }
  }

  private async acquire(identity: StorageIdentity): Promise<DurableState> {
    const flush = await prepareDirectory(this.dir)
    const lock = await lockDirectory(this.dir)
    let opened: OpenSlots
    try {
      opened = await openSlots(this.dir, identity, this.flushOverride ?? flush, this.operations.read)
    } catch (error) {
      await lock.release()
      throw error
    }
    const { slots, found } = opened
    this.flush = this.flushOverride ?? flush
    this.lock = lock
    this.slots = slots
    this.current = found.slot
    this.position = Number.POSITIVE_INFINITY
    this.begun = found.begun
    this.durable = found.durable
    this.process = found.state.process
    this.terms = new Map(found.state.terms)
    this.failure = null
    return found.state
  }

  private async relinquish(): Promise<void> {
    const { slots, lock } = this
    this.slots = null
    this.lock = null
    if (slots !== null) await closeSlots(slots)
    if (lock !== null) await lock.release()
  }

  /** What to write where: a change behind the last one if there is room, else a snapshot in the other slot. */
  private plan(change: DurableChange): Plan {
    const process = change.process ?? this.process!
    const fault = faultOfChange(change) ?? this.faultOfOwner(process)
    if (fault !== null) throw new ElectionError('ELECTION_INVARIANT', fault)
    if (change.process !== undefined) this.process = structuredClone(process)
    for (const [name, term] of change.terms) this.terms.set(name, Math.max(term, this.terms.get(name) ?? 0))

    const numbers = { sequence: ++this.begun, after: this.durable }
    const { current, position } = this
    if (position < this.slots![current].size) {
      const bytes = encodeFrame({ kind: 'change', ...numbers, body: encodeBody(change) })
      const next = position + bytes.length
      if (next <= this.slots![current].size) return { slot: current, position, bytes, next, ...numbers }
    }
    const slot = current === 0 ? 1 : 0
    const snapshot = encodeFrame({
      kind: 'snapshot',
      ...numbers,
      body: encodeBody({ process, terms: this.terms }),
    })
    const bytes = grow(this.slots![slot], snapshot)
    return { slot, position: FRAMES_AT, bytes, next: FRAMES_AT + snapshot.length, ...numbers }
  }

  /** Writes and flushes; then, and only then, the write counts. */
  private put(plan: Plan, done: (error: Error | null) => void): void {
    const slot = this.slots![plan.slot]
    const finish = (error: Error | null): void => {
      if (error === null) {
        slot.size = Math.max(slot.size, plan.position + plan.bytes.length)
        this.current = plan.slot
        this.position = plan.next
        this.durable = plan.sequence
      }
      done(error)
    }
    this.writeAll(slot.fd, plan.bytes, 0, plan.position, (error) => {
      if (error !== null || this.flush === 'dsync') finish(error)
      else this.operations.fdatasync(slot.fd, (failed) => finish(failed ?? null))
    })
  }

  /** The system may take less than it was given. */
  private writeAll(
    fd: number,
    bytes: Buffer,
    from: number,
    position: number,
    done: (error: Error | null) => void,
  ): void {
    this.operations.write(fd, bytes, from, bytes.length - from, position, (error, written) => {
      if (error) done(error)
      else if (written <= 0) done(new Error(`the system took no byte of ${bytes.length - from}`))
      else if (from + written >= bytes.length) done(null)
      else this.writeAll(fd, bytes, from + written, position + written, done)
    })
  }

  private faultOfOwner(record: ProcessRecord): string | null {
    const own = this.process!
    const same =
      record.clusterId === own.clusterId && record.nodeId === own.nodeId && record.storageId === own.storageId
    return same ? null : 'a record of another process, cluster or storage'
  }

  private wrap(doing: string, error: unknown): ElectionError {
    if (isElectionError(error) && error.code !== 'ELECTION_INVARIANT') return error
    const what = error instanceof Error ? error.message : String(error)
    const details = { dir: this.dir, code: (error as NodeJS.ErrnoException | null)?.code ?? null }
    return storageFailed(`${doing} ${quote(this.dir)} failed: ${what}`, details, error)
  }
}

/**
 * A snapshot with zeros behind it up to the new end of the slot, if the slot is to grow; else the snapshot alone. Room
 * for as many bytes of changes as four snapshots take, so that snapshots cost little even with 100,000 elections.
 */
function grow(slot: Slot, snapshot: Buffer): Buffer {
  const least = FRAMES_AT + 2 * snapshot.length
  if (slot.size >= least && slot.size >= FRAMES_AT + ROOM_BYTES) return snapshot
  const size = FRAMES_AT + Math.max(ROOM_BYTES, 5 * snapshot.length)
  return Buffer.concat([snapshot, Buffer.alloc(size - FRAMES_AT - snapshot.length)])
}
