/**
 * Goal: each rule of a store voter by itself (R45-R48, R66-R68), so that a mutant of one rule has no other to hide behind.
 * Method: sessions, elections and observer over one register store, whose requests are applied and answered by hand.
 */
import { describe, expect, it } from 'vitest'
import { type Ack, type CoreConfig, createState, type Input, type Part, step } from '../../src/core'
import type { ProcessRecord } from '../../src/core/types'
import type { CasReadResult, CasRecord, CasWriteResult } from '../../src/ports/cas-store'
import { Absence } from '../../src/stores/absence'
import type { StoreAccess } from '../../src/stores/access'
import { type ElectionRecord, emptyElection, Keys, type SessionRecord } from '../../src/stores/records'
import { StoreElections, type Verdict, type Wish } from '../../src/stores/store-elections'
import { StoreObserver } from '../../src/stores/store-observer'
import { StoreSession } from '../../src/stores/store-session'
import { StoreVoter } from '../../src/stores/store-voter'
import { TIMING } from '../core/lab'

const keys = new Keys('c')

/** A request on its way to the store. */
interface Request {
  readonly kind: 'read' | 'write'
  readonly keys: readonly string[]
  /** The store does it; nobody hears of that yet. */
  apply(): void
  /** The answer arrives; `lost`: instead of it, word that it never will. */
  answer(lost?: 'lost'): void
}

/** One register per key; whoever asks waits until the test applies and answers. */
class Store implements StoreAccess {
  readonly records = new Map<string, CasRecord>()
  readonly waiting: Request[] = []
  private versions = 0

  read(wanted: readonly string[], done: (result: CasReadResult) => void): void {
    let result: CasReadResult = { kind: 'failed', error: new Error('lost') }
    this.waiting.push({
      kind: 'read',
      keys: wanted,
      apply: () => {
        result = { kind: 'ok', records: wanted.map((key) => this.records.get(key) ?? null) }
      },
      answer: (lost) => done(lost ? { kind: 'failed', error: new Error('lost') } : result),
    })
  }

  write(key: string, version: string | null, value: string, done: (result: CasWriteResult) => void): void {
    let result: CasWriteResult = { kind: 'ambiguous', error: new Error('lost') }
    this.waiting.push({
      kind: 'write',
      keys: [key],
      apply: () => {
        if ((this.records.get(key)?.version ?? null) === version)
          result = { kind: 'ok', version: this.put(key, value) }
        else result = { kind: 'conflict' }
      },
      answer: (lost) => done(lost ? { kind: 'ambiguous', error: new Error('lost') } : result),
    })
  }

  watch(): null {
    return null
  }

  put(key: string, value: string): string {
    this.versions += 1
    const version = `v${this.versions}`
    this.records.set(key, { version, value })
    return version
  }

  /** The oldest request that waits. */
  take(kind: Request['kind']): Request {
    const request = this.waiting.shift()
    expect(request?.kind, 'the request that waits').toBe(kind)
    return request as Request
  }

  /** Applies and answers whatever waits, until nothing does. */
  settle(): void {
    for (let request = this.waiting.shift(); request !== undefined; request = this.waiting.shift()) {
      request.apply()
      request.answer()
    }
  }

  session(process: string): SessionRecord {
    return JSON.parse(this.records.get(keys.session(process))?.value ?? 'null')
  }

  election(): ElectionRecord {
    return JSON.parse(this.records.get(keys.election('e'))?.value ?? 'null')
  }

  putSession(process: string, record: Partial<SessionRecord> = {}): void {
    const whole: SessionRecord = {
      ...{ format: 1, cluster: 'c', process, inc: 1, nonce: 'n', grant: 1, promiseMs: 1000, rho: 0, seq: 1 },
      ...{ fenced: false, changes: 0 },
      ...record,
    }
    this.put(keys.session(process), JSON.stringify(whole))
  }

  putElection(record: Partial<ElectionRecord>): void {
    this.put(keys.election('e'), JSON.stringify({ ...emptyElection('c', 'e'), ...record }))
  }
}

const held = (holder: string, more: Partial<ElectionRecord> = {}): Partial<ElectionRecord> => ({
  ...{ holder, holderInc: 1, holderGrant: 1, term: 3, released: false, led: true },
  ...more,
})

function sessionOf(store: Store, incarnation = 1) {
  const acks: Ack[] = []
  const duplicates: string[] = []
  const session = new StoreSession({
    ...{ keys, access: store, process: 'p', incarnation, nonce: 'n', rho: 0, heard: () => {} },
    answer: (ack) => acks.push(ack),
    duplicate: (detail) => duplicates.push(detail),
  })
  return { session, acks, duplicates }
}

/** A session under grant 1, credited for round 1. */
function liveSession(store = new Store()) {
  const made = sessionOf(store)
  made.session.renew({ round: 1, promiseMs: 1000 })
  store.settle()
  expect(made.acks.at(-1)).toMatchObject({ round: 1, grant: 's.1', renewed: true })
  return { store, ...made }
}

const renewed = (acks: readonly Ack[]) => acks.filter((ack) => ack.renewed).map(({ round }) => round)

describe('the own session at a store', () => {
  it('R45: an answer is credited to the round that its write carried, not to one that waits behind it', () => {
    const { store, session, acks } = liveSession()
    session.renew({ round: 2, promiseMs: 1000 })
    const write = store.take('write')
    write.apply()
    session.renew({ round: 3, promiseMs: 1000 })
    write.answer()
    expect(renewed(acks)).toEqual([1, 2])
  })

  it('R67, R27: a fence that found no session record is no other life: the next grant is above it (seed 30001535)', () => {
    const { store, session, acks, duplicates } = liveSession()
    store.records.clear()
    store.putSession('p', { nonce: '', grant: 4, fenced: true })
    session.renew({ round: 2, promiseMs: 1000 })
    store.settle()
    session.renew({ round: 3, promiseMs: 1000 })
    store.settle()
    expect(duplicates).toEqual([])
    expect(acks.at(-1)).toMatchObject({ round: 3, grant: 's.5', renewed: true })
  })

  it('R47: an ambiguous renewal is held only if the record that is read back carries it', () => {
    const { store, session, acks } = liveSession()
    session.renew({ round: 2, promiseMs: 1000 })
    store.take('write').answer('lost')
    expect(renewed(acks), 'not before it was read back').toEqual([1])
    const read = store.take('read')
    read.apply()
    read.answer()
    expect(renewed(acks), 'the record is of round 1').toEqual([1])
    const again = store.take('write')
    again.apply()
    again.answer('lost')
    store.settle()
    expect(renewed(acks), 'now it is of round 2').toContain(2)
  })

  it('R46: within a grant the D of the record never shrinks', () => {
    const { store, session } = liveSession()
    session.renew({ round: 2, promiseMs: 400 })
    store.settle()
    expect(store.session('p')).toMatchObject({ grant: 1, promiseMs: 1000, seq: 2 })
    session.renew({ round: 3, promiseMs: 3000 })
    store.settle()
    expect(store.session('p').promiseMs).toBe(3000)
  })

  it('R66: a grant that was fenced is never resumed, and the next one is above the fence', () => {
    const { store, session, acks } = liveSession()
    store.putSession('p', { grant: 5, seq: 9, fenced: true })
    session.renew({ round: 2, promiseMs: 1000 })
    store.settle()
    expect(store.session('p')).toMatchObject({ grant: 6, fenced: false, inc: 1 })
    expect(acks.filter((ack) => ack.renewed).map(({ grant }) => grant)).toEqual(['s.1', 's.6'])
  })

  it('R66: before a new grant can begin, nothing is reported under an older one any more', () => {
    const { store, session, acks } = liveSession()
    store.putSession('p', { grant: 2, seq: 9, fenced: true })
    session.renew({ round: 2, promiseMs: 1000 })
    for (const kind of ['write', 'read'] as const) {
      const request = store.take(kind)
      request.apply()
      request.answer()
    }
    expect(acks.at(-1), 'before the start was applied').toMatchObject({ grant: null, renewed: false })
  })

  it('R27, R66: a record of a later life is left alone, and this life ends', () => {
    const { store, session, acks, duplicates } = liveSession()
    store.putSession('p', { inc: 2, grant: 2 })
    session.renew({ round: 2, promiseMs: 1000 })
    store.settle()
    expect(store.session('p')).toMatchObject({ inc: 2, grant: 2, seq: 1 })
    expect(duplicates).toHaveLength(1)
    expect(renewed(acks)).toEqual([1])
  })

  it('R71: a session that ends fences itself, so that one write frees every election', () => {
    const { store, session } = liveSession()
    let done = 0
    session.end(() => {
      done += 1
    })
    store.settle()
    expect([store.session('p').fenced, store.session('p').grant, done]).toEqual([true, 2, 1])
  })
})

function observerOf(store: Store, rho = 0) {
  const clock = { now: 0 }
  const fenced: string[] = []
  const observer = new StoreObserver({
    ...{ keys, access: store, rho, maxPromiseMs: 700 },
    now: () => clock.now,
    fenced: (process) => fenced.push(process),
    raced: () => {},
  })
  const see = (process: string) => observer.see(process, store.records.get(keys.session(process)) ?? null)
  return { observer, clock, fenced, see }
}

describe('watching the sessions of others', () => {
  it('R46: a session runs out its own D after it was last seen to move, on the clock of whoever watches', () => {
    const store = new Store()
    const { observer, clock, see } = observerOf(store)
    store.putSession('q', { promiseMs: 1000 })
    clock.now = 100
    see('q')
    clock.now = 400
    see('q')
    expect(observer.runsOutAt('q'), 'seen again, not moved').toBe(1100)
    store.putSession('q', { promiseMs: 1000, seq: 2 })
    see('q')
    expect(observer.runsOutAt('q')).toBe(1400)
  })

  it('R18, R46: a watcher with a worse clock than the holder waits longer, one with a better clock does not', () => {
    const store = new Store()
    store.putSession('q', { rho: 0 })
    store.putSession('r', { rho: 0.2 })
    const { observer, see } = observerOf(store, 0.1)
    see('q')
    see('r')
    expect(observer.runsOutAt('q')).toBeCloseTo(1100, 6)
    expect(observer.runsOutAt('r')).toBe(1000)
  })

  it('R48: an absent session counts as seen now with the longest D, and frees nothing', () => {
    const { observer, clock, see } = observerOf(new Store())
    clock.now = 50
    see('q')
    expect(observer.runsOutAt('q')).toBe(750)
    const election = { ...emptyElection('c', 'e'), ...held('q') } as ElectionRecord
    expect(observer.isOver(election, null)).toBe(false)
  })

  it('R68: a binding is over iff the grant of its holder is greater, or a later life; never because it differs', () => {
    const { observer } = observerOf(new Store())
    const election = {
      ...emptyElection('c', 'e'),
      ...held('q', { holderGrant: 4, holderInc: 2 }),
    } as ElectionRecord
    const session = { format: 1, cluster: 'c', process: 'q', inc: 2, grant: 4 } as SessionRecord
    expect(observer.isOver(election, session)).toBe(false)
    expect(observer.isOver(election, { ...session, grant: 3 })).toBe(false)
    expect(observer.isOver(election, { ...session, inc: 1, grant: 3 })).toBe(false)
    expect(observer.isOver(election, { ...session, grant: 5 })).toBe(true)
    expect(observer.isOver(election, { ...session, inc: 3 })).toBe(true)
    expect(observer.isOver({ ...election, released: true }, session)).toBe(true)
  })

  it('R67: a renewal that came first makes the fence fail, and then nothing is free', () => {
    const store = new Store()
    const { observer, clock, fenced, see } = observerOf(store)
    store.putSession('q')
    const election = { ...emptyElection('c', 'e'), ...held('q') } as ElectionRecord
    see('q')
    clock.now = 999
    observer.fenceIfRunOut('q', election)
    expect(store.waiting, 'not run out yet').toHaveLength(0)
    clock.now = 1000
    observer.fenceIfRunOut('q', election)
    store.putSession('q', { seq: 2 })
    store.settle()
    expect(fenced).toEqual([])
    expect(store.session('q')).toMatchObject({ fenced: false, grant: 1 })
    expect(observer.isOver(election, observer.recordOf('q'))).toBe(false)
  })

  it('R67: the fence is above both the grant of the session and the one that the election names', () => {
    for (const [session, election] of [
      [3, 7],
      [7, 3],
    ] as const) {
      const store = new Store()
      const { observer, clock, fenced, see } = observerOf(store)
      store.putSession('q', { grant: session })
      see('q')
      clock.now = 1000
      observer.fenceIfRunOut('q', {
        ...emptyElection('c', 'e'),
        ...held('q', { holderGrant: election }),
      } as ElectionRecord)
      store.settle()
      expect(store.session('q')).toMatchObject({ grant: 8, fenced: true })
      expect(fenced).toEqual(['q'])
    }
  })
})

function electionsOf(store: Store, process = 'p', grant: number | null = 1) {
  const watching = observerOf(store)
  const violations: string[] = []
  const clock = { now: () => watching.clock.now, wall: () => 0 }
  const absence = new Absence({ durability: 'survives', clock, maxPromiseMs: 700, campaignMs: 300, rho: 0 })
  const elections = new StoreElections({
    ...{ keys, access: store, observer: watching.observer, absence, process, incarnation: 1 },
    lost: () => {},
    grant: () => grant,
    heard: () => {},
    violation: (_election, detail) => violations.push(detail),
    changed: () => {},
  })
  const verdicts: (Verdict | null)[] = []
  const ask = (wish: Wish) => elections.ask('e', wish, (verdict) => verdicts.push(verdict))
  return { ...watching, ask, verdicts, violations }
}

const takeOf = (term: number): Wish => ({ kind: 'take', term, certificate: null })

describe('the election records of a store', () => {
  it('R7, R67: an election is not taken from a holder whose session stands unfenced, whether or not it ran out', () => {
    const store = new Store()
    store.putSession('q')
    store.putElection(held('q'))
    const { ask, verdicts, clock } = electionsOf(store)
    ask(takeOf(9))
    store.settle()
    expect(verdicts.at(-1)).toMatchObject({ grant: null, refusal: 'bound' })
    clock.now = 5000
    ask(takeOf(9))
    const read = store.take('read')
    read.apply()
    read.answer()
    expect(verdicts.at(-1), 'run out, and not fenced yet').toMatchObject({ grant: null, refusal: 'bound' })
    expect(store.election()).toMatchObject({ holder: 'q', term: 3 })
    store.settle()
    expect(store.session('q').fenced).toBe(true)
    ask(takeOf(9))
    store.settle()
    expect(store.election()).toMatchObject({ holder: 'p', term: 9, holderGrant: 1 })
  })

  it('R68: the session that is judged is that of the holder that the same reading shows', () => {
    const store = new Store()
    store.putSession('q', { grant: 2 })
    store.putElection(held('q'))
    const { ask, verdicts } = electionsOf(store)
    ask({ kind: 'preVote', term: 9 })
    store.settle()
    expect(verdicts.at(-1), 'q was fenced').toMatchObject({ refusal: null })
    store.putSession('r', { grant: 1 })
    store.putElection(held('r', { term: 4 }))
    ask(takeOf(9))
    store.settle()
    expect(verdicts.at(-1), 'but it is of r by now').toMatchObject({ grant: null, refusal: 'bound' })
  })

  it('R47: an ambiguous take is held only if the record says so', () => {
    const store = new Store()
    const { ask, verdicts } = electionsOf(store)
    ask(takeOf(1))
    const read = store.take('read')
    read.apply()
    read.answer()
    store.take('write').answer('lost')
    store.putSession('q')
    store.putElection(held('q', { term: 1 }))
    store.settle()
    expect(verdicts).toHaveLength(1)
    expect(verdicts[0]?.grant ?? null).toBeNull()

    const other = new Store()
    const second = electionsOf(other)
    second.ask(takeOf(1))
    const first = other.take('read')
    first.apply()
    first.answer()
    const write = other.take('write')
    write.apply()
    write.answer('lost')
    other.settle()
    expect(second.verdicts).toMatchObject([{ grant: 1, refusal: null }])
  })

  it('R68: a release that finds a take of its own unresolved writes anyway, so that the late take fails', () => {
    const store = new Store()
    const { ask } = electionsOf(store)
    ask(takeOf(1))
    const read = store.take('read')
    read.apply()
    read.answer()
    const late = store.take('write')
    late.answer('lost')
    const again = store.take('read')
    again.answer('lost')
    ask({ kind: 'release', term: 1, successor: null })
    store.settle()
    late.apply()
    expect(store.election().holder, 'the late take found another version').toBeNull()
    expect(store.election().term, 'and the renounced term is known').toBe(1)
  })

  it('R63: a release frees the record of its own life up to its term, and no other', () => {
    for (const [record, free] of [
      [held('p', { term: 3 }), true],
      [held('p', { term: 4 }), false],
      [held('p', { holderInc: 2 }), false],
      [held('q'), false],
    ] as const) {
      const store = new Store()
      store.putSession('p')
      store.putSession('q')
      store.putElection(record)
      electionsOf(store).ask({ kind: 'release', term: 3, successor: null })
      store.settle()
      expect([store.election().released, store.election().holder]).toEqual([free, record.holder])
    }
  })

  it('R6: a record that another announced leader of the same term holds is not bound over, and that is reported', () => {
    const store = new Store()
    store.putSession('q')
    store.putElection(held('q', { term: 3, led: true }))
    const { ask, verdicts, violations } = electionsOf(store)
    ask({ kind: 'bind', term: 3 })
    store.settle()
    expect(verdicts.at(-1)).toMatchObject({ grant: null })
    expect(store.election().holder).toBe('q')
    expect(violations).toHaveLength(1)
  })

  it('R21: a certificate voids exactly the binding of that life up to its term', () => {
    const certificate = { leader: 'q', storageId: 'q', incarnation: 1, term: 3 }
    for (const [record, taken] of [
      [held('q'), true],
      [held('q', { term: 4 }), false],
      [held('q', { holderInc: 2 }), false],
      [held('r'), false],
    ] as const) {
      const store = new Store()
      for (const id of 'qr') store.putSession(id, { inc: record.holderInc ?? 1 })
      store.putElection(record)
      electionsOf(store).ask({ kind: 'take', term: 9, certificate })
      store.settle()
      expect(store.election().holder === 'p').toBe(taken)
    }
  })
})

describe('records that are gone', () => {
  it('R48: an election whose record is lost is not taken before the longest promise is over, and goes on above its last term', () => {
    const store = new Store()
    store.putElection(held('q', { term: 6, released: true }))
    const { ask, verdicts, clock } = electionsOf(store)
    ask({ kind: 'preVote', term: 9 })
    store.settle()
    expect(verdicts.at(-1)).toMatchObject({ refusal: null })
    store.records.clear()
    clock.now = 100
    ask(takeOf(7))
    store.settle()
    expect(verdicts.at(-1)).toMatchObject({ grant: null, refusal: 'recovering', record: { term: 6 } })
    clock.now = 1099
    ask(takeOf(7))
    store.settle()
    expect(verdicts.at(-1)).toMatchObject({ refusal: 'recovering' })
    clock.now = 1100
    ask(takeOf(6))
    ask(takeOf(7))
    store.settle()
    expect(verdicts.slice(-2)).toMatchObject([{ refusal: 'term' }, { refusal: null, grant: 1 }])
    expect(store.election()).toMatchObject({ holder: 'p', term: 7 })
  })

  it('R48, R68: a record that only a touch made frees nobody: it is waited for like one that is gone (seed 20001279)', () => {
    const store = new Store()
    store.putSession('q')
    store.putElection(held('q'))
    const { ask, verdicts, clock } = electionsOf(store)
    ask(takeOf(9))
    store.settle()
    store.records.delete(keys.election('e'))
    store.putElection({ holder: null, released: true, term: 4 })
    clock.now = 5000
    ask(takeOf(9))
    store.settle()
    expect(store.election()).toMatchObject({ holder: null })
    clock.now = 5999
    ask(takeOf(9))
    store.settle()
    clock.now = 6000
    ask(takeOf(9))
    store.settle()
    expect(verdicts.slice(1)).toMatchObject([
      { refusal: 'recovering' },
      { refusal: 'recovering' },
      { refusal: null },
    ])
    expect(store.election()).toMatchObject({ holder: 'p', term: 9 })
  })

  it('R28, R48: at a volatile store terms begin above the wall clock, after the wait', () => {
    const clock = { now: () => 500, wall: () => 9_000.5 }
    const absence = new Absence({ durability: 'volatile', clock, maxPromiseMs: 700, campaignMs: 300, rho: 0 })
    expect(absence.missing('e').term).toBe(9000)
    expect(absence.endsAt('e')).toBe(1500)
    absence.found('e', 9_400)
    expect(absence.missing('e'), 'and never below what was seen').toMatchObject({ term: 9400, lost: true })
  })
})

describe('a process whose voters are stores', () => {
  it('R66: what a store promised under an older grant counts no more when a newer one begins', () => {
    const timing = { ...TIMING, promiseMs: 1000 }
    const config: CoreConfig = {
      ...{ self: 'p', incarnation: 1, storageId: 'p', timing, preVote: false, succession: false },
      ...{ maxElections: 9, ephemeral: false },
      cluster: { term: 0, version: 1, termFloor: 0, voters: [{ id: 's', kind: 'store' }] },
    }
    const record: ProcessRecord = {
      ...{ format: 1, clusterId: 'c', nodeId: 'p', storageId: 'p', incarnation: 0, config: config.cluster },
      ...{ maxPromiseMs: 0, cleanNoPromise: true, pins: {} },
    }
    const durable = { process: record, terms: new Map() }
    const state = createState(config, durable, { now: 0, startedAt: 0, seed: 1, wallMs: 0 })
    let now = 0
    const act = (input: object) => step(config, state, { ...input, now } as Input)
    const say = (...said: readonly Part[]) =>
      act({ type: 'frame', from: 's', fromIncarnation: 1, toIncarnation: 1, parts: said })
    act({
      ...{ type: 'connected', peer: 's', incarnation: 1, storageId: 's', rho: 0, deltaMs: 0, sentAt: 0 },
    })
    act({ type: 'contend', election: 'e', contending: true, priority: 0 })
    act({ type: 'campaign', election: 'e' })
    const { term = 0, nonce = 0 } = state.elections.get('e')?.campaign ?? {}
    const { round } = state
    say(
      { kind: 'ack', round, grant: 's.1', renewed: true },
      {
        kind: 'voteReply',
        election: 'e',
        term,
        nonce,
        grant: 's.1',
        refusal: null,
        knownTerm: term,
        leader: null,
      },
    )
    expect(state.elections.get('e')?.lead?.term, 'it leads').toBe(term)
    now = 100
    const effects = say({ kind: 'ack', round, grant: null, renewed: false })
    expect(
      effects.map(({ type }) => type),
      'the store has ended its word',
    ).toContain('revoked')
  })
})

describe('a whole store voter', () => {
  it('R46: run-out is counted from the receipt of an answer, not from when it was asked for', () => {
    const store = new Store()
    store.putSession('q')
    store.putElection(held('q'))
    const timers = new Map<object, { at: number; run: () => void }>()
    const clock = {
      reading: 0,
      now: () => clock.reading,
      wall: () => 0,
      setTimer: (at: number, run: () => void) => {
        const handle = {}
        timers.set(handle, { at, run })
        return handle
      },
      clearTimer: (handle: object) => {
        timers.delete(handle)
      },
    }
    /** Time passes, timers fire, everything is answered at once. */
    const runTo = (end: number) => {
      for (;;) {
        const [next] = [...timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)
        if (next === undefined) break
        timers.delete(next[0])
        clock.reading = Math.max(clock.reading, next[1].at)
        next[1].run()
        store.settle()
      }
      clock.reading = end
    }
    const voter = new StoreVoter({
      ...{
        access: store,
        clock,
        clusterId: 'c',
        process: 'p',
        incarnation: 1,
        nonce: 'n',
        rho: 0,
        maxPromiseMs: 1000,
        campaignMs: 300,
        durability: 'survives',
      },
      pollMs: 100,
      listsContenders: false,
      host: { connected() {}, received() {}, troubled() {}, violation() {}, duplicate() {} },
    })
    voter.start()
    store.settle()
    voter.send([{ kind: 'contend', election: 'e', contending: true, priority: 0 }])
    // whatever is asked before the session of q is answered at once
    let slow: Request | undefined
    for (let tries = 0; tries < 20 && slow === undefined; tries++) {
      const request = store.waiting.shift()
      if (request === undefined) {
        const [next] = [...timers].sort(([, a], [, b]) => a.at - b.at)
        if (next === undefined) break
        timers.delete(next[0])
        clock.reading = Math.max(clock.reading, next[1].at)
        next[1].run()
      } else if (request.keys.includes(keys.session('q'))) {
        slow = request
      } else {
        request.apply()
        request.answer()
      }
    }
    // the reading that first shows the session of q takes 800 ms
    const asked = clock.reading
    clock.reading = asked + 400
    slow?.apply()
    clock.reading = asked + 800
    slow?.answer()
    store.settle()
    runTo(asked + 1750)
    expect(store.session('q').fenced, 'seen 950 ms ago').toBe(false)
    runTo(asked + 2000)
    expect(store.session('q').fenced).toBe(true)
  })
})
