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

  /** Hands everything to the transport, one `send` per process. The transport never calls back from inside `send`. */
  flush(): void {
    const { count } = this
    this.count = 0
    for (let i = 0; i < count; i++) {
      const { to, toIncarnation, parts } = this.parcels[i] as SendEffect
      this.transport.send(to, toIncarnation, parts)
    }
  }

  /**
   * Hands over what tells somebody to campaign at once, if there is any, and leaves the rest for the end of the turn: whoever
   * only has to know is not woken before whoever has to act. Without such a word it hands over everything.
   */
  flushHeirs(): void {
    const waiting = this.parcels.slice(0, this.count)
    const isForHeir = ({ parts }: SendEffect): boolean => parts.some(({ kind }) => kind === 'timeoutNow')
    const rest = waiting.filter((parcel) => !isForHeir(parcel))
    if (rest.length === this.count) return this.flush()
    this.count = 0
    for (const parcel of rest) this.add(parcel)
    for (const { to, toIncarnation, parts } of waiting.filter(isForHeir)) {
      this.transport.send(to, toIncarnation, parts)
    }
  }

  /** Forgets everything that waits. */
  clear(): void {
    this.count = 0
  }
}
