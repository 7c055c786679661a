/**
 * What waits to be written to one connection (R70, B.17).
 *
 * Parts are kept as parts until the socket can take them, and are encoded and sealed only then: everything of one turn
 * leaves in one write, and while the socket is congested a newer heartbeat or ack takes the place of the older one.
 * Over the limit whole batches are dropped, the oldest first. Does not know when a turn ends: see `tcp-transport.ts`.
 */
import type { Socket } from 'node:net'
import type { Part } from '../core/messages'
import { FRAME_KINDS, PartEncoder } from '../wire'
import type { Sealer } from './tcp-keys'

/** Memory that one queued part is counted with. */
const PART_BYTES = 64

/** What an outbox reports to the transport. */
export interface OutboxReport {
  /** Frames and bytes that were handed to the socket. */
  sent(frames: number, bytes: number): void
  /** Batches that were dropped because the peer does not read fast enough. */
  dropped(batches: number): void
  /** Parts that cannot be put on the wire: a fault of this process. */
  unencodable(parts: number): void
}

/** A batch: the parts of one `send`. */
type Batch = Part[]

/** The queue of one connection. Dies with it. */
export class Outbox {
  readonly #socket: Socket
  readonly #sealer: Sealer
  readonly #report: OutboxReport
  readonly #maxParts: number
  readonly #encoder: PartEncoder
  #batches: Batch[] = []
  #parts = 0
  /** Where the queued heartbeat and the queued ack are, if they were queued during a congestion. */
  readonly #newest = new Map<'heartbeat' | 'ack', { readonly batch: Batch; readonly at: number }>()
  readonly #onWritten = () => {
    if (this.#batches.length > 0) this.flush()
  }

  /** `version`: of the protocol that the connection speaks. */
  constructor(socket: Socket, sealer: Sealer, version: number, maxQueueBytes: number, report: OutboxReport) {
    this.#socket = socket
    this.#encoder = new PartEncoder({ version })
    this.#sealer = sealer
    this.#report = report
    this.#maxParts = Math.floor(maxQueueBytes / PART_BYTES)
  }

  /** True while the kernel has not taken what was written before. */
  get congested(): boolean {
    return this.#socket.writableLength > 0
  }

  /** Queues the parts of one `send`; `flush` writes them. */
  push(parts: readonly Part[]): void {
    const batch = this.congested ? this.#supersede(parts) : [...parts]
    if (batch.length === 0) return
    this.#batches.push(batch)
    this.#parts += batch.length
    this.#trim()
  }

  /** Writes everything that is queued, unless the socket is congested: then the end of the congestion does. */
  flush(): void {
    if (!this.congested) this.flushNow()
  }

  /** Writes everything that is queued, in as few writes as possible, whatever the state of the socket. */
  flushNow(): void {
    if (this.#batches.length === 0) return
    const batches = this.#batches
    this.#batches = []
    this.#parts = 0
    this.#newest.clear()
    const frames: Buffer[] = []
    const refused = this.#encoder.encode(flat(batches), (body) => {
      frames.push(this.#sealer.seal(FRAME_KINDS.parts, body))
    })
    if (refused > 0) this.#report.unencodable(refused)
    this.#write(frames)
  }

  /** Writes a small frame of the transport's own at once, behind what was written before. */
  control(kind: number, body: Uint8Array): void {
    this.#write([this.#sealer.seal(kind, body)])
  }

  #write(frames: readonly Buffer[]): void {
    const socket = this.#socket
    const last = frames.length - 1
    if (last > 0) socket.cork()
    let bytes = 0
    frames.forEach((frame, at) => {
      bytes += frame.length
      if (at === last) socket.write(frame, this.#onWritten)
      else socket.write(frame)
    })
    if (last > 0) socket.uncork()
    this.#report.sent(frames.length, bytes)
  }

  /**
   * Puts a heartbeat or ack in the place of the one that is still queued, and returns the other parts. The place of the
   * older one is kept because a vote request counts only behind a heartbeat, and a grant only behind an ack (R3, R60).
   */
  #supersede(parts: readonly Part[]): Batch {
    const batch: Batch = []
    for (const part of parts) {
      if (part.kind !== 'heartbeat' && part.kind !== 'ack') {
        batch.push(part)
        continue
      }
      const older = this.#newest.get(part.kind)
      if (older === undefined) {
        this.#newest.set(part.kind, { batch, at: batch.length })
        batch.push(part)
      } else {
        older.batch[older.at] = part
      }
    }
    return batch
  }

  /** Keeps the queue within its bound by dropping the oldest batches. */
  #trim(): void {
    let count = 0
    while (this.#parts > this.#maxParts) {
      const oldest = this.#batches[count] as Batch
      count += 1
      this.#parts -= oldest.length
      for (const [kind, place] of this.#newest) if (place.batch === oldest) this.#newest.delete(kind)
    }
    if (count === 0) return
    this.#batches.splice(0, count)
    this.#report.dropped(count)
  }
}

function* flat(batches: readonly Batch[]): Iterable<Part> {
  for (const batch of batches) yield* batch
}
