/**
 * The state of every directed link: cut or not, how slow, how lossy.
 *
 * A cut is one-way and has a name; a link is cut while any cut of it stands, so a partition may be healed while another
 * one goes on. Cutting is silent: nobody is told (B.16). Moves no frame: `sim-network.ts` does.
 */

/** How one directed link treats frames. Times are real ms, shares are probabilities. */
export interface LinkQuality {
  /** Least time that a frame takes. */
  readonly latencyMs: number
  /** On top of that, uniformly. */
  readonly jitterMs: number
  /** Share of frames that take up to `tailMs` more. */
  readonly tail: number
  readonly tailMs: number
  /** Share of frames that vanish. */
  readonly loss: number
  /** Share of frames that arrive twice, the second time later. */
  readonly duplicate: number
  /** Share of frames behind which one of the recent frames of the link arrives once more. */
  readonly replay: number
  /** Frames may overtake each other. */
  readonly reorder: boolean
}

/** A local network without faults: 0.5 ms, in order, nothing lost. */
export const CALM: LinkQuality = {
  latencyMs: 0.5,
  jitterMs: 0,
  tail: 0,
  tailMs: 0,
  loss: 0,
  duplicate: 0,
  replay: 0,
  reorder: false,
}

/** One direction between two nodes. */
export interface Link {
  readonly from: number
  readonly to: number
  quality: LinkQuality
  /** Names of the cuts that stand. */
  readonly cuts: Set<string>
  /** Instant at which the last frame arrives, for links that keep the order. */
  lastArrival: number
}

/** All links of a cluster of `size` nodes. */
export class Links {
  readonly size: number
  private readonly links: Link[] = []

  constructor(size: number, quality: LinkQuality = CALM) {
    this.size = size
    for (let from = 0; from < size; from++) {
      for (let to = 0; to < size; to++) {
        this.links.push({ from, to, quality, cuts: new Set(), lastArrival: 0 })
      }
    }
  }

  /** The link from one node to another, by their numbers. */
  link(from: number, to: number): Link {
    return this.links[from * this.size + to] as Link
  }

  /** Cuts one direction, under a name. */
  cut(from: number, to: number, name: string): void {
    this.link(from, to).cuts.add(name)
  }

  /** Cuts both directions between every two nodes that are in different groups; a node in no group keeps all its links. */
  partition(groups: readonly (readonly number[])[], name: string): void {
    for (const group of groups) {
      for (const other of groups) {
        if (group === other) continue
        for (const from of group) for (const to of other) this.cut(from, to, name)
      }
    }
  }

  /** Removes the cuts of that name, or all. */
  heal(name?: string): void {
    for (const { cuts } of this.links) {
      if (name === undefined) cuts.clear()
      else cuts.delete(name)
    }
  }

  /** Gives every link, or every link of one node, or one direction, another quality. */
  setQuality(quality: LinkQuality, from?: number, to?: number): void {
    for (const link of this.links) {
      if (from === undefined && to === undefined) link.quality = quality
      else if (to === undefined && (link.from === from || link.to === from)) link.quality = quality
      else if (link.from === from && link.to === to) link.quality = quality
    }
  }

  /** True if frames get from one node to the other. */
  isOpen(from: number, to: number): boolean {
    return this.link(from, to).cuts.size === 0
  }

  /** Both directions are open. */
  isOpenBothWays(a: number, b: number): boolean {
    return this.isOpen(a, b) && this.isOpen(b, a)
  }
}
