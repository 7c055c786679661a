/**
 * Who is asked when figures are collected. One collection asks every source once, however many instruments want a share:
 * what was read is good for the turn of the event loop in which it was read.
 */
import type { MetricLabels, Read, ReadingName } from '../ports/metrics'

/** One reading of one instrument. */
export interface Reading {
  readonly labels: MetricLabels
  readonly value: number
}

/** The sources of one adapter. */
export class Sources {
  private readonly sources = new Set<(read: Read) => void>()
  private known: Map<ReadingName, Reading[]> | null = null

  /** Adds a source; returns how to remove it. */
  add(source: (read: Read) => void): () => void {
    this.sources.add(source)
    return () => {
      this.sources.delete(source)
    }
  }

  /** Readings of one instrument in this turn. */
  readings(name: ReadingName): readonly Reading[] {
    if (this.known === null) {
      this.known = this.ask()
      queueMicrotask(() => {
        this.known = null
      })
    }
    return this.known.get(name) ?? []
  }

  private ask(): Map<ReadingName, Reading[]> {
    const all = new Map<ReadingName, Reading[]>()
    for (const source of this.sources) {
      source((name, labels, value) => {
        const readings = all.get(name)
        if (readings === undefined) all.set(name, [{ labels, value }])
        else readings.push({ labels, value })
      })
    }
    return all
  }
}
