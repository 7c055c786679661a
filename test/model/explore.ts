import { step } from '../../src/core'
import { Behaviour, Code, type Step, type Transition } from './behaviour'
import { Network, orderSeenFrom, relocate } from './network'
import { BASE, type Bounds, electionIn, letter, linkAll, type Presumed, startNode, canonicalize } from './node'
import { type Digest, digest, PairMap, StateTable } from './table'

export interface Limits extends Bounds {
  readonly maxTerm: number
  readonly crashes: number
  readonly transfers: number
  readonly late: number
  readonly slow: number
  readonly maxStates: number
}

export interface Outcome {
  readonly generated: number
  readonly distinct: number
  readonly depth: number
  readonly complete: boolean
  readonly cpuSeconds: number
  readonly nodeStates: number
  readonly steps: number
  readonly violation: { readonly property: string; readonly schedule: readonly string[] } | null
}

const PRESUMED: Presumed = { lapseIsFinal: true, overCountsNothing: true }

export const Kind = { start: 0, event: 1, deliver: 2, answered: 3, beat: 4, beatAcked: 5, probe: 6, refused: 7, meet: 8, tick: 9 } as const

export class Search {
  readonly network: Network
  readonly behaviour: Behaviour
  readonly table: StateTable
  generated = 0
  violation: string | null = null
  private readonly n: number
  private readonly row: Int32Array
  private readonly base: Int32Array
  private current = -1
  private readonly seatings: { seats: number[]; orders: number[]; orderOf: number[][] }[] = []
  private readonly image: Int32Array
  private readonly key: Digest = { high: 0, low: 0 }
  private readonly other: Digest = { high: 0, low: 0 }
  private readonly beats = new PairMap()
  lastLabel = 0
  symmetry = true
  lossy = false

  constructor(readonly limits: Limits, coreStep: Step = step, readonly presumed = PRESUMED) {
    const n = limits.nodes
    this.n = n
    this.network = new Network(n)
    this.behaviour = new Behaviour(coreStep, limits, presumed, this.network)
    this.row = new Int32Array(n + 4)
    this.base = new Int32Array(n + 4)
    this.image = new Int32Array(n + 4)
    this.table = new StateTable(n + 4)
    const orderIds = new Map<string, number>()
    for (const seats of permutations(n)) {
      if (limits.slow >= 0 && seats[limits.slow] !== limits.slow) continue
      const orderOf = seats.map((_, i) => orderSeenFrom(i, seats))
      const orders = orderOf.map((order) => {
        const key = order.join()
        if (!orderIds.has(key)) orderIds.set(key, orderIds.size)
        return orderIds.get(key) as number
      })
      this.seatings.push({ seats, orders, orderOf })
    }
  }

  run(): Outcome {
    const cpu = process.cpuUsage()
    const { n, row, limits, behaviour } = this
    const born = linkAll(startNode(1, limits, 0, false))
    canonicalize(born, 1, limits, this.presumed, [])
    const first = behaviour.intern(1, born, limits.crashes > 0)
    row.fill(0)
    for (let i = 0; i < n; i++) row[i] = first
    row[n + 2] = limits.crashes * 16 + limits.transfers
    this.reach(Kind.start, 0, 0)
    let depth = 0
    let depthEnd = 1
    let at = 0
    for (; at < this.table.size && this.violation === null && this.table.size < limits.maxStates; at++) {
      if (at === depthEnd) {
        depth += 1
        depthEnd = this.table.size
      }
      this.current = at
      this.table.read(at, this.base)
      this.expand()
    }
    const used = process.cpuUsage(cpu)
    return {
      generated: this.generated,
      distinct: this.table.size,
      depth,
      complete: this.violation === null && at >= this.table.size,
      cpuSeconds: (used.user + used.system) / 1e6,
      nodeStates: behaviour.size,
      steps: behaviour.steps,
      violation: this.violation === null ? null : { property: this.violation, schedule: [] },
    }
  }

  private expand(): void {
    const { n, base, row, behaviour, limits } = this
    const budget = base[n + 2] as number
    for (let i = 0; i < n; i++) {
      const node = base[i] as number
      const election = electionIn(behaviour.state(node))
      const { lead, campaign } = election
      const known = election.slot.knownTerm
      if (known < limits.maxTerm && campaign === null) this.event(i, Code.campaign)
      if (campaign !== null) this.event(i, Code.campaignEnds)
      if (lead !== null) {
        this.event(i, Code.look)
        if (lead.frozen === null) {
          this.event(i, Code.resign)
          if (budget & 15) for (let o = 1; o < n; o++) this.event(i, Code.handOver + o, 1)
        }
      }
      if (lead !== null || campaign !== null) {
        for (let o = 1; o < n; o++) {
          const to = (i + o) % n
          this.beat(i, o, 0, false)
          this.beat(i, o, 0, true)
          if (electionIn(behaviour.state(base[to] as number)).slot.knownTerm > known) this.refused(i, o)
        }
      }
      for (let k = 1; k <= limits.late; k++) for (let o = 1; o < n; o++) this.beat(i, o, k, false)
      if (budget >= 16) this.event(i, Code.crash, 16)
      for (let o = 1; o < n; o++) {
        const to = (i + o) % n
        if (to < i) continue
        this.meet(i, to)
      }
    }
    for (const message of this.network.members(base[n] as number)) this.deliver(message)
    this.tick()
    void row
  }

  private event(i: number, code: number, spent = 0): void {
    const t = this.behaviour.after(this.base[i] as number, code)
    if (t === null) return
    this.row.set(this.base)
    const { n } = this
    this.row[n + 2] = (this.row[n + 2] as number) - spent
    if (this.apply(i, t)) {
      if (spent === 16 && (this.row[n + 2] as number) < 16) {
        for (let j = 0; j < n; j++) this.apply(j, this.behaviour.after(this.row[j] as number, Code.forgetDisk) as Transition)
      }
      if (spent === 16) {
        const alive = this.behaviour.incarnation(this.row[i] as number)
        this.row[n] = this.network.filter(this.row[n] as number, i * 16 + alive, (m) => m % n !== i || this.network.hearingOf(m).toIncarnation === alive)
      }
      this.reach(Kind.event, i, code)
    }
  }

  private meet(i: number, j: number): void {
    const { n, base, behaviour } = this
    const a = behaviour.incarnation(base[i] as number)
    const b = behaviour.incarnation(base[j] as number)
    const o = (j - i + n) % n
    const metB = behaviour.state(base[i] as number).supports.get(letter(o))?.incarnation ?? 0
    const metA = behaviour.state(base[j] as number).supports.get(letter(n - o))?.incarnation ?? 0
    if (metB === b && metA === a) return
    this.row.set(base)
    const t = behaviour.after(base[i] as number, Code.meet + 8 * o + b)
    if (t !== null) this.apply(i, t)
    const u = behaviour.after(this.row[j] as number, Code.meet + 8 * (n - o) + a)
    if (u !== null) this.apply(j, u)
    this.reach(Kind.meet, i, j)
  }

  private beat(i: number, o: number, age: number, probe: boolean): void {
    const { n, base, behaviour } = this
    const node = base[i] as number
    const to = (i + o) % n
    const met = behaviour.state(node).supports.get(letter(o))?.incarnation ?? 0
    if (met === 0) return
    const incarnation = behaviour.incarnation(node)
    const code = ((((n - o) * 8 + incarnation) * 8 + met) * 8 + age) * 2 + (probe ? 1 : 0)
    let hearing = this.beats.get(code, 0)
    if (hearing < 0)
      hearing = this.beats.set(code, 0, this.network.hearing({
        from: n - o,
        fromIncarnation: incarnation,
        toIncarnation: met,
        part: { kind: 'heartbeat', round: BASE - age, promiseMs: this.limits.promise, probe, prompt: true },
      }))
    const t = behaviour.after(base[to] as number, Code.hear + hearing)
    if (t === null) return
    this.row.set(base)
    if (!this.apply(to, t)) return
    if (this.lossy) this.reach(probe ? Kind.probe : Kind.beat, i, o * 8 + age)
    this.answer(i, incarnation, t)
    const { campaign } = electionIn(behaviour.state(node))
    if (!probe && age === 0 && campaign !== null && !campaign.grants.has(letter(o))) {
      const u = behaviour.after(this.row[to] as number, Code.hear + this.request(i, o))
      if (u !== null) {
        this.apply(to, u)
        this.answer(i, incarnation, u)
      }
    }
    this.reach(probe ? Kind.probe : Kind.beatAcked, i, o * 8 + age)
  }

  private request(i: number, o: number): number {
    const { n, base, behaviour } = this
    const node = base[i] as number
    const state = behaviour.state(node)
    const met = state.supports.get(letter(o))?.incarnation ?? 0
    const { lead, campaign } = electionIn(state)
    const incarnation = behaviour.incarnation(node)
    const term = campaign?.term ?? (lead?.term as number)
    if (campaign != null && campaign.certificate !== null) {
      const move = (x: number) => (x + n - o) % n
      const part = relocate({ kind: 'requestVote', election: 'e', term, nonce: campaign.nonce, certificate: campaign.certificate }, move)
      return this.network.hearing({ from: n - o, fromIncarnation: incarnation, toIncarnation: met, part })
    }
    const code = (((n - o) * 8 + incarnation) * 8 + met) * 16 + term * 2 + (campaign ? 1 : 0)
    const hearing = this.beats.get(code, 1)
    if (hearing >= 0) return hearing
    return this.beats.set(code, 1, this.network.hearing({
        from: n - o,
        fromIncarnation: incarnation,
        toIncarnation: met,
        part: campaign ? { kind: 'requestVote', election: 'e', term, nonce: campaign.nonce, certificate: null } : { kind: 'bind', election: 'e', term },
      }))
  }

  private refused(i: number, o: number): void {
    const { n, base, behaviour } = this
    const node = base[i] as number
    const to = (i + o) % n
    const incarnation = behaviour.incarnation(node)
    const hearing = this.request(i, o)
    const t = behaviour.after(base[to] as number, Code.hear + hearing)
    if (t === null) return
    this.row.set(base)
    if (!this.apply(to, t)) return
    this.answer(i, incarnation, t)
    this.reach(Kind.refused, i, o)
  }

  private answer(i: number, incarnation: number, t: Transition): void {
    for (const hearing of t.answers) {
      if (this.behaviour.incarnation(this.row[i] as number) !== incarnation) return
      const u = this.behaviour.after(this.row[i] as number, Code.hear + hearing)
      if (u === null) continue
      if (!this.apply(i, u)) return
    }
  }

  private deliver(message: number): void {
    const { n, base } = this
    const to = message % n
    const hearing = (message - to) / n
    const t = this.behaviour.after(base[to] as number, Code.hear + hearing)
    if (t === null) return
    this.row.set(base)
    if (!this.apply(to, t)) return
    if (t.answers.length > 0) {
      if (this.lossy) this.reach(Kind.deliver, to, hearing)
      const { from, fromIncarnation } = this.network.hearings[hearing] as { from: number; fromIncarnation: number }
      this.answer((to + from) % n, fromIncarnation, t)
    }
    this.reach(Kind.deliver, to, hearing)
  }

  private tick(): void {
    const { n, base, row, limits } = this
    row.set(base)
    const phase = base[n + 3] as number
    const ts: (Transition | null)[] = []
    for (let i = 0; i < n; i++) {
      if (i === limits.slow && phase === 0) { ts.push(null); continue }
      const t = this.behaviour.after(base[i] as number, Code.passTick)
      ts.push(t)
      if (t !== null) row[i] = t.node
    }
    for (let i = 0; i < n; i++) {
      const t = ts[i]
      if (t != null && !this.settle(i, t)) return
    }
    if (limits.slow >= 0) row[n + 3] = 1 - phase
    this.reach(Kind.tick, 0, 0)
  }

  private apply(i: number, t: Transition): boolean {
    this.row[i] = t.node
    return this.settle(i, t)
  }

  private settle(i: number, t: Transition): boolean {
    const { n, row, network, behaviour } = this
    let set = row[n] as number
    if (t.renamed.retired !== 0) {
      for (let o = 1; o < n; o++) {
        if ((t.renamed.retired & (1 << o)) === 0) continue
        const holder = (i + o) % n
        const u = behaviour.after(row[holder] as number, Code.retire + n - o)
        let to = 'over'
        let from: string | null = null
        if (u !== null) {
          const [name] = behaviour.namesAt(holder, u)
          if (name) { to = name.to; from = name.from }
          row[holder] = u.node
        }
        for (const life of from === null ? [1, 2, 3, 4] : [Number.parseInt(from)]) set = network.rename(set, { holder, voter: n - o, from: `${life}.1`, to })
      }
    }
    if (t.renamed.expired.length > 0) for (const name of behaviour.namesAt(i, t)) set = network.rename(set, name)
    row[n] = network.add(set, behaviour.saidFrom(i, t))
    if (t.broken !== null) { this.violation = t.broken; return false }
    if (t.won > 0) {
      if (t.won <= (row[n + 1] as number)) { this.violation = `P1/P3: term ${t.won} is won after term ${row[n + 1]}`; return false }
      row[n + 1] = t.won
    }
    return true
  }

  private prune(): void {
    const { n, row, network, behaviour } = this
    let set = row[n] as number
    if (set !== 0) for (let i = 0; i < n; i++) {
      const node = row[i] as number
      set = network.filter(set, 256 + node * n + i, (m) => m % n !== i || !behaviour.ignores(node, (m - i) / n))
    }
    row[n] = set
    this.tidy(set)
  }

  /** Links whose state makes no difference any more come up; lives whose predecessors left no trace are the first. */
  private greet(): boolean {
    const { n, row, behaviour, network } = this
    let changed = false
    for (let i = 0; i < n; i++) {
      const life = behaviour.info(row[i] as number).incarnation
      if (life === 1) continue
      let traces = false
      for (let o = 1; o < n; o++) {
        const p = (i + o) % n
        const back = n - o
        const other = behaviour.info(row[p] as number)
        const { oldest } = network.traffic(row[n] as number)
        const old = (oldest[p * n + back] as number) < life
        if ((other.met[back] as number) < life || (behaviour.info(row[i] as number).met[o] as number) < other.incarnation) {
          if (old || other.supports[back] === true || (oldest[i * n + o] as number) < other.incarnation) { traces = true; continue }
          const t = behaviour.after(row[p] as number, Code.meet + 8 * back + life)
          if (t !== null) this.apply(p, t)
          const u = behaviour.after(row[i] as number, Code.meet + 8 * o + other.incarnation)
          if (u !== null) this.apply(i, u)
          changed = true
        }
        if (old || (behaviour.info(row[p] as number).oldest[back] as number) < life) traces = true
      }
      if (traces || (network.traffic(row[n] as number).certified & (1 << i)) !== 0) continue
      let certs = false
      for (let o = 0; o < n; o++) {
        const c = electionIn(behaviour.state(row[(i + o) % n] as number)).campaign?.certificate
        if (c != null && (o + 'abcde'.indexOf(c.leader)) % n === 0) certs = true
      }
      if (certs) continue
      for (let o = 0; o < n; o++) {
        const p = (i + o) % n
        row[p] = behaviour.after(row[p] as number, Code.renumber + (n - o) % n)!.node
      }
      row[n] = network.renumber(row[n] as number, i)
      changed = true
    }
    return changed
  }

  private tidy(set: number): void {
    const { n, row, behaviour, network } = this
    const { claims, binds, replies } = network.traffic(set)
    for (let i = 0; i < n; i++) {
      const { mark } = behaviour.info(row[i] as number)
      if (mark > 0 && (binds & (1 << (i * n + mark))) === 0) row[i] = behaviour.after(row[i] as number, Code.dropMark)!.node
      for (let o = 1; o < n; o++) {
        const v = behaviour.info(row[i] as number)
        if (!v.supports[o] || v.bound[o]) continue
        if (claims & (1 << (i * n + o))) continue
        const h = (i + o) % n
        const back = n - o
        if (replies & (1 << (h * n + back))) continue
        const p = behaviour.info(row[h] as number)
        if (p.names[back] || p.busyTerm >= v.known) continue
        row[i] = behaviour.after(row[i] as number, Code.dropSupport + o)!.node
        if (p.counts[back]) row[h] = behaviour.after(row[h] as number, Code.dropAccount + back)!.node
      }
    }
  }

  private reach(kind: number, a: number, b: number): void {
    const { n, row, network, behaviour, key, other, image } = this
    this.generated += 1
    this.prune()
    if (this.limits.crashes > 0 && this.greet()) this.prune()
    const set = row[n] as number
    digest(row, key)
    if (this.symmetry) for (let s = 1; s < this.seatings.length; s++) {
      const { seats, orders, orderOf } = this.seatings[s] as { seats: number[]; orders: number[]; orderOf: number[][] }
      for (let i = 0; i < n; i++) image[seats[i] as number] = behaviour.reseated(row[i] as number, orders[i] as number, orderOf[i] as number[])
      image[n] = network.reseat(set, s, seats)
      image[n + 1] = row[n + 1] as number
      image[n + 2] = row[n + 2] as number
      image[n + 3] = row[n + 3] as number
      digest(image, other)
      if (other.high < key.high || (other.high === key.high && other.low < key.low)) {
        key.high = other.high
        key.low = other.low
      }
    }
    if (!this.table.add(key, row, this.current, kind | (a << 4) | (b << 8))) return
    let holders = 0
    for (let i = 0; i < n; i++) if (behaviour.isValid(row[i] as number)) holders += 1
    if (holders > 1) this.violation = 'P2: two leases are valid'
  }
}

function permutations(n: number): number[][] {
  if (n === 0) return [[]]
  const result: number[][] = []
  const go = (left: number[], right: number[]): void => {
    if (right.length === 0) result.push(left)
    right.forEach((x, i) => go([...left, x], [...right.slice(0, i), ...right.slice(i + 1)]))
  }
  go([], Array.from({ length: n }, (_, i) => i))
  return result
}
