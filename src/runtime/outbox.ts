/**
 * Collects what one turn of the loop sends to each process, so that it travels in one frame (R70).
 *
 * Keeps the order of the parts; a later life of a process replaces what was collected for an earlier one. Decides nothing.
 */
import type { SendEffect } from '../core/inputs'
import type { Transport } from '../ports/transport'

/** What waits for the end of the turn, per process. */
export class Outbox {
  /** The first `count` entries wait, one per process; the list is used again and again. Few, so nothing is indexed. */
  private readonly parcels: SendEffect[] = []
  private count = 0

  constructor(private readonly transport: Transport) {}

  /** Puts the parts behind those that are already waiting for that life. */
  add(effect: SendEffect): void {
    for (let i = 0; i < this.count; i++) {
      const parcel = this.parcels[i] as SendEffect
      if (parcel.to !== effect.to) continue
      const sameLife = parcel.toIncarnation === effect.toIncarnation
      this.parcels[i] = sameLife ? { ...parcel, parts: [...parcel.parts, ...effect.parts] } : effect
      return
    }
    this.parcels[this.count++] = effect
  }

  /** Hands everything to the transport, one `send` per process. The transport never calls back from inside `send`. */
  flush(): void {
    const { count } = this
    this.count = 0
    for (let i = 0; i < count; i++) {
      const { to, toIncarnation, parts } = this.parcels[i] as SendEffect
      this.transport.send(to, toIncarnation, parts)
    }
  }

  /** Forgets everything that waits. */
  clear(): void {
    this.count = 0
  }
}
