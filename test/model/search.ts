/**
 * The world: all processes with what waits for them, explored breadth first until nothing new is reached.
 *
 * A state of the world is one place per process, the largest term won so far as far as it matters, and what is left of
 * the budgets. After each action it is brought into canonical form: what can make no difference is forgotten (`tidy`),
 * and of all ways to sit around the table that leave everybody's neighbours in order one is chosen (`seat`). The abstraction
 * and why it loses nothing: `README.md`. Read next: `schedule.ts` (how a counterexample reads).
 */

import { Behaviour, Bit, Code, type Facts, type Transition } from './behaviour'
import { explore, type Progress } from './explore'
import { presumedOf } from './presumed'
import { type Bounds, type Core, LIFE, linkAll, startProcess } from './process'
import type { Step } from './schedule'
import { StateTable } from './table'

/** How far an exploration goes. */
export interface Limits extends Bounds {
  readonly maxTerm: number
  readonly crashes: number
  /** Hand-overs with a certificate (R21). */
  readonly transfers: number
  /** One clock goes at half the speed of the others, or at double; then D and `rho` have to allow for it. */
  readonly clock: 'equal' | 'slow' | 'fast'
  /** Stop, incomplete, when that many distinct states are known. */
  readonly maxStates: number
}

/** The standard bounds: what `npm run model-check` explores unless told otherwise. */
export const STANDARD: Limits = {
  members: 3,
  promise: 2,
  rho: 0,
  maxTerm: 3,
  crashes: 1,
  transfers: 0,
  clock: 'equal',
  maxStates: 50_000_000,
}

/** What bounds to take for clocks that differ: D = 4 ticks are counted as len(D) = 2 (R13). */
export const DRIFT = { promise: 4, rho: 1 / 3 } as const

/** The bit of a row that says which half of a slow tick it is. */
const PHASE = 512

/** What an exploration found. */
export interface Outcome {
  /** States reached by an action, known or not. */
  readonly generated: number
  /** States after canonical form. */
  readonly distinct: number
  /** Actions from the start to the last new state. */
  readonly depth: number
  /** Everything within the bounds was explored. */
  readonly complete: boolean
  readonly cpuSeconds: number
  /** Different (process, inbox) pairs, and calls of the core's `step` that it took to know them. */
  readonly places: number
  readonly steps: number
  readonly violation: Violation | null
}

/** The property that does not hold, and the actions that lead there. */
export interface Violation {
  readonly property: string
  readonly path: readonly Step[]
}

/** One action: what happens at whom (seats), with which code of the place. */
export interface Action {
  readonly kind: Kind
  readonly seat: number
  readonly detail: number
}

export const KINDS = ['local', 'beat', 'beatAcked', 'holder', 'crash', 'meet', 'tick', 'handOver'] as const
export type Kind = (typeof KINDS)[number]

/** A state of the world while it is worked on: a place per seat, then budgets and the largest term won. */
export class Search {
  readonly behaviour: Behaviour
  readonly life = LIFE
  generated = 0
  private readonly n: number
  private readonly table: StateTable
  private readonly row: Int32Array
  private readonly base: Int32Array
  private readonly image: Int32Array
  private readonly best: Int32Array
  private current = -1
  /** While a path is followed: where `reach` puts the state instead of the table. */
  private caught: number[] | null = null
  private broken: string | null = null
  /** The action under way, and the one that broke a property. */
  private acting = 0
  private brokenBy = 0

  constructor(
    readonly limits: Limits,
    private readonly core: Core,
  ) {
    const n = limits.members
    this.n = n
    this.behaviour = new Behaviour(core, limits, presumedOf(core, limits))
    this.table = new StateTable(n + 1)
    this.row = new Int32Array(n + 1)
    this.base = new Int32Array(n + 1)
    this.image = new Int32Array(n + 1)
    this.best = new Int32Array(n + 1)
  }

  /** Explores. `progress` is told now and then. */
  run(progress?: (now: Progress) => void): Outcome {
    const { limits, table } = this
    this.begin()
    const explored = explore(
      {
        table,
        maxStates: limits.maxStates,
        visit: (at) => {
          this.current = at
          table.read(at, this.base)
          this.expand()
        },
        generated: () => this.generated,
        isBroken: () => this.broken !== null,
      },
      progress,
    )
    return {
      ...explored,
      places: this.behaviour.size,
      steps: this.behaviour.steps,
      violation: this.broken === null ? null : { property: this.broken, path: this.path() },
    }
  }

  private begin(): void {
    const { limits, behaviour, row, n } = this
    const born = linkAll(startProcess(this.core, limits, 0, false))
    const first = behaviour.begin(born, limits.crashes > 0)
    row.fill(first)
    row[n] = limits.crashes * 8 + limits.transfers * 64
    this.seat(row)
    this.table.add(this.best, -1, 0)
  }

  private facts(row: Int32Array, seat: number): Facts {
    return this.behaviour.facts(row[seat] as number)
  }

  // --- actions ----------------------------------------------------------------------------------------------------------

  private expand(): void {
    const { n, base } = this
    for (let i = 0; i < n && this.broken === null; i++) {
      const facts = this.facts(base, i)
      for (const code of facts.local) this.localAction(i, code)
      for (let o = 1; o < n; o++) this.pairActions(i, o, facts)
    }
    if (this.broken === null) this.tick()
    const budgets = base[n] as number
    if (((budgets >> 3) & 7) > 0) for (let i = 0; i < n; i++) this.crash(i)
    if (((budgets >> 6) & 7) > 0) for (let i = 0; i < n; i++) this.handOvers(i)
    if (((budgets >> 3) & 7) < this.limits.crashes) this.meetings()
  }

  private localAction(i: number, code: number): void {
    const { n, base } = this
    if (code >= Code.hear) {
      // a session that begins with a message of somebody who renounced its term protects nobody: its length is all one
      const session = (code - Code.hear) & 15
      if (session > 0 && session < this.limits.promise) {
        const { from } = this.behaviour.hearings.at((code - Code.hear) >> 4)
        if (!this.facts(base, (i + from) % n).busy) return
      }
    }
    this.single('local', i, code)
  }

  /** One input at one place, then its consequences. */
  private single(kind: Kind, i: number, code: number): void {
    const t = this.behaviour.after(this.base[i] as number, code)
    if (t === null) return
    this.row.set(this.base)
    this.act(kind, i, code)
    if (this.apply(i, t)) this.reach()
  }

  /** What the process at seat `i`, as a holder, does with the voter at offset `o`. */
  private pairActions(i: number, o: number, holder: Facts): void {
    const { n, base, limits } = this
    const j = (i + o) % n
    const voter = this.facts(base, j)
    const back = n - o
    if ((((holder.pair[o] as number) | (voter.pair[back] as number)) & Bit.unmet) !== 0) return
    const top = Math.min(voter.known, limits.maxTerm)
    for (let term = holder.known + 1; term <= top; term++) this.single('holder', i, Code.learn + 8 * o + term)
    const left = voter.supports[back] as number
    if (!holder.beats) {
      // the lease has ended, unread: a heartbeat sent before may still arrive, and holds the voter longer
      if (holder.leads && left > 0 && left < limits.promise) this.beat(i, o, true, false)
      return
    }
    if (left > 0 || ((holder.pair[o] as number) & Bit.names) !== 0) {
      this.beat(i, o, left < limits.promise)
      if (limits.clock === 'equal') this.lateAcks(i, o, left, holder.counts[o] as number)
    } else if (holder.leads && voter.known <= holder.ledTerm && voter.announced[back] !== holder.ledTerm) {
      this.beat(i, o, false)
    }
    this.single('holder', i, (left > 0 ? Code.probeAck : Code.probeAckNone) + o)
  }

  /** Acks of earlier heartbeats: whatever is counted at the holder, at most what is left at the voter. */
  private lateAcks(i: number, o: number, left: number, counted: number): void {
    for (let u = left; u > counted; u--) this.single('holder', i, Code.ack + 16 * o + u)
  }

  /** The freshest heartbeat arrives; its ack is lost (or late), or arrives at once. */
  private beat(i: number, o: number, alone: boolean, answered = true): void {
    const { n, base, row, behaviour } = this
    const j = (i + o) % n
    const t = behaviour.after(base[j] as number, Code.beat + n - o)
    row.set(base)
    let ack = -1
    if (t !== null) {
      this.act('beat', i, o)
      if (!this.apply(j, t)) return
      if (alone) {
        this.reach()
        if (this.caught !== null) return
        row.set(base)
        this.apply(j, t)
      }
      ack = t.acks[n - o] as number
    }
    if (ack < 0 || !answered) return
    this.act('beatAcked', i, o)
    const heard = behaviour.after(row[i] as number, Code.hear + ack * 16)
    if (heard !== null && this.apply(i, heard)) this.reach()
  }

  private crash(i: number): void {
    const { n, base, row } = this
    row.set(base)
    row[n] = (row[n] as number) - 8
    this.act('crash', i, 0)
    row[i] = this.always(row[i] as number, Code.crash)
    for (let o = 1; o < n; o++) {
      const j = (i + o) % n
      // acks of the life that ends here may still be on their way
      const left = this.facts(base, i).supports[o] as number
      if (this.limits.clock === 'equal')
        row[j] = this.behaviour.add(row[j] as number, this.behaviour.lateAcks(n - o, left))
      row[j] = this.always(row[j] as number, Code.peerRestarted + n - o)
    }
    if ((((row[n] as number) >> 3) & 7) === 0) {
      for (let j = 0; j < n; j++) row[j] = this.always(row[j] as number, Code.forgetDisk)
    }
    this.reach()
  }

  private always(place: number, code: number): number {
    return (this.behaviour.after(place, code) as Transition).place
  }

  private handOvers(i: number): void {
    if (!this.facts(this.base, i).valid) return
    for (let o = 1; o < this.n; o++) this.handOver(i, o)
  }

  private handOver(i: number, o: number): void {
    const { n, base, row } = this
    const t = this.behaviour.after(base[i] as number, Code.handOver + o)
    if (t === null) return
    row.set(base)
    row[n] = (row[n] as number) - 64
    this.act('handOver', i, o)
    if (this.apply(i, t)) this.reach()
  }

  private meetings(): void {
    const { n, base } = this
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) {
        const pair =
          (this.facts(base, i).pair[j - i] as number) | (this.facts(base, j).pair[n - j + i] as number)
        if ((pair & Bit.unmet) === 0) continue
        this.meeting(i, j, 0)
        const stands = [i, j].filter((seat) => this.facts(base, seat).standsFor > 0)
        for (const seat of stands) this.meeting(i, j, seat + 1)
      }
    }
  }

  /** `late`: seat + 1 of whoever finds out in that turn that its campaign is over, or 0. */
  private meeting(i: number, j: number, late: number): void {
    this.row.set(this.base)
    this.act('meet', i, j + 8 * late)
    if (this.meet(i, j, late - 1)) this.reach()
  }

  private meet(i: number, j: number, late: number): boolean {
    const { n, row, behaviour } = this
    const o = (j - i + n) % n
    const here = behaviour.after(row[i] as number, (late === i ? Code.meetLate : Code.meet) + o)
    if (here !== null && !this.apply(i, here)) return false
    const there = behaviour.after(row[j] as number, (late === j ? Code.meetLate : Code.meet) + n - o)
    return there === null || this.apply(j, there)
  }

  private tick(): void {
    const { n, base, row, behaviour } = this
    row.set(base)
    this.act('tick', 0, 0)
    for (let i = 0; i < n; i++) {
      const t = this.goes(i) ? behaviour.after(base[i] as number, Code.passTick) : null
      if (t !== null) row[i] = t.place
    }
    for (let i = 0; i < n; i++) {
      const t = this.goes(i) ? behaviour.after(base[i] as number, Code.passTick) : null
      if (t !== null && t.ended !== 0) this.retire(i, t.ended)
    }
    if (this.limits.clock !== 'equal') row[n] = (row[n] as number) ^ PHASE
    this.reach()
  }

  /** Whether the clock at that seat goes on with this tick: a slow one does with every second. */
  private goes(i: number): boolean {
    const { clock } = this.limits
    if (clock === 'equal' || ((this.base[this.n] as number) & PHASE) !== 0) return true
    return clock === 'fast' ? i === 0 : i !== 0
  }

  // --- consequences -----------------------------------------------------------------------------------------------------

  private act(kind: Kind, seat: number, detail: number): void {
    this.acting = KINDS.indexOf(kind) + 8 * (seat + 8 * detail)
  }

  /** Puts what an input did at seat `i` into the world; false if a property broke. */
  private apply(i: number, t: Transition): boolean {
    const { n, row, behaviour } = this
    row[i] = t.place
    if (t.ended !== 0) this.retire(i, t.ended)
    for (let o = 1; o < n; o++) {
      const list = t.said[o] as number
      if (list === 0) continue
      const to = (i + o) % n
      row[to] = behaviour.add(row[to] as number, list)
    }
    if (t.broken !== null) return this.violated(t.broken)
    if (t.won > 0) {
      const last = (row[n] as number) & 7
      if (t.won <= last) return this.violated(`P1/P3: term ${t.won} is won after term ${last} was`)
      row[n] = (row[n] as number) - last + t.won
    }
    return true
  }

  private violated(property: string): false {
    this.generated += 1
    this.fail(property)
    return false
  }

  private fail(property: string): void {
    if (this.broken !== null) return
    this.broken = property
    this.brokenBy = this.acting
  }

  /** Grants that the voter at seat `i` gave have ended: their holders call them something else from now on. */
  private retire(i: number, ended: number): void {
    const { n, row, behaviour } = this
    for (let o = 1; o < n; o++) {
      if ((ended & (1 << o)) === 0) continue
      const holder = (i + o) % n
      row[holder] = (behaviour.after(row[holder] as number, Code.retire + n - o) as Transition).place
    }
  }

  /** The state in `row` was generated: checks it, brings it into canonical form, remembers it. */
  private reach(): void {
    this.generated += 1
    if (!this.tidy()) return
    const { n, row } = this
    if (this.caught !== null) {
      this.caught = [...row]
      return
    }
    let holders = 0
    for (let i = 0; i < n; i++) if (this.facts(row, i).valid) holders += 1
    this.seat(row)
    if (!this.table.add(this.best, this.current, this.acting)) return
    if (holders > 1) this.fail('P2: two leases are valid at once')
  }

  /** Forgets what can make no difference to anybody. */
  private tidy(): boolean {
    const { n, row } = this
    for (let j = 0; j < n; j++) {
      if ((this.facts(row, j).any & Bit.bound) !== 0 && !this.deliverRelease(j)) return false
    }
    for (let i = 0; i < n; i++) {
      const { any } = this.facts(row, i)
      if ((any & (Bit.supports | Bit.counts)) === 0) continue
      for (let o = 1; o < n; o++) this.forgetSessions(i, o)
    }
    const last = (row[n] as number) & 7
    if (last > 0 && !this.mayWin(last)) row[n] = (row[n] as number) - last
    return true
  }

  /** A slot that is bound to somebody who has renounced might as well be free. */
  private deliverRelease(j: number): boolean {
    const { n, row, behaviour } = this
    for (let back = 1; back < n; back++) {
      const voter = this.facts(row, j)
      if (((voter.pair[back] as number) & Bit.bound) === 0) continue
      const release = voter.frees[back] as number
      if (release < 0 || this.facts(row, (j + back) % n).busy) continue
      const t = behaviour.after(row[j] as number, Code.hear + release * 16)
      if (t !== null && !this.apply(j, t)) return false
    }
    return true
  }

  /** What stands between the processes at seat `i` and at offset `o`, if it binds nothing and nobody names it. */
  private forgetSessions(i: number, o: number): void {
    const { n, row, behaviour } = this
    const j = (i + o) % n
    const back = n - o
    const here = this.facts(row, i).pair[o] as number
    const there = this.facts(row, j).pair[back] as number
    if ((here & Bit.supports) !== 0 && ((here & Bit.bound) | (there & Bit.names)) === 0)
      row[i] = (behaviour.after(row[i] as number, Code.dropSupport + o) as Transition).place
    if ((here & Bit.counts) !== 0 && ((there & Bit.bound) | (here & Bit.names)) === 0)
      row[i] = (behaviour.after(row[i] as number, Code.dropCounts + o) as Transition).place
  }

  /** Whether anybody could still win that term or a lower one. */
  private mayWin(term: number): boolean {
    const crashes = ((this.row[this.n] as number) >> 3) & 7
    for (let i = 0; i < this.n; i++) {
      const { known, onDisk, standsFor } = this.facts(this.row, i)
      if (known < term || (crashes > 0 && onDisk < term)) return true
      if (standsFor > 0 && standsFor <= term) return true
    }
    return false
  }

  /** Puts into `best` the smallest of all rows that differ only in where people sit, neighbours staying neighbours. */
  private seat(row: Int32Array): void {
    const { n, image, best, behaviour } = this
    best.set(row)
    const alike = this.limits.clock === 'equal'
    if (alike) this.rotations(row)
    image[n] = row[n] as number
    for (let i = 0; i < n; i++) image[(n - i) % n] = behaviour.mirror(row[i] as number)
    this.smaller(image, 0)
    if (alike) this.rotations(image)
  }

  private rotations(from: Int32Array): void {
    for (let shift = 1; shift < this.n; shift++) this.smaller(from, shift)
  }

  private smaller(from: Int32Array, shift: number): void {
    const { n, best } = this
    for (let i = 0; i < n; i++) {
      const x = from[(i + shift) % n] as number
      const y = best[i] as number
      if (x > y) return
      if (x === y) continue
      const copy = from === best ? Int32Array.from(from) : from
      for (let k = 0; k < n; k++) best[k] = copy[(k + shift) % n] as number
      return
    }
  }

  /** Whether this state of the world, in whatever form, is among those explored. */
  knows(places: readonly number[], crashes: number, transfers: number, lastWon: number): boolean {
    const { row, best, n } = this
    row.set(places)
    row[n] = crashes * 8 + transfers * 64 + lastWon
    this.tidy()
    this.seat(row)
    return this.table.has(best)
  }

  /** Ticks left of the sessions at the voter at that seat, by offset, in the state last asked about. */
  sessionsOf(seat: number): readonly number[] {
    return this.facts(this.row, seat).supports
  }

  // --- the way to a state -------------------------------------------------------------------------------------------------

  private path(): Step[] {
    const actions = [this.brokenBy]
    for (let at = this.current; at > 0; at = this.table.parent(at)) actions.unshift(this.table.action(at))
    return this.follow(actions.map(decode))
  }

  /** Takes these actions again, one after the other, and tells who sat where. */
  private follow(actions: readonly Action[]): Step[] {
    const { n, base, row, best, image, behaviour } = this
    const steps: Step[] = []
    this.table.read(0, base)
    let members = Array.from({ length: n }, (_, i) => i)
    let turned = false
    for (const action of actions) {
      this.caught = []
      this.repeat(action)
      const after = this.caught.length > 0 ? this.caught : [...row]
      steps.push({ action, members, turned, before: [...base], after })
      row.set(after)
      this.seat(row)
      base.set(best)
      for (let i = 0; i < n; i++) image[(n - i) % n] = behaviour.mirror(row[i] as number)
      const straight = shiftOf(row, base, n)
      const shift = straight >= 0 ? straight : shiftOf(image, base, n)
      const seats = members
      members = members.map((_, i) => seats[(straight >= 0 ? i + shift : 2 * n - i - shift) % n] as number)
      turned = turned !== straight < 0
    }
    this.caught = null
    return steps
  }

  private repeat({ kind, seat, detail }: Action): void {
    switch (kind) {
      case 'local':
      case 'holder':
        return this.single(kind, seat, detail)
      case 'beat':
      case 'beatAcked':
        return this.beat(seat, detail, kind === 'beat')
      case 'crash':
        return this.crash(seat)
      case 'handOver':
        return this.handOver(seat, detail)
      case 'meet':
        return this.meeting(seat, detail & 7, detail >> 3)
      case 'tick':
        return this.tick()
    }
  }
}

/** How far `to` is `from` rotated, or -1. */
function shiftOf(from: Int32Array, to: Int32Array, n: number): number {
  for (let shift = 0; shift < n; shift++) {
    let i = 0
    while (i < n && from[(i + shift) % n] === to[i]) i++
    if (i === n) return shift
  }
  return -1
}

function decode(action: number): Action {
  const seat = (action >> 3) & 7
  return { kind: KINDS[action & 7] as Kind, seat, detail: action >> 6 }
}
