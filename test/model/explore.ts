/**
 * Breadth first through the states of a table, layer by layer, until there are no more, one breaks something, or there are too
 * many. Knows nothing of what a state is. Read next: `search.ts`, `members/search.ts` (which expand them).
 */

/** What is explored. */
export interface Frontier {
  /** States found so far; grows while they are visited. */
  readonly table: { readonly size: number }
  readonly maxStates: number
  /** Finds the successors of that state. */
  visit(at: number): void
  /** Successors found so far, each as often as it was reached. */
  generated(): number
  isBroken(): boolean
}

/** How far an exploration has come. */
export interface Progress {
  readonly generated: number
  readonly distinct: number
  readonly depth: number
}

/** Explores; `progress` is told at each layer. Complete: nothing is left, and nothing broke. */
export function explore(
  frontier: Frontier,
  progress?: (now: Progress) => void,
): Progress & { readonly complete: boolean; readonly cpuSeconds: number } {
  const cpu = process.cpuUsage()
  const { table, maxStates } = frontier
  let depth = 0
  let layerEnd = 1
  let at = 0
  for (; at < table.size && !frontier.isBroken() && table.size < maxStates; at++) {
    if (at === layerEnd) {
      depth += 1
      layerEnd = table.size
      progress?.({ generated: frontier.generated(), distinct: table.size, depth })
    }
    frontier.visit(at)
  }
  const used = process.cpuUsage(cpu)
  const broken = frontier.isBroken()
  return {
    generated: frontier.generated(),
    distinct: table.size,
    depth: broken ? depth + 1 : depth,
    complete: !broken && at >= table.size,
    cpuSeconds: (used.user + used.system) / 1e6,
  }
}
