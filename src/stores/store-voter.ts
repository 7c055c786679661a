/**
 * A voter that is a set of records in a compare-and-set store (PROTOCOL, "Store voters").
 *
 * To the core of its process it looks like any other voter: it is handed parts (heartbeats, pre-votes, vote requests,
 * announcements, releases) and answers with parts. Behind that, a heartbeat is a compare-and-set on the own session
 * record, a vote a compare-and-set on the election's record.
 * Must not: judge by any clock but this process's own; retry before the next heartbeat; throw.
 * Read next: `store-session.ts`, `store-elections.ts`, `store-watch.ts`.
 */
import type { Part } from '../core/messages'
import type { StoreDurability } from '../ports/cas-store'
import type { TimerHandle } from '../ports/clock'
import type { LedTerm, VoterLink, VoterLinkStats, VoterSetup } from '../ports/voter-store'
import { Absence } from './absence'
import type { StoreAccess } from './access'
import { type MeasuredAccess, measured } from './measured'
import { Keys } from './records'
import { StoreElections, type Verdict } from './store-elections'
import { StoreHistory } from './store-history'
import { StoreObserver } from './store-observer'
import { StoreRoster } from './store-roster'
import { nameOf, StoreSession } from './store-session'
import { StoreWatch } from './store-watch'

/** The life of a process at a store, and the way to it. */
export interface StoreVoterOptions extends VoterSetup {
  readonly access: StoreAccess
  readonly durability: StoreDurability
  /** Makes the store usable (tables); repeated until it succeeds. */
  readonly prepare?: (done: (error: Error | null) => void) => void
}

/** One process's link to one store. */
export class StoreVoter implements VoterLink {
  private readonly access: MeasuredAccess
  private readonly session: StoreSession
  private readonly elections: StoreElections
  private readonly observer: StoreObserver
  private readonly watch: StoreWatch
  private readonly roster: StoreRoster | null
  private readonly history: StoreHistory
  /** Pre-votes that wait for a binding to end (R56). */
  private readonly parked = new Map<string, Part & { kind: 'preVote' }>()
  private retry: TimerHandle | null = null
  private ending: 'no' | 'fencing' | 'fenced' = 'no'
  private whenFenced: (() => void)[] = []
  private isUp = false
  private stopped = false

  constructor(private readonly options: StoreVoterOptions) {
    const { clusterId, process, incarnation, nonce, rho, clock, maxPromiseMs, pollMs, durability, host } =
      options
    const access = measured(options.access, clock)
    const keys = new Keys(clusterId)
    const absence = new Absence({ ...options, durability })
    const troubled = (error: Error): void => {
      access.noteError(error)
      if (!this.stopped) host.troubled(error)
    }
    const heard = (error: Error | null): void => {
      if (error !== null) troubled(error)
    }
    const shared = { keys, access, process, incarnation, rho, heard }
    this.access = access
    this.observer = new StoreObserver({
      ...shared,
      now: () => clock.now(),
      maxPromiseMs,
      fenced: (holder) => this.watch.holderGone(holder),
      raced: () => this.watch.poll(),
    })
    this.session = new StoreSession({
      ...shared,
      nonce,
      answer: (ack) => this.tell([ack]),
      duplicate: (detail) => host.duplicate(detail),
    })
    this.elections = new StoreElections({
      ...shared,
      observer: this.observer,
      absence,
      grant: () => this.session.grant,
      violation: (election, detail) => host.violation(election, detail),
      lost: (election) => troubled(new Error(`the store has forgotten election ${JSON.stringify(election)}`)),
      changed: (released) => this.session.noteChange(released),
    })
    this.history = new StoreHistory({ keys, access, clock, pollMs, troubled })
    this.roster = options.listsContenders
      ? new StoreRoster({ ...shared, clock, pollMs, troubled, tell: (part) => this.tell([part]) })
      : null
    this.watch = new StoreWatch({
      ...shared,
      roster: this.roster,
      clock,
      observer: this.observer,
      absence,
      pollMs,
      isVolatile: durability === 'volatile',
      grant: () => this.session.grant,
      polled: (sentAt, probes) => this.polled(sentAt, probes),
      troubled,
      tell: (notice) => this.tell([notice]),
      freed: (election) => this.answerParked(election),
      bereft: () => this.session.abandon(),
    })
  }

  start(): void {
    const { prepare, clock, pollMs, host } = this.options
    if (this.stopped) return
    if (prepare === undefined) return this.watch.start()
    prepare((error) => {
      if (this.stopped) return
      if (error === null) return this.watch.start()
      this.access.noteError(error)
      host.troubled(error)
      this.retry = clock.setTimer(clock.now() + pollMs, () => this.start())
    })
  }

  stop(done: () => void): void {
    const finish = (): void =>
      this.history.finish(() => {
        this.crash()
        done()
      })
    if (this.ending === 'fencing') this.whenFenced.push(finish)
    else finish()
  }

  crash(): void {
    this.stopped = true
    this.history.crash()
    this.watch.stop()
    if (this.retry !== null) this.options.clock.clearTimer(this.retry)
  }

  stats(): VoterLinkStats {
    return this.access.stats()
  }

  send(parts: readonly Part[]): void {
    if (this.stopped || this.ending !== 'no') return
    for (const part of parts) this.take(part)
  }

  remember(led: LedTerm): void {
    if (!this.stopped) this.history.remember(led)
  }

  private take(part: Part): void {
    switch (part.kind) {
      case 'heartbeat':
        if (part.probe) this.watch.probe(part.round)
        else this.session.renew({ round: part.round, promiseMs: part.promiseMs })
        return
      case 'preVote':
        this.elections.ask(part.election, part, (verdict) => this.answerPreVote(part, verdict))
        return
      case 'requestVote':
        // its heartbeat came just before it: the session that it starts is needed for the vote
        this.session.settled(() =>
          this.elections.ask(part.election, { ...part, kind: 'take' }, (verdict) =>
            this.answerVote(part, verdict),
          ),
        )
        return
      case 'bind':
        this.elections.ask(part.election, part, (verdict) => this.answerBind(part, verdict))
        return
      case 'release':
        this.elections.ask(part.election, part, (verdict) => {
          if (verdict === null) return
          this.watch.note(verdict.record)
          this.tell([{ kind: 'releaseAck', election: part.election, term: part.term }])
        })
        return
      case 'contend':
        // also who does not contend wants to know who leads
        this.watch.add(part.election)
        if (this.roster?.contend(part) === true) this.watch.poll()
        this.tell([{ kind: 'contendAck', election: part.election, contending: part.contending }])
        return
      case 'pause':
        return this.pause(part)
      case 'readTerm':
        return this.readTerm(part.election, part.nonce)
      case 'deathNotice':
        return this.fenceDead(part)
      case 'sessionEnd':
        return this.endSession()
      default:
        return
    }
  }

  /** R80: the word goes into the election's record; what stands there is the answer. */
  private pause({ kind: _, election, ...pause }: Part & { kind: 'pause' }): void {
    this.elections.ask(election, { kind: 'pause', pause }, (verdict) => {
      const held = verdict?.record.pause
      if (verdict == null || held === undefined) return
      this.watch.note(verdict.record)
      this.tell([{ kind: 'pauseAck', election, ...held }])
    })
  }

  /** Peers are known by their ids; at a store their names end with that of their storage (R49). */
  private fenceDead({ process, storageId, incarnation }: Part & { kind: 'deathNotice' }): void {
    for (const name of [process, `${process}.${storageId}`]) this.observer.fenceDead(name, incarnation)
  }

  private endSession(): void {
    this.ending = 'fencing'
    this.roster?.leave()
    this.session.end(() => {
      this.ending = 'fenced'
      for (const done of this.whenFenced.splice(0)) done()
    })
  }

  /** R64: whatever the store answers proves the way there and back; it renews nothing. */
  private polled(sentAt: number, probes: readonly number[]): void {
    if (!this.isUp) {
      this.isUp = true
      if (!this.stopped) this.options.host.connected(sentAt)
    }
    const { grant } = this.session
    for (const round of probes) {
      this.tell([{ kind: 'ack', round, grant: grant === null ? null : nameOf(grant), renewed: false }])
    }
  }

  private answerPreVote(part: Part & { kind: 'preVote' }, verdict: Verdict | null): void {
    if (verdict === null) return
    const { record, refusal } = verdict
    if (refusal === 'bound') this.parked.set(part.election, part)
    else this.parked.delete(part.election)
    this.watch.note(record)
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

  private answerParked(election: string): void {
    const waiting = this.parked.get(election)
    if (waiting === undefined) return
    this.parked.delete(election)
    this.take(waiting)
  }

  private answerVote(part: Part & { kind: 'requestVote' }, verdict: Verdict | null): void {
    if (verdict === null) return
    this.watch.note(verdict.record)
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
    this.watch.note(verdict.record)
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
    this.elections.term(election, (term) => {
      if (term !== null) this.tell([{ kind: 'readTermReply', election, nonce, term }])
    })
  }

  private tell(parts: readonly Part[]): void {
    if (!this.stopped && this.ending === 'no') this.options.host.received(parts)
  }
}
