/**
 * Goal: the adversarial schedules on stores (PROTOCOL A.6, 18-22; A.9, last rows) end as the proof says. Method: store
 * voters over a store whose every call is applied and answered by hand, on a clock that is set by hand.
 */
import { describe, expect, it } from 'vitest'
import type { Part } from '../../src/core'
import type { CasReadResult, CasRecord, CasWriteResult } from '../../src/ports/cas-store'
import type { StoreAccess } from '../../src/stores/access'
import { StoreVoter } from '../../src/stores/store-voter'

const D = 1_000

interface Call {
  readonly process: string
  readonly key: string
  readonly isWrite: boolean
  /** Takes effect; once. */
  apply(): void
  /** Gives the answer of its effect, if it had one, or an ambiguous one. */
  answer(how?: 'lost'): void
}

class Hand {
  now = 0
  readonly records = new Map<string, CasRecord>()
  readonly calls: Call[] = []
  private versions = 0

  accessFor(process: string): StoreAccess {
    const lost = new Error('lost')
    const add = <T>(key: string, isWrite: boolean, effect: () => T, done: (result: T) => void, none: T) => {
      let result: T | null = null
      const call: Call = {
        process,
        key,
        isWrite,
        apply: () => {
          result ??= effect()
        },
        answer: (how) => {
          const at = this.calls.indexOf(call)
          if (at >= 0) this.calls.splice(at, 1)
          done(how === 'lost' || result === null ? none : result)
        },
      }
      this.calls.push(call)
    }
    return {
      read: (keys, done) =>
        add<CasReadResult>(
          keys.join(' '),
          false,
          () => ({ kind: 'ok', records: keys.map((key) => this.records.get(key) ?? null) }),
          done,
          { kind: 'failed', error: lost },
        ),
      write: (key, version, value, done) =>
        add<CasWriteResult>(
          key,
          true,
          () => {
            if ((this.records.get(key)?.version ?? null) !== version) return { kind: 'conflict' }
            this.versions += 1
            this.records.set(key, { version: `v${this.versions}`, value })
            return { kind: 'ok', version: `v${this.versions}` }
          },
          done,
          { kind: 'ambiguous', error: lost },
        ),
      watch: () => null,
    }
  }

  /** Applies and answers everything, in order, but what `keep` holds back. */
  flush(keep: (call: Call) => boolean = () => false): void {
    for (let i = 0; i < 200; i++) {
      const next = this.calls.find((call) => !keep(call))
      if (next === undefined) return
      next.apply()
      next.answer()
    }
    throw new Error('no end')
  }

  take(process: string, key: string): Call {
    const call = this.calls.find((one) => one.process === process && one.isWrite && one.key.includes(key))
    if (call === undefined) throw new Error(`${process} does not write ${key}`)
    return call
  }

  session(process: string) {
    return JSON.parse(this.records.get(`c/session/${process}`)?.value ?? 'null')
  }

  election() {
    return JSON.parse(this.records.get('c/election/e')?.value ?? 'null')
  }
}

/** One process's link, and what it was told. */
function voter(hand: Hand, process: string, incarnation = 1, nonce = `${process}${incarnation}`) {
  const heard: Part[] = []
  const timers: { at: number; run: () => void; live: boolean }[] = []
  const duplicates: string[] = []
  const violations: string[] = []
  const link = new StoreVoter({
    access: hand.accessFor(process),
    durability: 'survives',
    clusterId: 'c',
    process,
    incarnation,
    nonce,
    rho: 0.1,
    maxPromiseMs: D,
    campaignMs: 300,
    pollMs: 200,
    listsContenders: false,
    clock: {
      now: () => hand.now,
      wall: () => hand.now,
      setTimer: (at, run) => {
        const timer = { at, run, live: true }
        timers.push(timer)
        return timer
      },
      clearTimer: (handle) => {
        ;(handle as { live: boolean }).live = false
      },
    },
    host: {
      connected: () => undefined,
      received: (parts) => void heard.push(...parts),
      troubled: () => undefined,
      violation: (_, detail) => void violations.push(detail),
      duplicate: (detail) => void duplicates.push(detail),
    },
  })
  let round = 0
  const renew = () => {
    round += 1
    link.send([{ kind: 'heartbeat', round, promiseMs: D, probe: false, prompt: false }])
  }
  const vote = (term: number) => {
    renew()
    link.send([{ kind: 'requestVote', election: 'e', term, nonce: term, certificate: null }])
  }
  const bind = (term: number) => link.send([{ kind: 'bind', election: 'e', term }])
  const release = (term: number) => link.send([{ kind: 'release', election: 'e', term, successor: null }])
  /** Looks at the store, as its timer would. */
  const look = () => {
    for (const timer of timers.splice(0)) if (timer.live && timer.at <= hand.now) timer.run()
  }
  const last = <K extends Part['kind']>(kind: K) =>
    heard.filter((part): part is Part & { kind: K } => part.kind === kind).at(-1)
  link.start()
  link.send([{ kind: 'contend', election: 'e', contending: true, priority: 0 }])
  return { link, heard, renew, vote, bind, release, look, last, duplicates, violations }
}

/** p holds the election in term 1, announced; q watches. */
function held() {
  const hand = new Hand()
  const p = voter(hand, 'p')
  const q = voter(hand, 'q')
  hand.flush()
  p.vote(1)
  hand.flush()
  p.bind(1)
  hand.flush()
  p.renew()
  hand.flush()
  hand.now += 200
  q.look()
  hand.flush()
  q.look()
  hand.flush()
  expect(p.last('voteReply')?.grant).toBe('s.1')
  expect(hand.election()).toMatchObject({ holder: 'p', term: 1, led: true })
  return { hand, p, q }
}

describe('A.6', () => {
  it('18, R67: a fence races with a renewal, and one of the two fails: the renewal was first', () => {
    const { hand, p, q } = held()
    hand.now += D + 300
    q.look()
    const fence = (call: Call) => call.process === 'q' && call.isWrite
    hand.flush(fence)
    const pending = hand.take('q', 'session/p')
    p.renew()
    hand.flush(fence)
    pending.apply()
    pending.answer()
    hand.flush()
    expect(hand.session('p')).toMatchObject({ grant: 1, fenced: false })
    q.vote(2)
    hand.flush()
    expect(q.last('voteReply')).toMatchObject({ grant: null, refusal: 'bound' })
  })

  it('18, 21, R66, R67: the fence was first: a renewal in flight fails, and its grant is never resumed', () => {
    const { hand, p, q } = held()
    hand.now += D + 300
    p.renew()
    const renewal = hand.take('p', 'session/p')
    const keep = (call: Call) => call === renewal
    q.look()
    hand.flush(keep)
    expect(hand.session('p')).toMatchObject({ grant: 2, fenced: true })
    q.vote(2)
    hand.flush(keep)
    expect(q.last('voteReply')?.grant).toBe('s.1')
    renewal.apply()
    renewal.answer()
    hand.flush()
    // told before anything else is counted: what it had is over
    const acks = p.heard.filter((part) => part.kind === 'ack')
    expect(acks.at(-2)).toMatchObject({ grant: null, renewed: false })
    expect(hand.session('p')).toMatchObject({ grant: 3, fenced: false })
    expect(hand.election()).toMatchObject({ holder: 'q', term: 2 })
  })

  it('19, R47: the answers to renewal, take and release are lost: each is recognised as done', () => {
    const { hand, p } = held()
    p.renew()
    const renewal = hand.take('p', 'session/p')
    renewal.apply()
    renewal.answer('lost')
    hand.flush()
    expect(p.last('ack')).toMatchObject({ round: 3, grant: 's.1', renewed: true })
    p.vote(2)
    const take = () => hand.take('p', 'election/e')
    hand.flush((call) => call.isWrite && call.key.includes('election'))
    take().apply()
    take().answer('lost')
    hand.flush()
    expect(p.last('voteReply')).toMatchObject({ term: 2, grant: 's.1' })
    p.release(2)
    hand.flush((call) => call.isWrite && call.key.includes('election'))
    take().apply()
    take().answer('lost')
    hand.flush()
    expect(p.last('releaseAck')).toMatchObject({ term: 2 })
    expect(hand.election()).toMatchObject({ term: 2, released: true })
  })

  it('20, R68: a take that was sent before the holder re-bound, and is applied after, fails', () => {
    const { hand, p, q } = held()
    hand.now += D + 300
    q.look()
    hand.flush()
    expect(hand.session('p')).toMatchObject({ fenced: true })
    q.vote(2)
    const keep = (call: Call) => call.process === 'q' && call.isWrite && call.key.includes('election')
    hand.flush(keep)
    const take = hand.take('q', 'election/e')
    p.renew()
    hand.flush(keep)
    p.bind(1)
    hand.flush(keep)
    expect(hand.election()).toMatchObject({ holder: 'p', holderGrant: 3 })
    take.apply()
    take.answer()
    hand.flush()
    expect(hand.election()).toMatchObject({ holder: 'p', term: 1 })
    expect(q.last('voteReply')).toMatchObject({ grant: null, refusal: 'bound' })
  })

  it('22, R66: a write of a former life that is still in flight fails, and its binding is over', () => {
    const { hand, p } = held()
    p.renew()
    const old = hand.take('p', 'session/p')
    p.link.crash()
    const again = voter(hand, 'p', 2)
    const keep = (call: Call) => call === old
    hand.flush(keep)
    again.vote(2)
    hand.flush(keep)
    expect(again.last('voteReply')).toMatchObject({ term: 2, grant: 's.2' })
    old.apply()
    expect(hand.session('p')).toMatchObject({ inc: 2, grant: 2 })
  })
})

describe('A.9, the rules that a random walk does not reach', () => {
  it('R66: two processes of one identity on one store: the second gives way and says so', () => {
    const hand = new Hand()
    const first = voter(hand, 'p', 1, 'one')
    hand.flush()
    first.vote(1)
    hand.flush()
    const second = voter(hand, 'p', 1, 'two')
    hand.flush()
    second.vote(2)
    hand.flush()
    expect(second.duplicates).toHaveLength(1)
    expect(second.last('voteReply')).toMatchObject({ grant: null, refusal: 'session' })
    expect(hand.election()).toMatchObject({ term: 1 })
    first.renew()
    hand.flush()
    expect(first.last('ack')).toMatchObject({ grant: 's.1', renewed: true })
  })

  it('R47: a read-back credits the round of the write that it shows, however late it comes', () => {
    const { hand, p } = held()
    p.renew()
    const lost = hand.take('p', 'session/p')
    lost.apply()
    hand.now += 0.9 * D
    lost.answer('lost')
    hand.flush()
    expect(p.last('ack')).toMatchObject({ round: 3, renewed: true })
    // and one that shows an older seq credits nothing: the write may still come
    p.renew()
    const late = hand.take('p', 'session/p')
    late.answer('lost')
    const keep = (call: Call) => call.isWrite
    hand.flush(keep)
    expect(p.last('ack')).toMatchObject({ round: 3 })
    const again = hand.take('p', 'session/p')
    again.apply()
    late.apply()
    again.answer()
    hand.flush()
    expect(p.last('ack')).toMatchObject({ round: 4, grant: 's.1', renewed: true })
    expect(hand.session('p').seq).toBe(6)
  })

  it('R68: a late create on a record that was deleted and made again does not apply; nor does an old version', () => {
    const hand = new Hand()
    const p = voter(hand, 'p')
    const q = voter(hand, 'q')
    hand.flush()
    p.vote(1)
    const keep = (call: Call) => call.process === 'p' && call.isWrite && call.key.includes('election')
    hand.flush(keep)
    const create = hand.take('p', 'election/e')
    create.answer('lost')
    hand.flush(keep)
    const second = hand.take('p', 'election/e')
    q.vote(1)
    hand.flush(keep)
    expect(hand.election()).toMatchObject({ holder: 'q', term: 1 })
    create.apply()
    second.apply()
    second.answer()
    hand.flush()
    expect(hand.election()).toMatchObject({ holder: 'q', term: 1 })
    expect(p.last('voteReply')).toMatchObject({ grant: null, refusal: 'term' })
  })

  it('R68: a release with a take unresolved touches the record, so that the late take fails', () => {
    const hand = new Hand()
    const p = voter(hand, 'p')
    hand.flush()
    p.vote(1)
    const keep = (call: Call) => call.isWrite && call.key.includes('election')
    hand.flush(keep)
    // every try of the take is lost on its way
    const lost: Call[] = []
    for (let i = 0; i < 4; i++) {
      const call = hand.take('p', 'election/e')
      lost.push(call)
      call.answer('lost')
      hand.flush(keep)
    }
    expect(hand.election()).toBeNull()
    p.release(1)
    hand.flush()
    expect(hand.election()).toMatchObject({ holder: null, term: 1, released: true })
    for (const call of lost) call.apply()
    expect(hand.election()).toMatchObject({ holder: null, term: 1 })
  })

  it('R46: D never shrinks within a grant, and the D of the record is what an observer waits for', () => {
    const { hand, p, q } = held()
    p.link.send([{ kind: 'heartbeat', round: 9, promiseMs: 3 * D, probe: false, prompt: false }])
    hand.flush()
    p.link.send([{ kind: 'heartbeat', round: 10, promiseMs: D, probe: false, prompt: false }])
    hand.flush()
    expect(hand.session('p').promiseMs).toBe(3 * D)
    hand.now += 200
    q.look()
    hand.flush()
    hand.now += 2 * D
    q.look()
    hand.flush()
    expect(hand.session('p').fenced).toBe(false)
    hand.now += D + 10
    q.look()
    hand.flush()
    expect(hand.session('p').fenced).toBe(true)
  })

  it('R55: whoever knows that a process is dead fences its session without waiting, but no later life', () => {
    const { hand, q } = held()
    q.link.send([{ kind: 'deathNotice', process: 'p', storageId: '', incarnation: 0, key: '' }])
    hand.flush()
    expect(hand.session('p').fenced).toBe(false)
    q.link.send([{ kind: 'deathNotice', process: 'p', storageId: '', incarnation: 1, key: '' }])
    hand.flush()
    expect(hand.session('p')).toMatchObject({ fenced: true, grant: 2 })
  })
})
