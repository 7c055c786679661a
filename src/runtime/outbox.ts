/**
 * Collects what one turn of the loop sends to each process, so that it travels in one frame (R70).
 *
 * Keeps the order of the parts; a later life of a process replaces what was collected for an earlier one. Decides nothing.
 */
import type { SendEffect } from '../core/inputs'
import type { Part } from '../core/messages'
import type { Transport } from '../ports/transport'

/** What waits for the end of the turn, per process. */
export class Outbox {
  /** The first `count` entries wait, one per process; the list is used again and again. Few, so nothing is indexed. */
  private readonly parcels: SendEffect[] = []
  /** Lists that were made here and may grow; those of a first effect are the core's. */
  private readonly grown: (Part[] | null)[] = []
  private count = 0

  constructor(private readonly transport: Transport) {}

  /** Puts the parts behind those that are already waiting for that life. */
  add(effect: SendEffect): void {
    for (let i = 0; i < this.count; i++) {
      const parcel = this.parcels[i] as SendEffect
      if (parcel.to !== effect.to) continue
      if (parcel.toIncarnation !== effect.toIncarnation) {
        this.parcels[i] = effect
        this.grown[i] = null
        return
      }
      let parts = this.grown[i] ?? null
      if (parts === null) {
        parts = [...parcel.parts]
        this.grown[i] = parts
        this.parcels[i] = { ...parcel, parts }
      }
      for (const part of effect.parts) parts.push(part)
      return
    }
    this.grown[this.count] = null
    this.parcels[this.count++] = effect
  }

  /** Does something like that wait? */
  some(is: (parcel: SendEffect) => boolean): boolean {
    for (let i = 0; i < this.count; i++) if (is(this.parcels[i] as SendEffect)) return true
    return false
  }

  /**
   * Hands everything to the transport, one `send` per process; what `keeps` names goes on waiting, for whatever follows to
   * that process or for the next `flush` that does not name it. The transport never calls back from inside `send`.
   */
  flush(keeps: (parcel: SendEffect) => boolean = () => false): void {
    const { count } = this
    this.count = 0
    for (let i = 0; i < count; i++) {
      const parcel = this.parcels[i] as SendEffect
      if (keeps(parcel)) this.keep(i)
      else this.transport.send(parcel.to, parcel.toIncarnation, parcel.parts)
    }
  }

  private keep(i: number): void {
    this.grown[this.count] = this.grown[i] ?? null
    this.parcels[this.count++] = this.parcels[i] as SendEffect
  }

  /** Forgets everything that waits. */
  clear(): void {
    this.count = 0
  }
}
