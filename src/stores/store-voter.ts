/**
 * A voter that is a set of records in a compare-and-set store (PROTOCOL, "Store voters").
 *
 * To the core of its process it looks like any other voter: it is handed parts (heartbeats, pre-votes, vote requests,
 * announcements, releases) and answers with parts. Behind that, a heartbeat is a compare-and-set on the own session
 * record, a vote a compare-and-set on the election's record. It also watches the holders of the elections that its process
 * contends in, fences sessions that have run out, and tells the core who leads and what is free (`notice`), because a
 * process that only knows stores has no slot of its own.
 * Must not: judge by any clock but this process's own; retry before the next heartbeat; throw.
 * Read next: `store-session.ts`, `store-elections.ts`, `store-observer.ts`.
 */
import type { Part } from '../core/messages'
import type { CasRecord, CasWatch } from '../ports/cas-store'
import type { Clock, TimerHandle } from '../ports/clock'
import type { StoreAccess } from './access'
import { type ElectionRecord, Keys, readElection } from './records'
import { StoreElections, type Verdict } from './store-elections'
import { StoreObserver } from './store-observer'
import { nameOf, StoreSession } from './store-session'

export interface StoreVoterOptions {
  readonly access: StoreAccess
  readonly clock: Pick<Clock, 'now' | 'setTimer' | 'clearTimer'>
  readonly clusterId: string
  /** Id of the process at the store; contains 128 random bits where nothing is durable (R49). */
  readonly process: string
  readonly incarnation: number
  readonly rho: number
  /** D that an absent session record counts with (R48). */
  readonly maxPromiseMs: number
  /** How often the holders' sessions are read while contending, ms; about the renewal interval. */
  readonly pollMs: number
  readonly host: StoreVoterHost
}

/** What the store voter tells its process. Called serially, never from inside a call of the process. */
export interface StoreVoterHost {
  /** The store has answered: it can be asked. `sentAt`: own clock before the request. */
  connected(sentAt: number): void
  received(parts: readonly Part[]): void
  /** Something failed; for logs and counters. */
  troubled(error: Error): void
  violation(election: string, detail: string): void
  duplicate(detail: string): void
}

/** Elections read in one poll at most; the rest follows in the next (R70). */
const READ_LIMIT = 500

export class StoreVoter {
  private readonly keys: Keys
  private readonly session: StoreSession
  private readonly elections: StoreElections
  private readonly observer: StoreObserver
  /** Elections contended in -> what was last told to the core. */
  private readonly interests = new Map<string, { record: ElectionRecord | null; told: string }>()
  private readonly dirty = new Set<string>()
  private readonly seenChanges = new Map<string, number>()
  private readonly parked = new Map<string, Part & { kind: 'preVote' }>()
  private watch: CasWatch | null = null
  private timer: TimerHandle | null = null
  private polling = false
  private pollAgain = false
  private stopped = false
  private up = false

  constructor(private readonly options: StoreVoterOptions) {
    const { access, clusterId, process, incarnation, rho, clock, maxPromiseMs, host } = options
    this.keys = new Keys(clusterId)
    const heard = (error: Error | null) => {
      if (error !== null) host.troubled(error)
    }
    this.observer = new StoreObserver({
      keys: this.keys,
      access,
      now: () => clock.now(),
      rho,
      maxPromiseMs,
      fenced: (holder) => this.holderGone(holder),
    })
    this.session = new StoreSession({
      keys: this.keys,
      access,
      process,
      incarnation,
      rho,
      answer: (ack) => this.tell([ack]),
      heard,
      duplicate: (detail) => host.duplicate(detail),
    })
    this.elections = new StoreElections({
      keys: this.keys,
      access,
      observer: this.observer,
      process,
      incarnation,
      grant: () => this.session.grant,
      heard,
      violation: (election, detail) => host.violation(election, detail),
      changed: (released) => this.session.noteChange(released),
    })
  }

  /** Makes the first contact and goes on watching until `stop`. */
  start(): void {
    this.watch = this.options.access.watch(this.keys.root, () => this.poll())
    this.poll()
  }

  /** Ends the own session (if it was renounced) and everything else. */
  stop(done: () => void): void {
    if (this.stopped) {
      done()
      return
    }
    this.stopped = true
    this.watch?.stop()
    if (this.timer !== null) this.options.clock.clearTimer(this.timer)
    this.session.end(done)
  }

  /** Forgets everything at once, as a crash does; for simulations. */
  crash(): void {
    this.stopped = true
    this.watch?.stop()
    if (this.timer !== null) this.options.clock.clearTimer(this.timer)
  }

  /** Parts of the core for this voter, in order. */
  send(parts: readonly Part[]): void {
    if (this.stopped) return
    for (const part of parts) this.take(part)
  }

  private take(part: Part): void {
    switch (part.kind) {
      case 'heartbeat':
        if (!part.probe) this.session.renew({ round: part.round, promiseMs: part.promiseMs })
        else this.probe(part.round)
        return
      case 'preVote':
        this.elections.ask(part.election, part, (verdict) => this.answerPreVote(part, verdict))
        return
      case 'requestVote':
        this.elections.ask(part.election, { ...part, kind: 'take' }, (verdict) =>
          this.answerVote(part, verdict),
        )
        return
      case 'bind':
        this.elections.ask(part.election, part, (verdict) => this.answerBind(part, verdict))
        return
      case 'release':
        this.elections.ask(part.election, part, (verdict) => {
          if (verdict === null) return
          this.note(verdict.record)
          this.tell([{ kind: 'releaseAck', election: part.election, term: part.term }])
        })
        return
      case 'contend':
        if (part.contending) this.interest(part.election)
        else this.interests.delete(part.election)
        this.tell([{ kind: 'contendAck', election: part.election, contending: part.contending }])
        return
      case 'readTerm':
        this.readTerm(part.election, part.nonce)
        return
      default:
        return
    }
  }

  /** R64: an answer without a renewal; a plain read proves the way there and back. */
  private probe(round: number): void {
    this.options.access.read([this.keys.session(this.options.process)], (result) => {
      if (result.kind === 'failed') this.options.host.troubled(result.error)
      else {
        const grant = this.session.grant
        this.tell([{ kind: 'ack', round, grant: grant === null ? null : nameOf(grant), renewed: false }])
      }
    })
  }

  private answerPreVote(part: Part & { kind: 'preVote' }, verdict: Verdict | null): void {
    if (verdict === null) return
    this.note(verdict.record)
    const { record, refusal } = verdict
    if (refusal === 'bound') this.parked.set(part.election, part)
    else this.parked.delete(part.election)
    this.tell([
      {
        kind: 'preVoteReply',
        election: part.election,
        nonce: part.nonce,
        refusal,
        knownTerm: record.term,
        leader: refusal === 'bound' ? record.holder : null,
      },
    ])
  }

  private answerVote(part: Part & { kind: 'requestVote' }, verdict: Verdict | null): void {
    if (verdict === null) return
    this.note(verdict.record)
    const { record, refusal, grant } = verdict
    this.tell([
      {
        kind: 'voteReply',
        election: part.election,
        term: part.term,
        nonce: part.nonce,
        grant: refusal === null && grant !== null ? nameOf(grant) : null,
        refusal,
        knownTerm: record.term,
        leader: refusal === 'bound' ? record.holder : null,
      },
    ])
  }

  private answerBind(part: Part & { kind: 'bind' }, verdict: Verdict | null): void {
    if (verdict === null) return
    this.note(verdict.record)
    const { record, refusal, grant } = verdict
    this.tell([
      {
        kind: 'bindAck',
        election: part.election,
        term: part.term,
        grant: refusal === null && grant !== null ? nameOf(grant) : null,
        knownTerm: record.term,
      },
    ])
  }

  private readTerm(election: string, nonce: number): void {
    this.options.access.read([this.keys.election(election)], (result) => {
      if (result.kind === 'failed') return
      const record = this.parse(result.records[0] ?? null)
      if (record === undefined) return
      this.tell([{ kind: 'readTermReply', election, nonce, term: record?.term ?? 0 }])
    })
  }

  private tell(parts: readonly Part[]): void {
    if (!this.stopped) this.options.host.received(parts)
  }

  // --- watching ---------------------------------------------------------------------------------------------------

  private interest(election: string): void {
    if (this.interests.has(election)) return
    this.interests.set(election, { record: null, told: '' })
    this.dirty.add(election)
    this.poll()
  }

  /** One read: what may have changed of the elections, then the sessions of their holders (R46, R68). */
  private poll(): void {
    if (this.stopped) return
    if (this.polling) {
      this.pollAgain = true
      return
    }
    this.polling = true
    const { access, clock, host } = this.options
    const elections = [...this.interests.keys()].filter((name) => this.isOpen(name)).slice(0, READ_LIMIT)
    const holders = this.holders()
    const sentAt = clock.now()
    const keys = [
      ...elections.map((name) => this.keys.election(name)),
      ...holders.map((process) => this.keys.session(process)),
    ]
    if (keys.length === 0) keys.push(this.keys.session(this.options.process))
    access.read(keys, (result) => {
      this.polling = false
      if (this.stopped) return
      if (result.kind === 'failed') host.troubled(result.error)
      else {
        if (!this.up) {
          this.up = true
          host.connected(sentAt)
        }
        this.digest(elections, holders, result.records)
      }
      this.schedule()
    })
  }

  /** Needs reading: free as far as known, or its holder changed something since. */
  private isOpen(name: string): boolean {
    const record = this.interests.get(name)?.record ?? null
    return record === null || record.holder === null || record.released || this.dirty.has(name)
  }

  private holders(): string[] {
    const holders = new Set<string>()
    for (const { record } of this.interests.values()) {
      if (record?.holder != null && !record.released) holders.add(record.holder)
    }
    holders.delete(this.options.process)
    return [...holders]
  }

  private digest(
    elections: readonly string[],
    holders: readonly string[],
    records: readonly (CasRecord | null)[],
  ): void {
    elections.forEach((name, i) => {
      const found = this.parse(records[i] ?? null)
      if (found === undefined) return
      this.dirty.delete(name)
      if (found !== null) this.note(found)
      else this.announce(name, null)
    })
    holders.forEach((process, i) => {
      try {
        const session = this.observer.see(process, records[elections.length + i] ?? null)
        if (session !== null && this.seenChanges.get(process) !== session.changes) {
          this.seenChanges.set(process, session.changes)
          this.markDirty(process)
        }
      } catch (error) {
        this.options.host.troubled(error as Error)
      }
    })
    for (const [name, { record }] of this.interests) {
      if (record?.holder == null || record.released || record.holder === this.options.process) continue
      if (this.observer.isOver(record, this.observer.recordOf(record.holder))) this.announce(name, record)
      else this.observer.fenceIfRunOut(record.holder, record)
    }
  }

  private parse(found: CasRecord | null): ElectionRecord | null | undefined {
    if (found === null) return null
    try {
      return readElection(this.keys.cluster, found.value)
    } catch (error) {
      this.options.host.troubled(error as Error)
      return undefined
    }
  }

  private markDirty(process: string): void {
    for (const [name, { record }] of this.interests) if (record?.holder === process) this.dirty.add(name)
    if (this.dirty.size > 0) this.pollAgain = true
  }

  private holderGone(process: string): void {
    for (const [name, { record }] of this.interests) {
      if (record?.holder === process) this.announce(name, record)
    }
  }

  /** Takes note of an election's record, and tells the core if that changed what it should know. */
  private note(record: ElectionRecord): void {
    const interest = this.interests.get(record.election)
    if (interest === undefined) return
    interest.record = record
    this.announce(record.election, record)
  }

  private announce(name: string, record: ElectionRecord | null): void {
    const interest = this.interests.get(name)
    if (interest === undefined) return
    const { process } = this.options
    const holder = record?.holder ?? null
    const session = holder === null ? null : this.observer.recordOf(holder)
    const free = record === null || (holder !== process && this.observer.isOver(record, session))
    const leader = !free && record?.led === true ? holder : null
    const told = `${free} ${leader} ${record?.term ?? 0} ${record?.successor ?? ''}`
    if (interest.told !== told) {
      interest.told = told
      this.tell([
        {
          kind: 'notice',
          election: name,
          knownTerm: record?.term ?? 0,
          leader,
          free,
          successor: record?.successor ?? null,
        },
      ])
    }
    const waiting = this.parked.get(name)
    if (free && waiting !== undefined) {
      this.parked.delete(name)
      this.take(waiting)
    }
  }

  /** Next poll: at once if something is known to have changed, else when a session may run out, else after `pollMs`. */
  private schedule(): void {
    const { clock, pollMs } = this.options
    if (this.timer !== null) clock.clearTimer(this.timer)
    let at = clock.now() + pollMs
    if (this.pollAgain) at = clock.now()
    else
      for (const process of this.holders())
        at = Math.min(at, Math.max(clock.now() + 1, this.observer.runsOutAt(process)))
    this.pollAgain = false
    this.timer = clock.setTimer(at, () => {
      this.timer = null
      this.poll()
    })
  }
}
