/**
 * Spreads leaderships over the members by what each really leads (option `spread`), without flapping.
 *
 * The succession spreads the elections of a dead process by a hash (R69), but whoever starts first, or comes back last, leads
 * too many or too few. So a process that leads clearly more than its share hands some over (R21) to the member that leads the
 * fewest: never below its own share, never more than would lift the other one to its share if all others gave as much, and
 * only what it has led for a while. Liveness only: a hand-over is one like any other. Read next: `elector.ts`.
 */
import type { ProcessId } from '../core'
import type { Clock } from '../ports/clock'
import { Deadline } from './deadline'

/** Hand-overs of one look at most: a few frames, and one write or two at each end; of more, that part of the own share. */
const AT_ONCE = 250
const PART_AT_ONCE = 1 / 20

/** How many leaderships to hand over, and to whom; null: none. `members`: those that can be reached, this process among them. */
export function surplusOf(
  led: ReadonlyMap<ProcessId, number>,
  members: readonly ProcessId[],
  self: ProcessId,
): { readonly to: ProcessId; readonly count: number } | null {
  const count = (id: ProcessId): number => led.get(id) ?? 0
  const share = Math.ceil(members.reduce((sum, id) => sum + count(id), 0) / members.length)
  const slack = Math.max(2, Math.floor(share / 10))
  const surplus = count(self) - share
  let to: ProcessId | null = null
  for (const id of members) if (id !== self && (to === null || count(id) < count(to))) to = id
  if (to === null || surplus <= slack || count(to) >= share) return null
  const lift = Math.max(1, Math.floor((share - count(to)) / (members.length - 1)))
  return { to, count: Math.min(surplus, lift, Math.max(AT_ONCE, Math.floor(share * PART_AT_ONCE))) }
}

/** What spreading needs of the elector. */
export interface SpreadParts {
  readonly clock: Clock
  readonly promiseMs: number
  readonly self: ProcessId
  /** Members that can be reached, this process among them. */
  readonly members: () => readonly ProcessId[]
  /** Hands that many settled leaderships over to that member, or as many as there are. */
  readonly give: (count: number, to: ProcessId) => void
}

/** Counts who leads how many, and looks at that every `promiseMs`. */
export class Spread {
  private readonly led = new Map<ProcessId, number>()
  private readonly timer: Deadline

  constructor(private readonly parts: SpreadParts) {
    this.timer = new Deadline(parts.clock, () => this.look())
  }

  /** One election is led by somebody else now; null: by nobody who is known. */
  counted(former: ProcessId | null, next: ProcessId | null): void {
    if (former !== null) this.led.set(former, (this.led.get(former) ?? 0) - 1)
    if (next !== null) this.led.set(next, (this.led.get(next) ?? 0) + 1)
  }

  start(): void {
    this.timer.arm(this.parts.clock.now() + this.parts.promiseMs)
  }

  stop(): void {
    this.timer.clear()
  }

  private look(): void {
    const { members, self, give } = this.parts
    const plan = surplusOf(this.led, members(), self)
    if (plan !== null) give(plan.count, plan.to)
    this.start()
  }
}
