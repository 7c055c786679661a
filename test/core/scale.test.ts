/**
 * Goal: thousands of elections at once drown nobody (A.10.5, R70): what is owed and who stands is paced, everything arrives, all are
 * led. Method: three cores, their frames handed on, counted and lost; no checker beside them, so it stays quick.
 */
import { describe, expect, it } from 'vitest'
import { type Input, nextDeadline, type Part, type SendEffect, type State, step } from '../../src/core'
import { Lab } from './lab'

type Act = Input extends infer I ? (I extends Input ? Omit<I, 'now'> : never) : never
type Sent = SendEffect & { readonly from: string }

/** Cores that know each other, with that many elections. */
class Many {
  readonly ids = ['a', 'b', 'c']
  readonly names: readonly string[]
  wire: Sent[] = []
  now = 0
  /** Parts said since it was emptied. */
  said: Part[] = []
  private readonly lab

  constructor(count: number) {
    this.names = Array.from({ length: count }, (_, i) => `e${i}`)
    this.lab = new Lab(this.ids, { maxElections: 10_000 })
    for (const id of this.ids) for (const peer of this.ids) if (peer !== id) this.greet(id, peer)
    this.flow()
    this.said = []
  }

  state(id: string): State {
    return this.lab.node(id).state
  }

  get timing() {
    return this.lab.node('a').config.timing
  }

  owedTo(id: string, peer: string) {
    const account = this.state(id).accounts.get(peer)
    if (account === undefined) throw new Error('a voter')
    return account
  }

  act(id: string, act: Act): void {
    const { config, state } = this.lab.node(id)
    for (const effect of step(config, state, { ...act, now: this.now } as Input)) {
      if (effect.type === 'send') {
        this.wire.push({ ...effect, from: id })
        this.said.push(...effect.parts)
      } else if (effect.type === 'persist') this.act(id, { type: 'persisted', version: effect.version })
    }
  }

  greet(id: string, peer: string): void {
    const met = { incarnation: 1, storageId: `disk-${peer}`, rho: 0.1, deltaMs: 2, sentAt: this.now }
    this.act(id, { type: 'connected', peer, ...met })
  }

  contend(id: string): void {
    for (const election of this.names)
      this.act(id, { type: 'contend', election, contending: true, priority: 0 })
  }

  /** Hands on whatever is said until nobody says anything. */
  flow(): void {
    while (this.wire.length > 0) {
      const sent = this.wire
      this.wire = []
      for (const { from, to, toIncarnation, parts } of sent) {
        this.act(to, { type: 'frame', from, fromIncarnation: 1, toIncarnation, parts })
      }
    }
  }

  /** Lets time pass from one thing that is due to the next. */
  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now = Math.min(
        end,
        Math.max(this.now, ...[Math.min(...this.ids.map((id) => nextDeadline(this.state(id))))]),
      )
      for (const id of this.ids) if (this.now >= nextDeadline(this.state(id))) this.act(id, { type: 'tick' })
      this.flow()
    }
  }

  count(kind: Part['kind']): number {
    return this.said.filter((part) => part.kind === kind).length
  }

  led(id: string): number {
    let led = 0
    for (const { lead } of this.state(id).elections.values()) if (lead !== null) led += 1
    return led
  }
}

describe('R70: what is owed', () => {
  it('R70: of six thousand items owed at once 4,096 leave; answers make room for the rest, and none is lost', () => {
    const many = new Many(6_000)
    many.contend('a')
    expect(many.count('contend'), 'to b and to c').toBe(2 * 4_096)
    expect(many.owedTo('a', 'b').unsentContentions).toHaveLength(6_000 - 4_096)
    many.flow()
    expect(many.count('contend'), 'each once').toBe(2 * 6_000)
    expect(many.owedTo('a', 'b').contentions.size).toBe(0)
    expect(many.names.every((name) => many.state('b').elections.get(name)?.contenders.has('a'))).toBe(true)
  })

  it('R70: of many a heartbeat repeats the oldest 512, an eighth of a promise later: a lost burst is made good, not doubled', () => {
    const many = new Many(1_000)
    many.contend('a')
    many.wire = []
    many.said = []
    many.act('a', { type: 'heartbeatNow' })
    many.now += 124
    many.act('a', { type: 'heartbeatNow' })
    expect(many.count('contend'), 'the answers are under way').toBe(0)
    many.now += 1
    many.act('a', { type: 'heartbeatNow' })
    expect(many.count('contend')).toBe(2 * 512)
    many.flow()
    many.now += 125
    many.act('a', { type: 'heartbeatNow' })
    many.flow()
    expect(many.owedTo('a', 'c').contentions.size).toBe(0)
    expect(many.count('contend')).toBe(2 * 1_000)
  })

  it('R70: what few owe is repeated with the very next heartbeat', () => {
    const many = new Many(64)
    many.contend('a')
    many.wire = []
    many.said = []
    many.act('a', { type: 'heartbeatNow' })
    expect(many.count('contend')).toBe(2 * 64)
  })

  it('R70: a new link begins anew with everything that is owed', () => {
    const many = new Many(5_000)
    many.contend('a')
    many.wire = []
    many.greet('a', 'b')
    many.flow()
    expect(many.owedTo('a', 'b').contentions.size).toBe(0)
    expect(many.owedTo('a', 'b').unsentContentions).toEqual([])
  })

  it('R69: elections with the same contenders share one set of them', () => {
    const many = new Many(10)
    many.contend('a')
    many.contend('b')
    many.flow()
    const [first, ...rest] = many.names.map((name) => many.state('c').elections.get(name)?.contenders)
    expect([...(first?.keys() ?? [])]).toEqual(['a', 'b'])
    expect(rest.every((set) => set === first)).toBe(true)
  })
})

describe('R69: whose turn it is', () => {
  it('R69: of a thousand that are free at one instant the second contender leaves the first one a step per 256', () => {
    const many = new Many(1_000)
    many.contend('c')
    many.flow()
    many.run(50)
    expect(many.led('c')).toBe(1_000)
    many.contend('a')
    many.contend('b')
    many.flow()
    const state = many.state('a')
    state.standLimit = 2_048
    many.said = []
    const stood = () =>
      new Set(many.said.flatMap((part) => (part.kind === 'preVote' ? [part.election] : []))).size
    // from here on nobody answers
    const until = (isOver: () => boolean): void => {
      for (; !isOver(); many.now = Math.max(many.now, nextDeadline(state))) {
        many.act('a', { type: 'tick' })
        many.wire = []
      }
    }
    until(() => stood() > 0)
    const [freeAt, first] = [state.crowdAt, stood()]
    expect(first, 'about half of them').toBeLessThan(600)
    const { stepMs } = many.timing
    until(() => many.now >= freeAt + 4 * stepMs)
    expect(stood()).toBe(first)
    until(() => many.now > freeAt + 4 * stepMs)
    expect(stood()).toBe(1_000)
  })
})

describe('A.10.5: who stands', () => {
  it('A.10.5: 256 stand at first; campaigns that run out of time halve that, wins let it grow, and all are led', () => {
    const many = new Many(2_000)
    many.contend('a')
    many.flow()
    many.run(100)
    const state = many.state('a')
    expect(many.led('a'), 'each win makes room for another').toBe(2_000)
    expect(state.standLimit).toBe(2_048)
    expect(state.standby.size).toBe(0)
  })

  it('A.10.5: who is not answered stands for fewer at once, down to 16', () => {
    const many = new Many(600)
    many.contend('a')
    many.wire = []
    const state = many.state('a')
    for (let i = 0; i < 200; i++) {
      many.now += 20
      many.act('a', { type: 'tick' })
      many.wire = []
      expect(state.campaigning.size).toBeLessThanOrEqual(256)
    }
    expect(state.standLimit).toBe(16)
    for (let i = 0; i < 2; i++) many.greet('a', 'bc'[i] as string)
    many.flow()
    many.run(20_000)
    expect(many.led('a')).toBe(600)
  })

  it('A.10.5: of many a heartbeat asks again for 512 in the second half of their time, however many have no answer', () => {
    const many = new Many(1_000)
    const state = many.state('a')
    state.standLimit = 2_048
    many.contend('a')
    for (; state.campaigning.size < 1_000; many.now += 10) many.act('a', { type: 'tick' })
    many.said = []
    many.now = state.nextHeartbeatAt
    many.act('a', { type: 'tick' })
    const asked = many.said.flatMap((part) => (part.kind === 'preVote' ? [part.election] : []))
    const before = many.now - many.timing.campaignMs / 2
    const startedAt = (name: string) => state.elections.get(name)?.campaign?.startedAt as number
    const oldest = [...state.campaigning].filter((name) => startedAt(name) <= before).slice(0, 512)
    expect(oldest.length, 'others began since the last heartbeat').toBeLessThan(state.campaigning.size)
    expect(asked.sort(), 'at both peers').toEqual([...oldest, ...oldest].sort())
  })
})
