/**
 * Schedules at random: every fault of assumption A1 as a small action, and a lab that performs them and looks at everything.
 *
 * After each action the lab checks P1, P2, P3(b) and P7; this one adds R1 (durable before sent), R6 (no two leaders met),
 * the order of events, and, at the end of each story, P9 and P8: everything heals, and somebody leads and keeps leading.
 * Read next: `random.test.ts`.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import {
  type Effect,
  nextDeadline,
  type ProcessId,
  promisesNothing,
  type RevokeReason,
  type Timing,
} from '../../src/core'
import { type Act, type Flight, Lab, type LabOptions } from './lab'
import { forget, retime } from './story'

const RHO = 0.1
const ELECTIONS = ['e', 'f']
/** D is short against the steps of time, so that sessions lapse as often as they are renewed. */
const SHORT: Partial<Timing> = {
  promiseMs: 300,
  heartbeatMs: 50,
  campaignMs: 280,
  stepMs: 10,
  backoffMs: 20,
  backoffMaxMs: 150,
  rho: RHO,
  deltaMs: 1,
}
const REASONS: readonly RevokeReason[] = ['resigned', 'unhealthy', 'stopped']

/** What may happen, the frequent first: the number is a weight. */
const VERBS = {
  flow: 44,
  tick: 4,
  pass: 3,
  deliverOne: 6,
  dropOne: 2,
  twice: 3,
  replay: 5,
  slow: 4,
  fast: 7,
  cut: 3,
  heal: 6,
  isolate: 2,
  rejoin: 6,
  stand: 5,
  renounce: 2,
  transfer: 2,
  freeze: 1,
  withdraw: 1,
  contend: 2,
  crash: 2,
  restart: 6,
  end: 1,
  closed: 2,
  connect: 4,
  death: 1,
  holdWrites: 1,
  completeWrites: 4,
  sleep: 1,
  rate: 2,
  promise: 3,
} as const
type Verb = keyof typeof VERBS
export type Action = readonly [verb: Verb, who: number, whom: number, x: number]

export const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.tuple(
    fc.oneof(
      ...Object.entries(VERBS).map(([verb, weight]) => ({ weight, arbitrary: fc.constant(verb as Verb) })),
    ),
    fc.nat(6),
    fc.nat(6),
    fc.nat(999),
  ),
  { maxLength: 400, size: 'max' },
)

/** A lab in which anything may happen, and that looks at every effect. */
export class Chaos extends Lab {
  /** Directions whose frames wait until somebody delivers them. */
  readonly slow = new Set<string>()
  readonly leading = new Map<string, number>()
  readonly leaseEnds = new Map<string, number>()

  constructor(ids: readonly ProcessId[], options: LabOptions) {
    super(ids, { ...options, elections: ELECTIONS, timing: { ...SHORT, ...options.timing } })
    for (const [i, id] of ids.entries()) this.node(id).rate = [1 - RHO, 1 + RHO, 1][i % 3] as number
    for (const name of ELECTIONS) this.contend(name)
    this.connect()
  }

  override act(id: ProcessId, input: Act): readonly Effect[] {
    const effects = super.act(id, input)
    for (const effect of effects) this.look(id, effect)
    return effects
  }

  private look(id: ProcessId, effect: Effect): void {
    const life = `${id}.${this.node(id).config.incarnation}`
    if (effect.type === 'alarm') expect(effect.code, effect.detail).not.toBe('invariantViolation')
    if (effect.type === 'elected') {
      expect(this.leading.has(`${life} ${effect.election}`), 'elected twice').toBe(false)
      const durable = this.node(id).disk.terms.get(effect.election) ?? 0
      expect(durable, `R1: ${id} wins term ${effect.term}`).toBeGreaterThanOrEqual(effect.term)
      this.leading.set(`${life} ${effect.election}`, effect.term)
    }
    if (effect.type === 'revoked') {
      expect(this.leading.get(`${life} ${effect.election}`), 'revoked what was elected').toBe(effect.term)
      this.leading.delete(`${life} ${effect.election}`)
    }
    if (effect.type === 'leaseExtended') {
      const key = `${life} ${effect.lease}`
      expect(effect.until, 'a lease only grows').toBeGreaterThanOrEqual(this.leaseEnds.get(key) ?? -Infinity)
      this.leaseEnds.set(key, effect.until)
    }
    if (effect.type === 'send') {
      for (const part of effect.parts) {
        if (part.kind !== 'voteReply' || part.grant === null) continue
        const durable = this.node(id).disk.terms.get(part.election) ?? 0
        expect(durable, `R1: ${id} sends ${part.kind} of term ${part.term}`).toBeGreaterThanOrEqual(part.term)
      }
    }
  }

  /** Ticks whoever is due, and delivers what no slow or cut link holds back. */
  flow(ms: number): void {
    this.pass(ms)
    for (const id of this.ids) {
      const node = this.node(id)
      if (node.alive && this.clock(id) >= nextDeadline(node.state)) this.act(id, { type: 'tick' })
    }
    this.deliver((frame) => !this.slow.has(`${frame.from}>${frame.to}`))
  }

  /** Back to life, with what the disk holds; ephemeral processes remember nothing. */
  revive(id: ProcessId, clean = false): void {
    if (this.options.ephemeral === true) forget(this, id)
    else this.restart(id, clean ? { cleanNoPromise: true } : {})
    this.holdWrites.delete(id)
    for (const name of ELECTIONS) this.contend(name, [id])
    this.connectAll(id)
  }

  private connectAll(id: ProcessId): void {
    this.connect(this.ids.filter((peer) => peer !== id).map((peer) => [id, peer] as const))
  }

  perform([verb, who, whom, x]: Action): void {
    const id = this.ids[who % this.ids.length] as ProcessId
    const other = this.ids[whom % this.ids.length] as ProcessId
    const name = ELECTIONS[x % ELECTIONS.length] as string
    const node = this.node(id)
    const link = `${id}>${other}`
    const one = this.wire[(x * 7 + whom) % Math.max(1, this.wire.length)]
    const only = (frame: Flight) => frame.id === one?.id
    switch (verb) {
      case 'flow':
        return this.flow(1 + (x % 120))
      case 'tick':
        return this.tick(id)
      case 'pass':
        return this.pass(x % 10 === 0 ? x * 3 : x % 300)
      case 'deliverOne':
        this.deliver(only)
        return
      case 'dropOne':
        this.drop(only)
        return
      case 'twice':
        if (one !== undefined) this.hand(one)
        return
      case 'replay': {
        const frame = this.sent.at(-1 - ((x * 11 + whom) % 300))
        if (frame !== undefined) this.hand(frame)
        return
      }
      case 'slow':
        this.slow.add(link)
        return
      case 'fast':
        this.slow.delete(link)
        return
      case 'cut':
        this.cuts.add(link)
        return
      case 'heal':
        this.cuts.delete(link)
        return
      case 'isolate':
        for (const peer of this.ids) this.cuts.add(`${id}>${peer}`).add(`${peer}>${id}`)
        return
      case 'rejoin':
        for (const peer of this.ids)
          for (const way of [`${id}>${peer}`, `${peer}>${id}`]) this.cuts.delete(way)
        return
      case 'stand':
        this.act(id, { type: 'campaign', election: name })
        return
      case 'renounce':
        this.renounceBy(id, name, null, x)
        return
      case 'transfer':
        this.renounceBy(id, name, other, x)
        return
      case 'freeze':
        this.act(id, { type: 'freeze', election: name, reason: 'drainTimeout' })
        return
      case 'withdraw':
        this.act(id, { type: 'contend', election: name, contending: false, priority: 0 })
        return
      case 'contend':
        this.act(id, { type: 'contend', election: name, contending: true, priority: x % 3 })
        return
      case 'crash':
        if (node.alive) this.crash(id)
        return
      case 'restart':
        for (const dead of this.ids) if (!this.node(dead).alive) return this.revive(dead)
        return
      case 'end':
        return this.stopCleanly(id)
      case 'closed':
        this.act(id, { type: 'closed', peer: other, incarnation: this.node(other).config.incarnation })
        return
      case 'connect':
        return this.connectAll(id)
      case 'death':
        if (!this.node(other).alive && id !== other) {
          const { incarnation, storageId } = this.node(other).config
          this.act(id, { type: 'death', process: other, storageId, incarnation, key: '' })
        }
        return
      case 'holdWrites':
        this.holdWrites.add(id)
        return
      case 'completeWrites':
        this.holdWrites.delete(id)
        if (node.alive && node.heldWrites.length > 0) this.completeWrite(id)
        return
      case 'sleep':
        return this.sleep(id, x * 4)
      case 'rate':
        return this.setRate(id, [1 - RHO, 1, 1 + RHO][x % 3] as number)
      case 'promise':
        return retime(this, id, { promiseMs: [300, 400, 520][x % 3] as number })
    }
  }

  private renounceBy(id: ProcessId, election: string, to: ProcessId | null, x: number): void {
    const reason = REASONS[x % REASONS.length] as RevokeReason
    this.act(id, { type: 'renounce', election, reason, to, cooldownMs: x % 5 === 0 ? x : 0 })
  }

  /** close(): the last write may claim that nothing was promised, if that is so (R19). */
  private stopCleanly(id: ProcessId): void {
    const node = this.node(id)
    if (!node.alive) return
    this.act(id, { type: 'end', reason: 'stopped' })
    const clean = promisesNothing(node.config, node.state, this.clock(id))
    this.crash(id)
    if (clean) this.revive(id, true)
  }

  /** The host sleeps: true time passes, the monotonic clock does not. The first thing after that is the suspend check. */
  private sleep(id: ProcessId, ms: number): void {
    const node = this.node(id)
    if (!node.alive) return
    node.alive = false
    this.pass(ms)
    node.offset -= ms * node.rate
    node.alive = true
    this.act(id, { type: 'suspended' })
  }

  private setRate(id: ProcessId, rate: number): void {
    const node = this.node(id)
    node.offset += this.at * (node.rate - rate)
    node.rate = rate
  }

  /** Runs as a network would: each frame takes 2 ms, ticks come at most 2 ms late. */
  live(ms: number): void {
    const until = this.at + ms
    while (this.at < until) {
      const arriving = this.hold()
      let next = arriving.length > 0 ? 2 : until - this.at
      for (const id of this.ids) {
        const { state, offset, rate } = this.node(id)
        next = Math.min(next, Math.max(2, (nextDeadline(state) - offset) / rate - this.at))
      }
      this.pass(next)
      for (const frame of arriving) this.hand(frame)
      for (const id of this.ids) {
        if (this.clock(id) >= nextDeadline(this.node(id).state)) this.act(id, { type: 'tick' })
      }
    }
  }

  /** Everything that is broken is repaired, at once; nothing is lost or late from now on. */
  healAll(): void {
    this.cuts.clear()
    this.slow.clear()
    this.holdWrites.clear()
    for (const id of this.ids) {
      const node = this.node(id)
      // beyond one recovering voter of three all n have to be restarted (R28)
      if (!node.alive || this.options.ephemeral === true) this.revive(id)
      if (node.heldWrites.length > 0) this.completeWrite(id)
      for (const name of ELECTIONS) this.contend(name, [id])
    }
    this.connect()
  }
}

export function story(size: number, options: LabOptions): (schedule: Action[]) => void {
  return (schedule) => {
    const lab = new Chaos('abcde'.slice(0, size).split(''), options)
    if (options.ephemeral === true) lab.live(2000)
    for (const action of schedule) lab.perform(action)
    lab.healAll()
    // A boot wait of the longest promise, a run-out, a frozen lease, a campaign, some back-off: far less than this (P9).
    lab.live(3500)
    for (const name of ELECTIONS) {
      expect(lab.leader(name), `P9: somebody leads ${name}`).not.toBeNull()
    }
    const leaders = ELECTIONS.map((name) => lab.leader(name))
    const won = lab.history.length
    lab.live(700)
    expect(lab.history.length, `P8: ${leaders} are not deposed`).toBe(won)
    expect(ELECTIONS.map((name) => lab.leader(name))).toEqual(leaders)
  }
}
