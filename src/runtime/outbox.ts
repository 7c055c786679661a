/**
 * Collects what one turn of the loop sends to each process, so that it travels in one frame (R70).
 *
 * Keeps the order of the parts; a later life of a process replaces what was collected for an earlier one. Decides nothing.
 */
import type { SendEffect } from '../core/inputs'
import type { Part } from '../core/messages'
import type { Incarnation, ProcessId } from '../core/types'
import type { Transport } from '../ports/transport'

interface Parcel {
  readonly toIncarnation: Incarnation
  parts: readonly Part[]
}

/** What waits for the end of the turn, per process. */
export class Outbox {
  private parcels = new Map<ProcessId, Parcel>()

  constructor(private readonly transport: Transport) {}

  /** Puts the parts behind those that are already waiting for that life. */
  add({ to, toIncarnation, parts }: SendEffect): void {
    const parcel = this.parcels.get(to)
    if (parcel === undefined || parcel.toIncarnation !== toIncarnation) {
      this.parcels.set(to, { toIncarnation, parts })
    } else {
      parcel.parts = [...parcel.parts, ...parts]
    }
  }

  /** Hands everything to the transport, one `send` per process. */
  flush(): void {
    if (this.parcels.size === 0) return
    const parcels = this.parcels
    this.parcels = new Map()
    for (const [to, { toIncarnation, parts }] of parcels) this.transport.send(to, toIncarnation, parts)
  }

  /** Forgets everything that waits. */
  clear(): void {
    this.parcels.clear()
  }
}
