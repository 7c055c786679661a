/**
 * The core is a pure function that nothing a peer can send upsets: same inputs, same state and effects; any frame of any
 * peer in any state leaves a sane state behind.
 *
 * Method: stories of the random lab are recorded and replayed; parts are drawn at random, well-formed and absurd.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CoreConfig,
  createState,
  type Effect,
  type Input,
  MAX_TERM,
  nextDeadline,
  type Part,
  type State,
  step,
} from '../../src/core'
import { type Action, actions, Chaos } from '../core/chaos'
import { elect, keep, Lab, quiet, renounce, say, stand, talk, tell } from '../core/story'

/** Everything that one process went through in a story of the lab, and what it made of it. */
interface Recording {
  readonly start: State
  /** The configuration may change between two inputs of a story. */
  readonly inputs: { readonly config: CoreConfig; readonly input: Input }[]
  readonly effects: (readonly Effect[])[]
  end: State
}

/** Plays a schedule and records every life of every process. */
function record(schedule: readonly Action[]): Recording[] {
  const lab = new Chaos(['a', 'b', 'c'], {})
  const lives = new Map<string, Recording>()
  const act = lab.act.bind(lab)
  lab.act = (id, body) => {
    const node = lab.node(id)
    if (!node.alive) return act(id, body)
    const life = `${id}.${node.config.incarnation}`
    let recording = lives.get(life)
    if (recording === undefined) {
      const start = structuredClone(node.state)
      recording = { start, inputs: [], effects: [], end: start }
      lives.set(life, recording)
    }
    const input = structuredClone({ ...body, now: lab.clock(id) }) as Input
    recording.inputs.push({ config: node.config, input })
    const place = recording.effects.push([]) - 1
    const effects = act(id, body)
    recording.effects[place] = structuredClone(effects)
    recording.end = node.state
    return effects
  }
  for (const action of schedule) lab.perform(action)
  for (const recording of lives.values()) recording.end = structuredClone(recording.end)
  return [...lives.values()]
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}

/** As `expect`, at a thousandth of the price: this is asked after each of some ten thousand steps. */
function must(holds: boolean, what: string): void {
  if (!holds) expect.fail(what)
}

/** What must hold of any state, whatever was done to it. */
function expectSane(config: CoreConfig, state: State): void {
  const { maxElections, timing } = config
  const terms: number[] = [state.termFloor]
  for (const {
    slot,
    decidedTerm,
    topTerm,
    lead,
    campaign,
    contenders,
    notices,
  } of state.elections.values()) {
    terms.push(slot.knownTerm, decidedTerm, topTerm, lead?.term ?? 0, campaign?.term ?? 0)
    must(decidedTerm <= slot.knownTerm, 'what is durable is known')
    must((lead?.term ?? 0) <= topTerm, 'a led term was campaigned in')
    must(contenders.size <= 8 && notices.size <= 8, 'one entry per peer')
  }
  for (const term of terms)
    must(Number.isSafeInteger(term) && term >= 0 && term <= MAX_TERM, `${term} is a term`)
  must(state.elections.size <= maxElections, 'elections are bounded')
  must(state.supports.size <= 8, 'one support per peer')
  for (const { bound, until, lastRound } of state.supports.values()) {
    must(bound.size <= maxElections, 'no more bindings than elections')
    must(!Number.isNaN(until) && Number.isFinite(lastRound), 'support is a time and a round')
  }
  for (const { facts, contentions, untilByGrant } of state.accounts.values()) {
    must(facts.size <= maxElections && contentions.size <= maxElections, 'two items per peer and election')
    for (const until of untilByGrant.values())
      must(until <= state.now + timing.promiseMs, 'an account of D at most')
  }
  for (const lease of state.leases.values()) {
    must(lease.until <= state.now + timing.promiseMs, 'a lease of D at most')
    must(lease.elections.size > 0, 'no lease without an election')
  }
  must(state.waiting.length <= 100, 'answers that wait are bounded')
  must(!Number.isNaN(nextDeadline(state)), 'a deadline is a time')
}

const ids = fc.constantFrom('a', 'b', 'c', 'x')
const names = fc.constantFrom('e', 'f', 'g', 'h', 'i', 'constructor', '__proto__')
const numbers = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 9 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 3000 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      Number.NaN,
      0.5,
      -1,
      1_000_002,
      MAX_TERM,
      Number.MAX_SAFE_INTEGER,
      2 ** 53,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ),
  },
)
const grants = fc.constantFrom('1.1', '1.2', '1.3', '2.1', 'self', '')
const refusals = fc.constantFrom('bound', 'term', 'boot', 'session', 'leading', 'limit', null)
const certificates = fc.option(
  fc.record({
    leader: ids,
    storageId: fc.constantFrom('disk-a', 'disk-b', 'disk-c'),
    incarnation: numbers,
    term: numbers,
  }),
)

/** Any part: fields of the right type, values from likely to absurd. */
const anyPart = fc.oneof(
  fc.record({
    kind: fc.constant('heartbeat'),
    round: numbers,
    promiseMs: numbers,
    probe: fc.boolean(),
    prompt: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('heartbeat'),
    round: fc.integer({ min: 1, max: 90 }),
    promiseMs: fc.constant(1000),
    probe: fc.constant(false),
    prompt: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('ack'), round: numbers, grant: fc.option(grants), renewed: fc.boolean() }),
  fc.record({ kind: fc.constant('bind'), election: names, term: numbers }),
  fc.record({
    kind: fc.constant('bindAck'),
    election: names,
    term: numbers,
    grant: fc.option(grants),
    knownTerm: numbers,
  }),
  fc.record({ kind: fc.constant('release'), election: names, term: numbers, successor: fc.option(ids) }),
  fc.record({ kind: fc.constant('releaseAck'), election: names, term: numbers }),
  fc.record({ kind: fc.constant('contend'), election: names, contending: fc.boolean(), priority: numbers }),
  fc.record({ kind: fc.constant('contendAck'), election: names, contending: fc.boolean() }),
  fc.record({ kind: fc.constant('preVote'), election: names, term: numbers, nonce: numbers }),
  fc.record({
    kind: fc.constant('preVoteReply'),
    election: names,
    nonce: numbers,
    refusal: refusals,
    knownTerm: numbers,
    leader: fc.option(ids),
  }),
  fc.record({
    kind: fc.constant('requestVote'),
    election: names,
    term: numbers,
    nonce: numbers,
    certificate: certificates,
  }),
  fc.record({
    kind: fc.constant('voteReply'),
    election: names,
    term: numbers,
    nonce: numbers,
    grant: fc.option(grants),
    refusal: refusals,
    knownTerm: numbers,
    leader: fc.option(ids),
  }),
  fc.record({
    kind: fc.constant('timeoutNow'),
    election: names,
    storageId: fc.constantFrom('disk-a', 'disk-b'),
    certificate: certificates.filter((certificate) => certificate !== null),
  }),
  fc.record({
    kind: fc.constant('deathNotice'),
    process: ids,
    storageId: fc.constant('disk-a'),
    incarnation: numbers,
    key: fc.constant('0'.repeat(32)),
  }),
  fc.record({ kind: fc.constant('floorRequest'), nonce: numbers }),
  fc.record({
    kind: fc.constant('floorReply'),
    nonce: numbers,
    recovering: fc.boolean(),
    together: fc.boolean(),
    term: numbers,
  }),
  fc.record({ kind: fc.constant('readTerm'), election: names, nonce: numbers }),
  fc.record({ kind: fc.constant('readTermReply'), election: names, nonce: numbers, term: numbers }),
  fc.record({
    kind: fc.constant('notice'),
    election: names,
    knownTerm: numbers,
    leader: fc.option(ids),
    free: fc.boolean(),
    successor: fc.option(ids),
  }),
  fc.record({ kind: fc.constant('sessionEnd') }),
) as fc.Arbitrary<Part>

/** States worth being shot at. */
const STATES: Readonly<Record<string, () => Lab>> = {
  fresh: () => quiet('abc', { maxElections: 5 }),
  leading: () => {
    const lab = quiet('abc', { maxElections: 5, elections: ['e', 'f'] })
    elect(lab, 'a', 'bc', 'e')
    elect(lab, 'a', 'b', 'f')
    return lab
  },
  'standing for the next term': () => {
    const lab = STATES['leading']?.() as Lab
    tell(lab, 'a', 4)
    stand(lab, 'a')
    return lab
  },
  candidate: () => {
    const lab = quiet('abc', { maxElections: 5 })
    stand(lab, 'a')
    return lab
  },
  'with a write under way': () => {
    const lab = quiet('abc', { maxElections: 5 })
    lab.holdWrites.add('a')
    stand(lab, 'a')
    return lab
  },
  'asking first': () => {
    const lab = quiet('abc', { maxElections: 5, preVote: true })
    stand(lab, 'a')
    return lab
  },
  following: () => {
    const lab = quiet('abc', { maxElections: 5 })
    elect(lab, 'b', 'ac')
    return lab
  },
  frozen: () => {
    const lab = STATES['leading']?.() as Lab
    lab.act('a', { type: 'freeze', election: 'e', reason: 'drainTimeout' })
    return lab
  },
  'having resigned': () => {
    const lab = STATES['leading']?.() as Lab
    renounce(lab, 'a', 'b')
    return lab
  },
  'in boot wait': () => {
    const lab = STATES['following']?.() as Lab
    lab.crash('a')
    lab.restart('a')
    lab.connect()
    return lab
  },
  recovering: () => {
    const lab = quiet('abc', { maxElections: 5, ephemeral: true, timing: { maxPromiseMs: 1000 } })
    lab.run(1450)
    return lab
  },
  'without storage': () => {
    const lab = STATES['leading']?.() as Lab
    lab.act('a', { type: 'storageFailed' })
    return lab
  },
  ended: () => {
    const lab = STATES['leading']?.() as Lab
    lab.act('a', { type: 'end', reason: 'stopped' })
    return lab
  },
}

describe('the core is pure', () => {
  it('the same inputs twice give the same states and the same effects', () => {
    fc.assert(
      fc.property(actions, (schedule) => {
        for (const { start, inputs, effects, end } of record(schedule)) {
          const state = structuredClone(start)
          const again = inputs.map(({ config, input }) => structuredClone(step(config, state, input)))
          expect(again).toEqual(effects)
          expect(state).toEqual(end)
        }
      }),
      { numRuns: 15, seed: 11 },
    )
  })

  it('inputs and configuration are only read', () => {
    fc.assert(
      fc.property(actions, (schedule) => {
        for (const { start, inputs } of record(schedule)) {
          const state = structuredClone(start)
          for (const { config, input } of inputs) step(deepFreeze(config), state, deepFreeze(input))
        }
      }),
      { numRuns: 10, seed: 12 },
    )
  })

  it('a state can be cloned at any time and goes on as if nothing had happened', () => {
    fc.assert(
      fc.property(actions, fc.nat(400), (schedule, cut) => {
        for (const { start, inputs, effects } of record(schedule)) {
          let state = structuredClone(start)
          for (const [i, { config, input }] of inputs.entries()) {
            if (i % (cut + 1) === cut) state = structuredClone(state)
            expect(step(config, state, input)).toEqual(effects[i])
          }
        }
      }),
      { numRuns: 10, seed: 13 },
    )
  })

  it('what is unknown, stale or foreign leaves the state as it is', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    const before = structuredClone(lab.node('a').state)
    const nothing: readonly Part[] = [
      { kind: 'ack', round: 10_000, grant: '9.9', renewed: true },
      { kind: 'releaseAck', election: 'nobody knows', term: 3 },
      { kind: 'contendAck', election: 'nobody knows', contending: true },
      { kind: 'bindAck', election: 'nobody knows', term: 3, grant: '1.1', knownTerm: 3 },
      { kind: 'preVoteReply', election: 'e', nonce: 77, refusal: null, knownTerm: 1, leader: null },
      { kind: 'floorReply', nonce: 1, recovering: false, together: false, term: 99 },
      { kind: 'deathNotice', process: 'b', storageId: 'disk-b', incarnation: 1, key: '' },
    ]
    const said = lab.sent.length
    say(lab, 'b', 'a', ...nothing)
    for (const frame of [
      { from: 'a', fromIncarnation: 1, toIncarnation: 1 },
      { from: 'b', fromIncarnation: 0, toIncarnation: 1 },
      { from: 'b', fromIncarnation: 1, toIncarnation: 7 },
    ]) {
      lab.act('a', { type: 'frame', ...frame, parts: [{ kind: 'sessionEnd' }] })
    }
    lab.act('a', { type: 'campaign', election: 'nobody knows' })
    lab.act('a', { type: 'freeze', election: 'nobody knows', reason: 'stopped' })
    lab.act('a', { type: 'closed', peer: 'b', incarnation: 9 })
    lab.act('a', { type: 'closed', peer: 'nobody', incarnation: 1 })
    lab.act('a', { type: 'persisted', version: 0 })
    expect(lab.node('a').state).toEqual(before)
    expect(lab.sent).toHaveLength(said)
  })

  it('time never runs backwards, and a write that was never asked for was never done', () => {
    const lab = quiet('abc')
    elect(lab, 'a', 'b')
    keep(lab, 500, 'a-b')
    const { config, state } = lab.node('a')
    const { now, decided } = state
    step(config, state, { type: 'tick', now: now - 400 })
    expect(state.now).toBe(now)
    step(config, state, { type: 'persisted', now, version: decided + 50 })
    expect(state.written).toBe(decided)
  })
})

describe('the core never throws', () => {
  for (const [name, make] of Object.entries(STATES)) {
    it(`${name}: any parts of any peer, and the state stays sane`, () => {
      const frames = fc.array(
        fc.record({
          from: ids,
          life: fc.constantFrom(1, 1, 1, 1, 2),
          parts: fc.array(anyPart, { minLength: 1, maxLength: 5 }),
          wait: fc.constantFrom(0, 0, 0, 30, 100, 500, 1000),
        }),
        { minLength: 1, maxLength: 25 },
      )
      const lab = make()
      talk(lab, 'x', 'y')
      const { config, state: start } = lab.node('a')
      fc.assert(
        fc.property(frames, (shots) => {
          const state = structuredClone(start)
          let { now } = state
          for (const { from, life, parts, wait } of shots) {
            now += wait
            const toIncarnation = config.incarnation
            step(config, state, { type: 'frame', now, from, fromIncarnation: life, toIncarnation, parts })
            expectSane(config, state)
            if (wait >= 100) step(config, state, { type: 'tick', now })
            if (wait === 30) step(config, state, { type: 'persisted', now, version: state.decided })
          }
          expectSane(config, state)
        }),
        { numRuns: Number(process.env['FUZZ_RUNS'] ?? 60), seed: 14 },
      )
    })
  }

  it('any parts at the start of a process, before anything was said', () => {
    const lab = new Lab(['a', 'b', 'c'])
    const { config, disk } = lab.node('a')
    fc.assert(
      fc.property(fc.array(anyPart, { maxLength: 12 }), (parts) => {
        const state = createState(config, disk, { now: 0, startedAt: 0, seed: 1, wallMs: 1 })
        step(config, state, { type: 'frame', now: 1, from: 'b', fromIncarnation: 1, toIncarnation: 1, parts })
        expectSane(config, state)
      }),
      { numRuns: 100, seed: 15 },
    )
  })
})
